"""`cipin panel`, `cipin kwic`, `cipin explain`: look at what a run found; `cipin doctor`: at the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cipin.cli.frames import FORMATS, one_line, print_aligned, print_frame, screen_width
from cipin.cli.names import split_names


@click.command(short_help="Hits and clauses per entity × year × term, category or dimension.")
@click.argument("out")
@click.option("--level", type=click.Choice(["term", "category", "dimension", "lexicon"]), default="dimension",
              show_default=True, help="What a row is about.")  # fmt: skip
@click.option("--by", multiple=True, default=["entity,year"], show_default="entity,year",
              help="Of entity, year, month, source, report, status, format, type, topic.")  # fmt: skip
@click.option("--measures", "-m", multiple=True, metavar="NAMES",
              help="ln_hits, per_10k_chars, per_10k_han, per_10k_words, share_of_clauses, reports_with, "
              "share_of_reports, tf_idf.")  # fmt: skip
@click.option("--entity", help="Only this one.")
@click.option("--year", type=int, help="Only this one.")
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv.")
def panel(
    out: str,
    level: Any,
    by: tuple[str, ...],
    measures: tuple[str, ...],
    entity: str | None,
    year: int | None,
    format: str | None,
) -> None:
    """Print the panel of the run in OUT.

    A row of zeros has reports without a hit; a group without a readable report has no row.
    """
    import polars as pl

    import cipin

    columns = split_names("--by", by, none=False)
    frame = cipin.open(out).panel(columns, level, split_names("--measures", measures, none=False) if measures else ())
    for name, value in (("entity", entity), ("year", year)):
        if value is not None:
            if name not in columns:
                raise cipin.UsageError(f"--{name}: the panel is by {', '.join(columns)}; add {name} to --by")
            frame = frame.filter(pl.col(name) == value)
    shown = frame.collect()
    print_frame(shown, format)
    if not len(shown):
        click.echo("no such row; `cipin panel` without --entity and --year shows which there are", err=True)


@click.command(short_help="A term in its clauses, aligned.")
@click.argument("term")
@click.argument("out")
@click.option("--entity", help="Only this one.")
@click.option("--year", type=int, help="Only this one.")
@click.option("--limit", "-n", type=click.IntRange(0), default=50, show_default=True, help="Lines; 0: all.")
@click.option("--width", type=click.IntRange(20), help="Columns of the screen; default: as wide as it is.")
@click.option("--format", type=FORMATS, default="table", show_default=True, help="How to print.")
def kwic(term: str, out: str, entity: str | None, year: int | None, limit: int, width: int | None, format: str) -> None:
    """Print each counted hit of TERM in OUT within its clause."""
    import polars as pl

    import cipin

    width = width or screen_width()
    # Clauses of tables run to thousands of characters: what is not shown is not copied.
    frame = cipin.open(out).kwic(term, entity, year, width=width if format == "table" else 10_000)
    total = frame.select(pl.len()).collect().item()
    shown = (frame.head(limit) if limit else frame).collect()
    if format == "table":
        print_aligned(shown, width)
    else:
        print_frame(shown, format)
    if len(shown) < total:
        click.echo(f"{len(shown)} of {total} hits; -n 0 shows all", err=True)
    elif not total:
        click.echo(f"no hit of {term!r} is counted; `cipin explain REPORT {term} {out}` says why", err=True)


@click.command(short_help="From a hit back to its page and raw text; or why there is none.")
@click.argument("report")
@click.argument("term")
@click.argument("out")
@click.option("--limit", "-n", type=click.IntRange(0), default=20, show_default=True, help="Hits to show; 0: all.")
@click.option("--format", type=click.Choice(["text", "csv", "jsonl"]), default="text", show_default=True,
              help="How to print; csv and jsonl: the hits alone.")  # fmt: skip
def explain(report: str, term: str, out: str, limit: int, format: str) -> None:
    """Print what became of TERM in a report of OUT: where each hit stands, or why there is none.

    REPORT is the beginning of its id, or words of its path, title, entity and year: '平安银行 2017'.
    """
    import cipin

    found = cipin.open(out).explain(report, term)
    shown = found.hits.head(limit) if limit else found.hits
    if format != "text":
        print_frame(shown, format)
        return
    row = found.report
    place = " ".join(each for each in (row["source"], row["member"]) if each)
    whose = " ".join(str(each) for each in (row["entity"], row["fiscal_year"]) if each is not None) or "unknown"
    click.echo(f"report  {row['report']}  {place}")
    click.echo(
        f"whose   {whose} (entity: {row['entity_source'] or 'no rule'}; year: {row['year_source'] or 'no rule'})"
    )
    others = [each for each in found.spellings if each != found.term]
    click.echo(f"term    {found.term}" + (f" (also {', '.join(others)})" if others else ""))
    kept = int(found.hits["kept"].sum())
    click.echo(f"hits    {kept} counted, {len(found.hits) - kept} not")
    for hit in shown.iter_rows(named=True):
        click.echo()
        where = [f"page {hit['page']}" if hit["page"] else "", hit["section"] or "", hit["kind"] or ""]
        click.echo(f"{hit['reason'] or 'counted'}: " + ", ".join(each for each in where if each))
        if hit["text"] is not None:
            click.echo(f"    {one_line(hit['text'])}")
        if hit["raw"] is not None:
            click.echo(f"    raw {hit['raw_start']}-{hit['raw_end']}: {hit['raw']!r}")
    if len(shown) < len(found.hits):
        click.echo(f"{len(shown)} of {len(found.hits)} hits; -n 0 shows all", err=True)
    for sentence in found.why:
        click.echo(f"note    {sentence}")


@click.command(short_help="What a run will meet on this machine, and what could be better.")
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--lexicon", "-l", help="Also say which kernel takes it, and why.")
@click.option("--on", help="Also examine what a run on this executor would meet; ray: the cluster and its nodes.")
def doctor(out: Path | None, lexicon: str | None, on: str | None) -> int:
    """Print versions, the processor's kernels, caches and free disk; a line with ! has a way out below it.

    Exit codes: 0; with --on, 1 if a run there would be refused, or do badly, for a reason marked with !.
    """
    from cipin.running.doctor import examine, examine_executor, report

    here = examine(out, lexicon)
    there = examine_executor(on) if on else []
    click.echo(report([*here, *there]))
    return int(any(each.way_out for each in there))
