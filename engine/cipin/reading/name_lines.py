"""Lines that are the name of an entity: headings, also those that neither number, size nor format shows as such.

An article about several banks often sets their names in bold or in brackets, on a line of their own. Such a line is
taken for a heading only where text follows it before the next: a list or a table of names heads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipin.lexicon.fold import fold
from cipin.reading.labels import BODY, CAPTION, HEADING, LIST_ITEM
from cipin.reading.numbering import read_number
from cipin.reading.parsed import Parsed
from cipin.reading.registry import Registry, squeeze_han
from cipin.reading.structure import Structure

#: Characters of a line that may be a heading, and ideographs behind it that make it head something.
MOST_CHARS, LEAST_TEXT = 40, 20
#: Characters of a number, of blanks and marks, in front of a name that is a line.
FRONT = 14

#: Characters behind a name that its heading may have: none of a sentence; behind a colon or in brackets more.
PHRASE, BEHIND_COLON = 8, 40
_LEAD = re.compile(
    r"(?:(?:案例|实例|样本)\s*(?:[\d一二三四五六七八九十]{1,3})?)?[\s:：.、,，—–\-·•●◆■★【\[《“\"(（#]*(?:\d{1,2}(?=[\u3400-\u9fff]))?"
)
_SENTENCE = re.compile("[。；！？!?;，,]")
#: What makes a sentence of a name and what follows, or a relation to another: 工商银行入股本行, 平安银行与我行的合作.
_RELATION = re.compile("[与和及对向将被为是的了在把入持成获拟]|本行|我行|本公司|股东|关联|合作|收购|诉")
_ENDS = tuple("。！？；，…!?;,")
_HAN = re.compile("[\u3400-\u9fff]")
_MAY_HEAD = (BODY, LIST_ITEM, CAPTION, HEADING)


def entity_of_heading(title: str, registry: Registry, year: int | None = None) -> str | None:
    """Return the entity whose name a heading is; None if it only mentions one.

    >>> from cipin.reading.registry import load_registry
    >>> banks = load_registry()
    >>> [entity_of_heading(each, banks) for each in ("01.中国工商银行", "平安银行：科技引领", "工商银行入股本行")]
    ['工商银行', '平安银行', None]
    """
    if entity := entity_of_name(title, registry, year):
        return entity
    line = _bare(title)
    mentions = registry.find(line, year)
    if len({each.entity for each in mentions}) != 1 or mentions[0].start:
        return None
    rest = line[mentions[0].end :]
    if _SENTENCE.search(rest) or _RELATION.search(fold(rest)) or len(rest) > PHRASE:
        return None
    return mentions[0].entity


def entity_of_name(title: str, registry: Registry, year: int | None = None) -> str | None:
    """Return the entity whose name a line is, perhaps with a number, and a phrase behind a colon or in brackets."""
    line = _bare(title)
    if entity := registry.entity_of(line.strip("*_】》”\"'：: )）"), year):
        return entity
    head, mark, rest = _cut(line)
    if mark and len(rest) <= BEHIND_COLON and not rest.endswith(("。", "；", "，")):
        return registry.entity_of(head, year)
    return None


def _bare(title: str) -> str:
    """Return a heading without its number and the marks in front."""
    number = read_number(title)
    line = squeeze_han(title[number.end :] if number else title)
    lead = _LEAD.match(line)
    return line[lead.end() :] if lead else line


def _cut(line: str) -> tuple[str, str, str]:
    """Return what stands before the first colon, dash or bracket, that mark, and what is behind it."""
    mark = re.search(r"[:：（(【|｜—–]|\s-\s", line)
    return (line[: mark.start()], mark[0], line[mark.end() :]) if mark else (line, "", "")


class NameLine(NamedTuple):
    """A line that is a name: where it begins and where the next line does, what it says, and whose name it is."""

    start: int
    after: int
    title: str
    entity: str


def find_name_lines(parsed: Parsed, structure: Structure, registry: Registry, year: int | None) -> list[NameLine]:
    """Return the lines of the body that are names and head some text, in order; none of a text of one short line."""
    text = parsed.text
    end = parsed.clean.aside if parsed.clean else len(text)
    found = list(_name_lines(text[:end], registry, year))
    kinds = structure.kind_of(np.array([each.start for each in found], np.int64))
    found = [each for each, kind in zip(found, kinds.tolist(), strict=True) if kind in _MAY_HEAD]
    if not found:
        return []
    stops = [each.start for each in found[1:]] + [end]
    heads = [
        len(_HAN.findall(text, each.after, min(stop, each.after + 10 * LEAST_TEXT))) >= LEAST_TEXT
        for each, stop in zip(found, stops, strict=True)
    ]
    # The last of a list is followed by text, too.
    return [each for at, each in enumerate(found) if heads[at] and (at == 0 or heads[at - 1])]


def _name_lines(text: str, registry: Registry, year: int | None) -> Iterator[NameLine]:
    """Yield the short lines that are names: only what stands in front in them is looked at.

    A report of 41,000 characters takes 0.29 ms; looking for names in all of it took 0.49 to 0.61.
    """
    lines = text.split("\n")
    short = [at for at, line in enumerate(lines) if 1 < len(line) <= MOST_CHARS]
    if len(short) < 2:
        return  # one alone makes no sections of several, and rows of tables have few
    may = [short[at] for at in registry.may_name([_front(lines[at]) for at in short])]
    if not may:
        return
    chars = [0, *accumulate(map(len, lines))]
    for at in may:
        line = lines[at].strip()
        if not line.endswith(_ENDS) and (entity := entity_of_name(line, registry, year)):
            yield NameLine(chars[at] + at, min(chars[at + 1] + at + 1, len(text)), line, entity)


def _front(line: str) -> str:
    """Return where a name may begin in a line, also without blanks: titles are often set with some between letters."""
    front = line[: FRONT + 1]
    if " " in front or "\u3000" in front:
        front += "\0" + line.replace(" ", "").replace("\u3000", "")[: FRONT + 1]
    return front


def name_titles(titles: Sequence[str], registry: Registry, year: int | None) -> list[str | None]:
    """Return the entity whose name each heading is, as `entity_of_heading` does."""
    may = set(registry.may_name(["".join(title[:MOST_CHARS].split()) for title in titles]))
    return [entity_of_heading(title, registry, year) if at in may else None for at, title in enumerate(titles)]


def with_headings(structure: Structure, lines: Sequence[NameLine], level: int) -> Structure:
    """Return `structure` with a section of that level at each line that begins none yet."""
    begun = set(structure.start[structure.level > 0].tolist())
    new = [each for each in lines if each.start not in begun]
    if not new:
        return structure
    inside = structure.section_of(np.array([each.start for each in new], np.int64))
    rows = [
        (int(structure.start[at]), int(structure.level[at]), structure.title[at], structure.kind[at],
         structure.topic[at], structure.source[at])
        for at in range(len(structure.start))
        if structure.level[at] or structure.start[at] != new[0].start
    ]  # fmt: skip
    rows += [
        (each.start, level, each.title, "body", structure.topic[at], "name")
        for each, at in zip(new, inside.tolist(), strict=True)
    ]
    rows.sort(key=lambda row: row[0])
    start, levels, title, kind, topic, source = zip(*rows, strict=True)
    end, parent = _nest(start, levels, int(structure.end.max()))
    kind_start, kinds = _mark(structure, new)
    return replace(
        structure,
        start=np.array(start, np.int64),
        end=end,
        level=np.array(levels, np.int32),
        parent=parent,
        title=title,
        kind=kind,
        topic=topic,
        source=source,
        kind_start=kind_start,
        kinds=kinds,
    )


def _nest(start: Sequence[int], level: Sequence[int], length: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return where each section ends, and the section around it, by their levels."""
    end, parent = np.full(len(start), length, np.int64), np.full(len(start), -1, np.int32)
    stack: list[int] = []
    for at in range(len(start)):
        # The front, of level 0, holds nothing.
        while stack and (level[stack[-1]] >= level[at] or not level[stack[-1]]):
            end[stack.pop()] = start[at]
        if stack:
            parent[at] = stack[-1]
        stack.append(at)
    return end, parent


def _mark(structure: Structure, new: Sequence[NameLine]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the kinds of lines, with these as headings."""
    first = np.array([each.start for each in new], np.int64)
    points = np.union1d(np.union1d(structure.kind_start, first), [each.after for each in new])
    kinds = structure.kind_of(points)
    kinds[np.searchsorted(points, first)] = HEADING
    changed = np.concatenate([[True], kinds[1:] != kinds[:-1]])
    return points[changed].astype(np.int64), kinds[changed]
