"""Files → raw reports, whatever the format.

In goes a path, out come one or more `RawReport`s: no file yields nothing, and none raises for what is in it. What
cannot be read is quarantined with a reason. The only error is SourceError, for a table without the text column that was
asked for by its name.
The format is told by content first, and by the name's ending only where the content is text.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cipin.errors import SourceError
from cipin.reading.encoding import looks_binary
from cipin.reading.formats import archive, arrow, delimited, docx, html, jsonl, markdown, parquet, pdf, text
from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import quarantine, too_long, too_much_memory
from cipin.reading.formats.sniff import HEAD_BYTES, promises_binary, sniff, way_out
from cipin.reading.formats.text import binary
from cipin.reading.report import RawReport

__all__ = ["ARCHIVES", "FORMATS", "Format", "ReadOptions", "read_reports"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, the endings of its files, and the function that reads one."""

    name: str
    endings: tuple[str, ...]
    read: Callable[[Path, ReadOptions], Iterator[RawReport]]


def _read_archive(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    return archive.read(path, options, read_reports)


#: The table of formats; the last one reads what no other claims.
FORMATS = (
    Format("parquet", (".parquet", ".pq"), parquet.read),
    Format("arrow", (".arrow", ".arrows", ".feather", ".ipc"), arrow.read),
    Format("pdf", (".pdf",), pdf.read),
    Format("jsonl", (".jsonl", ".ndjson"), jsonl.read),
    Format("csv", (".csv", ".tsv"), delimited.read),
    Format("markdown", (".md", ".markdown"), markdown.read),
    Format("html", (".html", ".htm", ".shtml", ".xhtml"), html.read),
    Format("docx", (".docx", ".docm", ".dotx"), docx.read),
    Format("zip", (".zip",), _read_archive),
    Format("tar", (".tar",), _read_archive),
    Format("gzip", (".gz", ".tgz"), _read_archive),
    Format("bzip2", (".bz2", ".tbz", ".tbz2"), _read_archive),
    Format("xz", (".xz", ".txz"), _read_archive),
    Format("text", (), text.read),
)

#: What holds other files: the names that `sniff` gives them.
ARCHIVES = archive.KINDS

_DEFAULTS = ReadOptions()


def read_reports(
    path: Path, options: ReadOptions = _DEFAULTS, read_member: archive.Read | None = None
) -> Iterator[RawReport]:
    """Yield every report of a file; at least one, be it dropped or quarantined.

    `read_member` reads the members of an archive; None: this function does.
    Raises SourceError if a table lacks the text column that `options` name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "平安银行2019年年度报告.txt")
    ...     _ = path.write_bytes("加快数字化转型".encode("gbk"))
    ...     [(report.text, report.encoding) for report in read_reports(path)]
    [('加快数字化转型', 'gb18030')]
    """
    name, member = "", ""
    try:
        chosen = _choose(path, options)
        if isinstance(chosen, RawReport):
            yield chosen
            return
        if read_member is not None and chosen.name in ARCHIVES:
            reports = archive.read(path, options, read_member)
        else:
            reports = chosen.read(path, options)
        name = chosen.name
        empty = True
        for report in reports:
            empty = False
            member = report.member
            yield too_long(report, options) if len(report.text) > options.max_chars else report
        if empty:
            message = "there is no report in it"
            yield RawReport(member, "", name, status="dropped", reason="empty", message=message)
    except SourceError as error:
        # No column was asked for: a list of links among the reports is not to end the run.
        if options.text_column is not None:
            raise
        yield quarantine(RawReport(member, "", name), "no_text_column", str(error).removeprefix(f"{path.name}: "))
    except OSError as error:
        after = f" after {member}" if member else ""
        what = error.strerror or str(error)
        message = f"reading stopped{after}: {what}; check that it is there and may be read"
        yield quarantine(RawReport(member, "", name), "unreadable", message)
    except MemoryError:
        yield too_much_memory(RawReport(member, "", name))


def _choose(path: Path, options: ReadOptions) -> Format | RawReport:
    """Return the format to read `path` with, or the report that says why there is none."""
    report = RawReport(member="", text="", format="")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        # Never opened: opening a FIFO waits for a writer, and reading a device may have effects.
        return quarantine(report, "unsupported", f"it is {_kind(status.st_mode)}; give the files themselves")
    ending = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    name = sniff(head, ending)
    chosen = next((each for each in FORMATS if each.name == name), None)
    if name and chosen is None:
        message = f"it is {name.upper()}, which is not read; {way_out(name)}"
        return quarantine(replace(report, format=name), "unsupported", message)
    claimed = next((each for each in FORMATS if ending in each.endings), FORMATS[-1])
    if chosen is None and (promises_binary(ending) or claimed.name in {"parquet", "arrow"}):
        what = "its content is not that format" if head else "it is empty"
        message = f"its name ends in {ending}, but {what}; fetch it again"
        return quarantine(replace(report, format=claimed.name), "malformed", message)
    if chosen is None and ending == ".json" and looks_binary(head):
        return binary(replace(report, format="json"))
    if chosen is None and ending == ".json":
        if head.strip() and isinstance(jsonl.parse_object(head.decode("utf-8", "replace").split("\n", 1)[0]), str):
            message = "it is JSON, but not an object a line; write one object a line and name it .jsonl"
            return quarantine(replace(report, format="json"), "unsupported", message)
        claimed = next(each for each in FORMATS if each.name == "jsonl")
    chosen = chosen or claimed
    if status.st_size > options.max_bytes and options.span is None:  # a part is small, however large its file is
        message = (
            f"its {status.st_size:,} bytes are more than max_bytes = {options.max_bytes:,}; split it, or raise that"
        )
        return quarantine(replace(report, format=chosen.name), "too_large", message)
    return chosen


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "something else")
