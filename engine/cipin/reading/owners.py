"""Whose each section of a report is, where it is about several entities: an article with a section for each bank.

The rule is made so that nobody's own report loses text to a competitor, a subsidiary or a lender that a heading names:
* the report is not that of an entity of the registry by its file name, of no company by its cover or running heads, and
  no column and no choice of the user says whose it is;
* headings of one level, beside one another, *are* names of two or more entities of the registry: a number, the name and
  at most a code, a colon or bracket with a phrase, or a few characters more; not a sentence that mentions one. Lines
  that are a name and nothing else are headings, too, if text follows (`cipin.reading.name_lines`);
* they are at least half of the headings that are numbered as they are, and hold at least half of the text of the
  section around them (of the whole text, if the file name says that it is an annual report), contents and tail of the
  page aside.

What is within such a section is its entity's; all else (the introduction, a summary, the tail) is the report's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cipin.reading.evidence import TOO_LITTLE
from cipin.reading.identify import Facts
from cipin.reading.name_lines import find_name_lines, name_titles, with_headings
from cipin.reading.numbering import STYLES, read_number
from cipin.reading.parsed import Parsed
from cipin.reading.registry import Registry
from cipin.reading.structure import Structure

#: Entities of the sections of a report, one each; None where the report has none but its own.
Owners = tuple[str | None, ...] | None

#: What says that a report is somebody's own; a title or a publisher may be that of an article about others.
_OWN = frozenset({"name:code", "cover", "running_head"})


def share_out(parsed: Parsed, facts: Facts, registry: Registry) -> tuple[Parsed, Owners]:
    """Return a report and the entity of each of its sections; None where a section, or all, is the report's own.

    Lines that are names and nothing else become headings, if that makes sections of several entities.
    """
    structure = parsed.structure
    if structure is None or not registry.names or not _may_be_of_several(facts):
        return parsed, None
    if owners := _owners(structure, facts, registry):
        whole = _covered(structure, owners)
    lines = find_name_lines(parsed, structure, registry, facts.fiscal_year)
    if len({line.entity for line in lines}) >= 2:
        named = dict(zip(structure.start.tolist(), structure.level.tolist(), strict=True))
        levels = Counter(named[line.start] for line in lines if named.get(line.start))
        around = int(structure.level[structure.section_of(np.array([lines[0].start], np.int64))[0]])
        level = levels.most_common(1)[0][0] if levels else around + 1
        finer = with_headings(structure, lines, level)
        more = _owners(finer, facts, registry)
        if more and (not owners or _covered(finer, more) >= whole):
            return replace(parsed, structure=finer), more
    return parsed, owners


def _covered(structure: Structure, owners: tuple[str | None, ...]) -> int:
    """Return the characters of the sections that are others'."""
    ends = np.append(structure.start[1:], structure.end.max())
    return int((ends - structure.start)[[owner is not None for owner in owners]].sum())


def _owners(structure: Structure, facts: Facts, registry: Registry) -> Owners:
    if len(structure.start) < 2:
        return None
    titles = [title if kind == "body" else "" for title, kind in zip(structure.title, structure.kind, strict=True)]
    named = name_titles(titles, registry, facts.fiscal_year)
    if len({each for each in named if each}) < 2:
        return None
    length = structure.end - structure.start
    body = sum(int(length[at]) for at, kind in enumerate(structure.kind) if kind == "body" and structure.parent[at] < 0)
    is_annual = facts.year_source == "name:annual_report"
    owners: list[str | None] = [None] * len(named)
    for beside in _beside(structure):
        claimed = _claim(beside, structure.title, named)
        parent = int(structure.parent[beside[0]])
        around = body if parent < 0 or is_annual else int(length[parent])
        if 2 * int(length[list(claimed)].sum()) >= around:
            for at, entity in claimed.items():
                owners[at] = entity
    for at, around in enumerate(structure.parent.tolist()):
        if owners[at] is None and around >= 0 and structure.kind[at] == "body":
            owners[at] = owners[around]
    return tuple(owners) if any(owners) else None


def _claim(beside: list[int], titles: Sequence[str], named: list[str | None]) -> dict[int, str]:
    """Return which of the headings beside one another are whose: names, and what is numbered within them.

    `1.` behind `01.中国工商银行` is within it, though a text without sizes or an outline shows them as one level.
    """
    forms = {at: _form(titles[at]) for at in beside if titles[at]}
    claimed: dict[int, str] = {}
    for form in dict.fromkeys(forms[at] for at in beside if named[at]):
        same = [at for at in beside if forms.get(at) == form]
        there = [at for at in same if named[at]]
        if len({named[at] for at in there}) < 2 or 2 * len(there) < len(same):
            continue
        last = None
        for at in beside[beside.index(same[0]) :]:
            if forms.get(at) == form:
                last = named[at]
            # Between two of the same count all is within the first; behind the last, what is numbered as within it.
            elif not (at < same[-1] or _is_within(forms.get(at), form)):
                last = None
            if last:
                claimed.setdefault(at, last)
    return claimed


def _form(title: str) -> tuple[str, bool]:
    """Return how a heading is numbered: the style of its number, and whether that is written `01`."""
    number = read_number(title)
    return (number.style, title.lstrip()[:1] in {"0", "０"}) if number else ("", False)


def _is_within(form: tuple[str, bool] | None, around: tuple[str, bool]) -> bool:
    if not form or not form[0] or not around[0]:
        return False
    if form[0] == around[0]:
        return around[1] and not form[1]
    return STYLES.index(form[0]) > STYLES.index(around[0])


def _may_be_of_several(facts: Facts) -> bool:
    if any(each.source in _OWN and each.score > TOO_LITTLE for each in facts.entities):
        return False
    return facts.entity_source in {"", "title", "publisher"} or (facts.entity_source == "name" and not facts.is_known)


def _beside(structure: Structure) -> list[list[int]]:
    """Return the sections of the body that stand beside one another: of one level, within one section."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for at, (level, parent, kind) in enumerate(
        zip(structure.level.tolist(), structure.parent.tolist(), structure.kind, strict=True)
    ):
        if level > 0 and kind == "body":
            groups[parent, level].append(at)
    return list(groups.values())
