"""The counted text of a run by report and entity, and which of it an expression chooses.

A section that has an entity of its own is that one's: its hits, characters and clauses go with it, as in the panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import polars as pl

from cipin.arguments import check_choice, shown
from cipin.errors import UsageError
from cipin.measuring.panel import Level
from cipin.schema import MEASURED

Size = Literal["chars", "han_chars", "words", "clauses"]

#: Columns that an expression may choose reports by; `year` is the fiscal one.
CHOOSE_BY = (
    "report", "source", "member", "format", "title", "entity", "year", "published", "code", "pages", "flags",
    "status", "chars", "han_chars", "words", "clauses",
)  # fmt: skip
_LEVELS = ("lexicon", "dimension", "category", "term")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a run that association is measured over."""

    reports: pl.LazyFrame
    sections: pl.LazyFrame
    clauses: pl.LazyFrame
    hits: pl.LazyFrame
    lexicon: pl.LazyFrame


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a corpus is counted: a report, or what of it is one entity's.

    frame   one row a part: `part`, its number, and the columns of CHOOSE_BY; Han characters and words are null where a
            report is shared out among entities, as they are not known by section
    owned   report, section, owner: the sections that are another's than their report; None if there is none
    whose   report, entity: of the reports that have such sections
    """

    frame: pl.DataFrame
    owned: pl.DataFrame | None = None
    whose: pl.DataFrame | None = None

    def size(self, column: str) -> int | None:
        """Return how much text there is in all; None if that of a part is not known."""
        values = self.frame[column]
        return None if values.null_count() else int(values.sum())


def names_of(level: Level) -> list[str]:
    """Return the columns that tell terms, categories or dimensions apart. Raises UsageError for an unknown level.

    >>> names_of("category")
    ['lexicon', 'dimension', 'category']
    """
    check_choice(level, "level", get_args(Level))
    return list(_LEVELS[: _LEVELS.index(level) + 1])


def rows_of(lexicon: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Return the names, each once, in the order of the lexicon, with `id`, their number."""
    return (
        lexicon.select(names).unique(maintain_order=True).with_row_index("id").with_columns(pl.col("id").cast(pl.Int32))
    )


def find_parts(tables: Tables, where: pl.Expr | None = None, parameter: str = "where") -> Parts:
    """Return the counted text of measured reports, or what `where` chooses of it.

    Raises UsageError if `where` is no expression that says yes or no by the columns of CHOOSE_BY.
    """
    columns = [each for each in CHOOSE_BY if each != "year"]
    there = tables.reports.collect_schema().names()
    measured = (
        tables.reports.filter(pl.col("status").is_in(MEASURED))
        .select(
            *(each for each in columns if each in there),
            # Tables of an engine that counted no words have no column of them.
            *(pl.lit(None, pl.Int64).alias(each) for each in columns if each not in there),
            pl.col("fiscal_year").alias("year"),
        )
        .collect()
    )
    owned = (
        tables.sections.filter(pl.col("entity").is_not_null())
        .select("report", "section", pl.col("entity").alias("owner"), "chars", "clauses")
        .collect()
        .join(measured.select("report", "entity"), on="report")
        .filter(pl.col("owner").ne_missing(pl.col("entity")))
        .drop("entity")
    )
    if owned.is_empty():
        parts = Parts(measured.sort("report").with_row_index("part"))
    else:
        whose = measured.join(owned, on="report", how="semi").select("report", "entity")
        parts = Parts(_share_out(measured, owned), owned.select("report", "section", "owner"), whose)
    return parts if where is None else choose(parts, where, parameter)


def choose(parts: Parts, where: pl.Expr, parameter: str) -> Parts:
    """Return the parts for which an expression is true. Raises UsageError as `find_parts` does."""
    example = f'{parameter} = {{}}: give an expression that says yes or no of a report, such as pl.col("year") >= 2015'
    if not isinstance(where, pl.Expr):
        raise UsageError(example.format(shown(where)))
    for name in where.meta.root_names():
        if name not in CHOOSE_BY:
            raise UsageError(f"{parameter}: no column {name!r}; reports are chosen by {', '.join(CHOOSE_BY)}")
    try:
        chosen = parts.frame.select(where.alias("chosen"))["chosen"]
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{parameter}: {' '.join(str(error).split())[:200]}; mend the expression") from None
    if chosen.dtype != pl.Boolean or len(chosen) not in {1, len(parts.frame)}:
        raise UsageError(example.format(f"an expression of type {chosen.dtype}"))
    if len(chosen) != len(parts.frame):
        chosen = pl.repeat(chosen.item(), len(parts.frame), eager=True)
    return replace(parts, frame=parts.frame.filter(chosen.fill_null(value=False)))


def hits_of(tables: Tables, parts: Parts) -> pl.LazyFrame:
    """Return the kept hits of some parts: part, report, section, clause, term, start, end."""
    kept = tables.hits.filter(pl.col("kept")).select("report", "section", "clause", "term", "start", "end")
    return _with_part(kept, parts)


def sections_of(tables: Tables, parts: Parts) -> pl.LazyFrame:
    """Return the sections of some parts that have text of their own: part, report, section."""
    return _with_part(tables.sections.filter(pl.col("chars") > 0).select("report", "section"), parts)


def _with_part(rows: pl.LazyFrame, parts: Parts) -> pl.LazyFrame:
    part_of = parts.frame.lazy().select("report", "entity", "part")
    if parts.owned is None or parts.whose is None:
        return rows.join(part_of.drop("entity"), on="report")
    owned, whose = parts.owned.lazy(), parts.whose.lazy()
    whole = rows.join(whose, on="report", how="anti").join(part_of.drop("entity"), on="report")
    shared = (
        rows.join(whose, on="report")
        .join(owned, on=["report", "section"], how="left")
        .with_columns(entity=pl.coalesce("owner", "entity"))
        .join(part_of, on=["report", "entity"], nulls_equal=True)
    )
    return pl.concat([whole, shared.select(*rows.collect_schema().names(), "part")])


def _share_out(measured: pl.DataFrame, owned: pl.DataFrame) -> pl.DataFrame:
    """Return measured reports, those with sections of others as one row of each entity."""
    unknown = [pl.lit(None, pl.Int64).alias(each) for each in ("han_chars", "words")]
    columns = measured.columns
    shared = measured.join(owned, on="report", how="semi").with_columns(unknown)
    of_others = (
        owned.group_by("report", "owner")
        .agg(pl.col("chars", "clauses").sum())
        .join(shared.drop("chars", "clauses"), on="report")
        .with_columns(entity="owner")
    )
    taken = owned.group_by("report").agg(pl.col("chars", "clauses").sum().name.suffix("_of_others"))
    rest = (
        shared.join(taken, on="report")
        .with_columns(pl.col(each) - pl.col(f"{each}_of_others") for each in ("chars", "clauses"))
        # A report that is all others' is none of its own.
        .filter(pl.col("chars") > 0)
    )
    whole = measured.join(owned, on="report", how="anti")
    parts = pl.concat([whole, rest.select(columns), of_others.select(columns)])
    return parts.sort("report", "entity", nulls_last=True).with_row_index("part")
