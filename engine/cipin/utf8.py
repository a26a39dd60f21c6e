"""Reading code points from UTF-8 bytes, within other kernels."""

from __future__ import annotations

import numpy as np

from cipin.kernel import piece


@piece
def decode(data, at):
    """Return the code point at byte `at` of valid UTF-8, and the byte behind it."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, at + 1
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), at + 2
    if lead < 0xF0:
        return ((lead & 0x0F) << 12) | ((np.int64(data[at + 1]) & 0x3F) << 6) | (np.int64(data[at + 2]) & 0x3F), at + 3
    return (
        ((lead & 0x07) << 18)
        | ((np.int64(data[at + 1]) & 0x3F) << 12)
        | ((np.int64(data[at + 2]) & 0x3F) << 6)
        | (np.int64(data[at + 3]) & 0x3F)
    ), at + 4


@piece
def is_latin(point):
    """Whether it is a Latin letter or digit: ASCII, full-width, U+00C0-U+024F or U+1E00-U+1EFF."""
    if 0xFF01 <= point <= 0xFF5E:
        point -= 0xFEE0
    return (
        0x30 <= point <= 0x39
        or 0x41 <= point <= 0x5A
        or 0x61 <= point <= 0x7A
        or (0xC0 <= point <= 0x24F and point not in (0xD7, 0xF7))
        or 0x1E00 <= point <= 0x1EFF
    )
