"""An executor gives back every shard: with its result, or with None if it killed its process."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.running import executor
from cipin.running.crumbs import Crumbs
from cipin.running.driving import work_through
from cipin.running.executor import Processes, Serial, available_cpus, find_executor
from cipin.running.job import Job
from cipin.running.nodes import check_nodes
from cipin.running.plan import Plan, Shard, Source, make_plan

# Functions of this module are found by worker processes under its name.


def square(job: int, shard: int) -> int:
    return job * shard * shard


def same(job: int, shard: int) -> int:
    return shard


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def wait_at_first(job: Path, shard: int) -> int:
    if shard == 0:
        wait_until((job / "another came").exists)
    return shard


def pid_beside_another(job: Path, shard: int) -> int:
    (job / str(os.getpid())).touch()
    wait_until(lambda: len(list(job.iterdir())) == 2)
    return os.getpid()


def exit_at(job: int, shard: int) -> int:
    if shard == job:
        os._exit(3)
    return shard


def kill_at(job: tuple[int, ...], shard: int) -> int:
    if shard in job:
        os.kill(os.getpid(), signal.SIGKILL)
    return shard


def kill_once(job: Path, shard: int) -> int:
    try:
        (job / str(shard)).touch(exist_ok=False)
    except FileExistsError:
        return shard
    if shard == 4:
        os._exit(1)
    return shard


def refuse_at(job: int, shard: int) -> int:
    if shard == job:
        raise cipin.SourceError("a.parquet: no column named text")
    return shard


@pytest.mark.parametrize("make", [Serial, lambda: Processes(1), lambda: Processes(2)], ids=["serial", "1", "2"])
def test_every_shard_comes_back_once(make: Callable[[], Any]) -> None:
    assert sorted(make().run(square, 2, range(9))) == [(n, 2 * n * n) for n in range(9)]
    assert list(make().run(square, 2, [])) == []


def test_serial_keeps_order() -> None:
    assert [shard for shard, _ in Serial().run(same, 0, range(4))] == [0, 1, 2, 3]


def test_processes_do_not_wait_for_the_first(tmp_path: Path) -> None:
    came = []
    for shard, _ in Processes(2).run(wait_at_first, tmp_path, range(4)):
        came.append(shard)
        (tmp_path / "another came").touch()
    assert sorted(came) == [0, 1, 2, 3]
    assert came[0] != 0


def test_shards_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def shards() -> Any:
        for number in range(50):
            taken.append(number)
            yield number

    results = Processes(1).run(square, 1, shards())
    next(results)
    assert len(taken) < 10  # a plan of a million shards is not put into one queue
    results.close()  # type: ignore[attr-defined]


def test_work_is_done_in_other_processes(tmp_path: Path) -> None:
    pids = {result for _, result in Processes(2).run(pid_beside_another, tmp_path, range(8))}
    assert os.getpid() not in pids
    assert len(pids) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_shard_that_exits_its_process_gives_none(workers: int) -> None:
    results = dict(Processes(workers).run(exit_at, 3, range(8)))
    assert results == {n: None if n == 3 else n for n in range(8)}


def test_two_shards_that_kill_their_process() -> None:
    results = dict(Processes(2).run(kill_at, (0, 7), range(9)))
    assert results == {n: None if n in {0, 7} else n for n in range(9)}


def test_every_shard_kills() -> None:
    assert dict(Processes(2).run(kill_at, (0, 1, 2), range(3))) == {0: None, 1: None, 2: None}


def test_process_that_dies_by_accident_is_no_verdict(tmp_path: Path) -> None:
    assert dict(Processes(2).run(kill_once, tmp_path, range(8))) == {n: n for n in range(8)}


@pytest.mark.parametrize("make", [Serial, lambda: Processes(2)], ids=["serial", "processes"])
def test_error_of_a_shard_reaches_the_caller(make: Callable[[], Any]) -> None:
    with pytest.raises(cipin.SourceError, match=r"a\.parquet: no column named text"):
        list(make().run(refuse_at, 3, range(8)))


def test_workers() -> None:
    assert Serial(7).workers == 1
    assert Processes().workers == available_cpus() >= 1


@pytest.mark.parametrize(("name", "kind"), [("serial", Serial), ("processes", Processes)])
def test_found_by_entry_point(name: str, kind: type) -> None:
    assert isinstance(find_executor(name, 1), kind)


def test_executors_that_are_not_there() -> None:
    with pytest.raises(cipin.UsageError, match="executor 'spark': there are processes, ray, serial"):
        find_executor("spark")


class Told:
    """A job that notes how often it is pickled."""

    pickled = 0

    def __reduce__(self) -> tuple[Any, ...]:
        Told.pickled += 1
        return Told, ()


def number_of(job: Told, shard: int) -> int:
    assert isinstance(job, Told)
    return shard


def test_workers_are_told_their_job_once() -> None:
    """With each of 1,000 shards, a lexicon with many guards took 38 s to pickle."""
    Told.pickled = 0
    found = dict(Processes(2).run(number_of, Told(), range(40)))
    assert found == {shard: shard for shard in range(40)}
    assert Told.pickled == 1


@pytest.mark.parametrize("breaks_at", [0, 1, 2, 5])
def test_a_worker_that_is_killed_while_it_is_started(breaks_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe breaks through which it is told its job: what was under way is run again, and nothing is missing."""
    submit, calls = ProcessPoolExecutor.submit, iter(range(10_000))

    def broken_once(self: ProcessPoolExecutor, *arguments: Any) -> Any:
        future = submit(self, *arguments)
        if next(calls) == breaks_at:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        return future

    monkeypatch.setattr(ProcessPoolExecutor, "submit", broken_once)
    assert dict(Processes(2).run(square, 2, range(9))) == {n: 2 * n * n for n in range(9)}


# ------------------------------------------------------------------------------------------------ through a run


class Deadly:
    """An executor whose shards die when they read a certain source, as if the parser had taken the process with it."""

    def __init__(self, source: str, leaves_crumbs: bool) -> None:
        self.source = source
        self.leaves_crumbs = leaves_crumbs

    def run(self, function: Callable[[Any, Any], Any], job: Any, shards: Any) -> Any:
        for shard in shards:
            at = [number for number, each in enumerate(shard.sources) if each.path == self.source]
            if not at or shard.poison:
                yield shard, function(job, shard)
                continue
            if self.leaves_crumbs and isinstance(job, Job):
                crumbs = Crumbs(job.attempts, shard.id).__enter__()
                crumbs.at(at[0])
            yield shard, None


def run_deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves_crumbs: bool) -> cipin.Run:
    (tmp_path / "reports").mkdir()
    for name in ("甲", "乙", "丙"):
        (tmp_path / "reports" / f"{name}银行2019年.txt").write_text("大数据", encoding="utf-8")
    deadly = Deadly("乙银行2019年.txt", leaves_crumbs)
    monkeypatch.setattr("cipin.running.measure.find_executor", lambda on, workers: deadly)
    return cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", on="deadly")


@pytest.mark.parametrize("leaves_crumbs", [True, False])  # False: the worker was on another machine
def test_report_that_kills_is_quarantined_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves_crumbs: bool
) -> None:
    run = run_deadly(tmp_path, monkeypatch, leaves_crumbs)
    outcomes = {row["source"]: (row["status"], row["reason"]) for row in run.reports.collect().to_dicts()}
    assert outcomes == {
        "甲银行2019年.txt": ("measured", None),
        "乙银行2019年.txt": ("quarantined", "crash"),
        "丙银行2019年.txt": ("measured", None),
    }
    (message,) = run.reports.collect()["message"].drop_nulls()
    assert "killed the worker process, twice" in message
    assert set(run.panel(level="lexicon").collect()["entity"]) == {"甲银行", "丙银行"}
    assert run.summary["outcomes"] == {"measured": 2, "quarantined:crash": 1}
    (error,) = run.manifest["shards"][0]["errors"]
    assert (error["source"], error["stage"], error["attempt"]) == ("乙银行2019年.txt", "worker", 1)
    assert error["transient"]


def test_what_killed_is_tried_again_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_deadly(tmp_path, monkeypatch, leaves_crumbs=False)
    assert run.summary["outcomes"] == {"measured": 2, "quarantined:crash": 1}
    monkeypatch.undo()
    again = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", retry=True)
    assert again.summary["outcomes"] == {"measured": 3}
    assert again.version == 2
    # What was tried again counts from then on.
    assert cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out").version == 2


def test_a_script_without_a_guard(tmp_path: Path) -> None:
    """A plain script is not run again by its workers."""
    (tmp_path / "甲银行2019年.txt").write_text("推进大数据。", encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(
        "import cipin, sys\n"
        "run = cipin.run(sys.argv[1], 'wu2021', sys.argv[2], on='processes')\n"
        "print(run.summary['outcomes'])\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script, tmp_path / "甲银行2019年.txt", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'measured': 1}\n", "")


def end_at_once(driver: int) -> None:
    os._exit(1)


def test_workers_that_never_start_are_no_fault_of_the_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipin.running.executor._begin_work", end_at_once)
    with pytest.raises(cipin.RunError, match="end as soon as they start"):
        list(Processes(2).run(square, 2, range(3)))


class Nodes(Serial):
    """An executor that asks this process as if it were a node, after something was done to the reports."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> list[tuple[str, Any]]:
        self.meanwhile()
        return [("a node", function(argument))]


@pytest.mark.parametrize("gone", [False, True])
def test_reports_that_change_before_nodes_are_asked_are_said_to(tmp_path: Path, gone: bool) -> None:
    file = tmp_path / "甲银行2019.txt"
    file.write_text("大数据", encoding="utf-8")
    planned = make_plan([tmp_path], "")
    check_nodes(Nodes(lambda: None), [], planned)
    change = file.unlink if gone else lambda: file.write_text("大数据与云计算", encoding="utf-8")
    with pytest.raises(cipin.InputChanged, match=r"甲银行2019.txt: was changed, or removed"):
        check_nodes(Nodes(change), [], planned)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is blocked")
def test_the_server_of_workers_does_not_hear_ctrl_c() -> None:
    """It imports for a second and may compile for four, and its traceback would stand beside what the driver says."""
    script = (
        "from multiprocessing import forkserver; from cipin.running.executor import start_server; start_server()\n"
        "print(open(f'/proc/{forkserver._forkserver._forkserver_pid}/status').read())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    (blocked,) = re.findall(r"^SigBlk:\s*(\w+)$", done.stdout, re.M)
    assert int(blocked, 16) >> (signal.SIGINT - 1) & 1


@pytest.mark.parametrize("interpreter", ["", None, "/bin/false", "/nowhere"])
def test_what_cannot_be_compiled_beside_is_said(
    interpreter: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)
    with caplog.at_level(logging.INFO, logger=executor.__name__), executor.compiling_beside():
        pass
    assert re.search("^(no kernels are|kernels could not be) compiled beside", caplog.messages[-1])


def test_what_compiles_beside_ends_with_who_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "PRELOAD", "time; time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), executor.compiling_beside():
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30


# ------------------------------------------------------------------------------------------------ one large file


@pytest.mark.parametrize(
    ("sizes", "workers", "says"),
    [((90, 5), 2, True), ((90, 90, 90, 90), 2, False), ((90,), 1, False), ((9, 1), 2, False)],
)
def test_a_file_that_keeps_one_worker_busy_is_named(
    sizes: tuple[int, ...], workers: int, says: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sources = [Source(f"news-{at}.jsonl", size << 20) for at, size in enumerate(sizes)]
    planned = Plan("reports", tuple(Shard(source.path, (source,)) for source in sources))
    assert dict(work_through(square, 1, planned, Waiting(workers), None)) == {}
    assert ("news-0.jsonl: one worker reads all its 90 MB" in caplog.text) == says


class Waiting:
    """An executor that does nothing, with so many workers."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, _function: Any, _job: Any, _shards: Any) -> Iterator[Any]:
        yield from ()
