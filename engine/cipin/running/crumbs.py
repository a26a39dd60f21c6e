"""Which document a worker was at when it died: a breadcrumb, written before each is read."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cipin.running.store import explained

_CRUMB = struct.Struct("<q?")


class Crumbs:
    """The breadcrumb of one shard in the folder of an attempt; a context manager. One write takes 1 µs.

    It outlives the process, not the machine: after a power cut all shards under way are done again anyway. `steps`
    counts the documents begun in this process: while it grows, work goes on.
    """

    steps = 0

    def __init__(self, folder: Path, shard: str) -> None:
        self._path = _path(folder, shard)
        self._fd = -1
        self._is_reading = False

    def __enter__(self) -> Self:
        with explained(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        return self

    def at(self, source: int) -> None:
        """Note that the source of this number in the shard is read next."""
        Crumbs.steps += 1
        self._is_reading = True
        self._write(_CRUMB.pack(source, True), 0)

    def reading(self, yes: bool) -> None:
        """Note that what goes on is, or is no longer, the reading of a document."""
        if yes != self._is_reading:
            self._is_reading = yes
            self._write(bytes([yes]), _CRUMB.size - 1)

    def _write(self, data: bytes, place: int) -> None:
        with suppress(OSError):  # a full disk: what is written next will say so
            os.pwrite(self._fd, data, place)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        os.close(self._fd)
        self._path.unlink(missing_ok=True)


def find_crumb(folder: Path, shard: str) -> int | None:
    """Return the number of the source that was being read when the worker of a shard died; None if it was at none."""
    try:
        source, reading = _CRUMB.unpack(_path(folder, shard).read_bytes())
    except (OSError, struct.error):
        return None
    return source if reading else None


def _path(folder: Path, shard: str) -> Path:
    return folder / f"{shard}.crumb"
