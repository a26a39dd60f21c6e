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

from cipin.arguments import check_choice, check_names, check_number, check_paths, check_place, check_text
from cipin.errors import RunError, UsageError
from cipin.reading.corpus import parser_version
from cipin.reading.parsed import REPAIRS
from cipin.reading.report import RawReport
from cipin.running import packs, plan, store
from cipin.running.crumbs import Crumbs
from cipin.running.driving import REPORTS, Progress, check_working, choose_executor, rescue, work_through
from cipin.running.executor import find_executor
from cipin.running.nodes import check_nodes
from cipin.running.parsing import Reading, locate, options_key, read_parsed
from cipin.running.store import Store

_log = logging.getLogger(__name__)
#: Folder of the store in the output of a run that names no other; and what is asked for where one is to be given.
CORPUS = "corpus"
CORPUS_FOLDER = "the folder of a corpus, or its URL"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A store of parsed reports, and what the newest `ingest` into it found.

    path      its folder, or its URL
    sources   files of reports
    summary   "outcomes": reports by status and reason; "tallies": sources "parsed" and "reused"
    passed_over   folders among the reports that cipin wrote, which are no reports
    """

    path: Path | str
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
    place = packs.open_place(check_place(corpus, "corpus", CORPUS_FOLDER))
    check_working(on, workers, progress)
    reading = reading_of(text_column, max_chars, no_repair, place)
    key = options_key(reading, "ingest", parser_version())
    planned = plan.make_plan(paths, key, [place.place], reading.read_options)
    reading = replace(reading, root=planned.root)
    executor = None if on == "auto" else find_executor(on, workers)
    _prepare(place)
    planned = locate(reading, planned)
    if executor is None:
        executor, why = choose_executor(workers, planned)
        _log.info("on %s: %s", type(executor).__name__.lower(), why)
    check_nodes(executor, [place], planned)
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
        packs.publish_listing(place, listing)
    finally:
        close_attempt(reading)
    return open_corpus(place.place)


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
    seen: set[tuple[str, str]] = set()
    with Crumbs(_attempts(reading), shard.id) as crumbs:
        for source, parsed in read_parsed(reading, shard, record.tallies, crumbs):
            crumbs.reading(False)
            seen.add((source.path, source.content))
            record.outcomes[outcome_of(parsed.raw)] += 1
            crumbs.reading(True)
    record.sources = len(seen)
    return record


def _attempts(reading: Reading) -> Path:
    return reading.corpus.temporary(reading.attempt) if reading.corpus is not None else reading.folder


def outcome_of(raw: RawReport) -> str:
    """Return what became of a report: its status, and the reason where it was not measured."""
    return raw.status if raw.is_measured else f"{raw.status}:{raw.reason}"


def _prepare(corpus: Store) -> None:
    """Make a corpus ready to be written to. Raises UsageError if something else lies there."""
    if not isinstance(corpus, store.LocalStore):
        if not corpus.list("packs") and not corpus.list("listings") and corpus.list(""):
            raise UsageError(f"{corpus.place}: not empty, and no corpus; choose an empty or new folder for it")
        return
    folder = corpus.path
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
    store.remove_folder(reading.folder.parent)


def open_corpus(corpus: str | Path) -> Corpus:
    """Open what `ingest` filled.

    Raises UsageError if nothing was ingested there.
    """
    place = packs.open_place(corpus)
    listing = _read_listing(place)
    passed_over = tuple(listing.get("passed_over", ()))
    path = place.path if isinstance(place, store.LocalStore) else place.place
    return Corpus(path, len(listing["sources"]), listing["summary"], passed_over)


def _read_listing(corpus: Store) -> dict[str, Any]:
    listing = packs.read_listing(corpus)
    if listing is None:
        raise UsageError(
            f"{corpus.place}: `cipin ingest` has filled no corpus there; `cipin ingest REPORTS -o CORPUS` does"
        )
    return listing


def open_listing(corpus: Store) -> tuple[Reading, list[plan.Source]]:
    """Return how the reports of a corpus were read, and its sources.

    Raises UsageError if nothing was ingested there, or by another version of the parser.
    """
    listing = _read_listing(corpus)
    if listing["parser"] != parser_version():
        raise UsageError(f"{corpus.place}: was ingested by another version of cipin; run `cipin ingest` again")
    options = listing["options"]
    no_repair = tuple(each for each in (options["no_repair"] or "").split(",") if each)
    reading = Reading(
        listing["root"],
        options["text_column"],
        int(options.get("max_chars", 0)),
        no_repair,
        corpus,
        stored_only=True,
        attempt=uuid.uuid4().hex,
    )
    return reading, [plan.Source(*entry) for entry in listing["sources"]]


def reading_of(text_column: str | None, max_chars: int, no_repair: Sequence[str], corpus: Store | None) -> Reading:
    """Return how reports are read, from below a folder that is not known yet.

    Raises UsageError for an option that cannot be carried out.
    """
    if text_column is not None:
        check_text(text_column, "text_column", "the name of a column, or None")
    max_chars = check_number(max_chars, "max_chars", "how many characters a report may have, or 0 for the default")
    names = check_names(no_repair, "no_repair", '["page_numbers"]')
    for name in names:
        check_choice(name, "no_repair", REPAIRS)
    return Reading("", text_column, max_chars, tuple(sorted(set(names))), corpus, attempt=uuid.uuid4().hex)


def corpus_of(corpus: str | Path | None, out: Store) -> Store | None:
    """Return the store that `run` was told to use, ready to be written; None: none."""
    if corpus is None:
        return packs.open_place(f"{out.place}/{CORPUS}")
    place = check_place(corpus, "corpus", f'{CORPUS_FOLDER}, "none", or None for one in `out`')
    if corpus == "none":
        return None
    found = packs.open_place(place)
    _prepare(found)
    return found
