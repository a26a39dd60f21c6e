"""Whatever a document does to its parser, it ends as a report, and the next document is read."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import bad_parsers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cipin.errors import RunError, SourceError, UsageError
from cipin.reading.formats import ReadOptions, read_reports
from cipin.reading.messages import load
from cipin.reading.report import RawReport
from cipin.reading.sandbox import Sandbox, needs_sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory limits and /proc are Linux's")


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    def too_long(*_: object) -> None:
        raise TimeoutError("the test took more than 60 s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_bytes=256 << 20, seconds=30, cpu_seconds=1, parse=bad_parsers.parse) as made:
        yield made


def document(folder: Path, what: str, name: str = "a.pdf") -> Path:
    path = folder / name
    path.write_text(f"%PDF- {what}", encoding="utf-8")
    return path


def outcome(reports: list[RawReport]) -> list[tuple[str, str, str]]:
    return [(report.member, report.status, report.reason) for report in reports]


FAILURES = [
    ("abort", "crash", "SIGABRT (free(): invalid pointer)"),
    ("abort_in_silence", "memory", "more than 268 MB of memory (its parser ended with SIGABRT)"),
    ("segv", "crash", "SIGSEGV"),
    ("kill", "crash", "SIGKILL"),
    ("exit", "crash", "exit code 3"),
    ("sys.exit", "crash", "exit code 1"),
    ("raise", "crash", "KeyError: 'no such object'"),
    ("files", "crash", "Too many open files"),
    ("spin", "timeout", "1 s of processor time"),
    ("hog", "memory", "268 MB"),
    ("eat", "memory", "268 MB"),
    ("die_of_hunger", "memory", "bad_alloc"),
]


@pytest.mark.parametrize(("what", "reason", "words"), FAILURES)
def test_failure(sandbox: Sandbox, tmp_path: Path, what: str, reason: str, words: str) -> None:
    (report,) = sandbox.read(document(tmp_path, what))
    assert (report.status, report.reason, report.format, report.member) == ("quarantined", reason, "pdf", "")
    assert words in report.message
    assert "tried twice: " in report.message
    assert outcome(list(sandbox.read(document(tmp_path, "read", "b.pdf")))) == [("", "measured", "")]


@pytest.mark.parametrize("what", ["hang", "stop"])
def test_timeout(tmp_path: Path, what: str) -> None:
    with Sandbox(seconds=0.4, parse=bad_parsers.parse) as sandbox:
        list(sandbox.read(document(tmp_path, "read")))
        start = time.monotonic()
        (report,) = sandbox.read(document(tmp_path, what))
        assert (report.reason, "0.4 s" in report.message) == ("timeout", True)
        assert 0.8 <= time.monotonic() - start < 60


def test_time_counts_from_the_last_report(tmp_path: Path) -> None:
    with Sandbox(seconds=1, parse=bad_parsers.parse) as sandbox:
        assert len(list(sandbox.read(document(tmp_path, "slow")))) == 8


@pytest.mark.parametrize(("what", "reason"), [("abort", "crash"), ("eat", "memory"), ("raise", "crash")])
def test_what_was_read_before_is_kept(sandbox: Sandbox, tmp_path: Path, what: str, reason: str) -> None:
    reports = list(sandbox.read(document(tmp_path, f"partly {what}")))
    assert outcome(reports) == [("0", "measured", ""), ("1", "measured", ""), ("after 1", "quarantined", reason)]
    assert reports[-1].message.startswith("after 1: ")


def test_retry_repeats_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    assert [report.member for report in sandbox.read(document(tmp_path, "flaky"))] == ["0", "1", "2"]


def test_retry_of_a_changed_document(tmp_path: Path) -> None:
    with Sandbox(seconds=1, parse=bad_parsers.parse) as sandbox:
        reports = list(sandbox.read(document(tmp_path, "changed")))
    assert outcome(reports) == [("0", "measured", ""), ("1", "measured", ""), ("after 1", "quarantined", "crash")]
    assert "other reports than before" in reports[-1].message


def test_error_of_the_source_is_raised(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.csv: no column 'text'"):
        list(sandbox.read(document(tmp_path, "column")))
    assert len(list(sandbox.read(document(tmp_path, "read")))) == 1


def test_reports_arrive_as_they_were(sandbox: Sandbox, tmp_path: Path) -> None:
    (report,) = sandbox.read(document(tmp_path, "layout"))
    layout, expected = report.layout, bad_parsers.layout()
    assert layout is not None
    assert layout.outline == expected.outline
    for name in (name for name in layout.__slots__ if name != "outline"):
        ours, theirs = getattr(layout, name), getattr(expected, name)
        assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes())


def test_output_is_not_the_callers(sandbox: Sandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert len(list(sandbox.read(document(tmp_path, "print")))) == 1
    assert capfd.readouterr() == ("", "")


def test_many_reports(sandbox: Sandbox, tmp_path: Path) -> None:
    reports = list(sandbox.read(document(tmp_path, "many 20000 10")))
    assert [report.member for report in reports] == [str(number) for number in range(20000)]


def test_more_than_the_memory_streams(sandbox: Sandbox, tmp_path: Path) -> None:
    # 360 MB of text through a child that may have 256; it waits for its reader.
    n_chars = 0
    for number, report in enumerate(sandbox.read(document(tmp_path, "many 400 100000"))):
        n_chars += len(report.text)
        if number == 3:
            time.sleep(0.3)
    assert n_chars == 400 * 300000


def test_leaving_early(sandbox: Sandbox, tmp_path: Path) -> None:
    reports = sandbox.read(document(tmp_path, "many 100000 100"))
    assert len(list(islice(reports, 5))) == 5
    with pytest.raises(UsageError, match="another document"):
        list(sandbox.read(document(tmp_path, "read", "b.pdf")))
    reports.close()  # type: ignore[attr-defined]
    assert len(list(sandbox.read(document(tmp_path, "read", "b.pdf")))) == 1


def processes_of(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def wait_for_the_end_of(session: int) -> None:
    deadline = time.monotonic() + 60
    while processes_of(session) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_of(session) == []


def server_of(sandbox: Sandbox) -> int:
    assert sandbox._server is not None
    return sandbox._server._process.pid


def test_nothing_leaks(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    sandbox = Sandbox(parse=bad_parsers.parse)
    good, bad = document(tmp_path, "read"), document(tmp_path, "abort", "b.pdf")
    list(sandbox.read(good))
    server = server_of(sandbox)
    held = len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{server}/fd"))
    for _ in range(40):
        assert [*sandbox.read(good), *sandbox.read(bad), *sandbox.read(good)][1].reason == "crash"
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{server}/fd"))) == held
    assert len(processes_of(server)) == 2
    sandbox.close()
    assert processes_of(server) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_child_is_kept_from_document_to_document(sandbox: Sandbox, tmp_path: Path) -> None:
    children = set()
    for _ in range(5):
        list(sandbox.read(document(tmp_path, "read")))
        children.add((tmp_path / "a.seen").read_text())
    assert len(children) == 1


def test_server_that_was_killed_is_started_again(tmp_path: Path) -> None:
    with Sandbox(parse=bad_parsers.parse) as sandbox:
        for _ in range(2):
            assert outcome(list(sandbox.read(document(tmp_path, "read")))) == [("", "measured", "")]
            server = server_of(sandbox)
            os.kill(server, signal.SIGKILL)
            wait_for_the_end_of(server)


def test_parser_that_cannot_be_imported(tmp_path: Path) -> None:
    def parse(path: Path, options: ReadOptions) -> Iterator[RawReport]:
        yield from bad_parsers.parse(path, options)

    with pytest.raises(RunError, match=r"did not start: AttributeError: .*test_parser_that_cannot"):
        list(Sandbox(parse=parse).read(document(tmp_path, "read")))


def test_text_is_read_here(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        (tmp_path / "a.txt").write_text("云计算", encoding="utf-8")
        (report,) = sandbox.read(tmp_path / "a.txt")
        assert (report.text, sandbox._server) == ("云计算", None)
        (report,) = sandbox.read(tmp_path / "none.pdf")
        assert report.reason == "unreadable"
        os.mkfifo(tmp_path / "pipe.pdf")
        (report,) = sandbox.read(tmp_path / "pipe.pdf")
        assert report.reason == "unsupported"


def test_parquet_in_little_memory(tmp_path: Path) -> None:
    # Arrow's allocator would begin with 1 GB, and its imports are the server's.
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["云计算", None, "大数据"]}), path)
    with Sandbox(memory_bytes=128 << 20) as sandbox:
        assert list(sandbox.read(path)) == list(read_reports(path))
        with pytest.raises(SourceError, match=r"a\.parquet: no column 'x'"):
            list(sandbox.read(path, ReadOptions(text_column="x")))


def test_needs_sandbox() -> None:
    names = {"pdf", "docx", "html", "zip", "tar", "gzip", "bzip2", "xz", "parquet", "arrow"}
    assert [needs_sandbox(name) for name in ("", "text", "markdown", "csv", "jsonl", *names)] == [False] * 5 + [
        True
    ] * len(names)


class Command:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def test_only_reports_are_unpickled() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"system"):
        load(bytearray(pickle.dumps([Command()])))


def test_thread_may_end(tmp_path: Path) -> None:
    with Sandbox(parse=bad_parsers.parse) as sandbox:
        read: list[RawReport] = []
        thread = threading.Thread(target=lambda: read.extend(sandbox.read(document(tmp_path, "read"))))
        thread.start()
        thread.join()
        read.extend(sandbox.read(document(tmp_path, "abort")))
        read.extend(sandbox.read(document(tmp_path, "read")))
    assert [report.reason for report in read] == ["", "crash", ""]


def read_in_worker(paths: list[str]) -> list[str]:
    with Sandbox(parse=bad_parsers.parse) as sandbox:
        return [report.reason for path in paths for report in sandbox.read(Path(path))]


@pytest.mark.parametrize("daemonic", [False, True])
def test_in_a_worker_process(tmp_path: Path, daemonic: bool) -> None:
    paths = [str(document(tmp_path, what, f"{what}.pdf")) for what in ("read", "abort", "raise")]
    context = multiprocessing.get_context("forkserver")
    if daemonic:
        with context.Pool(1) as pool:
            assert pool.apply(read_in_worker, (paths,)) == ["", "crash", "crash"]
    else:
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            assert executor.submit(read_in_worker, paths).result() == ["", "crash", "crash"]


READ_FOREVER = """
import sys
from pathlib import Path
import bad_parsers
from cipin.reading.sandbox import Sandbox
with Sandbox(parse=bad_parsers.parse) as sandbox:
    if "forked" in sys.argv:
        sandbox.fork_server()
    list(sandbox.read(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("server", ["started", "forked"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_child_ends_with_the_caller(tmp_path: Path, sent: signal.Signals, server: str) -> None:
    path = document(tmp_path, "hang")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", READ_FOREVER, str(path), server]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as caller:
        seen = path.with_suffix(".seen")
        while not (seen.exists() and seen.read_text()):
            time.sleep(0.05)
        child = int(seen.read_text())
        parent = os.getsid(child)
        os.killpg(caller.pid, sent)
        caller.wait(60)
    wait_for_the_end_of(parent)


FORKED = """
import os, signal, sys
from pathlib import Path
import bad_parsers
from cipin.reading.sandbox import Sandbox
with Sandbox(memory_bytes=256 << 20, seconds=30, cpu_seconds=1, parse=bad_parsers.parse) as sandbox:
    sandbox.fork_server()
    server = sandbox._server._process.pid
    for path in sys.argv[1:]:
        print(*(report.reason or report.text for report in sandbox.read(Path(path))))
    print(len(os.listdir(f"/proc/{server}/fd")) <= 8)
    sandbox._end_child()
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
    print(*(report.reason or report.text for report in sandbox.read(Path(sys.argv[1]))))
assert not os.path.exists(f"/proc/{server}")
"""


def test_forked_server_does_as_a_started_one(tmp_path: Path) -> None:
    paths = [str(document(tmp_path, what, f"{what}.pdf")) for what in ("read", "abort", "hog", "spin", "raise")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # What the worker holds open is not the server's: else no one would see the worker's end.
    with (tmp_path / "held").open("w") as held:
        done = subprocess.run(
            [sys.executable, "-c", FORKED, *paths],
            env=environment, capture_output=True, text=True, pass_fds=[held.fileno()], check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *said, held_open, after = done.stdout.splitlines()
    assert (said, held_open) == (["云计算", "crash", "memory", "timeout", "crash"], "True")
    assert after == "云计算"
