"""All occurrences of all patterns, for lexicons that begin in few ways: a byte filter, then the trie.

Most positions of a text begin no pattern, and a few bytes tell. A key is made of them for every position at once
(vectorised: 6 GB/s), a table says whether the key may begin a pattern (eight at a time: 1.6 GB/s), and only the few
positions left are walked from. With 76 terms 1 position in 250 is left. With thousands of terms the table lets too
much through, and `portable.find_all` is faster.
"""

from __future__ import annotations

import numpy as np

from cipin.kernel import kernel
from cipin.utf8 import decode

#: Where each kind of key begins: ideographs and other long characters, ASCII, positions inside a character (which
#: never pass), and the block of full-width forms, whose punctuation is too frequent to share keys with its letters.
ASCII_KEYS, INNER_KEY, FULL_WIDTH_KEYS, N_KEYS = 0x8000, 0x9000, 0x9800, 0xA000
#: Bytes that a key is made of, from the position on.
KEY_BYTES = 6


@kernel
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


@kernel
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


@kernel
def count_heads(bytes_):
    """Count the code points that begin in `bytes_`: uint8[n], n < 2**31.

    Vectorised; with sums of 32 bits 12 GB/s, of 64 bits 8.
    """
    heads = np.int32(0)
    for at in range(bytes_.size):
        heads = np.int32(heads + np.int32((bytes_[at] & np.uint8(0xC0)) != np.uint8(0x80)))
    return np.int64(heads)


@kernel
def walk(data, begin, end, class_of, first_base, first_pattern, label, entry, out_pattern, n_out):
    """Write the patterns that begin at byte `begin` and end by byte `end`, shorter first; return the rows so far."""
    at = begin
    base = np.int64(-1)
    while at < end:
        point, at = decode(data, at)
        klass = np.int64(class_of[point])
        if base < 0:
            pattern = np.int64(first_pattern[klass])
            base = np.int64(first_base[klass])
        else:
            slot = base + klass
            if np.int64(label[slot]) != klass:
                break
            here = entry[slot]
            pattern = np.int64(here & np.uint64(0xFFFFFFFF))
            base = np.int64(here >> np.uint64(32))
        if pattern != 0:
            out_pattern[n_out] = pattern - 1
            n_out += 1
        if base == 0:
            break
    return n_out


@kernel
def find_filtered(
    data, offsets, key_passes, class_of, first_base, first_pattern, label, entry, max_length, limit, state, keys,
    candidates, out_report, out_start, out_byte, out_pattern,
):  # fmt: skip
    """Find every occurrence of every pattern, until the text or the room for rows ends.

    data        uint8[n_bytes]          valid UTF-8
    offsets     int64[n_reports + 1]    report r is data[offsets[r]:offsets[r + 1]]
    key_passes  uint8[N_KEYS]           1 where a pattern may begin with such a key
    limit       bytes of text filtered at once; keys uint16[limit] and candidates int32[limit + 8] are scratch
    state       int64[4]   report, byte to go on from, byte up to which characters are counted, and that count;
                           finished when the second reaches offsets[-1]
    The automaton's arrays are those of cipin.matching.automaton; the rows are those of portable.find_all, and in
    the same order. n_rows >= max_length. Returns the number of rows written.
    """
    n_out = 0
    report, byte, counted, chars = state[0], state[1], state[2], state[3]
    last = offsets[offsets.size - 1]
    report_end = offsets[min(report + 1, offsets.size - 1)]
    while byte < last:
        n_here = min(limit, last - byte)
        # The last positions of the buffer lack bytes for a key: all are candidates, and nothing is read beyond.
        n_keys = max(min(n_here, data.size - (KEY_BYTES - 1) - byte), 0)
        n_candidates = np.int64(0)
        if n_keys > 0:
            fill_keys(data[byte : byte + n_keys + KEY_BYTES - 1], keys[:n_keys])
            n_candidates = list_candidates(keys[:n_keys], key_passes, candidates)
        for at in range(n_keys, n_here):
            candidates[n_candidates] = at
            n_candidates += 1
        for each in range(n_candidates):
            begin = byte + candidates[each]
            if (data[begin] & 0xC0) == 0x80:
                continue
            while begin >= report_end:
                report += 1
                report_end = offsets[report + 1]
                counted = offsets[report]
                chars = 0
            if n_out + max_length > out_report.size:
                state[0], state[1], state[2], state[3] = report, begin, counted, chars
                return n_out
            n_before = n_out
            n_out = walk(
                data, begin, report_end, class_of, first_base, first_pattern, label, entry, out_pattern, n_out
            )  # fmt: skip
            if n_out > n_before:
                # Code points are counted only up to hits.
                chars += count_heads(data[counted:begin])
                counted = begin
                for row in range(n_before, n_out):
                    out_report[row] = report
                    out_start[row] = chars
                    out_byte[row] = begin
                # Shorter patterns were met first; rows are longer first.
                low, high = n_before, n_out - 1
                while low < high:
                    out_pattern[low], out_pattern[high] = out_pattern[high], out_pattern[low]
                    low += 1
                    high -= 1
        byte += n_here
    state[0], state[1], state[2], state[3] = report, byte, counted, chars
    return n_out
