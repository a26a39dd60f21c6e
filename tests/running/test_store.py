"""Nothing is seen half-written, nothing is written over, and of several writers one succeeds."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, current_thread
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

import cipin
from cipin.running import store


def writing(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return write


def test_write_then_publish(tmp_path: Path) -> None:
    temporary = store.write_file(tmp_path / "attempts", writing("一"))
    assert store.publish(temporary, tmp_path / "data" / "a")
    assert (tmp_path / "data" / "a").read_text("utf-8") == "一"
    assert list((tmp_path / "attempts").iterdir()) == []


def test_publish_never_writes_over(tmp_path: Path) -> None:
    for text in ("一", "二"):
        won = store.publish(store.write_file(tmp_path / "attempts", writing(text)), tmp_path / "a")
        assert won == (text == "一")
    assert (tmp_path / "a").read_text("utf-8") == "一"
    assert list((tmp_path / "attempts").iterdir()) == []


@pytest.mark.parametrize("attempt", range(5))
def test_one_of_racing_publishers_wins(tmp_path: Path, attempt: int) -> None:
    n_writers = 8
    barrier = Barrier(n_writers)

    def race(number: int) -> bool:
        temporary = store.write_file(tmp_path / "attempts", writing(str(number)))
        barrier.wait()
        return store.publish(temporary, tmp_path / "data" / "a")

    with ThreadPoolExecutor(n_writers) as pool:
        won = list(pool.map(race, range(n_writers)))
    assert won.count(True) == 1
    assert (tmp_path / "data" / "a").read_text("utf-8") == str(won.index(True))
    assert list((tmp_path / "attempts").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some space and run"),
        (OSError("write failed: No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be written; choose another place with -o"),
        (OSError(errno.EROFS, "Read-only file system"), "may not be written; choose another place with -o"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error; the run can be started again"),
        (pa.ArrowInvalid("what Arrow says"), "what Arrow says"),
    ],
    ids=str,
)
def test_errors_are_explained_and_leave_nothing(tmp_path: Path, error: Exception, message: str) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with pytest.raises(cipin.StorageError, match=message) as caught:
        store.write_file(tmp_path / "attempts", fail)
    assert str(tmp_path) in str(caught.value)
    assert list((tmp_path / "attempts").iterdir()) == []


def test_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_file(tmp_path / "attempts", interrupt)
    assert list((tmp_path / "attempts").iterdir()) == []


def test_replace_folder(tmp_path: Path) -> None:
    for text in ("一", "二"):
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / text).write_text(text, encoding="utf-8")
        store.replace_folder(tmp_path / "made", tmp_path / "current")
        assert [each.name for each in (tmp_path / "current").iterdir()] == [text]
    assert [each.name for each in tmp_path.iterdir()] == ["current"]


def test_remove_folder_may_find_none(tmp_path: Path) -> None:
    store.remove_folder(tmp_path / "attempts")
    (tmp_path / "attempts" / "a").mkdir(parents=True)
    store.remove_folder(tmp_path / "attempts")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 1000])
def test_much_at_once_comes_in_order(n: int) -> None:
    assert list(store.at_once(lambda each: each * each, range(n))) == [each * each for each in range(n)]


@pytest.mark.parametrize("free", [False, True])
def test_what_fails_at_once_ends_it(free: bool) -> None:
    done = []

    def do(each: int) -> int:
        if each == 200:
            raise OSError(errno.EIO, "no disk")
        time.sleep(0.001)
        done.append(each)
        return each

    with pytest.raises(OSError, match="no disk"):
        list(store.at_once(do, range(10_000), free=free))
    assert 0 < len(done) < 2_000


def test_what_is_given_up_goes_on_with_little() -> None:
    done = []

    def do(each: int) -> int:
        time.sleep(0.02)
        done.append(each)
        return each

    for each in store.at_once(do, range(1000)):
        if each == 40:
            break
    time.sleep(0.5)
    assert len(done) < 40 + 2 * store.THREADS * store.BATCH


def test_results_that_are_large_are_not_heaped_up() -> None:
    made = []

    def do(each: int) -> int:
        time.sleep(0.005)
        made.append(each)
        return each

    for number, _ in enumerate(store.at_once(do, range(300), batch=1), 1):
        time.sleep(0.001)
        assert len(made) <= number + 2 * store.THREADS + 2


def test_a_slow_consumer_is_no_slow_store(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]  # a clock of its own: a busy machine may hold up any call
    monkeypatch.setattr(store, "time", SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: 0.0))
    monkeypatch.setattr(store, "ThreadPoolExecutor", None)
    for _ in store.at_once(int, range(2 * store.BATCH)):
        now[0] += 1


def test_it_may_be_given_up_by_one_of_its_threads() -> None:
    """As by a collector of garbage, which runs in any of them."""
    errors: list[RuntimeError] = []
    paused, closed = Event(), Event()

    def do(each: int) -> int:
        time.sleep(0.005)
        if each == 200:
            paused.wait(30)
            try:
                running.close()
            except RuntimeError as error:
                errors.append(error)
            closed.set()
        return each

    running: Any = store.at_once(do, range(400))
    for _ in range(150):
        next(running)
    paused.set()
    assert closed.wait(30)
    assert not errors


def test_what_waits_is_under_way_at_once() -> None:
    under_way, most = set(), []

    def do(each: int) -> int:
        under_way.add(each)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.remove(each)
        return each

    assert list(store.at_once(do, range(200))) == list(range(200))
    assert max(most) > 4


def test_what_does_not_wait_is_done_by_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAITED", float("inf"))  # whatever else the machine does meanwhile
    assert set(store.at_once(lambda _: current_thread(), range(1000))) == {current_thread()}
