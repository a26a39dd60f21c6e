"""Counts → panel: entity × year × term, category or dimension, with its denominators.

A cell is zero where reports were measured and nothing was found, and absent where no report could be read: a missing
bank-year is never a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import polars as pl

from cipin.errors import UsageError

Level = Literal["term", "category", "dimension", "lexicon"]

#: Columns of `reports` that a panel may be made by; `year` is the fiscal year.
BY = ("entity", "year", "source", "report")
_NAMES: dict[Level, list[str]] = {
    "term": ["lexicon", "dimension", "category", "term"],
    "category": ["lexicon", "dimension", "category"],
    "dimension": ["lexicon", "dimension"],
    "lexicon": ["lexicon"],
}


def make_panel(
    reports: pl.LazyFrame,
    hits: pl.LazyFrame,
    lexicon: pl.LazyFrame,
    by: Sequence[str] = ("entity", "year"),
    level: Level = "term",
) -> pl.LazyFrame:
    """Return hits and clauses for each group of measured reports and each term, category or dimension.

    Columns: those of `by`; the names of the level; `hits`; `clauses`, the distinct clauses that hold any hit of it;
    `reports` and `chars`, what the group has in all. Sorted by `by`, then in the order of the lexicon.

    Raises UsageError for an unknown column or level.
    """
    if level not in get_args(Level):
        raise UsageError(f"level {level!r}: there are {', '.join(map(repr, get_args(Level)))}")
    for column in by:
        if column not in BY:
            raise UsageError(f"by {column!r}: there are {', '.join(map(repr, BY))}")
    if len(set(by)) < len(by):
        raise UsageError(f"by {', '.join(by)}: a column stands there twice")
    names = _NAMES[level]
    measured = (
        reports.filter(pl.col("status") == "measured")
        .rename({"fiscal_year": "year"})
        .select("report", *(each for each in by if each != "report"), "chars")
    )
    whole = [pl.len().cast(pl.Int64).alias("reports"), pl.col("chars").sum()]
    groups = (measured.group_by(*by).agg(whole) if by else measured.select(whole)).filter(pl.col("reports") > 0)
    rows = lexicon.with_row_index("order").group_by(names).agg(pl.col("order").min())
    found = (
        hits.filter(pl.col("kept"))
        .select("report", "clause", "term")
        .join(lexicon.select("term", *(each for each in names if each != "term")), on="term")
        .join(measured.drop("chars"), on="report")
        .group_by(*by, *names)
        .agg(
            hits=pl.len().cast(pl.Int64),
            clauses=pl.struct("report", "clause").filter(pl.col("clause").is_not_null()).n_unique().cast(pl.Int64),
        )
    )
    return (
        groups.join(rows, how="cross")
        .join(found, on=[*by, *names], how="left", nulls_equal=True)
        .with_columns(pl.col("hits").fill_null(0), pl.col("clauses").fill_null(0))
        .sort(*by, "order", nulls_last=True)
        .select(*by, *names, "hits", "clauses", "reports", "chars")
    )
