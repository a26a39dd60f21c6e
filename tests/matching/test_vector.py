"""Each AVX-512 piece alone, on random lanes, against plain Python."""

import numba
import numpy as np
import pytest

from cipin.matching.kernels import vector
from kernels import MISSING

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the processor lacks {', '.join(MISSING)}")
RNG = np.random.default_rng(3)
TEXT = ("大数据，AI与é云计算x𠀀。" * 20).encode()


def run(piece, *arguments):
    """Call a piece: an intrinsic lives in compiled code only."""
    names = ", ".join(f"a{number}" for number in range(len(arguments)))
    scope = {"piece": piece}
    exec(f"def call({names}):\n    return piece({names})\n", scope)
    return numba.njit(scope["call"])(*arguments)


def room(kind, n=256):
    return np.zeros(n, kind)


def test_prefetch_of_anything_does_no_harm():
    assert run(vector.prefetch, np.zeros(1, np.uint8), 1 << 40) is None


def test_filter():
    tables = RNG.integers(0, 256, 6 * 64, np.uint8)
    data = RNG.integers(0, 256, 200, np.uint8)
    mask = run(vector.filter_64, data, 3, tables)
    for lane in range(64):
        agreed = 0xFF
        for place in range(6):
            agreed &= tables[64 * place + (int(data[3 + lane + place]) & 63)]
        assert mask >> lane & 1 == (agreed != 0)


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(32, "大数据，AI与é云计算x"), (5, "大数据"), (1, "A" * 30), (32, "é" * 20)]
)
def test_decode(n_bytes, text):
    data = np.frombuffer((text + "." * 64).encode(), np.uint8)
    codes, byte_at = room(np.uint16), room(np.uint16)
    n = run(vector.decode_32, data, 0, n_bytes, codes, 4, byte_at, 1000)
    begins = [len(text[:at].encode()) for at in range(len(text))]
    expected = [at for at, begin in enumerate(begins) if begin < n_bytes]
    expected_codes = [ord(text[at]) for at in expected] + [ord(".")] * max(0, n_bytes - len(text.encode()))
    assert n == len(expected_codes)
    assert codes[4 : 4 + n].tolist() == expected_codes
    assert (byte_at[4 : 4 + len(expected)] - 1000).tolist() == [begins[at] for at in expected]


@pytest.mark.parametrize(("n_bytes", "n"), [(32, -1), (4, -1), (3, 3)])
def test_decode_refuses_four_bytes(n_bytes, n):
    data = np.frombuffer(("abc\U00020000" + "." * 60).encode(), np.uint8)
    assert run(vector.decode_32, data, 0, n_bytes, room(np.uint16), 0, room(np.uint16), 0) == n


def test_map():
    table = RNG.integers(0, 1 << 32, 65536, np.uint32)
    codes = RNG.integers(0, 65536, 64).astype(np.uint16)
    codes[5], codes[6] = 0, 65535
    classes, sieve = codes.copy(), room(np.uint16, 64)
    run(vector.map_16, table, classes, 5, sieve)
    assert classes[5:21].tolist() == (table[codes[5:21]] & 0xFFFF).tolist()
    assert sieve[5:21].tolist() == (table[codes[5:21]] >> 16).tolist()
    assert classes[21:].tolist() == codes[21:].tolist()


def test_sieve():
    sieve = RNG.integers(0, 65536, 100).astype(np.uint16) & RNG.integers(0, 65536, 100).astype(np.uint16)
    candidates = room(np.uint16)
    n = run(vector.sieve_32, sieve, 7, candidates, 2)
    expected = [at for at in range(7, 39) if (sieve[at] & 0xFF) & (sieve[at + 1] >> 8)]
    assert candidates[2 : 2 + n].tolist() == expected
    assert 0 < n < 32


def trie(n_slots=500, n_classes=40):
    """Random tables: the pieces need not know whether they make sense."""
    label = RNG.integers(0, n_classes, n_slots).astype(np.uint16)
    base = np.where(RNG.random(n_slots) < 0.5, 0, RNG.integers(0, n_slots - n_classes, n_slots)).astype(np.uint64)
    pattern = np.where(RNG.random(n_slots) < 0.5, 0, RNG.integers(1, 1000, n_slots)).astype(np.uint64)
    return label, base << np.uint64(32) | pattern


@pytest.mark.parametrize("n_valid", [1, 7, 16])
def test_level(n_valid):
    label, entry = trie()
    classes = RNG.integers(0, 40, 200).astype(np.uint16)
    # Walks that go on are few by chance, so that some do.
    slot = RNG.integers(0, 500, 64).astype(np.int32)
    at = RNG.integers(0, 180, 64).astype(np.int32)
    for lane in range(16, 32, 2):
        base = int(entry[slot[lane]] >> np.uint64(32))
        if base and classes[at[lane] + 3]:
            label[base + classes[at[lane] + 3]] = classes[at[lane] + 3]
    live = np.arange(100, 164, dtype=np.int32)
    walks = [(int(slot[lane]), int(at[lane]), int(live[lane])) for lane in range(16, 16 + n_valid)]
    found_at, found_pattern = room(np.int32), room(np.int32)
    both = run(
        vector.level_16, slot, at, live, 16, n_valid, 3, entry, label, classes, 1, found_at, found_pattern, 2
    )  # fmt: skip
    ends, stays = both >> 32, both & 0xFFFFFFFF
    met = [(origin, int(entry[here]) & 0xFFFFFFFF) for here, _, origin in walks if int(entry[here]) & 0xFFFFFFFF]
    assert list(zip(found_at[2 : 2 + ends].tolist(), found_pattern[2 : 2 + ends].tolist(), strict=True)) == met
    going = []
    for here, place, origin in walks:
        base, ahead = int(entry[here]) >> 32, int(classes[place + 3])
        if base and ahead and label[base + ahead] == ahead:
            going.append((base + ahead, place, origin))
    assert list(zip(*(each[1 : 1 + stays].tolist() for each in (slot, at, live)), strict=True)) == going


def test_start_and_step():
    text = "大数据，AI与é云计算x\U00020000。"
    data = np.frombuffer(("ab" + text + "." * 64).encode(), np.uint8)
    class_of = np.zeros(0x110001, np.uint16)
    for number, character in enumerate(dict.fromkeys(text)):
        class_of[ord(character)] = number + 1
    first_base = np.zeros(40, np.uint32)
    first_base[1:40:2] = np.arange(50, 350, 15)
    candidates = np.arange(len(text.encode()), dtype=np.int32)
    base, at, live = room(np.int32), room(np.int32), room(np.int32)
    label, entry = trie()
    expected = []
    for each in range(16):
        begin = int(candidates[8 + each])
        rest = data[2 + begin :].tobytes()
        if rest[0] & 0xC0 == 0x80:
            continue
        character = rest.decode()[0]
        if first_base[class_of[ord(character)]]:
            expected.append((int(first_base[class_of[ord(character)]]), begin + len(character.encode()), 8 + each))
    n = run(vector.start_16, data, 2, candidates, 8, 16, class_of, first_base, base, at, live, 3)
    assert list(zip(*(each[3 : 3 + n].tolist() for each in (base, at, live)), strict=True)) == expected
    assert n > 1

    walks, met, going = expected, [], []
    for here, place, origin in walks:
        character = data[2 + place :].tobytes().decode()[0]
        ahead, behind = int(class_of[ord(character)]), place + len(character.encode())
        if ahead:
            label[here + ahead] = ahead
            entry[here + ahead] = np.uint64((origin % 3) << 32 | origin % 2 * 77)
            if origin % 2:
                met.append((origin, 77, behind))
            if origin % 3:
                going.append((origin % 3, behind, origin))
    found = room(np.int32), room(np.int32), room(np.int32)
    both = run(
        vector.step_16, data, 2, base, at, live, 3, n, class_of, label, entry, 0, *found, 5
    )  # fmt: skip
    ends, stays = both >> 32, both & 0xFFFFFFFF
    assert list(zip(*(each[5 : 5 + ends].tolist() for each in found), strict=True)) == met
    assert list(zip(*(each[:stays].tolist() for each in (base, at, live)), strict=True)) == going
    assert ends
    assert stays
