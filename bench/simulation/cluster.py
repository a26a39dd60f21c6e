"""A simulated cluster, as a backend of cipin_ray.window: a virtual clock, a heap of events, nodes that are lost.

The driver is one server. What its code takes is charged to the clock (`charge`), and while it is at one result it is at
no other; the cluster goes on meanwhile.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cipin.running.store import THREADS
from cipin_ray.window import Ended


@dataclass(frozen=True, slots=True)
class Machines:
    """A cluster.

    nodes, cpus        of each; one task a CPU
    slowed             how many times longer work takes, where others want the same processors
    worker_seconds     that a worker process takes to start and import
    lost_an_hour       share of nodes that are lost in an hour
    notice_seconds     until Ray declares a lost node dead, and tells of attempts that were at work there
    replace_seconds    until another node is there in its place
    stragglers, slower share of attempts that take longer, and how many times
    killed             share of attempts that are killed for want of memory
    hung               share of attempts that stop for ever
    poison             shards that kill every worker
    """

    nodes: int
    cpus: int = 16
    slowed: float = 1.0
    worker_seconds: float = 3.0
    lost_an_hour: float = 0.0
    notice_seconds: float = 14.0
    replace_seconds: float = 120.0
    stragglers: float = 0.0
    slower: float = 10.0
    killed: float = 0.0
    hung: float = 0.0
    poison: frozenset[Any] = frozenset()

    @property
    def slots(self) -> int:
        """Tasks that are at work at a time."""
        return self.nodes * self.cpus


@dataclass(frozen=True, slots=True)
class Storage:
    """Where reports are read, and tables written.

    seconds         of a request; a worker makes its requests one after the other, but for what it fetches ahead
    asks, ahead     requests that a worker makes of a report, and how many it has under way at a time
    reads_a_second  that are served in all; 0: any number
    puts_a_second   into one prefix: a shard puts one file into each
    puts            of a shard: five tables, a record, a pack and its record
    listing         requests that the driver makes of a report before a run: stat and open; a thousandth of an object
                    store, which lists a thousand names at a time, and whose own hashes are taken
    listed_at_once  of these requests
    hashes          whether the driver hashes reports
    publishing      requests that the driver makes of a shard at the end: are three tables there, and links to five
    """

    seconds: float = 0.001
    reads_a_second: float = 0.0
    puts_a_second: float = 0.0
    asks: int = 1
    ahead: int = 1
    puts: int = 8
    listing: float = 2
    listed_at_once: int = THREADS
    hashes: bool = True
    publishing: int = 8


@dataclass(frozen=True, slots=True)
class DriverCosts:
    """Seconds of the driver; see ray_costs.measure, and driver.measure_window.

    dispatch   that Ray takes to hand a task to a worker, one after the other, beside the main thread
    handle     what the run does with a result: record, event, progress
    """

    begin: float = 0.0
    wait: float = 0.0
    wait_attempt: float = 0.0
    ended: float = 0.0
    ages: float = 0.0
    ages_attempt: float = 0.0
    dispatch: float = 0.0
    handle: float = 0.0


#: As the worker and the executor have it (cipin_ray.worker.BEAT): how often is asked for signs of life.
BEAT = 5.0


@dataclass(slots=True)
class _Attempt:
    shard: Any
    node: int = -1
    began: float = -1.0
    how: str = "done"
    seconds: float = 0.0


class SimulatedBackend:
    """Begins attempts on a simulated cluster; see cipin_ray.window.Backend.

    work       returns the processor seconds of a shard, and the files that it reads
    now        the driver's clock
    busy       seconds that the driver was at work
    requests, reads   of the store, and those that read
    worked, waited    seconds of attempts that ended, and of those for the store
    lost       seconds of CPUs of nodes that were lost, until others were in their place
    dispatched, last_start   attempts that were begun at a CPU, and when the last shard was begun first
    """

    def __init__(
        self,
        machines: Machines,
        work: Callable[[Any], tuple[float, int]],
        costs: DriverCosts,
        chance: random.Random,
        storage: Storage | None = None,
    ) -> None:
        self.machines = machines
        self.now = 0.0
        self.busy = 0.0
        self.requests = self.reads = 0
        self.worked = self.waited = self.lost = 0.0
        self.dispatched = 0
        self.last_start = 0.0
        self._tried: set[Any] = set()
        self._work = work
        self._costs = costs
        self._chance = chance
        self._storage = storage or Storage()
        self._events: list[tuple[float, int, str, Any]] = []
        self._number = 0
        self._attempts: dict[int, _Attempt] = {}
        self._queue: deque[int] = deque()
        self._at: list[set[int]] = [set() for _ in range(machines.nodes)]
        self._free: deque[tuple[int, int]] = deque()
        self._life = [0] * machines.nodes
        self._ended: list[tuple[int, Ended]] = []
        self._dispatcher = self._reads = self._puts = 0.0
        self._ages: dict[int, tuple[float, float]] = {}
        self._asked = 0.0
        for node in range(machines.nodes):
            self._start_node(node, 0.0)

    # -------------------------------------------------------------------------------------------- the backend

    def begin(self, shard: Any) -> int:
        """See window.Backend."""
        self.charge(self._costs.begin)
        self._number += 1
        handle = self._number  # events have numbers, too
        self._attempts[handle] = _Attempt(shard)
        self._queue.append(handle)
        self._dispatch(self.now)
        return handle

    def wait(self) -> list[tuple[int, Ended]]:
        """See window.Backend."""
        costs = self._costs
        self.charge(costs.wait + costs.wait_attempt * len(self._attempts))
        until = self.now + BEAT
        while not self._ended and self._events and self._events[0][0] <= until:
            self._step()
        self.now = self.now if self._ended else until
        ended, self._ended = self._ended, []
        self.charge(costs.ended * len(ended))
        return ended

    def ages(self) -> dict[int, tuple[float, float]]:
        """See window.Backend: of attempts at work, as they were when last asked for."""
        self.charge(self._costs.ages_attempt * len(self._ages))
        if self.now - self._asked >= BEAT:
            self.charge(self._costs.ages)
            self._asked = self.now
            self._ages = {
                number: (self.now - each.began, self.now - each.began if each.how == "hung" else 0.0)
                for number, each in self._attempts.items()
                if each.began >= 0
            }
        return self._ages

    def give_up(self, handle: int) -> None:
        """See window.Backend: the process is killed, and another must start in its place."""
        attempt = self._attempts.pop(handle, None)
        if attempt is None:
            self._ended = [each for each in self._ended if each[0] != handle]
        elif attempt.node >= 0 and handle in self._at[attempt.node]:
            self._at[attempt.node].discard(handle)
            self._later(self.now + self.machines.worker_seconds, "free", (attempt.node, self._life[attempt.node]))

    def charge(self, seconds: float) -> None:
        """Let the driver be at work for so long; the cluster goes on."""
        self.busy += seconds
        self.now += seconds
        while self._events and self._events[0][0] <= self.now:
            self._step()

    # -------------------------------------------------------------------------------------------- the cluster

    def _later(self, at: float, what: str, whom: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, what, whom))

    def _step(self) -> None:
        at, _, what, whom = heapq.heappop(self._events)
        self.now = max(self.now, at)
        if what == "end":
            self._end(at, *whom)
        elif what == "free":
            node, life = whom
            if self._life[node] == life:
                self._free.append(whom)
                self._dispatch(at)
        elif what == "lost":
            self._lose(at, *whom)
        elif what == "start":
            self._start_node(whom, at)
        elif what == "told":
            for handle in whom:
                if self._attempts.pop(handle, None) is not None:
                    self._ended.append((handle, Ended("node")))

    def _start_node(self, node: int, at: float) -> None:
        machines = self.machines
        self._life[node] += 1
        here = (node, self._life[node])
        for _ in range(machines.cpus):
            self._later(at + machines.worker_seconds, "free", here)
        if machines.lost_an_hour:
            self._later(at + self._chance.expovariate(machines.lost_an_hour / 3600), "lost", here)

    def _lose(self, at: float, node: int, life: int) -> None:
        if self._life[node] == life:
            self._life[node] += 1  # what is said of its earlier life counts no more
            self.lost += self.machines.cpus * (self.machines.replace_seconds + self.machines.worker_seconds)
            dead, self._at[node] = self._at[node], set()
            self._later(at + self.machines.notice_seconds, "told", sorted(dead))
            self._later(at + self.machines.replace_seconds, "start", node)

    def _dispatch(self, at: float) -> None:
        """Hand tasks to CPUs that are free, one after the other."""
        while self._queue and self._free:
            here = self._free.popleft()
            if self._life[here[0]] != here[1]:
                continue
            handle = self._queue.popleft()
            attempt = self._attempts.get(handle)
            if attempt is None:  # given up before it began
                self._free.appendleft(here)
                continue
            self._dispatcher = max(at, self._dispatcher) + self._costs.dispatch
            self.dispatched += 1
            if attempt.shard not in self._tried:
                self._tried.add(attempt.shard)
                self.last_start = self._dispatcher
            self._run(handle, attempt, here, self._dispatcher)

    def _run(self, handle: int, attempt: _Attempt, here: tuple[int, int], at: float) -> None:
        machines, chance = self.machines, self._chance
        seconds, n_files = self._work(attempt.shard)
        seconds *= machines.slowed
        if machines.stragglers and chance.random() < machines.stragglers:
            seconds *= machines.slower
        seconds += self._stored(at, n_files)
        if attempt.shard in machines.poison:
            attempt.how, seconds = "worker", seconds * chance.random()
        elif machines.killed and chance.random() < machines.killed:
            attempt.how, seconds = "memory", seconds * chance.random()
        elif machines.hung and chance.random() < machines.hung:
            attempt.how = "hung"
        attempt.node, attempt.began, attempt.seconds = here[0], at, seconds
        self._at[here[0]].add(handle)
        if attempt.how != "hung":
            self._later(at + seconds, "end", (handle, here))

    def _stored(self, at: float, n_files: int) -> float:
        """Return how long the requests of a shard take: its own, behind those of others that the store serves first."""
        store = self._storage
        reads = n_files * store.asks
        self.requests += reads + store.puts
        self.reads += reads
        if store.reads_a_second:
            self._reads = max(at, self._reads) + reads / store.reads_a_second
        if store.puts_a_second:
            self._puts = max(at, self._puts) + 1 / store.puts_a_second
        seconds = max((reads / store.ahead + store.puts) * store.seconds, self._reads - at, self._puts - at)
        self.waited += seconds
        return seconds

    def _end(self, at: float, handle: int, here: tuple[int, int]) -> None:
        node, life = here
        if self._life[node] != life or handle not in self._at[node]:
            return  # its node was lost, or it was given up
        self._at[node].discard(handle)
        attempt = self._attempts.pop(handle)
        self.worked += attempt.seconds
        result = attempt.shard if attempt.how == "done" else None
        self._ended.append((handle, Ended(attempt.how, result, attempt.seconds)))
        if attempt.how == "done":
            self._free.append(here)
            self._dispatch(at)
        else:
            self._later(at + self.machines.worker_seconds, "free", here)


def list_schedule(seconds: list[float], slots: int) -> float:
    """Return when the last of tasks ends that are begun in this order, each where a slot is free first."""
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free) if seconds else 0.0


def at_best(seconds: list[float], slots: int) -> float:
    """Return the makespan that no schedule beats."""
    return max(math.fsum(seconds) / slots, max(seconds, default=0.0))
