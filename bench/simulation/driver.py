"""What the driver's own code costs, run over made-up sources and records at sizes that fit on this machine."""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from cipin.lexicon.model import Lexicon
from cipin.running import ledger, measure, plan
from cipin.running.events import Events
from cipin.running.job import Job
from cipin.running.ledger import FileRecord, ShardRecord
from cipin.running.packs import open_place
from cipin.running.parsing import Reading, locate
from cipin.running.plan import Shard, Source, cut
from cipin.running.store import LocalStore
from cipin.running.table_files import write_table
from cipin.schema import SHARD_TABLES, table_of
from cipin_ray.window import Ended, Window

#: Reports of a shard, bytes of a report, hits of a term: as in 3,000 made reports of 50,000 characters.
REPORTS_PER_SHARD, REPORT_BYTES, TERMS = 27, 146_000, 17
#: Different terms that a report has, of them; years of an entity.
TERMS_PER_REPORT, YEARS = 16, 20


def made_sources(n_reports: int, chance: random.Random, report_bytes: float = REPORT_BYTES) -> list[Source]:
    """Return sources as a listing has them: sorted by path, of log-normal size, each with the hash of its content."""
    return [
        Source(
            f"reports/{number // 10_000:06d}/made-{number:012d}.txt",
            int(report_bytes * chance.lognormvariate(-0.125, 0.5)),
            f"{chance.getrandbits(96):024x}",
        )
        for number in range(n_reports)
    ]


def made_shards(n_shards: int, chance: random.Random) -> list[Shard]:
    """Return some shards, cut from sources by the planner."""
    shards: list[Shard] = []
    n_reports = 0
    while len(shards) < n_shards:
        n_reports = max(2 * n_reports, (n_shards + 2) * (REPORTS_PER_SHARD + 3))
        shards = list(cut(made_sources(n_reports, chance), "made"))
    return shards[:n_shards]


def made_record(shard: Shard, chance: random.Random) -> ShardRecord:
    """Return what a worker would say of a shard: a record of as many files, terms and tallies as real ones have."""
    n = len(shard.sources)
    files = []
    for table, rows in (
        ("reports", n),
        ("sections", 40 * n),
        ("clauses", 140 * n),
        ("hits", 150 * n),
        ("counts", 16 * n),
    ):
        sha256 = hashlib.sha256(f"{table}{shard.id}".encode()).hexdigest()
        name = f"data/{table}/{shard.id}-{sha256[:16]}.parquet"
        files.append(FileRecord(table, name, sha256, rows, 400 * rows + chance.randrange(400)))
    terms = {f"词语{number:03d}": chance.randrange(1, 2000) for number in range(TERMS)}
    stages = ("judge", "match", "read", "segment", "tables", "total", "write")
    seconds = {stage: round(chance.random(), 6) for stage in stages}
    tallies = {"chars": 50_000 * n, "clauses": 3000 * n, "hits": 150 * n, "parsed": n, "suppressed": 3}
    doubtful = {"no_entity": 0, "no_year": n}
    return ShardRecord(shard.id, n, n, shard.n_bytes, tuple(files), {"measured": n}, tallies, terms, doubtful, seconds)


class _Null:
    """An executor that is done with each shard at once; `seconds` is what making its records took."""

    workers = 1

    def __init__(self) -> None:
        self.seconds = 0.0

    def run(self, function: Any, job: Any, shards: Iterable[Shard]) -> Iterator[tuple[Shard, ShardRecord]]:
        """See cipin.running.executor.Executor."""
        del function, job
        chance = random.Random(1)
        for shard in shards:
            before = time.process_time()
            record = made_record(shard, chance)
            self.seconds += time.process_time() - before
            yield shard, record


@dataclass(frozen=True, slots=True)
class Phase:
    """What a part of the driver took: processor seconds, and its peak of memory above where the driver began."""

    name: str
    seconds: float
    peak_bytes: int


class Meter:
    """Measures phases of this process, one after the other."""

    def __init__(self) -> None:
        gc.collect()
        self._before = _resident("VmRSS")
        self.phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str, less: Callable[[], float] = lambda: 0.0) -> Iterator[None]:
        """Measure what is done within; `less` says how many of the seconds are not the driver's."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        began = time.process_time()
        yield
        seconds = time.process_time() - began - less()
        self.phases.append(Phase(name, round(seconds, 4), max(0, _resident("VmHWM") - self._before)))


def _resident(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) << 10 if found else 0


def listing(folder: Path, n_reports: int) -> list[Phase]:
    """Measure make_plan over files of some bytes: what a file costs beside the hashing of its content."""
    for number in range(n_reports):
        path = folder / f"{number // 10_000:06d}" / f"made-{number:09d}.txt"
        if number % 10_000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"%d" % number)
    meter = Meter()
    with meter.phase("list"):
        plan.make_plan([folder], "made")
    return meter.phases


def hashing(folder: Path) -> float:
    """Return the processor seconds that hashing the content of a byte takes, over the files of a folder."""
    files = [file for file in folder.iterdir() if file.is_file()]
    began = time.process_time()
    n_bytes = sum(plan.hash_file(file)[0] for file in files)
    return (time.process_time() - began) / n_bytes


def path(folder: Path, n_reports: int) -> list[Phase]:
    """Measure the driver's own way through a run of made sources: plan, window's consumer, ledger, manifest."""
    store = _Linkless(f"{folder}/out")
    reading = Reading(str(folder), corpus=open_place(folder / "out" / "corpus"))
    job = Job(Lexicon.load("wu2021"), reading, store, matcher="ahocorasick")
    ledger.prepare(store)
    meter = Meter()
    with meter.phase("sources"):
        sources = made_sources(n_reports, random.Random(1))
    with meter.phase("cut"):
        planned = plan.Plan(str(folder), tuple(plan.cut(sources, measure.key_of(job))))
        del sources  # make_plan drops them here, too
    settings = measure.Settings(matcher="ahocorasick")
    with meter.phase("survey"):
        survey = measure._survey(job, planned, settings)
        job = replace(job, run=survey.run)
    with meter.phase("write_plan"):
        ledger.begin_plan(store, survey.run, measure._plan(job, planned))
    executor = _Null()
    with Events(store, "made") as events:
        with meter.phase("locate"):
            located = locate(reading, survey.pending)
        # What `_work` would find again before its window begins; all else in it is done for each result.
        found = patch.object(measure, "locate", lambda *_: located)
        with meter.phase("work", lambda: executor.seconds), found:
            records, job, _ = measure._work(job, planned, survey, settings, executor, events)
        with meter.phase("balance"):
            ledger.check_balance(records)
            measure._check_errors(store, records, None)
        # Files that a shard's worker would have written are not there: tables and links are measured by `tables`.
        with meter.phase("publish"), patch.object(measure, "_write_tables", _no_tables):
            measure._publish(job, planned, records, survey, 0.0, events, executor)
    return meter.phases


def _no_tables(job: Job, records: list[ShardRecord], executor: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    del job, executor
    return [asdict(file) for record in records for file in record.files], ledger.summarise(records)


class _Linkless(LocalStore):
    """A local store that shows no files, as there are none."""

    def show(self, attempt: str, text: str, files: Any) -> None:
        """See Store."""
        del files
        super().show(attempt, text, {})


def tables(folder: Path, n_reports: int, n_groups: int) -> list[Phase]:
    """Measure what becomes of tables when the last shard is done: the panel, the summary, and links to all files.

    n_groups   entities and years: `n_reports` is one report each
    """
    chance = random.Random(1)
    store = LocalStore(f"{folder}/out")
    job = Job(Lexicon.load("wu2021"), Reading(folder), store, matcher="ahocorasick", run="made")
    ledger.prepare(store)
    names = [term.name for term in job.lexicon.terms]
    records = []
    for number, shard in enumerate(plan.cut(made_sources(n_reports, chance), "made")):
        record = made_record(shard, chance)
        made = _tables_of(shard, number * REPORTS_PER_SHARD, n_groups, names, chance)
        files = tuple(write_table(job, shard.id, name, table, shard=shard.id) for name, table in made.items())
        records.append(replace(record, files=files))
    meter = Meter()
    with meter.phase("tables"):
        files, summary = measure._write_tables(job, records)
    assert summary["outcomes"]["measured"] == n_reports
    with meter.phase("links"):
        store.show("made", "{}", ledger.shown_files({"files": files}))
    return meter.phases


def _tables_of(shard: Shard, first: int, n_groups: int, names: list[str], chance: random.Random) -> dict[str, pa.Table]:
    """Return the tables of a shard: as many terms in a report as were found in made ones, and 40 sections."""
    ids = [f"{chance.getrandbits(96):024x}" for _ in shard.sources]
    groups = [(first + number) % n_groups for number in range(len(ids))]
    empty: dict[str, Any] = {}
    facts: dict[str, Any] = {
        "report": ids,
        "source": [each.path for each in shard.sources],
        "source_hash": [each.content for each in shard.sources],
        "content_hash": [f"{chance.getrandbits(96):024x}" for _ in ids],
        "entity": [f"公司{group // YEARS:07d}" for group in groups],
        "fiscal_year": [2000 + group % YEARS for group in groups],
        "chars": [each.n_bytes // 3 for each in shard.sources],
        "status": ["measured"] * len(ids),
    }
    counted = [(each, term) for each in ids for term in chance.sample(names, TERMS_PER_REPORT)]
    counts = {
        "report": [each for each, _ in counted],
        "lexicon": ["wu2021"] * len(counted),
        "term": [term for _, term in counted],
        "hits": [chance.randrange(1, 30) for _ in counted],
        "clauses": [1] * len(counted),
    }
    sections = {
        "report": [each for each in ids for _ in range(40)],
        "section": list(range(40)) * len(ids),
        "chars": [1000] * 40 * len(ids),
    }
    columns = {"reports": facts, "sections": sections, "clauses": empty, "hits": empty, "counts": counts}
    return {
        name: table_of(
            {each: columns[name].get(each, [None] * len(columns[name].get("report", ()))) for each in schema.names},
            schema,
        )
        for name, schema in SHARD_TABLES.items()
    }


def window() -> dict[str, float]:
    """Return the seconds that the window itself takes a shard, and each time round for each attempt at work."""

    def took(n_shards: int, at_work: int) -> float:
        backend = _Instant(at_work)
        began = time.process_time()
        for _ in Window(backend, 10, 10).run(range(n_shards)):
            pass
        return time.process_time() - began

    alone = took(100_000, 0)
    beside = took(1000, 5000) - alone / 100
    return {"shard": alone / 100_000, "age": beside / (1000 / 10 * 5000)}


class _Instant:
    """A backend in which all has ended when it is asked, and others are at work beside."""

    def __init__(self, at_work: int) -> None:
        self._handles = itertools.count()
        self._ended: list[Any] = []
        self._ages = {-number: (1.0, 1.0) for number in range(1, at_work + 1)}

    def begin(self, shard: Any) -> int:
        handle = next(self._handles)
        self._ended.append((handle, Ended("done", shard, 1.0)))
        return handle

    def wait(self) -> list[Any]:
        ended, self._ended = self._ended, []
        return ended

    def ages(self) -> dict[Any, tuple[float, float]]:
        return self._ages

    def give_up(self, handle: Any) -> None:
        del handle


def main() -> None:
    """Measure one thing at one size in this process, which nothing else has filled: `listing`, `path`, `tables`."""
    what, *sizes = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        phases = {"listing": listing, "path": path, "tables": tables}[what](Path(folder), *map(int, sizes))
    print(json.dumps([astuple(each) for each in phases]))


if __name__ == "__main__":
    main()
