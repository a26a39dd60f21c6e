"""Cutting text into clauses and sentences: loops that numba compiles at first use and caches.

First the marks of the texts are listed, blanks and line ends among them; what lies between two of them is ink,
whatever it says. Then clauses and sentences are cut from mark to mark. All kernels take the texts of many reports:

    data, offsets    uint8[n_bytes], valid UTF-8; int64[n_reports + 1]
    kinds            uint32[0x10000]   kind of each code point: `kinds_of_characters()`
    chars            int64[n_reports]   characters of each report
    first_mark       int64[n_reports + 1]   marks first_mark[r]:first_mark[r + 1] are those of report r
    mark_byte, mark_char, mark_kind   int64, int32, uint16[n_marks]   where each is, and its kind
    out_report       int32[n_rows]     row of the report
    out_start, out_end             int32[n_rows]   code points of that report, half-open
    out_byte_start, out_byte_end   int64[n_rows]   the same in `data`

Rows are in the order of the text; each mark ends one at most, and so does each report.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.lanes import count_bits, han_64, heads_64, lowest_bit, marks_64
from cipin.utf8 import decode

#: Kinds of characters, as bits, where a mark may be of several kinds.
LINE_END, COMMA, CLAUSE_END, SENTENCE_END, ASCII_END, DOT, OPENING, CLOSING, QUOTE, APOSTROPHE, WHITE, BLANK_END = (
    1 << bit for bit in range(12)
)
#: Of marks that end a clause, or an English sentence, by what is around them: see `ends`.
ENDS_CLAUSE, ENDS_ENGLISH = 1 << 12, 1 << 13
#: What is no mark, but looked up beside one; and marks themselves.
DIGIT, LATIN, HAN = 1 << 14, 1 << 15, 1 << 16
MARK = (1 << 12) - 1
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


#: Ranges of code points; Latin letters are those of ASCII, their full-width forms, and accented ones.
_RANGES = (
    (DIGIT, 0x30, 0x39), (DIGIT, 0xFF10, 0xFF19),
    (LATIN, 0x41, 0x5A), (LATIN, 0x61, 0x7A), (LATIN, 0xC0, 0xD6), (LATIN, 0xD8, 0xF6), (LATIN, 0xF8, 0x24F),
    (LATIN, 0x1E00, 0x1EFF), (LATIN, 0xFF21, 0xFF3A), (LATIN, 0xFF41, 0xFF5A),
    (HAN, 0x2E80, 0x2FDF), (HAN, 0x3007, 0x3007), (HAN, 0x3400, 0x4DBF), (HAN, 0x4E00, 0x9FFF), (HAN, 0xF900, 0xFAFF),
)  # fmt: skip


def kinds_of_characters() -> np.ndarray:
    """Return the kind of each code point of the basic plane: uint32[0x10000]; beyond it there are only Han."""
    kinds = np.zeros(0x10000, np.uint32)
    for kind, marks in _MARKS.items():
        for mark in marks:
            kinds[ord(mark)] = kind
    for kind, first, last in _RANGES:
        kinds[first : last + 1] = kind
    return kinds


@piece
def _kind_at(data, at, kinds):
    """Return the kind of the character at byte `at`."""
    point = decode(data, at)[0]
    if point < 0x10000:
        return np.int64(kinds[point])
    return np.int64(HAN if 0x20000 <= point <= 0x323AF else 0)


#: Bytes that are looked at at once, and marks that these may be.
AT_ONCE = 64


@piece
def _behind(data, at):
    """Return the byte behind the mark at `at`, of one to three bytes."""
    return at + 1 + (data[at] >= 0xC0) + (data[at] >= 0xE0)


@piece
def _ends_english(data, begin, at, end):
    """Whether the dot at byte `at` ends an English sentence: a word that begins small, the dot, a blank, a capital."""
    if at + 2 >= end or data[at] != 0x2E or data[at + 1] != 0x20 or not 0x41 <= data[at + 2] <= 0x5A:
        return False
    first = at
    while first > begin and (0x41 <= data[first - 1] <= 0x5A or 0x61 <= data[first - 1] <= 0x7A):
        first -= 1
    return at - first >= 2 and data[first] >= 0x61


@piece
def ends(data, begin, at, end, kinds, kind):
    """Return what the ASCII mark, or the dot, at byte `at` ends: none within a number, nor a dot within Latin words."""
    before = at - 1
    while before > begin and data[before] & 0xC0 == 0x80:
        before -= 1
    around = _kind_at(data, before, kinds) if at > begin else np.int64(0)
    if kind & DOT and around & LATIN:
        return np.int64(ENDS_CLAUSE | ENDS_ENGLISH if _ends_english(data, begin, at, end) else 0)
    behind = _behind(data, at)
    if around & DIGIT and behind < end and _kind_at(data, behind, kinds) & DIGIT:
        return np.int64(0)
    return np.int64(ENDS_CLAUSE)


@kernel
def list_marks(data, edge, offsets, kinds, report, chars, han_chars, n_marks, mark_byte, mark_char, mark_kind):
    """List what is of any kind in the texts, and count characters, Han and marks: int64[n_reports] each, out.

    edge     uint8[2 * AT_ONCE + 1]   the last AT_ONCE bytes of data, and what may be read behind them
    report   the report to begin with

    Returns the report to go on with, and how many marks were listed; it stops before a report whose marks may not fit.

    Compiled only. A step takes 64 bytes and looks at a tenth of them: character by character, clauses and sentences
    of 48 MB took 285 ms, and take 84.
    """
    n_out = 0
    while report < offsets.size - 1:
        n_before = n_out
        at, end = offsets[report], offsets[report + 1]
        char = np.int64(0)
        han = np.int64(0)
        while at < end and n_out + AT_ONCE <= mark_byte.size:
            text, place = data, at
            if at + AT_ONCE >= data.size:
                text, place = edge, at - data.size + AT_ONCE
            marks, heads, hans = marks_64(text, place), heads_64(text, place), han_64(text, place)
            if end - at < AT_ONCE:
                here = (np.uint64(1) << np.uint64(end - at)) - np.uint64(1)
                marks, heads, hans = marks & here, heads & here, hans & here
            han += count_bits(hans)
            while marks != 0:
                bit = lowest_bit(marks)
                kind = _kind_at(data, at + bit, kinds)
                if kind & (ASCII_END | DOT):
                    kind |= ends(data, offsets[report], at + bit, end, kinds, kind)
                mark_byte[n_out] = at + bit
                mark_char[n_out] = char + count_bits(heads & ((np.uint64(1) << np.uint64(bit)) - np.uint64(1)))
                mark_kind[n_out] = kind
                n_out += kind & MARK != 0
                han += kind & HAN != 0
                marks &= marks - np.uint64(1)
            char += count_bits(heads)
            at += AT_ONCE
        if at < end:
            return report, n_before
        chars[report] = char
        han_chars[report] = han
        n_marks[report] = n_out - n_before
        report += 1
    return report, n_out


@kernel
def cut_clauses(
    data, offsets, chars, first_mark, mark_byte, mark_char, mark_kind, blank, clauses, out_report, out_start, out_end,
    out_byte_start, out_byte_end,
):  # fmt: skip
    """Cut reports into clauses, without end marks and without white space at their ends. Returns how many.

    blank    cut as the older clause lists did: at every mark and blank, whatever is around it
    clauses  int64[n_reports]   out: how many there are in a report

    The rules are in DESIGN.md, "Clauses"; tests/naive.py states them.
    """
    n_out = 0
    for report in range(offsets.size - 1):
        n_before = n_out
        end = offsets[report + 1]
        at, char = offsets[report], np.int64(0)
        first_byte = last_byte = np.int64(-1)
        first_char = last_char = opened = depth = np.int64(0)
        mark, last_mark = first_mark[report], first_mark[report + 1]
        while mark <= last_mark:
            # A report's end is that of a line.
            byte, behind, here, kind = end, end, chars[report], np.int64(LINE_END | BLANK_END | WHITE)
            if mark < last_mark:
                byte, here, kind = mark_byte[mark], np.int64(mark_char[mark]), np.int64(mark_kind[mark])
                behind = _behind(data, byte)
            mark += 1
            if byte > at:
                if first_byte < 0:
                    first_byte, first_char = at, char
                last_byte, last_char = byte, here
            at, char = behind, here + 1
            if blank:
                ends = kind & BLANK_END != 0
            else:
                ends = kind & (LINE_END | CLAUSE_END | ENDS_CLAUSE) != 0
                if kind & COMMA and depth > 0 and here - opened <= PATIENCE:
                    ends = False
                if kind & LINE_END:
                    depth = np.int64(0)
            if not ends:
                if kind & (OPENING | CLOSING) and not kind & QUOTE:
                    if depth > 0 and here - opened > PATIENCE:
                        depth = np.int64(0)
                    if kind & OPENING:
                        if depth == 0:
                            opened = here
                        depth += 1
                    elif depth > 0:
                        depth -= 1
                if not kind & WHITE:
                    if first_byte < 0:
                        first_byte, first_char = byte, here
                    last_byte, last_char = at, char
            elif not blank and not kind & LINE_END:
                # What follows the mark at once belongs to it: further marks, and what they close.
                while mark < last_mark and mark_byte[mark] == at:
                    kind = np.int64(mark_kind[mark])
                    if not kind & (CLAUSE_END | ASCII_END | DOT | CLOSING | APOSTROPHE):
                        break
                    if kind & CLOSING and not kind & QUOTE and depth > 0:
                        depth = np.int64(0) if char - opened > PATIENCE else depth - 1
                    mark += 1
                    char += 1
                    at = _behind(data, at)
                    if kind & (CLOSING | APOSTROPHE):
                        last_byte, last_char = at, char
            if ends and first_byte >= 0:
                out_report[n_out], out_start[n_out], out_end[n_out] = report, first_char, last_char
                out_byte_start[n_out], out_byte_end[n_out] = first_byte, last_byte
                n_out += 1
                first_byte = np.int64(-1)
        clauses[report] = n_out - n_before
    return n_out


@kernel
def cut_sentences(
    data, offsets, chars, first_mark, mark_byte, mark_char, mark_kind, out_report, out_start, out_end, out_byte_start,
    out_byte_end,
):  # fmt: skip
    """Cut reports into sentences, with their end marks; none ends inside brackets or quotes. Returns how many."""
    n_out = 0
    for report in range(offsets.size - 1):
        end = offsets[report + 1]
        at, char = offsets[report], np.int64(0)
        first_byte = last_byte = np.int64(-1)
        first_char = last_char = opened = depth = np.int64(0)
        mark, last_mark = first_mark[report], first_mark[report + 1]
        while mark <= last_mark:
            # A report's end is that of a line.
            byte, behind, here, kind = end, end, chars[report], np.int64(LINE_END | BLANK_END | WHITE)
            if mark < last_mark:
                byte, here, kind = mark_byte[mark], np.int64(mark_char[mark]), np.int64(mark_kind[mark])
                behind = _behind(data, byte)
            mark += 1
            if byte > at:
                if first_byte < 0:
                    first_byte, first_char = at, char
                last_byte, last_char = byte, here
            at, char = behind, here + 1
            if kind & (OPENING | CLOSING):
                if depth > 0 and here - opened > PATIENCE:
                    depth = np.int64(0)
                if kind & OPENING:
                    if depth == 0:
                        opened = here
                    depth += 1
                elif depth > 0:
                    depth -= 1
            if not kind & WHITE:
                if first_byte < 0:
                    first_byte, first_char = byte, here
                last_byte, last_char = at, char
            ends = kind & LINE_END != 0
            if ends:
                depth = np.int64(0)
            elif kind & (SENTENCE_END | ENDS_ENGLISH):
                while mark < last_mark and mark_byte[mark] == at:
                    kind = np.int64(mark_kind[mark])
                    if not kind & (SENTENCE_END | CLOSING | APOSTROPHE):
                        break
                    if kind & CLOSING and depth > 0:
                        depth = np.int64(0) if char - opened > PATIENCE else depth - 1
                    mark += 1
                    char += 1
                    at = _behind(data, at)
                    last_byte, last_char = at, char
                # A comma, or 、, goes on with it.
                goes_on = mark < last_mark and mark_byte[mark] == at and mark_kind[mark] & COMMA != 0
                goes_on |= at < end and data[at] == 0xE3 and data[at + 1] == 0x80 and data[at + 2] == 0x81
                ends = not (depth > 0 and char - opened <= PATIENCE) and not goes_on
            if ends and first_byte >= 0:
                out_report[n_out], out_start[n_out], out_end[n_out] = report, first_char, last_char
                out_byte_start[n_out], out_byte_end[n_out] = first_byte, last_byte
                n_out += 1
                first_byte = np.int64(-1)
    return n_out


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
