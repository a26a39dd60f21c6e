"""What every engine takes and gives: a text column in, a table of rows, of counts or of texts out.

A row is (row of the text, start, pattern). `start` is the byte from the start of that text's UTF-8, the unit that is
dearest to no engine: cipin has it beside its code points, ahocorasick_rs gives it, pyahocorasick looks it up. Rows
may come in any order: the comparison sorts them, outside the clock, so that no peer pays for an order it does not keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.lexicon.model import Lexicon
from cipin.schema import array_of

#: "all": every occurrence of every pattern, overlapping ones too. "leftmost-longest": those that count, by term.
#: "counts": how often each pattern occurs in each text. "contains": the texts in which any pattern occurs.
Job = Literal["all", "leftmost-longest", "counts", "contains"]

#: An engine that is ready for a lexicon and a job: texts in, table out.
Find = Callable[[pa.Array], pa.Table]

#: What an engine found in one text: the text's row, the starts, the patterns.
Part = tuple[int, NDArray[Any], NDArray[Any]]

NUMBERS = np.int32


def rows_table(row: NDArray[Any], start: NDArray[Any], pattern: NDArray[Any]) -> pa.Table:
    """Return the rows that were found: each column int32."""
    return _table(row=row, start=start, pattern=pattern)


def join_rows(parts: Sequence[Part]) -> pa.Table:
    """Return the rows that were found text by text."""
    return rows_table(*_join(parts))


def counts_table(row: NDArray[Any], pattern: NDArray[Any], count: NDArray[Any]) -> pa.Table:
    """Return how often each pattern occurs in each text, where it does: each column int32."""
    return _table(row=row, pattern=pattern, count=count)


def count_rows(row: NDArray[Any], pattern: NDArray[Any], n_patterns: int) -> pa.Table:
    """Return how often each pattern occurs in each text, from a row and a pattern for each occurrence."""
    cells, counts = np.unique(row.astype(np.int64) * n_patterns + pattern, return_counts=True)
    return counts_table(*np.divmod(cells, n_patterns), counts)


def count_parts(parts: Sequence[Part], n_patterns: int) -> pa.Table:
    """Return how often each pattern occurs in each text, from what was found text by text."""
    row, _, pattern = _join(parts)
    return count_rows(row, pattern, n_patterns)


def texts_table(row: NDArray[Any] | Sequence[int]) -> pa.Table:
    """Return the texts in which anything was found: one column, int32."""
    return _table(row=np.asarray(row))


def keep_longest(start: NDArray[Any], end: NDArray[Any]) -> NDArray[np.int64]:
    """Return which occurrences in one text count: of those that overlap, the first, then the longest.

    For engines that find all occurrences and nothing else; in Python, as their users would write it.

    >>> keep_longest(np.array([0, 0, 1, 3]), np.array([2, 3, 4, 4])).tolist()
    [1, 3]
    """
    order = np.lexsort((-end, start))
    kept, last = [], -1
    for at, begin, stop in zip(order.tolist(), start[order].tolist(), end[order].tolist(), strict=True):
        if begin >= last:
            kept.append(at)
            last = stop
    return np.array(kept, np.int64)


def starts_of_characters(utf8: memoryview) -> NDArray[np.int64]:
    """Return the byte that each character of a text starts at."""
    return np.flatnonzero((np.frombuffer(utf8, np.uint8) & 0xC0) != 0x80)


def utf8_of(texts: pa.Array) -> Iterator[memoryview]:
    """Yield the bytes of each text without copying; `texts` is of strings, whole and without nulls."""
    _, offsets, data = texts.buffers()
    view = memoryview(data).cast("B")
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(texts.type) else np.int32)
    for begin, end in pairwise(ends[texts.offset : texts.offset + len(texts) + 1].tolist()):
        yield view[begin:end]


def refuse(engine: str, job: Job) -> ValueError:
    """Return the error for a job that an engine does not do."""
    return ValueError(f"engine {engine}: it does not do the job {job!r}; leave it out of that benchmark")


def plain_terms(engine: str, lexicon: Lexicon, job: Job) -> NDArray[np.int32]:
    """Return the term of each pattern, for an engine that knows neither guards nor boundaries.

    Raises ValueError if it is to say which hits count, and the lexicon has either.
    """
    terms = np.array(lexicon.patterns.term_of, NUMBERS)
    if job == "leftmost-longest" and (terms.min(initial=0) < 0 or lexicon.boundaries != "none"):
        raise refuse(engine, job)
    return terms


def _join(parts: Sequence[Part]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    none = np.zeros(0, NUMBERS)
    return (
        np.repeat(np.array([row for row, _, _ in parts], NUMBERS), [len(start) for _, start, _ in parts]),
        np.concatenate([none, *(start for _, start, _ in parts)]),
        np.concatenate([none, *(pattern for _, _, pattern in parts)]),
    )


def _table(**columns: NDArray[Any]) -> pa.Table:
    return pa.table({name: array_of(values.astype(NUMBERS, copy=False)) for name, values in columns.items()})
