"""Parsers that fail as documents make them fail; the second word of the file says how."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cipin.errors import SourceError
from cipin.reading.formats.options import ReadOptions
from cipin.reading.report import Layout, OutlineEntry, RawReport


def report(member: str, text: str = "云计算") -> RawReport:
    return RawReport(member, text, "pdf", meta={"年": 2019})


def layout() -> Layout:
    return Layout(
        page_start=np.array([0, 4], np.int64),
        page_size=np.array([[595, 842]], np.float32),
        line_start=np.array([0], np.int64),
        line_end=np.array([3], np.int64),
        line_page=np.zeros(1, np.int32),
        line_box=np.full((1, 4), np.nan, np.float32),
        line_size=np.array([10.5], np.float32),
        line_bold=np.array([True]),
        line_kind=np.zeros(1, np.uint8),
        line_level=np.zeros(1, np.uint8),
        generated=np.array([False, False, False, True]),
        outline=(OutlineEntry(1, "第一章", 0),),
    )


def parse(path: Path, _options: ReadOptions) -> Iterator[RawReport]:
    _, what, *arguments = path.read_text(encoding="utf-8").split()
    first_time = not path.with_suffix(".seen").exists()
    path.with_suffix(".seen").write_text(str(os.getpid()))
    if what == "read":
        yield report("")
    elif what == "layout":
        yield RawReport("", "云计算\n", "pdf", layout=layout())
    elif what == "many":
        for number in range(int(arguments[0])):
            yield report(str(number), "云计算" * int(arguments[1]))
    elif what == "slow":
        for number in range(8):
            time.sleep(0.25)
            yield report(str(number))
    elif what == "print":
        sys.stdout.write("to stdout\n" * 1000)
        os.write(1, b"to file 1\n")
        sys.stderr.write("to stderr\n")
        yield report("")
    elif what == "flaky":
        yield report("0")
        yield report("1")
        if first_time:
            time.sleep(0.5)  # until both were sent
            yield report("2")
            os.abort()
        yield report("2")
    elif what == "changed":
        yield report("0" if first_time else "9")
        time.sleep(0.5)
        yield report("1" if first_time else "8")
        os.abort()
    elif what == "partly":
        yield report("0")
        yield report("1")
        fail(arguments[0])
    else:
        fail(what)
        yield report("")


def fail(what: str) -> None:
    if what == "hang":
        time.sleep(1000)
    elif what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "spin":
        while True:
            pass
    elif what == "abort":
        os.write(2, b"free(): invalid pointer\n")  # what glibc says
        os.abort()
    elif what == "abort_in_silence":
        os.abort()
    elif what == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "exit":
        os._exit(3)
    elif what == "sys.exit":
        sys.exit()
    elif what == "hog":
        bytearray(1 << 40)
    elif what == "eat":
        held = []
        while True:
            held.append(bytearray(8 << 20))
    elif what == "die_of_hunger":
        held = []
        try:
            while True:
                held.append(np.ones(1 << 20))
        except MemoryError:
            os.write(2, b"terminate called: std::bad_alloc\n")
            os.abort()
    elif what == "files":
        for _ in range(1000):
            os.dup(0)
    elif what == "raise":
        raise KeyError("no such object")
    elif what == "column":
        raise SourceError("a.csv: no column 'text'")
