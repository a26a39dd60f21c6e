"""Arrow IPC, file (Feather 2) and stream: a row is a report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cipin.reading.formats.columnar import broken, find_columns, read_batch
from cipin.reading.formats.options import ReadOptions
from cipin.reading.report import RawReport


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield a report for each row of an Arrow file or stream; `member` is the row number, from 0.

    The file is mapped, not loaded: an uncompressed batch of any size is read row by row.
    Raises SourceError if the file lacks the text column, and OSError if it cannot be read.
    """
    import pyarrow as pa

    number = 0
    try:
        with pa.memory_map(str(path)) as source:
            is_file = source.read(6) == b"ARROW1"
            source.seek(0)
            reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            column, columns = find_columns(path, reader.schema, options.text_column)
            for batch in _batches(reader, is_file):
                for report in read_batch(batch.select(columns), column, number, "arrow"):
                    yield report
                    number += 1
    except (pa.ArrowException, ValueError, OSError) as error:
        yield broken(RawReport(member=str(number) if number else "", text="", format="arrow"), error)


def _batches(reader: Any, is_file: bool) -> Iterator[Any]:
    if is_file:
        yield from (reader.get_batch(index) for index in range(reader.num_record_batches))
    else:
        yield from reader
