"""Clauses as forms and sets of grams, and the search for sets that are alike: loops, compiled at first use and cached.

A form is what is left of a clause when its spelling is folded, its numbers are masked and its marks are dropped: code
points `points[offsets[i]:offsets[i + 1]]`. A set is a sorted run of distinct int64 in the same layout.

Numbers stay below 2**63 without wrapping (hashes are modulo 2**31 - 1), so that the loops give the same uncompiled.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.utf8 import decode

#: The prime modulo which hashes are: (2**31 - 2)**2 + 2**31 is less than 2**62.
PRIME = (1 << 31) - 1
#: What masks a number: the digit 0.
MASK = 0x30


@kernel
def make_forms(data, offsets, table, collapse, points, ends, hashes):
    """Write the form of each clause, and a hash of 124 bits.

    data, offsets   uint8[n_bytes], valid UTF-8; int64[n + 1]
    table           uint32[0x110000]    what becomes of each code point; 0: it is dropped
    collapse        whether MASK behind MASK is dropped: a number is one 0, however long
    points, ends    uint32[n_bytes], int64[n + 1]: written, `ends[0]` is 0; return how many points there are
    hashes          int64[n, 2]: written, two hashes of 31 bits in each
    """
    n = 0
    ends[0] = 0
    for i in range(offsets.size - 1):
        at = offsets[i]
        h0, h1, h2, h3 = 1, 1, 1, 1
        before = 0
        while at < offsets[i + 1]:
            point, at = decode(data, at)
            point = np.int64(table[point])
            if point == 0 or (collapse and point == MASK and before == MASK):
                continue
            before = point
            points[n] = point
            n += 1
            h0 = (h0 * 1_103_515_245 + point) % PRIME
            h1 = (h1 * 1_664_525_631 + point) % PRIME
            h2 = (h2 * 214_013_777 + point) % PRIME
            h3 = (h3 * 1_597_334_677 + point) % PRIME
        ends[i + 1] = n
        hashes[i, 0] = (h0 << 31) | h1
        hashes[i, 1] = (h2 << 31) | h3
    return n


@kernel
def make_grams(points, offsets, chosen, grams, ends):
    """Write the set of three-character grams of each chosen form; return how many there are in all.

    points, offsets   the forms
    chosen            int64[n]   forms of at least three points
    grams, ends       int64[enough for all], int64[n + 1]: written. A gram is its three code points, 21 bits each
    """
    n = 0
    ends[0] = 0
    for i in range(chosen.size):
        first, last = offsets[chosen[i]], offsets[chosen[i] + 1]
        length = last - first - 2
        for k in range(length):
            at = first + k
            grams[n + k] = (np.int64(points[at]) << 42) | (np.int64(points[at + 1]) << 21) | np.int64(points[at + 2])
        grams[n : n + length] = np.sort(grams[n : n + length])
        kept = n
        for k in range(n, n + length):
            if k == n or grams[k] != grams[k - 1]:
                grams[kept] = grams[k]
                kept += 1
        n = kept
        ends[i + 1] = n
    return n


@kernel
def make_keys(sets, offsets, owner, factors, shifts, keys):
    """Write a key of each set and band; sets with a key in common are candidates.

    sets, offsets     sets of grams, none empty
    owner             int64[n]   number below PRIME of whose the set is: keys of two owners differ
    factors, shifts   int64[bands, rows]   of the permutations h -> factor * h + shift, modulo PRIME
    keys              int64[bands, n]: written
    """
    bands, rows = factors.shape
    flat_factors, flat_shifts = factors.ravel(), shifts.ravel()
    least = np.empty(bands * rows, np.int64)
    for i in range(offsets.size - 1):
        least[:] = PRIME
        for k in range(offsets[i], offsets[i + 1]):
            gram = sets[k]
            h = (gram >> 42) * 1_103_515_245 % PRIME
            h = (h + ((gram >> 21) & 0x1FFFFF)) * 214_013_777 % PRIME
            h = (h + (gram & 0x1FFFFF)) * 1_597_334_677 % PRIME
            for p in range(bands * rows):
                # Twice folded at bit 31 is modulo PRIME, but that PRIME may stand for 0.
                v = flat_factors[p] * h + flat_shifts[p]
                v = (v & PRIME) + (v >> 31)
                v = (v & PRIME) + (v >> 31)
                least[p] = min(least[p], v)
        for band in range(bands):
            a, b = owner[i], owner[i] + 1
            for row in range(rows):
                a = (a * 1_664_525_631 + least[band * rows + row]) % PRIME
                b = (b * 1_103_515_245 + least[band * rows + row]) % PRIME
            keys[band, i] = (a << 31) | b


@piece
def _common(sets, a, a_end, b, b_end, enough):
    """Return how many members two sets have in common; less than `enough` once it can't be reached."""
    n = 0
    while a < a_end and b < b_end:
        if n + min(a_end - a, b_end - b) < enough:
            break
        if sets[a] == sets[b]:
            n += 1
            a += 1
            b += 1
        elif sets[a] < sets[b]:
            a += 1
        else:
            b += 1
    return n


@kernel
def find_alike(keys, order, owner, sets, offsets, threshold, looks, best, similarity):
    """Find for each set the first set before it that is like it, among those that have the key of one band in common.

    keys         int64[n]   of that band; order: int64[n], sets by key, then by number
    owner        int64[n]   only sets of one owner are compared
    threshold    least Jaccard index of sets that are alike
    looks        how many sets of a key are looked at from the first on, and how many right before the set itself
    best         int64[n]   the first like it that is known, n: none; may come down
    similarity   float64[n] the Jaccard index of that pair
    """
    n = order.size
    start = 0
    for j in range(n):
        this = order[j]
        if keys[this] != keys[order[start]]:
            start = j
        size = offsets[this + 1] - offsets[this]
        i = start
        while i < j:
            if i == start + looks:
                # A key that very many share: forms of the first years were looked at, now those of the last ones.
                i = max(i, j - looks)
            that = order[i]
            i += 1
            if that >= best[this]:
                break
            other = offsets[that + 1] - offsets[that]
            if owner[that] != owner[this] or min(size, other) < threshold * max(size, other):
                continue
            # |A & B| / |A | B| >= t  <=>  |A & B| >= t / (1 + t) * (|A| + |B|); the quotient below decides.
            enough = np.int64(threshold / (1 + threshold) * (size + other))
            common = _common(sets, offsets[this], offsets[this + 1], offsets[that], offsets[that + 1], enough)
            jaccard = common / (size + other - common)
            if jaccard >= threshold:
                best[this] = that
                similarity[this] = jaccard
                break


@kernel
def count_common(sets, offsets, left, right, common):
    """Count what pairs of sets have in common.

    left, right   int64[n]   sets; common: int64[n], written
    """
    for i in range(left.size):
        a, b = left[i], right[i]
        common[i] = _common(sets, offsets[a], offsets[a + 1], offsets[b], offsets[b + 1], 0)
