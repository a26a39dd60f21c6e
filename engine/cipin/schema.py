"""Arrow schemas of every table that passes between wings or is written, and the view of a text column.

Offsets are code points in the clean text, half-open [start, end); `raw_start`, `raw_end` are offsets in the raw
text of that page (of the report, where the format has no pages). Sort orders are part of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.errors import SchemaError

#: Status of the reports that are measured: whole ones, and those of which only the beginning is there.
MEASURED = ("measured", "teaser")

REPORTS = pa.schema(
    [
        ("report", pa.string()),
        ("source", pa.string()),
        ("member", pa.string()),
        ("source_hash", pa.string()),
        ("content_hash", pa.string()),
        ("format", pa.string()),
        ("encoding", pa.string()),
        ("title", pa.string()),
        ("entity", pa.string()),
        ("entity_as_written", pa.string()),
        ("entity_source", pa.string()),
        ("entity_score", pa.float32()),
        ("fiscal_year", pa.int32()),
        ("year_source", pa.string()),
        ("year_score", pa.float32()),
        ("published", pa.string()),
        ("code", pa.string()),
        ("candidates", pa.string()),
        ("meta", pa.string()),
        ("pages", pa.int32()),
        ("repairs", pa.string()),
        ("chars", pa.int64()),
        ("han_chars", pa.int64()),
        ("words", pa.int64()),
        ("clauses", pa.int64()),
        ("flags", pa.list_(pa.string())),
        ("page_flags", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("message", pa.string()),
    ]
)
#: A parsed report, as a corpus store holds it; lists belong to the classes of cipin.reading that they are named after.
PARSED = pa.schema(
    [
        ("member", pa.string()),
        ("title", pa.string()),
        ("format", pa.string()),
        ("encoding", pa.string()),
        ("meta", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("page_flags", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("message", pa.string()),
        ("digest", pa.string()),
        ("text", pa.large_string()),
        ("raw_text", pa.large_string()),
        ("page_start", pa.large_list(pa.int64())),
        ("page_size", pa.large_list(pa.float32())),
        ("outline", pa.string()),
        ("runs", pa.large_list(pa.int64())),
        ("aside", pa.int64()),
        ("repairs", pa.string()),
        ("section_start", pa.large_list(pa.int64())),
        ("section_end", pa.large_list(pa.int64())),
        ("section_level", pa.large_list(pa.int32())),
        ("section_parent", pa.large_list(pa.int32())),
        ("section_title", pa.large_list(pa.string())),
        ("section_kind", pa.large_list(pa.string())),
        ("section_topic", pa.large_list(pa.string())),
        ("section_source", pa.large_list(pa.string())),
        ("kind_start", pa.large_list(pa.int64())),
        ("kinds", pa.large_list(pa.uint8())),
    ]
)
SECTIONS = pa.schema(
    [
        ("report", pa.string()),
        ("section", pa.int32()),
        ("parent", pa.int32()),
        ("level", pa.int32()),
        ("title", pa.string()),
        ("kind", pa.string()),
        ("topic", pa.string()),
        ("entity", pa.string()),
        ("section_source", pa.string()),
        ("page", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("chars", pa.int64()),
        ("clauses", pa.int64()),
    ]
)
CLAUSES = pa.schema(
    [
        ("report", pa.string()),
        ("clause", pa.int32()),
        ("section", pa.int32()),
        ("kind", pa.string()),
        ("sentence", pa.int32()),
        ("page", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
    ]
)
HITS = pa.schema(
    [
        ("report", pa.string()),
        ("lexicon", pa.string()),
        ("term", pa.string()),
        ("surface", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("page", pa.int32()),
        ("raw_start", pa.int32()),
        ("raw_end", pa.int32()),
        ("clause", pa.int32()),
        ("section", pa.int32()),
        ("kind", pa.string()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
        ("context", pa.string()),
    ]
)
COUNTS = pa.schema(
    [
        ("report", pa.string()),
        ("lexicon", pa.string()),
        ("term", pa.string()),
        ("hits", pa.int64()),
        ("clauses", pa.int64()),
    ]
)
LEXICON = pa.schema(
    [
        ("lexicon", pa.string()),
        ("term", pa.string()),
        ("dimension", pa.string()),
        ("category", pa.string()),
        ("variants", pa.list_(pa.string())),
        ("guards", pa.list_(pa.string())),
        ("unless", pa.list_(pa.string())),
        ("source", pa.string()),
    ]
)
PANEL = pa.schema(
    [
        ("entity", pa.string()),
        ("year", pa.int32()),
        ("lexicon", pa.string()),
        ("dimension", pa.string()),
        ("category", pa.string()),
        ("term", pa.string()),
        ("hits", pa.int64()),
        ("clauses", pa.int64()),
        ("reports", pa.int64()),
        ("chars", pa.int64()),
    ]
)

#: Tables that shards write, with the columns that their rows are sorted by.
SHARD_TABLES = MappingProxyType(
    {"reports": REPORTS, "sections": SECTIONS, "clauses": CLAUSES, "hits": HITS, "counts": COUNTS}
)
#: Tables that the driver writes once a run.
RUN_TABLES = MappingProxyType({"lexicon": LEXICON, "panel": PANEL})
SORTED_BY: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "reports": ("report",),
        "sections": ("report", "section"),
        "clauses": ("report", "clause"),
        "hits": ("report", "start", "-end", "term"),
        "counts": ("report", "term in the order of the lexicon"),
        "lexicon": ("the order of the lexicon",),
        "panel": ("entity", "year", "term in the order of the lexicon"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """A view of the texts of many reports, as kernels take it.

    data     uint8[n_bytes]          valid UTF-8 of all reports
    offsets  int64[n_reports + 1]    report r is data[offsets[r]:offsets[r + 1]]
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_bytes(self) -> int:
        """Bytes of text, from the first report to the last."""
        return int(self.offsets[-1] - self.offsets[0])


#: Places and rows are numbers of 32 bits.
_MOST = 1 << 31


def text_column(values: pa.Array | pa.ChunkedArray) -> TextColumn:
    """View an Arrow column of strings without copying; chunks are joined into one first.

    Raises SchemaError if the column is not of strings, if it has nulls (an absent text is not an empty one: drop or
    fill them first), if its bytes are not valid UTF-8, or if a text has 2 GiB or more.

    >>> column = text_column(pa.array(["大数据", "", "云"]))
    >>> len(column), column.offsets.tolist()
    (3, [0, 9, 9, 12])
    """
    kind = values.type
    if pa.types.is_dictionary(kind) or pa.types.is_string_view(kind):
        values = values.cast(pa.large_string())
        kind = values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise SchemaError(f"text column: of type {kind}, not string; choose a column of strings, or cast it")
    if isinstance(values, pa.ChunkedArray):
        # Chunks of `string` may hold more than 2 GiB together, which only large_string can index.
        if values.num_chunks == 1:
            values = values.chunk(0)
        else:
            chunks = [chunk.cast(pa.large_string()) for chunk in values.chunks]
            values = pa.concat_arrays(chunks or [pa.nulls(0, pa.large_string())])
            kind = values.type
    if values.null_count:
        raise SchemaError(
            f"text column: {values.null_count} of {len(values)} texts are null; an absent text is not an empty one: "
            "drop these rows or fill them first"
        )
    _check_utf8(values)
    _, offsets, data = values.buffers()
    if len(values) >= _MOST:
        raise SchemaError(f"text column: {len(values):,} texts; hand over fewer than {_MOST:,} at a time")
    width = np.int32 if pa.types.is_string(kind) else np.int64
    if offsets is None or len(values) == 0:
        return TextColumn(np.zeros(0, np.uint8), np.zeros(1, np.int64))
    ends = np.frombuffer(offsets, width)[values.offset : values.offset + len(values) + 1]
    bytes_ = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    column = TextColumn(bytes_, ends.astype(np.int64))
    longest = np.diff(column.offsets)
    if longest.max() >= _MOST:
        raise SchemaError(
            f"text column: text {int(longest.argmax())} has {int(longest.max()):,} bytes; cut it into texts of fewer "
            f"than {_MOST:,}"
        )
    return column


def array_of(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return a one-dimensional numpy array as an Arrow array, without copying; null where `valid` is false.

    `pa.array` would do the same, but imports pandas where that is installed (0.5 s), as it does for lists.
    """
    if values.dtype == np.bool_:
        data = pa.py_buffer(np.packbits(values, bitorder="little"))
    else:
        data = pa.py_buffer(np.ascontiguousarray(values))
    mask = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [mask, data])


def table_of(columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Return lists of Python values as a table of `schema`: for reports and terms, never for hits."""
    import polars as pl

    lists = {field.name for field in schema if pa.types.is_list(field.type) or pa.types.is_large_list(field.type)}
    plain = pa.schema([field for field in schema if field.name not in lists])
    frame = pl.DataFrame({name: list(columns[name]) for name in plain.names}, schema=pl.Schema(plain))
    found = dict(
        zip(plain.names, frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(plain).columns, strict=True)
    )
    found |= {name: _list_array(list(columns[name]), schema.field(name).type) for name in lists}
    return pa.Table.from_arrays([found[name] for name in schema.names], schema=schema)


def _list_array(lists: Sequence[Sequence[str] | None], kind: pa.ListType | pa.LargeListType) -> pa.Array:
    """Return lists of strings as an Arrow array: of 337,000 each, Polars took 12 s."""
    import polars as pl

    strings = [each for one in lists if one for each in one]
    valid = np.array([one is not None for one in lists], np.bool_)
    width = np.int64 if pa.types.is_large_list(kind) else np.int32
    offsets = np.cumsum([0, *(len(one or ()) for one in lists)], dtype=width)
    flat = pl.Series(strings, dtype=pl.String).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(kind.value_type)
    mask = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(lists), [mask, pa.py_buffer(offsets)], children=[flat])


def _check_utf8(values: pa.Array) -> None:
    # Polars checks UTF-8 at 9 GB/s, pyarrow's validate at 1 GB/s: slower than the byte filter.
    import polars as pl

    try:
        values.validate()
        pl.Series(values.cast(pa.large_binary())).cast(pl.String)
    except (pa.ArrowInvalid, pl.exceptions.PolarsError) as error:
        raise SchemaError(f"text column: not valid UTF-8 ({error}); decode the texts to UTF-8 first") from error


def with_metadata(schema: pa.Schema, **facts: str) -> pa.Schema:
    """Return `schema` with `cipin.<name>` entries, as every written file carries them."""
    entries: dict[Any, Any] = {f"cipin.{name}": value for name, value in facts.items()}
    return schema.with_metadata(entries)
