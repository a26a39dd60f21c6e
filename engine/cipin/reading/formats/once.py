"""What is found of a file once a process: all parts of a large table ask for it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cipin.reading.encoding import find_encoding

#: What tells a file from what it was before: size, times of writing and of change, number.
Stamp = tuple[int, int, int, int]


def stamp_of(path: Path) -> Stamp:
    """Return what a file is told by without being read. Raises OSError."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def encoding_of(path: Path) -> str:
    """Return `find_encoding` of a file. Raises OSError."""
    return _encoding_of(path, stamp_of(path))


@lru_cache(maxsize=4096)
def _encoding_of(path: Path, stamp: Stamp) -> str:
    del stamp
    with path.open("rb") as file:
        return find_encoding(file)
