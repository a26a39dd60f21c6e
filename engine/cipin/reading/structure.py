"""Structure of a report: its sections, and what each of its lines is. Labels over the text; nothing is taken out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cipin.reading.clean import Clean
from cipin.reading.contents import is_contents, may_list
from cipin.reading.headings import find_headings, may_head
from cipin.reading.labels import BODY, BOILERPLATE, HEADING, KINDS, TOC, is_body, label_lines
from cipin.reading.nesting import Heading, squeeze
from cipin.reading.numbering import read_number
from cipin.reading.paragraphs import Paragraphs, find_paragraphs
from cipin.reading.report import RawReport

#: What a section can be: the text before the first heading, a chapter of the text, its contents, a tail of links.
SECTION_KINDS = ("front", "body", "toc", "boilerplate")

#: What sections of annual reports are about, by their titles (folded, without blanks); a section without one of its
#: own is about what the section around it is about. The names of A-share reports are those of the CSRC's rules on the
#: form of annual reports, of Hong Kong ones those of the Listing Rules.
TOPICS = tuple(
    (topic, re.compile(pattern))
    for topic, pattern in (
        ("mda", "管理层讨论[与及和]分析|经营情况讨论[与及和]分析|董事会报告.*讨论[与及和]分析|经营层讨论[与及和]分析"
                "|managementdiscussionandanalysis|management['’]sdiscussion"),
        ("letter", "(?:董事长|行长|主席|总裁|总经理|执行长)(?:致辞|报告书?|致股东|的?信)|致股东(?:信|的信|书|报告书)"
                   "|(?:chairman|president|chiefexecutive)(?:['’]?s)?(?:statement|letter|message|review)"),
        ("financial_statements", "^财务(?:会计)?报告$|^(?:合并|综合)?财务报表$|经审计财务报(?:告|表)"
                                 "|^(?:audited|consolidated)?financialstatements$"),
        ("notes", "财务报表(?:项目)?附注|^notesto(?:the)?(?:consolidated)?financialstatements"),
        ("audit", "审计报告|独立核数师报告|会计师(?:查核|核阅)报告|independentauditor"),
        ("governance", "公司治理|企业管治|corporategovernance"),
        ("risk", "风险管理|riskmanagement"),
        ("esg", "社会责任|环境、?社会|可持续发展|永续|corporatesocialresponsib|environmental,?social"),
        ("directors", "董事、?监事|董事及高[级层]管理|directorsandseniormanagement|biographi"),
        ("directors_report", "董事会报告|reportof(?:the)?directors|directors['’]report"),
        ("shareholders", "股份变动|股本变动|股东情况|shareholders?(?:and|information)"),
        ("significant_matters", "重要事项|重大事项"),
        ("profile", "公司简介|公司概况|公司基本情况简介|corporate(?:profile|information)"),
        ("financial_summary", "会计数据和|财务指标摘要|主要会计数据|财务(?:摘要|概要)|financial(?:summary|highlights)"),
        ("outlook", "未来展望|发展展望|前景展望|outlook|prospects"),
        ("definitions", "^释义$|definitions$|glossary"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Sections of a clean text in order, and the kinds of its lines. Section 0 begins at 0.

    start, end   int64[n_sections]   offsets, half-open; a section holds those within it
    level        int32[n_sections]   0: the front; else from 1
    parent       int32[n_sections]   the section around it; -1: none
    title, kind, topic, source       one each section; kind is of SECTION_KINDS; topic "" or of TOPICS; source as of
                                     Heading, "" for the front
    kind_start   int64[n_kinds]      where a kind begins, ascending from 0; it ends where the next begins
    kinds        uint8[n_kinds]      index into KINDS
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    level: NDArray[np.int32]
    parent: NDArray[np.int32]
    title: tuple[str, ...]
    kind: tuple[str, ...]
    topic: tuple[str, ...]
    source: tuple[str, ...]
    kind_start: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    def section_of(self, offsets: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the innermost section of each offset."""
        return (np.searchsorted(self.start, offsets, side="right") - 1).astype(np.int32)

    def is_about(self, topics: Collection[str]) -> NDArray[np.bool_]:
        """Whether each section, or one around it, is about one of `topics`: risks within an MD&A are part of it."""
        found: list[bool] = []
        for topic, around in zip(self.topic, self.parent.tolist(), strict=True):
            found.append(topic in topics or (around >= 0 and found[around]))
        return np.array(found, np.bool_)

    def kind_of(self, offsets: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return the kind of the line at each offset."""
        return self.kinds[np.searchsorted(self.kind_start, offsets, side="right") - 1]


def find_structure(raw: RawReport, text: str, clean: Clean | None) -> Structure | None:
    """Return the structure of a report's clean `text`; None for one line, which has none.

    >>> report = RawReport("", "一、总体情况\\n经营稳健。\\n二、金融科技\\n推进转型。\\n", "text")
    >>> find_structure(report, report.text, None).title
    ('一、总体情况', '二、金融科技')
    """
    if "\n" not in text.rstrip("\n") and (clean is None or clean.aside >= len(text)):
        return None
    layout = raw.layout
    if layout is None and raw.format != "markdown" and (clean is None or clean.aside >= len(text)) and _is_plain(text):
        return _one_section(len(text))
    paragraphs = find_paragraphs(text, clean, layout)
    n_pages = len(layout.page_start) - 1 if layout and layout.has_pages else 0
    kinds = label_lines(paragraphs, n_pages)
    outline = layout.outline if layout else ()
    headings = find_headings(paragraphs, kinds, outline, markdown=raw.format == "markdown", n_pages=n_pages)
    if n_pages:
        headings = _with_running_heads(paragraphs, headings)
    for heading in headings:
        if not heading.at and heading.source != "running_head":
            kinds[heading.line] = HEADING
    return _compose(paragraphs, kinds, headings, len(text))


#: Lines up to which a text is looked at before its lines are labelled: rows of tables and short news are often plain.
FEW_LINES = 32


def _is_plain(text: str) -> bool:
    """Whether a text of few lines has no heading, and nothing but body: three lines take 7 us, and to label 130."""
    if text.count("\n") > FEW_LINES:
        return False
    lines = [line for each in text.split("\n") if (line := each.strip())]
    return not may_list(lines) and all(is_body(line) and not may_head(line) for line in lines)


def _one_section(length: int) -> Structure:
    end = np.full(1, length, np.int64)
    return Structure(_ZERO, end, _LEVEL, _PARENT, ("",), ("front",), ("",), ("",), _ZERO, _BODY)


_ZERO, _LEVEL, _PARENT = np.zeros(1, np.int64), np.zeros(1, np.int32), np.full(1, -1, np.int32)
_BODY = np.full(1, BODY, np.uint8)


def _compose(paragraphs: Paragraphs, kinds: NDArray[np.uint8], headings: Sequence[Heading], length: int) -> Structure:
    starts: list[int] = []
    levels: list[int] = []
    titles: list[str] = []
    sources: list[str] = []
    section_kinds: list[str] = []

    def add(start: int, level: int, title: str, source: str, kind: str) -> None:
        if start == 0 and starts and not levels[-1]:  # no front
            for column in (starts, levels, titles, sources, section_kinds):
                column.pop()
        starts.append(start)
        levels.append(level)
        titles.append(title)
        sources.append(source)
        section_kinds.append(kind)

    add(0, 0, "", "", "front")
    body_end = int(paragraphs.start[paragraphs.n_body]) if paragraphs.n_body < len(paragraphs) else length
    marks = [(int(paragraphs.start[each.line]) + each.at, each) for each in headings]
    for first, last, kind in _stretches(paragraphs, kinds):
        begin = int(paragraphs.start[first])
        after = int(paragraphs.start[last + 1]) if last + 1 < len(paragraphs) else length
        name = paragraphs.lines[first] if kind == "boilerplate" or is_contents(paragraphs.lines[first]) else ""
        marks = [(at, each) for at, each in marks if not begin <= at < after]
        marks.append((begin, Heading(first, 0, name, 1, kind)))
        if after < body_end and kind == "toc" and not any(at == after for at, _ in marks):
            marks.append((after, Heading(last, 0, "", 1, "after_toc")))
    for start, each in sorted(marks, key=lambda mark: mark[0]):
        if start >= body_end:
            break
        kind = each.source if each.source in SECTION_KINDS else "body"
        add(start, each.level, each.title, each.source, kind)
    n = len(starts)
    parent = np.full(n, -1, np.int32)
    end = np.full(n, body_end, np.int64)
    stack: list[int] = []
    for at in range(n):
        while stack and levels[stack[-1]] >= levels[at]:
            end[stack.pop()] = starts[at]
        if stack and levels[stack[-1]] > 0:
            parent[at] = stack[-1]
        elif stack:
            end[stack.pop()] = starts[at]  # the front holds nothing
        stack.append(at)
    topics = _topics(titles, parent)
    change = np.append(0, np.flatnonzero(kinds[1:] != kinds[:-1]) + 1)
    return Structure(
        np.array(starts, np.int64),
        end,
        np.array(levels, np.int32),
        parent,
        tuple(titles),
        tuple(section_kinds),
        topics,
        tuple(sources),
        paragraphs.start[change] if len(kinds) else np.zeros(1, np.int64),
        kinds[change] if len(kinds) else np.zeros(1, np.uint8),
    )


def _stretches(paragraphs: Paragraphs, kinds: NDArray[np.uint8]) -> Iterator[tuple[int, int, str]]:
    """Yield the first and last line of each stretch of contents or boilerplate, with the empty lines behind it."""
    for kind in (TOC, BOILERPLATE):
        lines = np.flatnonzero(kinds[: paragraphs.n_body] == kind)
        if not len(lines):
            continue
        for part in np.split(lines, np.flatnonzero(np.diff(lines) > 1) + 1):
            last = int(part[-1])
            while last + 1 < paragraphs.n_body and not paragraphs.lines[last + 1]:
                last += 1
            yield int(part[0]), last, KINDS[kind]


def _topics(titles: Sequence[str], parent: NDArray[np.int32]) -> tuple[str, ...]:
    topics: list[str] = []
    for title, around in zip(titles, parent.tolist(), strict=True):
        own = topic_of(title)
        topics.append(own or (topics[around] if around >= 0 else ""))
    return tuple(topics)


@lru_cache(maxsize=1 << 12)  # running heads are the same on all their pages
def topic_of(title: str) -> str:
    """Return what a section of this title is about, one of TOPICS, or "".

    >>> topic_of("第四节  經營情況討論與分析"), topic_of("Management Discussion and Analysis"), topic_of("一、概要")
    ('mda', 'mda', '')
    """
    number = read_number(title)
    squeezed = _COUNT.sub("", squeeze(title[number.end :] if number else title))
    if len(squeezed) > 60 or not _ANY_TOPIC.search(squeezed):
        return ""
    return next(topic for topic, pattern in TOPICS if pattern.search(squeezed))


#: Most titles are about none of them, and one look says so.
_ANY_TOPIC = re.compile("|".join(pattern.pattern for _, pattern in TOPICS))


#: Numbers that only a blank parts from the title: `十二 财务报告`.
_COUNT = re.compile(
    r"^(?:[\d.]{1,4}|[一二三四五六七八九十]{1,3})[、.．]?(?=财务|审计|董事|监事|公司|管理|股|重|会计|风险)"
)


def _with_running_heads(paragraphs: Paragraphs, headings: list[Heading]) -> list[Heading]:
    """Add the chapters that only running heads name: such as stand on pages in a row, and are titles of a topic."""
    pages_of: dict[str, list[int]] = {}
    title_of: dict[str, str] = {}
    titles_of: dict[str, set[str]] = {}
    for line in range(paragraphs.n_body, len(paragraphs)):
        title = paragraphs.lines[line]
        if topic := topic_of(title):
            pages_of.setdefault(topic, []).append(int(paragraphs.page[line]))
            title_of.setdefault(topic, title)
            titles_of.setdefault(topic, set()).add(squeeze(title))
    page = paragraphs.page[: paragraphs.n_body]
    for topic, pages in pages_of.items():
        first, last = min(pages), max(pages)
        line, behind = np.searchsorted(page, [first, last + 1]).tolist()
        if line == len(page) or last - first >= 3 * len(set(pages)):
            continue
        if any(each.line < behind and page[each.line] <= first and topic_of(each.title) == topic for each in headings):
            continue
        # What stands within such a chapter is a level deeper; its own title, set otherwise on a page, is no heading.
        headings = [
            replace(each, level=each.level + (line <= each.line < behind))
            for each in headings
            if squeeze(each.title) not in titles_of[topic]
        ]
        headings.append(Heading(line, 0, title_of[topic], 1, "running_head"))
        if behind < len(page) and not any(each.line == behind for each in headings):
            headings.append(Heading(behind, 0, "", 1, "running_head"))
    return sorted(headings, key=lambda each: (each.line, each.at, each.source != "running_head"))
