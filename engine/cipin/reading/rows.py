"""Rows of tables, told by what a line says: the cells it has, and how many of them are numbers."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[(（+\-−–—]?[\d,.，]*\d[\d,.，]*[%％)）]*|[-—–/]|不适用|不適用|n/?a|[¥$￥]", re.IGNORECASE)
#: What a number ends with: most cells are told by one look.
_NUMBER_LAST = frozenset("0123456789０１２３４５６７８９,.，%％)）-—–/用aA¥$￥")


def is_row(line: str) -> bool:
    """Whether a line is a row of a table: cells parted by tabs or pipes, or by blanks and half of them numbers.

    >>> is_row("存款 1,200 1,100"), is_row("甲\\t乙\\t丙"), is_row("存款 1,200"), is_row("2019 年 共 3 家")
    (True, True, False, False)
    """
    if " " not in line and "\t" not in line and "|" not in line and "\u3000" not in line:
        return False
    if line.count("\t") >= 2:
        return True
    if line[0] == "|" and line.count("|") >= 3:
        return True
    cells = line.split()
    if len(cells) < 3:
        return False
    return 2 * sum(cell[-1] in _NUMBER_LAST and _NUMBER.fullmatch(cell) is not None for cell in cells) >= len(cells)
