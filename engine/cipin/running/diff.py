"""What moved from one version to another, cell by cell of the panel, and by what: reports, lexicon, options, engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cipin.errors import UsageError
from cipin.measuring.panel import count_groups
from cipin.running.results import Run, open_run
from cipin.schema import MEASURED

_GROUP = ["entity", "year"]
_PLACE = ["lexicon", "dimension", "category", "term"]
_CELL = [*_GROUP, *_PLACE]
_VALUES = ["hits", "clauses", "reports", "chars"]


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
    of_groups, of_cells = _movements([_count(run) for run in (older, newer)], in_both)
    changed = _changed([run.table("panel").select(*_CELL, *_VALUES) for run in (older, newer)])
    # A term that only one of the two lexicons has there came with the lexicon, whatever became of the reports.
    terms = [run.lexicon.select(_PLACE).with_columns(known=True) for run in (older, newer)]
    known = terms[0].join(terms[1], on=_PLACE, how="full", coalesce=True, suffix="_after")
    joined = (
        changed.lazy()
        .join(of_groups, on=_GROUP, how="left", nulls_equal=True)
        .join(of_cells, on=_CELL, how="left", nulls_equal=True)
        .join(known, on=_PLACE, how="left")
        .with_columns(
            pl.col("by_report", "by_rest").fill_null(0),
            pl.col("reports_differ").fill_null(False),
            rest_moved=pl.col("text_moved").fill_null(False) | pl.col("hits_moved").fill_null(False),
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


def _count(run: Run) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the characters of each report in each group, and its hits in each cell where it has any.

    Not a row for each report and term, as a panel by report has them: 5,000 reports and 50,000 terms took 24 GB.
    """
    by = (*_GROUP, "report")
    counted = count_groups(run.reports, run.hits, run.lexicon, by, "term", run.sections, run.counts)
    groups = counted.groups.lazy()
    found = counted.found.join(groups.select("group", *_GROUP, "report"), on="group").join(
        counted.items.lazy(), on="item"
    )
    return groups.select(*_GROUP, "report", "chars"), found.select(*_CELL, "report", "hits", "clauses")


def _movements(
    sides: Sequence[tuple[pl.LazyFrame, pl.LazyFrame]], in_both: pl.LazyFrame
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return by group, and by cell, what moved with reports, and what in those whose text both versions have."""

    def together(which: int, keys: list[str]) -> pl.LazyFrame:
        frames = [side[which] for side in sides]
        both = frames[0].join(frames[1], on=keys, how="full", coalesce=True, nulls_equal=True, suffix="_after")
        return both.join(in_both, on="report", how="left")

    def delta(name: str) -> pl.Expr:
        return pl.col(f"{name}_after").fill_null(0) - pl.col(name).fill_null(0)

    same = pl.col("in_both").fill_null(False)
    of_groups = (
        together(0, [*_GROUP, "report"])
        .group_by(_GROUP)
        .agg(reports_differ=(~same).any(), text_moved=(delta("chars") != 0).filter(same).any())
    )
    of_cells = (
        together(1, [*_CELL, "report"])
        .group_by(_CELL)
        .agg(
            by_report=delta("hits").filter(~same).sum(),
            by_rest=delta("hits").filter(same).sum(),
            hits_moved=((delta("hits") != 0) | (delta("clauses") != 0)).filter(same).any(),
        )
    )
    return of_groups, of_cells


def _changed(panels: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """Return the cells that two panels do not have alike; most of a large one are zeros, and are not looked at."""

    def apart(frames: Sequence[pl.LazyFrame], keys: list[str]) -> pl.LazyFrame:
        """Return the keys of rows that one of two frames has and the other has not."""
        one, other = (
            frame.join(than, on=frame.collect_schema().names(), how="anti", nulls_equal=True)
            for frame, than in (frames, frames[::-1])
        )
        return pl.concat([one, other]).select(keys).unique()

    differing = [
        (keys, apart([panel.select(columns).unique() for panel in panels], keys).collect(engine="streaming").lazy())
        for keys, columns in ((_GROUP, [*_GROUP, "reports", "chars"]), (_PLACE, _PLACE))
    ]
    hits = [panel.filter((pl.col("hits") > 0) | (pl.col("clauses") > 0)).drop("reports", "chars") for panel in panels]
    differing.append((_CELL, apart(hits, _CELL).collect(engine="streaming").lazy()))
    looked_at = [
        pl.concat([panel.join(keyed, on=keys, how="semi", nulls_equal=True) for keys, keyed in differing])
        .unique()
        .collect(engine="streaming")
        for panel in panels
    ]
    cells = looked_at[0].join(looked_at[1], on=_CELL, how="full", coalesce=True, nulls_equal=True, suffix="_after")
    return cells.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in _VALUES)).rename(
        {name: f"{name}_before" for name in _VALUES}
    )


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
