"""The main text of an HTML page: what is left without navigation, lists of links and the page's foot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from cipin.reading.formats.lines import TABLE_ROW
from cipin.reading.formats.markup import Block, Page
from cipin.reading.formats.tags import HEADINGS, words

#: Classes, ids and roles of what stands around a text.
_AROUND: Final = words(
    "ad ads advert advertisement banner bottom breadcrumb breadcrumbs comment comments complementary contentinfo "
    "cookie cookies consent copyright crumb crumbs disclaimer feedback foot footer friendlink gdpr header hot login "
    "masthead menu modal nav navbar navi navigation newsletter pager pagination popup position qrcode rank recommend "
    "related reply share sidebar sitemap sns subscribe toolbar topbar toplink"
)
_AROUND_TAGS = words("aside footer header")
_CONTAINERS: Final = words("article body center dd div dl fieldset figure form li main ol section table tbody td tr ul")

#: What stands around a text holds less than this share of the page's text; what holds more is the text itself.
_AROUND_SHARE = 0.4
#: The main text is the innermost element that holds this share of its parent's.
_MAIN_SHARE = 0.75
#: So many lines of links in a row are a menu.
_MENU_ROWS = 3

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_CONTROL = re.compile(
    r"[\[【(（]?(?:打印(?:本页|此页)?|关闭(?:窗口|本页)?|返回(?:顶部|首页|列表)?|回到顶部|收藏|分享(?:到)?[:：]?|字号[:：\s大中小]*"
    r"|(?:大|中|小)|扫一扫.{0,20}|上一[篇页条][:：].*|下一[篇页条][:：].*|加载中[.\u2026]*|展开全文|阅读全文|责任编辑[:：].{0,12}"
    r"|点击(?:下载|查看).{0,10}|您?(?:的)?(?:当前|所在)位置[:：].*)[\]】)）]?"
)


def find_main_rows(page: Page) -> list[int]:
    """Return the numbers of the rows that are the page's main text, in order."""
    good = [_good_chars(page, number) for number in range(len(page.rows))]
    around = _rows_around(page, [0, *accumulate(good)])
    before = [0, *accumulate(0 if out else chars for chars, out in zip(good, around, strict=True))]
    if not page.blocks or not before[-1]:
        return [number for number in range(len(page.rows)) if not around[number]]
    main = _find_main(page, before)
    rows = [number for number in range(main.first, main.last) if not around[number]]
    menus = _menu_rows(page, rows)
    kept = [number for number in rows if number not in menus and not _is_control(page.rows[number].line.text)]
    title = _title_above(page, main.first, around)
    return [title, *kept] if title is not None else kept


def _good_chars(page: Page, number: int) -> int:
    row = page.rows[number]
    return 0 if 2 * row.link_chars > row.chars else row.chars - row.link_chars


def _rows_around(page: Page, before: Sequence[int]) -> list[bool]:
    """Tell for each row whether it stands in an element around the text; `before` are sums of good characters."""
    out = [False] * len(page.rows)
    done = 0
    for block in page.blocks:
        if block.first < done or not _looks_around(page, block):
            continue
        if before[block.last] - before[block.first] < _AROUND_SHARE * before[-1] or not before[-1]:
            out[block.first : block.last] = [True] * (block.last - block.first)
            done = block.last
    return out


def _looks_around(page: Page, block: Block) -> bool:
    if block.tag in HEADINGS or block.tag == "body":
        return False
    if block.tag in _AROUND_TAGS:
        # The header of an article holds its title.
        parent = page.blocks[block.parent].tag if block.parent >= 0 else ""
        return not (block.tag == "header" and parent in {"article", "main", "section"})
    return not _AROUND.isdisjoint(word.lower() for word in _WORD.findall(block.marks))


def _find_main(page: Page, before: Sequence[int]) -> Block:
    """Return the innermost element that holds nearly all good characters of the one around it."""
    main = page.blocks[0]
    while True:
        children = [page.blocks[number] for number in main.children if page.blocks[number].tag in _CONTAINERS]
        most = max(children, key=lambda block: before[block.last] - before[block.first], default=None)
        if most is None:
            return main
        chars, whole = before[most.last] - before[most.first], before[main.last] - before[main.first]
        named = most.tag in {"article", "main"}
        if chars < (0.5 if named else _MAIN_SHARE) * whole:
            return main
        main = most


def _menu_rows(page: Page, rows: Sequence[int]) -> set[int]:
    """Return the rows that stand in a row of links."""
    menus: set[int] = set()
    run: list[int] = []
    for number in [*rows, -1]:
        row = page.rows[number] if number >= 0 else None
        if row and row.line.kind != TABLE_ROW and 5 * row.link_chars >= 4 * row.chars:
            run.append(number)
            continue
        if len(run) >= _MENU_ROWS:
            menus.update(run)
        run = []
    return menus


def _is_control(line: str) -> bool:
    return len(line) <= 60 and _CONTROL.fullmatch(line.strip()) is not None


def _title_above(page: Page, first: int, around: Sequence[bool]) -> int | None:
    """Return the row of the page's only main heading if it stands above the main text."""
    titles = [number for number, row in enumerate(page.rows) if row.line.level == 1]
    return titles[0] if len(titles) == 1 and titles[0] < first and not around[titles[0]] else None
