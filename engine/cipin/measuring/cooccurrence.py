"""Which terms, categories or dimensions stand together in clauses, sentences, sections or reports."""

from __future__ import annotations

from typing import Literal, get_args

import polars as pl

from cipin.arguments import check_choice, check_number
from cipin.measuring import association as of
from cipin.measuring.groups import Parts, Tables, find_parts, hits_of, names_of, rows_of, sections_of
from cipin.measuring.panel import Level

Unit = Literal["clause", "sentence", "section", "report"]
#: Columns that tell units apart; a report with sections of several entities is a unit of each.
_UNITS = {
    "clause": ["part", "clause"],
    "sentence": ["part", "sentence"],
    "section": ["part", "section"],
    "report": ["part"],
}


def make_cooccurrence(
    tables: Tables, unit: Unit = "clause", level: Level = "term", where: pl.Expr | None = None, least: int = 1
) -> pl.LazyFrame:
    """Return each pair of terms, categories or dimensions with the units that hold both, and how they associate.

    unit    what holds them: "clause", "sentence", "section" (its own text, without the sections in it) or "report"
    where   which reports, by the columns of groups.CHOOSE_BY; None: all that were measured
    least   units that hold both, at least; 0: all pairs of the lexicon

    Columns: the names of the level, with _a and _b, a before b in the lexicon; `both`, `with_a`, `with_b`, `units` (all
    there are: those with a hit and those without); `expected`, `pmi`, `npmi`, `log_likelihood` (G2 of four cells, no
    sign: see `expected` for the side), `log_ratio_ab` (how much more frequent b is in units with a than in those
    without: log2, 0.5 for 0), `log_ratio_ba`, `dice`, `jaccard`; formulas and sources are in `association`. Sorted by
    G2, pairs that draw one another first, those that shun one another last.

    A unit that holds a term twice counts once. How many sentences there are is in no table: of these `units` and what
    needs it are null. With `match = "all"` a term within another always stands together with it.

    Raises UsageError for an unknown unit or level, and an expression that chooses nothing that there is.
    """
    check_choice(unit, "unit", get_args(Unit))
    names = names_of(level)[1:]
    if not names:
        check_choice(level, "level", [each for each in get_args(Level) if each != "lexicon"])
    least = check_number(least, "least", "how many units hold both at least; 0 for all pairs")
    parts = find_parts(tables, where)
    rows = rows_of(tables.lexicon, names)
    held = _held(tables, parts, unit, rows, names)
    each = held.group_by("id").agg(n=pl.len().cast(pl.Int64))
    pairs = (
        held.join(held, on=_UNITS[unit], suffix="_b")
        .filter(pl.col("id") < pl.col("id_b"))
        .group_by("id", "id_b")
        .agg(both=pl.len().cast(pl.Int64))
    )
    if least:
        pairs = pairs.filter(pl.col("both") >= least)
    else:
        ids = rows.select("id")
        every = ids.join(ids.rename({"id": "id_b"}), how="cross").filter(pl.col("id") < pl.col("id_b"))
        pairs = every.join(pairs, on=["id", "id_b"], how="left").with_columns(pl.col("both").fill_null(0))
    frame = pairs
    for side, key in (("a", "id"), ("b", "id_b")):
        named = rows.rename({name: f"{name}_{side}" for name in names} | {"id": key})
        frame = (
            frame.join(each.rename({"id": key, "n": f"with_{side}"}), on=key, how="left")
            .with_columns(pl.col(f"with_{side}").fill_null(0))
            .join(named, on=key)
        )
    total = _count_units(tables, parts, unit)
    both, a, b, units = (pl.col(name) for name in ("both", "with_a", "with_b", "units"))
    chosen = (
        of.expected(a, b, units).alias("expected"),
        of.pmi(both, a, b, units).alias("pmi"),
        of.npmi(both, a, b, units).alias("npmi"),
        of.g2(both, a, b, units).alias("log_likelihood"),
        of.log_ratio(both, a, b - both, units - a).alias("log_ratio_ab"),
        of.log_ratio(both, b, a - both, units - b).alias("log_ratio_ba"),
        of.dice(both, a, b).alias("dice"),
        of.jaccard(both, a, b).alias("jaccard"),
    )
    drawn = pl.col("log_likelihood") * (pl.col("both") - pl.col("expected")).sign()
    return (
        frame.with_columns(pl.lit(total, pl.Int64).alias("units"))
        .with_columns(chosen)
        .sort(drawn, -both, "id", "id_b", descending=[True, False, False, False], nulls_last=True)
        .select(
            *(f"{name}_{side}" for side in ("a", "b") for name in names), "both", "with_a", "with_b", "units",
            *(each.meta.output_name() for each in chosen),
        )
    )  # fmt: skip


def _held(tables: Tables, parts: Parts, unit: Unit, rows: pl.LazyFrame, names: list[str]) -> pl.LazyFrame:
    """Return units and what they hold, each once."""
    columns = _UNITS[unit]
    hits = hits_of(tables, parts).join(tables.lexicon.select("term", *(n for n in names if n != "term")), on="term")
    if unit == "sentence":
        hits = hits.join(tables.clauses.select("report", "clause", "sentence"), on=["report", "clause"])
    ids = hits.join(rows, on=names, nulls_equal=True)
    return ids.filter(pl.col(each).is_not_null() for each in columns).select(*columns, "id").unique()


def _count_units(tables: Tables, parts: Parts, unit: Unit) -> int | None:
    """Return how many units the counted text has, whatever they hold."""
    if unit == "clause":
        return parts.size("clauses")
    if unit == "section":
        return int(sections_of(tables, parts).select(pl.len()).collect().item())
    return len(parts.frame) if unit == "report" else None
