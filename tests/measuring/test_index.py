"""Indices: against numbers worked out by hand, against other libraries, and on what breaks them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import test_measures

from cipin.errors import UsageError
from cipin.measuring.index import Index, make_index
from cipin.measuring.matrix import Matrix, make_matrix
from cipin.measuring.measures import MEASURES
from cipin.measuring.panel import count_groups
from cipin.measuring.recipes import Recipe, load_recipe, recipe_ids
from cipin.measuring.sensitivity import compare, drift, leave_one_out, resample, spearman


def matrix(values: Any, years: list[int | None] | None = None, entities: list[str | None] | None = None) -> Matrix:
    found = np.array(values, np.float64)
    n, items = found.shape
    groups = pl.DataFrame(
        {
            "entity": entities or [f"银行{number:04}" for number in range(n)],
            "year": pl.Series(years or [2020] * n, dtype=pl.Int32),
            "reports": [1] * n,
            "chars": [1_000] * n,
        }
    )
    names = [f"词{number}" for number in range(items)]
    of = [f"维{number % 2}" for number in range(items)]
    hits = pl.Series(np.nan_to_num(found).sum(axis=0).astype(np.int64))
    table = pl.DataFrame({"lexicon": ["x"] * items, "dimension": of, "category": of, "term": names, "n_hits": hits})
    return Matrix(found, groups, table)


def score(index: Index) -> list[float]:
    return index.scores["score"].to_list()


# ------------------------------------------------------------------------------------------------ by hand


def test_wu2021() -> None:
    found = make_index(matrix([[3, 0, 1], [0, 0, 0]]), load_recipe("wu2021"))
    assert score(found) == [math.log(5), 0.0]
    # 词0 and 词2 are of 维0, 词1 of 维1.
    assert found.scores["score_维0"].to_list() == [math.log(5), 0.0]
    assert found.scores["score_维1"].to_list() == [0.0, 0.0]
    assert found.scores["rank"].to_list() == [1, 2]
    assert "管理世界" in found.citation


def test_entropy_weights() -> None:
    # Column 0 scaled: 0, 1/2, 1; shares 0, 1/3, 2/3: e = -(1/3 ln 1/3 + 2/3 ln 2/3) / ln 3 = 0.6365 / 1.0986.
    # Column 1 scaled: 0, 0, 1; one share of 1: e = 0. Column 2 does not vary: e = 1, and it is not used.
    found = make_index(matrix([[1, 5, 4], [2, 5, 4], [3, 9, 4]]), load_recipe("entropy").but(level="term"))
    e0 = -(1 / 3 * math.log(1 / 3) + 2 / 3 * math.log(2 / 3)) / math.log(3)
    w0, w1 = (1 - e0) / (2 - e0), 1 / (2 - e0)
    assert found.weights["entropy"].to_list() == pytest.approx([e0, 0.0, 1.0])
    assert found.weights["weight"].to_list() == pytest.approx([w0, w1, 0.0])
    assert found.weights["used"].to_list() == [True, True, False]
    assert score(found) == pytest.approx([0.0, w0 / 2, w0 + w1])


def test_z_and_percentile_within_years() -> None:
    values = [[1.0], [3.0], [10.0], [10.0], [40.0]]
    years: list[int | None] = [2020, 2020, 2021, 2021, 2021]
    z = make_index(matrix(values, years), load_recipe("zscore").but(level="term"))
    # 2020: mean 2, sd √2. 2021: mean 20, sd √300.
    half, third = 1 / math.sqrt(2), 10 / math.sqrt(300)
    assert score(z) == pytest.approx([-half, half, -third, -third, 2 * third])
    assert z.scores["rank"].to_list() == [2, 1, 2, 2, 1]
    percent = make_index(matrix(values, years), load_recipe("percentile").but(level="term"))
    assert score(percent) == pytest.approx([0.25, 0.75, 1 / 3, 1 / 3, 2.5 / 3])
    pooled = make_index(matrix(values, years), load_recipe("percentile").but(level="term", within="pooled"))
    assert score(pooled) == pytest.approx([0.1, 0.3, 0.6, 0.6, 0.9])


def test_epu() -> None:
    # 甲: 1, 3 (sd √2); 乙: 2, 6, 4 (sd 2); 丙 has one year. Means of 2020..2022: (1/√2 + 1)/2, (3/√2 + 3)/2, 2.
    values = [[1.0], [3.0], [2.0], [6.0], [4.0], [9.0]]
    found = make_index(
        matrix(values, [2020, 2021, 2020, 2021, 2022, 2020], ["甲", "甲", "乙", "乙", "乙", "丙"]), load_recipe("epu")
    )
    raw = [(1 / math.sqrt(2) + 1) / 2, (3 / math.sqrt(2) + 3) / 2, 2.0]
    assert found.scores["year"].to_list() == [2020, 2021, 2022]
    assert score(found) == pytest.approx([each * 100 / (sum(raw) / 3) for each in raw])
    assert found.scores["entities"].to_list() == [2, 2, 1]
    assert found.facts["entities_left_out"] == ["丙"]


# ------------------------------------------------------------------------------------------------ other libraries


@pytest.fixture(scope="module")
def random() -> np.ndarray:
    chance = np.random.default_rng(3)
    return chance.poisson(np.exp(chance.normal(0, 1, (200, 1)) + chance.normal(0, 0.5, (1, 12)))).astype(float)


def test_pca_as_scikit_learn(random: np.ndarray) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    found = make_index(matrix(random), load_recipe("pca").but(level="term"))
    scaled = preprocessing.StandardScaler().fit_transform(random)
    model = decomposition.PCA(1, svd_solver="full").fit(scaled)
    theirs = model.transform(scaled)[:, 0] * np.sqrt((len(random) - 1) / len(random))
    theirs *= np.sign(model.components_[0].sum())
    assert np.abs(found.scores["score"].to_numpy() - theirs).max() < 1e-9
    assert found.facts["explained_variance"] == pytest.approx(list(model.explained_variance_ratio_))
    # The sign does not hang on the order of columns, nor on a column that points the other way.
    turned = make_index(matrix(random[:, ::-1]), load_recipe("pca").but(level="term"))
    assert np.abs(found.scores["score"].to_numpy() - turned.scores["score"].to_numpy()).max() < 1e-9


def test_factors_reproduce_correlations(random: np.ndarray) -> None:
    pytest.importorskip("sklearn")
    found = make_index(matrix(random), load_recipe("guopin2015"))
    n = found.facts["components"]
    loadings = found.weights.select(f"loading_{number + 1}" for number in range(n)).to_numpy()
    made = loadings @ loadings.T + np.diag(found.weights["uniqueness"].to_numpy())
    assert np.abs(made - np.corrcoef(random.T)).max() < 0.15
    assert np.all(loadings.sum(axis=0) > 0)
    again = make_index(matrix(random), load_recipe("guopin2015"))
    assert again.scores.equals(found.scores)


def test_spearman_as_scipy(random: np.ndarray) -> None:
    stats = pytest.importorskip("scipy.stats")
    for one, other in ((0, 1), (2, 5)):
        ours = spearman(random[:, one], random[:, other])
        assert ours == pytest.approx(stats.spearmanr(random[:, one], random[:, other]).statistic, abs=1e-12)


def test_entropy_as_pandas(random: np.ndarray) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(random)
    scaled = (frame - frame.min()) / (frame.max() - frame.min())
    share = scaled / scaled.sum()
    entropy = -(share * np.log(share.where(share > 0, 1))).sum() / np.log(len(frame))
    weight = (1 - entropy) / (1 - entropy).sum()
    found = make_index(matrix(random), load_recipe("entropy").but(level="term"))
    assert np.abs(found.weights["weight"].to_numpy() - weight.to_numpy()).max() < 1e-12
    assert np.abs(found.scores["score"].to_numpy() - (scaled * weight).sum(axis=1).to_numpy()).max() < 1e-12


# ------------------------------------------------------------------------------------------------ the matrix


@pytest.mark.parametrize("measure", MEASURES)
def test_matrix_is_the_panel(measure: str) -> None:
    by = ("entity", "year")
    t = test_measures
    made = make_matrix(count_groups(t.REPORTS, t.HITS, t.LEXICON, by, "term", t.SECTIONS, t.COUNTS, more=True), measure)
    panel = t.panel(measures=[measure])
    values = panel[measure].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(len(made.groups), -1)
    np.testing.assert_array_equal(made.values, values)
    assert made.names == ["云", "数"]
    assert made.items["n_hits"].to_list() == [6, 1]
    assert made.groups["entity"].to_list() == panel["entity"].to_list()[::2]


# ------------------------------------------------------------------------------------------------ what breaks


def test_what_is_not_known_has_no_score() -> None:
    found = make_index(matrix([[1, 2], [math.nan, 1], [3, 0]]), load_recipe("wu2021"))
    assert found.scores["entity"].to_list() == ["银行0000", "银行0002"]
    assert found.facts["groups_left_out"] == 1


@pytest.mark.parametrize("recipe", recipe_ids())
@pytest.mark.parametrize("values", [[[0.0, 0.0]], [[1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]])
def test_nothing_varies(recipe: str, values: list[list[float]]) -> None:
    made = matrix(values, entities=["甲"] * len(values), years=list(range(2020, 2020 + len(values))))
    try:
        found = make_index(made, load_recipe(recipe))
    except UsageError as error:
        assert "varies" in str(error) or "series" in str(error) or "need" in str(error)  # noqa: PT017
    else:
        assert not np.isnan(found.scores["score"].to_numpy()).any()


def test_no_group_at_all() -> None:
    with pytest.raises(UsageError, match="no group of reports has a measure hits"):
        make_index(matrix(np.full((2, 2), np.nan)), load_recipe("wu2021"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id = 1", "it needs an id"),
        ("nonsense", "is no TOML"),
        ('id = "a"\nmethod = "magic"', "method 'magic': there are 'sum'"),
        ('id = "a"\nweights = 3', "weights is no choice; there are"),
        ('id = "a"\nmethod = "entropy"\nstandardise = "z"', "entropy weights need values of 0 and more"),
        ('id = "a"\nmethod = "pca"\nparts = true', "method pca has none"),
        ('id = "a"\ncomponents = 0', "a number of components"),
        ('id = "a"\ntitle = 7', "title must be text"),
    ],
)
def test_recipes_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_recipe(file)


def test_own_recipe(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('id = "own"\nmeasure = "ln_hits"\nmethod = "mean"\n', encoding="utf-8")
    assert load_recipe(file) == Recipe("own", measure="ln_hits", method="mean")
    assert load_recipe(file).but(method="sum").id == "own(method=sum)"
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="method 'wu2022': there are"):
        load_recipe("wu2022")
    with pytest.raises(UsageError, match="choice 'title'"):
        load_recipe("wu2021").but(title="x")


def test_each_recipe_states_every_choice() -> None:
    for name in recipe_ids():
        recipe = load_recipe(name)
        assert recipe.id == name
        assert all((recipe.title, recipe.source, recipe.note)), name


# ------------------------------------------------------------------------------------------------ sensitivity


def test_leave_one_out() -> None:
    # Without 词0 the order of 甲 and 乙 is the other way round.
    made = matrix([[9, 0, 1], [0, 5, 1], [0, 0, 1]], entities=["甲", "乙", "丙"])
    found = leave_one_out(made, load_recipe("wu2021"), "term")
    assert found["term"].to_list()[0] == "词0"
    row = found.row(0, named=True)
    # Scores without it: 1, 6, 1 against 10, 6, 1: ranks 1.5, 3, 1.5 against 3, 2, 1.
    assert row["spearman"] == pytest.approx(0.0)
    assert (row["largest_move"], row["moved_most"]) == (1, "丙 2020")
    assert row["share"] == 9 / 17
    assert found.filter(pl.col("term") == "词2")["spearman"].item() == 1.0
    dimension = leave_one_out(made, load_recipe("wu2021"), "dimension")
    assert dimension.sort("dimension")["hits"].to_list() == [12, 5]
    broad = Matrix(made.values, made.groups, made.items.drop("category", "term"))
    with pytest.raises(UsageError, match="leave out term: the index is made of lexicon, dimension"):
        leave_one_out(broad, load_recipe("wu2021"), "term")


def test_jackknife_of_a_mean() -> None:
    # The jackknife's error of a mean is the error of the mean: sd / √n.
    values = [[1.0, 4.0, 7.0, 2.0], [0.0, 1.0, 0.0, 3.0]]
    found = resample(matrix(values), Recipe("mean", method="mean"), draws=50)
    wanted = [np.std(each, ddof=1) / 2 for each in values]
    assert found["score_se"].to_list() == pytest.approx(wanted)
    assert found["draws"].to_list() == [50, 50]
    assert found.filter(pl.col("rank") == 1)["rank_median"].to_list() == [1]
    assert resample(matrix(values), Recipe("mean", method="mean"), draws=50).equals(found)


def test_compare_and_drift() -> None:
    one = make_index(matrix([[1], [2], [3], [9]], [2020, 2020, 2021, 2021]), load_recipe("wu2021"))
    other = make_index(matrix([[1], [2], [9], [8]], [2020, 2020, 2021, 2021]), load_recipe("li2020"))
    row = compare({"76": one, "48": other}).row(0, named=True)
    assert (row["one"], row["other"], row["groups"]) == ("76", "48", 4)
    assert row["spearman"] == pytest.approx(0.8)
    assert row["within_year"] == pytest.approx(0.0)  # 1 in 2020, -1 in 2021
    panel = pl.DataFrame(
        {
            "year": [2019, 2019, 2019, 2020, 2020, 2020],
            "lexicon": ["x"] * 6,
            "term": ["a", "b", "c"] * 2,
            "hits": [8, 2, 0, 5, 15, 0],
        }
    )
    found = {row["term"]: row for row in drift(panel).to_dicts()}
    assert (found["a"]["share_1"], found["a"]["share_2"]) == (0.8, 0.25)
    assert found["b"]["change"] == pytest.approx(math.log2((15.5 / 21.5) / (2.5 / 11.5)))
    assert found["c"]["suspicious"]
    assert found["c"]["change"] is None
    assert (found["b"]["first_year"], found["b"]["last_year"]) == (2019, 2020)
    assert drift(panel, [2019, 2020]).columns.count("share_3") == 1


def test_groups_without_a_year_have_no_rank() -> None:
    groups = matrix([[5, 0], [1, 4], [2, 2], [3, 9]], [None, None, 2020, 2020], ["甲", None, "甲", "乙"])
    assert make_index(groups, load_recipe("wu2021")).scores["rank"].to_list() == [None, None, 2, 1]
    found = resample(groups, load_recipe("wu2021"), draws=20)
    assert found["rank_median"].is_null().to_list() == [True, True, False, False]
    assert found["score_se"].null_count() == 0


def test_who_moved_most_is_named_without_what_is_not_known() -> None:
    groups = matrix([[9, 0], [0, 5]], [2020, 2020], [None, "甲"])
    found = leave_one_out(groups, load_recipe("wu2021"), "term").row(by_predicate=pl.col("term") == "词0", named=True)
    assert (found["largest_move"], found["moved_most"]) == (1, "甲 2020")
    found = leave_one_out(matrix([[9, 0], [0, 5]], [2020, 2020], [None, None]), load_recipe("wu2021"), "term").row(
        by_predicate=pl.col("term") == "词0", named=True
    )
    assert found["moved_most"] == "2020"


def test_categories_of_one_name_in_two_dimensions_are_left_out_one_by_one() -> None:
    found = matrix([[1, 2, 4], [2, 0, 5]])
    items = found.items.with_columns(
        dimension=pl.Series(["甲", "甲", "乙"]), category=pl.Series(["其他", "云", "其他"])
    )
    left_out = leave_one_out(Matrix(found.values, found.groups, items), load_recipe("wu2021"), "category")
    assert dict(left_out.select("category", "hits").rows()) == {"甲/其他": 3, "云": 2, "乙/其他": 9}


def test_factors_that_do_not_converge_are_told(random: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    factor = load_recipe("guopin2015")
    pytest.importorskip("sklearn")
    assert make_index(matrix(random), factor).facts["converged"]
    monkeypatch.setattr("cipin.measuring.index.MOST_ITERATIONS", 2)
    assert not make_index(matrix(random), factor).facts["converged"]


def test_columns_with_nothing_in_common_have_no_factor() -> None:
    orthogonal = matrix([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    with pytest.raises(UsageError, match="nothing in common over 4 groups"):
        make_index(orthogonal, load_recipe("guopin2015"))
