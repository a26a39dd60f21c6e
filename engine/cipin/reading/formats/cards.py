"""The items of an HTML listing page: siblings built alike, each with a title that is a link, and a text of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import Final

from cipin.reading.formats.listing import DATE, FEWEST, LONGEST_TITLE, is_said
from cipin.reading.formats.markup import Block, Page
from cipin.reading.formats.tags import HEADINGS, words

#: What an item may be; a paragraph that begins with a link is none.
_CARDS: Final = words("article dd div dl dt form li section table tbody tr") | HEADINGS

#: A title is one of the first lines of an item; an image's or a category's link may stand before it.
_TITLE_ROWS = 4
_SHORTEST_TITLE = 6
_SHORTEST_BODY = 20

#: Items hold at least this share of the page's text outside links; five teasers beside an article hold less.
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Card:
    """An item: the numbers of its title's row, of its text's rows, and of the rows that say something about it."""

    title: int
    body: tuple[int, ...]
    said: tuple[int, ...]


def find_cards(page: Page) -> list[Card]:
    """Return the items of a listing page in order, or nothing if it is none."""
    before = [0, *accumulate(row.chars - row.link_chars for row in page.rows)]
    best: list[Card] = []
    most = _SHARE * before[-1]
    for block in page.blocks:
        for group in _groups(page, block):
            chars = sum(before[last] - before[first] for first, last in group)
            if chars < most:
                continue
            cards = _read_group(page, group)
            # At the same text the inner group is the listing, and the outer one its frame.
            if cards:
                best, most = cards, chars
    return best


def _groups(page: Page, block: Block) -> list[list[tuple[int, int]]]:
    """Return the runs of rows that siblings of one shape in `block` span: alone, and with what follows each."""
    shapes: dict[str, list[Block]] = {}
    for number in block.children:
        child = page.blocks[number]
        if child.tag in _CARDS and child.last > child.first:
            shapes.setdefault(child.shape, []).append(child)
    groups = []
    for alike in shapes.values():
        if len(alike) < FEWEST:
            continue
        groups.append([(child.first, child.last) for child in alike])
        starts = [child.first for child in alike]
        gaps = [after - start for start, after in pairwise(starts)]
        if median(gaps) > median(child.last - child.first for child in alike):
            end = min(block.last, starts[-1] + round(median(gaps)))
            groups.append(list(zip(starts, [*starts[1:], end], strict=True)))
    return groups


def _read_group(page: Page, group: Sequence[tuple[int, int]]) -> list[Card]:
    cards = [card for first, last in group if (card := _read_card(page, first, last)) is not None]
    titles = [page.rows[card.title].line.text for card in cards]
    texts = sum(sum(page.rows[n].chars for n in card.body) >= _SHORTEST_BODY for card in cards)
    alike = len(cards) >= max(FEWEST, 0.8 * len(group)) and texts >= 0.8 * len(cards)
    distinct = len(set(titles)) >= 0.8 * len(titles)
    return cards if alike and distinct and median(map(len, titles)) >= _SHORTEST_TITLE else []


def _read_card(page: Page, first: int, last: int) -> Card | None:
    """Return the item in rows[first:last]; its title is the longest of its first lines that are nearly all link."""
    titles = [
        number
        for number in range(first, min(last, first + _TITLE_ROWS))
        if (row := page.rows[number]).href
        and len(row.line.text) <= LONGEST_TITLE
        # What stands beside the link is a date or a number of pages.
        and row.link_chars >= 0.8 * (row.chars - sum(len(date.group()) for date in DATE.finditer(row.line.text)))
        and not row.href.lower().startswith("javascript:")
    ]
    if not titles:
        return None
    title = max(titles, key=lambda number: (page.rows[number].link_chars, -number))
    if page.rows[title].link_chars < 2:
        return None
    said = tuple(n for n in range(first, last) if n == title or is_said(page.rows[n].line.text))
    others = (n for n in range(first, last) if n not in said and n not in titles)
    body = tuple(n for n in others if 2 * page.rows[n].link_chars <= page.rows[n].chars)
    return Card(title, body, said)
