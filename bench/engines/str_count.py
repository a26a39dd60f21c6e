"""`text.count(term)`, term by term: what most scripts do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, counts_table, refuse, texts_table, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "counts" or "contains", for `lexicon`.

    Terms that can overlap themselves are counted too low: where texts have such, the rows differ, and the run fails.
    """
    strings = lexicon.patterns.strings
    if job not in {"counts", "contains"}:
        raise refuse("str_count", job)

    def count(texts: pa.Array) -> pa.Table:
        cells = []
        for row, utf8 in enumerate(utf8_of(texts)):
            text = str(utf8, "utf-8")
            cells += [(row, number, n) for number, n in enumerate(text.count(string) for string in strings) if n]
        return counts_table(*np.array(cells, np.int32).reshape(-1, 3).T)

    def contains(texts: pa.Array) -> pa.Table:
        decoded = (str(utf8, "utf-8") for utf8 in utf8_of(texts))
        return texts_table([row for row, text in enumerate(decoded) if any(string in text for string in strings)])

    return count if job == "counts" else contains
