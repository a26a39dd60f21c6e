"""`cipin associate`: which terms go together, what sets reports apart, what stands around a term, and where it goes."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from cipin.cli.frames import FORMATS, print_frame
from cipin.cli.names import split_names
from cipin.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

#: What each kind takes besides OUT; an option that would do nothing is refused.
TAKES = {
    "cooccurrence": ("unit", "level", "where", "least"),
    "keyness": ("a", "b", "against", "level", "size"),
    "collocates": ("term", "window", "around", "where", "least"),
    "dispersion": ("level", "parts_by", "size", "where"),
    "trends": ("by", "level", "measure"),
}
_LEVELS = click.Choice(["term", "category", "dimension", "lexicon"])
_CHOICE = "COLUMN=VALUES"


@click.command(short_help="Co-occurrence, keyness, collocates, dispersion and trends of terms.")
@click.argument("out")
@click.option("--what", type=click.Choice(list(TAKES)), default="cooccurrence", show_default=True,
              help="What is measured.")  # fmt: skip
@click.option("--level", type=_LEVELS, help="What a row is about; default: term.")
@click.option("--unit", type=click.Choice(["clause", "sentence", "section", "report"]),
              help="Cooccurrence: what holds both; default: clause.")  # fmt: skip
@click.option("--term", help="Collocates: whose.")
@click.option("--window", type=click.IntRange(1), help="Collocates: words on each side; default: the clause.")
@click.option("--around", type=click.Choice(["word", "character"]), help="Collocates: of what; default: word.")
@click.option("--least", type=click.IntRange(0), help="Cooccurrence, collocates: how often at least; default: 1, 3.")
@click.option("--a", multiple=True, metavar=_CHOICE, help="Keyness: reports of the first group, as --where.")
@click.option("--b", multiple=True, metavar=_CHOICE, help="Keyness: of the second; default: all others.")
@click.option("--against", metavar="OUT2", help="Keyness: the second group is of this run.")
@click.option("--size", type=click.Choice(["chars", "han_chars", "words", "clauses"]),
              help="Keyness, dispersion: how much text there is; default: chars.")  # fmt: skip
@click.option("--parts-by", type=click.Choice(["report", "entity", "year", "source"]),
              help="Dispersion: over what; default: report.")  # fmt: skip
@click.option("--by", multiple=True, help="Trends: one for each entity, source, type, …; default: one in all.")
@click.option("--measure", help="Trends: what is followed; default: per_10k_chars.")
@click.option("--where", multiple=True, metavar=_CHOICE,
              help="Only these reports: entity=甲银行,乙银行 or year=2015-2018; several must all fit.")  # fmt: skip
@click.option("--limit", "-n", type=click.IntRange(0), default=0, show_default=True, help="Rows; 0: all.")
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv.")
def associate(out: str, what: str, limit: int, format: str | None, **given: Any) -> None:
    """Print an association of the terms of the run in OUT.

    Formulas, and where they come from, stand in the modules of cipin.measuring of these names.
    """
    import polars as pl

    import cipin

    options = {name: value for name, value in given.items() if value is not None and value != ()}
    for name in options:
        if name not in TAKES[what]:
            kinds = ", ".join(kind for kind, taken in TAKES.items() if name in taken)
            raise UsageError(f"--{name.replace('_', '-')} is for --what {kinds}, not {what}; leave it out")
    for name in ("where", "a", "b"):
        if name in options:
            options[name] = read_choice(f"--{name}", options[name])
    if "by" in options:
        options["by"] = split_names("--by", options["by"], none=False)
    if "against" in options:
        options["other"] = cipin.open(options.pop("against"))
    if what == "collocates" and "term" not in options:
        raise UsageError("--what collocates: of which term? Give --term")
    found = getattr(cipin.open(out), what)(**options)
    frame: pl.DataFrame = (found.head(limit + 1) if limit else found).collect()
    format = format or ("table" if sys.stdout and sys.stdout.isatty() else "csv")
    shown = frame.head(limit) if limit else frame
    if format == "table":
        # People read four figures; files have them all.
        shown = shown.with_columns(pl.col(pl.Float64).round_sig_figs(4))
    print_frame(shown, format)
    if limit and len(frame) > limit:
        click.echo(f"the first {limit} rows; -n 0 shows all", err=True)
    if frame.is_empty():
        click.echo("no row: nothing stands there often enough, or no report is chosen", err=True)


def read_choice(option: str, given: tuple[str, ...]) -> pl.Expr:
    """Return an expression over reports of COLUMN=VALUES: values with commas, years also from-to; all must fit.

    Raises UsageError for what is not written so; a column that there is not is refused by who takes the expression.

    >>> str(read_choice("--where", ("year=2015-2018", "entity=甲银行,乙银行"))).count("is_in")
    1
    """
    import polars as pl

    every = []
    for each in given:
        column, equals, values = each.partition("=")
        names = [value.strip() for value in re.split("[,，、]", values) if value.strip()]
        if not (equals and column.strip() and names):
            raise UsageError(f"{option} {each!r}: write COLUMN=VALUES, such as year=2015-2018 or entity=甲银行,乙银行")
        column = column.strip()
        if column == "year":
            spans = [_years(option, each, value) for value in names]
            every.append(pl.any_horizontal(pl.col(column).is_between(*span) for span in spans))
        else:
            every.append(pl.col(column).cast(pl.String).is_in(names))
    return pl.all_horizontal(every)


def _years(option: str, each: str, value: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{4})(?:\s*[-–~至]\s*([0-9]{4}))?", value)
    if not found:
        raise UsageError(f"{option} {each!r}: {value!r} is no year; write 2015, or 2015-2018")
    return int(found[1]), int(found[2] or found[1])
