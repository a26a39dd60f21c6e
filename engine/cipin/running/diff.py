"""What moved from one version to another, cell by cell of the panel, and by what: reports, lexicon, options, engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cipin.errors import UsageError
from cipin.running.results import Run, open_run
from cipin.schema import MEASURED

_CELL = ["entity", "year", "lexicon", "dimension", "category", "term"]
_VALUES = ["hits", "clauses", "reports", "chars"]
_OF_REPORTS = ["hits", "clauses", "chars"]


def diff(out: str | Path, before: int | None = None, after: int | None = None) -> pl.DataFrame:
    """Return the cells of the panel that two versions of `out` do not have alike, each with what moved it.

    before, after   numbers of versions; None: the last two

    Columns: entity, year, lexicon, dimension, category, term; hits, clauses, reports and chars, each `_before` and
    `_after` (null where the cell is not there); `by_report`, the hits that came or went with reports; `by_rest`, those
    in reports whose text both versions have; `cause`: "report", and of "lexicon", "options" and "engine" those that are
    not the same.
    Raises UsageError if there is no such version.

    >>> diff("out", 1, 2).group_by("cause").len()  # doctest: +SKIP
    """
    newer = open_run(out, after)
    if before is None and newer.version == 1:
        raise UsageError(f"{newer.store.place}: there is one version; a second one is needed to tell what changed")
    older = open_run(out, newer.version - 1 if before is None else before)
    rest = "+".join(_differing(older.manifest, newer.manifest)) or "report"
    sides = [_cells(run) for run in (older, newer)]
    both = sides[0].join(sides[1], on=[*_CELL, "report"], how="full", coalesce=True, nulls_equal=True, suffix="_after")
    # A text that was measured on both sides is the same report, whatever its file, bank and year are: only what is done
    # to it can have moved anything.
    texts = [
        run.reports.filter(pl.col("status").is_in(MEASURED)).select("report", "content_hash") for run in (older, newer)
    ]
    kept = (
        texts[0].join(texts[1], on="content_hash", how="semi"),
        texts[1].join(texts[0], on="content_hash", how="semi"),
    )
    in_both = pl.concat(kept).select("report").unique().with_columns(in_both=pl.lit(True))
    both = both.join(in_both, on="report", how="left")
    same = pl.col("in_both").fill_null(False)

    def delta(name: str) -> pl.Expr:
        return pl.col(f"{name}_after").fill_null(0) - pl.col(name).fill_null(0)

    moved = both.group_by(_CELL).agg(
        delta("hits").filter(~same).sum().alias("by_report"),
        delta("hits").filter(same).sum().alias("by_rest"),
        (~same).any().alias("reports_differ"),
        pl.any_horizontal(delta(name) != 0 for name in _OF_REPORTS).filter(same).any().alias("rest_moved"),
    )
    panels = [run.table("panel").select(*_CELL, *_VALUES) for run in (older, newer)]
    cells = panels[0].join(panels[1], on=_CELL, how="full", coalesce=True, nulls_equal=True, suffix="_after")
    changed = cells.filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in _VALUES)
    ).rename({name: f"{name}_before" for name in _VALUES})
    # A term that only one of the two lexicons has there came with the lexicon, whatever became of the reports.
    place = ["lexicon", "dimension", "category", "term"]
    terms = [run.lexicon.select(place).with_columns(known=True) for run in (older, newer)]
    known = terms[0].join(terms[1], on=place, how="full", coalesce=True, suffix="_after")
    joined = (
        changed.join(moved, on=_CELL, how="left", nulls_equal=True)
        .join(known, on=place, how="left")
        .with_columns(
            pl.col("by_report", "by_rest").fill_null(0),
            pl.col("reports_differ", "rest_moved").fill_null(False),
            new_term=pl.col("known").is_null() | pl.col("known_after").is_null(),
        )
    )
    cause = (
        pl.when(pl.col("new_term"))
        .then(pl.lit("lexicon"))
        .when(pl.col("reports_differ") & pl.col("rest_moved") & (rest != "report"))
        .then(pl.lit(f"report+{rest}"))
        .when(pl.col("reports_differ"))
        .then(pl.lit("report"))
        .otherwise(pl.lit(rest))
    )
    columns = [*_CELL, *(f"{name}_{side}" for name in _VALUES for side in ("before", "after")), "by_report", "by_rest"]
    return joined.with_columns(cause=cause).select(*columns, "cause").sort(_CELL, nulls_last=True).collect()


def _cells(run: Run) -> pl.LazyFrame:
    """Return the hits of each report in each cell of the panel."""
    panel = run.panel(["entity", "year", "report"])
    return panel.select(*_CELL, "report", "hits", "clauses", "chars")


def _differing(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[str]:
    """Return what besides reports is not the same for two versions."""
    differing = ["lexicon"] if older["lexicon"]["hash"] != newer["lexicon"]["hash"] else []
    # Matchers find the same rows.
    options = [{name: value for name, value in each["options"].items() if name != "matcher"} for each in (older, newer)]
    if options[0] != options[1]:
        differing.append("options")
    if older["engine"] != newer["engine"]:
        differing.append("engine")
    return differing
