"""What each line of a text is: an entry of the contents, a caption, a row of a table, a footnote, a tail of links."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cipin.reading.numbering import SURE, read_number
from cipin.reading.paragraphs import Paragraphs
from cipin.reading.report import LINE_KINDS

#: What a line, and so a clause or hit in it, can be.
KINDS = (
    "body", "heading", "toc", "caption", "table_row", "footnote", "list_item", "boilerplate", "running_head",
)  # fmt: skip
BODY, HEADING, TOC, CAPTION, TABLE_ROW, FOOTNOTE, LIST_ITEM, BOILERPLATE, RUNNING_HEAD = range(len(KINDS))

#: Entries that make a table of contents, and lines between two of them that may be no entry (a title that runs on).
LEAST_ENTRIES, MOST_BETWEEN = 3, 3
#: What no page of a report is, and a column of years begins with.
FIRST_YEAR = 1900
#: Characters of a line that is more than an entry, a caption, a heading.
MOST_CHARS = 80

_OF_FORMAT = np.array(
    [RUNNING_HEAD if name in {"header", "footer"} else KINDS.index(name) for name in LINE_KINDS], np.uint8
)
_ENTRY = re.compile(
    r"(?P<title>.*?[^\W\d].*?)(?P<leader>[\s.·…．•‥_\-—–]*?(?:\t|[.·…．•‥_]{2,}|[\-—–]{3,}|\s)[\s.·…．•‥_\-—–]*)"
    r"[(（]?(?P<page>\d{1,4})(?:\s*[-–—~至]\s*\d{1,4})?[)）]?"
)
_LAST = re.compile(r"[\s.·…．•‥_\-—–](?:[(（]?\d{1,4})(?:\s*[-–—~至]\s*\d{1,4})?[)）]?$")  # what every entry ends with
_LEADER = re.compile(r"[.·…．•‥_]{3,}|[\-—–]{3,}")
_CONTENTS = re.compile(r"(?:目[\s\u3000]*[录錄次]|(?:table\s+of\s+)?contents)", re.IGNORECASE)
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
_NUMBER = re.compile(r"[(（+\-−–—]?[\d,.，]*\d[\d,.，]*[%％)）]*|[-—–/]|不适用|不適用|n/?a|[¥$￥]", re.IGNORECASE)
#: What a number ends with.
_NUMBER_LAST = frozenset("0123456789０１２３４５６７８９,.，%％)）-—–/用aA¥$￥")

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
    kinds[paragraphs.n_body :] = RUNNING_HEAD
    plain = kinds == BODY
    lines = paragraphs.lines[: paragraphs.n_body]
    rows = np.zeros(len(kinds), np.bool_)
    for at, line in enumerate(lines):
        if not plain[at] or not line:
            continue
        first = line[0]
        if _is_row(line):
            rows[at] = True
        elif first in _CAPTION_FIRST and len(line) <= MOST_CHARS and _CAPTION.match(line) and not line.endswith(_ENDS):
            kinds[at] = CAPTION
        elif (first in _NOTE_FIRST and _NOTE.match(line)) or (_is_small(paragraphs, at) and _NOTE_MARK.match(line)):
            kinds[at] = FOOTNOTE
    kinds[_widen(rows, lines, paragraphs)] = TABLE_ROW
    rows |= _OF_FORMAT[paragraphs.kind] == TABLE_ROW
    kinds[_contents(paragraphs, rows, n_pages) & (kinds != RUNNING_HEAD)] = TOC
    tail = _tail(paragraphs)
    if tail >= 0:
        kinds[tail : paragraphs.n_body] = BOILERPLATE
    return kinds


def _is_small(paragraphs: Paragraphs, at: int) -> bool:
    return bool(paragraphs.size[at] < 0.9 * paragraphs.body)


def _is_row(line: str) -> bool:
    """Whether a line is a row of a table: cells parted by tabs or pipes, or by blanks and half of them numbers."""
    if " " not in line and "\t" not in line and "|" not in line and "\u3000" not in line:
        return False
    if line.count("\t") >= 2:
        return True
    if line[0] == "|" and line.count("|") >= 3:
        return True
    cells = line.split()
    if len(cells) < 3:
        return False
    return 2 * sum(cell[-1] in _NUMBER_LAST and _NUMBER.fullmatch(cell) is not None for cell in cells) >= len(cells)


def _widen(rows: NDArray[np.bool_], lines: list[str], paragraphs: Paragraphs) -> NDArray[np.bool_]:
    """Take short lines between two rows of a page as cells that were parted from them."""
    rows = rows.copy()
    at = np.flatnonzero(rows)
    for low, high in zip(at.tolist(), at[1:].tolist(), strict=False):
        between = range(low + 1, high)
        if (
            0 < len(between) <= 3
            and paragraphs.page[low] == paragraphs.page[high]
            and all(len(lines[each]) <= 25 and not lines[each].endswith(_ENDS) for each in between)
            and not any((number := read_number(lines[each])) and number.style in SURE for each in between)
        ):
            rows[low + 1 : high] = True
    return rows


def _contents(paragraphs: Paragraphs, rows: NDArray[np.bool_], n_pages: int) -> NDArray[np.bool_]:
    """Whether each line is part of a table of contents: entries whose page numbers rise, and what stands between."""
    found = np.zeros(len(paragraphs), np.bool_)
    most = 2 * n_pages + 20 if n_pages else 10_000
    run: list[tuple[int, int]] = []  # line, page
    leaders, tabs, headed, last_title = 0, 0, -1, -1000

    def close() -> None:
        # Blanks alone part the cells of tables, too: then a title or numbers of headings must say what it is.
        numbered = sum(read_number(paragraphs.lines[line]) is not None for line, _ in run)
        # So do tabs, which with numbers need fewer entries; and a column of years is none of pages.
        listed = (len(run) >= 6 or 2 * tabs >= len(run)) and 4 * numbered >= 3 * len(run)
        sure = headed >= 0 or ((2 * leaders >= len(run) or listed) and run[0][1] < FIRST_YEAR) if run else False
        if len(run) >= LEAST_ENTRIES and sure and run[-1][1] > run[0][1]:
            found[headed if headed >= 0 else run[0][0] : run[-1][0] + 1] = True

    def is_quiet(low: int, high: int) -> bool:
        return all(len(each) <= 40 and not each.endswith(_ENDS) for each in paragraphs.lines[low:high])

    filled = 0  # lines that are not empty, since the last entry
    for at, line in enumerate(paragraphs.lines[: paragraphs.n_body]):
        if not line:
            continue
        if is_contents(line):
            last_title = at
        titled = 0 <= at - last_title <= 200
        may_be = (
            line[-1] in "0123456789)）"
            and (titled or not rows[at])
            and len(line) <= 3 * MOST_CHARS
            and _LAST.search(line[-16:])
        )
        entry = _ENTRY.fullmatch(line) if may_be else None
        page = int(entry["page"]) if entry else -1
        if entry and page <= most and len(entry["title"].strip(" .·…")) <= MOST_CHARS:
            if run and (page < run[-1][1] or filled > MOST_BETWEEN):
                close()
                run, leaders, tabs, headed = [], 0, 0, -1
            if not run and 0 <= at - last_title <= 12 and is_quiet(last_title, at):
                headed = last_title
            run.append((at, page))
            # The tab between two cells leads to no page: a table whose numbers rise (云计算, 12; 区块链, 20) is none.
            leaders += not rows[at] and _LEADER.search(entry["leader"]) is not None
            tabs += not rows[at] and "\t" in entry["leader"]
            filled = 0
        else:
            filled += 1
    close()
    return found


def is_contents(line: str) -> bool:
    """Whether a line is the title of a table of contents.

    >>> is_contents("目  录"), is_contents("Contents"), is_contents("目录下的文件")
    (True, True, False)
    """
    return len(line) <= 20 and _CONTENTS.fullmatch(line) is not None


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
