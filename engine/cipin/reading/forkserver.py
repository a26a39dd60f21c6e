"""The server process that the sandbox's children are forked from, and what the children do.

It is a plain subprocess, not multiprocessing's: a daemonic process may have no children there, and a script's
`__main__` would be imported again. It has imported the parsers, so that a child costs a fork. It alone kills and
reaps, so that no process id is killed that means another process by now. When its caller is gone it ends, and the
child with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import math
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

from cipin.errors import RunError
from cipin.reading.encoding import garbled_share
from cipin.reading.formats import ReadOptions
from cipin.reading.messages import Kind, Request, pack, receive, send
from cipin.reading.report import RawReport

Parse = Callable[[Path, ReadOptions], Iterator[RawReport]]

#: What the server imports before it forks a child for a format: else every child would.
_LIBRARIES = {"pdf": "pypdfium2", "html": "selectolax.lexbor", "parquet": "pyarrow.parquet", "arrow": "pyarrow"}

#: Exit code of a child that ran out of memory.
OUT_OF_MEMORY = 71

_BATCH_BYTES = 2 << 20
#: Behind reports of so many bytes a child reads on only when it is asked to: what it takes to read the next, and what
#: its caller takes to work on these, is then not taken at the same time (texts of 20 million characters: 1.09 GB).
_LARGE_BYTES = 16 << 20
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: wait status, the most bytes of memory it held, and the last line of its stderr."""

    status: int
    taken: int
    said: str


class ForkServer:
    """The server as its caller sees it: it has one child at a time.

    forked   fork it from this process, which must have one thread, instead of starting it

    Started, it took 0.5 s of processor time in each worker; forked from a worker that has imported, 0.02 s.
    Raises RunError if the server does not start.
    """

    def __init__(self, memory_bytes: int, parse: Parse, forked: bool = False) -> None:
        import fcntl

        self.owner = os.getpid()
        self._stderr: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115  (`close` closes it)
        fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)  # "a" alone is about this end
        self._control, theirs = socket.socketpair()
        with theirs:
            start = self._fork_server if forked else self._start_server
            self._process: _Process = start(theirs, memory_bytes, parse)
        self._finalizer = weakref.finalize(self, _close, self.owner, self._control, self._process, self._stderr)
        self._control.settimeout(_PATIENCE)
        if not self._answer():
            said = self._last_words()
            self.close()
            raise RunError(f"the process that parsers run in did not start: {said or 'it said nothing'}")

    def _start_server(self, theirs: socket.socket, memory_bytes: int, parse: Parse) -> _Process:
        # Importing cipin loads Polars for its namespace there: 0.13 s of 0.7, and nothing that a parser needs.
        boot = "import os, sys; sys.path[:] = sys.argv[5].split(os.pathsep); "
        boot += "sys.modules['cipin.namespace'] = type(os)('cipin.namespace'); "
        boot += f"from {__name__} import serve; serve(*sys.argv[1:5])"
        # -P: the working directory is no place to import from.
        command = [sys.executable, "-P", "-c", boot, str(theirs.fileno()), str(memory_bytes)]
        command += [parse.__module__, parse.__qualname__, os.pathsep.join(sys.path)]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C at the terminal does not reach it
        )

    def _fork_server(self, theirs: socket.socket, memory_bytes: int, parse: Parse) -> _Process:
        pid = os.fork()
        if pid:
            return _Forked(pid)
        try:
            os.setsid()
            with open(os.devnull, "r+b") as nothing:
                for fd in (0, 1):
                    os.dup2(nothing.fileno(), fd)
            os.dup2(self._stderr.fileno(), 2)
            # Nothing else of the worker is this process's: while it held one end, no one would see the worker die.
            os.dup2(theirs.fileno(), 3)
            os.closerange(4, 1 << 16)
            serve("3", str(memory_bytes), parse.__module__, parse.__qualname__)
        except BaseException:  # noqa: BLE001  (it must never return into the worker)
            traceback.print_exc()
        finally:
            os._exit(1)

    def fork(self, format_name: str) -> socket.socket:
        """Start a child and return the socket to talk to it with. Raises RunError if none starts."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [f"fork {format_name}\n".encode()], [theirs.fileno()])
            # The library that the server may have to import is not the document's time.
            receive(ours, 0, _PATIENCE)
        except (EOFError, OSError) as error:
            ours.close()
            said = self._last_words() or str(error)
            raise RunError(f"no process could be started for parsers to run in: {said}") from None
        return ours

    def kill(self) -> Ended | None:
        """Kill the child, if it has not ended, and return how it ended; None if the server is gone."""
        try:
            self._control.sendall(b"kill\n")
        except OSError:
            return None
        answer = self._answer()
        if not answer:
            return None
        status, taken = json.loads(answer)
        return Ended(status, taken, self._last_words())

    def ended(self) -> bool:
        """Tell whether the server is gone."""
        return self._process.poll() is not None

    def forget_stderr(self) -> None:
        """Drop what was written to stderr so far."""
        if os.fstat(self._stderr.fileno()).st_size:
            os.ftruncate(self._stderr.fileno(), 0)

    def close(self) -> None:
        """End the server and its child."""
        self._finalizer()

    def _answer(self) -> bytes:
        try:
            return self._control.recv(256)
        except OSError:
            return b""

    def _last_words(self) -> str:
        size = os.fstat(self._stderr.fileno()).st_size
        said = os.pread(self._stderr.fileno(), 1000, max(0, size - 1000)).decode("utf-8", "replace")
        lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""


class _Process(Protocol):
    """What is asked of a server's process, in the words of subprocess.Popen."""

    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


class _Forked:
    """A process that was forked from this one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it lives."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("the parsers' server", timeout or 0)
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        """Kill it, unless it was waited for."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def _close(owner: int, control: socket.socket, process: _Process, stderr: IO[bytes]) -> None:
    control.close()
    stderr.close()
    if owner != os.getpid():
        process.returncode = 0  # it is another process's to wait for
        return
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# What follows runs in the server and in its children.


def serve(control_fd: str, memory_bytes: str, module: str, function: str) -> NoReturn:
    """Fork a child when told to, kill it when told to, and say how it ended; end when the caller is gone."""
    control = socket.socket(fileno=int(control_fd))
    parse: Parse = getattr(importlib.import_module(module), function)
    garbled_share("\u4e91")  # makes its table: 40 ms in each child otherwise
    wakeup, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.sendall(b"ready\n")
    pid = 0
    while True:
        ready, _, _ = select.select([control.fileno(), wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 512)
        if control.fileno() in ready:
            line, fds, _, _ = socket.recv_fds(control, 256, 1)
            if pid and not fds:
                os.killpg(pid, signal.SIGKILL)
            if not line:
                os._exit(0)
            if fds:
                # "kill", when the child had ended before, may stand in front.
                _import_library(line.decode().split()[-1])
                pid = _fork(fds[0], parse, int(memory_bytes), (control.fileno(), wakeup, wake))
        if pid and _tell_end(pid, control):
            pid = 0


def _import_library(format_name: str) -> None:
    # Arrow's own allocator, mimalloc, begins with 1 GB, which is all that a child may have.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    if (arrow := sys.modules.get("pyarrow")) is not None:  # in a server that was forked
        arrow.set_memory_pool(arrow.system_memory_pool())
    with contextlib.suppress(ImportError):  # its reader says what to install
        importlib.import_module(_LIBRARIES.get(format_name, "cipin"))
        if format_name == "pdf":
            # 0.4 s, of which numba's import is the half; in each child otherwise.
            importlib.import_module("cipin.reading.formats.pdf_text").load_kernel()


def _tell_end(pid: int, control: socket.socket) -> bool:
    """Tell the caller how the child ended, if it has; return whether it has."""
    import resource

    ended, status, usage = os.wait4(pid, os.WNOHANG)
    if ended:
        # A child begins with the pages of the server.
        taken = max(0, usage.ru_maxrss - resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        control.sendall(json.dumps([status, taken * (1 if sys.platform == "darwin" else 1024)]).encode())
    return bool(ended)


def _fork(data_fd: int, parse: Parse, memory_bytes: int, inherited: tuple[int, ...]) -> int:
    """Return the process id of a new child, which leads its own process group."""
    server = os.getpid()
    pid = os.fork()
    if pid:
        os.close(data_fd)
        with contextlib.suppress(OSError):  # the child was faster, and may even have ended
            os.setpgid(pid, pid)
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in inherited:
            os.close(fd)
        _end_with(server)
        has_grown = _limit(memory_bytes)
        # Closed by the end of this process only: from then on the caller has it killed.
        channel = socket.socket(fileno=data_fd)
        send(channel, Kind.READY, b"")
        while True:
            error, reports = _read_document(channel, parse)
            if error:
                send(channel, Kind.ERROR, pickle.dumps(error))
            else:
                send(channel, Kind.DONE, pickle.dumps((reports, has_grown()), 5))
            del reports
    except (EOFError, ConnectionError):
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001  (a child must never return into the server's loop)
        traceback.print_exc()
    finally:
        os._exit(code)


def _end_with(server: int) -> None:
    """Have this process end when the server does, also while it hangs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        # If the machine runs out of memory, this is the process to end, not the one that waits for it.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")
    if os.getppid() != server:
        os._exit(0)


def _limit(memory_bytes: int) -> Callable[[], bool]:
    """Set this process's limits; return what tells whether it has since grown by a quarter of its memory."""
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 256 if files == resource.RLIM_INFINITY else min(256, files)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory_bytes, memory_bytes))
    if sys.platform != "linux":
        return lambda: False
    before = _data_bytes()
    # Not RLIMIT_AS: that counts mapped Arrow files, and what allocators reserve and do not use.
    resource.setrlimit(resource.RLIMIT_DATA, (before + memory_bytes, before + memory_bytes))
    return lambda: _data_bytes() > before + memory_bytes // 4


def _data_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def _limit_cpu(seconds: float) -> None:
    """Allow so much processor time from now on."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _read_document(channel: socket.socket, parse: Parse) -> tuple[tuple[str, str] | None, list[tuple[Any, ...]]]:
    """Read what is requested, send its reports in batches, and return an error, if there is one, and the last batch.

    Raises EOFError if there are no more requests.
    """
    _, body = receive(channel, 1 << 20)
    request: Request = pickle.loads(body)
    batch: list[RawReport] = []

    def flush(n_bytes: int = 0) -> float:
        if batch:
            large = n_bytes >= _LARGE_BYTES
            send(channel, Kind.LARGE if large else Kind.REPORTS, pickle.dumps(pack(batch), 5))
            batch.clear()
            if large:
                if sys.platform == "linux":
                    getattr(ctypes.CDLL(None), "malloc_trim", id)(0)  # glibc's alone
                receive(channel, 0)
        _limit_cpu(request.cpu_seconds)
        return time.monotonic()

    sent, n_bytes, seen, last = flush(), 0, 0, ""
    try:
        for report in parse(Path(os.fsdecode(request.path)), request.options):
            if report.reason == "memory":
                # Whether it is the document's fault is found out in a fresh child.
                raise MemoryError  # noqa: TRY301  (as if the parser had let it pass)
            seen += 1
            if seen <= request.skip:
                last = report.member
                if seen == request.skip and last != request.last:
                    break
                continue
            batch.append(report)
            n_bytes += _size(report)
            if n_bytes >= _BATCH_BYTES or time.monotonic() - sent >= request.interval:
                del report
                sent, n_bytes = flush(n_bytes), 0
    except (MemoryError, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001  (whatever a parser raises is about its document)
        flush()
        return (type(error).__name__, str(error)[:1000]), []
    if seen < request.skip or last != request.last:
        return ("RuntimeError", "it gave other reports than before"), []
    return None, pack(batch)


def _size(report: RawReport) -> int:
    """Return about how many bytes a report takes when pickled."""
    layout = report.layout
    arrays = sum(getattr(getattr(layout, name), "nbytes", 0) for name in layout.__slots__) if layout else 0
    return 3 * len(report.text) + arrays + sum(len(value) for value in report.meta.values() if isinstance(value, str))
