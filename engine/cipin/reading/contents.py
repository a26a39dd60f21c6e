"""Tables of contents: entries whose page numbers rise, where they begin, and where the text does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipin.reading.nesting import squeeze
from cipin.reading.numbering import FIRST_OF_NUMBERS, Number, read_number
from cipin.reading.paragraphs import Paragraphs

#: Entries that make a table of contents, and lines between two of them that may be no entry (a title that runs on).
LEAST_ENTRIES, MOST_BETWEEN = 3, 3
#: What no page of a report is, and a column of years begins with.
FIRST_YEAR = 1900
#: Characters of a line that is more than an entry.
MOST_CHARS = 80
#: Characters of the title of a table of contents, and what an entry ends with.
MOST_OF_TITLE, _LAST_OF_ENTRIES = 20, frozenset("0123456789)）")
#: Lines below its title in which the first entry stands, and in which entries may look like rows of a table.
NEAR_TITLE, TITLED = 12, 200

_ENTRY = re.compile(
    r"(?P<title>.*?[^\W\d].*?)(?P<leader>[\s.·…．•‥_\-—–]*?(?:\t|[.·…．•‥_]{2,}|[\-—–]{3,}|\s)[\s.·…．•‥_\-—–]*)"
    r"[(（]?(?P<page>\d{1,4})(?:\s*[-–—~至]\s*\d{1,4})?[)）]?"
)
_LAST = re.compile(r"[\s.·…．•‥_\-—–](?:[(（]?\d{1,4})(?:\s*[-–—~至]\s*\d{1,4})?[)）]?$")  # what every entry ends with
_LEADER = re.compile(r"[.·…．•‥_]{3,}|[\-—–]{3,}")
_CONTENTS = re.compile(r"(?:目[\s\u3000]*[录錄次]|(?:table\s+of\s+)?contents)", re.IGNORECASE)
_ENDS = tuple("。！？；…")


class _Entry(NamedTuple):
    """An entry: its line, its page, its title as it is compared, its number, and what leads to the page."""

    line: int
    page: int
    title: str
    number: Number | None
    leads: bool
    tabs: bool


def is_contents(line: str) -> bool:
    """Whether a line is the title of a table of contents.

    >>> is_contents("目  录"), is_contents("Contents"), is_contents("目录下的文件")
    (True, True, False)
    """
    return len(line) <= MOST_OF_TITLE and _CONTENTS.fullmatch(line) is not None


def may_list(lines: Sequence[str]) -> bool:
    """Whether there are enough entries for a table of contents among lines that are not empty."""
    return sum(line[-1] in _LAST_OF_ENTRIES for line in lines) >= LEAST_ENTRIES


def find_contents(paragraphs: Paragraphs, rows: NDArray[np.bool_], n_pages: int) -> NDArray[np.bool_]:
    """Whether each line is part of a table of contents: an entry, its title, or what stands between.

    rows      bool[n]   lines that look like rows of a table
    n_pages   pages of the report, which no entry can exceed by far; 0: unknown

    It ends before a smaller page, before MOST_BETWEEN lines that are no entries, and before one of its titles that
    comes again alone: there the text begins. Its last entries are those that `_last` proves.
    """
    found = np.zeros(len(paragraphs), np.bool_)
    most = 2 * n_pages + 20 if n_pages else 10_000
    run: list[_Entry] = []
    titles: set[str] = set()
    headed, last_title = -1, -TITLED - 1
    filled = 0  # lines that are not empty, since the last entry

    def close() -> None:
        nonlocal run, headed, last_title
        if end := _end(run, paragraphs, headed >= 0):
            found[headed if headed >= 0 else run[0].line : end] = True
            # Its title speaks of this table alone: one behind it has to prove itself.
            last_title = -TITLED - 1
        run, headed = [], -1
        titles.clear()

    for at, (line, is_row) in enumerate(zip(paragraphs.lines[: paragraphs.n_body], rows.tolist(), strict=False)):
        if not line:
            continue
        titled = 0 <= at - last_title <= TITLED
        may_end = line[-1] in _LAST_OF_ENTRIES and (titled or not is_row)
        entry = _read(line, at, is_row) if may_end else None
        if entry is not None and entry.page <= most:
            if run and (entry.page < run[-1].page or filled > MOST_BETWEEN):
                close()
            if not run and 0 <= at - last_title <= NEAR_TITLE and _is_quiet(paragraphs.lines[last_title:at]):
                headed = last_title
            run.append(entry)
            titles.add(entry.title)
            filled = 0
        else:
            filled += 1
            if run and filled <= MOST_BETWEEN and _bare(line) in titles:
                close()
        if len(line) <= MOST_OF_TITLE and is_contents(line):
            last_title = at
    close()
    return found


def _read(line: str, at: int, is_row: bool) -> _Entry | None:
    if len(line) > 3 * MOST_CHARS or not _LAST.search(line[-16:]):
        return None
    entry = _ENTRY.fullmatch(line)
    title = entry["title"].strip(" .·…") if entry else ""
    if entry is None or len(title) > MOST_CHARS:
        return None
    # The tab between two cells leads to no page: a table whose numbers rise (云计算, 12; 区块链, 20) is none.
    leads = not is_row and _LEADER.search(entry["leader"]) is not None
    tabs = not is_row and "\t" in entry["leader"]
    return _Entry(at, int(entry["page"]), _bare(title), read_number(title), leads, tabs)


def _bare(title: str) -> str:
    """Return a title as it is compared: folded, without its number and blanks."""
    if len(title) > MOST_CHARS:
        return ""
    number = read_number(title) if title[:1] in FIRST_OF_NUMBERS else None
    return squeeze(title[number.end :] if number else title)


def _is_quiet(lines: list[str]) -> bool:
    return all(len(each) <= 40 and not each.endswith(_ENDS) for each in lines)


def _end(run: list[_Entry], paragraphs: Paragraphs, headed: bool) -> int:
    """Return the line behind the last entry of a table of contents; 0 if the run is none."""
    if len(run) < LEAST_ENTRIES or run[-1].page <= run[0].page:
        return 0
    # Blanks alone part the cells of tables, too: then a title or numbers of headings must say what it is.
    numbered = sum(entry.number is not None for entry in run)
    leaders, tabs = sum(entry.leads for entry in run), sum(entry.tabs for entry in run)
    # So do tabs, which with numbers need fewer entries; and a column of years is none of pages.
    listed = (len(run) >= 6 or 2 * tabs >= len(run)) and 4 * numbered >= 3 * len(run)
    if not headed and not ((2 * leaders >= len(run) or listed) and run[0].page < FIRST_YEAR):
        return 0
    return run[_last(run, paragraphs)].line + 1


def _last(run: list[_Entry], paragraphs: Paragraphs) -> int:
    """Return the last entry of a run that is one for sure: a list in the text may follow, its numbers rising.

    What leads to its page proves an entry, or a title that comes again in the text; where half of them have neither,
    it proves nothing. A number that counts on speaks for the last ones.
    """
    if run[-1].leads or run[-1].tabs:
        return len(run) - 1
    titles = {entry.title for entry in run}
    ends = {title[-1:] for title in titles}
    again = {
        bare
        for line in paragraphs.lines[run[0].line : paragraphs.n_body]
        if line and len(line) <= MOST_CHARS and squeeze(line[-1]) in ends and (bare := _bare(line)) in titles
    }
    counted: set[tuple[str, int]] = set()
    last = n_proved = 0
    for at, entry in enumerate(run):
        number = entry.number
        proves = entry.leads or entry.tabs or entry.title in again
        if proves or (number is not None and (number.style, number.value - 1) in counted):
            last = at
        if number is not None:
            counted.add((number.style, number.value))
        n_proved += proves
    return last if last + 1 >= LEAST_ENTRIES and 2 * n_proved > last + 1 else len(run) - 1
