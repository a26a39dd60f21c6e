"""Association of counts: the formulas that co-occurrence, keyness and collocates share, as expressions of Polars.

A table of two by two has `both` in its first cell, `with_a` and `with_b` as its margins, and `units` in all:

                 with b             without b
    with a       both               with_a - both             with_a
    without a    with_b - both      the rest                  units - with_a
                 with_b             units - with_b            units

A measure is null where it is not defined: where a margin, or all, is zero or not known.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: What stands for a count of zero in a ratio, so that its logarithm is finite (Hardie 2014 leaves the value open).
INSTEAD_OF_ZERO = 0.5


def expected(with_a: pl.Expr, with_b: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return how many units would hold both if neither drew the other: with_a * with_b / units.

    >>> pl.select(expected(pl.lit(20), pl.lit(30), pl.lit(100))).item()
    6.0
    """
    return pl.when(units > 0).then(_real(with_a) * _real(with_b) / units)


def pmi(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return pointwise mutual information in bits: log2(both / expected); null where `both` is 0 (it would be -inf).

    Church and Hanks (1990) Word association norms, mutual information, and lexicography, Computational Linguistics
    16(1). High for rare pairs: read it beside the count, or beside G2.

    >>> pl.select(pmi(pl.lit(12), pl.lit(20), pl.lit(30), pl.lit(100))).item()
    1.0
    """
    return pl.when((both > 0) & (units > 0)).then((both / expected(with_a, with_b, units)).log(2))


def npmi(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return PMI / -log2(both / units), from -1 (never together) to 1 (never apart); null if all units hold both.

    Bouma (2009) Normalized (pointwise) mutual information in collocation extraction, Proceedings of GSCL.

    >>> pl.select(npmi(pl.lit(25), pl.lit(25), pl.lit(25), pl.lit(100))).item()
    1.0
    """
    share = -(_real(both) / units).log(2)
    apart = (both == 0) & (with_a > 0) & (with_b > 0) & (units > 0)
    value = pmi(both, with_a, with_b, units) / share
    return pl.when(apart).then(-1.0).when((both > 0) & (both < units)).then(value)


def dice(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr) -> pl.Expr:
    """Return 2 * both / (with_a + with_b), from 0 to 1. Dice (1945) Measures of the amount of ecologic association.

    >>> pl.select(dice(pl.lit(12), pl.lit(20), pl.lit(28))).item()
    0.5
    """
    return pl.when(with_a + with_b > 0).then(2.0 * both / (with_a + with_b))


def jaccard(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr) -> pl.Expr:
    """Return both / (with_a + with_b - both), from 0 to 1. Jaccard (1912), New Phytologist 11(2).

    >>> pl.select(jaccard(pl.lit(12), pl.lit(20), pl.lit(28))).item()
    0.3333333333333333
    """
    return pl.when(with_a + with_b > 0).then(1.0 * both / (with_a + with_b - both))


def t_score(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return (both - expected) / sqrt(both); null where `both` is 0.

    Church, Gale, Hanks and Hindle (1991) Using statistics in lexical analysis.

    >>> pl.select(t_score(pl.lit(16), pl.lit(40), pl.lit(30), pl.lit(100))).item()
    1.0
    """
    return pl.when((both > 0) & (units > 0)).then((both - expected(with_a, with_b, units)) / _real(both).sqrt())


def g2(both: pl.Expr, with_a: pl.Expr, with_b: pl.Expr, units: pl.Expr) -> pl.Expr:
    """Return the log-likelihood ratio of a table of two by two, 2 * sum(observed * ln(observed / expected)), no sign.

    Dunning (1993) Accurate methods for the statistics of surprise and coincidence, Computational Linguistics 19(1).
    Chi-squared with one degree of freedom where the margins alone decide. Null where a margin is 0 or all.

    >>> round(pl.select(g2(pl.lit(12), pl.lit(20), pl.lit(30), pl.lit(100))).item(), 4)
    9.9462
    """
    one, other = _real(with_a), _real(with_b)
    rest_a, rest_b = units - one, units - other
    # Cells differ from what is expected by the same number: so said, the sum of what nearly cancels stays exact
    # (against 60 digits; whole numbers, of which products fit in 64 bits up to 6 thousand million units).
    apart = (both * (units - one - other + both) - (one - both) * (other - both)) / units
    cells = (
        (_real(both), one * other / units, apart),
        (one - both, one * rest_b / units, -apart),
        (other - both, rest_a * other / units, -apart),
        (units - one - other + both, rest_a * rest_b / units, apart),
    )
    known = (one > 0) & (other > 0) & (rest_a > 0) & (rest_b > 0)
    return pl.when(known).then(_twice(*cells))


def log_likelihood(a: pl.Expr, size_a: pl.Expr, b: pl.Expr, size_b: pl.Expr) -> pl.Expr:
    """Return the log-likelihood ratio of two rates: 2 * (a ln(a / E_a) + b ln(b / E_b)), E_a = size_a (a + b) / sizes.

    Rayson and Garside (2000) Comparing corpora using frequency profiling. It is the ratio for two Poisson rates, so the
    sizes may be in any unit, also one that hits are no share of, such as characters. No sign. Null where neither text
    has a hit, or one has no size.

    >>> round(pl.select(log_likelihood(pl.lit(30), pl.lit(1000), pl.lit(10), pl.lit(1000))).item(), 4)
    10.465
    """
    sizes, hits = _real(size_a) + _real(size_b), _real(a) + _real(b)
    apart = (_real(a) * size_b - _real(b) * size_a) / sizes
    cells = ((_real(a), size_a * hits / sizes, apart), (_real(b), size_b * hits / sizes, -apart))
    known = (size_a > 0) & (size_b > 0) & (hits > 0)
    return pl.when(known).then(_twice(*cells))


def log_ratio(a: pl.Expr, size_a: pl.Expr, b: pl.Expr, size_b: pl.Expr) -> pl.Expr:
    """Return log2((a / size_a) / (b / size_b)), a count of 0 taken as 0.5; null where both are 0, or one has no size.

    Hardie (2014) Log Ratio: an informal introduction, ESRC Centre for Corpus Approaches to Social Science. 1: twice as
    frequent; -1: half as frequent.

    >>> pl.select(log_ratio(pl.lit(8), pl.lit(1000), pl.lit(2), pl.lit(1000))).item()
    2.0
    """
    known = (size_a > 0) & (size_b > 0) & (a + b > 0)
    rates = [pl.when(count > 0).then(_real(count)).otherwise(INSTEAD_OF_ZERO) / size
             for count, size in ((a, size_a), (b, size_b))]  # fmt: skip
    return pl.when(known).then((rates[0] / rates[1]).log(2))


def percent_diff(a: pl.Expr, size_a: pl.Expr, b: pl.Expr, size_b: pl.Expr) -> pl.Expr:
    """Return 100 * (rate_a - rate_b) / rate_b; null where b is 0, or one has no size.

    Gabrielatos and Marchi (2011) Keyness: matching metrics to definitions.

    >>> pl.select(percent_diff(pl.lit(30), pl.lit(1000), pl.lit(10), pl.lit(500))).item()
    50.0
    """
    known = (size_a > 0) & (size_b > 0) & (b > 0)
    return pl.when(known).then(100.0 * (_real(a) * size_b / (_real(size_a) * b) - 1))


def chi2_p(value: pl.Expr) -> pl.Expr:
    """Return how probable a chi-squared of one degree of freedom is that is at least as high: erfc(sqrt(value / 2)).

    >>> round(pl.select(chi2_p(pl.lit(3.841458820694124))).item(), 12)
    0.05
    """
    return (value / 2).sqrt().map_batches(_erfc_of, return_dtype=pl.Float64)


def normal_p(value: pl.Expr) -> pl.Expr:
    """Return how probable a standard normal value is that is at least as far from 0, on either side.

    >>> round(pl.select(normal_p(pl.lit(-1.959963984540054))).item(), 12)
    0.05
    """
    return (value.abs() / math.sqrt(2)).map_batches(_erfc_of, return_dtype=pl.Float64)


def add_q(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Add `q`: `p`, adjusted for as many tests as there are rows with a `p`. The order of rows is not kept.

    Benjamini and Hochberg (1995) Controlling the false discovery rate, JRSS B 57(1): the least p * tests / rank of this
    p and all higher ones.

    >>> add_q(pl.LazyFrame({"p": [0.01, 0.04, 0.03, None]})).sort("p").collect()["q"].to_list()
    [None, 0.03, 0.04, 0.04]
    """
    p = pl.col("p")
    return frame.sort("p", descending=True, nulls_last=True).with_columns(
        q=(p * p.count() / p.rank("max")).cum_min()
    )  # fmt: skip


def _real(value: pl.Expr) -> pl.Expr:
    """Counts of a large corpus, multiplied, are more than 64 bits hold."""
    return value.cast(pl.Float64)


def _twice(*cells: tuple[pl.Expr, pl.Expr, pl.Expr]) -> pl.Expr:
    """Return 2 * sum(o * ln(o / e)), each cell being o, e and o - e; 0 ln 0 is 0."""
    parts = [pl.when(seen > 0).then(seen * (apart / awaited).log1p()).otherwise(0.0) for seen, awaited, apart in cells]
    return (2 * pl.sum_horizontal(parts)).clip(0.0)


def _erfc_of(values: pl.Series) -> pl.Series:
    # What is null is NaN to numpy, and null again.
    return pl.Series(values.name, erfc(values.cast(pl.Float64).to_numpy()), nan_to_null=True)


def erfc(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the complementary error function of numbers from 0 on; NaN of NaN.

    Its power series below 2, its continued fraction from there on (Abramowitz and Stegun, 7.1.6 and 7.1.14), which 80
    steps bring within 1e-13 of it, relatively. numpy has none, and scipy is 100 MB for one function.
    """
    term = total = np.minimum(x, 2.0)
    for n in range(1, 60):
        term = term * 2 * np.minimum(x, 2.0) ** 2 / (2 * n + 1)
        total = total + term
    far = np.maximum(x, 2.0)
    fraction = far
    for n in range(80, 0, -1):
        fraction = far + n / 2 / fraction
    near = 1 - 2 / math.sqrt(math.pi) * np.exp(-(np.minimum(x, 2.0) ** 2)) * total
    return np.asarray(np.where(x < 2, near, np.exp(-far * far) / (math.sqrt(math.pi) * fraction)))
