"""AVX-512 in small pieces: what numba's loops can't say, as LLVM instructions.

Each piece does one step for 16, 32 or 64 lanes and is tested alone (tests/matching/test_vector.py). Arrays are
C-contiguous and one-dimensional. Pieces load and store whole vectors, whatever of them counts. Callers see to it that
they may: scratch has `SLACK` elements more, and text is only touched where a margin of bytes follows. Which
processors can do this: cipin.matching.processor.

Compress goes through a register and a whole store: compressing into memory takes a hundred cycles on Zen 4.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numba import types

from cipin.lanes import BIT, BYTE, BYTES_64, I64, INT, LONG, WORD, Emitter, in_all, lanes

#: Elements that scratch arrays have beyond what counts in them.
SLACK = 64

_BYTES_32 = ir.VectorType(BYTE, 32)
_WORDS_32, _WORDS_16 = ir.VectorType(WORD, 32), ir.VectorType(WORD, 16)
_INTS = ir.VectorType(INT, 16)


class _Emitter(Emitter):
    """What AVX-512 has besides."""

    def first_lanes(self, n: ir.Value, lanes: int) -> ir.Value:
        """A mask of the first `n` of 16 or 32 lanes."""
        bits = self.call("llvm.x86.bmi.bzhi.32", INT, INT(0xFFFFFFFF), self.builder.trunc(n, INT))
        if lanes == 16:
            bits = self.builder.trunc(bits, WORD)
        return self.builder.bitcast(bits, ir.VectorType(BIT, lanes))

    def gather(self, number: int, index: ir.Value, mask: ir.Value, scale: int, instead: int = 0, skip: int = 0) -> Any:
        """32 bits from `scale` * each index of array `number`, `skip` bytes further on; `instead` where masked out."""
        base = self.base(number)
        if skip:
            base = self.builder.gep(base, [LONG(skip)])
        name = "llvm.x86.avx512.mask.gather.dpi.512"
        return self.call(name, _INTS, in_all(_INTS, instead), base, index, mask, INT(scale))

    def compress(self, value: ir.Value, mask: ir.Value, number: int, index: ir.Value) -> None:
        """Store the lanes under `mask` side by side."""
        kind = value.type
        name = f"llvm.x86.avx512.mask.compress.v{kind.count}i{kind.element.width}"
        self.store(self.call(name, kind, value, in_all(kind, 0), mask), number, index)

    def how_many(self, mask: ir.Value) -> ir.Value:
        width = ir.IntType(mask.type.count)
        bits = self.call(f"llvm.ctpop.i{width.width}", width, self.builder.bitcast(mask, width))
        return self.builder.zext(bits, LONG)

    def low_half(self, value: ir.Value) -> ir.Value:
        return self.builder.and_(value, in_all(_INTS, 0xFFFF))


_piece = partial(lanes, emitter=_Emitter)


@_piece(types.void, None, I64)
def prefetch(emit: _Emitter) -> None:
    """(bytes, at): ask for the cache line of `bytes[at]`; a wrong address does no harm."""
    pointer = emit.base(0, emit.arguments[1])
    emit.call("llvm.prefetch.p0", ir.VoidType(), pointer, INT(0), INT(3), INT(1))


@_piece(types.uint64, None, I64, None)
def filter_64(emit: _Emitter) -> ir.Value:
    """(bytes uint8, at, tables uint8[6 * 64]): mask of the 64 positions where a pattern may begin.

    Table i says by the low six bits of a byte which of eight buckets of patterns have such a byte as their i-th; a
    position stays where one bucket agrees with all six bytes from there on. (vpermb: 11 GB/s on Zen 4.)
    """
    agreed = None
    for number in range(6):
        table = emit.load(2, LONG(64 * number), BYTES_64)
        text = emit.load(0, emit.arguments[1], BYTES_64, ahead=number)
        buckets = emit.call("llvm.x86.avx512.permvar.qi.512", BYTES_64, table, text)
        agreed = buckets if agreed is None else emit.builder.and_(agreed, buckets)
    return emit.builder.bitcast(emit.builder.icmp_unsigned("!=", agreed, in_all(BYTES_64, 0)), LONG)


@_piece(types.int64, None, I64, I64, None, I64, None, I64)
def decode_32(emit: _Emitter) -> ir.Value:
    """(bytes uint8, at, n_bytes, codes uint16, n, byte_at uint16, offset): decode what begins in 32 bytes.

    Their code points go to codes[n:], and `offset` plus where they begin among the bytes to byte_at[n:]. Only the
    first `n_bytes` count. Returns how many there are, or -1 where one of them has four bytes: nothing is decoded then.
    """
    _, at, n_bytes, _, n, _, offset = emit.arguments
    build, kind = emit.builder, _WORDS_32
    raw = emit.load(0, at, _BYTES_32)
    first, second, third = (build.zext(emit.load(0, at, _BYTES_32, ahead), kind) for ahead in range(3))
    second, third = (build.and_(each, in_all(kind, 0x3F)) for each in (second, third))
    two = build.or_(build.shl(build.and_(first, in_all(kind, 0x1F)), in_all(kind, 6)), second)
    # Of three bytes; what shifts out of sixteen bits is the mark of the first.
    three = build.or_(build.or_(build.shl(first, in_all(kind, 12)), build.shl(second, in_all(kind, 6))), third)
    code = build.select(build.icmp_unsigned("<", first, in_all(kind, 0xE0)), two, three)
    code = build.select(build.icmp_unsigned("<", first, in_all(kind, 0x80)), first, code)
    counts = emit.first_lanes(n_bytes, 32)
    heads = build.and_(build.icmp_signed(">=", raw, in_all(_BYTES_32, -64)), counts)
    emit.compress(code, heads, 3, n)
    emit.compress(emit.count_from(offset, kind), heads, 5, n)
    long = build.bitcast(build.and_(build.icmp_unsigned(">=", raw, in_all(_BYTES_32, 0xF0)), counts), INT)
    return build.select(build.icmp_unsigned("==", long, INT(0)), emit.how_many(heads), LONG(-1))


@_piece(types.void, None, None, I64, None)
def map_16(emit: _Emitter) -> None:
    """(map uint32[65536], codes uint16, at, sieve uint16): turn 16 codes into classes, in place.

    The low half of the map's entry is the class; the high half goes to sieve[at:].
    """
    _, _, at, _ = emit.arguments
    index = emit.builder.zext(emit.load(1, at, _WORDS_16), _INTS)
    mapped = emit.gather(0, index, emit.first_lanes(LONG(16), 16), 4)
    emit.store(emit.builder.trunc(mapped, _WORDS_16), 1, at)
    emit.store(emit.builder.trunc(emit.builder.lshr(mapped, in_all(_INTS, 16)), _WORDS_16), 3, at)


@_piece(types.int64, None, I64, None, I64)
def sieve_32(emit: _Emitter) -> ir.Value:
    """(sieve uint16, at, candidates uint16, n): list those of 32 positions where a pattern may begin; how many.

    The low byte of sieve[i] says which of eight buckets the patterns are in that have this first character, the high
    byte which buckets have it second.
    """
    _, at, _, n = emit.arguments
    build = emit.builder
    here, ahead = emit.load(0, at, _WORDS_32), emit.load(0, at, _WORDS_32, 1)
    both = build.and_(build.and_(here, in_all(_WORDS_32, 0xFF)), build.lshr(ahead, in_all(_WORDS_32, 8)))
    mask = build.icmp_unsigned("!=", both, in_all(_WORDS_32, 0))
    emit.compress(emit.count_from(at, _WORDS_32), mask, 2, n)
    return emit.how_many(mask)


@_piece(types.int64, None, None, None, I64, I64, I64, None, None, None, I64, None, None, I64)
def level_16(emit: _Emitter) -> ir.Value:
    """(slot, at, live: int32; each, n_valid, level; entry, label, classes; n_next; found_at, found_pattern; n_found).

    Take up to 16 walks a step further: note the patterns that end at their slots, and keep in slot, at, live
    [n_next:] those that go on. Returns patterns noted << 32 | walks that go on.
    """
    slot, at, live, each, n_valid, level, entry, label, classes, n_next, found_at, found_pattern, n_found = range(13)
    values, build, zero = emit.arguments, emit.builder, in_all(_INTS, 0)
    valid = emit.first_lanes(values[n_valid], 16)
    slots, ats, lives = (emit.load(number, values[each], _INTS) for number in (slot, at, live))
    pattern = emit.gather(entry, slots, valid, 8)
    base = emit.gather(entry, slots, valid, 8, skip=4)
    ends = build.icmp_unsigned("!=", pattern, zero)
    emit.compress(pattern, ends, found_pattern, values[n_found])
    emit.compress(lives, ends, found_at, values[n_found])
    ahead = emit.low_half(emit.gather(classes, build.add(ats, emit.splat(values[level], _INTS)), valid, 2))
    going = build.and_(build.icmp_unsigned("!=", base, zero), build.icmp_unsigned("!=", ahead, zero))
    to = build.add(base, ahead)
    found = emit.low_half(emit.gather(label, to, going, 2, instead=0xFFFF))
    stays = build.and_(going, build.icmp_unsigned("==", found, ahead))
    for vector, number in ((to, slot), (ats, at), (lives, live)):
        emit.compress(vector, stays, number, values[n_next])
    return build.or_(build.shl(emit.how_many(ends), LONG(32)), emit.how_many(stays))


def _decode_16(emit: _Emitter, word: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """From four bytes a lane: the code point that begins there, its bytes, and whether one begins at all."""
    build, kind = emit.builder, _INTS
    first = build.and_(word, in_all(kind, 0xFF))
    second, third, fourth = (build.and_(build.lshr(word, in_all(kind, 8 * n)), in_all(kind, 0x3F)) for n in (1, 2, 3))

    def point(bits: int, *rest: ir.Value) -> ir.Value:
        value = build.and_(first, in_all(kind, bits))
        for each in rest:
            value = build.or_(build.shl(value, in_all(kind, 6)), each)
        return value

    code, size = point(0x07, second, third, fourth), in_all(kind, 4)
    for below, shorter, n in (
        (0xF0, point(0x0F, second, third), 3),
        (0xE0, point(0x1F, second), 2),
        (0x80, first, 1),
    ):
        is_shorter = build.icmp_unsigned("<", first, in_all(kind, below))
        code, size = build.select(is_shorter, shorter, code), build.select(is_shorter, in_all(kind, n), size)
    begins = build.icmp_unsigned("!=", build.and_(first, in_all(kind, 0xC0)), in_all(kind, 0x80))
    return code, size, begins


@_piece(types.int64, None, I64, None, I64, I64, None, None, None, None, None, I64)
def start_16(emit: _Emitter) -> ir.Value:
    """(bytes, byte; candidates int32, each, n_valid; class_of, first_base; base, at, live: int32, n).

    Walks from up to 16 candidates, bytes counted from `byte`: those whose first character begins a longer pattern
    go to base, at (the byte behind that character) and live (number of the candidate) [n:]. Returns how many.
    """
    _, byte, _, each, n_valid, class_of, first_base, base, at, live, n = range(11)
    values, build = emit.arguments, emit.builder
    valid = emit.first_lanes(values[n_valid], 16)
    candidate = emit.load(2, values[each], _INTS)
    code, size, begins = _decode_16(emit, _gather_text(emit, values[byte], candidate, valid))
    valid = build.and_(valid, begins)
    bases = emit.gather(first_base, emit.low_half(emit.gather(class_of, code, valid, 2)), valid, 4)
    stays = build.and_(valid, build.icmp_unsigned("!=", bases, in_all(_INTS, 0)))
    emit.compress(bases, stays, base, values[n])
    emit.compress(build.add(candidate, size), stays, at, values[n])
    emit.compress(emit.count_from(values[each], _INTS), stays, live, values[n])
    return emit.how_many(stays)


def _gather_text(emit: _Emitter, byte: ir.Value, index: ir.Value, mask: ir.Value) -> ir.Value:
    name = "llvm.x86.avx512.mask.gather.dpi.512"
    return emit.call(name, _INTS, in_all(_INTS, 0), emit.base(0, byte), index, mask, INT(1))


@_piece(types.int64, None, I64, None, None, None, I64, I64, None, None, None, I64, None, None, None, I64)
def step_16(emit: _Emitter) -> ir.Value:
    """(bytes, byte; base, at, live, each, n_valid; class_of, label, entry; n_next; found.at, .pattern, .end; n_found).

    Take up to 16 walks over bytes a character further: note the patterns that end there, with the byte behind them,
    and keep in base, at, live [n_next:] those that go on. Returns patterns noted << 32 | walks that go on.
    """
    (
        _, byte, base, at, live, each, n_valid, class_of, label, entry, n_next, found_at, found_pattern, found_end,
        n_found,
    ) = range(15)  # fmt: skip
    values, build, zero = emit.arguments, emit.builder, in_all(_INTS, 0)
    valid = emit.first_lanes(values[n_valid], 16)
    bases, ats, lives = (emit.load(number, values[each], _INTS) for number in (base, at, live))
    code, size, begins = _decode_16(emit, _gather_text(emit, values[byte], ats, valid))
    valid = build.and_(valid, begins)
    ahead = emit.low_half(emit.gather(class_of, code, valid, 2))
    valid = build.and_(valid, build.icmp_unsigned("!=", ahead, zero))
    slot = build.add(bases, ahead)
    found = emit.low_half(emit.gather(label, slot, valid, 2, instead=0xFFFF))
    met = build.and_(valid, build.icmp_unsigned("==", found, ahead))
    pattern = emit.gather(entry, slot, met, 8)
    behind = build.add(ats, size)
    ends = build.icmp_unsigned("!=", pattern, zero)
    for vector, number in ((lives, found_at), (pattern, found_pattern), (behind, found_end)):
        emit.compress(vector, ends, number, values[n_found])
    next_base = emit.gather(entry, slot, met, 8, skip=4)
    goes_on = build.icmp_unsigned("!=", next_base, zero)
    for vector, number in ((next_base, base), (behind, at), (lives, live)):
        emit.compress(vector, goes_on, number, values[n_next])
    return build.or_(build.shl(emit.how_many(ends), LONG(32)), emit.how_many(goes_on))
