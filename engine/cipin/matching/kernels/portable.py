"""All occurrences of all patterns: blocks of text, and the trie level by level.

A scalar automaton waits for one load per byte. Here a block of text is decoded into character classes, all its
positions take their first step at once, and the few that live on take the next, level by level: each step is a
branch-free pass over a compacted list, so that loads overlap. (The idea and its measurements: DESIGN.md, "How
matching is fast".)
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel
from cipin.utf8 import decode


@kernel
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
        complete = at == report_end and n_classes < limit
        if not complete:
            break
        classes[n_classes] = 0
        byte_at[n_classes] = at - byte
        n_classes += 1
    classes[n_classes] = 0
    byte_at[n_classes] = at - byte
    return n_classes, n_begun, complete


@kernel
def first_step(classes, n_starts, first_base, first_pattern, has_single, label, position, slot):
    """List the positions whose first two characters begin a pattern, or whose first is one.

    position  int32[n_starts]   out: index into `classes`, ascending
    slot      int32[n_starts]   out: where the second character sits in the double array; 0 if it does not

    Returns how many there are.
    """
    n_live = 0
    if has_single:
        for at in range(n_starts):
            here = classes[at]
            ahead = classes[at + 1]
            to = np.int64(first_base[here]) + np.int64(ahead)
            found = label[to] == ahead
            position[n_live] = at
            slot[n_live] = to if found else 0
            n_live += np.int64(found or first_pattern[here] != 0)
    else:
        for at in range(n_starts):
            ahead = classes[at + 1]
            to = np.int64(first_base[classes[at]]) + np.int64(ahead)
            position[n_live] = at
            slot[n_live] = to
            n_live += np.int64(label[to] == ahead)
    return n_live


@kernel
def further_steps(
    classes, position, slot, n_start, first_pattern, has_single, label, entry, live, tally, found_at, found_pattern
):
    """Walk the trie from each listed position, all positions level by level, and note every pattern met.

    live           int32[n_start]   scratch: which listed position each living walk began at
    tally          int32[n_start]   out: patterns met from each listed position
    found_at       int32[capacity]  out: index into `position`, in the order of levels
    found_pattern  int32[capacity]  out: pattern id + 1

    `slot` is overwritten. Returns how many were met, or -1 if `capacity` is too small for them.
    """
    capacity = found_at.size
    n_found = 0
    if n_start > capacity:
        return -1
    for each in range(n_start):
        tally[each] = 0
        live[each] = each
    if has_single:
        for each in range(n_start):
            pattern = first_pattern[classes[position[each]]]
            met = np.int32(pattern != 0)
            tally[each] = met
            found_at[n_found] = each
            found_pattern[n_found] = pattern
            n_found += met
    n_live = n_start
    level = 2
    while n_live > 0:
        if n_found + n_live > capacity:
            return -1
        n_next = 0
        for each in range(n_live):
            here = entry[slot[each]]
            origin = live[each]
            pattern = np.int32(here & np.uint64(0xFFFFFFFF))
            met = np.int32(pattern != 0)
            tally[origin] += met
            found_at[n_found] = origin
            found_pattern[n_found] = pattern
            n_found += met
            ahead = classes[position[origin] + level]
            to = np.int64(here >> np.uint64(32)) + np.int64(ahead)
            live[n_next] = origin
            slot[n_next] = to
            n_next += np.int64(label[to] == ahead)
        n_live = n_next
        level += 1
    return n_found


@kernel
def emit(
    position, n_start, tally, found_at, found_pattern, n_found, byte_at, begins, n_begun, report, byte, chars_before,
    n_out, out_report, out_start, out_byte, out_pattern,
):  # fmt: skip
    """Write the patterns met in a block in the order of the text, longer first, as rows of four columns."""
    total = n_out
    for each in range(n_start):
        total += tally[each]
        tally[each] = total
    # Levels noted shorter patterns first, and rows are filled from the back of each position: longer first.
    for each in range(n_found):
        origin = found_at[each]
        tally[origin] -= 1
        row = tally[origin]
        at = position[origin]
        out_start[row] = at
        out_byte[row] = byte + byte_at[at]
        out_pattern[row] = found_pattern[each] - 1
    begun = 0
    shift = chars_before
    until = begins[1] if n_begun > 1 else np.int32(0x7FFFFFFF)
    for row in range(n_out, total):
        at = out_start[row]
        while at >= until:
            begun += 1
            shift = -np.int64(begins[begun])
            until = begins[begun + 1] if begun + 1 < n_begun else np.int32(0x7FFFFFFF)
        out_report[row] = report + begun
        out_start[row] = at + shift


@kernel
def find_all(
    data, offsets, class_of, first_base, first_pattern, label, entry, max_length, has_single, limit, state,
    classes, byte_at, begins, position, slot, live, tally, found_at, found_pattern,
    out_report, out_start, out_byte, out_pattern,
):  # fmt: skip
    """Find every occurrence of every pattern, until the text or the room for rows ends.

    max_length   length of the longest pattern in code points; limit >= 8 * max_length + 64
    limit        bytes of text in a block
    state        int64[3]   report, byte and code points before that byte in that report; where to begin, and on
                            return where to go on; finished when report == n_reports
    out_report   int32[n_rows]  row of the report
    out_start    int32[n_rows]  code points from the report's start
    out_byte     int64[n_rows]  byte in `data`
    out_pattern  int32[n_rows]  pattern id
    The rest is scratch: see the functions above for shapes. n_rows >= found_at.size >= max_length.

    Rows are ordered by report, start, longer first. Returns the number of rows written.
    """
    n_reports = offsets.size - 1
    n_out = 0
    report, byte, chars_before = state[0], state[1], state[2]
    while report < n_reports:
        n_classes, n_begun, complete = decode_block(
            data, offsets, class_of, report, byte, limit, classes, byte_at, begins
        )
        # Where the last report goes on, its last positions are left to the next block, which begins with them.
        n_starts = n_classes if complete else max(n_classes - (max_length - 1), begins[n_begun - 1])
        while True:
            n_start = first_step(classes, n_starts, first_base, first_pattern, has_single, label, position, slot)
            n_found = further_steps(
                classes, position, slot, n_start, first_pattern, has_single, label, entry, live, tally, found_at,
                found_pattern,
            )  # fmt: skip
            if n_found >= 0:
                break
            n_starts = n_starts // 2
        if n_out + n_found > out_report.size:
            break
        emit(
            position, n_start, tally, found_at, found_pattern, n_found, byte_at, begins, n_begun, report, byte,
            chars_before, n_out, out_report, out_start, out_byte, out_pattern,
        )  # fmt: skip
        n_out += n_found
        if complete and n_starts == n_classes:
            report += n_begun
            byte = offsets[report]
            chars_before = 0
        else:
            last = n_begun - 1
            while last > 0 and begins[last] > n_starts:
                last -= 1
            chars_before = n_starts - begins[last] + (chars_before if last == 0 else 0)
            report += last
            byte += byte_at[n_starts]
    state[0], state[1], state[2] = report, byte, chars_before
    return n_out
