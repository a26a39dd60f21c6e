"""What the content of a report says of whose it is, of which year and under which code: candidates, each with a score.

Looked at are the cover (the first lines of the first two pages, or of a text without pages), the running heads, the
title and the metadata: never more of the text, so that it costs about a millisecond a report, however long that is.
Nothing is taken from prose: a line counts if it is a name, perhaps with the words of a report's title beside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cipin.lexicon.fold import fold
from cipin.reading.names import annual_years, parse_date, western_years
from cipin.reading.numbering import read_number
from cipin.reading.parsed import Parsed
from cipin.reading.registry import Registry, squeeze_han

#: Lines and characters of a cover, and of a line of it. A cover that is a picture is followed by the contents.
COVER_LINES, COVER_CHARS, LINE_CHARS = 60, 3000, 120
#: Different running heads that are looked at, the most frequent first, and pages that make one.
MOST_HEADS, LEAST_PAGES = 40, 3

#: Lines between a name and the title of a report, on its cover.
BESIDE = 3

#: How far each source is believed, from 0 to 1; see `cipin.reading.identify`.
ENTITY_SCORES: Mapping[str, float] = {"cover": 0.7, "running_head": 0.65, "title": 0.5, "publisher": 0.45}
#: A company that the registry does not know is told by its legal form alone.
UNKNOWN = 0.1
YEAR_SCORES: Mapping[str, float] = {
    "cover": 0.9, "running_head": 0.8, "title": 0.75, "period": 0.7, "metadata_date": 0.3,
}  # fmt: skip
#: Of what is kept, but never chosen.
TOO_LITTLE = 0.2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible entity or year of a report.

    value       the entity's name or the year
    as_written  what stood there
    source      where it stood
    score       how far that is believed, from 0 to 1
    is_known    an entity of the registry
    """

    value: str | int
    as_written: str
    source: str
    score: float
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    """The first lines of a report, and what they are the cover of.

    lines      squeezed, those that are no sentence
    is_report  one of them says that this is an annual, interim or financial report
    is_annual  one of them says annual
    """

    lines: tuple[str, ...]
    is_report: bool
    is_annual: bool


_SENTENCE = re.compile("[。；，！？]")
_REPORT = re.compile(
    "(?:年度|中期|季度|财务)报告|财务报表|年报"
    "|(?:annual|interim|quarterly|financial)(?: results)? (?:report|statements?)"
)
_ANNUAL = re.compile("(?<!半)年度报告|(?<!半)年报|annual report")
#: In front of a name: a number, the words of a report's title, what says that a name or a code follows.
_LEAD = re.compile(
    "(?:[^\\w]|[\\d_]|年度报告|年年度报告|年报|年度|年|annual report|interim report|[ah]股"
    "|(?:证券|股票|公司|股份)?(?:简称|名称|代[码号])|全文|摘要|the )*"
)
_TITLE_WORDS = re.compile(
    "[\\W\\d_]|年度|中期|半年|季度|年报|报告书?|年|全文|摘要|正文|及其?子公司|合并|财务|(?:annual|interim|report|summary)"
)
_COMPANY = re.compile(
    "(?P<name>[\u3400-\u9fffA-Za-z0-9()（）·&.\\- ]{2,40}?(?:股份有限公司|有限责任公司|有限公司)"
    "|[A-Za-z][A-Za-z0-9&.,'’()\\- ]{2,80}?\\b(?:limited|ltd|inc|corporation|plc|incorporated)\\b\\.?)",
    re.IGNORECASE,
)
_FULL = re.compile(r"公司$|limited\W*$|ltd\W*$|corporation$|plc$|inc\W*$|company$")
#: Who signs or sells a report is not whose it is.
_OTHERS = re.compile("会计师|事务所|评级|评估|律师|保荐|^(?:关于|致|对)|accountants|auditors")
_INTERIM = re.compile(
    r"(?<!\d)((?:19|20)\d\d)年?度?(?:半年度?|中期|第?[一二三]季度?)(?:业绩|财务)?报告"
    r"|(?<!\d)((?:19|20)\d\d) ?interim report|interim report ?((?:19|20)\d\d)(?!\d)"
)
_N = "[\\d一二三四五六七八九十]{1,3}"
_PERIOD_BEGINS = re.compile(r"截\s*至|years? ended", re.IGNORECASE)
_PERIOD = re.compile(
    rf"截至((?:19|20)\d\d)年(?:及(?:19|20)\d\d年)?{_N}月{_N}日止(?:年度|财政年度)"
    r"|(?:fiscal |financial )?years? ended (?:\d{1,2} )?[a-z]{3,9}\.? (?:\d{1,2}, ?)?((?:19|20)\d\d)"
)
#: 民國113年及112年第二季, on the cover of a financial report: the first of the two is reported.
_PERIODS = re.compile(
    rf"(?<!\d)((?:19|20)\d\d)年?(?:及(?:民国)?\d{{2,4}}年?)?(?:度|第[一二三四]季|上半年|{_N}月{_N}日[至及])"
)
#: What every year is written with.
_DIGIT = re.compile("[\\d〇零○一二三四五六七八九十]")
_CODE = re.compile(
    r"(?:股票|证券|股份|[ah]股)(?:代[码号])[^\da-z]{0,4}(?:s[hz]|hk)?(\d{3,6})(?!\d)"
    r"|stock code[^\d]{0,10}(\d{1,6})(?!\d)"
)
_PAGE_NUMBER = re.compile(r"^\W*\d{1,3}\b\W*|\W*\b\d{1,3}\W*$")
_PUBLISHER = ("publisher", "author", "pdf_author")


def read_cover(parsed: Parsed) -> Cover:
    """Return the cover of a report that was read and repaired."""
    text = parsed.text
    end = parsed.clean.aside if parsed.clean else len(text)
    starts: list[int] = []
    lines: list[str] = []
    at = 0
    while at < min(end, COVER_CHARS) and len(lines) < COVER_LINES:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        starts.append(at)
        lines.append(text[at : min(stop, at + LINE_CHARS + 1)])
        at = stop + 1
    layout = parsed.raw.layout
    if parsed.clean and layout and layout.has_pages and len(layout.page_start) > 2 and starts:
        raw = parsed.clean.raw(np.array(starts, np.int64))
        lines = lines[: int(np.searchsorted(raw, layout.page_start[2]))]
    squeezed = [squeeze_han(line) for line in lines]
    kept = tuple(line for line in squeezed if 1 < len(line) <= LINE_CHARS and not _SENTENCE.search(line))
    folded = [fold(line) for line in kept]
    return Cover(kept, any(map(_REPORT.search, folded)), any(map(_ANNUAL.search, folded)))


def find_heads(parsed: Parsed) -> list[tuple[str, int]]:
    """Return the running heads of a report, without page numbers, each with the number of pages it is on."""
    if parsed.clean is None or parsed.clean.aside >= len(parsed.text):
        return []
    lines = parsed.text[parsed.clean.aside :].split("\n")
    heads = Counter(_PAGE_NUMBER.sub("", line) for line in lines if 3 < len(line) <= LINE_CHARS)
    return [(squeeze_han(head), n) for head, n in heads.most_common(MOST_HEADS) if len(head) > 1]


def name_of_line(line: str, registry: Registry, year: int | None) -> tuple[str, str | None] | None:
    """Return whom a line names that is a name, as it stands there and as the registry has it; None if it is none.

    >>> from cipin.reading.registry import load_registry
    >>> name_of_line("招商銀行股份有限公司2019年年度報告", load_registry(), 2019)
    ('招商銀行股份有限公司', '招商银行')
    >>> [name_of_line(line, load_registry(), 2019) for line in ("某某科技股份有限公司", "招商银行的竞争对手")]
    [('某某科技股份有限公司', None), None]
    """
    folded = fold(line)
    lead = _LEAD.match(folded)
    begin = lead.end() if lead else 0
    mentions = registry.find(folded[begin:], year)
    if mentions and mentions[0].start == 0 and len({each.entity for each in mentions}) == 1:
        first, rest = mentions[0], folded[begin + mentions[-1].end :]
        if len(_TITLE_WORDS.sub("", rest)) <= 2:
            return line[begin : begin + first.end].strip(), first.entity
        return None
    company = _COMPANY.match(line, begin)
    # 某某银行股份有限公司北京分行 is neither the bank nor a company.
    if company and not _OTHERS.search(folded) and not re.match("[\u3400-\u9fff]{0,12}分[行公]", line[company.end() :]):
        name = company["name"].strip()
        return name, registry.entity_of(name, year)
    return None


def entity_candidates(
    cover: Cover, heads: list[tuple[str, int]], parsed: Parsed, registry: Registry, year: int | None
) -> Iterator[Candidate]:
    """Yield whose report it may be, by its cover, running heads, title and publisher."""
    yield from _of_cover(cover, registry, year)
    counts: Counter[tuple[str, bool]] = Counter()
    written_as: dict[tuple[str, bool], str] = {}
    for head, n in heads:
        if named := name_of_line(head, registry, year):
            key = (named[1] or named[0], named[1] is not None)
            counts[key] += n
            written_as.setdefault(key, named[0])
    if counts:
        (value, is_known), n = counts.most_common(1)[0]
        if n >= LEAST_PAGES and 2 * n > counts.total():
            score = ENTITY_SCORES["running_head"] - (0 if is_known else UNKNOWN)
            yield Candidate(value, written_as[value, is_known], "running_head", score, is_known)
    yield from title_candidates(parsed, registry, year)


def _of_cover(cover: Cover, registry: Registry, year: int | None) -> Iterator[Candidate]:
    """Yield whom a cover names, in full or beside the title of a report: a text that begins with a name is about it."""
    if not cover.is_report:
        return
    folded = [fold(line) for line in cover.lines]
    titles = [at for at, line in enumerate(folded) if _REPORT.search(line) and len(_TITLE_WORDS.sub("", line)) <= 2]
    found: list[tuple[str, str | None, bool]] = []
    for at, line in enumerate(cover.lines):
        if number := read_number(line):
            if number.style != "letter":
                continue  # 01.中国工商银行 heads a section
        if named := name_of_line(line, registry, year):
            beside = _REPORT.search(folded[at]) is not None or any(abs(at - title) <= BESIDE for title in titles)
            if beside or _FULL.search(fold(named[0])):
                found.append((*named, beside))
    # Of several, such as a bank and the one that underwrites, the one beside the title.
    for among in (found, [each for each in found if each[2]]):
        known = {entity for _, entity, _ in among if entity}
        if len(known) == 1:
            (bank,) = known
            written = next(written for written, entity, _ in among if entity)
            yield Candidate(bank, written, "cover", ENTITY_SCORES["cover"], True)
            return
    for written, entity, _ in found:
        if entity:
            yield Candidate(entity, written, "cover", TOO_LITTLE, True)
        elif not any(entity for _, entity, _ in found):
            yield Candidate(written, written, "cover", ENTITY_SCORES["cover"] - UNKNOWN)
            return


def title_candidates(parsed: Parsed, registry: Registry, year: int | None) -> Iterator[Candidate]:
    """Yield whose report it may be, by its title and publisher."""
    raw = parsed.raw
    title = squeeze_han(raw.title[:200]) if raw.title else ""
    mentions = registry.find(title, year) if title else []
    if mentions and not mentions[0].start and len({each.entity for each in mentions}) == 1:
        written = title[: mentions[0].end]
        yield Candidate(mentions[0].entity, written, "title", ENTITY_SCORES["title"], True)
    for key in _PUBLISHER:
        value = raw.meta.get(key)
        if isinstance(value, str) and len(value) <= 80 and (entity := registry.entity_of(value, year)):
            yield Candidate(entity, value, "publisher", ENTITY_SCORES["publisher"], True)
            return


def year_candidates(
    cover: Cover, heads: list[tuple[str, int]], parsed: Parsed, *, is_annual: bool
) -> Iterator[Candidate]:
    """Yield the years that a report may be of; is_annual: its name says that it is an annual report."""
    seen: set[int] = set()
    for line, source in _dated_lines(cover):
        for year in sorted(source):
            if year not in seen:
                score = YEAR_SCORES["cover"] if not seen and len(source) == 1 else TOO_LITTLE
                yield Candidate(year, line, "cover", score)
            seen.add(year)
    counts: Counter[int] = Counter()
    written: dict[int, str] = {}
    for head, n in heads:
        for year in _years(head):
            counts[year] += n
            written.setdefault(year, head)
    if counts:
        year, n = counts.most_common(1)[0]
        score = YEAR_SCORES["running_head"] if 2 * n > counts.total() else TOO_LITTLE
        yield Candidate(year, written[year], "running_head", score)
    title = parsed.raw.title[:200]
    if title and len(years := _years(squeeze_han(title))) == 1:
        yield Candidate(years.pop(), title, "title", YEAR_SCORES["title"])
    if not seen and (period := _find_period(parsed.text)):
        yield period
    for key in ("pdf_created", "published"):
        if date := parse_date(parsed.raw.meta.get(key)):
            # Of what is no annual report, the date says nothing.
            score = YEAR_SCORES["metadata_date"] if is_annual or cover.is_annual else TOO_LITTLE / 2
            yield Candidate(int(date[:4]) - 1, date, "metadata_date", score)
            return


def _find_period(text: str) -> Candidate | None:
    """Return the year of the first period that a text says it is about."""
    for match in _PERIOD_BEGINS.finditer(text, 0, COVER_CHARS):
        near = squeeze_han(text[max(0, match.start() - 20) : match.end() + 80])
        if period := _PERIOD.search(western_years(fold(near))):
            return Candidate(int(period[1] or period[2]), period[0], "period", YEAR_SCORES["period"])
    return None


def _dated_lines(cover: Cover) -> Iterator[tuple[str, set[int]]]:
    found = False
    for line in cover.lines:
        if years := _years(line):
            found = True
            yield line, years
    if not found and cover.is_report:
        for line in cover.lines:
            if match := _PERIODS.search(fold(western_years(line))):
                yield line, {int(match[1])}
                return


def _years(line: str) -> set[int]:
    if not _DIGIT.search(line):
        return set()
    if years := annual_years(line):
        return years
    folded = fold(western_years(line))
    return {int(next(filter(None, match.groups()))) for match in _INTERIM.finditer(folded)}


def find_code(cover: Cover) -> str | None:
    """Return the stock code that a cover gives, as `cipin.reading.names.read_code` does; None if it gives several."""
    codes = set()
    for line in cover.lines:
        for match in _CODE.finditer(fold(line)):
            digits = match[1] or match[2]
            is_hk = "股份代" in match[0] or "h股" in match[0] or (match[2] and len(digits) < 6)
            codes.add(digits.zfill(5) if is_hk and len(digits) < 6 else digits)
    return codes.pop() if len(codes) == 1 else None
