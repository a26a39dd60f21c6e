"""Reading PDFs: pages a second against bare text extraction, in a sandbox, by several workers, and a single report."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pypdfium2
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import cipin
from cipin.reading.formats import read_reports
from cipin.reading.parsed import parse
from cipin.reading.report import RawReport
from cipin.reading.sandbox import Sandbox
from cipin.running.executor import available_cpus
from definitions import Reading, read_readings
from made_pdfs import write_pdfs
from race import MORE, Timing, add_rounds, time_rounds

CLOCKS: dict[str, Callable[[], float]] = {"processor": time.process_time, "wall": time.perf_counter}
READINGS = [
    pytest.param(each, id=each.name, marks=pytest.mark.benchmark(disable_gc=True, timer=CLOCKS[each.clock]))
    for each in read_readings()
]
LEXICON = "wu2021"
ROUNDS = {"processor": 7, "wall": 3}
_NEEDED_CPUS = 1.8

#: What a way does with the files, in a folder of its own.
Way = Callable[[Sequence[Path], Path], object]


def extract_bare(paths: Sequence[Path], _out: Path) -> int:
    """Extract the text of each page with pypdfium2, and nothing else."""
    n_chars = 0
    for path in paths:
        with pypdfium2.PdfDocument(path) as document:
            for page in document:
                textpage = page.get_textpage()
                n_chars += len(textpage.get_text_range())
                textpage.close()
                page.close()
    return n_chars


def read_here(paths: Sequence[Path], _out: Path) -> int:
    """Read in this process, with layout, repair, structure and quality."""
    return sum(_chars(report) for path in paths for report in read_reports(path))


def read_raw(paths: Sequence[Path], _out: Path) -> int:
    """Read in this process: text, lines, boxes, fonts and what the blanks are; nothing is repaired."""
    return sum(len(report.text) for path in paths for report in read_reports(path))


def read_apart(paths: Sequence[Path], _out: Path) -> int:
    """The same, PDFium in a process that may die, which starts with the first file."""
    with Sandbox() as sandbox:
        return sum(_chars(report) for path in paths for report in sandbox.read(path))


def _chars(report: RawReport) -> int:
    return len(parse(report).text)


def run_workers(workers: int, paths: Sequence[Path], out: Path) -> cipin.Run:
    """Run in so many worker processes, from files to tables."""
    return cipin.run(list(paths), LEXICON, out, on="processes", workers=workers)


def run_call(paths: Sequence[Path], out: Path) -> cipin.Run:
    """Run in this process."""
    return cipin.run(list(paths), LEXICON, out)


def run_command(paths: Sequence[Path], out: Path) -> object:
    """Start the command as a user does."""
    command = [sys.executable, "-c", "from cipin.cli import main; raise SystemExit(main())", "run", *map(str, paths)]
    return subprocess.run([*command, "-l", LEXICON, "-o", str(out)], check=True, capture_output=True)


WAYS: dict[str, Way] = {
    "cipin": read_here,
    "cipin, raw": read_raw,
    "pypdfium2": extract_bare,
    "sandbox": read_apart,
    "one worker": partial(run_workers, 1),
    "two workers": partial(run_workers, 2),
    "call": run_call,
    "command": run_command,
}


@pytest.mark.parametrize("definition", READINGS)
def test_reading(
    definition: Reading,
    benchmark: BenchmarkFixture,
    show: Callable[[Timing], None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Every page has text, and the first way is as fast as the definition says."""
    paths = _own_pdfs(request.config.getoption("--pdfs"))[: definition.files if definition.files == 1 else None]
    if not paths:
        paths = write_pdfs(tmp_path, definition.files, definition.pages)
        made = [report for path in paths for report in read_reports(path)]
        assert {report.meta["pdf_pages"] for report in made} == {definition.pages}
        assert all(700 * definition.pages < len(report.text) < 1500 * definition.pages for report in made)
    n_pages = sum(len(pypdfium2.PdfDocument(path)) for path in paths)

    outs = (tmp_path / f"out-{number}" for number in count())

    def go(way: str) -> None:
        WAYS[way](paths, next(outs))

    free = _free_cpus()
    go(definition.ways[0])  # kernels are compiled, fonts looked for
    ways = {way: partial(go, way) for way in definition.ways}
    seconds = time_rounds(benchmark, ways, CLOCKS[definition.clock], ROUNDS[definition.clock])
    timing = Timing(
        definition.name, definition.question, dict.fromkeys(ways, n_pages), seconds, definition.floors, "pages"
    )
    # As with matchers: the fastest of seven rounds of bare PDFium was 9 % below its next, and a floor missed by 1 %.
    for _ in range(MORE if definition.clock == "processor" else 0):
        if timing.missed:
            add_rounds(seconds, ways, CLOCKS[definition.clock], ROUNDS[definition.clock])
    show(timing)
    # By the wall, two workers are no faster than one where others have the second core.
    if timing.missed and definition.clock == "wall" and min(free, _free_cpus()) < _NEEDED_CPUS:
        pytest.skip(f"other processes left {free:.1f} cores free: {timing.missed} says nothing")
    assert not timing.missed


def _free_cpus(seconds: float = 1.0) -> float:
    """Return how many cores are idle, measured over some time; all, where there is no /proc."""

    def idle() -> int:
        return int(Path("/proc/stat").read_text(encoding="ascii").split()[4])

    if not Path("/proc/stat").exists():
        return float(available_cpus())
    before = idle()
    time.sleep(seconds)
    return (idle() - before) / os.sysconf("SC_CLK_TCK") / seconds


def _own_pdfs(folder: str | None) -> list[Path]:
    paths = sorted(Path(folder).rglob("*.pdf")) if folder else []
    if folder and not paths:
        raise pytest.UsageError(f"--pdfs {folder}: there is no PDF in it")
    return paths
