"""From patterns met in a block of text to rows: what the four searches share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipin.kernel import piece
from cipin.utf8 import decode

# A search has one of four jobs, told by what it is given besides `out`, so that it is compiled for that alone (3.2 s
# of processor time; for all four at once 4.0):
#   nothing        ALL       every occurrence
#   rows           LONGEST   the leftmost-longest
#   rows, tally    COUNTS    how often each pattern occurs in a report
#   rows, has_any  CONTAINS  whether a report has any

#: Where a search stands: report, byte, and for searches that count characters only up to hits, the byte up to which
#: they are counted, and characters from the report's start to there.
REPORT, BYTE, COUNTED, CHARS = range(4)
#: The end of the last row of LONGEST; for COUNTS the report whose counts are not written yet, and how many they are.
KEPT_END, PENDING, N_TOUCHED = range(4, 7)
#: Bytes of the next block of CONTAINS: fewer where occurrences are found soon, since what follows them is not wanted.
STEP = 7
#: Whether reports are looked at before there is any block, since most have an occurrence among their first bytes: 0 if
#: not; else how many without one are borne.
EARLY = 8
STATE_SIZE = 9
#: The smallest of such blocks, the bytes of a report that are looked at, and what a block of classes costs besides its
#: own bytes.
LEAST_STEP, PEEK, RESTART = 128, 48, 2048
MOST_EARLY = 8


class Trie(NamedTuple):
    """An automaton's arrays, as kernels take them: see cipin.matching.automaton.

    class_of uint16[0x110001], first_base uint32[n], first_pattern int32[n], label uint16[m], entry uint64[m],
    length int32[n_patterns], and whether there are patterns of one character.
    """

    class_of: NDArray[np.uint16]
    first_base: NDArray[np.uint32]
    first_pattern: NDArray[np.int32]
    label: NDArray[np.uint16]
    entry: NDArray[np.uint64]
    length: NDArray[np.int32]
    max_length: int
    has_single: bool


class Found(NamedTuple):
    """Patterns met in a block, in no order: from which listed position, which + 1, and where it ends (or nothing)."""

    at: NDArray[np.int32]
    pattern: NDArray[np.int32]
    end: NDArray[np.int32]


class Rows(NamedTuple):
    """Columns of rows: report, code points from its start, first byte and the one behind, pattern.

    Of COUNTS: report, how many, pattern; `byte` and `end` mean nothing.
    """

    report: NDArray[np.int32]
    start: NDArray[np.int32]
    byte: NDArray[np.int64]
    end: NDArray[np.int64]
    pattern: NDArray[np.int32]


class Tally(NamedTuple):
    """What COUNTS keeps: occurrences of each pattern in the present report, and the patterns that have some."""

    number: NDArray[np.int32]
    touched: NDArray[np.int32]


@piece
def order(found, n_found, n_start, tally, row_found):
    """Sort what was met by position, longer patterns first.

    found      Found; shorter patterns of a position stand before longer ones
    n_start    listed positions
    tally      int32[n_start]  scratch
    row_found  int32[n_found]  out: index into `found` of each row
    """
    if n_found == 1:
        row_found[0] = 0
    if n_found <= 1:
        return
    for each in range(n_start):
        tally[each] = 0
    for each in range(n_found):
        tally[found.at[each]] += 1
    total = 0
    for each in range(n_start):
        total += tally[each]
        tally[each] = total
    # Rows of a position are filled from the back: longer first.
    for each in range(n_found):
        origin = found.at[each]
        tally[origin] -= 1
        row_found[tally[origin]] = each


@piece
def place_classes(
    found, n_found, row_found, position, byte_at, begins, n_begun, report, byte, chars_before, length, detail, rows, n
):
    """Write the rows of a block of classes to rows[n:]; returns how many. `detail`: with start and end."""
    begun = np.int64(0)
    shift = chars_before
    until = begins[1] if n_begun > 1 else np.int32(0x7FFFFFFF)
    for each in range(n_found):
        source = row_found[each]
        at = position[found.at[source]]
        pattern = found.pattern[source] - 1
        while at >= until:
            begun += 1
            shift = -np.int64(begins[begun])
            until = begins[begun + 1] if begun + 1 < n_begun else np.int32(0x7FFFFFFF)
        rows.report[n + each] = report + begun
        rows.byte[n + each] = byte + byte_at[at]
        rows.pattern[n + each] = pattern
        if detail:
            rows.start[n + each] = at + shift
            rows.end[n + each] = byte + byte_at[at + length[pattern]]
    return n_found


@piece
def place_bytes(found, n_found, row_found, candidates, offsets, byte, state, rows, n):
    """Write the rows of a block of bytes to rows[n:], but for start; returns how many. Moves the state's report on.

    Where a report ends inside a pattern, it is none of that report.
    """
    report = state[REPORT]
    report_end = offsets[report + 1]
    n_rows = np.int64(0)
    for each in range(n_found):
        source = row_found[each]
        begin = byte + candidates[found.at[source]]
        while begin >= report_end:
            report += 1
            report_end = offsets[report + 1]
        end = byte + found.end[source]
        rows.report[n + n_rows] = report
        rows.byte[n + n_rows] = begin
        rows.end[n + n_rows] = end
        rows.pattern[n + n_rows] = found.pattern[source] - 1
        n_rows += np.int64(end <= report_end)
    state[REPORT] = report
    return n_rows


@piece
def advance(begins, n_begun, byte_at, n_classes, n_starts, complete, offsets, state):
    """Move the state behind a block of classes, of which `n_starts` positions are done."""
    if complete and n_starts == n_classes:
        state[REPORT] += n_begun
        state[BYTE] = offsets[state[REPORT]]
        state[CHARS] = 0
    else:
        last = n_begun - 1
        while last > 0 and begins[last] > n_starts:
            last -= 1
        state[CHARS] = n_starts - begins[last] + (state[CHARS] if last == 0 else 0)
        state[REPORT] += last
        state[BYTE] += byte_at[n_starts]


@piece
def keep_longest(rows, n_rows, state, out, n_out):
    """Append to `out` the rows that begin behind the last one kept; returns the rows in `out`."""
    kept_end = state[KEPT_END]
    for row in range(n_rows):
        if rows.byte[row] >= kept_end:
            kept_end = rows.end[row]
            out.report[n_out] = rows.report[row]
            out.start[n_out] = rows.start[row]
            out.byte[n_out] = rows.byte[row]
            out.end[n_out] = kept_end
            out.pattern[n_out] = rows.pattern[row]
            n_out += 1
    state[KEPT_END] = kept_end
    return n_out


@piece
def write_counts(tally, state, out, n_out):
    """Append the counts that are not written yet; returns the rows in `out`."""
    for each in range(state[N_TOUCHED]):
        pattern = tally.touched[each]
        out.report[n_out] = state[PENDING]
        out.pattern[n_out] = pattern
        out.start[n_out] = tally.number[pattern]
        tally.number[pattern] = 0
        n_out += 1
    state[N_TOUCHED] = 0
    return n_out


@piece
def add_counts(rows, n_rows, tally, state, out, n_out):
    """Count rows, and append the counts of reports that are done; returns the rows in `out`."""
    for row in range(n_rows):
        if rows.report[row] != state[PENDING]:
            n_out = write_counts(tally, state, out, n_out)
            state[PENDING] = rows.report[row]
        pattern = rows.pattern[row]
        if tally.number[pattern] == 0:
            tally.touched[state[N_TOUCHED]] = pattern
            state[N_TOUCHED] += 1
        tally.number[pattern] += 1
    return n_out


@piece
def finish(rows, n_rows, tally, has_any, state, out, n_out):
    """Do the job with the rows of a block; returns the rows in `out`."""
    if rows is None:
        n_out += n_rows
    elif tally is not None:
        n_out = add_counts(rows, n_rows, tally, state, out, n_out)
    elif has_any is not None:
        for row in range(n_rows):
            has_any[rows.report[row]] = 1
    else:
        n_out = keep_longest(rows, n_rows, state, out, n_out)
    return n_out


@piece
def close(n_reports, tally, state, out, n_out):
    """Append the counts of the last report, where the text has ended and there is room; returns the rows in `out`."""
    if tally is not None:
        if state[REPORT] == n_reports and n_out + state[N_TOUCHED] <= out.report.size:
            n_out = write_counts(tally, state, out, n_out)
    return n_out


@piece
def block_limit(has_any, limit, state):
    """Bytes of the next block."""
    if has_any is None:
        return np.int64(limit)
    return min(state[STEP], np.int64(limit))


@piece
def skip_known(data, trie, has_any, rows, n_rows, least, restart, limit, offsets, state):
    """For CONTAINS: go on with the next report, where the present one has an occurrence, and settle the next block.

    Whole blocks of 16 KB are wasted on texts that all begin with one of 337,000 words, of which so 0.3 GB/s are done;
    small ones get through 1.3 GB/s, and a look at the first characters of each through 4. Where an occurrence stands
    in the midst of 3 KB, whole blocks are best: 1.4 GB/s of 0.9.
    """
    if has_any is None:
        return
    gain = n_early = n_late = np.int64(0)
    last = np.int64(-1)
    for row in range(n_rows):
        report, byte = np.int64(rows.report[row]), rows.byte[row]
        if report != last:
            gain += min(offsets[report + 1], state[BYTE]) - byte - restart
            n_early += byte - offsets[report] < PEEK
            n_late += byte - offsets[report] >= PEEK
            last = report
    if n_early > n_late:
        state[EARLY] = MOST_EARLY
    if 4 * gain > state[STEP] or (state[EARLY] > 0 and n_rows):
        state[STEP] = max(state[STEP] >> 1, least, LEAST_STEP)
    elif 8 * gain < state[STEP]:
        state[STEP] = min(state[STEP] << 1, limit)
    report = state[REPORT]
    if report < offsets.size - 1 and has_any[report] and state[BYTE] < offsets[report + 1]:
        state[REPORT] = report + 1
        state[BYTE] = offsets[report + 1]
        state[COUNTED] = offsets[report + 1]
        state[CHARS] = 0
    while state[EARLY] > 0 and state[REPORT] < offsets.size - 1 and state[BYTE] == offsets[state[REPORT]]:
        if not begins_with_any(data, offsets, trie, state):
            state[EARLY] -= 1
            break
        state[EARLY] = min(state[EARLY] + 1, MOST_EARLY)
        has_any[state[REPORT]] = 1
        state[REPORT] += 1
        state[BYTE] = state[COUNTED] = offsets[state[REPORT]]
        state[CHARS] = 0


@piece
def begins_with_any(data, offsets, trie, state):
    """Whether a pattern begins within the first PEEK bytes of the report at which the search stands."""
    begin, end = state[BYTE], offsets[state[REPORT] + 1]
    stop = min(begin + PEEK, end)
    while begin < stop:
        point, begin = decode(data, begin)
        at = begin
        here = trie.class_of[point]
        if trie.first_pattern[here] != 0:
            return True
        base = np.int64(trie.first_base[here])
        while base != 0 and at < end:
            point, at = decode(data, at)
            ahead = np.int64(trie.class_of[point])
            if np.int64(trie.label[base + ahead]) != ahead:
                break
            entry = trie.entry[base + ahead]
            if entry & np.uint64(0xFFFFFFFF) != 0:
                return True
            base = np.int64(entry >> np.uint64(32))
    return False


@piece
def settle_classes(
    found, n_found, n_start, position, tallies, row_found, block, n_starts, trie, data, offsets, detail, limit, state,
    rows, tally, has_any, out, n_out,
):  # fmt: skip
    """Do the job for what was met in a block of classes, and move the state behind it; returns the rows in `out`.

    block     (byte_at, begins, n_begun, n_classes, complete), as decode_block leaves them
    n_starts  positions of the block that were begun from; n_start: those that were listed, in `position`
    """
    byte_at, begins, n_begun, n_classes, complete = block
    order(found, n_found, n_start, tallies, row_found)
    n_rows = place_classes(
        found, n_found, row_found, position, byte_at, begins, n_begun, state[REPORT], state[BYTE], state[CHARS],
        trie.length, detail, out if rows is None else rows, n_out if rows is None else np.int64(0),
    )  # fmt: skip
    n_out = finish(rows, n_rows, tally, has_any, state, out, n_out)
    advance(begins, n_begun, byte_at, n_classes, n_starts, complete, offsets, state)
    skip_known(data, trie, has_any, rows, n_rows, 8 * trie.max_length + 64, RESTART, limit, offsets, state)
    return n_out
