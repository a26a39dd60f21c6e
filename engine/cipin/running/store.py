"""The few storage primitives of a run, on a local disk: nothing is ever seen half-written.

A file is written under a temporary name, flushed to disk, and linked to its name. A link never replaces what is
there: of several writers one succeeds, and the others learn of it. (`os.rename` let 8 of 8 racing writers succeed.)
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from cipin.errors import StorageError


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


def replace_folder(made: Path, final: Path) -> None:
    """Put the folder `made` in the place of `final`; what was there is removed afterwards."""
    old = final.with_name(f".{final.name}-{uuid.uuid4().hex}")
    with explained(final):
        with suppress(FileNotFoundError):
            final.rename(old)
        made.rename(final)
    remove_folder(old)
