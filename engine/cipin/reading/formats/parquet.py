"""Parquet: a row is a report."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Yield a report for each row of a Parquet file; `member` is the row number, from 0.

    Raises SourceError if the file lacks the text column, and OSError if it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        # Without buffering pyarrow holds a whole row group.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        with file:
            column, columns = find_columns(path, file.schema_arrow, options.text_column)
            for group in range(file.num_row_groups):
                rows = _batch_rows(file.metadata.row_group(group))
                batches = file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)
                for batch in batches:
                    for report in read_batch(batch, column, number, "parquet"):
                        yield report
                        number += 1
    except (pa.ArrowException, ValueError, OSError) as error:
        yield broken(RawReport(member=str(number) if number else "", text="", format="parquet"), error)


def _batch_rows(group: Any) -> int:
    # The size of all columns, not of the text: asking pyarrow for a column of a broken footer ends the process.
    rows: int = group.num_rows * _BATCH_BYTES // max(1, group.total_byte_size)
    return max(1, min(_BATCH_ROWS, rows))
