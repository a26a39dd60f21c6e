"""Clauses that repeat an earlier one of the same entity, word for word or nearly; and hits without them.

Two clauses are the same if their forms are (cipin.measuring.forms), and nearly the same if the sets of three-character
grams of their forms have a Jaccard index of at least 0.8. Pairs are sought by MinHash (Broder 1997, On the resemblance
and containment of documents) with banding (Leskovec, Rajaraman and Ullman, Mining of massive datasets, 3.4), and each
is then compared gram by gram: a pair that is reported is one, some pairs are not found (1.5 % of those at 0.8, 0.1 % at
0.85).

A clause is compared with all earlier ones of its entity, not with the last of a chain of repeats: what has changed a
little every year is new again once it has become another sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.arguments import check_choice, check_flag, check_names
from cipin.errors import UsageError
from cipin.measuring.forms import Forms, forms_of
from cipin.measuring.kernels import PRIME, find_alike, make_grams, make_keys
from cipin.measuring.panel import owned_sections
from cipin.schema import MEASURED

#: Where the first clause stands: in a year before, in another report of the year, in the same report.
Scope = Literal["earlier_year", "same_year", "same_report"]
REPEATS = pl.Schema(
    {
        "report": pl.String(),
        "clause": pl.Int32(),
        "entity": pl.String(),
        "year": pl.Int32(),
        "first_report": pl.String(),
        "first_clause": pl.Int32(),
        "first_year": pl.Int32(),
        "similarity": pl.Float64(),
        "kind": pl.String(),
        "scope": pl.String(),
    }
)
#: Forms with fewer characters have six grams at most: one that differs would decide.
LEAST_CHARS = 8
#: Permutations in all, shared out among bands.
PERMUTATIONS = 128
#: Sets of one key that are looked at from either end. A key of more is boilerplate, whose first is like all the rest.
LOOKS = 64
_SEED = 20_190_604
_SCOPES = get_args(Scope)
_NONE = len(_SCOPES)


def find_repeats(
    reports: pl.LazyFrame,
    clauses: pl.LazyFrame,
    sections: pl.LazyFrame | None = None,
    similarity: float = 0.8,
    digits: bool = False,
    same_report: bool = False,
) -> pl.DataFrame:
    """Return the clauses that repeat an earlier one of their entity, each with the first that it repeats.

    sections      whose each section of a report is; None: every report is all its own entity's
    similarity    the least Jaccard index of clauses that are nearly the same, 0.5 to 1; 1: only the same ones
    digits        whether numbers tell clauses apart
    same_report   whether a clause may repeat one of its own report

    Earlier is by fiscal year, then by source and member of the report, then by place. Clauses without an entity or a
    year are not compared: nobody knows whose they repeat, or which came first. Of several that a clause repeats it is
    given one of an earlier year rather than of the same, of these the same words rather than nearly the same, of these
    the first.

    Columns: report, clause, entity, year; first_report, first_clause, first_year; similarity, 1 for the same form;
    kind, `exact` or `near`; scope, `earlier_year`, `same_year` or `same_report`. Sorted by report, clause.

    Raises UsageError for a similarity out of range.
    """
    threshold = check_similarity(similarity)
    digits, same_report = check_flag(digits, "digits"), check_flag(same_report, "same_report")
    rows = _ordered(reports, clauses, sections)
    forms = forms_of(rows["text"], digits)
    rows = rows.drop("text")
    first = _first_of_form(rows, forms)
    near, alike = _first_alike(rows, forms, first, threshold)
    # Clauses stand in order, so that what a clause is compared with has a lower number.
    at = np.arange(len(rows))
    year, report = rows["year"].to_numpy(), rows["row"].to_numpy()
    exact_scope = _scope(at, first, year, report)
    near_scope = _scope(at, near, year, report)
    is_near = near_scope < exact_scope
    scope = np.where(is_near, near_scope, exact_scope)
    kept = np.flatnonzero(scope < (_NONE if same_report else _SCOPES.index("same_report")))
    other = rows.select("report", "clause", "year")[np.where(is_near, near, first)[kept]]
    return (
        rows[kept]
        .select("report", "clause", "entity", "year")
        .with_columns(
            first_report=other["report"],
            first_clause=other["clause"],
            first_year=other["year"],
            similarity=pl.Series(np.where(is_near, alike, 1.0)[kept]),
            kind=pl.Series(is_near[kept]).replace_strict({True: "near", False: "exact"}, return_dtype=pl.String),
            scope=pl.Series(scope[kept]).replace_strict(dict(enumerate(_SCOPES)), return_dtype=pl.String),
        )
        .cast(REPEATS)
        .sort("report", "clause")
    )


def mark_repeats(
    hits: pl.LazyFrame, repeats: pl.DataFrame | pl.LazyFrame, scopes: Sequence[str] = ("earlier_year",)
) -> pl.LazyFrame:
    """Return hits with a column `repeated`: whether the clause of a hit is a repeat of one of these scopes.

    A hit in no clause is none. Rows and their order stay.
    """
    chosen = check_names(scopes, "scopes", '["earlier_year"]')
    for scope in chosen:
        check_choice(scope, "scopes", _SCOPES)
    marked = (
        repeats.lazy()
        .filter(pl.col("scope").is_in(chosen))
        .select("report", "clause", pl.lit(True).alias("repeated"))
    )  # fmt: skip
    return hits.join(marked, on=["report", "clause"], how="left", maintain_order="left").with_columns(
        pl.col("repeated").fill_null(False)
    )


def new_and_repeated(
    reports: pl.LazyFrame,
    hits: pl.LazyFrame,
    repeats: pl.DataFrame | pl.LazyFrame,
    sections: pl.LazyFrame | None = None,
    scopes: Sequence[str] = ("earlier_year",),
) -> pl.LazyFrame:
    """Return the counted hits of each entity, year and term that has any, in new clauses and in repeated ones.

    Columns: entity, year, lexicon, term, hits, new_hits, repeated_hits, and first_year, the first in which the entity
    uses the term at all; sorted by entity, lexicon, term, year. `hits` are `new_hits` and `repeated_hits`.
    """
    whose = reports.filter(pl.col("status").is_in(MEASURED)).select("report", "entity", year="fiscal_year")
    owned = owned_sections(sections) if sections is not None else None
    found = mark_repeats(hits.filter(pl.col("kept")), repeats, scopes).join(whose, on="report")
    return (
        _to_owners(found, owned)
        .group_by("entity", "year", "lexicon", "term")
        .agg(
            hits=pl.len().cast(pl.Int64),
            new_hits=(~pl.col("repeated")).sum().cast(pl.Int64),
            repeated_hits=pl.col("repeated").sum().cast(pl.Int64),
        )
        .with_columns(first_year=pl.col("year").min().over("entity", "lexicon", "term"))
        .sort("entity", "lexicon", "term", "year", nulls_last=True)
    )


def check_similarity(value: object) -> float:
    """Return a similarity. Raises UsageError for one out of range."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 <= value <= 1:
        raise UsageError(f"similarity = {value!r}: give a number from 0.5 to 1, such as 0.8; 1 is the same words")
    return float(value)


def in_order(reports: pl.LazyFrame) -> pl.LazyFrame:
    """Return measured reports, the earliest first: by fiscal year, source, member, each with its number `row`."""
    return (
        reports.filter(pl.col("status").is_in(MEASURED))
        .rename({"fiscal_year": "year"})
        .sort("year", "source", "member", "report", nulls_last=True)
        .with_row_index("row")
    )


def _to_owners(rows: pl.LazyFrame, owned: pl.LazyFrame | None) -> pl.LazyFrame:
    """Give what stands in a section of another entity's to that one."""
    if owned is None:
        return rows
    return rows.join(owned.drop("chars"), on=["report", "section"], how="left").with_columns(
        entity=pl.coalesce("owner", "entity")
    )


def _ordered(reports: pl.LazyFrame, clauses: pl.LazyFrame, sections: pl.LazyFrame | None) -> pl.DataFrame:
    """Return the clauses that can be compared, the earliest first."""
    owned = owned_sections(sections) if sections is not None else None
    texts = clauses.select("report", "clause", "text", *(["section"] if owned is not None else []))
    whose = in_order(reports).select("row", "report", "entity", "year")
    return (
        _to_owners(texts.join(whose, on="report"), owned)
        .filter(pl.col("entity").is_not_null() & pl.col("year").is_not_null())
        .sort("row", "clause")
        .select("row", "report", "clause", "entity", "year", "text")
        .collect()
    )


def _first_of_form(rows: pl.DataFrame, forms: Forms) -> NDArray[np.int64]:
    """Return the first clause of the entity with the same form; of a form without a character the clause itself."""
    keys = rows.select("entity").with_columns(
        a=pl.Series(forms.hashes[:, 0]), b=pl.Series(forms.hashes[:, 1]), at=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    first = keys.select(pl.col("at").min().over("entity", "a", "b"))["at"].to_numpy()
    return np.where(forms.lengths > 0, first, np.arange(len(rows)))


def _first_alike(
    rows: pl.DataFrame, forms: Forms, first: NDArray[np.int64], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first clause of the entity that is nearly the same, or `first` or the clause itself; how alike."""
    near, alike = np.arange(len(rows)), np.zeros(len(rows))
    # Each form once, by where it first stands; what it is compared with stands before that.
    leaders = np.flatnonzero((first == np.arange(len(rows))) & (forms.lengths >= LEAST_CHARS))
    if threshold == 1 or not len(leaders):
        return near, alike
    grams = np.empty(int((forms.lengths[leaders] - 2).sum()), np.int64)
    ends = np.empty(len(leaders) + 1, np.int64)
    grams = grams[: make_grams(forms.points, forms.offsets, leaders, grams, ends)]
    owner = rows["entity"].rank("dense").cast(pl.Int64).to_numpy()[leaders]
    bands = bands_for(threshold)
    random = np.random.Generator(np.random.PCG64(_SEED))
    factors = random.integers(1, PRIME, bands)
    shifts = random.integers(0, PRIME, bands)
    keys = np.empty((bands[0], len(leaders)), np.int64)
    make_keys(grams, ends, owner, factors, shifts, keys)
    best = np.full(len(leaders), len(leaders))
    jaccard = np.zeros(len(leaders))
    for band in keys:
        find_alike(band, np.argsort(band, kind="stable"), owner, grams, ends, threshold, LOOKS, best, jaccard)
    found = best < len(leaders)
    near[leaders[found]] = leaders[best[found]]
    alike[leaders[found]] = jaccard[found]
    # A clause is as near as the first of its form, and where that is near to none, the same words decide.
    return near[first], alike[first]


def bands_for(threshold: float) -> tuple[int, int]:
    """Return bands and rows of each: as many rows as find 98 % of pairs at the threshold, which s**rows in a band do.

    18 bands of 7 at 0.8: 98.6 % at 0.8, 99.9 % at 0.85, 13 % at 0.5.

    >>> bands_for(0.8), bands_for(0.5)
    ((18, 7), (42, 3))
    """
    rows = max(r for r in range(1, 33) if 1 - (1 - threshold**r) ** (PERMUTATIONS // r) >= 0.98)
    return PERMUTATIONS // rows, rows


def _scope(
    at: NDArray[np.int64], other: NDArray[np.int64], year: NDArray[np.int32], report: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Return the scope of each clause and the one that it repeats, as a place in _SCOPES; behind them: none."""
    scope = np.where(year[other] < year, 0, np.where(report[other] != report, 1, 2))
    return np.where(other < at, scope, _NONE)
