"""A hit in its clause: left, surface and right are the clause, and suppressed hits are not shown."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from cipin.measuring.kwic import make_kwic

REPORTS = pl.LazyFrame(
    [("r1", "b.txt", "", "乙银行", 2020), ("r2", "a.txt", "", "乙银行", 2019), ("r3", "c.csv", "7", None, 2019)],
    schema={
        "report": pl.String, "source": pl.String, "member": pl.String, "entity": pl.String, "fiscal_year": pl.Int32,
    }, orient="row",
)  # fmt: skip
CLAUSES = pl.LazyFrame(
    [("r1", 3, 10, "推进\U00020000大数据与大數據建设"), ("r2", 0, 0, "大数据"), ("r3", 0, 0, "向云端运算转移")],
    schema={"report": pl.String, "clause": pl.Int32, "start": pl.Int32, "text": pl.String},
    orient="row",
)
HITS = pl.LazyFrame(
    [
        ("r1", 3, "大数据", "大數據", 17, 20, True), ("r1", 3, "大数据", "大数据", 13, 16, True),
        ("r2", 0, "大数据", "大数据", 0, 3, True), ("r2", 0, "大数据", "大数据", 1, 3, False),
        ("r2", None, "大数据", "大数据", 5, 8, True), ("r3", 0, "云计算", "云端运算", 1, 5, True),
    ],
    schema={
        "report": pl.String, "clause": pl.Int32, "term": pl.String, "surface": pl.String, "start": pl.Int32,
        "end": pl.Int32, "kept": pl.Boolean,
    }, orient="row",
)  # fmt: skip


def kwic(term: str, **only: Any) -> list[tuple[Any, ...]]:
    return make_kwic(REPORTS, CLAUSES, HITS, term, **only).collect().rows()


ROWS = [
    ("乙银行", 2019, "a.txt", "", 0, "", "大数据", ""),
    ("乙银行", 2019, "a.txt", "", 5, "", "大数据", ""),
    ("乙银行", 2020, "b.txt", "", 13, "推进\U00020000", "大数据", "与大數據建设"),
    ("乙银行", 2020, "b.txt", "", 17, "推进\U00020000大数据与", "大數據", "建设"),
]


def test_hits_in_their_clauses() -> None:
    assert kwic("大数据") == ROWS


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ({"year": 2020}, ROWS[2:]),
        ({"year": 2019, "entity": "乙银行"}, ROWS[:2]),
        ({"entity": "丙银行"}, []),
    ],
)
def test_only_some(only: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert kwic("大数据", **only) == expected


def test_a_variant_is_shown_as_it_stands() -> None:
    assert kwic("云计算") == [(None, 2019, "c.csv", "7", 1, "向", "云端运算", "转移")]


def test_a_hit_in_a_section_of_anothers_is_that_ones() -> None:
    sections = pl.LazyFrame({"report": ["r1"], "section": [2], "entity": ["丙银行"], "chars": [9]}).with_columns(
        pl.col("section").cast(pl.Int32)
    )
    hits = HITS.with_columns(section=pl.Series([2, 1, 0, 0, 0, 0], dtype=pl.Int32))
    for entity, starts in (("丙银行", [17]), ("乙银行", [0, 5, 13])):
        rows = make_kwic(REPORTS, CLAUSES, hits, "大数据", entity=entity, sections=sections).collect()
        assert rows["start"].to_list() == starts
        assert set(rows["entity"]) == {entity}
