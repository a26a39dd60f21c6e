"""Layout repair: raw text and where it stands → clean text, with the map back.

Reports are set for the eye: lines are cut where the column ends, words run over pages, heads and page numbers stand
between. Here lines are joined where only the layout cut them, running heads and feet are set aside behind the text,
and characters that stand for no text are removed or replaced. Each repair has a name, is counted, and can be
switched off; what is left of the raw text keeps its offsets in a map of runs.

Joining asks geometry alone: does the line reach its column's right edge, and does the next begin at the left one?
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import needs_repair, repair_characters
from cipin.reading.clean import Clean
from cipin.reading.edges import SLACK, find_edges
from cipin.reading.numbering import read_number
from cipin.reading.report import LINE_KINDS, Layout

#: Every repair, in the order in which they are made.
REPAIRS = (
    "running_heads", "wraps", "page_breaks", "letter_spacing", "invisible", "private_use", "vertical_forms",
)  # fmt: skip

#: Share of a page's height at its top and bottom in which running heads and feet are looked for.
BAND = 0.12
#: Share of the pages (all, or the odd or even ones) on which a running head stands at least, and the least number.
REPEATED, LEAST_PAGES = 0.3, 3
#: Share of the pages from its first to its last on which the head of a chapter stands; points that it may move.
CHAPTER, SAME_HEIGHT = 0.7, 8
#: Share of the lines at one height and of one size that are running heads where all are, and the least number.
SLOT, LEAST_SLOT = 0.6, 10
#: Different heads that stand there at least, and points by which their edges or middles may differ.
LEAST_CHAPTERS, ALIGNED = 3, 3
#: Most lines of a page that can be marks outside of it; more, and its size is wrong.
OFF_PAGE = 4
#: How far, in line heights, a left edge may be from the column's; an indent is two.
INDENT = 1.2
#: As edges.SLACK where paragraphs are indented, and the share of indented lines that says they are.
RAGGED, INDENTED = 3.5, 0.05
#: Largest step from one line of a paragraph to the next, in line heights, and largest difference of their heights.
LEADING, UNLIKE = 3.0, 0.25


_HEAD_KINDS = [LINE_KINDS.index("header"), LINE_KINDS.index("footer")]


def repair_layout(text: str, layout: Layout, off: Collection[str] = ()) -> Clean:
    """Repair the raw `text` of a report, all but the repairs named in `off`."""
    repairs: Counter[str] = Counter()
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    start, end = _trim(points, layout.line_start, layout.line_end)
    # What the format itself calls a header or footer is set aside whatever is switched off.
    head = np.isin(layout.line_kind, _HEAD_KINDS)
    if "running_heads" not in off:
        head |= _running_heads(text, layout, start, end)
        repairs["running_heads"] = int(head.sum())
    keep = np.ones(len(points), np.bool_)
    _repair_characters(text, layout, points, keep, start, end, off, repairs)

    body = np.flatnonzero(~head & (end > start))
    joined = _joins(layout, body, text, start, end, off, repairs)
    pieces: list[tuple[int, int]] = []
    between: list[str] = []
    for at, line in enumerate(body.tolist()):
        pieces.append((int(start[line]), int(end[line])))
        follows = at + 1 < len(body) and joined[at]
        # A hyphen that parts a Latin word at the line's end goes; in a code (`LH-4`) it stays.
        if (
            follows
            and "invisible" not in off
            and text[end[line] - 1] == "\ufffe"
            and _is_small(text[start[body[at + 1]]])
        ):
            keep[end[line] - 1] = False
        between.append(_glue(text, int(end[line]), int(start[body[at + 1]])) if follows else "\n")
    n_body = len(pieces)
    for line in np.flatnonzero(head & (end > start)).tolist():
        pieces.append((int(start[line]), int(end[line])))
        between.append("\n")
    return _assemble(points, keep, pieces, between, n_body, repairs)


def repair_text(text: str, off: Collection[str] = ()) -> Clean | None:
    """Repair the characters of a text that has no layout; None where there is nothing to repair.

    >>> repair_text("大\\u200b数据").runs.tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    if not needs_repair(text):
        return None
    repairs: Counter[str] = Counter()
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    keep = np.ones(len(points), np.bool_)
    repair_characters(points, keep, off, repairs)
    return _assemble(points, keep, [(0, len(points))], [""], 1, repairs) if repairs else None


def _trim(
    points: NDArray[np.uint32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave blanks at the ends of lines out, but not those that indent a paragraph (U+3000)."""
    blank = np.isin(points, np.array([0x20, 0x09, 0xA0], np.uint32))
    last = blank | (points == 0x3000)
    start, end = start.copy(), end.copy()
    filled = end > start
    for line in np.flatnonzero(filled & (blank[np.minimum(start, len(points) - 1)] | last[end - 1])).tolist():
        while start[line] < end[line] and blank[start[line]]:
            start[line] += 1
        while start[line] < end[line] and last[end[line] - 1]:
            end[line] -= 1
    return start, end


_DIGITS = re.compile(r"[0-9０-９]+|[〇零一二三四五六七八九十百]+(?=\s*页)|\b[ivxlcIVXLC]+\b")
_PAGE_NUMBER = re.compile(r"[\s\-–—~·.|/第页頁共of#]*#[\s\-–—~·.|/第页頁共of#]*", re.IGNORECASE)


def _running_heads(text: str, layout: Layout, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find lines near the top or bottom of pages that come again on many of them, their digits aside."""
    head = np.zeros(len(start), np.bool_)
    n_pages = len(layout.page_start) - 1
    if n_pages < LEAST_PAGES or not len(start) or np.isnan(layout.line_box).all():
        return head
    height = layout.page_size[layout.line_page, 1]
    top = layout.line_box[:, 3] > height * (1 - BAND)
    bottom = layout.line_box[:, 1] < height * BAND
    pages_of: defaultdict[_Head, set[int]] = defaultdict(set)
    key_of: dict[int, _Head] = {}
    for line in np.flatnonzero((top | bottom) & (end > start)).tolist():
        masked = "".join(_DIGITS.sub("#", text[start[line] : end[line]]).split())
        masked = "#" if _PAGE_NUMBER.fullmatch(masked) else masked
        key = ("top" if top[line] else "bottom", masked, round(float(layout.line_box[line, 3]) / SAME_HEIGHT))
        key_of[line] = key
        pages_of[key].add(int(layout.line_page[line]))
    repeated: dict[_Head, bool] = {}
    for line, key in key_of.items():
        if key not in repeated:
            band, masked, height_of = key
            # On either side of the edge between two heights.
            near = (pages_of.get((band, masked, each), ()) for each in range(height_of - 1, height_of + 2))
            repeated[key] = _is_repeated(set().union(*near), n_pages)
        head[line] = repeated[key]
    return head | _short_chapters(layout, head, key_of) | _off_page(layout)


def _short_chapters(layout: Layout, head: NDArray[np.bool_], key_of: dict[int, _Head]) -> NDArray[np.bool_]:
    """Find the heads of chapters of few pages: they stand where nearly all that stands is the head of some chapter.

    Where all heads say the same, what else stands at their height is the page's first line of text (most of
    the 142 lines of ten reports that were set aside so, and their hits with them).
    """
    slots: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for line, (band, _, height) in key_of.items():
        slots[band, height, round(float(layout.line_size[line]) * 2)].append(line)
    found = np.zeros(len(head), np.bool_)
    for lines in slots.values():
        heads = [line for line in lines if head[line]]
        if len(heads) < max(LEAST_SLOT, SLOT * len(lines)) or len({key_of[line][1] for line in heads}) < LEAST_CHAPTERS:
            continue
        left, right = layout.line_box[heads, 0], layout.line_box[heads, 2]
        for line in (each for each in lines if not head[each]):
            low, _, high, _ = layout.line_box[line].tolist()
            off = np.minimum(np.minimum(abs(left - low), abs(right - high)), abs(left + right - low - high) / 2)
            found[line] = np.mean(off < ALIGNED) >= SLOT and high - low <= float((right - left).max()) + ALIGNED
    return found


def _off_page(layout: Layout) -> NDArray[np.bool_]:
    """Find the few lines that stand outside of their page: marks of the printer, which nobody sees."""
    box, size = layout.line_box, layout.page_size[layout.line_page]
    off = (box[:, 1] > size[:, 1]) | (box[:, 3] < 0) | (box[:, 0] > size[:, 0]) | (box[:, 2] < 0)
    n_off = np.bincount(layout.line_page[off], minlength=len(layout.page_size))
    return off & (n_off <= OFF_PAGE)[layout.line_page]


_Head = tuple[str, str, int]


def _is_repeated(pages: set[int], n_pages: int) -> bool:
    """Whether a line on these pages is a running head: of the report, or of a chapter, on whose pages it stands."""
    if len(pages) < LEAST_PAGES:
        return False
    odd = sum(page % 2 for page in pages)
    spread = max(pages) - min(pages) + 1
    n_same = len(pages) if 0 < odd < len(pages) else 2 * len(pages)  # on odd or on even pages alone
    return (
        len(pages) >= REPEATED * n_pages
        or odd >= max(LEAST_PAGES, REPEATED * (n_pages // 2))
        or len(pages) - odd >= max(LEAST_PAGES, REPEATED * ((n_pages + 1) // 2))
        or n_same >= CHAPTER * spread
    )


def _joins(
    layout: Layout,
    body: NDArray[np.int64],
    text: str,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    off: Collection[str],
    repairs: Counter[str],
) -> NDArray[np.bool_]:
    """Whether each body line goes on in the next: bool[n_body]."""
    joined = np.zeros(len(body), np.bool_)
    if len(body) < 2 or np.isnan(layout.line_box[body]).any():
        return joined  # Formats without pages have whole paragraphs for lines.
    box = layout.line_box[body]
    page = layout.line_page[body]
    kind = layout.line_kind[body]
    height = np.maximum(box[:, 3] - box[:, 1], 1e-3)
    left, right, is_column = find_edges(box, page, height)
    # The glyph of a full-width mark fills half of its square: a line that ends in one ends earlier.
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    last = points[end[body] - 1]
    ends_in_mark = np.isin(last, _codes(_FULL_MARKS))
    # Where paragraphs are indented, a line that is not goes on from the last, also if that ended early (half-width
    # quotes, Latin words); elsewhere only a full line tells.
    indent = (box[:, 0] - left) / height
    is_indented = float(np.mean((indent > 1.3) & (indent < 3.2))) >= INDENTED
    # Quotes are set at half width by many fonts, and were counted as whole where the line was cut.
    n_quotes = np.concatenate([[0], np.cumsum(np.isin(points, _codes(_QUOTES)))])
    quotes = n_quotes[end[body]] - n_quotes[start[body]]
    slack = (RAGGED if is_indented else SLACK) + 0.7 * ends_in_mark + 0.5 * quotes
    reaches = box[:, 2] >= right - slack * height
    # A mark that closes stands at the end of a line, never at its beginning: such a line goes on from the last.
    goes_on = np.isin(points[start[body]], _codes(_NEVER_FIRST))
    flush = box[:, 0] <= left + INDENT * height
    alike = np.abs(height[1:] - height[:-1]) <= UNLIKE * np.maximum(height[1:], height[:-1]) + 1.0
    # Boxes of a title of 16 points and of text of 11 are alike by their heights; where sizes are known, they tell.
    size = layout.line_size[body]
    alike &= ~(np.abs(size[1:] - size[:-1]) > UNLIKE * np.maximum(size[1:], size[:-1]))
    drop = box[:-1, 1] - box[1:, 1]
    below = (drop > 0) & (drop <= LEADING * np.maximum(height[:-1], height[1:]))
    same_page = page[1:] == page[:-1]
    next_column = same_page & (drop < 0) & (box[1:, 0] >= box[:-1, 2] - height[:-1])
    next_page = page[1:] == page[:-1] + 1
    plain = (kind[1:] == 0) & (kind[:-1] == 0)
    # A centred title has an edge of its own, which the text below it does not share.
    shares = (box[1:, 0] >= left[:-1] - 3.2 * height[:-1]) | ~same_page
    fits = (reaches[:-1] | goes_on[1:]) & flush[1:] & alike & plain & shares
    within = fits & ((same_page & below) | next_column)
    # Over a page the step from line to line tells nothing, so the edge must be proved, and the sentence open.
    is_open = ~np.isin(last, _codes(_ENDS))
    across = fits & next_page & is_column[:-1] & is_open[:-1]
    # What two lines say is asked only where one begins as numbers and boxes do, has blanks as rows of tables have, or
    # ends in a digit: of 38,000 pairs one in four.
    n_blanks = np.concatenate([[0], np.cumsum(np.isin(points, _BLANK_CODES))])
    has_cells = n_blanks[end[body]] - n_blanks[start[body]] >= 2
    says = np.isin(points[start[body]], _BEGIN_CODES)
    asks = says[1:] | has_cells[1:] | has_cells[:-1] | ((last >= 0x30) & (last <= 0x39))[:-1]
    for at in np.flatnonzero(within | across).tolist():
        here, ahead = body[at], body[at + 1]
        if asks[at] and _parts(text, int(start[here]), int(end[here]), int(start[ahead]), int(end[ahead])):
            continue
        repair = "wraps" if within[at] else "page_breaks"
        if repair in off:
            continue
        joined[at] = True
        repairs[repair] += 1
    return joined


_NUMBERED = re.compile(
    r"第[一二三四五六七八九十百0-9]+[章节節部分条條]|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十0-9]{1,3}[）)]"
    r"|[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}[、.．](?![0-9])|[①-⑳]|[•●■◆▪○□◇➢➤✓▲]"
)
_ENDS = frozenset("。！？；：!?;:")
_NEVER_FIRST = frozenset("，。、；：！？）》」』】”’〉…")
_QUOTES = frozenset("“”‘’…—·")
_FULL_MARKS = frozenset("，。、；：！？）》」』】”’〉")


_BLANK_CODES = np.array([0x09, 0x20, 0xA0, 0x3000], np.uint32)
#: What a number of a heading, a bullet, a box to be ticked and an indent begin with.
_BEGIN_CODES = np.array(
    sorted(
        {
            *map(ord, "第附（(•●■◆▪○□◇➢➤✓▲☐√☑〇零一二三四五六七八九十百\u3000"),
            *range(0x30, 0x3A),
            *range(0x41, 0x5B),
            *range(0x61, 0x7B),
            *range(0x2460, 0x2474),
        }
    ),
    np.uint32,
)


def _codes(characters: Iterable[str]) -> NDArray[np.uint32]:
    return np.array(sorted(map(ord, characters)), np.uint32)


def _parts(text: str, start: int, end: int, next_start: int, next_end: int) -> bool:
    """Whether two lines that stand like one paragraph are two by what they say."""
    if text[next_start] == "\u3000" or _BOX.match(text, next_start):
        return True
    if text[end - 1] in _ENDS and _NUMBERED.match(text, next_start, next_end):
        return True
    numbered = read_number(text[next_start : min(next_end, next_start + 12)]) is not None
    # An entry of a table of contents, and the next one; a heading, and one below it.
    entry = _ENTRY.search(text, start, end)
    if entry and (entry[1] or numbered or _ENTRY.search(text, next_start, next_end)):
        return True
    if numbered and end - start <= 40 and read_number(text[start : start + 12]):
        return True
    return _is_row(text[start:end]) or _is_row(text[next_start:next_end])


#: What forms put to be ticked: `□适用 √不适用`.
_BOX = re.compile("[□☐√☑✓■]|•\\s?适用")
_ENTRY = re.compile(r"(?:([.·…．•‥]{3,}|\t)|[\s\u3000])[\s.·…]*\d{1,4}(?:\s?[-–—]\s?\d{1,4})?\Z")
_NUMBER = re.compile(r"[(（-]?[\d,.]+[%)）]?|-|—|–|不适用|N/?A", re.IGNORECASE)


def _is_row(line: str) -> bool:
    """Whether a line is a row of a table: three cells or more, and half of them numbers; not prose with many."""
    if "，" in line or "。" in line:
        return False
    cells = line.split()
    return len(cells) >= 3 and 2 * sum(_NUMBER.fullmatch(cell) is not None for cell in cells) >= len(cells)


def _glue(text: str, end: int, start: int) -> str:
    """Return what stands between two joined lines: a blank between Latin words, else nothing."""
    before, after = text[end - 1], text[start]
    is_latin = before.isascii() and after.isascii() and after.isalnum()
    return " " if is_latin and (before.isalnum() or before in ",;)") else ""


def _is_small(character: str) -> bool:
    return character.isascii() and character.islower()


_LETTERS = re.compile("(?<![\u3400-\u9fff])[\u3400-\u9fff](?: [\u3400-\u9fff]){3,}(?![\u3400-\u9fff])")
_SPACED = re.compile("[\u3400-\u9fff](?: [\u3400-\u9fff]){2,}")
#: What PDFium gives for its soft hyphen; it stands for a real one in codes such as `LH-4`.
_PDFIUM_HYPHEN = 0xFFFE


def _repair_characters(
    text: str,
    layout: Layout,
    points: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    off: Collection[str],
    repairs: Counter[str],
) -> None:
    """Remove or replace single characters, in `keep` and `points`."""
    repair_characters(points, keep, off, repairs)
    if "invisible" not in off:
        hyphens = points == _PDFIUM_HYPHEN
        points[hyphens] = ord("-")
        repairs["invisible"] += int(hyphens.sum())
    if "letter_spacing" not in off:
        if len(layout.narrow):
            keep[layout.narrow] = False
            repairs["letter_spacing"] += len(layout.narrow)
        length = end - start
        second = points[np.minimum(start + 1, len(points) - 1)]
        for line in np.flatnonzero((length >= 5) & (length <= 40) & (second == 0x20)).tolist():
            low, high = int(start[line]), int(end[line])
            # A whole line of single ideographs, blank by blank: a title. Two may be the cells of a table.
            if _SPACED.fullmatch(text, low, high):
                keep[low + 1 : high : 2] = False
                repairs["letter_spacing"] += 1
        # Four of them within a line that was set: few tables have four cells of one character side by side.
        for match in _LETTERS.finditer(text) if len(layout.generated) else ():
            keep[match.start() + 1 : match.end() : 2] = False
            repairs["letter_spacing"] += 1


def _assemble(
    points: NDArray[np.uint32],
    keep: NDArray[np.bool_],
    pieces: list[tuple[int, int]],
    between: list[str],
    n_body: int,
    repairs: Counter[str],
) -> Clean:
    out: list[str] = []
    runs: list[tuple[int, int, int]] = []
    text = points.tobytes().decode("utf-32-le", "replace")
    n_dropped = np.concatenate([[0], np.cumsum(~keep)])
    edges = np.array(pieces, np.int64).reshape(-1, 2)
    is_whole = n_dropped[edges[:, 0]] == n_dropped[edges[:, 1]]
    at = 0
    aside = 0
    for number, ((low, high), glue) in enumerate(zip(pieces, between, strict=True)):
        if number == n_body:
            aside = at
        if is_whole[number]:
            spans = [(low, high)]
        else:
            kept = np.flatnonzero(np.diff(np.concatenate([[False], keep[low:high], [False]]).astype(np.int8))) + low
            spans = list(zip(kept[::2].tolist(), kept[1::2].tolist(), strict=True))
        for first, last in spans:
            runs.append((at, first, last - first))
            out.append(text[first:last])
            at += last - first
        out.append(glue)
        at += len(glue)
    if n_body == len(pieces):
        aside = at
    return Clean("".join(out), np.array(runs, np.int64).reshape(-1, 3), aside, {k: v for k, v in repairs.items() if v})
