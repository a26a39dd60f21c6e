"""What a RayJob does, without Kubernetes: its entry point, submitted to a cluster that asks for a token.

    python jobs.py N    N times: take the cluster away in the midst of the job, and let a new one run it again

The entry point is that of cluster/deploy/rayjob.yaml, and is submitted and followed as KubeRay's submitter does it; the
head has no CPU, and a node has two. What comes out must be byte for byte what it would have been. One line of JSON
each; exits with 1 if one was not as it must be. Nothing here is Kubernetes': pods, secrets and policies are not tried.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from chaos import children_of, embedded, judge, write_reports

RAYJOB = Path(__file__).parents[2] / "cluster" / "deploy" / "rayjob.yaml"
#: Where this interpreter's `ray` and `cipin` are.
BIN = Path(sys.executable).parent


def entry_point(reports: Path, out: Path) -> list[str]:
    """Return the command of the RayJob, over other reports."""
    job = next(each for each in yaml.safe_load_all(RAYJOB.read_text("utf-8")) if each["kind"] == "RayJob")
    words: list[str] = job["spec"]["entrypoint"].split()
    places = {"s3://BUCKET/reports": str(reports), "s3://BUCKET/out": str(out)}
    assert places.keys() <= set(words)
    return [places.get(each, each) for each in words]


class TokenCluster:
    """A head without CPUs and a node with two, on loopback, as the pods of a RayJob are started."""

    def __init__(self, folder: Path) -> None:
        self.port, self.dashboard = _free_port(), _free_port()
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self.environment = {
            **os.environ,
            **token,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        common = ["--node-ip-address=127.0.0.1", "--object-store-memory=100000000", "--block"]
        self._log = (folder / "ray.log").open("ab")
        self._started = [
            self._start("--head", f"--port={self.port}", "--num-cpus=0", "--dashboard-host=127.0.0.1",
                        f"--dashboard-port={self.dashboard}", f"--temp-dir={tempfile.mkdtemp(dir=folder)}", *common),
        ]  # fmt: skip
        while self.ray("job", "list").returncode:
            time.sleep(0.5)
        self._started.append(self._start(f"--address=127.0.0.1:{self.port}", "--num-cpus=2", *common))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(BIN / "ray"), "start", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=self._log, stderr=self._log)

    def ray(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of `ray job`, at the port of the dashboard."""
        command = [str(BIN / "ray"), *arguments[:2], "--address", f"http://127.0.0.1:{self.dashboard}", *arguments[2:]]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False)

    def submit(self, name: str, command: list[str]) -> None:
        """Submit a job, unless it is there already."""
        if self.ray("job", "status", name).returncode:
            done = self.ray("job", "submit", "--submission-id", name, "--no-wait", "--", *command)
            assert done.returncode == 0, done.stderr.decode()[-2000:]

    def follow(self, name: str) -> tuple[int, bytes]:
        """Follow the logs of a job to its end; return 0 if it succeeded, and what it said."""
        said = self.ray("job", "logs", "--follow", name).stdout
        status = self.ray("job", "status", name)
        return int(b"succeeded" not in status.stdout + status.stderr), said

    def take_away(self) -> None:
        """Kill all of it."""
        for each in self._started:
            for pid in [*children_of(each.pid), each.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            each.wait()
        self._log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def retries(folder: Path, n: int) -> Iterator[dict[str, Any]]:
    """Take the cluster away when a random number of shards is done, and submit the job to a new one."""
    chance = random.Random(1)
    reports = folder / "reports"
    write_reports(reports, 800, 20_000, 24)
    wanted = embedded(reports, folder / "embedded")
    n_shards = sum(name.startswith("data/reports/") for name, _ in wanted)
    for number in range(n):
        began = time.monotonic()
        out, at = folder / f"out-{number}", chance.randrange(n_shards)
        first = TokenCluster(folder)
        first.submit("cipin", entry_point(reports, out))
        while (done := len(list(out.glob("_meta/shards/*.json")))) < at:
            time.sleep(0.05)
        first.take_away()
        second = TokenCluster(folder)
        try:
            second.submit("cipin", entry_point(reports, out))
            code, said = second.follow("cipin")
        finally:
            second.take_away()
        seconds = round(time.monotonic() - began, 1)
        yield {"done_before": done, "of": n_shards, "seconds": seconds, **judge(out, wanted, code, said)}
        shutil.rmtree(out)


def main(arguments: list[str]) -> int:
    """Run it; see the module."""
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="cipin-jobs-", ignore_cleanup_errors=True) as place:
        for each in retries(Path(place), int(arguments[0])):
            print(json.dumps(each, ensure_ascii=False), flush=True)
            wrong += bool(each["wrong"])
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
