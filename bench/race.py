"""Interleaved timing: in each round every entrant runs once, in turn, so that what else the machine does hits all."""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 7
#: Where a floor is missed, so many more times are the rounds run: other processes only ever add time, so the fastest
#: round of each entrant comes nearer to what it can do, and a loss stays one.
MORE = 2


def cpu_seconds() -> float:
    """Return the processor time of this process and of those that it has waited for.

    Where other processes took both cores, the fastest of seven rounds by the wall was off by 100 %.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@dataclass(frozen=True, slots=True)
class Timing:
    """What a race measured; the first entrant is compared with the others.

    amounts   what each entrant went through: bytes of text, or as many `unit` as it says
    seconds   of each round, by entrant
    floors    how many times as fast as another the first entrant must at least be, by amount a second
    notes     what must be said of an entrant; of those that did not take part, why
    """

    name: str
    question: str
    amounts: Mapping[str, int]
    seconds: Mapping[str, list[float]]
    floors: Mapping[str, float] = field(default_factory=dict)
    unit: str = "bytes"
    notes: Mapping[str, str] = field(default_factory=dict)

    def rate(self, entrant: str) -> float:
        """Return what it went through in a second, in its fastest round."""
        return self.amounts[entrant] / min(self.seconds[entrant])

    def ratio(self, other: str) -> float:
        """Return how many times as fast as `other` the first entrant is, by the fastest round of each."""
        return self.rate(next(iter(self.seconds))) / self.rate(other)

    @property
    def missed(self) -> dict[str, float]:
        """The ratios that are below their floors."""
        ratios = {other: self.ratio(other) for other in self.floors if other in self.seconds}
        return {other: round(ratio, 2) for other, ratio in ratios.items() if ratio < self.floors[other]}

    def lines(self) -> Iterator[str]:
        """Yield the lines of a table."""
        size, unit, form = (1e6, "MB", ",.1f") if self.unit == "bytes" else (1, self.unit, ",.0f")
        yield f"{self.name}: {self.question}"
        yield f"  {'':<20}{unit:>8}{'min s':>10}{'median s':>10}{unit + '/s':>10}{'ratio':>8}{'floor':>8}"
        for entrant, seconds in self.seconds.items():
            note = f"  {self.notes[entrant]}" if entrant in self.notes else ""
            yield (
                f"  {entrant:<20}{self.amounts[entrant] / size:>8{form}}{min(seconds):>10.4f}"
                f"{statistics.median(seconds):>10.4f}{self.rate(entrant) / size:>10,.1f}{self.ratio(entrant):>8.2f}"
                f"{self.floors.get(entrant, ''):>8}{note}"
            )
        for entrant, note in self.notes.items():
            if entrant not in self.seconds:
                yield f"  {entrant:<20} skipped: {note}"

    def record(self) -> dict[str, object]:
        """Return it for the file of pytest-benchmark; `report.py` reads it."""
        return {
            "question": self.question,
            "unit": self.unit,
            "entrants": {
                entrant: {"amount": self.amounts[entrant], "seconds": list(seconds), "floor": self.floors.get(entrant)}
                for entrant, seconds in self.seconds.items()
            },
            "notes": dict(self.notes),
        }


def time_rounds(
    benchmark: BenchmarkFixture,
    entrants: Mapping[str, Callable[[], object]],
    clock: Callable[[], float],
    rounds: int = ROUNDS,
) -> dict[str, list[float]]:
    """Run `entrants` in turn, `rounds` times, and return the seconds of each.

    pytest-benchmark runs the first, so that its own table, comparisons and files are about it; the others run in the
    setup of each of its rounds. `clock` is the benchmark's timer.
    """
    first, *others = entrants
    seconds: dict[str, list[float]] = {entrant: [] for entrant in entrants}

    def run_others() -> None:
        for other in others:
            seconds[other].append(time_once(entrants[other], clock))

    benchmark.pedantic(entrants[first], setup=run_others, rounds=rounds)  # type: ignore[no-untyped-call]
    if benchmark.stats is None:
        raise RuntimeError("nothing was timed: leave out --benchmark-disable")
    seconds[first] = list(benchmark.stats.stats.data)
    return seconds


def add_rounds(
    seconds: Mapping[str, list[float]],
    entrants: Mapping[str, Callable[[], object]],
    clock: Callable[[], float],
    rounds: int = ROUNDS,
) -> None:
    """Run `entrants` in turn, `rounds` times more, and add to the seconds of each."""
    for _ in range(rounds):
        for entrant, run in entrants.items():
            seconds[entrant].append(time_once(run, clock))


def time_once(function: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds of one run, without the collector of cycles, as pytest-benchmark runs the first entrant."""
    gc.collect()
    gc.disable()
    try:
        began = clock()
        function()
        return clock() - began
    finally:
        gc.enable()
