"""Lines of a file, none of which is held if it is too long to be one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, AnyStr


def bounded_lines(file: IO[AnyStr], most: int, end: int | None = None) -> Iterator[AnyStr | None]:
    r"""Yield each line with its end, and None in place of one of more than `most` characters or bytes.

    end   where in the file the last line ends; None: at its end

    >>> import io
    >>> list(bounded_lines(io.StringIO("云\n计算计算计算\n大数据"), 4))
    ['云\n', None, '大数据']
    """
    while (end is None or file.tell() < end) and (line := file.readline(most + 1)):
        if len(line) <= most or _ends(line):
            yield line
            continue
        while line and not _ends(line):
            line = file.readline(most + 1)
        yield None


def _ends(line: AnyStr) -> bool:
    return line[-1:] in ("\n", "\r", b"\n")
