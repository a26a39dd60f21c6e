"""WordprocessingML, streamed → lines: paragraphs and table rows as they stand, without deleted text and field codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cipin.reading.formats.lines import BODY, HEADING, LIST_ITEM, TABLE_ROW, Line

#: Transitional and strict WordprocessingML; names come from expat as "namespace}name".
_SPACES: Final = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
_CHOICE: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006}"

#: Nothing below these is text of the document: deleted or moved away, the second form of a text box, the codes of
#: fields, the readings above characters, what a revision changed.
_SKIPPED = frozenset({
    "del", "moveFrom", "delText", "instrText", "delInstrText", "rt", "rPrChange", "pPrChange", "numberingChange",
})  # fmt: skip
_BLANKS = {"tab": "\t", "noBreakHyphen": "-", "softHyphen": "\u00ad", "ptab": "\t"}
#: The elements that matter, as expat calls them; most are not among them.
_READ = {
    space + name: name
    for space in _SPACES
    for name in (
        *_SKIPPED,
        *_BLANKS,
        "p",
        "pPr",
        "pStyle",
        "outlineLvl",
        "numId",
        "r",
        "b",
        "t",
        "br",
        "cr",
        "sym",
        "tr",
        "tc",
    )
}
_OFF = frozenset({"0", "false", "off", "none"})
_HEADING_NAME = re.compile(r"(?:heading|标题|標題)\s*([1-9])", re.IGNORECASE)

#: A style is based on another that is based on another; longer chains are circles.
_LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph style: its outline level from 1 (0: none said), whether it says that it is bold or numbers a list."""

    base: str = ""
    level: int = 0
    bold: bool | None = None
    numbered: bool = False


@dataclass(slots=True)
class _Paragraph:
    """A paragraph being read."""

    parts: list[str] = field(default_factory=list)
    style: str = ""
    level: int = 0
    numbered: bool | None = None
    run_bold: bool | None = None
    chars: int = 0
    bold_chars: int = 0


@dataclass(slots=True)
class _Row:
    """A row of a table being read: the lines of its cells, those that follow it, how many paragraphs are around it."""

    depth: int
    cells: list[list[str]] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)


class StyleReader:
    """Takes the elements of styles.xml; `styles` then gives the paragraph styles by their ids, with what they inherit.

    A style is a heading if it has an outline level, or is called `heading N` or 标题 N.
    """

    def __init__(self) -> None:
        self.own: dict[str, Style] = {}
        self.open = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        name = _name(tag)
        if name == "style":
            self.open = _get(attributes, "styleId") if _get(attributes, "type") in {"", "paragraph"} else ""
            self.own.setdefault(self.open, Style())
            return
        style, value = self.own.get(self.open), _get(attributes, "val")
        if not self.open or style is None:
            return
        if name == "basedOn":
            style = replace(style, base=value)
        elif name == "outlineLvl":
            style = replace(style, level=_outline_level(value))
        elif name == "name" and not style.level and (match := _HEADING_NAME.fullmatch(value)):
            style = replace(style, level=int(match.group(1)))
        elif name == "b":
            style = replace(style, bold=_is_on(value))
        elif name == "numId":
            style = replace(style, numbered=value != "0")
        self.own[self.open] = style

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if _name(tag) == "style":
            self.open = ""

    def data(self, text: str) -> None:
        """Take text; there is none in styles."""

    @property
    def styles(self) -> dict[str, Style]:
        """The paragraph styles by their ids."""
        return {name: _inherit(self.own, name) for name in self.own}


class BodyReader:
    """Takes the elements of one part and puts them down as `lines`; `kind` is that of all, or None for the body."""

    def __init__(self, styles: Mapping[str, Style], kind: int | None) -> None:
        self.lines: list[Line] = []
        self.styles = styles
        self.kind = kind
        self.paragraphs: list[_Paragraph] = []
        self.rows: list[_Row] = []
        self.chosen: list[bool] = []
        self.skipped = self.properties = 0
        self.in_text = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        if self.skipped:
            self.skipped += 1
        elif name := _READ.get(tag):
            if name in _SKIPPED:
                self.skipped = 1
            elif name == "p":
                self.paragraphs.append(_Paragraph())
            elif name == "tr":
                self.rows.append(_Row(len(self.paragraphs)))
            elif name == "tc" and self.rows:
                self.rows[-1].cells.append([])
            elif self.paragraphs:
                self._start_part(self.paragraphs[-1], name, attributes)
        elif tag.startswith(_CHOICE):
            self._choose(_name(tag))

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if self.skipped:
            self.skipped -= 1
        elif name := _READ.get(tag):
            if name == "p":
                self._end_paragraph(self.paragraphs.pop())
            elif name == "tr":
                self._end_row(self.rows.pop())
            elif name == "pPr":
                self.properties -= 1
            elif name == "t":
                self.in_text = False
        elif tag == f"{_CHOICE}AlternateContent":
            self.chosen.pop()

    def data(self, text: str) -> None:
        """Take text, which counts inside w:t only."""
        if self.in_text and not self.skipped and self.paragraphs:
            self._add(self.paragraphs[-1], text)

    def _choose(self, name: str) -> None:
        """Of the forms of a text box, read the first."""
        if name == "AlternateContent":
            self.chosen.append(False)
        elif name in {"Choice", "Fallback"} and self.chosen:
            if self.chosen[-1]:
                self.skipped = 1
            self.chosen[-1] = True

    def _start_part(self, paragraph: _Paragraph, name: str, attributes: Mapping[str, str]) -> None:
        if name == "t":
            self.in_text = True
        elif name == "pPr":
            self.properties += 1
        elif name == "r":
            paragraph.run_bold = None
        elif self.properties:
            if name == "pStyle":
                paragraph.style = _get(attributes, "val")
            elif name == "outlineLvl":
                paragraph.level = _outline_level(_get(attributes, "val"))
            elif name == "numId":
                paragraph.numbered = _get(attributes, "val") != "0"
        elif name == "b":
            paragraph.run_bold = _is_on(_get(attributes, "val"))
        elif name in _BLANKS:
            self._add(paragraph, _BLANKS[name])
        elif name in {"br", "cr"}:
            paragraph.parts.append("\n")
        elif name == "sym":
            self._add(paragraph, _symbol(_get(attributes, "char")))

    def _add(self, paragraph: _Paragraph, text: str) -> None:
        paragraph.parts.append(text)
        bold = paragraph.run_bold
        if bold is None:
            bold = self.styles.get(paragraph.style, _PLAIN).bold
        chars = len("".join(text.split()))
        paragraph.chars += chars
        paragraph.bold_chars += chars if bold else 0

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        style = self.styles.get(paragraph.style, _PLAIN)
        level = paragraph.level or style.level
        numbered = style.numbered if paragraph.numbered is None else paragraph.numbered
        bold = 2 * paragraph.bold_chars > paragraph.chars
        texts = [text for text in "".join(paragraph.parts).splitlines() if text.strip()]
        row = self.rows[-1] if self.rows else None
        if row and row.cells and len(self.paragraphs) == row.depth:
            row.cells[-1].extend(text.strip() for text in texts)
        elif self.kind is not None:
            self._emit(Line(text, self.kind, 0, bold) for text in texts)
        else:
            # A text box stands inside a paragraph: its lines come before that one, whole.
            kind = HEADING if level else LIST_ITEM if numbered else BODY
            self._emit(Line(text, kind, level, bold) for text in texts)

    def _end_row(self, row: _Row) -> None:
        text = "\t".join(" ".join(cell).replace("\t", " ") for cell in row.cells)
        if text.strip():
            self._emit([Line(text, TABLE_ROW if self.kind is None else self.kind)])
        self._emit(row.after)

    def _emit(self, lines: Iterable[Line]) -> None:
        # A table inside a cell follows the row that holds it.
        (self.rows[-1].after if self.rows else self.lines).extend(lines)


_PLAIN: Final = Style()


def _inherit(styles: Mapping[str, Style], name: str) -> Style:
    own = style = styles[name]
    level, bold, numbered = own.level, own.bold, own.numbered
    for _ in range(_LONGEST_CHAIN):
        if style.base not in styles:
            break
        style = styles[style.base]
        level, numbered = level or style.level, numbered or style.numbered
        bold = style.bold if bold is None else bold
    return Style(own.base, level, bold, numbered)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _get(attributes: Mapping[str, str], name: str) -> str:
    return next((attributes[space + name] for space in _SPACES if space + name in attributes), "")


def _is_on(value: str) -> bool:
    return value.lower() not in _OFF


def _outline_level(value: str) -> int:
    """Word counts outline levels from 0, and 9 is body text."""
    return int(value) + 1 if value in "012345678" and value else 0


def _symbol(char: str) -> str:
    try:
        point = int(char, 16)
    except ValueError:
        return ""
    return chr(point) if point < 0xD800 or 0xE000 <= point <= 0x10FFFF else ""
