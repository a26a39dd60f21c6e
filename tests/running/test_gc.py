"""Keeping an output small: `gc` removes what no version needs, and nothing else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from runs import everything, stop_run, write

import cipin
from cipin.running import ledger
from cipin.running.status import status
from cipin.running.store import open_store
from cipin.running.sweep import gc
from cipin.running.verify import verify


def test_gc_removes_what_no_version_needs_and_nothing_else(out: Path, reports: Path) -> None:
    first = everything(out / "data")
    cipin.run(reports, "fintech-zh", out)
    gc(out, grace_seconds=0)
    assert everything(out / "data").items() >= first.items()
    looked = gc(out, keep=1, grace_seconds=0, dry_run=True)
    assert set(first) == {name.removeprefix("data/") for name in looked.names if name.startswith("data/")}
    swept = gc(out, keep=1, grace_seconds=0)
    assert swept.names == looked.names
    assert swept.versions == (1,)
    assert not set(everything(out / "data")) & set(first)
    assert ledger.versions(open_store(out)) == [2]
    assert verify(out).problems == ()
    assert cipin.run(reports, "fintech-zh", out).version == 2
    # What is gone is made anew, under the number after the newest.
    assert cipin.run(reports, "wu2021", out).version == 3
    assert everything(out / "data").items() >= first.items()


def test_gc_keeps_what_a_stopped_run_will_use(out: Path, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_run(reports, out, monkeypatch)
    done = status(out).recorded
    (out / "_meta" / "attempts" / "killed").mkdir()
    (out / "_meta" / "attempts" / "killed" / "half").write_bytes(b"half a table")
    gc(out, keep=1, grace_seconds=0)
    assert not (out / "_meta" / "attempts" / "killed").exists()
    assert status(out).recorded == done > 0
    assert cipin.run(reports, "fintech-zh", out).manifest["work"]["kept"] == done


def test_gc_leaves_what_is_young_and_what_is_not_its_own(out: Path) -> None:
    (out / "data" / "hits" / "of-a-late-worker.parquet").write_bytes(b"late")
    (out / "_meta" / "notes.txt").write_text("mine", "utf-8")
    (out / "notes.txt").write_text("mine", "utf-8")
    assert "data/hits/of-a-late-worker.parquet" not in gc(out).names
    assert "data/hits/of-a-late-worker.parquet" in gc(out, grace_seconds=0).names
    assert (out / "_meta" / "notes.txt").exists()
    assert (out / "notes.txt").exists()


@pytest.mark.parametrize("years", [-30, 30])
def test_clock_that_jumps(out: Path, reports: Path, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (out / "data" / "hits" / "of-a-late-worker.parquet").write_bytes(b"late")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + years * 365 * 86_400)
    assert gc(out).names == ()
    write(reports, 甲银行_2020="推进大数据，推进大数据。")
    assert cipin.run(reports, "wu2021", out).version == 2
    assert cipin.open(out).version == 2
    monkeypatch.undo()
    assert cipin.run(reports, "wu2021", out).version == 2
    assert verify(out).problems == ()


def test_gc_waits_for_runs(out: Path) -> None:
    with open_store(out).lock(), pytest.raises(cipin.ConflictError, match="a run is under way there; wait for its end"):
        gc(out)
    assert gc(out).names == ()


def test_run_waits_for_gc(out: Path, reports: Path) -> None:
    """Else gc could remove what the run has just found."""
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(cipin.run(reports, "wu2021", out).version))
    with open_store(out).lock(alone=True):
        thread.start()
        time.sleep(0.5)
        assert not done
    thread.join(30)
    assert done == [1]


def test_gc_of_a_damaged_plan_removes_nothing(out: Path, reports: Path) -> None:
    for plan in (out / "_meta" / "plans").iterdir():
        plan.write_text("{", "utf-8")
    with pytest.raises(cipin.StorageError, match="cannot be read"):
        gc(out, grace_seconds=0)
    assert cipin.run(reports, "wu2021", out).version == 1
    assert status(out).published
    assert gc(out, grace_seconds=0).versions == ()


def test_gc_of_a_damaged_version_removes_nothing(out: Path, reports: Path) -> None:
    cipin.run(reports, "fintech-zh", out)
    (out / "_meta" / "versions" / f"{1:020d}.json").write_text("{", "utf-8")
    before = everything(out / "data")
    with pytest.raises(cipin.StorageError, match="cannot be read"):
        gc(out, grace_seconds=0)
    assert everything(out / "data") == before


def test_gc_of_parsed_reports(out: Path, reports: Path) -> None:
    corpus = out / "corpus"
    old = corpus / "packs" / "0123456789abcdef" / "0123456789abcdef.arrow"
    half = corpus / "attempts" / "killed" / "half"
    for path in (old, half):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"of another time")
    used = sorted(path for path in (corpus / "packs").rglob("*") if path.is_file() and path != old)
    assert used
    found = gc(out, grace_seconds=0, dry_run=True)
    assert {str(path.relative_to(out)) for path in (old, half)} <= set(found.names)
    gc(out, grace_seconds=0)
    assert not old.exists()
    assert not half.parent.exists()
    assert all(path.exists() for path in used)
    assert cipin.run(reports, "fintech-zh", out).summary["tallies"]["reused"] == 3
