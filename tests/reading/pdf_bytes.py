"""PDF files written by hand, byte by byte, and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cipin.reading.formats import read_reports
from cipin.reading.report import LINE_KINDS, Layout, RawReport

# /S: Chinese in a font that is not embedded; /B: black; /U: what its ToUnicode says.
FONTS = b"/Font << /F 3 0 R /S 4 0 R /B 5 0 R /U 6 0 R >>"
SONG = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Type /Font"
    b" /Subtype /CIDFontType0 /BaseFont /%s /DW 1000 /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1)"
    b" /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /%s /Flags 6 /Ascent 880 /Descent -120"
    b" /StemV 80 /CapHeight 700 /ItalicAngle 0 /FontBBox [0 -120 1000 880] >> >>] >>"
)


def zh(text: str) -> bytes:
    return b"<" + text.encode("utf-16-be").hex().encode() + b"> Tj"


def at(x: float, y: float, what: bytes, font: bytes = b"/S 12 Tf") -> bytes:
    return b"BT %s 1 0 0 1 %g %g Tm %s ET\n" % (font, x, y, what)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def pdf(*contents: bytes, page: bytes = b"", mapped: dict[int, str] | None = None, root: bytes = b"",
        more: tuple[bytes, ...] = (), info: bytes = b"") -> bytes:  # fmt: skip
    """Return a PDF with a page for each content; `mapped` is the Unicode text of the codes of font /U."""
    mapping = b"".join(
        b"<%02x> <%s>\n" % (code, text.encode("utf-16-be", "surrogatepass").hex().encode())
        for code, text in (mapped or {}).items()
    )
    cmap = b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange\n%d beginbfchar\n%sendbfchar endcmap" % (
        len(mapped or {}), mapping,
    )  # fmt: skip
    first = 10
    kids = [first + 2 * number for number in range(len(contents))]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % root,
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        SONG % ((b"STSong-Light",) * 3),
        SONG % ((b"SimHei",) * 3),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 7 0 R >>",
        stream(cmap),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
        b"<< %s >>" % info,
    ]
    for kid, content in zip(kids, contents, strict=True):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << %s /XObject << /X %d 0 R >> >> %s >>"
            % (kid + 1, FONTS, first + 2 * len(kids), page or b"/MediaBox [0 0 595 842]")
        )
        objects.append(stream(content))
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate((*objects, *more), 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info 9 0 R >>\n" % (
        size, table, size,
    ) + b"startxref\n%d\n%%%%EOF\n" % len(data)  # fmt: skip


def read(folder: Path, data: bytes) -> RawReport:
    path = folder / "2019年年度报告.pdf"
    path.write_bytes(data)
    (report,) = read_reports(path)
    assert report.format == "pdf"
    if report.status == "measured":
        check(report)
    return report


def layout_of(report: RawReport) -> Layout:
    assert report.layout is not None, report.message
    return report.layout


def check(report: RawReport) -> None:
    """Check what holds for every layout."""
    text, layout = report.text, layout_of(report)
    n_lines = len(layout.line_start)
    assert "\r" not in text
    assert layout.page_start[0] == 0
    assert layout.page_start[-1] == len(text) == len(layout.generated)
    assert all(text[end - 1] == "\n" for end in layout.page_start[1:])
    assert layout.page_size.shape == (len(layout.page_start) - 1, 2)
    # Lines tile the text: between two there is a line end, or nothing where a hyphen ends the first.
    assert (layout.line_start[0], layout.line_end[-1]) == (0, len(text) - 1)
    for end, start in zip(layout.line_end[:-1], layout.line_start[1:], strict=True):
        assert text[end:start] == "\n" or (end == start and text[end - 1] == "\ufffe")
    assert np.array_equal(np.searchsorted(layout.page_start, layout.line_start, "right") - 1, layout.line_page)
    assert layout.line_box.shape == (n_lines, 4)
    assert {len(column) for column in (layout.line_size, layout.line_bold, layout.line_kind, layout.line_level)} == {
        n_lines
    }
    inked = [not text[start:end].isspace() and end > start for start, end in lines(layout)]
    assert np.array_equal(np.isnan(layout.line_box).any(axis=1), ~np.array(inked))
    box = layout.line_box[inked]
    assert (box[:, :2] <= box[:, 2:]).all()
    assert all(text[position] in " \n\r" for position in np.flatnonzero(layout.generated))
    dtypes = [layout.page_start.dtype, layout.page_size.dtype, layout.line_start.dtype, layout.line_end.dtype,
              layout.line_page.dtype, layout.line_box.dtype, layout.line_size.dtype, layout.line_bold.dtype,
              layout.line_kind.dtype, layout.line_level.dtype, layout.generated.dtype]  # fmt: skip
    assert dtypes == ["i8", "f4", "i8", "i8", "i4", "f4", "f4", "?", "u1", "u1", "?"]
    assert LINE_KINDS[layout.line_kind.max()] == "body"


def lines(layout: Layout) -> Iterator[tuple[int, int]]:
    return zip(layout.line_start.tolist(), layout.line_end.tolist(), strict=True)


IMAGE = b"q 200 0 0 200 72 500 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q"
