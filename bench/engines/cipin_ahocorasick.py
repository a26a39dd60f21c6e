"""cipin's matcher for small input: pyahocorasick, and the rows in cipin's order."""

from __future__ import annotations

from cipin.lexicon.model import Lexicon
from engines.cipin_blocks import build_matcher
from engines.rows import Find, Job


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job` for `lexicon`."""
    return build_matcher(lexicon, job, "ahocorasick")
