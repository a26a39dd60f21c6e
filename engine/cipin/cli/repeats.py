"""`cipin repeats`: clauses that repeat an earlier one of their entity, and reports that are there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cipin.cli.frames import FORMATS, one_line, print_frame

if TYPE_CHECKING:
    import polars as pl

    import cipin

#: Characters of a clause that a table shows.
_SHOWN = 40


@click.command(short_help="Clauses that repeat an earlier one of their entity; reports that are there twice.")
@click.argument("out")
@click.option("--documents", is_flag=True, help="Reports that another one makes superfluous, not clauses.")
@click.option("--terms", is_flag=True,
              help="Hits of each entity, year and term, in new clauses and in those of an earlier year.")  # fmt: skip
@click.option("--similarity", type=click.FloatRange(0.5, 1), show_default="0.8, of documents 0.9",
              help="Least share of grams (of documents: of clauses) in common; 1: only the same words.")  # fmt: skip
@click.option("--digits", is_flag=True, help="Numbers tell clauses apart.")
@click.option("--same-report", is_flag=True, help="A clause may repeat one of its own report.")
@click.option("--any-entity", is_flag=True, help="With --documents: also those of different entities, or of none.")
@click.option("--entity", help="Only this one.")
@click.option("--limit", "-n", type=click.IntRange(0), default=50, show_default=True, help="Rows of a table; 0: all.")
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv, which has all rows.")
def repeats(
    out: str,
    documents: bool,
    terms: bool,
    similarity: float | None,
    digits: bool,
    same_report: bool,
    any_entity: bool,
    entity: str | None,
    limit: int,
    format: str | None,
) -> None:
    """Print which clauses of the run in OUT repeat an earlier one, with both, and say how many do.

    Clauses are the evidence: those that hold a hit. Earlier is by fiscal year, then by the report's path.
    """
    import sys

    import polars as pl

    import cipin

    _check(documents, terms, digits, same_report, any_entity)
    run = cipin.open(out)
    format = format or ("table" if sys.stdout and sys.stdout.isatty() else "csv")
    if documents:
        frame = run.duplicates(0.9 if similarity is None else similarity, any_entity=any_entity)
        names = run.reports.select("report", "source", "member").collect()
        frame = frame.join(names, on="report").join(names.rename(lambda name: f"other_{name}"), left_on="other",
                                                    right_on="other_report").sort("report")  # fmt: skip
        said = _say_documents(frame)
    else:
        found = run.repeats(0.8 if similarity is None else similarity, digits, same_report)
        frame = run.new_and_repeated(found).collect() if terms else _with_texts(run, found)
        said = _say_clauses(run, found)
    if entity is not None:
        frame = frame.filter(pl.col("entity") == entity)
    shown = frame.head(limit) if limit and format == "table" else frame
    if format == "table":
        texts = [name for name in shown.columns if name.endswith("text")]
        shorter = pl.col(texts).map_elements(lambda text: one_line(text)[:_SHOWN], return_dtype=pl.String)
        shown = shown.drop("report", "other", "first_report", "clause", "first_clause", strict=False)
        shown = shown.with_columns(shorter, pl.col(pl.Float64).round(3))
    print_frame(shown, format)
    if len(shown) < len(frame):
        click.echo(f"{len(shown)} of {len(frame)} rows; -n 0 shows all", err=True)
    click.echo(said, err=True)


def _check(documents: bool, terms: bool, digits: bool, same_report: bool, any_entity: bool) -> None:
    from cipin.errors import UsageError

    if documents and (terms or digits or same_report):
        option = "--terms" if terms else "--digits" if digits else "--same-report"
        raise UsageError(f"{option}: is about clauses; leave it or --documents out")
    if any_entity and not documents:
        raise UsageError("--any-entity: clauses of different entities are never compared; give it with --documents")


def _with_texts(run: cipin.Run, found: pl.DataFrame) -> pl.DataFrame:
    """Add both texts to repeats, in the order of entities and years."""
    texts = run.clauses.select("report", "clause", "text").collect()
    firsts = texts.rename({"report": "first_report", "clause": "first_clause", "text": "first_text"})
    return (
        found.join(texts, on=["report", "clause"], how="left")
        .join(firsts, on=["first_report", "first_clause"], how="left")
        .sort("entity", "year", "report", "clause")
    )


def _say_clauses(run: cipin.Run, found: pl.DataFrame) -> str:
    """Return how many clauses and hits of all are repeats."""
    import polars as pl

    from cipin.measuring.repeats import mark_repeats

    total = run.clauses.select(pl.len()).collect().item()
    of = {name: int((found["scope"] == name).sum()) for name in ("earlier_year", "same_year", "same_report")}
    near = int((found["kind"] == "near").sum())
    kept = mark_repeats(run.hits.filter(pl.col("kept")), found).select(pl.len(), pl.col("repeated").sum()).collect()
    hits, repeated = kept.row(0)
    scopes = f"{of['earlier_year']} of an earlier year, {of['same_year']} of another report of the year"
    if of["same_report"]:
        scopes += f", {of['same_report']} of the same report"
    return (
        f"{len(found)} of {total} clauses with a hit repeat one: {scopes}; {near} of them nearly, the others in the "
        f"same words\n{repeated or 0} of {hits} hits are in clauses that repeat one of an earlier year"
    )


def _say_documents(found: pl.DataFrame) -> str:
    kinds = {name: int((found["kind"] == name).sum()) for name in ("exact", "near", "contained")}
    return (
        f"{kinds['exact']} reports have the text of another one, {kinds['near']} nearly its evidence, "
        f"{kinds['contained']} evidence that another one holds too"
    )
