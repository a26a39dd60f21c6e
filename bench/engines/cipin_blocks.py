"""cipin's kernels over the Arrow buffer, the UTF-8 check included."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from cipin.matching.judge import judge
from cipin.matching.scan import find_matches
from cipin.schema import text_column
from engines.rows import Find, Job, count_rows, rows_table, texts_table


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_matcher(lexicon, job, "blocks")


def kernel_path(lexicon: Lexicon) -> str:
    """Return which of its kernels cipin takes on this processor: floors are held by it."""
    del lexicon
    return "portable"


def build_matcher(lexicon: Lexicon, job: Job, matcher: Literal["blocks", "ahocorasick"]) -> Find:
    """Return a function that does `job` for `lexicon` with one of cipin's matchers, on one thread."""

    def find_all(texts: pa.Array) -> pa.Table:
        column = text_column(texts)
        found = find_matches(column, lexicon, matcher)
        return rows_table(found.report, found.byte - column.offsets[found.report], found.pattern)

    def find_longest(texts: pa.Array) -> pa.Table:
        column = text_column(texts)
        hits = judge(find_matches(column, lexicon, matcher), column, lexicon)
        report = hits.report[hits.kept]
        return rows_table(report, hits.byte_start[hits.kept] - column.offsets[report], hits.term[hits.kept])

    def count(texts: pa.Array) -> pa.Table:
        found = find_matches(text_column(texts), lexicon, matcher)
        return count_rows(found.report, found.pattern, len(lexicon.patterns.strings))

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table(np.unique(find_matches(text_column(texts), lexicon, matcher).report))

    return {"all": find_all, "leftmost-longest": find_longest, "counts": count, "contains": contains}[job]
