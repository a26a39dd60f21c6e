"""How a kernel is compiled: lazily, without the GIL, and cached on disk where a cache can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba when it is first called.

    Where neither the package's folder nor the user's can be written (containers, other users' installations), numba
    finds no place for its cache and refuses; then each process compiles anew.
    """
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
