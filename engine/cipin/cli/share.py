"""`cipin export`: tables for Excel, Stata, SPSS, R, DuckDB; `cipin codebook`: what they mean, how it was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cipin.cli.frames import print_frame
from cipin.cli.names import split_names

_FORMATS = click.Choice(["csv", "xlsx", "dta", "sav", "parquet", "arrow", "duckdb"])
_LANGUAGES = click.Choice(["zh", "en"])


def _panel_options(tables: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that say which tables, and which panel."""
    options = (
        click.option("--table", "-t", "tables", multiple=True, metavar="NAMES",
                     help=f"Of panel, reports, sections, hits, clauses, counts, lexicon; default: {tables}."),
        click.option("--by", multiple=True, default=["entity,year"], show_default="entity,year",
                     help="Of the panel: entity, year, month, source, report, status, format, type, topic."),
        click.option("--level", type=click.Choice(["term", "category", "dimension", "lexicon"]), default="term",
                     show_default=True, help="What a row of the panel, or a variable of a wide one, is about."),
        click.option("--measures", "-m", multiple=True, metavar="NAMES",
                     help="ln_hits, per_10k_chars, … (those of `cipin panel`)."),
        click.option("--wide", is_flag=True,
                     help="One row a group, one variable a term (hits_t01, labelled with it) and measure."),
    )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _chosen(by: tuple[str, ...], measures: tuple[str, ...], tables: tuple[str, ...]) -> tuple[list[str], ...]:
    return (
        split_names("--table", tables, none=False) if tables else [],
        split_names("--by", by, none=False),
        split_names("--measures", measures, none=False) if measures else [],
    )


@click.command(short_help="Tables for Excel, Stata, SPSS, R, DuckDB.")
@click.argument("out")
@click.option("--output", "-o", required=True, metavar="FILE",
              help="Where to; a folder, for several tables of a format whose files hold one.")  # fmt: skip
@click.option("--to", type=_FORMATS, help="Default: as FILE's name ends.")
@_panel_options("panel")
@click.option("--language", type=_LANGUAGES, default="zh", show_default=True, help="Of labels.")
@click.option("--no-bom", is_flag=True, help="CSV without the mark by which Excel knows UTF-8.")
def export(
    out: str,
    output: str,
    to: str | None,
    tables: tuple[str, ...],
    by: tuple[str, ...],
    level: Any,
    measures: tuple[str, ...],
    wide: bool,
    language: Any,
    no_bom: bool,
) -> None:
    """Write tables of the run in OUT to FILE, whole or not at all.

    xlsx and duckdb hold several tables, and a codebook. A missing number stays missing, and is no zero.
    """
    import cipin

    names, columns, chosen = _chosen(by, measures, tables)
    written = cipin.open(out).export(
        output, to, names or ["panel"], columns, level, chosen, wide=wide, language=language, bom=not no_bom
    )
    for path in written:
        click.echo(f"written: {path}", err=True)


@click.command(short_help="What each variable means, and how it was measured.")
@click.argument("out")
@_panel_options("all")
@click.option("--to", type=_FORMATS, help="The format of the export: Stata and SPSS have some names otherwise.")
@click.option("--language", type=_LANGUAGES, default="zh", show_default=True, help="Of Markdown; csv has both.")
@click.option("--format", type=click.Choice(["md", "csv"]), default="md", show_default=True, help="How to print.")
def codebook(
    out: str,
    tables: tuple[str, ...],
    by: tuple[str, ...],
    level: Any,
    measures: tuple[str, ...],
    wide: bool,
    to: str | None,
    language: Any,
    format: str,
) -> None:
    """Print the codebook of the run in OUT, and a paragraph on its method to put into a paper.

    With the options of `cipin export` it is about the variables of that export.
    """
    import cipin
    from cipin.measuring.codebook import show_codebook

    names, columns, chosen = _chosen(by, measures, tables)
    found = cipin.open(out).codebook(names or None, columns, level, chosen, wide=wide, to=to)
    if format == "md":
        click.echo(show_codebook(found, language), nl=False)
    else:
        print_frame(found, format)
