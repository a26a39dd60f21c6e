"""pyahocorasick over str: each text is decoded, as its users do."""

from __future__ import annotations

import ahocorasick
import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, join_rows, refuse, utf8_of


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "all", for `lexicon`.

    Its `iter_long` misses longer matches that begin inside shorter ones, so it does no other job.
    """
    if job != "all":
        raise refuse("pyahocorasick", job)
    automaton = ahocorasick.Automaton()
    strings = lexicon.patterns.strings
    for number, string in enumerate(strings):
        automaton.add_word(string, number)
    automaton.make_automaton()
    lengths = np.array([len(string) for string in strings])

    def find(texts: pa.Array) -> pa.Table:
        parts = []
        for row, utf8 in enumerate(utf8_of(texts)):
            found = list(automaton.iter(str(utf8, "utf-8")))
            if found:
                last, pattern = np.array(found).T
                heads = np.flatnonzero((np.frombuffer(utf8, np.uint8) & 0xC0) != 0x80)
                parts.append((row, heads[last + 1 - lengths[pattern]], pattern))
        return join_rows(parts)

    return find
