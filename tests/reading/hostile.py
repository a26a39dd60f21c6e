"""Every hostile file there is; `python tests/reading/hostile.py FOLDER` makes them, to try a run on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile_packages import ARCHIVES, DOCUMENTS
from hostile_pdfs import PDFS
from hostile_tables import TABLES

#: Making or reading them takes more than three seconds.
HEAVY = {
    "text-bomb.pdf", "unicode-map-bomb.pdf", "forms-that-multiply.pdf", "million-contents.pdf", "path-bomb.pdf",
    "page-of-paragraphs.html", "page-60mb.html", "row-of-200mb.parquet", "same-text.parquet", "sparse.pdf",
    "text-bomb.zip", "bomb.zip", "large.docx", "blank-bomb-3gb.pdf", "line-of-300mb.jsonl", "members-5000.zip",
    "form-in-itself.pdf",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file: its name, what makes it at a path, and the reasons that its reports must have; "" is measured."""

    name: str
    make: Callable[[Path], None]
    reasons: frozenset[str]

    @property
    def heavy(self) -> bool:
        return self.name in HEAVY


def _made(name: str, make: Callable[[], bytes], reasons: set[str]) -> Hostile:
    return Hostile(name, lambda path: (path.write_bytes(make()), None)[1], frozenset(reasons))


FILES = [
    *(_made(f"{name}.pdf", make, reasons) for name, (make, reasons) in PDFS.items()),
    *(_made(name, make, reasons) for name, (make, reasons) in {**ARCHIVES, **DOCUMENTS}.items()),
    *(Hostile(name, make, frozenset(reasons)) for name, (make, reasons) in TABLES.items()),
]


class Watch(threading.Thread):
    """Watches a process and all that descend from it; `peak` is the most anonymous memory they ever held together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            self.peak = max(self.peak, sum(map(_held, _family(self.pid))))


def _family(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                family += map(int, Path(f"/proc/{parent}/task/{thread}/children").read_text().split())
        except OSError:
            continue
    return family


def _held(pid: int) -> int:
    """Return the anonymous memory of a process; what several share since a fork is each one's part of it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def main() -> None:
    """Make every file in a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        file.make(folder / file.name)


if __name__ == "__main__":
    main()
