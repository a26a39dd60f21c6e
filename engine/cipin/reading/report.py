"""What a format hands on: one report, read or not, never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["measured", "teaser", "dropped", "quarantined"]
#: As schema.MEASURED, which a parser's child must not import: Arrow's allocator begins with 1 GB there.
MEASURED: tuple[Status, ...] = ("measured", "teaser")


#: What a line is, where its format says so.
LINE_KINDS = ("body", "heading", "table_row", "caption", "footnote", "header", "footer", "list_item")


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A bookmark of the document: its level from 1, its title, and the page it points to (0: the first; -1: none)."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the raw text of a report stands: its pages and lines.

    Offsets are code points in the raw text, half-open. Every page's text ends in a line end; lines do not hold theirs.

    page_start  int64[n_pages + 1]     where each page's text begins; page_start[-1] is the length of the text
    page_size   float32[n_pages, 2]    width and height in points; NaN where the format has no pages
    line_start, line_end  int64[n_lines]
    line_page   int32[n_lines]         page of the line, from 0
    line_box    float32[n_lines, 4]    left, bottom, right, top in points from the page's lower left; NaN: unknown
    line_size   float32[n_lines]       median font size in points; NaN: unknown
    line_bold   bool[n_lines]          most of it in a bold or heavy font
    line_kind   uint8[n_lines]         index into LINE_KINDS; 0 where the format does not say
    line_level  uint8[n_lines]         level of a heading, from 1, where the format says it; else 0
    generated   bool[n_chars]          a blank or line end that the file does not hold, put in for a gap
    outline     bookmarks, in order
    narrow      int64[n]               generated blanks between Chinese characters that stand as close as spaced letters
    """

    page_start: NDArray[np.int64]
    page_size: NDArray[np.float32]
    line_start: NDArray[np.int64]
    line_end: NDArray[np.int64]
    line_page: NDArray[np.int32]
    line_box: NDArray[np.float32]
    line_size: NDArray[np.float32]
    line_bold: NDArray[np.bool_]
    line_kind: NDArray[np.uint8]
    line_level: NDArray[np.uint8]
    generated: NDArray[np.bool_]
    outline: tuple[OutlineEntry, ...] = ()
    narrow: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def has_pages(self) -> bool:
        """Whether the format has pages, which hits can be followed back to."""
        return not bool(np.isnan(self.page_size).any())


@dataclass(frozen=True, slots=True)
class RawReport:
    """One report as a format module yields it.

    member      where in its source it stands: "" for a file that is one report, else a row or line number
    text        the text, in Unicode; "" unless it is measured
    format      name of the format that read it: "text", "markdown", "jsonl", "parquet", "arrow", "csv"
    encoding    encoding that the bytes were decoded from; "" where the format fixes it
    meta        columns of the source other than the text, as they stood there (str, int, float, bool or None)
    layout      pages and lines of the text, where the format has them
    flags       names of what is doubtful about the text, such as "replaced_bytes"
    status      "measured"; "teaser": measured, but only the beginning of a text that stands elsewhere;
                "dropped": nothing to measure, for the named reason; "quarantined": could not be read
    reason      "" or a short word that can be grouped by: "empty", "null_text", "binary", "undecodable",
                "unsupported", "malformed", "truncated", "unreadable", "too_large", "encrypted"; of a member of an
                archive also "unsafe_path", "link", "device", "ratio", "depth"; of a parser that had to be ended
                "timeout", "memory", "crash"
    message     one sentence for a person: what happened and what to do
    page_flags  pages, from 1, of what the format saw of them: "needs_ocr" (a picture and no text), "picture" (one with
                few characters), "map_errors" (lines that the file does not map to Unicode)
    """

    member: str
    text: str
    format: str
    encoding: str = ""
    title: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    layout: Layout | None = None
    status: Status = "measured"
    reason: str = ""
    message: str = ""
    page_flags: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def with_text(self, text: str, encoding: str, flags: tuple[str, ...]) -> RawReport:
        """Return it with a text and how that was decoded; dataclasses.replace takes 8 us, this 2."""
        return RawReport(
            self.member, text, self.format, encoding, self.title, self.meta, flags, self.layout, self.status,
            self.reason, self.message, self.page_flags,
        )  # fmt: skip

    @property
    def is_measured(self) -> bool:
        """Whether there is a text to be measured, whole or only a beginning."""
        return self.status in MEASURED
