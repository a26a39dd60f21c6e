"""What a run leaves behind, and when it counts: plans, shard records, versions, and the clean view of the newest one.

    OUT/data/<table>/<shard>-<sha16>.parquet    immutable, named by content
    OUT/_meta/plans/<run>.json                  what a run is to do, and how it was called
    OUT/_meta/begun/<%020d>.<run>               that it began, in order
    OUT/_meta/shards/<shard>.<attempt>.json     a shard is done: its files, and what became of its reports
    OUT/_meta/versions/<%020d>.json             one a published run; readers take the newest
    OUT/_meta/events/<attempt>.jsonl            what happened, in order, for people and monitors
    OUT/_meta/attempts/                         temporary files
    OUT/current/<table>/…                       the files of the newest version, as hard links, for globs

A shard's record is put after its files, and a version after the records of all its shards, each by a write that fails
if the name is taken: whoever finds a record finds its files, the first record of a shard wins, and a run is seen whole
or not at all. Every report that was planned is measured, dropped or quarantined, or the run is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cipin.errors import ConflictError, RunError, StorageError, UsageError
from cipin.running.shapes import FILE, PLAN, SHARD, VERSION, Shape, find_misfit
from cipin.running.store import DATA, META, Entry, Store, as_json, at_once

_log = logging.getLogger(__name__)
#: Of this module's files; a reader refuses what it does not know.
LAYOUT = 3
#: The sum over the rest of a record, and how that ends without it and with it.
_SUM = "sum"
_END, _SUM_BEGINS, _SUM_ENDS = b"\n}\n", b',\n "sum": "', b'"\n}\n'


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One immutable data file: its table, name below OUT, content hash, rows and bytes."""

    table: str
    name: str
    sha256: str
    rows: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What became of a shard: its files, and the tallies that a summary needs.

    attempt            1, or the number of the retry
    planned, sources   sources of the shard, and sources that gave at least one report: equal, or the ledger is wrong
    outcomes           reports by "measured", "teaser", "dropped:<reason>" and "quarantined:<reason>"
    tallies            "chars", "clauses", "hits", "suppressed"
    terms              kept hits of each term that has any
    doubtful           reports by quality flag, and by what could not be told of them
    seconds            time in the worker, by stage
    errors             a row for each quarantined report; see cipin.running.status.errors
    """

    shard: str
    planned: int
    sources: int
    n_bytes: int
    files: tuple[FileRecord, ...]
    outcomes: dict[str, int]
    tallies: dict[str, int]
    terms: dict[str, int]
    doubtful: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    errors: tuple[dict[str, Any], ...] = ()
    attempt: int = 1

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ShardRecord:
        """Return the record that was written. Raises ValueError if it is none."""
        if misfit := find_misfit(content, SHARD):
            raise ValueError(misfit)
        files = tuple(FileRecord(**{name: each[name] for name in FILE}) for each in content["files"])
        return cls(**{**{name: content[name] for name in SHARD}, "files": files, "errors": tuple(content["errors"])})

    @property
    def is_transient(self) -> bool:
        """Whether a report failed in a way that another try may mend."""
        return any(each["transient"] for each in self.errors)


def prepare(store: Store) -> None:
    """Make OUT ready to be written to.

    Raises UsageError if it holds something that is not a run, StorageError if it cannot be written.
    """
    store.prepare()


def keep_file(store: Store, shard: str, table: str, temporary: Path, ending: str, rows: int) -> FileRecord:
    """Give a finished file of a shard its final name, after its content, and return its record."""
    with temporary.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    n_bytes = temporary.stat().st_size
    name = f"{DATA}/{table}/{shard}-{sha256[:16]}{ending}"
    store.publish(temporary, name)
    return FileRecord(table, name, sha256, rows, n_bytes)


# ------------------------------------------------------------------------------------------------ shards


def commit_shard(store: Store, record: ShardRecord) -> ShardRecord:
    """Record that a shard is done, once its files are in place; return the record that counts: the first.

    Raises RunError if the record does not balance.
    """
    check_balance([record])
    name = shard_name(record.shard, record.attempt)
    if store.put_if_absent(name, seal(asdict(record))):
        return record
    earlier = _read_record(store, name)
    if earlier is not None and (earlier.files == record.files or _are_there(earlier, store.list(DATA))):
        return earlier
    # What is recorded was lost and did not come out the same again, as after a time-out.
    return commit_shard(store, replace(record, attempt=record.attempt + 1))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a shard: its newest usable record, and the number that its next attempt has."""

    record: ShardRecord | None = None
    next_attempt: int = 1


def find_records(store: Store, shards: Iterable[str], newest: Mapping[str, Any] | None = None) -> dict[str, Known]:
    """Return what is known of shards; a record whose files are not all there, as long as they were, is not usable.

    newest   manifest of the newest version, which holds records that then need not be read one by one
    """
    wanted = set(shards)
    attempts: dict[str, int] = {}
    for name in store.list(f"{META}/shards"):
        if (found := re.fullmatch(rf"{META}/shards/([0-9a-f]+)\.(\d+)\.json", name)) and found[1] in wanted:
            attempts[found[1]] = max(attempts.get(found[1], 0), int(found[2]))
    if not attempts:
        return {shard: Known() for shard in wanted}
    files = store.list(DATA)
    published = {each["shard"]: each for each in (newest or {}).get("shards", ())}

    def look(shard: str) -> Known:
        attempt = attempts.get(shard, 0)
        content = published.get(shard)
        if content is not None and content.get("attempt") == attempt:
            record: ShardRecord | None = ShardRecord.from_json(content)
        else:
            record = _read_record(store, shard_name(shard, attempt)) if attempt else None
        if record is not None and not _are_there(record, files):
            # Its files have their content's names: done again, they are put in their places again.
            _log.warning("shard %s: a data file is gone or damaged; it is done again", shard)
            return Known(None, attempt)
        return Known(record, attempt + 1)

    listed = sorted(wanted)
    return dict(zip(listed, at_once(look, listed), strict=True))


def _are_there(record: ShardRecord, files: Mapping[str, Entry]) -> bool:
    found = [(files.get(each.name), each.n_bytes) for each in record.files]
    return all(entry is not None and entry.n_bytes == n_bytes for entry, n_bytes in found)


def shard_name(shard: str, attempt: int) -> str:
    """Return the name of the record of a shard."""
    return f"{META}/shards/{shard}.{attempt}.json"


def _read_record(store: Store, name: str) -> ShardRecord | None:
    """Return a record, or None if there is none that can be read."""
    try:
        content = _unseal(store.read(name))
        if content["layout"] != LAYOUT:
            return None
        return ShardRecord.from_json(content)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, StorageError) as error:
        _log.warning("%s: is no record of a shard (%s); the shard is done again", name, error)
        return None


def check_balance(records: Iterable[ShardRecord]) -> None:
    """Raise RunError unless every planned source gave reports, and every report has a row."""
    for record in records:
        rows = sum(each.rows for each in record.files if each.table == "reports")
        if record.sources != record.planned or rows != sum(record.outcomes.values()):
            raise RunError(
                f"shard {record.shard}: {record.planned} sources planned, {record.sources} read; "
                f"{sum(record.outcomes.values())} reports, {rows} rows; nothing is published; please report this"
            )


def summarise(records: Iterable[ShardRecord]) -> dict[str, Any]:
    """Add up the tallies of all shards; recomputed from their records, never kept on the side."""
    total: dict[str, Counter[str]] = {
        name: Counter() for name in ("outcomes", "tallies", "terms", "doubtful", "seconds")
    }
    n_bytes = 0
    for record in records:
        n_bytes += record.n_bytes
        for name, counter in total.items():
            counter.update(getattr(record, name))
    summary: dict[str, Any] = {name: dict(sorted(counter.items())) for name, counter in total.items()}
    return summary | {"bytes": n_bytes}


# ------------------------------------------------------------------------------------------------ plans


def write_plan(store: Store, run: str, plan: dict[str, Any]) -> None:
    """Write down what a run is to do. What is there of an earlier one, from another place or damaged, is replaced."""
    name, content = f"{META}/plans/{run}.json", seal({"run": run, **plan})
    if not store.put_if_absent(name, content) and _content(store, name) != content:
        store.remove(name)
        store.put_if_absent(name, content)


def _content(store: Store, name: str) -> bytes:
    try:
        return store.read(name)
    except (OSError, StorageError):
        return b""


def begin_plan(store: Store, run: str, plan: dict[str, Any]) -> None:
    """Write down what a run is to do, and that it was the last to begin."""
    write_plan(store, run, plan)
    begun = _begun(store)
    if begun and begun[-1][1] == run:
        return
    number = begun[-1][0] if begun else 0
    while not store.put_if_absent(f"{META}/begun/{(number := number + 1):020d}.{run}", b""):
        pass


def _begun(store: Store) -> list[tuple[int, str]]:
    """Return the runs that were begun, in that order: by number, since a copied OUT has other times."""
    names = (re.fullmatch(rf"{META}/begun/(\d{{20}})\.([0-9a-f]{{24}})", name) for name in store.list(f"{META}/begun"))
    return sorted((int(found[1]), found[2]) for found in names if found)


def read_plan(store: Store, run: str) -> dict[str, Any]:
    """Return what a run was to do. Raises StorageError if that cannot be read."""
    return _load(store, f"{META}/plans/{run}.json", PLAN, "run the same command again")


def newest_plan(store: Store) -> dict[str, Any] | None:
    """Return the plan that was begun last, published or not; None if there is none."""
    begun = _begun(store)
    return read_plan(store, begun[-1][1]) if begun else None


# ------------------------------------------------------------------------------------------------ versions


def publish_version(store: Store, manifest: dict[str, Any], base: int | None = None) -> int:
    """Publish a manifest as the version after `base`, once all its files are in place; return its number.

    base   the newest version when the run began; None: the newest now

    If another run published meanwhile, and was the same run, that version is this one's.
    Raises ConflictError if it was another.
    """
    number = (max(versions(store), default=0) if base is None else base) + 1
    content = seal({"version": number, **manifest})
    if store.put_if_absent(version_name(number), content):
        return number
    there = versions(store)
    if number not in there:
        raise StorageError(
            f"{store.place}/{version_name(number)}: is not what cipin wrote, and in the way; remove it and run again"
        )
    for other in there:
        if other >= number and load_version(store, other)["run"] == manifest["run"]:
            return other
    raise ConflictError(
        f"{store.place}: another run published version {number} first; run again to publish after it, which does only "
        "what is left"
    )


def version_name(number: int) -> str:
    """Return the name of the manifest of a version."""
    return f"{META}/versions/{number:020d}.json"


def versions(store: Store) -> list[int]:
    """Return the numbers of the versions published in OUT."""
    names = (re.fullmatch(rf"{META}/versions/(\d{{20}})\.json", name) for name in store.list(f"{META}/versions"))
    return sorted(int(found[1]) for found in names if found)


def read_version(store: Store, number: int | None = None) -> dict[str, Any]:
    """Return the manifest of a version, by default the newest.

    Raises UsageError if OUT holds no run, or none of that number.
    """
    if not store.exists():
        raise UsageError(f"{store.place}: no such folder; give the folder that `cipin run … -o` wrote")
    numbers = versions(store)
    if not numbers:
        raise UsageError(
            f"{store.place}: no finished run in it; `cipin run REPORTS -l LEXICON -o {store.place}` makes one"
        )
    number = numbers[-1] if number is None else number
    if number not in numbers:
        raise UsageError(f"{store.place}: no version {number}; there are {', '.join(map(str, numbers))}")
    return load_version(store, number)


def load_version(store: Store, number: int) -> dict[str, Any]:
    """Return the manifest of a version that was listed. Raises StorageError, UsageError if it cannot be read."""
    return _load(store, version_name(number), VERSION, "run again to publish a new version")


def _load(store: Store, name: str, shape: Shape, way_out: str) -> dict[str, Any]:
    try:
        content = _unseal(store.read(name))
        known = content["layout"] == LAYOUT
        misfit = find_misfit(content, shape) if known else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{store.place}/{name}: cannot be read ({error}); {way_out}") from error
    if misfit:
        raise StorageError(f"{store.place}/{name}: cannot be read ({misfit}); {way_out}")
    if not known:
        raise UsageError(
            f"{store.place}/{name}: written by another version of cipin (layout {content['layout']}); use that one, "
            "or run into a new folder"
        )
    return content


def shown_files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a version by the names that they have in OUT/current."""
    return {f"{each['table']}/{Path(each['name']).name}": each["name"] for each in manifest["files"]}


def seal(content: Mapping[str, Any]) -> bytes:
    """Return a record as it is written: with the layout of this module, and a sum over what it says."""
    said = as_json({"layout": LAYOUT, **content})
    # As text: a manifest is long, and would be turned into text twice, by whoever writes it and whoever reads it.
    return b"%b%b%b%b" % (said.removesuffix(_END), _SUM_BEGINS, hashlib.sha256(said).hexdigest().encode(), _SUM_ENDS)


def _unseal(data: bytes) -> dict[str, Any]:
    """Return what a record says. Raises ValueError, TypeError or KeyError if that is not what was written."""
    content = json.loads(data)
    if not isinstance(content, dict):
        raise TypeError("it is no object")
    found = content.pop(_SUM, None)
    if content["layout"] == LAYOUT:
        tail = b"%b%b%b" % (_SUM_BEGINS, str(found).encode(), _SUM_ENDS)
        # Earlier versions had the sum among the rest, in the order of names.
        said = data.removesuffix(tail) + _END if data.endswith(tail) else as_json(content)
        if found != hashlib.sha256(said).hexdigest():
            raise ValueError("it is not what was written: its sum is another")
    return content


def refresh_current(store: Store, attempt: str) -> None:
    """Make OUT/current show the files of the newest version."""
    while True:
        newest = max(versions(store), default=0)
        if not newest:
            return
        shown = load_version(store, newest)
        store.show(attempt, as_json(shown).decode(), shown_files(shown))
        if max(versions(store), default=0) == newest:
            return
