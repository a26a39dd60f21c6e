"""A job and a plan → a version: what is done already is kept, the rest is worked through, balanced and published."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from cipin.arguments import shown
from cipin.errors import CipinError, StorageError, TooManyErrors, UsageError
from cipin.lexicon.files import to_toml
from cipin.lexicon.model import Lexicon
from cipin.matching.judge import has_kernels, load_kernels
from cipin.matching.scan import Matcher, choose_matcher, prepare
from cipin.reading.registry import NO_REGISTRY, SHIPPED, Registry, load_registry
from cipin.running import ledger, plan
from cipin.running import store as stores
from cipin.running.aggregate import count_panel, pieces_of
from cipin.running.carry import find_earlier
from cipin.running.changes import Change, find_changes
from cipin.running.driving import Progress, choose_executor, rescue, work_through
from cipin.running.engine import LIBRARIES, engine_version
from cipin.running.events import Events
from cipin.running.executor import Serial, available_cpus, check_executor, compiling_beside, find_executor
from cipin.running.ingest import close_attempt
from cipin.running.job import Job, check_columns, run_shard
from cipin.running.ledger import ShardRecord
from cipin.running.nodes import check_nodes
from cipin.running.packs import place_in
from cipin.running.parsing import digest, find_mended, locate
from cipin.running.results import Run
from cipin.running.table_files import write_table
from cipin.schema import LEXICON, table_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How a run is carried out; nothing of it changes a table.

    allowed   the most quarantined reports with which it may be published, of so many
    """

    on: str = "auto"
    workers: int = 0
    progress: Callable[[Progress], None] | None = None
    matcher: Matcher = "auto"
    allowed: Callable[[int], float] | None = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    shards, to_do     shards in all, and those to be done
    sources, to_read  the same of files; of the latter some may be parsed already
    changes           why: what is not as in the newest version, in words and in names
    """

    shards: int
    to_do: int
    sources: int
    to_read: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Survey:
    """What is there before a run begins; mended: sources that failed, and are stored whole since."""

    base: int
    newest: dict[str, Any] | None
    run: str
    done: dict[str, ShardRecord]
    pending: plan.Plan
    mended: list[str]


def key_of(job: Job, lexicon_hash: str | None = None) -> str:
    """Return what decides a shard's id besides its sources; with another lexicon's hash, if one is given."""
    return json.dumps([engine_version(), lexicon_hash or job.lexicon.hash, job.options], sort_keys=True)


def allowed_errors(spec: int | str | None) -> Callable[[int], float] | None:
    """Return how many quarantined reports are allowed of so many; None: any number.

    >>> allowed_errors("5%")(240)
    12.0
    """
    if spec is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(%?)", str(spec)) if isinstance(spec, int | str) else None
    if not found or isinstance(spec, bool):
        raise UsageError(f"max_errors = {shown(spec)}: give a number of reports, or a share such as 5%")
    number = float(found[1])
    return (lambda total: total * number / 100) if found[2] else (lambda _: number)


def look_ahead(job: Job, planned: plan.Plan, settings: Settings) -> Preview:
    """Say what `measure` would do; nothing is written."""
    job.store.check()
    if settings.on != "auto":
        check_executor(settings.on)
    survey = _survey(job, planned, settings)
    changes = find_changes(job, planned, survey.newest, survey.mended, retry=settings.retry)
    to_read = len(survey.pending.sources)
    return Preview(len(planned.shards), len(survey.pending.shards), len(planned.sources), to_read, tuple(changes))


def _survey(job: Job, planned: plan.Plan, settings: Settings) -> _Survey:
    """Find which shards are done, whoever did them."""
    store = job.store
    base = max(ledger.versions(store), default=0)
    newest = None
    if base:
        try:
            newest = ledger.load_version(store, base)
        except CipinError as error:
            _log.warning("%s", error)
    known = ledger.find_records(store, (shard.id for shard in planned.shards), newest)
    done: dict[str, ShardRecord] = {}
    pending = []
    recorded = [(shard, each.errors) for shard in planned.shards if (each := known[shard.id].record) is not None]
    mended = find_mended(job.reading, recorded)
    for shard in planned.shards:
        found = known[shard.id]
        if found.record is None or shard.id in mended or (settings.retry and found.record.is_transient):
            pending.append(replace(shard, attempt=found.next_attempt))
        else:
            done[shard.id] = found.record
    attempts = {shard.id: shard.attempt for shard in pending} | {each.shard: each.attempt for each in done.values()}
    ids = [f"{shard.id}.{attempts[shard.id]}" for shard in planned.shards]
    left = replace(planned, shards=tuple(pending))
    return _Survey(
        base, newest, digest(key_of(job), *ids), done, left, [path for each in mended.values() for path in each]
    )


def measure(job: Job, planned: plan.Plan, settings: Settings) -> Run:
    """Carry out a run, or what is left of it. Errors are those of `cipin.run`."""
    began = time.time()
    store, attempt = job.store, job.reading.attempt
    # What cannot be had is refused before anything is written.
    executor = None if settings.on == "auto" else find_executor(settings.on, settings.workers)
    ledger.prepare(store)
    try:
        with store.lock(), Events(store, attempt) as events:
            survey = _survey(job, planned, settings)
            facts = {"shards": len(planned.shards), "kept": len(survey.done), "sources": len(planned.sources)}
            events.say("run_begun", run=survey.run, base=survey.base, **facts)
            job = replace(job, run=survey.run)
            ledger.begin_plan(store, survey.run, _plan(job, planned))
            if not survey.pending.shards and _is_published(job, planned, survey.newest):
                _check_errors(store, list(survey.done.values()), settings.allowed)
                return _unchanged(job, survey, events)
            records, job, executor = _work(job, planned, survey, settings, executor, events)
            ledger.check_balance(records)
            check_columns(planned.shards, records)
            _check_errors(store, records, settings.allowed)
            return _publish(job, planned, records, survey, began, events, executor)
    finally:
        stores.remove_folder(job.attempts)
        close_attempt(job.reading)
        _tidy(store)


def _is_published(job: Job, planned: plan.Plan, newest: Mapping[str, Any] | None) -> bool:
    """Tell whether the newest version is this run, over reports and a corpus that lie where they lay."""
    if newest is None or newest["run"] != job.run:
        return False
    corpus = place_in(job.store, job.reading.corpus)
    return bool(newest["root"] == plan.readable(planned.root) and newest["corpus"] == corpus)


def _unchanged(job: Job, survey: _Survey, events: Events) -> Run:
    """Return the newest version, which is this run already; what of it was lost is made again."""
    store, newest = job.store, dict(survey.newest or {})
    there = store.list(stores.DATA)
    if any(each["name"] not in there or there[each["name"]].n_bytes != each["n_bytes"] for each in newest["files"]):
        # Files of shards were looked at by the survey: it is the panel, or the lexicon.
        _write_tables(job, [survey.done[each["shard"]] for each in newest["shards"]])
    try:
        showing = json.loads(store.read(f"{stores.CURRENT}/run.json"))["version"] == newest["version"]
    except (OSError, ValueError, KeyError, TypeError):
        showing = False
    if not showing or not store.shows(ledger.shown_files(newest)):
        ledger.refresh_current(store, job.reading.attempt)
    events.say("unchanged", version=newest["version"])
    return Run(store, newest | {"work": _work_of({}, newest["shards"]) | {"unchanged": 1}})


def _work(
    job: Job, planned: plan.Plan, survey: _Survey, settings: Settings, executor: Any, events: Events
) -> tuple[list[ShardRecord], Job, Any]:
    chosen, why = choose_matcher(planned.n_bytes, settings.matcher)
    _log.info("matcher %s: %s", chosen, why)
    job = replace(job, matcher=chosen)
    records = dict(survey.done)
    pending = locate(job.reading, survey.pending)
    if pending.shards:
        shards, changed = find_earlier(job.store, pending.shards, job.lexicon, survey.newest, partial(key_of, job))
        pending, job = replace(pending, shards=shards), replace(job, changed=changed)
        if executor is None:
            executor, why = choose_executor(settings.workers, pending)
            _log.info("on %s: %s", type(executor).__name__.lower(), why)
        check_nodes(executor, [each for each in (job.store, job.reading.corpus) if each is not None], pending)
        if chosen != "ahocorasick":
            # Here, so that workers find the kernel compiled and the automaton in the cache, and while they start.
            with _compiling(executor):
                _log.info("kernel %s: %s", *prepare(job.lexicon, chosen, job.changed))
        for shard, done in work_through(run_shard, job, pending, executor, settings.progress, len(survey.done)):
            if done is None:
                events.say("worker_died", shard=shard.id)
            record = done or rescue(run_shard, job, job.reading, job.attempts, shard, executor)
            records[shard.id] = record
            said = {"seconds": record.seconds.get("total"), "outcomes": record.outcomes, "bytes": record.n_bytes}
            events.say("shard_done", shard=shard.id, attempt=record.attempt, **said)
            for error in record.errors:
                events.say("quarantined", **{key: error[key] for key in ("source", "member", "reason", "message")})
    return [records[shard.id] for shard in planned.shards], job, executor


@contextmanager
def _compiling(executor: Any) -> Iterator[None]:
    """Compile the kernels beside the search's, if none is yet: half here, half where workers begin, or beside."""
    if has_kernels():
        yield
        return
    with compiling_beside() if isinstance(executor, Serial) and available_cpus() > 1 else nullcontext():
        yield
        load_kernels()


def _check_errors(store: stores.Store, records: list[ShardRecord], allowed: Callable[[int], float] | None) -> None:
    outcomes = ledger.summarise(records)["outcomes"]
    total = sum(outcomes.values())
    quarantined = sum(n for outcome, n in outcomes.items() if outcome.startswith("quarantined"))
    if allowed is not None and quarantined > allowed(total):
        raise TooManyErrors(
            f"{quarantined} of {total} reports are quarantined, more than max_errors allows; nothing is published, "
            f"what was done is kept. `cipin errors {shlex.quote(store.place)}` "
            "names them: mend or leave them out, or allow more"
        )


def _call(job: Job) -> dict[str, Any]:
    """Return what `retry` needs to carry out the same run again."""
    reading = job.reading
    return {
        "root": os.fsencode(reading.root).decode("utf-8", "surrogateescape"),
        "corpus": place_in(job.store, job.reading.corpus),
        "stored_only": reading.stored_only,
        "text_column": reading.text_column,
        "max_chars": reading.max_chars,
        "no_repair": list(reading.no_repair),
        "entity_from": job.entity_from,
        "year_from": job.year_from,
        "registry": _registry(job.registry),
        "clauses": job.clauses,
        "skip": list(job.skip),
        "only": list(job.only),
        "words": job.words,
        "format": job.format,
    }


def _registry(registry: Registry) -> Any:
    """Return a registry's name where cipin ships it, else all that it says."""
    if registry.hash == NO_REGISTRY.hash:
        return None
    return SHIPPED if registry.hash == load_registry(SHIPPED).hash else asdict(registry)


def _lexicon(lexicon: Lexicon) -> dict[str, Any]:
    return {
        "id": lexicon.id,
        "version": lexicon.version,
        "hash": lexicon.hash,
        "title": lexicon.title,
        "source": lexicon.source,
        "match": lexicon.match,
        "fold": lexicon.fold,
        "boundaries": lexicon.boundaries,
    }


def _plan(job: Job, planned: plan.Plan) -> dict[str, Any]:
    """Return what is written down before a run: what it will do, and whatever is needed to do it again."""
    return {
        "engine": engine_version(),
        "options": job.options,
        "lexicon": _lexicon(job.lexicon) | {"toml": to_toml(job.lexicon)},
        "call": _call(job),
        "passed_over": list(planned.passed_over),
        "shards": [
            {"shard": shard.id, "sources": [[each.path, each.n_bytes, each.content] for each in shard.sources]}
            for shard in planned.shards
        ],
    }


def _work_of(done: Mapping[str, ShardRecord], shards: list[Any]) -> dict[str, int]:
    """Return how much of a run was done by it, and how much was kept of earlier ones."""
    tallies: dict[str, int] = ledger.summarise(done.values())["tallies"] if done else {}
    kept = len(shards) - len(done)
    counted = {name: tallies.get(name, 0) for name in ("parsed", "reused", "carried")}
    return {"shards": len(done), "kept": kept, **counted}


def _publish(
    job: Job,
    planned: plan.Plan,
    records: list[ShardRecord],
    survey: _Survey,
    began: float,
    events: Events,
    executor: Any,
) -> Run:
    store = job.store
    files, summary = _write_tables(job, records, executor)
    new = {record.shard: record for record in records if record.shard not in survey.done}
    work = _work_of(new, records)
    manifest = {
        "run": job.run,
        "base": survey.base,
        "engine": engine_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "began": began,
        "ended": time.time(),
        "root": plan.readable(planned.root),
        "corpus": place_in(job.store, job.reading.corpus),
        "options": job.options | {"matcher": job.matcher},
        "lexicon": _lexicon(job.lexicon),
        "planned": {
            "sources": len(planned.sources),
            "bytes": planned.n_bytes,
            "shards": len(planned.shards),
            "passed_over": list(planned.passed_over),
        },
        "work": work,
        "summary": summary,
        "shards": [asdict(record) for record in records],
        "files": files,
    }
    number = ledger.publish_version(store, manifest, survey.base)
    events.say("published", version=number, **work)
    try:
        ledger.refresh_current(store, job.reading.attempt)
    except StorageError as error:
        _log.warning("version %d is published, but OUT/current does not show it: %s", number, error)
    return Run(store, ledger.load_version(store, number) | {"work": work})


def _write_tables(
    job: Job, records: list[ShardRecord], executor: Any = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Write the tables of the whole run; return all files of it, and its summary."""
    files = [asdict(file) for record in records for file in record.files]
    tables = Run(job.store, {"files": files})
    write = partial(write_table, job, f"run-{job.run}", run=job.run)
    with stores.explained(Path(job.store.place)):
        files.append(asdict(write("lexicon", _lexicon_table(job.lexicon))))
        panel = count_panel(job, records, tables, executor)
        files.append(asdict(write("panel", pieces_of(panel))))
        return files, _summary(tables, panel.groups, records)


def _lexicon_table(lexicon: Lexicon) -> pa.Table:
    return table_of(
        {
            "lexicon": [lexicon.id] * len(lexicon.terms),
            "term": [term.name for term in lexicon.terms],
            "dimension": [term.dimension for term in lexicon.terms],
            "category": [term.category for term in lexicon.terms],
            "variants": [term.variants for term in lexicon.terms],
            "guards": [lexicon.guards_of(term) for term in lexicon.terms],
            "unless": [lexicon.unless_of(term) for term in lexicon.terms],
            "source": [term.source for term in lexicon.terms],
        },
        LEXICON,
    )


def _summary(tables: Run, groups: pl.DataFrame, records: list[ShardRecord]) -> dict[str, Any]:
    """Return the sums of the shards, and what is doubtful of all of them together."""
    summary = ledger.summarise(records)
    hashes = tables.reports.select(pl.col("content_hash").drop_nulls())
    named = groups.drop_nulls(["entity", "year"])  # those without are said apart
    several = len(named.filter(pl.col("reports") > 1))
    same_text = hashes.select(pl.len() - pl.col("content_hash").n_unique()).collect().item()
    summary["doubtful"] |= {"several_reports": several, "same_text": int(same_text)}
    return summary


def _tidy(store: stores.Store) -> None:
    """Remove OUT again if a run that was refused left nothing in it."""
    if isinstance(store, stores.LocalStore):
        with suppress(CipinError), store.lock(alone=True):
            stores.remove_empty(store.path)
