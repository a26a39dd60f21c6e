"""Word boundaries of jieba's dictionary segmentation (`HMM=False`, no user words), at the speed of a kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cipin.lexicon.fold import fold, fold_array
from cipin.matching.automaton import Automaton
from cipin.matching.automaton_file import cached_automaton
from cipin.matching.kernels import words as kernels
from cipin.schema import TextColumn


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """jieba's words as an automaton.

    folded   uint32[0x110000]       what each code point is folded to
    weight   float64[n_words + 1]   log(frequency) - log(total) of pattern id + 1; the first is that of no word
    """

    automaton: Automaton
    folded: NDArray[np.uint32]
    weight: NDArray[np.float64]


@lru_cache(maxsize=2)
def dictionary(fold_text: bool) -> Dictionary:
    """Return jieba's dictionary for text that is folded, or not; built once a process.

    Words are read from the file that jieba ships, not from a jieba in use: its user words are none of ours.
    """
    frequency: dict[str, int] = {}
    total = 0
    for line in files("jieba").joinpath("dict.txt").read_text(encoding="utf-8").splitlines():
        word, count, *_ = line.split(" ")
        frequency[word] = int(count)
        total += int(count)
    # A word that folding changes never stands in folded text.
    usable = [word for word, count in frequency.items() if count and (not fold_text or fold(word) == word)]
    log_total = math.log(total)
    weight = np.array([-log_total, *(math.log(frequency[word]) - log_total for word in usable)])
    folded = fold_array() if fold_text else np.arange(0x110000, dtype=np.uint32)
    return Dictionary(cached_automaton(tuple(usable), fold=fold_text), folded, weight)


def between_words(
    column: TextColumn,
    fold_text: bool,
    report: NDArray[np.int32],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    kernel: Callable[[Any], Callable[..., Any]],
) -> NDArray[np.bool_]:
    """Whether each wanted span, in bytes of the column, begins and ends where jieba cuts the (folded) text."""
    fits = np.zeros(len(report), np.bool_)
    if not wanted.any():
        return fits
    known = dictionary(fold_text)
    starts, ends = column.offsets[report], column.offsets[report + 1]
    room = 1 << 12
    while True:
        late = kernel(kernels.between_words)(
            column.data, starts, ends, begin, end, wanted, *_tables(known), *_scratch(room), fits
        )
        if late < 0:
            return fits
        room = max(2 * room, int(ends[late] - starts[late]) + 2)


def word_starts(text: str, *, fold_text: bool = False) -> NDArray[np.int64]:
    """Return where the words of `text` begin, as `jieba.cut(text, HMM=False)` cuts it.

    >>> word_starts("推进数字化转型。").tolist()
    [0, 2, 5, 7]
    """
    begins = np.zeros(len(text), np.bool_)
    data = np.frombuffer(text.encode(), np.uint8)
    kernels.cut_text(data, *_tables(dictionary(fold_text)), *_scratch(len(text) + 2), begins)
    return np.flatnonzero(begins)


def count_words(column: TextColumn, *, fold_text: bool = False) -> NDArray[np.int64]:
    """Return how many words each text has, as `jieba.cut(text, HMM=False)` cuts it: int64[n_reports].

    Words that begin with an ideograph (U+4E00-U+9FD5), an ASCII letter or a digit: marks and blanks, words to jieba,
    are none, and of what jieba does not know each character outside those is left out too.

    >>> import pyarrow as pa; from cipin.schema import text_column
    >>> count_words(text_column(pa.array(["推进数字化转型。", "", "AI，5G"]))).tolist()
    [3, 0, 2]
    """
    counts = np.zeros(len(column), np.int64)
    tables = _tables(dictionary(fold_text))
    report, room = 0, 1 << 12
    while True:
        report = kernels.count_words(column.data, column.offsets, report, *tables, *_scratch(room), counts)
        if report < 0:
            return counts
        room = max(2 * room, int(column.offsets[report + 1] - column.offsets[report]) + 2)


def _tables(known: Dictionary) -> tuple[NDArray[Any], ...]:
    automaton = known.automaton
    return (
        known.folded, automaton.class_of, automaton.first_base, automaton.first_pattern, automaton.label,
        automaton.entry, known.weight,
    )  # fmt: skip


def _scratch(room: int) -> tuple[NDArray[Any], ...]:
    return np.empty(room, np.uint32), np.empty(room), np.empty(room, np.int32), np.empty(room, np.bool_)
