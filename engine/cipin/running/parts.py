"""Parts of a large table: lines of a file that one worker reads, while others read the rest of it.

A part is a source of its own. It has the path of its file, and says in its content hash which bytes of it are its, how
many the file has, and the number of its first line: `HASH#BEGIN-END/BYTES@LINE`. So its shard, its key in the store of
parsed reports and its rows are told from those of other parts wherever sources are told apart, and whoever has a
report's `source_hash` finds its part again. Only JSON lines are cut: in CSV a line end may be quoted.
"""

from __future__ import annotations

import re
from pathlib import Path

from cipin.reading.encoding import find_encoding, looks_binary
from cipin.reading.formats.options import Span
from cipin.reading.formats.sniff import HEAD_BYTES, sniff

#: Bytes of a file that is cut, and of a part: 9,000 rows of a few lines, which take two seconds.
LEAST_BYTES, PART_BYTES = 32 << 20, 8 << 20
#: What a part's content hash says beside that of the file.
_PART = re.compile(r"([0-9a-f]+)#(\d+)-(\d+)/(\d+)@(\d+)")
_CHUNK = 1 << 20


def name_part(content: str, span: Span, n_bytes: int) -> str:
    """Return the content hash of a part of a file of that content hash and size.

    >>> name_part("ab", Span(0, 90, 1), 200), read_part("ab#0-90/200@1"), read_part("ab")
    ('ab#0-90/200@1', ('ab', Span(begin=0, end=90, line=1), 200), ('ab', None, 0))
    """
    return f"{content}#{span.begin}-{span.end}/{n_bytes}@{span.line}"


def read_part(content: str) -> tuple[str, Span | None, int]:
    """Return the file's content hash, the part, and the file's size; no part and 0 where it is a whole file's."""
    found = _PART.fullmatch(content)
    if not found:
        return content, None, 0
    begin, end, n_bytes, line = map(int, found.groups()[1:])
    return found[1], Span(begin, end, line), n_bytes


def find_parts(path: Path) -> list[Span]:
    """Return the parts in which a large file is read; none where it is read whole. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        is_jsonl = sniff(head, path.suffix.lower()) in {"", "jsonl"} and path.suffix.lower() in {".jsonl", ".ndjson"}
        if not is_jsonl or looks_binary(head):
            return []
        file.seek(0)
        if find_encoding(file).startswith(("utf-16", "utf-32")):
            return []  # their line ends are no bytes of their own
        file.seek(0)
        begins, at, line, target = [(0, 1)], 0, 1, PART_BYTES
        while chunk := file.read(_CHUNK):
            while (end := chunk.find(b"\n", max(0, target - 1 - at))) >= 0:
                begins.append((at + end + 1, line + chunk.count(b"\n", 0, end + 1)))
                target = at + end + 1 + PART_BYTES
            at += len(chunk)
            line += chunk.count(b"\n")
    if begins[-1][0] == at:
        begins.pop()
    ends = [*(begin for begin, _ in begins[1:]), at]
    return [Span(begin, end, line) for (begin, line), end in zip(begins, ends, strict=True)] if len(begins) > 1 else []
