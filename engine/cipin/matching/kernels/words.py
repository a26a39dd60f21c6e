"""jieba's dictionary segmentation: of all ways to cut a block into words, the most probable."""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.utf8 import decode


@piece
def _is_letter(point):
    """Whether jieba puts the character together with its like: an ASCII letter or digit."""
    return 0x30 <= point <= 0x39 or 0x41 <= point <= 0x5A or 0x61 <= point <= 0x7A


@piece
def _is_inside(point):
    """Whether the character stands within a block: an ideograph, a letter, a digit, or one of + # & . _ % -."""
    return (
        0x4E00 <= point <= 0x9FD5
        or _is_letter(point)
        or point in (0x2B, 0x23, 0x26, 0x2E, 0x5F, 0x25, 0x2D)
    )  # fmt: skip


@piece
def cut_block(
    data, begin, end, folded, class_of, first_base, first_pattern, label, entry, weight, points, best, ahead, cuts
):
    """Cut the block of text that begins at byte `begin`, and mark where its words begin.

    data           uint8            UTF-8
    end            byte at which the text ends, at the latest
    folded         uint32[0x110000] what each code point is folded to
    class_of, first_base, first_pattern, label, entry   of the dictionary's automaton
    weight         float64[n_words + 1]   log(frequency) - log(total) of word id + 1; of 0: of what is no word
    points, best, ahead, cuts   uint32, float64, int32, bool; all of one length: scratch, and out

    cuts[i] says whether a word begins at code point i of the block. Returns the block's length in code points, or -1
    if the arrays are too short for it. Sums are made in jieba's order, and of two ways equally probable the one with
    the longer word at each place is taken, as jieba does.
    """
    n = 0
    at = begin
    while at < end:
        point, after = decode(data, at)
        point = np.int64(folded[point])
        if not _is_inside(point):
            break
        if n + 1 >= points.size:
            return -1
        points[n] = point
        n += 1
        at = after
    best[n] = 0.0
    for here in range(n - 1, -1, -1):
        klass = class_of[points[here]]
        value = weight[first_pattern[klass]] + best[here + 1]
        to = here + 1
        slot_base = np.int64(first_base[klass])
        reach = here + 1
        while slot_base != 0 and reach < n:
            following = class_of[points[reach]]
            slot = slot_base + np.int64(following)
            if label[slot] != following or following == 0:
                break
            word = np.int64(entry[slot] & np.uint64(0xFFFFFFFF))
            reach += 1
            if word != 0:
                other = weight[word] + best[reach]
                if other >= value:
                    value = other
                    to = reach
            slot_base = np.int64(entry[slot] >> np.uint64(32))
        best[here] = value
        ahead[here] = to
    for here in range(n + 1):
        cuts[here] = False
    here = 0
    in_letters = False
    while here < n:
        single = ahead[here] == here + 1 and _is_letter(np.int64(points[here]))
        cuts[here] = not (single and in_letters)
        in_letters = single
        here = ahead[here]
    cuts[n] = True
    return n


@kernel
def cut_text(
    data, folded, class_of, first_base, first_pattern, label, entry, weight, points, best, ahead, cuts, begins
):  # fmt: skip
    """Cut a whole text, the blocks and what stands between them, and mark where its words begin.

    data     uint8            UTF-8
    begins   bool[n_points]   out, all False; what stands between blocks is a word a character, but CR LF is one
    The rest is that of `cut_block`; the scratch is longer than the text.
    """
    at, index = 0, 0
    while at < data.size:
        n_points = cut_block(
            data, at, data.size, folded, class_of, first_base, first_pattern, label, entry, weight, points, best,
            ahead, cuts,
        )  # fmt: skip
        for each in range(n_points):
            begins[index + each] = cuts[each]
            at = decode(data, at)[1]
        index += n_points
        if n_points == 0:
            point, at = decode(data, at)
            begins[index] = True
            index += 1
            if point == 0x0D and at < data.size and data[at] == 0x0A:
                at += 1
                index += 1


@kernel
def count_words(
    data, offsets, report, folded, class_of, first_base, first_pattern, label, entry, weight, points, best, ahead,
    cuts, counts,
):  # fmt: skip
    """Count the words of each report from `report` on that begin with an ideograph, an ASCII letter or a digit.

    counts   int64[n_reports]   out
    The rest is that of `cut_block`. Returns the report whose block the scratch is too short for, or -1.
    """
    while report < offsets.size - 1:
        at, end = offsets[report], offsets[report + 1]
        n = np.int64(0)
        while at < end:
            # Marks between blocks are words to jieba, and none here.
            if not _is_inside(np.int64(folded[decode(data, at)[0]])):
                at = decode(data, at)[1]
                continue
            n_points = cut_block(
                data, at, end, folded, class_of, first_base, first_pattern, label, entry, weight, points, best, ahead,
                cuts,
            )  # fmt: skip
            if n_points < 0:
                return report
            for each in range(n_points):
                n += np.int64(cuts[each] and (points[each] >= 0x4E00 or _is_letter(np.int64(points[each]))))
                at = decode(data, at)[1]
        counts[report] = n
        report += 1
    return -1


@piece
def _back(data, at):
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@kernel
def between_words(
    data, report_start, report_end, begin, end, wanted, folded, class_of, first_base, first_pattern, label, entry,
    weight, points, best, ahead, cuts, fits,
):  # fmt: skip
    """Mark the spans that begin and end where words do.

    report_start, report_end, begin, end   int64[n]   bytes in data; spans ascending
    wanted   bool[n]   spans to look at
    fits     bool[n]   out, where wanted
    The rest is that of `cut_block`. Only blocks in which a span begins or ends are cut, each once as long as spans
    follow one another. Returns -1, or the row of a span whose block is longer than the scratch.
    """
    block_begin, block_end, n_points = np.int64(-1), np.int64(-1), 0
    for row in range(begin.size):
        if not wanted[row]:
            continue
        fits[row] = True
        for side in range(2):
            place = begin[row] if side == 0 else end[row]
            if place == report_start[row] or place == report_end[row]:
                continue
            before = np.int64(folded[decode(data, _back(data, place))[0]])
            after = np.int64(folded[decode(data, place)[0]])
            if not (_is_inside(before) and _is_inside(after)):
                if before == 0x0D and after == 0x0A:
                    fits[row] = False
                continue
            if not block_begin <= place < block_end:
                at = place
                while at > report_start[row]:
                    ahead_of = _back(data, at)
                    if not _is_inside(np.int64(folded[decode(data, ahead_of)[0]])):
                        break
                    at = ahead_of
                n_points = cut_block(
                    data, at, report_end[row], folded, class_of, first_base, first_pattern, label, entry, weight,
                    points, best, ahead, cuts,
                )  # fmt: skip
                if n_points < 0:
                    return row
                block_begin, block_end = at, at
                for _ in range(n_points):
                    block_end = decode(data, block_end)[1]
            index = 0
            at = block_begin
            while at < place:
                index += np.int64(data[at] & 0xC0 != 0x80)
                at += 1
            if not cuts[index]:
                fits[row] = False
    return -1
