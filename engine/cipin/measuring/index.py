"""One score for each entity and year, made of many counts as a recipe says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.errors import UsageError
from cipin.measuring.matrix import Matrix
from cipin.measuring.recipes import Recipe

Values = NDArray[np.float64]
#: Of the likelihood of factors: where it still grows behind them, they are told not to have converged.
MOST_ITERATIONS = 10_000
#: Variance of its own below which a column has none: scikit-learn stops at 1e-12.
HEYWOOD = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """A score, and what it is made of.

    recipe    every choice
    scores    a row an entity-year (of `epu`: a year): denominators, score, rank within its year (1: the highest; ties,
              to nine digits, share the best; null without a year); score_<dimension> if the recipe asks for parts
    weights   a row a column of the measure: its weight or loadings, `used` (false: it does not vary, or has no hit)
    facts     numbers that a paper reports: explained variance, entropies' sum, rows left out, …
    """

    recipe: Recipe
    scores: pl.DataFrame
    weights: pl.DataFrame
    facts: dict[str, Any]

    @property
    def formula(self) -> str:
        """How a score is made, as its choices are."""
        from cipin.measuring.index_book import formula_of

        return formula_of(self.recipe, self.facts)[1]

    @property
    def citation(self) -> str:
        """Who made it so first."""
        return self.recipe.source


def make_index(matrix: Matrix, recipe: Recipe) -> Index:
    """Return the index that a recipe makes of a measure.

    Groups whose measure is not known (no denominator) or that have no year where it is within years have no score: they
    are left out, and counted in `facts`. Raises UsageError where there is nothing to make a score of.
    """
    known: NDArray[np.bool_] = np.asarray(~np.isnan(matrix.values).any(axis=1))
    if (recipe.within == "year" and recipe.standardise != "none") or recipe.method == "epu":
        known &= matrix.groups["year"].is_not_null().to_numpy()
    if recipe.method == "epu":
        known &= matrix.groups["entity"].is_not_null().to_numpy()
    if not known.any():
        raise UsageError(
            f"index {recipe.id}: no group of reports has a measure {recipe.measure} (and a year, and an entity, where "
            "it goes by them); --year-from and --entity-from of `cipin run` say where those are"
        )
    groups = matrix.groups.filter(known)
    facts: dict[str, Any] = {"groups": len(groups), "groups_left_out": int((~known).sum())}
    if recipe.method == "epu":
        return _epu(matrix, groups, matrix.values[known], recipe, facts)
    years = groups["year"].fill_null(-1).to_numpy() if recipe.within == "year" else np.zeros(len(groups), np.int64)
    # The one copy: a matrix of 10^6 groups and 100 terms has 800 MB.
    scaled = standardise(matrix.values[known], years, recipe.standardise)
    score, weight, used, more = combine(scaled, recipe)
    scores = groups.select(matrix.groups.columns).with_columns(score=pl.Series(transform(score, recipe)).fill_nan(None))
    if recipe.parts and "dimension" in matrix.items.columns:
        scores = scores.with_columns(_parts(scaled, matrix.items, recipe))
    ranked = scores.with_columns(_rank("score"))
    columns = [pl.Series(name, value).fill_nan(None) for name, value in weight.items()]
    weights = matrix.items.with_columns(pl.Series("used", used), *columns)
    return Index(recipe, ranked, weights, facts | more)


def _rank(column: str) -> pl.Expr:
    # Groups without a year are of many years: they have no rank among one another. What differs by rounding errors is
    # the same: of 97 scores by factors 17 moved their rank when they were rounded to nine digits.
    score = pl.col(column)
    rounded = (score / score.abs().max().replace(0.0, 1.0)).round(9)
    rank = rounded.rank("min", descending=True).over("year").cast(pl.Int64)
    return pl.when(pl.col("year").is_not_null()).then(rank).alias("rank")


def transform(score: Values, recipe: Recipe) -> Values:
    """Return a score as the recipe shows it."""
    return np.log1p(score) if recipe.transform == "ln1p" else score


def _parts(scaled: Values, items: pl.DataFrame, recipe: Recipe) -> list[pl.Series]:
    """Return the same score of each dimension alone."""
    series = []
    dimensions = items["dimension"].to_list()
    for dimension in dict.fromkeys(dimensions):
        of_it = np.array([each == dimension for each in dimensions])
        part = scaled[:, of_it].sum(axis=1) / (of_it.sum() if recipe.method == "mean" else 1)
        series.append(pl.Series(f"score_{dimension}", transform(part, recipe)))
    return series


# ------------------------------------------------------------------------------------------------ columns made alike


def standardise(values: Values, years: NDArray[np.integer], how: str) -> Values:
    """Return each column made comparable, over all rows or within each year, in place; one that does not vary is 0.

    >>> standardise(np.array([[1.0], [3.0], [5.0]]), np.zeros(3, int), "minmax").ravel().tolist()
    [0.0, 0.5, 1.0]
    """
    if how == "none":
        return values
    rule = _RULES[how]
    order = np.argsort(years, kind="stable")
    bounds = [0, *(np.flatnonzero(np.diff(years[order])) + 1).tolist(), len(order)]
    for begin, end in pairwise(bounds):
        rows = order[begin:end]
        whole = len(rows) == len(values)
        for column in range(values.shape[1]):
            if whole:
                values[:, column] = rule(values[:, column])
            else:
                values[rows, column] = rule(values[rows, column])
    return values


def _minmax(column: Values) -> Values:
    low, high = column.min(), column.max()
    return (column - low) / (high - low) if high > low else np.zeros_like(column)


def _z(column: Values) -> Values:
    # Not by the deviation: that of a column of one value is a rounding error.
    if column.max() == column.min():
        return np.zeros_like(column)
    return (column - column.mean()) / column.std(ddof=1)


def _percentile(column: Values) -> Values:
    ranks = pl.Series(column).rank("average").to_numpy()
    return (ranks - 0.5) / len(column) if column.max() > column.min() else np.full_like(column, 0.5)


_RULES: dict[str, Callable[[Values], Values]] = {"minmax": _minmax, "z": _z, "percentile": _percentile}


# ------------------------------------------------------------------------------------------------ columns made one

Combined = tuple[Values, dict[str, Values], NDArray[np.bool_], dict[str, Any]]


def combine(values: Values, recipe: Recipe) -> Combined:
    """Return score, weights by name, which columns are used, and further facts.

    Raises UsageError if no column varies, where that is needed.
    """
    n_items = values.shape[1]
    if recipe.method in {"sum", "mean"}:
        each = 1.0 if recipe.method == "sum" else 1.0 / n_items
        return values.sum(axis=1) * each, {"weight": np.full(n_items, each)}, np.ones(n_items, np.bool_), {}
    low, high = values.min(axis=0), values.max(axis=0)
    used = high > low
    if not used.any():
        raise UsageError(f"index {recipe.id}: no column varies over {len(values)} groups; nothing can be weighed")
    if recipe.method == "entropy":
        return _entropy(values, used)
    return (_pca if recipe.method == "pca" else _factor)(values[:, used], used, recipe)


def _spread(weights: Values, used: NDArray[np.bool_]) -> Values:
    found = np.zeros((len(used), *weights.shape[1:]))
    found[used] = weights
    return found


def _entropy(values: Values, used: NDArray[np.bool_]) -> Combined:
    """Weigh a column by how unevenly it is spread: Shannon's entropy over groups."""
    n = len(values)
    entropy = np.ones(values.shape[1])
    for column in np.flatnonzero(used).tolist():
        share = values[:, column] / values[:, column].sum()
        share = share[share > 0]
        entropy[column] = -float((share * np.log(share)).sum()) / np.log(n)
    spread = np.where(used, 1.0 - entropy, 0.0)
    weight = spread / spread.sum()
    return values @ weight, {"weight": weight, "entropy": entropy}, used, {"divergence": float(spread.sum())}


def _signed(loadings: Values) -> Values:
    """Return loadings with a sign that does not hang on the machine: their sum is positive, or the largest is."""
    total = loadings.sum(axis=0)
    largest = loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])]
    return loadings * np.where(np.where(np.abs(total) > 1e-9, total, largest) < 0, -1.0, 1.0)


def _eigen(values: Values) -> tuple[Values, Values, Values]:
    centred = values - values.mean(axis=0)
    sd = centred.std(axis=0, ddof=1)
    centred /= sd
    correlation = centred.T @ centred / (len(values) - 1)
    eigenvalues, vectors = np.linalg.eigh(correlation)
    return centred, eigenvalues[::-1], vectors[:, ::-1]


def _number(recipe: Recipe, eigenvalues: Values) -> int:
    if recipe.components == "kaiser":
        return max(1, int((eigenvalues > 1.0 + 1e-9).sum()))
    return min(int(recipe.components), len(eigenvalues))


def _pca(values: Values, used: NDArray[np.bool_], recipe: Recipe) -> Combined:
    """Project on principal components of the correlation matrix; several are added up by their shares of variance."""
    if len(values) < 2:
        raise UsageError(f"index {recipe.id}: principal components need two groups of reports or more")
    centred, eigenvalues, vectors = _eigen(values)
    n = _number(recipe, eigenvalues)
    loadings = _signed(vectors[:, :n])
    share = eigenvalues[:n] / eigenvalues.sum()
    score = (centred @ loadings) @ (share / share.sum())
    names = {f"loading_{number + 1}": _spread(loadings[:, number], used) for number in range(n)}
    return score, names, used, {"components": n, "explained_variance": [float(each) for each in share]}


def _factor(values: Values, used: NDArray[np.bool_], recipe: Recipe) -> Combined:
    """Estimate factors by maximum likelihood (scikit-learn), turn them, add up their scores by explained variance."""
    try:
        from sklearn.decomposition import FactorAnalysis
        from sklearn.exceptions import ConvergenceWarning
    except ImportError as error:
        raise UsageError(f"index {recipe.id}: {error}; install it with: pip install 'cipin[index]'") from error
    if len(values) < 3:
        raise UsageError(f"index {recipe.id}: a factor analysis needs three groups of reports or more")
    centred, eigenvalues, _ = _eigen(values)
    n = min(_number(recipe, eigenvalues), *values.shape)
    rotation = None if recipe.rotation == "none" or n == 1 else recipe.rotation
    model = FactorAnalysis(n, rotation=rotation, svd_method="lapack", max_iter=MOST_ITERATIONS, tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is among the facts
        model.fit(centred)
    raw = model.components_.T
    loadings = _signed(raw)
    flipped = np.where((loadings * raw).sum(axis=0) < 0, -1.0, 1.0)
    factors = model.transform(centred) * flipped
    share = (loadings**2).sum(axis=0)
    if share.sum() < 1e-9:
        raise UsageError(
            f"index {recipe.id}: its columns have nothing in common over {len(values)} groups, so that there is no "
            "factor; take more groups, or method = pca"
        )
    order = np.argsort(-share, kind="stable")
    loadings, factors, share = loadings[:, order], factors[:, order], share[order]
    names = {f"loading_{number + 1}": _spread(loadings[:, number], used) for number in range(n)}
    unique = _spread(model.noise_variance_, used)
    unique[~used] = np.nan
    names["uniqueness"] = unique
    explained = [float(each) for each in share / values.shape[1]]
    facts = {
        "components": n,
        "explained_variance": explained,
        "converged": model.n_iter_ < MOST_ITERATIONS,
        # Heywood cases: the likelihood wants less than no variance of their own; more columns than groups make them.
        "no_own_variance": int((model.noise_variance_ < HEYWOOD).sum()),
        "scikit_learn": version("scikit-learn"),
    }
    return factors @ (share / share.sum()), names, used, facts


def _epu(matrix: Matrix, groups: pl.DataFrame, values: Values, recipe: Recipe, facts: dict[str, Any]) -> Index:
    """Scale as Baker, Bloom and Davis do: series of one deviation each, their mean by year, 100 on the average."""
    series = groups.select("entity", "year").with_columns(x=pl.Series(values.sum(axis=1)))
    spread = series.group_by("entity").agg(sd=pl.col("x").std(ddof=1), n=pl.len())
    usable = spread.filter((pl.col("sd") > 0) & (pl.col("n") > 1))
    if usable.is_empty():
        raise UsageError(f"index {recipe.id}: no entity has two years that differ; there is no series to scale")
    scores = (
        series.join(usable.select("entity", "sd"), on="entity")
        .group_by("year")
        .agg(score=(pl.col("x") / pl.col("sd")).mean(), entities=pl.len().cast(pl.Int64))
        .sort("year")
        .with_columns(pl.col("score") * 100 / pl.col("score").mean())
    )
    left = sorted(set(matrix.groups["entity"].drop_nulls()) - set(usable["entity"]))
    weights = matrix.items.with_columns(used=pl.lit(True), weight=pl.lit(1.0))
    return Index(recipe, scores, weights, facts | {"entities": len(usable), "entities_left_out": left})
