"""A cell is zero where reports were measured and nothing was found, and absent where none could be read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import cipin
from cipin.measuring.panel import Panel, count_groups, make_panel

LEXICON = pl.LazyFrame(
    [
        ("l", "丙", "数据", "大数据"), ("l", "甲", "云", "云计算"), ("l", "丙", "智能", "机器学习"),
        ("l", "丙", "数据", "数据湖"),
    ],
    schema=["lexicon", "dimension", "category", "term"], orient="row",
)  # fmt: skip
REPORTS = pl.LazyFrame(
    [
        ("r1", "a", "乙银行", 2019, "measured", 10), ("r2", "b", "乙银行", 2019, "measured", 20),
        ("r3", "c", "甲银行", None, "measured", 30), ("r4", "d", "丁银行", 2019, "quarantined", None),
        ("r5", "e", None, 2019, "measured", 50), ("r6", "f", "乙银行", 2020, "dropped", None),
    ],
    schema={
        "report": pl.String, "source": pl.String, "entity": pl.String, "fiscal_year": pl.Int32, "status": pl.String,
        "chars": pl.Int64,
    }, orient="row",
)  # fmt: skip
HITS = pl.LazyFrame(
    [
        ("r1", 0, "大数据", True), ("r1", 0, "数据湖", True), ("r1", 1, "大数据", False), ("r2", 0, "大数据", True),
        ("r2", None, "大数据", True), ("r3", 4, "云计算", True), ("r5", 2, "机器学习", True),
    ],
    schema={"report": pl.String, "clause": pl.Int32, "term": pl.String, "kept": pl.Boolean}, orient="row",
)  # fmt: skip


def panel(*by: str, level: Any, **changes: pl.LazyFrame) -> pl.DataFrame:
    tables = {"reports": REPORTS, "hits": HITS, "lexicon": LEXICON} | changes
    return make_panel(**tables, by=by, level=level).collect()


@pytest.mark.parametrize(
    ("by", "level", "expected"),
    [
        # A hit without a clause is a hit; clauses of two reports with the same number are two.
        (("entity", "year"), "lexicon", [
            ("乙银行", 2019, "l", 4, 2, 2, 30), ("甲银行", None, "l", 1, 1, 1, 30), (None, 2019, "l", 1, 1, 1, 50),
        ]),
        # In the order of the lexicon, not of the alphabet.
        (("year",), "dimension", [
            (2019, "l", "丙", 5, 3, 3, 80), (2019, "l", "甲", 0, 0, 3, 80),
            (None, "l", "丙", 0, 0, 1, 30), (None, "l", "甲", 1, 1, 1, 30),
        ]),
        ((), "category", [
            ("l", "丙", "数据", 4, 2, 4, 110), ("l", "甲", "云", 1, 1, 4, 110), ("l", "丙", "智能", 1, 1, 4, 110),
        ]),
        ((), "term", [
            ("l", "丙", "数据", "大数据", 3, 2, 4, 110), ("l", "甲", "云", "云计算", 1, 1, 4, 110),
            ("l", "丙", "智能", "机器学习", 1, 1, 4, 110), ("l", "丙", "数据", "数据湖", 1, 1, 4, 110),
        ]),
        (("source",), "lexicon", [
            ("a", "l", 2, 1, 1, 10), ("b", "l", 2, 1, 1, 20), ("c", "l", 1, 1, 1, 30), ("e", "l", 1, 1, 1, 50),
        ]),
        (("report", "entity"), "lexicon", [
            ("r1", "乙银行", "l", 2, 1, 1, 10), ("r2", "乙银行", "l", 2, 1, 1, 20), ("r3", "甲银行", "l", 1, 1, 1, 30),
            ("r5", None, "l", 1, 1, 1, 50),
        ]),
    ],
)  # fmt: skip
def test_cells(by: tuple[str, ...], level: str, expected: list[tuple[Any, ...]]) -> None:
    assert panel(*by, level=level).rows() == expected


@pytest.mark.parametrize("by", [(), ("entity", "year"), ("source",), ("report", "status")])
def test_counts_give_the_same_cells(by: tuple[str, ...]) -> None:
    counts = (
        HITS.filter("kept")
        .group_by("report", "term")
        .agg(hits=pl.len().cast(pl.Int64), clauses=pl.col("clause").drop_nulls().n_unique().cast(pl.Int64))
        .with_columns(lexicon=pl.lit("l"))
    )
    # Whatever the hits say: they are not asked.
    assert panel(*by, level="term", counts=counts, hits=HITS.clear()).equals(panel(*by, level="term"))


#: Of r1 (10 characters) two sections are others', of r2 (20) one; running heads are in no section.
SECTIONS = pl.LazyFrame(
    [
        ("r1", 0, None, 2), ("r1", 1, "丙银行", 5), ("r1", 2, "丁银行", 3), ("r2", 0, None, 11), ("r2", 1, "丙银行", 4),
        ("r3", 0, None, 30), ("r5", 0, None, 50),
    ],
    schema={"report": pl.String, "section": pl.Int32, "entity": pl.String, "chars": pl.Int64}, orient="row",
)  # fmt: skip
HITS_IN = HITS.with_columns(section=pl.Series([1, 2, 1, 0, None, 0, 0], dtype=pl.Int32))


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (("entity", "year"), [
            ("丁银行", 2019, "l", 1, 1, 1, 3), ("丙银行", 2019, "l", 1, 1, 2, 9), ("乙银行", 2019, "l", 2, 1, 2, 18),
            ("甲银行", None, "l", 1, 1, 1, 30), (None, 2019, "l", 1, 1, 1, 50),
        ]),
        (("report", "entity"), [
            ("r1", "丁银行", "l", 1, 1, 1, 3), ("r1", "丙银行", "l", 1, 1, 1, 5), ("r1", "乙银行", "l", 0, 0, 1, 2),
            ("r2", "丙银行", "l", 0, 0, 1, 4), ("r2", "乙银行", "l", 2, 1, 1, 16), ("r3", "甲银行", "l", 1, 1, 1, 30),
            ("r5", None, "l", 1, 1, 1, 50),
        ]),
        (("year",), [(2019, "l", 5, 3, 3, 80), (None, "l", 1, 1, 1, 30)]),
    ],
)  # fmt: skip
def test_sections_of_others(by: tuple[str, ...], expected: list[tuple[Any, ...]]) -> None:
    assert panel(*by, level="lexicon", hits=HITS_IN, sections=SECTIONS).rows() == expected


def test_a_report_that_is_all_others_is_none_of_its_own() -> None:
    taken = SECTIONS.with_columns(entity=pl.when(pl.col("report") == "r3").then(pl.lit("丙银行")).otherwise("entity"))
    found = panel("entity", level="lexicon", hits=HITS_IN, sections=taken)
    assert "甲银行" not in found["entity"]
    assert found.filter(pl.col("entity") == "丙银行").row(0)[2:] == (2, 2, 3, 39)


def test_sections_change_no_sum() -> None:
    whole = panel("entity", "year", level="term", hits=HITS_IN)
    shared = panel("entity", "year", level="term", hits=HITS_IN, sections=SECTIONS)
    for column in ("hits", "clauses", "chars"):
        assert whole[column].sum() == shared[column].sum()


def test_without_owners_nothing_changes() -> None:
    none = SECTIONS.with_columns(entity=pl.lit(None, pl.String))
    assert panel("entity", level="term", hits=HITS_IN, sections=none).equals(panel("entity", level="term"))


def test_hits_add_up_at_every_level() -> None:
    sums = {level: panel("entity", level=level)["hits"].sum() for level in ("term", "category", "dimension", "lexicon")}
    assert set(sums.values()) == {6}


@pytest.mark.parametrize("by", [("entity", "year"), ("report",), ()])
@pytest.mark.parametrize("level", ["term", "dimension"])
def test_rows_by_the_piece_are_those_of_the_whole(by: tuple[str, ...], level: Any) -> None:
    whole = panel(*by, level=level)
    pieces = Panel.of(count_groups(REPORTS, HITS, LEXICON, by, level, None, None))
    assert len(pieces) == len(whole)
    assert pieces.rows().equals(whole)
    for size in (1, 3, len(whole), len(whole) + 1):
        found = [pieces.rows(low, min(low + size, len(whole))) for low in range(0, len(whole), size)]
        assert pl.concat(found).equals(whole)
    assert pieces.rows(2, 2).equals(whole.head(0))


def test_nothing_measured_gives_no_row() -> None:
    none = REPORTS.filter(pl.col("status") != "measured")
    assert panel("entity", level="term", reports=none).height == 0


def test_nothing_measured_gives_no_row_without_groups() -> None:
    none = REPORTS.filter(pl.col("status") != "measured")
    assert panel(level="lexicon", reports=none).height == 0


@pytest.mark.parametrize(
    ("by", "level", "message"),
    [
        (("bank",), "term", "by 'bank': there are 'entity', 'year', 'month', 'source', 'report'"),
        (("year", "year"), "term", "by year, year: a column stands there twice"),
        (("year",), "word", "level 'word': there are 'term', 'category', 'dimension', 'lexicon'"),
    ],
)
def test_refused(by: tuple[str, ...], level: str, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        panel(*by, level=level)
