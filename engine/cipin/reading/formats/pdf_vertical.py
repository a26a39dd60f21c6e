"""Pages that are set in columns, from top to bottom and from right to left, and pages that lie on their side.

PDFium gives a column for a line, or each character for one, and columns from left to right as often as not: the text
is put in reading order. Such a page is handed on as if it were turned, so that its lines lie and follow one another
downwards, as those of any page. Only what stands so is looked at more closely; other pages cost 1 µs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipin.reading.report import Layout

#: Share of a page's characters that stand so, and the least number of them.
SHARE, LEAST = 0.6, 20
#: How much higher than wide a line of two characters or more is.
TALL = 1.5
#: In line sizes: how far the middles of one column's pieces may lie apart, and how large the step between them is.
BESIDE, STEP = 0.5, 0.8
#: Width of what stands by itself in a column, in line sizes.
NARROW = 1.3


@dataclass(slots=True)
class _Column:
    """Lines that stand below one another, and what they fill: left, bottom, right, top."""

    lines: list[int]
    box: NDArray[np.float32]


def set_upright(text: str, layout: Layout, falls: NDArray[np.float32]) -> tuple[str, Layout]:
    """Return text and layout with the pages turned whose lines stand, and columns in reading order.

    falls   float32[n_lines]   how far, in points, a line's last character stands below its first
    """
    down, up = _standing_pages(layout, falls)
    if not (down.any() or up.any()):
        return text, layout
    n_pages = len(layout.page_size)
    texts: list[str] = []
    generated: list[NDArray[np.bool_]] = []
    rows: list[NDArray[np.int64]] = []
    boxes: list[NDArray[np.float32]] = []
    starts: list[int] = []
    ends: list[int] = []
    page_start = [0]
    moved_to = np.full(len(text), -1, np.int64)
    size = layout.page_size.copy()
    first_line = np.searchsorted(layout.line_page, np.arange(n_pages + 1))
    for page in range(n_pages):
        low, high = int(layout.page_start[page]), int(layout.page_start[page + 1])
        lines = np.arange(first_line[page], first_line[page + 1])
        columns = [_Column([line], layout.line_box[line]) for line in lines.tolist()]
        if down[page]:
            columns = _in_reading_order(_join_pieces(layout, columns))
        order: list[int] = []
        begin = page_start[-1]
        for column in columns:
            starts.append(begin + len(order))
            for line in column.lines:
                order += range(int(layout.line_start[line]), int(layout.line_end[line]))
            ends.append(begin + len(order))
            # Behind PDFium's hyphen stands no line end; the page has one at its end in any case.
            after = int(layout.line_end[column.lines[-1]])
            if down[page] or (after < high and text[after] == "\n"):
                order.append(after if text[after : after + 1] == "\n" else high - 1)
        chosen = np.array(order if down[page] else range(low, high), np.int64)
        moved_to[chosen] = begin + np.arange(len(chosen))
        texts.append("".join(text[at] for at in chosen.tolist()) if down[page] else text[low:high])
        generated.append(layout.generated[chosen])
        rows.append(np.array([column.lines[0] for column in columns], np.int64))
        box = np.array([column.box for column in columns], np.float32).reshape(-1, 4)
        if down[page] or up[page]:
            box = _turned(box, size[page], bool(down[page]))
            size[page] = size[page, ::-1].copy()
        boxes.append(box)
        page_start.append(begin + len(chosen))
    row = np.concatenate(rows)
    narrow = moved_to[layout.narrow]
    return "".join(texts), replace(
        layout,
        page_start=np.array(page_start, np.int64),
        page_size=size,
        line_start=np.array(starts, np.int64),
        line_end=np.array(ends, np.int64),
        line_page=layout.line_page[row],
        line_box=np.concatenate(boxes),
        line_size=layout.line_size[row],
        line_bold=layout.line_bold[row],
        line_kind=layout.line_kind[row],
        line_level=layout.line_level[row],
        generated=np.concatenate(generated),
        narrow=np.sort(narrow[narrow >= 0]),
    )


def _standing_pages(layout: Layout, falls: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which pages are read downwards, and which upwards."""
    n_pages = len(layout.page_size)
    n_chars = layout.line_end - layout.line_start
    width, height = (layout.line_box[:, 2:] - layout.line_box[:, :2]).T
    stands = (n_chars > 1) & (height > TALL * np.maximum(width, 1e-3))
    stacked = np.zeros(len(n_chars), np.bool_)
    # One character, or two digits side by side; two Han are a narrow cell of a table.
    short = (n_chars > 0) & (n_chars <= 2) & (width <= NARROW * layout.line_size)
    if short.any() and len(n_chars) > 1:
        pairs = short[1:] & short[:-1] & (layout.line_page[1:] == layout.line_page[:-1])
        pairs &= _goes_on(layout.line_box[:-1], layout.line_box[1:], layout.line_size[:-1])
        stacked[1:] |= pairs
        stacked[:-1] |= pairs

    def count(chosen: NDArray[np.bool_]) -> NDArray[Any]:
        return np.bincount(layout.line_page[chosen], n_chars[chosen], n_pages)

    total = np.maximum(count(np.ones(len(n_chars), np.bool_)) * SHARE, LEAST)
    down = count((stands & (falls > 0)) | stacked) >= total
    return down, (count(stands & (falls < 0)) >= total) & ~down


def _goes_on(
    above: NDArray[np.float32], below: NDArray[np.float32], size: NDArray[np.float32] | np.float32
) -> NDArray[np.bool_]:
    """Whether what fills the second boxes stands in one column with the first, right below."""
    middles = np.abs((above[..., 0] + above[..., 2]) - (below[..., 0] + below[..., 2])) / 2
    gap = above[..., 1] - below[..., 3]
    goes_on: NDArray[np.bool_] = (middles <= BESIDE * size) & (gap >= -BESIDE * size) & (gap <= STEP * size)
    return goes_on


def _join_pieces(layout: Layout, pieces: list[_Column]) -> list[_Column]:
    """Return columns of pieces that follow one another; blank lines are left out."""
    columns: list[_Column] = []
    for piece in pieces:
        line = piece.lines[0]
        if np.isnan(piece.box).any():
            continue
        if columns and bool(_goes_on(columns[-1].box, piece.box, layout.line_size[line])):
            last = columns[-1]
            low, high = np.minimum(last.box, piece.box), np.maximum(last.box, piece.box)
            columns[-1] = _Column([*last.lines, line], np.concatenate([low[:2], high[2:]]))
        else:
            columns.append(piece)
    return columns


def _in_reading_order(columns: list[_Column]) -> list[_Column]:
    """Return columns from right to left, and those that stand below all of others behind them."""
    bands: list[list[_Column]] = []
    bottom = np.inf
    for column in sorted(columns, key=lambda each: -float(each.box[3])):
        if not bands or column.box[3] <= bottom:
            bands.append([])
            bottom = np.inf
        bands[-1].append(column)
        bottom = min(bottom, float(column.box[1]))
    return [
        column
        for band in bands
        for column in sorted(band, key=lambda each: (-round(float(each.box[0] + each.box[2]) / 4), -float(each.box[3])))
    ]


def _turned(box: NDArray[np.float32], size: NDArray[np.float32], is_down: bool) -> NDArray[np.float32]:
    """Return boxes as they stand when the page is turned so that lines which go down, or up, go to the right."""
    left, bottom, right, top = box.T
    width, height = size
    sides = (height - top, left, height - bottom, right) if is_down else (bottom, width - right, top, width - left)
    return np.stack(sides, axis=1)
