"""Programs of their own, and how much memory the largest of their processes took at most."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Done:
    """How a program went.

    seconds    of processor time, with the start of the interpreter, and of the children that it waited for
    peak       bytes of the process that had most, of the program and all that it started; 0: no /proc to ask
    processes  how many there were
    output     its standard output
    """

    seconds: float
    peak: int
    processes: int
    output: str


def run_program(command: Sequence[str]) -> Done:
    """Run a program to its end.

    The peak is VmHWM, which the kernel keeps for each process; `ru_maxrss` would begin with that of the parent. It is
    asked for every 20 ms, so that a process that ends loses what it grew by in its last moment.

    Raises RuntimeError with what it said, if it fails.
    """
    peaks: dict[int, int] = {}
    began = _children_seconds()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(program.pid, over, peaks))
        watcher.start()
        output, errors = program.communicate()
        over.set()
        watcher.join()
    seconds = _children_seconds() - began
    if program.returncode:
        raise RuntimeError(f"{command[0]}: exit code {program.returncode}\n{errors[-2000:]}")
    return Done(seconds, max(peaks.values(), default=0), len(peaks), output)


def run_python(script: str, *arguments: str) -> Done:
    """Run a piece of Python in an interpreter of its own; see run_program."""
    return run_program([sys.executable, "-c", script, *arguments])


def run_script(name: str, asked: object) -> Done:
    """Run a script of this folder with what it is asked, as JSON; see run_program."""
    return run_program([sys.executable, str(Path(__file__).parent / name), json.dumps(asked)])


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(root: int, over: threading.Event, peaks: dict[int, int]) -> None:
    while not over.wait(_EVERY):
        for process in family(root):
            peak = _high_water(process)
            if peak:
                peaks[process] = max(peak, peaks.get(process, 0))


def family(root: int) -> list[int]:
    """Return a process and all below it."""
    found, at = [root], 0
    while at < len(found):
        try:
            for children in (PROC / str(found[at]) / "task").glob("*/children"):
                found += map(int, children.read_text(encoding="ascii").split())
        except OSError:
            pass  # it, or one of its threads, has ended
        at += 1
    return found


def _high_water(process: int) -> int:
    try:
        status = (PROC / str(process) / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line[1]) * 1024 for line in lines), 0)
