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
    # Where nearly all that stands is such a head, the rest is the head of a short chapter.
    halves = np.rint(layout.line_size[lines].astype(np.float64) * 2).tolist()
    slots = [(key[0], key[2], size) for key, size in zip(keys, halves, strict=True)]
    n_lines = Counter(slots)
    n_heads = Counter(slot for slot, key in zip(slots, keys, strict=True) if is_head[key])
    head[lines] |= np.array([n_heads[slot] >= max(LEAST_SLOT, SLOT * n_lines[slot]) for slot in slots], np.bool_)
    return head | _off_page(layout)


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
