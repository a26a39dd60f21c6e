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
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from cipin.errors import CipinError, StorageError
from cipin.reading.corpus import TRANSIENT, Unpacked, pack_parsed, parser_version
from cipin.reading.parsed import Parsed
from cipin.running import store
from cipin.running.store import LocalStore, Store
from cipin.schema import PARSED, TextColumn, text_column

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


def open_place(corpus: str | Path) -> Store:
    """Return the store of a corpus, at a path or a URL."""
    return store.open_store(corpus, "attempts")


def corpus_at(out: Store, corpus: str | None) -> Store | None:
    """Return the store of a corpus as an output names it: below itself, or elsewhere; None: there is none."""
    if not corpus:
        return None
    below = not os.path.isabs(corpus) and "://" not in corpus
    return open_place(f"{out.place}/{corpus}" if below else corpus)


def place_in(out: Store, corpus: Store | None) -> str | None:
    """Return how an output names the store of a corpus: below itself, if it lies there, so that it can be moved."""
    if corpus is None:
        return None
    return corpus.place.removeprefix(f"{out.place}/")


def find_stored(corpus: Store) -> dict[str, Stored]:
    """Return all that this version of the parser has stored, by the keys of the sources."""
    found: dict[str, Stored] = {}
    folder = f"packs/{parser_version()}"
    files = corpus.list(folder)
    records = sorted(name for name in files if name.endswith(".json"))

    def read(name: str) -> Any:
        try:
            return json.loads(_sound(corpus.read(name), name.rpartition("/")[2].removesuffix(".json")))
        except (OSError, ValueError, CipinError) as error:
            return error

    for name, record in zip(records, store.at_once(read, records), strict=True):
        try:
            if isinstance(record, Exception):
                raise record
            pack = _name_of(record["pack"])
            if record["layout"] != LAYOUT or pack not in files or files[pack].n_bytes != record["n_bytes"]:
                continue
            for key, entry in record["sources"].items():
                pieces = tuple((int(batch), int(first), int(n)) for batch, first, n in entry["pieces"])
                stored = Stored(record["pack"], pieces, bool(entry["transient"]))
                if key not in found or found[key].transient:
                    found[key] = stored
        except (OSError, ValueError, KeyError, TypeError, AttributeError, CipinError) as error:
            what = f"{corpus.place}/{name}"
            _log.warning("%s: is no record of a pack (%s); its reports are parsed again", what, error)
    return found


def _sound(data: bytes, name: str) -> bytes:
    """Return what a record holds. Raises ValueError if that is not what it is named by."""
    if hashlib.sha256(data).hexdigest()[:16] != name:
        raise ValueError("it is not what was written")
    return data


def _name_of(pack: str) -> str:
    if not re.fullmatch("[0-9a-f]{16}", pack):
        raise ValueError(f"pack {pack!r}")
    return f"packs/{parser_version()}/{pack}.arrow"


def load_stored(corpus: Store, stored: Stored, with_raw: bool = False) -> Iterator[Parsed]:
    """Yield the reports of a source. Raises StorageError if its pack is gone or damaged."""
    name = _name_of(stored.pack)
    for batch, first, n_rows in stored.pieces:
        with _explained(corpus, name):
            _check_pack(corpus, name)
            rows = _read_batch(corpus.place, name, batch, with_raw)
        _check_piece(corpus, name, first, n_rows, rows.n_rows)
        yield from rows.reports(first, n_rows)


def load_texts(corpus: Store, stored: Iterable[Stored]) -> Iterator[TextColumn]:
    """Yield the texts of the reports of some sources, and nothing else of them; "" where one was not read.

    Raises StorageError as `load_stored` does.
    """
    for pack, pieces in groupby(stored, key=lambda each: each.pack):
        name = _name_of(pack)
        wanted = [piece for each in pieces for piece in each.pieces]
        for number, of_batch in groupby(wanted, key=itemgetter(0)):
            with _explained(corpus, name):
                _check_pack(corpus, name)
                with _opened(corpus.place, name, [PARSED.names.index("text")]) as reader:
                    texts = reader.get_batch(number).column(0)
            slices = []
            for _, first, n_rows in of_batch:
                _check_piece(corpus, name, first, n_rows, len(texts))
                slices.append(texts.slice(first, n_rows))
            # In one column, which is searched at the speed of the kernels.
            yield text_column(pa.chunked_array(slices, texts.type).fill_null(""))


@contextmanager
def _explained(corpus: Store, name: str) -> Iterator[None]:
    """Raise StorageError for whatever a damaged pack makes of its reading."""
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, KeyError, StorageError) as error:
        raise StorageError(f"{corpus.place}/{name}: cannot be read ({error}); remove it") from error


def _check_piece(corpus: Store, name: str, first: int, n_rows: int, there: int) -> None:
    if first < 0 or first + n_rows > there:
        raise StorageError(f"{corpus.place}/{name}: is not what its record says; remove it")


def _check_pack(corpus: Store, name: str) -> None:
    """Raise ValueError if a pack on a disk does not hold what its name says; of a store, it is when it is fetched."""
    if isinstance(corpus, LocalStore):
        path = corpus.path / name
        status = path.stat()
        _check(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)  # once a pack and process, unless it is changed meanwhile
def _check(path: Path, n_bytes: int, modified: int) -> None:
    """Raise ValueError if a pack does not hold what its name says: compressed text has no sums of its own."""
    del n_bytes, modified
    if not _hash(path).startswith(path.stem):
        raise ValueError("it is not what was written")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)  # a pack has 2 MB, or one batch, mostly: it is fetched whole
def _fetch(place: str, name: str) -> bytes:
    data = open_place(place).read(name)
    if not hashlib.sha256(data).hexdigest().startswith(name.rpartition("/")[2].removesuffix(".arrow")):
        raise ValueError("it is not what was written")
    return data


@lru_cache(maxsize=1)  # sources of a shard mostly lie in one batch, one behind another
def _read_batch(place: str, name: str, number: int, with_raw: bool) -> Unpacked:
    with _opened(place, name, None if with_raw else _WITHOUT_RAW) as reader:
        return Unpacked(reader.get_batch(number))


@contextmanager
def _opened(place: str, name: str, columns: list[int] | None) -> Iterator[pa.RecordBatchFileReader]:
    options = pa.ipc.IpcReadOptions(included_fields=columns)
    source = pa.BufferReader(_fetch(place, name)) if "://" in place else pa.OSFile(str(Path(place, name)))
    with source as file, pa.ipc.open_file(file, options=options) as reader:
        yield reader


class PackWriter:
    """Writes the parsed reports of a shard into one pack, and publishes it when it is left without an error.

    corpus    the store
    attempt   name of this attempt's folder of temporary files
    """

    def __init__(self, corpus: Store, attempt: str) -> None:
        self.corpus = corpus
        self._folder = corpus.temporary(attempt)
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
        with store.explained(self._folder):
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
            with store.explained(self._folder):
                self._writer.close()
        if self._temporary is not None and kind is None:
            self._publish(self._temporary)
        elif self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path) -> None:
        with store.explained(self._folder):
            store.flush(temporary)
            sha256 = _hash(temporary)
            n_bytes = temporary.stat().st_size
        pack = sha256[:16]
        record = _as_json(
            {"layout": LAYOUT, "pack": pack, "sha256": sha256, "n_bytes": n_bytes, "sources": self._sources}
        )
        # What was damaged since it was written is replaced: its name says what it should hold.
        self.corpus.publish(temporary, _name_of(pack))
        made = store.write_file(self._folder, lambda path: _write(path, record))
        name = f"packs/{parser_version()}/{hashlib.sha256(record).hexdigest()[:16]}.json"
        self.corpus.publish(made, name)


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, sort_keys=True) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def publish_listing(corpus: Store, content: dict[str, Any]) -> None:
    """Publish what an ingest found as the newest listing."""
    data = _as_json({"layout": LAYOUT, **content})
    number = max(_listings(corpus), default=0) + 1
    while not corpus.put_if_absent(_listing(number), data):
        number += 1  # another ingest was first; each lists what it found, and the later one counts


def read_listing(corpus: Store) -> dict[str, Any] | None:
    """Return the newest listing, or None if there is none. Raises StorageError if it cannot be read."""
    numbers = _listings(corpus)
    if not numbers:
        return None
    place = f"{corpus.place}/{_listing(max(numbers))}"
    try:
        content = json.loads(corpus.read(_listing(max(numbers))))
        known = content["layout"] == LAYOUT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{place}: cannot be read ({error}); run `cipin ingest` again") from error
    if not known:
        raise StorageError(f"{place}: written by another version of cipin; run `cipin ingest` again")
    return dict(content)


def _listings(corpus: Store) -> list[int]:
    names = (re.fullmatch(r"listings/(\d{20})\.json", name) for name in corpus.list("listings"))
    return [int(found[1]) for found in names if found]


def _listing(number: int) -> str:
    return f"listings/{number:020d}.json"
