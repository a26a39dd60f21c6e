"""What happened in a run, in order: a line of JSON each, for people who ask later and for monitors.

Nothing depends on them: what a run came to is always computed from the records of its shards.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from cipin.errors import CipinError
from cipin.running.store import META, LocalStore, Store, explained

_log = logging.getLogger(__name__)


class Events:
    """The events of one attempt at a run; a context manager.

    On a local disk each is there as soon as it is said (`tail -f`); on an object store, at the end.
    """

    def __init__(self, store: Store, attempt: str) -> None:
        self._store = store
        self._name = f"{META}/events/{attempt}.jsonl"
        local = isinstance(store, LocalStore)
        self._path = Path(store.place, self._name) if local else store.temporary(attempt) / "events.jsonl"
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        with explained(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def say(self, event: str, **facts: Any) -> None:
        """Write an event down. A full disk is no reason to lose what was done."""
        _log.info("%s", event.replace("_", " "), extra={"event": event, "facts": facts})
        if self._file is not None:
            line = {"time": round(time.time(), 3), "event": event, **facts}
            with suppress(OSError):
                self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self.say("stopped", reason=kind.__name__, message=str(error)[:1000])
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if not isinstance(self._store, LocalStore):
            with suppress(CipinError, OSError):
                self._store.put_if_absent(self._name, self._path.read_bytes())
