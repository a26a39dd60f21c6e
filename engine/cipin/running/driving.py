"""How a plan is worked through, whatever is done to its shards: on what, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from cipin.arguments import check_callable, check_number, check_text
from cipin.running.executor import Serial, available_cpus, find_executor
from cipin.running.plan import Plan, Shard, Source

J = TypeVar("J")
R = TypeVar("R")

#: Below this, starting workers takes longer than they save: 20 MB of news took 1.8 s here, 2.0-2.9 s in two workers.
SERIAL_BYTES = 32 << 20


#: What a file weighs beyond its bytes: opening and telling a small one takes as long as 10 KB of text.
FILE_BYTES = 10 << 10
#: How much more a byte weighs that is parsed, not only decoded: 27 MB of PDF took 11 s, 20 MB of text 1.6 s.
PARSED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: sources, and bytes of them."""

    done: int
    total: int
    done_bytes: int
    total_bytes: int


#: What is asked for where reports are to be given.
REPORTS = "a folder, a file, a glob, or a list of these"


def check_working(on: Any, workers: Any, progress: Any) -> None:
    """Raise UsageError for what is no executor's name, no number of processes, or cannot be called."""
    check_text(on, "on", "'auto' or the name of an executor")
    check_number(workers, "workers", "how many processes there shall be, or 0 for one a CPU")
    check_callable(progress, "progress", "a function of one argument, or None")


def choose_executor(on: str, workers: int, planned: Plan) -> tuple[Any, str]:
    """Return the executor for a plan, and why that one."""
    if on != "auto":
        return find_executor(on, workers), "as asked for"
    weight = sum(map(_weigh, planned.shards))
    if weight < SERIAL_BYTES or len(planned.shards) == 1:
        what = f"{planned.n_bytes:,} bytes in {len(planned.sources):,} files and {len(planned.shards)} shards"
        return Serial(), f"{what} need no workers"
    if (workers or available_cpus()) == 1:
        return Serial(), "one worker"
    return find_executor("processes", workers), f"{planned.n_bytes:,} bytes in {len(planned.shards)} shards"


def _weigh(shard: Shard) -> int:
    return sum(FILE_BYTES + each.n_bytes * (PARSED if _is_parsed(each) else 1) for each in shard.sources)


def _is_parsed(source: Source) -> bool:
    return source.stored is None and not source.path.lower().endswith(
        (".txt", ".md", ".csv", ".tsv", ".jsonl", ".parquet", ".arrow")
    )


def work_through(
    function: Callable[[J, Shard], R],
    job: J,
    planned: Plan,
    executor: Any,
    progress: Callable[[Progress], None] | None,
) -> Iterator[tuple[Shard, R | None]]:
    """Yield each shard with what `function` made of it, or with None if it killed its process twice."""
    total, total_bytes = len(planned.sources), planned.n_bytes
    done = done_bytes = 0
    # The heaviest first: begun last, it would keep one worker busy while the others have nothing left to do.
    for shard, record in executor.run(function, job, sorted(planned.shards, key=_weigh, reverse=True)):
        yield shard, record
        done += len(shard.sources)
        done_bytes += shard.n_bytes
        if progress:
            progress(Progress(done, total, done_bytes, total_bytes))
