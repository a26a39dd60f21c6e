"""Association over tables and over runs of real text, against plain Python, jieba and each other."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import jieba
import numpy as np
import polars as pl
import pytest
from scipy import stats

import cipin
from cipin.measuring.cooccurrence import make_cooccurrence
from cipin.measuring.groups import Tables, find_parts, hits_of
from cipin.measuring.keyness import make_keyness
from cipin.running.association import cut_clauses

LEXICON = pl.LazyFrame(
    [("l", "丙", "数据", "大数据"), ("l", "甲", "云", "云计算"), ("l", "丙", "数据", "数据湖"),
     ("l", "甲", None, "区块链")],
    schema=["lexicon", "dimension", "category", "term"], orient="row",
)  # fmt: skip
#: report, entity, year, status, chars, clauses
REPORTS = [
    ("r1", "乙银行", 2019, "measured", 100, 10), ("r2", "乙银行", 2020, "measured", 200, 20),
    ("r3", "甲银行", 2019, "teaser", 300, 30), ("r4", "丁银行", 2019, "quarantined", None, None),
]  # fmt: skip
#: report, section, clause, sentence, term, kept
HITS = [
    ("r1", 0, 0, 0, "大数据", True), ("r1", 0, 0, 0, "大数据", True), ("r1", 0, 0, 0, "云计算", True),
    ("r1", 0, 1, 0, "大数据", True), ("r1", 0, 1, 0, "区块链", False), ("r1", 1, 5, 3, "数据湖", True),
    ("r2", 0, 2, 1, "大数据", True), ("r2", 0, 2, 1, "云计算", True), ("r2", 0, 3, 1, "数据湖", True),
    ("r2", None, None, None, "云计算", True), ("r3", 0, 0, 0, "云计算", True),
]  # fmt: skip
#: report, section, entity, chars, clauses
SECTIONS = [
    ("r1", 0, None, 60, 6), ("r1", 1, None, 40, 4), ("r2", 0, None, 200, 20), ("r3", 0, None, 300, 30),
    ("r3", 1, None, 0, 0),
]  # fmt: skip


def tables(reports: Any = REPORTS, hits: Any = HITS, sections: Any = SECTIONS) -> Tables:
    hit_schema = {
        "report": pl.String,
        "section": pl.Int32,
        "clause": pl.Int32,
        "sentence": pl.Int32,
        "term": pl.String,
        "kept": pl.Boolean,
    }
    all_hits = pl.LazyFrame(hits, schema=hit_schema, orient="row")
    return Tables(
        pl.LazyFrame(
            reports,
            schema={
                "report": pl.String,
                "entity": pl.String,
                "fiscal_year": pl.Int32,
                "status": pl.String,
                "chars": pl.Int64,
                "clauses": pl.Int64,
            },
            orient="row",
        ).with_columns(
            source=pl.col("report") + ".txt", han_chars=pl.col("chars") // 2, flags=pl.lit(None, pl.List(pl.String))
        ),
        pl.LazyFrame(
            sections,
            schema={
                "report": pl.String,
                "section": pl.Int32,
                "entity": pl.String,
                "chars": pl.Int64,
                "clauses": pl.Int64,
            },
            orient="row",
        ),
        all_hits.filter("kept").select("report", "clause", "sentence").unique().drop_nulls("clause"),
        all_hits.drop("sentence").with_columns(start=pl.lit(0), end=pl.lit(1)),
        LEXICON,
    )


# ------------------------------------------------------------------------------------------------ co-occurrence


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        # 大数据 in r1/0, r1/1, r2/2; 云计算 in r1/0, r2/2, r3/0: twice in a clause is once. 60 clauses.
        ("clause", {("大数据", "云计算"): (2, 3, 3, 60)}),
        # r2/1 holds all three; how many sentences there are is not known.
        ("sentence", {
            ("大数据", "云计算"): (2, 2, 3, None), ("大数据", "数据湖"): (1, 2, 2, None),
            ("云计算", "数据湖"): (1, 3, 2, None),
        }),
        # The hit that is in no section is in none; r3/1 has no text and is no unit.
        ("section", {
            ("大数据", "云计算"): (2, 2, 3, 4), ("大数据", "数据湖"): (1, 2, 2, 4), ("云计算", "数据湖"): (1, 3, 2, 4),
        }),
        ("report", {
            ("大数据", "云计算"): (2, 2, 3, 3), ("大数据", "数据湖"): (2, 2, 2, 3), ("云计算", "数据湖"): (2, 3, 2, 3),
        }),
    ],
)  # fmt: skip
def test_units(unit: Any, expected: dict[Any, Any]) -> None:
    frame = make_cooccurrence(tables(), unit).collect()
    rows = frame.select("term_a", "term_b", "both", "with_a", "with_b", "units").rows()
    assert {row[:2]: row[2:] for row in rows} == expected


def test_clause_pair_by_hand() -> None:
    row = make_cooccurrence(tables()).collect().row(0, named=True)
    # Expected 3 * 3 / 60 = 0.15; b in 2 of 3 clauses with a, in 1 of 57 without: log2((2/3) / (1/57)) = log2 38.
    assert row["expected"] == pytest.approx(0.15)
    assert row["log_ratio_ab"] == row["log_ratio_ba"] == pytest.approx(np.log2(38))
    assert (row["dice"], row["jaccard"]) == pytest.approx((4 / 6, 2 / 4))


def test_all_pairs_and_terms_that_never_occur() -> None:
    frame = make_cooccurrence(tables(), least=0).collect()
    assert frame.height == 6
    never = frame.filter(pl.col("term_b") == "区块链")
    assert never["with_b"].to_list() == [0, 0, 0]
    for column in ("pmi", "npmi", "log_likelihood", "log_ratio_ab"):
        assert never[column].to_list() == [None] * 3
    apart = frame.row(by_predicate=(pl.col("term_a") == "大数据") & (pl.col("term_b") == "数据湖"), named=True)
    assert (apart["both"], apart["pmi"], apart["npmi"], apart["dice"]) == (0, None, -1.0, 0.0)


def test_categories() -> None:
    frame = make_cooccurrence(tables(), "report", "category").collect()
    rows = frame.select("category_a", "category_b", "both", "with_a", "with_b").rows()
    assert rows == [("数据", "云", 2, 2, 3)]


def test_a_section_of_anothers_is_that_ones() -> None:
    # Of r1 (100 characters, 10 clauses) section 1 is 丁银行's: 40 and 4, with the hit of 数据湖.
    sections = [("r1", 1, "丁银行", 40, 4), ("r2", 0, "乙银行", 200, 20), *SECTIONS[:1]]
    parts = find_parts(tables(sections=sections))
    assert parts.frame.select("report", "entity", "chars", "clauses", "han_chars").rows() == [
        ("r1", "丁银行", 40, 4, None), ("r1", "乙银行", 60, 6, None), ("r2", "乙银行", 200, 20, 100),
        ("r3", "甲银行", 300, 30, 150),
    ]  # fmt: skip
    chosen = find_parts(tables(sections=sections), pl.col("entity") == "丁银行")
    assert hits_of(tables(sections=sections), chosen).collect()["term"].to_list() == ["数据湖"]
    counted = hits_of(tables(sections=sections), parts).collect()
    assert counted.height == sum(row[-1] for row in HITS)


# ------------------------------------------------------------------------------------------------ keyness


def key(a: pl.Expr | None, b: pl.Expr | None = None, **options: Any) -> pl.DataFrame:
    frame = make_keyness(tables(), a, b, **options).collect()
    assert not any(frame[each].is_nan().any() for each in frame.columns if frame[each].dtype == pl.Float64)
    return frame


def test_keyness_by_hand() -> None:
    frame = key(pl.col("year") == 2019, pl.col("year") == 2020)
    row = frame.row(by_predicate=pl.col("term") == "大数据", named=True)
    # 3 of 400 against 1 of 200: E 8/3, 4/3; LL 2 (3 ln(9/8) + ln(3/4)) = 0.131335; rates 75 and 50.
    assert [row[each] for each in ("count_a", "count_b", "reports_a", "reports_b", "size_a", "size_b")] == [
        3,
        1,
        1,
        1,
        400,
        200,
    ]
    assert (row["rate_a"], row["rate_b"], row["percent_diff"]) == pytest.approx((75.0, 50.0, 50.0))
    assert row["log_likelihood"] == pytest.approx(0.131334, abs=1e-6)
    assert row["log_ratio"] == pytest.approx(np.log2(1.5))
    assert row["bic"] == pytest.approx(row["log_likelihood"] - np.log(600))
    assert row["p"] == pytest.approx(stats.chi2.sf(row["log_likelihood"], 1))
    never = frame.row(by_predicate=pl.col("term") == "区块链", named=True)
    assert [never[each] for each in ("count_a", "log_likelihood", "log_ratio", "p", "q")] == [0, None, None, None, None]


def test_clauses_are_compared_by_four_cells() -> None:
    row = key(pl.col("year") == 2019, size="clauses").row(by_predicate=pl.col("term") == "大数据", named=True)
    assert [row[each] for each in ("count_a", "count_b", "size_a", "size_b")] == [2, 1, 40, 20]
    expected = stats.chi2_contingency([[2, 1], [38, 19]], correction=False, lambda_="log-likelihood").statistic
    assert row["log_likelihood"] == pytest.approx(expected, abs=1e-12)


def test_an_empty_group_compares_to_nothing() -> None:
    frame = key(pl.col("entity") == "无此银行")
    assert frame["size_a"].unique().to_list() == [0]
    for column in ("rate_a", "log_likelihood", "log_ratio", "percent_diff", "p", "q", "bic"):
        assert frame[column].null_count() == frame.height, column


def test_two_runs() -> None:
    frame = key(None, other=tables(reports=REPORTS[1:2]))
    assert frame.filter(pl.col("term") == "大数据").select("count_a", "count_b", "size_a", "size_b").rows() == [
        (4, 1, 600, 200)
    ]


def test_no_report_at_all() -> None:
    none = tables(reports=REPORTS[3:])
    assert make_cooccurrence(none).collect().height == 0
    assert make_cooccurrence(none, least=0).collect()["expected"].null_count() == 6
    assert make_keyness(none, pl.col("year") == 2019).collect()["p"].null_count() == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: key(pl.col("year") == 2019, pl.col("entity") == "乙银行"), "both choose 1 of 3 reports, such as 'r1"),
        (lambda: key(None), "give what sets a's reports apart"),
        (lambda: key("甲银行"), "a = '甲银行': give an expression"),  # type: ignore[arg-type]
        (lambda: key(pl.col("bank") == "x"), "no column 'bank'; reports are chosen by report, source"),
        (lambda: key(pl.col("entity") > 3), "a: .*mend the expression"),
        (lambda: key(pl.col("year")), "an expression of type Int32"),
        (lambda: key(pl.lit(value=True), level="word"), "level 'word': there are"),
        (lambda: key(pl.lit(value=True), size="pages"), "size 'pages': there are"),
        (lambda: make_cooccurrence(tables(), "page"), "unit 'page': there are"),  # type: ignore[arg-type]
        (lambda: make_cooccurrence(tables(), level="lexicon"), "level 'lexicon': there are 'term'"),
        (lambda: make_cooccurrence(tables(), least=-1), "least = -1"),
    ],
)  # fmt: skip
def test_what_there_is_not(call: Any, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        call()


# ------------------------------------------------------------------------------------------------ runs of text

WORDS = [
    "大数据",
    "云计算",
    "區塊鏈",
    "数字化转型",
    "平台",
    "应用",
    "建设",
    "客户",
    "风险",
    "5G",
    "AI",
    "信贷",
    "，",
    "。",
    "与",
    "\n",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> cipin.Run:
    chance = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("random")
    (folder / "reports").mkdir()
    for bank in ("青禾银行", "松雪银行", "远山银行"):
        for year in (2016, 2017, 2019, 2021):
            text = "".join(chance.choice(WORDS, 900))
            (folder / "reports" / f"{bank}_{year}年年度报告.txt").write_text(text, encoding="utf-8")
    lexicon = cipin.Lexicon.from_terms(["大数据", "云计算", "区块链", "数字化转型", "5G", "量子计算"])
    return cipin.run(folder / "reports", lexicon, folder / "out")


def held(run: cipin.Run) -> dict[tuple[str, int], set[str]]:
    found: dict[tuple[str, int], set[str]] = {}
    for row in run.hits.filter("kept").collect().iter_rows(named=True):
        found.setdefault((row["report"], row["clause"]), set()).add(row["term"])
    return found


def test_cooccurrence_of_a_run(run: cipin.Run) -> None:
    frame = run.cooccurrence().collect()
    units = run.reports.select(pl.col("clauses").sum()).collect().item()
    sets = list(held(run).values())
    seen = {frozenset(pair): 0 for pair in combinations(sorted(set().union(*sets)), 2)}
    for pair in seen:
        seen[pair] = sum(pair <= each for each in sets)
    assert frame.height == sum(n > 0 for n in seen.values()) > 5
    for row in frame.iter_rows(named=True):
        assert row["both"] == seen[frozenset((row["term_a"], row["term_b"]))]
        a, b, n = row["with_a"], row["with_b"], row["both"]
        table = [[n, a - n], [b - n, units - a - b + n]]
        expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        assert row["log_likelihood"] == pytest.approx(expected.statistic, rel=1e-9)
        assert row["expected"] == pytest.approx(expected.expected_freq[0][0])


def test_keyness_of_a_run_adds_up(run: cipin.Run) -> None:
    frame = run.keyness(pl.col("entity") == "青禾银行", size="han_chars").collect()
    panel = run.panel(["entity"]).collect()
    for row in frame.iter_rows(named=True):
        counts = panel.filter(pl.col("term") == row["term"])
        mine = counts.filter(pl.col("entity") == "青禾银行")["hits"].sum()
        assert (row["count_a"], row["count_b"]) == (mine, counts["hits"].sum() - mine)


def test_clauses_are_cut_as_jieba_cuts_them(run: cipin.Run) -> None:
    texts = run.clauses.collect()["text"]
    frame = cut_clauses(texts, "word", fold_text=False)
    for at, text in enumerate(texts):
        words = jieba.cut(text, HMM=False)
        expected = [
            each for each in words if "\u4e00" <= each[0] <= "\u9fd5" or (each[0].isascii() and each[0].isalnum())
        ]
        mine = frame.filter(pl.col("clause") == at)
        assert mine["word"].to_list() == expected
        assert [text[low:high] for low, high in mine.select("start", "end").iter_rows()] == expected
        assert mine["position"].to_list() == list(range(len(expected)))


@pytest.mark.parametrize("window", [None, 1, 3])
def test_collocates_of_a_run(run: cipin.Run, window: int | None) -> None:
    frame = run.collocates("大数据", window, least=1).collect()
    clauses = {(row["report"], row["clause"]): row for row in run.clauses.collect().iter_rows(named=True)}
    hits: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for row in run.hits.filter(pl.col("kept") & (pl.col("term") == "大数据")).collect().iter_rows(named=True):
        begin = clauses[row["report"], row["clause"]]["start"]
        hits.setdefault((row["report"], row["clause"]), []).append((row["start"] - begin, row["end"] - begin))
    near: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    for at, clause in clauses.items():
        cut = cut_clauses(pl.Series([clause["text"]]), "word", fold_text=True).rows()
        if at not in hits:
            for *_, word in cut:
                elsewhere[word] = elsewhere.get(word, 0) + 1
            continue
        node = {n for _, n, low, high, _ in cut if any(low < e and high > s for s, e in hits[at])}
        chosen = set()
        for start, end in hits[at]:
            before = [n for _, n, _, high, _ in cut if high <= start]
            behind = [n for _, n, low, _, _ in cut if low >= end]
            chosen |= set(before[-window:] if window else before) | set(behind[:window] if window else behind)
        for n in chosen - node:
            near[cut[n][-1]] = near.get(cut[n][-1], 0) + 1
    assert dict(frame.select("word", "near").iter_rows()) == near
    assert sum(near.values()) == frame["near_words"][0]
    assert sum(elsewhere.values()) == frame["other_words"][0]
    for row in frame.iter_rows(named=True):
        n, other = row["near"], elsewhere.get(row["word"], 0)
        assert row["elsewhere"] == other
        table = [[n, other], [row["near_words"] - n, row["other_words"] - other]]
        expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert row["log_likelihood"] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_characters_around_a_term(run: cipin.Run) -> None:
    frame = run.collocates("大数据", 1, around="character", least=1).collect()
    assert {len(word) for word in frame["word"]} == {1}


def test_a_term_without_a_hit_has_no_collocates(run: cipin.Run) -> None:
    assert run.collocates("量子计算").collect().height == 0


def test_one_term_alone_compares_to_nothing(run: cipin.Run, tmp_path: Path) -> None:
    alone = cipin.run(Path(run.out).parent / "reports", cipin.Lexicon.from_terms(["大数据"]), tmp_path / "out")
    frame = alone.collocates("大数据").collect()
    assert frame.height > 5
    for column in ("expected", "log_likelihood", "mi", "t_score", "log_ratio"):
        assert frame[column].null_count() == frame.height, column
    with pytest.raises(cipin.UsageError, match="by different lexicons"):
        run.keyness(other=alone, level="dimension")
    compared = run.keyness(other=alone).collect()
    # What only one of them looked for has no count in the other.
    assert compared.filter(pl.col("term") == "云计算")["count_b"].to_list() == [None]


def test_dispersion_and_trends_of_a_run(run: cipin.Run) -> None:
    spread = run.dispersion().collect()
    assert spread["parts"].unique().to_list() == [12]
    assert spread.filter(pl.col("term") == "量子计算").select("range", "d", "dp").rows() == [(0, None, None)]
    trends = run.trends(["entity"]).collect()
    assert trends.height == 3 * 6
    assert trends["years"].unique().to_list() == [4]
    panel = run.panel(measures=["per_10k_chars"]).collect()
    for row in trends.iter_rows(named=True):
        cells = panel.filter((pl.col("entity") == row["entity"]) & (pl.col("term") == row["term"]))
        assert row["slope"] == pytest.approx(stats.linregress(cells["year"], cells["per_10k_chars"]).slope, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.collocates("大数居"), "not in the lexicon of this run; near it: 大数据"),
        (lambda run: run.collocates("大数据", 0), "window = 0"),
        (lambda run: run.collocates("大数据", around="letter"), "around 'letter': there are 'word', 'character'"),
        (lambda run: run.keyness(pl.col("year") == 2016, size="words"), "words were not counted"),
        (lambda run: run.keyness(other="out"), "other = 'out': give a run"),
        (lambda run: run.dispersion(parts_by="bank"), "parts_by 'bank': there are"),
        (lambda run: run.trends(measure="speed"), "measure 'speed': there are"),
        (lambda run: run.trends(["year"]), "by 'year': there are 'entity'"),
    ],
)  # fmt: skip
def test_arguments_of_runs(run: cipin.Run, call: Any, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        call(run)
