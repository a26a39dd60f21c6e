"""How evenly a term is spread over the parts of a corpus: reports, or those of an entity or a year."""

from __future__ import annotations

from typing import Literal, get_args

import polars as pl

from cipin.arguments import check_choice
from cipin.measuring.groups import Size, Tables, find_parts, hits_of, names_of, rows_of
from cipin.measuring.panel import Level

PartsBy = Literal["report", "entity", "year", "source"]
#: Sizes that hits can be spread over evenly: a hit is one of them, or of the same text.
_SIZES = ("chars", "han_chars", "words", "clauses")


def make_dispersion(
    tables: Tables,
    level: Level = "term",
    parts_by: PartsBy = "report",
    size: Size = "chars",
    where: pl.Expr | None = None,
) -> pl.LazyFrame:
    """Return how evenly the hits of each term, category or dimension are spread over the parts of the corpus.

    parts_by   what a part is: "report" (a report with sections of several entities is one of each), or the reports of
               an "entity", a "year" or a "source" together
    size       what a part's text is measured in; a part without text is none
    where      which reports, by the columns of groups.CHOOSE_BY; None: all that were measured

    Columns: the names of the level; `hits`; `parts`; and with f_i hits and a share s_i of the text in part i of n,
    v_i = f_i / f and the rate p_i = f_i / size_i:
    `range`   parts with a hit
    `d`       Juilland's D, 1 - (sd(p) / mean(p)) / sqrt(n - 1), sd of the population and each part's rate counted alike
              whatever its size, the variant for unequal parts that Gries (2008) gives; 1: even. Juilland, Brodin and
              Davidovitch (1970) Frequency dictionary of French words
    `dp`      sum(|v_i - s_i|) / 2; 0: even, near 1: in one small part. Gries (2008) Dispersions and adjusted
              frequencies in corpora, International Journal of Corpus Linguistics 13(4)
    `dp_norm`  dp / (1 - min s_i), which reaches 1. Lijffijt and Gries (2012), a correction to it, in 17(1)
    Sorted as the lexicon.

    Of a term without a hit `range` is 0 and the rest null, as are `d` and `dp_norm` over a single part. Few hits cannot
    be spread over many parts: compare terms of about the same frequency.

    Raises UsageError for an unknown level, part or size, and an expression that cannot be used.
    """
    names = names_of(level)
    check_choice(parts_by, "parts_by", get_args(PartsBy))
    check_choice(size, "size", _SIZES)
    chosen = find_parts(tables, where)
    key = "part" if parts_by == "report" else parts_by
    unknown = chosen.size(size) is None
    sizes = chosen.frame.group_by(key).agg(pl.col(size).sum().alias("size"))
    if not unknown:
        sizes = sizes.filter(pl.col("size") > 0)
    shares = sizes.with_columns(share=pl.col("size") / pl.col("size").sum())
    parts, smallest = len(shares), shares["share"].min()
    terms = tables.lexicon.select("term", *(each for each in names if each != "term"))
    found = hits_of(tables, chosen).join(terms, on="term").group_by("part", *names).agg(hits=pl.len().cast(pl.Int64))
    if key != "part":
        whose = chosen.frame.lazy().select("part", key)
        found = found.join(whose, on="part").group_by(key, *names).agg(pl.col("hits").sum())
    n = pl.lit(parts, pl.Int64)
    spread = (
        found.join(shares.lazy(), on=key, nulls_equal=True)
        .with_columns(rate=pl.col("hits") / pl.col("size"), all=pl.col("hits").sum().over(names))
        .with_columns(mean=(pl.col("rate").sum() / parts).over(names), part_of=pl.col("hits") / pl.col("all"))
        .group_by(names)
        .agg(
            pl.col("hits").sum(),
            pl.len().cast(pl.Int64).alias("range"),
            mean=pl.col("mean").first(),
            # Parts without a hit are not there: their rate is 0, and their shares are what is left of 1.
            squares=((pl.col("rate") - pl.col("mean")) ** 2).sum(),
            apart=(pl.col("part_of") - pl.col("share")).abs().sum(),
            taken=pl.col("share").sum(),
        )
    )
    frame = rows_of(tables.lexicon, names).join(spread, on=names, how="left", nulls_equal=True)
    variance = (pl.col("squares") + (n - pl.col("range")) * pl.col("mean") ** 2) / n
    dp = (pl.col("apart") + (1 - pl.col("taken")).clip(0.0)) / 2
    measures = {
        "d": pl.when(n > 1).then(1 - variance.sqrt() / pl.col("mean") / (n - 1).sqrt()),
        "dp": dp,
        "dp_norm": pl.when(n > 1).then(dp / (1 - pl.lit(smallest, pl.Float64))),
    }
    return (
        frame.with_columns(
            (pl.lit(None, pl.Float64) if unknown else value).alias(name) for name, value in measures.items()
        )
        .with_columns(pl.col("hits", "range").fill_null(0), n.alias("parts"))
        .sort("id")
        .select(*names, "hits", "parts", "range", "d", "dp", "dp_norm")
    )
