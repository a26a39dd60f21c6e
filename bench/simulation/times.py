"""How long shards take: measured ones, from which those of a simulation are drawn."""

from __future__ import annotations

import os
import random
import resource
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Times:
    """Measured shards: the bytes of each, and the processor seconds that it took.

    A shard takes the seconds a byte of one of them, drawn by chance: whatever made that one slow stays in the tail.
    """

    shards: tuple[tuple[int, float], ...]

    @property
    def mean(self) -> float:
        """Seconds of a shard, on the average."""
        return sum(seconds for _, seconds in self.shards) / len(self.shards)

    @property
    def bytes_per_second(self) -> float:
        """Bytes that a CPU works through in a second."""
        return sum(n_bytes for n_bytes, _ in self.shards) / sum(seconds for _, seconds in self.shards)

    def draw(self, n_bytes: int, chance: random.Random) -> float:
        """Return the seconds of a shard of so many bytes."""
        measured, seconds = chance.choice(self.shards)
        return n_bytes * seconds / measured


def measure(reports: Path, lexicon: str) -> list[tuple[int, float]]:
    """Run each shard of a folder in this process, and return its bytes and its processor seconds.

    Processor seconds, of this process and its parser, as the clock's are those of whoever else uses the machine.
    """
    import cipin
    from cipin.matching.scan import choose_matcher
    from cipin.running.job import Job, run_shard
    from cipin.running.packs import open_place
    from cipin.running.parsing import Reading
    from cipin.running.plan import make_plan
    from cipin.running.store import LocalStore

    loaded = cipin.Lexicon.load(lexicon)
    with tempfile.TemporaryDirectory() as folder:
        out = LocalStore(f"{folder}/out")
        planned = make_plan([reports], "times")
        reading = Reading(planned.root, corpus=open_place(Path(folder, "out", "corpus")))
        job = Job(loaded, reading, out, matcher=choose_matcher(planned.n_bytes, "auto")[0])
        out.prepare()
        job.settle()
        run_shard(job, replace(planned.shards[0], id="warm"))
        return [(shard.n_bytes, _cpu_of(lambda shard=shard: run_shard(job, shard))) for shard in planned.shards]


def _cpu_of(work: Any) -> float:
    before = _cpu()
    work()
    return round(_cpu() - before, 4)


def _cpu() -> float:
    """Return the processor seconds of this process, and of its children: those that live are asked of the system."""
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 100
    alive = 0.0
    for child in descendants():
        try:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        alive += (int(fields[11]) + int(fields[12])) / ticks
    return time.process_time() + gone.ru_utime + gone.ru_stime + alive


def descendants() -> Iterable[int]:
    """Yield the processes that this one started, and those that they did."""
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            children = [int(each) for task in tasks for each in (task / "children").read_text().split()]
        except OSError:
            children = []
        yield from children
        waiting += children
