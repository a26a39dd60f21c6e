"""Counts → panel: entity × year × term, category or dimension, with its denominators.

A cell is zero where reports were measured and nothing was found, and absent where no report could be read: a missing
bank-year is never a zero. A section that has an entity of its own counts for that one, hits and denominators alike; the
rest of its report counts for the report's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.arguments import check_choice, check_names
from cipin.errors import UsageError
from cipin.measuring.measures import add_measures, check_measures
from cipin.schema import MEASURED

Level = Literal["term", "category", "dimension", "lexicon"]

#: Columns that a panel may be made by: `year` is the fiscal one, `month` that of publication (2019-05), `status` tells
#: teasers from the rest, `topic` is what a section is about (null: of no section), `type` what kind of report the title
#: or the name of the file says it is.
BY = ("entity", "year", "month", "source", "report", "status", "format", "type", "topic")
#: The columns that name what a row of each level is about.
LEVEL_NAMES: dict[Level, list[str]] = {
    "term": ["lexicon", "dimension", "category", "term"],
    "category": ["lexicon", "dimension", "category"],
    "dimension": ["lexicon", "dimension"],
    "lexicon": ["lexicon"],
}
#: Kinds of reports, by words of their titles and files: the first that fits.
TYPES = {
    "abstract": "摘要",
    "interim": "半年度|半年报|中期|interim|half.?year",
    "quarterly": "季度|季报|quarter",
    "social": "社会责任|可持续发展|环境、社会|ESG|sustainability",
    "prospectus": "招股|募集说明书|prospectus",
    "annual": "年度报告|年報|年报|年度報告|annual",
}


def make_panel(
    reports: pl.LazyFrame,
    hits: pl.LazyFrame,
    lexicon: pl.LazyFrame,
    by: Sequence[str] = ("entity", "year"),
    level: Level = "term",
    sections: pl.LazyFrame | None = None,
    counts: pl.LazyFrame | None = None,
    measures: Sequence[str] = (),
) -> pl.LazyFrame:
    """Return hits and clauses for each group of measured reports and each term, category or dimension.

    sections   whose each section of a report is, and what it is about; None: every report is all its own entity's
    counts     the hits by report and term, if they are counted already
    measures   of cipin.measuring.measures.MEASURES, which are added behind

    Columns: those of `by`; the names of the level; `hits`; `clauses`, the distinct clauses that hold any hit of it;
    `reports` and `chars`, what the group has in all: a report with sections of several entities is one report of each,
    and its characters are shared out; the measures, and the denominators that they need. Sorted by `by`, then in the
    order of the lexicon.

    Raises UsageError for an unknown column, level or measure.
    """
    check_choice(level, "level", get_args(Level))
    by = check_by(by)
    measures = check_measures(measures)
    counted = count_groups(reports, hits, lexicon, by, level, sections, counts, more=bool(measures))
    panel = fill_panel(counted).lazy()
    return add_measures(panel, by, measures) if measures else panel


def check_by(by: object) -> tuple[str, ...]:
    """Return columns that a panel is made by. Raises UsageError for one that is none, or stands there twice."""
    names = check_names(by, "by", '["entity", "year"]')
    for column in names:
        check_choice(column, "by", BY)
    if len(set(names)) < len(names):
        raise UsageError(f"by {', '.join(names)}: a column stands there twice; name it once")
    return names


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What was counted: groups of reports, items, and the cells in which there is any hit.

    groups   `group`, the columns that groups are made by, and denominators; sorted by these columns, nulls last
    items    `item`, and the names of the level; in the order of the lexicon
    found    group, item, hits, clauses, and (for measures) reports_with
    """

    groups: pl.DataFrame
    items: pl.DataFrame
    found: pl.LazyFrame


def count_groups(
    reports: pl.LazyFrame,
    hits: pl.LazyFrame,
    lexicon: pl.LazyFrame,
    by: Sequence[str],
    level: Level,
    sections: pl.LazyFrame | None,
    counts: pl.LazyFrame | None,
    *,
    more: bool = False,
) -> Counted:
    """Return the denominators of each group of measured reports, and the hits of it by item, where there are any.

    more   all denominators, and the reports that hold a hit: what measures need
    """
    names = LEVEL_NAMES[level]
    text = TEXT if more else TEXT[:1]
    measured = _measured(reports, by, text)
    owned = owned_sections(sections) if sections is not None and "entity" in by else None
    if "topic" in by:
        if sections is None:
            raise UsageError("by topic: there are no sections here")
        parts = _by_topic(measured, sections, owned, text)
    else:
        parts = measured if owned is None else _share_out(measured, owned, text)
    whole = [pl.col("report").n_unique().cast(pl.Int64).alias("reports"), *map(_sum, text)]
    # Of one report each as a rule: what `n_unique` keeps of 10^6 of them are 100 MB.
    groups = (parts.group_by(*by).agg(whole) if by else parts.select(whole)).filter(pl.col("reports") > 0)
    numbered = _number_groups(groups, by)
    items = _number_items(lexicon, names)
    terms = lexicon.select("term", *(each for each in names if each != "term"))
    if level == "term" and owned is None and counts is not None and "topic" not in by:
        # 1.6 million hits took 0.7 GB and 1.3 s, their counts take nothing; a term's clauses in reports are distinct.
        # By numbers: to group 30 million counts by the strings they stand for took 26 s of processor time, so 8.
        of_report = _with_group(measured.select("report", *(each for each in by if each != "report")), numbered, by)
        sums = [pl.col("hits").sum(), pl.col("clauses").sum()]
        sums += [pl.len().cast(pl.Int64).alias("reports_with")] if more else []
        # An item's number is its place among the terms.
        item = pl.col("term").cast(pl.Enum(items["term"])).to_physical().cast(pl.UInt32).alias("item")
        found = (
            counts.select("report", item, "hits", "clauses")
            .join(of_report.select("report", "group"), on="report")
            .group_by(cell=pl.col("group").cast(pl.UInt64) * len(items) + pl.col("item"))
            .agg(sums)
            .with_columns(
                (pl.col("cell") // len(items)).cast(pl.UInt32).alias("group"),
                (pl.col("cell") % len(items)).cast(pl.UInt32).alias("item"),
            )
            .drop("cell")
        )
    else:
        keyed = _count(hits, terms, measured.drop(text), owned, sections, by, names, more=more)
        found = _with_group(keyed, numbered, by).join(items.lazy(), on=names).drop(*by, *names)
    return Counted(numbered, items, found)


def _number_groups(groups: pl.LazyFrame, by: Sequence[str]) -> pl.DataFrame:
    found = groups.collect(engine="streaming")
    return (found.sort(*by, nulls_last=True) if by else found).with_row_index("group")


def _number_items(lexicon: pl.LazyFrame, names: Sequence[str]) -> pl.DataFrame:
    ordered = lexicon.with_row_index("order").group_by(names).agg(pl.col("order").min()).sort("order")
    return ordered.select(names).collect().with_row_index("item")


def _with_group(frame: pl.LazyFrame, groups: pl.DataFrame, by: Sequence[str]) -> pl.LazyFrame:
    if not by:
        return frame.with_columns(group=pl.lit(0, pl.UInt32))
    return frame.join(groups.lazy().select("group", *by), on=list(by), nulls_equal=True)


def spell_out(counted: Counted) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return groups and cells by names, not by numbers, so that those of other reports can be added."""
    by = [each for each in counted.groups.columns if each not in {"group", "reports", *TEXT}]
    named = counted.groups.lazy().select("group", *by)
    found = counted.found.join(named, on="group").join(counted.items.lazy(), on="item")
    return counted.groups.lazy().drop("group"), found.drop("group", "item")


def add_up(
    groups: Sequence[pl.LazyFrame], found: Sequence[pl.LazyFrame], by: Sequence[str], level: Level
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return what `spell_out` gives for all reports, from what it gave for sets of whole reports."""
    names = LEVEL_NAMES[level]
    return (
        pl.concat(groups).group_by(*by).agg(pl.col("reports").sum(), pl.col("chars").sum()),
        pl.concat(found).group_by(*by, *names).agg(pl.col("hits").sum(), pl.col("clauses").sum()),
    )


def number_again(
    groups: pl.LazyFrame, found: pl.LazyFrame, lexicon: pl.LazyFrame, by: Sequence[str], level: Level
) -> Counted:
    """Return what was counted from what `add_up` gives."""
    names = LEVEL_NAMES[level]
    numbered, items = _number_groups(groups, by), _number_items(lexicon, names)
    return Counted(numbered, items, _with_group(found, numbered, by).join(items.lazy(), on=names).drop(*by, *names))


def fill_panel(counted: Counted) -> pl.DataFrame:
    """Return the panel: a row for each group and item, with zeros where nothing was found."""
    return Panel.of(counted).rows()


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A panel that is filled in row by row: 25 million rows at once, of 50,000 terms by 500 groups, took 6.6 GB.

    at       int64[n_found]   the rows in which anything was found, ascending
    values   int64[n_found] each, of these rows, by the names of CELLS
    """

    groups: pl.DataFrame
    items: pl.DataFrame
    at: NDArray[np.int64]
    values: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, counted: Counted) -> Panel:
        """Put what was found in the order of the panel."""
        found = counted.found.collect(engine="streaming")
        # In place of a join of ten million rows: each cell has its place.
        at = found["group"].to_numpy().astype(np.int64) * len(counted.items) + found["item"].to_numpy()
        order = np.argsort(at)
        values = {name: found[name].to_numpy()[order] for name in CELLS if name in found.columns}
        return cls(counted.groups, counted.items, at[order], values)

    def __len__(self) -> int:
        """Rows of the panel, with the zeros."""
        return len(self.groups) * len(self.items)

    def rows(self, low: int = 0, high: int | None = None) -> pl.DataFrame:
        """Return the rows from `low` to `high`."""
        high = len(self) if high is None else high
        group, item = (each.astype(np.uint32) for each in np.divmod(np.arange(low, high), max(len(self.items), 1)))
        first, last = np.searchsorted(self.at, [low, high])
        cells = []
        for name, values in self.values.items():
            filled = np.zeros(high - low, np.int64)
            filled[self.at[first:last] - low] = values[first:last]
            cells.append(pl.Series(name, filled))
        known = [each for each in ("reports", *TEXT) if each in self.groups.columns]
        by = [each for each in self.groups.columns if each not in {"group", *known}]
        names = self.items.drop("item")[item]
        rows = self.groups.select(by)[group].hstack(names) if by else names
        return rows.hstack(cells).hstack(self.groups.select(known)[group])


#: What is counted of a group and an item.
CELLS = ("hits", "clauses", "reports_with")
#: How much text a group has, in several units.
TEXT = ("chars", "han_chars", "words", "all_clauses")


def _measured(reports: pl.LazyFrame, by: Sequence[str], text: Sequence[str]) -> pl.LazyFrame:
    measured = reports.filter(pl.col("status").is_in(MEASURED)).rename({"fiscal_year": "year"})
    if "type" in by:
        measured = measured.with_columns(type=_type())
    if "month" in by:
        day = pl.col("published").str.extract(r"^(\d{4}-\d{2})")
        measured = measured.with_columns(month=day)
    if "all_clauses" in text:
        measured = measured.rename({"clauses": "all_clauses"})
    return measured.select("report", *(each for each in by if each not in {"report", "topic"}), *text)


def _sum(column: str) -> pl.Expr:
    """Return the sum of a denominator, null where that of a part is not known: it would be too small."""
    if column == "chars":
        return pl.col(column).sum()
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum()).alias(column)


def _type() -> pl.Expr:
    said = pl.concat_str(pl.col("title").fill_null(""), pl.lit(" "), pl.col("source")).str.to_lowercase()
    kind = pl.lit("other")
    for name, words in reversed(TYPES.items()):
        kind = pl.when(said.str.contains(words.lower())).then(pl.lit(name)).otherwise(kind)
    return kind


def _by_topic(
    measured: pl.LazyFrame, sections: pl.LazyFrame, owned: pl.LazyFrame | None, text: Sequence[str]
) -> pl.LazyFrame:
    """Return measured reports by what their sections are about, with the text of each; what is of none has no topic."""
    of_sections = sections.select("report", "section", "topic", "chars", pl.col("clauses").alias("all_clauses"))
    parts = of_sections.filter(pl.col("chars") > 0).join(measured.drop(text), on="report")
    if owned is not None:
        parts = parts.join(owned.drop("chars"), on=["report", "section"], how="left").with_columns(
            entity=pl.coalesce("owner", "entity")
        )
    taken = of_sections.group_by("report").agg(of=pl.col("chars").sum(), n=pl.col("all_clauses").sum())
    rest = (
        measured.join(taken, on="report", how="left")
        .with_columns(pl.col("chars") - pl.col("of").fill_null(0), topic=pl.lit(None, pl.String))
        .filter((pl.col("chars") > 0) | pl.col("of").is_null())
    )
    if "all_clauses" in text:
        rest = rest.with_columns(pl.col("all_clauses") - pl.col("n").fill_null(0))
    # Neither Han characters nor words are known by section.
    unknown = [pl.lit(None, pl.Int64).alias(each) for each in ("han_chars", "words") if each in text]
    columns = [*measured.collect_schema().names(), "topic"]
    return pl.concat([each.with_columns(unknown).select(columns) for each in (parts, rest)])


def _count(
    hits: pl.LazyFrame,
    terms: pl.LazyFrame,
    measured: pl.LazyFrame,
    owned: pl.LazyFrame | None,
    sections: pl.LazyFrame | None,
    by: Sequence[str],
    names: Sequence[str],
    *,
    more: bool,
) -> pl.LazyFrame:
    """Return the kept hits, and the distinct clauses that hold any, of each group."""
    by_section = owned is not None or "topic" in by
    kept = (
        hits.filter(pl.col("kept"))
        .select("report", "clause", "term", *(["section"] if by_section else []))
        .join(terms, on="term")
        .join(measured, on="report")
    )
    if owned is not None:
        kept = kept.join(owned.drop("chars"), on=["report", "section"], how="left").with_columns(
            entity=pl.coalesce("owner", "entity")
        )
    if "topic" in by and sections is not None:
        kept = kept.join(sections.select("report", "section", "topic"), on=["report", "section"], how="left")
    return kept.group_by(*by, *names).agg(
        hits=pl.len().cast(pl.Int64),
        clauses=pl.struct("report", "clause").filter(pl.col("clause").is_not_null()).n_unique().cast(pl.Int64),
        **({"reports_with": pl.col("report").n_unique().cast(pl.Int64)} if more else {}),
    )


def owned_sections(sections: pl.LazyFrame) -> pl.LazyFrame | None:
    """Return the sections that have an entity of their own, None if there is none: then nothing need be joined."""
    owned = (
        sections.filter(pl.col("entity").is_not_null())
        .select("report", "section", pl.col("entity").alias("owner"), "chars")
        .collect()
    )
    return None if owned.is_empty() else owned.lazy()


def _share_out(measured: pl.LazyFrame, owned: pl.LazyFrame, text: Sequence[str]) -> pl.LazyFrame:
    """Return measured reports with the characters of each entity in them; what no section's entity has is their own.

    Of a report that is shared out neither Han characters nor words are known by section, nor its clauses.
    """
    others = [each for each in text if each != "chars"]
    taken = owned.group_by("report").agg(taken=pl.col("chars").sum())
    rest = (
        measured.join(taken, on="report", how="left")
        .with_columns(
            pl.col("chars") - pl.col("taken").fill_null(0),
            *(pl.when(pl.col("taken").is_null()).then(pl.col(each)).alias(each) for each in others),
        )
        # A report that is all others' is none of its own.
        .filter(pl.col("taken").is_null() | (pl.col("chars") > 0))
        .drop("taken")
    )
    shared = (
        measured.drop("chars")
        .join(owned.select("report", "owner", "chars"), on="report")
        .with_columns(pl.col("owner").alias("entity"), *(pl.lit(None, pl.Int64).alias(each) for each in others))
        .drop("owner")
    )
    return pl.concat([rest, shared.select(rest.collect_schema().names())])
