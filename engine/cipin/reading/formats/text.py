"""Plain text: a file is a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipin.reading.encoding import Decoded, decode, looks_binary
from cipin.reading.formats.listing import split_listing
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.formats.sniff import HEAD_BYTES
from cipin.reading.report import RawReport, Status
from cipin.reading.wrapped import wrapped_layout


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a text file, or one for each item of a listing page that was saved as text.

    Raises OSError if the file cannot be read.
    """
    report = RawReport(member="", text="", format="text")
    decoded = decode_file(path, report, options)
    if isinstance(decoded, RawReport):
        yield decoded
        return
    whole = judge_text(decoded, report)
    items = split_listing(whole.text) if whole.is_measured else []
    if not items:
        yield replace(whole, layout=wrapped_layout(whole.text)) if whole.is_measured else whole
    for number, item in enumerate(items, 1):
        status: Status = "teaser" if item.teaser else whole.status
        # The title is part of what an item says, as it is of any other report.
        said = f"{item.title}\n{whole.text[item.start : item.end]}"
        yield replace(whole, member=str(number), title=item.title, text=said, meta=dict(item.meta), status=status)


def read_bytes(path: Path, report: RawReport, options: ReadOptions, bytes_per_char: int = 4) -> bytes | RawReport:
    """Return the bytes of a text, or `report` quarantined as binary or as too large, without reading it all.

    bytes_per_char   what a character takes at most, markup around it included
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if looks_binary(head[: len(head) // 4 * 4] if size > HEAD_BYTES else head):
            return binary(report)
        if size > bytes_per_char * options.max_chars:
            what = (
                f"it has {size:,} bytes, and a text of at most {options.max_chars:,} characters is read as one report"
            )
            return quarantine(report, "too_large", f"{what}; split it, or raise --max-chars")
        data = head + file.read()
    return binary(report) if looks_binary(data) else data


def decode_file(path: Path, report: RawReport, options: ReadOptions) -> Decoded | RawReport:
    """Return the text of a file, or `report` quarantined as binary or as too large."""
    data = read_bytes(path, report, options)
    return data if isinstance(data, RawReport) else decode(data)


def binary(report: RawReport) -> RawReport:
    """Return `report` quarantined as binary."""
    return quarantine(report, "binary", "its bytes are no text in any encoding; leave it out, or give the text itself")
