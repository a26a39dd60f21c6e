"""ahocorasick_rs over bytes: Rust's aho-corasick crate, in the automaton that it chooses itself."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

import numpy as np
import pyarrow as pa
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, Part, count_parts, join_rows, plain_terms, texts_table, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_automaton(lexicon, job, dfa=False)


def build_automaton(lexicon: Lexicon, job: Job, *, dfa: bool) -> Find:
    """Return a function that does `job` for `lexicon` with a DFA, or the automaton that the crate chooses.

    The crate's leftmost-longest is cipin's, where nothing guards and no pattern needs a boundary. Whether a text
    contains anything is asked by its search for the matches that do not overlap: it has no other.
    """
    terms = plain_terms("ahocorasick_rs", lexicon, job)
    longest = job in {"leftmost-longest", "contains"}
    automaton = _automaton_of(lexicon, longest, dfa)

    def parts_of(texts: pa.Array) -> list[Part]:
        parts = []
        for row, utf8 in enumerate(utf8_of(texts)):
            found = automaton.find_matches_as_indexes(utf8, overlapping=not longest)
            if found:
                flat = np.fromiter(chain.from_iterable(found), np.int32, 3 * len(found)).reshape(-1, 3)
                parts.append((row, flat[:, 1], terms[flat[:, 0]] if longest else flat[:, 0]))
        return parts

    def find(texts: pa.Array) -> pa.Table:
        return join_rows(parts_of(texts))

    def count(texts: pa.Array) -> pa.Table:
        return count_parts(parts_of(texts), len(terms))

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table([row for row, utf8 in enumerate(utf8_of(texts)) if automaton.find_matches_as_indexes(utf8)])

    return {"all": find, "leftmost-longest": find, "counts": count, "contains": contains}[job]


@lru_cache(maxsize=4)
def _automaton_of(lexicon: Lexicon, longest: bool, dfa: bool) -> BytesAhoCorasick:
    return BytesAhoCorasick(
        [string.encode() for string in lexicon.patterns.strings],
        matchkind=MatchKind.LeftmostLongest if longest else MatchKind.Standard,
        implementation=Implementation.DFA if dfa else None,
    )
