"""DOCX: a document is a report; paragraphs, rows of tables, notes, headers and footers are its lines.

The parts are streamed, so that a document never stands in memory as a tree, and no part may declare entities.
"""

from __future__ import annotations

import errno
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Final, NoReturn, Protocol
from xml.parsers import expat

from cipin.reading.encoding import Decoded, find_signature
from cipin.reading.formats.docx_body import BodyReader, StyleReader
from cipin.reading.formats.lines import FOOTER, FOOTNOTE, HEADER, Line, compose
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import clean_surrogates, judge_text, quarantine
from cipin.reading.report import RawReport

#: A document of more members, or whose parts inflate to more, is a bomb. A report of 600 pages has 12 MB of XML.
_MOST_MEMBERS: Final = 20_000
_MOST_BYTES: Final = 1 << 30
#: Deflate cannot exceed 1,032; real XML reaches 60.
_HIGHEST_RATIO: Final = 500
#: Below this a high ratio does no harm: a table of empty cells.
_RATIO_BYTES: Final = 32 << 20
#: Elements open at once. Word refuses tables nested deeper than 100.
_DEEPEST: Final = 1000

#: Text of parts that are no text of the report, blanks between elements included.
_MOST_OTHER_CHARS: Final = 10_000_000

_CHUNK = 1 << 18
_KINDS = {"header": HEADER, "footer": FOOTER, "footnotes": FOOTNOTE, "endnotes": FOOTNOTE}
_CORE = {"title": "title", "creator": "author", "created": "created", "modified": "modified"}


class _Handler(Protocol):
    def start(self, tag: str, attributes: Mapping[str, str], /) -> None: ...
    def end(self, tag: str, /) -> None: ...
    def data(self, text: str, /) -> None: ...


class DocxError(Exception):
    """The document cannot be read; `reason` is the report's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a DOCX file. Raises OSError if the file cannot be read."""
    report = RawReport(member="", text="", format="docx")
    try:
        with path.open("rb") as file:
            _refuse_ole(file)
            yield _read_package(file, report, options.max_chars)
    except DocxError as error:
        yield quarantine(report, error.reason, str(error))
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, expat.ExpatError) as error:
        yield quarantine(report, "malformed", _broken(error))
    except (LookupError, NotImplementedError, OverflowError) as error:
        yield quarantine(report, "malformed", _broken(error))
    except OSError as error:
        # zipfile sought a place that cannot be.
        if error.errno != errno.EINVAL:
            raise
        yield quarantine(report, "malformed", _broken(error))
    except (RuntimeError, ValueError) as error:
        # zipfile raises RuntimeError where a password is asked for, and expat ValueError for an encoding.
        yield quarantine(report, "encrypted" if "encrypted" in str(error) else "malformed", _broken(error))


def _broken(error: Exception) -> str:
    return f"it is no whole DOCX ({clean_surrogates(str(error))[:100]}); fetch it again, or save it anew from Word"


def _refuse_ole(file: IO[bytes]) -> None:
    """Raise DocxError for the container of old and of encrypted documents."""
    if find_signature(file.read(8)) != "ole":
        file.seek(0)
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            raise DocxError("encrypted", "it is encrypted; save it without a password")
    raise DocxError("unsupported", "it is a .doc under another name; save it as .docx")


def _read_package(file: IO[bytes], report: RawReport, most: int) -> RawReport:
    with zipfile.ZipFile(file) as package:
        parts = {info.filename: info for info in package.infolist()}
        _check_sizes(parts)
        main = _find_main(package, parts)
        related = _Relations(package, parts, main).found
        style_reader = StyleReader()
        _parse(package, parts, next((part for part, kind in related.items() if kind == "styles"), ""), style_reader)
        styles = style_reader.styles
        core = _Core()
        _parse(package, parts, "docProps/core.xml", core)
        lines: list[Line] = []
        for kind in ("header", "", "footnotes", "endnotes", "footer"):
            found: list[Line] = []
            for part in [name for name, of in related.items() if of == kind] if kind else [main]:
                reader = BodyReader(styles, _KINDS.get(kind))
                _parse(package, parts, part, reader, most)
                found.extend(reader.lines)
            # Each section and page parity has headers of its own, which mostly say the same.
            lines.extend(dict.fromkeys(found) if kind in {"header", "footer"} else found)
    text, layout = compose(lines)
    title = str(core.found.pop("title", ""))
    judged = judge_text(Decoded(text, "", 0), replace(report, title=title, meta=core.found))
    return replace(judged, layout=layout) if judged.is_measured else judged


def _check_sizes(parts: Mapping[str, zipfile.ZipInfo]) -> None:
    if len(parts) > _MOST_MEMBERS:
        raise DocxError("too_large", f"it has {len(parts):,} members, more than {_MOST_MEMBERS:,}; leave it out")
    for info in parts.values():
        if info.filename.endswith((".xml", ".rels")):
            ratio = info.file_size / max(1, info.compress_size)
            if info.file_size > _RATIO_BYTES and ratio > _HIGHEST_RATIO:
                raise DocxError("malformed", f"{info.filename} inflates {ratio:,.0f} times; leave it out")
    total = sum(info.file_size for info in parts.values() if info.filename.endswith(".xml"))
    if total > _MOST_BYTES:
        raise DocxError("too_large", f"its XML inflates to {total:,} bytes, more than {_MOST_BYTES:,}; split it")


def _find_main(package: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo]) -> str:
    related = _Relations(package, parts, "").found
    main = next((part for part, kind in related.items() if kind == "officeDocument"), "word/document.xml")
    if main not in parts:
        raise DocxError("malformed", f"it has no part {main}; fetch it again, or save it anew from Word")
    return main


class _Relations:
    """The parts that a part ("" for the package) points to, in order, each with the last word of its kind."""

    def __init__(self, package: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo], part: str) -> None:
        self.found: dict[str, str] = {}
        self.folder, _, name = part.rpartition("/")
        _parse(package, parts, f"{self.folder}/_rels/{name}.rels" if self.folder else f"_rels/{name}.rels", self)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag.endswith("}Relationship") and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            inside = f"{self.folder}/{target}" if self.folder else target
            self.found[target[1:] if target.startswith("/") else inside] = attributes.get("Type", "").rpartition("/")[2]

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


class _Core:
    """What docProps/core.xml says: title, author, created, modified."""

    def __init__(self) -> None:
        self.found: dict[str, object] = {}
        self.parts: list[str] = []

    def start(self, _tag: str, _attributes: Mapping[str, str]) -> None:
        self.parts.clear()

    def end(self, tag: str) -> None:
        name, text = _CORE.get(tag.rpartition("}")[2]), "".join(self.parts).strip()
        if name and text:
            self.found[name] = text
        self.parts.clear()

    def data(self, text: str) -> None:
        self.parts.append(text)


class _Guard:
    """Passes elements and text on to `handler`, and refuses too many open at once, and more than `most` characters."""

    def __init__(self, handler: _Handler, part: str, most: int) -> None:
        self.handler = handler
        self.part = part
        self.depth = 0
        self.left = self.most = most

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise DocxError("malformed", f"{self.part} nests more than {_DEEPEST:,} elements; leave it out")
        self.handler.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.handler.end(tag)

    def data(self, text: str) -> None:
        self.left -= len(text)
        if self.left < 0:
            raise DocxError("too_large", f"{self.part} has more than {self.most:,} characters; split the document")
        self.handler.data(text)

    def refuse(self, *_args: object) -> NoReturn:
        raise DocxError("malformed", f"{self.part} declares a document type, which Word never does; leave it out")


def _parse(
    package: zipfile.ZipFile,
    parts: Mapping[str, zipfile.ZipInfo],
    part: str,
    handler: _Handler,
    most: int = _MOST_OTHER_CHARS,
) -> None:
    """Stream a part, if it is there, to `handler`. Raises DocxError for a document type, for depth and for length."""
    if part not in parts:
        return
    guard = _Guard(handler, part, most)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = guard.start
    parser.EndElementHandler = guard.end
    parser.CharacterDataHandler = guard.data
    # Without a document type there are no entities, inner or outer.
    parser.StartDoctypeDeclHandler = guard.refuse
    left = parts[part].file_size
    with package.open(parts[part]) as stream:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise DocxError("malformed", f"{part} is longer than it says; fetch it again")
            parser.Parse(chunk, False)
    parser.Parse(b"", True)
