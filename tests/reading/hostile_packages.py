"""Hostile archives, documents and pages, made by code."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from itertools import repeat

TEXT = "本行加快推进云计算与大数据投入。\n"
DATA = TEXT.encode()
_MB = 1 << 20


def zip_of(members: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return out.getvalue()


def tar_of(members: Iterable[tuple[str, bytes, bytes]]) -> bytes:
    """Return a tar of (name, type, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as file:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd" if kind in (b"1", b"2") else ""
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _linked(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def packed(parts: Iterable[bytes], n_bytes: int = 0) -> bytes:
    """Return a zip of one member, a.txt, of which nothing is held but the result."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.txt", "w", force_zip64=True) as member:
        for part in parts:
            member.write(part)
    return out.getvalue()


def nested_zip(depth: int) -> bytes:
    data = zip_of([("a.txt", DATA)])
    for level in range(depth):
        data = zip_of([(f"{level}.zip", data), ("b.txt", DATA)])
    return data


def zip_in_itself() -> bytes:
    """A zip whose directory names one member a thousand times: overlapping, as in Fifield's bomb."""
    one = zip_of([("0000.txt", DATA * 4000)], zipfile.ZIP_STORED)
    at = one.index(b"PK\x01\x02")
    entry, end = one[at : one.index(b"PK\x05\x06")], one[one.index(b"PK\x05\x06") :]
    entries = b"".join(entry.replace(b"0000.txt", b"%04d.txt" % number) for number in range(1000))
    return one[:at] + entries + end[:8] + struct.pack("<HHLL", 1000, 1000, len(entries), at) + b"\0\0"


def many_members(number: int) -> bytes:
    return zip_of(((f"{index}.txt", b"") for index in range(number)), zipfile.ZIP_STORED)


def encrypted_zip() -> bytes:
    data = zip_of([("a.txt", DATA), ("b.txt", DATA)])
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


def packed_as(method: int) -> bytes:
    data = zip_of([("a.txt", DATA), ("b.txt", DATA)])
    at = data.index(b"PK\x01\x02")
    return data[:8] + bytes([method]) + data[9 : at + 10] + bytes([method]) + data[at + 11 :]


def twice(name: bytes) -> bytes:
    return zip_of([("1", DATA), ("2", DATA)]).replace(b"1PK", name + b"PK").replace(b"2PK", name + b"PK")


#: Name of the file → what makes it, and the reasons that its reports have ("": measured).
ARCHIVES: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "bomb.zip": (lambda: packed(repeat(bytes(_MB), 1000)), {"ratio"}),
    "text-bomb.zip": (lambda: packed(repeat(DATA * 20_000, 1000)), {"ratio"}),
    "bomb.tar.gz": (lambda: gzip.compress(tar_of([("a.txt", b"0", DATA), ("b.txt", b"0", bytes(60 * _MB))])),
                    {"", "truncated", "ratio"}),
    "bomb.txt.gz": (lambda: gzip.compress(bytes(60 * _MB)), {"ratio"}),
    "bomb.txt.bz2": (lambda: bz2.compress(bytes(60 * _MB)), {"ratio"}),
    "bomb.txt.xz": (lambda: lzma.compress(bytes(60 * _MB)), {"ratio"}),
    "nested.zip": (lambda: nested_zip(30), {"", "depth"}),
    "nested-gz.gz": (lambda: gzip.compress(gzip.compress(gzip.compress(gzip.compress(DATA)))), {"depth"}),
    "overlapping.zip": (zip_in_itself, {"malformed", ""}),
    "members-100001.zip": (lambda: many_members(100_001), {"too_large"}),
    "members-5000.zip": (lambda: many_members(5000), {"empty"}),
    "paths.zip": (
        lambda: zip_of([(name, DATA) for name in ("../a.txt", "/b.txt", "C:\\c.txt", "d\\..\\..\\e.txt", "f.txt")]),
        {"", "unsafe_path"},
    ),
    "paths.tar": (
        lambda: tar_of([(name, b"0", DATA) for name in ("../../a.txt", "/etc/b.txt", "c/../../d.txt", "e.txt")]),
        {"", "unsafe_path"},
    ),
    "links.zip": (
        lambda: zip_of([(_linked("a.txt", stat.S_IFLNK | 0o777), b"/etc/passwd"), (_linked("b", stat.S_IFIFO), b""),
                        ("c.txt", DATA)]),
        {"", "link", "device"},
    ),
    "links.tar": (
        lambda: tar_of([("a.txt", b"2", b""), ("b.txt", b"1", b""), ("c.txt", b"3", b""), ("d.txt", b"6", b""),
                        ("e.txt", b"0", DATA)]),
        {"", "link", "device"},
    ),
    "encrypted.zip": (encrypted_zip, {"", "encrypted"}),
    "deflate64.zip": (lambda: packed_as(9), {"", "unsupported"}),
    "zstd.zip": (lambda: packed_as(93), {"", "unsupported"}),
    "lzma.zip": (lambda: zip_of([("a.txt", DATA)], zipfile.ZIP_LZMA), {"unsupported"}),
    "a.7z": (lambda: b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(100), {"unsupported"}),
    "a.rar": (lambda: b"Rar!\x1a\x07\x01\x00" + bytes(100), {"unsupported"}),
    "a.tar.zst": (lambda: b"\x28\xb5\x2f\xfd" + bytes(100), {"unsupported"}),
    "cut.zip": (lambda: zip_of([("a.txt", DATA * 500)])[:-40], {"truncated"}),
    "cut.tar.gz": (lambda: gzip.compress(tar_of([("a.txt", b"0", DATA), ("b.txt", b"0", DATA * 999)]))[:-60],
                   {"", "truncated"}),
    "directory-elsewhere.zip": (
        lambda: (data := zip_of([("a.txt", DATA)]))[:-6] + struct.pack("<L", 0xFFFFFF00) + data[-2:], {"malformed"},
    ),
}  # fmt: skip

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


def paragraphs(text: str, times: int = 1) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" * times


def docx(body: str, before: str = "") -> bytes:
    return docx_of([f"<?xml version='1.0'?>{before}<w:document {_W}><w:body>{body}</w:body></w:document>".encode()])


def docx_of(parts: Iterable[bytes], **others: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _TYPES)
        for name, data in others.items():
            file.writestr(f"word/{name}", data)
        with file.open("word/document.xml", "w", force_zip64=True) as document:
            for part in parts:
                document.write(part)
    return out.getvalue()


def _endless(chunk: str, times: int) -> Iterable[bytes]:
    yield f"<w:document {_W}><w:body>".encode()
    yield from repeat(chunk.encode(), times)
    yield b"</w:body></w:document>"


def office(*names: str) -> bytes:
    return zip_of([("[Content_Types].xml", _TYPES.encode()), *((name, b"<a/>") for name in names)])


def ole(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + stream.encode("utf-16-le") + bytes(1000)


DOCUMENTS: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "laughs.docx": (lambda: docx(paragraphs("&l11;"), f'<!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}]>'), {"malformed"}),
    "outside.docx": (lambda: docx(paragraphs("&f;"), '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
                     {"malformed"}),
    "deep.docx": (lambda: docx("<w:tbl><w:tr><w:tc>" * 100_000), {"malformed"}),
    "bomb.docx": (lambda: docx_of(_endless(paragraphs("a" * 1000, 1000), 300)), {"too_large"}),
    "large.docx": (lambda: docx_of(_endless(paragraphs(TEXT * 4, 2000), 150)), {"too_large"}),
    "long-paragraph.docx": (lambda: docx(paragraphs("报告期内净利润较上年增长，" * 300_000)), {""}),
    "no-document.docx": (lambda: office("word/styles.xml"), {"malformed"}),
    "empty-zip.docx": (lambda: zip_of([]), {"malformed"}),
    "zip.docx": (lambda: zip_of([("a.txt", DATA)]), {"malformed"}),
    "members.docx": (lambda: docx_of([], **{f"{n}.xml": b"" for n in range(20_001)}), {"too_large"}),
    "cut.docx": (lambda: docx(paragraphs(TEXT, 500))[:-30], {"malformed"}),
    "old.docx": (lambda: ole("WordDocument"), {"unsupported"}),
    "locked.docx": (lambda: ole("EncryptedPackage"), {"encrypted"}),
    "old.doc": (lambda: ole("WordDocument"), {"unsupported"}),
    "old.xls": (lambda: ole("Workbook"), {"unsupported"}),
    "a.wps": (lambda: ole("WordDocument"), {"unsupported"}),
    "sheet.xlsx": (lambda: office("xl/workbook.xml"), {"unsupported"}),
    "slides.pptx": (lambda: office("ppt/presentation.xml"), {"unsupported"}),
    "sheet-named.docx": (lambda: office("xl/workbook.xml"), {"malformed"}),
    "book.epub": (lambda: zip_of([("mimetype", b"application/epub+zip")], zipfile.ZIP_STORED), {"unsupported"}),
    "a.odt": (lambda: zip_of([("mimetype", b"application/vnd.oasis.opendocument.text")]), {"unsupported"}),
    "a.rtf": (lambda: b"{\\rtf1\\ansi " + b"{" * 100_000, {"unsupported"}),
    "a.ofd": (lambda: zip_of([("OFD.xml", b"<a/>")]), {"unsupported"}),
    "divs.html": (lambda: b"<html>" + b"<div>" * 200_000 + DATA, {"malformed"}),
    "bolds.html": (lambda: b"<html>" + b"<b><p>" * 50_000 + DATA, {"malformed"}),
    "tables.html": (lambda: b"<html>" + b"<table><tr><td>" * 100_000 + DATA, {"malformed"}),
    "attributes.html": (
        lambda: b"<html><p " + b"".join(b'a%d="x" ' % n for n in range(200_000)) + b">" + DATA * 20, {""},
    ),
    "comment.html": (lambda: b"<html><p>" + DATA * 20 + b"<!-- " * 500_000, {""}),
    "brackets.html": (lambda: b"<html><p>" + DATA * 20 + b"<" * 2_000_000, {""}),
    "entities.html": (lambda: b"<html><p>" + DATA * 20 + b"&amp;" * 500_000, {""}),
    "laughs.html": (
        f'<!DOCTYPE html [<!ENTITY l0 "ha">{_LAUGHS}]><html><p>{TEXT * 20}&l11;'.encode, {""},
    ),
    "laughs.xml": (f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{_LAUGHS}]><a>&l11;</a>'.encode,
                   {"unsupported"}),
    "script.html": (lambda: b"<html><script>" + b"var a = 1;\n" * 100_000, {"no_text"}),
    "page-60mb.html": (lambda: b"<html>" + b"<p>" + DATA * 1_200_000, {"", "memory"}),
    "page-of-paragraphs.html": (lambda: b"<html>" + (b"<p>" + DATA) * 350_000, {"", "memory"}),
}  # fmt: skip
