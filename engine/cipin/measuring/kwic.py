"""Key words in context: the hits of a term, each within its clause."""

from __future__ import annotations

import polars as pl

from cipin.arguments import check_number, check_text
from cipin.measuring.panel import owned_sections


def make_kwic(
    reports: pl.LazyFrame,
    clauses: pl.LazyFrame,
    hits: pl.LazyFrame,
    term: str,
    entity: str | None = None,
    year: int | None = None,
    width: int | None = None,
    sections: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Return the kept hits of the term of that name, each with the text of its clause before and behind it.

    sections   whose each section of a report is; None: every report is all its own entity's
    width   the most characters on each side; a clause is copied once a hit, so bound it where clauses may be long

    Columns: entity, year, source, member, start, left, surface, right; sorted by entity, year, source, start.
    """
    if entity is not None:
        check_text(entity, "entity", "the name of one, or None for all")
    if year is not None:
        year = check_number(year, "year", "a fiscal year such as 2021, or None for all")
    if width is not None:
        width = check_number(width, "width", "how many characters there are on each side at most, or None for all")
    whose = reports.select("report", "source", "member", "entity", pl.col("fiscal_year").alias("year"))
    if year is not None:
        whose = whose.filter(pl.col("year") == year)
    inside = clauses.select("report", "clause", "text", pl.col("start").alias("begin"))
    at = (pl.col("start") - pl.col("begin")).cast(pl.Int64)
    length = (pl.col("end") - pl.col("start")).cast(pl.UInt32)
    first = (at - width).clip(0) if width else pl.lit(0, pl.Int64)
    owned = owned_sections(sections) if sections is not None else None
    found = (
        hits.filter(pl.col("kept") & (pl.col("term") == term))
        .select("report", "clause", "surface", "start", "end", *(["section"] if owned is not None else []))
        .join(whose, on="report")
    )
    if owned is not None:
        found = found.join(owned, on=["report", "section"], how="left").with_columns(
            entity=pl.coalesce("owner", "entity")
        )
    if entity is not None:
        found = found.filter(pl.col("entity") == entity)
    return (
        found.join(inside, on=["report", "clause"], how="left")
        .with_columns(
            left=pl.col("text").str.slice(first, (at - first).clip(0).cast(pl.UInt32)).fill_null(""),
            right=pl.col("text").str.slice(at + length, width).fill_null(""),
        )
        .sort("entity", "year", "source", "member", "start", nulls_last=True)
        .select("entity", "year", "source", "member", "start", "left", "surface", "right")
    )
