"""What each line of a text is: an entry of the contents, a caption, a row of a table, a footnote, a tail of links."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cipin.reading.contents import find_contents
from cipin.reading.numbering import SURE, read_number
from cipin.reading.paragraphs import Paragraphs
from cipin.reading.report import LINE_KINDS
from cipin.reading.rows import is_row

#: What a line, and so a clause or hit in it, can be.
KINDS = (
    "body", "heading", "toc", "caption", "table_row", "footnote", "list_item", "boilerplate", "running_head",
)  # fmt: skip
BODY, HEADING, TOC, CAPTION, TABLE_ROW, FOOTNOTE, LIST_ITEM, BOILERPLATE, RUNNING_HEAD = range(len(KINDS))

#: Characters of a line that is more than a caption.
MOST_CHARS = 80

_OF_FORMAT = np.array(
    [RUNNING_HEAD if name in {"header", "footer"} else KINDS.index(name) for name in LINE_KINDS], np.uint8
)
_CAPTION = re.compile(
    r"(?:[图圖表]|附[图圖表]|figure|fig\.|table|chart|exhibit)\s*"
    r"(?:[\dA-Z一二三四五六七八九十]{1,3}(?:[-–—.．:：]\s?\d{1,3}){0,2})(?=[\s\u3000:：.、，\u3400-\u9fff]|$)",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:[注註](?:释|釋)?\s*\d{0,2}\s*[:：]|(?:资料|資料|数据|數據)?[来來]源\s*[:：]|notes?\s*[:：]|sources?\s*[:：])",
    re.IGNORECASE,
)
#: What they can begin with: most lines are told by one look.
_CAPTION_FIRST, _NOTE_FIRST = frozenset("图圖表附fFtTcCeE"), frozenset("注註资資数數来來源nNsS")
_NOTE_MARK = re.compile("[*※†‡①-⑳\u00b9\u00b2\u00b3\u2070-\u2079]|\\[\\d{1,3}\\]|\\d{1,3}(?=\\s|[\u3400-\u9fff])")
_ENDS = tuple("。！？；…")

#: What a page of the web ends with: once such a line comes late and no prose follows, the rest is boilerplate.
_TAIL = re.compile(
    r"(?:网址|網址|原文链接|原文網址|本文链接)\s*[:：]|(?:相关|相關|延伸|推荐|推薦|更多|热门|熱門|猜你)"
    r"(?:内容|內容|阅读|閱讀|推荐|推薦|新闻|新聞|文章|链接|連結|喜欢|报道|報導)|(?:责任编辑|責任編輯|责编|編輯|编辑)\s*[:：]"
    r"|(?:免责|免責|版权|版權|特别|郑重)声?[声聲]?明|上一篇|下一篇|打印本页|分享到|扫一扫|扫码|长按二维码"
    r"|copyright\b|©|disclaimer\b|related (?:articles|news|stories|content)|read more|all rights reserved",
    re.IGNORECASE,
)
#: Share of the text behind which a tail may begin, and the share of its lines that may be prose.
LATE, PROSE = 0.5, 0.2


def label_lines(paragraphs: Paragraphs, n_pages: int) -> NDArray[np.uint8]:
    """Return the kind of each line, uint8[n]: an index into KINDS; headings only where the format says so.

    n_pages   pages of the report, which no entry of its contents can exceed by far; 0: unknown
    """
    kinds = _OF_FORMAT[paragraphs.kind]
    rows = kinds == TABLE_ROW
    kinds[paragraphs.n_body :] = RUNNING_HEAD
    # As lists: an array takes 60 ns to be asked for one of its numbers, of which a report has thousands.
    plain = (kinds == BODY).tolist()
    small = (paragraphs.size < 0.9 * paragraphs.body).tolist() if paragraphs.is_set else None
    lines = paragraphs.lines[: paragraphs.n_body]
    told: list[int] = []
    for at, line in enumerate(lines):
        if not line or not plain[at]:
            continue
        first = line[0]
        if is_row(line):
            told.append(at)
        elif first in _CAPTION_FIRST and len(line) <= MOST_CHARS and _CAPTION.match(line) and not line.endswith(_ENDS):
            kinds[at] = CAPTION
        elif (first in _NOTE_FIRST and _NOTE.match(line)) or (small and small[at] and _NOTE_MARK.match(line)):
            kinds[at] = FOOTNOTE
    if told:
        kinds[_widen(told, lines, paragraphs)] = TABLE_ROW
        rows[told] = True
    kinds[find_contents(paragraphs, rows, n_pages) & (kinds != RUNNING_HEAD)] = TOC
    tail = _tail(paragraphs)
    if tail >= 0:
        kinds[tail : paragraphs.n_body] = BOILERPLATE
    return kinds


def is_body(line: str) -> bool:
    """Whether `label_lines` says of a line that is not empty, whose print is unknown, that it is body, and no tail."""
    first = line[0]
    return not (
        is_row(line)
        or (first in _CAPTION_FIRST and _CAPTION.match(line))
        or (first in _NOTE_FIRST and _NOTE.match(line))
        or _TAIL.match(line)
    )


def _widen(told: list[int], lines: list[str], paragraphs: Paragraphs) -> list[int]:
    """Return rows of a table with the short lines between two of a page: cells that were parted from them."""
    rows = list(told)
    for low, high in pairwise(told):
        between = range(low + 1, high)
        if (
            0 < len(between) <= 3
            and paragraphs.page[low] == paragraphs.page[high]
            and all(len(lines[each]) <= 25 and not lines[each].endswith(_ENDS) for each in between)
            and not any((number := read_number(lines[each])) and number.style in SURE for each in between)
        ):
            rows += between
    return rows


def _tail(paragraphs: Paragraphs) -> int:
    """Return the line at which a tail of boilerplate begins, or -1. Pages of a document have none."""
    if not paragraphs.n_body or paragraphs.page[0] >= 0:
        return -1
    length = int(paragraphs.start[paragraphs.n_body - 1]) + len(paragraphs.lines[paragraphs.n_body - 1])
    first = int(np.searchsorted(paragraphs.start, LATE * length))
    for at in range(first, paragraphs.n_body):
        line = paragraphs.lines[at]
        if _TAIL.match(line):
            rest = [each for each in paragraphs.lines[at + 1 : paragraphs.n_body] if each]
            if sum(each.endswith(_ENDS) for each in rest) <= PROSE * len(rest):
                return at
    return -1
