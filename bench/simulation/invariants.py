"""What must hold in every simulated run, whatever is lost: checked at each call that the window makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from cipin_ray.window import DEATHS, SILENCE, Backend, Ended, Window


class BrokenPromise(AssertionError):
    """The window did what it must not."""


class Watched:
    """A backend between a window and a real one, which raises BrokenPromise.

    twins        attempts that were begun beside another at the same shard
    are_waiting  whether there are shards left that were never begun
    """

    def __init__(self, backend: Backend, slots: int, most: int) -> None:
        self._backend = backend
        self._slots = slots
        self._most = most
        self._at: dict[Any, Any] = {}
        self._attempts: Counter[Any] = Counter()
        self._ages: dict[Any, tuple[float, float]] = {}
        self.deaths: dict[Any, Counter[str]] = {}
        self.twins = 0
        self.are_waiting = True

    def begin(self, shard: Any) -> Any:
        """See window.Backend."""
        if len(self._at) >= self._most:
            raise BrokenPromise(f"{len(self._at) + 1} attempts are under way; the window has room for {self._most}")
        if self._attempts[shard]:
            self.twins += 1
            if self._attempts[shard] > 1 or len(self._at) >= self._slots or self.are_waiting:
                raise BrokenPromise(f"{shard}: tried beside while no worker idles, or by a third")
        handle = self._backend.begin(shard)
        self._at[handle] = shard
        self._attempts[shard] += 1
        return handle

    def wait(self) -> list[tuple[Any, Ended]]:
        """See window.Backend."""
        ended = self._backend.wait()
        for handle, how in ended:
            shard = self._at[handle]
            self._over(handle)
            if how.how != "done":
                self.deaths.setdefault(shard, Counter())[how.how] += 1
        return ended

    def ages(self) -> dict[Any, tuple[float, float]]:
        """See window.Backend."""
        self._ages = self._backend.ages()
        return self._ages

    def give_up(self, handle: Any) -> None:
        """See window.Backend."""
        if handle in self._at:
            if self._ages.get(handle, (0.0, 0.0))[1] > SILENCE:
                self.deaths.setdefault(self._at[handle], Counter())["silence"] += 1
            self._over(handle)
        self._backend.give_up(handle)

    def _over(self, handle: Any) -> None:
        shard = self._at.pop(handle)
        self._attempts[shard] -= 1
        if not self._attempts[shard]:
            del self._attempts[shard]

    def check_end(self) -> None:
        """Raise BrokenPromise if something is still under way."""
        if self._at:
            raise BrokenPromise(f"{len(self._at)} attempts are still under way")


def work_through(window: Window[Any], watched: Watched, shards: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
    """Yield each shard and whether it was done, as the window tells; raise BrokenPromise if it is not each, once."""
    waiting: set[Any] = set()
    told: set[Any] = set()

    def hand_over() -> Iterator[Any]:
        for shard in shards:
            waiting.add(shard)
            yield shard
        watched.are_waiting = False

    for shard, result in window.run(hand_over()):
        if shard not in waiting:
            raise BrokenPromise(f"{shard}: told {'twice' if shard in told else 'though it was not asked for'}")
        waiting.remove(shard)
        told.add(shard)
        if result is None:
            if not any(n >= DEATHS[how] for how, n in watched.deaths.get(shard, {}).items()):
                raise BrokenPromise(f"{shard}: given up after {dict(watched.deaths.get(shard, {}))}")
        elif result != shard:
            raise BrokenPromise(f"{shard}: has the result of {result}")
        yield shard, result is not None
    if waiting:
        raise BrokenPromise(f"{len(waiting)} shards were never told, such as {next(iter(waiting))}")
    watched.check_end()
