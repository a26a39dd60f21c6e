"""Imported by the server that worker processes are forked from, so that they begin with kernels loaded.

The one module that works at import: a forkserver knows no other way. Compiling here, in one process before any
worker starts, also keeps clear of races in numba's cache (numba #4807); without it each worker took 0.9 s longer.

Where nothing was compiled yet, the driver does one half meanwhile: see cipin.running.measure.
"""

from __future__ import annotations

import numpy as np

from cipin.lexicon.files import find_lexicon
from cipin.lexicon.model import Lexicon
from cipin.matching import judge
from cipin.matching.scan import prepare
from cipin.reading.segment import find_clauses, find_sentences
from cipin.running import job as _job  # noqa: F401  (what the workers will run)
from cipin.running.parsing import fork_sandbox, load_pdf_kernels
from cipin.schema import TextColumn

_text = np.frombuffer("大数据，云计算。".encode(), np.uint8)
_column = TextColumn(_text, np.array([0, _text.size], np.int64))
find_clauses(_column, compiled=True)
find_sentences(_column, compiled=True)
judge.load_few_kernels()
if judge.has_kernels():
    judge.load_kernels()


def compile_rest() -> None:
    """Compile whatever else a run may take: for an image. The search by a few terms, and by many."""
    judge.load_kernels()
    load_pdf_kernels()
    for lexicon in (Lexicon.from_terms(["大数据"]), find_lexicon("fintech-zh")):
        prepare(lexicon, "blocks")


def begin_worker() -> None:
    """Do what a worker does once, while it has one thread."""
    fork_sandbox()
