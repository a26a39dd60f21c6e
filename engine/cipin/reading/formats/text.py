"""Plain text: a file is a report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cipin.reading.encoding import Decoded, decode, looks_binary
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.report import RawReport


def read(path: Path, _options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a text file. Raises OSError if the file cannot be read."""
    report = RawReport(member="", text="", format="text")
    decoded = decode_file(path)
    yield judge_text(decoded, report) if decoded else binary(report)


def decode_file(path: Path) -> Decoded | None:
    """Return the text of a file, or None if it is binary."""
    data = path.read_bytes()
    return None if looks_binary(data) else decode(data)


def binary(report: RawReport) -> RawReport:
    """Return `report` quarantined as binary."""
    return quarantine(report, "binary", "its bytes are no text in any encoding; leave it out, or give the text itself")
