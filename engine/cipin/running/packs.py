"""The store of parsed reports: packs, and records of what is in them.

    CORPUS/packs/<parser>/<sha16>.arrow     parsed reports of some sources, immutable, named by content
    CORPUS/packs/<parser>/<sha16>.json      which sources, by their keys, are in which rows of a pack
    CORPUS/listings/<%020d>.json            what an ingest found where; the newest is what `scan` measures
    CORPUS/attempts/                        temporary files

A record is published after its pack, so that whoever finds it finds the pack. A source is stored once: a later run
takes it from whichever pack has it. What another version of the parser read lies in another folder, and is not used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from cipin.errors import StorageError
from cipin.reading.corpus import TRANSIENT, Unpacked, pack_parsed, parser_version
from cipin.reading.parsed import Parsed
from cipin.running import store
from cipin.schema import PARSED

_log = logging.getLogger(__name__)
#: Of this module's files; a reader passes over what it does not know.
LAYOUT = 1
#: Text and reports of one batch, which is the least that is read.
BATCH_CHARS, BATCH_REPORTS = 4 << 20, 20_000
#: What loading needs; the raw text only explains a hit.
_WITHOUT_RAW = [at for at, name in enumerate(PARSED.names) if name != "raw_text"]


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the reports of a source are: pieces of (batch, first row, rows) of a pack of this name.

    transient   one of them failed in a way that another try may mend
    """

    pack: str
    pieces: tuple[tuple[int, int, int], ...]
    transient: bool = False


def find_stored(corpus: Path) -> dict[str, Stored]:
    """Return all that this version of the parser has stored, by the keys of the sources."""
    found: dict[str, Stored] = {}
    folder = corpus / "packs" / parser_version()
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(_sound(path.read_bytes(), path.stem))
            if record["layout"] != LAYOUT or _size(folder, record["pack"]) != record["n_bytes"]:
                continue
            for key, entry in record["sources"].items():
                pieces = tuple((int(batch), int(first), int(n)) for batch, first, n in entry["pieces"])
                stored = Stored(record["pack"], pieces, bool(entry["transient"]))
                if key not in found or found[key].transient:
                    found[key] = stored
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("%s: is no record of a pack (%s); its reports are parsed again", path, error)
    return found


def _sound(data: bytes, name: str) -> bytes:
    """Return what a record holds. Raises ValueError if that is not what it is named by."""
    if hashlib.sha256(data).hexdigest()[:16] != name:
        raise ValueError("it is not what was written")
    return data


def _size(folder: Path, pack: str) -> int:
    if not re.fullmatch("[0-9a-f]{16}", pack):
        raise ValueError(f"pack {pack!r}")
    path = folder / f"{pack}.arrow"
    return path.stat().st_size if path.exists() else -1


def load_stored(corpus: Path, stored: Stored, with_raw: bool = False) -> Iterator[Parsed]:
    """Yield the reports of a source. Raises StorageError if its pack is gone or damaged."""
    path = corpus / "packs" / parser_version() / f"{stored.pack}.arrow"
    for batch, first, n_rows in stored.pieces:
        try:
            status = path.stat()
            _check(path, stored.pack, status.st_size, status.st_mtime_ns)
            rows = _read_batch(path, batch, with_raw)
        except (OSError, pa.ArrowException, ValueError, KeyError) as error:
            raise StorageError(f"{path}: cannot be read ({error}); remove it") from error
        if first < 0 or first + n_rows > rows.n_rows:
            raise StorageError(f"{path}: is not what its record says; remove it")
        yield from rows.reports(first, n_rows)


@lru_cache(maxsize=256)  # once a pack and process, unless it is changed meanwhile
def _check(path: Path, pack: str, n_bytes: int, modified: int) -> None:
    """Raise ValueError if a pack does not hold what its name says: compressed text has no sums of its own."""
    del n_bytes, modified
    if not _hash(path).startswith(pack):
        raise ValueError("it is not what was written")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)  # sources of a shard mostly lie in one batch, one behind another
def _read_batch(path: Path, number: int, with_raw: bool) -> Unpacked:
    options = pa.ipc.IpcReadOptions(included_fields=None if with_raw else _WITHOUT_RAW)
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file, options=options) as reader:
        return Unpacked(reader.get_batch(number))


class PackWriter:
    """Writes the parsed reports of a shard into one pack, and publishes it when it is left without an error.

    corpus    folder of the store
    attempt   name of this attempt's folder of temporary files
    """

    def __init__(self, corpus: Path, attempt: str) -> None:
        self.corpus = corpus
        self._folder = corpus / "attempts" / attempt
        self._waiting: list[Parsed] = []
        self._n_chars = 0
        self._n_batches = 0
        self._sources: dict[str, dict[str, Any]] = {}
        self._temporary: Path | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    def add(self, key: str, parsed: Parsed) -> None:
        """Add a report of the source of this key; those of one source behind one another, in their order."""
        entry = self._sources.setdefault(key, {"pieces": [], "transient": False})
        pieces = entry["pieces"]
        if not pieces or pieces[-1][0] != self._n_batches:
            pieces.append([self._n_batches, len(self._waiting), 0])
        pieces[-1][2] += 1
        entry["transient"] |= parsed.raw.reason in TRANSIENT
        self._waiting.append(parsed)
        self._n_chars += len(parsed.text) + (len(parsed.raw.text) if parsed.clean else 0)
        if self._n_chars >= BATCH_CHARS or len(self._waiting) >= BATCH_REPORTS:
            self._flush()

    def _flush(self) -> None:
        with store.explained(self.corpus):
            if self._writer is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                # Not after the sources: two workers may be at copies of one file.
                self._temporary = self._folder / uuid.uuid4().hex
                # zstd: 0.37 of the bytes and as fast to read as lz4, which takes 0.51.
                options = pa.ipc.IpcWriteOptions(compression="zstd")
                self._writer = pa.ipc.new_file(str(self._temporary), PARSED, options=options)
            self._writer.write_batch(pack_parsed(self._waiting))
        self._waiting, self._n_chars = [], 0
        self._n_batches += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if kind is None and self._waiting:
            self._flush()
        if self._writer is not None:
            with store.explained(self.corpus):
                self._writer.close()
        if self._temporary is not None and kind is None:
            self._publish(self._temporary)
        elif self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path) -> None:
        with store.explained(self.corpus):
            store.flush(temporary)
            sha256 = _hash(temporary)
            n_bytes = temporary.stat().st_size
        folder = self.corpus / "packs" / parser_version()
        pack = sha256[:16]
        record = {"layout": LAYOUT, "pack": pack, "sha256": sha256, "n_bytes": n_bytes, "sources": self._sources}
        name = hashlib.sha256(_as_json(record)).hexdigest()[:16]
        final = folder / f"{pack}.arrow", folder / f"{name}.json"
        # What was damaged since it was written goes: its name says what it should hold.
        with store.explained(folder):
            if final[0].exists() and _hash(final[0]) != sha256:
                final[0].unlink()
            if final[1].exists() and final[1].read_bytes() != _as_json(record):
                final[1].unlink()
        store.publish(temporary, final[0])
        made = store.write_file(self._folder, lambda path: _write_json(path, record))
        store.publish(made, final[1])


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, sort_keys=True) + "\n").encode()


def _write_json(path: Path, content: Any) -> None:
    path.write_bytes(_as_json(content))


def publish_listing(corpus: Path, attempt: str, content: dict[str, Any]) -> None:
    """Publish what an ingest found as the newest listing."""
    folder = corpus / "listings"
    made = store.write_file(
        corpus / "attempts" / attempt, lambda path: _write_json(path, {"layout": LAYOUT, **content})
    )
    number = max((int(path.stem) for path in folder.glob("[0-9]*.json")), default=0) + 1
    while not store.publish(made, folder / f"{number:020d}.json", keep=True):
        number += 1  # another ingest was first; each lists what it found, and the later one counts
    made.unlink(missing_ok=True)


def read_listing(corpus: Path) -> dict[str, Any] | None:
    """Return the newest listing, or None if there is none. Raises StorageError if it cannot be read."""
    paths = sorted((corpus / "listings").glob("[0-9]*.json"))
    if not paths:
        return None
    try:
        content = json.loads(paths[-1].read_text(encoding="utf-8"))
        known = content["layout"] == LAYOUT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{paths[-1]}: cannot be read ({error}); run `cipin ingest` again") from error
    if not known:
        raise StorageError(f"{paths[-1]}: written by another version of cipin; run `cipin ingest` again")
    return dict(content)
