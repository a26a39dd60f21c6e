"""What each format can hold, asked before a file is begun: no limit is ever hit silently.

Sources: Microsoft's specifications of Excel 365, Stata 18's `help limits` and `help data types`, IBM's limits of SPSS
Statistics 29. Each is also the place to look when one of them is raised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from cipin.errors import UsageError

#: Stata keeps numbers from this one on for missing values.
STATA_MOST = 8.988465674311579e307
#: Largest `long` of Stata, and largest whole number that a double has all neighbours of.
STATA_LONG, EXACT = 2_147_483_620, 1 << 53
#: Bytes of a text that Stata keeps within the row; longer ones are strL, for which a row has a reference of 8.
STATA_STRING = 2045
STATA_ROW = 1_048_576


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a format.

    program    whose they are
    rows       without the header
    integer    whole numbers beyond ± this lose digits
    text       longest text of a cell, in `unit`: bytes of UTF-8, or Excel's characters, of which 😀 takes two
    most       largest fraction
    instead    the formats that have no such limit
    """

    program: str
    rows: int
    columns: int
    integer: int
    text: int
    unit: str
    most: float
    instead: str


_OPEN = "parquet, arrow or duckdb"
LIMITS = MappingProxyType(
    {
        "xlsx": Limits("Excel", 1_048_575, 16_384, 10**15, 32_767, "characters", float("inf"), f"csv, {_OPEN}"),
        # 2 GB is what a strL holds, and Stata/SE's limits of rows and variables; Stata/BE takes 2,048 variables.
        "dta": Limits("Stata/SE", 2_147_483_619, 32_767, EXACT, 2_000_000_000, "bytes", STATA_MOST, f"csv, {_OPEN}"),
        "sav": Limits("SPSS", 2_147_483_647, 2_147_483_647, EXACT, 32_767, "bytes", float("inf"), f"csv, {_OPEN}"),
    }
)
#: Line ends in a cell of Excel.
_LINE_ENDS = 253
#: Longest label of a value, in bytes.
VALUE_LABEL = MappingProxyType({"dta": 32_000, "sav": 120})
#: Longest label of a variable: Stata counts characters, SPSS bytes.
VARIABLE_LABEL = MappingProxyType({"dta": (80, "characters"), "sav": (256, "bytes")})


def check_limits(frames: Mapping[str, pl.DataFrame], to: str) -> None:
    """Raise UsageError, with the limit and the way out, for a table that a format cannot hold whole.

    Texts must be texts and lists already: see cipin.measuring.export.
    """
    for table, frame in frames.items():
        check_shape(table, frame.height, frame.width, to)
        if to == "xlsx":
            _check_sheet(table)
        if to == "duckdb":
            _check_names(table, frame.columns)
        if to in {"csv", *LIMITS}:
            for column in frame.iter_columns():
                _check_nul(table, column, to)
        if to in LIMITS:
            for column in frame.iter_columns():
                _check_column(table, column, to)
        if to == "dta":
            _check_row(table, frame)


def check_shape(table: str, n_rows: int, n_columns: int, to: str) -> None:
    """Raise UsageError if a table has too many rows or columns, or none, for a format."""
    limits = LIMITS.get(to)
    if not n_columns:
        raise UsageError(f"export, table {table}: it has no column; leave it out")
    if limits is None:
        return
    if n_rows > limits.rows:
        raise UsageError(
            f"export, table {table}: {n_rows:,} rows, and {limits.program} takes {limits.rows:,}"
            f"{' below the header' if to == 'xlsx' else ''}; write {limits.instead}, or a panel with fewer "
            "rows (--by, --level)"
        )
    if n_columns > limits.columns:
        raise UsageError(
            f"export, table {table}: {n_columns:,} columns, and {limits.program} takes {limits.columns:,}; write "
            f"{limits.instead}, or a panel with fewer of them (without --wide, or --level category or dimension)"
        )


def _check_names(table: str, names: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for name in names:
        if (other := first.setdefault(name.lower(), name)) != name:
            raise UsageError(
                f"export, table {table}: columns {other} and {name} differ only in case, which DuckDB does not tell "
                "apart; write csv, parquet or arrow"
            )


def _check_sheet(table: str) -> None:
    if not 0 < len(table) <= 31 or re.search(r"[\[\]:*?/\\]|^'|'$", table) or table.lower() == "history":
        raise UsageError(
            f"export, table {table!r}: no sheet of Excel can be called that (31 characters at most, none of "
            "[ ] : * ? / \\, no ' at an end, not History); give the table another name"
        )


def _check_nul(table: str, column: pl.Series, to: str) -> None:
    if column.dtype == pl.String:
        with_nul = column.str.contains("\0", literal=True).fill_null(value=False)
        if with_nul.any():
            raise UsageError(
                f"{_place(table, column, with_nul)}: the text holds a NUL character, which ends it for most readers "
                f"of {to}; write {_OPEN}"
            )


def _check_column(table: str, column: pl.Series, to: str) -> None:
    limits = LIMITS[to]
    if column.dtype == pl.String:
        bytes_ = column.str.len_bytes()
        # Nothing has more of Excel's characters than it has bytes.
        if (bytes_.max() or 0) > limits.text:  # type: ignore[operator]
            sizes = bytes_ if limits.unit == "bytes" else _excel_length(column)
            long = (sizes > limits.text).fill_null(value=False)
            if long.any():
                raise UsageError(
                    f"{_place(table, column, long)}: a text of {sizes.filter(long).item(0):,} {limits.unit}, and a "
                    f"cell of {limits.program} takes {limits.text:,}; write {limits.instead}, or leave the table out"
                )
        if to == "xlsx":
            many = (column.str.count_matches("\n", literal=True) > _LINE_ENDS).fill_null(value=False)
            if many.any():
                raise UsageError(
                    f"{_place(table, column, many)}: a text of more than {_LINE_ENDS} line ends, which is what a "
                    f"cell of Excel takes; write {limits.instead}"
                )
    elif column.dtype.is_integer():
        # Compared in Python: Polars refuses a number that the column's type cannot hold.
        for value, at in ((column.min(), column.arg_min()), (column.max(), column.arg_max())):
            if value is not None and abs(int(value)) > limits.integer:  # type: ignore[arg-type]
                raise UsageError(
                    f"export, table {table}, column {column.name}, row {int(at or 0) + 1}: {value!r} is beyond "
                    f"±{limits.integer:,}, where {limits.program} loses digits; write {limits.instead}, or cast the "
                    "column to a string"
                )
    elif column.dtype.is_float():
        lost = (~(column.is_finite() & (column.abs() < limits.most))).fill_null(value=False)
        if lost.any():
            raise UsageError(
                f"{_place(table, column, lost)}: {column.filter(lost).item(0)}, which {limits.program} has no number "
                f"for; make it null (missing), or write {limits.instead}"
            )


def _excel_length(column: pl.Series) -> pl.Series:
    """Return UTF-16 code units, which Excel counts: characters beyond U+FFFF are two."""
    return column.str.len_chars() + column.str.count_matches(r"[\x{10000}-\x{10FFFF}]")


def _check_row(table: str, frame: pl.DataFrame) -> None:
    width = 0
    for column in frame.iter_columns():
        longest = int(column.str.len_bytes().max() or 1) if column.dtype == pl.String else 8  # type: ignore[arg-type]
        width += longest if longest <= STATA_STRING else 8
    if width > STATA_ROW:
        raise UsageError(
            f"export, table {table}: a row takes {width:,} bytes, and Stata takes {STATA_ROW:,}; write "
            f"{LIMITS['dta'].instead}, or fewer columns"
        )


def _place(table: str, column: pl.Series, wrong: pl.Series) -> str:
    return f"export, table {table}, column {column.name}, row {int(wrong.arg_max() or 0) + 1}"
