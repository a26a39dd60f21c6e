"""Arrow record batches → reports, for Parquet and Arrow alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cipin.reading.encoding import Decoded, decode
from cipin.reading.formats.columns import TITLE_COLUMNS, find_text_column
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.report import RawReport

#: Rows that become Python values at a time, the text aside.
_ROWS = 1024


def find_columns(path: Path, schema: Any, wanted: str | None) -> tuple[str, list[str]]:
    """Return the text column of an Arrow schema, and all columns to be read: the nested ones are left out.

    Raises SourceError if there is no such column or if it does not hold strings.
    """
    strings = [field.name for field in schema if _is_string(field.type)]
    flat = [field.name for field in schema if _is_flat(field.type)]
    return find_text_column(path, schema.names, strings, wanted), flat


def read_batch(batch: Any, column: str, first: int, format: str) -> Iterator[RawReport]:
    """Yield a report for each row of a record batch, whose first row is row `first` of the file.

    Offsets and indices are checked before a value is read: Arrow files carry them unchecked, and following a broken
    one ends the process. Raises pyarrow.ArrowInvalid.
    """
    for start in range(0, batch.num_rows, _ROWS):
        part = batch.slice(start, _ROWS)
        texts = _checked(part.column(part.schema.get_field_index(column)))
        meta = {
            field.name: values
            for field, array in zip(part.schema, part.columns, strict=True)
            if field.name != column and (values := _values(array)) is not None
        }
        for offset, text in enumerate(texts):
            row = {name: values[offset] for name, values in meta.items()}
            title = next((value for name in TITLE_COLUMNS if isinstance(value := row.get(name), str)), "")
            number = first + start + offset
            report = RawReport(member=str(number), text="", format=format, title=title, meta=row)
            data = text.as_py()
            if data is None:
                message = f"row {number}: {column!r} is null; an absent text is not an empty one"
                yield quarantine(report, "null_text", message)
            else:
                yield judge_text(_decode(data), report)


def broken(report: RawReport, error: Exception) -> RawReport:
    """Return `report` quarantined for what Arrow found; raises `error` again if the system, not the file, failed."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        raise error
    reason = " ".join(str(error).split())[:200]
    where = f"row {report.member} and what follows" if report.member else "the file"
    return quarantine(report, "malformed", f"{where} cannot be read: {reason}; write or fetch it again")


def _decode(data: bytes) -> Decoded:
    # The type promises UTF-8, and some writers break the promise; the promise is not reported as an encoding.
    decoded = decode(data)
    return Decoded(decoded.text, "" if decoded.encoding == "utf-8" else decoded.encoding, decoded.replaced)


def _checked(array: Any) -> Any:
    """Return `array` with dictionaries resolved and strings as bytes, its offsets, indices and lengths verified."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        array.indices.validate(full=True)
        return _checked(array.dictionary).take(array.indices)
    if pa.types.is_string(kind):
        array = array.cast(pa.binary())
    elif pa.types.is_large_string(kind):
        array = array.cast(pa.large_binary())
    elif pa.types.is_string_view(kind):
        array = array.cast(pa.binary_view())
    array.validate(full=True)
    return array


def _values(array: Any) -> list[Any] | None:
    """Return the values of a column as str, int, float, bool or None; None, if it is nested or of another kind."""
    import pyarrow as pa

    kind = array.type
    if not _is_flat(kind):
        return None
    array = _checked(array)
    if _is_string(kind):
        return [None if value is None else value.decode("utf-8", "replace") for value in array.to_pylist()]
    kind = array.type
    if pa.types.is_timestamp(kind):
        zone = "+00:00" if kind.tz else ""
        naive = array.cast(pa.timestamp(kind.unit)).cast(pa.string()).to_pylist()
        return [None if value is None else _isoformat(value) + zone for value in naive]
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return list(array.cast(pa.string()).to_pylist())
    return list(array.to_pylist())


def _isoformat(time: str) -> str:
    """Return Arrow's `2019-12-31 08:00:00.000` as `2019-12-31T08:00:00`.

    Python's datetime is not asked: it ends in the year 9999 and has no nanoseconds.
    """
    seconds, _, fraction = time.replace(" ", "T").partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}" if fraction else seconds


def _is_string(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_flat(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_date,
        pa.types.is_time, pa.types.is_timestamp, pa.types.is_null,
    )  # fmt: skip
    return _is_string(kind) or any(test(kind) for test in tests)
