"""Blocks of text, and the trie level by level, for any processor.

A scalar automaton waits for one load per byte. Here a block of text is decoded into character classes, all its
positions take their first step at once, and the few that live on take the next, level by level: each step is a
branch-free pass over a compacted list, so that loads overlap. (The idea and its measurements: DESIGN.md, "How
matching is fast".)
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.matching.kernels.rows import BYTE, N_TOUCHED, REPORT, block_limit, close, settle_classes
from cipin.utf8 import decode


@piece
def decode_block(data, offsets, class_of, report, byte, limit, classes, byte_at, begins):
    """Decode text into character classes, from `byte` in `report`, until `limit` bytes or the last report.

    data       uint8[n_bytes]            valid UTF-8
    offsets    int64[n_reports + 1]      report r is data[offsets[r]:offsets[r + 1]]
    class_of   uint16[0x110000]          class of each code point; 0: in no pattern
    classes    uint16[limit + 1]         out; each report is followed by one 0, so that no match crosses its end
    byte_at    int32[limit + 1]          out; where each class begins, relative to `byte`
    begins     int32[limit + 1]          out; begins[i] is where report + i begins in `classes` (begins[0] is 0)

    Returns (classes written, reports begun, whether the last of them is complete).
    """
    n_reports = offsets.size - 1
    n_classes = 0
    n_begun = 0
    at = byte
    stop_at = byte + limit
    complete = True
    while report + n_begun < n_reports and n_classes < limit and at <= stop_at - 4:
        report_end = offsets[report + n_begun + 1]
        begins[n_begun] = n_classes
        n_begun += 1
        end = min(report_end, stop_at - 3)
        while at < end and n_classes < limit:
            byte_at[n_classes] = at - byte
            point, at = decode(data, at)
            classes[n_classes] = class_of[point]
            n_classes += 1
        # Beyond it only where the text is no UTF-8: then nothing is promised but an end.
        at = min(at, report_end)
        complete = at == report_end and n_classes < limit
        if not complete:
            break
        classes[n_classes] = 0
        byte_at[n_classes] = at - byte
        n_classes += 1
    classes[n_classes] = 0
    byte_at[n_classes] = at - byte
    return n_classes, n_begun, complete


@piece
def first_step(classes, n_starts, trie, position, slot):
    """List the positions whose first two characters begin a pattern, or whose first is one.

    position  int32[n_starts]   out: index into `classes`, ascending
    slot      int32[n_starts]   out: where the second character sits in the double array; 0 if it does not

    Returns how many there are.
    """
    n_live = 0
    if trie.has_single:
        for at in range(n_starts):
            here = classes[at]
            ahead = classes[at + 1]
            to = np.int64(trie.first_base[here]) + np.int64(ahead)
            found = trie.label[to] == ahead
            position[n_live] = at
            slot[n_live] = to if found else 0
            n_live += np.int64(found or trie.first_pattern[here] != 0)
    else:
        for at in range(n_starts):
            ahead = classes[at + 1]
            to = np.int64(trie.first_base[classes[at]]) + np.int64(ahead)
            position[n_live] = at
            slot[n_live] = to
            n_live += np.int64(trie.label[to] == ahead)
    return n_live


@piece
def note_single(classes, position, n_start, trie, found):
    """Note the patterns of one character at the listed positions; returns how many."""
    n_found = np.int64(0)
    if trie.has_single:
        for each in range(n_start):
            pattern = trie.first_pattern[classes[position[each]]]
            found.at[n_found] = each
            found.pattern[n_found] = pattern
            n_found += np.int64(pattern != 0)
    return n_found


@piece
def further_steps(classes, position, slot, n_start, trie, live, found):
    """Walk the trie from each listed position, all positions level by level, and note every pattern met.

    live   int32[n_start]   scratch: which listed position each living walk began at
    found  Found[capacity]  out, in the order of levels

    `slot` is overwritten. Returns how many were met, or -1 if `capacity` is too small for them.
    """
    capacity = found.at.size
    if n_start > capacity:
        return -1
    n_found = note_single(classes, position, n_start, trie, found)
    for each in range(n_start):
        live[each] = each
    n_live = n_start
    level = 2
    while n_live > 0:
        if n_found + n_live > capacity:
            return -1
        n_next = 0
        for each in range(n_live):
            here = trie.entry[slot[each]]
            origin = live[each]
            pattern = np.int32(here & np.uint64(0xFFFFFFFF))
            found.at[n_found] = origin
            found.pattern[n_found] = pattern
            n_found += np.int64(pattern != 0)
            ahead = classes[position[origin] + level]
            to = np.int64(here >> np.uint64(32)) + np.int64(ahead)
            live[n_next] = origin
            slot[n_next] = to
            n_next += np.int64(trie.label[to] == ahead)
        n_live = n_next
        level += 1
    return n_found


@kernel
def search(data, offsets, trie, detail, limit, state, scratch, found, rows, tally, has_any, out):
    """Do a job for every report, until the text or the room in `out` ends.

    data      uint8[n_bytes]  valid UTF-8; offsets int64[n_reports + 1]: report r is data[offsets[r]:offsets[r + 1]]
    detail    whether ALL fills in start and end
    limit     bytes of text in a block; at least 8 * max_length + 64
    state     int64[STATE_SIZE]: where to begin, and on return where to go on; finished when the report is n_reports
    scratch   (classes uint16, byte_at, begins, position, slot, live, tally, row_found: int32), [limit + 1] each but
              row_found, which has the room of `found`
    rows, tally, has_any   what makes the job (see rows.py), or None; Rows as long as `found`, and `out` has room for
              them, and for COUNTS for a row more for each pattern

    Rows are ordered by report, start, longer first; those of COUNTS by report and first occurrence. Returns how many
    there are.
    """
    classes, byte_at, begins, position, slot, live, tallies, row_found = scratch
    n_reports = offsets.size - 1
    n_out = np.int64(0)
    while state[REPORT] < n_reports:
        n_classes, n_begun, complete = decode_block(
            data, offsets, trie.class_of, state[REPORT], state[BYTE], block_limit(has_any, limit, state), classes,
            byte_at, begins,
        )  # fmt: skip
        # Where the last report goes on, its last positions are left to the next block, which begins with them.
        n_starts = n_classes if complete else max(n_classes - (trie.max_length - 1), begins[n_begun - 1])
        while True:
            n_start = first_step(classes, n_starts, trie, position, slot)
            n_found = further_steps(classes, position, slot, n_start, trie, live, found)
            if n_found >= 0:
                break
            n_starts = n_starts // 2
        if n_out + n_found + state[N_TOUCHED] > out.report.size:
            break
        block = byte_at, begins, n_begun, n_classes, complete
        n_out = settle_classes(
            found, n_found, n_start, position, tallies, row_found, block, n_starts, trie, data, offsets, detail, limit,
            state, rows, tally, has_any, out, n_out,
        )  # fmt: skip
    return close(n_reports, tally, state, out, n_out)
