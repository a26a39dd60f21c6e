"""A report as far as its bytes and the engine decide it, whatever lexicon it is then measured with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from cipin.reading.layout import Clean, repair_layout
from cipin.reading.quality import quality_flags
from cipin.reading.report import RawReport
from cipin.reading.structure import Structure, find_structure


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A report that was read and repaired.

    raw         what its format handed on, with the flags of quality
    clean       the repaired text and its map, where the format has a layout
    structure   its sections and the kinds of its lines, where it has more than one line
    """

    raw: RawReport
    clean: Clean | None = None
    structure: Structure | None = None

    @property
    def text(self) -> str:
        """The text that is segmented and matched, and that offsets count."""
        return self.clean.text if self.clean else self.raw.text


def parse(raw: RawReport, off: Collection[str] = ()) -> Parsed:
    """Repair a report that was read, all but the repairs named in `off`.

    >>> parse(RawReport("", "推进数字化转型", "text")).text
    '推进数字化转型'
    """
    if raw.status != "measured":
        return Parsed(raw)
    clean = None
    if raw.layout:
        clean = repair_layout(raw.text, raw.layout, off)
        raw = replace(raw, flags=(*raw.flags, *quality_flags(clean.text[: clean.aside])))
    return Parsed(raw, clean, find_structure(raw, clean.text if clean else raw.text, clean))
