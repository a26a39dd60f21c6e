"""Wide panels against a loop over the long one, and names that are legal whatever they are made from."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipin import UsageError
from cipin.measuring.columns import describe
from cipin.measuring.wide import LONGEST, is_legal, legal_names, make_wide

LEXICON = pl.DataFrame(
    {
        "lexicon": ["x"] * 4,
        "dimension": ["技术", "技术", "业务", "业务"],
        "category": ["数据", "其他", "其他", "支付"],
        "term": ["大数据", "云计算", "开放银行", "移动支付"],
    }
)
LEVELS = {"term": ["dimension", "category", "term"], "category": ["dimension", "category"], "dimension": ["dimension"]}


def long_panel(groups: list[tuple[Any, Any]], level: str) -> pl.DataFrame:
    """A panel whose every cell is another number; share is missing in every third."""
    rows = LEXICON.select("lexicon", *LEVELS[level]).unique(maintain_order=True).rows()
    cells = [
        (*group, *row, at * len(rows) + of, None if (at + of) % 3 == 0 else of / 7, at + 1, 1000 * at)
        for at, group in enumerate(groups)
        for of, row in enumerate(rows)
    ]
    names = ["entity", "year", "lexicon", *LEVELS[level], "hits", "share", "reports", "chars"]
    kinds: dict[str, Any] = dict.fromkeys(names, pl.String) | dict.fromkeys(["hits", "reports", "chars"], pl.Int64)
    kinds |= {"year": pl.Int32, "share": pl.Float64}
    return pl.DataFrame(cells, schema=kinds, orient="row")


GROUPS: dict[str, list[tuple[Any, Any]]] = {
    "some": [("甲", 2019), ("甲", 2020), ("乙", 2019)],
    "one": [("甲", 2019)],
    "none": [],
    "unknown": [("甲", 2019), ("甲", None), (None, 2019), (None, None)],
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("groups", GROUPS)
def test_wide_holds_the_cells_of_the_long_one(groups: str, level: Any) -> None:
    panel = long_panel(GROUPS[groups], level)
    wide = make_wide(panel, LEXICON, ["entity", "year"], level)
    assert wide.frame.columns == [column.name for column in wide.columns]
    assert wide.frame.select("entity", "year").rows() == GROUPS[groups]
    rows = LEXICON.select(LEVELS[level]).unique(maintain_order=True).rows()
    letter, digits = level[0], 2 if level == "term" else 1
    cells = {(row["entity"], row["year"], *(row[key] for key in LEVELS[level])): row for row in panel.to_dicts()}
    for got in wide.frame.to_dicts():
        for at, key in enumerate(rows, start=1):
            wanted = cells[got["entity"], got["year"], *key]
            for measure in ("hits", "share"):
                assert got[f"{measure}_{letter}{at:0{digits}}"] == wanted[measure]
            assert (got["reports"], got["chars"]) == (wanted["reports"], wanted["chars"])
    assert wide.frame.width == 4 + 2 * len(rows)


def test_labels_are_terms_and_tell_categories_of_one_name_apart() -> None:
    wide = make_wide(long_panel(GROUPS["some"], "term"), LEXICON, ["entity", "year"], "term")
    labels = {column.name: column.zh for column in wide.columns}
    assert labels["hits_t01"] == "大数据：命中次数"
    assert labels["share_t04"] == "移动支付：share"
    wide = make_wide(long_panel(GROUPS["some"], "term"), LEXICON, ["entity", "year"], "term", ["hits"])
    assert {column.name: column.zh for column in wide.columns}["hits_t01"] == "大数据"
    wide = make_wide(long_panel(GROUPS["some"], "category"), LEXICON, ["entity", "year"], "category", ["hits"])
    assert [column.zh for column in wide.columns if column.name.startswith("hits_c")] == [
        "数据", "技术/其他", "业务/其他", "支付",
    ]  # fmt: skip


def test_long_labels_keep_their_measure_and_stay_apart() -> None:
    long = LEXICON.with_columns(term=pl.concat_str(pl.lit("数" * 70), "term"))
    panel = long_panel(GROUPS["some"], "term").with_columns(term=pl.concat_str(pl.lit("数" * 70), "term"))
    wide = make_wide(panel, long, ["entity", "year"], "term")
    labels = [column.zh for column in wide.columns if "_t0" in column.name]
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 80 for label in labels)
    assert labels[0] == "数" * 48 + "… (t01)：命中次数"


def test_only_the_measures_that_were_asked_for() -> None:
    panel = long_panel(GROUPS["some"], "dimension")
    wide = make_wide(panel, LEXICON, ["entity", "year"], "dimension", ["share"])
    assert wide.frame.columns == ["entity", "year", "reports", "chars", "share_d1", "share_d2"]


def test_a_panel_of_several_lexicons_is_refused() -> None:
    two = pl.concat([LEXICON, LEXICON.with_columns(lexicon=pl.lit("y"))])
    with pytest.raises(UsageError, match="several lexicons; export one at a time"):
        make_wide(long_panel(GROUPS["one"], "term"), two, ["entity", "year"], "term")


NAMES = st.lists(st.one_of(st.text(max_size=50), st.sampled_from(["a", "A", "if", "hits", "a" * 40, "", "_", "strL"])))


@given(NAMES)
def test_names_are_legal_and_distinct_and_stay_where_they_can(names: list[str]) -> None:
    legal = legal_names(names)
    assert len({name.lower() for name in legal}) == len(names)
    for was, now in zip(names, legal, strict=True):
        assert is_legal(now)
        assert len(now) <= LONGEST
        if is_legal(was) and [each.lower() for each in names].count(was.lower()) == 1:
            assert now == was
    assert legal_names(names) == legal
    assert legal_names(legal) == legal


def test_a_variable_of_every_measure_and_many_terms_is_legal() -> None:
    from cipin.measuring.measures import MEASURES

    assert all(is_legal(f"{measure}_t{999_999}") for measure in MEASURES)


def test_every_column_of_every_table_is_described_and_legal() -> None:
    from cipin.measuring.measures import DENOMINATORS, MEASURES
    from cipin.measuring.panel import BY
    from cipin.schema import RUN_TABLES, SHARD_TABLES

    tables = {name: schema.names for name, schema in {**SHARD_TABLES, **RUN_TABLES}.items()}
    tables["panel"] = [*tables["panel"], *BY, *MEASURES, *DENOMINATORS]
    for table, names in tables.items():
        assert legal_names(names) == names or table == "panel"
        for name in names:
            assert is_legal(name)
            found = describe(table, name)
            assert all([found.zh, found.en, found.meaning_zh, found.meaning_en]), (table, name)
            assert found.zh != name
