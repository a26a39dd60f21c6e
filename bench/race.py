"""Interleaved timing: in each round every entrant runs once, in turn, so that what else the machine does hits all."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Timing:
    """What a race measured; the first entrant is compared with the others.

    amount    what each entrant went through: bytes of text, or as many `unit` as it says
    seconds   of each round, by entrant
    floors    how many times as fast as another the first entrant must at least be
    """

    name: str
    question: str
    amount: int
    seconds: Mapping[str, list[float]]
    floors: Mapping[str, float] = field(default_factory=dict)
    unit: str = "bytes"

    def ratio(self, other: str) -> float:
        """Return how many times as fast as `other` the first entrant is, by the fastest round of each."""
        return min(self.seconds[other]) / min(next(iter(self.seconds.values())))

    @property
    def missed(self) -> dict[str, float]:
        """The ratios that are below their floors."""
        ratios = {other: self.ratio(other) for other in self.floors}
        return {other: round(ratio, 2) for other, ratio in ratios.items() if ratio < self.floors[other]}

    def lines(self) -> Iterator[str]:
        """Yield the lines of a table."""
        amount, unit, form = (
            (self.amount / 1e6, "MB", ",.1f") if self.unit == "bytes" else (self.amount, self.unit, ",.0f")
        )
        yield f"{self.name}: {self.question} ({amount:{form}} {unit})"
        yield f"  {'':<20}{'min s':>10}{'median s':>10}{unit + '/s':>10}{'ratio':>8}{'floor':>8}"
        for entrant, seconds in self.seconds.items():
            yield (
                f"  {entrant:<20}{min(seconds):>10.4f}{statistics.median(seconds):>10.4f}"
                f"{amount / min(seconds):>10,.0f}{self.ratio(entrant):>8.2f}{self.floors.get(entrant, ''):>8}"
            )


def time_rounds(
    benchmark: BenchmarkFixture,
    entrants: Mapping[str, Callable[[], object]],
    clock: Callable[[], float],
    rounds: int = ROUNDS,
) -> dict[str, list[float]]:
    """Run `entrants` in turn, `rounds` times, and return the seconds of each.

    pytest-benchmark runs the first, so that its own table, comparisons and files are about it; the others run in the
    setup of each of its rounds, and their seconds are in the file's `extra_info`. `clock` is the benchmark's timer.
    """
    first, *others = entrants
    seconds: dict[str, list[float]] = {entrant: [] for entrant in entrants}

    def run_others() -> None:
        for other in others:
            seconds[other].append(_time(entrants[other], clock))

    benchmark.pedantic(entrants[first], setup=run_others, rounds=rounds)  # type: ignore[no-untyped-call]
    if benchmark.stats is None:
        raise RuntimeError("nothing was timed: leave out --benchmark-disable")
    seconds[first] = list(benchmark.stats.stats.data)
    benchmark.extra_info.update({other: seconds[other] for other in others})
    return seconds


def _time(function: Callable[[], object], clock: Callable[[], float]) -> float:
    # Without the collector of cycles, as pytest-benchmark is told to run the first entrant.
    gc.collect()
    gc.disable()
    try:
        began = clock()
        function()
        return clock() - began
    finally:
        gc.enable()
