"""What is doubtful about a text that was read, page by page: flags by measured shares.

Shares were taken on the 3,333 pages of 38 PDFs, and on reports whose text was looked at. Of the Han of a clean page at
most 1.7 % (a list of names) are outside GB2312 once Traditional is folded to Simplified, of a report 0.25 %; where a
font's map to Unicode is missing or false they are 64 to 100 %. Prose has 12 to 14 `。` for 1,000 Han, and 70 marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cipin.lexicon.fold import fold_array
from cipin.reading.characters import code_points
from cipin.reading.clean import Clean
from cipin.reading.report import Layout

#: Han below which a report, and a page, is not judged by its marks.
LEAST_HAN, LEAST_PAGE_HAN = 2000, 300
#: Full stops, and marks, for 1,000 Han below which punctuation was lost; and the share of Han from which a page is
#: prose: of 1,657 pages of prose, 60 of the two reports without marks fall below, and 5 of others, which are lists.
LEAST_STOPS, LEAST_MARKS, PROSE = 2.0, 5.0, 0.6
#: Share of rare or illegible characters above which text is garbled, and the least number of characters for it.
MOST_GARBLED, LEAST_CHARS = 0.2, 30
#: The same, letters of other scripts with them, on a page of which the file does not map much to Unicode: codes are
#: taken for characters there, of whatever script. Of 3,333 clean pages none has more than one such line.
MOST_GUESSED = 0.05
#: Share of Han that say what those beside them say above which text is doubled (half of them where all is; the most of
#: 3,333 pages is 0.15, a table of 董事董事董事), and the least number of Han for it.
MOST_DOUBLED, LEAST_DOUBLED = 0.2, 50
#: Longest piece that is looked for twice in a row.
LONGEST = 4
#: Characters, running heads aside, that a page which is a picture may have: a page number, a stamp.
PICTURE_CHARS = 12
#: Share of the pages that are flagged from which the report is.
MANY = 0.1
#: Share of the pages, or of the characters, that cannot be read from which a report is not measured.
UNREADABLE = 0.9

#: Flags of pages, in order.
PAGE_FLAGS = ("lost_punctuation", "garbled", "doubled", "needs_ocr", "map_errors")

_BLANK, _OTHER, _HAN, _RARE, _STOP, _MARK, _ILLEGIBLE, _FOREIGN = range(8)
_KINDS = 8
_STOPS = "。．｡"  # not the dot of ASCII, which stands in every figure
_MARKS = "，、；：,;"


@dataclass(frozen=True, slots=True)
class Quality:
    """What is doubtful about a report.

    flags        of the report, of PAGE_FLAGS
    pages        pages, from 1, of each flag that any has
    unreadable   "garbled" or "no_text" where next to nothing can be read, else ""
    message      what of it cannot be read; "" where it can
    """

    flags: tuple[str, ...]
    pages: Mapping[str, tuple[int, ...]]
    unreadable: str = ""
    message: str = ""


def judge_quality(text: str, clean: Clean, layout: Layout, seen: Mapping[str, Sequence[int]]) -> Quality:
    """Judge a report by what of its raw `text` is in the body of the clean one, and by pages where it has any.

    Raw characters tell more: what a font does not map is a bullet in the clean text. 10 µs a page, 0.4 % of reading.

    seen   pages, from 1, that the format saw: "needs_ocr" (a picture and no text), "picture" (a picture and few
           characters), "map_errors"
    """
    n_pages = len(layout.page_start) - 1 if layout.has_pages else 0
    points, page = _characters_of(text, clean, layout)
    kinds, doubled = _judge_characters(points)
    n = max(n_pages, 1)
    page = page if n_pages else np.zeros(len(points), np.int64)
    counts = np.bincount(page * _KINDS + kinds, minlength=n * _KINDS).reshape(n, _KINDS)
    doubles = np.bincount(page[doubled], minlength=n)
    whole = counts.sum(axis=0, keepdims=True)
    found = _flags_of(counts, doubles, LEAST_PAGE_HAN, is_page=True)
    of_report = _flags_of(whole, doubles.sum(keepdims=True), LEAST_HAN, is_page=False)
    if not n_pages:
        return Quality(tuple(name for name in of_report if of_report[name][0]), {})
    chars = counts[:, 1:].sum(axis=1)
    for name in ("needs_ocr", "map_errors"):
        found[name] = _mask(seen.get(name, ()), n)
    guessed = counts[:, (_RARE, _ILLEGIBLE, _FOREIGN)].sum(axis=1)
    found["garbled"] |= found["map_errors"] & (guessed > MOST_GUESSED * chars)
    found["needs_ocr"] |= found["garbled"] | (_mask(seen.get("picture", ()), n) & (chars <= PICTURE_CHARS))
    n_shown = int(np.count_nonzero((chars > 0) | found["needs_ocr"]))
    flags = []
    for name in PAGE_FLAGS:
        n_found = int(found[name].sum())
        # What hides hits is said of one page; the others may be a table.
        least = 1 if name in {"garbled", "needs_ocr"} else max(1.0, MANY * n_shown)
        if n_found >= least or (name in of_report and of_report[name][0]):
            flags.append(name)
    pages = {name: tuple((np.flatnonzero(found[name]) + 1).tolist()) for name in PAGE_FLAGS if found[name].any()}
    return Quality(tuple(flags), pages, *_unreadable(found, chars, n_shown))


def page_ranges(pages: Sequence[int]) -> str:
    """Return ascending pages as ranges.

    >>> page_ranges([3, 4, 5, 6, 7, 12])
    '3-7,12'
    """
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)


def _mask(pages: Sequence[int], n_pages: int) -> NDArray[np.bool_]:
    mask = np.zeros(n_pages, np.bool_)
    mask[np.asarray(pages, np.int64) - 1] = True
    return mask


def _characters_of(text: str, clean: Clean, layout: Layout) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the raw code points that the body consists of, without what was put in, and the page of each, from 0."""
    body = clean.runs[clean.runs[:, 0] < clean.aside]
    begin, length = body[:, 1], body[:, 2]
    points = code_points(text)
    before = np.cumsum(length) - length
    kept = np.repeat(begin - before, length) + np.arange(int(length.sum()))
    page = np.searchsorted(layout.page_start, begin, side="right") - 1
    return points[kept], np.repeat(page, length)


def _judge_characters(points: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the kind of each character, and whether it is a Han that says what one beside it says."""
    kinds = _kinds()[points]
    doubled = np.zeros(len(points), np.bool_)
    is_han = (kinds == _HAN) | (kinds == _RARE)
    for length in range(1, LONGEST + 1):
        same = np.flatnonzero((points[length:] == points[:-length]) & is_han[length:])
        # The first of so many in a row begins a piece that stands there twice.
        first = same[: len(same) - length + 1]
        first = first[same[length - 1 :] - first == length - 1] if len(same) >= length else first[:0]
        for step in range(length):
            doubled[first + length + step] = True
    return kinds, doubled


def _flags_of(
    counts: NDArray[np.int64], doubles: NDArray[np.int64], least_han: int, is_page: bool
) -> dict[str, NDArray[np.bool_]]:
    """Return which texts have which flags, by how many characters of each kind they have."""
    chars = counts[:, 1:].sum(axis=1)
    rare, stops, illegible = counts[:, _RARE], counts[:, _STOP], counts[:, _ILLEGIBLE]
    han = counts[:, _HAN] + rare
    lost = (han >= least_han) & (1000 * stops < LEAST_STOPS * han)
    if is_page:
        # Tables have no full stops, but figures, or other marks.
        lost &= (1000 * (stops + counts[:, _MARK]) < LEAST_MARKS * han) & (han >= PROSE * chars)
    garbled = (han >= LEAST_CHARS) & (rare > MOST_GARBLED * han)
    garbled |= (chars >= LEAST_CHARS) & (illegible > MOST_GARBLED * chars)
    return {
        "lost_punctuation": lost & ~garbled,
        "garbled": garbled,
        "doubled": (han >= LEAST_DOUBLED) & (doubles > MOST_DOUBLED * han) & ~garbled,
    }


def _unreadable(found: Mapping[str, NDArray[np.bool_]], chars: NDArray[np.int64], n_shown: int) -> tuple[str, str]:
    n_lost, n_garbled = int(found["needs_ocr"].sum()), int(found["garbled"].sum())
    total, garbled = int(chars.sum()), int(chars[found["garbled"]].sum())
    if not n_lost or (n_lost < UNREADABLE * n_shown and garbled < UNREADABLE * total):
        return "", ""
    if 2 * n_garbled >= n_lost:
        return "garbled", (
            f"the text of {n_garbled} of its {n_shown} pages is no language: the file does not say, or says wrong, "
            "which characters its glyphs are; read it by OCR first"
        )
    return "no_text", f"{n_lost} of its {n_shown} pages are pictures; read it by OCR first"


@cache
def _kinds() -> NDArray[np.uint8]:
    """uint8[0x110000]: the kind of each code point."""
    kinds = np.full(0x110000, _OTHER, np.uint8)
    for first, last in ((0xC0, 0x2000), (0x3040, 0x3130), (0xA000, 0xD800)):
        kinds[first:last] = _FOREIGN
    gb2312 = bytes(byte for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF) for byte in (row, cell))
    known = np.zeros(0x110000, np.bool_)
    known[[ord(each) for each in gb2312.decode("gb2312", "ignore")]] = True
    known[0x3007] = True  # 〇
    # Radicals and compatibility ideographs fold to ideographs, Traditional ones to Simplified.
    folded = fold_array()
    for first, last in ((0x2E80, 0x2FE0), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000)):
        kinds[first:last] = np.where(known[folded[first:last]], _HAN, _RARE)
    # Private use (bullets are at most 2 % of a page), U+FFFD, controls, what is no character, and phonetic letters and
    # loose accents, which come of codes that are taken for characters.
    for first, last in ((0, 0x20), (0x7F, 0xA0), (0x1C4, 0x300), (0xD800, 0xF900), (0xFFFD, 0x10000)):
        kinds[first:last] = _ILLEGIBLE
    for point in range(0x300, 0x2E00):
        if unicodedata.category(chr(point)) == "Cn":
            kinds[point] = _ILLEGIBLE
    kinds[[*range(0x09, 0x0E), 0x20, 0xA0, 0x3000, *range(0x2000, 0x2010), 0x2028, 0x2029, 0xFFFE]] = _BLANK
    kinds[[ord(each) for each in _STOPS]] = _STOP
    kinds[[ord(each) for each in _MARKS]] = _MARK
    return kinds
