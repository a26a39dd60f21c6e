"""Plain text: a file is a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipin.reading.encoding import Decoded, decode, looks_binary
from cipin.reading.formats.listing import split_listing
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.report import RawReport
from cipin.reading.wrapped import wrapped_layout


def read(path: Path, _options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a text file, or one for each item of a listing page that was saved as text.

    Raises OSError if the file cannot be read.
    """
    report = RawReport(member="", text="", format="text")
    decoded = decode_file(path)
    if not decoded:
        yield binary(report)
        return
    whole = judge_text(decoded, report)
    items = split_listing(whole.text) if whole.status == "measured" else []
    if not items:
        yield replace(whole, layout=wrapped_layout(whole.text)) if whole.status == "measured" else whole
    for number, item in enumerate(items, 1):
        flags = (*whole.flags, "teaser") if item.teaser else whole.flags
        # The title is part of what an item says, as it is of any other report.
        said = f"{item.title}\n{whole.text[item.start : item.end]}"
        yield replace(whole, member=str(number), title=item.title, text=said, meta=dict(item.meta), flags=flags)


def decode_file(path: Path) -> Decoded | None:
    """Return the text of a file, or None if it is binary."""
    data = path.read_bytes()
    return None if looks_binary(data) else decode(data)


def binary(report: RawReport) -> RawReport:
    """Return `report` quarantined as binary."""
    return quarantine(report, "binary", "its bytes are no text in any encoding; leave it out, or give the text itself")
