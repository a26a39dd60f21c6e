"""Cutting text into clauses and sentences: loops over UTF-8 bytes, compiled by numba at first use and cached.

Both kernels take the texts of many reports and cut them one after the other:

    data, offsets    uint8[n_bytes], valid UTF-8; int64[n_reports + 1]
    kinds            uint16[0x10000]   kind of each code point: `kinds_of_characters()`
    report           the report to begin with
    out_report       int32[n_rows]     row of the report
    out_start, out_end             int32[n_rows]   code points of that report, half-open
    out_byte_start, out_byte_end   int64[n_rows]   the same in `data`

and return (the report to go on with, rows written). They stop before a report whose rows do not fit: the caller
then hands them fresh rows, more of them if not even one report did. Rows are in the order of the text.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.utf8 import decode

#: Kinds of characters, as bits, where a mark may be of several kinds.
LINE_END, COMMA, CLAUSE_END, SENTENCE_END, ASCII_END, DOT, OPENING, CLOSING, QUOTE, APOSTROPHE, WHITE, BLANK_END = (
    1 << bit for bit in range(12)
)
#: Characters after which an unbalanced bracket or quote is given up.
PATIENCE = 200

_MARKS = {
    LINE_END | WHITE | BLANK_END: "\n\r\v\f\x85\u2028\u2029",
    WHITE: "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    WHITE | BLANK_END: " ",
    COMMA | CLAUSE_END | BLANK_END: "，",
    COMMA | CLAUSE_END: "\ufe50\ufe10",
    CLAUSE_END | SENTENCE_END | BLANK_END: "。！？",
    CLAUSE_END | SENTENCE_END: "…\uff61\ufe12\ufe15\ufe16\ufe52\ufe56\ufe57\ufe19",
    CLAUSE_END | BLANK_END: "；：",
    CLAUSE_END: "\ufe13\ufe14\ufe54\ufe55",
    ASCII_END | BLANK_END: ",;",
    ASCII_END: ":",
    ASCII_END | SENTENCE_END | BLANK_END: "!?",
    DOT | BLANK_END: ".",
    DOT: "\uff0e",
    OPENING: "（(《\ufe35\ufe3d\ufe59",
    CLOSING: "）)》\ufe36\ufe3e\ufe5a",
    OPENING | QUOTE: "“「『【〈\ufe41\ufe43",
    CLOSING | QUOTE: "”」』】〉\ufe42\ufe44",
    APOSTROPHE: "’",
}


def kinds_of_characters() -> np.ndarray:
    """Return the kind of each code point of the basic plane: uint16[0x10000]; beyond it there are no marks."""
    kinds = np.zeros(0x10000, np.uint16)
    for kind, marks in _MARKS.items():
        for mark in marks:
            kinds[ord(mark)] = kind
    return kinds


@piece
def _is_latin(point):
    return (
        0x41 <= point <= 0x5A
        or 0x61 <= point <= 0x7A
        or (
            (0xC0 <= point <= 0x24F and point not in (0xD7, 0xF7))
            or 0x1E00 <= point <= 0x1EFF
            or 0xFF21 <= point <= 0xFF3A
            or 0xFF41 <= point <= 0xFF5A
        )
    )


@piece
def _is_digit(point):
    return 0x30 <= point <= 0x39 or 0xFF10 <= point <= 0xFF19


@piece
def _is_han(point):
    return (
        0x4E00 <= point <= 0x9FFF
        or 0x3400 <= point <= 0x4DBF
        or 0xF900 <= point <= 0xFAFF
        or 0x20000 <= point <= 0x323AF
        or 0x2E80 <= point <= 0x2FDF
        or point == 0x3007
    )


@piece
def _skip_han(data, at, end):
    """Return the byte behind the ideographs of U+4000-U+9FFF that stand at `at`: three bytes each, none a mark.

    Two thirds of a report are these: with them decoded one by one, clauses took 3.4 x as long.
    """
    while at < end:
        lead = data[at]
        # U+4DC0-U+4DFF, in the midst of them, are no ideographs.
        if lead < 0xE4 or lead > 0xE9 or (lead == 0xE4 and data[at + 1] == 0xB7):
            break
        at += 3
    return at


@piece
def _ends_english(data, ahead, end, letters, is_small):
    """Whether a dot before byte `ahead` ends an English sentence: a small word, the dot, a blank, a capital."""
    return letters >= 2 and is_small and ahead + 1 < end and data[ahead] == 0x20 and 0x41 <= data[ahead + 1] <= 0x5A


@piece
def _write(rows, n, span):
    """Write a span as row `n` and return the number of rows."""
    rows[0][n], rows[1][n], rows[2][n], rows[3][n], rows[4][n] = span
    return n + 1


@kernel
def cut_clauses(
    data, offsets, kinds, blank, report, chars, han_chars, clauses, out_report, out_start, out_end, out_byte_start,
    out_byte_end,
):  # fmt: skip
    """Cut reports into clauses, without end marks and without white space at their ends.

    blank                      cut as the older clause lists did: at every mark and blank, whatever is around it
    chars, han_chars, clauses  int64[n_reports]   out: how many of each there are in a report

    The rules are in DESIGN.md, "Clauses"; tests/naive.py states them.
    """
    rows = (out_report, out_start, out_end, out_byte_start, out_byte_end)
    n_out = 0
    room = out_report.size
    while report < offsets.size - 1:
        n_before = n_out
        at, end = offsets[report], offsets[report + 1]
        char = np.int64(0)
        han = np.int64(0)
        depth = 0
        opened = np.int64(0)
        before = np.int64(-1)
        letters = 0
        is_small = False
        has_ink = False
        first_char = last_char = np.int64(0)
        first_byte = last_byte = at
        full = False
        while at < end:
            ahead = _skip_han(data, at, end)
            if ahead > at:
                if not has_ink:
                    has_ink, first_char, first_byte = True, char, at
                n_skipped = (ahead - at) // 3
                char += n_skipped
                han += n_skipped
                at = ahead
                last_char, last_byte = char, at
                before = np.int64(0x4E00)
                letters = 0
                continue
            point, ahead = decode(data, at)
            kind = kinds[point] if point < 0x10000 else np.uint16(0)
            if kind == 0:
                if not has_ink:
                    has_ink, first_char, first_byte = True, char, at
                char += 1
                at = ahead
                last_char, last_byte = char, at
                han += _is_han(point)
                before = point
                if 0x41 <= point <= 0x5A or 0x61 <= point <= 0x7A:
                    is_small = point >= 0x61 if letters == 0 else is_small
                    letters += 1
                else:
                    letters = 0
                continue
            ends = False
            if blank:
                ends = kind & BLANK_END != 0
            elif kind & LINE_END:
                ends = True
                depth = 0
            elif kind & CLAUSE_END:
                ends = not (kind & COMMA and depth > 0 and char - opened <= PATIENCE)
            elif kind & (ASCII_END | DOT):
                after = decode(data, ahead)[0] if ahead < end else np.int64(-1)
                ends = not (_is_digit(before) and _is_digit(after))
                if kind & DOT and _is_latin(before):
                    ends = point == 0x2E and _ends_english(data, ahead, end, letters, is_small)
            letters = 0
            if not ends:
                if kind & (OPENING | CLOSING) and not kind & QUOTE:
                    if depth > 0 and char - opened > PATIENCE:
                        depth = 0
                    if kind & OPENING:
                        if depth == 0:
                            opened = char
                        depth += 1
                    elif depth > 0:
                        depth -= 1
                if not kind & WHITE:
                    if not has_ink:
                        has_ink, first_char, first_byte = True, char, at
                    last_char, last_byte = char + 1, ahead
                char += 1
                at = ahead
                before = point
                continue
            char += 1
            at = ahead
            before = point
            if not blank and not kind & LINE_END:
                # What follows the mark at once belongs to it: further marks, and what they close.
                while at < end:
                    point, ahead = decode(data, at)
                    kind = kinds[point] if point < 0x10000 else np.uint16(0)
                    if not kind & (CLAUSE_END | ASCII_END | DOT | CLOSING | APOSTROPHE):
                        break
                    if kind & CLOSING and not kind & QUOTE and depth > 0:
                        depth = 0 if char - opened > PATIENCE else depth - 1
                    char += 1
                    at = ahead
                    before = point
                    if kind & (CLOSING | APOSTROPHE):
                        last_char, last_byte = char, at
            if has_ink:
                if n_out == room:
                    full = True
                    break
                span = (report, first_char, last_char, first_byte, last_byte)
                n_out = _write(rows, n_out, span)
                has_ink = False
        if has_ink and not full:
            if n_out == room:
                full = True
            else:
                span = (report, first_char, last_char, first_byte, last_byte)
                n_out = _write(rows, n_out, span)
        if full:
            return report, n_before
        chars[report] = char
        han_chars[report] = han
        clauses[report] = n_out - n_before
        report += 1
    return report, n_out


@kernel
def cut_sentences(
    data, offsets, kinds, report, out_report, out_start, out_end, out_byte_start, out_byte_end
):  # fmt: skip
    """Cut reports into sentences, with their end marks; none ends inside brackets or quotes."""
    rows = (out_report, out_start, out_end, out_byte_start, out_byte_end)
    n_out = 0
    room = out_report.size
    while report < offsets.size - 1:
        n_before = n_out
        at, end = offsets[report], offsets[report + 1]
        char = np.int64(0)
        depth = 0
        letters = 0
        is_small = False
        opened = np.int64(0)
        has_ink = False
        first_char = last_char = np.int64(0)
        first_byte = last_byte = at
        full = False
        while at < end:
            ahead = _skip_han(data, at, end)
            if ahead > at:
                if not has_ink:
                    has_ink, first_char, first_byte = True, char, at
                char += (ahead - at) // 3
                at = ahead
                last_char, last_byte = char, at
                letters = 0
                continue
            point, ahead = decode(data, at)
            kind = kinds[point] if point < 0x10000 else np.uint16(0)
            ends = kind & LINE_END != 0
            if kind & (OPENING | CLOSING):
                if depth > 0 and char - opened > PATIENCE:
                    depth = 0
                if kind & OPENING:
                    if depth == 0:
                        opened = char
                    depth += 1
                elif depth > 0:
                    depth -= 1
            if not kind & WHITE:
                if not has_ink:
                    has_ink, first_char, first_byte = True, char, at
                last_char, last_byte = char + 1, ahead
            char += 1
            at = ahead
            ends_here = kind & SENTENCE_END != 0
            if 0x41 <= point <= 0x5A or 0x61 <= point <= 0x7A:
                is_small = point >= 0x61 if letters == 0 else is_small
                letters += 1
            else:
                ends_here = ends_here or (point == 0x2E and _ends_english(data, at, end, letters, is_small))
                letters = 0
            if ends:
                depth = 0
            elif ends_here:
                while at < end:
                    point, ahead = decode(data, at)
                    kind = kinds[point] if point < 0x10000 else np.uint16(0)
                    if not kind & (SENTENCE_END | CLOSING | APOSTROPHE):
                        break
                    if kind & CLOSING and depth > 0:
                        depth = 0 if char - opened > PATIENCE else depth - 1
                    char += 1
                    at = ahead
                    last_char, last_byte = char, at
                after = decode(data, at)[0] if at < end else np.int64(0)
                goes_on = after == 0x3001 or (after < 0x10000 and kinds[after] & COMMA != 0)
                ends = not (depth > 0 and char - opened <= PATIENCE) and not goes_on
            if ends and has_ink:
                if n_out == room:
                    full = True
                    break
                span = (report, first_char, last_char, first_byte, last_byte)
                n_out = _write(rows, n_out, span)
                has_ink = False
        if has_ink and not full:
            if n_out == room:
                full = True
            else:
                span = (report, first_char, last_char, first_byte, last_byte)
                n_out = _write(rows, n_out, span)
        if full:
            return report, n_before
        report += 1
    return report, n_out


@kernel
def find_columns(
    box, height, edges, by_right, near_heights, slack_heights, share, exact_heights, mostly, least_exact,
    prose_heights, left, right, is_column,
):  # fmt: skip
    """Find the left and right edge of each line's column, and whether another line proves the right one.

    box            float32[n, 4]    left, bottom, right, top of each line
    height         float32[n]
    edges          int64[n_pages + 1]   lines edges[p]:edges[p + 1] are those of a page
    by_right       int64[n]        the lines of each page by their right edge
    near_heights   float32          a column is made of the lines that begin within so many heights of one another
    slack_heights  float32          how far apart two right edges may be that prove one another
    share          share of a column's lines that reach its right edge
    exact_heights  float32          how far apart ends may be that are one
    mostly, least_exact   share and number of a column's lines that end at one edge which is meant, if ...
    prose_heights  float32          ... it is so far from the line's beginning
    left, right    float32[n]       out
    is_column      bool[n]          out

    The right edge is the outermost that a good part of the lines reach, else any two: a line or two that run over it
    (Latin words, foot notes) make no column. An edge at which most lines end exactly is the edge, though some run over.
    """
    near = np.empty(box.shape[0], np.float32)
    for page in range(edges.size - 1):
        for row in range(edges[page], edges[page + 1]):
            if row > edges[page] and box[row, 0] == box[row - 1, 0] and height[row] == height[row - 1]:
                # Most lines stand as the line above them does.
                left[row], right[row], is_column[row] = left[row - 1], right[row - 1], is_column[row - 1]
                continue
            n_near = 0
            lowest = box[row, 0]
            for each in range(edges[page], edges[page + 1]):
                other = by_right[each]
                if abs(box[other, 0] - box[row, 0]) <= near_heights * height[row]:
                    near[n_near] = box[other, 2]
                    lowest = min(lowest, box[other, 0])
                    n_near += 1
            slack = slack_heights * height[row]
            least = max(2.0, share * n_near)
            pair = -1
            proved = -1
            for at in range(n_near - 1, -1, -1):
                support = 1
                other = at - 1
                while other >= 0 and near[at] - near[other] <= slack:
                    support += 1
                    other -= 1
                other = at + 1
                while other < n_near and near[other] - near[at] <= slack:
                    support += 1
                    other += 1
                if support >= least:
                    proved = at
                    break
                if support >= 2 and pair < 0:
                    pair = at
            if proved < 0:
                proved = pair
            left[row] = lowest
            right[row] = near[proved] if proved >= 0 else near[n_near - 1]
            is_column[row] = proved >= 0
            low, high = 0, 0
            most, edge = 0, near[0]
            for at in range(n_near):
                while near[at] - near[low] > exact_heights * height[row]:
                    low += 1
                while high < n_near and near[high] - near[at] <= exact_heights * height[row]:
                    high += 1
                if high - low >= most:
                    most, edge = high - low, near[at]
            if most >= max(least_exact, mostly * n_near) and edge - box[row, 0] >= prose_heights * height[row]:
                right[row] = edge
