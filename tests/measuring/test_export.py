"""Exports, read back by readers that had no part in writing them, cell by cell; and where they may go."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pyreadstat
import pytest
from openpyxl.utils.escape import unescape
from polars.testing import assert_frame_equal

from cipin import StorageError, UsageError
from cipin.measuring.export import FORMATS, export

#: Texts that formulas, quoting, line ends, escapes and words for "missing" are made of.
HOSTILE = [
    "大數據", "=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "=1+1", "{=1}", "http://x.example/y", "a\nb", "a\r\nb",
    "a\rb", "\tx", " lead", 'q"q', "a,b", "a;b", "'", "NA", "null", "nan", "TRUE", "2019", "007", "1e5", "😀𠀀", "\x01",
    "_x000D_", "", None, "x" * 32_767, "据" * 2046,
]  # fmt: skip
N = len(HOSTILE)
FRAME = pl.DataFrame(
    {
        "text": HOSTILE,
        "hits": pl.Series([None if at % 5 == 4 else at * 7 for at in range(N)], dtype=pl.Int64),
        "big": pl.Series([(-1) ** at * (10**15 - at) if at % 3 else None for at in range(N)], dtype=pl.Int64),
        "edge": pl.Series([2_147_483_620, -2_147_483_620, *([0] * (N - 2))], dtype=pl.Int64),
        "over": pl.Series([2_147_483_621, -2_147_483_648, None, *([5] * (N - 3))], dtype=pl.Int64),
        "share": pl.Series([None if at % 4 == 3 else at / 7 for at in range(N)], dtype=pl.Float64),
        "kept": pl.Series([(True, False, None)[at % 3] for at in range(N)], dtype=pl.Boolean),
        "nothing": pl.Series([None] * N, dtype=pl.Int32),
        "no_text": pl.Series([None] * N, dtype=pl.String),
    }
)
LABELS = {"panel": {"hits": "命中次数", "text": "分句"}}
Cells = dict[str, list[Any]]


def missing(values: Any) -> list[Any]:
    return [None if value is None or (isinstance(value, float) and math.isnan(value)) else value for value in values]


def by_csv(path: Path, table: str) -> Cells:
    # The C parser takes a lone \r inside quotes for what it is only if it is told the line end.
    frame = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, dtype=str, lineterminator="\n")
    return {name: list(frame[name]) for name in frame}


def by_openpyxl(path: Path, table: str) -> Cells:
    rows = list(openpyxl.load_workbook(path)[table].iter_rows())
    for row in rows:
        assert all(cell.data_type != "f" for cell in row), "a text became a formula"
    columns = zip(*rows, strict=True)
    return {
        column[0].value: [unescape(cell.value) if isinstance(cell.value, str) else cell.value for cell in column[1:]]
        for column in columns
    }


def by_pandas_stata(path: Path, table: str) -> Cells:
    frame = pd.read_stata(path, convert_categoricals=False, preserve_dtypes=False)
    return {name: missing(frame[name]) for name in frame}


def by_pyreadstat(path: Path, table: str) -> Cells:
    frame, _ = pyreadstat.read_sav(str(path))
    return {name: missing(frame[name]) for name in frame}


def by_duckdb(path: Path, table: str) -> Cells:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(f'SELECT * FROM "{table}"')
        names = [each[0] for each in rows.description or ()]
        return dict(zip(names, map(list, zip(*rows.fetchall(), strict=True)), strict=False))


def by_duckdb_parquet(path: Path, table: str) -> Cells:
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT * FROM '{path}'")
        names = [each[0] for each in rows.description or ()]
        return dict(zip(names, map(list, zip(*rows.fetchall(), strict=True)), strict=False))


def by_polars_ipc(path: Path, table: str) -> Cells:
    return pl.read_ipc(path).to_dict(as_series=False)


READERS: dict[str, Callable[[Path, str], Cells]] = {
    "csv": by_csv,
    "xlsx": by_openpyxl,
    "dta": by_pandas_stata,
    "sav": by_pyreadstat,
    "parquet": by_duckdb_parquet,
    "arrow": by_polars_ipc,
    "duckdb": by_duckdb,
}


def same(got: Any, wanted: Any, to: str) -> bool:
    """Tell whether a cell was read as it was given, in the words of its format."""
    if to == "csv":
        if wanted is None or isinstance(wanted, str | bool):
            return got == {None: "", True: "true", False: "false"}.get(wanted, wanted)
        return float(got) == wanted
    if isinstance(wanted, str) or (wanted is None and to in {"dta", "sav"} and isinstance(got, str)):
        if to == "xlsx":
            return (got or "") == wanted
        return got == (wanted or "")
    if isinstance(wanted, float) and to == "xlsx":
        return math.isclose(got, wanted, rel_tol=1e-15)
    return got == wanted


@pytest.mark.parametrize("to", FORMATS)
def test_every_cell_is_read_back_as_it_was(to: str, tmp_path: Path) -> None:
    frame = FRAME
    if to == "sav":  # SPSS holds 32,767 bytes; what has more is refused, see below
        frame = frame.with_columns(pl.col("text").str.slice(0, 10_000))
    (path,) = export({"panel": frame}, tmp_path / f"panel.{to}", to, labels=LABELS, title="大数据")
    cells = READERS[to](path, "panel")
    assert list(cells) == frame.columns
    for name in frame.columns:
        wanted = frame[name].to_list()
        wrong = [(w, g) for g, w in zip(cells[name], wanted, strict=True) if not same(g, w, to)]
        assert wrong == [], (name, [(str(w)[:30], str(g)[:30]) for w, g in wrong])
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("rows", [0, 1])
def test_empty_tables_and_those_of_one_row(to: str, rows: int, tmp_path: Path) -> None:
    frame = FRAME.head(rows)
    (path,) = export({"panel": frame}, tmp_path / f"panel.{to}", to)
    cells = READERS[to](path, "panel")
    if rows:
        assert all(same(cells[name][0], frame[name][0], to) for name in frame.columns)
    elif cells:  # a query of no rows says no names
        assert list(cells) == frame.columns
        assert not any(cells.values())


# ------------------------------------------------------------------------------------------------ what each adds


def test_csv_begins_with_a_mark_unless_told(tmp_path: Path) -> None:
    for bom in (True, False):
        (path,) = export({"panel": FRAME}, tmp_path / "panel.csv", "csv", bom=bom)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") == bom
    # Excel opens UTF-8 by the mark; without it the first name must be clean for everybody else.
    assert path.read_bytes().startswith(b"text,hits,")


def test_missing_and_empty_text_differ_in_csv(tmp_path: Path) -> None:
    (path,) = export({"t": pl.DataFrame({"a": ["", None, "x"], "b": [1, 2, 3]})}, tmp_path / "t.csv", "csv", bom=False)
    assert path.read_text("utf-8") == 'a,b\n"",1\n,2\nx,3\n'


def test_workbook_has_a_sheet_a_table_and_a_codebook(tmp_path: Path) -> None:
    book = pl.DataFrame({"name": ["hits"], "label_zh": ["命中次数"]})
    frames = {"panel": FRAME, "reports": FRAME.head(2)}
    (path,) = export(frames, tmp_path / "all.xlsx", "xlsx", labels=LABELS, codebook=book, title="大数据")
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["panel", "reports", "codebook"]
    assert [sheet.freeze_panes for sheet in workbook] == ["A2"] * 3
    assert workbook["panel"]["B1"].comment.text == "命中次数"
    assert workbook["codebook"]["B2"].value == "命中次数"
    assert workbook.properties.title == "大数据"


def test_labels_in_stata(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"status": ["measured", "quarantined", None], "topic": ["mda", "新主题", ""], "hits": [1, 0, None]}
    )
    (path,) = export(
        {"reports": frame}, tmp_path / "r.dta", "dta", labels={"reports": {"status": "处理结果"}}, title="词频"
    )
    with pd.read_stata(path, iterator=True) as reader:
        assert reader.variable_labels() == {"status": "处理结果", "topic": "", "hits": ""}
        assert reader.data_label == "词频"
        codes = reader.read(convert_categoricals=False)
    # 119, which pyreadstat calls version 15, is for Stata/MP alone.
    assert path.read_bytes().startswith(b"<stata_dta><header><release>118</release>")
    assert missing(codes["status"]) == [1, 4, None]
    assert missing(codes["hits"]) == [1, 0, None]
    read = pd.read_stata(path)
    assert missing(read["status"]) == ["已测量 (measured)", "隔离 (quarantined)", None]
    assert missing(read["topic"]) == ["管理层讨论与分析 (mda)", "新主题", None]


def test_labels_in_spss(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"status": ["measured", "teaser", None], "hits": [12_345_678_901, 0, None], "share": [0.5, 1, 2]}
    )
    (path,) = export(
        {"reports": frame}, tmp_path / "r.sav", "sav", labels={"reports": {"hits": "命中次数"}}, title="词频"
    )
    read, meta = pyreadstat.read_sav(str(path))
    assert meta.column_names_to_labels["hits"] == "命中次数"
    assert meta.variable_value_labels["status"][2] == "仅有开头 (teaser)"
    assert missing(read["hits"]) == [12_345_678_901, 0, None]
    assert meta.original_variable_types == {"status": "F8.0", "hits": "F11.0", "share": "F16.6"}
    assert meta.variable_measure == {"status": "nominal", "hits": "scale", "share": "scale"}
    assert meta.file_label == "词频"


def test_labels_in_duckdb_and_parquet(tmp_path: Path) -> None:
    labels = {"panel": {"hits": "it's 命中"}}
    (path,) = export({"panel": FRAME}, tmp_path / "p.duckdb", "duckdb", labels=labels, title='a "title"')
    with duckdb.connect(str(path), read_only=True) as connection:
        said = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL"
        ).fetchall()
        assert said == [("hits", "it's 命中")]
        assert connection.execute("SELECT comment FROM duckdb_tables()").fetchall() == [('a "title"',)]
    (path,) = export({"panel": FRAME}, tmp_path / "p.parquet", "parquet", labels=labels)
    assert pq.read_schema(path).field("hits").metadata[b"label"].decode() == "it's 命中"


def test_lists_and_dates(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"guards": [["现金流计算", 'a"|;b'], [], None], "day": [date(2020, 2, 29), None, date(1999, 1, 1)]}
    )
    (path,) = export({"t": frame}, tmp_path / "t.dta", "dta")
    cells = by_pandas_stata(path, "t")
    assert json.loads(cells["guards"][0]) == ["现金流计算", 'a"|;b']
    assert cells == {"guards": [cells["guards"][0], "[]", ""], "day": ["2020-02-29", "", "1999-01-01"]}
    (path,) = export({"t": frame}, tmp_path / "t.duckdb", "duckdb")
    assert by_duckdb(path, "t")["guards"] == frame["guards"].to_list()


def test_names_that_statistics_programs_do_not_allow(tmp_path: Path) -> None:
    names = ["大数据", "if", "a" * 60, "a" * 61, "hits (n)", "HITS_N", "strL", "_n", "2019", "year"]
    frame = pl.DataFrame({name: [at] for at, name in enumerate(names)})
    for to in ("dta", "sav"):
        (path,) = export({"t": frame}, tmp_path / f"t.{to}", to)
        read, meta = (pyreadstat.read_dta if to == "dta" else pyreadstat.read_sav)(str(path))
        assert list(read.iloc[0]) == list(range(len(names)))
        assert list(read) == [
            "v1", "v_if", "a" * 32, "a" * 30 + "_2", "hits_n_2", "HITS_N", "v_strL", "n", "v_2019", "year",
        ]  # fmt: skip
        assert meta.column_labels[:3] == ["大数据", "if", "a" * 60]
    (path,) = export({"t": frame}, tmp_path / "t.csv", "csv")
    assert list(by_csv(path, "t")) == names


def test_a_label_that_is_too_long_ends_in_a_mark(tmp_path: Path) -> None:
    labels = {"t": {"a": "数" * 81, "b": "数" * 80}}
    (path,) = export(
        {"t": pl.DataFrame({"a": [1], "b": [2]})}, tmp_path / "t.dta", "dta", labels=labels, title="数" * 99
    )
    with pd.read_stata(path, iterator=True) as reader:
        assert reader.variable_labels() == {"a": "数" * 79 + "…", "b": "数" * 80}
        assert reader.data_label == "数" * 79 + "…"
    (path,) = export(
        {"t": pl.DataFrame({"a": [1]})}, tmp_path / "t.sav", "sav", labels={"t": {"a": "数" * 86}}, title="数" * 99
    )
    _, meta = pyreadstat.read_sav(str(path))
    assert meta.column_labels == ["数" * 84 + "…"]  # 255 of 256 bytes
    assert meta.file_label == "数" * 20 + "…"


# ------------------------------------------------------------------------------------------------ where it goes


def test_several_tables_go_into_a_folder(tmp_path: Path) -> None:
    frames = {"panel": FRAME.head(3), "reports": FRAME.tail(2)}
    book = pl.DataFrame({"name": ["hits"]})
    written = export(frames, tmp_path / "stata", "dta", codebook=book)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "stata/panel.dta", "stata/reports.dta", "stata/codebook.csv",
    ]  # fmt: skip
    assert len(by_pandas_stata(written[1], "")["hits"]) == 2
    assert export(frames, tmp_path / "stata", "dta", codebook=book) == written


@pytest.mark.parametrize(
    ("name", "to", "tables", "words"),
    [
        ("t.csv", "dta", ["t"], "the name says csv, not dta; call it"),
        ("t.csv", "csv", ["t", "u"], "a file of csv holds one table, and 2 are asked for"),
        ("there", "csv", ["t", "u"], "a file of csv holds one table"),
        ("no/where.csv", "csv", ["t"], "there is no folder"),
        ("folder", "xlsx", ["t"], "it is a folder; name a file"),
        ("other.duckdb", "duckdb", ["t"], "it also holds mine, which would be lost"),
        ("broken.duckdb", "duckdb", ["t"], "no DuckDB database"),
        ("t.xlsx", "xlsx", ["a/b"], "cannot be called that"),
        ("t.xlsx", "xlsx", ["x" * 32], "no sheet of Excel can be called that"),
        ("t.csv", "csv", ["codebook"], "cannot be called that"),
        ("t.csv", "csv", [], "no table is given"),
        ("t.sas", "sas", ["t"], "to 'sas': there are 'csv', 'xlsx', 'dta'"),
    ],
)
def test_places_that_will_not_do(name: str, to: str, tables: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there").write_text("kept")
    (tmp_path / "broken.duckdb").write_text("kept, too" * 1000)
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
    before = {each: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    with pytest.raises(UsageError) as said:
        export({table: FRAME.select("hits") for table in tables}, tmp_path / name, to)
    assert words in str(said.value)
    assert {each: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == before


def test_a_file_takes_its_name_at_once(tmp_path: Path) -> None:
    """What had the name is never written into: whoever has it open still reads it whole."""
    export({"t": FRAME.select("hits").head(3)}, tmp_path / "t.csv", "csv")
    (tmp_path / "other.csv").hardlink_to(tmp_path / "t.csv")
    before = (tmp_path / "other.csv").read_bytes()
    export({"t": FRAME.select("hits").head(2)}, tmp_path / "t.csv", "csv")
    assert (tmp_path / "other.csv").read_bytes() == before != (tmp_path / "t.csv").read_bytes()


def test_a_database_of_ours_is_replaced(tmp_path: Path) -> None:
    for rows in (3, 2):
        export({"t": FRAME.select("hits").head(rows)}, tmp_path / "t.duckdb", "duckdb")
    assert len(by_duckdb(tmp_path / "t.duckdb", "t")["hits"]) == 2


@pytest.mark.parametrize(
    ("to", "library"),
    [("xlsx", "xlsxwriter"), ("dta", "pyreadstat"), ("sav", "pyreadstat"), ("duckdb", "duckdb")],
)
def test_a_library_that_is_missing(to: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=rf"{library} is not installed; pip install 'cipin\[export\]' brings it"):
        export({"t": FRAME.select("hits")}, tmp_path / f"t.{to}", to)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # XlsxWriter leaves its archive open
@pytest.mark.parametrize("to", FORMATS)
def test_a_disk_that_fills_leaves_what_was_there(to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is on a device that takes nothing."""
    target = tmp_path / f"t.{to}"
    export({"t": FRAME.select("hits")}, target, to)
    before = target.read_bytes()
    part = tmp_path / ".aa.part"
    part.symlink_to("/dev/full")
    monkeypatch.setattr("cipin.measuring.export.secrets.token_hex", lambda _: "aa")
    with pytest.raises(StorageError):
        export({"t": pl.concat([FRAME.select("hits", "share")] * 2000)}, target, to)
    assert target.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [target.name]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cipin.measuring.sheets._write_rows", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export({"t": FRAME}, tmp_path / "t.xlsx", "xlsx")
    assert not list(tmp_path.iterdir())


def test_frames_are_not_changed(tmp_path: Path) -> None:
    before = FRAME.clone()
    for to in ("csv", "dta", "xlsx"):
        export({"t": FRAME}, tmp_path / f"t.{to}", to)
    assert_frame_equal(FRAME, before)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_reads_the_workbook(tmp_path: Path) -> None:
    frame = FRAME.select("hits", "share", pl.col("text").str.slice(0, 100).str.replace_all(r"[\r\n\x01]", ""))
    export({"panel": frame}, tmp_path / "t.xlsx", "xlsx")
    command = [
        "soffice",
        "--headless",
        "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76",
        "--outdir",
        tmp_path,
    ]
    subprocess.run([*command, tmp_path / "t.xlsx"], check=True, capture_output=True, timeout=120)
    read = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, dtype=str)
    assert list(read["text"]) == [each or "" for each in frame["text"]]
    assert list(read["hits"]) == ["" if each is None else str(each) for each in frame["hits"]]
