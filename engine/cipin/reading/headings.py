"""Headings of a report, and how they nest.

What says that a line is a heading, in this order: its format (Markdown, DOCX, HTML), the document's outline, its table
of contents, and else its number, its size, its weight and its shortness together: numbers alone also count rows of
tables, and size alone makes headings of every figure on a cover. How headings nest is learned from each document:
styles are ordered by the levels of its outline, and by which style begins to count anew behind which.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cipin.lexicon.fold import fold
from cipin.reading.labels import BODY, CAPTION, HEADING, LIST_ITEM, MOST_CHARS, TABLE_ROW, TOC
from cipin.reading.nesting import Candidate, Heading, nest, squeeze
from cipin.reading.numbering import FIRST_OF_NUMBERS, STYLES, SURE, Number, read_number
from cipin.reading.paragraphs import Paragraphs
from cipin.reading.report import OutlineEntry

#: Points that make a line a heading, see `_score`.
ENOUGH = 2.5
#: Characters of a title of the contents that are looked for without its number, too.
LEAST_BARE = 6
#: Pages that make a document with a cover, whose large print heads nothing.
COVERED = 8


#: Titles that stand without a number, on a line of their own.
_TITLES = re.compile(
    "(?:重要提示|释义|目录|目次|前言|序言|序|引言|绪论|导言|结语|结束语|后记|致谢|摘要|参考文献|附录|附件|备查文件目录"
    "|(?:董事长|行长|主席|总裁|总经理)(?:致辞|报告书|致股东(?:信|的信)?|报告)|致股东(?:信|的信)?|公司简介|财务摘要|管理层讨论[与及和]分析"
    "|企业管治报告|董事会报告|监事会报告|独立核数师报告|审计报告|contents|foreword|preface|abstract|introduction"
    "|conclusions?|references|bibliography|appendix|acknowledgements?|management(?:'s|’s)? discussion and analysis"
    "|(?:chairman|president)(?:'s|’s)? (?:statement|letter|message)|independent auditor(?:'s|’s)? report"
    "|corporate governance(?: report)?|report of the directors)"
)
#: What they begin with, also in Traditional characters.
_TITLE_FIRST = frozenset("重释釋目前序引绪緒导導结結后後致摘参參附备備董行主总總公财財管企监監独獨审審cfpairbm")
_TITLE_FIRST_UPPER = frozenset(each.upper() for each in _TITLE_FIRST)
_MAY_HEAD = _TITLE_FIRST | _TITLE_FIRST_UPPER | FIRST_OF_NUMBERS
_PART = re.compile("[\u3400-\u9fff]{2,8}[篇编]")
_WORDS = re.compile("[\u3400-\u9fff]{2}|[A-Za-z]{3}")
_ENDS = tuple("。！？；，、,;…")
_PROSE = re.compile("[。！？；]")
_BLANKS = re.compile(r"[\s\u3000]+")
_DIGITS = re.compile(r"[\d,.%％]")
_LEADERS = re.compile(r"[\s.·…．•‥_\-—–\t]*[(（]?\d{1,4}(?:\s*[-–—~至]\s*\d{1,4})?[)）]?$")
#: A heading behind the last sentence of the paragraph before it, which its numbered first line gives away.
_GLUED = re.compile(
    r"(?<=[。！？!?%”])\s*(\d{1,2}[.、．]|第[一二三四五六七八九十]{1,3}[章节]\s*|[一二三四五六七八九十]{1,3}、)[^\s\d。！？；，,;][^。！？；，,;]{0,28}$"
)
_MARKDOWN = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t#]*")
_FENCE = re.compile("```|~~~")


def find_headings(
    paragraphs: Paragraphs,
    kinds: NDArray[np.uint8],
    outline: Sequence[OutlineEntry] = (),
    *,
    markdown: bool = False,
    n_pages: int = 0,
) -> list[Heading]:
    """Return the headings of a text in order, each with its level; `kinds` are its lines' by `label_lines`."""
    found: dict[int, Candidate] = {}
    for candidate in _of_format(paragraphs, kinds, markdown):
        found.setdefault(candidate.line, candidate)
    # One heading is the title of a page of the web, and says nothing of what is below it.
    by_format = len(found) > 1
    title = next(iter(found.values()), None)
    if not by_format:
        for candidate in _of_outline(paragraphs, kinds, outline):
            found.setdefault(candidate.line, candidate)
        for candidate in _of_contents(paragraphs, kinds):
            found.setdefault(candidate.line, candidate)
        for candidate in _of_numbers(paragraphs, kinds, n_pages):
            found.setdefault(candidate.line, candidate)
    headings = [found[line] for line in sorted(found)]
    for glued in _glued(paragraphs, kinds, headings):
        headings.append(glued)
    if not headings:
        return []
    headings.sort(key=lambda each: (each.line, each.at))
    if title is None or by_format:
        return list(nest(headings, by_format))
    rest = list(nest([each for each in headings if each.line != title.line], by_format))
    below = [replace(each, level=each.level + (each.line > title.line)) for each in rest]
    return sorted(
        [Heading(title.line, title.at, title.title, 1, title.source), *below], key=lambda each: (each.line, each.at)
    )


def may_head(line: str) -> bool:
    """Whether a line that is not empty, whose print is unknown, may be a heading or end in one."""
    if (
        2 <= len(line) <= MOST_CHARS
        and (line[0] in _MAY_HEAD or " " in line[1:3])
        and (read_number(line) or _is_title(line) or _is_part(line))
    ):
        return True
    return _ends_in_heading(line) is not None


def _of_format(paragraphs: Paragraphs, kinds: NDArray[np.uint8], markdown: bool) -> Iterator[Candidate]:
    with_level = (kinds == HEADING) & (paragraphs.level > 0) if paragraphs.level.any() else np.zeros(0)
    for line in np.flatnonzero(with_level).tolist():
        title = paragraphs.lines[line]
        if title:
            yield _candidate(paragraphs, line, title, "format", level=int(paragraphs.level[line]))
    if not markdown:
        return
    fenced = False
    for line, text in enumerate(paragraphs.lines):
        if _FENCE.match(text):
            fenced = not fenced
        elif not fenced and text.startswith("#") and (match := _MARKDOWN.fullmatch(text)):
            yield _candidate(paragraphs, line, match[2], "format", level=len(match[1]))


def _candidate(
    paragraphs: Paragraphs,
    line: int,
    title: str,
    source: str,
    *,
    level: int = 0,
    at: int = 0,
    style: str = "",
    number: Number | None = None,
) -> Candidate:
    number = number or read_number(title)
    size = float(paragraphs.size[line])
    if not style and number:
        style = number.style
    elif not style and _is_part(title):
        style = "part"
    elif not style:
        is_unset = np.isnan(size)
        style = "title" if is_unset or _is_title(title) else f"size{round(size * 2) / 2}"
    return Candidate(line, at, title, style, number.value if number else 0, source, size, level)


def _is_title(line: str) -> bool:
    if len(line) > 40 or line[:1].lower() not in _TITLE_FIRST:
        return False
    return _TITLES.fullmatch(_BLANKS.sub(" " if line.isascii() else "", fold(line))) is not None


def _is_part(line: str) -> bool:
    """Whether a line is the name of a part, its letters spaced: `综 述 篇`."""
    return " " in line and _PART.fullmatch(squeeze(line)) is not None


def _of_outline(
    paragraphs: Paragraphs, kinds: NDArray[np.uint8], outline: Sequence[OutlineEntry]
) -> Iterator[Candidate]:
    # A bookmark a sentence long was made of a paragraph that has a heading's style by mistake.
    wanted = [
        entry
        for entry in outline
        if entry.title and len(entry.title) <= MOST_CHARS and entry.title.rstrip()[-1:] not in _ENDS
    ]
    if not wanted:
        return
    has_levels = len({entry.level for entry in wanted}) > 1
    lines_of: defaultdict[int, list[int]] = defaultdict(list)
    for line in np.flatnonzero(np.isin(kinds, (BODY, LIST_ITEM, CAPTION, TABLE_ROW, HEADING))).tolist():
        lines_of[int(paragraphs.page[line])].append(line)
    taken: set[int] = set()
    squeezed: dict[int, str] = {}
    for entry in wanted:
        title = squeeze(entry.title)
        for page in (entry.page, entry.page + 1, entry.page - 1):
            for line in lines_of[page]:
                if line not in squeezed:
                    squeezed[line] = squeeze(paragraphs.lines[line][: MOST_CHARS + 40])
            hits = [line for line in lines_of[page] if line not in taken and _begins(squeezed[line], title)]
            if hits:
                hit = max(hits, key=lambda line: (np.nan_to_num(paragraphs.size[line]), -line))
                taken.add(hit)
                yield _candidate(
                    paragraphs, hit, paragraphs.lines[hit], "outline", level=entry.level if has_levels else 0
                )
                break


def _begins(line: str, title: str) -> bool:
    """Whether a line is a title, both squeezed, or begins with it and says little more."""
    return bool(title) and (
        line == title or (len(title) >= 4 and line.startswith(title) and len(line) <= len(title) + 20)
    )


def _of_contents(paragraphs: Paragraphs, kinds: NDArray[np.uint8]) -> Iterator[Candidate]:
    """Find the entries of the table of contents again in the text behind it."""
    entries = np.flatnonzero(kinds == TOC).tolist()
    if not entries:
        return
    wanted: defaultdict[str, list[str]] = defaultdict(list)  # a title, the styles of its entries
    for line in entries:
        title = _LEADERS.sub("", paragraphs.lines[line])
        number = read_number(title)
        style = number.style if number else "part" if _is_part(title) else ""
        wanted[squeeze(title)].append(style)
        bare = squeeze(title[number.end :]) if number else ""
        if len(bare) >= LEAST_BARE:
            wanted[bare].append(style)
    lengths = set(map(len, wanted))
    for line in np.flatnonzero((kinds == BODY) | (kinds == LIST_ITEM) | (kinds == CAPTION)).tolist():
        text = paragraphs.lines[line]
        if line <= entries[0] or not 2 <= len(text) <= MOST_CHARS or len("".join(text.split())) not in lengths:
            continue
        if styles := wanted.get(squeeze(text)):
            # A title that comes again and again (`一、案例简介`) heads no more often than the contents say.
            yield _candidate(paragraphs, line, text, "contents", style=styles.pop(0))


def _of_numbers(paragraphs: Paragraphs, kinds: NDArray[np.uint8], n_pages: int) -> Iterator[Candidate]:
    """Score each line of the body by how it is numbered and set."""
    plain = (kinds == BODY) | (kinds == LIST_ITEM)
    bold = paragraphs.bold
    if bold.any():
        # Where much of the text is bold, being bold says nothing.
        weight = np.fromiter(map(len, paragraphs.lines), np.int64, len(paragraphs)) * plain
        bold = bold & (10 * int(weight[bold].sum()) < 3 * int(weight.sum()))
    last: dict[str, int] = {}
    large: Counter[str] = Counter()
    waiting: list[Candidate] = []
    is_large = (paragraphs.size > 1.08 * paragraphs.body).tolist() if paragraphs.is_set else None
    for line in np.flatnonzero(plain).tolist():
        text = paragraphs.lines[line]
        # Most lines are neither large, nor begin as numbers, titles or names of parts do.
        if not 2 <= len(text) <= MOST_CHARS:
            continue
        if not ((is_large and is_large[line]) or text[0] in _MAY_HEAD or " " in text[1:3]):
            continue
        if not _WORDS.search("".join(text[:40].split())):
            continue
        number = read_number(text)
        # A cover's print is large, and heads nothing.
        size = float(paragraphs.size[line])
        on_cover = n_pages >= COVERED and paragraphs.page[line] == 0
        if number is None and not _is_title(text) and (on_cover or not size > 1.08 * paragraphs.body):
            if not _is_part(text):
                continue
        follows = number is not None and number.value == last.get(number.style, 0) + 1
        score = _score(text, number, size / paragraphs.body, bool(bold[line]))
        if number is not None:
            restarts = number.value == 1
            score += 0.5 if follows or restarts else -0.5
        if score < (ENOUGH if paragraphs.is_set else ENOUGH - 0.5):
            continue
        candidate = _candidate(paragraphs, line, text, "numbering" if number else "size", number=number)
        if number is not None:
            if number.style in last or number.value <= 1:
                last[number.style] = number.value
            for inner in STYLES[STYLES.index(number.style) + 1 :]:
                last.pop(inner, None)
        else:
            large[candidate.style] += 1
        waiting.append(candidate)
    for candidate in waiting:
        # A style that stands once is a title, a slogan or a figure.
        if not candidate.style.startswith("size") or large[candidate.style] > 1:
            yield candidate


def _score(text: str, number: Number | None, size: float, bold: bool) -> float:
    """Return how much like a heading a line is. size: in sizes of the text; not a number where that is unknown."""
    score = 0.0
    if number is not None:
        score += (
            3.0 if number.style in SURE else 1.0 if number.style in {"circled", "letter", "arabic_bracket"} else 1.5
        )
    elif _is_title(text):
        score += 2.0
    elif _is_part(text):
        score += 1.5
    if size > 1.3:
        score += 2.5
    elif size > 1.08:
        score += 1.5
    elif size < 0.93:
        score -= 1.0
    score += 1.5 * bold
    n_chars = len(text) if not text.isascii() else len(text) / 2
    score += 0.5 if n_chars <= 30 else -2.0 if n_chars > 45 else 0.0
    if text[-1] in "。；！？":
        score -= 3.0
    elif text[-1] in "，,、;：:.":
        score -= 1.5
    if _PROSE.search(text[:-1]):
        score -= 2.0
    if 5 * len(_DIGITS.findall(text, number.end if number else 0)) > 2 * len(text):
        score -= 2.0
    return score


def _ends_in_heading(line: str) -> re.Match[str] | None:
    if len(line) < 30 or line[-1] in "。！？；，":
        return None
    return _GLUED.search(line, max(0, len(line) - 48))


def _glued(paragraphs: Paragraphs, kinds: NDArray[np.uint8], headings: list[Candidate]) -> Iterator[Candidate]:
    """Find numbered headings at the end of a paragraph, behind its last full stop.

    They are told by their count: each goes on from a heading of their style, on a line of its own or glued itself.
    """
    counted: defaultdict[str, set[int]] = defaultdict(set)
    for heading in headings:
        counted[heading.style].add(heading.value)
    glued: list[Candidate] = []
    for line in np.flatnonzero(kinds == BODY).tolist():
        text = paragraphs.lines[line]
        if (match := _ends_in_heading(text)) is None:
            continue
        at = match.start() + len(match[0]) - len(match[0].lstrip())
        candidate = _candidate(paragraphs, line, text[at:], "glued", at=at)
        glued.append(candidate)
        counted[candidate.style].add(candidate.value)
    for candidate in glued:
        near = counted[candidate.style]
        if candidate.value - 1 in near or (candidate.value == 1 and 2 in near):
            yield candidate
