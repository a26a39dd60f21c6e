"""Every engine of the benchmarks does the same work, and every definition can be read."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

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


definitions, race = load("definitions"), load("race")


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
    counts = {(row, number): text.count(term) for row, text in enumerate(TEXTS) for number, term in enumerate(TERMS)}
    return {(*cell, count) for cell, count in counts.items() if count}


def longest() -> set[tuple[int, int, int]]:
    """Of those that overlap, the first, then the longest."""
    kept: set[tuple[int, int, int]] = set()
    last = (-1, 0)
    for row, start, number in sorted(occurrences(), key=lambda each: (each[0], each[1], -len(TERMS[each[2]]))):
        if (row, start) >= last:
            kept.add((row, start, number))
            last = (row, start + len(TERMS[number].encode()))
    return kept


EXPECTED = {"all": occurrences(), "judged": longest(), "counts": counting()}
ENGINES = [
    ("cipin_blocks", "all"),
    ("cipin_blocks", "judged"),
    ("cipin_blocks", "counts"),
    ("cipin_ahocorasick", "all"),
    ("cipin_ahocorasick", "judged"),
    ("cipin_ahocorasick", "counts"),
    ("ahocorasick_rs", "all"),
    ("ahocorasick_rs", "judged"),
    ("ahocorasick_rs_dfa", "all"),
    ("ahocorasick_rs_dfa", "judged"),
    ("pyahocorasick", "all"),
    ("str_count", "counts"),
]


def lexicon_for(job: str) -> Lexicon:
    match = "leftmost-longest" if job == "judged" else "all"
    return Lexicon.from_terms(TERMS, match=match, fold=False, boundaries="none")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize(("engine", "job"), ENGINES)
def test_engines_agree(engine: str, job: str, kind: pa.DataType) -> None:
    found = definitions.build_engine(engine, lexicon_for(job), job)(pa.array(TEXTS, kind))
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    assert len(rows) == len(set(rows))
    assert set(rows) == EXPECTED[job]


@pytest.mark.parametrize(("engine", "job"), ENGINES)
def test_nothing_to_find(engine: str, job: str) -> None:
    assert len(definitions.build_engine(engine, lexicon_for(job), job)(pa.array(["", "无"]))) == 0


@pytest.mark.parametrize(
    ("engine", "job"),
    [("pyahocorasick", "judged"), ("pyahocorasick", "counts"), ("str_count", "all"), ("ahocorasick_rs", "counts")],
)
def test_engines_refuse_what_they_do_not_do(engine: str, job: str) -> None:
    with pytest.raises(ValueError, match=f"engine {engine}: it does not do the job '{job}'"):
        definitions.build_engine(engine, lexicon_for(job), job)


def test_a_peer_without_guards_refuses_to_judge_them() -> None:
    guarded = Lexicon.from_terms(["流计算"], guards={"流计算": ["现金流计算"]}, fold=False, boundaries="none")
    with pytest.raises(ValueError, match="does not do the job"):
        definitions.build_engine("ahocorasick_rs", guarded, "judged")


def test_definitions_are_whole() -> None:
    matching, runs = definitions.read_definitions()
    names = [each.name for each in (*matching, *runs)]
    assert len(set(names)) == len(names)
    assert all(each.question.endswith("?") for each in (*matching, *runs))
    assert all(each.rows and each.checksum for each in matching)
    assert {engine for each in matching for engine in each.engines} == {engine for engine, _ in ENGINES}


def test_a_floor_for_a_stranger_is_refused(tmp_path: Path) -> None:
    table = definitions.PATH.read_text(encoding="utf-8").replace("{ str_count = 5.0 }", "{ regex = 5.0 }")
    (tmp_path / "definitions.toml").write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match="'terms-76-counts': floors for \\['regex'\\]"):
        definitions.read_definitions(tmp_path / "definitions.toml")


def test_sampled_words_are_the_same_each_time() -> None:
    first = definitions.read_definitions()[0][0]
    five = definitions.make_lexicon(replace(first, lexicon=5))
    assert five == definitions.make_lexicon(replace(first, lexicon=5))
    assert {term.name for term in five.terms} <= set(definitions.jieba_words())


def test_checksum_knows_rows_and_not_their_order() -> None:
    table = pa.table({"row": [0, 1, 1], "start": [5, 3, 0], "pattern": [2, 2, 1]})
    assert definitions.checksum(table) == definitions.checksum(table.take([2, 0, 1]))
    assert definitions.checksum(table) != definitions.checksum(table.slice(1))
    assert definitions.checksum(table) != definitions.checksum(table.take([0, 1, 1]))


def test_a_missed_floor_is_named() -> None:
    seconds = {"first": [2.0, 1.0], "near": [1.5, 9.0], "far": [8.0, 4.0]}
    timing = race.Timing("t", "How fast?", 3_000_000, seconds, {"near": 2.0, "far": 2.0})
    assert timing.missed == {"near": 1.5}
    assert [line.split() for line in timing.lines()][2:] == [
        ["first", "1.0000", "1.5000", "3", "1.00"],
        ["near", "1.5000", "5.2500", "2", "1.50", "2.0"],
        ["far", "4.0000", "6.0000", "1", "4.00", "2.0"],
    ]
