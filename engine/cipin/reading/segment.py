"""Clauses and sentences of reports, as spans over the text; nothing is copied or rewritten."""

from __future__ import annotations

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
#: Bytes of text for each mark that there is room for at first: reports have 20, with many tables 6.
BYTES_PER_MARK = 8


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


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Marks, blanks and line ends of the texts of a column, in the order of the text, and how long these are.

    first             int64[n_reports + 1]   marks first[r]:first[r + 1] are those of report r
    byte, char, kind  int64, int32, uint16[n_marks]   where each is, in the column and in its report; see kernels
    chars, han_chars  int64[n_reports]
    """

    first: NDArray[np.int64]
    byte: NDArray[np.int64]
    char: NDArray[np.int32]
    kind: NDArray[np.uint16]
    chars: NDArray[np.int64]
    han_chars: NDArray[np.int64]


def find_marks(column: TextColumn, *, compiled: bool | None = None) -> Marks:
    """Find the marks that clauses and sentences are cut by; both can be given them.

    compiled   whether to run the kernel compiled; None: where there is enough text
    """
    fit = fitting(kernels.list_marks, column.n_bytes, SMALL_BYTES) is kernels.list_marks
    # Where numba is switched off, a kernel is Python, and this one can't be.
    if hasattr(kernels.list_marks, "signatures") and (fit if compiled is None else compiled):
        return _list_marks(column)
    return _look_up_marks(column)


def _list_marks(column: TextColumn) -> Marks:
    chars, han_chars, n_marks = (np.zeros(len(column), np.int64) for _ in range(3))
    parts: list[tuple[NDArray[Any], ...]] = [(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint16))]
    edge = np.zeros(2 * kernels.AT_ONCE + 1, np.uint8)
    last = column.data[-kernels.AT_ONCE :]
    edge[kernels.AT_ONCE - len(last) : kernels.AT_ONCE] = last
    edge.flags.writeable = column.data.flags.writeable
    report, factor = 0, 1
    while report < len(column):
        left = int(column.offsets[-1] - column.offsets[report])
        room = factor * (left // BYTES_PER_MARK + 128)
        rows: list[NDArray[Any]] = [np.empty(room, kind) for kind in (np.int64, np.int32, np.uint16)]
        done, n = kernels.list_marks(
            column.data, edge, column.offsets, _kinds(), report, chars, han_chars, n_marks, *rows
        )
        parts.append(tuple(each[:n] for each in rows))
        factor = factor * 4 if done == report else factor
        report = done
    byte, char, kind = (np.concatenate(each) for each in zip(*parts, strict=True)) if len(parts) != 2 else parts[1]
    return Marks(np.concatenate([[0], np.cumsum(n_marks)]), byte, char, kind, chars, han_chars)


def _look_up_marks(column: TextColumn) -> Marks:
    """Do the same without a compiler: 0.2 GB/s, and nothing to wait for."""
    begin, end = int(column.offsets[0]), int(column.offsets[-1])
    data = column.data[begin:end]
    points = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32)
    heads = np.flatnonzero((data & 0xC0) != 0x80) + begin
    beyond = np.where((points >= 0x20000) & (points <= 0x323AF), kernels.HAN, 0)
    kinds = np.where(points < 0x10000, _kinds()[np.minimum(points, 0xFFFF)], beyond)
    mark = np.flatnonzero(kinds & kernels.MARK)
    first_char = np.searchsorted(heads, column.offsets)
    first = np.searchsorted(mark, first_char)
    report = np.repeat(np.arange(len(column)), np.diff(first))
    n_han = np.concatenate([[0], np.cumsum(kinds & kernels.HAN != 0)])[first_char]
    char = (mark - first_char[report]).astype(np.int32)
    kind = kinds[mark]
    for each in np.flatnonzero(kind & (kernels.ASCII_END | kernels.DOT)).tolist():
        low, high = column.offsets[report[each]], column.offsets[report[each] + 1]
        kind[each] |= kernels.ends(column.data, low, heads[mark[each]], high, _kinds(), kind[each])
    return Marks(first, heads[mark], char, kind.astype(np.uint16), np.diff(first_char), np.diff(n_han))


def find_clauses(
    column: TextColumn, policy: ClausePolicy = "default", marks: Marks | None = None, *, compiled: bool | None = None
) -> tuple[Spans, Measure]:
    """Cut each text into clauses; `policy="blank"` cuts at every mark and blank, as the older clause lists did.

    marks      those of the column, if they are known
    compiled   whether to run the kernels compiled; None: where there is enough text

    Raises UsageError if there is no such policy.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> spans, measure = find_clauses(text_column(pa.array(["推进云计算，发展大数据。"])))
    >>> spans.start.tolist(), spans.end.tolist(), measure.chars.tolist()
    ([0, 6], [5, 11], [12])
    """
    check_policy(policy)
    marks = marks or find_marks(column, compiled=compiled)
    clauses = np.zeros(len(column), np.int64)
    spans = _cut(kernels.cut_clauses, column, marks, compiled, policy == "blank", clauses)
    return spans, Measure(marks.chars, marks.han_chars, clauses)


def find_sentences(column: TextColumn, marks: Marks | None = None, *, compiled: bool | None = None) -> Spans:
    """Cut each text into sentences.

    marks   those of the column, if they are known

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> find_sentences(text_column(pa.array(["他说：“好。”然后走了。"]))).end.tolist()
    [7, 12]
    """
    marks = marks or find_marks(column, compiled=compiled)
    return _cut(kernels.cut_sentences, column, marks, compiled)


@cache
def _kinds() -> NDArray[np.uint32]:
    return kernels.kinds_of_characters()


def _cut(kernel: Any, column: TextColumn, marks: Marks, compiled: bool | None, *more: Any) -> Spans:
    """Let a kernel cut a column by its marks."""
    if compiled is None:
        kernel = fitting(kernel, column.n_bytes, SMALL_BYTES)
    elif not compiled:
        kernel = getattr(kernel, "py_func", kernel)
    room = len(marks.byte) + len(column)
    kinds = (np.int32, np.int32, np.int32, np.int64, np.int64)
    rows: list[NDArray[Any]] = [np.empty(room, kind) for kind in kinds]
    of_marks = (marks.chars, marks.first, marks.byte, marks.char, marks.kind)
    n = kernel(column.data, column.offsets, *of_marks, *more, *rows)
    return Spans(*(each[:n] for each in rows))
