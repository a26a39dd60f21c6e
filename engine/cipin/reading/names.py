"""What a file name says of its report: entity, fiscal year, day of publication and stock code, by stated rules.

**Year**, by the first rule that finds one. Two different years under one rule, or a range such as
`2018-2019`, are a conflict, and None.
1. `name:annual_report`: a year with 报告, 年报, 年度报告 or annual report beside it (`2017.0年度报告`,
   `2019年__年度报告`, `Annual-Report-2020`), half-years aside. `2020/21` and `202021` are there the year they end in.
2. `name:year`: `2018年`, `二〇一八年`, `民國107年`.
3. `name:number`: a number from 1900 to 2099 with no digit beside it.
4. `name:date`: the year of a full date, `2019-03-28`, `20190328` or `2019年3月28日`. The date itself is when the
   report was published, mostly in the year after, and is never taken for one of the years above. Where the name says
   that it is an annual report, it is of the year before: `name:published`.

**Entity**: years, dates, stock codes and report words (年度报告, 摘要, annual report, …) are taken out,
the rest is cut at `_`, `-`, blanks, brackets, commas and colons, and the first piece with a Han or Latin letter is the
entity. Latin words beside one another are one piece, and a Latin piece with a digit is a code. A company's full name
followed by a shorter one that shares a character with it gives the shorter one.

**Code**: of an exchange, `601398.SH`, `sz000001`, or bare where nothing else looks like it: six digits as the
exchanges give them, but no month (`202401`); five with a zero in front; four behind a month, as Taiwan's exchange names
files (`202402_2801_AI1`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class NameFacts:
    """Whose report it is and for which year, as far as its name says.

    entity       None if no rule gave one
    pieces       what is left of the name, in order, when years, codes and the words of reports are taken out
    fiscal_year  None if no rule gave one
    year_source  "name:annual_report", "name:year", "name:number", "name:date", "name:published", "name:conflict"; ""
                 if no rule gave one
    published    day of publication as YYYY-MM-DD, or None
    code         stock code, or None
    is_listed    the code has its exchange with it
    is_annual    the name says that it is an annual report
    """

    entity: str | None = None
    pieces: tuple[str, ...] = ()
    fiscal_year: int | None = None
    year_source: str = ""
    published: str | None = None
    code: str | None = None
    is_listed: bool = False
    is_annual: bool = False

    @property
    def entity_source(self) -> str:
        """`name` if a rule gave the entity, else empty."""
        return "name" if self.entity else ""


def identify_name(name: str) -> NameFacts:
    """Read entity, fiscal year and day of publication from a file name; folders before it are not looked at.

    >>> facts = identify_name("2020-04-16__宁波合力科技股份有限公司__603917__合力科技__2019年__年度报告.pdf")
    >>> facts.entity, facts.fiscal_year, facts.year_source, facts.published, facts.code
    ('合力科技', 2019, 'name:annual_report', '2020-04-16', '603917')
    """
    stem = _ENDINGS.sub("", PurePath(name).name)
    year, year_source, published = read_year(stem)
    pieces = _read_pieces(stem)
    is_annual = _ANNUAL_WORD.search(stem) is not None
    if is_annual and year is not None and year_source == "name:date":
        year, year_source = year - 1, "name:published"
    return NameFacts(_choose_piece(pieces), pieces, year, year_source, published, *read_code(stem), is_annual)


def annual_years(text: str) -> set[int]:
    """Return the years of annual reports that a line names, as the first rule for file names finds them.

    >>> annual_years("二〇一九年年度报告"), annual_years("2018年年报与2019年年报") == {2018, 2019}
    ({2019}, True)
    """
    return _years_by(_ANNUAL, western_years(text))


def western_years(text: str) -> str:
    """Return `text` with ASCII digits for full-width ones, in `二〇一八年`, and for the years of the Republic."""
    return _ROC_YEAR.sub(_as_western, plain_digits(text))


def read_code(stem: str) -> tuple[str | None, bool]:
    """Return the stock code in a file's name, and whether its exchange stands with it; None if none is sure.

    Six digits, five of Hong Kong's, four of Taiwan's.

    >>> [read_code(name)[0] for name in ("sh601398_2019", "HK1398 年报", "000001-平安", "202401_2801_AI1", "000001")]
    ['601398', '01398', '000001', '2801', None]
    """
    text = plain_digits(stem, years=False).lower()
    if match := _LISTED.search(text):
        exchange, digits = match[1] or match[4], match[2] or match[3]
        return digits.zfill(5) if exchange == "hk" else digits, True
    # A number that is all of a name, but for no year, counts files.
    if not re.search(r"[^\W\d_]|(?<!\d)(?:19|20)\d\d(?!\d)", text):
        return None, False
    match = _BARE_CODE.search(text) or _OF_MONTH.search(text)
    return (match[1], False) if match else (None, False)


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
    match = _YEAR_CELL.fullmatch(plain_digits(text.strip()))
    year = int(next(filter(None, match.groups()))) if match else 0
    return year if 1900 <= year <= 2100 else None


_ENDINGS = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]{0,7})+$")
_HAN_DIGITS = dict(zip("〇零○一二三四五六七八九", "000123456789", strict=True))
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
_HAN_YEAR = re.compile("[一二][〇零○一二三四五六七八九]{3}(?=年)")
_ROC_YEAR = re.compile("民[国國](\\d{2,3}|[〇零○一二三四五六七八九]{2,3})(?=年|及)")

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

_ANNUAL_WORD = re.compile("(?<!半)年度?[报報]告|(?<!半)年[报報](?!喜)|annual[\\s_\\-]*report", re.IGNORECASE)
#: With its exchange; bare; and behind the month that Taiwan's exchange puts in front.
_LISTED = re.compile(r"(?<![a-z\d])(?:(s[hz]|bj|hk)\.?\s?(\d{4,6})|(\d{4,6})\.(s[hzs]|bj|hk|two?))(?![a-z\d])")
_BARE_CODE = re.compile(
    r"(?<![a-z\d.])((?!(?:19|20)\d\d(?:0[1-9]|1[0-2]))"
    r"(?:00[0-4]|20[01]|30[0-3]|43\d|60[0-5]|68[89]|8[2378]\d|900|92\d)\d{3}|0\d{4})(?![a-z\d]|\.\d)"
)
_OF_MONTH = re.compile(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])_(\d{4})(?=_)")

#: Taken out of a file name before the entity is looked for; of two that begin alike the longer stands first.
_HAN_WORDS = (
    "社会责任报告", "社會責任報告", "可持续发展报告", "永續報告書", "可持續發展報告", "内部控制评价报告",
    "内部控制审计报告", "企业管治报告", "环境、社会及管治报告", "环境、社会及治理报告", "政府工作报告", "审计报告",
    "審計報告", "财务报告", "財務報告", "第一季度报告", "第三季度报告", "第一季度報告", "第三季度報告", "半年度报告",
    "半年度報告", "年度报告", "年度報告", "中期报告", "中期報告", "一季报", "三季报", "季度报告", "半年报", "半年報",
    "中报", "年报", "年報", "业绩公告", "業績公告", "招股说明书", "更正公告", "更正后", "更正", "更新后", "修订版",
    "修訂版", "修订稿", "修订", "修訂", "摘要", "全文", "正文", "中文版", "英文版", "公告", "报告", "報告", "年度",
    "新建文本文档", "副本", "复件", "複本", "未命名", "无标题", "扫描件", "掃描件", "扫描版", "掃描版", "最终版",
    "最終版", "最终稿", "定稿", "终稿", "公开版", "打印版", "上半年", "下半年",
)  # fmt: skip
_LATIN_WORDS = (
    "annual", "interim", "quarterly", "report", "reports", "summary", "final", "full", "text", "copy", "page", "pages",
    "management", "discussion", "and", "analysis", "eng", "chi", "cn", "en", "zh", "ar", "fy", "esg", "csr", "doc",
    "document", "file", "untitled", "data", "sample", "v", "ver", "version", r"(?:first|second)[\s_\-]*half",
    r"half[\s_\-]*year(?:ly)?", r"semi[\s_\-]*annual(?:ly)?",
)  # fmt: skip
#: Words that a company's name may hold, too: what has no other in it is nobody's name.
_PLAIN_WORDS = frozenset({
    "a", "an", "and", "article", "audited", "by", "chinese", "consolidated", "content", "copy", "download",
    "downloads", "draft", "english", "financial", "first", "for", "fourth", "from", "half", "index",
    "information", "investor", "main", "microsoft", "new", "news", "of", "on", "output", "part", "presentation",
    "quarter", "release", "result", "results", "revised", "scan", "scanned", "second", "semi", "semiannual",
    "signed", "statement", "statements", "test", "the", "third", "title", "to", "web", "website", "with", "word",
    "year", "yearly",
})  # fmt: skip
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


def read_year(stem: str) -> tuple[int | None, str, str | None]:
    """Return the year that a name gives, by which rule, and the day of publication."""
    text = western_years(stem)
    dates = {date for match in _DATE.finditer(text) if (date := _as_date(match))}
    published = next(iter(dates)).isoformat() if len(dates) == 1 else None
    text = _DATE.sub(lambda match: _CUT if _as_date(match) else match[0], text)
    if any(match[1] != match[2] for match in _RANGE.finditer(text)):
        return None, "name:conflict", published
    for source, patterns in _RULES:
        if years := _years_by(patterns, text):
            return (years.pop(), source, published) if len(years) == 1 else (None, "name:conflict", published)
    if len(years := {date.year for date in dates}) == 1:
        return years.pop(), "name:date", published
    return None, "name:conflict" if dates else "", published


def _years_by(patterns: tuple[re.Pattern[str], ...], text: str) -> set[int]:
    """Return the years that patterns find; the first of `2020/21` is none of its own."""
    found: dict[int, int] = {}
    for pattern in patterns:
        for match in pattern.finditer(text):
            if year := _as_year(match):
                found[match.start(1)] = max(year, found.get(match.start(1), 0))
    return set(found.values())


def _as_year(match: re.Match[str]) -> int | None:
    """Return the year of a match; of `2020/21` the later one, and None if the two do not follow one another."""
    year = int(match[1])
    if match.lastindex == 1:
        return year
    return year + 1 if int(match[2]) == (year + 1) % 100 else None


def _as_western(match: re.Match[str]) -> str:
    return str(1911 + int("".join(_HAN_DIGITS.get(c, c) for c in match[1])))


def _as_date(match: re.Match[str]) -> datetime.date | None:
    try:
        return datetime.date(int(match[1]), int(match[3] or match[5]), int(match[4] or match[6]))
    except ValueError:
        return None


def _read_pieces(stem: str) -> tuple[str, ...]:
    # The digits of the copy decide what goes; the letters of the entity stay as they were written (深发展Ａ).
    text = stem
    for noise in _NOISE:
        for match in noise.finditer(plain_digits(text, years=False)):
            start, end = match.span()
            text = text[:start] + _CUT * (end - start) + text[end:]
    return tuple(_pieces(text))


def _choose_piece(pieces: tuple[str, ...]) -> str | None:
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
            yield from _latin_name(latin)
            latin = []
            if _HAN.search(piece) and piece not in {"年", "度", "第", "的", "之", "关于", "版"}:
                yield piece.translate(_SHOWN)
        yield from _latin_name(latin)


def _latin_name(pieces: Sequence[str]) -> Iterator[str]:
    words = re.findall(r"[^\W\d_]+", " ".join(pieces).lower())
    if not all(word in _PLAIN_WORDS or len(word) == 1 for word in words):
        yield " ".join(pieces)


def plain_digits(text: str, years: bool = True) -> str:
    """Return `text`, of the same length, with ASCII digits for full-width ones and in `二〇一八年`."""
    if text.isascii():
        return text
    text = text.translate(_WIDE_DIGITS)
    return _HAN_YEAR.sub(lambda match: "".join(_HAN_DIGITS[c] for c in match[0]), text) if years else text


def parse_date(value: object) -> str | None:
    """Return the date that a cell begins with as YYYY-MM-DD, or None."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return _parse_date(str(value).strip()[:24])  # 2019年12月31日 has 11


@lru_cache(maxsize=1 << 12)  # of the rows of a table many are of one day
def _parse_date(text: str) -> str | None:
    match = _DATE.match(plain_digits(text))
    date = _as_date(match) if match else None
    return date.isoformat() if date else None
