"""Text that was wrapped at a fixed width: its lines get boxes, and layout repair joins them like those of a page.

Lines of such a text end where the column ended, words or not: in a report saved with 44 Han a line, one term in
twenty was cut in two. It is told by its line ends alone, which stand in a column; lists of clauses and paragraphs of
one line have them anywhere (12 of 12 wrapped texts, none of 930 others).

A column is so many cells wide, of which a Han character fills two, or so many characters (`text[at : at + 44]`): then
every digit stands for a Han character, and by their cells lines with digits would seem to end early.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import code_points
from cipin.reading.report import Layout

#: Least number of long lines that are judged, and of cells in one of them (a Han character fills two).
LEAST_LINES, LEAST_CELLS = 12, 40
#: Share of the lines that end within so many cells of the right edge, and the most that may run over it.
SHARE, CELLS, OVER = 0.4, 4, 0.1
#: Least cells a character of text whose columns are of characters: of news 1.56 to 1.9, of a table of codes 1.15.
WIDE = 1.5
#: Most lines of a made-up page: columns are told from so many at once.
PAGE_LINES = 60

_HEIGHT = 2.0  # of a line, in cells: that of a square Han character
_LEADING = 1.6  # from line to line, so that a blank line is more than a paragraph's largest step
#: Ranges of code points that fill two cells.
_WIDE = (
    (0x1100, 0x115F), (0x2E80, 0xA4CF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE6F), (0xFF00, 0xFF60),
    (0xFFE0, 0xFFE6), (0x1F300, 0x3FFFD),
)  # fmt: skip
_LF = 10
#: Blanks at the end of a line that are taken off all lines at once; those of a line that has more, by itself.
_BLANKS = 8


def wrapped_layout(text: str) -> Layout | None:
    """Return where the lines of a wrapped text stand, in cells; None if it was not wrapped.

    >>> paragraph = "本行持续推进金融科技创新，加快数字化转型，提升服务实体经济的能力" * 20
    >>> lines = [paragraph[at : at + 30] for at in range(0, len(paragraph), 30)]
    >>> wrapped_layout("\\n".join(lines)) is None, wrapped_layout(paragraph) is None
    (False, True)
    """
    if text.count("\n") < LEAST_LINES - 1:
        return None
    # As arrays: 48 MB of reports took 1.2 s by a pattern a line, and take 0.15.
    points = code_points(text)
    breaks = np.flatnonzero(points == _LF)
    starts = np.concatenate([[0], breaks + 1]).astype(np.int64)
    ends = np.append(breaks, len(points)).astype(np.int64)
    if starts[-1] == len(points):
        starts, ends = starts[:-1], ends[:-1]
    n = len(starts)
    if n < LEAST_LINES:
        return None
    cells = np.zeros(len(points) + 1, np.int32)
    np.cumsum(_widths()[np.minimum(points, len(_widths()) - 1)], out=cells[1:])
    trimmed = _trim(text, points, starts, ends)
    by_characters = _most_at_one(2 * (trimmed - starts), 1) > _most_at_one(cells[trimmed] - cells[starts], 2)
    if by_characters and cells[-1] > WIDE * len(points):
        cells = 2 * np.arange(len(points) + 1, dtype=np.int32)
    right = (cells[trimmed] - cells[starts]).astype(np.float32)
    long = right[right >= LEAST_CELLS]
    if len(long) < LEAST_LINES:
        return None
    # The edge that most long lines end at: a few may run over it.
    edge = np.bincount(long.astype(np.int64)).argmax()
    near = (long > edge - CELLS) & (long <= edge + CELLS)
    if near.sum() < SHARE * np.count_nonzero(right) or np.mean(long > edge + CELLS) > OVER:
        return None
    page = _pages(right == 0)
    first = np.searchsorted(page, np.arange(page[-1] + 1))
    top = -_LEADING * _HEIGHT * (np.arange(n) - first[page])
    lines = [text[low:high] for low, high in zip(starts.tolist(), ends.tolist(), strict=True)]
    indent = np.array([len(line) - len(line.lstrip()) if line.strip() else 0 for line in lines], np.int64)
    left = (cells[starts + indent] - cells[starts]).astype(np.float32)
    box = np.stack([left, top - _HEIGHT, np.maximum(right, left), top], axis=1).astype(np.float32)
    return Layout(
        page_start=np.append(starts[first], len(text)).astype(np.int64),
        page_size=np.full((int(page[-1]) + 1, 2), np.nan, np.float32),
        line_start=starts,
        line_end=ends,
        line_page=page,
        line_box=box,
        line_size=np.full(n, np.nan, np.float32),
        line_bold=np.zeros(n, np.bool_),
        line_kind=np.zeros(n, np.uint8),
        line_level=np.zeros(n, np.uint8),
        generated=np.zeros(len(text), np.bool_),
    )


def _most_at_one(right: NDArray[np.int64], n: int) -> int:
    """Return how many long lines end at one place, of `n` beside one another: a Han character may not fit into one."""
    at = np.bincount(right[right >= LEAST_CELLS], minlength=n)
    return int(np.convolve(at, np.ones(n, np.int64)).max())


def _pages(is_empty: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the made-up page of each line: they end at an empty line, if there is one, and an empty page follows.

    So no line goes on in one that is parted from it: what is known of two pages is not how far they are apart.
    """
    pages = np.empty(len(is_empty), np.int32)
    page = low = 0
    while low < len(pages):
        high = min(low + PAGE_LINES, len(pages))
        middle = low + PAGE_LINES // 2
        empty = np.flatnonzero(is_empty[middle:high])
        cut = middle + int(empty[-1]) + 1 if len(empty) else high
        if len(pages) - cut < LEAST_LINES:  # of a few lines nobody could tell where their column ends
            cut, empty = len(pages), empty[:0]
        pages[low:cut] = page
        page += 2 if len(empty) else 1
        low = cut
    return pages


def _trim(
    text: str, points: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the ends of lines without the white space before them."""
    trimmed = ends.copy()
    open_ = np.flatnonzero(trimmed > starts)
    for _ in range(_BLANKS):
        open_ = open_[_blank()[np.minimum(points[trimmed[open_] - 1], len(_blank()) - 1)]]
        if not len(open_):
            return trimmed
        trimmed[open_] -= 1
        open_ = open_[trimmed[open_] > starts[open_]]
    for at in open_.tolist():
        trimmed[at] = starts[at] + len(text[starts[at] : trimmed[at]].rstrip())
    return trimmed


@cache
def _widths() -> NDArray[np.uint8]:
    """uint8[0x3fffe + 1]: the cells that a code point fills; the last stands for all behind it."""
    widths = np.ones(0x3FFFF, np.uint8)
    for first, last in _WIDE:
        widths[first : last + 1] = 2
    return widths


@cache
def _blank() -> NDArray[np.bool_]:
    """bool[0x3001 + 1]: whether a code point is white space; the last stands for all behind it, none of which is."""
    return np.array([chr(point).isspace() for point in range(0x3002)], np.bool_)
