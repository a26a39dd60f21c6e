"""`gc`: remove what no version needs, and no run will: the one place where anything is deleted."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cipin.arguments import check_number, check_place
from cipin.errors import CipinError, UsageError
from cipin.reading.corpus import parser_version
from cipin.running import ledger
from cipin.running.ingest import CORPUS
from cipin.running.store import DATA, META, Entry, LocalStore, Store, open_store, remove_empty_folders

#: Nothing younger is removed: a worker that was given up may still be at it, and its result may still count.
GRACE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed, or would be.

    names     files below OUT
    n_bytes   what they take
    versions  numbers of the versions that are no longer there
    """

    names: tuple[str, ...]
    n_bytes: int
    versions: tuple[int, ...]


def gc(out: str | Path, *, keep: int = 0, grace_seconds: float = GRACE_SECONDS, dry_run: bool = False) -> Swept:
    """Remove files that no version refers to, and that are older than a period of grace.

    keep            newest versions that stay; 0: all of them
    grace_seconds   what was written later stays, by the clock of the disk or store
    dry_run         only say what would be removed

    Records of shards that no version has stay as long as their plan is the newest, so that a run that was stopped goes
    on. Raises UsageError if there is no run, ConflictError if one is under way (object stores have no lock: see to it),
    StorageError if a version or the newest plan cannot be read, since nothing can be told of what they need then.

    >>> gc("out", dry_run=True).n_bytes  # doctest: +SKIP
    """
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    keep = check_number(keep, "keep", "how many of the newest versions stay, or 0 for all")
    if not store.exists() or not store.list(META):
        raise UsageError(f"{store.place}: no run was begun there; give the folder that `cipin run … -o` wrote")
    if not isinstance(grace_seconds, int | float) or isinstance(grace_seconds, bool) or not grace_seconds >= 0:
        raise UsageError(f"grace_seconds = {grace_seconds!r}: give a number of seconds")
    if not isinstance(dry_run, bool):
        raise UsageError(f"dry_run = {dry_run!r}: it is True or False")
    with store.lock(alone=True):
        numbers = ledger.versions(store)
        now = time.time() if dry_run else _now(store)  # a dry run writes nothing
        gone = tuple(numbers[:-keep]) if keep else ()
        youngest = now - grace_seconds
        unneeded = {name: entry for name, entry in _unneeded(store, gone) if entry.modified <= youngest}
        # A version that is still young keeps its files.
        kept = [number for number in gone if ledger.version_name(number) not in unneeded]
        if kept:
            unneeded = {
                name: entry
                for name, entry in _unneeded(store, tuple(set(gone) - set(kept)))
                if entry.modified <= youngest
            }
        if not dry_run:
            # The versions first: whoever still sees one finds its files.
            for name in sorted(unneeded, key=lambda name: not name.startswith(f"{META}/versions/")):
                store.remove(name)
            if isinstance(store, LocalStore):
                for folder in (store.path / META / "attempts", store.path / CORPUS):
                    remove_empty_folders(folder)
                if (store.path / CORPUS).is_dir():
                    (store.path / CORPUS / "attempts").mkdir(exist_ok=True)  # by which it is known
    total = sum(entry.n_bytes for entry in unneeded.values())
    return Swept(tuple(sorted(unneeded)), total, tuple(number for number in gone if number not in kept))


def _unneeded(store: Store, gone: tuple[int, ...]) -> Iterator[tuple[str, Entry]]:
    """Yield the files that are not needed once some versions are gone."""
    needed: set[str] = set()
    for number in ledger.versions(store):
        if number in gone:
            continue
        manifest = ledger.load_version(store, number)  # one that cannot be read: nothing can be told of its files
        needed |= {each["name"] for each in manifest["files"]}
        needed |= {ledger.shard_name(each["shard"], each["attempt"]) for each in manifest["shards"]}
        needed |= {ledger.version_name(number), f"{META}/plans/{manifest['run']}.json"}
    plan = ledger.newest_plan(store)  # the same: nothing can be told of what it needs
    if plan is not None:
        needed |= {name for name in store.list(f"{META}/begun") if name.endswith(plan["run"])}
        needed.add(f"{META}/plans/{plan['run']}.json")
        for known in ledger.find_records(store, [each["shard"] for each in plan["shards"]]).values():
            if known.record is not None:
                needed.add(ledger.shard_name(known.record.shard, known.record.attempt))
                needed |= {each.name for each in known.record.files}
    for folder in (DATA, META):
        for name, entry in store.list(folder).items():
            # What others put there is not ours to remove.
            if name not in needed and re.match(
                rf"({DATA}|{META}/(shards|plans|begun|versions|attempts|events|probe-))", name
            ):
                if name.startswith(f"{META}/versions/") and not _is_gone(name, gone):
                    continue
                yield name, entry
    # Of the parsed reports in OUT: what a killed run left, and what another version of the parser has read.
    left = re.compile(rf"{CORPUS}/(attempts|packs/(?!{parser_version()}/)[0-9a-f]+)/")
    yield from ((name, entry) for name, entry in store.list(CORPUS).items() if left.match(name))


def _is_gone(name: str, gone: tuple[int, ...]) -> bool:
    return name in {ledger.version_name(number) for number in gone}


def _now(store: Store) -> float:
    """Return the time by the clock that files are stamped with, which need not be this machine's."""
    probe = f"{META}/attempts/{uuid.uuid4().hex}"
    store.put_if_absent(probe, b"")
    try:
        return store.list(f"{META}/attempts")[probe].modified
    except KeyError:
        return time.time()
    finally:
        with suppress(CipinError):
            store.remove(probe)
