"""What is in a zip, a tar or a compressed file: names and bytes, checked as far as the file itself can lie.

Zip is Python's `zipfile`, behind a check of its directory. Tar is read here: Python's `tarfile` reads headers of any
size into memory, and went backwards for ever on a negative size (CVE-2025-8194).
"""

from __future__ import annotations

import bz2
import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cipin.reading.encoding import decode

MAX_MEMBERS = 100_000
_DIRECTORY_BYTES = 64 << 20
_HEADER_BYTES = 1 << 20
#: What a preset of xz needs at most is 65 MB; a file can ask for 4 GB.
_XZ_MEMORY = 256 << 20
_CHUNK = 1 << 20


class BrokenArchiveError(Exception):
    """An archive, or a member of it, cannot be read: the reason, and what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    name           its path, decoded; not checked
    n_bytes        unpacked size, as the archive says
    packed_bytes   size in the archive
    refusal        "" or why it cannot be read: "link", "device", "encrypted", "unsupported"
    read           yields its bytes; raises BrokenArchiveError
    """

    name: str
    n_bytes: int
    packed_bytes: int
    refusal: str
    read: Callable[[], Iterator[bytes]]


def _truncated(what: str) -> BrokenArchiveError:
    return BrokenArchiveError("truncated", f"{what} breaks off; fetch it again")


def _malformed(error: object) -> BrokenArchiveError:
    return BrokenArchiveError("malformed", f"it cannot be unpacked: {str(error)[:200]}; pack or fetch it again")


def _blame(error: OSError) -> Exception:
    """Return `error`, or that the archive is malformed if bz2 found it so, or sought an impossible place in it."""
    return _malformed(error) if error.errno in (None, errno.EINVAL) else error


def _too_many() -> BrokenArchiveError:
    return BrokenArchiveError("too_large", f"it has more than {MAX_MEMBERS:,} members; split it")


def list_zip(path: Path) -> Iterator[Member]:
    """Yield the files of a zip archive, in the order of their names. Raises BrokenArchiveError."""
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError) as error:
        raise _malformed(error) from error
    except OSError as error:
        raise _blame(error) from error
    with archive:
        infos = archive.infolist()
        names = decode_names([_raw_name(info) for info in infos])
        for name, info in sorted(zip(names, infos, strict=True), key=lambda pair: (pair[0], pair[1].header_offset)):
            if not name.endswith(("/", "\\")):
                yield Member(name, info.file_size, info.compress_size, _refuse_zip(info), _opener(archive, info))


def _check_directory(path: Path) -> None:
    """Count the entries of the directory before `zipfile` makes an object of each. Raises BrokenArchiveError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - (1 << 16) - 22 - 76))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) < at + 22:
            raise _truncated("the archive")
        n_bytes = struct.unpack_from("<L", tail, at + 12)[0]
        # Of more than 65,535 members the end says so in a second form, which stands before it.
        zip64 = tail.rfind(b"PK\x06\x06", max(0, at - 76), at)
        if 0 <= zip64 <= len(tail) - 56:
            n_bytes = struct.unpack_from("<Q", tail, zip64 + 40)[0]
            at = zip64
        if n_bytes > _DIRECTORY_BYTES:
            raise _too_many()
        file.seek(max(0, size - len(tail) + at - n_bytes))
        if file.read(n_bytes).count(b"PK\x01\x02") > MAX_MEMBERS:
            raise _too_many()


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    # Without flag 11 Python takes the bytes for cp437, which has all 256.
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")


def _refuse_zip(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
        return "device"
    if info.flag_bits & 0x41:
        return "encrypted"
    known = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
    return "" if info.compress_type in known else "unsupported"


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], Iterator[bytes]]:
    def read() -> Iterator[bytes]:
        try:
            with archive.open(info) as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except EOFError as error:
            raise _truncated("it") from error
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
            raise _malformed(error) from error
        except OSError as error:
            raise _blame(error) from error

    return read


def list_tar(path: Path) -> Iterator[Member]:
    """Yield the files of a tar archive, in the order of their names, then raise BrokenArchiveError if it is broken."""
    broken = None
    found: list[tuple[bytes, tarfile.TarInfo]] = []
    with path.open("rb") as file:
        try:
            for raw, info in _headers(file):
                if len(found) == MAX_MEMBERS:
                    raise _too_many()
                found.append((raw, info))
        except BrokenArchiveError as error:
            if error.reason == "too_large":
                raise
            broken = error
        names = decode_names([raw for raw, _ in found])
        for name, (_, info) in sorted(zip(names, found, strict=True), key=lambda pair: (pair[0], pair[1][1].offset)):
            refusal = _refuse_tar(info)
            yield Member(name, info.size, info.size, refusal, _slicer(file, info))
    if broken:
        raise broken


def _headers(file: BinaryIO) -> Iterator[tuple[bytes, tarfile.TarInfo]]:
    """Yield the name and header of each member that is no folder. Raises BrokenArchiveError where they end badly."""
    size = file.seek(0, 2)
    at = 0
    path: bytes | None = None
    n_bytes: int | None = None
    while at < size:
        file.seek(at)
        block = file.read(512)
        if not block.strip(b"\0"):
            return
        if len(block) < 512:
            raise _truncated("the archive")
        try:
            info = tarfile.TarInfo.frombuf(block, "latin-1", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise _malformed(f"after byte {at:,}, {error}") from error
        info.offset, info.offset_data = at, at + 512
        extended = info.type in (b"L", b"K", b"x", b"X", b"g")
        if extended and 0 <= info.size <= _HEADER_BYTES:
            header = file.read(info.size)
            if info.type == b"L":
                path = header.rstrip(b"\0")
            elif info.type in (b"x", b"X"):
                records = _pax(header)
                path = records.get(b"path", path)
                n_bytes = int(records[b"size"]) if records.get(b"size", b"").isdigit() else n_bytes
                if any(key.startswith(b"GNU.sparse") for key in records):
                    info.type = b"S"
        elif not extended:
            info.size = info.size if n_bytes is None else n_bytes
        if info.size < 0 or (extended and info.size > _HEADER_BYTES):
            raise _malformed(f"after byte {at:,}, a header of {info.size:,} bytes")
        has_data = info.type not in (b"1", b"2", b"3", b"4", b"5", b"6")
        at += 512 + (-(-info.size // 512) * 512 if has_data else 0)
        if extended:
            continue
        raw = path if path is not None else info.name.encode("latin-1")
        path = n_bytes = None
        if info.type != b"5" and not raw.endswith(b"/"):
            yield raw, info


def _pax(header: bytes) -> dict[bytes, bytes]:
    """Return the records of a pax header, `length key=value` each."""
    records = {}
    while header:
        digits, blank, _ = header.partition(b" ")
        if not blank or not digits.isdigit() or not len(digits) + 1 < int(digits[:9]) <= len(header):
            break
        key, _, value = header[len(digits) + 1 : int(digits) - 1].partition(b"=")
        records[key] = value
        header = header[int(digits) :]
    return records


def _refuse_tar(info: tarfile.TarInfo) -> str:
    if info.type in (b"1", b"2"):
        return "link"
    if info.type in (b"3", b"4", b"6"):
        return "device"
    return "" if info.type in (b"0", b"\0", b"7") else "unsupported"


def _slicer(file: BinaryIO, info: tarfile.TarInfo) -> Callable[[], Iterator[bytes]]:
    def read() -> Iterator[bytes]:
        file.seek(info.offset_data)
        rest = info.size
        while rest:
            chunk = file.read(min(_CHUNK, rest))
            if not chunk:
                raise _truncated("it")
            rest -= len(chunk)
            yield chunk

    return read


def decompress(path: Path, kind: str) -> Iterator[bytes]:
    """Yield the bytes that a "gzip", "bzip2" or "xz" file holds. Raises BrokenArchiveError."""
    try:
        with path.open("rb") as file:
            yield from _streams(file, kind)
    except EOFError as error:
        raise _truncated("it") from error
    except (lzma.LZMAError, zlib.error, ValueError) as error:
        raise _malformed(error) from error
    except OSError as error:
        raise _blame(error) from error


def _streams(file: BinaryIO, kind: str) -> Iterator[bytes]:
    """Yield the bytes of one or more compressed streams, one after the other, zeros between them passed over."""
    data = file.read(_CHUNK)
    while data:
        decompressor: Any
        if kind == "gzip":
            # Not `gzip`, which gives nothing of the last part of a file that breaks off.
            decompressor = zlib.decompressobj(wbits=31)
        elif kind == "bzip2":
            decompressor = bz2.BZ2Decompressor()
        else:
            decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not decompressor.eof:
            # What zlib leaves of its input it hands back; the others keep it.
            if not data and getattr(decompressor, "needs_input", True):
                data = file.read(_CHUNK)
                if not data:
                    raise EOFError
            yield decompressor.decompress(data, _CHUNK)
            data = getattr(decompressor, "unconsumed_tail", b"")
        data = decompressor.unused_data.lstrip(b"\0")
        while not data:
            more = file.read(_CHUNK)
            data = more.lstrip(b"\0")
            if not more:
                return


def decode_names(raw: list[bytes]) -> list[str]:
    """Return the names of members as text. Those that are not UTF-8 are judged together: one alone is too short.

    >>> decode_names(["年报.txt".encode("gbk"), "云.txt".encode()])
    ['年报.txt', '云.txt']
    """
    legacy = [index for index, name in enumerate(raw) if not _is_utf8(name)]
    together = decode(b"\n".join(raw[index] for index in legacy)).text.split("\n") if legacy else []
    texts = [name.decode("utf-8", "replace") for name in raw]
    for place, index in enumerate(legacy):
        texts[index] = together[place] if len(together) == len(legacy) else decode(raw[index]).text
    return texts


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


#: What lists the members of each kind of archive.
CONTAINERS: dict[str, Callable[[Path], Iterator[Member]]] = {"zip": list_zip, "tar": list_tar}
