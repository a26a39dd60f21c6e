"""`pl.col("text").cipin`: one value for each text, in every context of Polars."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import cipin

LEXICON = cipin.Lexicon.from_terms(["大数据", "流计算"], guards={"流计算": ["现金流计算"]})
TEXTS = ["推进大數據与大数据", None, "", "现金流计算", "流计算"]
COUNTS = [2, None, 0, 0, 1]
HITS = [
    [
        {"term": "大数据", "surface": "大數據", "start": 2, "end": 5},
        {"term": "大数据", "surface": "大数据", "start": 6, "end": 9},
    ],
    None,
    [],
    [],
    [{"term": "流计算", "surface": "流计算", "start": 0, "end": 3}],
]


def expression(what: str, lexicon: Any = LEXICON) -> pl.Expr:
    return getattr(pl.col("text").cipin, what)(lexicon)


FRAMES = {
    "plain": pl.DataFrame({"text": TEXTS}),
    "chunked": pl.concat([pl.DataFrame({"text": [text]}, schema={"text": pl.String}) for text in TEXTS], rechunk=False),
    "sliced": pl.DataFrame({"text": ["大数据", *TEXTS, "大数据"]}).slice(1, len(TEXTS)),
    "categorical": pl.DataFrame({"text": TEXTS}, schema={"text": pl.Categorical}),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("what", "expected"), [("count", COUNTS), ("hits", HITS)])
def test_value_of_each_text(frame: str, what: str, expected: list[Any]) -> None:
    data = FRAMES[frame]
    assert data.select(expression(what))["text"].to_list() == expected
    added = data.with_columns(expression(what).alias("found"))
    assert added.columns == ["text", "found"]
    assert added["found"].to_list() == expected
    lazy = data.lazy().select(expression(what))
    assert lazy.collect()["text"].to_list() == expected
    assert lazy.collect(engine="streaming")["text"].to_list() == expected


@pytest.mark.parametrize("what", ["count", "hits"])
@pytest.mark.parametrize(
    "texts", [[], [None, None], ["", ""], ["存款"], TEXTS], ids=["empty", "nulls", "blank", "no hit", "all kinds"]
)
def test_promised_type_is_kept(what: str, texts: list[str | None]) -> None:
    data = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    promised = data.lazy().select(expression(what)).collect_schema()
    found = data.select(expression(what))
    assert found.schema == promised
    assert found.height == len(texts)
    assert found["text"].null_count() == texts.count(None)


@pytest.mark.parametrize(
    "what",
    [
        "count",
        "hits",
    ],
)
def test_column_without_any_text(what: str) -> None:
    data = pl.DataFrame({"text": [None, None]})
    assert data.select(expression(what))["text"].to_list() == [None, None]


def test_filter_and_group_by() -> None:
    data = pl.DataFrame({"text": TEXTS, "bank": ["甲", "甲", "乙", "乙", "甲"]})
    assert data.filter(expression("count") > 0)["text"].to_list() == [TEXTS[0], TEXTS[4]]
    groups = data.group_by("bank", maintain_order=True)
    assert groups.agg(expression("count").sum()).rows() == [("甲", 3), ("乙", 0)]
    assert groups.agg(expression("count")).rows() == [("甲", [2, None, 1]), ("乙", [0, 0])]
    assert groups.agg(expression("hits"))["text"].to_list() == [[HITS[0], None, HITS[4]], [[], []]]
    assert data.select(expression("count").sum().over("bank"))["text"].to_list() == [3, 3, 0, 0, 3]


def test_hits_can_be_exploded() -> None:
    data = pl.DataFrame({"text": TEXTS}).with_row_index()
    hits = data.select("index", expression("hits")).explode("text").drop_nulls("text").unnest("text")
    assert hits.group_by("index", maintain_order=True).len().rows() == [(0, 2), (4, 1)]
    for index, _, surface, start, end in hits.iter_rows():
        assert (TEXTS[index] or "")[start:end] == surface


def test_lexicon_by_name() -> None:
    data = pl.DataFrame({"text": TEXTS})
    by_name = data.select(expression("hits", "fintech-zh"))
    assert by_name.equals(data.select(expression("hits", cipin.Lexicon.load("fintech-zh"))))
    assert by_name["text"][0].len() == 2


def test_two_columns_and_two_lexicons() -> None:
    data = pl.DataFrame({"a": ["大数据"], "b": ["云计算"]})
    other = cipin.Lexicon.from_terms(["云计算"])
    found = data.select(
        pl.col("a", "b").cipin.count(LEXICON).name.suffix("_1"), pl.col("a", "b").cipin.count(other).name.suffix("_2")
    )
    assert found.rows() == [(1, 0, 0, 1)]


def test_same_as_the_scanner() -> None:
    data = pl.DataFrame({"text": [text for text in TEXTS if text is not None]})
    scanned = pl.DataFrame(cipin.Scanner(LEXICON)(data.to_arrow()))
    counts = data.select(expression("count"))["text"]
    assert scanned.height == counts.sum()


@pytest.mark.parametrize("what", ["count", "hits"])
def test_column_of_numbers_is_refused(what: str) -> None:
    with pytest.raises((cipin.SchemaError, pl.exceptions.ComputeError), match="not string; choose a column of strings"):
        pl.DataFrame({"text": [1, 2]}).select(expression(what))


@pytest.mark.parametrize("what", ["count", "hits"])
def test_unknown_lexicon_is_refused(what: str) -> None:
    with pytest.raises((cipin.LexiconError, pl.exceptions.ComputeError), match="no lexicon 'wu2020'; did you mean"):
        pl.DataFrame({"text": ["大数据"]}).select(expression(what, "wu2020"))
