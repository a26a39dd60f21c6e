"""Calling functions of a C library by their address, within kernels and, alike, in plain Python.

A ctypes function that a kernel names is compiled in as this process's address, and numba rightly refuses to cache that
kernel; an address that is handed in as a number is none of its concern. Numbers go over as 64 bits each: as C's `int`,
too, since every 64-bit convention passes the first arguments in registers, of which the callee takes the lower half.
"""

from __future__ import annotations

import ctypes

import numba
from llvmlite import ir
from numba.core import cgutils, types


def call_int(address, *arguments):
    """Call the C function at `address`, which returns an `int`; arguments are integers and addresses."""
    return ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int64] * len(arguments))(int(address))(*map(int, arguments))


def call_double(address, *arguments):
    """Call the C function at `address`, which returns a `double`."""
    return ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_int64] * len(arguments))(int(address))(*map(int, arguments))


def call_address(address, *arguments):
    """Call the C function at `address`, which returns a pointer, and return that as a number; 0: NULL."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(arguments))(int(address))(*map(int, arguments))


def _compiled(result):
    """Return what compiles to a call of a function that returns a `result`."""

    @numba.extending.intrinsic
    def call(_typing, _address, arguments):
        wide = types.UniTuple(types.int64, len(arguments))

        def generate(context, builder, signature, values):
            kind = ir.FunctionType(
                context.get_value_type(signature.return_type), [ir.IntType(64)] * len(signature.args[1])
            )
            function = builder.inttoptr(values[0], kind.as_pointer())
            return builder.call(function, cgutils.unpack_tuple(builder, values[1]))

        return result(types.int64, wide), generate

    return call


_call_int, _call_double, _call_address = map(_compiled, (types.int32, types.float64, types.int64))


@numba.extending.overload(call_int)
def _compile_call_int(_address, *_arguments):
    return lambda _address, *_arguments: _call_int(_address, _arguments)


@numba.extending.overload(call_double)
def _compile_call_double(_address, *_arguments):
    return lambda _address, *_arguments: _call_double(_address, _arguments)


@numba.extending.overload(call_address)
def _compile_call_address(_address, *_arguments):
    return lambda _address, *_arguments: _call_address(_address, _arguments)
