"""`text.count(term)`, term by term: what most scripts do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, counts_table, refuse, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "counts", for `lexicon`, whose terms must not overlap themselves."""
    if job != "counts":
        raise refuse("str_count", job)
    strings = lexicon.patterns.strings

    def count(texts: pa.Array) -> pa.Table:
        cells = []
        for row, utf8 in enumerate(utf8_of(texts)):
            text = str(utf8, "utf-8")
            cells += [(row, number, n) for number, n in enumerate(text.count(string) for string in strings) if n]
        return counts_table(*np.array(cells, np.int32).reshape(-1, 3).T)

    return count
