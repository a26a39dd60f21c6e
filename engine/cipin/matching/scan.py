"""Find a lexicon's patterns in a column of texts: checks, chooses a matcher, and shares the work between threads.

All matchers give the same rows, always. `ahocorasick` needs no compiler, so small input never waits for one; the
others are kernels over the Arrow buffer, for any processor or for AVX-512.
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
from cipin.matching.automaton_file import automaton_of
from cipin.matching.search import Job, Kernel, Result, choose_kernel, search
from cipin.schema import TextColumn

Matcher = Literal["auto", "ahocorasick", "blocks", "portable", "avx512"]

#: Below this, pyahocorasick (27-86 MB/s) is done before the kernels are loaded from numba's cache.
SMALL_BYTES = 1 << 20
#: What pyahocorasick takes for an empty report, as bytes of text: 5 million took 10.8 s.
BYTES_PER_REPORT = 64


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Occurrences of patterns, ordered by report, start, longer first.

    report   int32[n]   row of the report in the text column
    start    int32[n]   code points from the report's start
    byte     int64[n]   byte in the column's data
    end      int64[n]   the byte behind it
    pattern  int32[n]   row in the lexicon's patterns
    """

    report: NDArray[np.int32]
    start: NDArray[np.int32]
    byte: NDArray[np.int64]
    end: NDArray[np.int64]
    pattern: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.report)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How often each pattern occurs in each report where it does, by report and first occurrence: int32[n] each."""

    report: NDArray[np.int32]
    pattern: NDArray[np.int32]
    count: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.report)


def choose_matcher(
    n_bytes: int, matcher: Matcher = "auto", n_reports: int = 1
) -> tuple[Literal["ahocorasick", "blocks", "portable", "avx512"], str]:
    """Return the matcher for so much text, and why; `matcher` overrides.

    "blocks" is "avx512" where the processor and the lexicon allow it, else "portable": see search.choose_kernel.

    Raises UsageError if there is no matcher of that name.

    >>> choose_matcher(2000)[0]
    'ahocorasick'
    """
    check_choice(matcher, "matcher", get_args(Matcher))
    if matcher == "auto":
        if n_bytes + BYTES_PER_REPORT * n_reports < SMALL_BYTES:
            return "ahocorasick", f"{n_bytes:,} bytes of text are fewer than {SMALL_BYTES:,}: nothing to compile"
        return "blocks", f"{n_bytes:,} bytes of text"
    return matcher, "as asked for"


def prepare(
    lexicon: Lexicon, matcher: Literal["blocks", "portable", "avx512"], changed: Lexicon | None = None
) -> tuple[Kernel, str]:
    """Compile or load the kernel, and build or map the automaton, of `lexicon`; return which kernel it is, and why.

    changed   a lexicon of which it is asked whether any term occurs: that kernel, too

    Raises UsageError if "avx512" can't be had for it on this processor.
    """
    find_matches(_blank(lexicon), lexicon, matcher)
    if changed is not None:
        contains_match(_blank(changed), changed, matcher)
    return choose_kernel(automaton_of(lexicon), None if matcher == "blocks" else matcher)


def _blank(lexicon: Lexicon) -> TextColumn:
    """Return a report of line ends, as long as `_search` wants it for any kernel.

    For an empty one it takes that of levels: 3.8 s to compile where the filtered one was wanted, which each worker then
    compiled for itself, 2.3 s.
    """
    n_bytes = 4 * automaton_of(lexicon).max_length
    return TextColumn(np.full(n_bytes, ord("\n"), np.uint8), np.array([0, n_bytes], np.int64))


def find_matches(
    column: TextColumn,
    lexicon: Lexicon,
    matcher: Matcher = "auto",
    threads: int = 1,
    *,
    longest: bool = False,
    detail: bool = True,
) -> Matches:
    """Find every occurrence of every term, variant and guard of `lexicon` in each text of `column`.

    threads   share the reports between them; the rows are the same for any number
    longest   only the leftmost-longest: of overlapping occurrences the one that begins first, of those the longest
    detail    False leaves `start` and `end` unset (whatever they hold means nothing), which is faster

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> found = find_matches(text_column(pa.array(["大數據與大数据"])), Lexicon.from_terms(["大数据"]))
    >>> found.start.tolist()
    [0, 4]
    """
    chosen, _ = choose_matcher(column.n_bytes, matcher, len(column))
    if chosen == "ahocorasick":
        found = _find_ahocorasick(column, lexicon)
        return _keep_longest(found) if longest else found
    parts = _search(column, lexicon, chosen, threads, "longest" if longest else "all", detail)
    return _concatenate([Matches(*part.rows) for part in parts])


def count_matches(column: TextColumn, lexicon: Lexicon, matcher: Matcher = "auto", threads: int = 1) -> Counts:
    """Count the occurrences of every pattern in each text, overlapping ones too.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> counts = count_matches(text_column(pa.array(["云,云", "", "云"])), Lexicon.from_terms(["云"]))
    >>> list(zip(counts.report.tolist(), counts.count.tolist()))
    [(0, 2), (2, 1)]
    """
    chosen, _ = choose_matcher(column.n_bytes, matcher, len(column))
    if chosen == "ahocorasick":
        found = _find_ahocorasick(column, lexicon)
        cells = np.column_stack([found.report, found.pattern])
        _, first, count = np.unique(cells, axis=0, return_index=True, return_counts=True)
        order = np.argsort(first)
        return Counts(found.report[first[order]], found.pattern[first[order]], count[order].astype(np.int32))
    parts = [part.rows for part in _search(column, lexicon, chosen, threads, "counts", False)]
    empty = np.zeros(0, np.int32)
    return Counts(
        np.concatenate([empty, *(part.report for part in parts)]),
        np.concatenate([empty, *(part.pattern for part in parts)]),
        np.concatenate([empty, *(part.start for part in parts)]),
    )


def contains_match(
    column: TextColumn, lexicon: Lexicon, matcher: Matcher = "auto", threads: int = 1
) -> NDArray[np.bool_]:
    """Return for each text whether any pattern occurs in it: bool[n_reports]. What follows the first is not read.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> contains_match(text_column(pa.array(["云", "", "风"])), Lexicon.from_terms(["云"])).tolist()
    [True, False, False]
    """
    chosen, _ = choose_matcher(column.n_bytes, matcher, len(column))
    if chosen == "ahocorasick":
        has_any = np.zeros(len(column), np.bool_)
        has_any[_find_ahocorasick(column, lexicon).report] = True
        return has_any
    parts = _search(column, lexicon, chosen, threads, "contains", False)
    return np.concatenate([np.zeros(0, np.bool_), *(part.has_any.view(np.bool_) for part in parts)])


_LEVELS: dict[Kernel, Kernel] = {"portable-filtered": "portable-levels", "avx512-filtered": "avx512-levels"}


def _search(
    column: TextColumn,
    lexicon: Lexicon,
    matcher: Literal["blocks", "portable", "avx512"],
    threads: int,
    job: Job,
    detail: bool,
) -> list[Result]:
    automaton = automaton_of(lexicon)
    kernel, _ = choose_kernel(automaton, None if matcher == "blocks" else matcher)
    if kernel.endswith("filtered") and column.n_bytes < 4 * automaton.max_length * len(column):
        # Walks over bytes see the end of a report only behind it: of 60,000 reports of one character each, a pattern of
        # 1,000 such characters was walked through all.
        kernel = _LEVELS[kernel]
    ranges = list(_ranges(column, threads))
    if len(ranges) == 1:
        parts = [search(column, automaton, kernel, job, *ranges[0], detail=detail)]
    else:
        with ThreadPoolExecutor(len(ranges)) as pool:
            parts = list(pool.map(lambda each: search(column, automaton, kernel, job, *each, detail=detail), ranges))
    return parts


def _ranges(column: TextColumn, parts: int) -> Iterator[tuple[int, int]]:
    """Cut the reports into at most `parts` runs of about the same number of bytes."""
    targets = column.offsets[0] + np.arange(1, max(parts, 1)) * (column.n_bytes / max(parts, 1))
    cuts = [0, *np.searchsorted(column.offsets, targets).tolist(), len(column)]
    yield from (each for each in pairwise(cuts) if each[0] < each[1] or len(column) == 0)


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
        start, negative, pattern = np.array(rows, np.int64).T
        heads = np.append(np.flatnonzero((data & 0xC0) != 0x80), len(data))
        parts.append(
            Matches(
                np.full(len(rows), report, np.int32), start.astype(np.int32), begin + heads[start],
                begin + heads[start - negative], pattern.astype(np.int32),
            )
        )  # fmt: skip
    return _concatenate(parts)


def _keep_longest(found: Matches) -> Matches:
    rows, kept_end = [], 0
    for row, (begin, end) in enumerate(zip(found.byte.tolist(), found.end.tolist(), strict=True)):
        if begin >= kept_end:
            rows.append(row)
            kept_end = end
    kept = np.array(rows, np.int64)
    return Matches(found.report[kept], found.start[kept], found.byte[kept], found.end[kept], found.pattern[kept])


def _concatenate(parts: list[Matches]) -> Matches:
    if len(parts) == 1:
        return parts[0]
    empty32, empty64 = np.zeros(0, np.int32), np.zeros(0, np.int64)
    return Matches(
        np.concatenate([empty32, *(part.report for part in parts)]),
        np.concatenate([empty32, *(part.start for part in parts)]),
        np.concatenate([empty64, *(part.byte for part in parts)]),
        np.concatenate([empty64, *(part.end for part in parts)]),
        np.concatenate([empty32, *(part.pattern for part in parts)]),
    )
