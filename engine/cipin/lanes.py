"""64 bytes at a time, for any processor: vectors as LLVM instructions, which numba's loops can't say.

An intrinsic does one step and lives in compiled code only. Arrays are C-contiguous and one-dimensional; whole vectors
are loaded and stored, whatever of them counts, so callers see to it that they may. What only AVX-512 has is in
cipin.matching.kernels.vector.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

BIT, BYTE, WORD, INT, LONG = (ir.IntType(width) for width in (1, 8, 16, 32, 64))
BYTES_64 = ir.VectorType(BYTE, 64)
I64 = types.int64


def in_all(kind: ir.VectorType, value: int) -> ir.Constant:
    """A vector that holds `value` in all its lanes."""
    return ir.Constant(kind, [value] * kind.count)


class Emitter:
    """Instructions of one piece: the arguments by number, and vectors in and out of their arrays."""

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, arguments: list[ir.Value]) -> None:
        self.context, self.builder, self.signature, self.arguments = context, builder, signature, arguments

    def pointer(self, number: int, index: ir.Value | None = None) -> ir.Value:
        """The address of element `index` of array argument `number`."""
        array = self.context.make_array(self.signature.args[number])(self.context, self.builder, self.arguments[number])
        return array.data if index is None else self.builder.gep(array.data, [index])

    def base(self, number: int, index: ir.Value | None = None) -> ir.Value:
        """The address of an array argument's bytes."""
        return self.builder.bitcast(self.pointer(number, index), BYTE.as_pointer())

    def load(self, number: int, index: ir.Value, kind: ir.VectorType, ahead: int = 0) -> ir.Value:
        """Load a vector of an array argument, whole, wherever it lies."""
        if ahead:
            index = self.builder.add(index, LONG(ahead))
        loaded = self.builder.load(self.builder.bitcast(self.pointer(number, index), kind.as_pointer()))
        loaded.align = 1
        return loaded

    def store(self, value: ir.Value, number: int, index: ir.Value) -> None:
        """Store a vector into an array argument, whole."""
        self.builder.store(value, self.builder.bitcast(self.pointer(number, index), value.type.as_pointer())).align = 1

    def call(self, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call one of LLVM's own functions."""
        function = self.builder.module.globals.get(name) or ir.Function(
            self.builder.module, ir.FunctionType(result, [each.type for each in arguments]), name
        )
        return self.builder.call(function, arguments)

    def splat(self, value: ir.Value, kind: ir.VectorType) -> ir.Value:
        """`value` in all lanes."""
        empty = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(empty, self.builder.trunc(value, kind.element), INT(0))
        return self.builder.shuffle_vector(one, empty, in_all(ir.VectorType(INT, kind.count), 0))

    def count_from(self, value: ir.Value, kind: ir.VectorType) -> ir.Value:
        """`value`, `value` + 1, … in the lanes."""
        return self.builder.add(self.splat(value, kind), ir.Constant(kind, list(range(kind.count))))

    def within(self, value: ir.Value, low: int, high: int) -> ir.Value:
        """A mask of the lanes from `low` to `high`."""
        below = self.builder.sub(value, in_all(value.type, low))
        return self.builder.icmp_unsigned("<=", below, in_all(value.type, high - low))

    def as_bits(self, mask: ir.Value) -> ir.Value:
        """A mask of 64 lanes as a number."""
        return self.builder.bitcast(mask, LONG)


def lanes(result: types.Type, *arguments: types.Type | None, emitter: type[Emitter] = Emitter) -> Callable[..., Any]:
    """Make an intrinsic of a function over an Emitter; an argument type of None is any array."""

    def wrap(emit: Callable[[Any], ir.Value | None]) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, values: list[ir.Value]) -> ir.Value:
            value = emit(emitter(context, builder, signature, values))
            return context.get_dummy_value() if value is None else value

        def typed(_context: Any, *kinds: types.Type) -> Any:
            return result(*(own or kind for own, kind in zip(arguments, kinds, strict=True))), generate

        # numba matches a call's arguments with the parameters that a function shows.
        parameters = [Parameter(f"a{number}", Parameter.POSITIONAL_ONLY) for number in range(len(arguments) + 1)]
        typed.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        typed.__name__, typed.__doc__, typed.__module__ = emit.__name__, emit.__doc__, emit.__module__
        return intrinsic(typed)

    return wrap


@lanes(types.int64, types.uint64)
def count_bits(emit: Emitter) -> ir.Value:
    """(mask): how many bits are set."""
    return emit.call("llvm.ctpop.i64", LONG, emit.arguments[0])


@lanes(types.int64, types.uint64)
def lowest_bit(emit: Emitter) -> ir.Value:
    """(mask): number of the lowest bit that is set; 64 if none is."""
    return emit.call("llvm.cttz.i64", LONG, emit.arguments[0], BIT(0))


@lanes(types.uint64, None, I64)
def heads_64(emit: Emitter) -> ir.Value:
    """(bytes uint8, at): mask of those of 64 bytes that begin a character."""
    loaded = emit.load(0, emit.arguments[1], BYTES_64)
    return emit.builder.bitcast(emit.builder.icmp_signed(">=", loaded, in_all(BYTES_64, -64)), LONG)


@lanes(types.uint64, None, I64)
def marks_64(emit: Emitter) -> ir.Value:
    """(bytes uint8, at): mask of those of 64 bytes at which something else than Han, letters and digits may begin.

    These are ASCII's marks and blanks (with some signs between them), what begins with C2, E1, E2 and E3, where all
    blanks and the marks of Chinese and Western text are but for full-width ones, and what begins with EF and above.
    """
    text = emit.load(0, emit.arguments[1], BYTES_64)
    ranges = ((0x00, 0x21), (0x28, 0x2E), (0x3A, 0x3F), (0xC2, 0xC2), (0xE1, 0xE3), (0xEF, 0xFF))
    found = emit.within(text, *ranges[0])
    for low, high in ranges[1:]:
        found = emit.builder.or_(found, emit.within(text, low, high))
    return emit.as_bits(found)


@lanes(types.uint64, None, I64)
def han_64(emit: Emitter) -> ir.Value:
    """(bytes uint8, at): mask of those of 64 bytes that begin a Han of U+4000-U+9FFF; one byte more is read.

    U+4DC0-U+4DFF (E4 B7), in the midst of them, are hexagrams.
    """
    build = emit.builder
    text, behind = emit.load(0, emit.arguments[1], BYTES_64), emit.load(0, emit.arguments[1], BYTES_64, ahead=1)
    hexagram = build.and_(emit.within(text, 0xE4, 0xE4), emit.within(behind, 0xB7, 0xB7))
    return emit.as_bits(build.and_(emit.within(text, 0xE4, 0xE9), build.not_(hexagram)))
