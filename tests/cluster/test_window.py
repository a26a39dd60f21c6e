"""What is begun when, what is tried again, and what is given up: on a backend that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import pytest

from cipin_ray.window import DEATHS, ENOUGH, LEAST_SECONDS, SILENCE, Ended, Window

Script = Callable[[str, int], Ended | None]


class Told:
    """A backend whose attempts end at the next wait, as a script says of a shard and the number of its attempt.

    None: it does not end, unless it is given up.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.under_way: dict[str, tuple[str, int]] = {}
        self.attempts: dict[str, int] = {}
        self.most = 0
        self.given_up: list[str] = []
        self.aged: dict[str, tuple[float, float]] = {}
        self.waits = 0
        self.fresh = False

    def begin(self, shard: str) -> str:
        number = self.attempts[shard] = self.attempts.get(shard, 0) + 1
        handle = f"{shard}.{number}"
        self.under_way[handle] = shard, number
        self.most = max(self.most, len(self.under_way))
        return handle

    def wait(self) -> list[tuple[str, Ended]]:
        self.waits += 1
        assert self.waits < 1000, "it waits for ever"
        ended = []
        for handle, (shard, number) in list(self.under_way.items()):
            how = self.script(shard, number)
            if how is not None:
                del self.under_way[handle]
                ended.append((handle, how))
        return ended

    def ages(self, *, fresh: bool = False) -> dict[str, tuple[float, float]]:
        self.fresh |= fresh
        return {handle: self.aged[handle] for handle in self.under_way if handle in self.aged}

    def give_up(self, handle: str) -> None:
        self.given_up.append(handle)
        self.under_way.pop(handle, None)


def done(shard: str, number: int) -> Ended:
    return Ended("done", shard.upper(), 1.0)


def test_each_shard_once_and_never_more_than_the_window() -> None:
    backend = Told(done)
    asked: list[int] = []

    def shards() -> Iterator[str]:
        for number in range(50):
            asked.append(number)
            yield f"s{number}"

    found = Window[str](backend, 2, 6).run(shards())
    first = next(found)
    assert first == ("s0", "S0")
    assert len(asked) <= 7  # a plan of a million shards is not read ahead
    rest = list(found)
    assert sorted([first, *rest]) == sorted((f"s{n}", f"S{n}") for n in range(50))
    assert backend.most <= 6


@pytest.mark.parametrize("how", ["worker", "memory", "silence", "node"])
def test_deaths_are_counted_for_each_kind(how: str) -> None:
    few = DEATHS[how] - 1
    backend = Told(lambda shard, number: Ended(how) if number <= few and shard == "b" else done(shard, number))
    window = Window[str](backend, 2, 4)
    assert sorted(window.run("abc")) == [("a", "A"), ("b", "B"), ("c", "C")]
    assert window.retries == few
    backend = Told(lambda shard, number: Ended(how) if shard == "b" else done(shard, number))
    assert sorted(Window[str](backend, 2, 4).run("abc"), key=str) == [("a", "A"), ("b", None), ("c", "C")]
    assert backend.attempts["b"] == DEATHS[how]


def test_what_fails_is_raised_and_all_else_given_up() -> None:
    backend = Told(lambda shard, number: Ended("failed", OSError("full")) if shard == "b" else None)
    with pytest.raises(OSError, match="full"):
        list(Window[str](backend, 2, 3).run("abcd"))
    assert sorted(backend.given_up) == ["a.1", "c.1"]
    assert backend.under_way == {}


def test_whoever_stops_listening_leaves_nothing_running() -> None:
    backend = Told(lambda shard, number: done(shard, number) if shard == "a" else None)
    found = Window[str](backend, 2, 3).run("abcd")
    assert next(found) == ("a", "A")
    found.close()
    assert sorted(backend.given_up) == ["b.1", "c.1"]


def straggling(backend: Told, window: Window[str], n: int) -> list[tuple[str, Any]]:
    return list(window.run([f"s{number}" for number in range(n)]))


def test_a_straggler_is_tried_beside_and_the_first_counts() -> None:
    # s0 hangs; its second attempt comes through, and the first is given up.
    backend = Told(lambda shard, number: None if (shard, number) == ("s0", 1) else done(shard, number))
    backend.aged = {"s0.1": (LEAST_SECONDS + 1, 1.0)}
    window = Window[str](backend, 2, 4)
    assert len(straggling(backend, window, ENOUGH + 3)) == ENOUGH + 3
    assert backend.attempts["s0"] == 2
    assert backend.given_up == ["s0.1"]
    assert window.retries == 1


def test_no_twin_while_workers_are_busy_or_little_is_known() -> None:
    def ends_late(shard: str, number: int) -> Ended | None:
        return done(shard, number) if shard != "s0" or backend.waits > 20 else None

    backend = Told(ends_late)
    backend.aged = {"s0.1": (LEAST_SECONDS - 1, 1.0)}
    straggling(backend, Window[str](backend, 2, 4), ENOUGH + 3)
    assert backend.attempts["s0"] == 1  # not late enough
    backend = Told(ends_late)
    backend.aged = {"s0.1": (LEAST_SECONDS + 1, 1.0)}
    straggling(backend, Window[str](backend, 2, 4), ENOUGH - 1)
    assert backend.attempts["s0"] == 1  # too few others to compare with


def test_twins_that_die_are_one_shard_that_dies() -> None:
    def script(shard: str, number: int) -> Ended | None:
        if shard != "s0":
            return done(shard, number)
        return None if backend.waits < 12 else Ended("worker")

    backend = Told(script)
    backend.aged = {"s0.1": (LEAST_SECONDS + 1, 1.0)}
    found = straggling(backend, Window[str](backend, 2, 4), ENOUGH + 3)
    assert [shard for shard, result in found if result is None] == ["s0"]
    assert backend.attempts["s0"] == 2


def test_silence_is_given_up_and_tried_again() -> None:
    backend = Told(lambda shard, number: None if (shard, number) == ("b", 1) else done(shard, number))
    backend.aged = {"b.1": (SILENCE + 9, SILENCE + 1)}
    window = Window[str](backend, 2, 4)
    assert sorted(window.run("abc")) == [("a", "A"), ("b", "B"), ("c", "C")]
    assert "b.1" in backend.given_up
    assert backend.attempts["b"] == 2


def test_slowest_is_said() -> None:
    backend = Told(lambda shard, number: done(shard, number) if backend.waits > 3 else None)
    backend.aged = {"a.1": (12.0, 1.0), "b.1": (7.0, 1.0)}
    window = Window[str](backend, 2, 4)
    assert len(list(window.run("ab"))) == 2
    assert window.slowest == 12.0


def test_stopping_finishes_what_is_at_work_and_gives_up_what_waits() -> None:
    stopped: list[bool] = []
    backend = Told(lambda shard, number: done(shard, number) if shard == "a" or backend.waits > 3 else None)
    backend.aged = {"b.1": (1.0, 1.0)}
    found = Window[str](backend, 2, 4, lambda: bool(stopped)).run(takewhile(lambda _: not stopped, "abcdefgh"))
    assert next(found) == ("a", "A")
    stopped.append(True)
    assert list(found) == [("b", "B")]
    assert sorted(backend.given_up) == ["c.1", "d.1"]
    assert backend.fresh  # what was heard seconds ago does not know what has begun since
    assert set(backend.attempts) == {"a", "b", "c", "d"}


def test_a_window_grows_with_the_cluster() -> None:
    backend = Told(done)
    window: Window[str] = Window(backend, 1, 2)
    ended = window.run(f"s{number}" for number in range(20))
    assert next(ended)
    assert backend.most == 2
    window.resize(3, 6)
    assert len(list(ended)) == 19
    assert backend.most == 6
