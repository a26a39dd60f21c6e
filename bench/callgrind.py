"""Instructions of parts of a program, counted by callgrind: its client requests, from Python.

A request is an instruction sequence that does nothing on a processor and speaks to valgrind where a program runs in it
(callgrind.h, valgrind.h; the numbers are part of their interface). So start-up, imports and caches are not counted, and
take a fifth of the time that they would.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import re
import shutil
from collections.abc import Callable
from pathlib import Path

_TOOL = ord("C") << 24 | ord("T") << 16
_ZERO, _DUMP_AT, _START, _STOP = _TOOL + 1, _TOOL + 3, _TOOL + 4, _TOOL + 5
#: mov rax, rdi; xor edx, edx; rol rdi, 3; rol rdi, 13; rol rdi, 61; rol rdi, 51; xchg rbx, rbx; mov rax, rdx; ret
_CODE = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")


def absence() -> str:
    """Return why nothing can be counted here, or ''."""
    if platform.machine() != "x86_64":
        return f"requests to valgrind are written for x86_64, not {platform.machine()}"
    if not shutil.which("valgrind"):
        return "there is no valgrind on PATH"
    return ""


class Counter:
    """Counts what runs in `part`: inside callgrind, which must be started with --instr-atstart=no."""

    def __init__(self) -> None:
        self._code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._code.write(_CODE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._code))
        self._ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)

    def part(self, name: str, run: Callable[[], object]) -> None:
        """Count the instructions of `run` into a dump called `name`."""
        self._request(_START)
        self._request(_ZERO)  # what a dump leaves is not always nothing
        run()
        self._request(_DUMP_AT, name.encode())
        self._request(_STOP)

    def _request(self, number: int, text: bytes | None = None) -> None:
        words = (ctypes.c_uint64 * 6)(number, 0, 0, 0, 0, 0)
        buffer = ctypes.create_string_buffer(text) if text is not None else None
        if buffer is not None:
            words[1] = ctypes.addressof(buffer)
        self._ask(ctypes.addressof(words))


def read_dumps(folder: Path) -> dict[str, int]:
    """Return the instructions of each part from callgrind's files in `folder`."""
    counts = {}
    for path in folder.glob("callgrind.out.*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if name and total:
            counts[name[1]] = int(total[1])
    return counts
