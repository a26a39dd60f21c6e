"""`run` and `scan`: plan, work through the shards, balance the ledger, publish."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from cipin import __version__
from cipin.arguments import check_choice, check_path, check_paths
from cipin.errors import StorageError
from cipin.lexicon.model import Lexicon
from cipin.matching.scan import Matcher, choose_matcher, prepare
from cipin.reading.identify import check_source
from cipin.reading.registry import SHIPPED, Registry, load_registry
from cipin.reading.segment import ClausePolicy, check_policy
from cipin.running import ledger, plan, store
from cipin.running.driving import REPORTS, Progress, check_working, choose_executor, work_through
from cipin.running.ingest import CORPUS_FOLDER, close_attempt, corpus_of, open_listing, reading_of
from cipin.running.job import ENDINGS, Job, TableFormat, quarantine_shard, run_shard, write_table
from cipin.running.parsing import Reading, digest, locate
from cipin.running.results import Run, open_run
from cipin.running.skip import SKIPPED, check_skip
from cipin.schema import LEXICON, PANEL, table_of

_log = logging.getLogger(__name__)


def run(
    reports: str | Path | Sequence[str | Path],
    lexicon: Lexicon | str | Path,
    out: str | Path,
    *,
    text_column: str | None = None,
    max_chars: int = 0,
    no_repair: Sequence[str] = (),
    corpus: str | Path | None = None,
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
    max_chars    longest text that is read as one report; 0: see cipin.reading.formats.ReadOptions. 20,000,000 take 1 GB
    no_repair    names of the repairs of layout that are not made, of cipin.reading.layout.REPAIRS
    corpus       folder in which parsed reports are stored, so that another lexicon need not parse them again; None: the
                 folder `corpus` in `out`; "none": they are not stored
    entity_from, year_from   `column:NAME`, `parent`, `name:REGEX`, `value:TEXT`, `none`; see cipin.reading.identify
    registry     names and codes of entities: "banks-cn" (Chinese banks), the path of a CSV file, a Registry, or None;
                 see cipin.reading.registry
    clauses      "default", or "blank": cut at every mark and blank
    skip         kinds of lines and topics of sections that are not counted, of those in cipin.reading.labels.KINDS and
                 cipin.reading.structure.TOPICS; () counts everything
    only         topics of sections that alone are counted, such as ["mda"]; (): all
    matcher      "auto", "ahocorasick", "blocks", "portable" or "avx512"; the rows are the same
    format       "parquet" or "arrow" (IPC files)
    on           "auto", "serial", "processes", or another executor that is installed
    workers      0: one a CPU
    progress     called after each shard

    A report that cannot be read is a row of `reports` with status and reason. Raises UsageError (and its kinds
    LexiconError and SourceError) before anything is written if the call cannot be carried out, StorageError if `out`
    cannot be written, ConflictError if another run published first.

    >>> run("reports/", "wu2021", "out").panel(level="dimension").collect()  # doctest: +SKIP
    """
    paths = check_paths(reports, "reports", REPORTS)
    options = _Options(
        lexicon, out, entity_from, year_from, registry, clauses, skip, only, matcher, format, on, workers, progress
    )
    reading = reading_of(text_column, max_chars, no_repair, corpus_of(corpus, options.folder))
    job = options.job(reading)
    key = _key(job)
    leave_out = [job.out, *([reading.corpus] if reading.corpus else [])]
    planned = plan.make_plan(paths, key, leave_out=leave_out)
    return _measure(job, planned, key, options)


def scan(
    corpus: str | Path,
    lexicon: Lexicon | str | Path,
    out: str | Path,
    *,
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
    """Measure the reports of a corpus that `ingest` filled; their files are not opened, and need not be there.

    The tables are those that `run` over the same reports gives, byte for byte. Arguments and errors are those of
    `run`; StorageError also if the corpus lacks a report, or was filled by another version of the parser.

    >>> scan("corpus/", "fintech-zh", "out")  # doctest: +SKIP
    """
    options = _Options(
        lexicon, out, entity_from, year_from, registry, clauses, skip, only, matcher, format, on, workers, progress
    )
    reading, sources = open_listing(check_path(corpus, "corpus", CORPUS_FOLDER))
    job = options.job(reading)
    key = _key(job)
    planned = plan.Plan(reading.root, tuple(plan.cut(sources, key)))
    return _measure(job, planned, key, options)


@dataclass(frozen=True, slots=True)
class _Options:
    """What `run` and `scan` are both given, as it was given; see `run`."""

    lexicon: Lexicon | str | Path
    out: str | Path
    entity_from: str | None
    year_from: str | None
    registry: Registry | str | Path | None
    clauses: ClausePolicy
    skip: Sequence[str]
    only: Sequence[str]
    matcher: Matcher
    format: TableFormat
    on: str
    workers: int
    progress: Callable[[Progress], None] | None
    began: float = field(default_factory=time.time)

    @property
    def folder(self) -> Path:
        """OUT, wherever links lead. Raises UsageError for what is no path."""
        return Path(os.path.realpath(check_path(self.out, "out", "a folder for the tables")))

    def job(self, reading: Reading) -> Job:
        """Return what workers are told. Raises UsageError for an option that cannot be carried out."""
        lexicon = self.lexicon if isinstance(self.lexicon, Lexicon) else Lexicon.load(self.lexicon)
        check_choice(self.format, "format", ENDINGS)
        check_policy(self.clauses)
        choose_matcher(0, self.matcher)
        check_working(self.on, self.workers, self.progress)
        skip, only = check_skip(self.skip, self.only)
        check_source(self.entity_from, "entity_from")
        check_source(self.year_from, "year_from")
        return Job(
            lexicon,
            reading,
            self.folder,
            entity_from=self.entity_from,
            year_from=self.year_from,
            registry=self.registry if isinstance(self.registry, Registry) else load_registry(self.registry),
            clauses=self.clauses,
            skip=skip,
            only=only,
            format=self.format,
        )


def _key(job: Job) -> str:
    return json.dumps([__version__, job.lexicon.hash, job.options], sort_keys=True)


def _measure(job: Job, planned: plan.Plan, key: str, options: _Options) -> Run:
    chosen, why = choose_matcher(planned.n_bytes, options.matcher)
    _log.info("matcher %s: %s", chosen, why)
    reading = replace(job.reading, root=planned.root)
    planned = locate(reading, planned)
    executor, why = choose_executor(options.on, options.workers, planned)
    _log.info("on %s: %s", type(executor).__name__.lower(), why)
    if chosen != "ahocorasick":
        # Here, so that workers find the kernel compiled and the automaton in the cache, and while they start.
        _log.info("kernel %s: %s", *prepare(job.lexicon, chosen))
    run_id = digest(key, *(shard.id for shard in planned.shards))
    job = replace(job, reading=reading, matcher=chosen, run=run_id)
    ledger.prepare(job.out)
    try:
        records = _work(job, planned, key, executor, options.progress)
        ledger.check_balance(records)
        return _publish(job, planned, records, options.began)
    finally:
        store.remove_folder(job.attempts)
        close_attempt(reading)
        ledger.tidy(job.out)


def _relative(job: Job) -> str | None:
    """Return where the store is: below OUT, if it lies there, so that OUT can be moved."""
    corpus = job.reading.corpus
    if corpus is None:
        return None
    return str(corpus.relative_to(job.out)) if corpus.is_relative_to(job.out) else os.path.realpath(corpus)


def _work(
    job: Job, planned: plan.Plan, key: str, executor: Any, progress: Callable[[Progress], None] | None
) -> list[ledger.ShardRecord]:
    records: dict[str, list[ledger.ShardRecord]] = {}
    for shard, record in work_through(run_shard, job, planned, executor, progress):
        records[shard.id] = [record] if record is not None else _rescue(job, shard, key, executor)
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
        "corpus": _relative(job),
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
        "planned": {
            "sources": len(planned.sources),
            "bytes": planned.n_bytes,
            "shards": len(planned.shards),
            "passed_over": list(planned.passed_over),
        },
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
