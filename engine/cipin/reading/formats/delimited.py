"""CSV and TSV with a header: a row is a report."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cipin.reading.encoding import Decoded, find_encoding, looks_binary
from cipin.reading.formats.columns import TITLE_COLUMNS, find_text_column
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.formats.text import binary
from cipin.reading.report import RawReport

if TYPE_CHECKING:
    from _csv import Reader

#: Longest field, in characters: the most that the csv module takes on every platform (a C long).
_FIELD_CHARS = (1 << 31) - 1


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield a report for each row of a CSV or TSV file; `member` is the row number, from 0, without the header.

    A row with more or fewer cells than the header is quarantined, for its text may stand in another column.
    Raises SourceError if the header lacks the text column, and OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
        if looks_binary(head):
            yield binary(RawReport(member="", text="", format="csv"))
            return
        file.seek(0)
        encoding = find_encoding(file)
    with path.open(encoding=encoding, errors="replace", newline="") as lines:
        first = lines.readline()
        lines.seek(0)
        rows = csv.reader(lines, delimiter=find_delimiter(path, first), strict=True)
        header = _next_row(rows)
        if isinstance(header, str):
            report = RawReport(member="", text="", format="csv", encoding=encoding)
            yield quarantine(report, "malformed", f"header: {header}; correct it")
            return
        if not header:
            return
        names = [name.lstrip("\ufeff").strip() for name in header]
        column = find_text_column(path, names, names, options.text_column)
        number = 0
        line = rows.line_num + 1
        while (row := _next_row(rows)) is not None:
            if row:  # a blank line is not a row
                yield _read_row(row, number, names, column, encoding.removesuffix("-sig"), line)
                number += 1
            line = rows.line_num + 1


def find_delimiter(path: Path, header: str) -> str:
    """Return the tab for a `.tsv`, else whichever of comma, tab and semicolon the header has most of.

    >>> find_delimiter(Path("年报.csv"), "银行;年份;正文")
    ';'
    """
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(",\t;", key=header.count)


def _read_row(row: list[str] | str, number: int, names: list[str], column: str, encoding: str, line: int) -> RawReport:
    report = RawReport(member=str(number), text="", format="csv", encoding=encoding)
    where = f"row {number}, from line {line}"
    if isinstance(row, str):
        return quarantine(report, "malformed", f"{where}: {row}; correct its quotes")
    if len(row) != len(names):
        message = f"{where}: {len(row)} cells under a header of {len(names)}; quote cells that hold the delimiter"
        return quarantine(report, "malformed", message)
    cells = dict(zip(names, row, strict=True))
    text = cells.pop(column)
    title = next((cells[name] for name in TITLE_COLUMNS if name in cells), "")
    meta = {name: value for name, value in cells.items() if name}
    report = RawReport(member=str(number), text="", format="csv", encoding=encoding, title=title, meta=meta)
    return judge_text(Decoded(text, encoding, text.count("\ufffd")), report)


def _next_row(rows: Reader) -> list[str] | str | None:
    """Return the next row, what is wrong with it, or None at the end."""
    # The limit belongs to the whole process, so it is raised for one call only.
    limit = csv.field_size_limit(_FIELD_CHARS)
    try:
        return next(rows, None)
    except csv.Error as error:
        return str(error)
    finally:
        csv.field_size_limit(limit)
