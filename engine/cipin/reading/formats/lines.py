"""Lines of a format without pages → the raw text, and what each line is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cipin.reading.report import LINE_KINDS, Layout

BODY: Final = LINE_KINDS.index("body")
HEADING: Final = LINE_KINDS.index("heading")
TABLE_ROW: Final = LINE_KINDS.index("table_row")
CAPTION: Final = LINE_KINDS.index("caption")
FOOTNOTE: Final = LINE_KINDS.index("footnote")
HEADER: Final = LINE_KINDS.index("header")
FOOTER: Final = LINE_KINDS.index("footer")
LIST_ITEM: Final = LINE_KINDS.index("list_item")

#: Levels are stored in a byte, and no outline is deeper.
_DEEPEST = 255


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; `kind` is an index into `LINE_KINDS`, `level` that of a heading, from 1."""

    text: str
    kind: int = BODY
    level: int = 0
    bold: bool = False


def compose(lines: Sequence[Line]) -> tuple[str, Layout]:
    r"""Return the text of `lines`, each ended by a line feed, and its layout: one page of unknown size.

    >>> text, layout = compose([Line("第一章 总则", HEADING, 1), Line("本行加快数字化转型。")])
    >>> text, layout.line_start.tolist(), layout.line_level.tolist()
    ('第一章 总则\n本行加快数字化转型。\n', [0, 7], [1, 0])
    """
    text = "".join(f"{line.text}\n" for line in lines)
    lengths = np.fromiter((len(line.text) for line in lines), dtype=np.int64, count=len(lines))
    ends = np.cumsum(lengths + 1) - 1
    return text, Layout(
        page_start=np.array([0, len(text)], dtype=np.int64),
        page_size=np.full((1, 2), np.nan, dtype=np.float32),
        line_start=ends - lengths,
        line_end=ends,
        line_page=np.zeros(len(lines), dtype=np.int32),
        line_box=np.full((len(lines), 4), np.nan, dtype=np.float32),
        line_size=np.full(len(lines), np.nan, dtype=np.float32),
        line_bold=np.fromiter((line.bold for line in lines), dtype=np.bool_, count=len(lines)),
        line_kind=np.fromiter((line.kind for line in lines), dtype=np.uint8, count=len(lines)),
        line_level=np.fromiter((min(line.level, _DEEPEST) for line in lines), dtype=np.uint8, count=len(lines)),
        generated=np.zeros(len(text), dtype=np.bool_),
    )
