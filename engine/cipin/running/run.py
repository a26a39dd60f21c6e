"""`run`: plan, work through the shards, balance the ledger, publish; `open`: what a run left, as lazy frames."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from cipin import __version__
from cipin.errors import StorageError, UsageError
from cipin.lexicon.model import Lexicon
from cipin.matching.scan import Matcher, choose_matcher
from cipin.measuring.kwic import make_kwic
from cipin.measuring.panel import Level, make_panel
from cipin.reading.identify import check_choice
from cipin.reading.registry import SHIPPED, Registry, load_registry
from cipin.reading.segment import ClausePolicy, check_policy
from cipin.running import ledger, plan, store
from cipin.running.executor import Serial, available_cpus, find_executor
from cipin.running.job import ENDINGS, Job, TableFormat, quarantine_shard, run_shard, write_table
from cipin.running.skip import SKIPPED, check_skip
from cipin.schema import LEXICON, PANEL, RUN_TABLES, SHARD_TABLES, table_of

_log = logging.getLogger(__name__)

#: Below this, starting workers takes longer than they save: 20 MB of news took 1.8 s here, 2.0-2.9 s in two workers.
SERIAL_BYTES = 32 << 20


#: What a file weighs beyond its bytes: opening and telling a small one takes as long as 10 KB of text.
FILE_BYTES = 10 << 10
#: How much more a byte weighs that is parsed, not only decoded: 27 MB of PDF took 11 s, 20 MB of text 1.6 s.
PARSED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: sources, and bytes of them."""

    done: int
    total: int
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left in a folder: its tables as lazy frames, its manifest, and what can be made of them."""

    out: Path
    manifest: dict[str, Any]

    @property
    def reports(self) -> pl.LazyFrame:
        """One row a report, whatever became of it. Columns: cipin.schema.REPORTS."""
        return self.table("reports")

    @property
    def sections(self) -> pl.LazyFrame:
        """One row a section of a measured report. Columns: cipin.schema.SECTIONS."""
        return self.table("sections")

    @property
    def clauses(self) -> pl.LazyFrame:
        """The evidence: one row a clause with a kept hit. Columns: cipin.schema.CLAUSES."""
        return self.table("clauses")

    @property
    def hits(self) -> pl.LazyFrame:
        """One row a hit, kept or suppressed with its reason. Columns: cipin.schema.HITS."""
        return self.table("hits")

    @property
    def counts(self) -> pl.LazyFrame:
        """Hits and clauses of each term in each report that has any. Columns: cipin.schema.COUNTS."""
        return self.table("counts")

    @property
    def lexicon(self) -> pl.LazyFrame:
        """The terms that were searched for. Columns: cipin.schema.LEXICON."""
        return self.table("lexicon")

    @property
    def summary(self) -> dict[str, Any]:
        """Totals: outcomes, tallies, terms, doubtful, seconds, bytes."""
        return self.manifest["summary"]

    def table(self, name: str) -> pl.LazyFrame:
        """Return a table of this version by its name.

        Raises UsageError if there is none of that name.
        """
        files = [str(self.out / each["name"]) for each in self.manifest["files"] if each["table"] == name]
        if not files:
            raise UsageError(f"table {name!r}: there are {', '.join([*SHARD_TABLES, *RUN_TABLES])}")
        for file in files:
            if not os.path.exists(file):
                raise StorageError(f"{file}: is gone; run again to publish a new version")
        return pl.scan_parquet(files) if files[0].endswith(".parquet") else pl.scan_ipc(files)

    def panel(self, by: Sequence[str] = ("entity", "year"), level: Level = "term") -> pl.LazyFrame:
        """Return hits and clauses by entity, year, source or report × term, category, dimension or lexicon.

        A group in which reports were measured and nothing was found has zeros; one without a readable report is not
        there. `clauses` counts distinct clauses; `reports` and `chars` are the group's denominators.

        Raises UsageError for an unknown column or level.
        """
        return make_panel(self.reports, self.hits, self.lexicon, by, level, self.sections)

    def kwic(
        self, term: str, entity: str | None = None, year: int | None = None, width: int | None = None
    ) -> pl.LazyFrame:
        """Return the kept hits of a term, each with its clause before (`left`) and behind it (`right`).

        width   the most characters on each side; None: the whole clause

        Raises UsageError if the lexicon has no such term.
        """
        return make_kwic(self.reports, self.clauses, self.hits, self.lexicon, term, entity, year, width, self.sections)


def open_run(out: str | Path, version: int | None = None) -> Run:
    """Open what a run wrote to `out`: the newest version, or the one of that number.

    Raises UsageError if there is no finished run.
    """
    return Run(Path(out), ledger.read_version(Path(out), version))


def run(
    reports: str | Path | Sequence[str | Path],
    lexicon: Lexicon | str | Path,
    out: str | Path,
    *,
    text_column: str | None = None,
    entity_from: str | None = None,
    year_from: str | None = None,
    registry: Registry | str | Path | None = SHIPPED,
    clauses: ClausePolicy = "default",
    skip: Sequence[str] = SKIPPED,
    only: Sequence[str] = (),
    matcher: Matcher = "auto",
    format: TableFormat = "parquet",
    on: str = "auto",
    workers: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Measure what reports talk about, and publish the tables in `out`, whole or not at all.

    reports      a folder, a file, a glob, or a list of these
    lexicon      a Lexicon, the id of a shipped one, or a path
    out          a new or empty folder, or one of an earlier run, which gets a new version
    text_column  column of Parquet, Arrow, CSV and JSONL files that holds the text
    entity_from, year_from   `column:NAME`, `parent`, `name:REGEX`, `value:TEXT`, `none`; see cipin.reading.identify
    registry     names and codes of entities: "banks-cn" (Chinese banks), the path of a CSV file, a Registry, or None;
                 see cipin.reading.registry
    clauses      "default", or "blank": cut at every mark and blank
    skip         kinds of lines and topics of sections that are not counted, of those in cipin.reading.labels.KINDS and
                 cipin.reading.structure.TOPICS; () counts everything
    only         topics of sections that alone are counted, such as ["mda"]; (): all
    matcher      "auto", "ahocorasick" or "blocks"; the rows are the same
    format       "parquet" or "arrow" (IPC files)
    on           "auto", "serial", "processes", or another executor that is installed
    workers      0: one a CPU
    progress     called after each shard

    A report that cannot be read is a row of `reports` with status and reason. Raises UsageError (and its kinds
    LexiconError and SourceError) before anything is written if the call cannot be carried out, StorageError if `out`
    cannot be written, ConflictError if another run published first.

    >>> run("reports/", "wu2021", "out").panel(level="dimension").collect()  # doctest: +SKIP
    """
    began = time.time()
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon.load(lexicon)
    if format not in ENDINGS:
        raise UsageError(f"format {format!r}: there are {', '.join(map(repr, ENDINGS))}")
    check_policy(clauses)
    check_skip(skip, only)
    check_choice(entity_from, "entity_from")
    check_choice(year_from, "year_from")
    paths = [reports] if isinstance(reports, str | Path) else list(reports)
    job = Job(
        lexicon,
        Path(),
        Path(os.path.realpath(out)),
        text_column=text_column,
        entity_from=entity_from,
        year_from=year_from,
        registry=registry if isinstance(registry, Registry) else load_registry(registry),
        clauses=clauses,
        skip=tuple(sorted(set(skip))),
        only=tuple(sorted(set(only))),
        format=format,
    )
    key = json.dumps([__version__, lexicon.hash, job.options], sort_keys=True)
    planned = plan.make_plan(paths, key, leave_out=job.out)
    chosen, why = choose_matcher(planned.n_bytes, matcher)
    _log.info("matcher %s: %s", chosen, why)
    executor, why = _choose_executor(on, workers, planned)
    _log.info("on %s: %s", type(executor).__name__.lower(), why)
    run_id = hashlib.blake2b("\n".join([key, *(shard.id for shard in planned.shards)]).encode(), digest_size=12)
    job = replace(job, root=planned.root, matcher=chosen, run=run_id.hexdigest(), attempt=uuid.uuid4().hex)
    ledger.prepare(job.out)
    try:
        records = _work(job, planned, key, executor, progress)
        ledger.check_balance(records)
        return _publish(job, planned, records, began)
    finally:
        store.remove_folder(job.attempts)
        ledger.tidy(job.out)


def _choose_executor(on: str, workers: int, planned: plan.Plan) -> tuple[Any, str]:
    if on != "auto":
        return find_executor(on, workers), "as asked for"
    weight = sum(FILE_BYTES + each.n_bytes * (PARSED if _is_parsed(each) else 1) for each in planned.sources)
    if weight < SERIAL_BYTES or len(planned.shards) == 1:
        what = f"{planned.n_bytes:,} bytes in {len(planned.sources):,} files and {len(planned.shards)} shards"
        return Serial(), f"{what} need no workers"
    if (workers or available_cpus()) == 1:
        return Serial(), "one worker"
    return find_executor("processes", workers), f"{planned.n_bytes:,} bytes in {len(planned.shards)} shards"


def _is_parsed(source: plan.Source) -> bool:
    return not source.path.lower().endswith((".txt", ".md", ".csv", ".tsv", ".jsonl", ".parquet", ".arrow"))


def _work(
    job: Job, planned: plan.Plan, key: str, executor: Any, progress: Callable[[Progress], None] | None
) -> list[ledger.ShardRecord]:
    records: dict[str, list[ledger.ShardRecord]] = {}
    total, total_bytes = len(planned.sources), planned.n_bytes
    done = done_bytes = 0
    for shard, record in executor.run(run_shard, job, planned.shards):
        records[shard.id] = [record] if record is not None else _rescue(job, shard, key, executor)
        done += len(shard.sources)
        done_bytes += shard.n_bytes
        if progress:
            progress(Progress(done, total, done_bytes, total_bytes))
    return [record for shard in planned.shards for record in records[shard.id]]


def _rescue(job: Job, shard: plan.Shard, key: str, executor: Any) -> list[ledger.ShardRecord]:
    """Run the sources of a shard that killed its worker one by one, and quarantine those that kill it again."""
    message = "reading it killed the worker process, twice; look at the file, or leave it out"
    records = []
    for single, record in executor.run(run_shard, job, plan.split(shard, key)):
        if record is None:
            _log.warning("%s: %s", single.sources[0].path, message)
        records.append(record or quarantine_shard(job, single, "crash", message))
    return sorted(records, key=lambda record: record.shard)


def _publish(job: Job, planned: plan.Plan, records: list[ledger.ShardRecord], began: float) -> Run:
    files = [ledger.as_json(file) for record in records for file in record.files]
    partial = Run(job.out, {"files": files})
    terms = table_of(
        {
            "lexicon": [job.lexicon.id] * len(job.lexicon.terms),
            "term": [term.name for term in job.lexicon.terms],
            "dimension": [term.dimension for term in job.lexicon.terms],
            "category": [term.category for term in job.lexicon.terms],
            "variants": [list(term.variants) for term in job.lexicon.terms],
            "guards": [list(job.lexicon.guards_of(term)) for term in job.lexicon.terms],
            "unless": [list(job.lexicon.unless_of(term)) for term in job.lexicon.terms],
            "source": [term.source for term in job.lexicon.terms],
        },
        LEXICON,
    )
    whole = f"run-{job.run}"
    with store.explained(job.out):
        files.append(ledger.as_json(write_table(job, whole, "lexicon", terms)))
        panel = partial.panel().collect(engine="streaming")
        rows = panel.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(PANEL)
        files.append(ledger.as_json(write_table(job, whole, "panel", rows)))
        summary = ledger.summarise(records)
        hashes = partial.reports.select(pl.col("content_hash").drop_nulls())
        named = panel.drop_nulls(["entity", "year"])  # those without are said apart
        several = named.filter(pl.col("reports") > 1).select(pl.struct("entity", "year").n_unique()).item()
        summary["doubtful"]["several_reports"] = int(several)
        summary["doubtful"]["same_text"] = int(
            hashes.select(pl.len() - pl.col("content_hash").n_unique()).collect().item()
        )
    lexicon = job.lexicon
    manifest = {
        "run": job.run,
        "engine": __version__,
        "began": began,
        "ended": time.time(),
        "root": plan.readable(str(planned.root)),
        "options": job.options | {"matcher": job.matcher},
        "lexicon": {
            "id": lexicon.id,
            "version": lexicon.version,
            "hash": lexicon.hash,
            "title": lexicon.title,
            "source": lexicon.source,
            "match": lexicon.match,
            "fold": lexicon.fold,
            "boundaries": lexicon.boundaries,
        },
        "planned": {"sources": len(planned.sources), "bytes": planned.n_bytes, "shards": len(planned.shards)},
        "summary": summary,
        "shards": [ledger.as_json(record) for record in records],
        "files": files,
    }
    number = ledger.publish_version(job.out, job.attempts, manifest)
    try:
        ledger.refresh_current(job.out, job.attempts, manifest)
    except StorageError as error:
        _log.warning("version %d is published, but OUT/current does not show it: %s", number, error)
    return open_run(job.out, number)
