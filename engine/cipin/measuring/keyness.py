"""Which terms set one group of reports apart from another."""

from __future__ import annotations

from typing import get_args

import polars as pl

from cipin.arguments import check_choice
from cipin.errors import UsageError
from cipin.measuring import association as of
from cipin.measuring.groups import Parts, Size, Tables, choose, find_parts, hits_of, names_of, rows_of
from cipin.measuring.panel import Level


def make_keyness(
    tables: Tables,
    a: pl.Expr | None,
    b: pl.Expr | None = None,
    level: Level = "term",
    size: Size = "chars",
    other: Tables | None = None,
) -> pl.LazyFrame:
    """Return how much more frequent each term, category or dimension is in group a than in group b.

    a       which reports, by the columns of groups.CHOOSE_BY; None: all, if b is of `other`
    b       the same; None: all that are not in a, or all of `other`
    size    what a group's text is measured in: "chars", "han_chars", "words" or "clauses"
    other   the tables of another run, which b is chosen of

    Columns: the names of the level, without the lexicon; `count_a`, `count_b`: hits, or with "clauses" the distinct
    clauses that hold any; `reports_a`, `reports_b`: reports with a hit; `size_a`, `size_b`; `rate_a`, `rate_b`: per
    10,000 of `size`; `log_likelihood`, no sign: of two rates (Rayson and Garside 2000), for clauses G2 of four cells
    (Dunning 1993); `log_ratio` (Hardie 2014), 0.5 for a count of 0; `percent_diff` (Gabrielatos and Marchi 2011); `p`,
    of chi-squared with 1 degree of freedom; `q`, Benjamini and Hochberg (1995), over the terms that have a p; `bic`,
    log_likelihood - ln(size_a + size_b) (Wilson 2013 Embracing Bayes factors for key item analysis). Sorted by
    log-likelihood, those of a first, those of b last.

    Hits of one report are not independent of one another: p is too low where few reports hold most of them, which
    `reports_a` and `reports_b` show. Of a term that neither group has, and where a group has no text, what compares is
    null. A term that only one of two runs looked for has null counts in the other.

    Raises UsageError for an unknown level or size, groups that share a report, an expression that cannot be used.
    """
    names = names_of(level)[1:] or ["lexicon"]
    check_choice(size, "size", get_args(Size))
    if a is None and other is None:
        raise UsageError(
            'a = None: give what sets a\'s reports apart, such as pl.col("entity") == "平安银行", or another run'
        )
    every = find_parts(tables)
    first = every if a is None else choose(every, a, "a")
    if other is None:
        second = _rest(every, first) if b is None else choose(every, b, "b")
        common = first.frame.join(second.frame, on="part", how="semi")
        if len(common):
            raise UsageError(
                f"a and b: both choose {len(common)} of {len(every.frame)} reports, such as "
                f"{common['source'][0]!r}; a report can be in one group alone"
            )
    else:
        second = find_parts(other, b, "b")
    sides = [
        _side(of_side, parts, names, size, side)
        for side, of_side, parts in (("a", tables, first), ("b", other or tables, second))
    ]
    if names == ["lexicon"] and other is not None:
        raise UsageError("level 'lexicon': of two runs terms, categories or dimensions can be compared")
    frame = sides[0].join(sides[1], on=names, how="full", coalesce=True, nulls_equal=True)
    a_, size_a, b_, size_b = (pl.col(name) for name in ("count_a", "size_a", "count_b", "size_b"))
    sizes = [pl.lit(parts.size(size), pl.Int64).alias(f"size_{side}") for side, parts in (("a", first), ("b", second))]
    ratio = (
        of.g2(a_, size_a, a_ + b_, size_a + size_b) if size == "clauses" else of.log_likelihood(a_, size_a, b_, size_b)
    )
    compared = frame.with_columns(sizes).with_columns(
        pl.when(size_a > 0).then(1e4 * a_ / size_a).alias("rate_a"),
        pl.when(size_b > 0).then(1e4 * b_ / size_b).alias("rate_b"),
        ratio.alias("log_likelihood"),
        of.log_ratio(a_, size_a, b_, size_b).alias("log_ratio"),
        of.percent_diff(a_, size_a, b_, size_b).alias("percent_diff"),
    )
    tested = of.add_q(compared.with_columns(p=of.chi2_p(pl.col("log_likelihood"))))
    signed = pl.col("log_likelihood") * (pl.col("rate_a") - pl.col("rate_b")).sign()
    return (
        tested.with_columns(bic=pl.col("log_likelihood") - (size_a + size_b).cast(pl.Float64).log())
        .sort(signed, pl.coalesce("id_a", "id_b"), descending=[True, False], nulls_last=True)
        .select(
            *names, "count_a", "count_b", "reports_a", "reports_b", "size_a", "size_b", "rate_a", "rate_b",
            "log_likelihood", "log_ratio", "percent_diff", "p", "q", "bic",
        )
    )  # fmt: skip


def _rest(every: Parts, chosen: Parts) -> Parts:
    return Parts(every.frame.join(chosen.frame, on="part", how="anti"), every.owned, every.whose)


def _side(tables: Tables, parts: Parts, names: list[str], size: Size, side: str) -> pl.LazyFrame:
    """Return what a group has of each term: a row each of the lexicon, with zeros."""
    terms = tables.lexicon.select("term", *(each for each in names if each != "term"))
    count = (
        pl.struct("report", "clause").filter(pl.col("clause").is_not_null()).n_unique()
        if size == "clauses"
        else pl.len()
    )
    found = (
        hits_of(tables, parts)
        .join(terms, on="term")
        .group_by(names)
        .agg(
            count.cast(pl.Int64).alias(f"count_{side}"),
            pl.col("report").n_unique().cast(pl.Int64).alias(f"reports_{side}"),
        )
    )
    return (
        rows_of(tables.lexicon, names)
        .rename({"id": f"id_{side}"})
        .join(found, on=names, how="left", nulls_equal=True)
        .with_columns(pl.col(f"count_{side}", f"reports_{side}").fill_null(0))
    )
