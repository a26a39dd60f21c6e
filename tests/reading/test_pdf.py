"""PDFs, written here by hand, come out as raw text, and the layout says where each line stands."""

from __future__ import annotations

import ctypes
import dataclasses
import io
import itertools
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest

from cipin.reading.formats import read_reports
from cipin.reading.formats.pdf_kernels import read_page
from cipin.reading.layout import repair_layout
from cipin.reading.report import LINE_KINDS, Layout, OutlineEntry, RawReport

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "pdf"

# /S: Chinese in a font that is not embedded; /B: black; /U: what its ToUnicode says.
FONTS = b"/Font << /F 3 0 R /S 4 0 R /B 5 0 R /U 6 0 R >>"
SONG = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Type /Font"
    b" /Subtype /CIDFontType0 /BaseFont /%s /DW 1000 /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1)"
    b" /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /%s /Flags 6 /Ascent 880 /Descent -120"
    b" /StemV 80 /CapHeight 700 /ItalicAngle 0 /FontBBox [0 -120 1000 880] >> >>] >>"
)
IMAGE = b"q 200 0 0 200 72 500 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q"


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


def test_pages_and_lines(tmp_path: Path) -> None:
    first = at(96, 700, zh("加快数字化转型，")) + at(72, 680, zh("投入持续增长。"))
    report = read(tmp_path, pdf(first, at(72, 700, zh("云计算"), b"/S 20 Tf")))
    assert report.text == "加快数字化转型，\n投入持续增长。\n云计算\n"
    layout = layout_of(report)
    assert layout.page_start.tolist() == [0, 17, 21]
    assert layout.page_size.tolist() == [[595, 842]] * 2
    assert layout.line_page.tolist() == [0, 0, 1]
    assert layout.line_size.tolist() == [12, 12, 20]
    assert layout.line_box[:, [0, 2]].tolist() == [[96, 192], [72, 156], [72, 132]]
    assert layout.line_box[:, [1, 3]] == pytest.approx(
        np.array([[698.56, 710.56], [678.56, 690.56], [697.6, 717.6]]), abs=0.3
    )
    assert layout.generated.sum() == 3
    assert report.meta == {"pdf_pages": 2}
    assert report.flags == ()


def test_blanks_of_the_file_are_told_from_gaps(tmp_path: Path) -> None:
    content = at(72, 700, b"(one two) Tj 90 0 Td (three) Tj", b"/F 12 Tf") + at(72, 680, zh("大\u3000数 据"))
    report = read(tmp_path, pdf(content))
    assert report.text == "one two three\n大\u3000数 据\n"
    assert np.flatnonzero(layout_of(report).generated).tolist() == [7, 13, 19]


STYLES = [
    # content, size, bold
    (at(72, 700, zh("金融科技"), b"/S 12 Tf"), 12, False),
    (at(72, 700, zh("金融科技"), b"2 Tr .3 w /S 12 Tf"), 12, True),
    (at(72, 700, zh("金融科技"), b"/B 12 Tf"), 12, True),
    (b"BT /S 200 Tf .05 0 0 .05 72 700 Tm %s ET" % zh("金融科技"), 10, False),
    (b"2 0 0 2 0 0 cm " + at(36, 350, zh("金融科技"), b"/S 9 Tf"), 18, False),
    (at(72, 700, b"(1) Tj /S 14 Tf " + zh("金融科技"), b"/F 12 Tf"), 14, False),
]


@pytest.mark.parametrize(("content", "size", "bold"), STYLES)
def test_font(tmp_path: Path, content: bytes, size: float, bold: bool) -> None:
    layout = layout_of(read(tmp_path, pdf(content)))
    assert (layout.line_size.tolist(), layout.line_bold.tolist()) == ([pytest.approx(size)], [bold])


TURNS = [
    # /Rotate, text matrix that stands upright on the shown page, its place in the file for a line at (60, 100) there
    (0, "1 0 0 1", (70, 120)),
    (90, "0 1 -1 0", (10 + 500 - 100, 20 + 60)),
    (180, "-1 0 0 -1", (10 + 500 - 60, 20 + 700 - 100)),
    (270, "0 -1 1 0", (10 + 100, 20 + 700 - 60)),
]


@pytest.mark.parametrize(("turn", "matrix", "place"), TURNS)
def test_a_box_is_where_the_page_shows_it(tmp_path: Path, turn: int, matrix: str, place: tuple[int, int]) -> None:
    content = b"BT /F 10 Tf %s %d %d Tm (HHHHHHHHHH) Tj ET" % (matrix.encode(), *place)
    page = b"/MediaBox [0 0 600 800] /CropBox [10 20 510 720] /Rotate %d" % turn
    layout = layout_of(read(tmp_path, pdf(content, page=page)))
    assert layout.page_size.tolist() == [[500, 700] if turn in {0, 180} else [700, 500]]
    # Helvetica's H is 7.22 wide and 7.2 high; the box of upright text takes in the ascent and descent of the font.
    assert layout.line_box[0] == pytest.approx([60, 100, 132.2, 107.2], abs=3)
    assert layout.line_size.tolist() == [10]


def test_vertical_writing(tmp_path: Path) -> None:
    data = pdf(at(500, 700, zh("数字A")) + at(480, 700, zh("转型B"))).replace(b"UniGB-UCS2-H", b"UniGB-UCS2-V")
    report = read(tmp_path, data)
    layout = layout_of(report)
    # PDFium orders columns from left to right; which is first is for those who read the boxes.
    assert sorted(report.text.split()) == ["数字A", "转型B"]
    left, bottom, right, top = layout.line_box[0].tolist()
    assert right - left < top - bottom
    assert 664 - 12 <= bottom < top <= 712


def test_a_single_character_whose_font_is_not_in_the_file_is_text(tmp_path: Path) -> None:
    content = b"".join(at(72 + 12 * place, 700, zh(each)) for place, each in enumerate("金融科技"))
    assert read(tmp_path, pdf(content)).text == "金融科技\n"


def test_characters_stay_as_they_are(tmp_path: Path) -> None:
    mapped = {0x41: "\u00ad", 0x42: "\uf0b2", 0x43: "\ufffd", 0x44: "\u2f24", 0x45: "云计算"}
    report = read(tmp_path, pdf(at(72, 700, b"(ABCDEx) Tj", b"/U 12 Tf"), mapped=mapped))
    assert report.text == "\u00ad\uf0b2\ufffd\u2f24云计算x\n"


BEYOND = [
    # what code A stands for, the text, where blanks are generated, the left of the second line
    ("\U00020000", "\U00020000\U00020000 x\nx\U00020000\n", [2, 4, 7]),
    ("\ud800", "\ufffd\ufffd x\nx\ufffd\n", [2, 4, 7]),
]


@pytest.mark.parametrize(("character", "text", "generated"), BEYOND)
def test_offsets_are_code_points(tmp_path: Path, character: str, text: str, generated: list[int]) -> None:
    content = at(72, 700, b"(AA) Tj 24 0 Td (x) Tj", b"/U 12 Tf") + at(90, 680, b"(xA) Tj", b"/U 12 Tf")
    report = read(tmp_path, pdf(content, mapped={0x41: character}))
    layout = layout_of(report)
    assert report.text == text
    assert np.flatnonzero(layout.generated).tolist() == generated
    assert layout.line_box[:, [0, 2]] == pytest.approx(np.array([[72, 102], [90, 104]]), abs=0.1)


def test_a_glyph_without_text_is_no_hyphen(tmp_path: Path) -> None:
    content = at(72, 700, b"(xAAx) Tj 50 0 Td (x y) Tj", b"/U 12 Tf")
    report = read(tmp_path, pdf(content, mapped={0x41: "\x00"}))
    assert report.text == "x\ufffe\ufffex x y\n"
    assert np.flatnonzero(layout_of(report).generated).tolist() == [4, 8]
    assert list(lines(layout_of(report))) == [(0, 8)]


def test_a_hyphen_at_a_line_end_parts_lines(tmp_path: Path) -> None:
    content = at(300, 700, b"(rule LH-) Tj", b"/F 12 Tf") + at(72, 680, b"(4 holds) Tj", b"/F 12 Tf")
    report = read(tmp_path, pdf(content))
    layout = layout_of(report)
    assert report.text == "rule LH\ufffe4 holds\n"
    assert list(lines(layout)) == [(0, 8), (8, 15)]
    assert layout.line_box[:, 0] == pytest.approx([300, 72])


def test_pages_without_text(tmp_path: Path) -> None:
    report = read(tmp_path, pdf(b"", IMAGE, at(72, 700, zh("云")), b"", at(72, 700, zh(" "))))
    assert report.text == "\n\n云\n\n\n"
    assert report.flags == ("needs_ocr",)
    assert report.meta == {"pdf_pages": 5, "pdf_empty_pages": 3, "pdf_image_pages": 1}
    assert layout_of(report).page_size.tolist() == [[595, 842]] * 5
    assert layout_of(report).generated.tolist() == [True, True, False, True, True, True]


FORM = stream(b"/X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X 13 0 R >> >>")
INNER = stream(IMAGE, b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]")


@pytest.mark.parametrize(
    ("data", "flags", "images"),
    [
        (pdf(IMAGE, IMAGE), ("needs_ocr",), 2),
        (pdf(b"/X Do", more=(FORM, INNER)), ("needs_ocr",), 1),
        (pdf(b"", b"0 0 10 10 re f"), (), 0),
    ],
    ids=["images", "an image in a form in a form", "blank"],
)
def test_no_text(tmp_path: Path, data: bytes, flags: tuple[str, ...], images: int) -> None:
    report = read(tmp_path, data)
    assert (report.status, report.reason, report.flags) == ("quarantined", "no_text", flags)
    assert report.meta.get("pdf_image_pages", 0) == images
    assert report.layout is None


def test_a_page_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    data = pdf(at(72, 700, zh("云")), at(72, 700, zh("大数据")), at(72, 700, zh("链")))
    report = read(tmp_path, data.replace(b"12 0 obj\n<< /Type /Page ", b"12 0 obj\n<< /Type /Nope "))
    assert report.text.replace("\n", "") in {"云链", "云大数据链"}
    assert report.flags in {("page_errors",), ("repaired",)}


def saved(data: bytes, **options: Any) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, **options)
    return out.getvalue()


GOOD = pdf(at(72, 700, zh("金融科技")), at(72, 700, zh("大数据")))
LOST = GOOD[: GOOD.index(b"13 0 obj")]
OUTCOMES = [
    # bytes, status, reason, flags
    (GOOD[: GOOD.index(b"xref")], "measured", "", ("truncated", "repaired")),
    (saved(GOOD, encryption=pikepdf.Encryption(owner="a", user="b")), "quarantined", "encrypted", ()),
    (saved(GOOD, encryption=pikepdf.Encryption(owner="a", user="")), "measured", "", ()),
    (saved(GOOD, object_stream_mode=pikepdf.ObjectStreamMode.generate), "measured", "", ()),
    (saved(GOOD, linearize=True), "measured", "", ()),
    (b"\x00junk\n" + GOOD, "measured", "", ()),
    (GOOD[:300], "quarantined", "truncated", ("truncated",)),
    (b"%PDF-1.7\n" + zlib.compress(GOOD), "quarantined", "truncated", ("truncated",)),
    (b"%PDF-1.7\n%%EOF\n", "quarantined", "malformed", ()),
]  # fmt: skip


@pytest.mark.parametrize(("data", "status", "reason", "flags"), OUTCOMES)
def test_outcome(tmp_path: Path, data: bytes, status: str, reason: str, flags: tuple[str, ...]) -> None:
    report = read(tmp_path, data)
    assert (report.status, report.reason, report.flags) == (status, reason, flags)
    assert report.text == ("金融科技\n大数据\n" if status == "measured" else "")
    assert bool(report.message) == (status == "quarantined")


def test_a_cut_file_is_repaired_and_says_so(tmp_path: Path) -> None:
    report = read(tmp_path, LOST)
    assert report.flags == ("truncated", "repaired")
    assert (report.text, report.meta) == ("金融科技\n\n", {"pdf_pages": 2, "pdf_empty_pages": 1})


def test_meta(tmp_path: Path) -> None:
    title = "Microsoft Word - 某某银行2019年年度报告.doc"
    info = (
        b"/Title (<%s>) /Author <feff%s> /Producer (x) /CreationDate (D:20200320153000+08'00') /ModDate (D:2020)"
        b" /Subject () /Keywords <feffd800>"
        % (title.encode("gb18030").hex().encode(), "某部".encode("utf-16-be").hex().encode())
    )
    report = read(tmp_path, pdf(at(72, 700, zh("云")), info=info))
    assert report.title == "某某银行2019年年度报告"
    assert report.meta == {
        "pdf_title": title, "pdf_author": "某部", "pdf_producer": "x", "pdf_keywords": "\ufffd",
        "pdf_created": "2020-03-20", "pdf_modified": "2020-01-01", "pdf_pages": 1,
    }  # fmt: skip


def test_outline(tmp_path: Path) -> None:
    # 14 → 15 (→ 14 again, by an action) and 14's child 16, whose next is itself.
    marks = (
        b"<< /Title <feff4e00> /First 16 0 R /Next 15 0 R /Dest [10 0 R /Fit] >>",
        b"<< /Title (b) /Next 14 0 R /A << /S /GoTo /D [12 0 R /Fit] >> >>",
        b"<< /Title (c) /Next 16 0 R >>",
    )
    content = at(72, 700, zh("云"))
    data = pdf(content, content, root=b"/Outlines << /First 14 0 R >>", more=marks)
    assert layout_of(read(tmp_path, data)).outline == (
        OutlineEntry(1, "一", 0), OutlineEntry(2, "c", -1), OutlineEntry(1, "b", 1),
    )  # fmt: skip


def test_a_page_tree_that_claims_too_much(tmp_path: Path) -> None:
    report = read(tmp_path, pdf(at(72, 700, zh("云"))).replace(b"/Count 1", b"/Count 900000"))
    assert report.text.strip() == "云"
    assert len(report.text) <= 1 + 1001
    assert "page_errors" in report.flags


def test_every_handle_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdfium2.raw as pdfium

    calls: Counter[str] = Counter()

    def counting(name: str) -> Any:
        function = getattr(pdfium, name)

        def counted(*arguments: Any) -> Any:
            result = function(*arguments)
            calls[name] += bool(result) if "Load" in name else 1
            return result

        return counted

    for name in ("FPDF_LoadDocument", "FPDF_LoadMemDocument64", "FPDF_CloseDocument", "FPDF_LoadPage",
                 "FPDF_ClosePage", "FPDFText_LoadPage", "FPDFText_ClosePage"):  # fmt: skip
        monkeypatch.setattr(pdfium, name, counting(name))
    broken = GOOD.replace(b"12 0 obj\n<< /Type /Page ", b"12 0 obj\n<< /Type /Nope ")
    for data in (GOOD, LOST, broken, pdf(b"", IMAGE)):
        read(tmp_path, data)

    def fail(*_arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(pdfium, "FPDFText_GetText", fail)
    assert read(tmp_path, GOOD).reason == "memory"
    assert calls["FPDF_CloseDocument"] == calls["FPDF_LoadDocument"] + calls["FPDF_LoadMemDocument64"] > 3
    assert calls["FPDF_ClosePage"] == calls["FPDF_LoadPage"] > 6
    assert calls["FPDFText_ClosePage"] == calls["FPDFText_LoadPage"] > 6


def test_nothing_is_loaded_before_a_pdf_is_read() -> None:
    heavy = "{'pypdfium2', 'pypdfium2_raw', 'pikepdf', 'numba'}"
    code = f"import cipin.reading.formats, sys; print(*(set(sys.modules) & {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def naive(path: Path) -> Iterator[tuple[str, list[bool]]]:
    """Yield each page's text, and which of its characters are generated, by a call for each character."""
    import pypdfium2.raw as pdfium

    document = pdfium.FPDF_LoadDocument(str(path).encode(), None)
    for number in range(pdfium.FPDF_GetPageCount(document)):
        page = pdfium.FPDF_LoadPage(document, number)
        textpage = pdfium.FPDFText_LoadPage(page)
        units, generated = [], []
        for index in range(max(0, pdfium.FPDFText_CountChars(textpage))):
            unit = pdfium.FPDFText_GetUnicode(textpage, index)
            if unit == 13:
                continue
            if not 0xDC00 <= unit < 0xE000:
                generated.append(pdfium.FPDFText_IsGenerated(textpage, index) == 1)
            units.append(unit if unit > 2 else 0xFFFE)
        yield bytes((ctypes.c_ushort * len(units))(*units)).decode("utf-16-le"), generated
        pdfium.FPDFText_ClosePage(textpage)
        pdfium.FPDF_ClosePage(page)
    pdfium.FPDF_CloseDocument(document)


REPORTS = sorted(itertools.chain(SHARED.glob("a-share/*.pdf"), SHARED.glob("hkex/*.pdf"), SHARED.glob("hard/m*.pdf")))


@pytest.mark.skipif(not REPORTS, reason="the shared reports are not here")
@pytest.mark.parametrize("path", REPORTS[::4] + REPORTS[-2:], ids=lambda path: path.stem[:12])
def test_a_report_is_read_as_by_the_naive_reader(path: Path) -> None:
    (report,) = read_reports(path)
    if report.status != "measured":
        assert report.reason == "no_text"
        return
    check(report)
    layout = layout_of(report)
    turned = 0
    for number, (text, generated) in enumerate(naive(path)):
        start, end = layout.page_start[number : number + 2].tolist()
        got, want = report.text[start:end].removesuffix("\n"), "" if text.isspace() else text.removesuffix("\n")
        if got != want:
            # Columns of characters that stand upon one another (a chart) are read in another order, and lose none.
            assert Counter("".join(got.split())) == Counter("".join(want.split()))
            turned += 1
        elif text.strip():
            assert layout.generated[start : start + len(generated)].tolist() == generated
    assert turned <= 1 + len(layout.page_start) // 50


@pytest.mark.parametrize("turned", ["1 0 0 1", "0.9 0.4 -0.4 0.9"])
def test_pages_are_taken_apart_alike_without_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turned: str
) -> None:
    """All that the kernel decides stands on this page: gaps, a hyphen, blank lines, fonts, what is not mapped."""
    lines = [
        b"BT /S 12 Tf %s 72 700 Tm <4e91002000208ba17b97> Tj 15 0 Td %s ET\n" % (turned.encode(), zh("平台")),
        b"BT 2 Tr /S 10.44 Tf 1 0 0 1 72 600 Tm %s ET\n" % zh("\u3000二、金融科技 "),
        *(at(72 + 16 * column, 500, zh(each)) for column, each in enumerate("数字化转型")),
        at(72, 450, zh("董事"), b"/B 12 Tf") + at(200, 450, zh("监事")),
        at(72, 400, b"(digi\\255) Tj")
        + at(72, 386, b"(tal) Tj", b"/F 12 Tf")
        + at(72, 300, b"(a\001\002b) Tj", b"/U 9 Tf"),
        at(72, 200, zh(" ")),
    ]
    mapped = {1: "\U00020000", 2: "\ud800"}
    data = pdf(b"".join(lines), b"", at(72, 700, b"(3) Tj", b"/F 9 Tf"), mapped=mapped)
    compiled = read(tmp_path, data)
    monkeypatch.setattr("cipin.reading.formats.pdf_kernels.read_page", getattr(read_page, "py_func", read_page))
    plain = read(tmp_path, data)
    assert len(plain.text) > 30
    assert (compiled.text, compiled.meta, compiled.page_flags) == (plain.text, plain.meta, plain.page_flags)
    for column in dataclasses.fields(Layout):
        one, other = (getattr(layout_of(each), column.name) for each in (compiled, plain))
        np.testing.assert_array_equal(one, other, err_msg=column.name)


GOLD = sorted(SHARED.glob("gold/*.pdf"))


@pytest.mark.skipif(not GOLD, reason="the shared PDFs with gold texts are not here")
@pytest.mark.parametrize("path", GOLD, ids=lambda path: path.stem)
def test_gold(path: Path) -> None:
    (report,) = read_reports(path)
    got, want = (
        Counter("".join(text.split())) for text in (report.text, path.with_suffix(".gold.txt").read_text("utf-8"))
    )
    assert (got & want).total() >= 0.99 * want.total()


@pytest.mark.parametrize(
    ("gap", "clean"),
    [(3, "大数据平台"), (5, "大数据平台"), (8, "大 数据平台"), (30, "大 数据平台")],  # points, of a font of 12
)
def test_gaps_of_spaced_letters_are_no_blanks_and_those_of_columns_are(tmp_path: Path, gap: float, clean: str) -> None:
    # PDFium puts a blank where two characters of separate operators stand apart.
    content = at(72, 700, zh("大")) + at(84 + gap, 700, zh("数据平台"))
    report = read(tmp_path, pdf(content))
    assert report.text.strip() == "大 数据平台"
    assert repair_layout(report.text, layout_of(report)).text.strip() == clean
    assert repair_layout(report.text, layout_of(report), off={"letter_spacing"}).text.strip() == "大 数据平台"
