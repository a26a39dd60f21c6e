"""Lines of the clean text as structure is found in them: what each says, and how it was set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipin.reading.clean import Clean
from cipin.reading.report import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Paragraphs:
    """Lines of a clean text: paragraphs, where its layout was repaired.

    lines   the lines, without white space at their ends
    start   int64[n]      clean offset of each line, before that white space
    n_body  lines of the text proper; those behind are running heads
    page    int32[n]      page from 0; -1 where there are none
    size    float32[n]    font size in points; NaN: unknown
    bold    bool[n]
    kind    uint8[n]      what the format says it is: an index into LINE_KINDS
    level   uint8[n]      level of a heading, where the format says it; else 0
    body    font size of most of the text; NaN: unknown
    """

    lines: list[str]
    start: NDArray[np.int64]
    n_body: int
    page: NDArray[np.int32]
    size: NDArray[np.float32]
    bold: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    level: NDArray[np.uint8]
    body: float

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def is_set(self) -> bool:
        """Whether it is known how the lines were set: their sizes tell headings."""
        return self.body == self.body


def find_paragraphs(text: str, clean: Clean | None, layout: Layout | None) -> Paragraphs:
    """Return the lines of `text`, the clean text of a report with this `layout`."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    n = len(lines)
    lengths = np.fromiter(map(len, lines), np.int64, n)
    start = np.zeros(n, np.int64)
    np.cumsum(lengths[:-1] + 1, out=start[1:])
    lines = [line.strip() for line in lines]
    n_body = int(np.searchsorted(start, clean.aside)) if clean else n
    if clean is None or layout is None or not len(layout.line_start) or not n:
        blank = np.zeros(n, np.uint8)
        unknown = np.full(n, np.nan, np.float32)
        page = np.full(n, -1, np.int32)
        return Paragraphs(lines, start, n_body, page, unknown, np.zeros(n, np.bool_), blank, blank, float("nan"))
    line = np.searchsorted(layout.line_start, clean.raw(start), side="right") - 1
    line = np.clip(line, 0, len(layout.line_start) - 1)
    size = layout.line_size[line]
    page = layout.line_page[line] if layout.has_pages else np.full(n, -1, np.int32)
    weight = np.where(np.isnan(size[:n_body]), 0, lengths[:n_body])
    body = float("nan")
    if weight.sum():
        # The size that most characters have, in half points.
        halves = np.rint(np.nan_to_num(size[:n_body]) * 2).astype(np.int64)
        body = float(np.bincount(np.clip(halves, 0, 400), weights=weight).argmax()) / 2
    return Paragraphs(
        lines, start, n_body, page, size, layout.line_bold[line], layout.line_kind[line], layout.line_level[line], body
    )
