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
            files = f"{progress.done:,} of {progress.total:,} files"
            bar.update(task, completed=progress.done_bytes, total=max(progress.total_bytes, 1), files=files)

        yield show


def _lines(stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Callable[[Progress], None]:
    last = clock()

    def show(progress: Progress) -> None:
        nonlocal last
        if clock() - last >= EVERY:
            last = clock()
            share = progress.done_bytes / max(progress.total_bytes, 1)
            print(f"{share:.0%}: {progress.done:,} of {progress.total:,} files", file=stream, flush=True)

    return show
