"""Instructions for a byte of text and for a call, counted by callgrind: a clock that other processes cannot disturb.

    python bench/instructions.py              # count, and compare with instructions.toml
    python bench/instructions.py --renew      # and write down what came out

The difference of two sizes of text gives what a byte costs; what is left is what a call costs, whatever the text. Both
are held: a hash of 50,000 terms in each call is nothing in a byte. Counted are cipin's portable kernels on one thread,
since valgrind knows no AVX-512: numba is told to compile for x86-64-v3 (AVX2), in a cache of its own that is filled
before. Counts are those of a compiler: they are kept with the versions of Python, numba, llvmlite, numpy and pyarrow,
and where these differ, the gate asks to have them renewed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from callgrind import read_dumps
from definitions import FOLDER, Matching, read_matching, read_table

PATH = FOLDER / "instructions.toml"
#: A loss above this share fails; of a call, one that is also above so many instructions (0.1 ms): what Python itself
#: does there differs by a few thousand.
TOLERANCE = 0.03
CALL_SLACK = 300_000
#: Reports of a small and a large text, with the mean length of each: 0.2 and 0.9 MB.
SMALL, LARGE = 30, 150
MEAN_CHARS = 2_000
_CACHE = FOLDER.parent / ".benchmarks" / "numba"


@dataclass(frozen=True, slots=True)
class Count:
    """Instructions for a byte of text, and those of a call whatever its text."""

    per_byte: float
    per_call: int


def cases(names: Iterable[str], engine: str = "cipin_blocks") -> dict[str, tuple[Matching, str]]:
    """Return what is to be counted: benchmarks of matching, by name."""
    by_name = {each.name: each for each in read_matching()}
    return {name: (by_name[name], engine) for name in names}


def count(cases: Mapping[str, tuple[Matching, str]]) -> dict[str, Count]:
    """Count what engines need: each case is a benchmark and the name of an engine.

    Raises RuntimeError with what valgrind said, if it fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked, dumps = folder / "asked", folder / "dumps"
        dumps.mkdir()
        n_bytes = {case: _write_case(asked / case, *each) for case, each in cases.items()}
        child = [sys.executable, str(FOLDER / "counted.py"), str(asked)]
        _run(child)  # fills numba's cache: compiling inside valgrind would take minutes
        tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={dumps}/callgrind.out"]
        _run([*tool, *child])
        counts = read_dumps(dumps)
    out = {}
    for case, (small, large) in n_bytes.items():
        per_byte = (counts[f"{case} large"] - counts[f"{case} small"]) / (large - small)
        per_call = counts[f"{case} small"] - per_byte * small
        out[case] = Count(round(per_byte, 4), round(per_call))
    return out


def versions() -> dict[str, str]:
    """Return what decides on the machine code."""
    packages = {name: version(name) for name in ("numba", "llvmlite", "numpy", "pyarrow")}
    return {"python": platform.python_version(), **packages}


def losses(counts: Mapping[str, Count], stored: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return what each benchmark lost against what is stored, where that is more than TOLERANCE.

    >>> losses({"a": Count(1.04, 0), "b": Count(1.02, 0)}, dict.fromkeys("ab", {"per_byte": 1.0, "per_call": 0}))
    {'a': '+4.0 % a byte'}
    """
    out = {}
    for name, each in counts.items():
        known = stored[name]
        said = []
        if each.per_byte > known["per_byte"] * (1 + TOLERANCE):
            said.append(f"+{each.per_byte / known['per_byte'] - 1:.1%} a byte".replace("%", " %"))
        if each.per_call > known["per_call"] * (1 + TOLERANCE) + CALL_SLACK:
            said.append(f"{each.per_call - known['per_call']:+,.0f} a call")
        if said:
            out[name] = ", ".join(said)
    return out


def _write_case(folder: Path, definition: Matching, engine: str) -> tuple[int, int]:
    folder.mkdir(parents=True)
    source = definition.source
    lexicon = source.lexicon(definition.job)
    asked = {
        "terms": [term.name for term in lexicon.terms],
        "match": lexicon.match,
        "job": definition.job,
        "engine": engine,
    }
    (folder / "case.json").write_text(json.dumps(asked), encoding="utf-8")
    corpus = replace(definition.corpus, reports=LARGE, mean_chars=MEAN_CHARS)
    texts = corpus.texts(source)
    out = []
    for size, n in (("small", SMALL), ("large", LARGE)):
        column = pa.table({"text": texts[:n]})
        with pa.OSFile(str(folder / f"{size}.arrow"), "wb") as file, pa.ipc.new_file(file, column.schema) as writer:
            writer.write_table(column)
        out.append(sum(len(text.encode()) for text in texts[:n]))
    return out[0], out[1]


def _run(command: list[str]) -> None:
    still = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    numba = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(_CACHE)}
    done = subprocess.run(command, env=os.environ | still | numba, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: exit code {done.returncode}\n{done.stderr[-2000:]}")


def renew(counts: Mapping[str, Count]) -> None:
    """Write instructions.toml."""
    lines = [
        "# Written by `python bench/instructions.py --renew`: instructions of the portable kernels.",
        "",
        "[versions]",
    ]
    lines += [*(f'{name} = "{number}"' for name, number in versions().items()), "", "[counts]"]
    lines += [
        f"{name} = {{ per_byte = {each.per_byte}, per_call = {each.per_call:_} }}" for name, each in counts.items()
    ]
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Count, print, and write if asked to."""
    stored = read_table(PATH)["counts"]
    counts = count(cases(stored))
    for name, each in counts.items():
        was = stored[name]
        print(
            f"{name:<20}{each.per_byte:>10.4f} a byte (was {was['per_byte']:.4f})"
            f"{each.per_call:>14,} a call (was {was['per_call']:,})"
        )
    if "--renew" in sys.argv:
        renew(counts)


if __name__ == "__main__":
    main()
