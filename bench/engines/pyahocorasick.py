"""pyahocorasick over str: each text is decoded, as its users do."""

from __future__ import annotations

from functools import lru_cache

import ahocorasick
import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import (
    Find,
    Job,
    Part,
    count_parts,
    join_rows,
    keep_longest,
    plain_terms,
    starts_of_characters,
    texts_table,
    utf8_of,
)


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`.

    Its `iter_long` misses longer matches that begin inside shorter ones, so all are found, and then the longest kept.
    """
    terms = plain_terms("pyahocorasick", lexicon, job)
    automaton = _automaton_of(lexicon)
    lengths = np.array([len(string) for string in lexicon.patterns.strings])

    def parts_of(texts: pa.Array) -> list[Part]:
        parts = []
        for row, utf8 in enumerate(utf8_of(texts)):
            found = list(automaton.iter(str(utf8, "utf-8")))
            if not found:
                continue
            last, pattern = np.array(found).T
            start = last + 1 - lengths[pattern]
            if job == "leftmost-longest":
                kept = keep_longest(start, last + 1)
                start, pattern = start[kept], terms[pattern[kept]]
            parts.append((row, starts_of_characters(utf8)[start], pattern))
        return parts

    def find(texts: pa.Array) -> pa.Table:
        return join_rows(parts_of(texts))

    def count(texts: pa.Array) -> pa.Table:
        found = [(row, list(automaton.iter(str(utf8, "utf-8")))) for row, utf8 in enumerate(utf8_of(texts))]
        parts = [(row, *np.array(each).T) for row, each in found if each]
        return count_parts(parts, len(terms))

    def contains(texts: pa.Array) -> pa.Table:
        found = ((row, next(automaton.iter(str(utf8, "utf-8")), None)) for row, utf8 in enumerate(utf8_of(texts)))
        return texts_table([row for row, first in found if first is not None])

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]


@lru_cache(maxsize=2)
def _automaton_of(lexicon: Lexicon) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for number, string in enumerate(lexicon.patterns.strings):
        automaton.add_word(string, number)
    automaton.make_automaton()
    return automaton
