"""The tables are open: DuckDB, pandas and Polars read OUT/current as it stands, and see the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

import cipin

TEXTS = {
    "青禾银行2019年.txt": "推进大数据应用，大數據人才倍增。现金流计算更准。",
    "青禾银行2020年.txt": "人工智能与云计算，ＡＩ与5G。",
    "松雪银行2019年.txt": "存款稳步增长。",
}
#: Rows of a table, as tuples; asked of each tool in its own words.
Ask = Callable[[Path], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "reports").mkdir()
    for name, text in TEXTS.items():
        (folder / "reports" / name).write_text(text, encoding="utf-8")
    cipin.run(folder / "reports", "fintech-zh", folder / "out")
    return folder / "out" / "current"


def by_duckdb(query: str) -> Ask:
    def ask(current: Path) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            return connection.execute(query.format(current=current)).fetchall()

    return ask


def tuples(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


QUESTIONS: dict[str, dict[str, Ask]] = {
    "kept hits by term": {
        "cipin": lambda current: (
            cipin.open(current.parent).hits.filter("kept").group_by("term").len().sort("term").collect().rows()
        ),
        "duckdb": by_duckdb(
            "select term, count(*) from '{current}/hits/*.parquet' where kept group by term order by term"
        ),
        "pandas": lambda current: tuples(
            pd.read_parquet(current / "hits").query("kept").groupby("term").size().reset_index().sort_values("term")
        ),
        "polars": lambda current: (
            pl.scan_parquet(current / "hits" / "*.parquet").filter("kept").group_by("term").len().sort("term")
        ).collect().rows(),
    },
    "sums of counts": {
        "cipin": lambda current: cipin.open(current.parent).counts.select("hits", "clauses").sum().collect().rows(),
        "duckdb": by_duckdb("select sum(hits)::bigint, sum(clauses)::bigint from '{current}/counts/*.parquet'"),
        "pandas": lambda current: [tuple(pd.read_parquet(current / "counts")[["hits", "clauses"]].sum().tolist())],
        "polars": lambda current: pl.read_parquet(current / "counts").select("hits", "clauses").sum().rows(),
    },
    "panel": {
        "cipin": lambda current: cipin.open(current.parent).panel(["entity", "year"], "lexicon").collect().rows(),
        "duckdb": by_duckdb(
            "select entity, year, lexicon, sum(hits)::bigint, "
            "(select count(distinct (h.report, h.clause)) from '{current}/hits/*.parquet' h "
            " join '{current}/reports/*.parquet' r using (report) "
            " where h.kept and r.entity = p.entity and r.fiscal_year = p.year), max(reports), max(chars) "
            "from '{current}/panel/*.parquet' p group by entity, year, lexicon order by entity, year"
        ),
        "pandas": lambda current: tuples(
            pd.read_parquet(current / "panel")
            .groupby(["entity", "year", "lexicon"])
            .agg({"hits": "sum", "reports": "max", "chars": "max"})
            .reset_index()
            .assign(clauses=lambda panel: [_clauses(current, *key) for key in tuples(panel[["entity", "year"]])])
            .loc[:, ["entity", "year", "lexicon", "hits", "clauses", "reports", "chars"]]
        ),
        "polars": lambda current: (
            pl.read_parquet(current / "panel")
            .group_by("entity", "year", "lexicon")
            .agg(pl.col("hits").sum(), pl.col("reports").max(), pl.col("chars").max())
            .sort("entity", "year")
            .with_columns(
                clauses=pl.struct("entity", "year").map_elements(
                    lambda key: _clauses(current, key["entity"], key["year"]), pl.Int64
                )
            )
            .select("entity", "year", "lexicon", "hits", "clauses", "reports", "chars")
            .rows()
        ),
    },
}  # fmt: skip


def _clauses(current: Path, entity: str, year: int) -> int:
    hits, reports = pd.read_parquet(current / "hits"), pd.read_parquet(current / "reports")
    joined = hits[hits.kept].merge(reports[(reports.entity == entity) & (reports.fiscal_year == year)], on="report")
    return len(joined[["report", "clause"]].drop_duplicates())


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("tool", ["duckdb", "pandas", "polars"])
def test_same_answer(current: Path, question: str, tool: str) -> None:
    answers = QUESTIONS[question]
    expected = answers["cipin"](current)
    assert expected
    assert answers[tool](current) == expected


def test_answers_are_what_the_texts_say(current: Path) -> None:
    assert QUESTIONS["panel"]["duckdb"](current) == [
        ("松雪银行", 2019, "fintech-zh", 0, 0, 1, 7),
        ("青禾银行", 2019, "fintech-zh", 2, 2, 1, 24),
        ("青禾银行", 2020, "fintech-zh", 4, 2, 1, 15),
    ]


@pytest.mark.parametrize("table", ["reports", "clauses", "hits", "counts", "panel", "lexicon"])
def test_every_table_has_the_same_columns_everywhere(current: Path, table: str) -> None:
    columns = cipin.open(current.parent).table(table).collect_schema().names()
    with duckdb.connect() as connection:
        connection.execute(f"select * from '{current}/{table}/*.parquet'")
        assert [each[0] for each in connection.description or []] == columns
    assert list(pd.read_parquet(current / table).columns) == columns
    assert pl.read_parquet(current / table).columns == columns
