"""What must hold of an output, whoever was killed whenever, and what it shows: for histories.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cipin.running import ledger, store


def versions(out: str) -> list[dict[str, Any]]:
    """Return the manifests of all versions, as they stand there."""
    place = store.open_store(out)
    return [json.loads(place.read(ledger.version_name(number))) for number in ledger.versions(place)]


def tables(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the tables of a version as names, which hold the hashes of their content, and those hashes."""
    return [(each["name"], each["sha256"]) for each in manifest["files"]]


def violations(out: str) -> Iterator[str]:
    """Yield what must never be seen, whoever was killed whenever."""
    place = store.open_store(out)
    manifests = versions(out)
    if [each["version"] for each in manifests] != list(range(1, len(manifests) + 1)):
        yield f"versions {[each['version'] for each in manifests]}"
    records = [json.loads(place.read(name)) for name in place.list("_meta/shards")]
    for what in (*manifests, *records):
        said = f"version {what['version']}" if "version" in what else f"record {what['shard']}"
        for name, sha256 in tables(what):
            try:
                if hashlib.sha256(place.read(name)).hexdigest() != sha256:
                    yield f"{said} with another {name}"
            except FileNotFoundError:
                yield f"{said} without {name}"


def is_shown(out: str) -> bool:
    """Tell whether OUT/current shows the newest version, and on a disk its files, and no others."""
    newest = versions(out)[-1]
    shown = json.loads(store.open_store(out).read("current/run.json"))["run"] == newest["run"]
    if "://" in out:
        return shown
    files = {path.name for path in (Path(out) / "current").rglob("*.parquet")}
    return shown and files == {Path(name).name for name, _ in tables(newest)}
