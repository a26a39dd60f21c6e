"""An index says how it is made: formulas follow choices, and its numbers come out of the words."""

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_methods import LEXICON, MANIFEST

from cipin.errors import UsageError
from cipin.measuring.codebook import RUN, make_codebook, show_codebook
from cipin.measuring.index import Index, make_index
from cipin.measuring.index_book import SCORES, WEIGHTS, describe_index, formula_of, shorten
from cipin.measuring.matrix import Matrix
from cipin.measuring.measures import MEASURES
from cipin.measuring.recipes import CHOICES, Recipe, load_recipe, recipe_ids

VALUES = np.array([[1.0, 0, 5, 2], [3, 0, 1, 2], [4, 0, 2, 9], [0, 0, 7, 1], [6, 0, 3, 4], [2, 0, 8, 3]])


def made(recipe: Recipe) -> Index:
    groups = pl.DataFrame(
        {
            "entity": ["甲", "乙", "丙", "甲", "乙", "丙"],
            "year": [2020, 2020, 2020, 2021, 2021, 2021],
            "reports": [1] * 6,
            "chars": [100] * 6,
        }
    )
    items = pl.DataFrame(
        {
            "lexicon": ["x"] * 4,
            "dimension": ["技术", "技术", "业务", "业务"],
            "term": list("abcd"),
        }
    ).with_columns(n_hits=pl.Series(VALUES.sum(axis=0).astype(np.int64)))
    return make_index(Matrix(VALUES.copy(), groups, items), recipe)


@pytest.mark.parametrize("name", recipe_ids())
def test_every_column_and_number_of_every_recipe_is_said_in_both_languages(name: str) -> None:
    index = made(load_recipe(name))
    tables, facts = describe_index(index)
    assert [each.name for each in tables[SCORES]] == index.scores.columns
    assert [each.name for each in tables[WEIGHTS]] == index.weights.columns
    for columns in tables.values():
        for each in columns:
            assert each.zh != each.name, each
            assert each.meaning_zh, each
            assert each.meaning_en, each
            assert re.search("[\u4e00-\u9fff]", each.zh), each
    names = [fact.name for fact in facts]
    assert len(set(names)) == len(names)
    assert {f"index_{each}" for each in index.facts} <= set(names)
    assert all(fact.zh not in names and fact.en for fact in facts)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_codebook_of_an_index(language: Any) -> None:
    tables, facts = describe_index(made(load_recipe("entropy")))
    book = make_codebook(tables, MANIFEST, LEXICON, ["per_10k_chars"], more=facts)
    shown = show_codebook(book, language)
    assert formula_of(load_recipe("entropy"))[language == "en"] in shown
    # One language alone: what is prose in both is not said twice.
    assert formula_of(load_recipe("entropy"))[language == "zh"] not in shown
    assert "per_10k_chars" in shown
    assert book.filter((pl.col("table") == RUN) & (pl.col("name") == "index_groups"))["value"].to_list() == ["6"]


@pytest.mark.parametrize("language", [0, 1])
def test_the_formula_says_each_choice(language: int) -> None:
    """Recipes that differ in a choice have other formulas: what is not said cannot be rebuilt."""
    plain = Recipe("mine", method="mean", standardise="z")
    for name in ("level", "measure", "standardise", "within", "method", "transform"):
        for value in CHOICES[name]:
            none = value in {"entropy", "epu", "ln1p"}
            base = Recipe("mine", method="mean", standardise="none") if none else plain
            if value != getattr(base, name):
                assert formula_of(base.but(**{name: value}))[language] != formula_of(base)[language], (name, value)


def test_formulas_in_chinese_have_no_english_prose() -> None:
    for name in recipe_ids():
        recipe = load_recipe(name)
        formula = formula_of(recipe)[0]
        assert not re.search("[A-Za-z]{3,} [A-Za-z]{3,}", formula), formula
        assert re.search("[\u4e00-\u9fff]", recipe.note_zh), name
        assert MEASURES[recipe.measure].name in formula


def test_entropy_from_the_words_of_its_formula() -> None:
    index = made(load_recipe("entropy").but(level="term"))
    low, high = VALUES.min(axis=0), VALUES.max(axis=0)
    x = np.where(high > low, (VALUES - low) / np.where(high > low, high - low, 1), 0)
    p = np.where(x.sum(axis=0) > 0, x / np.where(x.sum(axis=0) > 0, x.sum(axis=0), 1), 0)
    e = -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=0) / np.log(len(VALUES))
    w = np.where(high > low, 1 - e, 0)
    w /= w.sum()
    np.testing.assert_allclose(index.weights["weight"].to_numpy(), w, atol=1e-15)
    np.testing.assert_allclose(index.scores["score"].to_numpy(), x @ w, atol=1e-15)
    assert index.weights["used"].to_list() == [True, False, True, True]


def test_principal_components_from_the_words_of_its_formula() -> None:
    index = made(load_recipe("pca").but(level="term", measure="hits", standardise="none", components=2))
    kept = VALUES[:, [0, 2, 3]]
    z = (kept - kept.mean(axis=0)) / kept.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.corrcoef(kept.T))
    values, vectors = values[::-1][:2], vectors[:, ::-1][:, :2]
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1, 1)
    np.testing.assert_allclose(index.scores["score"].to_numpy(), z @ vectors @ (values / values.sum()), atol=1e-12)
    np.testing.assert_allclose(index.weights["loading_2"].to_numpy()[[0, 2, 3]], vectors[:, 1], atol=1e-12)


def test_the_index_of_years_from_the_words_of_its_formula() -> None:
    index = made(load_recipe("epu").but(level="term", measure="hits"))
    x = VALUES.sum(axis=1).reshape(2, 3)[:, 1:]  # 甲 has eight hits in both years
    y = x / x.std(axis=0, ddof=1)
    s = y.mean(axis=1)
    np.testing.assert_allclose(index.scores["score"].to_numpy(), 100 * s / s.mean(), rtol=1e-14)
    tables, facts = describe_index(index)
    assert {each.name: each for each in tables[SCORES]}["score"].meaning_zh == "该年的指数，各年平均为 100"
    assert {each.name: each.value for each in facts}["index_entities_left_out"] == "甲"


def test_ranks_do_not_hang_on_rounding_errors() -> None:
    index = made(load_recipe("entropy").but(level="term"))
    near = index.scores["score"].to_numpy().copy()
    from cipin.measuring.index import _rank

    near[:3] = [0.3, 0.3 + 1e-14, 0.1]
    ranked = index.scores.with_columns(score=pl.Series(near)).with_columns(_rank("score"))
    assert ranked["rank"].to_list()[:3] == [1, 1, 3]


def test_own_variance_of_columns_by_factors() -> None:
    index = made(load_recipe("guopin2015").but(components=1))
    weights = index.weights
    share = (len(VALUES) - 1) / len(VALUES) - weights["loading_1"].to_numpy() ** 2
    used = weights["used"].to_numpy()
    unique = weights["uniqueness"].to_numpy()
    assert weights["uniqueness"].is_null().to_list() == [not each for each in used]
    free = used & (unique > 1e-9)
    np.testing.assert_allclose(unique[free], share[free], atol=1e-3)
    assert index.facts["no_own_variance"] == int((unique[used] < 1e-9).sum())


def test_what_a_recipe_says_of_itself_is_left_out_where_it_is_changed() -> None:
    changed = load_recipe("zscore").but(within="pooled")
    facts = {each.name: each for each in describe_index(made(changed))[1]}
    assert facts["index"].value == "zscore(within=pooled)"
    assert (facts["index"].said_zh, facts["index_note"].value) == ("", "")
    assert "of the same year" not in str(facts["index_formula"].value)


@pytest.mark.parametrize(
    "choices",
    [
        {"method": "mean", "standardise": "z", "transform": "ln1p"},
        {"method": "pca", "transform": "ln1p"},
        {"method": "epu", "level": "lexicon", "standardise": "minmax"},
        {"method": "epu", "level": "lexicon", "within": "year"},
    ],
)
def test_choices_that_do_not_go_together(choices: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="recipe mine"):
        Recipe("mine", **choices)


def test_repeats_and_groups_are_said() -> None:
    plain, other = (("entity", "year"), "all"), (("entity", "year", "month"), "new")
    said = [formula_of(load_recipe("li2020"), {"by": by, "repeats": repeats}) for by, repeats in (plain, other)]
    assert "组 i（主体与会计年度）" in said[0][0]
    assert "组 i（主体与会计年度与发布月份）" in said[1][0]
    assert "以往年度已有的分句中的命中不计" in said[1][0]
    assert "hits in clauses of an earlier year are not counted" in said[1][1]
    assert "earlier year" not in said[0][1]


def test_more_factors_than_groups() -> None:
    index = made(load_recipe("guopin2015").but(components=99))
    assert index.facts["components"] <= min(VALUES.shape)
    assert index.scores["score"].is_finite().all()


def test_long_lists_are_cut() -> None:
    assert shorten([f"b{number}" for number in range(3000)]).endswith("b19; … (3000)")
    assert shorten(["a", "b"]) == "a; b"
