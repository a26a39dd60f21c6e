"""What runs on the nodes: a shard, and beside it a sign of life."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cipin.errors import UsageError
from cipin.matching.automaton_file import cache_folder
from cipin.running.crumbs import Crumbs
from cipin.running.engine import engine_version
from cipin.running.executor import PRELOAD

#: Seconds between signs of life.
BEAT = 5.0
#: Attempts that have ended and are remembered as such.
OVER = 10_000


def work(function: Callable[[Any, Any], Any], parcel: Any, shard: Any, watch: Any, handle: str) -> tuple[Any, float]:
    """Return `function(job, shard)` and the seconds that it took; an attempt at a shard, in a process of a node.

    parcel   [reference to the job, its luggage and the driver's engine]: in a list, so that it is fetched once a
             process, not once a task
    watch    the actor that hears signs of life
    """
    job = _job(parcel[0])
    began = time.monotonic()
    with _beating(watch, handle):
        return function(job, shard), time.monotonic() - began


@contextmanager
def _beating(watch: Any, handle: str) -> Iterator[None]:
    done = threading.Event()
    stepped = Crumbs.steps

    def beat() -> None:
        nonlocal stepped
        first = True
        while first or not done.wait(BEAT):
            # The first beat says that it began; later ones, whether it went on since the last.
            moved, stepped = first or Crumbs.steps != stepped, Crumbs.steps
            first = False
            with suppress(Exception):  # whatever becomes of the watch, work goes on
                watch.beat.remote(handle, moved)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        done.set()


_jobs: dict[str, Any] = {}


def _job(reference: Any) -> Any:
    """Return the job, fetched and made ready once a process."""
    import ray

    key = reference.hex()
    if key not in _jobs:
        job, luggage, engine = ray.get(reference)
        if engine_version() != engine:
            # Nodes are asked before a run begins; this one joined later.
            raise UsageError(
                f"--on ray: node {ray.util.get_node_ip_address()} has engine {engine_version()}, the driver {engine}; "
                "give all nodes one image, and the same command again: what is done is kept"
            )
        _jobs.clear()
        with _one_at_a_time(engine_version()):
            importlib.import_module(PRELOAD)
            if hasattr(job, "settle"):
                job.settle(luggage)
        _jobs[key] = job
    return _jobs[key]


@contextmanager
def _one_at_a_time(engine: str) -> Iterator[None]:
    """Let one process of a node compile kernels, and the others find them: numba's cache knows no locks."""
    marker = Path(cache_folder().parent, f"compiled-{engine}")
    lock = None
    with suppress(ImportError, OSError):
        import fcntl

        marker.parent.mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            lock = marker.with_name("compiling.lock").open("ab")
            fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
        with suppress(OSError):
            marker.touch()
    finally:
        if lock is not None:
            lock.close()


class Watch:
    """Hears signs of life; an actor on the driver's node."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._moved: dict[str, float] = {}
        # What has ended may still be heard of: a beat was on its way, or its node is thought lost.
        self._over: dict[str, None] = {}

    def beat(self, handle: str, moved: bool) -> None:
        """Note that an attempt is alive, and whether it went on since the last time."""
        if handle in self._over:
            return
        now = time.monotonic()
        self._began.setdefault(handle, now)
        if moved:
            self._moved[handle] = now

    def ages(self, over: list[str]) -> dict[str, tuple[float, float]]:
        """Return the seconds since each attempt began, and since it was last seen to go on; `over` are forgotten."""
        now = time.monotonic()
        for handle in over:
            self._over[handle] = None
            self._began.pop(handle, None)
            self._moved.pop(handle, None)
        for handle in list(self._over)[:-OVER]:
            del self._over[handle]
        return {handle: (now - began, now - self._moved.get(handle, began)) for handle, began in self._began.items()}
