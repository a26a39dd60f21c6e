"""A repeat is a clause whose form an earlier one of its entity has, or nearly; all pairs say the same."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from clauses_alike import LONG, form, grams
from hypothesis import given, settings
from hypothesis import strategies as st

import cipin
from cipin.measuring import kernels
from cipin.measuring.repeats import REPEATS, find_repeats, mark_repeats, new_and_repeated

Report = tuple[str, str | None, int | None, str]
Clause = tuple[str, int, str]


def reports_of(rows: Iterable[Report], status: str = "measured") -> pl.LazyFrame:
    return pl.LazyFrame(
        [(*row, "", status) for row in rows],
        schema={
            "report": pl.String, "entity": pl.String, "fiscal_year": pl.Int32, "source": pl.String,
            "member": pl.String, "status": pl.String,
        }, orient="row",
    )  # fmt: skip


def clauses_of(rows: Iterable[Clause]) -> pl.LazyFrame:
    schema = {"report": pl.String, "clause": pl.Int32, "text": pl.String}
    return pl.LazyFrame(list(rows), schema=schema, orient="row").with_columns(section=pl.lit(0, pl.Int32))


def jaccard(one: str, other: str) -> float:
    """Of the forms of two texts; 1 for the same form, 0 where only the same form counts."""
    one, other = form(one), form(other)
    if one == other:
        return float(bool(one))
    if min(len(one), len(other)) < 8:
        return 0.0
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b)


REPORTS = [
    ("r18", "甲银行", 2018, "a/2018"), ("r19", "甲银行", 2019, "b/2019"), ("r19s", "甲银行", 2019, "c/2019摘要"),
    ("r20", "甲银行", 2020, "a/2020"), ("s19", "乙银行", 2019, "a/2019乙"), ("n", None, 2020, "n"),
    ("m", None, 2021, "n2"), ("y", "甲银行", None, "y"), ("a19", "甲银行", 2019, "d/2019"),
]  # fmt: skip


def find(*clauses: Clause, **options: Any) -> list[tuple[Any, ...]]:
    found = find_repeats(reports_of(REPORTS), clauses_of(clauses), **options)
    assert found.schema == REPEATS
    columns = ["report", "clause", "first_report", "first_clause", "first_year", "similarity", "kind", "scope"]
    return found.select(columns).rows()


@pytest.mark.parametrize(
    ("clauses", "options", "expected"),
    [
        ([("r18", 3, "投入１２.５亿元，大數據"), ("r19", 7, "投入 3,000 亿元：大数据。")], {},
         [("r19", 7, "r18", 3, 2018, 1.0, "exact", "earlier_year")]),
        ([("r18", 3, "投入１２.５亿元，大數據"), ("r19", 7, "投入 3,000 亿元：大数据。")], {"digits": True}, []),
        # The first of 14 grams is another one: 13 in common, of 15.
        ([("r18", 0, LONG), ("r20", 0, LONG.replace("本行", "我行"))], {},
         [("r20", 0, "r18", 0, 2018, 13 / 15, "near", "earlier_year")]),
        ([("r18", 0, LONG), ("r20", 0, LONG.replace("平台", "中台"))], {}, []),
        ([("r18", 0, LONG), ("r20", 0, LONG.replace("平台", "中台"))], {"similarity": 0.6},
         [("r20", 0, "r18", 0, 2018, 11 / 17, "near", "earlier_year")]),
        ([("r18", 0, LONG), ("r20", 0, LONG.replace("本行", "我行"))], {"similarity": 1}, []),
        # The first of all, not the last.
        ([("r18", 9, LONG), ("r19", 1, LONG), ("r20", 1, LONG)], {}, [
            ("r19", 1, "r18", 9, 2018, 1.0, "exact", "earlier_year"),
            ("r20", 1, "r18", 9, 2018, 1.0, "exact", "earlier_year"),
        ]),
        # The same words before words that are nearly the same and older; an earlier year before the same words.
        ([("r18", 0, "我" + LONG), ("r19", 0, LONG), ("r19s", 0, LONG), ("r20", 0, LONG)], {}, [
            ("r19", 0, "r18", 0, 2018, 14 / 15, "near", "earlier_year"),
            ("r19s", 0, "r18", 0, 2018, 14 / 15, "near", "earlier_year"),
            ("r20", 0, "r19", 0, 2019, 1.0, "exact", "earlier_year"),
        ]),
        # An abstract beside the report repeats it; by source, not by name of the report.
        ([("r19s", 0, LONG), ("r19", 5, LONG)], {}, [("r19s", 0, "r19", 5, 2019, 1.0, "exact", "same_year")]),
        ([("a19", 0, LONG), ("r19s", 5, LONG)], {}, [("a19", 0, "r19s", 5, 2019, 1.0, "exact", "same_year")]),
        ([("r19", 5, LONG), ("r19", 2, LONG), ("r19", 9, LONG)], {}, []),
        ([("r19", 5, LONG), ("r19", 2, LONG), ("r19", 9, "又" + LONG)], {"same_report": True}, [
            ("r19", 5, "r19", 2, 2019, 1.0, "exact", "same_report"),
            ("r19", 9, "r19", 2, 2019, 14 / 15, "near", "same_report"),
        ]),
        # A clause of a later report repeats that of an earlier year though its own report has it twice.
        ([("r18", 0, LONG), ("r20", 1, LONG), ("r20", 2, LONG)], {}, [
            ("r20", 1, "r18", 0, 2018, 1.0, "exact", "earlier_year"),
            ("r20", 2, "r18", 0, 2018, 1.0, "exact", "earlier_year"),
        ]),
        ([("r18", 0, LONG), ("s19", 0, LONG)], {}, []),
        ([("n", 0, LONG), ("m", 0, LONG), ("y", 0, LONG), ("r20", 0, LONG)], {}, []),
        # Short ones in the same words alone; one character, too; what has no word never.
        ([("r18", 0, "大数据平台建"), ("r20", 0, "大数据平台建"), ("r20", 1, "大数据平台建设")], {"similarity": 0.5},
         [("r20", 0, "r18", 0, 2018, 1.0, "exact", "earlier_year")]),
        ([("r18", 0, "云"), ("r20", 0, "云"), ("r18", 1, "5"), ("r20", 1, "6")], {}, [
            ("r20", 0, "r18", 0, 2018, 1.0, "exact", "earlier_year"),
            ("r20", 1, "r18", 1, 2018, 1.0, "exact", "earlier_year"),
        ]),
        ([("r18", 0, "——"), ("r20", 0, "——"), ("r18", 1, ""), ("r20", 1, "")], {}, []),
        # No chain: the third is like the second, not like the first.
        ([("r18", 0, LONG), ("r19", 0, LONG + "之推广"), ("r20", 0, LONG + "之推广及经验")], {}, [
            ("r19", 0, "r18", 0, 2018, 14 / 17, "near", "earlier_year"),
            ("r20", 0, "r19", 0, 2019, 17 / 20, "near", "earlier_year"),
        ]),
    ],
)  # fmt: skip
def test_cases(clauses: list[Clause], options: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert find(*clauses, **options) == expected


def test_whose_a_section_is_decides() -> None:
    sections = pl.LazyFrame(
        {"report": ["r20"], "section": [4], "entity": ["乙银行"], "chars": [9]}, schema_overrides={"section": pl.Int32}
    )
    clauses = clauses_of([("r18", 0, LONG), ("s19", 3, LONG), ("r20", 0, LONG), ("r20", 1, LONG)])
    clauses = clauses.with_columns(section=pl.when(pl.col("clause") == 1).then(4).otherwise(0).cast(pl.Int32))
    found = find_repeats(reports_of(REPORTS), clauses, sections)
    assert found.select("clause", "entity", "first_report").rows() == [(0, "甲银行", "r18"), (1, "乙银行", "s19")]


def test_a_report_that_was_not_measured_is_not_compared() -> None:
    reports = pl.concat([reports_of(REPORTS[:1], "quarantined"), reports_of(REPORTS[3:4], "teaser")])
    clauses = clauses_of([("r18", 0, LONG), ("r20", 0, LONG)])
    assert find_repeats(reports, clauses).is_empty()
    assert len(find_repeats(reports_of(REPORTS), clauses)) == 1


def test_empty_tables() -> None:
    assert find() == []
    found = find_repeats(reports_of([]), clauses_of([]))
    assert (found.height, found.schema) == (0, REPEATS)


@pytest.mark.parametrize("value", [0.49, 1.01, float("nan"), "0.8", True, None])
def test_a_similarity_out_of_range_is_refused(value: Any) -> None:
    with pytest.raises(cipin.UsageError, match=r"similarity = .*: give a number from 0.5 to 1"):
        find(similarity=value)


# ------------------------------------------------------------------------------------------------ all pairs

WORDS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动"
    "同工也能下过子说产种面而方后多定行学法所民得经"
)


def perturbed(seed: int, entities: int = 6, years: int = 6, each: int = 40) -> tuple[list[Report], list[Clause]]:
    """Sentences that an entity carries on, changes a little, or drops for new ones."""
    rng = random.Random(seed)
    reports, clauses = [], []
    for entity in range(entities):
        texts = ["".join(rng.choices(WORDS, k=rng.randint(9, 60))) for _ in range(each)]
        for year in range(years):
            report = f"{entity}-{year}"
            reports.append((report, f"银行{entity}", 2010 + year, f"{rng.random()}"))
            for at, text in enumerate(texts):
                clauses.append((report, at, text))
                changed = list(text)
                for _ in range(rng.choice([0, 1, 1, 2, 3])):
                    place = rng.randrange(len(changed))
                    changed[place : place + rng.randint(0, 1)] = rng.choice(WORDS)
                texts[at] = "".join(changed) if rng.random() < 0.85 else "".join(rng.choices(WORDS, k=20))
    return reports, clauses


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pairs_are_those_of_all_pairs(seed: int) -> None:
    reports, clauses = perturbed(seed)
    place = {row[0]: row[1:3] for row in reports}
    text = {(report, clause): each for report, clause, each in clauses}
    found = find_repeats(reports_of(reports), clauses_of(clauses))
    got = {(row["report"], row["clause"]): row for row in found.iter_rows(named=True)}
    for key, row in got.items():  # none that is not
        first = (row["first_report"], row["first_clause"])
        assert row["similarity"] == pytest.approx(jaccard(text[key], text[first]), abs=1e-12)
        assert row["similarity"] >= 0.8
        assert row["kind"] == ("exact" if form(text[key]) == form(text[first]) else "near")
        assert place[first[0]] == (row["entity"], row["first_year"])
        assert row["first_year"] < row["year"] == place[key[0]][1]
    wanted, earliest, sure = 0, 0, 0
    for key, each in text.items():  # all that are
        entity, year = place[key[0]]
        before = [(place[other[0]][1], jaccard(each, that), form(each) == form(that)) for other, that in text.items()
                  if place[other[0]][0] == entity and place[other[0]][1] < year]  # fmt: skip
        if same := [y for y, _, is_same in before if is_same]:
            assert (got[key]["kind"], got[key]["first_year"]) == ("exact", min(same))
        if like := [y for y, value, _ in before if value >= 0.85]:
            sure += 1
            wanted += key in got
            earliest += key in got and got[key]["first_year"] <= min(same or like)
    assert sure > 300
    assert wanted / sure >= 0.98
    assert earliest / sure >= 0.98


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(REPORTS), st.text("大数据0１，云A", max_size=12)), max_size=14))
def test_the_same_words_are_all_found(rows: list[tuple[Report, str]]) -> None:
    order = {row[0]: (row[2], row[3]) for row in REPORTS}
    whose = {row[0]: row[1] for row in REPORTS}
    clauses = [(report[0], at, text) for at, (report, text) in enumerate(rows)]
    expected = []
    for report, at, text in clauses:
        entity = whose[report]
        same = [
            (order[other[0]], other[1], other[0]) for other in clauses
            if entity is not None and order[report][0] is not None and order[other[0]][0] is not None
            and whose[other[0]] == entity
            and form(other[2]) == form(text) != ""
        ]  # fmt: skip
        if same and (first := min(same))[2] != report:
            expected.append((report, at, first[2], first[1]))
    found = find(*clauses, similarity=1)
    assert [row[:4] for row in found] == sorted(expected)


def test_the_order_of_rows_and_files_changes_nothing(tmp_path: Path) -> None:
    reports, clauses = perturbed(9)
    expected = find_repeats(reports_of(reports), clauses_of(clauses))
    assert len(expected) > 100
    for seed in (1, 2):
        rng = random.Random(seed)
        mixed, others = rng.sample(clauses, len(clauses)), rng.sample(reports, len(reports))
        assert find_repeats(reports_of(others), clauses_of(mixed)).equals(expected)
        for at in range(3):
            clauses_of(mixed[at::3]).collect().write_parquet(tmp_path / f"{seed}-{at}.parquet")
        files = pl.scan_parquet([tmp_path / f"{seed}-{at}.parquet" for at in (2, 0, 1)])
        assert find_repeats(reports_of(others), files).equals(expected)


def test_other_entities_change_nothing() -> None:
    reports, clauses = perturbed(4)
    mine = [row for row in reports if row[1] == "银行3"]
    alone = find_repeats(reports_of(mine), clauses_of([row for row in clauses if row[0] in {each[0] for each in mine}]))
    assert len(alone) > 20
    assert find_repeats(reports_of(reports), clauses_of(clauses)).filter(entity="银行3").equals(alone)


# ------------------------------------------------------------------------------------------------ much of the same


def took(reports: list[Report], clauses: list[Clause]) -> tuple[pl.DataFrame, float]:
    frames = reports_of(reports), clauses_of(clauses)
    find_repeats(*frames)  # compiled, and in the cache
    begin = time.process_time()
    return find_repeats(*frames), time.process_time() - begin


def test_a_hundred_thousand_equal_clauses() -> None:
    clauses = [("r18" if at < 50_000 else "r20", at, LONG) for at in range(100_000)]
    found, seconds = took(REPORTS, clauses)
    assert len(found) == 50_000
    assert found["first_clause"].unique().to_list() == [0]
    assert seconds < 10  # takes 0.1 s; all pairs would be 5 billion


def test_fifty_thousand_clauses_that_are_nearly_equal() -> None:
    # Four characters differ, at the end: at least 26 of 34 grams are those of the first.
    text = "本行坚持以客户为中心持续推进大数据与人工智能的应用"
    clauses = [
        ("r18" if at < 25_000 else "r20", at, text + "".join(WORDS[(at // 60**place) % 60] for place in range(3)))
        for at in range(50_000)
    ]
    found, seconds = took(REPORTS, clauses)
    assert len(found) == 25_000
    assert found["similarity"].min() >= 0.8
    assert seconds < 20  # takes 0.5 s


def test_many_that_share_a_key_and_are_not_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded looks: the work for a key that very many share grows with their number, not with its square."""
    n = 30_000
    sets = np.arange(3 * n, dtype=np.int64)
    offsets = np.arange(0, 3 * n + 1, 3, dtype=np.int64)
    zeros, order = np.zeros(n, np.int64), np.arange(n)
    best, alike = np.full(n, n), np.zeros(n)
    # The last is like the one before it and the first, between which all others stand.
    sets[-3:] = sets[-6:-3] = sets[:3]
    kernels.find_alike(zeros[:9], order[:9], zeros[:9], sets, offsets, 0.8, 64, best[:9].copy(), alike[:9].copy())
    begin = time.process_time()
    kernels.find_alike(zeros, order, zeros, sets, offsets, 0.8, 64, best, alike)
    assert time.process_time() - begin < 5
    assert best[-2:].tolist() == [0, 0]
    assert (best[:-2] == n).all()
    # Not among the first 64: found among the last.
    sets[:3] = -1
    sets[300:303] = sets[-3:]
    best[:] = n
    kernels.find_alike(zeros, order, zeros, sets, offsets, 0.8, 64, best, alike)
    assert best[-2:].tolist() == [n, n - 2]


def test_sets_of_two_owners_are_not_compared_though_their_keys_are_the_same() -> None:
    sets, offsets = np.array([1, 2, 3] * 3), np.array([0, 3, 6, 9])
    best, alike = np.full(3, 3), np.zeros(3)
    zeros, owner = np.zeros(3, np.int64), np.array([1, 2, 1])
    kernels.find_alike(zeros, np.arange(3), owner, sets, offsets, 0.8, 64, best, alike)
    assert (best.tolist(), alike.tolist()) == ([3, 3, 0], [0.0, 0.0, 1.0])


# ------------------------------------------------------------------------------------------------ hits without them

HITS = pl.LazyFrame(
    [
        ("r18", 0, "大数据", True), ("r18", None, "大数据", True), ("r19", 0, "大数据", True),
        ("r19s", 0, "大数据", True), ("r20", 0, "大数据", True), ("r20", 0, "大数据", True), ("r20", 1, "云计算", True),
        ("r20", 0, "平台", False), ("y", 0, "云计算", True), ("s19", 0, "大数据", True),
    ],
    schema={"report": pl.String, "clause": pl.Int32, "term": pl.String, "kept": pl.Boolean}, orient="row",
).with_columns(lexicon=pl.lit("l"), section=pl.lit(0, pl.Int32))  # fmt: skip
MARKED = [("r18", 0, LONG), ("r19", 0, "大数据" * 5), ("r19s", 0, "大数据" * 5), ("r20", 0, LONG), ("r20", 1, "云计算"),
          ("y", 0, "云计算"), ("s19", 0, LONG)]  # fmt: skip


def test_hits_are_marked() -> None:
    repeats = find_repeats(reports_of(REPORTS), clauses_of(MARKED))
    assert repeats.select("report", "scope").rows() == [("r19s", "same_year"), ("r20", "earlier_year")]
    marked = mark_repeats(HITS, repeats).collect()
    assert marked.drop("repeated").equals(HITS.collect())
    assert [at for at, each in enumerate(marked["repeated"]) if each] == [4, 5, 7]
    both = mark_repeats(HITS, repeats, ["earlier_year", "same_year"]).collect()
    assert [at for at, each in enumerate(both["repeated"]) if each] == [3, 4, 5, 7]
    with pytest.raises(cipin.UsageError, match="scopes 'last_year': there are 'earlier_year', "):
        mark_repeats(HITS, repeats, ["last_year"])


def test_new_and_repeated_hits() -> None:
    repeats = find_repeats(reports_of(REPORTS), clauses_of(MARKED))
    rows = new_and_repeated(reports_of(REPORTS), HITS, repeats).collect()
    assert rows.columns == ["entity", "year", "lexicon", "term", "hits", "new_hits", "repeated_hits", "first_year"]
    assert rows.drop("lexicon").rows() == [
        ("乙银行", 2019, "大数据", 1, 1, 0, 2019),
        ("甲银行", 2020, "云计算", 1, 1, 0, 2020), ("甲银行", None, "云计算", 1, 1, 0, 2020),
        ("甲银行", 2018, "大数据", 2, 2, 0, 2018), ("甲银行", 2019, "大数据", 2, 2, 0, 2018),
        ("甲银行", 2020, "大数据", 2, 0, 2, 2018),
    ]  # fmt: skip


def test_a_run_with_and_without_repeats(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    same = "本行持续推进大数据平台建设与应用，投入{}亿元。"
    for year, more in ((2018, ""), (2019, "云计算全面铺开。"), (2020, "大数据人才倍增。")):
        (folder / f"青禾银行_{year}年年度报告.txt").write_text(same.format(year) + more, encoding="utf-8")
    run = cipin.run(folder, cipin.Lexicon.from_terms(["大数据", "云计算"]), tmp_path / "out")
    assert run.repeats().select("year", "first_year", "kind", "scope").sort("year").rows() == [
        (2019, 2018, "exact", "earlier_year"),
        (2020, 2018, "exact", "earlier_year"),
    ]
    cells = ["year", "term", "hits", "clauses"]
    every, new = run.panel().collect(), run.panel(repeats="new").collect()
    assert every.select(cells).sort("year", "term").rows() == [
        (2018, "云计算", 0, 0), (2018, "大数据", 1, 1), (2019, "云计算", 1, 1), (2019, "大数据", 1, 1),
        (2020, "云计算", 0, 0), (2020, "大数据", 2, 2),
    ]  # fmt: skip
    assert new.select(cells).sort("year", "term").rows() == [
        (2018, "云计算", 0, 0), (2018, "大数据", 1, 1), (2019, "云计算", 1, 1), (2019, "大数据", 0, 0),
        (2020, "云计算", 0, 0), (2020, "大数据", 1, 1),
    ]  # fmt: skip
    assert new.drop("hits", "clauses").equals(every.drop("hits", "clauses"))
    split = run.new_and_repeated().collect()
    joined = split.join(new, on=["entity", "year", "term"], suffix="_new")
    assert (joined["new_hits"] == joined["hits_new"]).all()
    assert (split["hits"] == split["new_hits"] + split["repeated_hits"]).all()
    assert run.new_and_repeated(run.repeats(similarity=1)).collect().equals(split)
    with pytest.raises(cipin.UsageError, match="repeats 'old': there are 'all', 'new'"):
        run.panel(repeats="old")  # type: ignore[arg-type]
