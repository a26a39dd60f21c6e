"""cipin and what a user would write instead, over the same texts: seconds, memory, and whether the counts agree.

    python bench/made_reports.py FOLDER/txt --reports 2000 --chars 52000
    python bench/cluster/compare.py FOLDER                       # makes FOLDER/parquet; three rounds; prints a table
    python bench/cluster/compare.py FOLDER --only 'ray, txt' --rounds 1 --datatrove PYTHON --data-juicer PYTHON

Every contestant runs once a round, in turn, in a process of its own, so that what else the machine does hits all.
Processor time says more than that of the clock where others are at work. Contestants whose package is in another
environment run there: give its Python.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # bench

import polars as pl  # noqa: E402

from made_texts import TERMS  # noqa: E402
from processes import PROC, family  # noqa: E402

_EVERY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """A script of this folder, with the texts that it reads, and what it needs that is not here."""

    name: str
    script: str
    texts: str
    way: str
    python: str = sys.executable
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(slots=True)
class Round:
    """One call: seconds in all, and of processors; the most memory; counts by term; what the script said of itself."""

    whole: float
    processor: float
    peak: int
    counts: dict[str, int]
    said: dict[str, Any]

    @property
    def start(self) -> float:
        """Seconds to start Ray."""
        return float(self.said["start"])

    @property
    def work(self) -> float:
        """Seconds of the work, after that."""
        return float(self.said["work"])


def contestants(given: argparse.Namespace) -> list[Contestant]:
    """Return who takes part."""
    found = [
        *(Contestant(f"cipin, {way}", "cipin_run.py", texts, way) for texts in TEXTS for way in ("processes", "ray")),
        Contestant("Scanner alone", "cipin_run.py", "parquet", "alone"),
        Contestant("Scanner in Ray Data", "cipin_run.py", "parquet", "scanner"),
        *(Contestant("Ray Data, pyahocorasick", "plain_ray_data.py", texts, "automaton") for texts in TEXTS),
    ]
    # An environment of its own must not see this one's packages.
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for name, python, script in (
        ("datatrove, pyahocorasick", given.datatrove, "plain_datatrove.py"),
        ("data-juicer, pyahocorasick", given.data_juicer, "plain_data_juicer.py"),
    ):
        if python:
            found.append(Contestant(name, script, "parquet", "automaton", python, alone))
    if given.jieba:
        found.append(Contestant("Ray Data, jieba", "plain_ray_data.py", "parquet", "words"))
    return [each for each in found if re.search(given.only, f"{each.name}, {each.texts}")]


TEXTS = ("txt", "parquet")


def run(contestant: Contestant, folder: Path, workers: int) -> Round:
    """Run a contestant once. Raises RuntimeError with what it said, if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "out")
        asked = {
            "reports": str(folder / contestant.texts),
            "terms": TERMS,
            "out": str(out),
            "workers": workers,
            "way": contestant.way,
        }
        command = [contestant.python, str(HERE / contestant.script), json.dumps(asked)]
        began = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=contestant.env
        ) as program:
            watch = _Watch(program.pid)
            output, errors = program.communicate()
            whole = time.perf_counter() - began
            watch.end()
        if program.returncode:
            raise RuntimeError(f"{contestant.name}: exit code {program.returncode}\n{errors[-2000:]}")
        said = json.loads(output.splitlines()[-1])
        return Round(whole, watch.processor, watch.peak, _counts(out), said)


def _counts(out: Path) -> dict[str, int]:
    """Return how many hits of each term a contestant wrote."""
    counts = out / "current" / "counts"
    rows = pl.scan_parquet(counts if counts.is_dir() else out)
    hits = pl.col("hits").sum() if "hits" in rows.collect_schema() else pl.len()
    return dict(rows.group_by("term").agg(hits.cast(pl.Int64).alias("hits")).sort("term").collect().iter_rows())


class _Watch:
    """The most that a program and all below it held together, and the processor time that they took.

    Asked for twice a second, so that a process loses its last moment. Memory is the sum of Pss: what several share
    counts once; Ray's object store too, as far as it is in use.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._seconds: dict[int, float] = {}
        self._pid, self._over = pid, threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def end(self) -> None:
        """Stop watching."""
        self._over.set()
        self._watcher.join()

    @property
    def processor(self) -> float:
        """Seconds of processor time."""
        return sum(self._seconds.values())

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            processes = family(self._pid)
            self._seconds |= {process: _seconds(process) or self._seconds.get(process, 0.0) for process in processes}
            self.peak = max(self.peak, sum(map(_pss, processes)))


def _seconds(pid: int) -> float:
    try:
        fields = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def as_parquet(folder: Path, files: int = 8) -> None:
    """Write the text files as a Parquet dataset, unless it is there; in some files, since datatrove cuts no file."""
    if (folder / "parquet").is_dir():
        return
    paths = sorted((folder / "txt").glob("*.txt"))
    part = folder / "parquet.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    size = -(-len(paths) // files)
    for number, at in enumerate(range(0, len(paths), size)):
        some = paths[at : at + size]
        frame = pl.DataFrame(
            {"doc_id": [path.name for path in some], "text": [path.read_text(encoding="utf-8") for path in some]}
        )
        frame.write_parquet(part / f"part-{number:03d}.parquet", row_group_size=50)
    part.rename(folder / "parquet")


def table(rounds: Mapping[Contestant, Sequence[Round]], n_bytes: int) -> list[str]:
    """Return medians as lines of Markdown, with the spread of the whole; the hits beside those of the first."""
    first = next(iter(rounds.values()))[0].counts
    lines = [
        f"| {n_bytes / 1e6:.0f} MB | texts | processor, s | whole, s | of it Ray's start | work, s | peak, MB | hits |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for each, ones in rounds.items():
        whole, start, work = _middle(ones, "whole"), _middle(ones, "start"), _middle(ones, "work")
        counts = ones[0].counts
        away = sum(abs(counts.get(term, 0) - first.get(term, 0)) for term in first.keys() | counts.keys())
        cells = [
            each.name,
            each.texts,
            f"{_middle(ones, 'processor'):.1f} ({_spread(ones, 'processor')})",
            f"{whole:.1f} ({_spread(ones, 'whole')})",
            f"{start:.1f}" if start >= 0.1 else "–",
            f"{work:.1f}",
            f"{_middle(ones, 'peak') / 1e6:,.0f}",
            f"{sum(counts.values()):,}" + (f" ({away:,} differ)" if away else ""),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def of_drivers(rounds: Mapping[Contestant, Sequence[Round]]) -> list[str]:
    """Return what cipin's own runs said of their drivers and of Ray's store, as lines of Markdown."""
    lines = []
    for each, ones in rounds.items():
        if "driver" not in ones[0].said:
            continue
        driver = statistics.median(one.said["driver"] for one in ones)
        share = statistics.median(one.said["driver"] / one.work for one in ones)
        shards = ones[0].said["shards"]
        objects, size = ones[0].said.get("stored", (0, 0))
        lines.append(
            f"| {each.name} | {each.texts} | {driver:.1f} | {share:.1%} | {shards} | {objects} | {size / shards:,.0f} |"
        )
    head = ["| driver | texts | processor, s | share of the work | shards | objects in store | bytes a shard |"]
    return [*head, "|---|---|--:|--:|--:|--:|--:|", *lines] if lines else []


def _middle(ones: Sequence[Round], name: str) -> float:
    return statistics.median(getattr(one, name) for one in ones)


def _spread(ones: Sequence[Round], name: str) -> str:
    values = [getattr(one, name) for one in ones]
    return f"{min(values):.0f}–{max(values):.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description="Compare cipin with what users write, over the same texts.")
    parser.add_argument("folder", type=Path, help="with a folder txt of bench/made_reports.py in it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", metavar="REGEX", help="contestants whose `name, texts` it finds")
    parser.add_argument("--jieba", action="store_true", help="also words of jieba: a hundred times as slow")
    parser.add_argument("--datatrove", metavar="PYTHON", help="of an environment with datatrove")
    parser.add_argument("--data-juicer", metavar="PYTHON", help="of an environment with data-juicer")
    given = parser.parse_args(arguments)
    as_parquet(given.folder)
    n_bytes = sum(path.stat().st_size for path in (given.folder / "txt").glob("*.txt"))
    rounds: dict[Contestant, list[Round]] = {each: [] for each in contestants(given)}
    for number in range(given.rounds):
        for each, ones in rounds.items():
            one = run(each, given.folder, given.workers)
            ones.append(one)
            print(f"{number} {each.name} {each.texts}: {one.whole:.1f} s, {one.work:.1f} s", file=sys.stderr)
        print("\n".join(table(rounds, n_bytes)), flush=True)
    print("\n".join(["", *of_drivers(rounds)]))
    first = next(iter(rounds.values()))[0].counts
    some = sorted(first, key=lambda term: -first[term])[:8]
    print(f"\n| hits of a term | {' | '.join(some)} |\n|---|{'--:|' * len(some)}")
    for each, ones in rounds.items():
        print(f"| {each.name}, {each.texts} | {' | '.join(f'{ones[0].counts.get(term, 0):,}' for term in some)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
