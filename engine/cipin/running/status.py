"""What stands in an output: its versions, what is unfinished, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cipin.arguments import check_place
from cipin.errors import UsageError
from cipin.running import ledger
from cipin.running.store import DATA, META, Store, open_store

#: Columns of `errors`: a row is a report that was set aside.
ERRORS = {
    "report": pl.String,
    "source": pl.String,
    "member": pl.String,
    "stage": pl.String,
    "reason": pl.String,
    "message": pl.String,
    "transient": pl.Boolean,
    "seconds": pl.Float64,
    "memory_bytes": pl.Int64,
    "engine": pl.String,
    "attempt": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Status:
    """How an output stands.

    versions           numbers of the published versions
    manifest           of the newest one, or None
    planned, recorded  shards of the plan that was begun last, and those of them that are done
    published          whether that plan is the newest version
    outcomes           reports by what became of them, in the shards that are done
    attempts           attempts under way, or killed: their temporary files are there
    n_files, n_bytes   of data, all versions together
    """

    place: str
    versions: tuple[int, ...]
    manifest: Mapping[str, Any] | None
    planned: int
    recorded: int
    published: bool
    outcomes: Mapping[str, int]
    attempts: tuple[str, ...]
    n_files: int
    n_bytes: int

    @property
    def balance(self) -> str:
        """Say how the reports add up: measured, dropped and quarantined are all that there are."""
        parts: dict[str, int] = {}
        for outcome, n in self.outcomes.items():
            kind = outcome.partition(":")[0]
            parts[kind] = parts.get(kind, 0) + n
        total = sum(parts.values())
        return f"{total:,} reports = {' + '.join(f'{n:,} {kind}' for kind, n in sorted(parts.items())) or 'none'}"


def status(out: str | Path) -> Status:
    """Return how an output stands.

    Raises UsageError if there is none.
    """
    store = _open(out)
    numbers = tuple(ledger.versions(store))
    manifest = ledger.read_version(store) if numbers else None
    planned = ledger.newest_plan(store)
    shards = [each["shard"] for each in (planned or {}).get("shards", ())]
    records = [each.record for each in ledger.find_records(store, shards, manifest).values() if each.record]
    data = store.list(DATA)
    attempts = sorted({name.split("/")[2] for name in store.list(f"{META}/attempts") if name.count("/") > 2})
    return Status(
        store.place,
        numbers,
        manifest,
        len(shards),
        len(records),
        bool(manifest and planned and _is_published(manifest, shards)),
        ledger.summarise(records)["outcomes"],
        tuple(attempts),
        len(data),
        sum(each.n_bytes for each in data.values()),
    )


def _is_published(manifest: Mapping[str, Any], shards: list[str]) -> bool:
    return [each["shard"] for each in manifest["shards"]] == shards


def errors(out: str | Path) -> pl.DataFrame:
    """Return a row for each report that was set aside in the plan that was begun last, published or not.

    Columns: report, source, member; stage ("read", "identify", "measure", or "worker" if it ended its process), reason
    and message; transient (whether `retry` may mend it); seconds and memory_bytes that it took (at most, of the
    process); engine, attempt.
    Raises UsageError if no run was begun in `out`.

    >>> errors("out").group_by("reason").len()  # doctest: +SKIP
    """
    store = _open(out)
    planned = ledger.newest_plan(store)
    if planned is None:
        raise UsageError(f"{store.place}: no run was begun there; `cipin run REPORTS -l LEXICON -o …` begins one")
    found = ledger.find_records(store, (each["shard"] for each in planned["shards"]))
    return error_table(_rows(found))


def error_table(errors: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the errors of shard records as a table of the columns of ERRORS."""
    return pl.DataFrame([dict(row) for row in errors], schema=ERRORS).sort("source", "member", "report")


def _rows(found: Mapping[str, ledger.Known]) -> Iterator[Mapping[str, Any]]:
    for known in found.values():
        if known.record is not None:
            yield from known.record.errors


def _open(out: str | Path) -> Store:
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    if not store.exists() or not store.list(META):
        raise UsageError(f"{store.place}: no run was begun there; give the folder that `cipin run … -o` wrote")
    return store
