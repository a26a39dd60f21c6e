"""Is it true? Real runs on clusters of one to three nodes of this machine, beside what is predicted of them.

Each node has one CPU. They share two processors with one another and with whatever else runs, so the prediction is told
how long the workers had to wait for a processor, which the system counts. All else it knows from measured.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from cipin.running.plan import make_plan
from simulation.cluster import Machines, Storage
from simulation.costs import Costs
from simulation.scenario import Piece, Scenario, work
from simulation.times import descendants

NODES, ROUNDS = (1, 2, 3), 3
#: A local disk answers at once; what a worker waits for there is in its processor seconds.
DISK = Storage(0.0)


@dataclass(frozen=True, slots=True)
class Real:
    """A real run: seconds from the first shard's begin to the last one's end, and how much longer work took.

    slowed   seconds that workers ran or waited for a processor, by those that they ran
    """

    seconds: float
    shards: int
    slowed: float


def compare(reports: Path, costs: Costs) -> Iterator[str]:
    """Yield lines: each run as it was and as it was predicted, then the medians."""
    found: dict[int, list[tuple[float, float]]] = {nodes: [] for nodes in NODES}
    shards = [Piece(n, each.n_bytes, len(each.sources)) for n, each in enumerate(make_plan([reports], "local").shards)]
    yield f"{len(shards)} shards, {sum(each.n_bytes for each in shards):,} bytes, {os.cpu_count()} processors"
    for number in range(ROUNDS):
        for nodes in NODES:
            real = run(reports, nodes)
            assert real.shards == len(shards)
            said = predict(nodes, real.slowed, shards, costs, seed=number)
            found[nodes].append((said, real.seconds))
            yield (
                f"round {number + 1}, {nodes} nodes, work slowed ×{real.slowed:.2f}: predicted {said:.1f} s, "
                f"real {real.seconds:.1f} s, {said / real.seconds:.2f}"
            )
    for nodes, pairs in found.items():
        said, was = median(each for each, _ in pairs), median(each for _, each in pairs)
        yield f"| {nodes} | {said:.1f} s | {was:.1f} s | {median(a / b for a, b in pairs):.2f} |"


def predict(nodes: int, slowed: float, shards: list[Piece], costs: Costs, seed: int) -> float:
    """Return the seconds that shards take on nodes of one CPU each, on this machine, once their workers are there."""
    machines = Machines(nodes, 1, slowed=slowed, worker_seconds=0.0)
    seeds = range(5 * seed, 5 * seed + 5)
    return median(work(Scenario("", 0, machines, DISK, seed=each), costs, shards).seconds for each in seeds)


def run(reports: Path, nodes: int) -> Real:
    """Run cipin on a cluster of so many nodes, in a process of its own."""
    from ray.cluster_utils import Cluster

    room = {"num_cpus": 1, "memory": 2 << 30, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**room, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**room)
        cluster.wait_for_nodes()
        with tempfile.TemporaryDirectory() as folder, _Waiting() as waiting:
            code = f"import cipin; cipin.run({str(reports)!r}, 'wu2021', {folder + '/out'!r}, on='ray')"
            environment = {**os.environ, "RAY_ADDRESS": cluster.address, "CIPIN_RAY_EXPOSED": "1"}
            done = subprocess.run([sys.executable, "-c", code], check=False, env=environment, stderr=subprocess.PIPE)
            assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
            (events,) = Path(folder, "out", "_meta", "events").iterdir()
            done = [json.loads(line) for line in events.read_text("utf-8").splitlines() if '"shard_done"' in line]
        began = min(each["time"] - each["seconds"] for each in done)
        ended = max(each["time"] for each in done)
        return Real(ended - began, len(done), waiting.between(began, ended))
    finally:
        cluster.shutdown()


class _Waiting:
    """Notes, twice a second, how long Ray's workers have run, and have waited for a processor, since they began.

    Only of those that are at work, and of their main threads, which do it: others wait at the same time.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[float, dict[int, tuple[int, int]]]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.5):
            at_work = {}
            for pid in descendants():
                with suppress(OSError):
                    if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::work"):
                        ran, waited, _ = map(int, Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split())
                        at_work[pid] = ran, waited
            self._seen.append((time.time(), at_work))

    def between(self, began: float, ended: float) -> float:
        """Return how many times longer than they ran it took the workers: between looks at which they were at work."""
        within = [at_work for at, at_work in self._seen if began <= at <= ended]
        ran = waited = 0
        for before, after in pairwise(within):
            for pid in before.keys() & after.keys():
                ran += after[pid][0] - before[pid][0]
                waited += after[pid][1] - before[pid][1]
        return 1 + waited / ran

    def __enter__(self) -> _Waiting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
