"""Engines against one another: the same rows first, then the clock, then the floors."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from definitions import Matching, build_engine, checksum, make_lexicon, read_definitions
from race import Timing, time_rounds

MATCHING, _ = read_definitions()
#: Processor time: where other processes took both cores, the fastest of seven rounds by the wall was off by 100 %.
CLOCK = time.process_time


@pytest.mark.benchmark(disable_gc=True, timer=CLOCK)
@pytest.mark.parametrize("definition", MATCHING, ids=lambda definition: definition.name)
def test_matching(definition: Matching, benchmark: BenchmarkFixture, show: Callable[[Timing], None]) -> None:
    """Every engine finds the rows of the definition, and the first is as fast as it says."""
    lexicon = make_lexicon(definition)
    texts = pa.array(definition.corpus.texts(lexicon))
    finds = {engine: build_engine(engine, lexicon, definition.job) for engine in definition.engines}
    for engine, find in finds.items():
        found = find(texts)
        assert (len(found), checksum(found)) == (definition.rows, definition.checksum), engine

    seconds = time_rounds(benchmark, {engine: partial(find, texts) for engine, find in finds.items()}, CLOCK)
    timing = Timing(definition.name, definition.question, texts.nbytes, seconds, definition.floors)
    show(timing)
    assert not timing.missed
