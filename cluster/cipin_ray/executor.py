"""RayExecutor: shards as Ray Core tasks.

Ray Core and not Ray Data: its reader took 69 s for 1,000 small files, Ray Core 0.4 s. Sources and results go by path;
what comes back through Ray are records of some kilobytes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import ray
from ray import exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cipin.errors import RunError, UsageError
from cipin.running.doctor import Finding
from cipin.running.engine import engine_version
from cipin_ray import worker
from cipin_ray.connecting import MEMORY_BYTES, answer, connect, everywhere, nodes, room, wait_for_room
from cipin_ray.exposure import examine, refuse_exposed
from cipin_ray.metrics import Metrics
from cipin_ray.window import Ended, Window

#: Attempts that were handed to Ray for each that can be at work: while one ends, the next is at its node already.
WINDOW = 3
#: Seconds between looks at what nodes there are.
LOOK_SECONDS = 10.0


class RayExecutor:
    """Runs shards as tasks on the Ray cluster that RAY_ADDRESS names, or that runs here, else on a Ray of its own.

    workers   tasks at work at a time; 0: as many as the cluster has CPUs, and memory, for, nodes that join later too

    Raises UsageError if there is no cluster where RAY_ADDRESS says, or if strangers could command it; before work, if
    it has no room for a task and starts no node that has.
    """

    def __init__(self, workers: int = 0) -> None:
        self._is_own = connect()
        refuse_exposed()
        self._asked_for = workers
        self._retries = 0
        #: Set by the driver: whether the run is to end when what is at work is done.
        self.stopping: Callable[[], bool] = lambda: False
        self._metrics = Metrics()
        self._window: Window[Any] | None = None

    def run(self, function: Callable[[Any, Any], Any], job: Any, shards: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each shard with its result as it comes, or with None if it killed its workers."""
        slots = self._await_room()
        # A shard that kills is tried by itself while others are under way: a window of its own, waited for to its end.
        stopping = self.stopping if self._window is None else lambda: False
        window: Window[Any] = Window(_Tasks(function, job), slots, WINDOW * slots, stopping)
        outer, self._window = self._window, self._window or window
        looked = time.monotonic()
        try:
            for done in window.run(shards):
                yield done
                if time.monotonic() - looked > LOOK_SECONDS:
                    # What waits makes an autoscaler start nodes, and those are to be filled.
                    looked, slots = time.monotonic(), self.workers or slots
                    window.resize(slots, WINDOW * slots)
        finally:
            self._window, self._retries = outer, self._retries + window.retries

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> list[tuple[str, Any]]:
        """Return what a function of one argument says on each node, with the node's name; an error in its place."""
        self._await_room()
        return everywhere(function, argument)

    @property
    def workers(self) -> int:
        """Tasks that can be at work at a time on the nodes that are there."""
        return min(self._asked_for or 1 << 30, sum(map(room, nodes())))

    def _await_room(self) -> int:
        """Return how many tasks can be at work, once there is room for one."""
        if not self.workers and (self._is_own or not wait_for_room(self.stopping)) and not self.stopping():
            raise UsageError(
                f"--on ray: no node has a CPU and {MEMORY_BYTES >> 20} MB for a task; `ray status` shows what there is"
            )
        return max(1, self.workers)

    @classmethod
    def examine(cls) -> list[Finding]:
        """Return what a run would meet on the cluster, for `cipin doctor --on ray`."""
        return examine()

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
        self._parcel = [ray.put((job, packed, engine_version()))]
        self._function = function
        # Not retried by Ray, which does not tell a document that kills from a node that was lost.
        options = {"num_cpus": 1, "memory": MEMORY_BYTES, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._task = ray.remote(**options)(worker.work)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        watch = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(worker.Watch)
        self._watch = watch.remote()
        self._handles: dict[Any, str] = {}
        self._refs: dict[str, Any] = {}
        self._over: list[str] = []
        self._ages: dict[str, tuple[float, float]] = {}
        self._asked = time.monotonic()

    def begin(self, shard: Any) -> str:
        """See Backend."""
        handle = uuid.uuid4().hex
        ref = self._task.remote(self._function, self._parcel, shard, self._watch, handle)
        self._handles[ref], self._refs[handle] = handle, ref
        return handle

    def wait(self) -> list[tuple[str, Ended]]:
        """See Backend."""
        refs = list(self._handles)
        ready, _ = ray.wait(refs, timeout=worker.BEAT)
        if ready:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
        ended = [(self._handles.pop(ref), _ended(ref)) for ref in ready]
        for handle, _ in ended:
            del self._refs[handle]
            self._over.append(handle)
        return ended

    def ages(self, *, fresh: bool = False) -> dict[str, tuple[float, float]]:
        """See Backend."""
        if fresh or time.monotonic() - self._asked >= worker.BEAT:
            told = answer(self._watch.ages.remote(self._over), worker.BEAT)
            # Where nothing is heard, all may be at work, and none is late.
            self._ages = told if isinstance(told, dict) else dict.fromkeys(self._refs, (0.0, 0.0))
            self._over, self._asked = [], time.monotonic()
        return self._ages

    def give_up(self, handle: str) -> None:
        """See Backend."""
        ref = self._refs.pop(handle, None)
        if ref is not None:
            del self._handles[ref]
            ray.cancel(ref, force=True)
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
