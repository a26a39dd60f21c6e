"""JSON lines: a line is a report; a line that cannot be read is set aside, and the others go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from cipin.reading.encoding import Decoded, decode, looks_binary
from cipin.reading.formats.bounded import bounded_lines
from cipin.reading.formats.columns import TEXT_COLUMNS, TITLE_COLUMNS, missing_text_column
from cipin.reading.formats.once import Stamp, encoding_of, stamp_of
from cipin.reading.formats.options import ReadOptions, Span
from cipin.reading.formats.outcome import clean_surrogates, judge_text, quarantine
from cipin.reading.formats.text import binary
from cipin.reading.report import RawReport

#: So many objects are looked at to find the text column when none is named.
_SAMPLE_ROWS = 1000

#: Bytes of a line for each character of its text: an escape takes six, and other columns some.
_LINE_CHARS = 8


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield a report for each line of a JSON-lines file that is not blank; `member` is the line number, from 1.

    Raises SourceError if no object of the file has the text column, and OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        if looks_binary(file.read(1 << 16)):
            yield binary(RawReport(member="", text="", format="jsonl"))
            return
    encoding = encoding_of(path)
    most = _LINE_CHARS * options.max_chars
    column = text_column_of(path, encoding, options)
    for number, line in _lines(path, encoding, most, options.span):
        if line is None:
            what = f"line {number}: it has more than {most:,} bytes, too many for a text of {options.max_chars:,}"
            report = RawReport(member=str(number), text="", format="jsonl", encoding=encoding)
            yield quarantine(report, "too_large", f"{what} characters; split it, or raise --max-chars")
        else:
            yield _read_line(line, number, column)


def text_column_of(path: Path, encoding: str, options: ReadOptions) -> str | None:
    """Return the text column, or None if the file has no object at all; for its parts it is looked for once a process.

    Raises SourceError if no object has it.
    """
    return _column_of(path, stamp_of(path), encoding, options.text_column, _LINE_CHARS * options.max_chars)


@lru_cache(maxsize=4096)
def _column_of(path: Path, stamp: Stamp, encoding: str, wanted: str | None, most: int) -> str | None:
    del stamp
    return _find_column(path, encoding, wanted, most)


def parse_object(line: str) -> dict[str, object] | str:
    """Return the JSON object of a line, or what is wrong with it.

    Integers of more than 18 digits stay strings: they are codes, and Arrow's integers end there.

    >>> parse_object('{"bank": "平安银行", "year": 2019}')
    {'bank': '平安银行', 'year': 2019}
    >>> parse_object('["平安银行"]')
    'it is a JSON list, not an object'
    """
    try:
        value = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        return f"it is not JSON ({error.msg}, column {error.colno})"
    except RecursionError:
        return "its JSON is nested too deeply"
    return value if isinstance(value, dict) else f"it is a JSON {_kind(value)}, not an object"


def _read_line(line: Decoded, number: int, column: str | None) -> RawReport:
    row = parse_object(line.text)
    if isinstance(row, str) or column is None:
        report = RawReport(member=str(number), text="", format="jsonl", encoding=line.encoding)
        return quarantine(report, "malformed", f"line {number}: {row}; correct the line or leave it out")
    title = next((value for name in TITLE_COLUMNS if isinstance(value := row.get(name), str)), "")
    report = RawReport(
        member=str(number),
        text="",
        format="jsonl",
        encoding=line.encoding,
        title=clean_surrogates(title),
        meta={
            clean_surrogates(name): clean_surrogates(value) if isinstance(value, str) else value
            for name, value in row.items()
            if name != column and (value is None or isinstance(value, str | int | float))
        },
    )
    text = row.get(column)
    if text is None:
        what = "is null" if column in row else "is absent"
        return quarantine(report, "null_text", f"line {number}: {column!r} {what}; an absent text is not an empty one")
    if not isinstance(text, str):
        return quarantine(report, "malformed", f"line {number}: {column!r} is a {_kind(text)}, not a string")
    return judge_text(Decoded(text, line.encoding, line.replaced), report)


def _find_column(path: Path, encoding: str, wanted: str | None, most: int) -> str | None:
    """Return the text column, or None if the file has no object at all."""
    lines = (line for _, line in _lines(path, encoding, most) if line is not None)
    # Of each object the types alone: a thousand reports may be more than memory holds.
    objects = (
        {name: type(value) for name, value in row.items()}
        for row in (parse_object(line.text) for line in lines)
        if isinstance(row, dict)
    )
    sample = list(islice(objects, 1 if wanted is not None else _SAMPLE_ROWS))
    names = list(dict.fromkeys(name for row in sample for name in row))
    if not sample or wanted in names:
        return wanted
    if wanted is None:
        strings = [name for name in names if {row.get(name, type(None)) for row in sample} - {type(None)} == {str}]
        known = [name for name in TEXT_COLUMNS if name in names]
        if known or len(strings) == 1:
            return (known or strings)[0]
    # Reports may be rare among other objects, so only the end of the file can say that the column is missing.
    for row in objects:
        for name in TEXT_COLUMNS if wanted is None else (wanted,):
            if name in row:
                return name
    raise missing_text_column(path, names, wanted)


def _lines(path: Path, encoding: str, most: int, span: Span | None = None) -> Iterator[tuple[int, Decoded | None]]:
    """Yield number, from 1, and text of each line that is not blank, decoded line by line; None for one too long.

    span   the part of the file whose lines they are; None: all

    A line that is UTF-8 is read as that, whatever the rest of the file is: such files grow by appending.
    """
    if encoding.startswith(("utf-16", "utf-32")):
        with path.open(encoding=encoding, errors="replace", newline="\n") as file:
            for number, line in enumerate(bounded_lines(file, most), 1):
                if line is None:
                    yield number, None
                elif line.strip("\ufeff \t\r\n"):
                    yield number, Decoded(line.lstrip("\ufeff"), encoding, line.count("\ufffd"))
        return
    with path.open("rb") as lines:
        lines.seek(span.begin if span else 0)
        for number, raw in enumerate(bounded_lines(lines, most, span.end if span else None), span.line if span else 1):
            if raw is None:
                yield number, None
                continue
            stripped = raw.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\x84\x31\x95\x33").strip()
            if stripped:
                yield number, _decode_line(stripped, encoding)


def _decode_line(line: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(line.decode(), "utf-8", 0)
    except UnicodeDecodeError:
        if encoding.startswith("utf-8"):
            return decode(line)
        text = line.decode(encoding, "replace")
        return Decoded(text, encoding, text.count("\ufffd"))


def _parse_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= 18 else digits


#: Once, not for each line: that takes as long as a short one is decoded in.
_DECODER = json.JSONDecoder(parse_int=_parse_int)


def _kind(value: object) -> str:
    kinds: dict[type, str] = {list: "list", str: "string", bool: "boolean", dict: "object", type(None): "null"}
    return kinds.get(type(value), "number")
