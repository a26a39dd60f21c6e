"""Parts of a large table: rows of a file that one worker reads, while others read the rest of it.

A part is a source of its own. It has the path of its file, and says in its content hash which bytes of it are its (or
rows, of Parquet), how many bytes the file has, and the number of its first line and row:
`HASH#BEGIN-END/BYTES@LINE.ROW`. So its shard, its key in the store of parsed reports and its rows are told from those
of other parts wherever sources are told apart, and whoever has a report's `source_hash` finds its part again.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from cipin.errors import SourceError
from cipin.reading.encoding import looks_binary
from cipin.reading.formats.delimited import find_cuts
from cipin.reading.formats.jsonl import text_column_of
from cipin.reading.formats.once import encoding_of
from cipin.reading.formats.options import ReadOptions, Span
from cipin.reading.formats.sniff import HEAD_BYTES, sniff

#: Bytes of a file that is cut, and of a part: 9,000 rows of a few lines, which take two seconds.
LEAST_BYTES, PART_BYTES = 32 << 20, 8 << 20
#: Bytes of a part of a Parquet file, as they are uncompressed. What begins within a row group is looked for from the
#: group's beginning, so that such parts are larger: in parts of 32 MB, 600 MB of text took twice the time to decode.
GROUP_BYTES = 128 << 20
#: What a part has of the file at least, whatever its footer claims.
LEAST_PIECE = 1 << 18
#: What a part's content hash says beside that of the file.
_PART = re.compile(r"([0-9a-f]+)#(\d+)-(\d+)/(\d+)@(\d+)\.(\d+)")
_CHUNK = 1 << 20
_DEFAULTS = ReadOptions()

_log = logging.getLogger(__name__)


def name_part(content: str, span: Span, n_bytes: int) -> str:
    """Return the content hash of a part of a file of that content hash and size.

    >>> name_part("ab", Span(9, 90, 2), 200), read_part("ab#9-90/200@2.0"), read_part("ab")
    ('ab#9-90/200@2.0', ('ab', Span(begin=9, end=90, line=2, row=0), 200), ('ab', None, 0))
    """
    return f"{content}#{span.begin}-{span.end}/{n_bytes}@{span.line}.{span.row}"


def read_part(content: str) -> tuple[str, Span | None, int]:
    """Return the file's content hash, the part, and the file's size; no part and 0 where it is a whole file's."""
    found = _PART.fullmatch(content)
    if not found:
        return content, None, 0
    begin, end, n_bytes, line, row = map(int, found.groups()[1:])
    return found[1], Span(begin, end, line, row), n_bytes


def find_parts(path: Path, options: ReadOptions = _DEFAULTS) -> list[Span]:
    """Return the parts in which a large file is read; none where it is read whole. Raises OSError."""
    try:
        spans = _spans(path, options)
    except SourceError:  # which is for its reader to say, once
        return []
    return spans if len(spans) > 1 else []


def _spans(path: Path, options: ReadOptions) -> list[Span]:
    ending = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        format = sniff(head, ending)
        if format == "parquet":
            groups = _row_groups(path, options.text_column)
            return _spans_of_rows(groups, path.stat().st_size // LEAST_PIECE)
        if ending in {".csv", ".tsv"} and format in {"", "csv"}:
            return find_cuts(path, PART_BYTES, options)
        if ending in {".jsonl", ".ndjson"} and format in {"", "jsonl"} and not looks_binary(head):
            encoding = encoding_of(path)
            if encoding.startswith(("utf-16", "utf-32")):
                return []  # their line ends are no bytes of their own
            text_column_of(path, encoding, options)  # raises, if there is none
            return _spans_of_lines(file)
    return []


def _spans_of_lines(file: BinaryIO) -> list[Span]:
    """Cut a file behind the first line end of each PART_BYTES."""
    file.seek(0)
    begins, at, line, target = [(0, 1)], 0, 1, PART_BYTES
    while chunk := file.read(_CHUNK):
        while (end := chunk.find(b"\n", max(0, target - 1 - at))) >= 0:
            begins.append((at + end + 1, line + chunk.count(b"\n", 0, end + 1)))
            target = at + end + 1 + PART_BYTES
        at += len(chunk)
        line += chunk.count(b"\n")
    spans: list[Span] = []
    held: tuple[int, int] | None = None
    for (begin, first), (end, _) in pairwise([*begins, (at, line)]):
        held = held or (begin, first)
        if not _is_blank(file, begin, end):
            spans.append(Span(held[0], end, held[1]))
        elif spans:
            spans[-1] = spans[-1]._replace(end=end)
        else:
            continue  # what is blank at the beginning goes with the first row
        held = None
    return spans


def _is_blank(file: BinaryIO, begin: int, end: int) -> bool:
    """Whether there is no row between two bytes: a part without one would be an empty report."""
    file.seek(begin)
    while begin < end and not (chunk := file.read(min(_CHUNK, end - begin))).strip():
        begin += len(chunk) or end
    return begin >= end


def _spans_of_rows(groups: Sequence[tuple[int, int]], most: int) -> list[Span]:
    """Cut row groups, of so many rows and bytes, into parts of about GROUP_BYTES; none if they are more than `most`.

    >>> _spans_of_rows([(10, GROUP_BYTES // 4), (20, GROUP_BYTES // 4), (90, 3 * GROUP_BYTES)], 9)
    [Span(begin=0, end=30, line=0), Span(begin=30, end=60, line=0), Span(begin=60, end=90, line=0), \
Span(begin=90, end=120, line=0)]
    """
    cuts, first, waiting = {0}, 0, 0
    for rows, size in groups:
        pieces = min(rows, max(1, round(size / GROUP_BYTES)), most)
        if waiting and waiting + size > GROUP_BYTES:
            cuts.add(first)
            waiting = 0
        cuts.update(first + rows * piece // pieces for piece in range(1, pieces))
        if len(cuts) > most:
            return []  # a footer may claim anything
        first += rows
        waiting = waiting + size if pieces <= 1 else GROUP_BYTES
    return [Span(begin, end) for begin, end in pairwise(sorted(cuts | {first}))]


def _row_groups(path: Path, text_column: str | None) -> list[tuple[int, int]]:
    """Return rows and bytes of each row group of a Parquet file; none where it cannot be said, or there is no text.

    Asked for in a process of its own: a footer that someone has made may end the one that reads it.
    """
    try:
        asked = [sys.executable, "-P", "-c", _ASK, os.fspath(path), json.dumps(text_column)]
        found = subprocess.run(asked, capture_output=True, check=True)
        groups = [(int(rows), int(size)) for rows, size in json.loads(found.stdout)]
    except (OSError, subprocess.SubprocessError, TypeError, ValueError) as error:
        _log.info("%s is read whole: %s", path, error)
        return []
    return groups if all(rows >= 0 and size >= 0 for rows, size in groups) else []


_ASK = """
import json, sys
from pathlib import Path
import pyarrow.parquet as pq
from cipin.reading.formats.columnar import find_columns
about = pq.read_metadata(sys.argv[1])
find_columns(Path(sys.argv[1]), about.schema.to_arrow_schema(), json.loads(sys.argv[2]))
groups = [about.row_group(at) for at in range(about.num_row_groups)]
print(json.dumps([[group.num_rows, group.total_byte_size] for group in groups]))
"""
