"""Listing pages: many documents in one, each with a title, a body or the beginning of one, and what is said about it.

`split_listing` finds the items of a page saved as text; `find_cards` those of an HTML page. Both ask for at least
`FEWEST` items built alike, for a report's own lists and dates must not be taken for documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final

#: Fewer items than this are no listing.
FEWEST: Final = 5

#: A title has at most so many characters.
LONGEST_TITLE: Final = 120

#: What stands before the first and behind the last item of a page: menus, numbers of further pages.
_FRAME_CHARS = 2000
_FRAME_SHARE = 0.1

#: Shapes that are tried, the most frequent ones.
_MOST_SHAPES = 20
_LONGEST_META = 160
_LONGEST_SAID = 40
_LONGEST_MORE = 20
#: A body of fewer characters for each stated page is not the whole document; full texts had 240 and more.
_CHARS_PER_PAGE = 50
#: A body of more characters is no teaser, whatever its end.
_LONGEST_TEASER = 600
#: Bodies cut at a length differ by the blanks in them.
_CUT_SPREAD = 12

_DATE = (
    r"(?P<year>(?:19|20)\d\d)\s?(?:[-/.]\s?(?P<month>\d{1,2})\s?[-/.]\s?(?P<day>\d{1,2})"
    r"|年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日?)(?!\d)"
)
DATE: Final = re.compile(rf"(?<!\d){_DATE}")
_MOMENT = re.compile(rf"{_DATE}\s+\d\d:\d\d(?::\d\d)?")
#: What makes a line with a date one about an item; a table of meetings has dates and 时间 in its head, too.
_SAID = re.compile(
    rf"(?:发布|发表|更新|上传|公布|刊登)(?:时间|日期|于)?\s?[:：]?\s?{_DATE}|(?:时间|日期|来源|作者)\s?[:：]"
    r"|(?:浏览|阅读|点击|下载|评论)[量数次]{0,2}\s?[:：]?\s?[(（]?\d|\d\s?(?:次|人|)(?:浏览|阅读|点击|下载|评论)|views|posted",
    re.IGNORECASE,
)
_PAGES = re.compile(r"(?<!\d)(\d{1,5})\s?(?:页|頁|P\b|pages\b)", re.IGNORECASE)
_VIEWS = re.compile(r"(?:浏览|阅读|查看|点击|阅览)[量数次]{0,2}\s?[:：]?\s?[(（]?(\d[\d,]*(?:\.\d+)?)\s?(万)?")
_SOURCE = re.compile(r"(?:来源|来自|发布机构|发布者|机构)\s?[:：]\s?([^\s|,，;；]{2,30})")
_AUTHOR = re.compile(r"(?:作者|撰稿|记者)\s?[:：]\s?([^\s|,，;；]{2,30})")
#: Words of the line that says when and where an item appeared; their order is the line's shape.
_LABEL = re.compile(
    r"浏览|阅读|查看|点击|下载|评论|点赞|收藏|发布|时间|日期|来源|作者|机构|推荐|标签|格式"
    r"|大小|页|頁|views?|pages?|posted|source|author",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://\S+")
_MORE = re.compile(
    r"[\[【<（(]*(?:(?:阅读|查看|展开)(?:全文|更多|详情)|详细|详情|更多|全文|(?:read )?more)[\]】>）)\u00bb\u203a\s]*$",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(r"(?:\u2026|\.{3}|。{3})\s*$")
_END = re.compile(r"[。！？!?][\u201d\u2019」』）)》]*\s*$")
#: So many characters show how a text ends.
_TAIL = 40
_MARKER = re.compile(
    r"\s*(?:(?P<bullet>[\u2022\u00b7\u25cf\u25cb\u25aa\u25a0\u25c6\u2023*+\u2219\uf0b7-])\s"
    r"|(?P<number>\d{1,4})\s?[.、．)）]\s?(?=\D)|(?P<bracket>[\[【(（]\d{1,4}[\]】)）]))"
)
_ENDING = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?|html?|txt)$", re.IGNORECASE)
_PUBLISHER = re.compile(r"^([^:：\s]{2,12})[:：](?=\S{4})")
#: What a title begins with that is no publisher: 银行业：…, 行业深度报告：….
_SUBJECT = re.compile(r"(?:业|报告|专题|深度|周报|月报|点评|解读|系列|板块|公告|通知)$")


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a listing.

    title   without its bullet or number
    start, end   its body in the page's text, half-open, in code points
    meta    "pages", "views", "published" (ISO date), "publisher", "author", as far as they are said
    teaser  the body is only a beginning
    """

    title: str
    start: int
    end: int
    meta: Mapping[str, object] = field(default_factory=dict)
    teaser: bool = False


@dataclass(frozen=True, slots=True)
class _TextLine:
    start: int
    text: str  # without blanks around it

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def split_listing(text: str) -> list[Item]:
    r"""Return the items of a listing page that was saved as text, in order; nothing if it is no listing.

    Each item is a title line, lines of text, and a line of the same shape in every item that says when it appeared
    (`浏览量12 发布时间2023-11-06`), before or behind the text.

    >>> item = "• 第{}份银行业研究报告\n本行加快数字化转型，云计算投入持续增长。\n发布时间：2023-11-0{}\n"
    >>> page = "".join(item.format(n, n) for n in range(1, 6))
    >>> [(item.title, page[item.start : item.end]) for item in split_listing(page)][4]
    ('第5份银行业研究报告', '本行加快数字化转型，云计算投入持续增长。')
    """
    # Of one text in a hundred more is needed than this.
    shapes = _anchor_lines([line for each in text.splitlines() if (line := each.strip())])
    if not shapes:
        return []
    lines = _text_lines(text)
    best: list[Item] = []
    for anchors in shapes:
        for items in (_items_before(lines, anchors), _items_behind(lines, anchors)):
            if len(items) > len(best) and _fills(text, items):
                best = items
    return mark_teasers(best, text)


def is_said(line: str) -> bool:
    """Tell whether a line says something about an item, and is no part of its text.

    >>> is_said("浏览量12 发布时间2023-11-06"), is_said("2023年11月6日，本行发布时间表。")
    (True, False)
    """
    return bool(_shape(line)) or (len(line) <= _LONGEST_SAID and _VIEWS.search(line) is not None)


def read_meta(title: str, said: str) -> dict[str, object]:
    """Return what an item's title and the line about it say: pages, views, published, publisher, author.

    >>> read_meta("平安银行:私人银行投资策略报告(52页).pdf", "浏览量20人已浏览 发布时间2023-10-12 52页")
    {'published': '2023-10-12', 'pages': 52, 'views': 20, 'publisher': '平安银行'}
    """
    meta: dict[str, object] = {}
    if published := find_date(said):
        meta["published"] = published
    if pages := _PAGES.search(title) or _PAGES.search(said):
        meta["pages"] = int(pages.group(1))
    if views := _VIEWS.search(said):
        meta["views"] = round(float(views.group(1).replace(",", "")) * (10_000 if views.group(2) else 1))
    if source := _SOURCE.search(said):
        meta["publisher"] = source.group(1)
    elif (prefix := _PUBLISHER.search(title)) and not _SUBJECT.search(prefix.group(1)):
        meta["publisher"] = prefix.group(1)
    if author := _AUTHOR.search(said):
        meta["author"] = author.group(1)
    return meta


def find_date(text: str) -> str:
    """Return the first date in `text` in ISO form, or "".

    >>> find_date("发布时间：2023年3月5日"), find_date("2023.13.45")
    ('2023-03-05', '')
    """
    for match in DATE.finditer(text):
        month, day = int(match["month"] or match["m"]), int(match["day"] or match["d"])
        if 1 <= month <= 12 and 1 <= day <= 31:
            return f"{match['year']}-{month:02}-{day:02}"
    return ""


def mark_teasers(items: Sequence[Item], text: str) -> list[Item]:
    """Return `items`, marked as teasers where the body in `text` is cut.

    It is where it ends in an ellipsis or in 阅读全文, where it is too short for the pages stated, and where it ends
    without a full stop at the length at which others end so.
    """
    bodies = [text[item.start : item.end].strip() for item in items]
    lengths = Counter(len(body) for body in bodies if len(body) <= _LONGEST_TEASER and not _END.search(body[-_TAIL:]))
    cuts = {
        length
        for length in lengths
        if sum(lengths[length + off] for off in range(-_CUT_SPREAD, _CUT_SPREAD + 1)) >= FEWEST
    }
    marked = []
    for item, body in zip(items, bodies, strict=True):
        pages = item.meta.get("pages")
        tail = body[-_TAIL:]
        cut = (
            _ELLIPSIS.search(tail) is not None
            or _MORE.search(tail) is not None
            or (isinstance(pages, int) and len(body) < _CHARS_PER_PAGE * pages)
            or (not _END.search(tail) and len(body) in cuts)
        )
        marked.append(replace(item, teaser=item.teaser or cut))
    return marked


def clean_title(title: str) -> str:
    """Return a title without its bullet or number.

    >>> clean_title("  • 银行业展望报告(46页).pdf")
    '银行业展望报告(46页).pdf'
    """
    marker = _MARKER.match(title)
    return title[marker.end() :].strip() if marker else title.strip()


def _text_lines(text: str) -> list[_TextLine]:
    lines, start = [], 0
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if stripped:
            lines.append(_TextLine(start + len(line) - len(line.lstrip()), stripped))
        start += len(line)
    return lines


def _fills(text: str, items: Sequence[Item]) -> bool:
    """Tell whether `items` are the page and not a table in a report: little stands before and behind them."""
    allowed = max(_FRAME_CHARS, _FRAME_SHARE * len(text))
    return items[0].start <= allowed and len(text) - items[-1].end <= allowed


def _anchor_lines(lines: Sequence[str]) -> list[list[int]]:
    """Return the numbers of lines that look alike and may end or follow an item's text, one list a shape."""
    shapes: dict[tuple[str, ...], list[int]] = {}
    for number, line in enumerate(lines):
        # Nine lines in ten are told by one look, of a report of 300 lines in 0.1 ms less.
        if len(line) > _LONGEST_MORE and "20" not in line and "19" not in line:
            continue
        shape = _shape(line)
        if shape:
            shapes.setdefault(shape, []).append(number)
    # Items differ in what is said about them: the label 来源 or 作者 may be missing.
    unique: dict[tuple[int, ...], list[int]] = {}
    for shape in sorted(shapes, key=lambda each: len(shapes[each]), reverse=True)[:_MOST_SHAPES]:
        numbers = sorted(number for other, found in shapes.items() if set(shape) <= set(other) for number in found)
        if len(numbers) >= FEWEST:
            unique[tuple(numbers)] = numbers
    return list(unique.values())


def _shape(line: str) -> tuple[str, ...]:
    """Return the labels of a line that says when an item appeared, or () if it is none."""
    if len(line) > 2 * _LONGEST_META:
        return ()
    if "http" in line:
        # A date inside an address says nothing about the item.
        line = _ADDRESS.sub("", line)
    if len(line) > _LONGEST_META:
        return ()
    if len(line) <= _LONGEST_MORE and _MORE.match(line):
        return ("more",)
    if "19" not in line and "20" not in line:
        return ()
    date = DATE.search(line)
    if not date:
        return ()
    bare = line.strip("[]【】()（） \t")
    if date.group() == bare or _MOMENT.fullmatch(bare):
        return ("date",)
    # A sentence may hold a date and such a word; what is said about an item has no clauses.
    if not _SAID.search(line) or re.search("[。，；]", line):
        return ()
    return ("date", *dict.fromkeys(label.lower() for label in _LABEL.findall(line)))


def _items_before(lines: Sequence[_TextLine], anchors: Sequence[int]) -> list[Item]:
    """Items of the form title, text, anchor."""
    spans, previous = [], -1
    for anchor in anchors:
        spans.append((previous + 1, anchor, anchor))
        previous = anchor
    if len(spans) > 1:
        spans[0] = (_first_title(lines, spans), spans[0][1], spans[0][2])
    return _build(lines, spans)


def _items_behind(lines: Sequence[_TextLine], anchors: Sequence[int]) -> list[Item]:
    """Items of the form title, anchor, text."""
    spans = []
    for anchor, following in zip(anchors, [*anchors[1:], None], strict=True):
        if anchor == 0:
            return []
        spans.append((anchor - 1, following - 1 if following else len(lines), anchor))
    if len(spans) > 1:
        # The page's foot follows the last text: that has as many lines as the others.
        usual = round(median(end - anchor for _, end, anchor in spans[:-1]))
        title, end, anchor = spans[-1]
        spans[-1] = (title, min(end, anchor + usual), anchor)
    return _build(lines, spans)


def _first_title(lines: Sequence[_TextLine], spans: Sequence[tuple[int, int, int]]) -> int:
    """The first item's title stands behind the page's head: it has the others' marker, or their distance."""
    first, last = spans[0][0], spans[0][1]
    marks = Counter(_marker_kind(lines[start].text) for start, _, _ in spans[1:])
    kind, times = marks.most_common(1)[0]
    if kind and times >= 0.8 * (len(spans) - 1):
        return next((n for n in range(last - 1, first - 1, -1) if _marker_kind(lines[n].text) == kind), first)
    usual = round(median(end - start for start, end, _ in spans[1:]))
    return max(first, last - usual)


def _marker_kind(line: str) -> str:
    marker = _MARKER.match(line)
    kind = (marker.lastgroup or "") + (marker["bullet"] or "") if marker else ""
    return kind or ("ending" if _ENDING.search(line) else "")


def _build(lines: Sequence[_TextLine], spans: Sequence[tuple[int, int, int]]) -> list[Item]:
    """Return the items whose title, end and anchor are given as line numbers, or nothing if they are not alike."""
    items, bodies, marks = [], 0, Counter[str]()
    for title_at, end, anchor in spans:
        body = [n for n in range(title_at + 1, end) if n != anchor]
        title = lines[title_at].text
        if title_at == anchor or len(title) > LONGEST_TITLE or _END.search(title) or _shape(title):
            continue
        marks[_marker_kind(title)] += 1
        start = lines[body[0]].start if body else lines[title_at].end
        stop = lines[body[-1]].end if body else start
        bodies += stop - start >= 20
        items.append(Item(clean_title(title), start, stop, read_meta(clean_title(title), lines[anchor].text)))
    alike = len(items) >= max(FEWEST, 0.8 * len(spans)) and bodies >= 0.8 * len(items)
    distinct = len({item.title for item in items}) >= 0.8 * len(items)
    kind, times = marks.most_common(1)[0] if marks else ("", 0)
    long_enough = not items or median(len(item.title) for item in items) >= 6
    marked = bool(kind) and times >= 0.8 * len(items)
    # Tables are full of dates alone: those are about items only behind titles with a bullet or number.
    dated = all(_shape(lines[anchor].text) == ("date",) for _, _, anchor in spans)
    return items if alike and distinct and long_enough and (marked or not (kind or dated)) else []
