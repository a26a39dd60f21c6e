"""Files of tables: each written once, and published under its content's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from cipin.errors import StorageError
from cipin.running import ledger, store
from cipin.running.tables import ROW_GROUP, Pieces
from cipin.schema import with_metadata

if TYPE_CHECKING:
    from cipin.running.job import Job

ENDINGS = {"parquet": ".parquet", "arrow": ".arrow"}
#: Columns of spans whose values hardly repeat: with a dictionary each, hits took a third more room.
PLAIN = frozenset({"clause", "sentence", "start", "end", "raw_start", "raw_end", "chars", "text"})


def write_table(job: Job, name: str, table: str, data: pa.Table | Pieces, **ids: str) -> ledger.FileRecord:
    """Write one table of a shard, or of the run, and publish it under its content's name; `ids` says whose it is."""
    schema = with_metadata(data.schema, table=table, **ids, **job.facts)
    pieces, n_rows = (data, data.n_rows) if isinstance(data, Pieces) else ([data], data.num_rows)

    def write(path: Path) -> None:
        try:
            if job.format == "arrow":
                options = pa.ipc.IpcWriteOptions(compression="zstd")
                with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
                    for piece in pieces:
                        writer.write_table(piece, max_chunksize=ROW_GROUP)
            else:
                with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=_repeating(schema)) as writer:
                    for piece in pieces:
                        writer.write_table(piece, row_group_size=ROW_GROUP)
        except MemoryError:
            raise
        except pa.ArrowException as error:
            raise StorageError(
                f"{job.store.place}: {error}; free some space or choose another place with -o"
            ) from error

    temporary = store.write_file(job.attempts, write)
    return ledger.keep_file(job.store, name, table, temporary, ENDINGS[job.format], n_rows)


def _repeating(schema: pa.Schema) -> bool | list[str]:
    """Return the columns that Parquet keeps a dictionary of: those of spans but where each value stands once or so."""
    return [name for name in schema.names if name not in PLAIN] if "start" in schema.names else True
