"""Whole runs, from a folder of files to tables, in several ways; no floors."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import cipin
from definitions import WholeRun, read_definitions
from race import Timing, time_rounds

_, RUNS = read_definitions()
ROUNDS = 3
#: The wall: what workers do is not on the clock of this process.
CLOCK = time.perf_counter


def run_serial(reports: Path, lexicon: str, out: Path) -> None:
    """Run in this process."""
    cipin.run(reports, lexicon, out, on="serial")


def run_two_workers(reports: Path, lexicon: str, out: Path) -> None:
    """Run in two worker processes."""
    cipin.run(reports, lexicon, out, on="processes", workers=2)


def run_command(reports: Path, lexicon: str, out: Path) -> None:
    """Start the command as a user does: a new interpreter, its imports, and kernels from numba's cache."""
    command = [sys.executable, "-c", "from cipin.cli import main; raise SystemExit(main())", "run"]
    subprocess.run([*command, str(reports), "-l", lexicon, "-o", str(out)], check=True, capture_output=True)


WAYS: dict[str, Callable[[Path, str, Path], None]] = {
    "serial": run_serial,
    "two workers": run_two_workers,
    "command": run_command,
}


@pytest.mark.benchmark(disable_gc=True, timer=CLOCK)
@pytest.mark.parametrize("definition", RUNS, ids=lambda definition: definition.name)
def test_run(definition: WholeRun, benchmark: BenchmarkFixture, show: Callable[[Timing], None], tmp_path: Path) -> None:
    """Every way leaves the same files, with the hits of the definition."""
    reports = tmp_path / "reports"
    reports.mkdir()
    for number, text in enumerate(definition.corpus.texts(cipin.Lexicon.load(definition.lexicon))):
        (reports / f"银行{number:04d}_2020年报.txt").write_text(text, encoding="utf-8")
    n_bytes = sum(path.stat().st_size for path in reports.iterdir())
    outs = (tmp_path / f"out-{number}" for number in count())

    def run(way: str) -> Path:
        out = next(outs)
        WAYS[way](reports, definition.lexicon, out)
        return out

    files = {}
    for way in definition.ways:
        left = cipin.open(run(way))
        assert left.hits.select(pl.len()).collect().item() == definition.hits, way
        files[way] = [(each["table"], (left.out / each["name"]).read_bytes()) for each in left.manifest["files"]]
        assert files[way] == files[definition.ways[0]], way

    seconds = time_rounds(benchmark, {way: partial(run, way) for way in definition.ways}, CLOCK, ROUNDS)
    show(Timing(definition.name, definition.question, n_bytes, seconds))
