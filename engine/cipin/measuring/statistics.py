"""A table as Stata and SPSS hold it: legal names, two types of numbers, texts, and words that stand for numbers."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cipin.errors import UsageError
from cipin.measuring.columns import VALUES
from cipin.measuring.limits import STATA_LONG, VALUE_LABEL, VARIABLE_LABEL
from cipin.measuring.wide import legal_names


def spss_formats(frame: pl.DataFrame) -> dict[str, str]:
    """Return how SPSS shows each number: whole ones without decimals, others with six."""
    shapes = {}
    for column in frame.iter_columns():
        if column.dtype.is_integer() or _is_whole(column):
            ends = [int(each) for each in (column.min(), column.max()) if each is not None]  # type: ignore[arg-type]
            shapes[column.name] = f"F{max([8, *(len(str(each)) for each in ends)])}.0"
        elif column.dtype.is_float():
            shapes[column.name] = "F16.6"
    return shapes


def spss_measures(frame: pl.DataFrame) -> dict[str, str]:
    """Return the level of measurement of each column."""
    return {name: "scale" if kind.is_numeric() else "nominal" for name, kind in frame.schema.items()}


def _is_whole(column: pl.Series) -> bool:
    return column.dtype.is_float() and bool(((column % 1) == 0).all()) and column.null_count() < len(column)


def for_statistics(
    held: Mapping[str, pl.DataFrame], labels: Mapping[str, Mapping[str, str]], to: str
) -> tuple[pl.DataFrame, dict[str, str], dict[str, dict[int | float, str]]]:
    """Return a table as Stata and SPSS hold it, the labels of its variables, and those of their values."""
    ((table, frame),) = held.items()
    columns, named, values = [], {}, {}
    for column, name in zip(frame.iter_columns(), legal_names(frame.columns), strict=True):
        label = labels.get(table, {}).get(column.name, "") or (column.name if name != column.name else "")
        named[name] = cut(label, *VARIABLE_LABEL[to])
        if column.name in VALUES and column.dtype == pl.String:
            held_as, values[name] = _coded(table, column, to)
        else:
            held_as = _plain(column)
        columns.append(held_as.alias(name))
    return pl.DataFrame(columns), named, values


def _plain(column: pl.Series) -> pl.Series:
    """Return numbers as the two types that both have, and texts without missing ones."""
    if column.dtype == pl.Boolean or column.dtype.is_integer():
        ends = [int(each) for each in (column.min(), column.max()) if each is not None]  # type: ignore[arg-type]
        return column.cast(pl.Int32 if all(abs(each) <= STATA_LONG for each in ends) else pl.Float64)
    if column.dtype.is_float():
        return column.cast(pl.Float64)
    # pyreadstat fails at a missing text beside a long one.
    return column.fill_null("")


def _coded(table: str, column: pl.Series, to: str) -> tuple[pl.Series, dict[int | float, str]]:
    """Return a column of few values as numbers, and what each is called; those nobody knows come behind, in order."""
    known = VALUES[column.name]
    there = column.drop_nulls().unique().sort().to_list()
    words = [*known, *(each for each in there if each and each not in known)]
    called = {word: f"{known[word][0]} ({word})" if word in known else word for word in words}
    for label in called.values():
        if len(label.encode()) > VALUE_LABEL[to]:
            raise UsageError(
                f"export, table {table}, column {column.name}: the value {label[:40]!r}… has more than the "
                f"{VALUE_LABEL[to]:,} bytes that a label of {to} takes; write csv, parquet, arrow or duckdb"
            )
    codes = {word: code for code, word in enumerate(words, start=1)}
    numbers = column.replace_strict(codes, default=None, return_dtype=pl.Int32)
    return numbers, {codes[word]: label for word, label in called.items()}


def cut(text: str, most: int, unit: str) -> str:
    """Return a label that fits, its end marked where it does not; the codebook has it whole."""

    def size(text: str) -> int:
        return len(text.encode()) if unit == "bytes" else len(text)

    if size(text) <= most:
        return text
    while size(text) > most - size("…"):
        text = text[:-1]
    return f"{text}…"
