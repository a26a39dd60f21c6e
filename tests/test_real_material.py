"""Real reports beside the checkout: counts made by others, and what the lexicons do to them."""

import csv
import re

import polars as pl
import pyarrow as pa
import pytest

import cipin
import naive
from cipin.matching.scanner import Scanner
from cipin.reading.parsed import REPAIRS
from cipin.reading.segment import find_clauses
from cipin.schema import text_column

#: Hits of the 76 terms, every one, letter by letter, by an independent count; and the least with folding.
COUNTED = {"000": (3693, 3696), "001": (1011, 1021), "003": (56, 56), "004": (362, 364)}
NEWS = 1354

#: False matches that no phrase can tell: a fragment of a table, and another sense of the word.
NOT_PHRASES = {"1064", "770"}


def bare(**policy):
    return cipin.Lexicon.load("wu2021").with_policy(match="all", boundaries="none", guards=False, **policy)


def seed(corpora, number):
    return next((corpora / "seeds").glob(f"{number}_*")).read_bytes().decode()


def scan(lexicon, texts, matcher):
    return Scanner(lexicon, matcher=matcher)(pa.table({"text": texts}), suppressed=True)


@pytest.mark.parametrize("number", COUNTED)
def test_counts_of_others(corpora, number):
    text = seed(corpora, number)
    exact, folded = COUNTED[number]
    for matcher in ("ahocorasick", "blocks"):
        assert len(scan(bare(fold=False), [text], matcher)) == exact
        assert len(scan(bare(), [text], matcher)) >= folded


def test_counts_of_news(corpora):
    texts = [path.read_bytes().decode() for path in sorted((corpora / "text" / "xwlb").glob("*.md"))]
    assert len(texts) == 825
    for matcher in ("ahocorasick", "blocks"):
        assert len(scan(bare(fold=False), texts, matcher)) == NEWS


@pytest.mark.parametrize("name", ["wu2021", "fintech-zh"])
def test_matchers_equal_the_oracle(corpora, name):
    lexicon = cipin.Lexicon.load(name)
    texts = [seed(corpora, "003"), *seed(corpora, "000").split("\n")[:: 1 if name == "wu2021" else 8]]
    if name == "fintech-zh":
        texts = texts[:60]  # the oracle looks for each of 300 guards of each hit anew
    expected = [
        (row, hit.term, hit.surface, hit.start, hit.end, hit.kept, hit.reason)
        for row, text in enumerate(texts)
        for hit in naive.find_hits(text, lexicon)
    ]
    for matcher in ("ahocorasick", "blocks"):
        found = scan(lexicon, texts, matcher)
        assert list(zip(*(found[name].to_pylist() for name in found.column_names), strict=True)) == expected


def lines_of(corpora):
    return seed(corpora, "000").rstrip("\n").split("\n")


def test_every_clause_has_a_hit_before_guards(corpora):
    lexicon = cipin.Lexicon.load("fintech-zh").with_policy(guards=False, boundaries="none")
    lines = lines_of(corpora)
    found = set(scan(lexicon, lines, "blocks")["row"].to_pylist())
    assert [line for row, line in enumerate(lines) if row not in found] == []


def test_false_matches_are_suppressed(corpora):
    with (corpora / "tables" / "false_positives.first-half.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = scan(cipin.Lexicon.load("fintech-zh"), [row["text"] for row in rows], "blocks").to_pylist()
    wrong = [
        row["line_no"]
        for at, row in enumerate(rows)
        if any(hit["row"] == at and hit["term"] == row["term"] and hit["kept"] for hit in found)
    ]
    assert len(rows) == 114
    assert set(wrong) <= NOT_PHRASES


def test_no_activity_is_suppressed(corpora):
    """Clauses that two annotators call an activity of the bank keep their hit."""
    lines = lines_of(corpora)
    with (corpora / "tables" / "labels.first-half.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["final_label"] == "activity"]
    texts = [lines[int(row["line_no"]) - 1] for row in rows]
    found = scan(cipin.Lexicon.load("fintech-zh"), texts, "blocks").to_pylist()
    kept = {(hit["row"], hit["term"]) for hit in found if hit["kept"]}
    lost = [(row["line_no"], row["term"]) for at, row in enumerate(rows) if (at, row["term"]) not in kept]
    assert lost == []


def test_each_line_of_the_clause_list_is_one_clause(corpora):
    text = seed(corpora, "000")
    spans, _ = find_clauses(text_column(pa.array([text])), "blank")
    found = [text[start:end] for start, end in zip(spans.start.tolist(), spans.end.tolist(), strict=True)]
    assert found == lines_of(corpora)


def test_counts_of_others_through_a_whole_run(corpora, tmp_path):
    """From files to tables, a listing page in its items: nothing is lost on the way."""
    run = cipin.run(corpora / "seeds", bare(fold=False), tmp_path / "out", skip=(), no_repair=REPAIRS)
    assert counts_of(run) == {number: exact for number, (exact, _) in COUNTED.items()}


def counts_of(run):
    found = run.hits.filter("kept").join(run.reports.select("report", "source"), on="report").collect()
    return dict(found["source"].str.slice(0, 3).value_counts().iter_rows())


def test_contents_of_the_white_paper_are_not_counted_twice(corpora, tmp_path):
    run = cipin.run(next((corpora / "seeds").glob("001*")), bare(fold=False), tmp_path / "out")
    skipped = run.hits.filter(pl.col("reason") == "skip:toc").collect()
    text = seed(corpora, "001")
    entries = [line for line in text.split("\n")[:160] if re.fullmatch(r".+\t\d+", line)]
    assert len(entries) == 111
    assert skipped["start"].max() < text.index(entries[-1]) + len(entries[-1])
    joined = 3  # terms that a page had cut in two
    assert counts_of(run)["001"] + len(skipped) == COUNTED["001"][0] + joined
    titles = run.sections.filter(pl.col("kind") == "body").collect()["title"].to_list()
    wanted = {"".join(entry.split("\t")[0].split()) for entry in entries}
    found = {"".join(title.split()) for title in titles if title}
    assert len({each for each in wanted if any(each.endswith(title) for title in found)}) >= 0.95 * len(wanted)
