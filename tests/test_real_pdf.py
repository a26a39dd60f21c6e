"""Real PDFs and pages beside the checkout, through a whole run."""

import csv
import re

import polars as pl
import pytest

import cipin
from cipin.lexicon.fold import fold
from cipin.reading.formats import read_reports

#: `B2B2C` holds B2B and B2C; the independent count takes both, the Latin boundary neither.
INSIDE_A_WORD = {("000001-平安银行__2017.0年度报告", "B2B"), ("000001-平安银行__2017.0年度报告", "B2C")}


@pytest.fixture(scope="module")
def annual(tmp_path_factory, corpora):
    lexicon = cipin.Lexicon.load("wu2021").with_policy(match="all")
    return cipin.run(corpora / "pdf" / "a-share", lexicon, tmp_path_factory.mktemp("annual") / "out")


def counted(corpora):
    with (corpora / "tables" / "pab_wu76_counts.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            name = row["file"].removesuffix(".txt")
            if (corpora / "pdf" / "a-share" / f"{name}.pdf").exists():
                yield name, row["term"], int(row["count_raw"]), int(row["count_joined"])


def test_counts_of_an_independent_extraction(annual, corpora):
    """Never fewer hits than where lines were joined by others, and more than where they were not."""
    reports = annual.reports.select("report", pl.col("source").str.strip_suffix(".pdf").alias("name"))
    rows = annual.hits.filter("kept").join(reports, on="report").group_by("name", "term").len().collect()
    found = {(name, term): n for name, term, n in rows.iter_rows()}
    expected = list(counted(corpora))
    fewer = {(name, term) for name, term, _, joined in expected if found.get((name, term), 0) < joined}
    assert fewer <= INSIDE_A_WORD
    ours = sum(found.get((name, term), 0) for name, term, _, _ in expected if (name, term) not in INSIDE_A_WORD)
    assert ours >= 1.03 * sum(raw for name, term, raw, _ in expected if (name, term) not in INSIDE_A_WORD)
    assert found["000001-平安银行__2017.0年度报告", "大数据"] >= 16


def test_every_report_is_measured_and_the_doubtful_one_is_flagged(annual):
    reports = annual.reports.collect()
    assert reports["status"].unique().to_list() == ["measured"]
    flagged = reports.filter(pl.col("flags").list.contains("lost_punctuation"))
    assert "000001-平安银行__2001.0年度报告.pdf" in flagged["source"].to_list()


def test_raw_text_of_each_hit_is_the_term(annual, corpora):
    """From hit to page: the raw text there, repairs removed, folds to what was found."""
    hits = annual.hits.join(annual.reports.select("report", "source"), on="report").collect()
    raw = {
        source: next(read_reports(corpora / "pdf" / "a-share" / source)) for source in hits["source"].unique().to_list()
    }
    assert hits.height > 150
    for row in hits.iter_rows(named=True):
        report = raw[row["source"]]
        page = int(report.layout.page_start[row["page"] - 1])
        text = report.text[page + row["raw_start"] : page + row["raw_end"]]
        # What a join leaves out: the line end, and running heads between two pages.
        if "\n" not in text:
            assert text == row["surface"]
        else:
            first, last = text.split("\n", 1)[0].rstrip(), text.rsplit("\n", 1)[1].lstrip()
            assert fold(row["surface"]).startswith(fold(first)) or not first
            assert fold(row["surface"]).endswith(fold(last)) or not last


def test_listing_page(corpora, tmp_path):
    (path,) = (corpora / "seeds").glob("004_*")
    run = cipin.run(path, "fintech-zh", tmp_path / "out")
    reports = run.reports.collect()
    assert reports.height == 20
    assert reports["flags"].list.contains("teaser").sum() == 15
    assert reports["title"].null_count() == 0
    assert all(re.fullmatch(r"2023-\d\d-\d\d", each) for each in reports["published"])


@pytest.mark.parametrize("folder", ["hard", "gold", "hkex", "taiwan"])
def test_no_file_is_lost(corpora, tmp_path, folder):
    """Each file is a row: measured, or quarantined with a reason and a way out."""
    run = cipin.run(corpora / "pdf" / folder, "fintech-zh", tmp_path / "out")
    reports = run.reports.collect()
    files = [path.name for path in (corpora / "pdf" / folder).iterdir()]
    assert sorted(reports["source"].to_list()) == sorted(files)
    lost = reports.filter(pl.col("status") != "measured")
    assert lost["reason"].null_count() == lost["message"].null_count() == 0
    assert set(lost["reason"].to_list()) <= {"encrypted", "no_text", "malformed", "truncated"}
