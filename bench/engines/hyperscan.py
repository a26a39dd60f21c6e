"""Hyperscan over the bytes of each text (the package links Vectorscan, its open successor): a callback a match."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import hyperscan
import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, Part, count_parts, join_rows, keep_longest, plain_terms, texts_table, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`.

    It tells where a match ends; the start is a literal's length before that. To have it kept
    (SOM_LEFTMOST) was as fast, within a twentieth, up to 50,000 patterns.
    It finds all, so the longest are kept afterwards; a callback that returns true ends the search of a text.
    """
    terms = plain_terms("hyperscan", lexicon, job)
    lengths = np.array([len(string.encode()) for string in lexicon.patterns.strings])
    scan: Callable[..., object] = _database_of(lexicon).scan  # it takes any buffer, its types say less

    def parts_of(texts: pa.Array) -> list[Part]:
        parts = []
        found: list[tuple[int, int]] = []

        def note(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((end, pattern))

        for row, utf8 in enumerate(utf8_of(texts)):
            if not len(utf8):
                continue
            scan(utf8, match_event_handler=note)
            if found:
                end, pattern = np.array(found).T
                start = end - lengths[pattern]
                if job == "leftmost-longest":
                    kept = keep_longest(start, end)
                    start, pattern = start[kept], terms[pattern[kept]]
                parts.append((row, start, pattern))
                found.clear()
        return parts

    def find(texts: pa.Array) -> pa.Table:
        return join_rows(parts_of(texts))

    def count(texts: pa.Array) -> pa.Table:
        return count_parts(parts_of(texts), len(terms))

    def contains(texts: pa.Array) -> pa.Table:
        rows: list[int] = []

        def note(_pattern: int, _start: int, _end: int, _flags: int, row: object) -> bool:
            rows.append(row)  # type: ignore[arg-type]
            return True

        for row, utf8 in enumerate(utf8_of(texts)):
            if len(utf8):
                # The binding raises where its callback has ended the search.
                try:
                    scan(utf8, match_event_handler=note, context=row)
                except hyperscan.ScanTerminated:
                    continue
        return texts_table(rows)

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]


@lru_cache(maxsize=2)
def _database_of(lexicon: Lexicon) -> hyperscan.Database:
    strings = [string.encode() for string in lexicon.patterns.strings]
    database = hyperscan.Database()
    n = len(strings)
    database.compile(expressions=strings, ids=list(range(n)), elements=n, flags=[0] * n, literal=True)
    return database
