"""Text that was wrapped at a fixed width: its lines get boxes, and layout repair joins them like those of a page.

Lines of such a text end where the column ended, words or not: in a report saved with 44 Han a line, one term in
twenty was cut in two. It is told by its line ends alone, which stand in a column; lists of clauses and paragraphs of
one line have them anywhere (12 of 12 wrapped texts, none of 930 others).
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cipin.reading.report import Layout

#: Least number of long lines that are judged, and of cells in one of them (a Han character fills two).
LEAST_LINES, LEAST_CELLS = 12, 40
#: Share of the lines that end within so many cells of the right edge, and the most that may run over it.
SHARE, CELLS, OVER = 0.4, 4, 0.1
#: Most lines of a made-up page: columns are told from so many at once.
PAGE_LINES = 60

_HEIGHT = 2.0  # of a line, in cells: that of a square Han character
_LEADING = 1.6  # from line to line, so that a blank line is more than a paragraph's largest step
_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\U0001f300-\U0003fffd]"
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")


def wrapped_layout(text: str) -> Layout | None:
    """Return where the lines of a wrapped text stand, in cells; None if it was not wrapped.

    >>> paragraph = "本行持续推进金融科技创新，加快数字化转型，提升服务实体经济的能力" * 20
    >>> lines = [paragraph[at : at + 30] for at in range(0, len(paragraph), 30)]
    >>> wrapped_layout("\\n".join(lines)) is None, wrapped_layout(paragraph) is None
    (False, True)
    """
    spans = [match.span() for match in _LINE.finditer(text)]
    starts = np.array([low for low, _ in spans], np.int64)
    ends = np.array([high - (text[high - 1] == "\n") for _, high in spans], np.int64)
    if len(spans) < LEAST_LINES:
        return None
    lines = [text[low:high].rstrip() for low, high in zip(starts.tolist(), ends.tolist(), strict=True)]
    right = np.array([_cells(line) for line in lines], np.float32)
    long = right[right >= LEAST_CELLS]
    if len(long) < LEAST_LINES:
        return None
    # The edge that most long lines end at: a few may run over it.
    edge = np.bincount(long.astype(np.int64)).argmax()
    near = (long > edge - CELLS) & (long <= edge + CELLS)
    if near.sum() < SHARE * np.count_nonzero(right) or np.mean(long > edge + CELLS) > OVER:
        return None
    n = len(spans)
    page = _pages(right == 0)
    first = np.searchsorted(page, np.arange(page[-1] + 1))
    top = -_LEADING * _HEIGHT * (np.arange(n) - first[page])
    left = np.array([_cells(line[: len(line) - len(line.lstrip())]) for line in lines], np.float32)
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
        pages[low:cut] = page
        page += 2 if len(empty) else 1
        low = cut
    return pages


def _cells(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))
