"""The tags of an HTML page, read once and in linear time, before a parser sees them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final


def words(text: str) -> frozenset[str]:
    """Return the words of `text`, which blanks part, as a set."""
    return frozenset(text.split())


#: Elements open at once. Lexbor's time grows with their square: 0.04 s for 5,000, 0.7 s for 20,000, no end for
#: 200,000; real pages stay below 100.
DEEPEST: Final = 2000

HEADINGS: Final = words("h1 h2 h3 h4 h5 h6")

#: Elements that begin and end a line.
BLOCKS: Final = HEADINGS | words(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form header hgroup hr legend li listing main menu ol p pre section summary table tbody td tfoot th thead "
    "tr ul xmp"
)

#: A start tag longer than this loses its attributes: most are inlined images, and 20,000 attributes took 0.8 s.
_LONGEST_TAG = 2048

#: Unclosed formatting is reopened in every later block: 5,000 such tags grew to 2,000,000 nodes in 9 s.
_WORK = 1_000_000

_VOID = words("area base br col embed hr img input link meta param source track wbr")
#: These close themselves when the next one opens.
_SHALLOW = words("p li dt dd tr td th thead tbody tfoot option optgroup html head body rt rp")
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
_SCOPES = words("table object applet template marquee button select")
_SPECIAL = BLOCKS | _SCOPES

_TAG = re.compile(r"<(?:!--|([/?!]?)([A-Za-z][^\s/>]*+)|[/?!])", re.ASCII)
_TAG_REST = re.compile(
    r"""(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+|(?=>)))?+)*+>?""",
    re.ASCII,
)
_COMMENT_END = re.compile(r"--!?>")
_RAW_ENDS = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.ASCII | re.IGNORECASE)
    for name in words("script style noscript iframe xmp noembed noframes textarea title")
}
#: Text that is kept although its tags are none.
_RAW_TEXT = words("title textarea xmp")


class MalformedPage(ValueError):
    """The page is nested so that parsing it may not end."""


def slim_page(page: str) -> str:
    """Return `page` without scripts, styles, comments and attributes of overlong tags.

    Raises MalformedPage if more than `DEEPEST` elements are open at once, or if unclosed formatting would be
    reopened so often that the tree grows without bound.

    >>> slim_page("<p>云<!-- 注 --><script>if (a<b) {}</script>计算</p>")
    '<p>云计算</p>'
    """
    kept: list[str] = []
    start = position = tags = work = formatting = 0
    stack: list[str] = []
    opened: Counter[str] = Counter()
    while match := _TAG.search(page, position):
        position = match.end()
        mark, name = match.group(1), (match.group(2) or "").lower()
        if match.group() == "<!--":
            kept.append(page[start : match.start()])
            if page.startswith((">", "->"), position):
                start = position = page.index(">", position) + 1
                continue
            end = _COMMENT_END.search(page, position)
            start = position = end.end() if end else len(page)
            continue
        if not name or mark in {"!", "?"}:
            end_at = page.find(">", position)
            position = end_at + 1 if end_at >= 0 else len(page)
            continue
        rest = _TAG_REST.match(page, position)
        position = rest.end() if rest else position
        if mark:
            work += _close(name, stack, opened)
            formatting = sum(opened[each] for each in _FORMATTING) if name in _FORMATTING else formatting
            continue
        if position - match.start() > _LONGEST_TAG:
            kept.append(f"{page[start : match.start()]}<{name}>")
            start = position
        if name in _RAW_ENDS:
            end = _RAW_ENDS[name].search(page, position)
            if name not in _RAW_TEXT:
                kept.append(page[start : match.start()])
                start = end.end() - len(name) - 2 if end else len(page)
                rest = _TAG_REST.match(page, end.end()) if end else None
                start = position = rest.end() if rest else len(page)
            else:
                position = end.start() if end else len(page)
            continue
        tags += 1
        work += formatting
        if name not in _VOID and name not in _SHALLOW:
            stack.append(name)
            opened[name] += 1
            formatting += name in _FORMATTING
            if len(stack) > DEEPEST:
                raise MalformedPage(f"more than {DEEPEST:,} elements are open at once")
        if work > _WORK + 64 * tags:
            raise MalformedPage("its elements are opened, and not closed in order, thousands of times")
    kept.append(page[start:])
    return "".join(kept)


def _close(name: str, stack: list[str], opened: Counter[str]) -> int:
    """Close the element that the parser would close; return how many were looked at."""
    if not opened[name]:
        return 0
    barriers = _SCOPES if name in _SPECIAL else _SPECIAL
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth] == name:
            # Formatting closes alone: what stands open inside it stays open.
            closed = stack[depth : depth + 1] if name in _FORMATTING else stack[depth:]
            del stack[depth : depth + len(closed)]
            opened.subtract(closed)
            return len(closed)
        if stack[depth] in barriers and name not in _FORMATTING:
            break
    return len(stack) - depth
