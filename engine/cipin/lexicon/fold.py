"""Folding: every spelling of a character becomes one, one code point for one, so that offsets never move.

Folded are, in the words of fold.tsv's third column:

- `simplified`: Traditional to Simplified ideographs, each on its own, as OpenCC's t2s does without its phrases;
- `radical`: Kangxi radicals and the radicals supplement, which PDF files put in place of ideographs;
- `compatibility`: compatibility ideographs, to their canonical form;
- `full-width`: full-width letters and digits, to ASCII;
- `case`: case folding where it is one to one (`ß` and `İ` stay; `ẞ` becomes `ß`).

Punctuation is not folded: `，：（）` end clauses and stay what they are. No folding of text changes its length.

One to one has a price, and it is accepted: Simplified merges what Traditional tells apart, so 發 and 髮 are both
发, 後 and 后 are 后, 乾 is 干 and 於 is 于, also in words where Simplified keeps the old character (乾坤). Text and
lexicon are folded alike, so a merger can never lose a hit; it can only add one, where two words differ in such a
pair alone. A lexicon with `fold = false` compares character by character.

The table is made by lexicons/sources/make_fold.py from OpenCC's and Unicode's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@cache
def fold_table() -> Mapping[int, int]:
    """Return the code points that folding changes, each with what it becomes; fit for `str.translate`.

    >>> chr(fold_table()[ord("數")])
    '数'
    """
    text = files("cipin.lexicon").joinpath("fold.tsv").read_text(encoding="ascii")
    # Two lines of head, then three words a line: splitting once takes half the time of splitting every line.
    words = text.split("\n", 2)[2].split()
    return MappingProxyType(
        {int(source, 16): int(target, 16) for source, target in zip(words[::3], words[1::3], strict=True)}
    )


@cache
def fold_array() -> NDArray[np.uint32]:
    """Return the folded code point of every code point: uint32[0x110000], read-only.

    >>> chr(fold_array()[ord("據")])
    '据'
    """
    import numpy as np

    table = fold_table()
    folded = np.arange(0x110000, dtype=np.uint32)
    folded[np.fromiter(table, np.uint32, len(table))] = np.fromiter(table.values(), np.uint32, len(table))
    folded.flags.writeable = False
    return folded


def fold(text: str) -> str:
    """Return `text` folded, of the same length; folding twice changes nothing more.

    >>> fold("Ｆｉｎｔｅｃｈ與\\u2f24數據，５Ｇ")
    'fintech与大数据，5g'
    """
    return text.translate(fold_table())
