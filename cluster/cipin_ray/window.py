"""What is under way on a cluster: a bounded window of attempts, tried again where workers and nodes die.

It knows neither Ray nor reports: a `Backend` begins attempts and tells how they end, so that the same decisions run
on a real cluster and on a simulated one (`bench/simulation`).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Generic, Protocol, TypeVar

S = TypeVar("S")

#: Deaths of the worker after which a shard is handed back as one that kills: the second could be a neighbour's doing.
#: Ray itself would try again for ever what it kills for want of memory, so that these are counted here, too.
DEATHS = {"worker": 2, "memory": 3, "silence": 2, "node": 8}
#: Seconds without any sign of progress after which an attempt is given up. A document takes 60 s at most, twice.
SILENCE = 900.0
#: Attempts that have ended, at least, before a straggler is told from the others; and how much longer it takes.
ENOUGH, STRAGGLES, LEAST_SECONDS = 5, 3.0, 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    how      "done", "failed" (`result` is the exception), or by which death: a key of DEATHS
    seconds  that it took where it ran
    """

    how: str
    result: Any = None
    seconds: float = 0.0


class Backend(Protocol):
    """Begins attempts somewhere, and tells how they end."""

    def begin(self, shard: Any) -> Any:
        """Begin an attempt at a shard; return its handle."""

    def wait(self) -> list[tuple[Any, Ended]]:
        """Wait, not for ever, until attempts have ended; return their handles, and how."""

    def ages(self, *, fresh: bool = False) -> dict[Any, tuple[float, float]]:
        """Return of attempts at work: seconds since each began, and since it was last seen to go on.

        fresh   as of now: what is not in it is at no worker
        """

    def give_up(self, handle: Any) -> None:
        """End an attempt whose result is no longer wanted; nothing more is told of it."""


@dataclass(slots=True)
class _Work(Generic[S]):
    """A shard that is not done yet: the attempts at it that are under way, and its deaths so far."""

    shard: S
    handles: set[Any] = field(default_factory=set)
    deaths: dict[str, int] = field(default_factory=dict)


class Window(Generic[S]):
    """Works through shards with at most `most` attempts under way, of which `slots` are at work at a time.

    stopping  tells whether the run is to end when what is at work is done

    retries   attempts that were begun again, after a death or beside a straggler
    slowest   seconds of the attempt that is at work for longest
    """

    def __init__(self, backend: Backend, slots: int, most: int, stopping: Callable[[], bool] = lambda: False) -> None:
        self._backend = backend
        self._slots = slots
        self._most = most
        self._stopping = stopping
        self._running: dict[Any, _Work[S]] = {}
        self._took: deque[float] = deque(maxlen=200)
        self.retries = 0
        self.slowest = 0.0

    def resize(self, slots: int, most: int) -> None:
        """Go on with another number of slots, and of attempts under way; those that are, stay."""
        self._slots, self._most = slots, most

    @property
    def under_way(self) -> int:
        """Attempts that were begun and have not ended."""
        return len(self._running)

    def run(self, shards: Iterable[S]) -> Iterator[tuple[S, Any]]:
        """Yield each shard with its result, or with None if it killed its workers. Raises what an attempt raises."""
        waiting = iter(shards)
        again: deque[_Work[S]] = deque()
        try:
            while True:
                while len(self._running) < self._most and (work := self._next(again, waiting)) is not None:
                    self._begin(work)
                if not self._running:
                    return
                stopping = self._stopping()
                ages = self._backend.ages(fresh=True) if stopping else self._backend.ages()
                if stopping:
                    # What is at work is finished; of what only waits there is three times as much.
                    self._give_up_but(ages)
                    again.clear()
                # Here, where as many as there is room for are begun: before, workers idle though shards wait.
                self._begin_twins(ages)
                for handle, ended in [*self._backend.wait(), *self._silent(ages)]:
                    work = self._running.pop(handle, None)
                    if work is None:
                        continue  # a twin's result, which another was before
                    work.handles.discard(handle)
                    if ended.how == "failed":
                        raise ended.result
                    if ended.how == "done":
                        self._took.append(ended.seconds)
                        self._end_twins(work)
                        yield work.shard, ended.result
                    elif self._is_killer(work, ended.how):
                        self._end_twins(work)
                        yield work.shard, None
                    elif not work.handles:
                        self.retries += 1
                        again.append(work)
        finally:
            for handle in list(self._running):
                self._backend.give_up(handle)

    def _give_up_but(self, at_work: Container[Any]) -> None:
        for handle in [each for each in self._running if each not in at_work]:
            self._running.pop(handle).handles.discard(handle)
            self._backend.give_up(handle)

    def _next(self, again: deque[_Work[S]], waiting: Iterator[S]) -> _Work[S] | None:
        if again:
            return again.popleft()
        for shard in waiting:
            return _Work(shard)
        return None

    def _begin(self, work: _Work[S]) -> None:
        handle = self._backend.begin(work.shard)
        work.handles.add(handle)
        self._running[handle] = work

    def _is_killer(self, work: _Work[S], how: str) -> bool:
        work.deaths[how] = work.deaths.get(how, 0) + 1
        _log.info("an attempt ended by the death of its %s (number %d)", how, work.deaths[how])
        return work.deaths[how] >= DEATHS[how]

    def _end_twins(self, work: _Work[S]) -> None:
        for handle in work.handles:
            del self._running[handle]
            self._backend.give_up(handle)
        work.handles.clear()

    def _silent(self, ages: dict[Any, tuple[float, float]]) -> Iterator[tuple[Any, Ended]]:
        """Give up attempts that show no progress, and yield them."""
        ages = {handle: age for handle, age in ages.items() if handle in self._running}
        self.slowest = max((age for age, _ in ages.values()), default=0.0)
        for handle, (_, silent) in ages.items():
            if silent > SILENCE:
                _log.warning("an attempt has shown no progress for %.0f s, and is given up", silent)
                self._backend.give_up(handle)
                yield handle, Ended("silence")

    def _begin_twins(self, ages: dict[Any, tuple[float, float]]) -> None:
        """Try what straggles a second time, where a worker would idle: of two records of a shard the first counts."""
        idle = self._slots - len(self._running)
        if idle <= 0 or len(self._took) < ENOUGH:
            return
        limit = max(LEAST_SECONDS, STRAGGLES * median(self._took))
        # Chosen from before they are cut to as many as idle: what was heard of may have ended, or go on on a node that
        # was lost, and be the oldest for ever; and what is tried beside already needs no third.
        slow = [
            (age, handle)
            for handle, (age, _) in ages.items()
            if age > limit and (work := self._running.get(handle)) is not None and len(work.handles) == 1
        ]
        for age, handle in sorted(slow, key=lambda each: -each[0])[:idle]:
            _log.info("an attempt takes %.0f s, others %.0f; it is tried beside", age, limit)
            self.retries += 1
            self._begin(self._running[handle])
