"""What the processor can do, and so which kernels run."""

from __future__ import annotations

from functools import cache

import llvmlite.binding
import numba

#: What the vector kernels need: Intel's servers have it since Ice Lake, AMD's processors since Zen 4.
NEEDED = ("avx512f", "avx512bw", "avx512vl", "avx512vbmi", "avx512vbmi2", "bmi2")


@cache
def missing_features() -> tuple[str, ...]:
    """Return what the vector kernels need and this process can't use; nothing: they run here.

    The operating system must keep the wide registers too; LLVM asks for that. Where numba is told to compile for
    another processor (NUMBA_CPU_NAME, NUMBA_CPU_FEATURES) or not at all, they don't run.
    """
    if numba.config.DISABLE_JIT:
        return ("a compiler (NUMBA_DISABLE_JIT is set)",)
    if numba.config.CPU_NAME is not None or numba.config.CPU_FEATURES is not None:
        return ("the host's instructions (NUMBA_CPU_NAME or NUMBA_CPU_FEATURES is set)",)
    features = llvmlite.binding.get_host_cpu_features()
    return tuple(each for each in NEEDED if not features.get(each, False))
