"""Gates that noise does not flip and a loss does not pass, each held to a build that was slowed on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

import callgrind
import instructions
from definitions import Matching, read_matching, read_table, texts_of
from engines.slowed import TWICE_AND_A_HALF, build_slowed
from instructions import Count
from matching import prepare
from race import ROUNDS, Timing, add_rounds, cpu_seconds

#: Where the slowed build is measured: a lexicon for each of the two kernels.
SLOWED = ("long-60-all", "long-500-all")
COUNTED_SLOWED = ("long-60-all", "long-5k-all")


def by_name(name: str) -> Matching:
    """Return a benchmark of matching."""
    return next(each for each in read_matching() if each.name == name)


@pytest.mark.quick
@pytest.mark.parametrize("name", SLOWED)
def test_a_slowed_build_misses_its_floors(name: str, show: Callable[[Timing], None]) -> None:
    """A build that takes two and a half times as long misses a floor, however often it is tried."""
    race = prepare(by_name(name), quick=True)
    if len(race.entrants) == 1:
        pytest.skip(f"no peer to compare with: {race.notes}")
    definition = race.definition
    first, *peers = race.entrants
    texts = texts_of(definition.corpus, definition.source)
    slowed = build_slowed(definition.source.lexicon(definition.job), definition.job, TWICE_AND_A_HALF)
    slow = replace(
        race,
        definition=replace(definition, name=f"{name}, slowed", question="Does the gate see a build that was slowed?"),
        entrants={**race.entrants, first: partial(slowed, texts)},
    )
    seconds: dict[str, list[float]] = {entrant: [] for entrant in slow.entrants}
    add_rounds(seconds, slow.entrants, cpu_seconds, ROUNDS)
    timing = slow.timing(seconds)
    show(timing)
    # Not that of each: a peer that is slow on a processor, against where floors were found, lets more pass.
    assert timing.missed.keys() <= set(peers)
    assert timing.missed


@pytest.fixture(scope="module")
def counted() -> dict[str, Count]:
    """Instructions of this build and of the slowed one; skips, with a reason, where they cannot be counted."""
    if callgrind.absence():
        pytest.skip(callgrind.absence())
    stored = read_table(instructions.PATH)["counts"]
    slowed = {f"{name} slowed": case for name, case in instructions.cases(COUNTED_SLOWED, "slowed").items()}
    return instructions.count(instructions.cases(stored) | slowed)


@pytest.mark.quick
def test_instructions_are_no_more_than_they_were(counted: dict[str, Count]) -> None:
    """No benchmark needs 3 % more instructions than what is stored, if the compiler is the one that it was."""
    stored = read_table(instructions.PATH)
    lost = instructions.losses({name: counted[name] for name in stored["counts"]}, stored["counts"])
    if stored["versions"] != instructions.versions():
        others = {name: f"{stored['versions'].get(name)} → {now}" for name, now in instructions.versions().items()}
        pytest.skip(f"counted with others: {others}; look at it, then bench/instructions.py --renew. Lost: {lost}")
    assert not lost, f"{lost}; if it is worth it: bench/instructions.py --renew"


@pytest.mark.quick
def test_instructions_show_a_tenth(counted: dict[str, Count]) -> None:
    """A build with a tenth of needless work is above the limit, against what this build needs."""
    slowed = {name: counted[f"{name} slowed"] for name in COUNTED_SLOWED}
    lost = instructions.losses(slowed, {name: _stored(counted[name]) for name in COUNTED_SLOWED})
    assert set(lost) == set(COUNTED_SLOWED)
    assert not instructions.losses(counted, {name: _stored(each) for name, each in counted.items()})


def _stored(count: Count) -> dict[str, float]:
    return {"per_byte": count.per_byte, "per_call": count.per_call}
