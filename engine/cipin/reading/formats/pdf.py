"""PDF: a file is a report, with its pages and lines.

The text is raw: nothing is joined, repaired or left out, and characters that stand for none (U+FFFE for a hyphen at a
line's end, U+00AD, private use) stay. PDFium is not thread-safe, and does not say so when it goes wrong: one process a
core, never threads. A hostile file can end the process or take all memory, so run it in a child that may die.
"""

from __future__ import annotations

import ctypes
import datetime
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import clean_surrogates, quarantine
from cipin.reading.formats.pdf_font import use_box_font
from cipin.reading.formats.pdf_text import PageReader
from cipin.reading.report import OutlineEntry, RawReport

#: Larger files are not repaired: that takes several times their size in memory.
REPAIR_BYTES = 128 << 20

_TAIL_BYTES = 2048  # the end mark is among the last 1,024 by the standard; some writers put more behind it
_LINEARIZED = re.compile(rb"/Linearized\b.{0,200}?/L\s+(\d+)", re.DOTALL)
_BOOKMARKS = 10_000
_DEPTH = 255  # Layout's levels are uint8
#: Failed pages in a row at which the rest is given up: a page tree may claim a million pages.
_FAILED_PAGES = 1000

_META = (
    ("pdf_title", b"Title"), ("pdf_author", b"Author"), ("pdf_subject", b"Subject"), ("pdf_keywords", b"Keywords"),
    ("pdf_creator", b"Creator"), ("pdf_producer", b"Producer"),
)  # fmt: skip
_DATES = (("pdf_created", b"CreationDate"), ("pdf_modified", b"ModDate"))
_DATE = re.compile(r"(?:D:)?\s*(\d{4})(\d{2})?(\d{2})?")
_HEX_TITLE = re.compile(r"<((?:[0-9A-Fa-f]{2})+)>")
_WORD_TITLE = re.compile(
    r"^Microsoft (?:Word|PowerPoint|Excel) *- *|\.(?:docx?|wps|pdf|pptx?|xlsx?|indd)$", re.IGNORECASE
)
_NO_TITLE = frozenset({"untitled", "无标题", "無標題", "未命名"})


def read(path: Path, _options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a PDF, with its layout.

    meta: "pdf_title", "pdf_author", "pdf_subject", "pdf_keywords", "pdf_creator", "pdf_producer", "pdf_created" and
    "pdf_modified" (ISO dates) as far as the file says them; "pdf_pages"; and, unless 0, "pdf_empty_pages" (neither
    text nor image), "pdf_image_pages" (an image, no text), "pdf_failed_pages", "pdf_map_errors" (lines whose middle
    character the file does not map to Unicode).
    flags: "needs_ocr" (there are image pages), "page_errors" (there are failed ones), "repaired", "truncated" (its end
    is missing). quarantined: "encrypted", "no_text", "truncated", "malformed".
    Raises OSError if the file cannot be read.
    """
    report = RawReport(member="", text="", format="pdf")
    truncated = _is_truncated(path)
    report = _flag(report, "truncated", truncated)
    use_box_font()
    read_as_is = None
    with _open_path(path) as (document, error):
        if document:
            read_as_is = _read_document(document, report)
    if error in {"encrypted", "encryption"}:
        what = "it asks for a password" if error == "encrypted" else "its encryption is not known"
        yield quarantine(report, "encrypted", f"{what}; save it without one, or leave it out")
    elif read_as_is and not read_as_is.meta.get("pdf_failed_pages"):
        yield read_as_is
    else:
        reason, what = ("truncated", "its end is missing") if truncated else ("malformed", "it is no PDF")
        unread = quarantine(report, reason, f"{what}, and it could not be repaired; fetch it again")
        with _open_bytes(_repair(path)) as (document, _error):
            repaired = _read_document(document, _flag(report, "repaired", True)) if document else unread
        # Repair may lose pages that PDFium finds.
        yield repaired if read_as_is is None or len(repaired.text) > len(read_as_is.text) else read_as_is


def _flag(report: RawReport, name: str, raised: bool) -> RawReport:
    return replace(report, flags=(*report.flags, name)) if raised else report


def _is_truncated(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(1024)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    # A linearized file holds an end mark near its beginning, too, and says how long it is.
    linearized = _LINEARIZED.search(head)
    return b"%%EOF" not in tail or (linearized is not None and int(linearized[1]) > size)


@contextmanager
def _open_path(path: Path) -> Iterator[tuple[Any, str]]:
    """Open a document; it is None, and the second value says why, if PDFium cannot."""
    import pypdfium2.raw as pdfium

    # PDFium reads what it needs from the file, as fast as from memory (within 1 %), without holding it all.
    document = pdfium.FPDF_LoadDocument(os.fsencode(path), None)
    with _closing(document) as opened:
        yield opened


@contextmanager
def _open_bytes(data: bytes | None) -> Iterator[tuple[Any, str]]:
    import pypdfium2.raw as pdfium

    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None) if data else None
    with _closing(document) as opened:
        yield opened


@contextmanager
def _closing(document: Any) -> Iterator[tuple[Any, str]]:
    import pypdfium2.raw as pdfium

    if not document:
        errors = {pdfium.FPDF_ERR_PASSWORD: "encrypted", pdfium.FPDF_ERR_SECURITY: "encryption"}
        yield None, errors.get(pdfium.FPDF_GetLastError(), "malformed")
        return
    try:
        yield document, ""
    finally:
        pdfium.FPDF_CloseDocument(document)


def _repair(path: Path) -> bytes | None:
    """Return the file with its structure built anew, or None if that fails too.

    It succeeds where the list of objects is lost, and not where the page tree is, as in the linearized files of many
    reports: of a cut file of these nothing is read.
    """
    import pikepdf

    if path.stat().st_size > REPAIR_BYTES:
        return None
    repaired = io.BytesIO()
    try:
        # Without an end mark behind it the last object of a cut file is lost.
        with pikepdf.open(io.BytesIO(path.read_bytes() + b"\n%%EOF\n"), suppress_warnings=True) as pdf:
            pdf.save(repaired, fix_metadata_version=False)
    # What pikepdf raises for broken files is more than its own errors.
    except (pikepdf.PdfError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None
    return repaired.getvalue()


def _read_document(document: Any, report: RawReport) -> RawReport:
    import pypdfium2.raw as pdfium

    n_pages = pdfium.FPDF_GetPageCount(document)
    reader = PageReader(document)
    seen: Counter[str] = Counter()
    failed = 0
    for number in range(n_pages):
        page = reader.read(number)
        seen[page] += 1
        failed = failed + 1 if page == "failed" else 0
        if failed == _FAILED_PAGES:
            break
    counts = {
        "pdf_pages": n_pages,
        "pdf_empty_pages": seen["empty"],
        "pdf_image_pages": seen["image"],
        "pdf_failed_pages": n_pages - seen.total() + seen["failed"],
        "pdf_map_errors": reader.map_errors,
    }
    meta = {**_read_meta(document), **{name: count for name, count in counts.items() if count}}
    title = _title(str(meta.get("pdf_title", "")))
    report = replace(report, title=title, meta=meta, page_flags=reader.page_flags)
    report = _flag(report, "needs_ocr", seen["image"] > 0)
    report = _flag(report, "page_errors", seen["failed"] > 0)
    if not seen["text"]:
        if seen["failed"] == seen.total():
            pages = f"none of its {n_pages:,} pages can" if n_pages > 1 else "its only page cannot"
            return quarantine(report, "malformed", f"{pages} be read; fetch it again")
        pages = f"none of its {n_pages:,} pages has" if n_pages > 1 else "its only page has no"
        if seen["image"]:
            return quarantine(
                report, "no_text", f"{pages} text ({seen['image']:,} show pictures); read it by OCR first"
            )
        if "truncated" in report.flags:
            return quarantine(report, "truncated", "its end is missing, and what is left has no text; fetch it again")
        message = f"{pages} text or picture; open it, and read it by OCR if it shows any"
        return quarantine(report, "no_text", message)
    text, layout = reader.finish(_read_outline(document))
    return replace(report, text=text, layout=layout)


def _read_meta(document: Any) -> dict[str, object]:
    import pypdfium2.raw as pdfium

    meta: dict[str, object] = {}
    for name, tag in (*_META, *_DATES):
        value = _get_string(pdfium.FPDF_GetMetaText, document, tag)
        if name == "pdf_title" and (as_hex := _HEX_TITLE.fullmatch(value)):
            # Distiller 5 to 7 write a title that is not ASCII as the hexadecimal digits of its GBK bytes.
            value = bytes.fromhex(as_hex[1]).decode("gb18030", "replace")
        if value and (name, tag) in _DATES:
            value = _iso_date(value)
        if value:
            meta[name] = value
    return meta


def _get_string(function: Callable[..., int], *arguments: Any) -> str:
    """Return what a function of PDFium writes into a buffer, as UTF-16 with a NUL at its end."""
    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, buffer, size)
    return clean_surrogates(buffer.raw[: size - 2].decode("utf-16-le", "surrogatepass")).strip(" \t\r\n\x00")


def _iso_date(value: str) -> str:
    """Return the day of a PDF date, or "" if it is none.

    >>> _iso_date("D:20200320153000+08'00'"), _iso_date("D:2020"), _iso_date("D:20209999")
    ('2020-03-20', '2020-01-01', '')
    """
    found = _DATE.match(value)
    if not found:
        return ""
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""


def _title(value: str) -> str:
    """Return a title without what a program put around it.

    >>> _title("Microsoft Word - 2010年年度报告.doc"), _title("untitled")
    ('2010年年度报告', '')
    """
    value = _WORD_TITLE.sub("", value).strip()
    return "" if value.lower() in _NO_TITLE else value


def _read_outline(document: Any) -> tuple[OutlineEntry, ...]:
    """Return the bookmarks in order; what points back to an earlier one, or lies too deep, is left out."""
    import pypdfium2.raw as pdfium

    entries: list[OutlineEntry] = []
    seen: set[int] = set()
    waiting = [(pdfium.FPDFBookmark_GetFirstChild(document, None), 1)]
    while waiting and len(entries) < _BOOKMARKS:
        bookmark, level = waiting.pop()
        address = ctypes.cast(bookmark, ctypes.c_void_p).value
        if not address or address in seen or level > _DEPTH:
            continue
        seen.add(address)
        title = _get_string(pdfium.FPDFBookmark_GetTitle, bookmark)
        target = pdfium.FPDFBookmark_GetDest(document, bookmark)
        if not target and (action := pdfium.FPDFBookmark_GetAction(bookmark)):
            target = pdfium.FPDFAction_GetDest(document, action)
        page = pdfium.FPDFDest_GetDestPageIndex(document, target) if target else -1
        entries.append(OutlineEntry(level, title, page))
        waiting.append((pdfium.FPDFBookmark_GetNextSibling(document, bookmark), level))
        waiting.append((pdfium.FPDFBookmark_GetFirstChild(document, bookmark), level + 1))
    return tuple(entries)
