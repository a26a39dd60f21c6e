"""Parsed reports as Arrow: what makes two of them the same, and the way there and back.

A source's key is the hash of its bytes, of its name's ending (which tells formats of text apart), of the options of
reading, and of the parser. What is stored under it is what `parse` returned, so that whoever finds it need not parse.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.reading.clean import Clean
from cipin.reading.formats import ReadOptions
from cipin.reading.parsed import Parsed, only_pages
from cipin.reading.report import OutlineEntry, RawReport
from cipin.reading.structure import Structure
from cipin.schema import PARSED, array_of, table_of

#: Libraries whose version decides what is read.
LIBRARIES = ("chardetng-py", "numpy", "pikepdf", "pyarrow", "pypdfium2", "selectolax")
#: What may end otherwise when it is tried again: such a source is never taken from a store by a run.
TRANSIENT = frozenset({"timeout", "memory", "crash", "unreadable"})

#: Fields of Structure, one each section.
_SPANS, _NAMES = ("start", "end", "level", "parent"), ("title", "kind", "topic", "source")


@cache
def parser_version() -> str:
    """Return the hash of all code that reading consists of, and of the versions of the libraries that it uses.

    A version number would have to be raised by hand with each change; a reader of stale texts would not know.
    """
    digest = hashlib.blake2b(digest_size=8)
    root = files("cipin")
    for folder in ("reading", "reading/formats", "lexicon"):
        for file in sorted(root.joinpath(folder).iterdir(), key=lambda each: each.name):
            if file.name.endswith((".py", ".tsv")) and (folder != "lexicon" or file.name.startswith("fold")):
                digest.update(f"{folder}/{file.name}\0".encode() + file.read_bytes())
    for library in LIBRARIES:
        try:
            digest.update(f"{library}={version(library)}\0".encode())
        except PackageNotFoundError:
            digest.update(f"{library}=none\0".encode())
    return digest.hexdigest()


def source_key(content: str, path: str, options: ReadOptions, off: Sequence[str] = ()) -> str:
    """Return the key of a source of that content hash and path; "" where there was nothing to hash.

    >>> source_key("ab", "甲/2019.PDF", ReadOptions()) == source_key("ab", "乙/2020.pdf", ReadOptions())
    True
    """
    if not content:
        return ""
    ending = PurePosixPath(path).suffix.lower()
    told = [options.text_column, options.max_bytes, options.max_chars]
    facts = json.dumps([parser_version(), content, ending, told, sorted(off)])
    return hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def pack_parsed(parsed: Sequence[Parsed]) -> pa.RecordBatch:
    """Return parsed reports as one batch of schema.PARSED, in their order."""
    rows = [_row(each) for each in parsed]
    plain = pa.schema([field for field in PARSED if field.name not in (*_NUMBERS, *_TEXTS)])
    table = table_of({name: [row[name] for row in rows] for name in plain.names}, plain)
    columns = [
        _lists([row[field.name] for row in rows], field.type)
        if field.name in _NUMBERS
        else _texts([row[field.name] for row in rows])
        if field.name in _TEXTS
        else table.column(field.name).combine_chunks()
        for field in PARSED
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PARSED)


def _lists(values: Sequence[NDArray[Any] | None], kind: pa.DataType) -> pa.Array:
    """Return arrays as an Arrow column of lists, without an object for each number."""
    dtype = kind.value_type.to_pandas_dtype()
    lengths = [0 if each is None else len(each) for each in values]
    flat = np.concatenate([np.zeros(0, dtype), *(each for each in values if each is not None)]).astype(dtype)
    offsets = array_of(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    valid = np.array([each is not None for each in values])
    mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [mask, offsets.buffers()[1]], children=[array_of(flat)])


def _texts(values: Sequence[bytes | memoryview | None]) -> pa.Array:
    """Return texts as an Arrow column. By way of a list and Polars, 20,000,000 characters took 450 MB, not 60."""
    data = [each or b"" for each in values]
    offsets = pa.py_buffer(np.cumsum([0, *map(len, data)], dtype=np.int64))
    mask = pa.py_buffer(np.packbits([each is not None for each in values], bitorder="little"))
    buffers = [mask if None in values else None, offsets, pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(pa.large_string(), len(values), buffers)


def _row(parsed: Parsed) -> dict[str, Any]:
    raw, clean, structure = parsed.raw, parsed.clean, parsed.structure
    row: dict[str, Any] = dict.fromkeys(PARSED.names)
    row |= {
        "member": raw.member, "title": raw.title, "format": raw.format, "encoding": raw.encoding,
        "meta": _as_json(dict(raw.meta)) if raw.meta else None, "flags": list(raw.flags), "status": raw.status,
        "reason": raw.reason, "message": raw.message, "digest": parsed.digest, "text": parsed.utf8,
        "page_flags": _as_json(dict(parsed.page_flags)) if parsed.page_flags else None,
    }  # fmt: skip
    if raw.layout is not None:
        outline = [[entry.level, entry.title, entry.page] for entry in raw.layout.outline]
        row |= {
            "page_start": raw.layout.page_start,
            "page_size": raw.layout.page_size.ravel(),
            "outline": _as_json(outline) if outline else None,
        }
    if clean is not None:
        row |= {
            "raw_text": parsed.utf8 if raw.text == clean.text else raw.text.encode(),
            "runs": clean.runs.ravel(),
            "aside": clean.aside,
            "repairs": _as_json(clean.repairs),
        }
    if structure is not None:
        row |= {f"section_{name}": getattr(structure, name) for name in _SPANS}
        row |= {f"section_{name}": list(getattr(structure, name)) for name in _NAMES}
        row |= {"kind_start": structure.kind_start, "kinds": structure.kinds}
    return row


#: Made once: json.dumps makes one for each call that is told anything.
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class Unpacked:
    """The reports of a batch, as they were packed; without its column `raw_text` they have no raw text.

    Columns are taken apart once a batch: a batch holds some hundred sources, and each is asked for by itself.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        import polars as pl

        self.n_rows = batch.num_rows
        named = [name for name in batch.schema.names if name not in _NUMBERS]
        # Polars, since pyarrow imports pandas for each of these where it is installed (0.3 s).
        frame = pl.DataFrame(batch.select(named))
        self._rows = frame.rows(named=True)
        numbers = zip(*(_arrays(batch.column(name)) for name in _NUMBERS), strict=True)
        self._numbers = [dict(zip(_NUMBERS, arrays, strict=True)) for arrays in numbers]
        self._data = _views(batch.column("text"))

    def reports(self, first: int, n_rows: int) -> Iterator[Parsed]:
        """Yield the reports of some rows."""
        for at in range(first, first + n_rows):
            yield _parsed(self._rows[at], self._numbers[at], self._data[at])


_TEXTS = ("text", "raw_text")
_NUMBERS = tuple(
    field.name for field in PARSED if pa.types.is_large_list(field.type) and field.type.value_type != pa.string()
)


def _arrays(column: pa.Array) -> Iterator[NDArray[Any] | None]:
    """Yield the lists of a column of numbers as views."""
    n_rows, first = len(column), column.offset
    valid, offsets, *_ = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[first : first + n_rows + 1].tolist() if n_rows else [0]
    dtype = column.type.value_type.to_pandas_dtype()
    data = column.values.buffers()[1]
    values = np.frombuffer(data, dtype) if data is not None else np.zeros(0, dtype)
    known = np.ones(n_rows, np.bool_)
    if valid is not None:
        known = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[first : first + n_rows].astype(
            np.bool_
        )
    for at, is_known in enumerate(known.tolist()):
        yield values[ends[at] : ends[at + 1]] if is_known else None


def _views(column: pa.Array) -> list[memoryview]:
    """Return the texts of a column as they lie in it."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    there = memoryview(data or b"").cast("B")
    return [there[low:high] for low, high in pairwise(ends)]


def _parsed(row: dict[str, Any], arrays: dict[str, Any], data: memoryview) -> Parsed:
    text, layout, clean, structure = row["text"], None, None, None
    if arrays["page_start"] is not None:
        outline = json.loads(row["outline"] or "[]")
        layout = only_pages(
            arrays["page_start"],
            arrays["page_size"].reshape(-1, 2),
            tuple(OutlineEntry(*entry) for entry in outline),
        )
    if row["aside"] is not None:
        clean = Clean(text, arrays["runs"].reshape(-1, 3), row["aside"], json.loads(row["repairs"]))
    if arrays["kinds"] is not None:
        structure = Structure(
            arrays["section_start"],
            arrays["section_end"],
            arrays["section_level"],
            arrays["section_parent"],
            tuple(row["section_title"]),
            tuple(row["section_kind"]),
            tuple(row["section_topic"]),
            tuple(row["section_source"]),
            arrays["kind_start"],
            arrays["kinds"],
        )
    raw = RawReport(
        row["member"],
        row.get("raw_text") or "" if clean else text,
        row["format"],
        row["encoding"],
        row["title"],
        json.loads(row["meta"]) if row["meta"] else {},
        tuple(row["flags"]),
        layout,
        row["status"],
        row["reason"],
        row["message"],
    )
    page_flags = json.loads(row["page_flags"]) if row["page_flags"] else {}
    return Parsed(raw, clean, structure, row["digest"], page_flags, data)
