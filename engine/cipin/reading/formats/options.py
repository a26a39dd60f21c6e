"""What may be chosen about reading."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files of reports are read.

    text_column   column of a table that holds the text; None: the first of `TEXT_COLUMNS` that is there, else the
                  only column of strings
    max_bytes     files larger than this are quarantined as "too_large"
    """

    text_column: str | None = None
    max_bytes: int = 2 << 30
