"""Pages of a PDF → raw text, and where its lines stand."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cipin.reading.formats.outcome import clean_surrogates
from cipin.reading.formats.pdf_vertical import set_upright
from cipin.reading.report import Layout, OutlineEntry

Page = Literal["text", "empty", "image", "failed"]

# PDFium parts lines by CR LF. U+FFFE is its mark for a hyphen that ends a line, and no line end follows it: all 48
# marks in 24 annual reports stood where the text went on below. It is also what a glyph is that has no text.
_LINE = re.compile("([^\r\n\ufffe]*\ufffe?)(?:\r\n|[\r\n]|(?<=\ufffe)|$)")
_SINGLE_LINE_END = re.compile("\r(?!\n)|(?<!\r)\n")

# The weight that PDFium derives from a font's stems is no guide: it says 1364 of a regular Times New Roman.
_HEAVY_NAME = re.compile("bold|black|heavy|simhei|heiti|[-_](?:bd|blk|hvy)|(?<!雅)黑|粗")
_FILL_AND_STROKE = 2  # how Word and WPS make a Chinese font bold that has no bold face: 2-11 % of the characters
_SLANT = 0.1  # |b| : |a| of a text matrix above which a line is not horizontal

#: Widest gap between two Chinese characters, in font sizes, that only spaces letters. In justified Taiwanese reports
#: 15,000 of 15,300 gaps are below 0.35 (4 in 10 of them below 0), in a made PDF all are 0.4; where punctuation was lost
#: they begin at 0.5, and columns of tables at 0.5 to 0.7.
NARROW = 0.45
_CHINESE = "[\u2e80-\u2fdf\u3001-\u303f\u3400-\u9fff\uf900-\ufaff\uff01-\uff0f\uff1a-\uff20]"
_GAP = re.compile(f"(?<={_CHINESE}) (?={_CHINESE})")

_IMAGE, _FORM = 3, 5  # types of page objects
_OBJECTS = 1000  # of a page without text are looked at, for an image
#: Characters of a page that may be a picture with a running head and a number, and the share of it that one covers.
_FEW, _COVERS = 60, 0.5
#: Share of a page's lines, and the least number, from which what the file does not map to Unicode is said of it.
_UNMAPPED, _LEAST_UNMAPPED = 0.2, 2
_DEPTH = 4  # of nested forms


@dataclass(slots=True)
class _Columns:
    """What the pages held. Offsets are into the text with its CR LF; the rest is made into a `Layout` at the end."""

    raw: list[str] = field(default_factory=list)
    page_start: list[int] = field(default_factory=lambda: [0])
    page_size: list[tuple[float, float]] = field(default_factory=list)
    page_origin: list[tuple[float, float, float, float]] = field(default_factory=list)
    page_quarters: list[int] = field(default_factory=list)
    page_lines: list[int] = field(default_factory=list)
    generated: list[int] = field(default_factory=list)
    narrow: list[int] = field(default_factory=list)
    line_start: list[int] = field(default_factory=list)
    line_end: list[int] = field(default_factory=list)
    line_corners: list[bytes] = field(default_factory=list)
    line_size: list[float] = field(default_factory=list)
    line_bold: list[bool] = field(default_factory=list)


class PageReader:
    """Reads the pages of one document in turn. Not for threads: PDFium may be used by one at a time.

    A call of PDFium costs 0.65 µs by its typed binding and 0.27 µs without, so those made for each line are not typed
    (handles are pointer objects, numbers are C ints). Eight are made a line and one a blank; with all else the layout
    takes 12 % of the time of 3,333 pages (10 to 24 % of single reports); typed, with arrays made page by page, 20 %.

    map_errors  lines whose middle character the file does not map to Unicode, so that PDFium guessed it
    page_flags  pages, from 1: of pictures without text ("needs_ocr"), with hardly any ("picture"), with many such lines
    """

    def __init__(self, document: Any) -> None:
        import pypdfium2.raw as pdfium

        self.map_errors = 0
        self.page_flags: dict[str, list[int]] = {}
        self._pdfium = pdfium
        self._document = document
        self._columns = _Columns()
        self._buffer = (ctypes.c_ushort * 8192)()
        self._is_generated = _untyped(pdfium.FPDFText_IsGenerated)
        self._loose_box = _untyped(pdfium.FPDFText_GetLooseCharBox)
        self._get_matrix = _untyped(pdfium.FPDFText_GetMatrix)
        self._font_size = _untyped(pdfium.FPDFText_GetFontSize, ctypes.c_double)
        self._has_map_error = _untyped(pdfium.FPDFText_HasUnicodeMapError)
        self._text_object = _untyped(pdfium.FPDFText_GetTextObject, pdfium.FPDF_PAGEOBJECT)
        self._font = _untyped(pdfium.FPDFTextObj_GetFont, ctypes.c_void_p)
        self._render_mode = _untyped(pdfium.FPDFTextObj_GetTextRenderMode)

    def read(self, number: int) -> Page:
        """Read a page, from 0, and say what it held; "image" is a page with an image and no text."""
        pdfium, columns = self._pdfium, self._columns
        page = pdfium.FPDF_LoadPage(self._document, number)
        if not page:
            columns.page_size.append((math.nan, math.nan))
            columns.page_origin.append((0, 0, 0, 0))
            columns.page_quarters.append(0)
            self._add_empty()
            return "failed"
        try:
            shown = pdfium.FS_RECTF()
            pdfium.FPDF_GetPageBoundingBox(page, shown)
            columns.page_size.append((pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)))
            columns.page_origin.append((shown.left, shown.bottom, shown.right, shown.top))
            columns.page_quarters.append(pdfium.FPDFPage_GetRotation(page))
            textpage = pdfium.FPDFText_LoadPage(page)
            if not textpage:
                self._add_empty()
                return "failed"
            try:
                raw, n_chars = self._get_text(textpage)
                if not raw or raw.isspace():
                    self._add_empty()
                    if not self._holds_image(page):
                        return "empty"
                    self._flag("needs_ocr", number)
                    return "image"
                before = self.map_errors
                self._add(textpage, raw, _char_indexes(raw, n_chars))
                if self.map_errors - before >= max(_LEAST_UNMAPPED, _UNMAPPED * columns.page_lines[-1]):
                    self._flag("map_errors", number)
                if len(raw) <= _FEW and self._holds_image(page, _COVERS):
                    self._flag("picture", number)
            finally:
                pdfium.FPDFText_ClosePage(textpage)
        finally:
            pdfium.FPDF_ClosePage(page)
        return "text"

    def finish(self, outline: tuple[OutlineEntry, ...] = ()) -> tuple[str, Layout]:
        """Return the text of the pages read, and its layout."""
        columns = self._columns
        raw = "".join(columns.raw)
        codes = np.frombuffer(raw.encode("utf-32-le"), np.uint32)
        dropped = np.flatnonzero((codes[:-1] == 13) & (codes[1:] == 10))

        def place(offsets: list[int]) -> NDArray[np.int64]:
            positions = np.array(offsets, np.int64)
            return positions - np.searchsorted(dropped, positions)

        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        generated = np.zeros(len(text), bool)
        generated[place(columns.generated)] = True
        generated[dropped - np.arange(len(dropped))] = True
        n_lines = len(columns.line_start)
        line_page = np.repeat(np.arange(len(columns.page_lines), dtype=np.int32), columns.page_lines)
        line_size = np.array(columns.line_size, np.float32)
        corners = np.frombuffer(b"".join(columns.line_corners), np.float32).reshape(-1, 8)
        origin = np.array(columns.page_origin, np.float32).reshape(-1, 4)[line_page]
        quarters = np.array(columns.page_quarters, np.uint8)[line_page]
        line_box = _boxes_on_page(corners, origin, quarters)
        line_box[np.isnan(line_size)] = np.nan
        # How far the last character of a line stands right of and below the first, in the file, and as it is shown.
        right, down = corners[:, 4] - corners[:, 0], corners[:, 3] - corners[:, 7]
        falls = np.choose(quarters, [down, right, -down, -right])
        return set_upright(
            text,
            Layout(
                page_start=place(columns.page_start),
                page_size=np.array(columns.page_size, np.float32).reshape(-1, 2),
                line_start=place(columns.line_start),
                line_end=place(columns.line_end),
                line_page=line_page,
                line_box=line_box,
                line_size=line_size,
                line_bold=np.array(columns.line_bold, bool),
                line_kind=np.zeros(n_lines, np.uint8),
                line_level=np.zeros(n_lines, np.uint8),
                generated=generated,
                outline=outline,
                narrow=place(columns.narrow),
            ),
            falls,
        )

    def _flag(self, name: str, number: int) -> None:
        self.page_flags.setdefault(name, []).append(number + 1)

    def _get_text(self, textpage: Any) -> tuple[str, int]:
        """Return the text of a page, and how many characters PDFium makes of it."""
        n_chars = self._pdfium.FPDFText_CountChars(textpage)
        if n_chars <= 0:
            return "", 0
        # A character may take two UTF-16 units.
        if 2 * n_chars + 1 > len(self._buffer):
            self._buffer = (ctypes.c_ushort * (4 * n_chars))()
        n_units = self._pdfium.FPDFText_GetText(textpage, 0, n_chars, self._buffer) - 1
        raw = bytes(memoryview(self._buffer)[: max(n_units, 0)]).decode("utf-16-le", "surrogatepass")
        return clean_surrogates(raw), n_chars

    def _without_false_hyphens(self, textpage: Any, raw: str, index: list[int] | None) -> str:
        """Return `raw` with another mark for U+FFFE where it is no hyphen."""

        def replaced(match: re.Match[str]) -> str:
            position = match.start() if index is None else index[match.start()]
            return match[0] if self._pdfium.FPDFText_IsHyphen(textpage, position) == 1 else "\ufffd"

        return re.sub("\ufffe", replaced, raw)

    def _add_empty(self) -> None:
        columns = self._columns
        start = columns.page_start[-1]
        columns.raw.append("\n")
        columns.page_start.append(start + 1)
        columns.page_lines.append(1)
        columns.generated.append(start)
        columns.line_start.append(start)
        columns.line_end.append(start)
        columns.line_corners.append(bytes(32))
        columns.line_size.append(math.nan)
        columns.line_bold.append(False)

    def _add(self, textpage: Any, raw: str, index: list[int] | None) -> None:
        """Add a page's text; `index` gives the index in PDFium of each character, if it is not its position."""
        columns, is_generated = self._columns, self._is_generated
        offset = columns.page_start[-1]
        asked = np.flatnonzero(np.frombuffer(raw.encode("utf-32-le"), np.uint32) == 32).tolist()
        n_ends = raw.count("\r\n")
        plain = n_ends == raw.count("\r") == raw.count("\n")
        if not plain:
            asked += [match.start() for match in _SINGLE_LINE_END.finditer(raw)]
        if index is None:
            generated = [position for position in asked if is_generated(textpage, position)]
        else:
            generated = [position for position in asked if is_generated(textpage, index[position])]
        columns.generated += [position + offset for position in generated]
        gaps = {match.start() for match in _GAP.finditer(raw)}
        columns.narrow += [
            position + offset
            for position in generated
            if position in gaps and self._is_narrow(textpage, index[position] if index else position)
        ]
        if plain and "\ufffe" not in raw and not raw.endswith("\r\n"):
            lines = raw.split("\r\n")
            starts = np.cumsum([0, *[len(line) + 2 for line in lines[:-1]]]).tolist()
        else:
            matches = list(_LINE.finditer(self._without_false_hyphens(textpage, raw, index)))
            matches.pop()  # the empty string at the end
            lines, starts = [match[1] for match in matches], [match.start() for match in matches]
        self._measure_lines(textpage, zip(starts, lines, strict=True), len(lines), index)
        if not raw.endswith(("\r", "\n")):
            columns.generated.append(offset + len(raw))
            raw += "\n"
        columns.raw.append(raw)
        columns.page_start.append(offset + len(raw))

    def _is_narrow(self, textpage: Any, index: int) -> bool:
        """Tell whether the characters beside a blank stand on one line, closer than a blank would part them."""
        matrix, corners = self._pdfium.FS_MATRIX(), (ctypes.c_float * 8)()
        self._get_matrix(textpage, index - 1, ctypes.byref(matrix))
        if abs(matrix.b) > _SLANT * abs(matrix.a):
            return False
        self._loose_box(textpage, index - 1, ctypes.byref(corners))
        self._loose_box(textpage, index + 1, ctypes.byref(corners, 16))
        _, top, right, bottom, left, next_top, _, next_bottom = corners
        size = self._font_size(textpage, index - 1) * math.hypot(matrix.a, matrix.b)
        # Below -1 the text goes back to the left: another column, or overprint.
        on_line = min(top, next_top) > max(bottom, next_bottom)
        return bool(on_line and size > 0 and -1 < (left - right) / size < NARROW)

    def _measure_lines(
        self, textpage: Any, lines: Iterable[tuple[int, str]], n_lines: int, index: list[int] | None
    ) -> None:
        """Add the place, the box and the font of each line of a page, given as start and text."""
        columns, refer = self._columns, ctypes.byref
        loose_box, get_matrix, font_size, is_bold = self._loose_box, self._get_matrix, self._font_size, self._is_bold
        offset = columns.page_start[-1]
        corners = (ctypes.c_float * (8 * n_lines))()
        matrix = self._pdfium.FS_MATRIX()
        matrix_there = refer(matrix)
        heavy_fonts: dict[int, bool] = {}
        line_size, line_bold = [math.nan] * n_lines, [False] * n_lines
        for line, (start, words) in enumerate(lines):
            columns.line_start.append(offset + start)
            columns.line_end.append(offset + start + len(words))
            inked = words.strip()
            if not inked:
                continue
            length = len(inked)
            first = start if length == len(words) else start + words.index(inked[0])
            # One character stands for the font of all: the middle one is right where a number or a mark begins a line.
            middle = length // 2
            while inked[middle].isspace():
                middle -= 1
            last = first + length - 1
            middle += first
            if index is not None:
                first, last, middle = index[first], index[last], index[middle]
            get_matrix(textpage, middle, matrix_there)
            box = loose_box if abs(matrix.b) <= _SLANT * abs(matrix.a) else self._tight_box
            box(textpage, first, refer(corners, 32 * line))
            box(textpage, last, refer(corners, 32 * line + 16))
            # The size in the file is that before the text is scaled: 209 for 10.44 points in some reports.
            line_size[line] = font_size(textpage, middle) * math.hypot(matrix.c, matrix.d)
            self.map_errors += self._has_map_error(textpage, middle) == 1
            line_bold[line] = is_bold(textpage, middle, heavy_fonts)
        columns.page_lines.append(n_lines)
        columns.line_corners.append(bytes(corners))
        columns.line_size += line_size
        columns.line_bold += line_bold

    def _is_bold(self, textpage: Any, index: int, heavy_fonts: dict[int, bool]) -> bool:
        """Tell whether a character is bold; `heavy_fonts` is what is known of the page's fonts, by their handles."""
        text_object = self._text_object(textpage, index)
        if not text_object:
            return False
        font = self._font(text_object) or 0
        if font not in heavy_fonts:
            heavy_fonts[font] = bool(font) and _HEAVY_NAME.search(self._font_name(font)) is not None
        return heavy_fonts[font] or self._render_mode(text_object) == _FILL_AND_STROKE

    def _font_name(self, font: int) -> str:
        handle = ctypes.cast(font, self._pdfium.FPDF_FONT)
        name = ctypes.create_string_buffer(256)
        self._pdfium.FPDFFont_GetBaseFontName(handle, name, len(name))
        # Chinese names stand in GBK in many files.
        try:
            return name.value.decode().lower()
        except UnicodeDecodeError:
            return name.value.decode("gb18030", "replace").lower()

    def _tight_box(self, textpage: Any, index: int, corner: Any) -> None:
        """Put the box of a character's ink at `corner`; the loose box is right in upright text only."""
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        self._pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
        ctypes.memmove(corner, (ctypes.c_float * 4)(left.value, top.value, right.value, bottom.value), 16)

    def _holds_image(self, page: Any, covers: float = 0) -> bool:
        """Tell whether there is an image on the page, in forms too, that covers this share of it."""
        pdfium = self._pdfium
        left = _OBJECTS
        levels = [(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0)]
        while levels:
            holder, count, get, depth = levels.pop()
            for number in range(min(count(holder), left)):
                left -= 1
                each = get(holder, number)
                kind = pdfium.FPDFPageObj_GetType(each)
                if kind == _IMAGE and (not covers or depth or self._covers(page, each, covers)):
                    return True
                if kind == _FORM and depth < _DEPTH:
                    levels.append((each, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth + 1))
        return False

    def _covers(self, page: Any, image: Any, share: float) -> bool:
        sides = [ctypes.c_float() for _ in range(4)]
        self._pdfium.FPDFPageObj_GetBounds(image, *sides)
        left, bottom, right, top = (side.value for side in sides)
        shown = self._pdfium.FS_RECTF()
        self._pdfium.FPDF_GetPageBoundingBox(page, shown)
        width = min(right, shown.right) - max(left, shown.left)
        height = min(top, shown.top) - max(bottom, shown.bottom)
        return min(width, height) > 0 and width * height >= share * (shown.right - shown.left) * (
            shown.top - shown.bottom
        )


def _untyped(function: Any, result: Any = ctypes.c_int) -> Any:
    """Return a C function that takes its arguments as they come."""
    return ctypes.PYFUNCTYPE(result)(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _char_indexes(raw: str, n_chars: int) -> list[int] | None:
    """Return PDFium's index of each character, or None if it is its position.

    PDFium has two for a character beyond U+FFFF that a file maps a glyph to.
    """
    if n_chars == len(raw):
        return None
    widths = 1 + (np.frombuffer(raw.encode("utf-32-le"), np.uint32) > 0xFFFF)
    indexes: list[int] = np.minimum(np.cumsum(widths) - widths, n_chars - 1).tolist()
    return indexes


def _boxes_on_page(
    corners: NDArray[np.float32], origin: NDArray[np.float32], quarters: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return the boxes of lines on the page as it is shown: left, bottom, right, top.

    corners   float32[n_lines, 8]  left, top, right, bottom of the first and of the last character, in the file
    origin    float32[n_lines, 4]  left, bottom, right, top of what is shown of the page, in the file
    quarters  uint8[n_lines]       how often the page is turned by 90 degrees, clockwise
    """
    across, up = corners[:, [0, 2, 4, 6]], corners[:, [1, 3, 5, 7]]
    left, bottom = across.min(1) - origin[:, 0], up.min(1) - origin[:, 1]
    right, top = across.max(1) - origin[:, 0], up.max(1) - origin[:, 1]
    width, height = (origin[:, 2:] - origin[:, :2]).T
    turned = (
        (left, bottom, right, top),
        (bottom, width - right, top, width - left),
        (width - right, height - top, width - left, height - bottom),
        (height - top, left, height - bottom, right),
    )
    chosen = [np.choose(quarters, [sides[side] for sides in turned]) for side in range(4)]
    return np.stack(chosen, axis=1).astype(np.float32)
