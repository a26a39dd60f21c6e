"""Parquet: a row is a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cipin.reading.formats.columnar import broken, find_columns, read_batch
from cipin.reading.formats.options import ReadOptions
from cipin.reading.report import RawReport

#: Encoded text in a batch. Where rows say the same, dictionaries make the decoded text larger: hence so few rows, which
#: cost 1 µs a row.
_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 64


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield a report for each row of a Parquet file, or of the rows that are asked for; `member` is its number, from 0.

    Raises SourceError if the file lacks the text column, and OSError if it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, end = (options.span.begin, options.span.end) if options.span else (0, None)
    try:
        # Without buffering pyarrow holds a whole row group.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        with file:
            column, columns = find_columns(path, file.schema_arrow, options.text_column)
            first = 0
            for group in range(file.num_row_groups):
                about = file.metadata.row_group(group)
                behind = first + about.num_rows
                if number < behind and (end is None or number < end):
                    batches = file.iter_batches(
                        _batch_rows(about), row_groups=[group], columns=columns, use_threads=False
                    )
                    for batch in _of_rows(batches, first, number, end):
                        for report in read_batch(batch, column, number, "parquet"):
                            yield report
                            number += 1
                first = behind
    except (pa.ArrowException, ValueError, OSError) as error:
        yield broken(RawReport(member=str(number) if number else "", text="", format="parquet"), error)


def _of_rows(batches: Iterable[Any], first: int, begin: int, end: int | None) -> Iterator[Any]:
    """Yield of batches, whose first row is row `first`, what is from row `begin` to `end`."""
    for batch in batches:
        behind = first + batch.num_rows
        if behind > begin:
            yield batch.slice(max(0, begin - first), (behind if end is None else min(end, behind)) - max(begin, first))
        first = behind
        if end is not None and first >= end:
            return


def _batch_rows(group: Any) -> int:
    # The size of all columns, not of the text: asking pyarrow for a column of a broken footer ends the process.
    rows: int = group.num_rows * _BATCH_BYTES // max(1, group.total_byte_size)
    return max(1, min(_BATCH_ROWS, rows))
