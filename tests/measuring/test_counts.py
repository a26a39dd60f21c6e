"""Counts are the hits and the distinct clauses of each report and term that has any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.measuring.counts import count_hits

Rows = list[tuple[int, int, int]]


def count(rows: Rows) -> list[tuple[int, int, int, int]]:
    report, term, clause = (np.array([row[at] for row in rows]) for at in range(3))
    found = count_hits(report.astype(np.int32), term.astype(np.int32), clause.astype(np.int64))
    assert [each.dtype for each in found] == [np.int32, np.int32, np.int64, np.int64]
    return list(zip(*(each.tolist() for each in found), strict=True))


def naive(rows: Rows) -> list[tuple[int, int, int, int]]:
    keys = sorted({(report, term) for report, term, _ in rows})
    return [
        (
            *key,
            sum(row[:2] == key for row in rows),
            len({clause for *each, clause in rows if tuple(each) == key and clause != -1}),
        )
        for key in keys
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([(0, 0, 5)], [(0, 0, 1, 1)]),
        ([(0, 0, 5), (0, 0, 5)], [(0, 0, 2, 1)]),
        ([(0, 0, 5), (0, 0, 6)], [(0, 0, 2, 2)]),
        ([(1, 0, 9), (0, 1, 5), (0, 0, 5)], [(0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1)]),
        ([(0, 0, -1), (0, 0, -1)], [(0, 0, 2, 0)]),
        ([(0, 0, -1), (0, 0, 3)], [(0, 0, 2, 1)]),
    ],
    ids=["none", "one", "one clause", "two clauses", "order", "in no clause", "one in none"],
)
def test_cases(rows: Rows, expected: list[tuple[int, int, int, int]]) -> None:
    assert count(rows) == expected == naive(rows)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(-1, 6))))
def test_random(rows: Rows) -> None:
    assert count(rows) == naive(rows)
