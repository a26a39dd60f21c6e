"""RayExecutor: shards as Ray Core tasks.

Ray Core and not Ray Data: its reader took 69 s for 1,000 small files, Ray Core 0.4 s. Sources and results go by path;
what comes back through Ray are records of some kilobytes.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cipin.errors import RunError, UsageError
from cipin_ray import worker
from cipin_ray.metrics import Metrics
from cipin_ray.window import Ended, Window

#: What a task is sure to have: a worker with its parser stays below (tests/reading/test_hostile.py).
MEMORY_BYTES = 1 << 30
#: Attempts that were handed to Ray for each that can be at work: while one ends, the next is at its node already.
WINDOW = 3
#: Seconds that a cluster may take to accept a connection.
CONNECT_SECONDS = 10.0
#: Seconds that a node may take to answer.
PATIENCE = 120.0
_log = logging.getLogger(__name__)


class RayExecutor:
    """Runs shards as tasks on the Ray cluster that RAY_ADDRESS names, or that runs here, else on a Ray of its own.

    workers   tasks at work at a time; 0: as many as the cluster has CPUs, and memory, for

    Raises UsageError if there is no cluster where RAY_ADDRESS says, or none with room for a task.
    """

    def __init__(self, workers: int = 0) -> None:
        connect()
        self.workers = min(workers or 1 << 30, sum(map(_room, nodes())))
        if not self.workers:
            raise UsageError(
                f"--on ray: no node has a CPU and {MEMORY_BYTES >> 20} MB for a task; `ray status` shows what there is"
            )
        self._retries = 0
        self._metrics = Metrics()
        self._window: Window[Any] | None = None

    def run(self, function: Callable[[Any, Any], Any], job: Any, shards: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each shard with its result as it comes, or with None if it killed its workers."""
        window: Window[Any] = Window(_Tasks(function, job), self.workers, WINDOW * self.workers)
        # A shard that kills is tried by itself while others are under way: that is a window of its own.
        outer, self._window = self._window, self._window or window
        try:
            yield from window.run(shards)
        finally:
            self._window, self._retries = outer, self._retries + window.retries

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> list[tuple[str, Any]]:
        """Return what a function of one argument says on each node, with the node's name; an error in its place."""
        task = ray.remote(num_cpus=0, max_retries=1)(function)
        there = nodes()
        at = [NodeAffinitySchedulingStrategy(each["NodeID"], soft=False) for each in there]
        asked = [task.options(scheduling_strategy=each).remote(argument) for each in at]
        return [(each["NodeManagerAddress"], _answer(ref)) for each, ref in zip(there, asked, strict=True)]

    @property
    def retries(self) -> int:
        """Attempts that were begun again, after a death or beside a straggler."""
        return self._retries + (self._window.retries if self._window else 0)

    @property
    def slowest(self) -> float:
        """Seconds of the attempt that is at work for longest."""
        return self._window.slowest if self._window else 0.0

    def report(self, progress: Any) -> None:
        """Show how far a run is to whoever scrapes Ray's metrics."""
        self._metrics.show(progress, self._window.under_way if self._window else 0)


class _Tasks:
    """Attempts as Ray tasks; see window.Backend."""

    def __init__(self, function: Callable[[Any, Any], Any], job: Any) -> None:
        # Fetched once a process: a lexicon of 350,000 terms and its automaton are 60 MB.
        luggage = getattr(job, "luggage", None)
        packed = np.frombuffer(luggage, np.uint8) if luggage else None
        self._parcel = [ray.put((job, packed))]
        self._function = function
        # Not retried by Ray, which does not tell a document that kills from a node that was lost.
        options = {"num_cpus": 1, "memory": MEMORY_BYTES, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._task = ray.remote(**options)(worker.work)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        watch = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(worker.Watch)
        self._watch = watch.remote()
        self._handles: dict[Any, str] = {}
        self._over: list[str] = []
        self._ages: dict[str, tuple[float, float]] = {}
        self._asked = time.monotonic()

    def begin(self, shard: Any) -> str:
        """See Backend."""
        handle = uuid.uuid4().hex
        self._handles[self._task.remote(self._function, self._parcel, shard, self._watch, handle)] = handle
        return handle

    def wait(self) -> list[tuple[str, Ended]]:
        """See Backend."""
        refs = list(self._handles)
        ready, _ = ray.wait(refs, timeout=worker.BEAT)
        if ready:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
        ended = [(self._handles.pop(ref), _ended(ref)) for ref in ready]
        self._over += [handle for handle, _ in ended]
        return ended

    def ages(self) -> dict[str, tuple[float, float]]:
        """See Backend."""
        if time.monotonic() - self._asked >= worker.BEAT:
            answer = _answer(self._watch.ages.remote(self._over), worker.BEAT)
            self._ages = answer if isinstance(answer, dict) else {}
            self._over, self._asked = [], time.monotonic()
        return self._ages

    def give_up(self, handle: str) -> None:
        """See Backend."""
        for ref in [ref for ref, known in self._handles.items() if known == handle]:
            ray.cancel(ref, force=True)
            del self._handles[ref]
        self._over.append(handle)


def _ended(ref: Any) -> Ended:
    try:
        return Ended("done", *ray.get(ref))
    except exceptions.RayTaskError as error:
        # Not Ray's own error around it, which shows Ray's traceback.
        return Ended("failed", error.cause if isinstance(error.cause, Exception) else error)
    except exceptions.OutOfMemoryError:
        return Ended("memory")
    except exceptions.WorkerCrashedError:
        return Ended("worker")
    except exceptions.RuntimeEnvSetupError as error:
        return Ended("failed", RunError(f"--on ray: {error}"))
    except exceptions.RayError:  # the node, its object store, or the way there
        return Ended("node")


def _answer(ref: Any, seconds: float = PATIENCE) -> Any:
    try:
        return ray.get(ref, timeout=seconds)
    except exceptions.RayTaskError as error:
        return error.cause if isinstance(error.cause, Exception) else error
    except exceptions.RayError as error:
        return error


def connect() -> None:
    """Connect to the cluster that RAY_ADDRESS names or that runs on this machine, else start Ray here."""
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    if address and address.startswith("ray://"):
        raise UsageError(
            f"RAY_ADDRESS = {address}: the driver must be in the cluster; use `ray job submit -- cipin run … --on ray`"
        )
    if address and not _answers(address):
        # Ray itself would try for minutes.
        raise UsageError(f"RAY_ADDRESS = {address}: no cluster answers there; `ray status` shows whether it runs")
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        ray.init(address=address or "auto", **quiet)
    except ConnectionError as error:
        if address:
            raise UsageError(f"RAY_ADDRESS = {address}: no cluster answers there ({error})") from error
        _log.info("no Ray runs here; one is started for this run")
        ray.init(address="local", include_dashboard=False, **quiet)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return True  # `auto` and the like are Ray's to resolve
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


def nodes() -> list[dict[str, Any]]:
    """Return the nodes that are alive."""
    return [each for each in ray.nodes() if each["Alive"]]


def _room(node: dict[str, Any]) -> int:
    """Return how many tasks a node can have at work."""
    has = node["Resources"]
    return int(min(has.get("CPU", 0), has.get("memory", 0) // MEMORY_BYTES))
