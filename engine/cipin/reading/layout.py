"""Layout repair: raw text and where it stands → clean text, with the map back.

Reports are set for the eye: lines are cut where the column ends, words run over pages, heads and page numbers stand
between. Here lines are joined where only the layout cut them, running heads and feet are set aside behind the text,
and characters that stand for no text are removed or replaced. Each repair has a name, is counted, and can be
switched off; what is left of the raw text keeps its offsets in a map of runs.

What the lines of a page are asked, they are asked all at once, as arrays: 2,700 pages of annual reports take 0.5 s.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import code_points, needs_repair, repair_characters
from cipin.reading.clean import Clean
from cipin.reading.heads import find_heads
from cipin.reading.joins import find_joins
from cipin.reading.report import LINE_KINDS, Layout

#: Every repair, in the order in which they are made.
REPAIRS = (
    "running_heads", "wraps", "page_breaks", "letter_spacing", "invisible", "private_use", "vertical_forms",
)  # fmt: skip

_HEAD_KINDS = [LINE_KINDS.index("header"), LINE_KINDS.index("footer")]


def repair_layout(text: str, layout: Layout, off: Collection[str] = ()) -> Clean:
    """Repair the raw `text` of a report, all but the repairs named in `off`."""
    repairs: Counter[str] = Counter()
    points = code_points(text).copy()
    start, end = _trim(points, layout.line_start, layout.line_end)
    # What the format itself calls a header or footer is set aside whatever is switched off.
    head = np.isin(layout.line_kind, _HEAD_KINDS)
    if "running_heads" not in off:
        head |= find_heads(text, layout, start, end)
        repairs["running_heads"] = int(head.sum())
    body = np.flatnonzero(~head & (end > start))
    joined = find_joins(layout, body, text, points, start, end, off, repairs)
    glue = _glue(points, start[body], end[body], joined)
    keep = np.ones(len(points), np.bool_)
    if "invisible" not in off:
        # A hyphen that parts a Latin word at the line's end goes; in a code (`LH-4`) it stays.
        last = end[body[:-1]] - 1
        after = points[start[body[1:]]]
        keep[last[joined[:-1] & (points[last] == _PDFIUM_HYPHEN) & (after >= ord("a")) & (after <= ord("z"))]] = False
    replaced = _repair_characters(text, layout, points, keep, start, end, off, repairs)
    if replaced or (points >> 11 == _SURROGATES).any():
        text = points.tobytes().decode("utf-32-le", "replace")
    aside = np.flatnonzero(head & (end > start))
    dropped = np.flatnonzero(~keep)
    proper, runs = _assemble(text, start[body], end[body], glue, dropped, 0)
    heads, head_runs = _assemble(text, start[aside], end[aside], np.full(len(aside), "\n"), dropped, len(proper))
    return Clean(
        proper + heads, np.concatenate([runs, head_runs]), len(proper), {k: v for k, v in repairs.items() if v}
    )


def repair_text(text: str, off: Collection[str] = ()) -> Clean | None:
    """Repair the characters of a text that has no layout; None where there is nothing to repair.

    >>> repair_text("大\\u200b数据").runs.tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    if not needs_repair(text):
        return None
    repairs: Counter[str] = Counter()
    points = code_points(text).copy()
    keep = np.ones(len(points), np.bool_)
    repair_characters(points, keep, off, repairs)
    if not repairs:
        return None
    text = points.tobytes().decode("utf-32-le", "replace")
    whole = np.zeros(1, np.int64), np.array([len(points)], np.int64)
    repaired, runs = _assemble(text, *whole, np.full(1, "", "<U1"), np.flatnonzero(~keep), 0)
    return Clean(repaired, runs, len(repaired), dict(repairs))


def _trim(
    points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave blanks at the ends of lines out, but not those that indent a paragraph (U+3000)."""
    start, end = start.copy(), end.copy()
    lines = np.flatnonzero(end > start)
    while len(lines := lines[np.isin(points[start[lines]], _BLANKS)]):
        start[lines] += 1
        lines = lines[end[lines] > start[lines]]
    lines = np.flatnonzero(end > start)
    while len(lines := lines[np.isin(points[end[lines] - 1], _END_BLANKS)]):
        end[lines] -= 1
        lines = lines[end[lines] > start[lines]]
    return start, end


_BLANKS = np.array([0x20, 0x09, 0xA0], np.uint32)
_END_BLANKS = np.array([0x20, 0x09, 0xA0, 0x3000], np.uint32)


def _glue(
    points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64], joined: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Return what stands behind each line: a line end; nothing if it goes on, or a blank between Latin words."""
    glue = np.full(len(start), "\n")
    glue[joined] = ""
    before, after = points[end[:-1] - 1], points[start[1:]]
    latin = joined[:-1] & _is_alphanumeric(after) & (_is_alphanumeric(before) | np.isin(before, _MARKS))
    glue[:-1][latin] = " "
    return glue


_MARKS = np.array([ord(each) for each in ",;)"], np.uint32)


def _is_alphanumeric(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each is a letter or digit of ASCII."""
    small = points | 0x20
    return ((points >= 0x30) & (points <= 0x39)) | ((small >= 0x61) & (small <= 0x7A))


_LETTERS = re.compile("(?<![\u3400-\u9fff])[\u3400-\u9fff](?: [\u3400-\u9fff]){3,}(?![\u3400-\u9fff])")
_SPACED = re.compile("[\u3400-\u9fff](?: [\u3400-\u9fff]){2,}")
#: What PDFium gives for its soft hyphen; it stands for a real one in codes such as `LH-4`.
_PDFIUM_HYPHEN = 0xFFFE
_SURROGATES = 0xD800 >> 11


def _repair_characters(
    text: str,
    layout: Layout,
    points: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    off: Collection[str],
    repairs: Counter[str],
) -> bool:
    """Remove or replace single characters, in `keep` and `points`; return whether any was replaced."""
    replaced = repair_characters(points, keep, off, repairs)
    if "invisible" not in off:
        hyphens = points == _PDFIUM_HYPHEN
        points[hyphens] = ord("-")
        replaced += int(hyphens.sum())
        repairs["invisible"] += int(hyphens.sum())
    if "letter_spacing" not in off:
        if len(layout.narrow):
            keep[layout.narrow] = False
            repairs["letter_spacing"] += len(layout.narrow)
        # A whole line of single ideographs, blank by blank: a title. Two may be the cells of a table.
        short = np.flatnonzero((end - start >= 5) & (end - start <= 40))
        short = short[points[start[short] + 1] == 0x20]
        for low, high in zip(start[short].tolist(), end[short].tolist(), strict=True):
            if _SPACED.fullmatch(text, low, high):
                keep[low + 1 : high : 2] = False
                repairs["letter_spacing"] += 1
        # Four of them within a line that was set: few tables have four cells of one character side by side.
        for match in _LETTERS.finditer(text) if len(layout.generated) else ():
            keep[match.start() + 1 : match.end() : 2] = False
            repairs["letter_spacing"] += 1
    return bool(replaced)


def _assemble(
    text: str,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    glue: NDArray[np.str_],
    dropped: NDArray[np.int64],
    offset: int,
) -> tuple[str, NDArray[np.int64]]:
    """Return lines of `text`, ascending, and the runs of what is kept of them.

    glue      what stands behind each line
    dropped   offsets of characters that are left out, ascending, in these lines or not
    offset    clean offset at which the first line begins
    """
    before = np.searchsorted(dropped, start)
    n_dropped = np.searchsorted(dropped, end) - before
    inside = dropped[np.repeat(before - np.cumsum(n_dropped) + n_dropped, n_dropped) + np.arange(n_dropped.sum())]
    # What is dropped cuts its line: each piece begins at a line's start or behind it, and ends at it or the line's end.
    low = np.sort(np.concatenate([start, inside + 1]))
    high = np.sort(np.concatenate([end, inside]))
    between = np.full(len(low), "", "<U1")
    between[np.cumsum(n_dropped + 1) - 1] = glue
    length = high - low
    behind = np.cumsum(length + (between != ""))
    clean = behind - length - (between != "") + offset
    runs = np.stack([clean, low, length], axis=1)[length > 0]
    pieces = zip(low.tolist(), high.tolist(), between.tolist(), strict=True)
    return "".join([text[first:last] + mark for first, last, mark in pieces]), runs.astype(np.int64)
