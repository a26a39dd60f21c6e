"""Calls the kernels: which of the four, with what scratch, and again until the text ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cipin.errors import UsageError
from cipin.matching.automaton import Automaton
from cipin.matching.kernels import filtered, portable, vector_filtered, vector_levels
from cipin.matching.kernels.rows import (
    BYTE,
    CHARS,
    COUNTED,
    KEPT_END,
    N_TOUCHED,
    PENDING,
    REPORT,
    STATE_SIZE,
    STEP,
    Found,
    Rows,
    Tally,
)
from cipin.matching.kernels.vector import SLACK
from cipin.matching.processor import missing_features
from cipin.schema import TextColumn

Job = Literal["all", "longest", "counts", "contains"]
Path = Literal["portable", "avx512"]
Kernel = Literal["portable-levels", "portable-filtered", "avx512-levels", "avx512-filtered"]

#: Bytes of text in a block: what is made of 16 KB stays in L2 (4 KB 2.6 GB/s, 8 KB 2.9, 16 KB 3.2 with 500 words).
BLOCK_BYTES = 16384
#: Bytes filtered at once.
FILTER_BYTES = 8192
#: Share of positions that the vector filter may pass, by its own estimate, and still pay.
MAX_SHARE = 0.02  # 0.012 was 1.4 x as fast as the levels, 0.026 0.65 x
#: Bytes of text for which a row is allotted at once.
BYTES_PER_ROW: dict[Job, int] = {"all": 32, "longest": 48, "counts": 256, "contains": 1 << 62}


def choose_kernel(automaton: Automaton, path: Path | None = None) -> tuple[Kernel, str]:
    """Return the kernel for a lexicon on this processor, and why; `path` overrides the processor's part.

    Raises UsageError if `path` is "avx512" and the processor can't, or the lexicon has what those kernels don't do.
    """
    missing = missing_features()
    unfit = _unfit(automaton)
    if path == "avx512" and (missing or unfit):
        raise UsageError(f"matcher 'avx512': {unfit or 'this processor lacks ' + ', '.join(missing)}; take 'auto'")
    if path == "portable" or missing or unfit:
        why = "as asked for" if path else unfit or f"the processor lacks {', '.join(missing)}"
        if automaton.is_selective:
            return "portable-filtered", f"{why}; the lexicon begins in few ways"
        return "portable-levels", f"{why}; the lexicon begins in many ways"
    if automaton.share <= MAX_SHARE:
        return "avx512-filtered", f"AVX-512; six bytes leave {automaton.share:.2%} of positions"
    return "avx512-levels", "AVX-512; the lexicon begins in many ways"


def _unfit(automaton: Automaton) -> str:
    """Why the vector kernels can't search for these patterns; empty where they can."""
    if automaton.astral.size > vector_levels.MAX_ASTRAL:
        return f"the lexicon has more than {vector_levels.MAX_ASTRAL} characters beyond U+FFFF"
    if _block_bytes(automaton) > 0xFFFF - SLACK:
        return f"the lexicon has a pattern of {automaton.max_length} characters"
    return ""


def _block_bytes(automaton: Automaton) -> int:
    return max(BLOCK_BYTES, 8 * automaton.max_length + 64)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a search found. Rows of ALL and LONGEST are ordered by report, start, longer first.

    rows     Rows; of "counts", `start` is how many; `end` and `start` are empty where no detail was asked for
    has_any  uint8[n_reports], of "contains"
    """

    rows: Rows
    has_any: NDArray[np.uint8]


def search(
    column: TextColumn, automaton: Automaton, kernel: Kernel, job: Job, first: int, last: int, *, detail: bool
) -> Result:
    """Do `job` for reports [first, last) of `column` on this thread."""
    return _Search(column, automaton, kernel, job, first, last, detail).run()


class _Search:
    """One search: a state that kernels move on, scratch, and the rows so far."""

    def __init__(
        self, column: TextColumn, automaton: Automaton, kernel: Kernel, job: Job, first: int, last: int, detail: bool
    ) -> None:
        self.automaton, self.kernel, self.job, self.first = automaton, kernel, job, first
        # Kernels are compiled for each type they meet, and what may be written is another type.
        self.data, self.offsets = _read_only(column.data), _read_only(column.offsets[first : last + 1])
        self.n_reports = last - first
        self.detail = job == "longest" or (detail and job == "all")
        self.by_bytes = kernel.endswith("filtered")
        self.state = np.zeros(STATE_SIZE, np.int64)
        self.state[[BYTE, COUNTED, KEPT_END]] = self.offsets[0]
        counts = len(automaton.length) if job == "counts" else 0
        self.tally = Tally(np.zeros(counts, np.int32), np.empty(counts, np.int32)) if job == "counts" else None
        self.has_any = np.zeros(self.n_reports, np.uint8) if job == "contains" else None
        self.limit = self.state[STEP] = FILTER_BYTES if self.by_bytes else _block_bytes(automaton)
        room = max(4 * self.limit, 2 * automaton.max_length) + SLACK
        self.found = Found(np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32))
        self.rows = None if job == "all" else _rows(room)
        self.row_found = np.empty(room, np.int32)
        self.n_rows = room + counts + int(self.offsets[-1] - self.offsets[0]) // BYTES_PER_ROW[job]
        self.call = self._prepare()

    def _prepare(self) -> Callable[[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8] | None, Rows], int]:
        """Return the kernel with all that stays the same."""
        automaton, room = self.automaton, self.limit + SLACK

        def scratch(words: int, ints: int) -> list[NDArray[Any]]:
            return [
                *(np.empty(room, np.uint16) for _ in range(words)),
                *(np.empty(room, np.int32) for _ in range(ints)),
            ]

        run: Any
        tables: tuple[NDArray[Any], ...] = ()
        if self.kernel == "portable-levels":
            run, arrays = portable.search, scratch(1, 6)
        elif self.kernel == "portable-filtered":
            run, arrays, tables = filtered.search, scratch(1, 2), (automaton.key_passes,)
        elif self.kernel == "avx512-levels":
            run, arrays, tables = vector_levels.search, scratch(4, 6), (automaton.code_map, automaton.astral)
        else:
            run, arrays, tables = vector_filtered.search, scratch(0, 5), (automaton.tables,)
        trie = automaton.trie
        # Not `self`: a cycle would keep the text, until garbage is collected.
        detail, limit, state, found = self.detail, self.limit, self.state, self.found
        rows, tally = self.rows, self.tally
        arrays = [*arrays, self.row_found]

        def call(
            data: NDArray[np.uint8], offsets: NDArray[np.int64], has_any: NDArray[np.uint8] | None, out: Rows
        ) -> int:
            return run(
                data, offsets, *tables, trie, detail, limit, state, tuple(arrays), found, rows, tally, has_any, out,
            )  # fmt: skip

        return call

    def run(self) -> Result:
        parts = [*self._main(), *self._tail()]
        return Result(_join(parts), np.zeros(0, np.uint8) if self.has_any is None else self.has_any)

    def _unfinished(self) -> bool:
        return bool(self.state[REPORT] < self.n_reports or self.state[N_TOUCHED])

    def _main(self) -> Iterator[Rows]:
        while self._unfinished():
            before = self.state[BYTE]
            out = _rows(self.n_rows)
            n = self.call(self.data, self.offsets, self.has_any, out)
            yield _cut(out, n, self.first, 0)
            if n == 0 and self.state[BYTE] == before and self.state[REPORT] < self.n_reports:
                return  # too near to the end of what may be read

    def _tail(self) -> Iterator[Rows]:
        """Go on where the vector kernels may not read, with a copy that has something behind it."""
        if not self._unfinished():
            return
        state = self.state
        byte, end = int(state[BYTE]), int(self.offsets[-1])
        if self.by_bytes:
            self._catch_up(byte)
        first = int(state[REPORT])
        margin = vector_levels.MARGIN + vector_filtered.MARGIN + 4 * self.automaton.max_length
        data = np.zeros(end - byte + margin, np.uint8)
        data[: end - byte] = self.data[byte:end]
        offsets = _read_only(self.offsets[first:] - byte)
        state[REPORT] = 0
        state[PENDING] -= first
        state[[BYTE, COUNTED, KEPT_END]] -= byte
        self.n_reports -= first
        has_any = None if self.has_any is None else self.has_any[first:]
        while self._unfinished():
            out = _rows(self.n_rows)
            n = self.call(_read_only(data), offsets, has_any, out)
            yield _cut(out, n, self.first + first, byte)

    def _catch_up(self, byte: int) -> None:
        """Bring the state to `byte`: searches over bytes know reports and characters only as far as the last hit."""
        state = self.state
        report = max(int(np.searchsorted(self.offsets, byte, "right")) - 1, int(state[REPORT]))
        report = min(report, self.n_reports - 1)
        counted = int(state[COUNTED])
        if counted < self.offsets[report]:
            counted = int(self.offsets[report])
            state[CHARS] = 0
        if self.detail:
            state[CHARS] += np.count_nonzero((self.data[counted:byte] & 0xC0) != 0x80)
        state[REPORT], state[COUNTED] = report, byte


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _cut(out: Rows, n: int, first: int, byte: int) -> Rows:
    """The `n` rows of `out`, with `first` more reports and `byte` more bytes before them."""
    rows = Rows(out.report[:n], out.start[:n], out.byte[:n], out.end[:n], out.pattern[:n])
    if first:
        rows.report[:] += first
    if byte:
        rows.byte[:] += byte
        rows.end[:] += byte
    return rows


def _rows(n: int) -> Rows:
    ints = (np.empty(n, np.int32) for _ in range(3))
    longs = (np.empty(n, np.int64) for _ in range(2))
    return Rows(next(ints), next(ints), next(longs), next(longs), next(ints))


def _join(parts: list[Rows]) -> Rows:
    some = [each for each in parts if len(each.report)] or [*parts[:1], _rows(0)][:1]
    if len(some) == 1:
        return some[0]
    return Rows(*(np.concatenate(column) for column in zip(*some, strict=True)))
