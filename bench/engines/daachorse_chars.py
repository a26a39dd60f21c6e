"""daachorse over characters: the faster of its automata with 50,000 patterns of Chinese."""

from __future__ import annotations

from cipin.lexicon.model import Lexicon
from engines.daachorse import build_automaton
from engines.rows import Find, Job


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_automaton(lexicon, job, characters=True)
