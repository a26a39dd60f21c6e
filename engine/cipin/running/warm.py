"""Imported by the server that worker processes are forked from, so that they begin with kernels loaded.

The one module that works at import: a forkserver knows no other way. Compiling here, in one process before any
worker starts, also keeps clear of races in numba's cache (numba #4807); without it each worker took 0.9 s longer.
"""

from __future__ import annotations

import numpy as np

from cipin.lexicon.model import Lexicon
from cipin.matching.judge import gather_text, judge
from cipin.matching.scan import find_matches
from cipin.reading.segment import find_clauses, find_sentences
from cipin.running import job as _job  # noqa: F401  (what the workers will run)
from cipin.running.parsing import fork_sandbox
from cipin.schema import TextColumn

# The search is compiled by the driver, for the lexicon of the run (scan.prepare), and what PDFs take as well
# (parsing.load_kernels), while this is: a worker loads each in 10 ms.
_text = np.frombuffer("增加大数据，大数据，云计算。".encode(), np.uint8)
_column = TextColumn(_text, np.array([0, _text.size], np.int64))
_lexicon = Lexicon.from_terms(["大数据"], guards={"大数据": ["加大数据"]}, unless={"大数据": ["增加大数据"]})
_hits = judge(find_matches(_column, _lexicon, "ahocorasick"), _column, _lexicon, compiled=True)
gather_text(_column, _hits.byte_start, _hits.byte_end, compiled=True)
find_clauses(_column, compiled=True)
find_sentences(_column, compiled=True)


def begin_worker() -> None:
    """Do what a worker does once, while it has one thread."""
    fork_sandbox()
