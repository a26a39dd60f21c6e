"""Automata as bytes: built once, then mapped into memory by every process that needs them.

A file is a line of JSON (what arrays follow, of which type and size), and the arrays, each at a multiple of 64 bytes.
Building an automaton of 349,000 words takes 0.6 s, mapping its file and summing it up 10 ms, and
processes share the pages.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zlib
from contextlib import suppress
from dataclasses import fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from cipin.lexicon.model import Lexicon
from cipin.matching import automaton as automaton_module
from cipin.matching import filters
from cipin.matching.automaton import Automaton, build_automaton
from cipin.matching.kernels import build, filtered, vector_levels

_MAGIC = "cipin automaton 1"
_ALIGN = 64
#: Patterns from which a file is worth it: below, building takes less than 50 ms.
MANY_PATTERNS = 2_000
#: Files kept; the least recently used go first. A large automaton takes 12 MB.
MAX_FILES = 16


def to_bytes(automaton: Automaton) -> bytes:
    """Return the automaton as bytes, the same for the same automaton."""
    arrays = {
        each.name: np.ascontiguousarray(value)
        for each in fields(automaton)
        if isinstance(value := getattr(automaton, each.name), np.ndarray)
    }
    header: dict[str, Any] = {"share": automaton.share, "max_length": automaton.max_length}
    at = 0
    for name, array in arrays.items():
        header[name] = [array.dtype.str, array.size, at]
        at += -(-array.nbytes // _ALIGN) * _ALIGN
    body = b"".join(array.tobytes() + bytes(-array.nbytes % _ALIGN) for array in arrays.values())
    header["crc32"] = zlib.crc32(body)
    first = f"{_MAGIC} {json.dumps(header)}\n".encode()
    return first + b"\n" * (-len(first) % _ALIGN) + body


def from_buffer(buffer: Any) -> Automaton:
    """Return the automaton whose bytes stand in `buffer`, without copying them.

    Raises ValueError if they are not an automaton's, or not all of it.

    >>> automaton = build_automaton(("云计算",), fold=True)
    >>> from_buffer(to_bytes(automaton)).max_length
    3
    """
    raw = np.frombuffer(buffer, np.uint8)
    head = raw[: 1 << 14].tobytes()
    line, end, _ = head.partition(b"\n")
    if not line.startswith(_MAGIC.encode()) or not end:
        raise ValueError("not an automaton of this version of cipin")
    header = json.loads(line[len(_MAGIC) :])
    if not isinstance(header, dict):
        raise ValueError("the header of the automaton says nothing")  # noqa: TRY004 - of a file, not of a caller
    begin = -(-(len(line) + 1) // _ALIGN) * _ALIGN
    if zlib.crc32(raw[begin:].data) != header.pop("crc32", None):
        raise ValueError("the automaton is not as it was written")
    values: dict[str, Any] = {}
    for name, value in header.items():
        if isinstance(value, list):
            kind, size, at = value
            span = raw[begin + at : begin + at + size * np.dtype(kind).itemsize]
            if span.size != size * np.dtype(kind).itemsize:
                raise ValueError(f"the automaton ends within {name}")
            values[name] = span.view(kind)
        else:
            values[name] = value
    return Automaton(**values)


@lru_cache(maxsize=8)
def automaton_of(lexicon: Lexicon) -> Automaton:
    """Return the automaton of all terms, variants and guards of `lexicon`, built or mapped once a process."""
    return _brought.get(lexicon.hash) or cached_automaton(lexicon.patterns.strings, fold=lexicon.fold)


#: Automata that came with a job, by the hashes of their lexicons.
_brought: dict[str, Automaton] = {}


def luggage_of(lexicon: Lexicon) -> bytes | None:
    """Return the automaton of `lexicon` as bytes for processes without this cache; None if it is soon built."""
    return to_bytes(automaton_of(lexicon)) if len(lexicon.patterns.strings) >= MANY_PATTERNS else None


def bring(lexicon: Lexicon, luggage: Any) -> None:
    """Take the automaton of `lexicon` from a buffer, which stays in use. Raises ValueError if it is no automaton."""
    _brought[lexicon.hash] = from_buffer(luggage)
    automaton_of.cache_clear()


def cached_automaton(strings: tuple[str, ...], *, fold: bool) -> Automaton:
    """Return the automaton of `strings`, mapped from the user's cache where it is there, else built and put there.

    Small ones are built; where the cache can't be written, so are all. $CIPIN_CACHE names another folder.
    """
    if len(strings) < MANY_PATTERNS:
        return build_automaton(strings, fold=fold)
    path = cache_folder() / f"{_key(strings, fold)}.automaton"
    try:
        mapped = from_buffer(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError, TypeError):
        pass  # absent, unreadable, or another version's
    else:
        with suppress(OSError):  # another user's
            os.utime(path)
        return mapped
    automaton = build_automaton(strings, fold=fold)
    _put(path, to_bytes(automaton))
    return automaton


def cache_folder() -> Path:
    """Return where automata are kept."""
    own = platformdirs.user_cache_dir("cipin", appauthor=False)
    return Path(os.environ.get("CIPIN_CACHE") or own).expanduser() / "automata"


def _key(strings: tuple[str, ...], fold: bool) -> str:
    content = hashlib.sha256("\n".join(strings).encode())
    content.update(f"\n{fold} {_code()}".encode())
    return content.hexdigest()[:32]


@cache
def _code() -> str:
    """A hash of the code and the folding table that automata are made by."""
    from cipin.lexicon.fold import fold_array  # 4 MB, needed only here

    content = hashlib.sha256(fold_array().tobytes())
    for module in (automaton_module, filters, build, filtered, vector_levels):
        content.update(Path(str(module.__file__)).read_bytes())
    return content.hexdigest()


def _put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and keep the folder small; do nothing where that can't be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        files = sorted(path.parent.glob("*.automaton"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for each in files[MAX_FILES:]:
            each.unlink(missing_ok=True)
    except OSError:
        pass
