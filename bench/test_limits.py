"""Limits of time and memory: what ten files take, and how much memory a run and the kernels need."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path

import pytest

from cipin.running.parsing import Reading, parse_source
from cipin.running.plan import Source
from definitions import FOLDER, Corpus, read_sources, read_table
from processes import PROC, Done, run_python, run_script
from race import ROUNDS as RACE_ROUNDS
from test_runs import write_rows

LIMITS = read_table(FOLDER / "limits.toml")
COMMAND = "from cipin.cli import main; raise SystemExit(main())"
IMPORTS = "import numpy, pyarrow, polars"
#: Searches a column from a file, and nothing at all: the difference is what the search took.
SCAN = """
import sys
import pyarrow as pa
from cipin.lexicon.model import Lexicon
from cipin.matching.judge import judge
from cipin.matching.scan import find_matches
from cipin.schema import text_column
column = text_column(pa.ipc.open_file(sys.argv[1]).read_all()["text"])
lexicon = Lexicon.load("wu2021")
first = text_column(pa.array(["大数据" * 200_000]))
for each in (first, column) if sys.argv[2] == "all" else (first,):
    judge(find_matches(each, lexicon, "blocks"), each, lexicon)
assert int(column.data[::4096].sum())
"""
ROUNDS = 3
#: A single one decodes the rows in 10 ms: fewer say too little.
DECODED = 10

needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="there is no /proc to ask for memory")


def write_texts(folder: Path, reports: int, chars: int) -> Path:
    """Write made texts into a new folder, and return it."""
    folder.mkdir()
    for number, text in enumerate(Corpus("zipf", reports, chars).texts(read_sources()["dense"])):
        (folder / f"银行{number:04d}_2020年报.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.quick
def test_ten_files_do_not_wait(tmp_path: Path) -> None:
    """The command needs so many times the processor time of a start of Python, by the fastest of some, in turn."""
    reports, outs = write_texts(tmp_path / "reports", 10, 6_000), count()
    command = ("run", str(reports), "-l", "wu2021", "-o")
    run_python(COMMAND, *command, str(tmp_path / f"{next(outs)}"))
    bare, runs = [], []
    for _ in range(ROUNDS):
        bare.append(run_python(IMPORTS).seconds)
        runs.append(run_python(COMMAND, *command, str(tmp_path / f"{next(outs)}")).seconds)
    ratio = min(runs) / min(bare)
    print(f"ten files: {min(runs):.2f} s, {ratio:.2f} times the imports' {min(bare):.2f} s")
    assert ratio <= LIMITS["ten-files"]["most_ratio"]


@pytest.mark.quick
def test_short_rows_are_read_fast(tmp_path: Path) -> None:
    """What is done for each row is a multiple of decoding it: by the fastest of some rounds of each, in turn."""
    write_rows(tmp_path / "rows.jsonl", Corpus("zipf", 3_000, 300).texts(read_sources()["dense"]))
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    reading, source = Reading(str(tmp_path)), Source("rows.jsonl", 0)
    bare, read = [], []
    for _ in range(RACE_ROUNDS):
        began = time.process_time()
        for _again in range(DECODED):
            assert len([json.loads(line) for line in lines]) == len(lines)
        decoded = time.process_time()
        assert sum(each.raw.is_measured for each in parse_source(reading, source)) == len(lines)
        read.append(time.process_time() - decoded)
        bare.append((decoded - began) / DECODED)
    ratio = min(read) / min(bare)
    print(f"short rows: {min(read) / len(lines) * 1e6:.0f} us each, {ratio:.1f} times their JSON's")
    assert ratio <= LIMITS["short-rows"]["most_ratio"]


@pytest.mark.quick
@needs_proc
def test_memory_of_a_run_is_flat(tmp_path: Path) -> None:
    """No process takes more than the limit, nor more because the corpus is larger."""
    peaks = []
    for reports in (100, 400):
        folder = write_texts(tmp_path / f"{reports}", reports, 20_000)
        asked = {"reports": str(folder), "lexicon": "fintech-zh", "out": str(tmp_path / f"out-{reports}"), "workers": 2}
        done = run_script("whole.py", asked)
        assert json.loads(done.output)["status"] == {"measured": reports}
        peaks.append(done.peak)
    print("largest process of a run:", *(f"{peak / 1e6:,.0f} MB" for peak in peaks))
    assert peaks[1] <= LIMITS["memory-run"]["most_mb"] * 1e6
    assert peaks[1] / peaks[0] <= LIMITS["memory-run"]["most_growth"]


@pytest.mark.quick
@needs_proc
def test_memory_of_the_kernels(tmp_path: Path) -> None:
    """What a search needs beside its text is no copy of it many times over."""
    import pyarrow as pa

    table = pa.table({"text": Corpus("zipf", 400, 20_000).texts(read_sources()["dense"])})
    path = tmp_path / "texts.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)

    def peak(what: str) -> Done:
        return run_python(SCAN, str(path), what)

    beside = (peak("all").peak - peak("none").peak) / table.nbytes
    print(f"memory of a search: {beside:.2f} bytes for a byte of text")
    assert beside <= LIMITS["memory-scan"]["most_mb_per_mb"]
