"""The formulas, against numbers worked out by hand, published ones, and scipy and NLTK on random tables."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from nltk.metrics import BigramAssocMeasures
from scipy import special, stats

from cipin.measuring import association as of

FOUR = {
    "expected": lambda _, a, b, units: of.expected(a, b, units),
    "pmi": of.pmi, "npmi": of.npmi, "g2": of.g2, "t_score": of.t_score,
}  # fmt: skip
RATES = {"log_likelihood": of.log_likelihood, "log_ratio": of.log_ratio, "percent_diff": of.percent_diff}


def measure(function: Any, rows: list[tuple[Any, ...]]) -> list[float | None]:
    """Call a formula on rows of counts."""
    frame = pl.DataFrame(rows, schema=[(f"c{n}", pl.Int64) for n in range(len(rows[0]))], orient="row")
    values = frame.select(function(*map(pl.col, frame.columns)).alias("value"))["value"]
    assert values.is_nan().sum() == 0  # null where it is not defined, never NaN
    assert values.is_infinite().sum() == 0
    return values.to_list()


# ------------------------------------------------------------------------------------------------ by hand

#: both 12, a 20, b 30 of 100: expected 20 * 30 / 100 = 6; PMI log2(12 / 6) = 1; NPMI 1 / -log2(0.12) = 1 / 3.058894;
#: cells 12 8 18 62, expected 6 14 24 56: G2 2 (12 ln 2 + 8 ln(8/14) + 18 ln(3/4) + 62 ln(62/56)) = 9.946179;
#: t (12 - 6) / sqrt(12) = 1.73205.
BY_HAND = {"expected": 6.0, "pmi": 1.0, "npmi": 0.3269156, "g2": 9.9461792, "t_score": 1.732051}


@pytest.mark.parametrize("name", FOUR)
def test_two_by_two_by_hand(name: str) -> None:
    assert measure(FOUR[name], [(12, 20, 30, 100)])[0] == pytest.approx(BY_HAND[name], abs=5e-7)


def test_shares_by_hand() -> None:
    # 2 * 12 / 50, and 12 / (20 + 30 - 12)
    assert measure(of.dice, [(12, 20, 30), (0, 0, 0), (0, 3, 2)]) == [0.48, None, 0.0]
    assert measure(of.jaccard, [(12, 20, 30), (0, 0, 0), (0, 3, 2)]) == [12 / 38, None, 0.0]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # 30 of 1,000 and 10 of 1,000: E 20 each; LL 2 (30 ln 1.5 + 10 ln 0.5); ratio 3
        ((30, 1000, 10, 1000), (10.464963, math.log2(3), 200.0)),
        # Rates 0.03 and 0.02; E 26.667 and 13.333: LL 2 (30 ln 1.125 + 10 ln 0.75)
        ((30, 1000, 10, 500), (1.3133407, math.log2(1.5), 50.0)),
        # 0 is 0.5 in the ratio, so 4 / 0.5 = 8; LL 2 * 4 ln 2; no percentage of nothing
        ((4, 100, 0, 100), (5.545177, 3.0, None)),
        ((0, 100, 4, 100), (5.545177, -3.0, -100.0)),
        ((0, 100, 0, 100), (None, None, None)),
        ((4, 100, 0, 0), (None, None, None)),
        ((4, 100, None, 100), (None, None, None)),
        ((4, None, 1, 100), (None, None, None)),
    ],
)  # fmt: skip
def test_rates_by_hand(row: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert [measure(each, [row])[0] for each in RATES.values()] == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # Never together: expected 1, NPMI -1. G2 2 (10 ln(10/9) + 10 ln(10/9) + 80 ln(80/81))
        ((0, 10, 10, 100), {"expected": 1.0, "pmi": None, "npmi": -1.0, "g2": 2.226817, "t_score": None}),
        # Never apart: PMI log2 10 = NPMI's own bound
        ((10, 10, 10, 100), {"expected": 1.0, "pmi": math.log2(10), "npmi": 1.0, "g2": 65.016595, "t_score": 2.84605}),
        # One is everywhere, so the other tells nothing of it
        ((10, 100, 10, 100), {"expected": 10.0, "pmi": 0.0, "npmi": 0.0, "g2": None, "t_score": 0.0}),
        ((100, 100, 100, 100), {"expected": 100.0, "pmi": 0.0, "npmi": None, "g2": None, "t_score": 0.0}),
        ((0, 0, 10, 100), {"expected": 0.0, "pmi": None, "npmi": None, "g2": None, "t_score": None}),
        ((0, 0, 0, 0), dict.fromkeys(FOUR)),
        ((2, 3, 4, None), dict.fromkeys(FOUR)),
    ],
)  # fmt: skip
def test_at_the_edges(row: tuple[Any, ...], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        assert measure(FOUR[name], [row])[0] == pytest.approx(value, abs=5e-6), name


# ------------------------------------------------------------------------------------------------ others


def tables(seed: int, n: int = 400) -> list[tuple[int, int, int, int]]:
    """Tables of two by two with all margins, from tiny to those of a large corpus."""
    chance = np.random.default_rng(seed)
    rows = []
    while len(rows) < n:
        units = int(10 ** chance.uniform(1, 8))
        a, b = (int(max(1, units * 10 ** chance.uniform(-6, -0.05))) for _ in range(2))
        low, high = max(0, a + b - units), min(a, b)
        both = (
            int(chance.integers(low, high + 1))
            if chance.random() < 0.5
            else min(high, max(low, chance.poisson(a * b / units)))
        )
        if a < units and b < units:
            rows.append((int(both), a, b, units))
    return rows


def test_g2_is_scipys() -> None:
    rows = tables(1)
    expected = [
        stats.chi2_contingency(
            [[n, a - n], [b - n, units - a - b + n]], correction=False, lambda_="log-likelihood"
        ).statistic
        for n, a, b, units in rows
    ]
    # Where 100 million units hardly differ from what is expected, scipy's own sum cancels to 1e-7.
    assert measure(of.g2, rows) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def exactly(cells: list[tuple[int, Fraction]]) -> float:
    """Return 2 * sum(o * ln(o / e)) by decimals of 60 digits."""
    with localcontext() as context:
        context.prec = 60
        ratios = [(n, Decimal(n) * e.denominator / e.numerator) for n, e in cells if n]
        return float(2 * sum(n * ratio.ln() for n, ratio in ratios))


def test_nothing_cancels() -> None:
    # scipy is off by up to 5e-8 here, which is 1e-4 of the smallest values.
    rows, rates = tables(1), [(n, a, b - n, units - a) for n, a, b, units in tables(8)]
    four = [
        exactly([
            (n, Fraction(a * b, units)), (a - n, Fraction(a * (units - b), units)),
            (b - n, Fraction((units - a) * b, units)),
            (units - a - b + n, Fraction((units - a) * (units - b), units)),
        ])
        for n, a, b, units in rows
    ]  # fmt: skip
    assert measure(of.g2, rows) == pytest.approx(four, rel=1e-9, abs=1e-13)
    two = [
        exactly([(a, Fraction((a + b) * c, c + d)), (b, Fraction((a + b) * d, c + d))]) for a, c, b, d in rates if a + b
    ]
    assert measure(of.log_likelihood, [row for row in rates if row[0] + row[2]]) == pytest.approx(
        two, rel=1e-9, abs=1e-13
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (of.pmi, BigramAssocMeasures.pmi), (of.t_score, BigramAssocMeasures.student_t),
        (lambda n, a, b, units: of.dice(n, a, b), BigramAssocMeasures.dice),
        (lambda n, a, b, units: of.jaccard(n, a, b), BigramAssocMeasures.jaccard),
    ],
    ids=["pmi", "t_score", "dice", "jaccard"],
)  # fmt: skip
def test_as_nltk_has_it(ours: Any, theirs: Any) -> None:
    rows = [row for row in tables(2) if row[0] > 0]
    expected = [theirs(n, (a, b), units) for n, a, b, units in rows]
    # NLTK adds 1e-20 under its root.
    assert measure(ours, rows) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_log_likelihood_is_that_of_two_poissons() -> None:
    chance = np.random.default_rng(3)
    rows = [
        (
            int(chance.poisson(9)),
            int(chance.integers(1, 10**6)),
            int(chance.poisson(9)) + 1,
            int(chance.integers(1, 10**6)),
        )
        for _ in range(300)
    ]
    expected = []
    for a, c, b, d in rows:
        rate = (a + b) / (c + d)
        fitted = stats.poisson.logpmf([a, b], [c * rate, d * rate]).sum()
        free = stats.poisson.logpmf([a, b], [a, b]).sum()  # scipy takes a rate of 0
        expected.append(2 * (free - fitted))
    assert measure(of.log_likelihood, rows) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_quantedas_example() -> None:
    """quanteda.textstats, tests of textstat_keyness(measure = "lr"): 7 b of 10 against 2 of 9; eight features."""
    table = np.array([[7, 3], [2, 7]])
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    row = (7, 10, 9, 19)
    assert measure(of.g2, [row])[0] == pytest.approx(expected, rel=1e-12)
    target, reference = (list("aaabbccccccdefghh"), list("aabccddddefh"))
    features = sorted(set(target + reference))
    rows = [(target.count(each), len(target), target.count(each) + reference.count(each), 29) for each in features]
    expected_a = measure(FOUR["expected"], rows)
    signed = {
        each: (value or 0.0) * (1 if row[0] > (awaited or 0.0) else -1)
        for each, row, value, awaited in zip(features, rows, measure(of.g2, rows), expected_a, strict=True)
    }
    ranked = sorted(features, key=lambda each: -signed[each])
    # Uncorrected; quanteda's published order (c b h a e f d g) is with Yates' correction, which moves g alone.
    assert [each for each in ranked if each != "g"] == list("cbhaefd")


def test_rayson_and_garside_is_near_dunning_for_rare_words() -> None:
    rows = [(30, 100_000, 10, 80_000)]
    four = measure(of.g2, [(30, 100_000, 40, 180_000)])[0]
    assert measure(of.log_likelihood, rows)[0] == pytest.approx(four, rel=1e-3)


def test_p_is_scipys() -> None:
    values = [0.0, 1e-12, 0.1, 3.84, 7.9, 8.0, 8.1, 25.0, 300.0, 1400.0]
    found = pl.DataFrame({"v": values}).select(chi2=of.chi2_p(pl.col("v")), normal=of.normal_p(-pl.col("v").sqrt()))
    expected = stats.chi2.sf(values, 1)
    assert found["chi2"].to_list() == pytest.approx(list(expected), rel=1e-12)
    assert found["normal"].to_list() == pytest.approx(list(expected), rel=1e-12)


def test_erfc_is_scipys() -> None:
    x = np.linspace(0, 26, 20_001)
    error = np.abs(of.erfc(x) / special.erfc(x) - 1)
    assert error.max() < 1e-12
    assert of.erfc(np.array([40.0]))[0] == 0
    assert np.isnan(of.erfc(np.array([np.nan]))[0])


def test_q_is_scipys() -> None:
    chance = np.random.default_rng(4)
    for n in (1, 2, 50):
        p = np.round(chance.random(n) ** 3, 2)  # with ties
        frame = of.add_q(pl.LazyFrame({"row": range(n), "p": p})).sort("row").collect()
        assert frame["q"].to_list() == pytest.approx(list(stats.false_discovery_control(p)), rel=1e-12)


def test_q_of_no_p() -> None:
    frame = of.add_q(pl.LazyFrame({"p": [None, None]}, schema={"p": pl.Float64})).collect()
    assert frame["q"].to_list() == [None, None]
