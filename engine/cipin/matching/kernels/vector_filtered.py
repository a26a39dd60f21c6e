"""`filtered.search` with AVX-512: a filter over six bytes, then the trie over bytes, sixteen walks at once."""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.lanes import count_bits, heads_64, lowest_bit
from cipin.matching.kernels.rows import (
    BYTE,
    CHARS,
    COUNTED,
    N_TOUCHED,
    REPORT,
    RESTART,
    block_limit,
    close,
    finish,
    order,
    place_bytes,
    skip_known,
)
from cipin.matching.kernels.vector import (
    SLACK,
    filter_64,
    prefetch,
    start_16,
    step_16,
)
from cipin.utf8 import decode

#: Bytes that must be readable behind a block, besides those of the longest pattern.
MARGIN = 128
AHEAD = 2048


@piece
def list_candidates(data, byte, n_here, tables, candidates):
    """List the positions, from `byte` on, where a pattern may begin: int32[n_here + SLACK]. Returns how many."""
    n = np.int64(0)
    for at in range(0, n_here, 64):
        prefetch(data, byte + at + AHEAD)
        mask = filter_64(data, byte + at, tables)
        many = count_bits(mask)
        # Nearly all have two or fewer: written without asking.
        candidates[n] = at + lowest_bit(mask)
        mask &= mask - np.uint64(1)
        candidates[n + 1] = at + lowest_bit(mask)
        for each in range(2, many):
            mask &= mask - np.uint64(1)
            candidates[n + each] = at + lowest_bit(mask)
        n += many
    while n > 0 and candidates[n - 1] >= n_here:
        n -= 1
    return n


@piece
def note_single(data, byte, candidates, n_candidates, trie, found):
    """Note the patterns of one character at the candidates; returns how many."""
    n_found = np.int64(0)
    if trie.has_single:
        for each in range(n_candidates):
            begin = byte + candidates[each]
            if (data[begin] & 0xC0) != 0x80:
                point, end = decode(data, begin)
                pattern = trie.first_pattern[trie.class_of[point]]
                found.at[n_found] = each
                found.pattern[n_found] = pattern
                found.end[n_found] = end - byte
                n_found += np.int64(pattern != 0)
    return n_found


@piece
def walk_all(data, byte, candidates, n_candidates, trie, base, at, live, found):
    """Note every pattern that begins at a candidate, shorter ones first; how many, or -1 if there is no room."""
    capacity = found.at.size - SLACK
    if n_candidates > capacity:
        return np.int64(-1)
    n_found = note_single(data, byte, candidates, n_candidates, trie, found)
    n_live = np.int64(0)
    for each in range(0, n_candidates, 16):
        n_valid = min(n_candidates - each, np.int64(16))
        n_live += start_16(
            data, byte, candidates, each, n_valid, trie.class_of, trie.first_base, base, at, live, n_live
        )
    while n_live > 0:
        if n_found + n_live > capacity:
            return np.int64(-1)
        n_next = np.int64(0)
        for each in range(0, n_live, 16):
            n_valid = min(n_live - each, np.int64(16))
            both = step_16(
                data, byte, base, at, live, each, n_valid, trie.class_of, trie.label, trie.entry, n_next, found.at,
                found.pattern, found.end, n_found,
            )  # fmt: skip
            n_found += both >> 32
            n_next += both & 0xFFFFFFFF
        n_live = n_next
    return n_found


@piece
def count_heads(data, begin, end):
    """Count the characters that begin in data[begin:end]; 64 bytes behind `begin` and each 64 more are read."""
    n = np.int64(0)
    at = begin
    while at + 64 <= end:
        n += count_bits(heads_64(data, at))
        at += 64
    if at < end:
        n += count_bits(heads_64(data, at) & ((np.uint64(1) << np.uint64(end - at)) - np.uint64(1)))
    return n


@piece
def count_starts(data, offsets, rows, n, n_rows, state):
    """Fill in start of rows[n:]: code points are counted only up to hits."""
    counted, chars = state[COUNTED], state[CHARS]
    for row in range(n, n + n_rows):
        begin = rows.byte[row]
        report_begin = offsets[rows.report[row]]
        if report_begin > counted:
            counted = report_begin
            chars = 0
        chars += count_heads(data, counted, begin)
        counted = begin
        rows.start[row] = chars
    state[COUNTED], state[CHARS] = counted, chars


@kernel
def search(data, offsets, tables, trie, detail, limit, state, scratch, found, rows, tally, has_any, out):
    """Do a job for every report, until the text, the room in `out`, or what may be read of `data` ends.

    tables   uint8[6 * 64]: see vector.filter_64
    scratch  (candidates, base, at, live, tally: int32[limit + SLACK], and row_found as long as `found`, which has
             SLACK more than counts in it)

    Stops before a block behind which less than MARGIN bytes of `data` and four for each character of the longest
    pattern follow: the caller goes on with a copy that has them. The rest is as for filtered.search.
    """
    candidates, base, at, live, tallies, row_found = scratch
    n_reports = offsets.size - 1
    last = offsets[n_reports]
    readable = data.size - MARGIN - 4 * trie.max_length
    n_out = np.int64(0)
    while state[BYTE] < last:
        byte = state[BYTE]
        n_here = min(block_limit(has_any, limit, state), last - byte)
        if byte + n_here > readable:
            return n_out
        n_candidates = list_candidates(data, byte, n_here, tables, candidates)
        while True:
            n_found = walk_all(data, byte, candidates, n_candidates, trie, base, at, live, found)
            if n_found >= 0:
                break
            n_candidates //= 2
            n_here = np.int64(candidates[n_candidates])
        if n_out + n_found + state[N_TOUCHED] > out.report.size:
            return n_out
        order(found, n_found, n_candidates, tallies, row_found)
        target = out if rows is None else rows
        n = n_out if rows is None else np.int64(0)
        n_rows = place_bytes(found, n_found, row_found, candidates, offsets, byte, state, target, n)
        if detail:
            count_starts(data, offsets, target, n, n_rows, state)
        n_out = finish(rows, n_rows, tally, has_any, state, out, n_out)
        state[BYTE] = byte + n_here
        skip_known(data, trie, has_any, rows, n_rows, 0, RESTART // 8, limit, offsets, state)
    state[REPORT] = n_reports
    return close(n_reports, tally, state, out, n_out)
