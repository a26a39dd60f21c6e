"""How headings are numbered: the style of a number, and which number it is."""

from __future__ import annotations

import re
from typing import NamedTuple

_HAN = "[〇零一二三四五六七八九十百]"
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0}
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}

#: Styles from the outermost to the innermost, as they nest by custom; a document's own order may differ.
STYLES = (
    "part", "chapter", "section", "padded", "han", "han_bracket", "arabic", "decimal2", "decimal3", "decimal4",
    "arabic_bracket", "circled", "letter",
)  # fmt: skip
#: Styles that head nothing but headings; the others number lists and rows of tables, too.
SURE = frozenset({"part", "chapter", "section"})

_PATTERNS = tuple(
    (style, re.compile(pattern, re.IGNORECASE))
    for style, pattern in (
        ("part", rf"第\s*({_HAN}{{1,4}}|\d{{1,3}})\s*(?:编|編|篇|部分|卷)(?=[\s\u3000:：、.]|[^之内內]|$)"),
        ("chapter", rf"第\s*({_HAN}{{1,4}}|\d{{1,3}})\s*章"),
        ("section", rf"第\s*({_HAN}{{1,4}}|\d{{1,3}})\s*[节節]"),
        ("part", r"part\s+(\d{1,2}|[ivxl]{1,5})\b(?!\s+of)"),
        ("chapter", r"chapter\s+(\d{1,2}|[ivxl]{1,5})\b"),
        ("section", r"section\s+(\d{1,2}|[ivxl]{1,5})\b(?=[\s:.]*[A-Z\u3400-\u9fff])"),
        ("chapter", rf"(?:附[录錄件]|appendix|annex)\s*({_HAN}{{1,3}}|\d{{1,2}}|[A-Z]\b)?(?=[\s\u3000:：.、]|$)"),
        ("han", rf"({_HAN}{{1,4}})\s*[、.．]"),
        ("han_bracket", rf"[（(]\s*({_HAN}{{1,4}})\s*[)）]"),
        ("decimal", r"(\d{1,2}(?:\s?[.．]\s?\d{1,2}){1,3})(?![\d%％.．])[、.．]?(?=\s*[A-Za-z\u3400-\u9fff“《（(])"),
        ("padded", r"(0\d)\s*(?:[、．]|\.(?!\d))"),
        ("arabic", r"(\d{1,2})\s*(?:[、．]|\.(?!\d))"),
        ("arabic_bracket", r"[（(]\s*(\d{1,2})\s*[)）]"),
        ("circled", f"([{_CIRCLED}])"),
        ("letter", r"([A-Za-z])\s*(?:[、．]|[.)）](?=\s*[A-Z\u3400-\u9fff]))"),
    )
)
#: All of them in one look; the first that fits is the style. Of each, the group behind its own holds the number.
_ANY = re.compile("|".join(f"(?P<_{at}>{pattern.pattern})" for at, (_, pattern) in enumerate(_PATTERNS)), re.IGNORECASE)
#: What no heading that is numbered can begin with, so that most lines are not tried at all.
_FIRST = re.compile(rf"[第附A-Za-z(（\d{_CIRCLED}]|{_HAN}")


FIRST_OF_NUMBERS = frozenset(
    character for character in map(chr, (*range(0x80), *range(0x2460, 0x2480), *range(0x3000, 0x10000)))
    if _FIRST.match(character)
)  # fmt: skip


class Number(NamedTuple):
    """The number of a heading: its style, its value (0: none), and where it ends in the line."""

    style: str
    value: int
    end: int


def read_number(line: str) -> Number | None:
    """Return the number that `line` begins with, or None.

    >>> read_number("第三节 管理层讨论与分析"), read_number("（二）信用风险"), read_number("3.2.1 利润表")
    (Number(style='section', value=3, end=3), Number(style='han_bracket', value=2, end=3), \
Number(style='decimal3', value=1, end=5))
    >>> read_number("2.5亿元") is None, read_number("2019年末") is None
    (True, True)
    """
    if not _FIRST.match(line):
        return None
    found = _ANY.match(line)
    if not found or not found.lastgroup or not found.lastindex:
        return None
    style, number = _PATTERNS[int(found.lastgroup[1:])][0], found[found.lastindex + 1] or ""
    if style != "decimal":
        return Number(style, _value(number), found.end())
    parts = re.split(r"\s?[.．]\s?", number)
    if len(parts) == 2 and line[found.end() :].lstrip()[:1] in _UNITS:
        return None
    return Number(f"decimal{len(parts)}", int(parts[-1]), found.end())


#: What follows a quantity, as in `2.5亿元`.
_UNITS = frozenset("亿万千百元个年月日倍吨米港美億萬個項项件次人户戶家天小平")


def _value(number: str) -> int:
    if number.isdecimal():
        return int(number)
    if number in _CIRCLED:
        return _CIRCLED.index(number) + 1 if number else 0
    low = number.lower()
    if set(low) <= set(_ROMAN):
        values = [_ROMAN[each] for each in low]
        return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
    if len(low) == 1 and low.isascii():
        return ord(low) - ord("a") + 1
    value, last = 0, 0
    for character in number:
        if character == "十":
            value += (last or 1) * 10
            last = 0
        elif character == "百":
            value += (last or 1) * 100
            last = 0
        else:
            last = last * 10 + _DIGITS[character] if len(number) > 1 and "十" not in number else _DIGITS[character]
    return value + last
