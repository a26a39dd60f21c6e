"""A page of a PDF, character by character: PDFium is asked about each one that matters from compiled code.

A call from Python costs 0.27 µs at best, here some nanoseconds: that is what makes boxes, fonts and gaps of all lines
cheap. Without the compiler the same loop runs in Python, and is as slow as loops there are.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.reading.foreign import call_address, call_double, call_int

#: The functions of PDFium whose addresses `read_page` is handed, in this order.
FUNCTIONS = (
    "FPDFText_IsGenerated", "FPDFText_IsHyphen", "FPDFText_HasUnicodeMapError", "FPDFText_GetMatrix",
    "FPDFText_GetLooseCharBox", "FPDFText_GetCharBox", "FPDFText_GetFontSize", "FPDFText_GetTextObject",
    "FPDFTextObj_GetFont", "FPDFTextObj_GetTextRenderMode",
)  # fmt: skip
(
    _IS_GENERATED, _IS_HYPHEN, _HAS_MAP_ERROR, _GET_MATRIX, _LOOSE_BOX, _TIGHT_BOX, _FONT_SIZE, _TEXT_OBJECT, _FONT,
    _RENDER_MODE,
) = range(len(FUNCTIONS))  # fmt: skip

#: |b| : |a| of a text matrix above which a line is not horizontal.
_SLANT = 0.1
#: Widest gap between two Chinese characters, in font sizes, that only spaces letters. In justified Taiwanese reports
#: 15,000 of 15,300 gaps are below 0.35 (4 in 10 of them below 0), in a made PDF all are 0.4; where punctuation was lost
#: they begin at 0.5, and columns of tables at 0.5 to 0.7.
_NARROW = 0.45
#: PDFium's mark for a hyphen that ends a line, and no line end follows it: all 48 marks in 24 annual reports stood
#: where the text went on below. It is also what a glyph is that has no text.
_HYPHEN = 0xFFFE
_FILL_AND_STROKE = 2  # how Word and WPS make a Chinese font bold that has no bold face: 2-11 % of the characters
_CR, _LF, _BLANK, _REPLACEMENT = 0x0D, 0x0A, 0x20, 0xFFFD


@piece
def _is_space(point):
    """Whether a character is white space, as `str.isspace` says."""
    if point < 0x80:
        return 0x09 <= point <= 0x0D or 0x1C <= point <= 0x20
    return point in (0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000) or 0x2000 <= point <= 0x200A


@piece
def _is_chinese(point):
    """Whether a character is a Han, a radical, or a full-width mark."""
    return (
        0x3400 <= point <= 0x9FFF
        or 0x3001 <= point <= 0x303F
        or 0xFF01 <= point <= 0xFF0F
        or 0xFF1A <= point <= 0xFF20
        or 0x2E80 <= point <= 0x2FDF
        or 0xF900 <= point <= 0xFAFF
    )


@piece
def _decode(units, n_units, n_chars, raw, index):
    """Write the code points of UTF-16 into `raw`, and PDFium's index of each into `index`; return how many.

    An unpaired surrogate becomes U+FFFD. PDFium has two indexes for a character beyond U+FFFF that a file maps a glyph
    to, and one for what it makes itself: the sum tells which.
    """
    n_raw = at = 0
    while at < n_units:
        index[n_raw] = at
        unit = np.int64(units[at])
        if 0xD800 <= unit < 0xE000:
            after = np.int64(units[at + 1]) if at + 1 < n_units else 0
            if unit < 0xDC00 and 0xDC00 <= after < 0xE000:
                unit = 0x10000 + ((unit - 0xD800) << 10) + after - 0xDC00
                at += 1
            else:
                unit = _REPLACEMENT
        raw[n_raw] = unit
        n_raw += 1
        at += 1
    for at in range(n_raw):
        index[at] = at if n_raw == n_chars else min(index[at], n_chars - 1)
    return n_raw


@piece
def _is_narrow(calls, page, index):
    """Whether the characters beside a blank stand on one line, closer than a blank would part them."""
    matrix, box = np.zeros(6, np.float32), np.zeros(8, np.float32)
    call_int(calls[_GET_MATRIX], page, index - 1, matrix.ctypes.data)
    a, b = float(matrix[0]), float(matrix[1])
    if abs(b) > _SLANT * abs(a):
        return False
    call_int(calls[_LOOSE_BOX], page, index - 1, box.ctypes.data)
    call_int(calls[_LOOSE_BOX], page, index + 1, box.ctypes.data + 16)
    size = call_double(calls[_FONT_SIZE], page, index - 1) * np.hypot(a, b)
    # Below -1 the text goes back to the left: another column, or overprint.
    on_line = min(box[1], box[5]) > max(box[3], box[7])
    return on_line and size > 0 and -1 < (float(box[4]) - float(box[2])) / size < _NARROW


@piece
def _measure(calls, page, first, middle, last, matrix, tight, corners):
    """Write the boxes of a line's first and last character into `corners`; return the size of the middle one."""
    call_int(calls[_GET_MATRIX], page, middle, matrix.ctypes.data)
    if abs(float(matrix[1])) <= _SLANT * abs(float(matrix[0])):
        call_int(calls[_LOOSE_BOX], page, first, corners.ctypes.data)
        call_int(calls[_LOOSE_BOX], page, last, corners.ctypes.data + 16)
    else:
        # The loose box is right in upright text only; this one is the ink's.
        for at, index in enumerate((first, last)):
            tight[:] = 0
            side = tight.ctypes.data
            call_int(calls[_TIGHT_BOX], page, index, side, side + 8, side + 16, side + 24)
            corners[4 * at] = tight[0]
            corners[4 * at + 1] = tight[3]
            corners[4 * at + 2] = tight[1]
            corners[4 * at + 3] = tight[2]
    c, d = float(matrix[2]), float(matrix[3])
    # The size in the file is that before the text is scaled: 209 for 10.44 points in some reports.
    return call_double(calls[_FONT_SIZE], page, middle) * np.hypot(c, d)


@kernel
def read_page(
    calls, page, units, n_units, n_chars, raw, index, points, generated, narrow, starts, ends, corners, sizes, fonts,
    line_fonts, stroked,
):  # fmt: skip
    """Take the text of a page apart into lines, and ask where and how each is set.

    calls      int64[]                 addresses of FUNCTIONS
    page       int                     address of PDFium's page of text
    units      uint16[n_units]         its text in UTF-16, with PDFium's CR LF between lines
    n_chars    int                     characters that PDFium counts
    raw, index uint32[], int64[]       scratch, of n_units each, as everything below of n_units + 1 at least
    points     uint32[]                the text, its line ends LF, and one at its end
    generated  bool[]                  of each: a blank or line end that the file does not hold
    narrow     int64[]                 offsets of generated blanks between Chinese that stand as close as spaced letters
    starts, ends  int64[]              of lines in `points`, without their line ends
    corners    float32[n, 8]           left, top, right, bottom of each line's first and last character, in the file
    sizes      float32[]               font sizes in points; NaN where a line is blank
    fonts      int64[]                 handles of the page's fonts, in order
    line_fonts int32[]                 of each line, as an index into `fonts`; -1: none
    stroked    bool[]                  whether its characters are filled and stroked

    One character stands for the font of all: the middle one is right where a number or a mark begins a line.
    Return how many characters there were before line ends were made one, and how many points, lines, narrow, fonts and
    lines whose middle character the file does not map to Unicode; no points where all is white space.
    """
    n_raw = _decode(units, n_units, n_chars, raw, index)
    n_points = n_lines = n_narrow = n_fonts = map_errors = 0
    is_blank = True
    for at in range(n_raw):
        is_blank &= _is_space(np.int64(raw[at]))
    if is_blank:
        return n_raw, n_points, n_lines, n_narrow, n_fonts, map_errors
    matrix, tight = np.zeros(6, np.float32), np.zeros(4, np.float64)
    at = begin = start = 0
    while at < n_raw:
        point = np.int64(raw[at])
        width = 1
        is_end = point in (_LF, _CR)
        if not is_end:
            points[n_points] = point
            generated[n_points] = False
            if point == _BLANK and call_int(calls[_IS_GENERATED], page, index[at]):
                generated[n_points] = True
                if 0 < at < n_raw - 1 and _is_chinese(np.int64(raw[at - 1])) and _is_chinese(np.int64(raw[at + 1])):
                    if _is_narrow(calls, page, index[at]):
                        narrow[n_narrow] = n_points
                        n_narrow += 1
            n_points += 1
            at += 1
            # Behind the hyphen no line end need stand; if one does, it is the same.
            is_end = at == n_raw or (point == _HYPHEN and call_int(calls[_IS_HYPHEN], page, index[at - 1]) == 1)
            if not is_end:
                continue
            width = 1 if at < n_raw and raw[at] in (_LF, _CR) else 0
        starts[n_lines] = start
        ends[n_lines] = n_points
        corners[n_lines] = 0
        sizes[n_lines] = np.nan
        line_fonts[n_lines] = -1
        stroked[n_lines] = False
        first, last = begin, at - 1
        while first <= last and _is_space(np.int64(raw[first])):
            first += 1
        while first < last and _is_space(np.int64(raw[last])):
            last -= 1
        if first <= last:
            middle = first + (last - first + 1) // 2
            while _is_space(np.int64(raw[middle])):
                middle -= 1
            middle = index[middle]
            sizes[n_lines] = _measure(calls, page, index[first], middle, index[last], matrix, tight, corners[n_lines])
            map_errors += call_int(calls[_HAS_MAP_ERROR], page, middle) == 1
            text_object = call_address(calls[_TEXT_OBJECT], page, middle)
            if text_object:
                font = call_address(calls[_FONT], text_object)
                known = 0
                while known < n_fonts and fonts[known] != font:
                    known += 1
                if known == n_fonts:
                    fonts[n_fonts] = font
                    n_fonts += 1
                line_fonts[n_lines] = known
                stroked[n_lines] = call_int(calls[_RENDER_MODE], text_object) == _FILL_AND_STROKE
        n_lines += 1
        if width:
            is_pair = raw[at] == _CR and at + 1 < n_raw and raw[at + 1] == _LF
            points[n_points] = _LF
            generated[n_points] = is_pair or call_int(calls[_IS_GENERATED], page, index[at]) != 0
            n_points += 1
            at += 2 if is_pair else 1
        begin, start = at, n_points
    if raw[n_raw - 1] not in (_LF, _CR):
        points[n_points] = _LF
        generated[n_points] = True
        n_points += 1
    return n_raw, n_points, n_lines, n_narrow, n_fonts, map_errors
