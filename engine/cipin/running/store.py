"""The few storage primitives of a run, and the store on a local disk: nothing is ever seen half-written.

A file is written under a temporary name, flushed to disk, and linked to its name. A link never replaces what is
there: of several writers one succeeds, and the others learn of it. (`os.rename` let 8 of 8 racing writers succeed.)
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from cipin.errors import ConflictError, StorageError, UsageError

if TYPE_CHECKING:
    import polars as pl

#: Of an output: what it is made of, and the clean view of its newest version.
DATA, META, CURRENT = "data", "_meta", "current"
#: Threads that wait for a store (one request takes S3 20 ms, and many at once no longer), and what one does at a time.
THREADS, BATCH = 16, 8
#: Of what is to be done, how much is tried first, and the seconds that it must have waited for the threads to pay.
FEW, WAITED = 4, 0.002

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store: its bytes, and when it was written by the clock of the store, in seconds since 1970."""

    n_bytes: int
    modified: float


class Store(Protocol):
    """An output, wherever it lies. Names are paths below it, with /; every method may raise StorageError."""

    @property
    def place(self) -> str:
        """Return it as it is shown to people, and opened again."""

    def check(self) -> None:
        """Raise UsageError if it holds something that is not a run."""

    def prepare(self) -> None:
        """Make it ready to be written to. Raises UsageError if it holds something that is not a run."""

    def exists(self) -> bool:
        """Tell whether there is anything at the place."""

    def temporary(self, attempt: str) -> Path:
        """Return the local folder in which an attempt writes its files before they are published."""

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write a file whole, if the name is free; return whether it was."""

    def publish(self, temporary: Path, name: str) -> None:
        """Give a finished local file the name that its content decides; a damaged file of that name is replaced."""

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raises FileNotFoundError if there is none."""

    def list(self, folder: str) -> dict[str, Entry]:
        """Return all files below a folder by their names; none if there is no such folder."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        """Return tables of one schema as one lazy frame."""

    def show(self, attempt: str, text: str, files: Mapping[str, str]) -> None:
        """Make `current` hold `text` as run.json, and the files by their names there."""

    def shows(self, files: Mapping[str, str]) -> bool:
        """Tell whether `current` holds these files by their names there, and no others."""

    def lock(self, *, alone: bool = False) -> contextlib.AbstractContextManager[None]:
        """Hold the place, with other runs or `alone`, as `gc` does; what runs do to one another depends on no lock.

        Raises ConflictError if it is to be held alone, and a run is under way.
        """


def open_store(place: str | Path, attempts: str = f"{META}/attempts") -> Store:
    """Return the store at a path or a URL (`s3://bucket/folder`).

    attempts   folder of temporary files in it, where it is a folder

    Raises UsageError for a URL that nothing is installed for.
    """
    if "://" in str(place):
        from cipin.running.objects import ObjectStore

        return ObjectStore.open(str(place))
    return LocalStore(os.path.realpath(place), attempts)


@dataclass(frozen=True)
class LocalStore:
    """A folder of a local disk."""

    place: str
    attempts: str = f"{META}/attempts"

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.place)

    def check(self) -> None:
        """See Store."""
        with explained(self.path):
            if self.path.exists() and not self.path.is_dir():
                raise UsageError(f"{self.path}: is a file; choose a folder with -o")
            # In this order: another run may be making its folders at this moment.
            if self.path.exists() and any(self.path.iterdir()) and not (self.path / META).is_dir():
                raise UsageError(
                    f"{self.path}: not empty, and not the output of a run; choose an empty or new folder with -o"
                )

    def prepare(self) -> None:
        """See Store."""
        self.check()
        with explained(self.path):
            (self.path / META / "attempts").mkdir(parents=True, exist_ok=True)

    def exists(self) -> bool:
        """See Store."""
        return self.path.is_dir()

    def temporary(self, attempt: str) -> Path:
        """See Store."""
        return self.path / self.attempts / attempt

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """See Store."""
        made = write_file(self.temporary(""), lambda path: _write(path, data))
        return publish(made, self.path / name)

    def publish(self, temporary: Path, name: str) -> None:
        """See Store."""
        final = self.path / name
        with explained(final):
            if final.exists() and not _same(final, temporary):
                final.unlink()
        publish(temporary, final)

    def read(self, name: str) -> bytes:
        """See Store."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _explain(error, self.path / name) from error

    def list(self, folder: str) -> dict[str, Entry]:
        """See Store."""
        found: dict[str, Entry] = {}
        folders = [os.path.join(self.place, folder)]
        for each in folders:
            # What another run removes at this moment is not there.
            with explained(Path(each)), suppress(FileNotFoundError, NotADirectoryError), os.scandir(each) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                        continue
                    with suppress(FileNotFoundError):
                        status = entry.stat()
                        name = os.path.relpath(entry.path, self.place).replace(os.sep, "/")
                        found[name] = Entry(status.st_size, status.st_mtime)
        return found

    def remove(self, name: str) -> None:
        """See Store."""
        with explained(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        """See Store."""
        import polars as pl

        files = [os.path.join(self.place, name) for name in names]
        for file, is_there in zip(files, at_once(os.path.exists, files), strict=True):
            if not is_there:
                raise StorageError(f"{file}: is gone; run again to publish a new version")
        return pl.scan_parquet(files) if files[0].endswith(".parquet") else pl.scan_ipc(files)

    def show(self, attempt: str, text: str, files: Mapping[str, str]) -> None:
        """See Store: as hard links, so that analysts can glob."""
        made = self.temporary(attempt) / CURRENT
        with explained(made):
            for folder in sorted({made, *((made / shown).parent for shown in files)}):
                folder.mkdir(parents=True, exist_ok=True)
            links = [(os.path.join(self.place, name), os.path.join(made, shown)) for shown, name in files.items()]
            for _ in at_once(lambda link: os.link(*link), links):
                pass
            _write(made / "run.json", text.encode())
        replace_folder(made, self.path / CURRENT)

    def shows(self, files: Mapping[str, str]) -> bool:
        """See Store."""
        current = self.path / CURRENT
        if {name.partition("/")[2] for name in self.list(CURRENT)} - {"run.json"} != set(files):
            return False
        # Where OUT was copied, links are files of their own.
        pairs = [(current / shown, self.path / name) for shown, name in files.items()]
        with explained(current):
            return all(at_once(lambda pair: pair[0].samefile(pair[1]) or _same(*pair), pairs))

    @contextmanager
    def lock(self, *, alone: bool = False) -> Iterator[None]:
        """See Store."""
        file: IO[bytes] | None = None
        with suppress(ImportError, OSError):  # no flock here
            import fcntl

            file = (self.path / META / "lock").open("ab")
            try:
                # A run waits for `gc`, which would remove what the run has just found; `gc` waits for no run.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
            except BlockingIOError as error:
                file.close()
                if alone:
                    raise ConflictError(f"{self.place}: a run is under way there; wait for its end") from error
        try:
            yield
        finally:
            if file is not None:
                file.close()


def at_once(do: Callable[[T], R], each: Sequence[T], *, free: bool = False, batch: int = BATCH) -> Iterator[R]:
    """Yield what `do` returns for each, in order; where that mostly waits for a store, several are under way.

    free    whether it mostly runs without Python's lock, as long hashes do: then on every processor, wait or not
    batch   the most that a thread does before it takes more, and that is held for each thread: 1 for what is large

    One after the other, a million files on a disk that answers after a millisecond take 37 minutes, and their text a
    hundred nodes half a minute (bench/simulation). Where nothing waits, threads only wait for one another: 3,000 short
    files were hashed in 0.3 to 0.8 s instead of 0.2.
    """
    done, size, threads = 0, FEW, THREADS
    while size and done < len(each):
        began, at_work = time.perf_counter(), time.thread_time()
        found = [do(one) for one in each[done : done + size]]
        took, worked = time.perf_counter() - began, time.thread_time() - at_work
        yield from found
        done, size = done + len(found), batch
        if took > WAITED and took > 2 * worked:
            size = 0
        elif free:
            size, threads = 0, min(THREADS, os.cpu_count() or 1)
    if rest := each[done:]:
        yield from _in_threads(do, rest, threads, max(1, min(batch, len(rest) // threads)))


def _in_threads(do: Callable[[T], R], each: Sequence[T], threads: int, size: int) -> Iterator[R]:
    batches = iter([each[low : low + size] for low in range(0, len(each), size)])
    stopped = threading.Event()
    pool = ThreadPoolExecutor(threads)

    def begin(batch: Sequence[T]) -> Future[list[R]]:
        return pool.submit(lambda: [do(one) for one in batch if not stopped.is_set()])

    try:
        under_way = deque(map(begin, islice(batches, threads + 1)))
        while under_way:
            found = under_way.popleft().result()
            under_way.extend(map(begin, islice(batches, 1)))
            yield from found
    finally:
        # Not waited for: who gives up a generator may be one of its threads.
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def as_json(content: Any) -> bytes:
    """Return what is written of a record: a line for each thing it says, and the same for the same content.

    Indented throughout, Python's own encoder writes it: 15 MB took 1.7 s, and take 0.6.
    """
    try:
        return f"{_lines(content, ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:  # names of files are bytes, and need not be UTF-8
        return f"{_lines(content, ensure_ascii=True)}\n".encode()


def _lines(content: Any, *, ensure_ascii: bool) -> str:
    dumps = partial(json.dumps, ensure_ascii=ensure_ascii, sort_keys=True)
    if not isinstance(content, dict):
        return dumps(content)
    lines = []
    for key in sorted(content):
        value = content[key]
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict | list | tuple):
            shown = "[\n  " + ",\n  ".join(map(dumps, value)) + "\n ]"
        else:
            shown = dumps(value)
        lines.append(f" {dumps(key)}: {shown}")
    return "{\n" + ",\n".join(lines) + "\n}"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        raise _explain(error, path) from error
    except pa.ArrowException as error:
        raise StorageError(f"{path}: {error}") from error


def _explain(error: OSError, path: Path) -> StorageError:
    where = error.filename or path
    if error.errno in {errno.ENOSPC, errno.EDQUOT} or "No space left" in str(error):
        return StorageError(f"{where}: the disk is full; free some space and run the same command again")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageError(f"{where}: may not be written; choose another place with -o, or change its permissions")
    if error.errno == errno.ENOTDIR:
        return StorageError(f"{where}: a part of this path is a file; choose another place with -o")
    if error.errno in {errno.EOPNOTSUPP, errno.EMLINK}:
        return StorageError(f"{where}: its disk knows no hard links; choose another place with -o")
    return StorageError(f"{where}: {error.strerror or error}; the run can be started again")


def write_file(folder: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a temporary file in `folder`, flush it to disk, and return its path."""
    temporary = folder / uuid.uuid4().hex
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            flush(temporary)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


def flush(path: Path) -> None:
    """Make sure that a file's content outlives a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def publish(temporary: Path, final: Path, *, keep: bool = False) -> bool:
    """Give a finished file its name, if the name is free; return whether it was.

    The temporary name is gone then, unless `keep` says that it is still needed.
    """
    with explained(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(temporary, final)
        except FileExistsError:
            return False
        finally:
            if not keep:
                temporary.unlink(missing_ok=True)
    return True


def remove_folder(folder: Path) -> None:
    """Remove a folder of temporary files, if it is there; a folder that cannot be removed does no harm."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_empty_folders(folder: Path) -> None:
    """Remove the folders below one that hold nothing."""
    for path in sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()


def remove_empty(out: Path) -> None:
    """Remove an output in which there is nothing but empty folders and the traces of runs that were refused."""
    traces = {"events", "plans", "begun", META}
    if out.is_dir() and not any(path.is_file() and path.parent.name not in traces for path in out.rglob("*")):
        shutil.rmtree(out, ignore_errors=True)


def replace_folder(made: Path, final: Path) -> None:
    """Put the folder `made` in the place of `final`; what was there is removed afterwards."""
    old = final.with_name(f".{final.name}-{uuid.uuid4().hex}")
    with explained(final):
        with suppress(FileNotFoundError):
            final.rename(old)
        made.rename(final)
    remove_folder(old)
