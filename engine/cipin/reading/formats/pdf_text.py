"""Pages of a PDF → raw text, and where its lines stand."""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cipin.reading.formats.pdf_vertical import set_upright
from cipin.reading.report import Layout, OutlineEntry

Page = Literal["text", "empty", "image", "failed"]

# The weight that PDFium derives from a font's stems is no guide: it says 1364 of a regular Times New Roman.
_HEAVY_NAME = re.compile("bold|black|heavy|simhei|heiti|[-_](?:bd|blk|hvy)|(?<!雅)黑|粗")

_IMAGE, _FORM = 3, 5  # types of page objects
_OBJECTS = 1000  # of a page without text are looked at, for an image
#: Characters of a page that may be a picture with a running head and a number, and the share of it that one covers.
_FEW, _COVERS = 60, 0.5
#: Share of a page's lines, and the least number, from which what the file does not map to Unicode is said of it.
_UNMAPPED, _LEAST_UNMAPPED = 0.2, 2
_DEPTH = 4  # of nested forms


@dataclass(slots=True)
class _Columns:
    """What the pages held, an array a page where it is of lines or characters; offsets are into the whole text."""

    points: list[NDArray[np.uint32]] = field(default_factory=list)
    generated: list[NDArray[np.bool_]] = field(default_factory=list)
    narrow: list[NDArray[np.int64]] = field(default_factory=list)
    page_start: list[int] = field(default_factory=lambda: [0])
    page_size: list[tuple[float, float]] = field(default_factory=list)
    page_origin: list[tuple[float, float, float, float]] = field(default_factory=list)
    page_quarters: list[int] = field(default_factory=list)
    page_lines: list[int] = field(default_factory=list)
    line_start: list[NDArray[np.int64]] = field(default_factory=list)
    line_end: list[NDArray[np.int64]] = field(default_factory=list)
    line_corners: list[NDArray[np.float32]] = field(default_factory=list)
    line_size: list[NDArray[np.float32]] = field(default_factory=list)
    line_bold: list[NDArray[np.bool_]] = field(default_factory=list)


class _Room:
    """Arrays that `read_page` writes a page of up to `n_units` into, as it names them."""

    def __init__(self, n_units: int) -> None:
        n = n_units + 1
        self.n_units = n_units
        self.units = np.zeros(n, np.uint16)
        self.units_there = self.units.ctypes.data_as(ctypes.POINTER(ctypes.c_ushort))
        self.raw, self.index = np.zeros(n, np.uint32), np.zeros(n, np.int64)
        self.points, self.generated = np.zeros(n, np.uint32), np.zeros(n, np.bool_)
        self.narrow = np.zeros(n, np.int64)
        self.starts, self.ends = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.corners, self.sizes = np.zeros((n, 8), np.float32), np.zeros(n, np.float32)
        self.fonts, self.line_fonts = np.zeros(n, np.int64), np.zeros(n, np.int32)
        self.stroked = np.zeros(n, np.bool_)
        self.written = (
            self.raw, self.index, self.points, self.generated, self.narrow, self.starts, self.ends, self.corners,
            self.sizes, self.fonts, self.line_fonts, self.stroked,
        )  # fmt: skip


def load_kernel() -> None:
    """Compile `read_page`, or load it from numba's cache: what is forked from this process then begins with it."""
    from cipin.reading.formats.pdf_kernels import FUNCTIONS, read_page

    room = _Room(1)
    read_page(np.zeros(len(FUNCTIONS), np.int64), 0, room.units, 0, 0, *room.written)


class PageReader:
    """Reads the pages of one document in turn. Not for threads: PDFium may be used by one at a time.

    map_errors  lines whose middle character the file does not map to Unicode, so that PDFium guessed it
    page_flags  pages, from 1: of pictures without text ("needs_ocr"), with hardly any ("picture"), with many such lines
    """

    def __init__(self, document: Any) -> None:
        import pypdfium2.raw as pdfium

        from cipin.reading.formats import pdf_kernels  # numba takes 0.3 s, which other formats do without

        self.map_errors = 0
        self.page_flags: dict[str, list[int]] = {}
        self._pdfium = pdfium
        self._document = document
        self._columns = _Columns()
        self._room = _Room(8191)
        self._calls = np.array([_address(getattr(pdfium, name)) for name in pdf_kernels.FUNCTIONS], np.int64)
        self._read_page = pdf_kernels.read_page
        # Fonts come as numbers from the kernel: pypdfium2's binding would have each made a pointer first.
        get_name = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
        self._get_font_name = get_name(_address(pdfium.FPDFFont_GetBaseFontName))
        self._font_name = ctypes.create_string_buffer(256)

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
                n_raw, map_errors = self._add(textpage)
                if not n_raw:
                    self._add_empty()
                    if not self._holds_image(page):
                        return "empty"
                    self._flag("needs_ocr", number)
                    return "image"
                self.map_errors += map_errors
                if map_errors >= max(_LEAST_UNMAPPED, _UNMAPPED * columns.page_lines[-1]):
                    self._flag("map_errors", number)
                if n_raw <= _FEW and self._holds_image(page, _COVERS):
                    self._flag("picture", number)
            finally:
                pdfium.FPDFText_ClosePage(textpage)
        finally:
            pdfium.FPDF_ClosePage(page)
        return "text"

    def finish(self, outline: tuple[OutlineEntry, ...] = ()) -> tuple[str, Layout]:
        """Return the text of the pages read, and its layout."""
        columns = self._columns
        points = np.concatenate([np.zeros(0, np.uint32), *columns.points])
        n_lines = sum(columns.page_lines)
        line_page = np.repeat(np.arange(len(columns.page_lines), dtype=np.int32), columns.page_lines)
        line_size = np.concatenate([np.zeros(0, np.float32), *columns.line_size])
        corners = np.concatenate([np.zeros((0, 8), np.float32), *columns.line_corners])
        origin = np.array(columns.page_origin, np.float32).reshape(-1, 4)[line_page]
        quarters = np.array(columns.page_quarters, np.uint8)[line_page]
        line_box = _boxes_on_page(corners, origin, quarters)
        line_box[np.isnan(line_size)] = np.nan
        # How far the last character of a line stands right of and below the first, in the file, and as it is shown.
        right, down = corners[:, 4] - corners[:, 0], corners[:, 3] - corners[:, 7]
        falls = np.choose(quarters, [down, right, -down, -right])
        none = np.zeros(0, np.int64)
        return set_upright(
            points.tobytes().decode("utf-32-le"),
            Layout(
                page_start=np.array(columns.page_start, np.int64),
                page_size=np.array(columns.page_size, np.float32).reshape(-1, 2),
                line_start=np.concatenate([none, *columns.line_start]),
                line_end=np.concatenate([none, *columns.line_end]),
                line_page=line_page,
                line_box=line_box,
                line_size=line_size,
                line_bold=np.concatenate([np.zeros(0, np.bool_), *columns.line_bold]),
                line_kind=np.zeros(n_lines, np.uint8),
                line_level=np.zeros(n_lines, np.uint8),
                generated=np.concatenate([np.zeros(0, np.bool_), *columns.generated]),
                outline=outline,
                narrow=np.concatenate([none, *columns.narrow]),
            ),
            falls,
        )

    def _flag(self, name: str, number: int) -> None:
        self.page_flags.setdefault(name, []).append(number + 1)

    def _add_empty(self) -> None:
        columns = self._columns
        start = columns.page_start[-1]
        columns.points.append(np.full(1, ord("\n"), np.uint32))
        columns.generated.append(np.ones(1, np.bool_))
        columns.page_start.append(start + 1)
        columns.page_lines.append(1)
        columns.line_start.append(np.full(1, start, np.int64))
        columns.line_end.append(np.full(1, start, np.int64))
        columns.line_corners.append(np.zeros((1, 8), np.float32))
        columns.line_size.append(np.full(1, np.nan, np.float32))
        columns.line_bold.append(np.zeros(1, np.bool_))

    def _add(self, textpage: Any) -> tuple[int, int]:
        """Add a page, unless all of it is white space.

        Return how many characters it has, 0 where it was not added, and how many of its lines are not mapped.
        """
        columns = self._columns
        n_chars = self._pdfium.FPDFText_CountChars(textpage)
        if n_chars <= 0:
            return 0, 0
        # A character may take two UTF-16 units, and a NUL stands at the end.
        if 2 * n_chars + 1 > self._room.n_units:
            self._room = _Room(4 * n_chars)
        room = self._room
        n_units = self._pdfium.FPDFText_GetText(textpage, 0, n_chars, room.units_there) - 1
        page = ctypes.cast(textpage, ctypes.c_void_p).value
        n_raw, n_points, n_lines, n_narrow, n_fonts, map_errors = self._read_page(
            self._calls, page, room.units, max(n_units, 0), n_chars, *room.written
        )
        if not n_points:
            return 0, 0
        offset = columns.page_start[-1]
        heavy = np.array([*map(self._is_heavy, room.fonts[:n_fonts].tolist()), False])
        columns.points.append(room.points[:n_points].copy())
        columns.generated.append(room.generated[:n_points].copy())
        columns.narrow.append(room.narrow[:n_narrow] + offset)
        columns.page_start.append(offset + n_points)
        columns.page_lines.append(n_lines)
        columns.line_start.append(room.starts[:n_lines] + offset)
        columns.line_end.append(room.ends[:n_lines] + offset)
        columns.line_corners.append(room.corners[:n_lines].copy())
        columns.line_size.append(room.sizes[:n_lines].copy())
        columns.line_bold.append(heavy[room.line_fonts[:n_lines]] | room.stroked[:n_lines])
        return n_raw, map_errors

    def _is_heavy(self, font: int) -> bool:
        if not font:
            return False
        self._font_name.value = b""  # nothing is written where a font has no name
        self._get_font_name(font, self._font_name, len(self._font_name))
        return _is_heavy_name(self._font_name.value)

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


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@lru_cache(maxsize=1 << 10)
def _is_heavy_name(name: bytes) -> bool:
    # Chinese names stand in GBK in many files.
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = name.decode("gb18030", "replace")
    return _HEAVY_NAME.search(text.lower()) is not None


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
