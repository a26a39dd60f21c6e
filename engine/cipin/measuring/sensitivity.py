"""How much an index hangs on what it was made of: on one term, on one dimension, on the choice of the lexicon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.errors import UsageError
from cipin.measuring.index import Index, make_index
from cipin.measuring.matrix import Matrix
from cipin.measuring.recipes import Recipe

#: Draws of a bootstrap, and its first random number: the same ones each time.
DRAWS, SEED = 200, 1
#: What a score is of.
KEYS = ("entity", "year")


def without(matrix: Matrix, kept: NDArray[np.bool_]) -> Matrix:
    """Return a matrix of some of the items."""
    return Matrix(matrix.values[:, kept], matrix.groups, matrix.items.filter(pl.Series(kept)))


def leave_one_out(matrix: Matrix, recipe: Recipe, of: str) -> pl.DataFrame:
    """Return, for each value of the column `of` (term, category, dimension), what becomes of the index without it.

    Columns: `of`; hits; share of all hits; spearman: rank correlation of the scores with and without it;
    largest_move: of any entity within its year, in ranks; moved_most: entity and year of that. A row without
    these: the index cannot be made without it, or does not vary. Sorted by spearman: what matters most first.
    """
    if of not in matrix.items.columns:
        raise UsageError(f"leave out {of}: the index is made of {', '.join(matrix.items.columns[:-1])}")
    whole = make_index(_copy(matrix), recipe)
    labels = _labels(matrix.items, of)
    total = max(int(matrix.items["n_hits"].sum()), 1)
    rows = []
    for label in dict.fromkeys(labels):
        kept = np.array([each != label for each in labels])
        hits = int(matrix.items["n_hits"].filter(pl.Series(~kept)).sum())
        row: dict[str, Any] = {of: label, "hits": hits, "share": hits / total}
        rows.append(row | _compare(whole, _index_or_none(without(matrix, kept), recipe)))
    schema = {of: pl.String, "hits": pl.Int64, "share": pl.Float64, **_COMPARED}
    return pl.DataFrame(rows, schema=schema).sort("spearman", "hits", descending=[False, True], nulls_last=True)


def _labels(items: pl.DataFrame, of: str) -> list[str]:
    """Return what each item is called at a level: its name there, behind those above it where several share it."""
    names = items.columns[items.columns.index("lexicon") + 1 : items.columns.index(of) + 1] or [of]
    paths = items.select(names).rows()
    count = Counter(path[-1] for path in set(paths))
    return [path[-1] if count[path[-1]] == 1 else "/".join(map(str, path)) for path in paths]


_COMPARED: dict[str, Any] = {"spearman": pl.Float64, "largest_move": pl.Int64, "moved_most": pl.String}


def _copy(matrix: Matrix) -> Matrix:
    return Matrix(matrix.values.copy(), matrix.groups, matrix.items)


def _index_or_none(matrix: Matrix, recipe: Recipe) -> Index | None:
    try:
        return make_index(_copy(matrix), recipe) if len(matrix.items) else None
    except UsageError:  # nothing varies any more
        return None


def _compare(whole: Index, part: Index | None) -> dict[str, Any]:
    if part is None:
        return dict.fromkeys(_COMPARED)
    keys = [each for each in ("entity", "year") if each in whole.scores.columns]
    ranked = "rank" in whole.scores.columns
    columns = ["score", "rank"] if ranked else ["score"]
    both = whole.scores.select(*keys, *columns).join(
        part.scores.select(*keys, *columns), on=keys, nulls_equal=True, suffix="_without"
    )
    found: dict[str, Any] = dict.fromkeys(_COMPARED)
    found["spearman"] = spearman(both["score"].to_numpy(), both["score_without"].to_numpy())
    if ranked and len(both):
        moved = both.with_columns(move=(pl.col("rank") - pl.col("rank_without")).abs())
        most = moved.sort("move", *keys, descending=[True, *(False for _ in keys)], nulls_last=True).row(0, named=True)
        whose = " ".join(str(most[key]) for key in keys if most[key] is not None) if most["move"] else None
        found |= {"largest_move": most["move"], "moved_most": whose}
    return found


def spearman(one: NDArray[np.floating], other: NDArray[np.floating]) -> float | None:
    """Return Spearman's rank correlation, ties sharing their mean rank; None where one of the scores does not vary.

    >>> round(spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 3)
    0.5
    """
    if len(one) < 2 or one.max() == one.min() or other.max() == other.min():
        return None
    first, second = (np.asarray(pl.Series(each).rank("average").to_numpy(), np.float64) for each in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def resample(matrix: Matrix, recipe: Recipe, draws: int = DRAWS, seed: int = SEED) -> pl.DataFrame:
    """Return how sure the score and rank of each entity-year are, if the terms were others of their kind.

    Columns: entity, year, score, rank; score_se: the jackknife's standard error over terms; rank_low, rank_median,
    rank_high: 2.5, 50 and 97.5 % of its ranks in `draws` bootstrap samples of the terms (with replacement, the same
    seed each time). Efron and Tibshirani (1993) An introduction to the bootstrap, ch. 11, 13.
    """
    whole = make_index(_copy(matrix), recipe)
    if "rank" not in whole.scores.columns:
        raise UsageError(f"index {recipe.id}: is a series of years, and has no ranks to resample")
    base = whole.scores.select(*KEYS, "score", "rank").with_row_index("row")
    n_items = len(matrix.items)
    left_out = [
        _aligned(base, part, "score")
        for item in range(n_items)
        if (part := _index_or_none(without(matrix, np.arange(n_items) != item), recipe)) is not None
    ]
    chance = np.random.default_rng(seed)
    ranks = []
    for _ in range(draws):
        drawn = np.sort(chance.integers(0, n_items, n_items))
        sample = Matrix(matrix.values[:, drawn], matrix.groups, matrix.items[drawn])
        if (part := _index_or_none(sample, recipe)) is not None:
            ranks.append(_aligned(base, part, "rank"))
    columns = [pl.Series("score_se", _jackknife(left_out, len(base))).fill_nan(None)]
    # A group without a year has no rank, and a percentile of nothing warns.
    ranked = base["rank"].is_not_null().to_numpy()
    for name, share in (("rank_low", 2.5), ("rank_median", 50), ("rank_high", 97.5)):
        found = np.full(len(base), np.nan)
        if ranks and ranked.any():
            found[ranked] = np.nanpercentile(np.array(ranks)[:, ranked], share, axis=0, method="nearest")
        columns.append(pl.Series(name, found).fill_nan(None).cast(pl.Int64))
    return base.drop("row").with_columns(*columns, draws=pl.lit(len(ranks)))


def _jackknife(left_out: list[NDArray[np.float64]], n_groups: int) -> NDArray[np.float64]:
    n = len(left_out)
    if n < 2:
        return np.full(n_groups, np.nan)
    scores = np.array(left_out)
    return np.asarray(np.sqrt((n - 1) / n * ((scores - scores.mean(axis=0)) ** 2).sum(axis=0)))


def _aligned(base: pl.DataFrame, part: Index, column: str) -> NDArray[np.float64]:
    joined = base.select("row", *KEYS).join(part.scores.select(*KEYS, column), on=KEYS, how="left", nulls_equal=True)
    return np.asarray(joined.sort("row")[column].cast(pl.Float64).to_numpy())


def compare(indices: Mapping[str, Index]) -> pl.DataFrame:
    """Return rank correlations of indices over the groups that they share: one row a pair.

    Columns: one, other, groups, spearman; within_year: the mean of Spearman's rho within years, which a common trend
    does not lift. For the same reports measured with several lexicons: compare({"48": run48.index(…), "76": …}).
    """
    names = list(indices)
    rows: list[dict[str, Any]] = []
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            left, right = indices[one].scores, indices[other].scores
            if not set(KEYS) <= set(left.columns) & set(right.columns):
                raise UsageError(f"indices {one} and {other}: are not both by entity and year")
            both = left.select(*KEYS, "score").join(
                right.select(*KEYS, "score"), on=KEYS, suffix="_other", nulls_equal=True
            )
            yearly = [
                spearman(part["score"].to_numpy(), part["score_other"].to_numpy())
                for _, part in both.group_by("year", maintain_order=True)
            ]
            known = [each for each in yearly if each is not None]
            row = {"one": one, "other": other, "groups": len(both)}
            row["spearman"] = spearman(both["score"].to_numpy(), both["score_other"].to_numpy())
            rows.append(row | {"within_year": float(np.mean(known)) if known else None})
    schema = {"one": pl.String, "other": pl.String, "groups": pl.Int64, "spearman": pl.Float64}
    return pl.DataFrame(rows, schema=schema | {"within_year": pl.Float64})


def drift(panel: pl.DataFrame, years: Sequence[int] = ()) -> pl.DataFrame:
    """Return how the mix of terms changes from era to era, of a panel by year and term.

    years   the first year of each era but the first; (): two eras of the same number of years

    Columns: lexicon, term; hits; first_year; last_year; share_1, share_2, …: the term's share of all hits of each era;
    change: log2 of the last share over the first, with half a hit added to each count; suspicious: no hit anywhere.
    """
    known = panel.filter(pl.col("year").is_not_null())
    found = sorted(known["year"].unique().to_list())
    if not found:
        raise UsageError("drift: no group has a year")
    cuts = sorted(years) if years else [found[len(found) // 2]] if len(found) > 1 else []
    era = pl.lit(1)
    for number, cut in enumerate(cuts):
        era = pl.when(pl.col("year") >= cut).then(number + 2).otherwise(era)
    names = ["lexicon", "term"]
    with_hits = pl.col("year").filter(pl.col("hits") > 0)
    order = panel.select(names).unique(maintain_order=True)
    whole = panel.group_by(names).agg(hits=pl.col("hits").sum(), first_year=with_hits.min(), last_year=with_hits.max())
    shares = order.join(whole, on=names)
    counts = known.with_columns(era=era).group_by(*names, "era").agg(pl.col("hits").sum())
    last = len(cuts) + 1
    for number in range(1, last + 1):
        part = counts.filter(pl.col("era") == number).select(*names, pl.col("hits").alias(f"hits_{number}"))
        shares = shares.join(part, on=names, how="left").with_columns(pl.col(f"hits_{number}").fill_null(0))
        total = pl.col(f"hits_{number}").sum()
        share = pl.when(total > 0).then(pl.col(f"hits_{number}") / total)
        shares = shares.with_columns(share.alias(f"share_{number}"))
    n = len(shares)

    def smoothed(number: int) -> pl.Expr:
        return (pl.col(f"hits_{number}") + 0.5) / (pl.col(f"hits_{number}").sum() + 0.5 * n)

    has_hits = pl.col("hits") > 0
    changed = shares.with_columns(
        change=pl.when(has_hits).then((smoothed(last) / smoothed(1)).log(2)), suspicious=~has_hits
    )
    return changed.drop([f"hits_{number}" for number in range(1, last + 1)])
