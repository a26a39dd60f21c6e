"""Lexicon → arrays: the pattern trie as a double array over character classes, with folding in the class map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cipin.errors import LexiconError
from cipin.lexicon.fold import fold_array
from cipin.lexicon.model import Lexicon
from cipin.matching.kernels.build import place_nodes
from cipin.matching.kernels.filtered import ASCII_KEYS, FULL_WIDTH_KEYS, KEY_BYTES, N_KEYS

#: Keys, of 36,864, up to which the byte filter pays: with 908 it was 1.3x as fast as portable.find_all, with 1,248
#: 1.25x, with 1,508 0.8x.
MAX_KEYS = 1300


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """What the block kernel walks.

    class_of       uint16[0x110000]       class of each code point; spellings that fold to one share a class
    first_base     uint32[n_classes + 1]  base of the trie's node for each first character; 0: none
    first_pattern  int32[n_classes + 1]   pattern id + 1 of a one-character pattern; 0: none
    label          uint16[n_slots]        class of the character that leads to a slot; 0xFFFF: free
    entry          uint64[n_slots]        base << 32 | pattern id + 1
    key_passes     uint8[N_KEYS]          1 where a pattern may begin with such a key: see kernels.filtered
    max_length     longest pattern in code points
    """

    class_of: NDArray[np.uint16]
    first_base: NDArray[np.uint32]
    first_pattern: NDArray[np.int32]
    label: NDArray[np.uint16]
    entry: NDArray[np.uint64]
    key_passes: NDArray[np.uint8]
    max_length: int

    @property
    def has_single(self) -> bool:
        """Whether any pattern is one character long."""
        return bool(self.first_pattern.any())

    @property
    def is_selective(self) -> bool:
        """Whether the byte filter leaves few positions to walk from."""
        return int(self.key_passes.sum()) <= MAX_KEYS

    @property
    def n_bytes(self) -> int:
        """Size of the trie's arrays, the class map aside."""
        return self.first_base.nbytes + self.first_pattern.nbytes + self.label.nbytes + self.entry.nbytes


@lru_cache(maxsize=8)
def automaton_of(lexicon: Lexicon) -> Automaton:
    """Return the automaton of all terms, variants and guards of `lexicon`, built once a process."""
    return build_automaton(lexicon.patterns.strings, fold=lexicon.fold)


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
    while True:
        base = np.zeros(n_nodes, np.uint32)
        label = np.full(n_slots, 0xFFFF, np.uint16)
        used = place_nodes(order, child_start, child_class, n_classes, base, label)
        if used >= 0:
            break
        n_slots *= 2
    # A step reads label[base + class] for any class, so the array goes on for one class map behind the last base.
    label = np.concatenate([label[:used], np.full(n_classes + 1, 0xFFFF, np.uint16)])
    entry = np.zeros(label.size, np.uint64)
    deep = np.flatnonzero(parent > 0)
    slots = base[parent[deep]].astype(np.int64) + klass[deep]
    entry[slots] = (base[deep].astype(np.uint64) << np.uint64(32)) | (pattern[deep] + 1).astype(np.uint64)
    first_base = np.zeros(n_classes + 1, np.uint32)
    first_pattern = np.zeros(n_classes + 1, np.int32)
    top = np.flatnonzero(parent == 0)
    first_base[klass[top]] = base[top]
    first_pattern[klass[top]] = pattern[top] + 1
    key_passes = _key_filter(class_of, codes, lengths)
    return Automaton(class_of, first_base, first_pattern, label, entry, key_passes, int(lengths.max(initial=1)))


def _key_filter(
    class_of: NDArray[np.uint16], codes: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Mark the keys (see kernels.filtered.fill_keys) that some spelling of some pattern begins with.

    Where they are more than MAX_KEYS, so that they will not be asked for, every key is marked: all of those of 349,000
    words took 33 s.
    """
    points = np.flatnonzero(class_of)
    members: dict[int, list[bytes]] = {}
    for klass, point in zip(class_of[points].tolist(), points.tolist(), strict=True):
        if not 0xD800 <= point < 0xE000:
            members.setdefault(klass, []).append(chr(point).encode())
    starts = np.cumsum(lengths) - lengths
    heads = np.zeros(len(lengths), np.int64)  # the first three classes in one number
    for at in range(3):
        here = np.minimum(starts + at, max(codes.size - 1, 0))
        heads = heads << 16 | np.where(lengths > at, codes[here] if codes.size else 0, 0)
    heads = np.unique(heads)
    passes = np.zeros(N_KEYS, np.uint8)
    done: set[bytes] = set()
    every = np.arange(256)
    # In no order, so that too many are soon known to be too many.
    heads = heads[np.random.default_rng(0).permutation(len(heads))]
    for number in range(len(heads)):
        if number % 64 == 0 and int(passes.sum()) > MAX_KEYS:
            return np.ones(N_KEYS, np.uint8)
        head = int(heads[number])
        spelled = {b""}
        for klass in (head >> 32, head >> 16 & 0xFFFF, head & 0xFFFF):
            if klass:
                spelled = {
                    each + member for each in spelled for member in (members[klass] if len(each) < KEY_BYTES else [b""])
                }
        for prefix in {each[:KEY_BYTES] for each in spelled} - done:
            done.add(prefix)
            _mark(passes, prefix, every)
    return passes


def _mark(passes: NDArray[np.uint8], prefix: bytes, every: NDArray[np.int64]) -> None:
    """Mark the keys of all texts that begin with `prefix`, of up to KEY_BYTES bytes."""
    # A byte that the pattern leaves open is every byte.
    known = [every[byte : byte + 1] for byte in prefix] + [every] * (KEY_BYTES - len(prefix))
    if prefix[0] < 0x80:
        passes[ASCII_KEYS | prefix[0] << 5 | (known[1] & 0x1F)] = 1
    elif prefix[0] == 0xEF:
        passes[FULL_WIDTH_KEYS | (prefix[1] & 1) << 6 | prefix[2] & 63] = 1
    else:
        high = (known[1][:, None] * 9 + known[2] * 41 + prefix[0] * 11).ravel() & 0x1FF
        low = (known[4][:, None] * 7 + known[5]).ravel() & 0x3F
        passes[np.unique(high)[:, None] << 6 | np.unique(low)] = 1


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
