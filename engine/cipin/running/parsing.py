"""Sources → parsed reports: from the store where it has them, else from the files, and into the store."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from cipin.errors import CipinError, InputChanged, StorageError
from cipin.reading.corpus import TRANSIENT, source_key
from cipin.reading.doubled import may_be_doubled
from cipin.reading.formats import ReadOptions
from cipin.reading.formats.once import Stamp, stamp_of
from cipin.reading.formats.outcome import crashed, quarantine
from cipin.reading.parsed import Parsed, parse
from cipin.reading.report import RawReport
from cipin.reading.sandbox import Sandbox
from cipin.running.crumbs import Crumbs
from cipin.running.packs import PackWriter, find_stored, load_stored
from cipin.running.parts import read_part
from cipin.running.plan import Plan, Shard, Source, hash_file, readable
from cipin.running.remote import Found, fetching, is_url, look_at
from cipin.running.store import Store

_log = logging.getLogger(__name__)
#: Characters of reports that are looked at together, and reports.
BATCH_CHARS, BATCH_REPORTS = 1 << 15, 256


@dataclass(frozen=True)
class Reading:
    """How sources become parsed reports.

    root         folder that sources are below, or its URL
    text_column  see ReadOptions
    max_chars    see ReadOptions; 0: its default
    no_repair    names of the repairs of layout that are not made
    corpus       the store of parsed reports; None: nothing is stored
    stored_only  the sources are those of the store: no file is opened
    attempt      name of this attempt's folder of temporary files
    """

    root: str
    text_column: str | None = None
    max_chars: int = 0
    no_repair: tuple[str, ...] = ()
    corpus: Store | None = None
    stored_only: bool = False
    attempt: str = "attempt"

    @property
    def read_options(self) -> ReadOptions:
        """What formats are told."""
        options = ReadOptions(text_column=self.text_column)
        return replace(options, max_chars=self.max_chars) if self.max_chars else options

    @property
    def options(self) -> dict[str, str | None]:
        """The choices that change what is read."""
        more = {"max_chars": str(self.max_chars)} if self.max_chars else {}
        return {"text_column": self.text_column, "no_repair": ",".join(self.no_repair), **more}

    @property
    def folder(self) -> Path:
        """Folder of this attempt's copies of files that lie elsewhere."""
        return Path(tempfile.gettempdir()) / f"cipin-{self.attempt}" / "sources"

    def key(self, source: Source) -> str:
        """Return the key of a source in the store."""
        return source_key(source.content, source.path, self.read_options, self.no_repair)


def locate(reading: Reading, planned: Plan) -> Plan:
    """Return the plan with each source's place in the store, where it is there.

    Raises StorageError if a source is to be had from the store alone, and is not there.
    """
    corpus = reading.corpus
    if corpus is None:
        return planned
    found = find_stored(corpus)

    def place(source: Source) -> Source:
        stored = found.get(reading.key(source))
        if stored is None and reading.stored_only and source.content:
            raise StorageError(
                f"{corpus.place}: does not hold {readable(source.path)} as this version of cipin reads it; "
                "run `cipin ingest` again"
            )
        if stored is not None and stored.transient and not reading.stored_only:
            return source
        return replace(source, stored=stored)

    return replace(planned, shards=tuple(replace(s, sources=tuple(map(place, s.sources))) for s in planned.shards))


def find_mended(reading: Reading, shards: Sequence[tuple[Shard, Iterable[Mapping[str, Any]]]]) -> dict[str, list[str]]:
    """Return the sources that could not be read, by chance, and are stored whole since, by the ids of their shards.

    shards   each with its errors; see cipin.running.status.errors
    """
    failed = {
        shard.id: {each["source"] for each in errors if each["stage"] == "read" and each["reason"] in TRANSIENT}
        for shard, errors in shards
    }
    if reading.corpus is None or not any(failed.values()):
        return {}
    stored = find_stored(reading.corpus)

    def is_whole(source: Source) -> bool:
        found = stored.get(reading.key(source))
        return found is not None and not found.transient

    mended = {
        shard.id: [
            path for each in shard.sources if (path := readable(each.path)) in failed[shard.id] and is_whole(each)
        ]
        for shard, _ in shards
    }
    return {shard: paths for shard, paths in mended.items() if paths}


def read_parsed(
    reading: Reading, shard: Shard, tallies: Counter[str], crumbs: Crumbs
) -> Generator[tuple[Source, Parsed], None, None]:
    """Yield the reports of a shard with their sources; count sources that were "parsed" or "reused" in `tallies`.

    Each source is noted in `crumbs` before it is read.

    Raises InputChanged if a file is not the one that was planned, SourceError if a table lacks the text column,
    StorageError if the store cannot be read or written.
    """
    writer: Any = nullcontext()
    if reading.corpus is not None and not reading.stored_only:
        writer = PackWriter(reading.corpus, reading.attempt)
    poison = dict(shard.poison)
    to_parse = [each for each in shard.sources if each.stored is None and each.path not in poison]
    with writer, _copies(reading, [] if reading.stored_only else to_parse) as copy_of:
        keys: set[str] = set()
        for number, source in enumerate(shard.sources):
            crumbs.at(number)
            if source.path in poison:
                yield source, Parsed(quarantine(RawReport("", "", ""), "crash", poison[source.path]))
                continue
            stored = _load(reading, source)
            if stored is not None:
                tallies["reused"] += 1
                for parsed in stored:
                    yield source, parsed
                continue
            if reading.stored_only:
                yield source, Parsed(_unreadable())
                continue
            tallies["parsed"] += 1
            key = reading.key(source)
            keep = isinstance(writer, PackWriter) and bool(key) and key not in keys
            keys.add(key)
            with closing(_parse(reading, source, copy_of)) as reports:
                for parsed in reports:
                    if keep:
                        writer.add(key, parsed)
                    yield source, parsed
                    del parsed  # which may be large, while the next is parsed
            check_unchanged(reading.root, source)


def _load(reading: Reading, source: Source) -> Iterator[Parsed] | None:
    """Return the stored reports of a source; None where there are none, or damaged ones that can be had anew."""
    if source.stored is None or reading.corpus is None:
        return None
    reports = load_stored(reading.corpus, source.stored)
    try:
        first = next(reports)
    except StorageError as error:
        if reading.stored_only:
            raise StorageError(f"{error}; then run `cipin ingest` again") from error
        _log.warning("%s; %s is parsed again", error, readable(source.path))
        return None
    except StopIteration:
        return None
    return chain([first], reports)


def probe_shard(reading: Reading, shard: Shard) -> int:
    """Read the reports of a shard and forget them; return how many there are. For what may kill the process."""
    return sum(1 for source in shard.sources for _ in parse_source(reading, source))


def memory_taken() -> int:
    """Return the bytes that the last child that ended had taken, or this process at most, if more."""
    taken = _sandbox().taken_bytes
    if os.name == "posix":
        import resource

        taken = max(
            taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        )
    return taken


def parse_source(reading: Reading, source: Source) -> Generator[Parsed, None, None]:
    """Yield the reports of a file, parsed; it is fetched first if it lies elsewhere."""
    with _copies(reading, [source]) as copy_of, closing(_parse(reading, source, copy_of)) as reports:
        yield from reports


def _parse(reading: Reading, source: Source, copy_of: Callable[[Source], Path]) -> Generator[Parsed, None, None]:
    options = replace(reading.read_options, span=source.span)
    if is_url(reading.root) and source.n_bytes > options.max_bytes:
        what = f"its {source.n_bytes:,} bytes are more than max_bytes = {options.max_bytes:,}; split it, or raise that"
        yield Parsed(quarantine(RawReport("", "", ""), "too_large", what))
        return
    try:
        path = copy_of(source)
    except PermissionError as error:
        yield Parsed(quarantine(RawReport("", "", ""), "unreadable", f"{error}; look at the rights of this file"))
        return
    with closing(_sandbox().read(path, options)) as reports:
        for batch in _batches(_whole(reports, source)):
            doubled = _may_be_doubled(batch)
            batch.reverse()
            while batch:
                # Not kept here while the next is read: one may have 20 million characters.
                yield _parsed(batch.pop(), reading, source, doubled=doubled.pop(0))


def _whole(reports: Iterator[RawReport], source: Source) -> Iterator[RawReport]:
    """Yield what a format reads, and what it raises as a report that it failed at."""
    n_reports, last = 0, ""
    while True:
        try:
            raw = next(reports, None)
        except (CipinError, OSError):
            raise
        except Exception as error:  # noqa: BLE001  (a fault of ours costs the document, not the run)
            _log.debug("%s", readable(source.path), exc_info=True)
            yield crashed(RawReport(f"after {last}".strip() if n_reports else "", "", ""), error)
            return
        if raw is None:
            return
        n_reports, last = n_reports + 1, raw.member
        yield raw
        del raw


def _batches(reports: Iterator[RawReport]) -> Iterator[list[RawReport]]:
    """Yield short reports some at a time, and long ones, or such with a layout, alone; all in order."""
    batch: list[RawReport] = []
    n_chars = 0
    try:
        for raw in reports:
            # Columns count as the text does: those of a thousand rows may be more than memory holds.
            chars = len(raw.text) + sum(len(value) for value in raw.meta.values() if isinstance(value, str))
            if batch and (raw.layout or n_chars + chars > BATCH_CHARS or len(batch) == BATCH_REPORTS):
                yield batch
                batch, n_chars = [], 0
            batch.append(raw)
            n_chars += chars
            if raw.layout or n_chars > BATCH_CHARS:
                del raw
                yield batch
                batch, n_chars = [], 0
    except (CipinError, OSError):
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _may_be_doubled(batch: Sequence[RawReport]) -> list[bool]:
    if len(batch) > 1:
        try:
            return may_be_doubled([raw.text for raw in batch])
        except Exception:  # noqa: BLE001  (a fault of ours costs a look at each)
            _log.debug("the look at %d reports", len(batch), exc_info=True)
    return [True] * len(batch)


def _parsed(raw: RawReport, reading: Reading, source: Source, *, doubled: bool) -> Parsed:
    try:
        return parse(raw, reading.no_repair, doubled=doubled)
    except CipinError:
        raise
    except Exception as error:  # noqa: BLE001
        _log.debug("%s", readable(source.path), exc_info=True)
        return Parsed(crashed(raw, error))


@contextmanager
def _copies(reading: Reading, wanted: Sequence[Source]) -> Iterator[Callable[[Source], Path]]:
    """Give a function that returns the path of a source on this machine, of a copy if it lies elsewhere."""
    if not is_url(reading.root):
        yield lambda source: Path(reading.root, source.path)
        return
    small = [_found(each) for each in wanted if each.n_bytes <= reading.read_options.max_bytes]
    with fetching(str(reading.root), small, reading.folder) as copy_of:
        yield lambda source: copy_of(_found(source))


def _found(source: Source) -> Found:
    return Found(source.path, source.n_bytes, source.content)


def check_unchanged(root: str, source: Source) -> None:
    """Raise InputChanged if a file is no longer the one that was planned."""
    # What was fetched was compared when it was.
    if not is_url(root) and not is_unchanged(root, source):
        raise InputChanged(
            f"{readable(source.path)}: was changed, or removed, while it was read; give the same `cipin run` again"
        )


def is_unchanged(root: str, source: Source) -> bool:
    """Tell whether a file is still the one that was planned."""
    if not is_url(root):
        path = Path(root, source.path)
        if source.span is None:
            return hash_file(path)[1] == source.content
        try:
            return _hash_of(path, stamp_of(path)) == read_part(source.content)[0]
        except OSError:
            return False
    try:
        return look_at(root, source.path).content == source.content
    except FileNotFoundError:
        return False


@lru_cache(maxsize=4096)  # once a process, not with each part, unless it is changed meanwhile
def _hash_of(path: Path, stamp: Stamp) -> str:
    del stamp
    return hash_file(path)[1]


def _unreadable() -> RawReport:
    raw = RawReport(member="", text="", format="")
    return quarantine(raw, "unreadable", "it could not be opened when it was ingested; run `cipin ingest` again")


@cache
def _sandbox() -> Sandbox:
    """Return this process's sandbox: one child for all its shards, started when a document needs it."""
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox


def load_pdf_kernels() -> None:
    """Compile what reading PDFs takes, or load it: 2 s, 0.1 s."""
    importlib.import_module("cipin.reading.edges").load_kernel()
    importlib.import_module("cipin.reading.formats.pdf_text").load_kernel()


def fork_sandbox() -> None:
    """Prepare a worker process that was just forked, and has one thread: its sandbox begins with what it imported."""
    _sandbox().fork_server()


def options_key(reading: Reading, *more: object) -> str:
    """Return what decides a shard's id beside its sources."""
    return json.dumps([reading.options, *more], sort_keys=True)


def digest(*parts: str) -> str:
    """Return the hash of some texts, as ids are made of."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
