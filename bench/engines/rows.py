"""What every engine takes and gives: a text column in, a table of rows or of counts out.

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

from cipin.schema import array_of

#: "all": every occurrence of every pattern, overlapping ones too. "judged": those that count, leftmost-longest, by
#: term. "counts": how often each pattern occurs in each text.
Job = Literal["all", "judged", "counts"]

#: An engine that is ready for a lexicon and a job: texts in, table out.
Find = Callable[[pa.Array], pa.Table]

NUMBERS = np.int32


def rows_table(row: NDArray[Any], start: NDArray[Any], pattern: NDArray[Any]) -> pa.Table:
    """Return the rows that were found: each column int32."""
    columns = {"row": row, "start": start, "pattern": pattern}
    return pa.table({name: array_of(values.astype(NUMBERS, copy=False)) for name, values in columns.items()})


def join_rows(parts: Sequence[tuple[int, NDArray[Any], NDArray[Any]]]) -> pa.Table:
    """Return the rows that were found text by text: each part has the text's row, the starts and the patterns."""
    none = np.zeros(0, NUMBERS)
    return rows_table(
        np.repeat([row for row, _, _ in parts], [len(start) for _, start, _ in parts]),
        np.concatenate([none, *(start for _, start, _ in parts)]),
        np.concatenate([none, *(pattern for _, _, pattern in parts)]),
    )


def counts_table(row: NDArray[Any], pattern: NDArray[Any], count: NDArray[Any]) -> pa.Table:
    """Return how often each pattern occurs in each text, where it does: each column int32."""
    columns = {"row": row, "pattern": pattern, "count": count}
    return pa.table({name: array_of(values.astype(NUMBERS, copy=False)) for name, values in columns.items()})


def utf8_of(texts: pa.Array) -> Iterator[memoryview]:
    """Yield the bytes of each text without copying; `texts` is of strings, whole and without nulls."""
    _, offsets, data = texts.buffers()
    view = memoryview(data).cast("B")
    ends = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(texts.type) else np.int32)
    for begin, end in pairwise(ends[: len(texts) + 1].tolist()):
        yield view[begin:end]


def refuse(engine: str, job: Job) -> ValueError:
    """Return the error for a job that an engine does not do."""
    return ValueError(f"engine {engine}: it does not do the job {job!r}; leave it out of that benchmark")
