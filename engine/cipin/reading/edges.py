"""Columns of a page, told from where its lines begin and end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: How far, in line heights, a line's end may be from its column's: a ragged mark, a hanging comma.
SLACK = 1.7
#: Share of a column's lines that reach its right edge.
COLUMN = 0.25
#: Share of a column's lines, and the least number, that end within so many line heights of an edge that is meant.
MOSTLY, LEAST_EXACT, EXACT = 0.4, 8, 0.25
#: Width of a column of prose, in line heights; cells of tables are narrower.
PROSE = 15


def find_edges(
    box: NDArray[np.float32], page: NDArray[np.int32], height: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the left and right edge of each line's column, and whether another line proves the right one.

    A column is made of the lines of a page that begin near each other.
    """
    left, right = box[:, 0].copy(), box[:, 2].copy()
    is_column = np.zeros(len(box), np.bool_)
    for number in np.unique(page):
        rows = np.flatnonzero(page == number)
        x0, x1, h = box[rows, 0], box[rows, 2], height[rows]
        # Lines that begin at one place and are as high as one another have one column: half of all.
        columns: dict[tuple[float, float], tuple[float, float, bool]] = {}
        for row, key in zip(rows.tolist(), zip(x0.tolist(), h.tolist(), strict=True), strict=True):
            if key not in columns:
                columns[key] = _column_at(np.float32(key[0]), np.float32(key[1]), x0, x1)
            left[row], right[row], is_column[row] = columns[key]
    return left, right, is_column


def _column_at(
    begin: np.float32, height: np.float32, x0: NDArray[np.float32], x1: NDArray[np.float32]
) -> tuple[float, float, bool]:
    """Return left and right edge of the column of a line, by the lines of its page, and whether the right is proved."""
    # A first line is indented by two characters: lines of a column begin within 3.2 of each other.
    near = np.abs(x0 - begin) <= 3.2 * height
    ends = np.sort(x1[near])
    support = _count_near(ends, SLACK * float(height))[::-1]
    exact = _count_near(ends, EXACT * float(height))[::-1]
    ends = ends[::-1]
    # The right edge that a good part of the lines reach, else any two: a line or two that run over it (Latin words,
    # foot notes) make no column.
    proved = ends[support >= max(2.0, COLUMN * len(ends))]
    proved = proved if len(proved) else ends[support >= 2]
    edge = proved[0] if len(proved) else ends[0]
    # An edge at which most lines end exactly is the edge, though some run over it.
    most = ends[exact.argmax()]
    if exact.max() >= max(LEAST_EXACT, MOSTLY * len(ends)) and most - begin >= PROSE * height:
        edge = most
    return float(x0[near].min()), float(edge), len(proved) > 0


def _count_near(ends: NDArray[np.float32], distance: float) -> NDArray[np.int64]:
    """Return how many of ascending numbers are within a distance of each: int64[n]."""
    return np.searchsorted(ends, ends + distance, side="right") - np.searchsorted(ends, ends - distance)
