"""Counting by segmentation: a text is cut into words, and those of the lexicon are counted.

Terms inside longer words are missed, and so are those that the cut runs through: no other engine finds these rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, counts_table, refuse, utf8_of


def build_counter(engine: str, cut: Callable[[str], list[str]], lexicon: Lexicon, job: Job) -> Find:
    """Return a function that counts the words which `cut` gives, where they are in `lexicon`."""
    if job != "counts":
        raise refuse(engine, job)
    number_of = {string: number for number, string in enumerate(lexicon.patterns.strings)}

    def count(texts: pa.Array) -> pa.Table:
        cells = []
        for row, utf8 in enumerate(utf8_of(texts)):
            words = Counter(cut(str(utf8, "utf-8")))
            cells += [(row, number_of[word], n) for word, n in words.items() if word in number_of]
        return counts_table(*np.array(cells, np.int32).reshape(-1, 3).T)

    return count
