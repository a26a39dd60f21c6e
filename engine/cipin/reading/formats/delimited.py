"""CSV and TSV with a header: a row is a report."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cipin.reading.encoding import Decoded, looks_binary
from cipin.reading.formats.bounded import bounded_lines
from cipin.reading.formats.columns import TITLE_COLUMNS, find_text_column
from cipin.reading.formats.once import encoding_of
from cipin.reading.formats.options import ReadOptions, Span
from cipin.reading.formats.outcome import judge_text, quarantine
from cipin.reading.formats.text import binary
from cipin.reading.report import RawReport

if TYPE_CHECKING:
    from _csv import Reader


@dataclass(frozen=True, slots=True)
class _BrokenRow:
    """Why a row is none: the reason, and what is wrong."""

    reason: str
    what: str


class _TooLongError(csv.Error):
    """A line is too long to be one; the next row begins behind it."""


class _Lines:
    """The lines of a file, as the csv module takes them; how many there were, of how many characters, and the last."""

    def __init__(self, file: IO[str], most: int, number: int = 0) -> None:
        self.number = number
        self.n_chars = 0
        self.last = ""
        self._lines = bounded_lines(file, most)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if line is None:
            raise _TooLongError
        self.n_chars += len(line)
        self.last = line
        return line


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield a report for each row of a CSV or TSV file; `member` is the row number, from 0, without the header.

    A row with more or fewer cells than the header is quarantined, for its text may stand in another column; so is one
    with a cell of more than `max_chars`, as a quote makes that is not closed, and the next line begins a row again.
    Raises SourceError if the header lacks the text column, and OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
        if looks_binary(head):
            yield binary(RawReport(member="", text="", format="csv"))
            return
    encoding = encoding_of(path)
    most = options.max_chars
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        first = file.readline(most)
        file.seek(0)
        lines = _Lines(file, 2 * most)
        rows = csv.reader(lines, delimiter=find_delimiter(path, first), strict=True)
        header = _next_row(rows, most)
        if isinstance(header, _BrokenRow):
            report = RawReport(member="", text="", format="csv", encoding=encoding)
            yield quarantine(report, header.reason, f"header: {header.what}; correct it")
            return
        if not header:
            return
        names, column = _text_column(path, header, options)
        number = 0
        if options.span is not None:
            number = options.span.row
            # A mark of byte order at the beginning of a part is no beginning of a file.
            plain = encoding.removesuffix("-sig")
            part = io.TextIOWrapper(_bytes_of(path, options.span), plain, "replace", newline="")
            lines = _Lines(part, 2 * most, options.span.line - 1)
            rows = csv.reader(lines, delimiter=find_delimiter(path, first), strict=True)
        line = lines.number + 1
        while (row := _next_row(rows, most)) is not None:
            if row:  # a blank line is not a row
                where = f"row {number}, line {line}" if line == lines.number else f"row {number}, from line {line}"
                yield _read_row(row, number, names, column, encoding.removesuffix("-sig"), where)
                number += 1
            line = lines.number + 1


def _bytes_of(path: Path, span: Span) -> io.BytesIO:
    with path.open("rb") as file:
        file.seek(span.begin)
        return io.BytesIO(file.read(span.end - span.begin))


def find_cuts(path: Path, every: int, options: ReadOptions) -> list[Span]:
    """Return a file in parts of at least `every` bytes that begin with a row each; none where it is to be read whole.

    Rows are told as `read` tells them, of bytes in place of characters: in these encodings no byte of another character
    is a quote, a line end or what parts cells. Raises SourceError if the header lacks the text column, and OSError.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16)
    encoding = "" if looks_binary(head) else encoding_of(path)
    if encoding.removesuffix("-sig") not in {"utf-8", "gb18030", "big5", "big5hkscs", "cp950"}:
        return []
    most = options.max_chars
    with path.open(encoding="latin-1", newline="") as text:
        first = text.readline(most)
        text.seek(0)
        lines = _Lines(text, 2 * most)
        if head.startswith(b"\xef\xbb\xbf"):
            lines.n_chars = len(text.read(3))  # the mark, and behind it a quote may open
        rows = csv.reader(lines, delimiter=find_delimiter(path, first), strict=True)
        header = _next_row(rows, most)
        if header is None or isinstance(header, _BrokenRow):
            return []
        names = [name.encode("latin-1").decode(encoding, "replace") for name in header]
        _text_column(path, names, options)
        begin, number, spans = lines.n_chars, 0, list[Span]()
        line, first_row = lines.number + 1, 0
        while (row := _next_row(rows, most)) is not None:
            if isinstance(row, _BrokenRow) and row.reason == "too_large":
                return []  # of how many characters it is decides where the next one begins
            number += bool(row)
            if number > first_row and lines.n_chars - begin >= every and _is_whole(lines.last, encoding):
                spans.append(Span(begin, lines.n_chars, line, first_row))
                begin, line, first_row = lines.n_chars, lines.number + 1, number
    if number > first_row or not spans:
        spans.append(Span(begin, lines.n_chars, line, first_row))
    else:  # blank lines
        spans[-1] = spans[-1]._replace(end=lines.n_chars)
    # A part is held whole: where none could be cut for long, the file is not.
    return spans if all(span.end - span.begin <= 4 * every for span in spans) else []


def _text_column(path: Path, header: list[str], options: ReadOptions) -> tuple[list[str], str]:
    """Return the names of the columns, and that of the text. Raises SourceError."""
    names = [name.lstrip("\ufeff").strip() for name in header]
    return names, find_text_column(path, names, names, options.text_column)


def _is_whole(line: str, encoding: str) -> bool:
    """Whether no character is broken in a line of bytes: one of GB 18030 would go on behind the end of a part."""
    try:
        line.encode("latin-1").decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def find_delimiter(path: Path, header: str) -> str:
    """Return the tab for a `.tsv`, else whichever of comma, tab and semicolon the header has most of.

    >>> find_delimiter(Path("年报.csv"), "银行;年份;正文")
    ';'
    """
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(",\t;", key=header.count)


def _read_row(
    row: list[str] | _BrokenRow, number: int, names: list[str], column: str, encoding: str, where: str
) -> RawReport:
    report = RawReport(member=str(number), text="", format="csv", encoding=encoding)
    if isinstance(row, _BrokenRow):
        return quarantine(report, row.reason, f"{where}: {row.what}; correct its quotes, or split it")
    if len(row) != len(names):
        cure = "quote cells that hold the delimiter" if len(row) > len(names) else "fill in the cells that are missing"
        what = f"{len(row):,} {'cell' if len(row) == 1 else 'cells'} under a header of {len(names):,}"
        return quarantine(report, "malformed", f"{where}: {what}; {cure}")
    cells = dict(zip(names, row, strict=True))
    text = cells.pop(column)
    title = next((cells[name] for name in TITLE_COLUMNS if name in cells), "")
    meta = {name: value for name, value in cells.items() if name}
    report = RawReport(member=str(number), text="", format="csv", encoding=encoding, title=title, meta=meta)
    return judge_text(Decoded(text, encoding, text.count("\ufffd")), report)


_LIMIT = threading.Lock()


def _next_row(rows: Reader, most: int) -> list[str] | _BrokenRow | None:
    """Return the next row, what is wrong with it, or None at the end."""
    # The limit belongs to the whole process, so it is raised for one call only, and by one thread.
    with _LIMIT:
        limit = csv.field_size_limit(most)
        try:
            return next(rows, None)
        except _TooLongError:
            return _BrokenRow("too_large", f"a line of more than {2 * most:,} characters")
        except csv.Error as error:
            if "field limit" in str(error):
                return _BrokenRow("too_large", f"a cell of more than {most:,} characters")
            return _BrokenRow("malformed", str(error))
        finally:
            csv.field_size_limit(limit)
