"""What each column of the tables means, in Chinese and English, and what the values of those with few are called.

Both are files beside this module: columns.tsv and codes.tsv.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from cipin.measuring.measures import MEASURES

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, or a variable of an export.

    zh, en                   its label
    meaning_zh, meaning_en   what a value says
    unit                     of its values; "" where they have none
    formula, source          of a measure: in the names of the panel's columns; who uses it or defines it
    formula_zh, source_zh    the same in Chinese; "": as they are
    """

    name: str
    zh: str
    en: str
    meaning_zh: str = ""
    meaning_en: str = ""
    unit: str = ""
    formula: str = ""
    source: str = ""
    formula_zh: str = ""
    source_zh: str = ""

    def label(self, language: Language) -> str:
        """Return its label in a language."""
        return self.zh if language == "zh" else self.en

    def meaning(self, language: Language) -> str:
        """Return what a value says, in a language."""
        return self.meaning_zh if language == "zh" else self.meaning_en


@cache
def _columns() -> Mapping[tuple[str, str], Column]:
    """Return the rows of columns.tsv by table and name; a table "" stands for all that have no row of their own."""
    lines = files("cipin.measuring").joinpath("columns.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return MappingProxyType({(row[0], row[1]): Column(*row[1:]) for row in rows})


def describe(table: str, name: str) -> Column:
    """Return what a column of a table means; a name that nobody knows is its own label.

    >>> describe("panel", "chars").zh, describe("reports", "clauses").en
    ('字符数', 'clauses')
    """
    known = _columns()
    if table == "panel" and name in MEASURES:
        measure = MEASURES[name]
        meant = known.get(("measure", name)) or Column(name, "", "", measure.zh, measure.en)
        return Column(
            name,
            measure.zh,
            measure.en,
            meant.meaning_zh,
            meant.meaning_en,
            measure.unit,
            measure.formula,
            measure.source,
            measure.formula_zh,
            measure.source_zh,
        )
    return known.get((table, name)) or known.get(("", name)) or Column(name, name, name)


@cache
def _codes() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Return the rows of codes.tsv by column: code → what it is called in Chinese and English."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for line in files("cipin.measuring").joinpath("codes.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        column, code, zh, en = line.split("\t")
        found.setdefault(column, {})[code] = (zh, en)
    return MappingProxyType({column: MappingProxyType(codes) for column, codes in found.items()})


def codes_of(table: str, name: str) -> Mapping[str, tuple[str, str]]:
    """Return the values that a column of codes can have, and what they are called; none of other columns.

    >>> codes_of("hits", "kind")["toc"], codes_of("panel", "chars")
    (('目录', 'tables of contents'), {})
    """
    known = _codes().get(f"{table}.{name}") or _codes().get(name) or {}
    if (table, name) != ("hits", "reason"):
        return known
    return {**known, **{f"skip:{code}": words for each in ("kind", "topic") for code, words in _codes()[each].items()}}


#: What a report can have come to, what a line can be, and what a section can be about.
STATUSES, KINDS, TOPICS = (codes_of("", name) for name in ("status", "kind", "topic"))
#: Columns whose few values Stata and SPSS hold as numbers with labels, counted from 1 in this order.
VALUES = MappingProxyType({"status": STATUSES, "topic": TOPICS})
#: What a word of the options is called, in Chinese and English.
WORDS = MappingProxyType({**KINDS, **TOPICS})
