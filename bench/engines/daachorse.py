"""daachorse over str: a double-array automaton by characters, each text decoded."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

import daachorse
import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import (
    Find,
    Job,
    Part,
    count_parts,
    join_rows,
    plain_terms,
    starts_of_characters,
    texts_table,
    utf8_of,
)


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`: its own leftmost-longest, its own overlapping search.

    Its automaton over characters, not the one over bytes: of Chinese text it is the faster by a half.
    """
    terms = plain_terms("daachorse", lexicon, job)
    longest = job in {"leftmost-longest", "contains"}
    automaton = _automaton_of(lexicon, longest)
    search = automaton.find if longest else automaton.find_overlapping

    def parts_of(texts: pa.Array, *, starts: bool) -> list[Part]:
        parts = []
        for row, utf8 in enumerate(utf8_of(texts)):
            found = search(str(utf8, "utf-8"))
            if found:
                flat = np.fromiter(chain.from_iterable(found), np.int32, 3 * len(found)).reshape(-1, 3)
                start = starts_of_characters(utf8)[flat[:, 0]] if starts else flat[:, 0]
                parts.append((row, start, terms[flat[:, 2]] if longest else flat[:, 2]))
        return parts

    def find(texts: pa.Array) -> pa.Table:
        return join_rows(parts_of(texts, starts=True))

    def count(texts: pa.Array) -> pa.Table:
        return count_parts(parts_of(texts, starts=False), len(terms))

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table([row for row, utf8 in enumerate(utf8_of(texts)) if search(str(utf8, "utf-8"))])

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]


@lru_cache(maxsize=4)
def _automaton_of(lexicon: Lexicon, longest: bool) -> daachorse.CharwiseDoubleArrayAhoCorasick:
    kind = daachorse.MATCH_KIND_LEFTMOST_LONGEST if longest else daachorse.MATCH_KIND_STANDARD
    return daachorse.CharwiseDoubleArrayAhoCorasick(list(lexicon.patterns.strings), kind)
