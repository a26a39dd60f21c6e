"""PDFs, written here by hand, come out as raw text, and the layout says where each line stands."""

from __future__ import annotations

import ctypes
import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pdf_bytes import at, check, layout_of, lines, pdf, read, zh

from cipin.reading.formats import read_reports
from cipin.reading.formats.pdf_kernels import read_page
from cipin.reading.layout import repair_layout
from cipin.reading.report import Layout

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "pdf"


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
