"""Reports that are there twice: the same text, nearly the same evidence, or evidence that another report holds too."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.arguments import check_flag, check_number
from cipin.measuring.forms import forms_of
from cipin.measuring.kernels import count_common
from cipin.measuring.repeats import check_similarity, in_order

DUPLICATES = pl.Schema(
    {
        "report": pl.String(),
        "entity": pl.String(),
        "year": pl.Int32(),
        "other": pl.String(),
        "other_year": pl.Int32(),
        "similarity": pl.Float64(),
        "containment": pl.Float64(),
        "kind": pl.String(),
    }
)
#: Reports of an entity that hold a clause and are compared for it, the largest first: of 5,000 with the same clauses
#: the first 1,000 made 5 million pairs and took 20 s.
MOST = 100


def find_duplicates(
    reports: pl.LazyFrame,
    clauses: pl.LazyFrame,
    similarity: float = 0.9,
    least: int = 10,
    any_entity: bool = False,
) -> pl.DataFrame:
    """Return the reports that another one makes superfluous, each with that one.

    similarity   the least share of distinct evidence clauses that two reports have in common, 0.5 to 1
    least        a report with fewer distinct ones is compared by its whole text alone: two that mention one term in
                 the same words are not the same
    any_entity   whether reports of different entities, or of none, are compared, too

    kind   `exact`: the raw text is the same (`content_hash`), whoever it is of
           `near`: so much of the clauses that either has is in both (a new edition, a page and a file of one report)
           `contained`: so much of the clauses of `report` is in `other`, which has more (an abstract and its report)

    `similarity` is the Jaccard index of the two sets of clauses, `containment` the share of the report's that are in
    the other, both 1 for `exact`. Numbers tell clauses apart here: two years of one bank are no duplicates for saying
    the same of other amounts. Of reports with the same text the earliest stays, else the one with more clauses, then
    the earlier: to drop all of the column `report` leaves one of each. Of several others the one that holds most of it
    is given. Columns: report, entity, year, other, other_year, similarity, containment, kind; sorted by report.
    """
    threshold, least = check_similarity(similarity), check_number(least, "least", "a number of clauses", 1)
    any_entity = check_flag(any_entity, "any_entity")
    known = in_order(reports).select("row", "report", "entity", "year", "content_hash").collect()
    first = pl.col("row").min().over("content_hash")
    same = known.with_columns(other=pl.when(pl.col("content_hash").is_not_null()).then(first).otherwise("row"))
    exact = same.filter(pl.col("other") != pl.col("row")).select(
        "row", "other", similarity=pl.lit(1.0), containment=pl.lit(1.0), kind=pl.lit("exact")
    )
    once = same.filter(pl.col("other") == pl.col("row"))
    if not any_entity:
        once = once.filter(pl.col("entity").is_not_null())
    near = _overlapping(once, clauses, threshold, least, any_entity)
    whose = known.select("row", "report", "entity", "year")
    others = known.select(other="row", other_report="report", other_year="year")
    return (
        pl.concat([exact, near])
        .join(whose, on="row")
        .join(others, on="other")
        .drop("other")
        .rename({"other_report": "other"})
        .select(*DUPLICATES)
        .cast(DUPLICATES)
        .sort("report")
    )


def _overlapping(
    reports: pl.DataFrame, clauses: pl.LazyFrame, threshold: float, least: int, any_entity: bool
) -> pl.DataFrame:
    """Return pairs of reports, by row, whose sets of forms overlap; at most one for each report."""
    holds = _sets(reports, clauses, least)
    # The larger report stays, then the earlier: `rank` 0 is never left out.
    sizes = (
        holds.group_by("row")
        .agg(size=pl.len().cast(pl.Int64))
        .sort("size", "row", descending=[True, False])
        .with_row_index("rank")
    )
    whose = reports.select("row", owner=pl.lit("") if any_entity else pl.col("entity"))
    held = holds.join(sizes, on="row").join(whose, on="row").sort("rank", "form")
    # What shares `threshold` of its n forms with another report shares one of any n - ceil(threshold * n) + 1 of them:
    # the rarest are asked. Most reports have so many forms of their own that nothing is left to compare.
    rarity = pl.len().over("owner", "form")
    asked = (pl.col("size") - (pl.col("size") * threshold - 1e-9).ceil() + 1).cast(pl.Int64)
    held = held.with_columns(rarity=rarity).with_columns(
        place=pl.struct("rarity", "form").rank("ordinal").over("rank"),
        among=pl.col("rank").cum_count().over("owner", "form"),
    )
    index = held.filter((pl.col("rarity") > 1) & (pl.col("among") <= MOST)).select("owner", "form", larger="rank")
    pairs = (
        held.filter((pl.col("rarity") > 1) & (pl.col("place") <= asked))
        .select("owner", "form", "rank")
        .join(index, on=["owner", "form"])
        .filter(pl.col("larger") < pl.col("rank"))
        .select("rank", "larger")
        .unique()
        .sort("rank", "larger")
    )
    common = _common(held, len(sizes), pairs)
    both = sizes.select("rank", "row", "size")
    return (
        pairs.with_columns(common=pl.Series(common))
        .join(both, on="rank")
        .join(both.rename({"rank": "larger", "row": "other", "size": "more"}), on="larger")
        .with_columns(
            similarity=pl.col("common") / (pl.col("size") + pl.col("more") - pl.col("common")),
            containment=pl.col("common") / pl.col("size"),
        )
        .filter(pl.col("containment") >= threshold)
        .sort("rank", -pl.col("containment"), -pl.col("similarity"), "larger")
        .group_by("rank", maintain_order=True)
        .first()
        .with_columns(
            kind=pl.when(pl.col("similarity") >= threshold).then(pl.lit("near")).otherwise(pl.lit("contained"))
        )
        .select("row", "other", "similarity", "containment", "kind")
    )


def _sets(reports: pl.DataFrame, clauses: pl.LazyFrame, least: int) -> pl.DataFrame:
    """Return the distinct forms of each report that has enough: row, form."""
    texts = (
        clauses.select("report", "text").join(reports.lazy().select("row", "report"), on="report").select("row", "text")
    ).collect()
    forms = forms_of(texts["text"], digits=True)
    words = pl.Series(forms.lengths) > 0
    held = texts.select("row", a=pl.Series(forms.hashes[:, 0]), b=pl.Series(forms.hashes[:, 1])).filter(words)
    held = held.unique().filter(pl.len().over("row") >= least)
    return held.select("row", form=pl.struct("a", "b").rank("dense").cast(pl.Int64))


def _common(held: pl.DataFrame, n_reports: int, pairs: pl.DataFrame) -> NDArray[np.int64]:
    """Return how many forms each pair of reports has in common; `held` is sorted by rank, form."""
    ranks = held["rank"].to_numpy()
    offsets = np.searchsorted(ranks, np.arange(n_reports + 1)).astype(np.int64)
    common = np.zeros(len(pairs), np.int64)
    left, right = (pairs[name].cast(pl.Int64).to_numpy() for name in ("rank", "larger"))
    count_common(held["form"].to_numpy(), offsets, left, right, common)
    return common
