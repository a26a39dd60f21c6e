"""`cipin index`, `cipin sensitivity`: one score of many counts, and what it hangs on."""

from __future__ import annotations

from typing import Any

import click

from cipin.cli.frames import FORMATS, print_frame

_choices = [
    click.option("--method", "-m", default="wu2021", show_default=True,
                 help="wu2021, li2020, guopin2015, entropy, pca, zscore, percentile, epu, or your own (.toml)."),
    click.option("--level", type=click.Choice(["term", "category", "dimension", "lexicon"]), help="What is added up."),
    click.option("--measure", help="What is counted: hits, ln_hits, per_10k_chars, share_of_clauses, …"),
    click.option("--standardise", type=click.Choice(["none", "minmax", "z", "percentile"]),
                 help="How columns are scaled."),
    click.option("--within", type=click.Choice(["pooled", "year"]), help="Over all rows, or within each year."),
]  # fmt: skip


def _with_choices(command: Any) -> Any:
    for option in reversed(_choices):
        command = option(command)
    return command


@click.command(short_help="One score for each entity and year, made as a paper makes it.")
@click.argument("out")
@_with_choices
@click.option("--weights", is_flag=True, help="The weights of its columns, instead of the scores.")
@click.option("--codebook", is_flag=True, help="What each of its columns is, and how it is made, instead of both.")
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    help="Of the codebook, and of labels.",
)
@click.option(
    "--output",
    "-o",
    type=str,
    metavar="FILE",
    help="Write scores, weights and codebook: .xlsx, .duckdb, or a folder; .csv, .dta, .sav, … have scores.",
)
@click.option(
    "--to",
    type=click.Choice(["csv", "xlsx", "dta", "sav", "parquet", "arrow", "duckdb"]),
    help="Of FILE, or that the codebook is about; default: as FILE ends.",
)
@click.option("--format", type=FORMATS, help="How to print; default: table on a terminal, else csv.")
def index(
    out: str,
    method: str,
    weights: bool,
    codebook: bool,
    language: Any,
    output: str | None,
    to: str | None,
    format: str | None,
    **choices: Any,
) -> None:
    """Print an index of the run in OUT. What it is made of, and after whom, is said on stderr.

    Options that are not given are as the recipe has them; what is chosen otherwise shows in its name.
    """
    import cipin
    from cipin.measuring.index_book import shorten

    _check_ways(output, to, format, weights=weights, codebook=codebook)
    run = cipin.open(out)
    found = run.index(method, **_given(choices))
    if output is not None:
        for path in run.export(output, to, language=language, index=found):
            click.echo(f"written: {path}", err=True)
    elif codebook:
        from cipin.measuring.codebook import show_codebook

        click.echo(show_codebook(run.codebook(index=found, to=to), language), nl=False)
    else:
        print_frame(found.weights if weights else found.scores, format)
    recipe = found.recipe
    said = (f"{recipe.id}: {found.formula}", recipe.source, recipe.note)
    click.echo("\n".join(each for each in said if each), err=True)
    used, names = found.facts["lexicon"], recipe.lexicon
    if not names:
        click.echo(f"lexicon: {used} (no publication says which one this method is to have)", err=True)
    elif not found.facts["as_published"]:
        made_otherwise = f", choices {recipe.id}" if "(" in recipe.id else ""
        changed = "" if made_otherwise else " (changed)"
        whose = changed if names == used else f" (published with {names})"
        click.echo(f"not as published: lexicon {used}{whose}{made_otherwise}", err=True)
    for name, value in found.facts.items():
        if name not in {"lexicon", "as_published", "run"}:
            click.echo(f"{name.replace('_', ' ')}: {shorten(value)}", err=True)


def _check_ways(output: str | None, to: str | None, format: str | None, *, weights: bool, codebook: bool) -> None:
    """Raise UsageError for options that ask for an index in several ways at once."""
    for is_wrong, why in (
        (output is not None and codebook, "-o and --codebook: the codebook is in the file, or beside it in a folder"),
        (output is not None and weights, "-o and --weights: they are in the file, or beside the scores in a folder"),
        (output is not None and format, "-o and --format: --to is the format of a file"),
        (codebook and weights, "--codebook and --weights: one or the other"),
        (codebook and format, "--codebook and --format: a codebook is Markdown"),
        (to and output is None and not codebook, "--to: it goes with -o or --codebook; --format is how to print"),
    ):
        if is_wrong:
            raise click.UsageError(why)


@click.command(short_help="How much an index hangs on one term, one dimension, or the choice of the lexicon.")
@click.argument("outs", nargs=-1, required=True)
@click.option("--what", type=click.Choice(["term", "category", "dimension", "ranks", "eras", "lexicons"]),
              default="term", show_default=True,
              help="Without each term, category or dimension; how sure ranks are; how the mix of terms changes; "
              "several OUTs with other lexicons against one another.")  # fmt: skip
@_with_choices
@click.option("--draws", type=click.IntRange(1), default=200, show_default=True, help="Bootstrap samples, for ranks.")
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv.")
def sensitivity(outs: tuple[str, ...], what: str, method: str, draws: int, format: str | None, **choices: Any) -> None:
    """Print what becomes of the index of the run in OUT when what it is made of changes; the most sensitive first."""
    import cipin
    from cipin.measuring.sensitivity import compare

    given = _given(choices)
    if what == "lexicons":
        runs = {out: cipin.open(out) for out in outs}
        if len(runs) < 2:
            raise cipin.UsageError("--what lexicons: give two OUTs or more, of the same reports and several lexicons")
        names = [run.manifest["lexicon"]["id"] for run in runs.values()]
        unique = len(set(names)) == len(names)
        named = dict(zip(names if unique else runs, runs.values(), strict=True))
        print_frame(compare({name: run.index(method, **given) for name, run in named.items()}), format)
        return
    if len(outs) > 1:
        raise cipin.UsageError(f"--what {what}: is of one OUT; several are for --what lexicons")
    print_frame(cipin.open(outs[0]).sensitivity(method, what, draws=draws, **given), format)


def _given(choices: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in choices.items() if value is not None}
