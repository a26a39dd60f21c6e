"""Tables that say by a few bytes or characters where no pattern can begin: cheap to ask, and wrong only one way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cipin.matching.kernels.filtered import ASCII_KEYS, FULL_WIDTH_KEYS, KEY_BYTES, N_KEYS
from cipin.matching.kernels.vector_levels import MAX_ASTRAL

__all__ = ["MAX_ASTRAL", "MAX_KEYS", "byte_tables", "key_table", "pair_buckets", "spelled_prefixes"]

#: Keys, of 36,864, up to which the portable byte filter pays: with 908 it was 1.3x as fast as portable.search, with
#: 1,248 1.25x, with 1,508 0.8x.
MAX_KEYS = 1300
#: Spelled beginnings beyond which no byte filter is made: all of those of 349,000 words took 33 s.
MAX_PREFIXES = 2000
N_BUCKETS = 8
#: First characters up to which buckets are balanced; with more of them nearly every pair passes anyway.
MAX_BALANCED = 3000


def spelled_prefixes(
    class_of: NDArray[np.uint16], codes: NDArray[np.int64], lengths: NDArray[np.int64]
) -> list[bytes] | None:
    """Return all that the spellings of patterns begin with, up to KEY_BYTES bytes each; None if they are too many."""
    points = np.flatnonzero(class_of)
    members: dict[int, list[bytes]] = {}
    for klass, point in zip(class_of[points].tolist(), points.tolist(), strict=True):
        if not 0xD800 <= point < 0xE000:
            members.setdefault(klass, []).append(chr(point).encode())
    starts = np.cumsum(lengths) - lengths
    heads = np.zeros(len(lengths), np.int64)  # classes of as many first characters as a prefix can hold bytes
    prefixes: set[bytes] = set()
    for at in range(3):
        here = np.minimum(starts + at, max(codes.size - 1, 0))
        heads = heads << 16 | np.where(lengths > at, codes[here] if codes.size else 0, 0)
    for head in _distinct(heads).tolist():
        spelled = {b""}
        for klass in (head >> 32, head >> 16 & 0xFFFF, head & 0xFFFF):
            if klass:
                spelled = {
                    each + member for each in spelled for member in (members[klass] if len(each) < KEY_BYTES else [b""])
                }
        prefixes |= {each[:KEY_BYTES] for each in spelled}
        if len(prefixes) > MAX_PREFIXES:
            return None
    return sorted(prefixes)


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """`np.unique`, which hashes: 350,000 take 0.2 s there and 0.02 s here."""
    values = np.sort(values)
    distinct: NDArray[np.int64] = values[np.append(True, values[1:] != values[:-1])[: values.size]]
    return distinct


def key_table(prefixes: list[bytes] | None) -> NDArray[np.uint8]:
    """Return uint8[N_KEYS], 1 where a pattern may begin with such a key: see kernels.filtered.fill_keys."""
    if prefixes is None:
        return np.ones(N_KEYS, np.uint8)
    passes = np.zeros(N_KEYS, np.uint8)
    every = np.arange(256)
    for number, prefix in enumerate(prefixes):
        _mark(passes, prefix, every)
        if number % 64 == 63 and int(passes.sum()) > MAX_KEYS:
            return np.ones(N_KEYS, np.uint8)
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


def byte_tables(prefixes: list[bytes] | None) -> tuple[NDArray[np.uint8], float]:
    """Share prefixes between eight buckets: tables for kernels.vector.filter_64, and the share of positions they pass.

    A bucket knows for each of six places which bytes (by their low six bits) its prefixes have there, and passes
    whatever is made of such bytes. Each prefix begins as a bucket of its own, and the two whose union passes least more
    are merged, until eight are left.
    """
    if prefixes is None:
        return np.full(KEY_BYTES * 64, 0xFF, np.uint8), 1.0
    sets = np.full((len(prefixes), KEY_BYTES), 0xFFFF_FFFF_FFFF_FFFF, np.uint64)
    for number, prefix in enumerate(prefixes):
        for place, byte in enumerate(prefix):
            sets[number, place] = 1 << (byte & 63)
    sets = _merge_buckets(np.unique(sets, axis=0))
    tables = np.zeros((KEY_BYTES, 64), np.uint8)
    for bucket, places in enumerate(sets):
        bits = np.unpackbits(places.view(np.uint8), bitorder="little").reshape(KEY_BYTES, 64)
        tables |= bits << np.uint8(bucket)
    return tables.ravel(), min(_passing_text(sets), 1.0)


def _models() -> list[tuple[float, NDArray[np.float64]]]:
    """How texts in ideographs, kana and small Latin letters look to the filter: for each the share of positions where a
    character begins, and how often each low six bits stand at each of the six places: float64[KEY_BYTES, 64].
    """
    even = np.full(64, 1 / 64)
    lead, kana, kana_second, letters = (np.zeros(64) for _ in range(4))
    lead[0x24:0x2A] = 0.28, 0.24, 0.20, 0.10, 0.11, 0.07  # E4-E9, in reports
    kana[0x23] = 1
    kana_second[1:4] = 1 / 3
    letters[0x21:0x3B] = 1 / 26
    return [
        (1 / 3, np.array([lead, even, even, lead, even, even])),
        (1 / 3, np.array([kana, kana_second, even, kana, kana_second, even])),
        (1.0, np.array([letters] * 6)),
    ]


def _passing_text(sets: NDArray[np.uint64]) -> float:
    """Return the share of positions that the buckets pass, of the modelled text that suits them least."""
    has = (sets[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(np.float64)
    return max(begin * float((has * model).sum(axis=2).prod(axis=1).sum()) for begin, model in _models())


def _passing(sets: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the share that each bucket passes of all that six bytes may be."""
    shares: NDArray[np.float64] = (np.bitwise_count(sets) / 64.0).prod(axis=-1)
    return shares


def _merge_buckets(sets: NDArray[np.uint64]) -> NDArray[np.uint64]:
    sets = sets.copy()
    n = len(sets)
    own = _passing(sets)
    alive = np.ones(n, np.bool_)
    cost = np.full((n, n), np.inf)
    for each in range(n):
        cost[each] = _passing(sets | sets[each]) - own - own[each]
        cost[each, each] = np.inf
    nearest = cost.argmin(axis=1) if n else np.zeros(0, np.int64)
    for _ in range(n - N_BUCKETS):
        one = int(np.where(alive, cost[np.arange(n), nearest], np.inf).argmin())
        other = int(nearest[one])
        sets[one] |= sets[other]
        alive[other] = False
        own[one] = _passing(sets[one])
        cost[other] = cost[:, other] = np.inf
        fresh = np.where(alive, _passing(sets | sets[one]) - own - own[one], np.inf)
        fresh[one] = np.inf
        cost[one] = cost[:, one] = fresh
        stale = np.flatnonzero(alive & ((nearest == other) | (nearest == one)))
        nearest[stale] = cost[stale].argmin(axis=1)
        nearest[one] = cost[one].argmin()
        closer = alive & (fresh < cost[np.arange(n), nearest])
        nearest[closer] = one
    return sets[alive]


def pair_buckets(codes: NDArray[np.int64], lengths: NDArray[np.int64], n_classes: int) -> NDArray[np.uint16]:
    """Share first characters between buckets: uint16[n_classes + 1], of each class the bucket that it is in as a first
    character, and << 8 the buckets that have it second (see kernels.vector.sieve_32).

    Where there are patterns of one character, the last bucket is theirs, and every class stands second in it.
    """
    starts = np.cumsum(lengths) - lengths
    long = lengths > 1
    pairs = _distinct(codes[starts[long]] << 16 | codes[starts[long] + 1])
    first, second = pairs >> 16, pairs & 0xFFFF
    single = np.unique(codes[starts[lengths == 1]])
    n_buckets = N_BUCKETS - (single.size > 0)
    firsts, begin, size = np.unique(first, return_index=True, return_counts=True)
    buckets = np.zeros(n_classes + 1, np.uint16)
    if firsts.size > MAX_BALANCED:
        bucket_of = np.arange(firsts.size) % n_buckets
    else:
        # Most second characters first, each into the bucket that stays smallest.
        bucket_of = np.zeros(firsts.size, np.int64)
        has = np.zeros((n_buckets, n_classes + 1), np.bool_)
        sizes = np.zeros(n_buckets, np.int64)
        for each in np.argsort(-size, kind="stable").tolist():
            seconds = second[begin[each] : begin[each] + size[each]]
            grown = sizes + (~has[:, seconds]).sum(axis=1)
            bucket = int(grown.argmin())
            sizes[bucket] = grown[bucket]
            has[bucket, seconds] = True
            bucket_of[each] = bucket
    of_first = np.zeros(n_classes + 1, np.uint16)
    of_first[firsts] = 1 << bucket_of
    np.bitwise_or.at(buckets, second, of_first[first] << np.uint16(8))
    buckets |= of_first
    if single.size:
        buckets |= np.uint16(1 << (n_buckets + 8))
        buckets[single] |= np.uint16(1 << n_buckets)
    return buckets
