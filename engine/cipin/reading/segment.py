"""Clauses and sentences of reports, as spans over the text; nothing is copied or rewritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cipin.arguments import check_choice
from cipin.kernel import fitting
from cipin.reading import kernels
from cipin.schema import TextColumn

ClausePolicy = Literal["default", "blank"]

#: Bytes up to which the kernels run uncompiled: loading them from numba's cache takes 0.1 s, the first time 3 s.
SMALL_BYTES = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Pieces of the texts of a column, in the order of the text.

    report                int32[n]   row of the report
    start, end            int32[n]   code points from the report's start, half-open
    byte_start, byte_end  int64[n]   the same span as bytes of the text column
    """

    report: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    byte_start: NDArray[np.int64]
    byte_end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.report)


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """How much text each report has: int64[n_reports] each; `words` is None where nobody asked for them."""

    chars: NDArray[np.int64]
    han_chars: NDArray[np.int64]
    clauses: NDArray[np.int64]
    words: NDArray[np.int64] | None = None


def check_policy(policy: str) -> None:
    """Raise UsageError if there is no such way of cutting clauses."""
    check_choice(policy, "clauses", get_args(ClausePolicy))


def find_clauses(
    column: TextColumn, policy: ClausePolicy = "default", *, compiled: bool | None = None
) -> tuple[Spans, Measure]:
    """Cut each text into clauses; `policy="blank"` cuts at every mark and blank, as the older clause lists did.

    compiled   whether to run the kernel compiled; None: where there is enough text

    Raises UsageError if there is no such policy.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> spans, measure = find_clauses(text_column(pa.array(["推进云计算，发展大数据。"])))
    >>> spans.start.tolist(), spans.end.tolist(), measure.chars.tolist()
    ([0, 6], [5, 11], [12])
    """
    check_policy(policy)
    measure = Measure(*(np.zeros(len(column), np.int64) for _ in range(3)))
    kernel = _kernel(kernels.cut_clauses, column, compiled)
    counts = (measure.chars, measure.han_chars, measure.clauses)

    def cut(report: int, *rows: NDArray[Any]) -> tuple[int, int]:
        return kernel(column.data, column.offsets, _kinds(), policy == "blank", report, *counts, *rows)

    return _collect(cut, column, 12), measure


def find_sentences(column: TextColumn, *, compiled: bool | None = None) -> Spans:
    """Cut each text into sentences.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> find_sentences(text_column(pa.array(["他说：“好。”然后走了。"]))).end.tolist()
    [7, 12]
    """
    kernel = _kernel(kernels.cut_sentences, column, compiled)

    def cut(report: int, *rows: NDArray[Any]) -> tuple[int, int]:
        return kernel(column.data, column.offsets, _kinds(), report, *rows)

    return _collect(cut, column, 40)


@cache
def _kinds() -> NDArray[np.uint16]:
    return kernels.kinds_of_characters()


def _kernel(kernel: Any, column: TextColumn, compiled: bool | None) -> Callable[..., Any]:
    if compiled is None:
        return fitting(kernel, column.n_bytes, SMALL_BYTES)
    return kernel if compiled else getattr(kernel, "py_func", kernel)


def _collect(cut: Callable[..., tuple[int, int]], column: TextColumn, bytes_per_row: int) -> Spans:
    """Call `cut` until all reports are done, with rows for what is left at `bytes_per_row`, more where too few."""
    report, factor = 0, 1
    parts: list[tuple[NDArray[Any], ...]] = []
    while report < len(column):
        left = int(column.offsets[-1] - column.offsets[report])
        n_rows = factor * (left // bytes_per_row + 64)
        kinds = (np.int32, np.int32, np.int32, np.int64, np.int64)
        rows: list[NDArray[Any]] = [np.empty(n_rows, kind) for kind in kinds]
        done, n = cut(report, *rows)
        parts.append(tuple(each[:n] for each in rows))
        factor = factor * 4 if done == report else factor
        report = done
    empty: tuple[NDArray[Any], ...] = (*[np.zeros(0, np.int32)] * 3, *[np.zeros(0, np.int64)] * 2)
    if len(parts) == 1:
        return Spans(*parts[0])
    columns: list[NDArray[Any]] = [np.concatenate(each) for each in zip(empty, *parts, strict=True)]
    return Spans(*columns)
