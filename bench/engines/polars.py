"""Polars' `find_many` and `extract_many` over the column, on one thread: where, and what."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, count_rows, plain_terms, rows_table, texts_table


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`.

    `find_many` says where and not what, `extract_many` what and not where: for rows both must run, for counts the
    second, for texts that contain anything `contains_any`. Both build their automaton in every call; it cannot be kept.
    Leftmost takes the pattern that comes first, so patterns go in by length.
    """
    terms = plain_terms("polars", lexicon, job)
    order = sorted(range(len(terms)), key=lambda number: -len(lexicon.patterns.strings[number]))
    strings = pl.Series([lexicon.patterns.strings[number] for number in order])
    patterns = strings.implode()
    longest = job == "leftmost-longest"
    numbers = pl.DataFrame({"string": strings, "number": (terms if longest else np.arange(len(terms)))[order]})
    how = {"leftmost": True} if longest else {"overlapping": True}

    def what(column: pl.Series) -> tuple[pl.Series, pl.Series]:
        lists = column.str.extract_many(patterns, **how)
        rows = pl.DataFrame({"row": pl.int_range(len(column), dtype=pl.Int32, eager=True), "string": lists})
        rows = rows.explode("string").drop_nulls().join(numbers, on="string", how="left", maintain_order="left")
        return rows["row"], rows["number"]

    def find(texts: pa.Array) -> pa.Table:
        column = pl.Series(texts)
        starts = column.str.find_many(patterns, **how).explode().drop_nulls()
        row, number = what(column)
        return rows_table(row.to_numpy(), starts.to_numpy(), number.to_numpy())

    def count(texts: pa.Array) -> pa.Table:
        row, number = what(pl.Series(texts))
        return count_rows(row.to_numpy(), number.to_numpy(), len(terms))

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table(pl.Series(texts).str.contains_any(patterns).arg_true().to_numpy())

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]
