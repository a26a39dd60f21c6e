"""Which lines of a page go on in the next: geometry alone proposes, and what the two lines say may object.

Does the line reach its column's right edge, and does the next one begin at the left one?
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from cipin.reading.edges import SLACK, find_edges
from cipin.reading.numbering import read_number
from cipin.reading.report import Layout
from cipin.reading.rows import is_row

#: How far, in line heights, a left edge may be from the column's; an indent is two.
INDENT = 1.2
#: As edges.SLACK where paragraphs are indented, and the share of indented lines that says they are.
RAGGED, INDENTED = 3.5, 0.05
#: Largest step from one line of a paragraph to the next, in line heights, and largest difference of their heights.
LEADING, UNLIKE = 3.0, 0.25

_ENDS = frozenset("。！？；：!?;:")
_NEVER_FIRST = frozenset("，。、；：！？）》」』】”’〉…")
_QUOTES = frozenset("“”‘’…—·")
_FULL_MARKS = frozenset("，。、；：！？）》」』】”’〉")


def find_joins(
    layout: Layout,
    body: NDArray[np.int64],
    text: str,
    points: NDArray[np.uint32],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    off: Collection[str],
    repairs: Counter[str],
) -> NDArray[np.bool_]:
    """Return whether each line goes on in the next, bool[n_body], and count the joins in `repairs`.

    body         lines of the layout that are looked at, none of them empty
    points       the code points of `text`
    start, end   of all lines, without blanks at their ends
    """
    joined = np.zeros(len(body), np.bool_)
    if len(body) < 2 or np.isnan(layout.line_box[body]).any():
        return joined  # Formats without pages have whole paragraphs for lines.
    box = layout.line_box[body]
    page = layout.line_page[body]
    kind = layout.line_kind[body]
    begins, ends = start[body], end[body]
    first, last = points[begins], points[ends - 1]
    height = np.maximum(box[:, 3] - box[:, 1], np.float32(1e-3))
    left, right, is_column = find_edges(box, page, height)
    # The glyph of a full-width mark fills half of its square: a line that ends in one ends earlier.
    ends_in_mark = _among(last, _FULL_MARKS)
    # Where paragraphs are indented, a line that is not goes on from the last, also if that ended early (half-width
    # quotes, Latin words); elsewhere only a full line tells.
    indent = (box[:, 0] - left) / height
    is_indented = float(np.mean((indent > 1.3) & (indent < 3.2))) >= INDENTED
    # Quotes are set at half width by many fonts, and were counted as whole where the line was cut.
    quotes = _count(points, begins, ends, _QUOTES)
    slack = (RAGGED if is_indented else SLACK) + 0.7 * ends_in_mark + 0.5 * quotes
    reaches = box[:, 2] >= right - slack * height
    # A mark that closes stands at the end of a line, never at its beginning: such a line goes on from the last.
    goes_on = _among(first, _NEVER_FIRST)
    flush = box[:, 0] <= left + INDENT * height
    alike = np.abs(height[1:] - height[:-1]) <= UNLIKE * np.maximum(height[1:], height[:-1]) + 1.0
    # Boxes of a title of 16 points and of text of 11 are alike by their heights; where sizes are known, they tell.
    size = layout.line_size[body]
    alike &= ~(np.abs(size[1:] - size[:-1]) > UNLIKE * np.maximum(size[1:], size[:-1]))
    drop = box[:-1, 1] - box[1:, 1]
    below = (drop > 0) & (drop <= LEADING * np.maximum(height[:-1], height[1:]))
    same_page = page[1:] == page[:-1]
    next_column = same_page & (drop < 0) & (box[1:, 0] >= box[:-1, 2] - height[:-1])
    next_page = page[1:] == page[:-1] + 1
    plain = (kind[1:] == 0) & (kind[:-1] == 0)
    # A centred title has an edge of its own, which the text below it does not share.
    shares = (box[1:, 0] >= left[:-1] - 3.2 * height[:-1]) | ~same_page
    fits = (reaches[:-1] | goes_on[1:]) & flush[1:] & alike & plain & shares
    within = fits & ((same_page & below) | next_column)
    # Over a page the step from line to line tells nothing, so the edge must be proved, and the sentence open.
    across = fits & next_page & is_column[:-1] & ~_among(last, _ENDS)[:-1]
    within &= "wraps" not in off
    across &= "page_breaks" not in off
    joined[:-1] = within | across
    doubtful = joined[:-1] & _may_part(points, first, last, begins, ends)
    rows: dict[int, bool] = {}
    for at in np.flatnonzero(doubtful).tolist():
        joined[at] = not _parts(text, begins[at : at + 2].tolist(), ends[at : at + 2].tolist(), at, rows)
    for repair, where in (("wraps", within), ("page_breaks", across & ~within)):
        repairs[repair] += int(np.count_nonzero(where & joined[:-1]))
    return joined


def _among(points: NDArray[np.uint32], characters: Collection[str]) -> NDArray[np.bool_]:
    return np.isin(points, np.array([ord(each) for each in characters], np.uint32))


def _count(
    points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64], characters: Collection[str]
) -> NDArray[np.int64]:
    """Return how many of `characters` stand in each line."""
    places = np.flatnonzero(_among(points, characters))
    return np.searchsorted(places, end) - np.searchsorted(places, start)


_NUMBERED = re.compile(
    r"第[一二三四五六七八九十百0-9]+[章节節部分条條]|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十0-9]{1,3}[）)]"
    r"|[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}[、.．](?![0-9])|[①-⑳]|[•●■◆▪○□◇➢➤✓▲]"
)
#: What forms put to be ticked: `□适用 √不适用`.
_BOX = re.compile("[□☐√☑✓■]|•\\s?适用")
_ENTRY = re.compile(r"[\s\u3000]*(?:([.·…．•‥]{3,}|\t)|[\s\u3000])[\s.·…]*\d{1,4}(?:\s?[-–—]\s?\d{1,4})?\Z")
#: What a line that begins anew may begin with; all letters may number.
_FIRST = frozenset("\u3000第附（(〇零一二三四五六七八九十百□☐√☑✓■•●◆▪○◇➢➤▲①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳")


def _may_part(
    points: NDArray[np.uint32],
    first: NDArray[np.uint32],
    last: NDArray[np.uint32],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which two lines `_parts` is to be asked about, bool[n - 1]: for nine in ten one look says no."""
    is_first = _among(first, _FIRST) | ((first < 0x80) & (first != 0x20)) | ((first >= 0xFF10) & (first <= 0xFF19))
    is_digit = ((last >= 0x30) & (last <= 0x39)) | ((last >= 0xFF10) & (last <= 0xFF19))
    has_cells = _count(points, begins, ends, "\u0020\u0009\u00a0\u3000\u2002\u2003\u2009") >= 2
    return is_first[1:] | is_digit[:-1] | has_cells[1:] | has_cells[:-1]


def _parts(text: str, starts: list[int], ends: list[int], line: int, rows: dict[int, bool]) -> bool:
    """Whether two lines that stand like one paragraph are two by what they say; `rows` is what is known of lines."""
    (start, next_start), (end, next_end) = starts, ends
    if text[next_start] == "\u3000" or _BOX.match(text, next_start):
        return True
    if text[end - 1] in _ENDS and _NUMBERED.match(text, next_start, next_end):
        return True
    numbered = read_number(text[next_start : min(next_end, next_start + 12)]) is not None
    # An entry of a table of contents, and the next one; a heading, and one below it.
    entry = _ENTRY.search(text, start, end) if text[end - 1].isdecimal() else None
    if entry and (entry[1] or numbered or _ENTRY.search(text, next_start, next_end)):
        return True
    if numbered and end - start <= 40 and read_number(text[start : start + 12]):
        return True
    for at, low, high in ((line, start, end), (line + 1, next_start, next_end)):
        if at not in rows:
            words = text[low:high]
            # Prose may hold many numbers.
            rows[at] = "，" not in words and "。" not in words and is_row(words)
        if rows[at]:
            return True
    return False
