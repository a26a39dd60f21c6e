"""Loops over arrays, compiled by numba at first use and cached; they know nothing of cipin.

A kernel trusts its arguments: who calls it has checked and allocated them. `plain(kernel)` is the same loop
without the compiler, for inputs so small that loading compiled code would take longer than the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def plain(kernel: Any) -> Callable[..., Any]:
    """Return the Python function behind a compiled kernel (itself, where numba's compiler is switched off)."""
    return getattr(kernel, "py_func", kernel)
