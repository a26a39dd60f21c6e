"""What Ray costs the driver a task: the real backend of RayExecutor, timed call by call on a Ray of two CPUs.

CPU seconds of the driver's main thread, and not the clock's: the machine is shared, and the main thread alone decides.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cipin.running.driving import Progress
from simulation.costs import not_below_zero
from simulation.driver import made_record, made_shards


def measure(n_shards: int, most: int) -> dict[str, float]:
    """Return the seconds of each of the driver's calls; `most` tasks are handed over at a time.

    begin               handing over a task
    wait, wait_attempt  waiting, and what it takes longer for each attempt that is under way
    ended               fetching a result
    ages, ages_attempt  asking for signs of life, and what that takes longer for each attempt at work
    report              showing how far a run is to Ray's metrics, as is done for each result
    main, process       all of these a task, and all processor time of the driver's process: the rest is Ray's dispatch
    clock, round        by the clock: a task of many, and one that the next waits for
    """
    import ray

    from cipin_ray.executor import _Tasks
    from cipin_ray.window import Window

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        backend = _Tasks(_nothing, None)
        timed = _Timed(backend)
        shards = made_shards(n_shards, random.Random(1))
        for _ in Window(backend, 2, 4).run(shards[:50]):
            pass  # workers start, and import
        began, cpu = time.monotonic(), time.process_time()
        alone = Window(timed, 1, 1)
        for _ in alone.run(shards[:200]):
            pass
        one = (time.monotonic() - began) / 200
        timed.calls.clear()
        began, cpu = time.monotonic(), time.process_time()
        for _ in Window(timed, 2, most).run(shards):
            pass
        cpu, took = time.process_time() - cpu, time.monotonic() - began
        report = _report()
    finally:
        ray.shutdown()
    begin = [seconds for name, _, _, seconds in timed.calls if name == "begin"]
    waits = np.array(
        [[1, under_way, ended, seconds] for name, under_way, ended, seconds in timed.calls if name == "wait"]
    )
    ages = [seconds for name, _, _, seconds in timed.calls if name == "ages" and seconds > 0.0005]
    fixed, each, ended = map(float, not_below_zero(waits[:, :3], waits[:, 3]))
    main = sum(seconds for *_, seconds in timed.calls) / n_shards
    return {
        "begin": float(np.mean(begin)),
        "wait": fixed,
        "wait_attempt": each,
        "ended": ended,
        "ages": float(np.median(ages)) if ages else 0.0,
        "report": report,
        "main": main,
        "process": cpu / n_shards,
        "clock": took / n_shards,
        "round": one,
    }


def _report() -> float:
    from cipin_ray.metrics import Metrics

    metrics, progress = Metrics(), Progress(1, 2, 3, 4)
    began = time.thread_time()
    for number in range(1000):
        metrics.show(progress, number)
    return (time.thread_time() - began) / 1000


class _Timed:
    """A backend, and the main thread's seconds of each call: (name, attempts under way, ended, seconds)."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.calls: list[tuple[str, int, int, float]] = []
        self._under_way = 0

    def _time(self, name: str, call: Callable[[], Any]) -> Any:
        before = time.thread_time()
        result = call()
        seconds = time.thread_time() - before
        ended = len(result) if name == "wait" else 0
        self.calls.append((name, self._under_way, ended, seconds))
        return result

    def begin(self, shard: Any) -> Any:
        handle = self._time("begin", lambda: self._backend.begin(shard))
        self._under_way += 1
        return handle

    def wait(self) -> Any:
        ended = self._time("wait", self._backend.wait)
        self._under_way -= len(ended)
        return ended

    def ages(self) -> Any:
        return self._time("ages", self._backend.ages)

    def give_up(self, handle: Any) -> None:
        self._under_way -= 1
        self._backend.give_up(handle)


def _nothing(job: Any, shard: Any) -> Any:
    """Return a record as large as a real one, of no work."""
    del job
    return made_record(shard, random.Random(shard.id))
