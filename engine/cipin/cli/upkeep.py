"""`cipin status`, `errors`, `retry`, `diff`, `verify`, `gc`: how an output stands, and keeping it well."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Any

import click

from cipin.cli.frames import FORMATS, print_frame

#: Names that are shown of many.
_SHOWN = 20


@click.command(short_help="How an output stands: versions, what is unfinished, what failed.")
@click.argument("out")
def status(out: str) -> None:
    """Print which versions OUT has, whether a run is unfinished, and how its reports add up."""
    from cipin.running.status import status as look

    found = look(out)
    newest = found.manifest
    lines = [("output", found.place)]
    if newest is None:
        lines.append(("versions", "none: nothing is published"))
    else:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(newest["ended"]))
        lines += [
            ("versions", f"{len(found.versions)}, the newest is {newest['version']}, of {when}"),
            ("lexicon", f"{newest['lexicon']['id']} ({newest['lexicon']['hash'][:10]})"),
            ("engine", newest["engine"]),
        ]
    if found.planned:
        done = f"{found.recorded:,} of {found.planned:,} shards are done"
        if found.recorded < found.planned:
            done += "; the same command goes on, and so does `cipin retry`"
        elif not found.published:
            done += ", and not published; the same command does so"
        lines += [("last plan", done), ("ledger", found.balance)]
        lines += [("", f"{n:,} {name.replace(':', ', ')}") for name, n in found.outcomes.items() if ":" in name]
    if found.attempts:
        lines.append(("attempts", f"{len(found.attempts)} under way, or killed; `cipin gc` clears the latter"))
    lines.append(("data", f"{found.n_files:,} files, {found.n_bytes / 1e6:,.1f} MB"))
    for name, value in lines:
        click.echo(f"{name:>10}  {value}")


@click.command(short_help="The reports that were set aside, and why.")
@click.argument("out")
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv.")
def errors(out: str, format: str | None) -> None:
    """Print a row for each report that was set aside in the last run in OUT, published or not.

    What is transient (time, memory, a crash) `cipin retry` tries again.
    """
    from cipin.running.status import errors as find

    found = find(out)
    print_frame(found, format)
    again = int(found["transient"].sum())
    said = f"{len(found)} report{' was' if len(found) == 1 else 's were'} set aside"
    said += f"; `cipin retry {shlex.quote(out)}` tries {again} again" if again else ""
    click.echo(said, err=True)


@click.command(short_help="Carry out the last run again: what was left of it, and what may go well this time.")
@click.argument("out")
@click.option("--on", default="auto", show_default=True, help="Executor: auto, serial, processes, ray.")
@click.option("--workers", "-w", type=click.IntRange(0), default=0, help="Processes; 0: one a CPU.")
@click.option("--max-errors", metavar="N|x%", help="Publish nothing if more reports are quarantined.")
def retry(out: str, **options: Any) -> int:
    """Try again what failed by time, memory or a crash in the last run in OUT, and finish it if it was stopped."""
    from cipin.cli.progress import show_progress
    from cipin.cli.summary import exit_code, print_summary
    from cipin.running.retry import retry as again

    began = time.perf_counter()
    with show_progress(sys.stderr) as progress:
        done = again(out, progress=progress, **options)
    print_summary(done, time.perf_counter() - began)
    return exit_code(done)


@click.command(short_help="Which cells of the panel two versions do not have alike, and why.")
@click.argument("out")
@click.argument("before", type=click.IntRange(1), required=False)
@click.argument("after", type=click.IntRange(1), required=False)
@click.option("--format", type=FORMATS, help="Default: table on a terminal, else csv.")
def diff(out: str, before: int | None, after: int | None, format: str | None) -> None:
    """Print the cells of the panel that changed from version BEFORE to AFTER (the last two), and what moved each.

    by_report: hits that came or went with reports; by_rest: those in reports that are the same in both.
    """
    from cipin.running.diff import diff as compare

    found = compare(out, before, after)
    print_frame(found, format)
    causes = ", ".join(f"{n:,} by {cause}" for cause, n in found["cause"].value_counts(sort=True).iter_rows())
    click.echo(f"{len(found):,} cells changed{': ' if causes else ''}{causes}", err=True)


@click.command(short_help="Is what a version says still so? Its files, sums, and a sample of hits.")
@click.argument("out")
@click.option("--version", type=click.IntRange(1), help="Default: the newest.")
@click.option("--sample", type=click.IntRange(0), default=200, show_default=True, help="Hits to look up.")
def verify(out: str, version: int | None, sample: int) -> int:
    """Hash every file of a version of OUT, add its ledger up anew, and look hits up in the text of their reports.

    Exit code 1 if anything is wrong.
    """
    from cipin.running.verify import verify as check

    found = check(out, version, sample)
    for problem in found.problems:
        click.echo(f"wrong: {problem}")
    unseen = f", {found.unseen:,} could not be (no corpus, and the source is gone or another)" if found.unseen else ""
    click.echo(
        f"version {found.version}: {found.files:,} files hashed, {found.reports:,} reports added up, "
        f"{found.hits:,} hits looked up{unseen}; {len(found.problems) or 'nothing'} wrong",
        err=True,
    )
    return 1 if found.problems else 0


@click.command(short_help="Remove files that no version needs.")
@click.argument("out")
@click.option("--keep", type=click.IntRange(0), default=0, help="Newest versions that stay; 0: all.")
@click.option("--grace", type=click.FloatRange(0), default=24.0, show_default=True, help="Hours: younger files stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(out: str, keep: int, grace: float, dry_run: bool) -> None:
    """Remove from OUT what no version refers to, and what killed runs left, once it is older than --grace."""
    from cipin.running.sweep import gc as sweep

    found = sweep(out, keep=keep, grace_seconds=grace * 3600, dry_run=dry_run)
    if dry_run:
        for name in found.names[:_SHOWN]:
            click.echo(name)
        if len(found.names) > _SHOWN:
            click.echo(f"and {len(found.names) - _SHOWN:,} more")
    verb = "would go" if dry_run else "are gone"
    click.echo(
        f"{len(found.names):,} files of {found.n_bytes / 1e6:,.1f} MB {verb}"
        + (f", and versions {', '.join(map(str, found.versions))}" if found.versions else ""),
        err=True,
    )
