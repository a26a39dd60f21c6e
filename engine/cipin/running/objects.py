"""An output on an object store, through fsspec: `s3://bucket/folder`, or any URL whose store writes conditionally.

Objects are put whole or not at all; `mode="create"` asks the store to refuse a name that is taken (S3: `If-None-Match:
*`). A store that does not heed it would lose versions, so each is tried before a run begins. Credentials, and the
endpoint of a store that is not Amazon's, come from the usual places (AWS_ENDPOINT_URL, ~/.aws, roles).
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cipin.errors import CipinError, StorageError, UsageError
from cipin.running.store import CURRENT, META, Entry, at_once

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")

#: Tries of a request that the network, or the store, failed; fsspec's S3 retries some by itself.
TRIES = 4


@dataclass(frozen=True)
class ObjectStore:
    """A folder of an object store."""

    place: str

    @classmethod
    def open(cls, place: str) -> ObjectStore:
        """Return the store at a URL.

        Raises UsageError if nothing is installed that knows it.
        """
        scheme, _, folder = place.partition("://")
        if scheme in {"file", "local"}:
            raise UsageError(f"{place}: give the path of a folder without {scheme}://")
        if scheme == "memory":
            raise UsageError(f"{place}: only this process would see it; give a folder, or an object store")
        if scheme != scheme.lower():
            raise UsageError(f"{place}: its scheme is written in small letters; give {scheme.lower()}://{folder}")
        if not folder.strip("/"):
            raise UsageError(f"{place}: names no bucket; give {scheme}://BUCKET/FOLDER")
        store = cls(place.rstrip("/"))
        store._open()
        return store

    def _open(self) -> tuple[Any, str]:
        """Return the file system, of which fsspec keeps one a process, and the folder in it."""
        try:
            import fsspec

            # Listings would hide what another run has published meanwhile.
            system, folder = fsspec.core.url_to_fs(self.place, use_listings_cache=False, skip_instance_cache=False)
        except ImportError as error:
            raise UsageError(f"{self.place}: {error}; install it with: pip install 'cipin[s3]'") from error
        except Exception as error:  # whatever a file system says of a URL that it cannot make sense of
            raise UsageError(f"{self.place}: no place that is known ({type(error).__name__}: {error})") from error
        return system, str(folder).rstrip("/")

    @property
    def folder(self) -> str:
        """Its path within the store, as the store's listings begin."""
        return self._open()[1]

    def ask(self, name: str, what: Callable[[Any, str], T]) -> T:
        """Do something with a file, again if the store failed. Raises FileNotFoundError, FileExistsError."""
        system, folder = self._open()
        path = f"{folder}/{name}" if name else folder
        for left in reversed(range(TRIES)):
            try:
                return what(system, path)
            except (FileNotFoundError, FileExistsError):
                raise
            except PermissionError as error:
                raise StorageError(f"{self.place}/{name}: {error}; look at the credentials and at rights") from error
            except CipinError:
                raise
            except Exception as error:  # each file system has errors of its own
                if not left:
                    said = f"{type(error).__name__}: {error}"
                    raise StorageError(f"{self.place}/{name}: {said}; the same command goes on") from error
        raise AssertionError

    def check(self) -> None:
        """See Store."""
        # Judged by one listing: another run may begin, or try the store and tidy up, between two.
        if not self.list(META) and (there := self.list("")) and not any(each.startswith(f"{META}/") for each in there):
            what = min(there) or "an object of that name"
            raise UsageError(
                f"{self.place}: not empty (it holds {what}), and not the output of a run; choose an empty or new folder"
            )

    def prepare(self) -> None:
        """See Store."""
        self.check()
        self.try_writing(META)

    def try_writing(self, folder: str) -> None:
        """Raise UsageError if the store writes over what is there though it is asked not to, or takes nothing."""
        if self.place.startswith(("http://", "https://")):
            raise UsageError(
                f"{self.place}: a web server takes no files; give a folder, or a store such as s3://…, with -o"
            )
        probe = f"{folder}/probe-{uuid.uuid4().hex}"
        try:
            if not self.put_if_absent(probe, b"1") or self.put_if_absent(probe, b"2"):
                raise UsageError(
                    f"{self.place}: this store writes over what is there though it is asked not to, so that of two "
                    "runs one would be lost; choose another place with -o"
                )
        finally:
            with suppress(CipinError):
                self.remove(probe)

    def exists(self) -> bool:
        """See Store."""
        return bool(self.list(META))

    def temporary(self, attempt: str) -> Path:
        """See Store."""
        return Path(tempfile.gettempdir()) / f"cipin-{attempt}"

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """See Store."""
        told = False

        def put(system: Any, path: str) -> bool:
            nonlocal told
            again, told = told, True
            try:
                system.pipe_file(path, data, mode="create")
            except FileExistsError:
                # The answer to an earlier try may have been lost: what is there may be ours.
                return bool(again and system.cat_file(path) == data)
            except FileNotFoundError as error:
                raise StorageError(f"{self.place}: {error}; make the bucket first, or give another one") from error
            return True

        return self.ask(name, put)

    def publish(self, temporary: Path, name: str) -> None:
        """See Store."""
        data = temporary.read_bytes()
        try:
            if not self.put_if_absent(name, data) and self.read(name) != data:
                self.ask(name, lambda system, path: system.pipe_file(path, data))
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        """See Store."""
        return self.ask(name, lambda system, path: bytes(system.cat_file(path)))

    def list(self, folder: str) -> dict[str, Entry]:
        """See Store."""

        def find(system: Any, path: str) -> dict[str, Entry]:
            found = {}
            for name, facts in system.find(path, detail=True).items():
                if facts.get("type") == "directory":
                    continue  # the folder itself, of which files are heard only now
                below = name.removeprefix(path.removesuffix(folder).rstrip("/")).lstrip("/")
                found[below] = Entry(int(facts.get("size") or 0), _seconds(facts))
            return found

        try:
            return self.ask(folder, find)
        except FileNotFoundError:
            return {}

    def remove(self, name: str) -> None:
        """See Store."""
        with suppress(FileNotFoundError):
            self.ask(name, lambda system, path: system.rm_file(path))

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        """See Store."""
        from polars.io.plugins import register_io_source

        # Looked for one by one, they would be as many requests; a listing names a thousand.
        there = {name for folder in {each.rpartition("/")[0] for each in names} for name in self.list(folder)}
        if gone := next((name for name in names if name not in there), None):
            raise StorageError(f"{self.place}/{gone}: is gone; run again to publish a new version")

        def frames(
            columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
        ) -> Iterator[pl.DataFrame]:
            del batch_size
            # Rows are counted before they are sifted.
            sift = predicate if n_rows is None else None
            for frame in at_once(partial(self._table, columns=columns, predicate=sift), names, batch=1):
                some = frame if n_rows is None else frame.head(n_rows)
                yield some if predicate is None or sift is not None else some.filter(predicate)
                if n_rows is not None and (n_rows := n_rows - some.height) == 0:
                    return

        # Whole files, many at once: as a dataset of Arrow's, 96 of them took three requests each, of which hardly two
        # were under way at a time: 22 s at 100 ms a request, and take 2.
        return register_io_source(frames, schema=self._table(names[0]).schema)

    def _table(self, name: str, columns: Any = None, predicate: pl.Expr | None = None) -> pl.DataFrame:
        import polars as pl

        try:
            # From byte 0: asked for all, s3fs would ask how much that is first.
            data = io.BytesIO(self.ask(name, lambda system, path: bytes(system.cat_file(path, start=0))))
            frame = (pl.read_parquet if name.endswith(".parquet") else pl.read_ipc)(data, columns=columns)
        except FileNotFoundError as error:
            raise StorageError(f"{self.place}/{name}: is gone; run again to publish a new version") from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StorageError(f"{self.place}/{name}: cannot be read ({error}); `cipin verify` says more") from error
        return frame if predicate is None else frame.filter(predicate)

    def show(self, attempt: str, text: str, files: Mapping[str, str]) -> None:
        """See Store: an object store knows no links, so that run.json, which names the files, is all there is."""
        del attempt, files
        self.ask(f"{CURRENT}/run.json", lambda system, path: system.pipe_file(path, text.encode()))

    def shows(self, files: Mapping[str, str]) -> bool:
        """See Store: there are none to be shown."""
        del files
        return True

    @contextmanager
    def lock(self, *, alone: bool = False) -> Iterator[None]:
        """See Store: there are no locks, so that `gc` is for when no run is under way."""
        del alone
        yield


def _seconds(facts: dict[str, Any]) -> float:
    found = facts.get("LastModified") or facts.get("mtime") or facts.get("created") or 0.0
    if isinstance(found, datetime):
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    return float(found)
