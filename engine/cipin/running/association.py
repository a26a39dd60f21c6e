"""Association over the tables of a run: what is measured is handed in, words are cut, arguments are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from cipin.arguments import check_choice, check_names, check_number, shown
from cipin.errors import UsageError
from cipin.lexicon.fold import fold
from cipin.matching.judge import gather_text
from cipin.matching.words import word_starts
from cipin.measuring.collocates import make_collocates
from cipin.measuring.groups import Size, Tables, find_parts, hits_of
from cipin.measuring.measures import DENOMINATORS, MEASURES
from cipin.measuring.panel import BY, Level
from cipin.measuring.terms import find_term
from cipin.measuring.trends import make_trends
from cipin.schema import TextColumn

if TYPE_CHECKING:
    from cipin.running.analyses import Analyses
    from cipin.running.run_tables import RunTables

Around = Literal["word", "character"]

#: Clauses that are cut at once: of some 25 characters each, at 60 bytes of scratch a character, 150 MB.
_AT_ONCE = 100_000
_CUT = {"clause": pl.Int32, "position": pl.Int32, "start": pl.Int32, "end": pl.Int32, "word": pl.String}


def tables_of(run: RunTables) -> Tables:
    """Return the tables that association is measured over."""
    return Tables(run.reports, run.sections, run.clauses, run.hits, run.lexicon)


def check_size(run: RunTables, size: Size) -> None:
    """Raise UsageError for words that a run did not count."""
    if size == "words" and not run.manifest.get("options", {}).get("words"):
        raise UsageError("size 'words': words were not counted; run again with --words (words=True)")


def check_same(run: RunTables, other: object, level: Level) -> None:
    """Raise UsageError if two runs cannot be compared at a level."""
    if not hasattr(other, "manifest"):
        raise UsageError(f"other = {shown(other)}: give a run, as cipin.open(…) returns it")
    if level != "term" and other.manifest["lexicon"]["hash"] != run.manifest["lexicon"]["hash"]:
        raise UsageError(
            f"level {level!r}: the two runs are by different lexicons, whose categories are not the same; "
            "compare terms (level='term'), or run both by one lexicon"
        )


def collocates(
    run: RunTables, term: str, window: int | None, around: Around, where: pl.Expr | None, least: int
) -> pl.LazyFrame:
    """Return what stands around a term; see `Run.collocates`."""
    if window is not None:
        window = check_number(window, "window", "how many words there are on each side at most, or None", least=1)
    check_choice(around, "around", get_args(Around))
    least = check_number(least, "least", "how often a word stands near the term at least", least=1)
    tables = tables_of(run)
    name, _ = find_term(tables.lexicon, term, folds=run.folds)
    hits = hits_of(tables, find_parts(tables, where)).filter(pl.col("clause").is_not_null()).collect()
    clauses = (
        tables.clauses.select("report", "clause", "text", pl.col("start").alias("begin"))
        .join(hits.lazy().select("report", "clause").unique(), on=["report", "clause"], how="semi")
        .sort("report", "clause")
        .collect()
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int32))
    )
    words = cut_clauses(clauses["text"], around, fold_text=run.folds)
    of_clause = clauses.lazy().select(pl.col("row").alias("clause"), "report")
    of_term = (
        hits.lazy()
        .filter(pl.col("term") == name)
        .join(clauses.lazy().select("report", "clause", "row", "begin"), on=["report", "clause"])
        .select(pl.col("row").alias("clause"), pl.col("start") - pl.col("begin"), pl.col("end") - pl.col("begin"))
    )
    return make_collocates(words.lazy().join(of_clause, on="clause"), of_term, window, least)


def cut_clauses(texts: pl.Series, around: Around, *, fold_text: bool) -> pl.DataFrame:
    """Return the words of clauses as jieba's dictionary cuts them (`HMM=False`), or their characters; folded, if so.

    Columns: clause (the row), position, start, end (code points), word. Marks and blanks, words to jieba, are none
    here: a word begins with an ideograph, an ASCII letter or a digit, as `count_words` has it.

    >>> cut_clauses(pl.Series(["推进大數據。", "AI，5G"]), "word", fold_text=True)["word"].to_list()
    ['推进', '大', '数据', 'ai', '5g']
    """
    cut = [_cut(texts.slice(at, _AT_ONCE), around, at, fold_text=fold_text) for at in range(0, len(texts), _AT_ONCE)]
    return pl.concat(cut) if cut else pl.DataFrame(schema=_CUT)


def _cut(texts: pl.Series, around: Around, row: int, *, fold_text: bool) -> pl.DataFrame:
    # As one text, so that the kernel is called once; a line end is in no word.
    text = texts.str.join("\n").item()
    if fold_text:
        text = fold(text)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    begins = word_starts(text, fold_text=fold_text) if around == "word" else np.arange(len(points))
    ends = np.append(begins[1:], len(points))
    head = points[begins]
    letter = ((head >= 0x30) & (head <= 0x39)) | ((head | 0x20) >= 0x61) & ((head | 0x20) <= 0x7A)
    is_word = ((head >= 0x4E00) & (head <= 0x9FD5)) | letter
    begins, ends = begins[is_word], ends[is_word]
    place = np.concatenate([[0], np.cumsum(1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000))])
    data = np.frombuffer(text.encode(), np.uint8)
    column = TextColumn(data, np.array([0, len(data)]))
    first = np.concatenate([[0], np.cumsum(texts.str.len_chars().to_numpy().astype(np.int64) + 1)])
    clause = np.searchsorted(first, begins, side="right") - 1
    position = np.arange(len(clause)) - np.searchsorted(clause, clause)
    return pl.DataFrame(
        {
            "clause": clause + row,
            "position": position,
            "start": begins - first[clause],
            "end": ends - first[clause],
            "word": gather_text(column, place[begins], place[ends]),
        },
        schema=_CUT,
    )


def trends(run: Analyses, by: Sequence[str], level: Level, measure: str) -> pl.LazyFrame:
    """Return which way each term goes over the years; see `Run.trends`."""
    check_choice(measure, "measure", MEASURES)
    by = check_names(by, "by", '["entity"]')
    for column in by:
        check_choice(column, "by", [each for each in BY if each not in {"year", "month", "report"}])
    panel = run.panel([*by, "year"], level, [measure])
    counted = {"hits", "clauses", "reports_with", "year", measure, *DENOMINATORS}
    over = [each for each in panel.collect_schema().names() if each not in counted]
    return make_trends(panel, over, measure)
