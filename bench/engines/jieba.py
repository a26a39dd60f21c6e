"""`jieba.lcut(text)`, and its words looked up in the lexicon: what many papers do. Other work, and other counts."""

from __future__ import annotations

import jieba

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job
from engines.words import build_counter


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "counts", for `lexicon`."""
    jieba.initialize()
    return build_counter("jieba", jieba.lcut, lexicon, job)
