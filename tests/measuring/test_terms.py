"""A term is found by every spelling that its lexicon takes for it, and by no other."""

from __future__ import annotations

import polars as pl
import pytest

import cipin
from cipin.measuring.terms import find_term

LEXICON = pl.LazyFrame(
    {"term": ["大数据", "云计算", "5G"], "variants": [[], ["雲端运算", "ＳａａＳ"], []]},
    schema_overrides={"variants": pl.List(pl.String)},
)


@pytest.mark.parametrize("spelling", ["云计算", "雲端运算", "ＳａａＳ"])
@pytest.mark.parametrize("folds", [True, False])
def test_by_name_or_variant(spelling: str, folds: bool) -> None:
    assert find_term(LEXICON, spelling, folds=folds) == ("云计算", ("云计算", "雲端运算", "ＳａａＳ"))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("大數據", "大数据"), ("雲計算", "云计算"), ("云端运算", "云计算"), ("saas", "云计算"), ("５ｇ", "5G")],
)
def test_by_another_spelling_where_the_lexicon_folds(spelling: str, name: str) -> None:
    assert find_term(LEXICON, spelling, folds=True)[0] == name
    with pytest.raises(cipin.UsageError, match="not in the lexicon of this run"):
        find_term(LEXICON, spelling, folds=False)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("大数居", "term '大数居': not in the lexicon of this run; near it: 大数据$"),
        ("大數居", "term '大數居': not in the lexicon of this run; near it: 大数据$"),
        ("雲端計算", "term '雲端計算': not in the lexicon of this run; near it: 云计算, 雲端运算$"),
        ("存款", "term '存款': not in the lexicon of this run; its 3 begin with 大数据, 云计算, 5G$"),
        ("\udc80", "the name of a term of the lexicon"),
    ],
)
def test_unknown_term(term: str, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        find_term(LEXICON, term, folds=True)
