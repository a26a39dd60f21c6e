"""The run of a plan again, without its command: for what failed by time, memory or a crash."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cipin.arguments import check_place
from cipin.errors import CipinError, UsageError
from cipin.lexicon.files import parse_toml
from cipin.reading.registry import SHIPPED, Name, Registry, load_registry
from cipin.running import ledger, plan
from cipin.running.driving import Progress, check_working
from cipin.running.job import Job
from cipin.running.measure import Settings, allowed_errors, key_of, measure
from cipin.running.packs import corpus_at
from cipin.running.parsing import Reading
from cipin.running.results import Run
from cipin.running.store import Store, open_store


def retry(
    out: str | Path,
    *,
    max_errors: int | str | None = None,
    on: str = "auto",
    workers: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """Carry out the newest plan in `out` again: what was left of it, and what failed by time, memory or a crash.

    Its reports are those that were planned then; new ones need `run`. Raises UsageError if there is no plan, or if it
    cannot be carried out as it was, and what `run` raises.

    >>> retry("out").summary["outcomes"]  # doctest: +SKIP
    """
    check_working(on, workers, progress)
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    planned = ledger.newest_plan(store) if store.exists() else None
    if planned is None:
        raise UsageError(f"{store.place}: no run was begun there; `cipin run REPORTS -l LEXICON -o …` begins one")
    job = _job(store, planned)
    settings = Settings(on, workers, progress, allowed=allowed_errors(max_errors), retry=True)
    return measure(job, _shards(job, planned), settings)


def _job(store: Store, planned: Mapping[str, Any]) -> Job:
    call = planned["call"]
    reading = Reading(
        call["root"],
        call["text_column"],
        call["max_chars"],
        tuple(call["no_repair"]),
        corpus_at(store, call["corpus"]),
        stored_only=call["stored_only"],
        attempt=uuid.uuid4().hex,
    )
    try:
        lexicon = parse_toml(planned["lexicon"]["toml"], f"the lexicon of {store.place}")
        same = lexicon.hash == planned["lexicon"]["hash"]
    except CipinError:
        same = False
    if not same:
        raise UsageError(f"{store.place}: its lexicon cannot be had again; run the same command with --retry")
    return Job(
        lexicon,
        reading,
        store,
        entity_from=call["entity_from"],
        year_from=call["year_from"],
        registry=_registry(call["registry"]),
        clauses=call["clauses"],
        skip=tuple(call["skip"]),
        only=tuple(call["only"]),
        words=call["words"],
        format=call["format"],
    )


def _registry(content: Any) -> Registry:
    if content is None or content == SHIPPED:
        return load_registry(content)
    names = tuple(Name(**each) for each in content["names"])
    return Registry(content["id"], names, tuple((code, entity) for code, entity in content["codes"]))


def _shards(job: Job, planned: Mapping[str, Any]) -> plan.Plan:
    sources = [[plan.Source(*each) for each in shard["sources"]] for shard in planned["shards"]]
    made = [shard for each in sources for shard in plan.cut(each, key_of(job))]
    if not made or [shard.id for shard in made] != [each["shard"] for each in planned["shards"]]:
        raise UsageError(
            f"{job.store.place}: was written by another version of cipin, or its options cannot be had again; run the "
            "same command with --retry"
        )
    return plan.Plan(job.reading.root, tuple(made), tuple(planned["passed_over"]))
