"""Reports → shards: which files there are, and how they are cut into pieces of work with stable ids."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from cipin.errors import SourceError
from cipin.reading.formats.options import ReadOptions, Span
from cipin.running import parts
from cipin.running.packs import Stored
from cipin.running.remote import find_files, is_url
from cipin.running.store import at_once

#: A shard ends behind the first file whose path's hash says so, once it holds LEAST_BYTES, and at MOST_BYTES or
#: MOST_FILES at the latest. Cutting by hash, not by count, keeps shards the same when a file is added elsewhere. A hash
#: says so for size in CUT_BYTES files, so that among PDFs, too, most ends are hashes' and not MOST_BYTES', which shifts
#: all that follow: of files of 14 KB to 4 MB, one that was added changed 1.0 to 1.3 shards, and two at most in 99.7 %.
#: 4 MB of text, the mean, take 0.2 s: enough to make writing five files cheap, small enough for two workers.
LEAST_BYTES, MOST_BYTES, MOST_FILES, CUT_BYTES = 1 << 20, 16 << 20, 2000, 3 << 20

_DEFAULTS = ReadOptions()

#: Bytes of files that are hashed on every processor: two hash 3,000 of 146 KB in 0.54 s, one in 0.98.
LONG = 64 << 10


@dataclass(frozen=True, slots=True)
class Source:
    """A file of reports: its path below the plan's root (with /), its size in bytes, and the hash of its content.

    The hash is "" where there is nothing to hash: reading will say why, in a row of `reports`. On an object store it is
    that of the file's ETag. Of a part of a large table (cipin.running.parts) it says which part, and the size is the
    part's. `stored` is where its parsed reports are, if a store has them; it is no part of what a shard is.
    """

    path: str
    n_bytes: int
    content: str = ""
    stored: Stored | None = None

    @property
    def span(self) -> Span | None:
        """The part of a file that it is; None: it is the whole file."""
        return parts.read_part(self.content)[1]

    @property
    def file_bytes(self) -> int:
        """Bytes of the file that it is, or is a part of."""
        return parts.read_part(self.content)[2] or self.n_bytes


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of work: some sources, done by one worker, written to one set of files.

    attempt   number of this try: another one has another record. It is no part of the id, nor is
    poison    paths of sources that killed the worker, and why: they are quarantined unread
    earlier   its record by the newest version, which had another lexicon (cipin.running.carry); None: there is none
    """

    id: str
    sources: tuple[Source, ...]
    attempt: int = 1
    poison: tuple[tuple[str, str], ...] = ()
    earlier: Any = None

    @property
    def n_bytes(self) -> int:
        """Bytes of all its sources."""
        return sum(source.n_bytes for source in self.sources)


@dataclass(frozen=True, slots=True)
class Plan:
    """All the shards of a run; every source is in exactly one.

    root          the folder that all sources are below, or its URL
    passed_over   folders among the reports that cipin wrote, which are no reports
    """

    root: str
    shards: tuple[Shard, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, in the order of the shards."""
        return tuple(source for shard in self.shards for source in shard.sources)

    @property
    def n_bytes(self) -> int:
        """Bytes of all sources."""
        return sum(shard.n_bytes for shard in self.shards)


def make_plan(
    reports: Sequence[str | Path], key: str, leave_out: Sequence[str | Path] = (), options: ReadOptions = _DEFAULTS
) -> Plan:
    """Find the files that `reports` name and cut them into shards.

    reports     folders (searched through, links followed; names that begin with a dot, and what cipin wrote, are passed
                over), files, globs, or URLs of these
    key         whatever else decides the output: engine, options, lexicon; part of every shard's id
    leave_out   folders that are no source, wherever they lie: the output's, the store's
    options     how files will be read, which decides where a large table may be cut

    Raises SourceError if one of them is not there or cannot be listed, or if there is no file at all.
    """
    if not reports:
        raise SourceError("no reports given; name a folder, files, or a glob such as 'reports/*.txt'")
    if any(map(is_url, reports)):
        place, found, own = find_files([str(each) for each in reports], [str(each) for each in leave_out])
        listed = [Source(each.name, each.n_bytes, each.content) for each in found]
        return Plan(place, tuple(cut(listed, key)), tuple(map(readable, own)))
    files: dict[str, None] = {}  # paths as text: with Path 100,000 took 12 s instead of 5
    written: dict[str, None] = {}
    out = {os.path.realpath(folder) for folder in leave_out if not is_url(folder)}
    for each in reports:
        there = list(_find(str(each), out, written))
        if not there:
            raise SourceError(f"{each}: no files there to read; name a folder with reports in it, files, or a glob")
        files.update(dict.fromkeys(there))
    root = _root_of(reports, list(files))
    in_order = sorted(files, key=lambda each: each.split(os.sep))
    below = len(os.path.join(root, ""))
    hashed = zip(in_order, at_once(hash_file, in_order, free=_are_long(in_order)), strict=True)
    whole = [Source(file[below:].replace(os.sep, "/"), *each) for file, each in hashed]
    # Of Parquet another process is asked: one after the other, 20 files took 17 s.
    large = [each for each in whole if each.content and each.n_bytes >= parts.LEAST_BYTES]
    cut_up = at_once(lambda each: _parts(os.path.join(root, each.path), each, options), large, batch=1)
    cuts = dict(zip((each.path for each in large), cut_up, strict=True))
    sources = [part for each in whole for part in cuts.get(each.path, [each])]
    passed_over = tuple(readable(os.path.relpath(each, root)) for each in sorted(written))
    return Plan(root, tuple(cut(sources, key)), passed_over)


def _parts(file: str, source: Source, options: ReadOptions) -> list[Source]:
    """Return a source, or the parts that it is cut into."""
    spans: list[Span] = []
    with suppress(OSError):  # it is gone, which its reader will say
        spans = parts.find_parts(Path(file), options)
    # Their share of the bytes, or of the rows, so that all of them together are the file's.
    ends = [0, *(source.n_bytes * span.end // spans[-1].end for span in spans)]
    return [
        replace(source, n_bytes=end - begin, content=parts.name_part(source.content, span, source.n_bytes))
        for span, (begin, end) in zip(spans, pairwise(ends), strict=True)
    ] or [source]


def readable(path: str) -> str:
    """Return a path as text that can be written: names are bytes, and those that are not UTF-8 show as `\\xff`.

    >>> readable("2019\\udcff.txt")
    '2019\\\\xff.txt'
    """
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def part_of(shard: Shard, begin: int, end: int) -> Shard:
    """Return a shard of the sources of `shard` from one number to another, to be tried apart; its record is not its."""
    return Shard(f"{shard.id}-{begin}-{end}", shard.sources[begin:end], shard.attempt, shard.poison)


def _absolute(name: str) -> str:
    """Return an absolute path; POSIX lets two slashes in front mean something else, and none does."""
    path = os.path.abspath(name)
    return f"/{path.lstrip('/')}" if path.startswith("//") else path


def _find(name: str, leave_out: set[str], written: dict[str, None]) -> Iterator[str]:
    """Yield the files that `name` means; folders that cipin wrote are noted in `written`."""
    path = Path(_absolute(name))
    if is_written(path):
        raise SourceError(f"{name}: is what cipin wrote, an output or a corpus; name the folder of the reports")
    if os.path.realpath(path) in leave_out:
        raise SourceError(f"{name}: is the folder of the output or the corpus, too; choose another one for that")
    if path.is_dir():
        # A link to a folder that is searched already would repeat its reports, or never end.
        seen = {os.path.realpath(path), *leave_out}
        for folder, folders, names in os.walk(path, onerror=_refuse, followlinks=True):
            fresh = []
            for each in sorted(folders):
                real = os.path.realpath(os.path.join(folder, each))
                if each.startswith(".") or real in seen:
                    continue
                seen.add(real)
                if is_written(Path(real)):
                    written[os.path.join(folder, each)] = None
                else:
                    fresh.append(each)
            folders[:] = fresh
            yield from (os.path.join(folder, each) for each in sorted(names) if not each.startswith("."))
    elif os.path.lexists(path):
        yield str(path)
    elif glob.has_magic(name):
        for each in sorted(glob.glob(name, recursive=True)):
            if os.path.isfile(each):
                yield _absolute(each)
    else:
        raise SourceError(f"{name}: no such file or folder; check the path (and quote globs)")


def is_written(folder: Path) -> bool:
    """Whether a folder is an output or a corpus of any run: its tables and packs have columns of text, and a run over
    a folder that held an earlier output counted each report up to four times.
    """
    is_output = (folder / "_meta" / "versions").is_dir() and (folder / "data").is_dir()
    packs = folder / "packs"
    return is_output or ((folder / "attempts").is_dir() and packs.is_dir() and any(packs.glob("[0-9a-f]*/*.arrow")))


def _are_long(files: Sequence[str]) -> bool:
    """Whether files are so long, by some of them, that hashing takes longer than all else that is done with one."""
    some = files[:: max(1, len(files) // 16)]
    with suppress(OSError):
        return sum(map(os.path.getsize, some)) >= LONG * len(some)
    return False


def hash_file(file: Path | str) -> tuple[int, str]:
    """Return the bytes of a file and their hash; 0 and "" where it is no file that can be read."""
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode):
            return 0, ""  # Never opened: a FIFO waits for a writer.
        with open(file, "rb") as data:
            digest = hashlib.file_digest(data, lambda: hashlib.blake2b(digest_size=12))
    except OSError:
        return 0, ""
    return status.st_size, digest.hexdigest()


def _refuse(error: OSError) -> None:
    raise SourceError(
        f"{error.filename}: cannot be listed ({error.strerror}), and its reports would be lost in silence; "
        "make it readable, or name the other folders one by one"
    ) from error


def _root_of(reports: Sequence[str | Path], files: list[str]) -> str:
    """Return the one folder that was named, else the deepest one that holds every file."""
    if len(reports) == 1 and os.path.isdir(only := _absolute(str(reports[0]))):
        return only
    return os.path.commonpath([os.path.dirname(file) for file in files])


def cut(sources: Sequence[Source], key: str) -> Iterator[Shard]:
    """Yield the shards of sources that are sorted by their paths."""
    pending: list[Source] = []
    n_bytes = 0
    for source in sources:
        if source.span is not None:
            # Alone: a file is told by its path within a shard.
            if pending:
                yield _shard(tuple(pending), key)
                pending, n_bytes = [], 0
            yield _shard((source,), key)
            continue
        if pending and n_bytes + source.n_bytes > MOST_BYTES:
            yield _shard(tuple(pending), key)
            pending, n_bytes = [], 0
        pending.append(source)
        n_bytes += source.n_bytes
        may_cut = n_bytes >= LEAST_BYTES and int(_digest(source.path), 16) * CUT_BYTES < max(source.n_bytes, 1) << 96
        if may_cut or len(pending) >= MOST_FILES:
            yield _shard(tuple(pending), key)
            pending, n_bytes = [], 0
    if pending:
        yield _shard(tuple(pending), key)


def _shard(sources: tuple[Source, ...], key: str) -> Shard:
    return Shard(shard_id(sources, key), sources)


def shard_id(sources: Sequence[Source], key: str) -> str:
    """Return the id of a shard of these sources; `key` is whatever else decides what becomes of them."""
    return _digest(key, *(f"{source.path}\0{source.content}" for source in sources))


def _digest(*parts: str) -> str:
    # surrogateescape: file names are bytes, and need not be UTF-8.
    text = "\n".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=12).hexdigest()
