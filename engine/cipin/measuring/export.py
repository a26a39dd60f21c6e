"""Tables → files of the programs that analysts use: Excel, Stata, SPSS, R, DuckDB, and whatever reads CSV or Arrow.

What a format cannot hold is refused before a file is begun (cipin.measuring.limits), and a file is there whole or not
at all. CSV, Excel, Stata and SPSS know no lists, which become JSON (`["AI", "人工智慧"]`), and Stata and SPSS no
missing text, which becomes an empty one; numbers that are missing stay missing. SPSS takes no account of blanks at the
end of a text.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from cipin.arguments import check_choice, check_flag, check_path, check_text
from cipin.errors import StorageError, UsageError
from cipin.measuring.limits import check_limits
from cipin.measuring.sheets import write_workbook
from cipin.measuring.statistics import cut, for_statistics, spss_formats, spss_measures

#: Labels of the columns of each table.
Labels = Mapping[str, Mapping[str, str]]

FORMATS = ("csv", "xlsx", "dta", "sav", "parquet", "arrow", "duckdb")
#: Formats whose file holds any number of tables; of the others each table is a file.
MANY = ("xlsx", "duckdb")
#: Formats whose columns are of plain values.
_FLAT = ("csv", "xlsx", "dta", "sav")
#: Name of the table that says what the others hold.
CODEBOOK = "codebook"


def export(
    frames: Mapping[str, pl.DataFrame],
    path: str | Path,
    to: str,
    *,
    labels: Labels | None = None,
    title: str = "",
    codebook: pl.DataFrame | None = None,
    bom: bool = True,
) -> list[Path]:
    """Write tables to a file, or each to a file of a folder, and return what was written.

    frames     tables by name
    path       a file; or a folder for several tables of a format whose files hold one: each is `<table>.<to>` there
    to         csv, xlsx, dta (Stata 14 and later), sav (SPSS), parquet, arrow (IPC) or duckdb
    labels     of columns, by table and name: of variables in Stata and SPSS, notes at the header in Excel, comments in
               DuckDB, metadata of the field in Parquet and Arrow; a name that Stata and SPSS do not allow is replaced
               (see cipin.measuring.wide.legal_names), and is the label if there is no other
    title      of the file, where it has one
    codebook   a table that says what the others hold: a sheet, a table, or `codebook.csv` in a folder; left out of a
               file that holds one table
    bom        whether CSV begins with the mark that tells Excel that it is UTF-8

    A file that is there is replaced, but for a DuckDB database with other tables in it.

    Raises UsageError for what a format cannot hold, with the limit and the way out, or if a library is not installed;
    StorageError if the disk does not take it. Then the folder is as it was.

    >>> export({"panel": pl.DataFrame({"hits": [3]})}, "panel.dta", "dta")  # doctest: +SKIP
    """
    check_choice(to, "to", FORMATS)
    check_flag(bom, "bom")
    title = check_text(title, "title", "a text")
    if not frames:
        raise UsageError("export: no table is given; name one")
    for table in frames:
        if table == CODEBOOK or not table or Path(table).name != table or "\0" in table:
            raise UsageError(f"export, table {table!r}: a table cannot be called that here; give it another name")
    files = _files(frames, check_path(path, "path", "the name of the file"), to, codebook)
    prepared = []
    for target, kind, held in files:
        tables = {name: _flat(name, frame) if kind in _FLAT else frame for name, frame in held.items()}
        check_limits(tables, kind)
        prepared.append((target, kind, tables))
    parts: list[Path] = []
    folder = prepared[0][0].parent
    is_new = not folder.is_dir()
    try:
        folder.mkdir(exist_ok=True)
        for target, kind, held in prepared:
            parts.append(target.with_name(f".{secrets.token_hex(8)}.part"))
            if kind == "csv":
                _write_csv(held, parts[-1], labels or {}, title, bom=bom)
            else:
                _WRITERS[kind](held, parts[-1], labels or {}, title)
            _settle(parts[-1])
        for part, (target, _, _) in zip(parts, prepared, strict=True):
            part.replace(target)
    except OSError as error:
        raise StorageError(f"export to {path}: {error.strerror or error}; nothing was written there") from error
    finally:
        for part in parts:
            for left in part.parent.glob(f"{part.name}*"):  # DuckDB's log stands beside it
                left.unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):  # it holds what was written
                folder.rmdir()
    return [target for target, _, _ in prepared]


def _files(
    frames: Mapping[str, pl.DataFrame], path: Path, to: str, codebook: pl.DataFrame | None
) -> list[tuple[Path, str, dict[str, pl.DataFrame]]]:
    """Return each file with its format and tables. Raises UsageError for a place where none can be."""
    is_folder = path.is_dir()
    other = path.suffix.lower().removeprefix(".")
    if not is_folder and other in FORMATS and other != to:
        raise UsageError(f"export to {path}: the name says {other}, not {to}; call it {path.with_suffix(f'.{to}')}")
    if re.match(r"[a-z][a-z0-9+]+:/", str(path)):  # a URL, of which a path has but one slash
        raise UsageError(f"export to {path}: tables are exported to a disk; give a path, and copy what is there then")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"export to {path}: there is no folder {path.parent}; make it first")
    book = {} if codebook is None else {CODEBOOK: codebook}
    if to in MANY:
        if is_folder:
            raise UsageError(f"export to {path}: it is a folder; name a file, such as {path / f'export.{to}'}")
        if to == "duckdb" and path.exists():
            _check_database(path, {*frames, CODEBOOK})
        return [(path, to, {**frames, **book})]
    if len(frames) == 1 and not is_folder:
        return [(path, to, dict(frames))]
    if path.exists() and not is_folder:
        raise UsageError(
            f"export to {path}: a file of {to} holds one table, and {len(frames)} are asked for; name a folder, or "
            f"take {' or '.join(MANY)}"
        )
    if other in FORMATS and not is_folder:
        raise UsageError(
            f"export to {path}: a file of {to} holds one table, and {len(frames)} are asked for; name a folder, such "
            f"as {path.with_suffix('')}, or take {' or '.join(MANY)}"
        )
    files = [(path / f"{name}.{to}", to, {name: frame}) for name, frame in frames.items()]
    return [*files, *((path / f"{name}.csv", "csv", {name: frame}) for name, frame in book.items())]


def _flat(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table of texts, numbers and truth values alone."""
    columns = []
    for column in frame.iter_columns():
        kind = column.dtype
        if isinstance(kind, pl.List | pl.Array):
            texts = [None if each is None else json.dumps(each, ensure_ascii=False) for each in column.to_list()]
            columns.append(pl.Series(column.name, texts, pl.String))
        elif kind.is_temporal() and not isinstance(kind, pl.Duration):
            columns.append(column.dt.to_string("iso"))
        elif isinstance(kind, pl.Null | pl.Categorical | pl.Enum):
            columns.append(column.cast(pl.String))
        elif isinstance(kind, pl.String | pl.Boolean) or kind.is_integer() or kind.is_float():
            columns.append(column)
        else:
            raise UsageError(
                f"export, table {table}, column {column.name}: of type {kind}, which this format does not have; cast "
                "it to a text or number, or write parquet, arrow or duckdb"
            )
    return pl.DataFrame(columns)


def _settle(part: Path) -> None:
    """See that what was written outlives a power cut, before it takes its name."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _library(name: str, to: str, *failures: str) -> Iterator[Any]:
    """Give a library of the extra; what it raises when it cannot write is a StorageError."""
    try:
        library = importlib.import_module(name)
    except ImportError:
        raise UsageError(f"export to {to}: {name} is not installed; pip install 'cipin[export]' brings it") from None
    kinds = tuple(getattr(library, each) for each in failures)
    try:
        yield library
    except kinds as error:
        raise StorageError(f"export to {to}: {error}; nothing was written") from error


# ------------------------------------------------------------------------------------------------ one format each


def _write_csv(held: Mapping[str, pl.DataFrame], path: Path, _labels: Labels, _title: str, *, bom: bool) -> None:
    (frame,) = held.values()
    frame.write_csv(path, include_bom=bom)


def _arrow_table(held: Mapping[str, pl.DataFrame], labels: Labels, title: str) -> Any:
    import pyarrow as pa

    ((name, frame),) = held.items()
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    known = labels.get(name, {})
    fields = [each.with_metadata({"label": known[each.name]}) if each.name in known else each for each in table.schema]
    return table.cast(pa.schema(fields, {"cipin.title": title}))


def _write_parquet(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    import pyarrow.parquet as pq

    pq.write_table(_arrow_table(held, labels, title), path, compression="zstd")


def _write_arrow(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    import pyarrow as pa

    table = _arrow_table(held, labels, title)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _write_xlsx(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    with _library("xlsxwriter", "xlsx") as xlsxwriter:
        try:
            write_workbook(xlsxwriter, held, path, labels, title)
        except xlsxwriter.exceptions.XlsxWriterException as error:
            raise StorageError(f"export to xlsx: {error}; nothing was written") from error


def _write_duckdb(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    with _library("duckdb", "duckdb", "Error") as duckdb, duckdb.connect(str(path)) as connection:
        for name, frame in held.items():
            connection.register("cipin_frame", frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
            connection.execute(f"CREATE TABLE {_quoted(name)} AS SELECT * FROM cipin_frame")
            connection.unregister("cipin_frame")
            if title:
                connection.execute(f"COMMENT ON TABLE {_quoted(name)} IS {_quoted(title, chr(39))}")
            for column, label in labels.get(name, {}).items():
                if column in frame.columns:
                    place = f"{_quoted(name)}.{_quoted(column)}"
                    connection.execute(f"COMMENT ON COLUMN {place} IS {_quoted(label, chr(39))}")


def _quoted(text: str, mark: str = '"') -> str:
    return mark + text.replace(mark, mark * 2) + mark


def _check_database(path: Path, ours: set[str]) -> None:
    """Raise UsageError for a file that is no export of these tables: it would be lost."""
    with _library("duckdb", "duckdb") as duckdb:
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                there = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
                there |= {
                    row[0]
                    for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
                }
        except duckdb.Error as error:
            raise UsageError(
                f"export to {path}: a file is there that is in use, or no DuckDB database; give another name"
            ) from error
    if more := there - ours:
        raise UsageError(
            f"export to {path}: it also holds {', '.join(sorted(more))}, which would be lost; give another name"
        )


def _write_dta(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    frame, named, values = for_statistics(held, labels, "dta")
    with _library("pyreadstat", "dta", "ReadstatError", "PyreadstatError") as pyreadstat:
        pyreadstat.write_dta(
            frame,
            path,
            file_label=cut(title, 80, "characters"),
            column_labels=named,
            variable_value_labels=values,
            version=14,  # format 118; 119, which is 15 here, is what Stata/MP alone opens
        )


def _write_sav(held: Mapping[str, pl.DataFrame], path: Path, labels: Labels, title: str) -> None:
    frame, named, values = for_statistics(held, labels, "sav")
    with _library("pyreadstat", "sav", "ReadstatError", "PyreadstatError") as pyreadstat:
        pyreadstat.write_sav(
            frame,
            path,
            file_label=cut(title, 64, "bytes"),
            column_labels=named,
            variable_value_labels=values,
            variable_format=spss_formats(frame),
            variable_measure={
                name: "nominal" if name in values else kind for name, kind in spss_measures(frame).items()
            },
        )


_WRITERS: Mapping[str, Callable[[Mapping[str, pl.DataFrame], Path, Labels, str], None]] = MappingProxyType(
    {
        "xlsx": _write_xlsx,
        "dta": _write_dta,
        "sav": _write_sav,
        "parquet": _write_parquet,
        "arrow": _write_arrow,
        "duckdb": _write_duckdb,
    }
)
