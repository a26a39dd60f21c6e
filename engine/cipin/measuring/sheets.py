"""Tables → a workbook of Excel: a sheet each, the header frozen, labels as notes at it, and no text ever a formula."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

#: Rows that a column's width is measured by, and the most of it.
SAMPLE, WIDEST = 50, 40
#: Bytes of tables beyond which the file may need more than 4 GB, which old programs do not open.
LARGE = 1 << 30


def write_workbook(
    xlsxwriter: Any,
    frames: Mapping[str, pl.DataFrame],
    path: Path,
    labels: Mapping[str, Mapping[str, str]],
    title: str,
) -> None:
    """Write tables to a workbook, row by row, so that memory stays flat.

    A text is a text, also where it begins with = + - @. Numbers have 16 digits, of which Excel shows 15.
    """
    large = sum(frame.estimated_size() for frame in frames.values()) > LARGE
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "use_zip64": large}) as book:
        book.set_properties({"title": title[:255], "comments": "cipin"})
        bold = book.add_format({"bold": True})
        for name, frame in frames.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            known = labels.get(name, {})
            for at, column in enumerate(frame.iter_columns()):
                sheet.set_column(at, at, _width(column))
                sheet.write_string(0, at, column.name, bold)
                if label := known.get(column.name):
                    sheet.write_comment(0, at, label)
            _write_rows(sheet, frame)


def _write_rows(sheet: Any, frame: pl.DataFrame) -> None:
    writers = []
    for kind in frame.dtypes:
        if kind == pl.String:
            writers.append(sheet.write_string)
        else:
            writers.append(sheet.write_boolean if kind == pl.Boolean else sheet.write_number)
    for at, row in enumerate(frame.iter_rows(), start=1):
        for column, value in enumerate(row):
            if value is not None:
                writers[column](at, column, value)


def _width(column: pl.Series) -> int:
    """Return a width that shows most of a column; a Han character takes two places."""
    texts = [column.name, *(str(each) for each in column.head(SAMPLE).drop_nulls())]
    return min(2 + max(sum(2 if each > "\u2e7f" else 1 for each in text[:WIDEST]) for text in texts), WIDEST)
