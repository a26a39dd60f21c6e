"""Columns of a page, told from where its lines begin and end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cipin.kernel import fitting
from cipin.reading.kernels import find_columns

#: How far, in line heights, a line's end may be from its column's: a ragged mark, a hanging comma.
SLACK = 1.7
#: Share of a column's lines that reach its right edge.
COLUMN = 0.25
#: Share of a column's lines, and the least number, that end within so many line heights of an edge that is meant.
MOSTLY, LEAST_EXACT, EXACT = 0.4, 8, 0.25
#: Width of a column of prose, in line heights; cells of tables are narrower.
PROSE = 15
#: Lines of a column begin within so many heights of each other: a first line is indented by two characters.
NEAR = 3.2
#: Lines of a page that are looked at together: a file may claim any number, and time goes with its square.
MOST_LINES = 1024
#: Lines up to which nothing is compiled: fifteen pages take 0.1 s.
SMALL_LINES = 600


def find_edges(
    box: NDArray[np.float32], page: NDArray[np.int32], height: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the left and right edge of each line's column, and whether another line proves the right one.

    A column is made of the lines of a page that begin near each other: see kernels.find_columns.
    """
    left, right, is_column = (
        np.empty(len(box), np.float32),
        np.empty(len(box), np.float32),
        np.empty(len(box), np.bool_),
    )
    edges = np.flatnonzero(np.diff(page, prepend=-1, append=-1)).astype(np.int64)
    if np.diff(edges).max(initial=0) > MOST_LINES:
        edges = np.union1d(edges, np.arange(0, len(box), MOST_LINES))
    by_right = np.lexsort((box[:, 2], np.repeat(np.arange(len(edges) - 1), np.diff(edges))))
    find = fitting(find_columns, len(box), SMALL_LINES)
    near, slack, exact, prose = (np.float32(each) for each in (NEAR, SLACK, EXACT, PROSE))
    find(box, height, edges, by_right, near, slack, COLUMN, exact, MOSTLY, LEAST_EXACT, prose, left, right, is_column)
    return left, right, is_column


def load_kernel() -> None:
    """Compile `find_columns`, or load it from numba's cache."""
    n = SMALL_LINES + 1
    find_edges(np.zeros((n, 4), np.float32), np.arange(n, dtype=np.int32), np.ones(n, np.float32))
