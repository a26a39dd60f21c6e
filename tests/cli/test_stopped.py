"""A full disk, a signal, a closed pipe, a lost file: what was published stays, and nothing half-done is left behind."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import cipin as package

Cipin = Callable[..., Any]
COMMAND = [sys.executable, "-c", "import sys; from cipin.cli import main; sys.exit(main())"]


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a shell script whose mounts no one else sees; `cipin` and `fails CODE COMMAND…` are known in it."""
    if (
        not shutil.which("unshare")
        or subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting is not permitted here")
    (tmp_path / "cipin").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{COMMAND[2]}' \"$@\"\n", encoding="utf-8")
    (tmp_path / "cipin").chmod(0o755)

    def run(script: str) -> subprocess.CompletedProcess[str]:
        head = (
            "set -e; PATH=.:$PATH; mkdir -p disk; mount -t tmpfs -o size=2m tmpfs disk\n"
            'fails() { want=$1; shift; code=0; "$@" || code=$?; test $code = $want || exit 9; }\n'
        )
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", head + script], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("options", ["--on serial", "--on processes -w 2"])
def test_full_disk(shell: Callable[[str], subprocess.CompletedProcess[str]], reports: Path, options: str) -> None:
    done = shell(
        f"""
        cipin run reports/松雪* -l wu2021 -o disk/out 2>disk/first; rm disk/first
        cat /dev/zero > disk/fill 2>/dev/null || true
        truncate -s -12288 disk/fill
        fails 74 cipin run reports -l fintech-zh -o disk/out {options}
        find disk/out/_meta/versions -type f | sort
        fails 74 cipin run reports -l fintech-zh -o disk/new
        test ! -e disk/new/_meta/versions
        cipin panel disk/out --level lexicon
        rm disk/fill
        cipin run reports -l fintech-zh -o disk/out 2>/dev/null
        find disk/out/_meta/versions -type f | sort
        """
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("the disk is full; free some space and run the same command again") == 2
    assert done.stdout.splitlines() == [
        f"disk/out/_meta/versions/{1:020d}.json",
        "entity,year,lexicon,hits,clauses,reports,chars",
        "松雪银行,2019,wu2021,0,0,1,21",
        f"disk/out/_meta/versions/{1:020d}.json",
        f"disk/out/_meta/versions/{2:020d}.json",
    ]


def test_read_only_disk(shell: Callable[[str], subprocess.CompletedProcess[str]], reports: Path) -> None:
    done = shell(
        """
        cipin run reports -l wu2021 -o disk/out 2>/dev/null
        mount -o remount,ro disk
        fails 74 cipin run reports -l wu2021 -o disk/out
        fails 74 cipin run reports -l wu2021 -o disk/new
        cipin panel disk/out --level lexicon
        """
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("may not be written; choose another place with -o, or change its permissions") == 2
    assert len(done.stdout.splitlines()) == 4


def test_lost_data_file_is_said_as_such(cipin: Cipin, out: Path) -> None:
    (lost,) = (out / "data" / "hits").iterdir()
    lost.unlink()
    said = cipin("panel", out)
    assert said.code == 74
    assert str(lost) in said.err


# ------------------------------------------------------------------------------------------------ interrupted

#: As COMMAND, with a shard for every file, so that there is a half-way.
IN_SMALL_SHARDS = [
    sys.executable,
    "-c",
    "import sys; from cipin.running import plan; from cipin.cli import main\n"
    "plan.LEAST_BYTES = plan.CUT_BYTES = 1\n"
    "sys.exit(main())",
]


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("on", [["--on", "serial"], ["--on", "processes", "-w", "2"]], ids=["serial", "processes"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first run", "second run"])
def test_ctrl_c_half_way(cipin: Cipin, tmp_path: Path, on: list[str], earlier: bool) -> None:
    reports, out = tmp_path / "reports", tmp_path / "out"
    reports.mkdir()
    for number in range(80):
        text = f"第{number}号，本行坚持服务实体经济，推进大数据应用，存款稳步增长。\n" * 800
        (reports / f"甲银行{1940 + number}年.txt").write_text(text, encoding="utf-8")
    if earlier:
        assert cipin("run", reports / "甲银行1940年.txt", "-l", "wu2021", "-o", out).code == 0
    shards = out / "data" / "reports"
    before = len(list(shards.iterdir())) if earlier else 0
    arguments = ["run", str(reports), "-l", "fintech-zh", "-o", str(out)]
    # A group of its own, as a terminal has it: Ctrl-C reaches every process of it.
    with subprocess.Popen(
        [*IN_SMALL_SHARDS, *arguments, *on], stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert wait_for(lambda: shards.is_dir() and len(list(shards.iterdir())) > before + 2)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    *_, stopped, command = err.decode().strip().splitlines()
    found = re.fullmatch(
        r"interrupted, nothing was published; (\d+) of (\d+) shards are done and kept. To go on:", stopped
    )
    assert found, err.decode()
    assert command == shlex.join(["cipin", *arguments, *on])
    assert wait_for(lambda: group_is_gone(process.pid), 10)
    # What was under way was finished, and recorded; nothing is left half-done.
    records = list((out / "_meta" / "shards").iterdir())
    assert len(records) == int(found[1]) + earlier
    assert len(list(shards.iterdir())) == len(records) < 80
    assert len(list((out / "_meta" / "versions").glob("*.json"))) == earlier
    assert list((out / "_meta" / "attempts").iterdir()) == []
    assert cipin("panel", out).code == (0 if earlier else 2)
    kept = {path: path.stat().st_ino for path in shards.iterdir()}
    # The same command, with the same shards, goes on.
    again = subprocess.run([*IN_SMALL_SHARDS, *arguments, *on], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{80 - int(found[1])} done, {found[1]} kept of earlier runs" in again.stderr
    assert {path: path.stat().st_ino for path in shards.iterdir() if path in kept} == kept
    assert package.open(out).version == 1 + earlier
    assert package.open(out).reports.collect().height == 80


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_killed_run_leaves_no_processes(cipin: Cipin, tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "reports").mkdir()
    for number in range(80):
        text = f"第{number}号，本行坚持服务实体经济，推进大数据应用，存款稳步增长。\n" * 800
        (tmp_path / "reports" / f"甲银行{1940 + number}年.txt").write_text(text, encoding="utf-8")
    shards = tmp_path / "out" / "data" / "reports"
    arguments = ["run", tmp_path / "reports", "-l", "fintech-zh", "-o", tmp_path / "out"]
    with subprocess.Popen(
        [*IN_SMALL_SHARDS, *arguments, "--on", "processes", "-w", "2"], start_new_session=True
    ) as run:
        assert wait_for(lambda: shards.is_dir() and len(list(shards.iterdir())) > 2)
        run.send_signal(how)
        run.wait(60)
    assert cipin("panel", tmp_path / "out").code == 2
    gone = wait_for(lambda: group_is_gone(run.pid), 5)
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    assert gone


# ------------------------------------------------------------------------------------------------ closed pipe


@pytest.mark.parametrize(
    "arguments",
    [("lexicon", "show", "fintech-zh"), ("lexicon", "list"), ("panel", "out"), ("kwic", "大数据", "out")],
    ids=" ".join,
)
def test_closed_pipe_is_no_error(out: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # `| head` that has read enough
    try:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=out.parent, stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_a_pipe_of_our_own_that_breaks_is_no_success(cipin: Cipin, reports: Path, monkeypatch: Any) -> None:
    """Only the reader of stdout may go: a run whose worker went ended with 0, and had published nothing."""

    def run(*arguments: Any, **options: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(package, "run", run)
    said = cipin("run", reports, "-l", "wu2021", "-o", reports.parent / "new")
    assert said.code == 74
    assert said.err == "error: input or output: Broken pipe\n"
