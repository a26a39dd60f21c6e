"""cipin's kernels over the Arrow buffer, the UTF-8 check included."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from cipin.matching.automaton_file import automaton_of
from cipin.matching.scan import contains_match, count_matches, find_matches
from cipin.matching.search import choose_kernel
from cipin.schema import text_column
from engines.rows import Find, Job, counts_table, plain_terms, rows_table, texts_table


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_matcher(lexicon, job, "blocks")


def kernel_path(lexicon: Lexicon) -> str:
    """Return which of its kernels cipin takes on this processor, "portable" or "avx512": floors are held by it."""
    return choose_kernel(automaton_of(lexicon))[0].partition("-")[0]


def build_matcher(lexicon: Lexicon, job: Job, matcher: Literal["blocks", "portable", "ahocorasick"]) -> Find:
    """Return a function that does `job` for `lexicon` with one of cipin's matchers, on one thread."""

    own = np.arange(len(lexicon.patterns.strings), dtype=np.int32)
    meaning = plain_terms("cipin", lexicon, job) if job == "leftmost-longest" else own

    def find(texts: pa.Array) -> pa.Table:
        column = text_column(texts)
        found = find_matches(column, lexicon, matcher, longest=job == "leftmost-longest", detail=False)
        return rows_table(found.report, found.byte - column.offsets[found.report], meaning[found.pattern])

    def count(texts: pa.Array) -> pa.Table:
        counts = count_matches(text_column(texts), lexicon, matcher)
        return counts_table(counts.report, counts.pattern, counts.count)

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table(np.flatnonzero(contains_match(text_column(texts), lexicon, matcher)))

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]
