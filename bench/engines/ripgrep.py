"""ripgrep, `rg -F -o -b`: a process of its own, which reads the texts from a file, one behind the other."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon
from engines.rows import Find, Job, plain_terms, refuse, rows_table, texts_table, utf8_of

_END = b"\n\x00\n"
_OPTIONS = ("--fixed-strings", "--only-matching", "--byte-offset", "--no-line-number", "--no-filename", "--text")


def build(lexicon: Lexicon, job: Job) -> Find:
    """Return a function that does `job`, "leftmost-longest" or "contains", for `lexicon`; patterns have no line end.

    Of matches that overlap it takes the first, and of those that begin together the pattern that comes first, so
    patterns go in by length. It looks into lines; no pattern runs over the end of a text, as that is a line end.
    Writing the file is on the clock: what comes as a column has to get to it in some way.
    """
    if job not in {"leftmost-longest", "contains"}:
        raise refuse("ripgrep", job)
    strings = lexicon.patterns.strings
    terms = plain_terms("ripgrep", lexicon, job)
    term_of = {string.encode(): term for string, term in zip(strings, terms.tolist(), strict=True)}
    listing = "\n".join(sorted(strings, key=len, reverse=True)) + "\n"

    def search(texts: pa.Array) -> tuple[list[bytes], list[int]]:
        """Return the lines that ripgrep prints, and where each text begins in the file."""
        begins, at = [], 0
        with tempfile.TemporaryDirectory() as folder:
            patterns, file = Path(folder, "patterns"), Path(folder, "texts")
            patterns.write_text(listing, encoding="utf-8")
            with file.open("wb") as out:
                for utf8 in utf8_of(texts):
                    begins.append(at)
                    at += out.write(utf8) + out.write(_END)
            command = ["rg", *_OPTIONS, "--threads=1", "--no-config", "--color=never", f"--file={patterns}", str(file)]
            # What grep has long said by 1: nothing was found.
            done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode not in {0, 1}:
            raise RuntimeError(f"rg: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.splitlines(), begins

    def found_in(texts: pa.Array) -> tuple[np.ndarray, np.ndarray, list[int]]:
        lines, begins = search(texts)
        pairs = [line.split(b":", 1) for line in lines]
        at = np.array([int(offset) for offset, _ in pairs], np.int64)
        row = np.searchsorted(np.array(begins, np.int64), at, side="right") - 1
        return row, at - np.array(begins, np.int64)[row], [term_of[string] for _, string in pairs]

    def find(texts: pa.Array) -> pa.Table:
        row, start, term = found_in(texts)
        return rows_table(row, start, np.array(term, np.int64))

    def contains(texts: pa.Array) -> pa.Table:
        return texts_table(np.unique(found_in(texts)[0]))

    jobs: dict[str, Callable[[pa.Array], pa.Table]] = {"leftmost-longest": find, "contains": contains}
    return jobs[job]
