"""Repairs that need no geometry: doubled characters, page numbers glued into sentences, paragraphs cut by a page.

They work on the clean text, be it that of a page or a text that has no layout at all; what they take out is taken out
of the map as well. Each looks at the whole text first, and does nothing unless the defect comes again and again there:
one doubled word is a word, one number between two characters is a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import HAN, code_points, is_han
from cipin.reading.clean import Clean, cut_out
from cipin.reading.doubled import find_doubled
from cipin.reading.report import Layout

#: Every repair, in the order in which they are made.
REPAIRS = ("overprint", "page_numbers", "page_breaks")

#: Glued page numbers: how many at least, the most pages from one to the next, characters of a page.
LEAST_NUMBERS, MOST_STEP, PAGE_CHARS = 5, 3, (150, 6000)
#: Digits of what may be the page number of a line of its own; one within a line has fewer.
MOST_DIGITS = 4
#: Points that the height of page numbers may differ by, where it is known.
SAME_HEIGHT = 8
#: From here on a number is a year: no report has so many pages, and chronicles have a line for each year.
LEAST_YEAR = 1900

#: Paragraphs that a page cuts: least length, share of the long lines that end as sentences do, share that is cut.
LONG, SENTENCES, MOST_CUT = 25, 0.5, 0.4
#: The least number of such paragraphs.
LEAST_BREAKS = 3


#: The page of an offset, from 0, and how far its line is from the page's lower and upper edge, in points.
Place = tuple[int, float, float]


def repair_running_text(
    text: str, clean: Clean | None, off: Collection[str] = (), layout: Layout | None = None
) -> Clean | None:
    """Repair a report's text, all but the repairs named in `off`; None if it is raw and nothing was to be done.

    text    the clean text; where `clean` is None, the raw one
    layout  where the raw text stands; None: not known

    >>> paragraphs = ["研究研究院院发布全球银行业展望报全球银行业展望报告告"] * 8
    >>> repair_running_text("\\n".join(paragraphs), None).text.split("\\n")[0]
    '研究院发布全球银行业展望报告'
    """
    for name, find in zip(REPAIRS, (find_doubled, find_numbers, find_breaks), strict=True):
        if name in off:
            continue
        body = text[: clean.aside] if clean else text
        if find is find_numbers and layout is not None and layout.has_pages:
            spans = find_numbers(body, partial(_places, clean, layout))
        else:
            spans = find(body)
        if spans:
            clean = cut_out(text, clean, spans, name)
            text = clean.text
    return clean


def _places(clean: Clean | None, layout: Layout, offsets: Sequence[int]) -> list[Place]:
    raw = np.array(offsets, np.int64)
    if clean is not None:
        raw = clean.raw(raw)
    line = np.clip(np.searchsorted(layout.line_start, raw, side="right") - 1, 0, len(layout.line_start) - 1)
    page, box = layout.line_page[line], layout.line_box[line]
    above = layout.page_size[page, 1] - box[:, 3]
    return list(zip(page.tolist(), box[:, 1].tolist(), above.tolist(), strict=True))


#: What stands before or behind a number that is no page: what counts, and what is counted.
_COUNTS = frozenset("第约約近超共达達为為至到前后後逾每各中有和与與及或仅僅余餘下上满滿增降占率年月日号號条條图圖表")
_COUNTED = frozenset(
    "多余餘个個家年月日号號条條项項次人户戶倍元万萬亿億千百十吨噸米天期届屆名款種种章节節岁歲位大强強度点點笔筆件类類级級层層"
    "只支张張台辆輛套股分秒时時页頁行省市县縣区區国國所座间間栋棟部门門平公英小周季成折楼樓室厅廳班路步维維代星等轮輪场場"
)
#: The same with dashes around it, as feet are set; and a line that is nothing but a page's number.
_DASHED = re.compile(r"\s?[-—–]\s?\d{1,3}\s?[-—–]\s?")
_LINE = re.compile(r"[ \t\u3000]*(?:第\s*)?[-—–·]?\s*\d{1,4}\s*[-—–·]?(?:\s*[页頁])?[ \t\u3000]*(?:\n|\Z)")
_MARKS = f"{HAN}，。；：！？）」”"


def find_numbers(text: str, place: Callable[[Sequence[int]], list[Place]] | None = None) -> list[tuple[int, int]]:
    """Return the page numbers that stand in the text, where they rise through it page by page.

    place   says where offsets in `text` stand, if pages are known: then numbers count with the pages, and those on
            lines of their own stand at one height; others are the cells of a table
    """
    if len(text) < LEAST_NUMBERS * PAGE_CHARS[0]:
        return []
    points = code_points(text)
    runs = _runs(points)
    spans: set[tuple[int, int]] = set()
    for find in (_glued, _dashed, _lines):
        found = [each for each in find(text, points, *runs) if each[2] < LEAST_YEAR]
        places = place([start for start, _, _ in found]) if place is not None else None
        rising = _pages(text, _rising(found, places, steady=find is _lines))
        spans.update((start, end) for start, end, _ in rising)
        if find is _dashed:
            spans.update(_heads(text, rising))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _pages(text: str, rising: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the numbers, or none where most follow the same two characters: 案例1, 案例2 count cases."""
    before = Counter(text[max(0, start - 2) : start] for start, _, _ in rising if text[start].isdigit())
    return rising if all(2 * n <= len(rising) or "\n" in words for words, n in before.items()) else []


def _runs(points: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and end of each run of up to MOST_DIGITS digits, not at the text's ends."""
    digit = np.zeros(len(points) + 2, np.bool_)
    np.less(points - np.uint32(0x30), 10, out=digit[1:-1])
    change = np.flatnonzero(digit[1:] != digit[:-1])
    start, end = change[::2], change[1::2]
    fits = (end - start <= MOST_DIGITS) & (start > 0) & (end < len(points))
    return start[fits], end[fits]


def _glued(
    text: str, points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    """Return the numbers between two Han that are none of theirs: start, end, value."""
    between = (end - start < MOST_DIGITS) & is_han(points[start - 1]) & is_han(points[end])
    return [
        (low, high, int(text[low:high]))
        for low, high in zip(start[between].tolist(), end[between].tolist(), strict=True)
        if text[low - 1] not in _COUNTS and text[high] not in _COUNTED
    ]


def _dashed(
    text: str, points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    """Return the numbers in dashes between Han or marks, with the dashes."""
    beside = (end - start < MOST_DIGITS) & _is_one_of(points[start - 1], _DASHES) & _is_one_of(points[end], _DASHES)
    found = []
    for low, high in zip(start[beside].tolist(), end[beside].tolist(), strict=True):
        for begin in (low - 3, low - 2, low - 1):
            match = _DASHED.match(text, begin) if begin > 0 else None
            if match and re.match(f"[{_MARKS}]", text[begin - 1]) and re.match(f"[{HAN}（“]", text[match.end() :][:1]):
                found.append((*match.span(), int(text[low:high])))
                break
    return found


def _is_one_of(points: NDArray[np.uint32], characters: str) -> NDArray[np.bool_]:
    """Whether each point is one of some characters of the basic plane: 4 us, where np.isin takes 40."""
    return _table(characters)[np.minimum(points, 0xFFFF)]


@cache
def _table(characters: str) -> NDArray[np.bool_]:
    table = np.zeros(0x10000, np.bool_)
    table[[ord(each) for each in characters]] = True
    return table


_DASHES = " -–—"
_LINE_SIDES = "\t\n -·–—\u3000第页頁"


def _lines(
    text: str, points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    """Return the lines that are nothing but a number, with their line ends."""
    beside = _is_one_of(points[start - 1], _LINE_SIDES) & _is_one_of(points[end], _LINE_SIDES)
    found = []
    for low, high in zip(start[beside].tolist(), end[beside].tolist(), strict=True):
        begin = text.rfind("\n", max(0, low - 12), low) + 1
        if not begin:
            continue
        # A number alone may be that of a section; one that cuts a sentence is a page's.
        first = begin
        while text[first] in " \t\u3000":
            first += 1
        is_bare = text[first].isdecimal() and text[high : high + 2].strip("\n \t\r") == ""
        if is_bare and _last_before(text, begin) in _WHOLE:
            continue
        if match := _LINE.match(text, begin):
            found.append((*match.span(), int(text[low:high])))
    return found


def _last_before(text: str, end: int) -> str:
    """Return the last character before `end` that is no white space; "" if there is none."""
    while end and text[end - 1].isspace():
        end -= 1
    return text[end - 1 : end] if end else ""


def _rising(
    found: list[tuple[int, int, int]], places: list[Place] | None, *, steady: bool
) -> list[tuple[int, int, int]]:
    """Return the numbers that count pages: each but a few more than the last one, a page of text or so behind it.

    places   where each stands, if that is known: they count with its page, and are at one height if `steady`
    """
    best: list[int] = [1] * len(found)
    before: list[int] = [-1] * len(found)
    for at, (start, _, value) in enumerate(found):
        # Numbers that are no pages stand between, so a few are passed over.
        for back in range(at - 1, max(-1, at - 40), -1):
            other_start, _, other = found[back]
            step, distance = value - other, start - other_start
            if distance > MOST_STEP * PAGE_CHARS[1]:
                break
            if places is None:
                fits = 1 <= step <= MOST_STEP and PAGE_CHARS[0] * step <= distance <= PAGE_CHARS[1] * step
            else:
                (page, below, above), (other_page, other_below, other_above) = places[at], places[back]
                moved = min(abs(below - other_below), abs(above - other_above))
                fits = 1 <= step <= MOST_STEP and step == page - other_page and (not steady or moved <= SAME_HEIGHT)
            if fits and best[back] + 1 > best[at]:
                best[at], before[at] = best[back] + 1, back
    kept: list[tuple[int, int, int]] = []
    used: set[int] = set()
    for at in sorted(range(len(found)), key=lambda each: -best[each]):
        if best[at] < LEAST_NUMBERS:
            break
        chain, link = [], at
        while link >= 0 and link not in used:
            chain.append(link)
            link = before[link]
        if len(chain) >= LEAST_NUMBERS:
            used.update(chain)
            kept += [found[each] for each in chain]
    return sorted(kept)


def _heads(text: str, numbers: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the running head that follows page numbers, if the same words follow upon most of them."""
    behind = [text[end : end + 40].partition("\n")[0] for _, end, _ in numbers]
    # Counted once: each against all others, 1,000 pages took 3 s and 8,000 ten minutes.
    beginnings = Counter(words[:length] for words in behind for length in range(4, min(len(words), 30) + 1))
    for (_, end, _), words in zip(numbers, behind, strict=True):
        best = 0
        for length in range(4, min(len(words), 30) + 1):
            if 2 * beginnings[words[:length]] < len(behind):
                break
            best = length
        if best:
            yield end, end + best


_OPEN_END = re.compile(f"[{HAN}A-Za-z0-9，、；“（《]$")
_WHOLE = frozenset("。！？；：”）")
_GOES_ON = re.compile(f"[{HAN}A-Za-z0-9“”《》（）]")
_BEGINS_ANEW = re.compile(
    "(?:第?[〇零一二三四五六七八九十百]{1,4}[、.．章节節条條是]|[（(][〇零一二三四五六七八九十\\d]{1,3}[)）]|\\d{1,2}[、.．)）]"
    "|[①-⑳•·◆●■□★▪]|[图圖表]\\s?\\d|案例|专栏|專欄|目录|目錄|附[录錄件])"
)
#: What a sentence of so many characters holds, and a title or caption mostly does not.
_WITHIN = re.compile("[，。；：！？、,;]")
_BREAK = re.compile(r"[ \t]*\n[ \t]*(?:\f?[ \t]*\n|\f)[ \t]*")


def find_breaks(text: str) -> list[tuple[int, int]]:
    """Return the empty lines that cut a sentence in two, where paragraphs are lines that mostly end as sentences do."""
    if "\n\n" not in text and "\f" not in text:
        return []
    long = [line for line in map(str.rstrip, text.split("\n")) if len(line) >= LONG]
    n_whole = sum(line[-1] in _WHOLE for line in long)
    if len(long) < LEAST_NUMBERS or n_whole < SENTENCES * len(long):
        return []
    n_open = sum(_OPEN_END.search(line) is not None for line in long if line[-1] not in _WHOLE)
    if not 0 < n_open <= MOST_CUT * len(long):
        return []
    spans = []
    breaks = [(0, 0), *(match.span() for match in _BREAK.finditer(text)), (len(text), len(text))]
    blocks = [text.count("\n", begin, start) + 1 for (_, begin), (start, _) in pairwise(breaks)]
    # Where few lines stand between two empty ones, a line that does is a title, whole as it is.
    is_spaced = 2 * blocks.count(1) >= sum(blocks)
    for (_, begin), (start, end), (after, _), n_lines in zip(breaks, breaks[1:], breaks[2:], blocks, strict=False):
        if n_lines == 1 and not is_spaced:
            continue
        line = text[max(begin, text.rfind("\n", 0, start) + 1) : start]
        following = text[end : text.find("\n", end, after) if text.find("\n", end, after) >= 0 else after]
        if (
            len(line) >= LONG
            and _OPEN_END.search(line)
            # All of 90 cut sentences hold one, and none of the two captions and the row that looked like them.
            and _WITHIN.search(line)
            and _GOES_ON.match(following)
            and not _BEGINS_ANEW.match(following)
            and (len(following) >= LONG or following.rstrip().endswith(("。", "！", "？", "；")))
        ):
            spans.append((start, end))
    # One long heading without a mark at its end, but with one inside, looks the same.
    return spans if len(spans) >= LEAST_BREAKS else []
