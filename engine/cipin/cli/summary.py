"""What a run came to, for people."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cipin.cli.logs import is_json
from cipin.schema import MEASURED

if TYPE_CHECKING:
    from cipin.running.ingest import Corpus
    from cipin.running.measure import Preview
    from cipin.running.results import Run

_DOUBTS = {
    "no_entity": "without an entity (--entity-from says where to find it)",
    "no_year": "without a fiscal year (--year-from says where to find it)",
    "entity_conflict": "whose name, cover and running heads name different entities (column `candidates`)",
    "year_conflict": "whose name, cover and running heads name different years (column `candidates`)",
    "several_reports": "of more than one report, which are added up (half-years, abstracts, copies?)",
    "same_text": "with the same text as another; each is counted",
    "needs_ocr": "with pages that are pictures; read them by OCR first",
    "page_errors": "with pages that could not be read",
    "repaired": "from damaged files that were repaired",
    "truncated": "from files whose end is missing",
    "lost_punctuation": "without punctuation; their clauses are lines",
    "garbled": "with text that is no language; their hits are too few (page_flags says where; read it by OCR)",
    "doubled": "with words that stand there twice; their hits may be too many or too few",
    "map_errors": "whose files do not say which characters their glyphs are",
    "replaced_bytes": "with bytes that could not be decoded",
    "garbled_characters": "with characters that look garbled",
    "control_characters": "with control characters",
}


#: What a doubt counts, where it is not reports.
_OF = {"several_reports": "{} entity-years"}


def _top(terms: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(terms.items(), key=lambda each: (-each[1], each[0]))[:8]


def print_summary(run: Run, seconds: float) -> None:
    """Print reports, text, hits, top terms, what went wrong, time, and where the tables are, to stderr."""
    summary = run.summary
    outcomes, tallies, doubtful = summary["outcomes"], summary["tallies"], summary["doubtful"].items()
    skipped = {name: n for name, n in tallies.items() if name.startswith("skip:") and n}
    lines = [
        *_outcomes(outcomes, "measured"),
        *(
            (_OF.get(doubt, "{} reports" if n > 1 else "{} report").format(f"{n:,}"), _DOUBTS.get(doubt, doubt))
            for doubt, n in doubtful
            if n
        ),
        ("text", f"{tallies.get('chars', 0):,} characters in {tallies.get('clauses', 0):,} clauses"),
        ("hits", f"{tallies.get('hits', 0):,} counted, {tallies.get('suppressed', 0):,} suppressed"),
        *(
            (f"of which in {name.removeprefix('skip:')}", f"{n:,} (--skip none counts them)")
            for name, n in skipped.items()
        ),
        ("top terms", ", ".join(f"{term} {n:,}" for term, n in _top(summary["terms"])) or "none"),
        ("files", _files(run.manifest["work"])),
        *_work(run.manifest),
        *_passed_over(run.manifest["planned"].get("passed_over", ())),
        ("time", f"{seconds:.1f} s, {summary['bytes'] / 1e6 / max(seconds, 1e-9):.1f} MB/s"),
        ("tables", f"{run.out}/current"),
    ]
    _print(lines)
    if is_json():
        return  # each was an event
    if any(outcome.startswith("quarantined") for outcome in outcomes):
        _print_quarantined(run)


def _work(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what was kept of earlier runs."""
    work = manifest["work"]
    if "unchanged" in work:
        yield "shards", f"nothing changed: version {manifest['version']} is this run already"
    elif work["kept"]:
        yield "shards", f"{work['shards']:,} done, {work['kept']:,} kept of earlier runs"
    if carried := work.get("carried"):
        yield (
            "lexicon",
            f"no changed term is in {carried:,} of the {work['shards']:,} shards: their rows are as they were",
        )


def print_preview(preview: Preview) -> None:
    """Print what a run would do, and why."""
    lines = [
        ("shards", f"{preview.to_do:,} of {preview.shards:,} would be done"),
        ("files", f"{preview.to_read:,} of {preview.sources:,} are in them"),
    ]
    for at, change in enumerate(preview.changes):
        names = ", ".join(change.names[:_NAMED]) + (", …" if len(change.names) > _NAMED else "")
        lines.append(("" if at else "since", f"{change.what}{': ' if names else ''}{names}"))
    if not preview.changes:
        lines.append(("since", "nothing changed" if not preview.to_do else "a run was stopped, or data files are gone"))
    for name, value in lines:
        click.echo(f"{name:>10}  {value}")


def _outcomes(outcomes: dict[str, int], done: str) -> Iterator[tuple[str, str]]:
    """Yield how many reports were measured, and what became of the others."""
    whole, teasers = outcomes.get("measured", 0), outcomes.get("teaser", 0)
    yield "reports", f"{whole + teasers:,} {done}, of {sum(outcomes.values()):,}"
    if teasers:
        yield "of which teasers", f"{teasers:,} (only a beginning; `panel --by status` tells them apart)"
    yield from ((name.replace(":", ", "), f"{n:,}") for name, n in outcomes.items() if name not in MEASURED)


def n_measured(outcomes: Mapping[str, int]) -> int:
    """Return how many reports were measured, whole or not."""
    return sum(outcomes.get(status, 0) for status in MEASURED)


def exit_code(run: Run) -> int:
    """Return 0, or 1 if nothing could be measured, which is said."""
    if n_measured(run.summary["outcomes"]):
        return 0
    click.echo("no report could be measured; the reasons are in the table `reports`", err=True)
    return 1


#: Quarantined reports that are named.
_NAMED = 5


def _print_quarantined(run: Run) -> None:
    """Name the first reports that were set aside, with what to do."""
    import polars as pl

    aside = run.reports.filter(pl.col("status") == "quarantined").select("source", "member", "message").sort("source")
    rows = aside.head(_NAMED + 1).collect().rows()
    for source, member, message in rows[:_NAMED]:
        click.echo(f"{' / '.join(each for each in (source, member) if each)}: {message}", err=True)
    if len(rows) > _NAMED:
        click.echo("more are in the table `reports`, where status is quarantined", err=True)


def print_ingested(corpus: Corpus, seconds: float) -> None:
    """Print what an ingest found and parsed, to stderr."""
    outcomes, tallies = corpus.summary["outcomes"], corpus.summary["tallies"]
    lines = [
        *_outcomes(outcomes, "readable"),
        ("files", _files(tallies)),
        *_passed_over(corpus.passed_over),
        ("time", f"{seconds:.1f} s"),
        ("corpus", str(corpus.path)),
    ]
    _print(lines)


#: Folders that are named.
_FOLDERS = 3


def _passed_over(folders: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is to be said of folders of other runs among the reports."""
    if not folders:
        return []
    names = ", ".join(folders[:_FOLDERS]) + (", …" if len(folders) > _FOLDERS else "")
    if len(folders) == 1:
        return [("1 folder", f"that another run or ingest wrote, not read: {names}")]
    return [(f"{len(folders)} folders", f"that other runs or ingests wrote, not read: {names}")]


def _files(tallies: Mapping[str, int]) -> str:
    parsed, reused = tallies.get("parsed", 0), tallies.get("reused", 0)
    return f"{parsed:,} parsed" + (f", {reused:,} parsed before" if reused else "")


def _print(lines: list[tuple[str, str]]) -> None:
    if is_json():
        logging.getLogger("cipin").info("summary", extra={"event": "summary", "facts": {"summary": dict(lines)}})
        return
    for name, value in lines:
        click.echo(f"{name:>28}  {value}", err=True)
