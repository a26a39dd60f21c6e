"""Which words stand around a term."""

from __future__ import annotations

import polars as pl

from cipin.measuring import association as of


def make_collocates(words: pl.LazyFrame, hits: pl.LazyFrame, window: int | None = None, least: int = 3) -> pl.LazyFrame:
    """Return the words around a term's hits, compared with the clauses that do not hold it.

    words    clause (its number), report, position (of the word in its clause), start, end (in code points of the
             clause, or of the report, as those of `hits`), word
    hits     of the term: clause, start, end
    window   words on each side of a hit; None: the whole clause
    least    how often a word stands there, at least

    Columns: `word`; `near`, how often it stands in the window of a hit, where a word between two hits counts once;
    `elsewhere`, in clauses without the term; `reports`, that have it near; `near_words`, `other_words`, all words of
    either; `expected`, of `near` if the word did not care; `log_likelihood` (G2 of four cells, Dunning 1993, no sign),
    `mi` (log2(near / expected), Church and Hanks 1990), `t_score`, `log_ratio` (Hardie 2014). Sorted by G2, what the
    term draws first, what it shuns last. Words that overlap a hit are the term itself, and none of its collocates. What
    compares is null where no clause is without the term.
    """
    of_term = words.join(hits.select("clause").unique(), on="clause", how="semi")
    others = words.join(hits.select("clause").unique(), on="clause", how="anti")
    beside = of_term.join(
        hits.unique().with_row_index("hit").rename({"start": "hit_start", "end": "hit_end"}), on="clause"
    )
    before, behind = pl.col("end") <= pl.col("hit_start"), pl.col("start") >= pl.col("hit_end")
    place = ["clause", "position"]
    node = beside.filter(~before & ~behind).select(place).unique()
    near = beside.filter(before | behind)
    if window is not None:
        position = pl.col("position")
        last = position.filter(before).max().over("hit")
        first = position.filter(behind).min().over("hit")
        near = near.filter((before & (position > last - window)) | (behind & (position < first + window)))
    near = near.join(node, on=place, how="anti").unique(place)
    found = near.group_by("word").agg(near=pl.len().cast(pl.Int64), reports=pl.col("report").n_unique().cast(pl.Int64))
    elsewhere = others.group_by("word").agg(elsewhere=pl.len().cast(pl.Int64))
    near_words = near.select(near_words=pl.len().cast(pl.Int64))
    other_words = others.select(other_words=pl.len().cast(pl.Int64))
    n, all_near, all_else = pl.col("near"), pl.col("near_words"), pl.col("other_words")
    occurs, total = n + pl.col("elsewhere"), all_near + all_else
    known = all_else > 0
    return (
        found.filter(n >= least)
        .join(elsewhere, on="word", how="left")
        .with_columns(pl.col("elsewhere").fill_null(0))
        .join(near_words, how="cross")
        .join(other_words, how="cross")
        .with_columns(
            expected=pl.when(known).then(of.expected(occurs, all_near, total)),
            log_likelihood=pl.when(known).then(of.g2(n, all_near, occurs, total)),
            mi=pl.when(known).then(of.pmi(n, all_near, occurs, total)),
            t_score=pl.when(known).then(of.t_score(n, all_near, occurs, total)),
            log_ratio=of.log_ratio(n, all_near, pl.col("elsewhere"), all_else),
        )
        .sort(
            pl.col("log_likelihood") * (n - pl.col("expected")).sign(), -n, "word",
            descending=[True, False, False], nulls_last=True,
        )
        .select(
            "word", "near", "elsewhere", "reports", "near_words", "other_words", "expected", "log_likelihood", "mi",
            "t_score", "log_ratio",
        )
    )  # fmt: skip
