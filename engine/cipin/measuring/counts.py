"""Hits → counts: how often, and in how many clauses, each term stands in each report."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


def count_hits(
    report: NDArray[np.int32], term: NDArray[np.int32], clause: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Count hits and distinct clauses of each (report, term) that has any, ordered by report, term.

    report, term   int32[n_hits]
    clause         int64[n_hits]   any number that is unique to a clause; -1: in none

    >>> count_hits(np.array([0, 0, 0]), np.array([1, 1, 0]), np.array([7, 7, 7]))[2].tolist()
    [1, 2]
    """
    counts = (
        pl.DataFrame({"report": report, "term": term, "clause": clause})
        .group_by("report", "term")
        .agg(
            hits=pl.len().cast(pl.Int64),
            clauses=pl.col("clause").replace(-1, None).drop_nulls().n_unique().cast(pl.Int64),
        )
        .sort("report", "term")
    )
    return (
        counts["report"].to_numpy().astype(np.int32),
        counts["term"].to_numpy().astype(np.int32),
        counts["hits"].to_numpy(),
        counts["clauses"].to_numpy(),
    )
