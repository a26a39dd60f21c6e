"""How far a run is: a bar on a terminal, a line every 30 seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from cipin.cli.logs import is_json

if TYPE_CHECKING:
    from cipin.running.driving import Progress

#: Seconds between lines where there is no terminal.
EVERY = 30.0
#: A shard that took less is not worth a word.
SLOW_SECONDS = 30.0


@contextmanager
def show_progress(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Give a function that shows progress on `stream`, weighted by bytes."""
    if is_json():
        yield lambda _: None  # events say more
        return
    if not stream.isatty():
        yield _lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[files]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("", total=None, files="reading")

        def show(progress: Progress) -> None:
            files = _said(progress)
            bar.update(task, completed=progress.done_bytes, total=max(progress.total_bytes, 1), files=files)

        yield show


def _lines(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Callable[[Progress], None]:
    last = clock()

    def show(progress: Progress) -> None:
        nonlocal last
        if clock() - last >= EVERY:
            last = clock()
            share = progress.done_bytes / max(progress.total_bytes, 1)
            print(f"{share:.0%}: {_said(progress)}", file=stream, flush=True)

    return show


def _said(progress: Progress) -> str:
    """Say how far a run is, and what is not as it should be.

    >>> from cipin.running.driving import Progress
    >>> _said(Progress(1200, 5000, 0, 0, 90, 400, kept=50, errors=3, retries=1, slowest_seconds=71))
    '1,200 of 5,000 files, 50 shards kept, 3 quarantined, 1 retried, slowest shard 71 s'
    """
    parts = [f"{progress.done:,} of {progress.total:,} files"]
    for number, what in (
        (progress.kept, "shards kept"),
        (progress.errors, "quarantined"),
        (progress.retries, "retried"),
    ):
        parts += [f"{number:,} {what}"] if number else []
    slowest = progress.slowest_seconds
    return ", ".join([*parts, f"slowest shard {slowest:.0f} s"] if slowest >= SLOW_SECONDS else parts)
