"""Clean: repaired text, and where each part of it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Clean:
    """Repaired text, and where each part of it came from.

    text         the text
    runs         int64[n_runs, 3]   clean_start, raw_start, length: ascending by clean_start; what no run holds was
                                    put in (a line end, a blank between words)
    aside        clean offset from which on running heads and feet stand, each on a line of its own
    repairs      how often each repair was made
    """

    text: str
    runs: NDArray[np.int64]
    aside: int
    repairs: dict[str, int]

    def raw(self, clean: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the raw offset of each clean offset; of what was put in, that of the next character."""
        if not len(self.runs):
            return np.zeros(len(clean), np.int64)
        run = np.clip(np.searchsorted(self.runs[:, 0], clean, side="right") - 1, 0, None)
        inside = np.minimum(clean - self.runs[run, 0], self.runs[run, 2])
        return self.runs[run, 1] + np.maximum(inside, 0)


def cut_out(text: str, clean: Clean | None, spans: Sequence[tuple[int, int]], repair: str) -> Clean:
    """Return the clean text without some spans of it, ascending and apart, and count them as `repair`.

    clean   None: `text` is raw

    >>> cut_out("制45定了", None, [(1, 3)], "page_numbers").runs.tolist()
    [[0, 0, 1], [1, 3, 2]]
    """
    if clean is None:
        clean = Clean(text, np.array([[0, 0, len(text)]], np.int64), len(text), {})
    begin = np.array([start for start, _ in spans], np.int64)
    end = np.array([stop for _, stop in spans], np.int64)
    # What is left are the runs, cut where a span begins and ends; those within spans are empty then.
    first, source, length = clean.runs.T
    cuts = np.unique(np.concatenate([begin, end]))
    pieces = np.unique(np.concatenate([first, cuts]))
    run = np.searchsorted(first, pieces, side="right") - 1
    pieces, run = pieces[run >= 0], run[run >= 0]
    stop = np.minimum(np.append(pieces[1:], len(clean.text)), first[run] + length[run])
    removed = np.concatenate([[0], np.cumsum(end - begin)])
    before = np.searchsorted(begin, pieces, side="right")
    inside = (before > 0) & (pieces < end[np.maximum(before - 1, 0)])
    kept = ~inside & (stop > pieces)
    # A run that a span cuts goes on behind it under the offsets of what is left.
    moved = pieces - removed[before]
    runs = np.stack([moved, source[run] + pieces - first[run], stop - pieces], axis=1)[kept]
    at = [0, *(each for span in spans for each in span), len(clean.text)]
    left = "".join(clean.text[low:high] for low, high in zip(at[::2], at[1::2], strict=True))
    aside = clean.aside - int(sum(max(0, min(stop, clean.aside) - start) for start, stop in spans))
    return Clean(
        left, runs.astype(np.int64), aside, clean.repairs | {repair: clean.repairs.get(repair, 0) + len(spans)}
    )
