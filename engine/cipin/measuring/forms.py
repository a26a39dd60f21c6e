"""Clauses as forms: what is left when spelling is folded, numbers are masked and marks are dropped."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cipin.lexicon.fold import fold_array
from cipin.measuring.kernels import MASK, make_forms
from cipin.schema import text_column


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """The forms of a column of texts.

    points    uint32[n_points]   code points of all of them
    offsets   int64[n + 1]       form i is points[offsets[i]:offsets[i + 1]]
    hashes    int64[n, 2]        124 bits that stand for it: four polynomials modulo a prime of 31 bits
    """

    points: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    hashes: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Code points of each form."""
        return np.diff(self.offsets)

    def __getitem__(self, number: int) -> str:
        """Return a form as text."""
        points = self.points[self.offsets[number] : self.offsets[number + 1]]
        return points.astype("<u4").tobytes().decode("utf-32-le")


def forms_of(texts: pl.Series, digits: bool = False) -> Forms:
    """Return the forms of texts, none of them null.

    digits   whether digits stay: else a number of any length is one 0, so that a sentence whose amounts and years alone
             have changed keeps its form

    >>> forms = forms_of(pl.Series(["2019年，科技投入（大數據）12,345.67亿元；"]))
    >>> forms[0]
    '0年科技投入大数据0亿元'
    """
    column = text_column(texts.to_arrow())
    first, last = (int(column.offsets[0]), int(column.offsets[-1])) if len(column) else (0, 0)
    points = np.empty(last - first, np.uint32)
    ends = np.zeros(len(column) + 1, np.int64)
    hashes = np.empty((len(column), 2), np.int64)
    n = make_forms(column.data, column.offsets, _table(digits), not digits, points, ends, hashes)
    return Forms(points[:n].copy(), ends, hashes)


@cache
def _table(digits: bool) -> NDArray[np.uint32]:
    """Return what becomes of each code point: letters, marks on them and numbers are folded, all else is dropped."""
    categories = [unicodedata.category(chr(point)) for point in range(0x110000)]
    is_word = np.fromiter((each[0] in "LMN" for each in categories), np.bool_, 0x110000)
    table = np.where(is_word, fold_array(), 0).astype(np.uint32)
    if not digits:
        is_digit = np.fromiter((each == "Nd" for each in categories), np.bool_, 0x110000)
        table[is_digit] = MASK
    table.flags.writeable = False
    return table
