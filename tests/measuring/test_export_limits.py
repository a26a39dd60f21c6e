"""What no export takes, with the limit, before a file is left; and that all below it is taken."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from cipin import UsageError
from cipin.measuring import limits
from cipin.measuring.export import MANY, export
from cipin.measuring.limits import check_limits, check_shape

MOST_FLOAT = limits.STATA_MOST
REFUSED = {
    "xlsx rows": ("xlsx", {"a": pl.repeat(0, 1_048_576, dtype=pl.Int8, eager=True)}, "1,048,575 below the header"),
    "xlsx columns": ("xlsx", {f"c{at}": [0] for at in range(16_385)}, "16,385 columns, and Excel takes 16,384"),
    "dta columns": ("dta", {f"c{at}": [0] for at in range(32_768)}, "Stata/SE takes 32,767"),
    "xlsx text": ("xlsx", {"a": ["", "x" * 32_768]}, "column a, row 2: a text of 32,768 characters"),
    "xlsx text beyond U+FFFF": ("xlsx", {"a": ["😀" * 16_384]}, "a text of 32,768 characters"),
    "40,000 characters": ("xlsx", {"a": ["据" * 40_000]}, "a text of 40,000 characters"),
    "xlsx line ends": ("xlsx", {"a": ["\n" * 254]}, "more than 253 line ends"),
    "sav text": ("sav", {"a": ["据" * 10_923]}, "a text of 32,769 bytes, and a cell of SPSS takes 32,767"),
    "xlsx integer": ("xlsx", {"a": [0, 10**15 + 1]}, "row 2: 1000000000000001 is beyond ±1,000,000,000,000,000"),
    "dta integer": ("dta", {"a": [2**53 + 1]}, "9007199254740993 is beyond ±9,007,199,254,740,992"),
    "dta negative integer": ("dta", {"a": [5, -(2**63)]}, "row 2: -9223372036854775808 is beyond"),
    "sav integer": ("sav", {"a": [2**63 - 1]}, "where SPSS loses digits"),
    "dta unsigned": ("dta", {"a": pl.Series([2**64 - 1], dtype=pl.UInt64)}, "18446744073709551615 is beyond"),
    "dta not a number": ("dta", {"a": [1.0, math.nan]}, "row 2: nan, which Stata/SE has no number for"),
    "dta too large": ("dta", {"a": [MOST_FLOAT]}, "8.988465674311579e+307, which Stata/SE"),
    "xlsx infinite": ("xlsx", {"a": [-math.inf]}, "-inf, which Excel has no number for"),
    "sav infinite": ("sav", {"a": [math.inf]}, "inf, which SPSS has no number for"),
    "csv NUL": ("csv", {"a": ["x", None, "a\0b"]}, "column a, row 3: the text holds a NUL"),
    "xlsx NUL": ("xlsx", {"a": ["\0"]}, "the text holds a NUL"),
    "dta NUL": ("dta", {"a": ["a\0"]}, "the text holds a NUL"),
    "sav NUL": ("sav", {"a": ["a\0"]}, "the text holds a NUL"),
    "dta row": ("dta", {f"c{at}": ["x" * 2045] for at in range(513)}, "1,049,085 bytes, and Stata takes 1,048,576"),
    "sav value label": ("sav", {"topic": ["数" * 41]}, "more than the 120 bytes that a label of sav takes"),
    "no column": ("csv", {}, "it has no column"),
    "struct": ("csv", {"a": [{"b": 1}]}, "column a: of type Struct"),
    "binary": ("dta", {"a": [b"x"]}, "column a: of type Binary"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_limits_are_said_before_a_file_is_left(case: str, tmp_path: Path) -> None:
    to, columns, words = REFUSED[case]
    (tmp_path / f"t.{to}").write_bytes(b"earlier")
    with pytest.raises(UsageError) as said:
        # Of several tables the last is the one that cannot be written.
        export(
            {"fine": pl.DataFrame({"hits": [1, None]}), "t": pl.DataFrame(columns)}, tmp_path / "all.xlsx", to
        ) if to in MANY else (export({"t": pl.DataFrame(columns)}, tmp_path / f"t.{to}", to))
    assert words in str(said.value), said.value
    assert [each.name for each in tmp_path.iterdir()] == [f"t.{to}"]
    assert (tmp_path / f"t.{to}").read_bytes() == b"earlier"


#: One less than each limit that REFUSED is beyond.
TAKEN = {
    "xlsx rows": ("xlsx", {"a": pl.repeat(0, 1_048_575, dtype=pl.Int8, eager=True)}),
    "xlsx columns": ("xlsx", {f"c{at}": [0] for at in range(16_384)}),
    "dta columns": ("dta", {f"c{at}": [0] for at in range(32_767)}),
    "xlsx text beyond U+FFFF": ("xlsx", {"a": ["😀" * 16_383]}),
    "xlsx line ends": ("xlsx", {"a": ["\n" * 253]}),
    "sav text": ("sav", {"a": ["据" * 10_922]}),
    "xlsx integer": ("xlsx", {"a": [10**15, -(10**15)]}),
    "dta integer": ("dta", {"a": [2**53, -(2**53)]}),
    "dta large": ("dta", {"a": [8.98846567431157e307]}),
    "dta row": ("dta", {f"c{at}": ["x" * 2045] for at in range(512)}),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_up_to_the_limit_all_is_taken(case: str) -> None:
    to, columns = TAKEN[case]
    check_limits({"t": pl.DataFrame(columns)}, to)


@pytest.mark.parametrize(("to", "rows"), [("dta", 2_147_483_619), ("sav", 2_147_483_647), ("xlsx", 1_048_575)])
def test_rows(to: str, rows: int) -> None:
    check_shape("hits", rows, 1, to)
    with pytest.raises(UsageError, match=rf"table hits: {rows + 1:,} rows.*write csv, parquet, arrow or duckdb.*--by"):
        check_shape("hits", rows + 1, 1, to)


def test_what_the_statistics_programs_take_at_the_limit_is_read_back(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"big": [2**53, -(2**53)], "text": ["据" * 100_000, None], "large": [8.98846567431157e307, None]}
    )
    (path,) = export({"t": frame}, tmp_path / "t.dta", "dta")
    read = pd.read_stata(path)
    cells = {name: [None if pd.isna(cell) else cell for cell in read[name]] for name in read}
    assert cells == {"big": [2**53, -(2**53)], "text": ["据" * 100_000, ""], "large": [8.98846567431157e307, None]}
