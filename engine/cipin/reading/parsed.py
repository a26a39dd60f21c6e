"""What bytes and engine alone decide of a report: what was read, repaired and told apart, before lexicon or entity."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipin.reading import layout, running_text
from cipin.reading.clean import Clean
from cipin.reading.formats.outcome import clean_surrogates, quarantine
from cipin.reading.layout import repair_layout, repair_text
from cipin.reading.quality import PAGE_FLAGS, judge_quality, page_ranges
from cipin.reading.report import Layout, OutlineEntry, RawReport
from cipin.reading.running_text import repair_running_text
from cipin.reading.structure import Structure, find_structure

#: Every repair.
REPAIRS = tuple(dict.fromkeys((*layout.REPAIRS, *running_text.REPAIRS)))


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A report that was read and repaired.

    raw         what its format handed on, with the flags of quality; of its layout the pages and the outline
    clean       the repaired text and its map, where the format has a layout, or there was a character to repair
    structure   its sections and the kinds of its lines, where it has more than one line
    digest      hash of the raw text; "" unless it was measured
    page_flags  the pages of each flag of quality that any has, from 1: {"garbled": "3-7,12"}
    data        the text in UTF-8, where it is at hand: encoding 200 MB takes half a second
    """

    raw: RawReport
    clean: Clean | None = None
    structure: Structure | None = None
    digest: str = ""
    page_flags: Mapping[str, str] = field(default_factory=dict)
    data: bytes | memoryview = b""

    @property
    def text(self) -> str:
        """The text that is segmented and matched, and that offsets count."""
        return self.clean.text if self.clean else self.raw.text

    @property
    def utf8(self) -> bytes | memoryview:
        """The same as bytes."""
        return self.data or self.text.encode()


def parse(raw: RawReport, off: Collection[str] = (), *, doubled: bool = True) -> Parsed:
    """Repair what a format handed on, all but the repairs named in `off`; what was not read stays as it is.

    doubled   False: it is known that nothing in its text was printed twice (`cipin.reading.doubled.may_be_doubled`)

    >>> parse(RawReport("", "推进数字化转型", "text")).text
    '推进数字化转型'
    """
    seen = raw.page_flags
    raw = _storable(raw)
    pages = {name: page_ranges(seen[name]) for name in PAGE_FLAGS if name in seen} if seen else {}
    if not raw.is_measured:
        return Parsed(raw, page_flags=pages)
    clean = repair_layout(raw.text, raw.layout, off) if raw.layout else repair_text(raw.text, off)
    if not doubled and clean is None:
        off = (*off, "overprint")
    clean = repair_running_text(clean.text if clean else raw.text, clean, off, raw.layout)
    if raw.layout and clean:
        quality = judge_quality(raw.text, clean, raw.layout, seen)
        pages = {name: page_ranges(of_flag) for name, of_flag in quality.pages.items()}
        raw = replace(raw, flags=tuple(dict.fromkeys((*raw.flags, *quality.flags))))
        if quality.unreadable:
            raw = quarantine(raw, quality.unreadable, quality.message)
            return Parsed(replace(raw, layout=_without_lines(raw.layout)), page_flags=pages)
    text = clean.text if clean else raw.text
    structure = find_structure(raw, text, clean)
    data = text.encode()
    digest = hashlib.blake2b(data if text == raw.text else raw.text.encode(), digest_size=12).hexdigest()
    if raw.layout:
        raw = replace(raw, layout=_without_lines(raw.layout))
    return Parsed(raw, clean, structure, digest, pages, data)


def _storable(raw: RawReport) -> RawReport:
    """Return `raw` without what cannot be stored: lone surrogates, values that are not JSON, pages by their flags."""
    if not raw.page_flags and _is_storable(raw):
        return raw
    changed: dict[str, Any] = {
        name: clean
        for name in ("member", "title", "message")
        if (said := getattr(raw, name)) and (clean := clean_surrogates(said)) is not said
    }
    meta = {clean_surrogates(str(name)): _plain(value) for name, value in raw.meta.items()}
    if meta != raw.meta:
        changed["meta"] = meta
    if raw.page_flags:
        changed["page_flags"] = {}
    # A copy takes 8 us, of 240 for a report of 300 characters.
    return replace(raw, **changed) if changed else raw


def _is_storable(raw: RawReport) -> bool:
    """Whether nothing of it need be changed, as of most; said of it as a whole, which takes a third of the time."""
    said = [raw.member, raw.title, raw.message]
    for name, value in raw.meta.items():
        if type(name) is not str:
            return False
        said.append(name)
        if type(value) is str:
            said.append(value)
        elif value is not None and type(value) not in {bool, int, float}:
            return False
    try:
        "".join(said).encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: object) -> object:
    """Return a value of a column as one that JSON gives back as it is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean_surrogates(str(value))


def _without_lines(layout: Layout | None) -> Layout | None:
    return only_pages(layout.page_start, layout.page_size, layout.outline) if layout else None


def only_pages(
    page_start: NDArray[np.int64], page_size: NDArray[np.float32], outline: tuple[OutlineEntry, ...]
) -> Layout:
    """Return a layout of pages and outline alone.

    A report of 200 pages has 10,000 lines: nothing behind `parse` asks for them, and they would be stored with it.
    """
    none = np.zeros(0, np.int64)
    return Layout(
        page_start=page_start,
        page_size=page_size,
        line_start=none,
        line_end=none,
        line_page=none.astype(np.int32),
        line_box=np.zeros((0, 4), np.float32),
        line_size=none.astype(np.float32),
        line_bold=none.astype(np.bool_),
        line_kind=none.astype(np.uint8),
        line_level=none.astype(np.uint8),
        generated=none.astype(np.bool_),
        outline=outline,
    )
