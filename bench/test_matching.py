"""Engines against one another: the same rows first, then the clock, then the floors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from definitions import Matching, read_matching
from matching import prepare
from race import ROUNDS, Timing, cpu_seconds, time_rounds

#: Where all engines run; where a floor is missed there are more.
FULL_ROUNDS = 3
#: By lexicons, so that each engine's automaton is built once: that of 337,000 words takes Hyperscan 16 s.
DEFINITIONS = sorted(read_matching(), key=lambda each: (each.source.source, each.source.terms or 0))


@pytest.mark.benchmark(disable_gc=True, timer=cpu_seconds)
@pytest.mark.parametrize(
    "definition",
    [pytest.param(each, id=each.name, marks=[pytest.mark.quick] if each.quick else []) for each in DEFINITIONS],
)
def test_matching(
    definition: Matching, benchmark: BenchmarkFixture, show: Callable[[Timing], None], request: pytest.FixtureRequest
) -> None:
    """Every engine finds the rows of the definition, and the first is as fast as the floors say."""
    quick, scale = request.config.getoption("--quick"), request.config.getoption("--scale")
    race = prepare(definition, quick=quick, scale=scale)
    if quick and len(race.entrants) == 1:
        pytest.skip(f"no peer to compare with: {race.notes or 'there are no floors'}")
    timing = race.timing(time_rounds(benchmark, race.entrants, cpu_seconds, ROUNDS if quick else FULL_ROUNDS))
    benchmark.extra_info.update(timing.record(), lexicon=definition.size, job=definition.job)
    show(timing)
    assert not timing.missed
