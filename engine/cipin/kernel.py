"""How a kernel is compiled: lazily, without the GIL, and cached on disk where a cache can be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numba
from numba.extending import register_jitable

#: What each kernel was to do in this process so far, in the unit of its caller.
_work: Counter[Any] = Counter()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba when it is first called.

    Where neither the package's folder nor the user's can be written (containers, other users' installations), numba
    finds no place for its cache and refuses; then each process compiles anew.
    """
    try:
        compiled = numba.njit(nogil=True, cache=True, no_cfunc_wrapper=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True, no_cfunc_wrapper=True)(function)
    # numba looks at the file of the kernel alone, and would go on with old pieces of other files.
    cached: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(cached, "_source_stamp"):
        cached._source_stamp = (cached._source_stamp, _stamp())
        cached._load_index, cached._load_data = _sound(cached._load_index, {}), _sound(cached._load_data, None)
    return compiled


def _sound(load: Callable[..., Any], nothing: Any) -> Callable[..., Any]:
    """Let numba compile anew, and write over, what a crash has left of a file of its cache."""

    def load_sound(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except (EOFError, UnpicklingError):
            return nothing

    return load_sound


@cache
def _stamp() -> tuple[tuple[str, float, int], ...]:
    """Return name, time and size of every file that pieces are in."""
    root = Path(__file__).parent
    files = [
        Path(__file__),
        root / "utf8.py",
        root / "lanes.py",
        *root.glob("*/kernels.py"),
        *root.glob("*/kernels/*.py"),
    ]
    files += [*root.glob("reading/formats/*_kernels.py"), root / "reading" / "foreign.py"]
    there = [(each, each.stat()) for each in sorted(files) if each.is_file()]
    return tuple((str(each.relative_to(root)), at.st_mtime, at.st_size) for each, at in there)


def piece(function: Callable[..., Any]) -> Any:
    """Let kernels call `function`: compiled within them, and Python where Python calls it.

    Nothing is made that only callers from Python need: unwrapping arrays took 1.7 s of the 5.4 that a search compiles.
    """
    return register_jitable(no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def is_compiled(kernel: Any) -> bool:
    """Tell whether a kernel need not be compiled: it is loaded, numba has it on its disk, or numba is switched off."""
    cached: Any = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    return bool(getattr(kernel, "signatures", True)) or cached is None or bool(cached._load_index())


def fitting(kernel: Any, work: int, small: int) -> Callable[..., Any]:
    """Return a kernel, or the Python that it was made of where compiling would take longer than `work` does.

    small   work, all of a process together, up to which it is Python; what is compiled is never Python again: a corpus
            of 200 MB, 4 MB at a time, took 20 s in a kernel that was too small each time
    """
    python = getattr(kernel, "py_func", None)
    if python is None:  # numba is switched off
        return kernel
    _work[kernel] += work
    return kernel if kernel.signatures or _work[kernel] > small else python
