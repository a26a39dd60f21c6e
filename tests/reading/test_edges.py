"""Edges of columns: the kernel against plain numpy, and pages that claim any number of lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.reading import edges
from cipin.reading.edges import COLUMN, EXACT, LEAST_EXACT, MOST_LINES, MOSTLY, NEAR, PROSE, SLACK, find_edges


def naive(box, page, height):
    """Each line for itself: the lines that begin near it, the edges they share."""
    left, right, proved = [], [], []
    for row in range(len(box)):
        near = (page == page[row]) & (np.abs(box[:, 0] - box[row, 0]) <= np.float32(NEAR) * height[row])
        ends = np.sort(box[near, 2])[::-1]

        def beside(heights, ends=ends, row=row):
            return (np.abs(ends[:, None] - ends[None, :]) <= np.float32(heights) * height[row]).sum(axis=1)

        support = beside(SLACK)
        good = ends[support >= max(2.0, COLUMN * len(ends))]
        good = good if len(good) else ends[support >= 2]
        edge = good[0] if len(good) else ends[0]
        exact = beside(EXACT)
        most = ends[exact.argmax()]
        if exact.max() >= max(LEAST_EXACT, MOSTLY * len(ends)) and most - box[row, 0] >= PROSE * height[row]:
            edge = most
        left.append(box[near, 0].min())
        right.append(edge)
        proved.append(len(good) > 0)
    return np.array(left, np.float32), np.array(right, np.float32), np.array(proved, np.bool_)


def lines_of(rows):
    """Lines given as page, left, width and height; whole numbers, so that edges can coincide."""
    rows = sorted(rows, key=lambda row: row[0])
    page, x, width, height = (np.array(each, np.float32) for each in zip(*rows, strict=True))
    box = np.stack([x, np.zeros_like(x), x + width, height], axis=1)
    return box, page.astype(np.int32), height


ROW = st.tuples(
    st.integers(0, 2),
    st.sampled_from((50, 60, 70, 74, 300, 310)),
    st.sampled_from((20, 100, 180, 200, 202, 204, 217, 230)),
    st.sampled_from((10, 10, 12)),
)


@pytest.mark.parametrize("compiled", [True, False])
@given(rows=st.lists(ROW, min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_edges_are_those_of_plain_numpy(compiled, rows):
    lines = lines_of(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edges, "SMALL_LINES", 0 if compiled else len(rows))
        found = find_edges(*lines)
    for ours, theirs in zip(found, naive(*lines), strict=True):
        assert ours.tolist() == theirs.tolist()


def test_a_page_of_any_number_of_lines_is_cut():
    """Time goes with the square of a page's lines: 32,000 took 13 s, and take 0.2."""
    n = 3 * MOST_LINES + 7
    rng = np.random.default_rng(3)
    left = rng.integers(0, 500, n).astype(np.float32)
    box = np.stack([left, np.zeros(n), left + rng.integers(10, 300, n), np.full(n, 10)], axis=1).astype(np.float32)
    height = np.full(n, 10, np.float32)
    whole = find_edges(box, np.zeros(n, np.int32), height)
    cut = find_edges(box, (np.arange(n) // MOST_LINES).astype(np.int32), height)
    assert [each.tolist() for each in whole] == [each.tolist() for each in cut]
