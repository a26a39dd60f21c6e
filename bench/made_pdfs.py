"""Made-up annual reports as PDFs: pages as dense as real ones, with running heads, page numbers, wraps and tables."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path

import pikepdf

from made_texts import made_texts

#: Han of a full line, lines of a page: 1,000 to 1,300 Han a page, as in the annual reports of banks.
LINE_CHARS = 39
PAGE_LINES = 38
#: Bytes of a picture on the cover, for files that weigh what real ones do: 1 to 4 MB for 200 pages.
PICTURE_BYTES = 1_500_000
_SIZE, _LEADING, _LEFT, _TOP = 11, 18, 80, 745
_TABLE_EVERY = 4


def made_pdf(n_pages: int, seed: int = 1, picture_bytes: int = PICTURE_BYTES) -> bytes:
    """Return a PDF of `n_pages`; the same call, the same pages.

    Paragraphs are indented by two characters and wrapped at the right edge; each page has a running head and its
    number, every fourth one a table in the middle. The font is a standard one that need not be in the file, so that
    nothing but the text is read; embedded fonts cost PDFium some more.

    picture_bytes   what the picture on the first page takes; 0: there is none

    >>> made_pdf(1, picture_bytes=0).startswith(b"%PDF")
    True
    """
    chance = random.Random(seed)
    lines = _lines(seed, n_pages * PAGE_LINES)
    out = io.BytesIO()
    with pikepdf.new() as document:
        font = document.make_indirect(_font(document))
        for number in range(1, n_pages + 1):
            page = document.add_blank_page(page_size=(595, 842))
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(S=font))
            content = _content(lines, number, chance)
            if number == 1 and picture_bytes:
                page.obj.Resources.XObject = pikepdf.Dictionary(P=_picture(document, picture_bytes, chance))
                content += b"\nq 435 0 0 60 80 20 cm /P Do Q"
            page.obj.Contents = document.make_stream(content)
        document.save(out, compress_streams=True, deterministic_id=True)
    return out.getvalue()


def write_pdfs(folder: Path, n_files: int, n_pages: int) -> list[Path]:
    """Write PDFs into `folder`, named as annual reports are, and return their paths."""
    paths = [
        folder / f"{'甲乙丙丁戊己庚辛壬癸'[number % 10]}银行_{2010 + number // 10}年年度报告.pdf"
        for number in range(n_files)
    ]
    for number, path in enumerate(paths):
        path.write_bytes(made_pdf(n_pages, seed=number + 1))
    return paths


def _font(document: pikepdf.Pdf) -> pikepdf.Dictionary:
    name = pikepdf.Name
    descriptor = pikepdf.Dictionary(
        Type=name.FontDescriptor, FontName=name("/STSong-Light"), Flags=6, Ascent=880, Descent=-120, StemV=80,
        CapHeight=700, ItalicAngle=0, FontBBox=[0, -120, 1000, 880],
    )  # fmt: skip
    info = pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"GB1", Supplement=0)
    inner = pikepdf.Dictionary(
        Type=name.Font, Subtype=name.CIDFontType0, BaseFont=name("/STSong-Light"), DW=1000,
        W=[1, [*[500] * 95]], CIDSystemInfo=info, FontDescriptor=document.make_indirect(descriptor),
    )  # fmt: skip
    return pikepdf.Dictionary(
        Type=name.Font, Subtype=name.Type0, BaseFont=name("/STSong-Light"), Encoding=name("/UniGB-UCS2-H"),
        DescendantFonts=[document.make_indirect(inner)],
    )  # fmt: skip


def _lines(seed: int, n_lines: int) -> Iterator[str]:
    """Yield lines without end, wrapped where they reach the width of LINE_CHARS Han."""
    while True:
        for text in made_texts(4, max(2000, n_lines * LINE_CHARS // 2), seed):
            for paragraph in text.replace("\t", " ").split("\n"):
                line, width = "\u3000\u3000", 2.0
                for character in paragraph:
                    step = 0.5 if character < "\x7f" else 1.0
                    if width + step > LINE_CHARS:
                        yield line
                        line, width = "", 0.0
                    line += character
                    width += step
                if line.strip():
                    yield line
        seed += 1


def _picture(document: pikepdf.Pdf, n_bytes: int, chance: random.Random) -> pikepdf.Stream:
    name, rows = pikepdf.Name, n_bytes // 1000
    return document.make_stream(
        chance.randbytes(1000 * rows), Type=name.XObject, Subtype=name.Image, Width=1000, Height=rows,
        ColorSpace=name.DeviceGray, BitsPerComponent=8,
    )  # fmt: skip


def _content(lines: Iterator[str], number: int, chance: random.Random) -> bytes:
    shown = [_shown(_LEFT, 790, 9, "某某银行股份有限公司 年度报告"), _shown(295, 40, 9, str(number))]
    rows = range(14, 24) if number % _TABLE_EVERY == 0 else range(0)
    for line in range(PAGE_LINES):
        y = _TOP - line * _LEADING
        if line in rows:
            cells = ("项目", *(f"{chance.randrange(10**4, 10**7):,}" for _ in range(3)))
            shown += [_shown(_LEFT + 115 * column, y, 9, cell) for column, cell in enumerate(cells)]
        else:
            shown.append(_shown(_LEFT, y, _SIZE, next(lines)))
    return b"\n".join(shown)


def _shown(x: float, y: float, size: float, text: str) -> bytes:
    return b"BT /S %g Tf %g %g Td <%s> Tj ET" % (size, x, y, text.encode("utf-16-be").hex().encode())
