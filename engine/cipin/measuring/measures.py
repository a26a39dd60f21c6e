"""Measures by name: what is made of a count and its denominators, each with its formula and where it comes from.

Numerator and denominator are always of the same text: what is not counted (a table of contents, a running head, a
section of another entity) is in neither. A measure is null where its denominator is not known or zero, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from cipin.arguments import check_choice, check_names

#: Denominators of a group, as `panel.count_groups` gives them: reports, characters, Han characters, jieba's words,
#: clauses of all text that is counted.
DENOMINATORS = ("reports", "chars", "han_chars", "words", "all_clauses")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a group (an entity-year) and a term, category or dimension.

    formula   in the names of the panel's columns
    source    who uses it, or what defines it
    zh, en    its label in Chinese and English
    unit      of its values
    formula_zh, source_zh   the same in Chinese; "": as they are
    """

    name: str
    zh: str
    en: str
    formula: str
    unit: str
    source: str
    formula_zh: str = ""
    source_zh: str = ""

    def expression(self) -> pl.Expr:
        """Return it over a panel with all denominators."""
        return _EXPRESSIONS[self.name].alias(self.name)


def _ratio(numerator: str, denominator: str, times: float) -> pl.Expr:
    known = pl.col(denominator) > 0
    return pl.when(known).then(pl.col(numerator) * times / pl.col(denominator))


def tf_idf() -> pl.Expr:
    """Return Loughran and McDonald's weights, a group being a document: 0 where a term is absent, or in every group.

    Over the columns hits, mean_chars (of all groups), n_groups and groups_with (that have a hit of it).
    """
    found = pl.col("hits").cast(pl.Float64).log()
    weight = (1 + found) / (1 + pl.col("mean_chars").log()) * (pl.col("n_groups") / pl.col("groups_with")).log()
    return pl.when(pl.col("hits") > 0).then(weight).otherwise(0.0)


_EXPRESSIONS = {
    "hits": pl.col("hits"),
    "clauses": pl.col("clauses"),
    "reports_with": pl.col("reports_with"),
    "ln_hits": (1 + pl.col("hits").cast(pl.Float64)).log(),
    "per_10k_chars": _ratio("hits", "chars", 1e4),
    "per_10k_han": _ratio("hits", "han_chars", 1e4),
    "per_10k_words": _ratio("hits", "words", 1e4),
    "share_of_clauses": _ratio("clauses", "all_clauses", 1.0),
    "share_of_reports": _ratio("reports_with", "reports", 1.0),
    "tf_idf": tf_idf(),
}
_WU = (
    "吴非、胡慧芷、林慧妍、任晓怡 (2021) 企业数字化转型与资本市场表现——来自股票流动性的经验证据, "
    "管理世界 37(7): 130-144"
)
#: Their a_j is of each document; what it is for is the same for all groups here.
_LM = (
    "Loughran and McDonald (2011) When is a liability not a liability?, Journal of Finance 66(1), eq. 1, "
    "with the mean length of all groups in place of each document's a_j"
)

_LM_ZH = (
    "Loughran and McDonald (2011) When is a liability not a liability?, Journal of Finance 66(1) 式 1，"
    "以各组长度的均值代替其各文档的 a_j"
)
#: Units in Chinese.
UNITS_ZH = MappingProxyType(
    {
        "count": "次", "log count": "次数的对数", "per 10,000 characters": "每万字符",
        "per 10,000 Han characters": "每万汉字", "per 10,000 words": "每万词", "share": "占比", "weight": "权重",
        "characters": "字符", "Han characters": "汉字", "words": "词", "clauses": "分句", "reports": "份", "year": "年",
        "month": "月", "page": "页", "pages": "页",
    }
)  # fmt: skip

MEASURES = MappingProxyType(
    {
        each.name: each
        for each in (
            Measure("hits", "命中次数", "hits", "number of counted occurrences", "count", "cipin (absolute frequency)",
                    "计入的出现次数", "cipin（绝对频数）"),
            Measure("clauses", "命中分句数", "clauses with a hit", "number of distinct clauses that hold a hit",
                    "clauses", "cipin", "含有命中的不同分句的个数"),
            Measure("reports_with", "提及的报告数", "reports with a hit", "number of reports that hold a hit",
                    "reports", "cipin", "含有命中的报告的份数"),
            Measure("ln_hits", "命中次数对数", "log of hits", "ln(1 + hits)", "log count", _WU),
            Measure("per_10k_chars", "每万字符命中次数", "hits per 10,000 characters", "10000 * hits / chars",
                    "per 10,000 characters", "cipin (relative frequency)", "", "cipin（相对频数）"),
            Measure("per_10k_han", "每万汉字命中次数", "hits per 10,000 Han characters", "10000 * hits / han_chars",
                    "per 10,000 Han characters", "cipin (relative frequency)", "", "cipin（相对频数）"),
            Measure("per_10k_words", "每万词命中次数", "hits per 10,000 words", "10000 * hits / words",
                    "per 10,000 words", "cipin (relative frequency; words as jieba's dictionary cuts them, HMM=False)",
                    "", "cipin（相对频数；词按结巴词典切分，HMM=False）"),
            Measure("share_of_clauses", "命中分句占比", "share of clauses", "clauses / all_clauses", "share", "cipin"),
            Measure("share_of_reports", "提及报告占比", "share of reports", "reports_with / reports", "share",
                    "Baker, Bloom and Davis (2016) Measuring economic policy uncertainty, QJE 131(4)"),
            Measure("tf_idf", "TF-IDF", "tf-idf",
                    "(1 + ln hits) / (1 + ln(mean of chars of all groups)) * ln(groups / groups with a hit), "
                    "0 without a hit", "weight", _LM,
                    "(1 + ln hits) / (1 + ln(全部组 chars 的均值)) * ln(组数 / 有命中的组数)；无命中为 0", _LM_ZH),
        )
    }
)  # fmt: skip


def check_measures(measures: object) -> tuple[str, ...]:
    """Return names of measures. Raises UsageError for one that is not known."""
    names = check_names(measures, "measures", '["hits", "ln_hits"]')
    for name in names:
        check_choice(name, "measures", MEASURES)
    return tuple(dict.fromkeys(names))


def add_measures(panel: pl.LazyFrame, by: Sequence[str], measures: Sequence[str]) -> pl.LazyFrame:
    """Add measures to a panel that has `hits`, `clauses`, `reports_with` and the denominators of its groups `by`.

    >>> panel = pl.LazyFrame({"entity": ["a"], "lexicon": ["x"], "hits": [3], "chars": [20_000]})
    >>> add_measures(panel, ["entity"], ["per_10k_chars"]).collect()["per_10k_chars"].item()
    1.5
    """
    chosen = [MEASURES[name].expression() for name in measures]
    if "tf_idf" not in measures:
        return panel.with_columns(chosen)
    names = panel.collect_schema().names()
    item = [each for each in ("lexicon", "dimension", "category", "term") if each in names]
    groups = pl.struct(by).n_unique() if by else pl.lit(1)
    needed = {
        "n_groups": groups,
        "mean_chars": pl.col("chars").mean(),
        "groups_with": (pl.col("hits") > 0).sum().over(item),
    }
    return panel.with_columns(**needed).with_columns(chosen).drop(needed.keys())
