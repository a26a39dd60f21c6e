"""The simulated cluster keeps its own laws, and what is simulated is the window that runs on a real one."""

from __future__ import annotations

import importlib
import inspect
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cipin_ray import window as windows

BENCH = Path(__file__).resolve().parents[2] / "bench"


def load(name: str) -> ModuleType:
    """Import a module of bench/ from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module(f"simulation.{name}")


cluster, invariants, costs, scenario, driver, table = map(
    load, ("cluster", "invariants", "costs", "scenario", "driver", "table")
)
Machines, DriverCosts, Watched = cluster.Machines, cluster.DriverCosts, invariants.Watched
#: A cluster on which everything happens that can: a node lives two minutes, and one attempt in five is ill.
ILL = Machines(3, 2, lost_an_hour=30.0, stragglers=0.05, slower=20.0, killed=0.03, hung=0.01, poison=frozenset({7}))


def run(
    machines: Any, seconds: list[float], code: Any = windows, most: int = 0, seed: int = 1, costs: Any = None
) -> tuple[dict[int, bool], Any, Any]:
    """Work through shards 0, 1, … of these seconds; return which were done, the backend, and what was watched."""
    backend = cluster.SimulatedBackend(
        machines, lambda shard: (seconds[shard], 1), costs or DriverCosts(), random.Random(seed), cluster.Storage(0.0)
    )
    most = most or 3 * machines.slots
    watched = Watched(backend, machines.slots, most)
    window = code.Window(watched, machines.slots, most)
    return dict(invariants.work_through(window, watched, range(len(seconds)))), backend, watched


SECONDS = st.lists(st.floats(0.01, 100), min_size=1, max_size=80)


@settings(max_examples=60, deadline=None)
@given(
    SECONDS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 9999), st.floats(0, 0.1),
    st.sampled_from([0.0, 5.0, 30.0]), st.sampled_from([0.0, 0.02]),
)  # fmt: skip
def test_every_shard_is_told_once_whatever_is_lost(
    seconds: list[float], nodes: int, cpus: int, window: int, seed: int, ill: float, lost: float, hung: float
) -> None:
    machines = Machines(nodes, cpus, lost_an_hour=lost, stragglers=ill, killed=ill, hung=hung, poison=frozenset({3}))
    done, backend, _ = run(machines, seconds, most=window * nodes * cpus, seed=seed)
    assert set(done) == set(range(len(seconds)))
    assert not done.get(3, False)
    assert backend.now >= cluster.at_best([each for number, each in enumerate(seconds) if number != 3], nodes * cpus)


@settings(deadline=None)
@given(SECONDS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
@example([5.0, 30.0, 32.0, 1.0, 25.0, 1.0, 1.0, 1.0], 1, 3, 1)  # tried beside while others waited
def test_without_failures_it_is_a_list_schedule(seconds: list[float], nodes: int, cpus: int, window: int) -> None:
    machines = Machines(nodes, cpus, worker_seconds=0.0)
    best = cluster.list_schedule(seconds, machines.slots)
    _, backend, _ = run(machines, seconds, most=window * machines.slots)
    # What is tried beside when a worker idles ends later than what it is beside: it began later, and is as long.
    assert backend.now == pytest.approx(best)
    dear = DriverCosts(begin=0.01, wait=0.02, wait_attempt=0.001, ended=0.01, dispatch=0.01)
    _, slow, _ = run(machines, seconds, most=window * machines.slots, costs=dear)
    # The driver's seconds are at most added, one after the other; and it need not be told of what it gives up.
    assert best <= slow.now + 1e-9 <= best + slow.busy + 0.01 * slow.dispatched + 1e-6


@given(SECONDS, st.integers(1, 5))
def test_list_schedule(seconds: list[float], slots: int) -> None:
    free = [0.0] * slots
    for each in seconds:
        first = free.index(min(free))
        free[first] += each
    assert cluster.list_schedule(seconds, slots) == max(free)
    assert cluster.at_best(seconds, slots) <= max(free) * (1 + 1e-12)


#: A fault put into the window, and of which cluster it makes something that must not be.
MUTANTS = {
    "a dead attempt's shard is dropped": ("again.append(work)", "pass"),
    "one attempt too many": ("len(self._running) < self._most", "len(self._running) <= self._most"),
    "twins are not ended": ("for handle in work.handles:\n            del", "for handle in ():\n            del"),
    "tried beside while all are busy": ("idle = self._slots - len(self._running)", "idle = 1"),
    "given up at the first death": (">= DEATHS[how]", ">= 1"),
    "told though it was not done": ("yield work.shard, ended.result", "yield work.shard, None"),
    "what dies is tried twice": ("elif not work.handles:", "else:"),
    "silence is not seen": ("if silent > SILENCE", "if False"),
}  # fmt: skip


def mutant(old: str, new: str) -> ModuleType:
    source = inspect.getsource(windows)
    assert source.count(old) == 1, old
    module = ModuleType("mutant")
    sys.modules["mutant"] = module  # dataclasses look their module up
    exec(source.replace(old, new), module.__dict__)
    return module


def histories(code: Any) -> None:
    """Run what is ill in all ways, what straggles alone, and what hangs where no worker idles."""
    for seed in range(12):
        chance = random.Random(seed)
        seconds = [chance.lognormvariate(2, 1) for _ in range(150)]
        _, backend, _ = run(ILL, seconds, code, seed=seed)
        assert backend.now < 4 * 3600, "it does not end"
        run(replace(ILL, lost_an_hour=0.0, stragglers=0.1, slower=50.0), seconds[:60], code, seed=seed)
        run(Machines(1, 1, hung=0.2), seconds[:10], code, seed=seed)


def test_the_window_keeps_its_promises() -> None:
    histories(windows)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_window_with_a_fault_is_caught(name: str) -> None:
    code = mutant(*MUTANTS[name])
    backend_wait = cluster.SimulatedBackend.wait

    def patient(self: Any) -> Any:
        if self.now > 24 * 3600:
            raise AssertionError("it does not end")
        return backend_wait(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.SimulatedBackend, "wait", patient)
        with pytest.raises((AssertionError, KeyError)):
            histories(code)


def test_same_seed_same_run() -> None:
    seconds = [1.0 + number % 7 for number in range(200)]
    runs = [run(ILL, seconds, seed=seed) for seed in (1, 1, 2)]
    first, second, third = ((done, backend.now, backend.busy) for done, backend, _ in runs)
    assert first == second != third


def test_stragglers_are_tried_beside_and_both_end() -> None:
    # One of forty takes a hundred times as long; alone at the end, it is tried beside, as quick as the others.
    seconds = [10.0] * 40
    machines = Machines(1, 4, worker_seconds=0.0, stragglers=0.04, slower=100.0)
    done, backend, watched = run(machines, seconds, seed=3)
    assert all(done.values())
    assert watched.twins > 0
    assert backend.now < 300  # and not 1,000


class Stale:
    """A backend whose signs of life name attempts that are over; attempt 0 never ends, and of others each at once."""

    def __init__(self, dead: int) -> None:
        self.began: list[Any] = []
        self.dead = dead
        self.rounds = 0

    def begin(self, shard: Any) -> int:
        self.began.append(shard)
        return len(self.began) - 1

    def wait(self) -> list[tuple[int, windows.Ended]]:
        self.rounds += 1
        if self.began.count("slow") > 1 or self.rounds > 20:
            return [(handle, windows.Ended("done", shard, 1.0)) for handle, shard in enumerate(self.began)]
        return [(handle, windows.Ended("done", shard, 1.0)) for handle, shard in enumerate(self.began) if handle]

    def ages(self) -> dict[Any, tuple[float, float]]:
        gone = {f"gone-{number}": (10_000.0, 0.0) for number in range(self.dead)}
        return {**gone, 0: (500.0, 0.0)}

    def give_up(self, handle: Any) -> None:
        pass


@pytest.mark.parametrize("dead", [0, 1, 5])
def test_what_is_over_does_not_keep_a_straggler_from_being_tried_beside(dead: int) -> None:
    backend = Stale(dead)
    list(windows.Window(backend, 2, 6).run(["slow", *range(9)]))
    assert backend.began.count("slow") == 2, "a worker idled beside a straggler"


def test_what_is_tried_beside_already_does_not_keep_others_from_it() -> None:
    # Of four workers two idle at the end, and three stragglers are left one after the other.
    class Two(Stale):
        def wait(self) -> list[tuple[int, windows.Ended]]:
            self.rounds += 1
            if self.rounds == 1:
                return [
                    (handle, windows.Ended("done", shard, 1.0)) for handle, shard in enumerate(self.began) if handle > 2
                ]
            if self.rounds == 2:  # the third ends, and a worker more idles
                return [(2, windows.Ended("done", "c", 1.0))]
            return [(h, windows.Ended("done", s, 1.0)) for h, s in enumerate(self.began)] if self.rounds > 5 else []

        def ages(self) -> dict[Any, tuple[float, float]]:
            return {number: (500.0 - number, 0.0) for number in range(len(self.began)) if not 2 < number < 9}

    backend = Two(0)
    list(windows.Window(backend, 4, 12).run(["a", "b", "c", *range(6)]))
    assert backend.began.count("a") == 2
    assert backend.began.count("b") == 2


def test_the_driver_is_one_server() -> None:
    # A driver that takes 10 ms a task gives out at 100 tasks a second, however many nodes there are.
    slow = DriverCosts(begin=0.004, ended=0.006)
    seconds = [0.1] * 3000
    made = [run(Machines(nodes, 10, worker_seconds=0.0), seconds, costs=slow)[1].now for nodes in (1, 2, 10, 50)]
    assert made == sorted(made, reverse=True) or made[-1] < 1.1 * made[-2]
    assert all(each >= 30.0 for each in made)
    assert made[-1] < 31.0 + 3


def test_slow_store() -> None:
    backend = cluster.SimulatedBackend(
        Machines(1, 1, worker_seconds=0.0),
        lambda shard: (1.0, 4),
        DriverCosts(),
        random.Random(1),
        cluster.Storage(0.5),
    )
    list(windows.Window(backend, 1, 3).run(range(5)))
    assert backend.now == pytest.approx(5 * (1.0 + 0.5 * (4 + 8)))
    limited = cluster.SimulatedBackend(
        Machines(9, 10, worker_seconds=0.0), lambda shard: (0.0, 1), DriverCosts(), random.Random(1),
        cluster.Storage(0.0, puts_a_second=50),
    )  # fmt: skip
    list(windows.Window(limited, 90, 270).run(range(500)))
    assert limited.now == pytest.approx(10.0)


def test_lost_node_is_told_when_ray_notices() -> None:
    machines = Machines(1, 1, worker_seconds=0.0, lost_an_hour=3600 / 40, notice_seconds=14, replace_seconds=100)
    backend = cluster.SimulatedBackend(machines, lambda shard: (1000.0, 0), DriverCosts(), random.Random(1))
    handle = backend.begin("x")
    told = []
    while not told:
        told = backend.wait()
    lost = random.Random(1).expovariate(1 / 40)
    assert told == [(handle, windows.Ended("node"))]
    assert backend.now == pytest.approx(lost + 14)


# ------------------------------------------------------------------------------------------------ what is measured


def test_fit_finds_the_line() -> None:
    line = costs.fit([(10, 7.0), (1000, 205.0), (100_000, 20_005.0)])
    assert (line.fixed, line.each, line.largest) == (pytest.approx(5), pytest.approx(0.2), 100_000)
    assert line.exponent == pytest.approx(1, abs=0.01)
    assert line.at(1_000_000) == pytest.approx(200_005)


def test_what_is_extrapolated_grew_linearly() -> None:
    found = costs.Costs.load()
    grew = {name: found.seconds[name].exponent for name in found.seconds}
    assert all(0.75 < exponent < 1.3 for exponent in grew.values()), grew


def test_the_driver_is_the_real_one(tmp_path: Path) -> None:
    phases = {each.name: each for each in driver.path(tmp_path, 2000)}
    assert list(phases) == ["sources", "cut", "survey", "write_plan", "locate", "work", "balance", "publish"]
    assert all(each.seconds >= 0 for each in phases.values())
    # What it published is a version of cipin, of as many shards as are planned.
    out = tmp_path / "out"
    (version,) = (out / "_meta" / "versions").iterdir()
    (plan,) = (out / "_meta" / "plans").iterdir()
    assert version.read_text("utf-8").count('"shard"') == plan.read_text("utf-8").count('"shard"') > 50


def test_tables_are_those_of_a_run(tmp_path: Path) -> None:
    phases = driver.tables(tmp_path, 60, 40)
    assert [each.name for each in phases] == ["tables", "links"]
    assert len(list((tmp_path / "out" / "data" / "panel").iterdir())) == 1


def test_what_is_scaled_is_what_would_be_simulated() -> None:
    measured = costs.Costs.load()
    asked = scenario.Scenario("", 200_000, Machines(2), kind="text")
    whole, scaled = (scenario.simulate(replace(asked, least_shards=least), measured) for least in (8000, 2000))
    assert (whole.simulated, scaled.simulated) == (whole.shards, 2000)
    assert scaled.work == pytest.approx(whole.work, rel=0.05)


# ------------------------------------------------------------------------------------------------ the table


def test_readme_shows_what_the_simulation_says() -> None:
    text = (BENCH / "simulation" / "README.md").read_text("utf-8")
    measured = costs.Costs.load()
    quick = [each for each in table.scenarios() if each.machines.slots <= 160 and each.reports <= 10**5]
    assert quick
    for each in quick:
        row = table.row(scenario.simulate(each, measured))
        assert row in text, f"python -m simulation, in bench/, has another row: {row}"
    assert len(re.findall(r"^\| ", text, re.MULTILINE)) >= len(table.scenarios())
