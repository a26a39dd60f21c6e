"""Which occurrences count: ends, boundaries, guards and overlaps, as loops over sorted rows."""

from __future__ import annotations

from cipin.kernel import kernel
from cipin.utf8 import decode, is_latin


@kernel
def cut_words(data, report_start, report_end, begin, end, checks, cuts):
    """Mark the hits that cut a Latin word or number in two.

    report_start, report_end, begin, end  int64[n]   bytes in data
    checks                                uint8[n]   1: the hit begins, 2: it ends in a Latin letter or digit
    cuts                                  bool[n]    out

    Latin letters and digits are those of ASCII, their full-width forms, U+00C0-U+024F and U+1E00-U+1EFF.
    """
    for row in range(begin.size):
        cuts[row] = False
        for side in range(2):
            if checks[row] >> side & 1 == 0:
                continue
            if side == 0:
                if begin[row] == report_start[row]:
                    continue
                at = begin[row] - 1
                while data[at] & 0xC0 == 0x80:
                    at -= 1
            else:
                if end[row] == report_end[row]:
                    continue
                at = end[row]
            if is_latin(decode(data, at)[0]):
                cuts[row] = True


@kernel
def find_covers(
    hit_report, hit_start, hit_end, hit_term, cover_report, cover_start, cover_end, cover_term, reach, covered_by
):
    """Find for each hit the phrase of its term that holds it: the one that begins first, then the longest.

    hit_*, cover_*   int32, each sorted by report, start, longer first; offsets in code points
    reach            length of the longest phrase
    covered_by       int32[n_hits]   out: row of the phrase, or -1
    """
    low = 0
    n_covers = cover_report.size
    for hit in range(hit_report.size):
        covered_by[hit] = -1
        report, start, end, term = hit_report[hit], hit_start[hit], hit_end[hit], hit_term[hit]
        while low < n_covers and (
            cover_report[low] < report or (cover_report[low] == report and cover_start[low] < start - reach)
        ):
            low += 1
        row = low
        while row < n_covers and cover_report[row] == report and cover_start[row] <= start:
            if cover_term[row] == term and cover_end[row] >= end:
                covered_by[hit] = row
                break
            row += 1


@kernel
def resolve_overlaps(report, start, end, counts, lost_to):
    """Keep, of hits that overlap, the one that starts first, then the longest.

    report, start, end  int32[n]   sorted by report, start, longer first
    counts              bool[n]    in: takes part; out: still counts
    lost_to             int32[n]   out: row of the hit that took its place, or -1
    """
    last = -1
    for row in range(report.size):
        lost_to[row] = -1
        if not counts[row]:
            continue
        if last >= 0 and report[last] == report[row] and start[row] < end[last]:
            counts[row] = False
            lost_to[row] = last
        else:
            last = row


@kernel
def gather(data, begin, end, offsets, out):
    """Copy the bytes of each span, one behind the other: offsets int64[n + 1], out uint8[offsets[n]]."""
    for row in range(begin.size):
        to = offsets[row]
        for at in range(begin[row], end[row]):
            out[to] = data[at]
            to += 1
