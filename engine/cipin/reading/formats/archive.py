"""Archives, zip and tar, and compressed files: each member is a file of its own, and read as one.

Nothing is ever extracted by the name it has in the archive: a member is written to a temporary folder, under a name
made from the last part of its own, and removed when it has been read. A member that is refused is a report that says
why, and the others are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cipin.errors import SourceError
from cipin.reading.formats.containers import CONTAINERS, BrokenArchiveError, Member, decompress
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import quarantine
from cipin.reading.formats.sniff import HEAD_BYTES, sniff
from cipin.reading.report import RawReport

#: The names that `sniff` gives to what is read here.
KINDS = frozenset({"zip", "tar", "gzip", "bzip2", "xz"})

#: Bytes per compressed byte, of a member larger than RATIO_FLOOR: text seldom has more than 20, bombs a thousand.
MAX_RATIO = 200
RATIO_FLOOR = 10 << 20
#: Bytes of all members together, those of archives inside included.
MAX_BYTES = 2 << 30
MAX_DEPTH = 2

Read = Callable[[Path, ReadOptions], Iterator[RawReport]]

_TAR_ENDINGS = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar"}
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSAFE = re.compile(r"[^\w.()\uff08\uff09\u300a\u300b -]")


@dataclass(slots=True)
class _Budget:
    """How many bytes may still be unpacked."""

    n_bytes: int = MAX_BYTES


class _RefusedError(Exception):
    """A member is not read, or not further: the reason, and what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read(path: Path, options: ReadOptions, read_member: Read) -> Iterator[RawReport]:
    """Yield the reports of every member of an archive, in the order of their names; `member` begins with that name.

    A compressed file that is no archive is read as the file it holds, and an archive within as a folder; members of
    one name are told apart by `#2`, `#3`. What a file manager leaves behind (`__MACOSX`, `Thumbs.db`) is passed over.
    Raises SourceError if a member is a table without the text column, and OSError if the archive cannot be read.
    """
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES), path.suffix.lower())
    with TemporaryDirectory(prefix="cipin-") as folder:
        yield from _read(path, kind, options, read_member, Path(folder), 1, _Budget())


def _read(
    path: Path, kind: str, options: ReadOptions, read_member: Read, folder: Path, depth: int, budget: _Budget
) -> Iterator[RawReport]:
    if kind in CONTAINERS:
        yield from _read_members(path, kind, options, read_member, folder, depth, budget)
        return
    inner = folder / _safe_name(f"{path.stem}{_TAR_ENDINGS.get(path.suffix.lower(), '')}")
    failure = None
    try:
        # A tar may be larger than each of its members may be.
        most = MAX_BYTES if inner.suffix.lower() == ".tar" else options.max_bytes
        try:
            _write(inner, decompress(path, kind), path.stat().st_size, most, budget)
        except (BrokenArchiveError, _RefusedError) as error:
            failure = quarantine(RawReport("", "", kind), error.reason, str(error))
        with inner.open("rb") as file:
            inner_kind = sniff(file.read(HEAD_BYTES), inner.suffix.lower())
        if inner_kind == "tar":
            budget.n_bytes += inner.stat().st_size  # its members are counted instead
            # Of a tar whose compression breaks off, the members before that are whole.
            yield from _read(inner, inner_kind, options, read_member, _subfolder(folder), depth, budget)
        elif failure is None:
            yield from _read_file(inner, inner_kind, options, read_member, folder, depth, budget)
        if failure is not None:
            yield failure
    finally:
        inner.unlink(missing_ok=True)


def _read_members(
    path: Path, kind: str, options: ReadOptions, read_member: Read, folder: Path, depth: int, budget: _Budget
) -> Iterator[RawReport]:
    taken: set[str] = set()
    try:
        for member in CONTAINERS[kind](path):
            if _is_litter(member.name):
                continue
            name = _tell_apart(member.name, taken)
            empty = True
            for report in _read_one(member, kind, options, read_member, folder, depth, budget):
                empty = False
                inner = f"{name}/{report.member}" if report.member else name
                yield replace(report, member=inner)
            if empty:
                yield RawReport(name, "", kind, status="dropped", reason="empty", message="there is no report in it")
    except BrokenArchiveError as error:
        yield quarantine(RawReport("", "", kind), error.reason, str(error))
    except SourceError as error:
        raise SourceError(f"{path.name}: {error}") from error


def _read_one(
    member: Member, kind: str, options: ReadOptions, read_member: Read, folder: Path, depth: int, budget: _Budget
) -> Iterator[RawReport]:
    """Yield the reports of one member, or the one that says why it is not read."""
    file = folder / _safe_name(member.name)
    try:
        try:
            _check(member, options.max_bytes)
            _write(file, member.read(), member.packed_bytes, options.max_bytes, budget)
            with file.open("rb") as head:
                inner_kind = sniff(head.read(HEAD_BYTES), file.suffix.lower())
        except (BrokenArchiveError, _RefusedError) as error:
            yield quarantine(RawReport("", "", kind), error.reason, str(error))
            return
        yield from _read_file(file, inner_kind, options, read_member, folder, depth, budget)
    finally:
        file.unlink(missing_ok=True)


def _read_file(
    file: Path, kind: str, options: ReadOptions, read_member: Read, folder: Path, depth: int, budget: _Budget
) -> Iterator[RawReport]:
    if kind not in KINDS:
        yield from read_member(file, options)
    elif depth < MAX_DEPTH:
        yield from _read(file, kind, options, read_member, _subfolder(folder), depth + 1, budget)
    else:
        message = f"it is an archive within {depth} archives; unpack the outer ones first"
        yield quarantine(RawReport("", "", kind), "depth", message)


def _check(member: Member, max_bytes: int) -> None:
    """Raise _RefusedError if a member is not to be unpacked, by what the archive says of it."""
    name = member.name.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/") or "\0" in name:
        raise _RefusedError("unsafe_path", "its path leads out of the archive; pack it again with relative paths")
    if member.refusal:
        raise _RefusedError(member.refusal, _REFUSALS[member.refusal])
    if member.n_bytes > max_bytes:
        raise _too_large(member.n_bytes, max_bytes)


_REFUSALS = {
    "link": "it is a link; give the file that it points to",
    "device": "it is a device or a pipe, not a file; leave it out",
    "encrypted": "it is encrypted; unpack it with its password",
    "unsupported": "it is packed in a way that is not read; pack it as deflate, bzip2 or uncompressed",
}


def _too_large(n_bytes: int, max_bytes: int) -> _RefusedError:
    message = f"its {n_bytes:,} bytes or more are over max_bytes = {max_bytes:,}; split it, or raise that"
    return _RefusedError("too_large", message)


def _write(file: Path, chunks: Iterator[bytes], packed: int, max_bytes: int, budget: _Budget) -> None:
    """Write what is unpacked to a file, and count it. Raises _RefusedError at the first byte beyond a limit."""
    n_bytes = 0
    with file.open("xb") as out:
        for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise _too_large(n_bytes, max_bytes)
            if n_bytes > RATIO_FLOOR and n_bytes > MAX_RATIO * packed:
                message = f"it unpacks to more than {MAX_RATIO} times its {packed:,} bytes; unpack it yourself"
                raise _RefusedError("ratio", message)
            if len(chunk) > budget.n_bytes:
                message = f"the archive unpacks to more than {MAX_BYTES:,} bytes; split it"
                raise _RefusedError("too_large", message)
            budget.n_bytes -= len(chunk)
            out.write(chunk)


def _is_litter(name: str) -> bool:
    """Tell whether a file is what macOS or Windows keeps beside files."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts[:-1] or parts[-1].startswith("._") or parts[-1] in {".DS_Store", "Thumbs.db"}


def _tell_apart(name: str, taken: set[str]) -> str:
    chosen, number = name, 1
    while chosen in taken:
        number += 1
        chosen = f"{name}#{number}"
    taken.add(chosen)
    return chosen


def _safe_name(name: str) -> str:
    """Return the last part of a path as a file name of letters, digits and a few signs, its ending kept.

    >>> _safe_name("../年报/平安银行:2019.PDF")
    '平安银行_2019.PDF'
    """
    last = re.split(r"[/\\]", name)[-1]
    stem, dot, ending = last.rpartition(".")
    ending = _UNSAFE.sub("_", ending)[:16] if stem else ""
    # 60: file names have at most 255 bytes, and Han take three.
    stem = _UNSAFE.sub("_", stem or last).lstrip(". ")[:60] or "_"
    return f"{stem}{dot}{ending}" if ending else stem


def _subfolder(folder: Path) -> Path:
    inner = folder / "~"  # no member is given this name
    inner.mkdir(exist_ok=True)
    return inner
