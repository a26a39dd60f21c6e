"""Tables on a terminal, where a Han character takes two places."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import polars as pl

FORMATS = click.Choice(["table", "csv", "jsonl"])


def one_line(text: str) -> str:
    """Return text whose control characters do nothing to a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def screen_width() -> int:
    """Return the columns of the terminal."""
    import shutil

    return shutil.get_terminal_size((120, 24)).columns


def print_frame(frame: pl.DataFrame, format: str | None) -> None:
    """Print a table on stdout, as one of FORMATS; None: as a table on a terminal, else as CSV."""
    format = format or ("table" if sys.stdout and sys.stdout.isatty() else "csv")
    if format == "csv":
        click.echo(frame.write_csv(), nl=False)
    elif format == "jsonl":
        click.echo(frame.write_ndjson(), nl=False)
    else:
        _print_table(frame)


def _print_table(frame: pl.DataFrame) -> None:
    """Print columns by display width: a Han character takes two places."""
    cells = [frame.columns, *(["" if each is None else str(each) for each in row] for row in frame.iter_rows())]
    widths = [max(cell_width(row[column]) for row in cells) for column in range(len(frame.columns))]
    numeric = [kind.is_numeric() for kind in frame.dtypes]
    for row in cells:
        click.echo("  ".join(_pad(*each) for each in zip(row, widths, numeric, strict=True)).rstrip())


def print_aligned(frame: pl.DataFrame, width: int) -> None:
    """Print hits in their clauses, below one another."""
    labels = [
        " ".join(str(each) for each in row if each is not None) for row in frame.select("entity", "year").iter_rows()
    ]
    label = min(max(map(cell_width, labels), default=0), 24)
    middle = max(map(cell_width, frame["surface"]), default=0)
    side = max((width - label - middle - 4) // 2, 8)
    for name, row in zip(labels, frame.iter_rows(named=True), strict=True):
        left, right = _fit(row["left"], side, keep_end=True), _fit(row["right"], side)
        click.echo(f"{_pad(_fit(name, label), label)}  {_pad(left, side, True)} {row['surface']} {right}".rstrip())


def cell_width(text: str) -> int:
    """Return how many places of a terminal `text` takes."""
    from rich.cells import cell_len

    return cell_len(text)


def _pad(text: str, width: int, right: bool = False) -> str:
    blank = " " * (width - cell_width(text))
    return blank + text if right else text + blank


def _fit(text: str, width: int, keep_end: bool = False) -> str:
    """Cut `text` to `width` places, and mark the cut."""
    # Control characters of a report are no commands to the terminal.
    text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split())
    if cell_width(text) <= width:
        return text
    while text and cell_width(text) > width - 1:
        text = text[1:] if keep_end else text[:-1]
    return f"…{text}" if keep_end else f"{text}…"
