"""`cipin run`."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import click

from cipin.errors import UsageError


@click.command(short_help="Measure reports: evidence, counts and a panel, as Arrow tables.")
@click.argument("reports", nargs=-1, required=True)
@click.option("--lexicon", "-l", required=True, help="Id of a shipped lexicon, or path of one.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="Folder for the tables.")
@click.option("--text-column", help="Column that holds the text, in Parquet, Arrow, CSV and JSONL files.")
@click.option("--entity-from", help="column:NAME, parent, name:REGEX, value:TEXT or none.")
@click.option("--year-from", help="The same for the fiscal year.")
@click.option("--registry", default="banks-cn", show_default=True, metavar="PATH|banks-cn|none",
              help="Names and codes of entities: a CSV file (entity, name, code, from, to).")  # fmt: skip
@click.option("--match", type=click.Choice(["leftmost-longest", "all"]), help="Instead of the lexicon's own.")
@click.option("--fold/--no-fold", default=None, help="Instead of the lexicon's own.")
@click.option("--boundaries", type=click.Choice(["latin", "none", "jieba"]), help="Instead of the lexicon's own.")
@click.option("--no-guards", is_flag=True, help="Count hits inside guards, too.")
@click.option("--clauses", type=click.Choice(["default", "blank"]), default="default", show_default=True,
              help="blank: cut at every mark and blank, as older clause lists were.")  # fmt: skip
@click.option("--skip", default="toc,running_head", show_default=True, metavar="NAMES",
              help="Kinds of lines, topics of sections that are not counted; none: count all.")  # fmt: skip
@click.option("--only", default="", metavar="NAMES", help="Topics of sections that alone are counted.")
@click.option("--matcher", type=click.Choice(["auto", "ahocorasick", "blocks"]), default="auto", show_default=True,
              help="ahocorasick needs no compiler, blocks is fast; the tables are the same.")  # fmt: skip
@click.option("--format", type=click.Choice(["parquet", "arrow"]), default="parquet", show_default=True,
              help="Of the tables; arrow: IPC files.")  # fmt: skip
@click.option("--on", default="auto", show_default=True, help="Executor: auto, serial, processes, ray.")
@click.option("--workers", "-w", type=click.IntRange(0), default=0, help="Processes; 0: one a CPU.")
@click.option("--max-errors", metavar="N|x%", help="Exit with 1 if more reports are quarantined.")
def run(
    reports: tuple[str, ...],
    lexicon: str,
    out: Path,
    match: Any,
    fold: bool | None,
    boundaries: Any,
    no_guards: bool,
    max_errors: str | None,
    skip: str,
    only: str,
    **options: Any,
) -> int:
    """Measure what REPORTS (folders, files, quoted globs) talk about.

    Writes the tables reports, clauses, hits, counts, panel and lexicon to OUT/current, whole or not at all; an OUT of
    an earlier run gets a new version. A report that cannot be read is a row of `reports` with a reason.

    Entity and fiscal year come from columns such as entity, bank, 银行, year, 年度, or from the file's name
    (某某银行_2021年年度报告.txt), the cover and the running heads where the file is one report. Names of one bank
    become one by --registry (工行, 深发展Ａ). What nothing gives is left empty.

    Lines are told apart (heading, toc, caption, table_row, footnote, list_item, boilerplate, running_head, body), and
    sections by what they are about (mda, letter, risk, governance, financial_statements, notes, …): --skip and --only
    take these names. What is skipped stays in the table hits, with the reason.

    Exit codes: 0 done; 1 too many quarantined, or nothing measured; 2 usage; 3 failed; 74 input or output, disk full;
    75 another run was first; 130 interrupted.
    """
    import cipin
    from cipin.cli.progress import show_progress
    from cipin.cli.summary import print_summary

    allowed = _allowed_errors(max_errors)
    chosen = cipin.Lexicon.load(lexicon).with_policy(
        match=match, fold=fold, boundaries=boundaries, guards=not no_guards
    )
    began = time.perf_counter()
    with show_progress(sys.stderr) as progress:
        done = cipin.run(list(reports), chosen, out, skip=_names(skip), only=_names(only), progress=progress, **options)
    print_summary(done, time.perf_counter() - began)
    outcomes = done.summary["outcomes"]
    total = sum(outcomes.values())
    quarantined = sum(n for outcome, n in outcomes.items() if outcome.startswith("quarantined"))
    if not outcomes.get("measured"):
        click.echo("no report could be measured; the reasons are in the table `reports`", err=True)
        return 1
    if quarantined > allowed(total):
        click.echo(f"{quarantined} of {total} reports are quarantined, more than --max-errors {max_errors}", err=True)
        return 1
    return 0


def _names(spec: str) -> list[str]:
    names = [each.strip() for each in spec.replace("，", ",").split(",")]
    return [each for each in names if each and each != "none"]


def _allowed_errors(spec: str | None) -> Any:
    """Return how many quarantined reports, of so many, are allowed."""
    if spec is None:
        return lambda total: total
    if not re.fullmatch(r"\d+(\.\d+)?%?", spec):
        raise UsageError(f"--max-errors {spec!r}: write a number of reports such as 10, or a share such as 5%")
    number = float(spec.removesuffix("%"))
    return (lambda total: total * number / 100) if spec.endswith("%") else (lambda _: number)
