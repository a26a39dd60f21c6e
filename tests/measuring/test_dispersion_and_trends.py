"""Dispersion against published values and plain Python; trends against scipy and pymannkendall."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pymannkendall
import pytest
from scipy import stats

from cipin.measuring.dispersion import make_dispersion
from cipin.measuring.groups import Tables
from cipin.measuring.trends import make_trends


def corpus(counts: dict[str, list[int]], sizes: list[int], entities: list[str] | None = None) -> Tables:
    """Tables of reports with these sizes and hits."""
    n = len(sizes)
    ids = [f"r{at:03}" for at in range(n)]
    reports = pl.DataFrame(
        {
            "report": ids, "source": ids, "entity": entities or ["甲"] * n, "fiscal_year": [2020] * n,
            "status": ["measured"] * n, "chars": sizes, "han_chars": sizes, "words": [None] * n, "clauses": sizes,
        },
        schema_overrides={"words": pl.Int64},
    )  # fmt: skip
    hits = [
        (report, term) for term, each in counts.items() for report, n in zip(ids, each, strict=True) for _ in range(n)
    ]
    return Tables(
        reports.lazy(),
        pl.LazyFrame(
            schema={
                "report": pl.String,
                "section": pl.Int32,
                "entity": pl.String,
                "chars": pl.Int64,
                "clauses": pl.Int64,
            }
        ),
        pl.LazyFrame(schema={"report": pl.String, "clause": pl.Int32, "sentence": pl.Int32}),
        pl.LazyFrame(hits, schema={"report": pl.String, "term": pl.String}, orient="row").with_columns(
            kept=True, section=pl.lit(0, pl.Int32), clause=pl.lit(0, pl.Int32), start=pl.lit(0), end=pl.lit(1)
        ),
        pl.LazyFrame({"lexicon": "l", "dimension": "d", "category": "c", "term": list(counts)}),
    )


def spread(counts: list[int], sizes: list[int], **options: Any) -> dict[str, Any]:
    frame = make_dispersion(corpus({"云": counts}, sizes), **options).collect()
    assert not any(frame[each].is_nan().any() for each in ("d", "dp", "dp_norm"))
    return frame.select("hits", "parts", "range", "d", "dp", "dp_norm").row(0, named=True)


# ------------------------------------------------------------------------------------------------ dispersion

#: Gries (2008), the corpus of 50 words in five parts (b a m n i b e u p / b a s a t b e w q n / …), as printed there.
GRIES = [9, 10, 10, 10, 11]


@pytest.mark.parametrize(
    ("counts", "d", "dp", "dp_norm"),
    [
        ([1, 2, 3, 4, 5], 0.785, 0.18, 0.22),  # a
        ([2, 2, 2, 2, 2], 0.968, 0.02, 0.024),  # b
        ([1, 0, 0, 0, 0], 0.0, 0.82, 1.0),  # i
        ([0, 1, 0, 0, 0], 0.0, 0.8, 0.976),  # q
        ([0, 0, 0, 0, 1], 0.0, 0.78, 0.951),  # x
    ],
)
def test_gries_example(counts: list[int], d: float, dp: float, dp_norm: float) -> None:
    found = spread(counts, GRIES)
    assert found["d"] == pytest.approx(d, abs=5e-4)
    assert found["dp"] == pytest.approx(dp, abs=5e-4)
    assert found["dp_norm"] == pytest.approx(dp_norm, abs=6e-4)
    assert found["range"] == sum(each > 0 for each in counts)


def test_lijffijt_and_gries_example() -> None:
    # Three equal parts with 2/3, 1/3 and 0 of the hits: (1/3 + 0 + 1/3) / 2 = 1/3, and 1/3 / (1 - 1/3) = 1/2.
    found = spread([2, 1, 0], [100, 100, 100])
    assert (found["dp"], found["dp_norm"]) == pytest.approx((1 / 3, 1 / 2), rel=1e-12)


def test_lynes_allemand() -> None:
    """Lyne (1985), as the R package tlda prints it (README, "gries"): D 1 - 0.3961203, DP 0.4990705.

    By hand: parts with hits are .10106 .10265 .10083 .09877 .10110 of the text and hold .2 .1 .1 .3 .3 of the hits, the
    others .49559 and none: (.50255 + .49559) / 2 = .49907.
    """
    sizes = [8143, 8058, 8271, 8125, 7959, 7941, 8146, 8001, 8003, 7930]
    found = spread([2, 0, 1, 1, 3, 0, 3, 0, 0, 0], sizes)
    assert found["d"] == pytest.approx(0.6038797, abs=5e-8)
    assert found["dp"] == pytest.approx(0.4990705, abs=5e-8)


def naive(counts: list[int], sizes: list[int]) -> tuple[float, float, float]:
    rates = np.array(counts) / np.array(sizes)
    share, part_of = np.array(sizes) / sum(sizes), np.array(counts) / sum(counts)
    dp = float(np.abs(share - part_of).sum() / 2)
    d = 1 - rates.std() / rates.mean() / np.sqrt(len(sizes) - 1)
    return float(d), dp, float(dp / (1 - share.min()))


def test_random_dispersion() -> None:
    chance = np.random.default_rng(5)
    for _ in range(30):
        n = int(chance.integers(2, 60))
        sizes = chance.integers(1, 500_000, n).tolist()
        counts = chance.poisson(chance.random(n) ** 6 * 20).tolist()
        if sum(counts):
            found = spread(counts, sizes)
            assert [found[each] for each in ("d", "dp", "dp_norm")] == pytest.approx(naive(counts, sizes), abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "sizes", "expected"),
    [
        ([0, 0], [10, 10], (0, 2, 0, None, None, None)),
        ([3], [10], (3, 1, 1, None, 0.0, None)),
        ([0], [10], (0, 1, 0, None, None, None)),
        ([3, 3, 0], [10, 10, 0], (6, 2, 2, 1.0, 0.0, 0.0)),  # a report without text is no part
    ],
)
def test_little_to_spread(counts: list[int], sizes: list[int], expected: tuple[Any, ...]) -> None:
    assert tuple(spread(counts, sizes).values()) == pytest.approx(expected)


def test_sizes_that_are_not_known() -> None:
    found = spread([1, 2], [10, 10], size="words")
    assert found == {"hits": 3, "parts": 2, "range": 2, "d": None, "dp": None, "dp_norm": None}


def test_no_report_is_chosen() -> None:
    frame = make_dispersion(corpus({"云": [1]}, [10]), where=pl.col("entity") == "乙").collect()
    assert frame.select("hits", "parts", "range", "d", "dp", "dp_norm").rows() == [(0, 0, 0, None, None, None)]


def test_entities_as_parts() -> None:
    tables = corpus({"云": [1, 2, 3]}, [10, 20, 30], ["甲", "甲", "乙"])
    frame = make_dispersion(tables, parts_by="entity").collect()
    # Two parts of 30, with 3 hits each.
    assert frame.select("parts", "range", "d", "dp").row(0) == pytest.approx((2, 2, 1.0, 0.0))


# ------------------------------------------------------------------------------------------------ trends


def trend(years: list[int | None], values: list[float | None]) -> dict[str, Any]:
    panel = pl.LazyFrame(
        {"term": ["云"] * len(years), "year": years, "rate": values},
        schema={"term": pl.String, "year": pl.Int32, "rate": pl.Float64},
    )
    frame = make_trends(panel, ["term"], "rate").collect()
    assert not any(frame[each].is_nan().any() for each in frame.columns if frame[each].dtype == pl.Float64)
    return frame.drop("term").row(0, named=True)


def test_trend_by_hand() -> None:
    # 2017 is missing. Slopes of pairs: 2015-16 1, 15-18 1, 15-19 1.25, 16-18 1, 16-19 4/3, 18-19 2: median 1.125.
    # Least squares: years about 2017 are -2 -1 1 2, (-2 * 1 - 1 * 2 + 1 * 4 + 2 * 6) / 10 = 1.2. All 6 pairs rise:
    # tau 1, variance 4 * 3 * 13 / 18 = 8.6667, z = 5 / 2.94392 = 1.69842, p = 0.089429.
    found = trend([2015, 2016, 2018, 2019], [1.0, 2.0, 4.0, 6.0])
    assert found == pytest.approx(
        {
            "years": 4, "first_year": 2015, "last_year": 2019, "first": 1.0, "last": 6.0, "slope": 1.2,
            "sen_slope": 1.125, "tau": 1.0, "p": 0.089429, "rise_year": 2019, "rise": 2.0,
        }, abs=1e-6,
    )  # fmt: skip


def test_a_missing_year_is_no_zero() -> None:
    gap = trend([2015, 2016, None, 2018], [1.0, 2.0, 9.0, 3.0])
    null = trend([2015, 2016, 2017, 2018], [1.0, 2.0, None, 3.0])
    zero = trend([2015, 2016, 2017, 2018], [1.0, 2.0, 0.0, 3.0])
    assert gap == null
    assert null["rise_year"] == 2016  # 1 a year; from 2016 to 2018 half of that
    assert zero["rise_year"] == 2018
    assert zero["tau"] < null["tau"]


@pytest.mark.parametrize(
    ("years", "values", "expected"),
    [
        ([2015], [1.0], {"years": 1, "slope": None, "sen_slope": None, "tau": None, "p": None, "rise_year": None}),
        ([2015], [None], {"years": 0, "first_year": None, "slope": None, "tau": None, "p": None, "rise": None}),
        ([2015, 2016], [1.0, 2.0], {"slope": 1.0, "sen_slope": 1.0, "tau": 1.0, "p": 1.0}),
        ([2015, 2016, 2017], [0.0] * 3, {"slope": 0.0, "sen_slope": 0.0, "tau": None, "p": None, "rise_year": None}),
        ([2015, 2016, 2017], [3.0, 2.0, 1.0], {"slope": -1.0, "tau": -1.0, "rise_year": None, "rise": None}),
    ],
)  # fmt: skip
def test_little_to_follow(years: list[Any], values: list[Any], expected: dict[str, Any]) -> None:
    found = trend(years, values)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_no_panel() -> None:
    empty = pl.LazyFrame(schema={"term": pl.String, "year": pl.Int32, "rate": pl.Float64})
    assert make_trends(empty, ["term"], "rate").collect().height == 0


def test_random_trends() -> None:
    chance = np.random.default_rng(6)
    for _ in range(40):
        n = int(chance.integers(3, 25))
        years = np.sort(chance.choice(np.arange(2000, 2030), n, replace=False))
        values = np.round(chance.random(n) * 3 + chance.random() * np.arange(n) / 9, int(chance.integers(0, 3)))
        if len(set(values)) == 1:
            continue
        found = trend(years.tolist(), values.tolist())
        assert found["slope"] == pytest.approx(stats.linregress(years, values).slope, abs=1e-12)
        assert found["sen_slope"] == pytest.approx(stats.theilslopes(values, years).slope, abs=1e-12)
        assert found["tau"] == pytest.approx(stats.kendalltau(years, values).statistic, abs=1e-12)
        # pymannkendall takes ranks alone, so that gaps between years do not matter to it either.
        assert found["p"] == pytest.approx(pymannkendall.original_test(values).p, abs=1e-12)
