"""C functions are called by their address with the same result by compiled code and by Python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numba
import pytest

from cipin.reading.foreign import call_address, call_double, call_int

BIG = 1 << 40


@numba.njit
def call_all(integer, double, address, big):
    """The three calls, each with other arguments."""
    return call_int(integer, 1, 2, 3), call_double(double, big), call_address(address, 3, 4, 5, 6, 7, big)


@pytest.mark.parametrize("call", [call_all, getattr(call_all, "py_func", call_all)], ids=["compiled", "plain"])
def test_calls_by_address(call: Callable[..., Any]) -> None:
    wide = ctypes.c_int64
    functions = (
        # A negative int fills the lower half of a register; the upper one is anyone's.
        ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int] * 3)(lambda *numbers: -sum(numbers)),
        ctypes.CFUNCTYPE(ctypes.c_double, wide)(lambda number: number / 4),
        ctypes.CFUNCTYPE(wide, *[wide] * 6)(lambda *numbers: numbers[-1] + numbers[0]),
    )
    addresses = [ctypes.cast(each, ctypes.c_void_p).value for each in functions]
    assert call(*addresses, BIG) == (-6, BIG / 4, BIG + 3)
