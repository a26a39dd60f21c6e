"""A report is a duplicate if another one has its text, or nearly all of its evidence; all pairs say the same."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cipin
from cipin.measuring import duplicates
from cipin.measuring.duplicates import DUPLICATES, find_duplicates

Row = tuple[str, str | None, int | None, str, str | None]


def find(rows: list[Row], evidence: dict[str, list[str]], **options: Any) -> list[tuple[Any, ...]]:
    reports = pl.LazyFrame(
        [(*row, "", "measured") for row in rows],
        schema={
            "report": pl.String, "entity": pl.String, "fiscal_year": pl.Int32, "source": pl.String,
            "content_hash": pl.String, "member": pl.String, "status": pl.String,
        }, orient="row",
    )  # fmt: skip
    clauses = pl.LazyFrame(
        [(report, at, text) for report, texts in evidence.items() for at, text in enumerate(texts)],
        schema={"report": pl.String, "clause": pl.Int32, "text": pl.String}, orient="row",
    )  # fmt: skip
    found = find_duplicates(reports, clauses, **options)
    assert found.schema == DUPLICATES
    return found.select("report", "other", "similarity", "containment", "kind").rows()


#: Twenty sentences, all unlike.
SAID = [f"本行第{'甲乙丙丁戊己庚辛壬癸'[at % 10]}{'东西'[at // 10]}分行推进大数据" for at in range(20)]
A, B = ("a", "甲银行", 2019, "1", "h1"), ("b", "甲银行", 2019, "2", "h2")


@pytest.mark.parametrize(
    ("rows", "evidence", "options", "expected"),
    [
        # The same text, whoever it is of and whatever evidence it has; the earliest stays.
        ([A, ("b", None, None, "0", "h1"), ("c", "乙银行", 2018, "9", "h1")], {}, {},
         [("a", "c", 1.0, 1.0, "exact"), ("b", "c", 1.0, 1.0, "exact")]),
        ([("a", None, None, "1", None), ("b", None, None, "2", None)], {}, {}, []),
        # Nearly the same evidence: the larger stays, whichever came first.
        ([A, B], {"a": SAID[:19], "b": SAID}, {}, [("a", "b", 19 / 20, 1.0, "near")]),
        ([A, B], {"a": SAID, "b": SAID[:18]}, {}, [("b", "a", 18 / 20, 1.0, "near")]),
        ([A, B], {"a": SAID, "b": SAID}, {}, [("b", "a", 1.0, 1.0, "near")]),
        # An abstract: all of it, or nine tenths, is in the report.
        ([A, B], {"a": SAID[:10], "b": SAID}, {}, [("a", "b", 0.5, 1.0, "contained")]),
        ([A, B], {"a": [*SAID[:9], "大数据"], "b": SAID}, {}, [("a", "b", 9 / 21, 0.9, "contained")]),
        ([A, B], {"a": [*SAID[:8], "大数据", "云"], "b": SAID}, {}, []),
        ([A, B], {"a": [*SAID[:8], "大数据", "云"], "b": SAID}, {"similarity": 0.8},
         [("a", "b", 8 / 22, 0.8, "contained")]),
        # Too few to say so, but for who says they are not; a clause that stands there twice is one.
        ([A, B], {"a": SAID[:9] * 2, "b": SAID}, {}, []),
        ([A, B], {"a": SAID[:9] * 2, "b": SAID}, {"least": 9}, [("a", "b", 9 / 20, 1.0, "contained")]),
        # Spelling and marks are nothing, numbers are something.
        ([A, B], {"a": [each.replace("数据", " 數據，") for each in SAID], "b": SAID}, {},
         [("b", "a", 1.0, 1.0, "near")]),
        ([A, B], {"a": [f"{each}1亿元" for each in SAID], "b": [f"{each}2亿元" for each in SAID]}, {}, []),
        # Of one entity, or of any, or of none.
        ([A, ("b", "乙银行", 2019, "2", "h2")], {"a": SAID, "b": SAID}, {}, []),
        ([A, ("b", None, 2019, "2", "h2")], {"a": SAID, "b": SAID}, {}, []),
        ([A, ("b", None, 2019, "2", "h2")], {"a": SAID, "b": SAID}, {"any_entity": True}, [("b", "a", 1, 1, "near")]),
        # Of two that hold it the one that it is more like; a year that is not known comes last.
        ([A, B, ("c", "甲银行", None, "0", "h3")], {"a": SAID[:10], "b": SAID, "c": SAID[:12]}, {},
         [("a", "c", 10 / 12, 1.0, "contained"), ("c", "b", 12 / 20, 1.0, "contained")]),
        # Of one that holds all of it and one that is more like it, the first.
        ([A, B, ("c", "甲银行", 2019, "3", "h3")], {"a": SAID[:10], "b": SAID, "c": [*SAID[:9], "大数据", "云"]}, {},
         [("a", "b", 0.5, 1.0, "contained")]),
        # What goes for its text is compared no more.
        ([A, B, ("c", "甲银行", 2019, "3", "h2")], {"a": SAID[:15], "b": SAID, "c": SAID}, {},
         [("a", "b", 0.75, 1.0, "contained"), ("c", "b", 1.0, 1.0, "exact")]),
        ([], {}, {}, []),
    ],
)  # fmt: skip
def test_cases(
    rows: list[Row], evidence: dict[str, list[str]], options: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert find(rows, evidence, **options) == expected


def naive(rows: list[Row], evidence: dict[str, list[str]], threshold: float, least: int) -> list[tuple[Any, ...]]:
    """Each report with each that stays rather than it."""
    sets = {report: frozenset(texts) for report, texts in evidence.items() if len(set(texts)) >= least}
    order = sorted((row for row in rows if row[0] in sets), key=lambda row: (-len(sets[row[0]]), row[2], row[3]))
    found = []
    for at, row in enumerate(order):
        those = []
        for place, other in enumerate(order[:at]):
            mine, others = sets[row[0]], sets[other[0]]
            similarity, containment = len(mine & others) / len(mine | others), len(mine & others) / len(mine)
            if row[1] == other[1] and containment >= threshold:
                kind = "near" if similarity >= threshold else "contained"
                those.append((-containment, -similarity, place, (row[0], other[0], similarity, containment, kind)))
        found += [min(those)[-1]] if those else []
    return sorted(found)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.lists(st.sampled_from(SAID[:7]), min_size=1, max_size=9), max_size=9),
    st.sampled_from([0.5, 0.6, 0.75, 0.8, 0.9, 1.0]),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_pairs_are_those_of_all_pairs(texts: list[list[str]], threshold: float, least: int, rng: random.Random) -> None:
    rows: list[Row] = [(f"r{at}", f"银行{rng.randrange(2)}", 2019, f"{at}", f"h{at}") for at in range(len(texts))]
    evidence = {f"r{at}": each for at, each in enumerate(texts)}
    expected = naive(rows, evidence, threshold, least)
    mixed = rng.sample(rows, len(rows))
    assert find(mixed, evidence, similarity=threshold, least=least) == expected


def test_many_reports_of_the_same_evidence() -> None:
    """Five thousand: 12 million pairs if all were compared."""
    rows: list[Row] = [(f"r{at:04}", "甲银行", 2019, f"{at:04}", f"h{at}") for at in range(5000)]
    found = find(rows, {row[0]: SAID[:12] for row in rows})
    assert found == [(row[0], "r0000", 1.0, 1.0, "near") for row in rows[1:]]


@pytest.mark.parametrize(("most", "expected"), [(1, []), (2, [("c", "b", 10 / 11, 1.0, "near")])])
def test_only_the_largest_that_hold_a_clause_are_compared(
    monkeypatch: pytest.MonkeyPatch, most: int, expected: list[tuple[Any, ...]]
) -> None:
    monkeypatch.setattr(duplicates, "MOST", most)
    large = [[f"{each}与云计算" for each in SAID], [f"{each}与物联网" for each in SAID]]
    evidence = {
        "k": large[0] + SAID[:5], "l": large[1] + SAID[5:10], "b": [*SAID[:10], "大数据"], "c": SAID[:10],
    }  # fmt: skip
    rows: list[Row] = [(name, "甲银行", 2019, name, name) for name in evidence]
    assert find(rows, evidence) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": 0.4}, "similarity = 0.4: give a number from 0.5 to 1"),
        ({"least": 0}, "least = 0: give a number of clauses"),
        ({"any_entity": 1}, "any_entity = 1: give True or False"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        find([A], {}, **options)


def test_of_a_run(tmp_path: Any) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    text = "。\n".join(SAID)
    (folder / "青禾银行_2019年年度报告.txt").write_text(text, encoding="utf-8")
    (folder / "青禾银行_2019年年度报告(1).txt").write_text(text, encoding="utf-8")
    (folder / "青禾银行_2019年年度报告摘要.txt").write_text("。\n".join(SAID[:12]), encoding="utf-8")
    run = cipin.run(folder, cipin.Lexicon.from_terms(["大数据"]), tmp_path / "out")
    source = dict(run.reports.select("report", "source").collect().iter_rows())
    found = [(source[row[0]], source[row[3]], *row[5:]) for row in run.duplicates().iter_rows()]
    assert sorted(found, key=lambda row: row[2]) == [
        ("青禾银行_2019年年度报告摘要.txt", "青禾银行_2019年年度报告(1).txt", 0.6, 1.0, "contained"),
        ("青禾银行_2019年年度报告.txt", "青禾银行_2019年年度报告(1).txt", 1.0, 1.0, "exact"),
    ]
