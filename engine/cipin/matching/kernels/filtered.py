"""All occurrences of all patterns, for lexicons that begin in few ways: a byte filter, then the trie.

Most positions of a text begin no pattern, and a few bytes tell. A key is made of them for every position at once
(vectorised: 6 GB/s), a table says whether the key may begin a pattern (eight at a time: 1.6 GB/s), and only the few
positions left are walked from. With 76 terms 1 position in 250 is left. With thousands of terms the table lets too
much through, and `portable.find_all` is faster.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel, piece
from cipin.matching.kernels.rows import (
    BYTE,
    CHARS,
    COUNTED,
    N_TOUCHED,
    REPORT,
    RESTART,
    block_limit,
    close,
    finish,
    order,
    place_bytes,
    skip_known,
)
from cipin.utf8 import decode

#: Where each kind of key begins: ideographs and other long characters, ASCII, positions inside a character (which
#: never pass), and the block of full-width forms, whose punctuation is too frequent to share keys with its letters.
ASCII_KEYS, INNER_KEY, FULL_WIDTH_KEYS, N_KEYS = 0x8000, 0x9000, 0x9800, 0xA000
#: Bytes that a key is made of, from the position on.
KEY_BYTES = 6


@piece
def fill_keys(window, keys):
    """Make the key of each position from the bytes there.

    window  uint8[n + 5]
    keys    uint16[n]      out: ASCII_KEYS | byte 0 << 5 | low bits of byte 1, where byte 0 is ASCII;
                           FULL_WIDTH_KEYS | the code point's low bits, where it is U+F000-U+FFFF;
                           else a hash of bytes 0-2 (nine bits) and of bytes 4, 5 (six): two ideographs take part

    One input array, sixteen-bit sums and no branches: in this form LLVM vectorises it (3.6 against 0.7 GB/s).
    """
    for at in range(keys.size):
        first = np.uint16(window[at])
        second = np.uint16(window[at + 1])
        third = np.uint16(window[at + 2])
        is_long = (first >> np.uint16(7)) * np.uint16(0xFFFF)
        is_inner = np.uint16((window[at] & np.uint8(0xC0)) == np.uint8(0x80)) * np.uint16(0xFFFF)
        is_full = np.uint16(window[at] == np.uint8(0xEF)) * np.uint16(0xFFFF)
        key = np.uint16(ASCII_KEYS) | (first << np.uint16(5)) | (second & np.uint16(0x1F))
        wide = (
            ((second * np.uint16(9) + third * np.uint16(41) + first * np.uint16(11)) & np.uint16(0x1FF)) << np.uint16(6)
            | (np.uint16(window[at + 4]) * np.uint16(7) + np.uint16(window[at + 5])) & np.uint16(0x3F)
        )  # fmt: skip
        full = np.uint16(FULL_WIDTH_KEYS) | (second & np.uint16(1)) << np.uint16(6) | (third & np.uint16(63))
        key ^= (key ^ wide) & is_long
        key ^= (key ^ full) & is_full
        key ^= (key ^ np.uint16(INNER_KEY)) & is_inner
        keys[at] = key


@piece
def list_candidates(keys, key_passes, candidates):
    """List the positions whose key passes: int32, ascending; `candidates` has room for all. Returns how many."""
    n = np.uintp(0)
    whole = keys.size >> 3
    for group in range(whole):
        a = np.uintp(group) * np.uintp(8)
        # Most groups hold no candidate: one well-predicted branch for eight positions.
        if (
            key_passes[keys[a]] | key_passes[keys[a + np.uintp(1)]]
            | key_passes[keys[a + np.uintp(2)]] | key_passes[keys[a + np.uintp(3)]]
            | key_passes[keys[a + np.uintp(4)]] | key_passes[keys[a + np.uintp(5)]]
            | key_passes[keys[a + np.uintp(6)]] | key_passes[keys[a + np.uintp(7)]]
        ):  # fmt: skip
            for each in range(8):
                candidates[n] = a + np.uintp(each)
                n += np.uintp(key_passes[keys[a + np.uintp(each)]])
    for at in range(whole * 8, keys.size):
        candidates[n] = at
        n += np.uintp(key_passes[keys[at]])
    return np.int64(n)


@piece
def count_heads(bytes_):
    """Count the code points that begin in `bytes_`: uint8[n], n < 2**31.

    Vectorised; with sums of 32 bits 12 GB/s, of 64 bits 8.
    """
    heads = np.int32(0)
    for at in range(bytes_.size):
        heads = np.int32(heads + np.int32((bytes_[at] & np.uint8(0xC0)) != np.uint8(0x80)))
    return np.int64(heads)


@piece
def walk(data, at, end, trie, origin, byte, found, n_found):
    """Note the patterns that begin at byte `at` and end by `end`, shorter first; return how many are noted so far."""
    base = np.int64(-1)
    while at < end:
        point, at = decode(data, at)
        klass = np.int64(trie.class_of[point])
        if base < 0:
            pattern = np.int64(trie.first_pattern[klass])
            base = np.int64(trie.first_base[klass])
        else:
            slot = base + klass
            if np.int64(trie.label[slot]) != klass:
                break
            here = trie.entry[slot]
            pattern = np.int64(here & np.uint64(0xFFFFFFFF))
            base = np.int64(here >> np.uint64(32))
        if pattern != 0:
            found.at[n_found] = origin
            found.pattern[n_found] = pattern
            found.end[n_found] = at - byte
            n_found += 1
        if base == 0:
            break
    return n_found


@piece
def count_starts(data, offsets, rows, n, n_rows, state):
    """Fill in start of rows[n:]: code points are counted only up to hits."""
    counted, chars = state[COUNTED], state[CHARS]
    for row in range(n, n + n_rows):
        begin = rows.byte[row]
        report_begin = offsets[rows.report[row]]
        if report_begin > counted:
            counted = report_begin
            chars = 0
        chars += count_heads(data[counted:begin])
        counted = begin
        rows.start[row] = chars
    state[COUNTED], state[CHARS] = counted, chars


@kernel
def search(data, offsets, key_passes, trie, detail, limit, state, scratch, found, rows, tally, has_any, out):
    """Do a job for every report, until the text or the room in `out` ends.

    key_passes  uint8[N_KEYS]  1 where a pattern may begin with such a key
    limit       bytes of text filtered at once
    scratch     (keys uint16[limit], candidates int32[limit + 8], tally int32[limit + 8], row_found: as long as `found`)

    The rest, and the rows, are those of portable.search. `found` has room for twice max_length.
    """
    keys, candidates, tallies, row_found = scratch
    n_reports = offsets.size - 1
    last = offsets[n_reports]
    n_out = np.int64(0)
    while state[BYTE] < last:
        byte = state[BYTE]
        n_here = min(block_limit(has_any, limit, state), last - byte)
        # The last positions of the buffer lack bytes for a key: all are candidates, and nothing is read beyond.
        n_keys = max(min(n_here, data.size - (KEY_BYTES - 1) - byte), 0)
        n_candidates = np.int64(0)
        if n_keys > 0:
            fill_keys(data[byte : byte + n_keys + KEY_BYTES - 1], keys[:n_keys])
            n_candidates = list_candidates(keys[:n_keys], key_passes, candidates)
        for at in range(n_keys, n_here):
            candidates[n_candidates] = at
            n_candidates += 1
        n_found = np.int64(0)
        for each in range(n_candidates):
            if n_found + trie.max_length > found.at.size:
                n_here = candidates[each]
                break
            begin = byte + candidates[each]
            if (data[begin] & 0xC0) != 0x80:
                n_found = walk(data, begin, last, trie, each, byte, found, n_found)
        if n_out + n_found + state[N_TOUCHED] > out.report.size:
            return n_out
        order(found, n_found, n_candidates, tallies, row_found)
        target = out if rows is None else rows
        n = n_out if rows is None else np.int64(0)
        n_rows = place_bytes(found, n_found, row_found, candidates, offsets, byte, state, target, n)
        if detail:
            count_starts(data, offsets, target, n, n_rows, state)
        n_out = finish(rows, n_rows, tally, has_any, state, out, n_out)
        state[BYTE] = byte + n_here
        skip_known(data, trie, has_any, rows, n_rows, 0, RESTART // 8, limit, offsets, state)
    state[REPORT] = n_reports
    return close(n_reports, tally, state, out, n_out)
