"""cipin with needless work in every call: what the gates must not let pass. No benchmark has it among its engines."""

from __future__ import annotations

import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines import cipin_blocks
from engines.rows import Find, Job

#: Of the texts, the share that is searched once more for nothing. Instructions must show a tenth,
TENTH = 0.1
#: a ratio by the clock a build that takes two and a half times as long.
TWICE_AND_A_HALF = 1.5


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return cipin's function, a tenth slower."""
    return build_slowed(lexicon, job, TENTH)


def build_slowed(lexicon: Lexicon, job: Job, needless: float) -> Find:
    """Return cipin's function, which searches `needless` times the texts once more."""
    find = cipin_blocks.build(lexicon, job)

    def find_slowly(texts: pa.Array) -> pa.Table:
        rest = needless
        while rest > 0:
            find(texts.slice(0, round(len(texts) * min(rest, 1.0))))
            rest -= 1.0
        return find(texts)

    return find_slowly
