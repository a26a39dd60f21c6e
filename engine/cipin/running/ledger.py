"""What a run leaves behind, and when it counts: shard records, versions, and the clean view of the newest one.

    OUT/data/<table>/<shard>-<sha16>.parquet    immutable, named by content
    OUT/_meta/versions/<%020d>.json             one a published run; readers take the newest
    OUT/_meta/attempts/                         temporary files
    OUT/current/<table>/…                       the files of the newest version, as hard links, for globs

A version is published by a link that fails if the name is taken, after all its files are in place: a run is seen
whole or not at all. Every report that was planned is measured, dropped or quarantined, or the run is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cipin.errors import ConflictError, RunError, StorageError, UsageError
from cipin.running import store

DATA, META, CURRENT = "data", "_meta", "current"
#: Of this module's files; a reader refuses what it does not know.
LAYOUT = 1


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

    planned, sources   sources of the shard, and sources that gave at least one report: equal, or the ledger is wrong
    outcomes           reports by "measured", "teaser", "dropped:<reason>" and "quarantined:<reason>"
    tallies            "chars", "clauses", "hits", "suppressed"
    terms              kept hits of each term that has any
    doubtful           reports by quality flag, and by what could not be told of them
    seconds            time in the worker, by stage
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


def prepare(out: Path) -> None:
    """Make OUT ready to be written to.

    Raises UsageError if it holds something that is not a run, StorageError if it cannot be written.
    """
    with store.explained(out):
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out}: is a file; choose a folder with -o")
        # In this order: another run may be making its folders at this moment.
        if out.exists() and any(out.iterdir()) and not (out / META).is_dir():
            raise UsageError(f"{out}: not empty, and not the output of a run; choose an empty or new folder with -o")
        (out / META / "attempts").mkdir(parents=True, exist_ok=True)


def keep_file(out: Path, shard: str, table: str, temporary: Path, ending: str, rows: int) -> FileRecord:
    """Give a finished file of a shard its final name, after its content, and return its record."""
    with store.explained(temporary):
        data = temporary.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{DATA}/{table}/{shard}-{sha256[:16]}{ending}"
        if (out / name).exists() and (out / name).read_bytes() != data:
            (out / name).unlink()  # damaged since it was written: its name says what it should hold
    store.publish(temporary, out / name)
    return FileRecord(table, name, sha256, rows, len(data))


def tidy(out: Path) -> None:
    """Remove OUT again if a run that was refused left nothing in it but empty folders."""
    if (out / DATA).exists() or versions(out) or (out / "corpus").exists():
        return
    for folder in (out / META / "attempts", out / META, out):
        with suppress(OSError):
            folder.rmdir()


def check_balance(records: Iterable[ShardRecord]) -> None:
    """Raise RunError unless every planned source gave reports, and every report has a row."""
    for record in records:
        rows = sum(each.rows for each in record.files if each.table == "reports")
        if record.sources != record.planned or rows != sum(record.outcomes.values()):
            raise RunError(
                f"shard {record.shard}: {record.planned} sources planned, {record.sources} read; "
                f"{sum(record.outcomes.values())} reports, {rows} rows; nothing is published; please report this"
            )


def publish_version(out: Path, attempts: Path, manifest: dict[str, Any]) -> int:
    """Publish a manifest as the next version, once all its files are in place; return its number.

    Raises ConflictError if another run took that number first.
    """
    folder = out / META / "versions"
    number = max(versions(out), default=0) + 1
    text = json.dumps({"layout": LAYOUT, "version": number, **manifest}, ensure_ascii=False, indent=1, sort_keys=True)
    temporary = store.write_file(attempts, lambda path: _write_text(path, text + "\n"))
    if not store.publish(temporary, folder / f"{number:020d}.json"):
        raise ConflictError(f"{out}: another run published version {number} first; run again to publish after it")
    return number


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def versions(out: Path) -> list[int]:
    """Return the numbers of the versions published in OUT."""
    names = (path.stem for path in (out / META / "versions").glob("*.json"))
    return sorted(int(name) for name in names if len(name) == 20 and name.isdecimal())


def read_version(out: Path, number: int | None = None) -> dict[str, Any]:
    """Return the manifest of a version, by default the newest.

    Raises UsageError if OUT holds no run, or none of that number.
    """
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder; give the folder that `cipin run … -o` wrote")
    numbers = versions(out)
    if not numbers:
        raise UsageError(f"{out}: no finished run in it; `cipin run REPORTS -l LEXICON -o {out}` makes one")
    number = numbers[-1] if number is None else number
    if number not in numbers:
        raise UsageError(f"{out}: no version {number}; there are {', '.join(map(str, numbers))}")
    path = out / META / "versions" / f"{number:020d}.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = manifest["layout"] == LAYOUT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path}: cannot be read ({error}); run again to publish a new version") from error
    if not known:
        raise UsageError(f"{path}: written by another version of cipin (layout {manifest['layout']}); use that one")
    return manifest


def refresh_current(out: Path, attempts: Path, manifest: dict[str, Any]) -> None:
    """Make OUT/current show the files of the newest version: of `manifest`, unless a newer one was published."""
    while True:
        newest = max(versions(out), default=0)
        shown = read_version(out, newest) if newest else manifest
        made = attempts / CURRENT
        with store.explained(made):
            for entry in shown["files"]:
                link = made / entry["table"] / Path(entry["name"]).name
                link.parent.mkdir(parents=True, exist_ok=True)
                os.link(out / entry["name"], link)
            _write_text(made / "run.json", json.dumps(shown, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        store.replace_folder(made, out / CURRENT)
        if max(versions(out), default=0) == newest:
            return


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


def as_json(record: FileRecord | ShardRecord) -> dict[str, Any]:
    """Return a record as plain data."""
    return asdict(record)
