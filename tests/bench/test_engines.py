"""Every engine of the benchmarks does the same work, and every definition can be read."""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

from cipin.lexicon.model import Lexicon

BENCH = Path(__file__).resolve().parents[2] / "bench"
TERMS = ("数字", "数字化", "数字化转型", "化转", "5G", "\U00020bb7野家", "A股")
TEXTS = ["推进数字化转型", "", "5G与A股，数字化", "\U00020bb7野家\U00020bb7野家的数字", "无"]


def load(name: str) -> ModuleType:
    """Import a module of bench/ from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module(name)


definitions, race, matching, rows_of = (load(name) for name in ("definitions", "race", "matching", "engines.rows"))


def occurrences() -> set[tuple[int, int, int]]:
    """Every (row, start in bytes, pattern), by looking at every position."""
    return {
        (row, len(text[:at].encode()), number)
        for row, text in enumerate(TEXTS)
        for at in range(len(text))
        for number, term in enumerate(TERMS)
        if text.startswith(term, at)
    }


def counting() -> set[tuple[int, int, int]]:
    counts = Counter((row, number) for row, _, number in occurrences())
    return {(*cell, count) for cell, count in counts.items()}


def longest() -> set[tuple[int, int, int]]:
    """Of those that overlap, the first, then the longest."""
    kept: set[tuple[int, int, int]] = set()
    last = (-1, 0)
    for row, start, number in sorted(occurrences(), key=lambda each: (each[0], each[1], -len(TERMS[each[2]]))):
        if (row, start) >= last:
            kept.add((row, start, number))
            last = (row, start + len(TERMS[number].encode()))
    return kept


EXPECTED = {
    "all": occurrences(),
    "leftmost-longest": longest(),
    "counts": counting(),
    "contains": {(row,) for row, _, _ in occurrences()},
}
EVERY = tuple(EXPECTED)
#: What each engine does; those of other work count words, and are held to no rows.
DOES: dict[str, tuple[str, ...]] = {
    "cipin_blocks": EVERY,
    "cipin_ahocorasick": EVERY,
    "ahocorasick_rs": EVERY,
    "ahocorasick_rs_dfa": EVERY,
    "daachorse": EVERY,
    "daachorse_chars": EVERY,
    "hyperscan": EVERY,
    "polars": EVERY,
    "pyahocorasick": EVERY,
    "ripgrep": ("leftmost-longest", "contains"),
    "str_count": ("counts", "contains"),
    "jieba": ("counts",),
    "rjieba": ("counts",),
}
ENGINES = definitions.read_engines()
SAME_WORK = [(name, job) for name, jobs in DOES.items() for job in jobs if not ENGINES[name].other_work]


def build(engine: str, lexicon: Lexicon, job: str) -> Callable[[pa.Array], pa.Table]:
    """Return an engine, or skip with the reason for which it is not there."""
    reason = ENGINES[engine].absence(len(lexicon.patterns.strings))
    if reason:
        pytest.skip(f"{engine}: {reason}")
    return ENGINES[engine].build(lexicon, job)


def lexicon_for(job: str) -> Lexicon:
    match = "leftmost-longest" if job == "leftmost-longest" else "all"
    return Lexicon.from_terms(TERMS, match=match, fold=False, boundaries="none")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize(("engine", "job"), SAME_WORK)
def test_engines_agree(engine: str, job: str, kind: pa.DataType) -> None:
    found = build(engine, lexicon_for(job), job)(pa.array(TEXTS, kind))
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    assert len(rows) == len(set(rows))
    assert set(rows) == EXPECTED[job]


@pytest.mark.parametrize(("engine", "job"), SAME_WORK)
def test_part_of_a_column_is_as_good_as_a_column(engine: str, job: str) -> None:
    find = build(engine, lexicon_for(job), job)
    texts = pa.array(["推进数字化转型，5G", *TEXTS, "无"])
    assert find(texts.slice(1, len(TEXTS))).equals(find(pa.array(TEXTS)))


@pytest.mark.parametrize(("engine", "job"), [(name, job) for name, jobs in DOES.items() for job in jobs])
def test_nothing_to_find(engine: str, job: str) -> None:
    assert len(build(engine, lexicon_for(job), job)(pa.array(["", "无"]))) == 0


@pytest.mark.parametrize(
    ("engine", "job"), [(name, job) for name, jobs in DOES.items() for job in EVERY if job not in jobs]
)
def test_engines_refuse_what_they_do_not_do(engine: str, job: str) -> None:
    with pytest.raises(ValueError, match=f"engine {engine}: it does not do the job '{job}'"):
        build(engine, lexicon_for(job), job)


@pytest.mark.parametrize("engine", ["jieba", "rjieba"])
def test_words_of_a_segmentation_are_counted(engine: str) -> None:
    find = build(engine, Lexicon.from_terms(["北京", "大学", "天安门"], fold=False, boundaries="none"), "counts")
    assert find(pa.array(["我爱北京天安门", "天安门，天安门"])).to_pydict() == {
        "row": [0, 0, 1], "pattern": [0, 2, 2], "count": [1, 1, 2],
    }  # fmt: skip


@pytest.mark.parametrize("engine", [name for name, jobs in DOES.items() if "leftmost-longest" in jobs][2:])
def test_a_peer_without_guards_refuses_to_judge_them(engine: str) -> None:
    guarded = Lexicon.from_terms(["流计算"], guards={"流计算": ["现金流计算"]}, fold=False, boundaries="none")
    with pytest.raises(ValueError, match="does not do the job"):
        build(engine, guarded, "leftmost-longest")


def test_an_absent_engine_says_why() -> None:
    engine = definitions.Engine("x", "?", needs="no_such_package", most=10)
    assert "no_such_package is not installed" in engine.absence(1)
    assert "no_such_program" in definitions.Engine("x", "?", needs="program:no_such_program").absence(1)
    assert definitions.Engine("x", "?", most=10).absence(10) == ""
    assert "11 patterns" in definitions.Engine("x", "?", most=10).absence(11)


def test_the_longest_of_those_that_overlap() -> None:
    start, end = zip(
        *((start, start + len(TERMS[number].encode())) for row, start, number in occurrences() if row == 0), strict=True
    )
    kept = rows_of.keep_longest(np.array(start), np.array(end))
    assert {start[at] for at in kept.tolist()} == {start for row, start, _ in longest() if row == 0}


def test_definitions_are_whole() -> None:
    cells, runs, readings = definitions.read_matching(), definitions.read_runs(), definitions.read_readings()
    names = [each.name for each in (*cells, *runs, *readings)]
    assert len(set(names)) == len(names)
    assert all(each.question.endswith("?") for each in (*cells, *runs, *readings))
    assert all(each.rows and each.checksum for each in cells), "run bench/expect.py"
    assert set(definitions.read_table(definitions.FOLDER / "expected.toml")) == {each.name for each in cells}
    assert {engine.name for each in cells for engine in each.engines} == set(ENGINES) == set(DOES)
    assert all(engine.licence for engine in ENGINES.values())


def test_quick_benchmarks_have_floors_on_every_path() -> None:
    floors = definitions.read_table(definitions.FOLDER / "floors.toml")
    quick = {each.name for each in definitions.read_matching() if each.quick}
    for path, cells in floors.items():
        assert quick <= set(cells), path
        for each in definitions.read_matching():
            matching.floors_of(each, path)


def test_a_floor_for_a_stranger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first = definitions.read_matching()[0]
    for stranger in ("regex", "jieba", first.engines[0].name):
        monkeypatch.setattr(matching, "read_table", lambda _, name=stranger: {"portable": {first.name: {name: 2.0}}})
        with pytest.raises(ValueError, match=f"{first.name!r}: \\['{stranger}'\\] are none of its peers"):
            matching.floors_of(first, "portable")


def test_sampled_words_are_the_same_each_time() -> None:
    five = definitions.Source("jieba", 5).lexicon("all")
    assert five == definitions.Source("jieba", 5).lexicon("all")
    assert {term.name for term in five.terms} <= set(definitions.jieba_words())
    assert len(definitions.Source("wu2021", 60).lexicon("all").terms) == 60


def test_slow_engines_get_a_share() -> None:
    texts = pa.array(["数字"] * 1000)

    def spin(column: pa.Array) -> pa.Table:
        deadline = time.process_time() + len(column) / 100
        while time.process_time() < deadline:
            pass
        return pa.table({})

    assert len(matching.share_of(lambda column: pa.table({}), texts, 0.8)) == 1000
    assert len(matching.share_of(spin, texts, 0.8)) == 62


def test_checksum_knows_rows_and_not_their_order() -> None:
    table = pa.table({"row": [0, 1, 1], "start": [5, 3, 0], "pattern": [2, 2, 1]})
    assert definitions.checksum(table) == definitions.checksum(table.take([2, 0, 1]))
    assert definitions.checksum(table) != definitions.checksum(table.slice(1))
    assert definitions.checksum(table) != definitions.checksum(table.take([0, 1, 1]))


def test_a_missed_floor_is_named() -> None:
    seconds = {"first": [2.0, 1.0], "near": [1.5, 9.0], "far": [8.0, 4.0]}
    amounts = {"first": 3_000_000, "near": 3_000_000, "far": 1_500_000}
    floors = {"near": 2.0, "far": 2.0, "absent": 2.0}
    notes = {"far": "slow", "absent": "not installed"}
    timing = race.Timing("t", "How fast?", amounts, seconds, floors, notes=notes)
    assert timing.missed == {"near": 1.5}
    assert [line.split() for line in timing.lines()][2:] == [
        ["first", "3.0", "1.0000", "1.5000", "3.0", "1.00"],
        ["near", "3.0", "1.5000", "5.2500", "2.0", "1.50", "2.0"],
        ["far", "1.5", "4.0000", "6.0000", "0.4", "8.00", "2.0", "slow"],
        ["absent", "skipped:", "not", "installed"],
    ]
