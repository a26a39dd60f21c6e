"""Find every occurrence of every pattern: checks, allocates, and calls one of two matchers.

Both give the same rows, always. `ahocorasick` needs no compiler, so small input never waits for one; `blocks` is
the block-and-level kernel over the Arrow buffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, get_args

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from cipin.arguments import check_choice
from cipin.lexicon.model import Lexicon
from cipin.matching.automaton import Automaton, automaton_of
from cipin.matching.kernels.filtered import find_filtered
from cipin.matching.kernels.portable import find_all
from cipin.schema import TextColumn

Matcher = Literal["auto", "ahocorasick", "blocks"]

#: Below this, pyahocorasick (27-86 MB/s) is done before the kernels are loaded from numba's cache.
SMALL_BYTES = 1 << 20
#: Bytes of text in a block: classes, offsets and candidates of 8 KB stay in L1 and L2; 4-16 KB measured alike.
BLOCK_BYTES = 8192
#: Bytes filtered at once: keys and candidates stay in L1 and L2.
FILTER_BYTES = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Occurrences of patterns, ordered by report, start, longer first.

    report   int32[n]   row of the report in the text column
    start    int32[n]   code points from the report's start
    byte     int64[n]   byte in the column's data
    pattern  int32[n]   row in the lexicon's patterns
    """

    report: NDArray[np.int32]
    start: NDArray[np.int32]
    byte: NDArray[np.int64]
    pattern: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.report)


def choose_matcher(n_bytes: int, matcher: Matcher = "auto") -> tuple[Literal["ahocorasick", "blocks"], str]:
    """Return the matcher for so much text, and why; `matcher` overrides.

    Raises UsageError if there is no matcher of that name.

    >>> choose_matcher(2000)[0]
    'ahocorasick'
    """
    check_choice(matcher, "matcher", get_args(Matcher))
    if matcher == "auto":
        if n_bytes < SMALL_BYTES:
            return "ahocorasick", f"{n_bytes:,} bytes of text are fewer than {SMALL_BYTES:,}: nothing to compile"
        return "blocks", f"{n_bytes:,} bytes of text"
    return matcher, "as asked for"


def find_matches(column: TextColumn, lexicon: Lexicon, matcher: Matcher = "auto", threads: int = 1) -> Matches:
    """Find every occurrence of every term, variant and guard of `lexicon` in each text of `column`.

    `threads` share the reports between them; the rows are the same for any number.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> found = find_matches(text_column(pa.array(["大數據與大数据"])), Lexicon.from_terms(["大数据"]))
    >>> found.start.tolist()
    [0, 4]
    """
    chosen, _ = choose_matcher(column.n_bytes, matcher)
    if chosen == "ahocorasick":
        return _find_ahocorasick(column, lexicon)
    automaton = automaton_of(lexicon)
    ranges = list(_ranges(column, threads))
    if len(ranges) == 1:
        parts = [_find_blocks(column, automaton, 0, len(column))]
    else:
        with ThreadPoolExecutor(len(ranges)) as pool:
            parts = list(pool.map(lambda each: _find_blocks(column, automaton, *each), ranges))
    return _concatenate(parts)


def _ranges(column: TextColumn, parts: int) -> Iterator[tuple[int, int]]:
    """Cut the reports into at most `parts` runs of about the same number of bytes."""
    targets = column.offsets[0] + np.arange(1, max(parts, 1)) * (column.n_bytes / max(parts, 1))
    cuts = [0, *np.searchsorted(column.offsets, targets).tolist(), len(column)]
    yield from (each for each in pairwise(cuts) if each[0] < each[1] or len(column) == 0)


def _find_blocks(column: TextColumn, automaton: Automaton, first: int, last: int) -> Matches:
    if automaton.is_selective:
        return _find_filtered(column, automaton, first, last)
    offsets = column.offsets[first : last + 1]
    limit = max(BLOCK_BYTES, 8 * automaton.max_length + 64)
    most = 4 * limit
    n_rows = max(most, int(offsets[-1] - offsets[0]) // 32)
    state = np.array([0, offsets[0], 0], np.int64)
    scratch = (
        np.empty(limit + 1, np.uint16),  # classes
        *(np.empty(limit + 1, np.int32) for _ in range(6)),  # byte_at, begins, position, slot, live, tally
        *(np.empty(most, np.int32) for _ in range(2)),  # found_at, found_pattern
    )
    parts = []
    while state[0] < len(offsets) - 1:
        report, start, pattern = (np.empty(n_rows, np.int32) for _ in range(3))
        byte = np.empty(n_rows, np.int64)
        n = find_all(
            column.data, offsets, automaton.class_of, automaton.first_base, automaton.first_pattern, automaton.label,
            automaton.entry, automaton.max_length, automaton.has_single, limit, state, *scratch,
            report, start, byte, pattern,
        )  # fmt: skip
        if first:
            report[:n] += first
        parts.append(Matches(report[:n], start[:n], byte[:n], pattern[:n]))
    return _concatenate(parts)


def _find_filtered(column: TextColumn, automaton: Automaton, first: int, last: int) -> Matches:
    offsets = column.offsets[first : last + 1]
    n_rows = max(4 * automaton.max_length, 4096, int(offsets[-1] - offsets[0]) // 64)
    state = np.array([0, offsets[0], offsets[0], 0], np.int64)
    keys, candidates = np.empty(FILTER_BYTES, np.uint16), np.empty(FILTER_BYTES + 8, np.int32)
    parts = []
    while state[1] < offsets[-1]:
        report, start, pattern = (np.empty(n_rows, np.int32) for _ in range(3))
        byte = np.empty(n_rows, np.int64)
        n = find_filtered(
            column.data, offsets, automaton.key_passes, automaton.class_of, automaton.first_base,
            automaton.first_pattern, automaton.label, automaton.entry, automaton.max_length, FILTER_BYTES, state,
            keys, candidates, report, start, byte, pattern,
        )  # fmt: skip
        if first:
            report[:n] += first
        parts.append(Matches(report[:n], start[:n], byte[:n], pattern[:n]))
    return _concatenate(parts)


@lru_cache(maxsize=8)
def _ahocorasick_of(lexicon: Lexicon) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for number, string in enumerate(lexicon.patterns.strings):
        automaton.add_word(string, (number, len(string)))
    automaton.make_automaton()
    return automaton


def _find_ahocorasick(column: TextColumn, lexicon: Lexicon) -> Matches:
    # `iter` gives every match; `iter_long` misses nested ones. Overlaps are resolved by judge.py for both matchers.
    automaton = _ahocorasick_of(lexicon)
    parts = []
    for report, (begin, end) in enumerate(pairwise(column.offsets.tolist())):
        data = column.data[begin:end]
        text = lexicon.spell(data.tobytes().decode())
        rows = [(last + 1 - length, -length, pattern) for last, (pattern, length) in automaton.iter(text)]
        if not rows:
            continue
        rows.sort()
        start, _, pattern = np.array(rows, np.int64).T
        heads = np.flatnonzero((data & 0xC0) != 0x80)
        parts.append(
            Matches(
                np.full(len(rows), report, np.int32), start.astype(np.int32), begin + heads[start],
                pattern.astype(np.int32),
            )
        )  # fmt: skip
    return _concatenate(parts)


def _concatenate(parts: list[Matches]) -> Matches:
    if len(parts) == 1:
        return parts[0]
    empty32, empty64 = np.zeros(0, np.int32), np.zeros(0, np.int64)
    return Matches(
        np.concatenate([empty32, *(part.report for part in parts)]),
        np.concatenate([empty32, *(part.start for part in parts)]),
        np.concatenate([empty64, *(part.byte for part in parts)]),
        np.concatenate([empty32, *(part.pattern for part in parts)]),
    )
