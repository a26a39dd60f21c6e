"""What each column of the tables means, in Chinese and English, and what the values of those with few are called."""

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


#: What a report can have come to.
STATUSES = MappingProxyType(
    {
        "measured": ("已测量", "measured"),
        "teaser": ("仅有开头", "only a beginning"),
        "dropped": ("舍弃", "dropped"),
        "quarantined": ("隔离", "quarantined"),
    }
)
#: What a line can be.
KINDS = MappingProxyType(
    {
        "body": ("正文", "body text"),
        "heading": ("标题", "headings"),
        "toc": ("目录", "tables of contents"),
        "caption": ("图表标题", "captions"),
        "table_row": ("表格行", "rows of tables"),
        "footnote": ("脚注", "footnotes"),
        "list_item": ("列表项", "list items"),
        "boilerplate": ("网页套话", "boilerplate of web pages"),
        "running_head": ("页眉页脚", "running heads"),
    }
)
#: What a section can be about.
TOPICS = MappingProxyType(
    {
        "mda": ("管理层讨论与分析", "management's discussion and analysis"),
        "letter": ("致股东信", "letters to shareholders"),
        "financial_statements": ("财务报表", "financial statements"),
        "notes": ("财务报表附注", "notes to the financial statements"),
        "audit": ("审计报告", "auditor's reports"),
        "governance": ("公司治理", "corporate governance"),
        "risk": ("风险管理", "risk management"),
        "esg": ("社会责任", "social responsibility"),
        "directors": ("董事、监事与高管", "directors and senior management"),
        "directors_report": ("董事会报告", "reports of the directors"),
        "shareholders": ("股份与股东", "shares and shareholders"),
        "significant_matters": ("重要事项", "significant matters"),
        "profile": ("公司简介", "corporate profile"),
        "financial_summary": ("会计数据与财务指标", "financial summary"),
        "outlook": ("展望", "outlook"),
        "definitions": ("释义", "definitions"),
    }
)
#: Columns whose few values Stata and SPSS hold as numbers with labels, counted from 1 in this order.
VALUES = MappingProxyType({"status": STATUSES, "topic": TOPICS})
#: What a word of the options is called, in Chinese and English.
WORDS = MappingProxyType({**KINDS, **TOPICS})
