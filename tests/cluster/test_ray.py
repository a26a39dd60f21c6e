"""On a real Ray cluster of this machine: the bytes of an embedded run, also where what is at work is killed.

More, and for longer, by `make chaos`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray")
import chaos
from ray.cluster_utils import Cluster

import cipin
from cipin.running.store import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="what is killed is found in /proc"),
    # Ray leaves pipes and sockets to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    """A cluster of two nodes."""
    with chaos.cluster(2) as started:
        yield started


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made reports, of some shards."""
    folder = tmp_path_factory.mktemp("ray") / "reports"
    chaos.write_reports(folder, 60, 60_000, 12)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    return folder


@pytest.fixture(scope="module")
def wanted(reports: Path) -> list[tuple[str, str]]:
    """The tables that an embedded run gives."""
    return chaos.embedded(reports, reports.parent / "embedded")


def test_same_bytes_as_embedded(made: Cluster, reports: Path, wanted: list[tuple[str, str]], tmp_path: Path) -> None:
    driver = chaos.begin(reports, tmp_path / "out", made.address)
    _, said = driver.communicate(timeout=180)
    assert chaos.judge(tmp_path / "out", wanted, driver.returncode, said)["wrong"] == []
    run = cipin.open(tmp_path / "out")
    assert run.summary["outcomes"] == {"measured": 72, "quarantined:truncated": 1}
    assert len(run.manifest["shards"]) >= 3
    # The same command again has nothing to do, and needs no cluster for that.
    again = chaos.begin(reports, tmp_path / "out", made.address)
    assert again.wait(timeout=60) == 0
    again.stderr.close()  # type: ignore[union-attr]
    assert cipin.open(tmp_path / "out").version == 1


@pytest.mark.parametrize("what", ["worker", "driver"])
def test_killed(what: str, made: Cluster, reports: Path, wanted: list[tuple[str, str]], tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(3):
        # The last shard may be done before anything is killed: three tries.
        found = chaos.trial(what, made, reports, tmp_path / f"out-{number}", wanted, chance)
        assert found["wrong"] == [], found
        if found["killed"]:
            return
    pytest.fail("nothing was there to be killed")


def test_large_lexicon_and_many_terms(made: Cluster, reports: Path, tmp_path: Path) -> None:
    """Its automaton goes to the workers as bytes."""
    words = ["大数据", "云计算", *(f"词{chr(0x4E00 + n)}{chr(0x5E00 + n % 900)}" for n in range(2_500))]
    script = (
        "import sys, cipin; from cipin.lexicon.files import to_toml\n"
        f"lexicon = cipin.Lexicon.from_terms({words!r}, id='many')\n"
        "for on, out in (('serial', 'here'), ('ray', 'there')):\n"
        "    run = cipin.run(sys.argv[1], lexicon, sys.argv[2] + '/' + out, on=on)\n"
        "    print(sorted((each['name'], each['sha256']) for each in run.manifest['files']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, reports, tmp_path],
        env={**os.environ, "RAY_ADDRESS": made.address, "CIPIN_RAY_EXPOSED": "1"},
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    here, there = done.stdout.splitlines()
    assert here == there
    assert here.count("hits/") >= 3


def test_driver_that_is_killed_leaves_no_process(made: Cluster, reports: Path, tmp_path: Path) -> None:
    driver = chaos.begin(reports, tmp_path / "out", made.address)
    deadline = time.monotonic() + 60
    while not chaos.workers_of(made) and time.monotonic() < deadline and driver.poll() is None:
        time.sleep(0.05)
    working = {pid for each in chaos.workers_of(made) for pid in (each, *chaos.children_of(each))}
    driver.kill()
    driver.communicate()
    assert working
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in working) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in working if Path(f"/proc/{pid}").exists()] == []
    assert open_store(tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [("ray://127.0.0.1:10001", "the driver must be in the cluster"), ("127.0.0.1:1", "no cluster answers there")],
)
def test_clusters_that_are_none(address: str, message: str, reports: Path, tmp_path: Path) -> None:
    driver = chaos.begin(reports, tmp_path / "out", address)
    _, said = driver.communicate(timeout=120)
    assert driver.returncode == 2
    assert message in said.decode()
    assert "Traceback" not in said.decode()
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_has_no_node_yet(reports: Path, wanted: list[tuple[str, str]], tmp_path: Path) -> None:
    """As one that was just launched, or whose nodes were idle: its head does no work."""
    with chaos.cluster(1, cpus=0) as grows:
        refused = chaos.begin(reports, tmp_path / "refused", grows.address, CIPIN_RAY_WAIT="0")
        _, said = refused.communicate(timeout=120)
        assert refused.returncode == 2
        assert "no node has a CPU and 1024 MB for a task" in said.decode()
        assert not (tmp_path / "refused").exists()
        driver = chaos.begin(reports, tmp_path / "out", grows.address, CIPIN_RAY_WAIT="120")
        assert driver.stderr is not None
        said = b""
        while b"waiting 120 s for one" not in said:
            line = driver.stderr.readline()
            assert line, said
            said += line
        grows.add_node(num_cpus=1)
        _, rest = driver.communicate(timeout=180)
        assert chaos.judge(tmp_path / "out", wanted, driver.returncode, said + rest)["wrong"] == []


def test_a_node_that_joins_later_with_another_engine(made: Cluster, reports: Path, tmp_path: Path) -> None:
    """Nodes are asked before a run; those that come after are found out by the first task that they are given."""
    script = (
        "import sys, cipin_ray.executor as executor; from cipin.cli import main\n"
        "executor.engine_version = lambda: '0.0.9+elsewhere'\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "run", reports, "-l", "wu2021", "-o", tmp_path / "out", "--on", "ray"],
        env={**os.environ, "RAY_ADDRESS": made.address, "CIPIN_RAY_EXPOSED": "1"},
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "the driver 0.0.9+elsewhere; give all nodes one image" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "current").exists()
