"""Each piece that takes 64 bytes at a time, alone, against plain Python; on any processor."""

import numba
import numpy as np
import pytest

from cipin import lanes

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is switched off")
TEXT = ("大数据，AI与é云计算x𠀀。䷀䶿\u3000(7.5%)\r\n" * 20).encode()
ANY = bytes(range(256)) + bytes([0xE4, 0xB7] * 70 + [0xE4] * 70)


def run(piece, *arguments):
    """Call a piece: an intrinsic lives in compiled code only."""
    names = ", ".join(f"a{number}" for number in range(len(arguments)))
    scope = {"piece": piece}
    exec(f"def call({names}):\n    return piece({names})\n", scope)
    return numba.njit(scope["call"])(*arguments)


def bits_of(mask):
    return [int(mask) >> lane & 1 for lane in range(64)]


@pytest.mark.parametrize("bits", [0, 1, 1 << 63, (1 << 64) - 1, 0b101000])
def test_bits(bits):
    assert run(lanes.count_bits, np.uint64(bits)) == bits.bit_count()
    assert run(lanes.lowest_bit, np.uint64(bits)) == ((bits & -bits).bit_length() - 1 if bits else 64)


@pytest.mark.parametrize("data", [TEXT, ANY], ids=["text", "any"])
@pytest.mark.parametrize("at", [0, 1, 7, 64, 128, 192, 260])
def test_masks(data, at):
    array = np.frombuffer(data, np.uint8)
    here = data[at : at + 64]
    assert bits_of(run(lanes.heads_64, array, at)) == [(byte & 0xC0) != 0x80 for byte in here]
    ranges = (range(0x22), range(0x28, 0x2F), range(0x3A, 0x40), (0xC2,), range(0xE1, 0xE4), range(0xEF, 0x100))
    assert bits_of(run(lanes.marks_64, array, at)) == [any(byte in each for each in ranges) for byte in here]
    pairs = zip(here, data[at + 1 : at + 65], strict=True)
    assert bits_of(run(lanes.han_64, array, at)) == [0xE4 <= a <= 0xE9 and (a, b) != (0xE4, 0xB7) for a, b in pairs]
