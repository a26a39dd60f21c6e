"""Pages of a PDF → raw text, and where its lines stand."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cipin.reading.formats.outcome import clean_surrogates
from cipin.reading.report import Layout, OutlineEntry

Page = Literal["text", "empty", "image", "failed"]

# PDFium parts lines by CR LF; U+FFFE stands for a hyphen that ends a line, and no line end follows it. All 48 such
# marks in 30 annual reports stood where the text went on below.
_LINE = re.compile("([^\r\n\ufffe]*\ufffe?)(\r\n|[\r\n]|(?<=\ufffe)|$)")

# The weight that PDFium derives from a font's stems is no guide: it says 1364 of a regular Times New Roman.
_HEAVY_NAME = re.compile("bold|black|heavy|simhei|heiti|[-_](?:bd|blk|hvy)|[黑粗]")
_FILL_AND_STROKE = 2  # how Word and WPS make a Chinese font bold that has no bold face: 2-11 % of the characters
_SLANT = 0.1  # |b| : |a| of a text matrix above which a line is not horizontal

_IMAGE, _FORM = 3, 5  # types of page objects
_OBJECTS = 1000  # of a page without text are looked at, for an image
_DEPTH = 4  # of nested forms


@dataclass(slots=True)
class _Columns:
    """The columns of a `Layout`, page by page."""

    text: list[str] = field(default_factory=list)
    page_start: list[int] = field(default_factory=lambda: [0])
    page_size: list[tuple[float, float]] = field(default_factory=list)
    generated: list[NDArray[np.int64]] = field(default_factory=list)
    line_start: list[NDArray[np.int64]] = field(default_factory=list)
    line_end: list[NDArray[np.int64]] = field(default_factory=list)
    line_box: list[NDArray[np.float32]] = field(default_factory=list)
    line_size: list[NDArray[np.float32]] = field(default_factory=list)
    line_bold: list[list[bool]] = field(default_factory=list)


class PageReader:
    """Reads the pages of one document in turn. Not for threads: PDFium may be used by one at a time.

    A call of PDFium costs 0.65 µs by its typed binding and 0.27 µs without, so those made for each line are not typed
    (handles are pointer objects, numbers are C ints). About seven are made a line and one a blank, which adds
    ADDED % to bare text extraction; a box for each character would add more.

    map_errors  characters without a Unicode value, among one of each line
    """

    def __init__(self, document: Any) -> None:
        import pypdfium2.raw as pdfium

        self.map_errors = 0
        self._pdfium = pdfium
        self._document = document
        self._columns = _Columns()
        self._buffer = (ctypes.c_ushort * 8192)()
        self._is_generated = _untyped(pdfium.FPDFText_IsGenerated)
        self._loose_box = _untyped(pdfium.FPDFText_GetLooseCharBox)
        self._matrix = _untyped(pdfium.FPDFText_GetMatrix)
        self._font_size = _untyped(pdfium.FPDFText_GetFontSize, ctypes.c_double)
        self._text_object = _untyped(pdfium.FPDFText_GetTextObject, ctypes.c_void_p)
        self._font = _untyped(pdfium.FPDFTextObj_GetFont, ctypes.c_void_p)
        self._render_mode = _untyped(pdfium.FPDFTextObj_GetTextRenderMode)
        self._has_map_error = _untyped(pdfium.FPDFText_HasUnicodeMapError)

    def read(self, number: int) -> Page:
        """Read a page, from 0, and say what it held; "image" is a page with an image and no text."""
        pdfium = self._pdfium
        page = pdfium.FPDF_LoadPage(self._document, number)
        if not page:
            return self._no_text(pdfium.FS_SIZEF(np.nan, np.nan), "failed")
        try:
            size = pdfium.FS_SIZEF(pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page))
            textpage = pdfium.FPDFText_LoadPage(page)
            if not textpage:
                return self._no_text(size, "failed")
            try:
                raw, n_chars = self._get_text(textpage)
                if not raw or raw.isspace():
                    return self._no_text(size, "image" if self._holds_image(page) else "empty")
                self._columns.page_size.append((size.width, size.height))
                self._add(page, textpage, raw, _char_indexes(raw, n_chars))
            finally:
                pdfium.FPDFText_ClosePage(textpage)
        finally:
            pdfium.FPDF_ClosePage(page)
        return "text"

    def finish(self, outline: tuple[OutlineEntry, ...] = ()) -> tuple[str, Layout]:
        """Return the text of the pages read, and its layout."""
        columns = self._columns
        text = "".join(columns.text)
        generated = np.zeros(len(text), bool)
        for positions in columns.generated:
            generated[positions] = True
        starts = [np.empty(0, np.int64), *columns.line_start]
        n_lines = sum(map(len, starts))
        page_lines = [len(start) for start in columns.line_start]
        return text, Layout(
            page_start=np.array(columns.page_start, np.int64),
            page_size=np.array(columns.page_size, np.float32).reshape(-1, 2),
            line_start=np.concatenate(starts),
            line_end=np.concatenate([np.empty(0, np.int64), *columns.line_end]),
            line_page=np.repeat(np.arange(len(page_lines), dtype=np.int32), page_lines),
            line_box=np.concatenate([np.empty((0, 4), np.float32), *columns.line_box]),
            line_size=np.concatenate([np.empty(0, np.float32), *columns.line_size]),
            line_bold=np.array([bold for page in columns.line_bold for bold in page], bool),
            line_kind=np.zeros(n_lines, np.uint8),
            line_level=np.zeros(n_lines, np.uint8),
            generated=generated,
            outline=outline,
        )

    def _get_text(self, textpage: Any) -> tuple[str, int]:
        n_chars = self._pdfium.FPDFText_CountChars(textpage)
        if n_chars <= 0:
            return "", 0
        # A character may take two UTF-16 units.
        if 2 * n_chars + 1 > len(self._buffer):
            self._buffer = (ctypes.c_ushort * (4 * n_chars))()
        n_units = self._pdfium.FPDFText_GetText(textpage, 0, n_chars, self._buffer) - 1
        raw = bytes(memoryview(self._buffer)[: max(n_units, 0)]).decode("utf-16", "surrogatepass")
        return clean_surrogates(raw), n_chars

    def _no_text(self, size: Any, what: Page) -> Page:
        columns = self._columns
        start = columns.page_start[-1]
        columns.text.append("\n")
        columns.page_start.append(start + 1)
        columns.page_size.append((size.width, size.height))
        columns.generated.append(np.array([start]))
        columns.line_start.append(np.array([start]))
        columns.line_end.append(np.array([start]))
        columns.line_box.append(np.full((1, 4), np.nan, np.float32))
        columns.line_size.append(np.full(1, np.nan, np.float32))
        columns.line_bold.append([False])
        return what

    def _add(self, page: Any, textpage: Any, raw: str, index: NDArray[np.int64] | None) -> None:
        """Add a page's text; `index` gives the index in PDFium of each character, if it is not its position."""
        columns = self._columns
        offset = columns.page_start[-1]
        codes = np.frombuffer(raw.encode("utf-32-le"), np.uint32)
        is_cr, is_lf = codes == 13, codes == 10
        # CR is dropped from CR LF; line ends are put in by PDFium, but single ones may stand in the file.
        pairs = np.flatnonzero(is_cr[:-1] & is_lf[1:])
        asked = (codes == 32) | is_cr | is_lf
        asked[pairs] = asked[pairs + 1] = False
        is_generated = self._is_generated
        blanks = [
            position
            for position in np.flatnonzero(asked).tolist()
            if is_generated(textpage, position if index is None else int(index[position]))
        ]
        starts, ends, boxes, sizes, bold = self._measure_lines(page, textpage, raw, index)
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        generated = np.concatenate([np.array(blanks, np.int64), pairs])
        if not text.endswith("\n"):
            text += "\n"
            generated = np.append(generated, len(raw))
        columns.text.append(text)
        columns.page_start.append(offset + len(text))
        columns.generated.append(_without(pairs, generated) + offset)
        columns.line_start.append(_without(pairs, starts) + offset)
        columns.line_end.append(_without(pairs, ends) + offset)
        columns.line_box.append(boxes)
        columns.line_size.append(sizes)
        columns.line_bold.append(bold)

    def _measure_lines(
        self, page: Any, textpage: Any, raw: str, index: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], list[bool]]:
        """Return the start, end, box and font size of the lines of `raw`, and whether they are bold."""
        pdfium, refer = self._pdfium, ctypes.byref
        matches = list(_LINE.finditer(raw))
        if len(matches) > 1 and not matches[-1].group():
            matches.pop()  # the end of a text that ends in a line end
        n_lines = len(matches)
        corners = (pdfium.FS_RECTF * (2 * n_lines))()
        matrices = (pdfium.FS_MATRIX * n_lines)()
        sizes = np.full(n_lines, np.nan)
        bold = [False] * n_lines
        heavy_fonts: dict[int, bool] = {}
        measured = []
        for line, match in enumerate(matches):
            words = match.group(1)
            inked = words.strip()
            if not inked:
                continue
            first = match.start() + len(words) - len(words.lstrip())
            last = first + len(inked) - 1
            middle = first + len(inked) // 2
            while raw[middle].isspace():
                middle -= 1
            if index is not None:
                first, last, middle = int(index[first]), int(index[last]), int(index[middle])
            self._loose_box(textpage, first, refer(corners, 32 * line))
            self._loose_box(textpage, last, refer(corners, 32 * line + 16))
            self._matrix(textpage, middle, refer(matrices, 24 * line))
            sizes[line] = self._font_size(textpage, middle)
            self.map_errors += self._has_map_error(textpage, middle) == 1
            bold[line] = self._is_bold(textpage, middle, heavy_fonts)
            measured.append((line, first, last))
        matrix = np.frombuffer(matrices, np.float32).reshape(-1, 6)
        slanted = np.abs(matrix[:, 1]) > _SLANT * np.abs(matrix[:, 0])
        for line, first, last in measured:
            if slanted[line]:
                self._tight_box(textpage, first, corners[2 * line])
                self._tight_box(textpage, last, corners[2 * line + 1])
        box = np.full((n_lines, 4), np.nan, np.float32)
        lines = [line for line, _, _ in measured]
        box[lines] = self._on_page(page, np.frombuffer(corners, np.float32).reshape(-1, 8)[lines])
        # The size in the file is that before the text is scaled: 209 for 10.44 points in some reports.
        sizes *= np.hypot(matrix[:, 2], matrix[:, 3])
        starts = np.array([match.start(1) for match in matches], np.int64)
        ends = np.array([match.end(1) for match in matches], np.int64)
        return starts, ends, box, sizes.astype(np.float32), bold

    def _is_bold(self, textpage: Any, index: int, heavy_fonts: dict[int, bool]) -> bool:
        address = self._text_object(textpage, index)
        if not address:
            return False
        text_object = ctypes.c_void_p(address)
        if self._render_mode(text_object) == _FILL_AND_STROKE:
            return True
        font = self._font(text_object) or 0
        if font not in heavy_fonts:
            heavy_fonts[font] = bool(font) and _HEAVY_NAME.search(self._font_name(font)) is not None
        return heavy_fonts[font]

    def _font_name(self, font: int) -> str:
        pdfium = self._pdfium
        handle = ctypes.cast(font, pdfium.FPDF_FONT)
        name = ctypes.create_string_buffer(256)
        pdfium.FPDFFont_GetBaseFontName(handle, name, len(name))
        # Names of Chinese fonts stand in GBK in half of the files.
        try:
            return name.value.decode().lower()
        except UnicodeDecodeError:
            return name.value.decode("gb18030", "replace").lower()

    def _tight_box(self, textpage: Any, index: int, corner: Any) -> None:
        """Put the box of a character's ink into `corner`; the loose box is right in horizontal text only."""
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        self._pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
        corner.left, corner.right, corner.bottom, corner.top = left.value, right.value, bottom.value, top.value

    def _on_page(self, page: Any, corners: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return left, bottom, right, top as the page is shown, for the ends' left, top, right, bottom in the file."""
        pdfium = self._pdfium
        across, up = corners[:, [0, 2, 4, 6]], corners[:, [1, 3, 5, 7]]
        left, right, bottom, top = across.min(1), across.max(1), up.min(1), up.max(1)
        shown = pdfium.FS_RECTF()
        if not pdfium.FPDF_GetPageBoundingBox(page, shown):
            shown = pdfium.FS_RECTF(0, 0, 0, 0)
        quarters = pdfium.FPDFPage_GetRotation(page)  # clockwise
        if quarters == 1:
            sides = bottom - shown.bottom, shown.right - right, top - shown.bottom, shown.right - left
        elif quarters == 2:
            sides = shown.right - right, shown.top - top, shown.right - left, shown.top - bottom
        elif quarters == 3:
            sides = shown.top - top, left - shown.left, shown.top - bottom, right - shown.left
        else:
            sides = left - shown.left, bottom - shown.bottom, right - shown.left, top - shown.bottom
        return np.stack(sides, axis=1)

    def _holds_image(self, page: Any) -> bool:
        """Tell whether there is an image on the page, in forms too."""
        pdfium = self._pdfium
        left = _OBJECTS
        levels = [(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0)]
        while levels:
            holder, count, get, depth = levels.pop()
            for number in range(min(count(holder), left)):
                left -= 1
                each = get(holder, number)
                kind = pdfium.FPDFPageObj_GetType(each)
                if kind == _IMAGE:
                    return True
                if kind == _FORM and depth < _DEPTH:
                    levels.append((each, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth + 1))
        return False


def _untyped(function: Any, result: Any = ctypes.c_int) -> Any:
    """Return a C function that takes its arguments as they come."""
    return ctypes.PYFUNCTYPE(result)(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _char_indexes(raw: str, n_chars: int) -> NDArray[np.int64] | None:
    """Return PDFium's index of each character, or None if it is its position.

    PDFium has one index for each UTF-16 unit that a file maps a glyph to.
    """
    if n_chars == len(raw):
        return None
    codes = np.frombuffer(raw.encode("utf-32-le"), np.uint32)
    widths = 1 + (codes > 0xFFFF)
    return np.minimum(np.cumsum(widths) - widths, n_chars - 1)


def _without(dropped: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where `positions` are after the characters at `dropped` are taken out."""
    return positions - np.searchsorted(dropped, positions)
