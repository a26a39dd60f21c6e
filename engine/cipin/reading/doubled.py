"""Characters that were printed twice: 全球全球银行行 for 全球银行, as an overprinted heading or a shadow is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cipin.reading.characters import FIRST_HAN, HAN, code_points, is_han

#: Longest part that is looked for twice.
LONGEST = 24
#: Han between two doubled parts of one chain, and other characters (blanks, marks).
BETWEEN, OTHERS = 1, 3
#: A chain of doubled parts: at least two of them, different, of so many Han together; or one of so many.
CHAIN, ALONE = 5, 8
#: What makes a text one that was printed twice: share of its Han in such chains, or their number.
DENSE, MANY = 0.05, 8

#: Parts of so many characters and more are found by a hash of so many; what that multiplies by.
FOUR = 4
_FACTORS = (np.uint16(0x9E37), np.uint16(0x85EB), np.uint16(0xC2B3))
#: Characters of a text that are looked at together.
STRETCH = 1 << 15

_NO_HAN = np.arange(FIRST_HAN, dtype=np.uint16)


def find_doubled(text: str) -> list[tuple[int, int]]:
    """Return what an overprint put in: of `全球全球银行行` the second 全球 and 行."""
    if len(text) < 2 * CHAIN or (len(text) < 100 and len(text) - len(set(text)) < CHAIN):
        return []
    points = code_points(text)
    han = is_han(points)
    start, length = _squares(points, han)
    squares = zip(start.tolist(), length.tolist(), strict=True)
    chains = [chain for chain in _chains(text, squares) if _is_overprint(text, chain)]
    n_doubled = sum(2 * length for chain in chains for _, length in chain)
    if not chains or (len(chains) < MANY and n_doubled < DENSE * int(han.sum())):
        return []
    return [(start + length, start + 2 * length) for chain in chains for start, length in chain]


def may_be_doubled(texts: Sequence[str]) -> list[bool]:
    """Whether `find_doubled` may find something in each text: all looked at together, for many short ones.

    A text of 300 characters takes 2 us, where `find_doubled` takes 80.

    >>> may_be_doubled(["全球全球银行行", "推进数字化转型"])
    [True, False]
    """
    points = code_points("\n".join(texts))
    start, length = _squares(points, is_han(points))
    which = np.searchsorted(np.cumsum([len(text) + 1 for text in texts]), start, side="right")
    found: list[bool] = (np.bincount(which, weights=length, minlength=len(texts)) >= CHAIN).tolist()
    return found


def _squares(points: NDArray[np.uint32], han: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and lengths of Han that follow upon themselves; of short parts those that others are near.

    None where all of them together are too short for a chain, as in most texts of a few lines.
    """
    # Han fit into 16 bits; all else, and what is behind the end, becomes a number that nothing near it is.
    n = len(points) + 2 * LONGEST + FOUR
    halves = _NO_HAN[:n].copy() if n <= len(_NO_HAN) else np.resize(_NO_HAN, n)
    np.copyto(halves[: len(points)], points, where=han, casting="unsafe")
    found = [each for each in (*_short_squares(halves), *_long_squares(halves)) if len(each[0])]
    if sum(int(length.sum()) for _, length in found) < CHAIN:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    start, length = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((-length, start))
    start, length = start[order], length[order]
    longest = np.append(True, start[1:] != start[:-1])
    start, length = start[longest], length[longest]
    near = np.diff(start) <= 2 * LONGEST + BETWEEN + OTHERS
    kept = (length >= ALONE) | np.append(near, False) | np.append(False, near)
    return start[kept], length[kept]


def _short_squares(halves: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield starts and lengths of the parts of less than FOUR that follow upon themselves."""
    for length in range(1, FOUR):
        same = halves[:-length] == halves[length:]
        whole = same
        for _ in range(1, length):
            whole = whole[:-1] & same[len(same) - len(whole) + 1 :]
        (start,) = whole.nonzero()
        if len(start):
            yield start, np.full(len(start), length)


def _long_squares(halves: NDArray[np.uint16]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield starts and lengths of the parts of FOUR and more that follow upon themselves.

    Four characters are compared at once, by a hash of them, and one by one where that is the same: of characters near
    one another many are alike, of fours few. 41,000 characters take 0.2 ms, and 0.9 where they are compared by one.

    halves   uint16[n + 2 * LONGEST + FOUR]
    """
    n = len(halves) - 2 * LONGEST - FOUR
    fours = halves[: n + LONGEST].copy()
    for more, factor in enumerate(_FACTORS, 1):
        fours *= factor
        fours += halves[more : more + n + LONGEST]
    for begin in range(0, n, STRETCH):
        here = fours[begin : min(n, begin + STRETCH + LONGEST)]
        shape = LONGEST - FOUR + 1, len(here)
        same = np.ndarray(shape, np.uint16, fours, 2 * (begin + FOUR), 2 * fours.strides) == here
        (some,) = same.any(axis=0).nonzero()
        if not len(some):
            continue
        length, start = np.nonzero(same[:, some])
        length, start = length + FOUR, some[start] + begin
        alike = np.ones(len(start), np.bool_)
        for more in range(FOUR):
            alike &= halves[start + more] == halves[start + length + more]
        start, length = start[alike], length[alike]
        # Where fours are alike one behind another, all of a part follows upon itself.
        last = np.arange(len(start)) + length - FOUR
        whole = (start < begin + STRETCH) & (last < len(start))
        last = np.where(whole, last, 0)
        whole &= (start[last] - start == length - FOUR) & (length[last] == length)
        yield start[whole], length[whole]


def _chains(text: str, squares: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    chain: list[tuple[int, int]] = []
    end = 0
    for start, length in squares:
        if start < end:
            continue
        gap = text[end:start] if start - end <= BETWEEN + OTHERS else None
        near = gap is not None and "\n" not in gap and len(re.findall(f"[{HAN}]", gap)) <= BETWEEN
        if chain and not near:
            yield chain
            chain = []
        chain.append((start, length))
        end = start + 2 * length
    if chain:
        yield chain


def _is_overprint(text: str, chain: list[tuple[int, int]]) -> bool:
    parts = [text[start : start + length] for start, length in chain]
    # What goes on a third time is the column of a table, read row by row (董事董事董事监事监事), not a second print.
    for start, length in chain:
        more = 0
        while (
            more < length
            and text[start + length + more : start + length + more + 1]
            == text[start + 2 * length + more : start + 2 * length + more + 1]
            != ""
        ):
            more += 1
        if more >= max(1, length // 2) or _repeats(text[start : start + length]):
            return False
    longest = max(map(len, parts))
    if longest == 1:
        # Characters twice are words, too (冷冷清清，凄凄惨惨戚戚); but not five side by side.
        beside = 1
        for (start, _), (following, _) in pairwise(chain):
            beside = beside + 1 if following == start + 2 else 1
            if beside >= CHAIN:
                return True
        return False
    return (len(set(parts)) >= 2 and sum(map(len, parts)) >= CHAIN) or longest >= ALONE


def _repeats(part: str) -> bool:
    """Whether a part consists of a shorter one again and again."""
    return part in (part + part)[1:-1]
