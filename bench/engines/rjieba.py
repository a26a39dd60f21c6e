"""The same with rjieba, jieba in Rust."""

from __future__ import annotations

import rjieba

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job
from engines.words import build_counter


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "counts", for `lexicon`."""
    return build_counter("rjieba", rjieba.cut, lexicon, job)
