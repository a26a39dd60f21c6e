"""What a file is, by its content first and by its name's ending after that."""

from __future__ import annotations

from cipin.reading.encoding import find_signature

#: How much of a file `sniff` looks at.
HEAD_BYTES = 1 << 16

_OFFICE = {
    "zip": ("docx", "docm", "dotx", "xlsx", "pptx", "odt", "ods", "epub", "ofd"),
    "ole": ("doc", "xls", "ppt", "wps"),
}
_ZIP_MEMBERS = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"), (b"application/epub+zip", "epub"))
#: What the first member of an office document is called; an archive of such documents may hold these further on.
_OFFICE_FIRST = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/", b"mimetype")
_MARKUP = (b"<!doctype", b"<html", b"<?xml")

#: Endings that promise a binary format; text behind one is most often the error page of a failed download.
_BINARY_ENDINGS = frozenset(
    {"pdf", *_OFFICE["zip"], *_OFFICE["ole"], "zip", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz"}
    | {"zst", "7z", "rar"}
    | {"png", "jpg", "jpeg", "gif", "tif", "tiff"}
)
_MARKUP_ENDINGS = frozenset({"html", "htm", "shtml", "xhtml", "xml"})


def sniff(head: bytes, ending: str) -> str:
    """Return the name of the format of a file, from its first bytes and its name's ending (`.pdf`); "" if it is text.

    >>> sniff(b"%PDF-1.4", ".txt"), sniff(b"PK\\x03\\x04", ".docx"), sniff("金融科技".encode(), ".txt")
    ('pdf', 'docx', '')
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1\x00\x00", b"\xff\xff\xff\xff")):
        return "arrow"
    ending = ending.lower().removeprefix(".")
    name = find_signature(head)
    # The PDF standard allows 1,024 bytes before the signature.
    if not name and ending == "pdf" and b"%PDF-" in head[:1024]:
        name = "pdf"
    if not name and (head[257:262] == b"ustar" or (ending == "tar" and head and not head.strip(b"\0"))):
        name = "tar"
    # BZh1 to BZh9, and what an empty file is compressed to.
    if head[:3] == b"BZh" and head[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        name = "bzip2"
    if name == "zip" and ending == "zip" and not head[30:60].startswith(_OFFICE_FIRST):
        return name
    if name == "zip" and ending not in _OFFICE["zip"]:
        return next((kind for member, kind in _ZIP_MEMBERS if member in head), "zip")
    if name in _OFFICE and ending in {"docx", "docm", "dotx"}:
        return "docx"  # in an OLE container it is encrypted, and its reader says so
    if name in _OFFICE:
        return ending if ending in _OFFICE[name] else name
    if name:
        return name
    if ending in {"mht", "mhtml"}:
        return "mhtml"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_MARKUP) or ending in _MARKUP_ENDINGS:
        return "xml" if b"<?xml" in head[:100] and b"<html" not in head.lower() else "html"
    return ""


_WAYS_OUT = {
    "save it as DOCX": "doc wps rtf odt",
    "save it as CSV": "xls xlsx ods sqlite",
    "save it as PDF": "ppt pptx ofd epub ole",
    "unpack it, and give what was in it": "7z rar zstd",
    "it is a picture: give its text": "png jpeg gif tiff",
    "save the page as HTML": "mhtml",
}


def way_out(name: str) -> str:
    """Return what a person can do with a file of a format that is not read.

    >>> way_out("xls")
    'save it as CSV'
    """
    known = "give PDF, DOCX, HTML, text, Markdown, JSON lines, CSV, Parquet, Arrow, or archives of these"
    return next((way for way, names in _WAYS_OUT.items() if name in names.split()), known)


def promises_binary(ending: str) -> bool:
    """Tell whether files of this ending are never text.

    >>> promises_binary(".PDF"), promises_binary(".txt")
    (True, False)
    """
    return ending.lower().removeprefix(".") in _BINARY_ENDINGS
