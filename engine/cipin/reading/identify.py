"""Entity and fiscal year of a report, from its columns or its file name, by stated rules.

What no rule gives is None, with a source that says why: a wrong year in a panel cannot be seen, a missing one can.

**Year of a file name**, by the first rule that finds one. Two different years under one rule, or a range such as
`2018-2019`, are a conflict, and None.
1. `name:annual_report`: a year with 报告, 年报, 年度报告 or annual report beside it (`2017.0年度报告`,
   `2019年__年度报告`, `Annual-Report-2020`), half-years aside. `2020/21` and `202021` are there the year they end in.
2. `name:year`: `2018年`, `二〇一八年`, `民國107年`.
3. `name:number`: a number from 1900 to 2099 with no digit beside it.
4. `name:date`: the year of a full date, `2019-03-28`, `20190328` or `2019年3月28日`. The date itself is when the
   report was published, mostly in the year after, and is never taken for one of the years above.

**Entity of a file name**: years, dates, stock codes and report words (年度报告, 摘要, annual report, …) are taken out,
the rest is cut at `_`, `-`, blanks, brackets, commas and colons, and the first piece with a Han or Latin letter is the
entity. Latin words beside one another are one piece, and a Latin piece with a digit is a code. A company's full name
followed by a shorter one that shares a character with it gives the shorter one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from cipin.errors import SourceError, UsageError

#: Columns that hold the entity, the year and the day of publication without being told; the first that is there.
ENTITY_COLUMNS = (
    "entity", "bank", "company", "银行", "公司", "机构", "证券简称", "简称", "股票简称", "銀行", "機構", "證券簡稱",
)  # fmt: skip
YEAR_COLUMNS = ("fiscal_year", "year", "年份", "年度", "会计年度", "會計年度")
DATE_COLUMNS = ("date", "published", "日期")


@dataclass(frozen=True, slots=True)
class NameFacts:
    """Whose report it is and for which year, and where each was found.

    entity         None if no rule gave one
    entity_source  "name", "column:<name>", "parent", "name:<regex>", "value", "none"; "" if no rule gave one
    fiscal_year    None if no rule gave one
    year_source    "name:annual_report", "name:year", "name:number", "name:date", "name:conflict", "column:<name>",
                   "column:<name>:invalid", and as for the entity
    published      day of publication as YYYY-MM-DD, or None
    """

    entity: str | None = None
    entity_source: str = ""
    fiscal_year: int | None = None
    year_source: str = ""
    published: str | None = None


def identify_name(name: str) -> NameFacts:
    """Read entity, fiscal year and day of publication from a file name; folders before it are not looked at.

    >>> identify_name("2020-04-16__宁波合力科技股份有限公司__603917__合力科技__2019年__年度报告.pdf")
    NameFacts(entity='合力科技', entity_source='name', fiscal_year=2019, year_source='name:annual_report', \
published='2020-04-16')
    """
    stem = _ENDINGS.sub("", PurePath(name).name)
    year, year_source, published = _read_year(stem)
    entity = _read_entity(stem)
    return NameFacts(entity, "name" if entity else "", year, year_source, published)


def identify(
    meta: Mapping[str, object],
    name: str,
    entity_from: str | None = None,
    year_from: str | None = None,
    *,
    is_row: bool = False,
) -> NameFacts:
    """Return entity and fiscal year of a report from its columns and its path `name`.

    is_row   the report is one row of many in its file, so that the rules for file names say nothing of it

    entity_from, year_from   `column:NAME`; `parent`, the folder's name; `name:REGEX`, the first group, or all of what
                             is found, in the file name; `value:TEXT`; `none`; or None: a column of `ENTITY_COLUMNS`
                             or `YEAR_COLUMNS` if there is one, else the rules for file names

    Raises UsageError for any other choice, and SourceError for a column that is not there.

    >>> identify({"银行": "平安银行"}, "reports/2019/a.txt", year_from="parent").fiscal_year
    2019
    """
    facts = NameFacts() if is_row else identify_name(name)
    entity, entity_source = _choose(entity_from, ENTITY_COLUMNS, meta, name, "entity_from") or (
        facts.entity,
        facts.entity_source,
    )
    chosen = _choose(year_from, YEAR_COLUMNS, meta, name, "year_from")
    year, year_source = facts.fiscal_year, facts.year_source
    if chosen:
        value, year_source = chosen
        year = parse_year(value)
        if year is None and (year_source == "parent" or year_source.startswith("column:")):
            year = _read_year(str(value or ""))[0]
        if year is None and year_source == "value":
            raise UsageError(f"year_from {year_from!r}: not a year from 1900 to 2100; write value:2019")
        if year is None and year_source != "none" and not year_source.endswith(":missing"):
            year_source += ":invalid" if str(value or "").strip() else ":missing"
    column = _find_column(DATE_COLUMNS, meta)
    published = _parse_date(meta[column]) if column else None
    entity = None if entity is None else str(entity).strip()
    return NameFacts(entity or None, entity_source, year, year_source, published or facts.published)


def check_choice(spec: str | None, option: str) -> None:
    """Raise UsageError if `spec` is no choice of `entity_from` or `year_from`; before there is a report to try."""
    kind, _, rest = (spec or "").partition(":")
    _choose(spec, (), {rest: None} if kind == "column" else {}, "name", option)
    if option == "year_from" and kind == "value" and parse_year(rest.strip()) is None:
        raise UsageError(f"{option} {spec!r}: not a year from 1900 to 2100; write value:2019")


def parse_year(value: object) -> int | None:
    """Return the year from 1900 to 2100 that a cell means, or None.

    >>> [parse_year(cell) for cell in ("2019", 2019.0, "2019年", "二〇一九年度", "2019-12-31", "19", True)]
    [2019, 2019, 2019, 2019, 2019, None, None]
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    text = value if isinstance(value, str) else str(int(value))
    match = _YEAR_CELL.fullmatch(_plain_digits(text.strip()))
    year = int(next(filter(None, match.groups()))) if match else 0
    return year if 1900 <= year <= 2100 else None


_ENDINGS = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]{0,7})+$")
_HAN_DIGITS = dict(zip("〇零○一二三四五六七八九", "000123456789", strict=True))
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
_HAN_YEAR = re.compile("[一二][〇零○一二三四五六七八九]{3}(?=年)")
_ROC_YEAR = re.compile("民[国國](\\d{2,3})(?=年)")

_YEAR = r"(?<!\d)((?:19|20)\d\d)(?:\.0(?!\d))?"
_GAP = r"[\s_\-]*"
_BEFORE = rf"(?:annual{_GAP}reports?|(?<![a-z])ar|(?<!半)年度[报報]告|(?<!半)年[报報]){_GAP}"
_AFTER = rf"{_GAP}年?度?{_GAP}(?:年度?{_GAP}[报報]告|年?[报報]告|年[报報]|annual{_GAP}reports?)"
_TWO = r"[/\-_]?(\d\d)"
_ANNUAL = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _YEAR + _AFTER,
        _YEAR + _TWO + _AFTER,
        _BEFORE + _YEAR + r"(?!\d)",
        _BEFORE + _YEAR + _TWO + r"(?!\d|[\-_.]\d)",
    )
)
_RULES = (
    ("name:annual_report", _ANNUAL),
    ("name:year", (re.compile(_YEAR + "年"),)),
    ("name:number", (re.compile(_YEAR + r"(?!\d)"),)),
)
_RANGE = re.compile(_YEAR + r"年?度?\s*[\-–—~～至到]\s*((?:19|20)\d\d)(?!\d)")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:([\-_./]?)(\d\d)\2(\d\d)(?!\d)|年(\d{1,2})月(\d{1,2})日)")
_YEAR_CELL = re.compile(
    r"(?:FY)?\s*(\d{4})(?:\.0*)?(?:年度?)?|(\d{4})(?:[\-/.年]\d{1,2})(?:[\-/.月]\d{1,2}日?)?(?:[T ].*)?|(\d{4})\d{4}"
)

#: Taken out of a file name before the entity is looked for; of two that begin alike the longer stands first.
_HAN_WORDS = (
    "社会责任报告", "社會責任報告", "可持续发展报告", "永續報告書", "可持續發展報告", "内部控制评价报告",
    "内部控制审计报告", "企业管治报告", "环境、社会及管治报告", "环境、社会及治理报告", "政府工作报告", "审计报告",
    "審計報告", "财务报告", "財務報告", "第一季度报告", "第三季度报告", "第一季度報告", "第三季度報告", "半年度报告",
    "半年度報告", "年度报告", "年度報告", "中期报告", "中期報告", "一季报", "三季报", "季度报告", "半年报", "半年報",
    "中报", "年报", "年報", "业绩公告", "業績公告", "招股说明书", "更正公告", "更正后", "更正", "更新后", "修订版",
    "修訂版", "修订稿", "修订", "修訂", "摘要", "全文", "正文", "中文版", "英文版", "公告", "报告", "報告", "年度",
    "新建文本文档", "副本",
)  # fmt: skip
_LATIN_WORDS = (
    "annual", "interim", "quarterly", "report", "reports", "summary", "final", "full", "text", "copy", "page", "pages",
    "management", "discussion", "and", "analysis", "eng", "chi", "cn", "en", "zh", "ar", "fy", "esg", "csr", "doc",
    "document", "file", "untitled", "data", "sample", "v", "ver", "version",
)  # fmt: skip
#: The 报 of `2019年报`, but not that of `2019年报喜鸟`.
_YEAR_TAIL = r"(?:年度?)?(?:[报報]告?(?![^\W_]))?"
_NOISE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        _DATE.pattern,
        _ROC_YEAR.pattern + _YEAR_TAIL,
        _HAN_YEAR.pattern + _YEAR_TAIL,
        _YEAR + r"(?:[/\-_]\d\d(?!\d))?(?!\d)" + _YEAR_TAIL,
        r"(?<![a-z\d])(?:s[hz]|bj|hk)?\.?\d{4,6}(?:\.(?:s[hzs]|bj|hk|two?|of|nq)(?![a-z]))?(?![a-z\d])",
        "|".join(_HAN_WORDS),
        rf"(?<![a-z])(?:{'|'.join(_LATIN_WORDS)})(?![a-z])",
    )
)
_CUT = "\x1f"
_FIELDS = re.compile(rf"__+|[{_CUT}()（）\[\]【】《》「」：:，,、+]+")
_PIECES = re.compile(r"[\s_\-–—－~～]+")
_HAN = re.compile("[\u3400-\u9fff]")
#: Brackets inside a company's name: 中国平安保险（集团）股份有限公司.
_INNER = re.compile("(?<=[\u4e00-\u9fff])[(（]([\u4e00-\u9fff]{2,4})[)）](?=[\u4e00-\u9fff])")
_HIDDEN = str.maketrans("()（）", "\ue000\ue001\ue002\ue003")
_SHOWN = str.maketrans("\ue000\ue001\ue002\ue003", "()（）")
_LATIN_PIECE = re.compile(r"[^\d]*[^\W\d_][^\d]*[^\W\d_][^\d]*")
_FULL_NAME = re.compile("公司$")


def _read_year(stem: str) -> tuple[int | None, str, str | None]:
    text = _ROC_YEAR.sub(lambda match: str(1911 + int(match[1])), _plain_digits(stem))
    dates = {date for match in _DATE.finditer(text) if (date := _as_date(match))}
    published = next(iter(dates)).isoformat() if len(dates) == 1 else None
    text = _DATE.sub(lambda match: _CUT if _as_date(match) else match[0], text)
    if any(match[1] != match[2] for match in _RANGE.finditer(text)):
        return None, "name:conflict", published
    for source, patterns in _RULES:
        years = {year for pattern in patterns for match in pattern.finditer(text) if (year := _as_year(match))}
        if years:
            return (years.pop(), source, published) if len(years) == 1 else (None, "name:conflict", published)
    if len(years := {date.year for date in dates}) == 1:
        return years.pop(), "name:date", published
    return None, "name:conflict" if dates else "", published


def _as_year(match: re.Match[str]) -> int | None:
    """Return the year of a match; of `2020/21` the later one, and None if the two do not follow one another."""
    year = int(match[1])
    if match.lastindex == 1:
        return year
    return year + 1 if int(match[2]) == (year + 1) % 100 else None


def _as_date(match: re.Match[str]) -> datetime.date | None:
    try:
        return datetime.date(int(match[1]), int(match[3] or match[5]), int(match[4] or match[6]))
    except ValueError:
        return None


def _read_entity(stem: str) -> str | None:
    # The digits of the copy decide what goes; the letters of the entity stay as they were written (深发展Ａ).
    text = stem
    for noise in _NOISE:
        for match in noise.finditer(_plain_digits(text, years=False)):
            start, end = match.span()
            text = text[:start] + _CUT * (end - start) + text[end:]
    pieces = list(_pieces(text))
    if not pieces:
        return None
    first, second = pieces[0], pieces[1] if len(pieces) > 1 else ""
    if _FULL_NAME.search(first) and len(second) < len(first) and set(first) & set(second):
        return second
    return first


def _pieces(text: str) -> Iterator[str]:
    for field in _FIELDS.split(_INNER.sub(lambda match: match[0].translate(_HIDDEN), text)):
        latin: list[str] = []
        for raw in _PIECES.split(field):
            piece = re.sub("^0\\d*", "", raw.strip(".。·"))
            if not _HAN.search(piece) and _LATIN_PIECE.fullmatch(piece):
                latin.append(piece)
                continue
            if latin:
                yield " ".join(latin)
                latin = []
            if _HAN.search(piece) and piece not in {"年", "度", "第", "的", "之", "关于", "版"}:
                yield piece.translate(_SHOWN)
        if latin:
            yield " ".join(latin)


def _plain_digits(text: str, years: bool = True) -> str:
    """Return `text`, of the same length, with ASCII digits for full-width ones and in `二〇一八年`."""
    text = text.translate(_WIDE_DIGITS)
    return _HAN_YEAR.sub(lambda match: "".join(_HAN_DIGITS[c] for c in match[0]), text) if years else text


def _choose(
    spec: str | None, columns: tuple[str, ...], meta: Mapping[str, object], name: str, option: str
) -> tuple[object, str] | None:
    """Return the value that `spec` points to and its source, or None if the rules for file names apply."""
    if spec is None:
        column = _find_column(columns, meta)
        return None if column is None else (meta[column], f"column:{column}")
    kind, _, rest = spec.partition(":")
    path = PurePath(name)
    if spec == "none":
        return None, "none"
    if spec == "parent":
        return path.parent.name or None, "parent"
    if kind == "value" and rest.strip():
        return rest.strip(), "value"
    if kind == "column" and rest:
        if rest not in meta:
            there = ", ".join(map(repr, meta)) or "none"
            raise SourceError(f"{path.name}: no column {rest!r} for {option}; its columns beside the text: {there}")
        return meta[rest], spec
    if kind == "name" and rest:
        try:
            match = re.search(rest, path.name)
        except re.error as error:
            raise UsageError(f"{option} {spec!r}: not a regular expression ({error}); correct it") from None
        return (match[1] if match.re.groups else match[0], spec) if match else (None, f"{spec}:missing")
    raise UsageError(f"{option} {spec!r}: choose column:NAME, parent, name:REGEX, value:TEXT or none")


def _find_column(names: tuple[str, ...], meta: Mapping[str, object]) -> str | None:
    """Return the first column of one of `names`, however it is capitalised or padded."""
    spelled = {column.strip().casefold(): column for column in reversed(list(meta))}
    return next((spelled[name] for name in names if name in spelled), None)


def _parse_date(value: object) -> str | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    match = _DATE.match(_plain_digits(str(value).strip()))
    date = _as_date(match) if match else None
    return date.isoformat() if date else None
