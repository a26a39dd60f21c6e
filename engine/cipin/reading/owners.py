"""Whose each section of a report is, where it is about several entities: an article with a section for each bank.

The rule is made so that nobody's own report loses text to a competitor, a subsidiary or a lender that a heading names:
* the report is not that of an entity of the registry by its file name, of no company by its cover or running heads, and
  no column and no choice of the user says whose it is;
* headings of one level, beside one another, *are* names of two or more entities of the registry: a number, the name and
  at most a code, a colon or bracket with a phrase, or a few characters more; not a sentence that mentions one;
* they are at least half of the headings that are numbered as they are, and hold at least half of the text of the
  section around them (of the whole text, if the file name says that it is an annual report), contents and tail of the
  page aside.

What is within such a section is its entity's; all else (the introduction, a summary, the tail) is the report's own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from cipin.lexicon.fold import fold
from cipin.reading.evidence import TOO_LITTLE
from cipin.reading.identify import Facts
from cipin.reading.numbering import STYLES, read_number
from cipin.reading.parsed import Parsed
from cipin.reading.registry import Registry, squeeze_han
from cipin.reading.structure import Structure

#: Characters behind a name that its heading may have: none of a sentence; behind a colon or in brackets more.
PHRASE, BEHIND_COLON = 8, 40
#: What says that a report is somebody's own; a title or a publisher may be that of an article about others.
_OWN = frozenset({"name:code", "cover", "running_head"})

_LEAD = re.compile(r"(?:(?:案例|实例|样本)\s*(?:[\d一二三四五六七八九十]{1,3})?)?[\s:：.、,，—–\-·•●◆■★【\[《“\"(（#]*")
_SENTENCE = re.compile("[。；！？!?;，,]")
#: What makes a sentence of a name and what follows, or a relation to another: 工商银行入股本行, 平安银行与我行的合作.
_RELATION = re.compile("[与和及对向将被为是的了在把入持成获拟]|本行|我行|本公司|股东|关联|合作|收购|诉")


def section_entities(parsed: Parsed, facts: Facts, registry: Registry) -> tuple[str | None, ...] | None:
    """Return the entity of each section; None where a section is the report's own, or for all if there is none else."""
    structure = parsed.structure
    if structure is None or len(structure.start) < 2 or not registry.names or not _may_be_of_several(facts):
        return None
    named = [
        entity_of_heading(title, registry, facts.fiscal_year) if may and kind == "body" else None
        for title, kind, may in zip(structure.title, structure.kind, registry.may_name(structure.title), strict=True)
    ]
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


def entity_of_heading(title: str, registry: Registry, year: int | None = None) -> str | None:
    """Return the entity whose name a heading is; None if it only mentions one.

    >>> from cipin.reading.registry import load_registry
    >>> banks = load_registry()
    >>> [entity_of_heading(each, banks) for each in ("01.中国工商银行", "平安银行：科技引领", "工商银行入股本行")]
    ['工商银行', '平安银行', None]
    """
    number = read_number(title)
    line = squeeze_han(title[number.end :] if number else title)
    lead = _LEAD.match(line)
    line = line[lead.end() :] if lead else line
    if entity := registry.entity_of(line.strip("*_】》”\"'：: )）"), year):
        return entity
    head, colon, rest = _cut(line)
    if colon and len(rest) <= BEHIND_COLON and (entity := registry.entity_of(head, year)):
        return entity
    mentions = registry.find(line, year)
    if len({each.entity for each in mentions}) != 1 or mentions[0].start:
        return None
    rest = line[mentions[0].end :]
    if _SENTENCE.search(rest) or _RELATION.search(fold(rest)) or len(rest) > PHRASE:
        return None
    return mentions[0].entity


def _cut(line: str) -> tuple[str, str, str]:
    """Return what stands before the first colon, dash or bracket, that mark, and what is behind it."""
    mark = re.search(r"[:：（(【|｜—–]|\s-\s", line)
    return (line[: mark.start()], mark[0], line[mark.end() :]) if mark else (line, "", "")
