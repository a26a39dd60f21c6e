"""Runs on real Ray clusters in which things are killed: what they publish must be byte for byte what they would have.

    python chaos.py same 1 2 3 [REPORTS …]     clusters of so many nodes, over made reports and those given
    python chaos.py worker|raylet|driver|child N    kill one at a random moment of a run, N times
    python chaos.py stall N                    stop a worker, and let it go on when the run has ended without it
    python chaos.py store N                    a store that fails one request in 20
    python chaos.py hog N                      a document that takes all the memory it can get

prints a line of JSON for each run; exits with 1 if one was not as it must be. `make chaos` runs all. A cluster is of
this machine: each node is a raylet with one CPU.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

import cipin
from cipin.running import ledger
from cipin.running.store import open_store
from cipin.running.verify import verify

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
LEXICON = "fintech-zh"
#: What a driver runs: the command line, as a user gives it.
DRIVER = "import sys; from cipin.cli import main; raise SystemExit(main(sys.argv[1:]))"


@contextmanager
def cluster(nodes: int, cpus: int = 1) -> Iterator[Cluster]:
    """Start a cluster of so many nodes on this machine; the first one works as well."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            made.add_node(num_cpus=cpus)
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


def begin(reports: Path | str, out: Path | str, address: str = "", **environment: str) -> subprocess.Popen[bytes]:
    """Start a driver: on the cluster at an address, else embedded with two workers."""
    place = {"RAY_ADDRESS": address, "CIPIN_RAY_EXPOSED": "1"} if address else {}
    on = ["--on", "ray"] if address else ["--on", "processes", "-w", "2"]
    command = [sys.executable, "-c", DRIVER, "-v", "run", str(reports), "-l", LEXICON, "-o", str(out), *on]
    return subprocess.Popen(
        command, env={**os.environ, **place, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def tables(out: Path | str, version: int | None = None) -> list[tuple[str, str]]:
    """Return the names and hashes of all tables of a version."""
    return sorted((each["name"], each["sha256"]) for each in cipin.open(out, version).manifest["files"])


def write_reports(folder: Path, n: int, chars: int, n_pdfs: int) -> None:
    """Write made reports: texts, and PDFs, whose parsers are children of workers."""
    import made_pdfs
    import made_reports

    with contextlib.redirect_stdout(io.StringIO()):
        made_reports.main([str(folder), "--reports", str(n), "--chars", str(chars)])
    (folder / "pdf").mkdir(parents=True)
    made_pdfs.write_pdfs(folder / "pdf", n_pdfs, 4)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(each.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                child = int(each.parent.name)
                found += [child, *children_of(child)]
    return found


def _title(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def workers_of(made: Cluster) -> list[int]:
    """Return the processes of a cluster in which a shard is at work."""
    raylets = [node.all_processes["raylet"][0].process.pid for node in made.list_all_nodes()]
    return [pid for raylet in raylets for pid in children_of(raylet) if _title(pid).startswith("ray::work")]


def parsers_of(made: Cluster) -> list[int]:
    """Return the children in which workers parse."""
    return [pid for worker in workers_of(made) for pid in children_of(worker)]


# ------------------------------------------------------------------------------------------------ what is killed


def kill_worker(made: Cluster, driver: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Kill a worker process."""
    del driver
    return _kill(chance, workers_of(made))


def kill_child(made: Cluster, driver: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Kill a parser, or the server that it was forked from."""
    del driver
    return _kill(chance, parsers_of(made))


def kill_driver(made: Cluster, driver: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Kill the driver."""
    del made, chance
    driver.kill()
    return True


def kill_raylet(made: Cluster, driver: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Kill the raylet of a node that is not the head; its workers may go on for a while."""
    del driver
    others = [node for node in made.list_all_nodes() if node is not made.head_node and _alive(node)]
    if not others:
        return False
    raylet = chance.choice(others).all_processes["raylet"][0].process.pid
    os.kill(raylet, signal.SIGKILL)
    return True


def stall_worker(made: Cluster, driver: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Stop a worker process, which is not dead for that: its shard is to be tried beside."""
    del driver
    return _kill(chance, workers_of(made), signal.SIGSTOP)


def wake_workers(made: Cluster) -> None:
    """Let what was stopped go on, and finish what it was at: too late to count."""
    for pid in workers_of(made):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    time.sleep(3)


def _kill(chance: random.Random, found: list[int], how: int = signal.SIGKILL) -> bool:
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(found), how)
            return True
    return False


KILLS = {
    "worker": kill_worker, "child": kill_child, "driver": kill_driver, "raylet": kill_raylet, "stall": stall_worker,
}  # fmt: skip


def trial(
    what: str, made: Cluster, reports: Path, out: Path, wanted: list[tuple[str, str]], chance: random.Random
) -> dict[str, Any]:
    """Kill something when a random number of shards is done; run again if that was the driver; say what came of it."""
    began = time.monotonic()
    n_shards = sum(name.startswith("data/reports/") for name, _ in wanted)
    at, more = chance.randrange(n_shards), chance.uniform(0, 0.5)
    driver = begin(reports, out, made.address)
    hit, before, code = False, 0, None
    while driver.poll() is None and not hit:
        before = _recorded(out)
        if before >= at:
            time.sleep(more)
            before = _recorded(out)
            hit = KILLS[what](made, driver, chance)
        time.sleep(0.01)
    _, said = driver.communicate(timeout=600)
    code = driver.returncode
    runs = 1
    if what == "stall":
        wake_workers(made)
    if what == "driver" and code == -signal.SIGKILL:
        runs = 2
        again = begin(reports, out, made.address)
        _, said = again.communicate(timeout=600)
        code = again.returncode
    return {
        "killed": what if hit else "", "done_before": before, "of": n_shards, "runs": runs,
        "seconds": round(time.monotonic() - began, 1), **judge(out, wanted, code, said),
    }  # fmt: skip


def _recorded(out: Path) -> int:
    return len(list((out / "_meta" / "shards").glob("*.json")))


def judge(out: Path | str, wanted: Sequence[tuple[str, str]], code: int, said: bytes) -> dict[str, Any]:
    """Say whether an output is what it must be: the tables, one version, a balanced ledger, and no orphan in it."""
    wrong = []
    if code:
        return {"wrong": [f"exit code {code}: {said.decode(errors='replace')[-600:]}"]}
    if tables(out) != list(wanted):
        wrong.append("other tables")
    if ledger.versions(open_store(out)) != [1]:
        wrong.append("more than one version")
    wrong += verify(out, sample=20).problems
    # What Ray has told of: a worker that dies between two shards is nobody's loss.
    deaths = re.findall(r"an attempt ended by the death of its (\w+)", said.decode(errors="replace"))
    return {"wrong": wrong, "deaths": deaths, "twins": said.count(b"it is tried beside")}


# ------------------------------------------------------------------------------------------------ commands


def kills(folder: Path, what: str, n: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Kill one thing in each of `n` runs over the same reports, on a cluster of three nodes."""
    chance = random.Random(f"{what} {seed}")
    reports = folder / "reports"
    write_reports(reports, 400, 20_000, 24)
    wanted = embedded(reports, folder / "embedded")
    with cluster(3) as made:
        began = time.monotonic()
        first = begin(reports, folder / "first", made.address)
        _, said = first.communicate(timeout=600)
        seconds = round(time.monotonic() - began, 1)
        yield {"killed": "", "seconds": seconds, **judge(folder / "first", wanted, first.returncode, said)}
        for number in range(n):
            out = folder / f"out-{number}"
            yield trial(what, made, reports, out, wanted, chance)
            shutil.rmtree(out, ignore_errors=True)
            while len([each for each in made.list_all_nodes() if _alive(each)]) < 3:
                made.add_node(num_cpus=1)


def _alive(node: Any) -> bool:
    raylet = node.all_processes.get("raylet", [None])[0]
    return raylet is not None and raylet.process.poll() is None


def embedded(reports: Path | str, out: Path, **environment: str) -> list[tuple[str, str]]:
    """Return the tables of a run on this machine's processes."""
    driver = begin(reports, out, **environment)
    _, said = driver.communicate(timeout=900)
    assert driver.returncode == 0, said.decode(errors="replace")
    return tables(out)


def same(folder: Path, nodes: Sequence[int], more: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run over 2,000 made reports and those given, on clusters of so many nodes."""
    reports = folder / "reports"
    write_reports(reports, 2_000, 20_000, 40)
    for number, each in enumerate(more):
        (reports / f"more-{number}").symlink_to(Path(each).resolve())
    began = time.monotonic()
    wanted = embedded(reports, folder / "embedded")
    said = cipin.open(folder / "embedded").summary
    yield {"nodes": 0, "seconds": round(time.monotonic() - began, 1), "outcomes": said["outcomes"], "wrong": []}
    for n in nodes:
        with cluster(n) as made:
            began = time.monotonic()
            driver = begin(reports, folder / f"out-{n}", made.address)
            _, err = driver.communicate(timeout=1800)
            seconds = round(time.monotonic() - began, 1)
            found = judge(folder / f"out-{n}", wanted, driver.returncode, err)
            yield {"nodes": n, "seconds": seconds, "files": len(wanted), **found}


def hogs(folder: Path, n: int) -> Iterator[dict[str, Any]]:
    """Run over reports among which are some that take all the memory that they can get."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reading"))
    from hostile import FILES

    reports = folder / "reports"
    write_reports(reports, 100, 20_000, 8)
    greedy = [file for file in FILES if "memory" in file.reasons][:6]
    for file in greedy:
        file.make(reports / file.name)
    wanted = embedded(reports, folder / "embedded")
    reasons = cipin.open(folder / "embedded").summary["outcomes"]
    with cluster(2) as made:
        for number in range(n):
            began = time.monotonic()
            out = folder / f"out-{number}"
            driver = begin(reports, out, made.address)
            _, said = driver.communicate(timeout=900)
            found = judge(out, wanted, driver.returncode, said)
            yield {"hogs": len(greedy), "seconds": round(time.monotonic() - began, 1), "outcomes": reasons, **found}


def stores(folder: Path, n: int) -> Iterator[dict[str, Any]]:
    """Run with reports, corpus and output on an object store that fails one request in 20."""
    import s3fs
    from faulty import serve

    with serve(1 / 20) as (sound, faulty):
        for name, value in sound.items():
            os.environ[name] = value
        system = s3fs.S3FileSystem()
        system.mkdir("chaos")
        write_reports(folder / "reports", 60, 20_000, 6)
        system.put(str(folder / "reports"), "chaos/reports", recursive=True)
        wanted = embedded("s3://chaos/reports", folder / "embedded")
        # Workers have the environment of their raylets.
        os.environ.update(faulty)
        with cluster(2) as made:
            os.environ.update(sound)
            for number in range(n):
                began = time.monotonic()
                out = f"s3://chaos/out-{number}"
                driver = begin("s3://chaos/reports", out, made.address, **faulty)
                _, said = driver.communicate(timeout=900)
                failed = int(driver.returncode != 0)
                while driver.returncode in {3, 74} and failed < 5:
                    # So many requests in a row may fail that the run stops: the same command goes on.
                    driver = begin("s3://chaos/reports", out, made.address, **faulty)
                    _, said = driver.communicate(timeout=900)
                    failed += int(driver.returncode != 0)
                found = judge(out, wanted, driver.returncode, said)
                yield {"seconds": round(time.monotonic() - began, 1), "stopped": failed, **found}


def main(arguments: Sequence[str]) -> int:
    """Run a command; see the module."""
    what, *rest = arguments
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="cipin-chaos-") as place:
        folder = Path(place)
        if what == "same":
            found = same(folder, [int(each) for each in rest if each.isdigit()], [e for e in rest if not e.isdigit()])
        elif what in {"hog", "store"}:
            found = {"hog": hogs, "store": stores}[what](folder, int(rest[0]))
        else:
            found = kills(folder, what, int(rest[0]))
        for each in found:
            print(json.dumps(each, ensure_ascii=False), flush=True)
            wrong += bool(each["wrong"])
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
