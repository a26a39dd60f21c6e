"""ahocorasick_rs over bytes: Rust's aho-corasick crate, in the automaton that it chooses itself."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pyarrow as pa
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, join_rows, refuse, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_automaton(lexicon, job, None)


def build_automaton(lexicon: Lexicon, job: Job, implementation: Implementation | None) -> Find:
    """Return a function that does `job` for `lexicon` with one of the crate's automata; None: its choice.

    The crate's leftmost-longest is cipin's, where nothing guards and no pattern needs a boundary.
    """
    patterns = lexicon.patterns
    if job == "counts" or (job == "judged" and (min(patterns.term_of) < 0 or lexicon.boundaries != "none")):
        raise refuse("ahocorasick_rs", job)
    overlapping = job == "all"
    automaton = BytesAhoCorasick(
        [string.encode() for string in patterns.strings],
        matchkind=MatchKind.Standard if overlapping else MatchKind.LeftmostLongest,
        implementation=implementation,
    )
    meaning = np.arange(len(patterns.strings)) if overlapping else np.array(patterns.term_of)

    def find(texts: pa.Array) -> pa.Table:
        parts = []
        for row, utf8 in enumerate(utf8_of(texts)):
            found = automaton.find_matches_as_indexes(utf8, overlapping=overlapping)
            if found:
                flat = np.fromiter(chain.from_iterable(found), np.int32, 3 * len(found)).reshape(-1, 3)
                parts.append((row, flat[:, 1], meaning[flat[:, 0]]))
        return join_rows(parts)

    return find
