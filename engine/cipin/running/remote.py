"""Reports on an object store, or wherever else fsspec reaches: found, told apart, and fetched."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipin.errors import CipinError, InputChanged, SourceError, UsageError
from cipin.running.objects import ObjectStore

#: Files that are fetched while one is parsed: a request takes 20 to 100 ms, parsing a short text 1.
AHEAD = 16
#: What disks take as a file's name; a key of S3 may have 1,024 bytes.
NAME_BYTES = 255
#: What cipin wrote, whatever it lies among: a version of an output, a pack of a corpus.
_WRITTEN = re.compile(r"(.*?)/?(?:_meta/versions/\d{20}\.json|packs/[0-9a-f]+/[0-9a-f]{16}\.arrow)")


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its name below the root, its bytes, and a hash of what its store knows it by."""

    name: str
    n_bytes: int
    content: str


def is_url(place: object) -> bool:
    """Tell whether a place is a URL, and no path.

    >>> is_url("s3://bucket/reports"), is_url("reports/2019")
    (True, False)
    """
    return "://" in str(place)


def find_files(urls: Sequence[str], leave_out: Sequence[str]) -> tuple[str, list[Found], list[str]]:
    """Return the one folder that all of some URLs are below, the files that they mean, and folders that cipin wrote.

    urls        folders (searched through; names that begin with a dot are passed over), files, globs with `*`, of one
                store
    leave_out   URLs of folders that are no source

    Raises SourceError if there is nothing at one of them, UsageError for URLs that nothing is installed for.
    """
    schemes = {url.partition("://")[0] for url in urls}
    if len(schemes) > 1 or not all(map(is_url, urls)):
        raise UsageError(f"reports {', '.join(urls)}: lie in several stores; give those of one store in one run")
    scheme = schemes.pop()
    listed: dict[str, dict[str, Any]] = {}
    for url in urls:
        found = _list(url)
        if not found:
            raise SourceError(f"{url}: no files there to read; name a folder with reports in it, files, or a glob")
        listed |= found
    folders = [_path_of(url) for url in urls]
    root = folders[0] if len(urls) == 1 and folders[0] not in listed and "*" not in folders[0] else _common(listed)
    files, passed_over = _sift(root, listed, [_path_of(each) for each in leave_out if each.startswith(f"{scheme}://")])
    if not files:
        raise SourceError(f"{', '.join(urls)}: no files there to read but what cipin wrote; name the folder of reports")
    place = root if root.startswith(f"{scheme}://") else f"{scheme}://{root}"
    return place, files, passed_over


def _list(url: str) -> dict[str, dict[str, Any]]:
    store = ObjectStore.open(url)

    def find(system: Any, path: str) -> dict[str, dict[str, Any]]:
        found = system.glob(path, detail=True) if "*" in path else system.find(path, detail=True)
        # Of a file that was asked for by its own URL, HTTP's listing says nothing.
        found = {name: facts or system.info(name) for name, facts in found.items()}
        return {str(name): facts for name, facts in found.items() if facts.get("type", "file") == "file"}

    try:
        return store.ask("", find)
    except FileNotFoundError as error:
        raise SourceError(f"{url}: no such folder or file ({error}); check the URL") from error


def _path_of(url: str) -> str:
    return ObjectStore.open(url).folder


def _common(names: dict[str, dict[str, Any]]) -> str:
    parts = [name.split("/")[:-1] for name in names]
    first, last = min(parts), max(parts)
    n = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return "/".join(first[: min(len(first), len(last)) if n is None else n])


def _sift(root: str, listed: dict[str, dict[str, Any]], leave_out: list[str]) -> tuple[list[Found], list[str]]:
    """Return the files that are reports, and the folders among them that cipin wrote."""
    written = {found[1] for name in listed if (found := _WRITTEN.fullmatch(name))}
    if root in written:
        raise SourceError(f"{root}: is what cipin wrote, an output or a corpus; name the folder of the reports")
    files = []
    for name in sorted(listed):
        below = _below(root, name)
        hidden = any(part.startswith(".") for part in below.split("/"))
        if hidden or name.endswith("/") or any(name.startswith(f"{each}/") for each in (*leave_out, *written)):
            continue
        facts = listed[name]
        files.append(Found(below, int(facts.get("size") or 0), _content(facts)))
    own = [each for each in written if not any(f"{each}/".startswith(f"{out}/") for out in leave_out)]
    return files, sorted(_below(root, each) for each in own)


def _below(root: str, name: str) -> str:
    """Return a name below a folder, to the letter: an object store tells `a//b` from `a/b`."""
    if name == root:
        return name.rpartition("/")[2]
    below = name.removeprefix(f"{root}/")
    if below == name and root:
        raise SourceError(f"{root}: the store lists {name}, which does not begin so; write the URL without `//`")
    return below


def _content(facts: dict[str, Any]) -> str:
    """Return a hash of what a store says of a file: its ETag, or when it was written, and its bytes.

    The file itself is hashed by nobody: to read a million reports only to plan would take longer than to measure them.
    """
    known = [facts.get(name) for name in ("ETag", "etag", "md5Hash", "content_md5", "checksum")]
    said = next((each for each in known if each), None) or _time(facts)
    if not said or facts.get("size") is None:
        name = facts.get("name", "?")
        raise UsageError(
            f"{name}: its store tells no size, or neither an ETag nor a time of writing, so that a change would go "
            "unnoticed; copy the reports to a disk or an object store"
        )
    return hashlib.blake2b(f"{said}\0{facts.get('size')}".encode(), digest_size=12).hexdigest()


def _time(facts: dict[str, Any]) -> str:
    known = ("LastModified", "Last-Modified", "mtime", "updated", "created")
    return str(next((facts[each] for each in known if facts.get(each)), ""))


def look_at(root: str, name: str) -> Found:
    """Return what a store says of a file now. Raises FileNotFoundError if it is gone, StorageError."""
    facts = ObjectStore.open(root).ask(name, lambda system, path: system.info(path))
    return Found(name, int(facts.get("size") or 0), _content(facts))


def fetch(root: str, found: Found, folder: Path) -> Path:
    """Copy a file into a new folder below `folder`, under its own name, and return its path.

    Raises InputChanged if it is not the one that was found, PermissionError, StorageError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=folder)) / _short(found.name.rpartition("/")[2])

    def get(system: Any, place: str) -> None:
        try:
            system.get_file(place, str(path))
        except PermissionError as error:
            raise _Forbidden(str(error)) from error

    try:
        ObjectStore.open(root).ask(found.name, get)
        same = look_at(root, found.name).content == found.content and path.stat().st_size == found.n_bytes
    except FileNotFoundError:
        same = False
    except _Forbidden as error:
        raise PermissionError(str(error)) from error
    if not same:
        raise InputChanged(
            f"{root}/{found.name}: was changed, or removed, since it was found; give the same `cipin run` again"
        )
    return path


def _short(name: str) -> str:
    """Return a name that a disk takes: of a longer one, its begin, which may be a code, and its end, the format.

    >>> _short("2019.pdf"), _short("长" * 200 + ".pdf") == "长" * 40 + "…" + "长" * 38 + ".pdf"
    ('2019.pdf', True)
    """
    data = name.encode("utf-8", "surrogateescape")
    if len(data) <= NAME_BYTES:
        return name
    begin, end = data[:120].decode("utf-8", "ignore"), data[-120:].decode("utf-8", "ignore")
    return f"{begin}…{end}"


class _Forbidden(CipinError):
    """One file may not be read."""


@contextmanager
def fetching(root: str, wanted: Sequence[Found], folder: Path) -> Iterator[Callable[[Found], Path]]:
    """Give a function that returns a copy of a file; those that are `wanted` are fetched ahead, in their order.

    A copy is removed when the next is asked for. The function raises what `fetch` raises.
    """
    ahead: dict[str, Future[Path]] = {}
    rest = iter(wanted)
    last: list[Path] = []
    pool = ThreadPoolExecutor(AHEAD)

    def begin(n: int) -> None:
        for found, _ in zip(rest, range(n), strict=False):
            ahead[found.name] = pool.submit(fetch, root, found, folder)

    def copy_of(found: Found) -> Path:
        for old in last:
            shutil.rmtree(old.parent, ignore_errors=True)
        last.clear()
        future = ahead.pop(found.name, None)
        begin(AHEAD - len(ahead))
        path = future.result() if future else fetch(root, found, folder)
        last.append(path)
        return path

    begin(AHEAD)
    try:
        yield copy_of
    finally:
        pool.shutdown(cancel_futures=True)
        for future in ahead.values():
            if future.done() and not future.cancelled() and not future.exception():
                last.append(future.result())
        for path in last:
            shutil.rmtree(path.parent, ignore_errors=True)
