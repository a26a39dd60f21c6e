"""Counts as a matrix: a row for each group of reports, a column for each term, category or dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.measuring.measures import MEASURES, tf_idf
from cipin.measuring.panel import TEXT, Counted


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Values of a measure.

    values    float64[n_groups, n_items]   nan where the measure is not known
    groups    a row a group, sorted: the columns of `by`, and its denominators
    items     a row a column of `values`, in the order of the lexicon: the names of its level; `n_hits` in all groups
    """

    values: NDArray[np.float64]
    groups: pl.DataFrame
    items: pl.DataFrame

    @property
    def names(self) -> list[str]:
        """The names of the items, the last column of their level."""
        return self.items[self.items.columns[-2]].to_list()


def make_matrix(counted: Counted, measure: str) -> Matrix:
    """Return a measure by group and item, of what `panel.count_groups` gives with `more`.

    Only cells with hits are looked at one by one: the panel of 1,000,000 groups and 100 terms would have 10^8 rows.
    """
    rows, items = counted.groups, counted.items
    cells = counted.found.collect(engine="streaming")
    n_hits = np.bincount(cells["item"].to_numpy(), cells["hits"].to_numpy(), len(items)).astype(np.int64)
    known = [each for each in ("reports", *TEXT) if each in rows.columns]
    cells = cells.hstack(rows.select(known)[cells["group"].to_numpy()])
    # What tf-idf asks of all groups, which only those with hits are here to tell.
    mean_chars = pl.lit(rows["chars"].mean() or 1.0)
    cells = cells.with_columns(
        n_groups=pl.lit(len(rows)), mean_chars=mean_chars, groups_with=(pl.col("hits") > 0).sum().over("item")
    )
    zero = pl.lit(0, pl.Int64)
    nothing = rows.with_columns(
        hits=zero, clauses=zero, reports_with=zero, n_groups=pl.lit(len(rows)), mean_chars=mean_chars, groups_with=zero
    )
    values = np.repeat(_measured(nothing, measure)[:, np.newaxis], len(items), axis=1)
    values[cells["group"].to_numpy(), cells["item"].to_numpy()] = _measured(cells, measure)
    return Matrix(values, rows.drop("group"), items.drop("item").with_columns(n_hits=pl.Series(n_hits)))


def _measured(frame: pl.DataFrame, measure: str) -> NDArray[np.float64]:
    expression = tf_idf() if measure == "tf_idf" else MEASURES[measure].expression()
    found: Any = frame.select(expression.cast(pl.Float64)).to_series()
    return np.asarray(found.fill_null(np.nan).to_numpy(), np.float64)
