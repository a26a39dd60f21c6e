"""A benchmark of matching, made ready: engines that have given the right rows, each with the texts it is timed on."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from definitions import FOLDER, Engine, Matching, checksum, read_table, texts_of
from engines.cipin_blocks import kernel_path
from engines.rows import Find
from race import MORE, ROUNDS, Timing, add_rounds, cpu_seconds, time_once

#: Seconds that an engine may take for a round; a slower one gets a quarter of the texts, a sixteenth, and so on.
MOST_SECONDS, MOST_SECONDS_QUICK = 0.35, 0.25


@dataclass(frozen=True, slots=True)
class Race:
    """Engines ready for the clock.

    entrants   by name, the first first
    amounts    bytes of text that each goes through
    floors     of this definition, on the kernels that this processor takes
    notes      why an engine does not take part, or why its rows are others
    """

    definition: Matching
    entrants: Mapping[str, Callable[[], object]]
    amounts: Mapping[str, int]
    floors: Mapping[str, float]
    notes: Mapping[str, str]

    def timing(self, seconds: Mapping[str, list[float]]) -> Timing:
        """Return the result, with more rounds where a floor is missed."""
        found = Timing(
            self.definition.name, self.definition.question, self.amounts, seconds, self.floors, notes=self.notes
        )
        for _ in range(MORE):
            if not found.missed:
                break
            again = {entrant: self.entrants[entrant] for entrant in (next(iter(self.entrants)), *found.missed)}
            add_rounds(seconds, again, cpu_seconds, ROUNDS)
        return found


def floors_of(definition: Matching, path: str) -> dict[str, float]:
    """Return the floors of a benchmark on a path of cipin's kernels.

    Raises ValueError, with the benchmark's name, for a floor of an engine that does not take part or does other work.
    """
    floors: dict[str, float] = read_table(FOLDER / "floors.toml").get(path, {}).get(definition.name, {})
    strangers = set(floors) - {engine.name for engine in definition.engines[1:] if not engine.other_work}
    if strangers:
        raise ValueError(f"floors.toml, {path}, {definition.name!r}: {sorted(strangers)} are none of its peers")
    return floors


def prepare(definition: Matching, *, quick: bool = False, scale: int = 1) -> Race:
    """Build the engines, and check the rows of each.

    quick   only engines that have floors
    scale   so many times as many reports; then rows are compared among the engines, not with expected.toml

    Raises AssertionError, with the engine's name, if one gives other rows than it must.
    """
    lexicon = definition.source.lexicon(definition.job)
    corpus = replace(definition.corpus, reports=definition.corpus.reports * scale)
    texts = texts_of(corpus, definition.source)
    floors = floors_of(definition, kernel_path(lexicon))
    first, *peers = definition.engines
    peers = [peer for peer in peers if not quick or peer.name in floors]
    absent, present = _sort_out(peers, len(lexicon.patterns.strings), definition)

    find = first.build(lexicon, definition.job)
    # What is built stays: looked through before each round, it took half of the time that all took.
    gc.collect()
    gc.freeze()
    rows = find(texts)
    if scale == 1:
        assert (len(rows), checksum(rows)) == (definition.rows, definition.checksum), first.name
    entrants = {first.name: partial(find, texts)}
    amounts = {first.name: texts.nbytes}
    for peer, peer_find in present:
        share = texts if peer.whole else share_of(peer_find, texts, MOST_SECONDS_QUICK if quick else MOST_SECONDS)
        if not peer.other_work:
            expected = rows if len(share) == len(texts) else rows.filter(pc.less(rows["row"], len(share)))
            found = peer_find(share)
            assert (len(found), checksum(found)) == (len(expected), checksum(expected)), peer.name
        entrants[peer.name] = partial(peer_find, share)
        amounts[peer.name] = share.nbytes
    notes = absent | {peer.name: f"other work: {peer.other_work}" for peer, _ in present if peer.other_work}
    return Race(definition, entrants, amounts, floors, notes)


def share_of(find: Find, texts: pa.Array, most_seconds: float) -> pa.Array:
    """Return the first texts, so many that an engine is done in `most_seconds`: all, a quarter, a sixteenth, …

    Each is tried on a small share first, so that the slowest does not go through all.
    """
    for shift in (8, 6, 4, 2):
        share = texts.slice(0, max(1, len(texts) >> shift))
        if 4 * time_once(partial(find, share), cpu_seconds) > most_seconds:
            return share
    return texts


def _sort_out(
    peers: Iterable[Engine], n_patterns: int, definition: Matching
) -> tuple[dict[str, str], list[tuple[Engine, Find]]]:
    absent, present = {}, []
    lexicon = definition.source.lexicon(definition.job)
    for peer in peers:
        reason = peer.absence(n_patterns)
        if reason:
            absent[peer.name] = reason
            continue
        try:
            present.append((peer, peer.build(lexicon, definition.job)))
        except ValueError as error:
            absent[peer.name] = str(error)
    return absent, present
