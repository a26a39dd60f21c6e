"""`ingest`: parse reports once, and keep them, so that any number of lexicons can be measured over them."""

from __future__ import annotations

import logging
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cipin.arguments import check_choice, check_names, check_number, check_path, check_paths, check_text
from cipin.errors import RunError, UsageError
from cipin.reading.corpus import parser_version
from cipin.reading.parsed import REPAIRS
from cipin.reading.report import RawReport
from cipin.running import packs, plan, store
from cipin.running.crumbs import Crumbs
from cipin.running.driving import REPORTS, Progress, check_working, choose_executor, rescue, work_through
from cipin.running.executor import find_executor
from cipin.running.parsing import Reading, locate, options_key, read_parsed
from cipin.running.store import Store

_log = logging.getLogger(__name__)
#: Folder of the store in the output of a run that names no other; and what is asked for where one is to be given.
CORPUS = "corpus"
CORPUS_FOLDER = "the folder of a corpus"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A store of parsed reports, and what the newest `ingest` into it found.

    path      its folder
    sources   files of reports
    summary   "outcomes": reports by status and reason; "tallies": sources "parsed" and "reused"
    passed_over   folders among the reports that cipin wrote, which are no reports
    """

    path: Path
    sources: int
    summary: dict[str, dict[str, int]]
    passed_over: tuple[str, ...] = ()


@dataclass(slots=True)
class _Ingested:
    shard: str
    sources: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    tallies: Counter[str] = field(default_factory=Counter)


def ingest(
    reports: str | Path | Sequence[str | Path],
    corpus: str | Path,
    *,
    text_column: str | None = None,
    max_chars: int = 0,
    no_repair: Sequence[str] = (),
    on: str = "auto",
    workers: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Corpus:
    """Parse reports into `corpus`, but those that it holds already; `scan` measures what the newest ingest found.

    reports     a folder, a file, a glob, or a list of these: all that `scan` shall measure, old and new
    corpus      a new or empty folder, or one of an earlier ingest
    text_column, max_chars, no_repair, on, workers, progress   as of `run`

    A report that cannot be read is kept with the reason. Raises UsageError if the call cannot be carried out,
    StorageError if `corpus` cannot be written, InputChanged if a file changes meanwhile.

    >>> ingest("reports/", "corpus/").summary["tallies"]  # doctest: +SKIP
    {'parsed': 240}
    """
    paths = check_paths(reports, "reports", REPORTS)
    folder = Path(os.path.realpath(check_path(corpus, "corpus", CORPUS_FOLDER)))
    check_working(on, workers, progress)
    reading = reading_of(text_column, max_chars, no_repair, folder)
    key = options_key(reading, "ingest", parser_version())
    planned = plan.make_plan(paths, key, leave_out=[folder])
    reading = replace(reading, root=planned.root)
    executor = None if on == "auto" else find_executor(on, workers)
    _prepare(folder)
    planned = locate(reading, planned)
    if executor is None:
        executor, why = choose_executor(workers, planned)
        _log.info("on %s: %s", type(executor).__name__.lower(), why)
    outcomes: Counter[str] = Counter()
    tallies: Counter[str] = Counter()
    try:
        for record in _work(reading, planned, executor, progress):
            outcomes.update(record.outcomes)
            tallies.update(record.tallies)
        listing = {
            "root": os.fsencode(planned.root).decode("utf-8", "surrogateescape"),
            "options": reading.options,
            "parser": parser_version(),
            "sources": [[each.path, each.n_bytes, each.content] for each in planned.sources],
            "passed_over": list(planned.passed_over),
            "summary": {"outcomes": dict(sorted(outcomes.items())), "tallies": dict(sorted(tallies.items()))},
        }
        packs.publish_listing(folder, reading.attempt, listing)
    finally:
        close_attempt(reading)
    return open_corpus(folder)


def _work(
    reading: Reading,
    planned: plan.Plan,
    executor: Any,
    progress: Callable[[Progress], None] | None,
) -> Iterator[_Ingested]:
    for shard, record in work_through(ingest_shard, reading, planned, executor, progress):
        done = record or rescue(ingest_shard, reading, reading, _attempts(reading), shard, executor)
        if done.sources != len(shard.sources):
            raise RunError(
                f"shard {shard.id}: {len(shard.sources)} sources planned, {done.sources} read; "
                "nothing is listed; please report this"
            )
        yield done


def ingest_shard(reading: Reading, shard: plan.Shard) -> _Ingested:
    """Parse the sources of a shard into the store, and say what became of them."""
    record = _Ingested(shard.id)
    seen: set[str] = set()
    with Crumbs(_attempts(reading), shard.id) as crumbs:
        for source, parsed in read_parsed(reading, shard, record.tallies, crumbs):
            crumbs.reading(False)
            seen.add(source.path)
            record.outcomes[outcome_of(parsed.raw)] += 1
            crumbs.reading(True)
    record.sources = len(seen)
    return record


def _attempts(reading: Reading) -> Path:
    return (reading.corpus or Path()) / "attempts" / reading.attempt


def outcome_of(raw: RawReport) -> str:
    """Return what became of a report: its status, and the reason where it was not measured."""
    return raw.status if raw.is_measured else f"{raw.status}:{raw.reason}"


def _prepare(folder: Path) -> None:
    with store.explained(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is a file; choose a folder for the corpus")
        if folder.exists() and any(folder.iterdir()) and not (folder / "attempts").is_dir():
            raise UsageError(f"{folder}: not empty, and no corpus; choose an empty or new folder for it")
        (folder / "attempts").mkdir(parents=True, exist_ok=True)


def close_attempt(reading: Reading) -> None:
    """Remove the temporary files of an attempt."""
    if reading.corpus is not None and not reading.stored_only:
        store.remove_folder(_attempts(reading))


def open_corpus(corpus: str | Path) -> Corpus:
    """Open what `ingest` filled.

    Raises UsageError if nothing was ingested there.
    """
    listing = _read_listing(Path(corpus))
    passed_over = tuple(listing.get("passed_over", ()))
    return Corpus(Path(corpus), len(listing["sources"]), listing["summary"], passed_over)


def _read_listing(corpus: Path) -> dict[str, Any]:
    listing = packs.read_listing(corpus)
    if listing is None:
        raise UsageError(f"{corpus}: `cipin ingest` has filled no corpus there; `cipin ingest REPORTS -o CORPUS` does")
    return listing


def open_listing(corpus: Path) -> tuple[Reading, list[plan.Source]]:
    """Return how the reports of a corpus were read, and its sources.

    Raises UsageError if nothing was ingested there, or by another version of the parser.
    """
    listing = _read_listing(corpus)
    if listing["parser"] != parser_version():
        raise UsageError(f"{corpus}: was ingested by another version of cipin; run `cipin ingest` again")
    options = listing["options"]
    no_repair = tuple(each for each in (options["no_repair"] or "").split(",") if each)
    reading = Reading(
        Path(listing["root"]),
        options["text_column"],
        int(options.get("max_chars", 0)),
        no_repair,
        corpus,
        stored_only=True,
        attempt=uuid.uuid4().hex,
    )
    return reading, [plan.Source(*entry) for entry in listing["sources"]]


def reading_of(text_column: str | None, max_chars: int, no_repair: Sequence[str], corpus: Path | None) -> Reading:
    """Return how reports are read, from below a folder that is not known yet.

    Raises UsageError for an option that cannot be carried out.
    """
    if text_column is not None:
        check_text(text_column, "text_column", "the name of a column, or None")
    max_chars = check_number(max_chars, "max_chars", "how many characters a report may have, or 0 for the default")
    names = check_names(no_repair, "no_repair", '["page_numbers"]')
    for name in names:
        check_choice(name, "no_repair", REPAIRS)
    return Reading(Path(), text_column, max_chars, tuple(sorted(set(names))), corpus, attempt=uuid.uuid4().hex)


def corpus_of(corpus: str | Path | None, out: Store) -> Path | None:
    """Return the folder of the store that `run` was told to use, ready to be written; None: none."""
    if corpus is None:
        return out.path / CORPUS if isinstance(out, store.LocalStore) else None
    folder = check_path(corpus, "corpus", f'{CORPUS_FOLDER}, "none", or None for one in `out`')
    if corpus == "none":
        return None
    folder = Path(os.path.realpath(folder))
    _prepare(folder)
    return folder
