"""How a repaired text compares with the one that a made PDF was set from."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

_STARTS = re.compile("\u3000\u3000|第[一二三四五六七八九十]+章 ")


@dataclass(frozen=True)
class Score:
    """Errors are characters, white space aside; wraps are line ends of the gold text within paragraphs."""

    errors: int
    chars: int
    wraps: int
    joined: int
    falsely: int
    paragraphs: int
    right: int

    @property
    def error_rate(self) -> float:
        return self.errors / self.chars


def compare(gold: str, clean: str) -> Score:
    """Score a clean text, without running heads, against the lines of a gold text.

    A line of the gold text begins a paragraph if two blanks indent it, if it is the title of a chapter, or if its first
    character would have fitted on the line before.
    """
    lines = [line for line in gold.splitlines() if line.strip()]
    width = [sum(0.5 if each.isascii() else 1.0 for each in line) for line in lines]
    # Latin letters of the proportional fonts are wider than half a square by turns.
    limit = max(width) - (2 if any(line.startswith("\u3000\u3000") for line in lines) else 0)
    starts = [
        _STARTS.match(line) is not None or before + (0.5 if line[0].isascii() else 1.0) <= limit
        for line, before in zip(lines[1:], width, strict=False)
    ]
    wanted = "".join(gold.split())
    found = "".join(clean.split())
    at, cuts = 0, set()
    for line in clean.splitlines():
        at += len("".join(line.split()))
        cuts.add(at)
    errors, place = align(wanted, found)
    end, joined, falsely, wraps, right = 0, 0, 0, 0, 0
    whole = True
    for line, is_end in zip(lines, [*starts, True], strict=True):
        end += len("".join(line.split()))
        # Characters that were lost at a line's end may stand on either side of the cut.
        is_cut = any(each in cuts for each in range(place[end - 1] + 1, (place[end] if end < len(place) else 0) + 1))
        is_cut = is_cut or end == len(wanted)
        whole &= is_cut == is_end
        if is_end:
            falsely += not is_cut
            right += whole
            whole = is_cut
        else:
            wraps += 1
            joined += not is_cut
    return Score(errors, len(wanted), wraps, joined, falsely, sum(starts) + 1, right)


def align(wanted: str, found: str) -> tuple[int, list[int]]:
    """Return how many characters differ, and where each character of `wanted` is in `found`."""
    low, most = 0, min(len(wanted), len(found))
    while low < most and wanted[low] == found[low]:
        low += 1
    high = 0
    while high < most - low and wanted[-1 - high] == found[-1 - high]:
        high += 1
    place = list(range(low))
    errors = 0
    middle = wanted[low : len(wanted) - high], found[low : len(found) - high]
    for _, i1, i2, j1, j2 in difflib.SequenceMatcher(None, *middle, autojunk=False).get_opcodes():
        if i2 - i1 != j2 - j1 or middle[0][i1:i2] != middle[1][j1:j2]:
            errors += max(i2 - i1, j2 - j1)
        place += [low + min(j1 + step, max(j2 - 1, j1 - (j1 == j2))) for step in range(i2 - i1)]
    return errors, place + list(range(len(found) - high, len(found)))
