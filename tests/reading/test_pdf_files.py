"""PDF files as a whole: what becomes of those that are empty, damaged or locked, their outlines and metadata."""

from __future__ import annotations

import io
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdf_bytes import IMAGE, at, layout_of, pdf, read, stream, zh

from cipin.reading.report import OutlineEntry


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
