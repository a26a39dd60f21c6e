"""A run, simulated: the driver's phases at what they were measured to take, and between them the real window.

Reports × nodes in; makespan, the driver's share and memory, and what gave out first.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from cipin.running.plan import cut
from cipin.running.store import THREADS
from cipin_ray.window import Window
from simulation.cluster import Machines, SimulatedBackend, Storage, at_best
from simulation.costs import Costs
from simulation.driver import made_sources
from simulation.invariants import Watched, work_through

#: As RayExecutor has it: attempts handed over for each that can be at work.
WINDOW = 3
#: Memory of the driver's machine; more than this and it gives out.
MEMORY_BYTES = 64 << 30
#: Entity-years beyond which reports bring no new ones: 5,000 companies of twenty years.
MOST_GROUPS = 100_000
#: Shards that are simulated one by one: all, up to so many windows full or so many shards; what lies between is scaled.
WINDOWS_FULL, LEAST_SHARDS = 4, 20_000
#: Said where CPUs do nothing but work.
NOTHING = "nothing: CPUs are busy"


class Piece(NamedTuple):
    """A shard, as far as a simulation needs it."""

    number: int
    n_bytes: int
    n_files: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run to be simulated.

    kind          "text" or "pdf": which measured shards its own are drawn from
    least_shards  that are simulated one by one: more than go by while the slowest is under way
    """

    name: str
    reports: int
    machines: Machines
    storage: Storage = field(default_factory=Storage)
    kind: str = "text"
    seed: int = 1
    least_shards: int = LEAST_SHARDS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it; seconds of the driver's phases, and what was seen while shards were worked through.

    limits       what held the run up, the worst first, with the seconds that each took beyond the ideal
    work_limit   what of it held up the work on shards, whatever came before and after
    """

    scenario: Scenario
    shards: int
    simulated: int
    ideal: float
    listing: float
    planning: float
    work: float
    publishing: float
    panel: float
    driver_seconds: float
    memory: dict[str, float]
    requests_a_second: float
    retries: int
    twins: int
    given_up: int
    limits: tuple[tuple[str, float], ...]
    work_limit: str

    @property
    def makespan(self) -> float:
        """Seconds from the call to the published version."""
        return self.listing + self.planning + self.work + self.publishing + self.panel

    @property
    def efficiency(self) -> float:
        """The makespan of a cluster whose CPUs do nothing but work, as a share of this one."""
        return self.ideal / self.makespan

    @property
    def peak_bytes(self) -> float:
        """Most memory that the driver takes at a time."""
        return max(self.memory.values())

    @property
    def bottlenecks(self) -> list[str]:
        """What gives out: memory, if it does not suffice; then what takes a tenth of the time beyond the ideal."""
        most = max(self.memory, key=lambda each: self.memory[each])
        found = [f"driver memory ({most})"] if self.memory[most] > MEMORY_BYTES else []
        found += [name for name, seconds in self.limits if seconds > 0.1 * self.makespan]
        return found or [NOTHING]


def pieces(costs: Costs, kind: str, n_shards: int, chance: random.Random) -> list[Piece]:
    """Return shards as the planner cuts them of sources as they were measured; beyond 2,000 drawn from those."""
    report_bytes = costs.measured["report_bytes"][kind]
    per_shard = sum(n for n, _ in costs.times[kind].shards) / len(costs.times[kind].shards) / report_bytes
    shards = list(cut(made_sources(int(min(n_shards, 2000) * per_shard) + 1, chance, report_bytes), "made"))
    drawn = shards if n_shards <= len(shards) else chance.choices(shards, k=n_shards)
    return [Piece(number, each.n_bytes, len(each.sources)) for number, each in enumerate(drawn[:n_shards])]


class Worked(NamedTuple):
    """What was seen of a window at work."""

    seconds: float
    backend: SimulatedBackend
    watched: Watched
    retries: int
    given_up: int
    cpu_seconds: float
    tail: float


def work(scenario: Scenario, costs: Costs, shards: list[Piece]) -> Worked:
    """Work through shards as RayExecutor would, the promises of the window checked."""
    chance = random.Random(scenario.seed)
    times, machines, driver = costs.times[scenario.kind], scenario.machines, costs.driver()
    seconds = [times.draw(each.n_bytes, chance) for each in shards]
    backend = SimulatedBackend(
        machines, lambda each: (seconds[each.number], each.n_files), driver, chance, scenario.storage
    )
    most = WINDOW * machines.slots
    watched = Watched(backend, machines.slots, most)
    window: Window[Any] = Window(watched, machines.slots, most)
    given_up = 0
    for _, done in work_through(window, watched, heaviest_first(shards)):
        given_up += not done
        backend.charge(driver.handle)
    # From when there is nothing left to begin, to the end: what CPUs idle there, no driver could prevent.
    return Worked(
        backend.now, backend, watched, window.retries, given_up, sum(seconds), backend.now - backend.last_start
    )


def heaviest_first(shards: list[Piece]) -> Iterator[Piece]:
    """Yield shards in the order in which the driver begins them (cipin.running.driving)."""
    return iter(sorted(shards, key=lambda each: each.n_bytes, reverse=True))


def listing_of(costs: Costs, report_bytes: float, storage: Storage, cpus: int) -> tuple[float, float]:
    """Return the seconds that the driver looks at a report before a run, and that it waits for the store."""
    looking = costs.seconds["list"].each
    if storage.hashes:  # by all CPUs of the driver's machine, which is a node like any other
        looking += costs.hash_byte * report_bytes / min(cpus, THREADS)
    return looking, storage.listing * storage.seconds / storage.listed_at_once


def simulate(scenario: Scenario, costs: Costs) -> Outcome:
    """Simulate a run."""
    machines, storage, reports = scenario.machines, scenario.storage, scenario.reports
    times = costs.times[scenario.kind]
    report_bytes = costs.measured["report_bytes"][scenario.kind]
    shard_bytes = sum(n for n, _ in times.shards) / len(times.shards)
    n_shards = max(1, round(reports * report_bytes / shard_bytes))
    # Costs of a shard were measured on shards of text, by reports.
    as_text = n_shards * costs.reports_per_shard
    simulated = min(n_shards, max(scenario.least_shards, WINDOWS_FULL * WINDOW * machines.slots))
    same = replace(scenario, name="", reports=0), simulated
    if same not in costs.simulated:
        shards = pieces(costs, scenario.kind, simulated, random.Random(scenario.seed))
        costs.simulated[same] = work(scenario, costs, shards)
    did: Worked = costs.simulated[same]
    backend, scale = did.backend, n_shards / simulated
    worked = did.seconds + (scale - 1) * max(did.seconds - machines.worker_seconds - did.tail, 0.0)
    seconds, peak = costs.seconds, costs.peak
    hashing, requests = (reports * each for each in listing_of(costs, report_bytes, storage, machines.cpus))
    listing = hashing + requests
    planning = seconds["cut"].at(reports) + seconds["survey"].at(as_text) + seconds["write_plan"].at(reports)
    planning += seconds["locate"].at(reports)
    publishing = sum(seconds[name].at(as_text) for name in ("balance", "publish", "links"))
    waiting = n_shards * storage.publishing * storage.seconds / THREADS
    publishing += waiting
    panel, panel_bytes = costs.tables(as_text, min(reports, MOST_GROUPS))
    memory = {
        "plan": max(peak[name].at(reports) for name in ("list", "cut", "write_plan", "locate")),
        "manifest": max(peak["work"].at(as_text), peak["publish"].at(as_text)),
        "panel": panel_bytes + peak["work"].at(as_text),
    }
    ideal = max(did.cpu_seconds * scale / machines.slots, at_best([times.mean], machines.slots))
    busy = backend.busy * scale
    work_limit = _limit_of_work(did, n_shards, machines, storage, costs)
    limits = {
        "listing: the store's answers" if requests > hashing else "listing: looking at every report": listing,
        "planning": planning,
        "publishing the manifest": publishing,
        "panel": panel,
        work_limit: worked - ideal,
    }
    return Outcome(
        scenario,
        n_shards,
        simulated,
        ideal,
        listing,
        planning,
        worked,
        publishing,
        panel,
        hashing + planning + busy + publishing - waiting + panel,
        memory,
        backend.requests / did.seconds,
        did.retries,
        did.watched.twins,
        did.given_up,
        tuple(sorted(limits.items(), key=lambda each: -each[1])),
        work_limit if worked > 1.1 * ideal else NOTHING,
    )


def _limit_of_work(did: Worked, n_shards: int, machines: Machines, storage: Storage, costs: Costs) -> str:
    """Name what held up the work: what was busy for most of it, else what CPUs waited for."""
    backend = did.backend
    if n_shards < machines.slots:
        return "too few shards"
    shares = {
        "driver CPU": backend.busy / did.seconds,
        "Ray's dispatch": backend.dispatched * costs.driver().dispatch / did.seconds,
        "store reads": backend.reads / storage.reads_a_second / did.seconds if storage.reads_a_second else 0.0,
        "store puts": backend.dispatched / storage.puts_a_second / did.seconds if storage.puts_a_second else 0.0,
    }
    most = max(shares, key=lambda each: shares[each])
    if shares[most] > 0.8:
        return most
    return max(
        {
            "stragglers at the tail": did.tail,
            "stragglers, and what died": (backend.worked - backend.waited - did.cpu_seconds) / machines.slots,
            "nodes that were lost": backend.lost / machines.slots,
            "start of workers": machines.worker_seconds,
            "waiting for the store": backend.waited / machines.slots,
        }.items(),
        key=lambda each: each[1],
    )[0]
