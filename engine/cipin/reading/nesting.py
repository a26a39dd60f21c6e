"""How headings nest: learned from each document, by its outline and by which style counts anew behind which."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from cipin.lexicon.fold import fold
from cipin.reading.numbering import STYLES, SURE


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its line, where in it it begins, its title, its level from 1, and what said so.

    source   "format", "outline", "contents", "numbering", "size", "glued", "running_head"
    """

    line: int
    at: int
    title: str
    level: int
    source: str


@dataclass(slots=True)
class Candidate:
    """A line that heads something: what its style is, which number it has, how large it is set.

    level   by the format or the outline; 0: not said
    """

    line: int
    at: int
    title: str
    style: str
    value: int
    source: str
    size: float
    level: int = 0


_CONTINUED = re.compile(r"[\s(（]*(?:续|續|continued|cont'd)[)）]*\s*$", re.IGNORECASE)


def squeeze(title: str) -> str:
    """Return a title as it is compared: folded, without blanks."""
    return fold("".join(title.split()))


def nest(headings: list[Candidate], by_format: bool) -> Iterator[Heading]:
    """Give each heading its level: one more than that of the last heading of an outer style."""
    if by_format:
        # A glued heading is as deep as those of its style.
        level_of = {heading.style: heading.level for heading in headings if heading.level}
        for each in headings:
            yield Heading(each.line, each.at, each.title, each.level or level_of.get(each.style, 1), each.source)
        return
    rank = _ranks(headings)
    stack: list[tuple[float, str]] = []
    for each in headings:
        title = _CONTINUED.sub("", each.title)
        if title != each.title and any(squeeze(title) == open_title for _, open_title in stack):
            continue  # 二、重要会计政策（续）: the section goes on.
        here = rank[_key(each)]
        while stack and stack[-1][0] >= here:
            stack.pop()
        stack.append((here, squeeze(each.title)))
        yield Heading(each.line, each.at, each.title, len(stack), each.source)


def _key(heading: Candidate) -> tuple[str, bool]:
    # The same numbers may count twice: `一、` in the contents, and `一、` within what the contents list.
    return heading.style, heading.source == "contents"


def _ranks(headings: list[Candidate]) -> dict[tuple[str, bool], float]:
    """Order the styles of a document from the outermost to the innermost."""
    of_style: defaultdict[tuple[str, bool], list[Candidate]] = defaultdict(list)
    for heading in headings:
        of_style[_key(heading)].append(heading)
    listed = {style for style, in_contents in of_style if in_contents}
    rank: dict[tuple[str, bool], float] = {}
    deepest = 0.0
    for custom, key in sorted((_custom(key, listed), key) for key in of_style if key[0] in STYLES):
        levels = [each.level for each in of_style[key] if each.level]
        if len(levels) >= 2 and not listed:
            # Levels of an outline are the author's own; custom decides between styles of one level.
            rank[key] = 100 * median(levels) + custom
            deepest = max(deepest, rank[key])
        else:
            rank[key] = deepest + custom
    known = [
        (float(np.nanmedian([each.size for each in of_style[key]])), rank[key])
        for key in rank
        if not _unset(of_style[key])
    ]
    for key, members in of_style.items():
        if key in rank:
            continue
        if _unset(members):
            rank[key] = float(STYLES.index("chapter"))
            continue
        # Without a number: as deep as the numbered style of its size, or as the outline says, or just above the style
        # of the next smaller size.
        size = median(each.size for each in members)
        levels = [each.level for each in members if each.level]
        same = [value for other, value in known if abs(other - size) < 0.3]
        smaller = [value for other, value in known if other < size - 0.3]
        if same:
            rank[key] = min(same)
        elif levels:
            rank[key] = 100 * median(levels)
        else:
            rank[key] = min(smaller) - size / 1000 if smaller else 1000 - size
    return _learned(headings, rank)


def _custom(key: tuple[str, bool], listed: set[str]) -> int:
    """Return how deep a style of numbers is by custom; what the contents do not list is deeper than what they do."""
    style, in_contents = key
    within = bool(listed) and not in_contents and style not in SURE
    return STYLES.index(style) + (len(STYLES) if within else 0)


def _unset(members: list[Candidate]) -> bool:
    return any(each.size != each.size for each in members)


def _learned(headings: list[Candidate], rank: dict[tuple[str, bool], float]) -> dict[tuple[str, bool], float]:
    """Exchange neighbours where the document nests them the other way: the inner one counts anew behind the outer."""
    begins: Counter[tuple[tuple[str, bool], tuple[str, bool]]] = Counter()
    for before, after in pairwise(headings):
        if after.value == 1 and _key(before) != _key(after):
            begins[_key(before), _key(after)] += 1
    order = sorted(rank, key=lambda key: rank[key])
    for at in range(len(order) - 1):
        outer, inner = order[at], order[at + 1]
        if begins[inner, outer] >= 2 and begins[inner, outer] > 2 * begins[outer, inner]:
            order[at], order[at + 1] = inner, outer
    values = sorted(rank.values())
    return {key: values[at] for at, key in enumerate(order)}
