"""Lexicon → arrays: the pattern trie as a double array over character classes, with folding in the class map."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cipin.errors import LexiconError
from cipin.kernel import fitting
from cipin.lexicon.fold import fold_array
from cipin.matching.filters import (
    MAX_ASTRAL,
    MAX_KEYS,
    byte_tables,
    key_table,
    pair_buckets,
    spelled_prefixes,
)
from cipin.matching.kernels.build import place_nodes
from cipin.matching.kernels.rows import Trie

#: Nodes up to which placing them is not compiled, which takes 0.6 s: 5,000 words took 0.07 s in Python.
SMALL_TRIE = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """What the block kernel walks.

    class_of       uint16[0x110001]       class of each code point; spellings that fold to one share a class
    first_base     uint32[n_classes + 1]  base of the trie's node for each first character; 0: none
    first_pattern  int32[n_classes + 1]   pattern id + 1 of a one-character pattern; 0: none
    label          uint16[n_slots]        class of the character that leads to a slot; 0xFFFF: free
    entry          uint64[n_slots]        base << 32 | pattern id + 1
    length         int32[n_patterns]      code points of each pattern
    key_passes     uint8[N_KEYS]          1 where a pattern may begin with such a key: see kernels.filtered
    tables         uint8[6 * 64]          buckets of the byte filter: see kernels.vector.filter_64
    share          of all positions that the byte filter would pass, were all bytes alike in frequency; 1: no filter
    code_map       uint32[65536]          class and buckets of each code: see kernels.vector_levels
    astral         int32[n]               code points beyond U+FFFF with a class, ascending
    max_length     longest pattern in code points

    The last element of class_of and label is read along with the one before it, and means nothing. Arrays can't be
    written: kernels are compiled for each type they meet, and those of a mapped file can't be either.
    """

    class_of: NDArray[np.uint16]
    first_base: NDArray[np.uint32]
    first_pattern: NDArray[np.int32]
    label: NDArray[np.uint16]
    entry: NDArray[np.uint64]
    length: NDArray[np.int32]
    key_passes: NDArray[np.uint8]
    tables: NDArray[np.uint8]
    share: float
    code_map: NDArray[np.uint32]
    astral: NDArray[np.int32]
    max_length: int

    def __post_init__(self) -> None:
        for each in fields(self):
            if isinstance(array := getattr(self, each.name), np.ndarray):
                array.setflags(write=False)

    @property
    def has_single(self) -> bool:
        """Whether any pattern is one character long."""
        return bool(self.first_pattern.any())

    @property
    def is_selective(self) -> bool:
        """Whether the portable byte filter leaves few positions to walk from."""
        return int(self.key_passes.sum()) <= MAX_KEYS

    @property
    def trie(self) -> Trie:
        """The arrays as kernels take them."""
        return Trie(
            self.class_of, self.first_base, self.first_pattern, self.label, self.entry, self.length, self.max_length,
            self.has_single,
        )  # fmt: skip

    @property
    def n_bytes(self) -> int:
        """Size of the trie's arrays, the class map aside."""
        return self.first_base.nbytes + self.first_pattern.nbytes + self.label.nbytes + self.entry.nbytes


def build_automaton(strings: tuple[str, ...], *, fold: bool) -> Automaton:
    """Build the automaton of distinct, non-empty `strings` (already folded, if `fold`).

    Raises LexiconError if they have more distinct characters than the classes can number.

    >>> build_automaton(("云计算", "云"), fold=True).max_length
    3
    """
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    points = np.frombuffer("".join(strings).encode("utf-32-le"), np.uint32)
    distinct, frequency = np.unique(points, return_counts=True)
    n_classes = distinct.size
    if n_classes >= 0xFFFF:
        raise LexiconError(f"lexicon: {n_classes} distinct characters; at most {0xFFFF - 1} can be told apart")
    # Frequent characters get low classes: their children crowd together, and the hot part of `label` is small.
    by_frequency = distinct[np.argsort(-frequency, kind="stable")]
    class_of = np.zeros(0x110000, np.uint16)
    class_of[by_frequency] = np.arange(1, n_classes + 1, dtype=np.uint16)
    codes = class_of[points].astype(np.int64)
    if fold:
        class_of = class_of[fold_array()]

    parent, klass, pattern = _trie(codes, lengths)
    n_nodes = parent.size
    child_count = np.bincount(parent[1:], minlength=n_nodes)
    child_start = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(child_count, out=child_start[1:])
    # Nodes are numbered by depth, then parent, then class: the children of a node stand together, in order.
    child_class = klass[1:].astype(np.uint16)
    inner = np.flatnonzero(child_count)
    inner = inner[inner != 0]
    order = inner[np.argsort(-child_count[inner], kind="stable")].astype(np.int32)

    n_slots = 2 * n_nodes + 16 * n_classes + 1024
    place = fitting(place_nodes, child_class.size, SMALL_TRIE)
    while True:
        base = np.zeros(n_nodes, np.uint32)
        label = np.full(n_slots, 0xFFFF, np.uint16)
        used = place(order, child_start, child_class, n_classes, base, label)
        if used >= 0:
            break
        n_slots *= 2
    # A step reads label[base + class] for any class, so the array goes on for one class map behind the last base.
    label = np.concatenate([label[:used], np.full(n_classes + 2, 0xFFFF, np.uint16)])
    entry = np.zeros(label.size, np.uint64)
    deep = np.flatnonzero(parent > 0)
    slots = base[parent[deep]].astype(np.int64) + klass[deep]
    entry[slots] = (base[deep].astype(np.uint64) << np.uint64(32)) | (pattern[deep] + 1).astype(np.uint64)
    first_base = np.zeros(n_classes + 1, np.uint32)
    first_pattern = np.zeros(n_classes + 1, np.int32)
    top = np.flatnonzero(parent == 0)
    first_base[klass[top]] = base[top]
    first_pattern[klass[top]] = pattern[top] + 1
    prefixes = spelled_prefixes(class_of, codes, lengths)
    tables, share = byte_tables(prefixes)
    buckets = pair_buckets(codes, lengths, n_classes)
    astral = np.flatnonzero(class_of[0x10000:]).astype(np.int32) + np.int32(0x10000)
    return Automaton(
        np.append(class_of, np.uint16(0)), first_base, first_pattern, label, entry, lengths.astype(np.int32),
        key_table(prefixes), tables, share, _code_map(class_of, buckets, astral), astral, int(lengths.max(initial=1)),
    )  # fmt: skip


def _code_map(
    class_of: NDArray[np.uint16], buckets: NDArray[np.uint16], astral: NDArray[np.int32]
) -> NDArray[np.uint32]:
    """Return class | buckets << 16 of each sixteen-bit code: see kernels.vector_levels."""
    classes = class_of[:0x10000].astype(np.uint32)
    classes[0xD800:0xE000] = 0
    some = astral[:MAX_ASTRAL]
    classes[0xD801 : 0xD801 + some.size] = class_of[some]
    mapped: NDArray[np.uint32] = classes | buckets[classes].astype(np.uint32) << np.uint32(16)
    return mapped


def _trie(
    codes: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Number the trie's nodes level by level: parent, class and pattern (-1: none) of each; node 0 is the root.

    One `unique` a level, over (parent, class): 337k patterns take 0.3 s, and nothing has to be compiled.
    """
    starts = np.zeros(lengths.size, np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    parents, classes, patterns = [np.array([-1])], [np.array([0])], [np.array([-1])]
    alive = np.arange(lengths.size)
    node = np.zeros(lengths.size, np.int64)
    n_nodes = 1
    for depth in range(int(lengths.max(initial=0))):
        key = node[alive] << 16 | codes[starts[alive] + depth]
        distinct, number = np.unique(key, return_inverse=True)
        node[alive] = n_nodes + number
        pattern = np.full(distinct.size, -1)
        ending = alive[lengths[alive] == depth + 1]
        pattern[node[ending] - n_nodes] = ending
        parents.append(distinct >> 16)
        classes.append(distinct & 0xFFFF)
        patterns.append(pattern)
        n_nodes += distinct.size
        alive = alive[lengths[alive] > depth + 1]
    return np.concatenate(parents), np.concatenate(classes), np.concatenate(patterns)
