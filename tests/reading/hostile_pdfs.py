"""Hostile PDFs, made by code: each is small, and asks a reader for time or memory without end, or lies about itself."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from typing import Any

import pikepdf

Part = bytes | Iterable[bytes]

#: What the text of a page that can be read says, as the code points of the font that `FONT` names.
SAID = "云计算与大数据"
FONT = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Type /Font"
    b" /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1)"
    b" /Supplement 0 >> >>] >>"
)
TEXT = b"BT /S 12 Tf 72 700 Td <" + SAID.encode("utf-16-be").hex().encode() + b"> Tj ET\n"
_BLOCK = 1 << 20


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def deflated(parts: Iterable[bytes], times: int = 1) -> bytes:
    """Return a stream of `parts`, packed so often; nothing is held but the result."""
    for _ in range(times):
        packer = zlib.compressobj(9)
        packed = b"".join(map(packer.compress, parts))
        parts = [packed + packer.flush()]
    return stream(b"".join(parts), b"/Filter [%s]" % b" ".join([b"/FlateDecode"] * times))


def pdf_of(objects: list[bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """Return a PDF of `objects`, numbered from 1, with a right cross-reference table."""
    data = bytearray(b"%PDF-1.7\n")
    table = bytearray(b"0000000000 65535 f \n")
    for number, each in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    end = b"trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
    size = len(objects) + 1
    return bytes(data) + b"xref\n0 %d\n" % size + bytes(table) + end % (size, root, trailer, len(data))


def page_of(content: bytes, *more: bytes, xobjects: bytes = b"", font: bytes = FONT, page: bytes = b"") -> bytes:
    """Return a PDF of one page; `more` are objects 6 and on."""
    return pdf_of([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /S 5 0 R >> /XObject << %s >> >> %s >>"
        % (xobjects, page or b"/MediaBox [0 0 595 842]"),
        content,
        font,
        *more,
    ])  # fmt: skip


def good(pages: int = 3) -> bytes:
    kids = range(4, 4 + pages)
    return pdf_of([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, b" ".join(b"%d 0 R" % kid for kid in kids)),
        FONT,
        *(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /S 3 0 R >>"
            b" >> >>" % (4 + pages)
            for _ in kids
        ),
        stream(TEXT),
    ])  # fmt: skip


def saved(data: bytes, **options: Any) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, **options)
    return out.getvalue()


def _blanks(n_bytes: int) -> Iterable[bytes]:
    return repeat(b" " * _BLOCK, n_bytes // _BLOCK)


def _form(content: bytes, xobjects: bytes) -> bytes:
    head = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /S 5 0 R >> /XObject << %s >> >>"
    return stream(content, head % xobjects)


def forms(levels: int, calls: int) -> bytes:
    """A page whose form draws a form … `levels` deep, each drawing the next `calls` times."""
    inner = [
        _form(b"/X Do " * calls if level < levels else TEXT, b"/X %d 0 R" % (6 + level))
        for level in range(1, levels + 1)
    ]
    return page_of(stream(TEXT + b"/X Do"), *inner, xobjects=b"/X 6 0 R")


def page_tree_loop() -> bytes:
    return pdf_of([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 9 /Kids [3 0 R 2 0 R 5 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /S 6 0 R >> >> >>",
        stream(TEXT),
        b"<< /Type /Pages /Parent 2 0 R /Count 4 /Kids [2 0 R 5 0 R 3 0 R] >>",
        FONT,
    ])  # fmt: skip


def deep_page_tree(levels: int) -> bytes:
    nodes = [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] /Parent %d 0 R >>" % (4 + n, 2 + n) for n in range(1, levels)]
    page = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents 3 0 R >>" % (levels + 2)
    first = b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>"
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", first, stream(TEXT), *nodes, page])


def xref_loop() -> bytes:
    data = good()
    at = data.rindex(b"startxref\n") + 10
    place = int(data[at:].split()[0])
    return data.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % place)


def xref_stream_loop() -> bytes:
    data = saved(good(), object_stream_mode=pikepdf.ObjectStreamMode.generate)
    at = data.rindex(b"startxref\n") + 10
    return data.replace(b"/Type /XRef", b"/Type /XRef /Prev %d" % int(data[at:].split()[0]))


def object_stream_of_itself() -> bytes:
    """An object stream that holds the number of the object stream it is in, and extends itself."""
    body = b"7 0 8 3 << >> << >>"
    return page_of(stream(TEXT), b"<< /Length 6 0 R >>", stream(body, b"/Type /ObjStm /N 2 /First 8 /Extends 7 0 R"))


def cmap_bomb(ranges: int) -> bytes:
    """A ToUnicode map that maps all codes, again and again, to texts of hundreds of characters."""
    lines = b"<0000> <ffff> <%s>\n" % (b"4e91" * 250)
    cmap = chain([b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n%d beginbfrange\n" % ranges],
                 repeat(lines, ranges), [b"endbfrange endcmap"])  # fmt: skip
    font = FONT.replace(b"/Type0 ", b"/Type0 /ToUnicode 6 0 R ", 1)
    return page_of(stream(TEXT), deflated(cmap), font=font)


def garbage(seed: int) -> bytes:
    return b"%PDF-1.7\n" + random.Random(seed).randbytes(200_000)


def cut(share: float) -> bytes:
    data = good(40)
    return data[: int(len(data) * share)]


def encrypted(user: str) -> bytes:
    return saved(good(), encryption=pikepdf.Encryption(owner="owner", user=user))


_TYPE3 = (
    b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 0 /LastChar 255"
    b" /CharProcs << /a 6 0 R >> /Encoding << /Differences [0 /a] >> /Widths [9]"
    b" /Resources << /Font << /S 5 0 R >> >> >>"
)

#: Name of the file → what makes it, and what may become of it: "" is measured, else the reason.
PDFS: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "encrypted-owner": (lambda: encrypted(""), {""}),
    "encrypted-user": (lambda: encrypted("secret"), {"encrypted"}),
    "cut-at-30": (lambda: cut(0.3), {"truncated"}),
    "cut-at-60": (lambda: cut(0.6), {"truncated"}),
    "cut-at-99": (lambda: cut(0.99), {""}),
    "header-and-garbage": (lambda: garbage(1), {"truncated"}),
    "header-alone": (lambda: b"%PDF-1.7", {"truncated"}),
    "blank-bomb-512mb": (lambda: page_of(deflated(_blanks(512 << 20), 2)), {"memory"}),
    "blank-bomb-3gb": (lambda: page_of(deflated(_blanks(3 << 30), 3)), {"memory"}),
    "text-bomb": (
        lambda: page_of(deflated(repeat(TEXT * 1000, 3000), 2)), {"memory", "timeout"},
    ),
    "path-bomb": (
        lambda: page_of(deflated(repeat(b"0 0 m 9 9 l " * 5000, 3000), 2)), {"no_text", "memory", "timeout"},
    ),
    "forms-that-multiply": (lambda: forms(8, 10), {"memory", "timeout"}),
    "forms-100000-deep": (lambda: forms(100_000, 1), {""}),
    "form-in-itself": (lambda: page_of(stream(TEXT + b"/X Do"), _form(b"/X Do /X Do", b"/X 6 0 R"),
                                       xobjects=b"/X 6 0 R"), {"memory", "timeout"}),
    "page-tree-loop": (page_tree_loop, {""}),
    "page-tree-of-50000-levels": (lambda: deep_page_tree(50_000), {"malformed"}),
    "a-billion-pages": (lambda: good().replace(b"/Count 3", b"/Count 999999999"), {""}),
    "minus-one-page": (lambda: good().replace(b"/Count 3", b"/Count -1"), {""}),
    "xref-loop": (xref_loop, {""}),
    "xref-stream-loop": (xref_stream_loop, {""}),
    "object-stream-of-itself": (object_stream_of_itself, {""}),
    "length-of-itself": (lambda: page_of(stream(TEXT).replace(b"/Length 65", b"/Length 4 0 R")), {""}),
    "font-in-itself": (lambda: page_of(stream(TEXT), font=b"<< /Subtype /Type0 /DescendantFonts [5 0 R] >>"),
                       {"no_text"}),
    "type3-in-itself": (lambda: page_of(stream(b"BT /S 9 Tf (\0\0) Tj ET"), stream(b"BT /S 9 Tf (\0\0) Tj ET"),
                                        font=_TYPE3), {"no_text"}),
    "nested-arrays": (lambda: page_of(stream(b"[" * 1_000_000 + TEXT)), {"no_text"}),
    "nested-dictionaries": (lambda: page_of(stream(TEXT), b"<< /A " * 300_000), {""}),
    "unicode-map-bomb": (lambda: cmap_bomb(100_000), {"memory", "timeout"}),
    "million-contents": (lambda: page_of(b"[%s]" % (b"6 0 R " * 1_000_000), stream(TEXT)),
                         {"", "timeout", "memory"}),
    "huge-page": (lambda: page_of(stream(TEXT), page=b"/MediaBox [-1e38 -1e38 1e38 1e38]"), {""}),
    "page-of-no-size": (lambda: page_of(stream(TEXT), page=b"/MediaBox [0 0 0 0]"), {""}),
    "huge-font-size": (lambda: page_of(stream(TEXT.replace(b"12 Tf", b"1e30 Tf"))), {"no_text"}),
    "no-number": (lambda: page_of(stream(b"1e999 0 0 -1e999 1e999 0 cm " + TEXT)), {"no_text"}),
}  # fmt: skip
