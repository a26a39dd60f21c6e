"""A registry of entities: which names and codes are whose, in which years; and finding them in short texts.

Names are compared folded (`cipin.lexicon.fold`), so that Traditional, full-width and capital spellings need no rows of
their own, and without the legal form behind them (股份有限公司, Co., Ltd.). A name that is longer wins over one within
it. In a text a name counts only where it stands for the entity itself: not in 中国银行业, 上海银行间, 平安银行北京分行
(see `_OTHERS`), and short forms that are also parts of words (交行 in 上交行为, 浦发, ICBC) only where they are all of
a value.

A registry is a CSV file, in any encoding that `cipin.reading.encoding` reads, with a header:

    entity   the name that reports are counted under; it is one of its own names
    name     another name (or `alias`); several are several rows
    code     stock code, with its exchange where it has one: 601398.SH, 01398.HK
    from, to years in which the name was the entity's, inclusive; empty: no limit

Other columns are passed over. `机构`, `名称`, `代码`, `起`, `止` are the same in Chinese.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cipin.arguments import check_path
from cipin.errors import UsageError
from cipin.lexicon.fold import fold, fold_array
from cipin.reading.characters import code_points
from cipin.reading.encoding import decode, looks_binary

#: The registry that is shipped: Chinese banks, made by lexicons/sources/make_banks.py.
SHIPPED = "banks-cn"
#: A report of the last year of a name appears in the first of the next, and a new name stands on reports of the year
#: before: 深圳发展银行 became 平安银行 in August 2012, 吴江银行 苏农银行 in March 2019, before the report of 2018.
SLACK = 1

_COLUMNS = {
    "entity": ("entity", "机构", "機構", "银行", "bank", "公司", "company"),
    "name": ("name", "alias", "names", "aliases", "名称", "名稱", "别名", "別名", "简称", "簡稱"),
    "code": ("code", "codes", "代码", "代碼", "证券代码", "股票代码"),
    "from": ("from", "起", "起始年", "start"),
    "to": ("to", "止", "终止年", "end"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name of an entity, and the years, inclusive, in which it was; None: no limit."""

    entity: str
    name: str
    first: int | None = None
    last: int | None = None

    def held(self, year: int | None) -> bool:
        """Whether the entity had the name in `year`, give or take one; any name was had in a year unknown."""
        if year is None:
            return True
        return (self.first or 0) - SLACK <= year <= (self.last or 9999) + SLACK


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a text names an entity: text[start:end], with the legal form behind the name."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True)
class Registry:
    """Entities, their names and their codes.

    >>> registry = load_registry("banks-cn")
    >>> registry.entity_of("中國工商銀行股份有限公司"), registry.entity_of("深发展Ａ", 2010)
    ('工商银行', '平安银行')
    >>> [each.entity for each in registry.find("招商银行与中国银行业协会")]
    ['招商银行']
    """

    id: str
    names: tuple[Name, ...]
    codes: tuple[tuple[str, str], ...] = ()

    @cached_property
    def hash(self) -> str:
        """Of all that it says: what a run's output depends on."""
        said = repr((sorted(map(repr, self.names)), sorted(self.codes)))
        return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()

    @cached_property
    def _whole(self) -> Mapping[str, list[Name]]:
        whole: defaultdict[str, list[Name]] = defaultdict(list)
        for name in self.names:
            whole[_key(name.name)].append(name)
        return whole

    @cached_property
    def _beginning(self) -> Mapping[str, list[str]]:
        """Names that may stand within a text, by their first two characters, the longest first."""
        beginning: defaultdict[str, list[str]] = defaultdict(list)
        for key in self._whole:
            if _stands_in_text(key):
                beginning[key[:2]].append(key)
        return {first: sorted(keys, key=len, reverse=True) for first, keys in beginning.items()}

    @cached_property
    def _by_code(self) -> Mapping[str, str]:
        return dict(self.codes)

    def __reduce__(self) -> tuple[object, ...]:
        """Leave out what is made from the names, which workers make for themselves: of the shipped one, once."""
        return (_shipped, ()) if self is _shipped() else (Registry, (self.id, self.names, self.codes))

    def entity_of(self, value: str, year: int | None = None) -> str | None:
        """Return the entity that a whole value names, in that year if it is known; None if it names none."""
        key = _key(value)
        for each in (key, _LEGAL_END.sub("", key)):
            # Two former holders of one name are told apart by the year alone.
            held = {name.entity for name in self._whole.get(each, ()) if name.held(year)}
            if len(held) == 1:
                return held.pop()
        return None

    def entity_of_code(self, code: str) -> str | None:
        """Return the entity of a stock code, `601398`, `01398`, `601398.SH`, `HK1398`; None if it is nobody's."""
        return self._by_code.get(_code_key(code))

    def find(self, text: str, year: int | None = None) -> list[Mention]:
        """Return where `text` names entities, in order; for short texts, such as a line or a title."""
        folded = _folded(text)
        found: list[Mention] = []
        beginning = self._beginning
        at = 0
        while at < len(folded) - 1:
            if folded[at : at + 2] not in beginning:
                at += 1
                continue
            mention = self._mention(folded, at, year)
            if mention is None:
                at += 1
                continue
            key_end, entity = mention
            legal = _LEGAL.match(folded, key_end)
            end = legal.end() if legal else key_end
            if not _OTHERS.match(folded, end):
                found.append(Mention(at, end, entity))
            at = end
        return found

    def may_name(self, lines: Sequence[str]) -> list[int]:
        """Return which lines, of one line each, may have a name in them, ascending: by its first two characters.

        >>> load_registry().may_name(["目录", "二、中國工商銀行"])
        [1]
        """
        points = _fold_points("\n".join(lines))
        first, second = points[:-1], points[1:]
        table, pairs = self._firsts
        (at,) = table[_hash(first, second)].nonzero()
        if not at.size:
            return []
        found = _pair(first[at], second[at])
        near = pairs[np.minimum(np.searchsorted(pairs, found), max(pairs.size - 1, 0))] if pairs.size else found + 1
        ends = np.cumsum([len(line) + 1 for line in lines])
        return list(dict.fromkeys(np.searchsorted(ends, at[near == found], side="right").tolist()))

    @cached_property
    def _firsts(self) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """The first two characters of all names: by a hash of sixteen bits, and themselves, ascending."""
        firsts = {(ord(key[0]), ord(key[1])) for key in self._whole}
        first, second = np.array(sorted(firsts), np.uint32).reshape(-1, 2).T
        table = np.zeros(1 << 16, np.bool_)
        table[_hash(first, second)] = True
        return table, _pair(first, second)

    def _mention(self, folded: str, at: int, year: int | None) -> tuple[int, str] | None:
        for key in self._beginning.get(folded[at : at + 2], ()):
            end = at + len(key)
            if folded.startswith(key, at) and not (key.isascii() and _cuts_word(folded, at, end)):
                held = {name.entity for name in self._whole[key] if name.held(year)}
                # The longest name decides, also where it was nobody's in that year.
                return (end, held.pop()) if len(held) == 1 else None
        return None


#: Knows nobody: names stay as they are written.
NO_REGISTRY = Registry("none", ())

_LEGAL_WORDS = (
    r"[\s,]*(?:\((?:集团|控股|china|asia|group|holdings)\))?[\s,]*(?:股份有限公司|有限责任公司|股份公司|有限公司"
    r"|(?:corporation|company|corp|co)?\.?,?\s*(?:limited|ltd)\b\.?|(?:corporation|company|corp)\b\.?)"
)
_LEGAL = re.compile(_LEGAL_WORDS)
_LEGAL_END = re.compile(f"(?:{_LEGAL_WORDS})$")
#: What makes another one of it behind a name: a trade, a market, a branch, a company of its own, or several.
_OTHERS = re.compile(
    "业|[监间系卡类等杯家们]|存款|同业|保险|协会|学院|大学|大厦|博物|村镇|理财|基金|租赁|金融租赁|证券|投资|资管|资产管理|国际"
    r"|\((?:国际|亚洲|香港|中国|澳门|欧洲|伦敦|泰国|新加坡|international|asia|hong kong|china|europe)\)"
    "|信用卡中心|私人银行部|研究[院所部]|[\u3400-\u9fff]{0,12}?(?:分行|支行|营业[部厅]|办事处|代表处|子公司|研究[院所])"
)
_BRACKETS = dict(zip(map(ord, "（）【】［］’‘"), map(ord, "()[][]''"), strict=True))
_HAN = re.compile("[\u3400-\u9fff]")
_BLANKS = re.compile(r"\s+")
_BESIDE_HAN = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef])\\s+|\\s+(?=[\u3000-\u9fff\uff00-\uffef])")
_CODE = re.compile(r"(?:(sh|sz|bj|hk|tw)[.\s]?)?(\d{4,6})(?:\.(sh|ss|sz|bj|hk|tw|two))?")


def squeeze_han(text: str) -> str:
    """Return a line without the blanks that letter-spacing leaves beside ideographs; other blanks become one.

    >>> squeeze_han("中 国 银 行  Bank of  China")
    '中国银行Bank of China'
    """
    words = text.split()
    return _BLANKS.sub(" ", _BESIDE_HAN.sub("", text.strip())) if len(words) > 1 else "".join(words)


@cache
def _table() -> NDArray[np.uint32]:
    table = fold_array().copy()
    table[list(_BRACKETS)] = list(_BRACKETS.values())
    return table


def _fold_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of `text`, folded; 23 us for 8,370 characters, where str.translate takes 1,100."""
    return _table()[code_points(text)]


def _folded(text: str) -> str:
    """Return `text` folded, with ASCII brackets."""
    return _fold_points(text).tobytes().decode("utf-32-le", "surrogatepass")


def _hash(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (first * np.uint32(0x9E3B) ^ second) & np.uint32(0xFFFF)


def _pair(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint64]:
    pair: NDArray[np.uint64] = first.astype(np.uint64) << np.uint64(32) | second
    return pair


@lru_cache(maxsize=1 << 14)  # of the rows of a table many are of one entity
def _key(name: str) -> str:
    return _folded(squeeze_han(name)).strip(" .,")


def _stands_in_text(key: str) -> bool:
    """Whether a name is long enough to be nothing else within a text."""
    if key.isascii():
        return " " in key
    return len(key) >= 4 or key.endswith(("银行", "商行"))


def _cuts_word(text: str, start: int, end: int) -> bool:
    return (start > 0 and text[start - 1].isalnum() and text[start - 1].isascii()) or (
        end < len(text) and text[end].isalnum() and text[end].isascii()
    )


def _code_key(code: str) -> str:
    """Return a code as it is compared: digits, with the exchange where they alone are not enough."""
    match = _CODE.fullmatch(fold(code.strip()))
    if not match:
        return fold(code.strip())
    exchange, digits = match[1] or match[3] or "", match[2]
    if exchange == "hk" or (not exchange and len(digits) == 5):
        return f"{digits.zfill(5)[-5:]}.hk"
    return f"{digits}.tw" if exchange in {"tw", "two"} or len(digits) == 4 else digits


@cache
def _shipped() -> Registry:
    # 20 ms, once a process.
    data = files("cipin_lexicons").joinpath(f"{SHIPPED}.csv").read_bytes()
    return read_registry(data, SHIPPED, f"{SHIPPED}.csv")


def load_registry(name: str | Path | None = SHIPPED) -> Registry:
    """Return the shipped registry by its id, or that of a CSV file; an empty one for None or "none".

    Raises UsageError, with file, row and column, for what cannot be read or means two things at once.
    """
    if name is None:
        return NO_REGISTRY
    path = check_path(name, "registry", f"the path of a CSV file, {SHIPPED!r}, 'none' or a Registry")
    if name == "none":
        return NO_REGISTRY
    if name == SHIPPED:
        return _shipped()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"registry {name}: {error.strerror or error}; give the path of a CSV file, {SHIPPED!r} or 'none'"
        ) from error
    return read_registry(data, path.stem, str(path))


def read_registry(data: bytes, id: str, file: str) -> Registry:
    """Return the registry that a CSV file holds; `file` is its name in messages. Raises UsageError."""
    if looks_binary(data[: 1 << 16]):
        raise UsageError(f"registry {file}: not a text; save it as CSV")
    decoded = decode(data)
    if decoded.replaced:
        raise UsageError(
            f"registry {file}: {decoded.replaced} bytes are not {decoded.encoding}; save it as UTF-8 (CSV UTF-8)"
        )
    lines = io.StringIO(decoded.text.lstrip("\ufeff"), newline="")
    head = lines.readline()
    lines.seek(0)
    reader = csv.reader(lines, delimiter=max(",\t;", key=head.count), strict=True)
    try:
        header = [cell.strip().casefold() for cell in next(reader, [])]
        columns = {column: _find(header, spellings) for column, spellings in _COLUMNS.items()}
        if columns["entity"] is None:
            there = ", ".join(map(repr, header)) or "none"
            raise UsageError(f"registry {file}, row 1: no column 'entity'; its columns: {there}; name one 'entity'")
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UsageError(f"registry {file}, row {reader.line_num}: {error}; correct it") from None
    checked = _Rows(file)
    for number, row in rows:
        if len(row) != len(header):
            raise UsageError(f"registry {file}, row {number}: {len(row)} cells, not {len(header)}; add or remove some")
        cells = {column: row[at].strip() if at is not None else "" for column, at in columns.items()}
        checked.add(number, cells)
    return Registry(id, tuple(checked.finish()), tuple(sorted(checked.codes.items())))


def _find(header: Sequence[str], spellings: Sequence[str]) -> int | None:
    return next((header.index(each) for each in spellings if each in header), None)


class _Rows:
    """Names and codes of a file as its rows are read, each held against those before."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.names: defaultdict[str, list[tuple[int, Name]]] = defaultdict(list)
        self.codes: dict[str, str] = {}
        self.entities: dict[str, int] = {}

    def add(self, number: int, cells: Mapping[str, str]) -> None:
        entity, name, code = cells["entity"], cells["name"], cells["code"]
        where = f"registry {self.file}, row {number}"
        if not entity:
            raise UsageError(f"{where}, column entity: empty; say whose the row is, or remove it")
        self.entities.setdefault(entity, number)
        first, last = (self._year(where, column, cells[column]) for column in ("from", "to"))
        if first and last and first > last:
            raise UsageError(f"{where}, columns from, to: {first} is after {last}; exchange or correct them")
        if (first or last) and not name:
            raise UsageError(f"{where}, column name: empty, but years are given; say which name held in them")
        if name:
            self._add_name(number, Name(entity, name, first, last))
        if code:
            other = self.codes.setdefault(_code_key(code), entity)
            if other != entity:
                raise UsageError(f"{where}, column code: {code} is the code of {other!r}, too; keep one")

    def _year(self, where: str, column: str, cell: str) -> int | None:
        if not cell:
            return None
        if not re.fullmatch(r"(?:19|20)\d\d(?:\.0)?", cell):
            raise UsageError(f"{where}, column {column}: {cell!r} is not a year from 1900 to 2099; write 2012")
        return int(cell[:4])

    def _add_name(self, number: int, name: Name) -> None:
        if len(_key(name.name)) < 2:
            raise UsageError(f"registry {self.file}, row {number}, column name: {name.name!r} is too short to be told")
        for earlier, other in self.names[_key(name.name)]:
            if (name.first or 0) <= (other.last or 9999) and (other.first or 0) <= (name.last or 9999):
                what = (
                    f"{name.name!r} stands in row {earlier} already; remove one"
                    if other.entity == name.entity
                    else f"{name.name!r} is a name of {other.entity!r}, too (row {earlier}); keep one, or give years"
                )
                raise UsageError(f"registry {self.file}, row {number}, column name: {what}")
        self.names[_key(name.name)].append((number, name))

    def finish(self) -> Iterator[Name]:
        """Yield all names; an entity that no row names so is named by itself."""
        for entity, number in self.entities.items():
            if not any(name.entity == entity for _, name in self.names[_key(entity)]):
                self._add_name(number, Name(entity, entity))
        for names in self.names.values():
            yield from (name for _, name in names)
