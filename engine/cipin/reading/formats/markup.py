"""HTML → lines and blocks: what a browser would show, line by line, and which element each line stands in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cipin.reading.formats.lines import BODY, CAPTION, HEADING, LIST_ITEM, TABLE_ROW, Line
from cipin.reading.formats.tags import BLOCKS, HEADINGS, words

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

#: Never shown, or shown as a control.
_HIDDEN = words(
    "area audio base button canvas datalist embed head iframe img input link map meta meter nav noembed noframes "
    "noscript object option optgroup param progress rp rt script select source style svg template textarea title "
    "track video"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HIDDEN_ROLES = words("navigation banner search menu menubar toolbar dialog alertdialog tooltip")

_COUNTED = {
    "a": "link", "b": "bold", "strong": "bold", "th": "bold", "li": "li", "dd": "li", "caption": "caption",
    "figcaption": "caption", "pre": "pre", "listing": "pre",
}  # fmt: skip

#: Blocks whose lines are enough: there may be a million of them.
_LEAVES = words("address caption details figcaption hgroup hr legend listing p pre summary xmp")

_BLANKS = re.compile(r"[ \t\r\n\f]+")
_DIGITS = re.compile(r"\d+")
#: Classes that tell one sibling from the other, and not what it is.
_STATES = words("active current even first hover last odd on selected")

#: Between two cells, until blanks are collapsed.
_CELL = "\x01"
_CELL_END = re.compile(" ?\x01 ?")
#: A cell of more characters or lines is a column of the page and not of a table.
_CELL_CHARS = 400
_CELL_BLOCKS = 8


@dataclass(slots=True)
class Row:
    """A line of the page: `chars` are its characters but blanks, `link_chars` those in links, `href` the first link."""

    line: Line
    chars: int
    link_chars: int
    href: str


@dataclass(slots=True)
class Block:
    """A block element: its lines are rows[first:last].

    `shape` is what siblings of one kind share: tag and first class. `marks` are its classes, id and role. `parent` and
    `children` are numbers of blocks; the outermost has the parent -1.
    """

    tag: str
    shape: str
    marks: str
    parent: int
    first: int
    last: int = 0
    children: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """A page, flattened: its rows in order, and its blocks, each after the one it stands in."""

    rows: list[Row]
    blocks: list[Block]


class _Walker:
    """The state of a walk: the rows so far, the line being written, and what is open around it."""

    def __init__(self) -> None:
        self.page = Page([], [])
        self.open: list[int] = []
        self.parts: list[str] = []
        self.chars_in: Counter[str] = Counter()
        self.depth: Counter[str] = Counter()
        self.level = 0
        self.href = ""

    def enter(self, node: LexborNode, tag: str) -> None:
        """Open an element that is shown."""
        attributes = node.attributes if tag in BLOCKS or tag == "a" else {}
        if tag == "br":
            self.end_line()
        elif self.depth["row"]:
            if tag in {"td", "th"} and self.depth["cell"]:
                self.parts.append(_CELL)
            elif tag in BLOCKS:
                self.parts.append(" ")
            self.depth["cell"] += tag in {"td", "th"}
        elif tag in BLOCKS:
            self.end_line()
            if tag not in _LEAVES:
                self._open_block(tag, attributes)
            self.depth["table"] += tag == "table" and _holds_data(node)
        if tag == "tr" and self.depth["table"]:
            self.depth["row"] = 1
        elif tag == "a" and not (attributes.get("href") or "#").startswith("#"):
            self.href = self.href or attributes.get("href") or ""
        self._count(tag, 1)

    def leave(self, tag: str) -> None:
        """Close an element that `enter` opened."""
        if tag == "tr" and self.depth["row"]:
            self.end_line(TABLE_ROW)
            self.depth["row"] = self.depth["cell"] = 0
        if tag in BLOCKS and self.depth["row"]:
            self.parts.append(" ")
        elif tag in BLOCKS:
            self.end_line()
            if tag not in _LEAVES:
                self.page.blocks[self.open.pop()].last = len(self.page.rows)
            if tag == "table":
                self.depth["table"] = 0
        self._count(tag, -1)

    def add_text(self, text: str) -> None:
        """Add a text node to the line."""
        if not self.depth["pre"]:
            self._add(text)
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self.end_line()
            self._add(line)

    def end_line(self, kind: int = BODY) -> None:
        """Write the line, unless it is blank; inside a table's row the line goes on."""
        if self.depth["row"] and kind != TABLE_ROW:
            self.parts.append(" ")
            return
        text = "".join(self.parts)
        chars = len("".join(text.split())) - text.count(_CELL)
        if chars > 0:
            if kind == BODY and self.depth:
                kind = HEADING if self.level else CAPTION if self.depth["caption"] else BODY
                kind = LIST_ITEM if kind == BODY and self.depth["li"] else kind
            text = text.rstrip("\r") if self.depth["pre"] else collapse_blanks(text)
            if kind == TABLE_ROW:
                text = _CELL_END.sub("\t", text)
            line = Line(text.replace("\xa0", " "), kind, self.level, 2 * self.chars_in["bold"] > chars)
            self.page.rows.append(Row(line, chars, min(self.chars_in["link"], chars), self.href))
        self.parts.clear()
        self.chars_in.clear()
        self.href = ""

    def _add(self, text: str) -> None:
        self.parts.append(text)
        if self.depth["link"] or self.depth["bold"]:
            chars = len("".join(text.split()))
            self.chars_in["link"] += chars if self.depth["link"] else 0
            self.chars_in["bold"] += chars if self.depth["bold"] else 0

    def _count(self, tag: str, step: int) -> None:
        if tag in HEADINGS:
            self.level = int(tag[1]) if step > 0 else 0
        elif tag in _COUNTED:
            self.depth[_COUNTED[tag]] += step

    def _open_block(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        blocks, parent = self.page.blocks, self.open[-1] if self.open else -1
        names = (attributes.get("class") or "").split()
        shape = _DIGITS.sub("0", names[0]) if names and names[0].lower() not in _STATES else ""
        marks = " ".join((*names, attributes.get("id") or "", attributes.get("role") or ""))
        if parent >= 0:
            blocks[parent].children.append(len(blocks))
        self.open.append(len(blocks))
        blocks.append(Block(tag, f"{tag}.{shape}", marks, parent, len(self.page.rows)))


def walk_page(body: LexborNode) -> Page:
    """Flatten the tree below `body` into lines, as a browser would show them, and the blocks they stand in.

    Blanks are collapsed, entities decoded, and a line end between Chinese characters vanishes, as CSS has it. A row
    of a table that holds data is a line, its cells parted by tabs.
    """
    walker = _Walker()
    for node, entered in _visit(body):
        tag = node.tag or ""
        if tag == "-text":
            walker.add_text(node.text_content or "")
        elif entered:
            walker.enter(node, tag)
        else:
            walker.leave(tag)
    walker.end_line()
    return walker.page


def collapse_blanks(text: str) -> str:
    r"""Collapse blanks as browsers do; a line end between wide characters goes altogether.

    >>> collapse_blanks("  数字化\n  转型 and \n more ")
    '数字化转型 and more'
    """
    return _BLANKS.sub(_one_blank, text).strip(" ") if _BLANKS.search(text) else text


def _one_blank(match: re.Match[str]) -> str:
    text, start, end = match.string, match.start(), match.end()
    if "\n" in match.group() and start > 0 and end < len(text) and _is_wide(text[start - 1]) and _is_wide(text[end]):
        return ""
    return " "


def _is_wide(character: str) -> bool:
    return "\u2e80" <= character <= "\ua4cf" or "\uf900" <= character <= "\ufaff" or "\uff01" <= character <= "\uff60"


def _visit(body: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Yield text nodes and shown elements, these twice: when entered, and (False) when left. Depth costs no stack."""
    node: LexborNode | None = body
    parents: list[LexborNode] = []
    while node is not None:
        child = None
        shown = node.is_text_node or (node.is_element_node and not _is_hidden(node))
        if shown:
            yield node, True
            child = node.child
        if child is not None:
            parents.append(node)
            node = child
            continue
        if shown and node.is_element_node:
            yield node, False
        # The siblings of `body` itself are not visited.
        while parents and node.next is None:
            node = parents.pop()
            yield node, False
        node = node.next if parents else None


def _is_hidden(node: LexborNode) -> bool:
    if node.tag in _HIDDEN:
        return True
    attributes = node.attributes
    return bool(attributes) and (
        "hidden" in attributes
        or (attributes.get("role") or "").lower() in _HIDDEN_ROLES
        or _HIDDEN_STYLE.search(attributes.get("style") or "") is not None
    )


def _holds_data(table: LexborNode) -> bool:
    """Tell a table of data from one that lays out the page: it has columns, and short cells without structure."""
    if len(table.css("table, h1, h2, h3, h4, h5, h6")) > 1 or table.css_first("td + td, th + td, th + th") is None:
        return False
    for cell in table.css("td"):
        if len(cell.css("p, div, li, br")) > _CELL_BLOCKS or len(collapse_blanks(cell.text())) > _CELL_CHARS:
            return False
    return True
