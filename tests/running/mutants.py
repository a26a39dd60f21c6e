"""The protocol of runs, broken in one way each; histories.py must notice. No test itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cipin
from cipin.running import ledger, plan, store


def _delay(is_late: Callable[[str], bool], until: str) -> None:
    """Publish some files only after the record or version that names them."""
    publish, put = store.LocalStore.publish, store.LocalStore.put_if_absent
    waiting: list[tuple[Path, str]] = []

    def later(self: store.LocalStore, temporary: Path, name: str) -> None:
        if is_late(name):
            waiting.append((temporary, name))
        else:
            publish(self, temporary, name)

    def then(self: store.LocalStore, name: str, data: bytes) -> bool:
        won = put(self, name, data)
        if name.startswith(f"_meta/{until}/"):
            for each in waiting:
                publish(self, *each)
            waiting.clear()
        return won

    store.LocalStore.publish = later  # type: ignore[method-assign]
    store.LocalStore.put_if_absent = then  # type: ignore[method-assign]


def record_before_data() -> None:
    """A shard's record is put before its files."""
    _delay(lambda name: "/run-" not in name, "shards")


def version_before_data() -> None:
    """A version is published before its panel."""
    _delay(lambda name: "/panel/run-" in name, "versions")


def id_without_content() -> None:
    """A shard's id does not depend on the content of its reports."""
    plan._shard = lambda sources, key: plan.Shard(plan._digest(key, *(each.path for each in sources)), sources)


def rename_instead_of_link() -> None:
    """Of two writers of one name, the second wins."""

    def publish(temporary: Path, final: Path, *, keep: bool = False) -> bool:
        final.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, final)
        return True

    store.publish = publish


def conflict_is_success() -> None:
    """A driver whose number is taken says that it has published."""
    real = ledger.publish_version

    def publish_version(place: Any, manifest: dict[str, Any], base: int | None = None) -> int:
        try:
            return real(place, manifest, base)
        except cipin.ConflictError:
            return (base or 0) + 1

    ledger.publish_version = publish_version


def record_is_believed() -> None:
    """A shard's record is used without a look whether its files are there."""
    ledger._are_there = lambda record, files: True


MUTANTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    **{
        each.__name__: each
        for each in (
            record_before_data,
            version_before_data,
            id_without_content,
            rename_instead_of_link,
            conflict_is_success,
            record_is_believed,
        )
    },
}
