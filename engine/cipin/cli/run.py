"""`cipin run`, `cipin ingest`, `cipin scan`: measure reports, in one step or in two."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from cipin.cli.early import begin_early
from cipin.cli.names import split_names


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_reading_options = _options(
    click.option("--text-column", help="Column that holds the text, in Parquet, Arrow, CSV and JSONL files."),
    click.option(
        "--max-chars", type=click.IntRange(0), default=0, help="Longest text read as one report; 0: 20 million."
    ),
    click.option(
        "--no-repair", multiple=True, metavar="NAMES", help="Repairs of layout that are not made, with commas."
    ),
)
_working_options = _options(
    click.option("--on", default="auto", show_default=True, help="Executor: auto, serial, processes, ray."),
    click.option("--workers", "-w", type=click.IntRange(0), default=0, help="Processes; 0: one a CPU."),
)
_measuring_options = _options(
    click.option("--lexicon", "-l", required=True, help="Id of a shipped lexicon, or path of one."),
    click.option("--out", "-o", required=True, help="Folder for the tables, or a URL (s3://…)."),
    click.option("--entity-from", help="column:NAME, parent, name:REGEX, value:TEXT or none."),
    click.option("--year-from", help="The same for the fiscal year."),
    click.option("--registry", default="banks-cn", show_default=True, metavar="PATH|banks-cn|none",
                 help="Names and codes of entities: a CSV file (entity, name, code, from, to)."),
    click.option("--match", type=click.Choice(["leftmost-longest", "all"]), help="Instead of the lexicon's own."),
    click.option("--fold/--no-fold", default=None, help="Instead of the lexicon's own."),
    click.option("--boundaries", type=click.Choice(["latin", "none", "jieba"]), help="Instead of the lexicon's own."),
    click.option("--no-guards", is_flag=True, help="Count hits inside guards, too."),
    click.option("--clauses", type=click.Choice(["default", "blank"]), default="default", show_default=True,
                 help="blank: cut at every mark and blank, as older clause lists were."),
    click.option("--skip", multiple=True, default=["toc,running_head"], show_default="toc,running_head",
                 metavar="NAMES", help="Kinds of lines, topics of sections that are not counted; none: count all."),
    click.option("--only", multiple=True, metavar="NAMES", help="Topics of sections that alone are counted."),
    click.option("--words", is_flag=True, help="Count words, too, for measures per 10,000 words."),
    click.option("--matcher", type=click.Choice(["auto", "ahocorasick", "blocks", "portable", "avx512"]),
                 default="auto", show_default=True,
                 help="ahocorasick needs no compiler, blocks is fast; the tables are the same."),
    click.option("--format", type=click.Choice(["parquet", "arrow"]), default="parquet", show_default=True,
                 help="Of the tables; arrow: IPC files."),
    _working_options,
    click.option("--max-errors", metavar="N|x%", help="Publish nothing, exit with 1, if more are quarantined."),
    click.option("--retry", is_flag=True, help="Try again what failed by time, memory or a crash."),
)  # fmt: skip


@click.command(short_help="Measure reports: evidence, counts and a panel, as Arrow tables.")
@click.argument("reports", nargs=-1, required=True)
@_measuring_options
@_reading_options
@click.option("--corpus", metavar="FOLDER|URL", help="Where parsed reports are kept for other lexicons; default: "
              "OUT/corpus; none: they are not kept.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and why.")
def run(
    reports: tuple[str, ...],
    text_column: str | None,
    max_chars: int,
    no_repair: tuple[str, ...],
    corpus: str | None,
    dry_run: bool,
    **options: Any,
) -> int:
    """Measure what REPORTS (folders, files, quoted globs, or URLs such as s3://bucket/reports) talk about.

    Writes the tables reports, sections, clauses, hits, counts, panel and lexicon to OUT/current, whole or not at all;
    an OUT of an earlier run gets a new version, for which only what changed is done; a run that was stopped goes on.
    A report that cannot be read is a row of `reports` with a reason.

    Entity and fiscal year come from columns such as entity, bank, 银行, year, 年度, or from the file's name
    (某某银行_2021年年度报告.txt), the cover and the running heads where the file is one report. Names of one bank
    become one by --registry (工行, 深发展Ａ). What nothing gives is left empty.

    Lines are told apart (heading, toc, caption, table_row, footnote, list_item, boilerplate, running_head, body), and
    sections by what they are about (mda, letter, risk, governance, financial_statements, notes, …): --skip and --only
    take these names. What is skipped stays in the table hits, with the reason.

    Exit codes: 0 done; 1 too many quarantined, or nothing measured; 2 usage; 3 failed; 4 a report changed meanwhile;
    74 input or output, disk full; 75 another run was first; 130 interrupted.
    """
    if not dry_run:
        begin_early(reports, options["on"], options["workers"])
    import cipin

    return _measure(
        lambda lexicon, out, **chosen: (cipin.preview if dry_run else cipin.run)(
            list(reports),
            lexicon,
            out,
            text_column=text_column,
            max_chars=max_chars,
            no_repair=split_names("--no-repair", no_repair),
            corpus=corpus,
            **chosen,
        ),
        **options,
    )


@click.command(short_help="Parse reports once, to be measured by any number of lexicons.")
@click.argument("reports", nargs=-1, required=True)
@click.option("--out", "-o", required=True, help="Folder for the corpus, or a URL (s3://…).")
@_reading_options
@_working_options
def ingest(reports: tuple[str, ...], out: str, no_repair: tuple[str, ...], **options: Any) -> int:
    """Parse REPORTS (folders, files, quoted globs) into a corpus; `cipin scan` measures it.

    What the corpus holds already is not parsed again: name all reports, old and new.
    """
    begin_early(reports, options["on"], options["workers"])
    import cipin
    from cipin.cli.progress import show_progress
    from cipin.cli.summary import n_measured, print_ingested

    began = time.perf_counter()
    with show_progress(sys.stderr) as progress:
        corpus = cipin.ingest(
            list(reports), out, no_repair=split_names("--no-repair", no_repair), progress=progress, **options
        )
    print_ingested(corpus, time.perf_counter() - began)
    return 0 if n_measured(corpus.summary["outcomes"]) else 1


@click.command(short_help="Measure the reports of a corpus.")
@click.argument("corpus")
@_measuring_options
def scan(corpus: str, **options: Any) -> int:
    """Measure what the reports of CORPUS talk about, as `cipin ingest` left them there.

    Options, tables and exit codes are those of `cipin run`; the files of the reports need not be there.
    """
    begin_early([corpus], options["on"], options["workers"])
    import cipin

    return _measure(lambda lexicon, out, **chosen: cipin.scan(corpus, lexicon, out, **chosen), **options)


def _measure(
    measure: Callable[..., Any],
    lexicon: str,
    out: str,
    match: Any,
    fold: bool | None,
    boundaries: Any,
    no_guards: bool,
    skip: tuple[str, ...],
    only: tuple[str, ...],
    **options: Any,
) -> int:
    import cipin
    from cipin.cli.progress import show_progress
    from cipin.cli.summary import exit_code, print_preview, print_summary

    chosen = cipin.Lexicon.load(lexicon).with_policy(
        match=match, fold=fold, boundaries=boundaries, guards=not no_guards
    )
    began = time.perf_counter()
    with show_progress(sys.stderr) as progress:
        done = measure(
            chosen,
            out,
            skip=split_names("--skip", skip),
            only=split_names("--only", only),
            progress=progress,
            **options,
        )
    if not isinstance(done, cipin.Run):
        print_preview(done)
        return 0
    print_summary(done, time.perf_counter() - began)
    return exit_code(done)
