"""`run`, `scan` and `preview`: what they are given, checked, becomes a job and a plan."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from cipin.arguments import check_choice, check_flag, check_paths, check_place, shown
from cipin.errors import UsageError
from cipin.lexicon.model import Lexicon
from cipin.matching.scan import Matcher, choose_matcher
from cipin.reading.identify import check_source
from cipin.reading.registry import SHIPPED, Registry, load_registry
from cipin.reading.segment import ClausePolicy, check_policy
from cipin.running import plan
from cipin.running.driving import REPORTS, Progress, check_working
from cipin.running.ingest import CORPUS_FOLDER, corpus_of, open_listing, reading_of
from cipin.running.job import Job, TableFormat
from cipin.running.measure import Preview, Settings, allowed_errors, key_of, look_ahead, measure
from cipin.running.packs import open_place
from cipin.running.parsing import Reading
from cipin.running.results import Run
from cipin.running.skip import SKIPPED, check_skip
from cipin.running.store import Store, open_store
from cipin.running.table_files import ENDINGS


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
    words: bool = False,
    matcher: Matcher = "auto",
    format: TableFormat = "parquet",
    max_errors: int | str | None = None,
    retry: bool = False,
    on: str = "auto",
    workers: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Measure what reports talk about, and publish the tables in `out`, whole or not at all.

    reports      a folder, a file, a glob, a URL of these (s3://bucket/folder, https://…/report.pdf), or a list
    lexicon      a Lexicon, the id of a shipped one, or a path
    out          a new or empty folder, or one of an earlier run; or a URL, such as s3://bucket/folder
    text_column  column of Parquet, Arrow, CSV and JSONL files that holds the text
    max_chars    longest text that is read as one report; 0: see cipin.reading.formats.ReadOptions. 20,000,000 take 1 GB
    no_repair    names of the repairs of layout that are not made, of cipin.reading.layout.REPAIRS
    corpus       folder or URL where parsed reports are stored, so that another lexicon need not parse them again; None:
                 the folder `corpus` in `out`; "none": they are not stored
    entity_from, year_from   `column:NAME`, `parent`, `name:REGEX`, `value:TEXT`, `none`; see cipin.reading.identify
    registry     names and codes of entities: "banks-cn" (Chinese banks), the path of a CSV file, a Registry, or None;
                 see cipin.reading.registry
    clauses      "default", or "blank": cut at every mark and blank
    skip         kinds of lines and topics of sections that are not counted, of those in cipin.reading.labels.KINDS and
                 cipin.reading.structure.TOPICS; () counts everything
    only         topics of sections that alone are counted, such as ["mda"]; (): all
    words        count words, too, as jieba's dictionary cuts them: for measures per 10,000 words
    matcher      "auto", "ahocorasick", "blocks", "portable" or "avx512"; the rows are the same
    format       "parquet" or "arrow" (IPC files)
    max_errors   publish nothing if more reports are quarantined: a number, or a share such as "5%"; None: any number
    retry        try again what failed by time, memory or a crash, which otherwise stays as it was recorded
    on           "auto", "serial", "processes", or another executor that is installed
    workers      0: one a CPU
    progress     called after each shard

    Shards that an earlier run did, in the same `out` and with the same lexicon, options and engine, are not done again,
    whether it was published or was stopped; the tables are byte for byte those of a full run. If nothing changed at
    all, the newest version is returned.

    A report that cannot be read is a row of `reports` with status and reason. Raises UsageError (and its kinds
    LexiconError and SourceError) before anything is written if the call cannot be carried out, StorageError if `out`
    cannot be written, InputChanged if a report changes meanwhile, ConflictError if another run published first,
    TooManyErrors as `max_errors` says, Interrupted (a KeyboardInterrupt) after Ctrl-C, when what was under way is done.

    >>> run("reports/", "wu2021", "out").panel(level="dimension").collect()  # doctest: +SKIP
    """
    paths = check_paths(reports, "reports", REPORTS)
    options = _Options(
        lexicon,
        out,
        entity_from,
        year_from,
        registry,
        clauses,
        skip,
        only,
        words,
        matcher,
        format,
        on,
        workers,
        progress,
        max_errors,
        retry,
    )
    job, planned = _plan(paths, options, text_column, max_chars, no_repair, corpus)
    return measure(job, planned, options.settings)


def _plan(
    paths: Sequence[str],
    options: _Options,
    text_column: str | None,
    max_chars: int,
    no_repair: Sequence[str],
    corpus: str | Path | None,
) -> tuple[Job, plan.Plan]:
    reading = reading_of(text_column, max_chars, no_repair, corpus_of(corpus, options.store))
    job = options.job(reading)
    own = [job.store.place, *([reading.corpus.place] if reading.corpus else [])]
    planned = plan.make_plan(paths, key_of(job), own, reading.read_options)
    return replace(job, reading=replace(reading, root=planned.root)), planned


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
    words: bool = False,
    matcher: Matcher = "auto",
    format: TableFormat = "parquet",
    max_errors: int | str | None = None,
    retry: bool = False,
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
        lexicon,
        out,
        entity_from,
        year_from,
        registry,
        clauses,
        skip,
        only,
        words,
        matcher,
        format,
        on,
        workers,
        progress,
        max_errors,
        retry,
    )
    reading, sources = open_listing(open_place(check_place(corpus, "corpus", CORPUS_FOLDER)))
    job = options.job(reading)
    planned = plan.Plan(reading.root, tuple(plan.cut(sources, key_of(job))))
    return measure(job, planned, options.settings)


def preview(
    reports: str | Path | Sequence[str | Path], lexicon: Lexicon | str | Path, out: str | Path, **options: Any
) -> Preview:
    """Say what `run` with the same arguments would do, and why; nothing is written.

    Raises what `run` raises before it begins.

    >>> preview("reports/", "wu2021", "out").to_do  # doctest: +SKIP
    3
    """
    chosen = {name: each.default for name, each in inspect.signature(run).parameters.items()} | options
    paths = check_paths(reports, "reports", REPORTS)
    if unknown := options.keys() - inspect.signature(run).parameters.keys():
        raise UsageError(f"preview: there is no option {', '.join(sorted(unknown))}; they are those of run")
    given = _Options(lexicon, out, *(chosen[field.name] for field in fields(_Options)[2:]))
    reading = {name: chosen[name] for name in ("text_column", "max_chars", "no_repair")}
    # The folder of parsed reports would be made.
    job, planned = _plan(paths, given, **reading, corpus="none")
    return look_ahead(job, planned, given.settings)


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
    words: bool
    matcher: Matcher
    format: TableFormat
    on: str
    workers: int
    progress: Callable[[Progress], None] | None
    max_errors: int | str | None
    retry: bool

    @property
    def store(self) -> Store:
        """OUT, wherever links lead. Raises UsageError for what is no path and no URL that is known."""
        return open_store(check_place(self.out, "out", "a folder for the tables, or a URL"))

    @property
    def settings(self) -> Settings:
        """How the run is to be carried out."""
        if not isinstance(self.retry, bool):
            raise UsageError(f"retry = {shown(self.retry)}: it is True or False")
        return Settings(self.on, self.workers, self.progress, self.matcher, allowed_errors(self.max_errors), self.retry)

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
            self.store,
            entity_from=self.entity_from,
            year_from=self.year_from,
            registry=self.registry if isinstance(self.registry, Registry) else load_registry(self.registry),
            clauses=self.clauses,
            skip=skip,
            only=only,
            words=check_flag(self.words, "words"),
            format=self.format,
        )
