"""How a plan is worked through, whatever is done to its shards: on what, and how far it is."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, cast

from cipin.arguments import check_callable, check_number, check_text
from cipin.errors import RunError, UsageError
from cipin.running.crumbs import find_crumb
from cipin.running.executor import Processes, Serial, available_cpus, find_executor
from cipin.running.parsing import Reading, load_pdf_kernels, probe_shard
from cipin.running.plan import Plan, Shard, Source, part_of, readable

_log = logging.getLogger(__name__)
J = TypeVar("J")
R = TypeVar("R")

#: Below this, starting workers takes longer than they save: 20 MB of news took 1.8 s here, 2.0-2.9 s in two workers.
SERIAL_BYTES = 32 << 20


#: Weight that a CPU works off in a second: 20 MB of text in 1.6 s, 27 MB of PDF (5 times as heavy) in 11 s.
RATE = 12e6
#: Until a cluster's workers are at work: Ray is joined in 3 to 8 s, and workers import for 2 to 10.
RAY_SECONDS = 20.0
#: Logger of what is said to everybody who has a choice.
CHOICE = "cipin.choice"
#: What a file weighs beyond its bytes: opening and telling a small one takes as long as 10 KB of text.
FILE_BYTES = 10 << 10
#: How much more a byte weighs that is parsed, not only decoded: 27 MB of PDF took 11 s, 20 MB of text 1.6 s.
PARSED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    done, total               sources, and
    done_bytes, total_bytes   bytes of them, of those that were to be read
    shards_done, shards_planned   the same of shards
    kept                      shards that were found done
    hits, errors              hits counted and reports quarantined, in the shards that this run did
    retries                   attempts that were begun again
    slowest_seconds           seconds that the slowest shard took, or has taken so far
    """

    done: int
    total: int
    done_bytes: int
    total_bytes: int
    shards_done: int = 0
    shards_planned: int = 0
    kept: int = 0
    hits: int = 0
    errors: int = 0
    retries: int = 0
    slowest_seconds: float = 0.0


#: What is asked for where reports are to be given.
REPORTS = "a folder, a file, a glob, or a list of these"


def check_working(on: Any, workers: Any, progress: Any) -> None:
    """Raise UsageError for what is no executor's name, no number of processes, or cannot be called."""
    check_text(on, "on", "'auto' or the name of an executor")
    check_number(workers, "workers", "how many processes there shall be, or 0 for one a CPU")
    check_callable(progress, "progress", "a function of one argument, or None")


def choose_executor(workers: int, planned: Plan) -> tuple[Any, str]:
    """Return the executor for a plan where none is asked for, and why that one.

    A cluster is thought of only where RAY_ADDRESS names one: to look for others takes longer than most runs.
    """
    weight = sum(map(_weigh, planned.shards))
    cpus = 1 if weight < SERIAL_BYTES or len(planned.shards) == 1 else workers or available_cpus()
    here = f"{planned.n_bytes:,} bytes in {len(planned.sources):,} files and {len(planned.shards)} shards"
    if os.environ.get("RAY_ADDRESS"):
        found, why = _on_cluster(weight, cpus, workers, len(planned.shards))
        # Whoever has a cluster is told why it is used, or is not.
        logging.getLogger(CHOICE).info("on %s: %s; %s", "ray" if found else "this machine", here, why)
        if found is not None:
            return found, why
    if cpus == 1:
        return Serial(), f"{here} need no workers" if weight < SERIAL_BYTES or len(
            planned.shards
        ) == 1 else "one worker"
    return find_executor("processes", workers), here


def _on_cluster(weight: float, cpus: int, workers: int, n_shards: int) -> tuple[Any, str]:
    """Return the executor of the cluster, if the run ends sooner there than on so many CPUs here; and why."""
    local = weight / RATE / cpus
    if local < RAY_SECONDS:
        return None, f"about {local:.0f} s on {cpus} CPUs, and a cluster is reached in no less than {RAY_SECONDS:.0f}"
    try:
        executor = find_executor("ray", workers)
    except UsageError as error:
        return None, f"the cluster cannot be had: {error}"
    there_are = executor.workers
    if not there_are:
        return None, "the cluster has no room for a task now"
    there = RAY_SECONDS + weight / RATE / min(there_are, n_shards)
    told = f"about {local:.0f} s on {cpus} CPUs here, {there:.0f} s on {there_are} of the cluster"
    return (executor, told) if there < local else (None, told)


def _weigh(shard: Shard) -> int:
    return sum(FILE_BYTES + each.n_bytes * (PARSED if _is_parsed(each) else 1) for each in shard.sources)


def _is_parsed(source: Source) -> bool:
    return source.stored is None and not source.path.lower().endswith(
        (".txt", ".md", ".csv", ".tsv", ".jsonl", ".parquet", ".arrow")
    )


def _is_pdf(source: Source) -> bool:
    return source.stored is None and source.path.lower().endswith(".pdf")


#: A file that is worth a word about being read by one worker: 15 s of rows.
LARGE_BYTES = 64 << 20


def work_through(
    function: Callable[[J, Shard], R],
    job: J,
    planned: Plan,
    executor: Any,
    progress: Callable[[Progress], None] | None,
    kept: int = 0,
) -> Iterator[tuple[Shard, R | None]]:
    """Yield each shard with what `function` made of it, or with None if it killed its process twice.

    kept   shards beside those of the plan, that were done before

    On Ctrl-C, or SIGTERM where that is handled, what is under way is finished, and nothing more begun; a second one
    stops at once. Raises Interrupted.
    """
    _hint_at_large(planned, executor)
    now = Progress(0, len(planned.sources), 0, planned.n_bytes, kept, kept + len(planned.shards), kept)
    report = getattr(executor, "report", None)
    n_shards = 0
    if isinstance(executor, Processes) and any(map(_is_pdf, planned.sources)):
        load_pdf_kernels()  # before several workers would compile them at once
    with _draining() as stopping:
        if hasattr(executor, "stopping"):
            executor.stopping = stopping
        # The heaviest first: begun last, it would keep one worker busy while the others have nothing left to do.
        heaviest_first = iter(sorted(planned.shards, key=_weigh, reverse=True))
        for shard, record in executor.run(function, job, takewhile(lambda _: not stopping(), heaviest_first)):
            yield shard, record
            n_shards += 1
            now = _further(now, shard, record, executor)
            for tell in (progress, report):
                if tell:
                    tell(now)
        if hasattr(executor, "stopping"):
            executor.stopping = lambda: False  # what comes behind the shards is carried through
        if stopping() and n_shards < len(planned.shards):
            raise Interrupted(n_shards, len(planned.shards))


def _hint_at_large(planned: Plan, executor: Any) -> None:
    """Say which file will keep one worker busy while the others have nothing to do: it is read by one."""
    largest = max(planned.sources, key=lambda source: source.n_bytes, default=None)
    workers = available_cpus() if isinstance(executor, Serial) else getattr(executor, "workers", 1)
    if largest and largest.n_bytes >= LARGE_BYTES and largest.n_bytes * workers > 1.5 * planned.n_bytes:
        _log.warning(
            "%s: one worker reads all its %d MB; cut into files of some 16 MB, or unpacked, it is read by all",
            readable(largest.path),
            largest.n_bytes >> 20,
        )


def _further(now: Progress, shard: Shard, record: Any, executor: Any) -> Progress:
    seconds = getattr(record, "seconds", {}).get("total", 0.0)
    return replace(
        now,
        done=now.done + len(shard.sources),
        done_bytes=now.done_bytes + shard.n_bytes,
        shards_done=now.shards_done + 1,
        hits=now.hits + getattr(record, "tallies", {}).get("hits", 0),
        errors=now.errors + len(getattr(record, "errors", ())),
        retries=getattr(executor, "retries", 0),
        slowest_seconds=max(now.slowest_seconds, seconds, getattr(executor, "slowest", 0.0)),
    )


class Interrupted(KeyboardInterrupt):
    """The run was stopped in good order.

    done, planned   shards that are recorded, of those that were to be done
    """

    def __init__(self, done: int, planned: int) -> None:
        super().__init__(f"{done} of {planned} shards are done and kept")
        self.done = done
        self.planned = planned


@contextmanager
def _draining() -> Iterator[Callable[[], bool]]:
    """Have the first Ctrl-C, or SIGTERM, only be noted; give what tells whether there was one."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        handler = earlier[number]
        if len(noted) > 1 and callable(handler):
            handler(number, frame)
        _log.warning("stopping when what is under way is done; again to stop at once")

    earlier: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        # Not where the caller has them ignored, or end the process.
        found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        earlier = {number: handler for number, handler in found.items() if callable(handler)}
    for number in earlier:
        signal.signal(number, note)
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def rescue(function: Callable[[J, Shard], R], job: J, reading: Reading, folder: Path, shard: Shard, executor: Any) -> R:
    """Return what `function` makes of a shard that killed its worker twice, its poison quarantined.

    reading, folder   how its sources are read, and where the breadcrumbs are

    The breadcrumb names the source that was being read. Tried alone, without any other, it shows whether it was to
    blame; if it kills the worker of its shard again, it is blamed as well. Where there is no breadcrumb (the worker was
    on another machine, or at no document), the shard is halved until the document that kills is alone.
    """
    poison: dict[str, str] = dict(shard.poison)
    blamed: set[str] = set()
    told = set(poison)

    def attempt(tried: Shard) -> R | None:
        ((_, record),) = executor.run(function, job, [replace(tried, poison=tuple(sorted(poison.items())))])
        return cast("R | None", record)

    while True:
        number = find_crumb(folder, shard.id)
        if number is None or not 0 <= number < len(shard.sources) or shard.sources[number].path in poison:
            if (record := attempt(shard)) is not None:
                return record  # it was something else that killed its workers
            number = _find_killer(attempt, shard)
            if number is None or shard.sources[number].path in poison:
                # It died of no single document, as far as can be told: all are set aside, none is lost.
                poison |= {source.path: _NOT_ALONE for source in shard.sources if source.path not in poison}
            else:
                poison[shard.sources[number].path] = _KILLED
        else:
            source = shard.sources[number]
            ((_, survived),) = executor.run(probe_shard, reading, [part_of(shard, number, number + 1)])
            if survived is None or source.path in blamed:
                poison[source.path] = _KILLED if survived is None else _NOT_ALONE
            blamed.add(source.path)
        for path in sorted(poison.keys() - told):
            _log.warning("%s: %s", readable(path), poison[path])
        told |= poison.keys()
        if (record := attempt(shard)) is not None:
            return record
        if len(poison) == len(shard.sources):
            raise RunError(f"shard {shard.id}: its worker dies though none of its documents is read; look at memory")


def _find_killer(attempt: Callable[[Shard], R | None], shard: Shard) -> int | None:
    """Return the number of a source that kills its worker alone, by halves; None if each half survives."""
    begin, end = 0, len(shard.sources)
    while end - begin > 1:
        middle = (begin + end) // 2
        if attempt(part_of(shard, begin, middle)) is None:
            end = middle
        elif attempt(part_of(shard, middle, end)) is None:
            begin = middle
        else:
            return None
    return begin


_KILLED = "reading it killed the worker process, twice, also alone; look at the file, or leave it out"
_NOT_ALONE = "the worker process was killed, twice, while it was at it; look at memory, then `cipin retry`"
