"""Killed anywhere, raced by others: nothing is lost, nothing doubled, nothing mixed; and a broken protocol is caught.

`--heavy` tries more. What is tried, and how, is in histories.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.running import ledger
from cipin.running.store import open_store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="drivers are forks, killed by SIGKILL")
HISTORIES = Path(__file__).with_name("histories.py")
#: Of the issue: at least so many histories, none with a lost or mixed version.
N_RACES = 300


def tell(
    histories: Sequence[Sequence[object]], environment: dict[str, str] | None = None, seconds: int = 600
) -> tuple[int, list[str]]:
    """Tell histories, each in a process of its own, beside one another; return how many, and what was violated."""
    # What is killed leaves its temporary files.
    with tempfile.TemporaryDirectory() as place:
        started = [
            subprocess.Popen(
                [sys.executable, HISTORIES, *map(str, each)],
                env={**os.environ, "TMPDIR": place, **(environment or {})},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for each in histories
        ]  # fmt: skip
        tried, found = 0, []
        try:
            for process in started:
                out, err = process.communicate(timeout=seconds)
                assert process.returncode == 0, err
                told = json.loads(out)
                tried += told["tried"]
                found += told["found"]
        finally:
            for process in started:
                process.kill()
        return tried, found


def test_killed_before_every_call_a_run_goes_on_to_the_same_bytes(record_property: Callable[[str, Any], None]) -> None:
    tried, found = tell([["crashes"]])
    record_property("crash points", tried)
    assert found == []
    assert tried > 200


def test_killed_before_every_call_a_changed_lexicon_goes_on_to_the_same_bytes() -> None:
    tried, found = tell([["carried"]])
    assert found == []
    assert tried > 50


def test_drivers_that_race_lose_and_mix_nothing(request: pytest.FixtureRequest) -> None:
    more = 5 if request.config.getoption("--heavy") else 1
    n = more * N_RACES
    tried, found = tell([["races", 0, n // 2], ["races", n // 2, n]], seconds=more * 600)
    assert found == []
    assert tried >= N_RACES


@pytest.mark.parametrize("what", ["lost", "changed"])
def test_what_is_lost_is_made_anew_and_what_changed_is_done(what: str) -> None:
    tried, found = tell([[what]])
    assert found == []
    assert tried >= 4


def test_poison_is_found_by_its_breadcrumb_and_the_others_are_measured() -> None:
    assert tell([["poison"]]) == (2, [])


@pytest.mark.parametrize(
    ("mutant", "history"),
    [
        ("record_before_data", ["crashes"]),
        ("version_before_data", ["crashes"]),
        ("rename_instead_of_link", ["races", 0, 60]),
        ("conflict_is_success", ["races", 0, 60]),
        ("record_is_believed", ["lost"]),
        ("id_without_content", ["changed"]),
    ],
)
def test_broken_protocol_is_caught(mutant: str, history: list[object]) -> None:
    assert tell([[*history, mutant]])[1]


# ------------------------------------------------------------------------------------------------ with workers

IN_SMALL_SHARDS = (
    "import sys; from cipin.running import plan; from cipin.cli import main\n"
    "plan.LEAST_BYTES = plan.CUT_BYTES = 1\n"
    "sys.exit(main())"
)


def run_command(reports: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", IN_SMALL_SHARDS, "run", str(reports), "-l", "fintech-zh", "-o", str(out), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def finished(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def tables(out: Path) -> list[tuple[str, str]]:
    return [(each["name"], each["sha256"]) for each in cipin.open(out).manifest["files"]]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "reports"
    folder.mkdir()
    for number in range(40):
        text = f"第{number}号，本行坚持服务实体经济，推进大数据应用，存款稳步增长。\n" * 1500
        (folder / f"甲银行{1940 + number}年.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def wanted(reports: Path) -> list[tuple[str, str]]:
    finished(run_command(reports, reports.parent / "serial", "--on", "serial"))
    return tables(reports.parent / "serial")


def workers_of(driver: int) -> Iterator[int]:
    """Yield the processes of a run's group that are neither its driver nor of multiprocessing's own."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == driver != int(entry.name):
                command = (entry / "cmdline").read_bytes()
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if b"forkserver" in command and parent != driver:
                    yield int(entry.name)
        except (OSError, ValueError):
            continue


@pytest.mark.parametrize("seed", range(2))
def test_killed_workers_change_nothing(reports: Path, wanted: list[tuple[str, str]], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    process = run_command(reports, tmp_path / "out", "--on", "processes", "-w", "2")
    killed = 0
    while process.poll() is None and killed < 3:
        workers = list(workers_of(process.pid))
        if workers and (tmp_path / "out" / "_meta" / "shards").is_dir():
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed += 1
        time.sleep(chance.random() * 0.4)
    finished(process)
    assert killed
    assert tables(tmp_path / "out") == wanted


@pytest.mark.parametrize("seed", range(2))
def test_killed_drivers_change_nothing(reports: Path, wanted: list[tuple[str, str]], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    shards = tmp_path / "out" / "_meta" / "shards"
    done = 0
    for _ in range(3):
        process = run_command(reports, tmp_path / "out", "--on", "processes", "-w", "2")
        until = done + chance.randrange(1, 12)
        while process.poll() is None and len(list(shards.glob("*"))) < until:
            time.sleep(0.005)
        process.kill()
        process.communicate()
        assert len(list(shards.glob("*"))) >= done
        done = len(list(shards.glob("*")))
    assert 0 < done < len(list(reports.iterdir()))
    assert ledger.versions(open_store(tmp_path / "out")) == []
    finished(run_command(reports, tmp_path / "out", "--on", "serial"))
    assert tables(tmp_path / "out") == wanted
    assert cipin.open(tmp_path / "out").manifest["work"]["kept"] == done
