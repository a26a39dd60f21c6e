"""Which occurrences count, and why the others do not: boundaries, guards, overlaps; columns in, columns out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.kernel import fitting, is_compiled
from cipin.lexicon.model import Lexicon
from cipin.matching.kernels import judging, plain
from cipin.matching.scan import Matches, find_matches
from cipin.matching.words import between_words
from cipin.schema import TextColumn, array_of
from cipin.utf8 import is_latin

#: Rows up to which the kernels run uncompiled: loading them from numba's cache takes 0.2 s, the first time 6 s.
SMALL_ROWS = 20_000
#: The same of hits that are held against jieba's words, each of which takes 1.4 ms uncompiled.
SMALL_WORDS = 1_000

BOUNDARY, BOUNDARY_JIEBA = "boundary", "boundary:jieba"


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Occurrences of terms, each with its verdict, ordered by report, start, longer first.

    report, start, end    int32[n]    row of the report; code points from its start, half-open
    byte_start, byte_end  int64[n]    the same span as bytes of the text column
    term                  int32[n]    row in lexicon.terms
    kept                  bool[n]
    reason                int32[n]    index into `reasons`; 0 for kept hits
    reasons               tuple[str]  "", "boundary", "guard:…", "overlap:…"
    """

    report: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    byte_start: NDArray[np.int64]
    byte_end: NDArray[np.int64]
    term: NDArray[np.int32]
    kept: NDArray[np.bool_]
    reason: NDArray[np.int32]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.report)


@dataclass(frozen=True, slots=True, eq=False)
class _Roles:
    """What an occurrence of each pattern means.

    term      int32[n_patterns]   term, or -1
    length    int32[n_patterns]   code points
    checks    uint8[n_patterns]   1: begins, 2: ends in a Latin letter or digit
    guards    (first int64[n_patterns + 1], term int32[m], label int32[m])   rows first[p]:first[p + 1] are p's
    unless    the same
    reasons   of guards, that `label` counts; of overlaps, by term: a lexicon may have 30,000 guards
    """

    term: NDArray[np.int32]
    length: NDArray[np.int32]
    checks: NDArray[np.uint8]
    guards: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
    unless: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
    reasons: tuple[tuple[str, ...], tuple[str, ...]]


def judge(matches: Matches, column: TextColumn, lexicon: Lexicon, *, compiled: bool | None = None) -> Hits:
    """Judge every occurrence of a term among `matches`, by the rules of DESIGN.md, "Match semantics".

    compiled   whether to run the kernels compiled; None: where there are enough rows

    >>> import pyarrow as pa; from cipin.schema import text_column; from cipin.matching.scan import find_matches
    >>> lexicon = Lexicon.from_terms(["流计算"], guards={"流计算": ["现金流计算"]})
    >>> column = text_column(pa.array(["现金流计算与流计算"]))
    >>> hits = judge(find_matches(column, lexicon), column, lexicon)
    >>> [(int(start), hits.reasons[reason]) for start, reason in zip(hits.start, hits.reason)]
    [(2, 'guard:现金流计算'), (6, '')]
    """
    kernel = _chosen(compiled, len(matches), SMALL_ROWS)
    roles = _roles_of(lexicon)
    is_hit = roles.term[matches.pattern] >= 0
    pattern = matches.pattern[is_hit]
    report, start = matches.report[is_hit], matches.start[is_hit]
    byte_start, byte_end = matches.byte[is_hit], matches.end[is_hit]
    term, length = roles.term[pattern], roles.length[pattern]
    end = start + length

    kept = np.ones(len(pattern), np.bool_)
    reason = np.zeros(len(pattern), np.int32)
    reasons = ["", BOUNDARY, BOUNDARY_JIEBA]
    if lexicon.boundaries != "none":
        cuts = np.empty(len(pattern), np.bool_)
        kernel(judging.cut_words)(
            column.data, column.offsets[report], column.offsets[report + 1], byte_start, byte_end,
            roles.checks[pattern], cuts,
        )  # fmt: skip
        kept &= ~cuts
        reason[cuts] = 1
    if lexicon.boundaries == "jieba":
        chosen = _chosen(compiled, int(kept.sum()), SMALL_WORDS)
        cuts = kept & ~between_words(column, lexicon.fold, report, byte_start, byte_end, kept, chosen)
        kept &= ~cuts
        reason[cuts] = 2

    hits = (report, start, end, term)
    guard = _covers(matches, roles, roles.guards, hits, kernel)
    if guard is not None:
        rows, labels = guard
        lifted = _covers(matches, roles, roles.unless, hits, kernel)
        guarded = kept & (rows >= 0) & (True if lifted is None else lifted[0] < 0)
        kept &= ~guarded
        reason[guarded] = len(reasons) + labels[rows[guarded]]
    reasons += roles.reasons[0]

    if lexicon.match == "leftmost-longest":
        lost_to = np.empty(len(pattern), np.int32)
        kernel(judging.resolve_overlaps)(report, start, end, kept, lost_to)
        lost = lost_to >= 0
        reason[lost] = len(reasons) + term[lost_to[lost]]
    reasons += roles.reasons[1]
    return Hits(report, start, end, byte_start, byte_end, term, kept, reason, tuple(reasons))


def gather_text(
    column: TextColumn, begin: NDArray[np.int64], end: NDArray[np.int64], *, compiled: bool | None = None
) -> pa.Array:
    """Return the text of each span of bytes, as an Arrow array of strings.

    compiled   whether to run the kernel compiled; None: where there are enough rows
    """
    offsets = np.zeros(len(begin) + 1, np.int64)
    np.cumsum(end - begin, out=offsets[1:])
    out = np.empty(int(offsets[-1]), np.uint8)
    gather = _chosen(compiled, len(begin), SMALL_ROWS)(judging.gather)
    if gather is judging.gather:
        gather(column.data, begin, end, offsets, out)
    else:  # by slices, which are faster than that loop uncompiled
        for row, (low, high) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
            out[offsets[row] : offsets[row + 1]] = column.data[low:high]
    large = pa.LargeStringArray.from_buffers(len(begin), pa.py_buffer(offsets), pa.py_buffer(out))
    return large.cast(pa.string())


def has_kernels() -> bool:
    """Tell whether `load_kernels` compiles nothing."""
    return is_compiled(judging.find_covers)


#: Bytes that nobody may write to, as those of a corpus: numba compiles anew for others.
_SAMPLE = TextColumn(np.frombuffer("增加大数据，大数据".encode(), np.uint8), np.array([0, 27], np.int64))


def load_few_kernels() -> None:
    """Compile those of `load_kernels` that take least, or load them from numba's cache."""
    none = np.zeros(0, np.int32)
    judging.resolve_overlaps(none, none, none, none.astype(np.bool_), none)
    gather_text(_SAMPLE, none.astype(np.int64), none.astype(np.int64), compiled=True)


def load_kernels() -> None:
    """Compile what judging and `gather_text` take, or load it from numba's cache."""
    lexicon = Lexicon.from_terms(["大数据"], guards={"大数据": ["加大数据"]}, unless={"大数据": ["增加大数据"]})
    hits = judge(find_matches(_SAMPLE, lexicon, "ahocorasick"), _SAMPLE, lexicon, compiled=True)
    gather_text(_SAMPLE, hits.byte_start, hits.byte_end, compiled=True)


def names_of(names: tuple[str, ...], index: NDArray[np.int32]) -> pa.Array:
    """Return `names[index]` as an Arrow array of strings, null where the index is negative."""
    used, place = np.unique(index, return_inverse=True)
    data = [names[each].encode() if each >= 0 else b"" for each in used.tolist()]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int32)
    dictionary = pa.StringArray.from_buffers(len(data), pa.py_buffer(offsets), pa.py_buffer(b"".join(data)))
    valid = None if used.size == 0 or used[0] >= 0 else index >= 0
    return pa.DictionaryArray.from_arrays(array_of(place.astype(np.int32), valid), dictionary).cast(pa.string())


def _chosen(compiled: bool | None, n_rows: int, small: int) -> Callable[[Any], Callable[..., Any]]:
    """Return what is to be called of a kernel for so many rows."""
    if compiled is None:
        return lambda kernel: fitting(kernel, n_rows, small)
    return (lambda kernel: kernel) if compiled else plain


@lru_cache(maxsize=8)
def _roles_of(lexicon: Lexicon) -> _Roles:
    patterns = lexicon.patterns
    labels: dict[str, int] = {}

    def rows(
        table: tuple[Any, ...],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        first = np.zeros(len(table) + 1, np.int64)
        np.cumsum([len(each) for each in table], out=first[1:])
        pairs = [
            (term, labels.setdefault(label, len(labels))) for each in table if each for term, label in each.items()
        ]
        terms, numbers = np.array(pairs, np.int32).reshape(-1, 2).T
        return first, np.ascontiguousarray(terms), np.ascontiguousarray(numbers)

    guards, unless = rows(patterns.guards), rows(patterns.unless)
    first, last = ("".join(each[at] for each in patterns.strings) for at in (0, -1))
    latin = {character: is_latin(ord(character)) for character in {*first, *last}}
    checks = [latin[a] | latin[z] << 1 for a, z in zip(first, last, strict=True)]
    return _Roles(
        term=np.array(patterns.term_of, np.int32),
        length=np.fromiter(map(len, patterns.strings), np.int32, len(patterns.strings)),
        checks=np.array(checks, np.uint8),
        guards=guards,
        unless=unless,
        reasons=(
            tuple(f"guard:{label}" for label in labels),
            tuple(f"overlap:{each.name}" for each in lexicon.terms),
        ),
    )


def _covers(
    matches: Matches,
    roles: _Roles,
    phrases: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]],
    hits: tuple[NDArray[np.int32], ...],
    kernel: Callable[[Any], Callable[..., Any]],
) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None:
    """Return for each hit the row of the phrase that covers it (-1: none), and the label of each such row."""
    first, of_term, label = phrases
    many = np.diff(first)[matches.pattern]
    rows = np.flatnonzero(many)
    if rows.size == 0:
        return None
    # One row for each (occurrence, term it speaks of), in the order of the occurrences.
    source = np.repeat(rows, many[rows])
    within = np.arange(source.size) - np.repeat(np.cumsum(many[rows]) - many[rows], many[rows])
    entry = first[matches.pattern[source]] + within
    start = matches.start[source]
    length = roles.length[matches.pattern[source]]
    covered_by = np.empty(len(hits[0]), np.int32)
    kernel(judging.find_covers)(
        *hits, matches.report[source], start, start + length, of_term[entry], int(length.max()), covered_by
    )
    return covered_by, label[entry]
