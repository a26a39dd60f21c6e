"""What may be chosen about reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """A part of a table.

    begin, end   bytes of a file of lines, or rows of a Parquet file; half-open
    line         number of its first line, from 1; 0: it has none
    row          number of its first row, from 0, where that is neither
    """

    begin: int
    end: int
    line: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files of reports are read.

    text_column   column of a table that holds the text; None: the first of `TEXT_COLUMNS` that is there, else the
                  only column of strings
    max_bytes     files larger than this are quarantined as "too_large"
    max_chars     so are texts of more characters; the longest annual reports of banks have under a million. What is
                  done with a text afterwards takes up to a hundred bytes of memory a character
    span          the part of a table that is read; None: all of it
    """

    text_column: str | None = None
    max_bytes: int = 2 << 30
    max_chars: int = 20_000_000
    span: Span | None = None
