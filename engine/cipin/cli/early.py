"""What is begun while the command line still imports: the server of worker processes, where there will be workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

#: Of reports of so many bytes or more each run takes workers; of fewer it may, and starts them when it knows.
SURE_BYTES = 32 << 20
#: Entries of folders that are looked at: a look must cost nothing beside what it saves, which is half a second.
MOST_ENTRIES = 5_000


def begin_early(paths: Iterable[str], on: str, workers: int) -> None:
    """Start the server of worker processes if it is certain by a glance that workers will be needed."""
    if on not in {"auto", "processes"}:
        return
    from cipin.running.executor import available_cpus, start_server

    if on == "processes" or ((workers or available_cpus()) > 1 and _weigh(paths) >= SURE_BYTES):
        start_server()


def _weigh(paths: Iterable[str]) -> int:
    """Return how many bytes the files below some paths have, up to what is enough."""
    total = 0
    for n, size in enumerate(_sizes(paths)):
        total += size
        if total >= SURE_BYTES or n == MOST_ENTRIES:
            break
    return total


def _sizes(paths: Iterable[str]) -> Iterator[int]:
    folders: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            folders.append(path)
        elif os.path.isfile(path):
            yield os.path.getsize(path)
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        yield entry.stat().st_size
        except OSError:
            continue  # the plan will say so
