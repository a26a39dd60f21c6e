"""Parsers in a child process that may hang, run out of memory or crash without taking the run along."""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipin import errors
from cipin.errors import CipinError, RunError, UsageError
from cipin.reading.forkserver import OUT_OF_MEMORY, Ended, ForkServer, Parse
from cipin.reading.formats import ARCHIVES, ReadOptions, read_reports
from cipin.reading.formats.outcome import quarantine
from cipin.reading.formats.sniff import HEAD_BYTES, sniff
from cipin.reading.messages import Kind, Request, load, receive, send, unpack
from cipin.reading.report import RawReport

#: Formats whose parsers are C or C++ over hostile input; broken Parquet, too, can abort inside Arrow.
_APART = frozenset({"pdf", "docx", "html", "parquet", "arrow"})

_DEFAULTS = ReadOptions()

#: What a child may take by default: with the process that it reads for, a worker stays below 1 GB. PDFs of 280 pages
#: took 14 MB, one of 5,000 pages 40.
MEMORY_BYTES = 592 << 20


def needs_sandbox(format_name: str) -> bool:
    """Tell whether files of a format, as `sniff` names it, are to be read with a Sandbox.

    >>> needs_sandbox("pdf"), needs_sandbox("zip"), needs_sandbox("csv")
    (True, True, False)
    """
    return format_name in _APART or format_name in ARCHIVES


#: Tries to start a child: its server may be killed at any moment, as by whoever looks for memory.
STARTS = 3


class Sandbox:
    """Reads documents in a child process, one at a time; a context manager.

    memory_bytes   memory that a child may take beyond what it starts with (Linux only)
    seconds        wall-clock time that may pass without a report of the document
    cpu_seconds    the same, of processor time
    parse          what reads a document in a child: a function of a module, which the server imports

    A document that makes its child hang, run out of memory or die is read once more, in a fresh child that leaves out
    the reports already handed on. If that fails as well, the last report is one quarantined as "timeout", "memory" or
    "crash", whose `member` is `after` the last one read. Where processes cannot be forked (Windows), documents are
    read in this process.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Sandbox(seconds=10) as sandbox:
    ...     path = Path(folder, "平安银行2019年年度报告.txt")
    ...     _ = path.write_text("加快数字化转型", encoding="utf-8")
    ...     [report.text for report in sandbox.read(path)]
    ['加快数字化转型']
    """

    def __init__(
        self,
        memory_bytes: int = MEMORY_BYTES,
        seconds: float = 60.0,
        cpu_seconds: float = 60.0,
        parse: Parse = read_reports,
    ) -> None:
        self.memory_bytes = memory_bytes
        self.seconds = seconds
        self.cpu_seconds = cpu_seconds
        self.parse = parse
        #: Of the last child that ended before its time.
        self.taken_bytes = 0
        self._server: ForkServer | None = None
        self._child: socket.socket | None = None
        self._format = ""
        self._reading = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and its child; reading again starts them again."""
        if self._child is not None:
            self._child.close()
        if self._server is not None:
            self._server.close()
        self._child = self._server = None

    def fork_server(self) -> None:
        """Fork the server from this process, which has one thread and has imported the parsers."""
        self._server = ForkServer(self.memory_bytes, self.parse, forked=True)

    def read(self, path: Path, options: ReadOptions = _DEFAULTS) -> Generator[RawReport, None, None]:
        """Yield every report of a file, as `read_reports` does; at least one.

        What needs no sandbox is read here; so are archives, whose members are then read one by one like files, so
        that one of them cannot take the others along.
        Raises SourceError if a table lacks the text column, and RunError if processes cannot be started.
        """
        name = _name_format(path)
        if name in _APART and hasattr(os, "fork"):
            yield from self._read_apart(path, options, name)
        else:
            yield from read_reports(path, options, self.read)

    def _read_apart(self, path: Path, options: ReadOptions, name: str) -> Iterator[RawReport]:
        if self._reading:
            raise UsageError(f"{path.name}: the sandbox is reading another document; finish or close that one first")
        n_reports, last = 0, ""
        self._reading = True
        try:
            # The second time each report is sent at once, so that only the one that cannot be read is missing.
            for interval in (min(1.0, self.seconds / 4), 0.0):
                request = Request(os.fsencode(path.absolute()), options, n_reports, last, self.cpu_seconds, interval)
                try:
                    for report in self._attempt(request, name):
                        n_reports += 1
                        last = report.member
                        yield report
                except _DiedError as died:
                    failure = died.failure
                    self._end_child()
                else:
                    return
        finally:
            self._reading = False
        place = f"after {last}".strip() if n_reports else ""
        message = f"{place}{': ' if place else ''}tried twice: {failure.what}; {_WAYS_OUT[failure.reason]}"
        yield quarantine(RawReport(place, "", name), failure.reason, message)

    def _attempt(self, request: Request, name: str) -> Iterator[RawReport]:
        """Yield the reports that a request asks for. Raises _DiedError."""
        finished = False
        try:
            child = self._find_child(name)
            kind, content = self._ask(child, pickle.dumps(request), Kind.REQUEST)
            while kind in {Kind.REPORTS, Kind.LARGE}:
                yield from unpack(content)
                del content
                kind, content = self._ask(child, kind=Kind.MORE if kind == Kind.LARGE else None)
            if kind == Kind.DONE:
                reports, grown = content
                finished = True
                if grown:
                    # Before its last reports are worked on, which takes memory as well: 0.38 GB of a page of 60 MB.
                    self._end_child()
                yield from unpack(reports)
            finished = finished or kind == Kind.ERROR
        finally:
            # Also after GeneratorExit and Ctrl-C: what the child would still send belongs to no one.
            if not finished:
                self._end_child()
        if kind == Kind.ERROR:
            error, message = content
            known = getattr(errors, error, None)
            if isinstance(known, type) and issubclass(known, CipinError):
                raise known(message)
            raise _DiedError(_Failure("crash", f"its parser failed: {error}: {message}"))

    def _ask(self, child: socket.socket, request: bytes = b"", kind: Kind | None = None) -> tuple[Kind, Any]:
        """Send a message of that kind, if there is one, and return the next answer. Raises _DiedError."""
        try:
            if kind is not None:
                send(child, kind, request)
            kind, body = receive(child, self.memory_bytes, self.seconds)
            return kind, load(body)
        except TimeoutError:
            raise _DiedError(_Failure("timeout", f"nothing came of it for {self.seconds:g} s")) from None
        except (EOFError, OSError):
            raise _DiedError(self._end_child()) from None
        except (pickle.UnpicklingError, ValueError) as error:
            raise _DiedError(_Failure("crash", f"its parser's process sent what is no report: {error}")) from None

    def _find_child(self, name: str) -> socket.socket:
        """Return the socket of the child, which is started if there is none."""
        if self._server is not None and self._server.owner != os.getpid():
            # This process was forked from the one that started them.
            self._server = self._child = None
        if self._child is None:
            self._child = self._start_child(name)
        self._format = name
        if self._server is not None:
            self._server.forget_stderr()
        return self._child

    def _start_child(self, name: str) -> socket.socket:
        """Start a child, and the server that it is forked from if there is none; again if something killed that."""
        for left in reversed(range(STARTS)):
            if self._server is not None and self._server.ended():
                self.close()
            try:
                if self._server is None:
                    self._server = ForkServer(self.memory_bytes, self.parse)
                return self._server.fork(name)
            except RunError:
                self.close()
                if not left:
                    raise
        raise AssertionError

    def _end_child(self) -> _Failure:
        """Kill the child if it lives, and return what ended it; the next document starts another."""
        failure = _Failure("crash", "its process was ended")
        if self._child is not None and self._server is not None:
            self._child.close()
            ended = self._server.kill()
            if ended is None:
                self.close()
            else:
                self.taken_bytes = ended.taken
                failure = _explain(ended, self._format, self.memory_bytes, self.cpu_seconds)
        self._child = None
        return failure


@dataclass(frozen=True, slots=True)
class _Failure:
    """How an attempt ended: the reason, and what happened, in words."""

    reason: str
    what: str


class _DiedError(Exception):
    """The child ended, or must be ended, before its document was read."""

    def __init__(self, failure: _Failure) -> None:
        super().__init__(failure.what)
        self.failure = failure


_WAYS_OUT = {
    "timeout": "open it and save it anew, or leave it out",
    "memory": "split it, or open it and save it anew",
    "crash": "open it and save it anew, or leave it out",
}


def _explain(ended: Ended, format_name: str, memory_bytes: int, cpu_seconds: float) -> _Failure:
    """Return why a child ended that was not made to."""
    after = f" ({ended.said})" if ended.said else ""
    code = os.waitstatus_to_exitcode(ended.status)
    too_much = f"reading it takes more than {memory_bytes / 1e6:,.0f} MB of memory"
    if code == OUT_OF_MEMORY:
        return _Failure("memory", too_much)
    if code >= 0:
        return _Failure("crash", f"its parser ended the process with exit code {code}{after}")
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGXCPU":
        return _Failure("timeout", f"nothing came of it in {cpu_seconds:g} s of processor time")
    # C++ that gets no memory aborts: what it held, or said, tells that from a bug. PDFium asks for the whole of what a
    # stream inflates to, and aborts without a word; what finds a bug there, glibc or C++, says it.
    silent = format_name == "pdf" and name == "SIGABRT" and not ended.said
    hungry = re.search("bad_alloc|out of memory|cannot allocate", ended.said, re.IGNORECASE)
    if ended.taken > memory_bytes // 2 or hungry or silent:
        return _Failure("memory", f"{too_much} (its parser ended with {name}{': ' if ended.said else ''}{ended.said})")
    by_whom = ", which the system does when it is out of memory" if name == "SIGKILL" else ""
    return _Failure("crash", f"its parser was ended by {name}{by_whom}{after}")


def _name_format(path: Path) -> str:
    """Return the name of the format of a file, or "" if it cannot be opened, which its reader will say."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES), path.suffix.lower())
    except OSError:
        return ""
