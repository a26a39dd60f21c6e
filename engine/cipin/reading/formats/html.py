"""HTML: a page is a report, or, if it is a listing, each of its items is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cipin.reading.encoding import Decoded, decode, garbled_share
from cipin.reading.formats.article import find_main_rows
from cipin.reading.formats.cards import Card, find_cards
from cipin.reading.formats.lines import HEADING, Line, compose
from cipin.reading.formats.listing import Item, clean_title, find_date, mark_teasers, read_meta
from cipin.reading.formats.markup import Page, walk_page
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.formats.tags import MalformedPage, slim_page
from cipin.reading.formats.text import read_bytes
from cipin.reading.report import RawReport, Status

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,30})""", re.I
)
#: The declared name → the codec that reads all that pages of that name hold.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "iso8859-1": "cp1252", "ascii": "cp1252"}
#: Browsers look no further for a declaration.
_DECLARED_BYTES = 4096
_ASCII = re.compile(r"[\x00-\x7f]+")

#: A page of scripts and of fewer characters than this shows its text only in a browser.
_FEWEST_CHARS = 40
#: A page of more bytes than this that shows nothing has lost its text.
_EMPTY_BYTES = 1 << 14

#: Bytes of a page for each character of its text, inlined pictures and scripts included.
_BYTES_PER_CHAR = 12

_LONGEST_TITLE = 1000

_DATED_META = (
    "article:published_time", "og:article:published_time", "pubdate", "publishdate", "publish_date", "publishtime",
    "articlepubdate", "originalpubdate", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.date", "date",
)  # fmt: skip
_JSON_DATE = re.compile(r'"(?:datePublished|pubDate|publishTime)"\s*:\s*"([^"]{8,40})"')
_SAID_DATE = re.compile(r"(?:发布|发表|成文|刊登)?(?:时间|日期|于)\s?[:：]?")
_SITE = re.compile(r"\s*[-_|–—]+\s*[^-_|–—]{2,30}$")


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield the report of an HTML page, or one for each item of a listing page; `member` is then the item's number.

    Items of which the page holds only the beginning have the status "teaser".

    Raises OSError if the file cannot be read.
    """
    report = RawReport(member="", text="", format="html")
    data = read_bytes(path, report, options, _BYTES_PER_CHAR)
    if isinstance(data, RawReport):
        yield data
        return
    decoded = decode_page(data)
    del data
    report = replace(report, encoding=decoded.encoding)
    try:
        yield from read_page(decoded, report)
    except MalformedPage as error:
        yield quarantine(report, "malformed", f"{error}; save the page's text from a browser")


def read_page(decoded: Decoded, report: RawReport) -> Iterator[RawReport]:
    """Yield what a decoded page holds, as `report` with text, title and meta. Raises MalformedPage."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(slim_page(decoded.text))
    page = walk_page(tree.body) if tree.body else Page([], [])
    cards = find_cards(page)
    if cards:
        yield from _read_cards(page, cards, decoded, report)
        return
    rows = find_main_rows(page)
    chars = sum(page.rows[number].chars for number in rows)
    scripted = chars < _FEWEST_CHARS and "<script" in decoded.text.lower()
    if scripted or (not chars and len(decoded.text) > _EMPTY_BYTES):
        message = f"its {len(decoded.text):,} characters show no text without a browser; save the text from there"
        yield quarantine(report, "no_text", message)
        return
    meta = read_head(tree, decoded.text, page)
    title = str(meta.pop("title", ""))
    judged = _judge([page.rows[number].line for number in rows], decoded, replace(report, title=title, meta=meta))
    del decoded, tree, page, cards  # not to be held while the report is worked on: 0.3 GB of a page of 60 MB
    yield judged


def decode_page(data: bytes) -> Decoded:
    """Decode a page by its content, or by the encoding it declares if that reads as well.

    >>> decode_page('<meta charset="utf-8"><p>云计算与大数据'.encode("gbk")).encoding
    'gb18030'
    """
    found = decode(data)
    declared = _declared_codec(data)
    if not declared or declared == found.encoding or found.encoding.startswith(("utf-8-sig", "utf-16", "utf-32")):
        return found
    text = data.decode(declared, "replace")
    named = Decoded(text, declared, text.count("\ufffd"))
    if named.replaced > found.replaced:
        return found
    # Tags are ASCII in either, and would outweigh what tells the two apart.
    shares = [garbled_share(_ASCII.sub("", each.text)) for each in (named, found)]
    return named if shares[0] <= shares[1] + 0.01 else found


def read_head(tree: LexborHTMLParser, source: str, page: Page) -> dict[str, object]:
    """Return what a page says about itself: title, published (ISO date), publisher, author, as far as it does."""
    named: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        named.setdefault(name.lower(), (attributes.get("content") or "").strip())
    meta: dict[str, object] = {"title": _find_title(tree, named, page)}
    if published := _find_published(tree, named, source, page):
        meta["published"] = published
    for name, names in (
        ("publisher", ("contentsource", "source", "og:site_name")),
        ("author", ("author", "article:author")),
    ):
        if value := next((named[each] for each in names if named.get(each)), ""):
            meta[name] = value[:200]
    return meta


def _read_cards(page: Page, cards: Sequence[Card], decoded: Decoded, report: RawReport) -> Iterator[RawReport]:
    texts, items, ends = [], [], 0
    for card in cards:
        title = page.rows[card.title]
        text, _ = compose([page.rows[number].line for number in card.body])
        said = " ".join(page.rows[number].line.text for number in card.said)
        meta = read_meta(clean_title(title.line.text), said)
        items.append(Item(clean_title(title.line.text), ends, ends + len(text), {**meta, "url": title.href}))
        texts.append(text)
        ends += len(text)
    for number, (card, item) in enumerate(zip(cards, mark_teasers(items, "".join(texts)), strict=True), 1):
        status: Status = "teaser" if item.teaser else "measured"
        each = replace(report, member=str(number), title=item.title, meta=item.meta, status=status)
        body = [page.rows[row].line for row in card.body]
        # The title is part of what an item says, as it is of any other report; alone it is no report.
        yield _judge([Line(item.title, HEADING, 1), *body] if body else [], decoded, each)


def _judge(lines: Sequence[Line], decoded: Decoded, report: RawReport) -> RawReport:
    text, layout = compose(lines)
    judged = judge_text(replace(decoded, text=text), report)
    return replace(judged, layout=layout) if judged.is_measured else judged


def _declared_codec(data: bytes) -> str:
    match = _DECLARED.search(data, 0, _DECLARED_BYTES)
    try:
        name = codecs.lookup(match.group(1).decode()).name if match else ""
        # Not every codec of Python decodes to text, and UTF-16 cannot declare itself in ASCII.
        name = "" if name.startswith(("utf-16", "utf-32", "utf-7")) else name
        "".encode(_SUPERSETS.get(name, name)) if name else None
    except LookupError:
        return ""
    return _SUPERSETS.get(name, name)


def _find_title(tree: LexborHTMLParser, named: dict[str, str], page: Page) -> str:
    headings = [row.line.text.strip() for row in page.rows if row.line.level == 1]
    head = tree.css_first("title")
    whole = " ".join(head.text().split())[:_LONGEST_TITLE] if head else ""
    if len(headings) == 1 and len(headings[0]) >= 4:
        return headings[0]
    if named.get("og:title"):
        return named["og:title"]
    if named.get("articletitle"):
        return named["articletitle"]
    return next((heading for heading in headings if heading in whole), "") or _SITE.sub("", whole)


def _find_published(tree: LexborHTMLParser, named: dict[str, str], source: str, page: Page) -> str:
    for name in _DATED_META:
        if published := find_date(named.get(name, "")):
            return published
    if match := _JSON_DATE.search(source):
        return find_date(match.group(1))
    node = tree.css_first("time[datetime], [itemprop=datePublished]")
    if node:
        published = find_date(node.attributes.get("datetime") or node.text())
        if published:
            return published
    for row in page.rows[:100]:
        text = row.line.text
        if len(text) <= 80 and (said := _SAID_DATE.search(text)) and (published := find_date(text[said.end() :])):
            return published
    return ""
