"""Where shards are run: here, or in worker processes; others (Ray) are found by entry point.

An executor is told nothing of reports. It calls `function(job, shard)` for each shard, in any order and any process,
and yields each shard with what came back, or with None if the process died of it twice.
"""

from __future__ import annotations

import gc
import importlib
import logging
import multiprocessing
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from multiprocessing import forkserver, resource_tracker
from typing import Any, Protocol, TypeVar

from cipin.errors import RunError, UsageError

J = TypeVar("J")
S = TypeVar("S")
R = TypeVar("R")

#: Where executors are declared.
GROUP = "cipin.executors"
#: What the server imports that worker processes are forked from; its `begin_worker` is each worker's first act.
PRELOAD = "cipin.running.warm"
#: Tries to start workers: one may be killed at any moment, as by whoever looks for memory.
STARTS = 3
_log = logging.getLogger(__name__)


class Executor(Protocol):
    """Runs a function over shards."""

    def run(self, function: Callable[[J, S], R], job: J, shards: Iterable[S]) -> Iterator[tuple[S, R | None]]:
        """Yield each shard with its result as it comes, or with None if it killed its process twice."""
        ...


class Serial:
    """Runs shards one after the other in this process."""

    def __init__(self, workers: int = 1) -> None:
        del workers  # every executor is made with a number of workers
        self.workers = 1

    def run(self, function: Callable[[J, S], R], job: J, shards: Iterable[S]) -> Iterator[tuple[S, R | None]]:
        """Yield each shard with its result."""
        for shard in shards:
            yield shard, function(job, shard)


class Processes:
    """Runs shards in worker processes, a bounded number at a time; a worker that dies is replaced.

    workers   processes; 0: one a CPU that this process may use

    Workers are forked from a server that has only imported (fork of this process would copy locks that its threads
    hold); it starts when the executor is made, and imports while this process plans.
    """

    def __init__(self, workers: int = 0) -> None:
        if workers < 0:
            raise UsageError(f"workers = {workers}: give how many processes, or 0 for one a CPU")
        self.workers = workers or available_cpus()
        self._context: Any = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
        start_server()

    def run(self, function: Callable[[J, S], R], job: J, shards: Iterable[S]) -> Iterator[tuple[S, R | None]]:
        """Yield each shard with its result as it comes, or with None if it killed its worker, also alone."""
        suspects: list[S] = []
        waiting = iter(shards)
        while (shard := next(waiting, None)) is not None:
            suspects_before = len(suspects)
            yield from self._drain(function, job, shard, waiting, self.workers, suspects)
            if len(suspects) > suspects_before:
                _log.warning("a worker process died; its shards are run again, one at a time")
        for shard in suspects:
            again: list[S] = []
            yield from self._drain(function, job, shard, iter(()), 1, again)
            if again:
                yield shard, None

    def _start_pool(self, workers: int, call: bytes) -> ProcessPoolExecutor:
        """Return a pool whose first worker is alive; another one if something killed that. Raises RunError.

        call   the pickled function and job of its workers
        """
        for left in reversed(range(STARTS)):
            pool = ProcessPoolExecutor(
                workers, mp_context=self._context, initializer=_begin_work, initargs=(os.getpid(), call)
            )
            try:
                with _no_main():
                    _submit(pool, os.getpid).result()
            except BrokenProcessPool as error:
                pool.shutdown(wait=True, cancel_futures=True)
                if not left:
                    raise RunError(
                        "worker processes end as soon as they start, so it is no report that ends them; "
                        "run with --on serial (on='serial'), or look at memory limits"
                    ) from error
            else:
                return pool
        raise AssertionError

    def _drain(
        self,
        function: Callable[[J, S], R],
        job: J,
        first: S,
        waiting: Iterator[S],
        workers: int,
        suspects: list[S],
    ) -> Iterator[tuple[S, R | None]]:
        """Run shards until none is left or the pool breaks; those under way then are added to `suspects`."""
        # Once a worker, not with each shard: a lexicon with its 30,000 guards has 2.4 MB, and over 1,000 shards the
        # driver took 38 s of processor time to pickle it, and workers 21 to load it.
        pool = self._start_pool(workers, pickle.dumps((function, job)))
        running: dict[Future[R], S] = {}
        shard: S | None = first
        try:
            while shard is not None or running:
                while shard is not None and len(running) < 2 * workers:
                    with _no_main():
                        running[_submit(pool, _work, shard)] = shard
                    shard = next(waiting, None)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    yield running.pop(future), result
        except BrokenProcessPool:
            suspects.extend(running.values())
            if shard is not None:
                suspects.append(shard)
        finally:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                if running:
                    process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, function: Callable[..., R], *arguments: Any) -> Future[R]:
    """Hand something to a pool, which may start a worker for it. Raises BrokenProcessPool if that is killed meanwhile.

    It is told its job through a pipe, which breaks then; and to the command line a broken pipe is a reader that has
    seen enough (`| head`): the run ended with 0, and had published nothing.
    """
    try:
        return pool.submit(function, *arguments)
    except (BrokenPipeError, ConnectionError, EOFError) as error:
        raise BrokenProcessPool(f"a worker was killed while it was started: {error}") from error


def start_server() -> None:
    """Start the server that workers are forked from, unless it runs; it imports for a second, beside this process."""
    if os.name == "posix":
        multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
        # Its start unblocks what was blocked, and the server's starts it.
        resource_tracker.ensure_running()
        # Ctrl-C at the terminal is the driver's to decide on, also while the server imports.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _no_main():
                forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the caller's main module while a process is started.

    multiprocessing would import it in each worker: a script without `if __name__ == "__main__"` would run again
    there, and end them. Workers need nothing of it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


#: What a worker process does with shards, pickled: told once, when it begins.
_told: list[bytes] = []


@cache
def _called() -> tuple[Callable[[Any, Any], Any], Any]:
    gc.disable()  # it would go through 337,000 terms again and again as they come in: 1.2 s for 0.6
    function, job = pickle.loads(_told[-1])
    gc.freeze()
    gc.enable()
    return function, job


def _work(shard: Any) -> Any:
    function, job = _called()
    return function(job, shard)


def _begin_work(driver: int, call: bytes) -> None:
    """Prepare a worker: the driver alone decides on Ctrl-C, and when it is gone, however it went, so is the worker."""
    _told.append(call)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if os.name == "posix":
        importlib.import_module(PRELOAD).begin_worker()
    if hasattr(os, "pidfd_open"):
        try:
            watched = os.pidfd_open(driver)
        except ProcessLookupError:
            os._exit(1)
        threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: int) -> None:
    # A worker's parent is the fork server, and that lives as long as its workers: only the driver's end tells.
    select.select([watched], [], [])
    os._exit(1)


@contextmanager
def compiling_beside() -> Iterator[None]:
    """Have what workers are forked with compiled by another process, while this one compiles the rest.

    Where that fails, or no interpreter is known (in other programs), kernels are compiled when they are needed.
    """
    unheard: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    try:
        beside = subprocess.Popen([sys.executable, "-P", "-c", f"import {PRELOAD}"], **unheard)
    except (OSError, TypeError) as error:
        _log.info("no kernels are compiled beside: %s", error)
        yield
        return
    try:
        yield
        if beside.wait():
            _log.info("kernels could not be compiled beside: exit code %d", beside.returncode)
    finally:
        beside.kill()
        beside.wait()


def available_cpus() -> int:
    """Return how many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_executor(name: str) -> EntryPoint:
    """Return where the executor of that name is declared. Raises UsageError if it is not."""
    # Looked for once: all packages that are installed are gone through, which takes 10 ms.
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise UsageError(f"executor {name!r}: there are {', '.join(sorted(found)) or 'none; install cipin'}")
    return found[name]


def load_executor(name: str) -> Any:
    """Return the class of the executor of that name, as entry points of the group `cipin.executors` declare it.

    Raises UsageError if there is none, or if it cannot be imported.
    """
    declared = check_executor(name)
    try:
        return declared.load()
    except ImportError as error:
        raise UsageError(f"executor {name!r}: {error}; install it with: pip install 'cipin[{name}]'") from error


def find_executor(name: str, workers: int = 0) -> Any:
    """Return the executor of that name, made for so many workers; see load_executor for what it raises."""
    return load_executor(name)(workers)
