"""What makes clauses alike, written plainly. No test itself."""

from __future__ import annotations

import re
from functools import cache

from cipin.lexicon.fold import fold

LONG = "本行持续推进大数据平台建设与应用"  # 14 grams


@cache
def form(text: str, digits: bool = False) -> str:
    words = "".join(each for each in fold(text) if each.isalnum())
    return words if digits else re.sub(r"\d+", "0", words)


@cache
def grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))
