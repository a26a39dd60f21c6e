"""Running heads and feet: lines near the top or bottom of pages that come again on many of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from cipin.reading.report import Layout

#: Share of a page's height at its top and bottom in which running heads and feet are looked for.
BAND = 0.12
#: Share of the pages (all, or the odd or even ones) on which a running head stands at least, and the least number.
REPEATED, LEAST_PAGES = 0.3, 3
#: Share of the pages from its first to its last on which the head of a chapter stands; points that it may move.
CHAPTER, SAME_HEIGHT = 0.7, 8
#: Share of the lines at one height and of one size that are running heads where all are, and the least number.
SLOT, LEAST_SLOT = 0.6, 10
#: Different heads that stand there at least, and points by which their edges or middles may differ.
LEAST_CHAPTERS, ALIGNED = 3, 3
#: Most lines of a page that can be marks outside of it; more, and its size is wrong.
OFF_PAGE = 4

_DIGITS = re.compile(r"[0-9０-９]+|[〇零一二三四五六七八九十百]+(?=\s*页)|\b[ivxlcIVXLC]+\b")
_PAGE_NUMBER = re.compile(r"[\s\-–—~·.|/第页頁共of#]*#[\s\-–—~·.|/第页頁共of#]*", re.IGNORECASE)

_Head = tuple[str, str, int]


def find_heads(text: str, layout: Layout, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which lines of `text`, from `start` to `end` without their blanks, are running heads: bool[n_lines].

    Their digits are masked; those of odd and even pages count apart.
    """
    head = np.zeros(len(start), np.bool_)
    n_pages = len(layout.page_start) - 1
    if n_pages < LEAST_PAGES or not len(start) or np.isnan(layout.line_box).all():
        return head
    height = layout.page_size[layout.line_page, 1]
    top = layout.line_box[:, 3] > height * (1 - BAND)
    bottom = layout.line_box[:, 1] < height * BAND
    pages_of: defaultdict[_Head, set[int]] = defaultdict(set)
    lines = np.flatnonzero((top | bottom) & (end > start))
    masked: dict[str, str] = {}
    keys: list[_Head] = []
    columns = (start, end, top, layout.line_page, np.rint(layout.line_box[:, 3].astype(np.float64) / SAME_HEIGHT))
    for low, high, is_top, page, height_of in zip(*(each[lines].tolist() for each in columns), strict=True):
        words = text[low:high]
        if words not in masked:
            masked[words] = _mask(words)
        key = ("top" if is_top else "bottom", masked[words], int(height_of))
        keys.append(key)
        pages_of[key].add(page)
    is_head: dict[_Head, bool] = {}
    for band, words, height_of in list(pages_of):
        # On either side of the edge between two heights.
        near = [pages_of.get((band, words, each)) for each in range(height_of - 1, height_of + 2)]
        is_head[band, words, height_of] = _is_repeated(set().union(*(pages for pages in near if pages)), n_pages)
    head[lines] = [is_head[key] for key in keys]
    numbers = [line for line, key in zip(lines.tolist(), keys, strict=True) if head[line] and key[1] == "#"]
    head[_cells(numbers, [text[start[line] : end[line]] for line in numbers], layout.line_page)] = False
    key_of = dict(zip(lines.tolist(), keys, strict=True))
    return head | _short_chapters(layout, head, key_of) | _off_page(layout)


def _cells(lines: list[int], words: list[str], page_of: NDArray[np.int32]) -> list[int]:
    """Return those of `lines`, which look like page numbers, that are none: they do not count with the pages as another
    line of their page does: a table's last cell, the dates above its columns (6 lines of 60 files).
    """
    pages = page_of[lines].tolist()
    found = [_DIGITS.search(each) for each in words]
    # How far a number is from that of its page; None: it is no Arabic one.
    ahead = [
        int(number[0]) - page if number and number[0].isdecimal() else None
        for number, page in zip(found, pages, strict=True)
    ]
    counting = {value for value, n in Counter(ahead).items() if value is not None and n >= LEAST_PAGES}
    counted = {page for value, page in zip(ahead, pages, strict=True) if value in counting}
    return [
        line
        for line, value, page in zip(lines, ahead, pages, strict=True)
        if value is not None and value not in counting and page in counted
    ]


def _short_chapters(layout: Layout, head: NDArray[np.bool_], key_of: dict[int, _Head]) -> NDArray[np.bool_]:
    """Find the heads of chapters of few pages: they stand where nearly all that stands is the head of some chapter.

    Where all heads say the same, what else stands at their height is the page's first line of text (most of
    the 142 lines of ten reports that were set aside so, and their hits with them).
    """
    slots: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for line, (band, _, height) in key_of.items():
        slots[band, height, round(float(layout.line_size[line]) * 2)].append(line)
    found = np.zeros(len(head), np.bool_)
    for lines in slots.values():
        heads = [line for line in lines if head[line]]
        if len(heads) < max(LEAST_SLOT, SLOT * len(lines)) or len({key_of[line][1] for line in heads}) < LEAST_CHAPTERS:
            continue
        left, right = layout.line_box[heads, 0], layout.line_box[heads, 2]
        for line in (each for each in lines if not head[each]):
            low, _, high, _ = layout.line_box[line].tolist()
            off = np.minimum(np.minimum(abs(left - low), abs(right - high)), abs(left + right - low - high) / 2)
            found[line] = np.mean(off < ALIGNED) >= SLOT and high - low <= float((right - left).max()) + ALIGNED
    return found


def _mask(words: str) -> str:
    masked = "".join(_DIGITS.sub("#", words).split())
    return "#" if "#" in masked and _PAGE_NUMBER.fullmatch(masked) else masked


def _off_page(layout: Layout) -> NDArray[np.bool_]:
    """Find the few lines that stand outside of their page: marks of the printer, which nobody sees."""
    box, size = layout.line_box, layout.page_size[layout.line_page]
    off = (box[:, 1] > size[:, 1]) | (box[:, 3] < 0) | (box[:, 0] > size[:, 0]) | (box[:, 2] < 0)
    n_off = np.bincount(layout.line_page[off], minlength=len(layout.page_size))
    return off & (n_off <= OFF_PAGE)[layout.line_page]


def _is_repeated(pages: set[int], n_pages: int) -> bool:
    """Whether a line on these pages is a running head: of the report, or of a chapter, on whose pages it stands."""
    if len(pages) < LEAST_PAGES:
        return False
    odd = sum(page % 2 for page in pages)
    spread = max(pages) - min(pages) + 1
    n_same = len(pages) if 0 < odd < len(pages) else 2 * len(pages)  # on odd or on even pages alone
    return (
        len(pages) >= REPEATED * n_pages
        or odd >= max(LEAST_PAGES, REPEATED * (n_pages // 2))
        or len(pages) - odd >= max(LEAST_PAGES, REPEATED * ((n_pages + 1) // 2))
        or n_same >= CHAPTER * spread
    )
