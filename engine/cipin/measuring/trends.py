"""Which way a term goes over the years."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cipin.measuring.association import normal_p


def make_trends(panel: pl.LazyFrame, over: Sequence[str], value: str) -> pl.LazyFrame:
    """Return the trend of each term, category or dimension over the years of a panel.

    panel   one row a year and whatever `over` tells apart, as `panel(by=[…, "year"])` gives it
    over    columns that tell one series from another
    value   the column of it that is followed: a measure, or a count

    Columns: those of `over`; `years`, those that have a value; `first_year`, `last_year`; `first`, `last`, their
    values; and
    `slope`      by least squares, in units of the value a year
    `sen_slope`  the median of the slopes between all pairs of years (Theil 1950; Sen 1968 Estimates of the regression
                 coefficient based on Kendall's tau, JASA 63)
    `tau`        Kendall's tau-b of value and year (Kendall 1945 The treatment of ties in ranking problems, Biometrika
                 33(3))
    `p`          of the Mann-Kendall test, two-sided, by the normal approximation with corrections for ties and
                 continuity (Mann 1945 Nonparametric tests against trend, Econometrica 13; Kendall 1975 Rank correlation
                 methods); rough below 8 years
    `rise_year`  the year of the largest rise since the last year that has a value, counted a year
    `rise`       that rise a year; null where it never rises
    In the order of the panel.

    A year without a readable report is missing, not zero: neither slope, nor rank, nor rise sees it. Rows without
    a year or a value are left out. A single year has no slope; what never changes has neither tau nor p.
    A series over several entities also moves with which of them a year has: follow each by itself where they differ.

    >>> panel = pl.LazyFrame({"term": ["云"] * 3, "year": [2015, 2016, 2019], "hits": [1, 2, 8]})
    >>> make_trends(panel, ["term"], "hits").select(
    ...     pl.col("slope").round(4), "sen_slope", "tau", "rise_year", "rise"
    ... ).collect().row(0)
    (1.8077, 1.75, 1.0, 2019, 2.0)
    """
    over = list(over)
    every = panel.select(*over, "year", pl.col(value).cast(pl.Float64).alias("value"))
    series = every.unique(over, maintain_order=True, keep="first").select(over).with_row_index("series")
    points = (
        every.filter(pl.col("year").is_not_null() & pl.col("value").is_not_null() & pl.col("value").is_finite())
        .join(series, on=over, nulls_equal=True)
        .select("series", pl.col("year").cast(pl.Int64), "value")
        .sort("series", "year")
    )
    frame = series
    for part in (_ends(points), _pairs(points), _ties(points), _rises(points)):
        frame = frame.join(part, on="series", how="left")
    n = pl.col("years")
    number = n.cast(pl.Float64)
    pairs = number * (number - 1) / 2
    variance = (number * (number - 1) * (2 * number + 5) - pl.col("tied_variance")) / 18
    score = pl.col("score")
    z = (score - score.sign()) / variance.sqrt()
    return (
        frame.with_columns(n.fill_null(0))
        .with_columns(
            tau=pl.when(pairs > pl.col("tied_pairs")).then(score / (pairs * (pairs - pl.col("tied_pairs"))).sqrt()),
            p=pl.when((n > 1) & (variance > 0)).then(normal_p(z)),
        )
        .sort("series")
        .select(
            *over, "years", "first_year", "last_year", "first", "last", "slope", "sen_slope", "tau", "p", "rise_year",
            "rise",
        )
    )  # fmt: skip


def _ends(points: pl.LazyFrame) -> pl.LazyFrame:
    year, value = pl.col("year"), pl.col("value")
    apart = year - year.mean()
    return points.group_by("series").agg(
        years=pl.len().cast(pl.Int64),
        first_year=year.first(),
        last_year=year.last(),
        first=value.first(),
        last=value.last(),
        slope=pl.when(pl.len() > 1).then((apart * (value - value.mean())).sum() / (apart**2).sum()),
    )


def _pairs(points: pl.LazyFrame) -> pl.LazyFrame:
    """Return what compares each year with each later one."""
    pairs = points.join(points, on="series", suffix="_later").filter(pl.col("year") < pl.col("year_later"))
    change = pl.col("value_later") - pl.col("value")
    return pairs.group_by("series").agg(
        sen_slope=(change / (pl.col("year_later") - pl.col("year"))).median(), score=change.sign().sum()
    )


def _ties(points: pl.LazyFrame) -> pl.LazyFrame:
    t = pl.col("t")
    return (
        points.group_by("series", "value")
        .agg(t=pl.len().cast(pl.Float64))
        .group_by("series")
        .agg(tied_pairs=(t * (t - 1) / 2).sum(), tied_variance=(t * (t - 1) * (2 * t + 5)).sum())
    )


def _rises(points: pl.LazyFrame) -> pl.LazyFrame:
    before = pl.all().exclude("series").shift().over("series").name.suffix("_before")
    a_year = (pl.col("value") - pl.col("value_before")) / (pl.col("year") - pl.col("year_before"))
    return (
        points.with_columns(before)
        .with_columns(rise=a_year)
        .filter(pl.col("rise") > 0)
        .sort("series", "rise", "year", descending=[False, True, False])
        .group_by("series", maintain_order=True)
        .agg(rise_year=pl.col("year").first(), rise=pl.col("rise").first())
    )
