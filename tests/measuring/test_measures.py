"""Measures by name, against a table worked out by hand: two banks, three reports, two terms."""

from __future__ import annotations

import math

import polars as pl
import pytest

from cipin.errors import UsageError
from cipin.measuring.measures import MEASURES
from cipin.measuring.panel import make_panel

# 甲 2020 has two reports (10,000 and 30,000 characters), 甲 2021 one without any hit, 乙 2020 one; 乙 2021 could not be
# read. 云 stands 3 + 1 times in 甲 2020 (2 + 1 clauses) and twice in 乙 2020 (1 clause); 数 once in 甲 2020.
REPORTS = pl.LazyFrame(
    {
        "report": ["a", "b", "c", "d", "e"],
        "source": ["甲2020年年度报告.pdf", "甲2020年半年度报告.pdf", "甲2021年报.pdf", "乙2020.pdf", "乙2021.pdf"],
        "title": [None, None, None, "乙银行2020年度社会责任报告", None],
        "format": ["pdf"] * 5,
        "entity": ["甲", "甲", "甲", "乙", "乙"],
        "fiscal_year": [2020, 2020, 2021, 2020, 2021],
        "chars": [10_000, 30_000, 5_000, 4_000, None],
        "han_chars": [8_000, 24_000, 4_000, 2_000, None],
        "words": [6_000, 18_000, 3_000, None, None],
        "clauses": [900, 1_100, 400, 100, None],
        "published": ["2021-03-30", "2020-08-28", None, "2021-03", None],
        "status": ["measured", "measured", "measured", "measured", "quarantined"],
    }
)
LEXICON = pl.LazyFrame(
    {"lexicon": ["x", "x"], "term": ["云", "数"], "category": ["技术", "技术"], "dimension": ["技术", "技术"]}
)
HITS = pl.LazyFrame(
    {
        "report": ["a", "a", "a", "a", "b", "d", "d"],
        "lexicon": ["x"] * 7,
        "term": ["云", "云", "云", "数", "云", "云", "云"],
        "clause": [0, 0, 1, 1, 0, 5, 5],
        "section": [1, 1, 2, 2, 0, 0, 0],
        "kept": [True] * 7,
    }
)
COUNTS = pl.LazyFrame(
    {
        "report": ["a", "a", "b", "d"],
        "lexicon": ["x"] * 4,
        "term": ["云", "数", "云", "云"],
        "hits": [3, 1, 1, 2],
        "clauses": [2, 1, 1, 1],
    }
)
SECTIONS = pl.LazyFrame(
    {
        "report": ["a", "a", "a", "b", "c", "d"],
        "section": [0, 1, 2, 0, 0, 0],
        "entity": pl.Series([None] * 6, dtype=pl.String),
        "topic": [None, "mda", "risk", "mda", "mda", None],
        "chars": [1_000, 6_000, 2_500, 30_000, 5_000, 4_000],
        "clauses": [100, 500, 250, 1_100, 400, 100],
    }
)
# 云 in 甲 2020, 云 in 乙 2020, 数 in 甲 2020; every other cell is zero.
MEAN_CHARS = (40_000 + 5_000 + 4_000) / 3
EXPECTED = {
    "hits": (4, 2, 1),
    "clauses": (3, 1, 1),
    "reports_with": (2, 1, 1),
    "ln_hits": (math.log(5), math.log(3), math.log(2)),
    "per_10k_chars": (1.0, 5.0, 0.25),
    "per_10k_han": (1.25, 10.0, 0.3125),
    "per_10k_words": (4 / 2.4, None, 1 / 2.4),
    "share_of_clauses": (3 / 2_000, 0.01, 1 / 2_000),
    "share_of_reports": (1.0, 1.0, 0.5),
    # Three groups; 云 has hits in two of them, 数 in one.
    "tf_idf": (
        (1 + math.log(4)) / (1 + math.log(MEAN_CHARS)) * math.log(3 / 2),
        (1 + math.log(2)) / (1 + math.log(MEAN_CHARS)) * math.log(3 / 2),
        1 / (1 + math.log(MEAN_CHARS)) * math.log(3),
    ),
}


def panel(**options: object) -> pl.DataFrame:
    return make_panel(REPORTS, HITS, LEXICON, sections=SECTIONS, **{"counts": COUNTS, **options}).collect()  # type: ignore[arg-type]


def test_all_measures_have_a_case() -> None:
    assert EXPECTED.keys() == MEASURES.keys()


@pytest.mark.parametrize("counts", [COUNTS, None], ids=["from counts", "from hits"])
@pytest.mark.parametrize("name", MEASURES)
def test_measure(name: str, counts: pl.LazyFrame | None) -> None:
    found = panel(measures=[name], counts=counts)
    cells = {(row["entity"], row["year"], row["term"]): row[name] for row in found.to_dicts()}
    # A bank-year that could not be read is not there: missing is not zero.
    assert {key[:2] for key in cells} == {("甲", 2020), ("甲", 2021), ("乙", 2020)}
    wanted = dict(zip([("甲", 2020, "云"), ("乙", 2020, "云"), ("甲", 2020, "数")], EXPECTED[name], strict=True))
    assert cells.pop(("甲", 2020, "云")) == pytest.approx(wanted["甲", 2020, "云"], rel=1e-12)
    assert cells.pop(("甲", 2020, "数")) == pytest.approx(wanted["甲", 2020, "数"], rel=1e-12)
    # Where words are not known, nothing is: no zero.
    other = wanted["乙", 2020, "云"]
    assert cells.pop(("乙", 2020, "云")) == (None if other is None else pytest.approx(other, rel=1e-12))
    assert cells.pop(("乙", 2020, "数")) == (None if name == "per_10k_words" else 0)
    assert set(cells.values()) == {0}


def test_denominators_are_of_the_group() -> None:
    found = panel(measures=["per_10k_han"]).filter(pl.col("term") == "云").sort("entity", "year")
    columns = ["reports", "chars", "han_chars", "words", "all_clauses"]
    assert found.select(columns).rows() == [
        (1, 4_000, 2_000, None, 100),
        (2, 40_000, 32_000, 24_000, 2_000),
        (1, 5_000, 4_000, 3_000, 400),
    ]
    # Without measures nothing is added: the table that is published.
    assert panel().columns[-4:] == ["hits", "clauses", "reports", "chars"]


def test_by_topic() -> None:
    found = panel(by=["entity", "topic"], measures=["per_10k_chars", "per_10k_han", "share_of_clauses"])
    cells = {(row["entity"], row["topic"]): row for row in found.filter(pl.col("term") == "云").to_dicts()}
    # Of report a 500 characters are in running heads, which are of no section: with the 1,000 of section 0, no topic.
    assert {key: (row["hits"], row["reports"], row["chars"], row["all_clauses"]) for key, row in cells.items()} == {
        ("甲", None): (0, 1, 1_500, 150),
        ("甲", "mda"): (3, 3, 41_000, 2_000),
        ("甲", "risk"): (1, 1, 2_500, 250),
        ("乙", None): (2, 1, 4_000, 100),
    }
    assert cells["甲", "risk"]["per_10k_chars"] == pytest.approx(4.0)
    assert cells["甲", "mda"]["per_10k_han"] is None
    assert sum(row["chars"] for row in cells.values()) == 49_000


def test_by_type() -> None:
    found = panel(by=["type"]).filter(pl.col("term") == "云")
    assert dict(found.select("type", "hits").rows()) == {"annual": 3, "interim": 1, "social": 2}


def test_by_month() -> None:
    found = panel(by=["month"]).filter(pl.col("term") == "云")
    assert found.select("month", "hits", "reports").rows() == [("2020-08", 1, 1), ("2021-03", 5, 2), (None, 0, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ["nothing"]}, "measures 'nothing': there are 'hits'"),
        ({"by": ["entity", "kind"]}, "by 'kind': there are 'entity'"),
        ({"by": ["entity", "entity"]}, "a column stands there twice"),
        ({"by": ["topic"], "sections": None}, "there are no sections here"),
    ],
)
def test_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_panel(REPORTS, HITS, LEXICON, **{"sections": SECTIONS, "counts": COUNTS, **options})  # type: ignore[arg-type]
