"""What was measured (measured.json), and what the driver takes at sizes that were not."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulation.cluster import DriverCosts
from simulation.times import Times

MEASURED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Line:
    """What grows with a number: `fixed + each * number`, fitted to sizes up to `largest`.

    exponent   of its growth between the two largest sizes: 1 is linear
    """

    fixed: float
    each: float
    largest: int
    exponent: float

    def at(self, number: float) -> float:
        """Return it at a number; beyond `largest` that is extrapolated."""
        return self.fixed + self.each * number


def fit(sizes: list[tuple[int, float]]) -> Line:
    """Fit a line to values at sizes, each weighed by its size, so that the smallest counts as much as the largest."""
    sizes = sorted(sizes)
    numbers = np.array([number for number, _ in sizes], float)
    values = np.array([value for _, value in sizes], float)
    rows = np.stack([1 / numbers, np.ones_like(numbers)], axis=1)
    (fixed, each), *_ = np.linalg.lstsq(rows, values / numbers, rcond=None)
    if fixed < 0:
        fixed, each = 0.0, float(np.mean(values / numbers))
    (n2, v2) = sizes[-1]
    n1, v1 = next(each for each in reversed(sizes) if each[0] < n2)
    exponent = math.log(max(v2, 1e-9) / max(v1, 1e-9)) / math.log(n2 / n1)
    return Line(float(fixed), float(each), sizes[-1][0], exponent)


class Costs:
    """What was measured on one machine.

    seconds, peak   of each phase of the driver, by reports: see driver.path
    simulated       work that was simulated with these costs: of 10⁷ and of 10⁹ reports the same shards are
    """

    def __init__(self, measured: dict[str, Any]) -> None:
        self.measured = measured
        self.simulated: dict[Any, Any] = {}
        self.times = {name: Times(tuple((n, s) for n, s in each)) for name, each in measured["times"].items()}
        self.reports_per_shard: float = measured["reports_per_shard"]
        self.hash_byte: float = measured["hash_byte"]
        self.seconds: dict[str, Line] = {}
        self.peak: dict[str, Line] = {}
        for name, rows in measured["phases"].items():
            self.seconds[name] = fit([(n, seconds) for n, seconds, _ in rows])
            self.peak[name] = fit([(n, peak) for n, _, peak in rows])
        self._tables = np.array(measured["tables"], float)

    @classmethod
    def load(cls) -> Costs:
        """Return what measured.json says."""
        return cls(json.loads(MEASURED.read_text("utf-8")))

    def driver(self) -> DriverCosts:
        """Return what the driver takes for a task."""
        ray, window = self.measured["ray"], self.measured["window"]
        return DriverCosts(
            begin=ray["begin"] + window["shard"],
            wait=ray["wait"],
            wait_attempt=ray["wait_attempt"],
            ended=ray["ended"],
            ages=ray["ages"],
            ages_attempt=window["age"],
            dispatch=ray["process"] - ray["main"],
            handle=self.seconds["work"].each * self.reports_per_shard + ray["report"],
        )

    def tables(self, reports: float, groups: float) -> tuple[float, float]:
        """Return the seconds and the peak of the panel and the summary, of so many reports and entity-years."""
        rows = np.stack([np.ones(len(self._tables)), self._tables[:, 0], self._tables[:, 1]], axis=1)
        # Each value weighs the same, however large it is.
        found = [
            not_below_zero(rows / values[:, None], np.ones(len(values))) @ [1.0, reports, groups]
            for values in (self._tables[:, 2], self._tables[:, 3])
        ]
        return float(found[0]), float(found[1])


def not_below_zero(rows: Any, values: Any) -> Any:
    """Return least-squares factors; those that come out below zero are left out."""
    kept = list(range(rows.shape[1]))
    found = np.zeros(rows.shape[1])
    while kept:
        part, *_ = np.linalg.lstsq(rows[:, kept], values, rcond=None)
        if (part >= 0).all():
            found[kept] = part
            break
        kept.pop(int(part.argmin()))
    return found
