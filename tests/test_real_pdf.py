"""Real PDFs and pages beside the checkout, through a whole run. Each is parsed once: the runs share a corpus."""

import csv
import json
import re

import pikepdf
import polars as pl
import pytest

import cipin
from cipin.lexicon.fold import fold
from cipin.reading.characters import VERTICAL_FORMS
from cipin.reading.corpus import source_key
from cipin.reading.formats import ReadOptions
from cipin.running.packs import find_stored, load_stored, open_place
from gold import compare

#: `B2B2C` holds B2B and B2C; the independent count takes both, the Latin boundary neither.
INSIDE_A_WORD = {("000001-平安银行__2017.0年度报告", "B2B"), ("000001-平安银行__2017.0年度报告", "B2C")}
#: Beside the terms of wu2021, words that stand on every page, and Latin ones.
COMMON = [
    "公司",
    "银行",
    "管理",
    "风险",
    "业务",
    "资产",
    "技术",
    "数据",
    "金融",
    "有限公司",
    "bank",
    "risk",
    "annual report",
]
FOLDERS = ("a-share", "taiwan", "hkex", "gold")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus") / "corpus"


@pytest.fixture(scope="module")
def annual(tmp_path_factory, corpora, corpus):
    lexicon = cipin.Lexicon.load("wu2021").with_policy(match="all")
    return cipin.run(corpora / "pdf" / "a-share", lexicon, tmp_path_factory.mktemp("annual") / "out", corpus=corpus)


def parsed_reports(run, corpus):
    """What was parsed of each source of a run, with its raw text."""
    stored = find_stored(open_place(corpus))
    for source, content in run.reports.select("source", "source_hash").collect().iter_rows():
        found = stored.get(source_key(content, source, ReadOptions()))
        (parsed,) = load_stored(open_place(corpus), found, with_raw=True)
        yield source, parsed


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
    pages = json.loads(flagged["page_flags"][flagged["source"].to_list().index("000001-平安银行__2001.0年度报告.pdf")])
    assert len(pages["lost_punctuation"].split(",")) > 10


#: Characters that a repair takes out of a line, and what it puts for others.
REPAIRED = str.maketrans(
    {**dict.fromkeys(" \u3000\u00a0\t\n\u00ad\u200b\u200c\u200d\u2060\ufeff"), "\ufffe": "-", **VERTICAL_FORMS}
)


def is_term(raw, surface):
    """Whether raw text is what was found, once repairs are removed: blanks, line ends, what stands between pages."""
    wanted = fold("".join(surface.split()))
    plain = fold(raw.translate(REPAIRED))
    if plain == wanted or plain.replace("-", "") == wanted.replace("-", ""):
        return True
    # Over a page: the term begins at a line's end and ends at a line's beginning, with whole lines between.
    lines = raw.split("\n")
    return len(lines) > 2 and fold((lines[0] + lines[-1]).translate(REPAIRED)) == wanted


@pytest.mark.parametrize("folder", FOLDERS)
def test_raw_text_of_each_hit_is_the_term(corpora, corpus, tmp_path, folder):
    """From hit to page: the raw text there, repairs removed, folds to what was found."""
    wu2021 = cipin.Lexicon.load("wu2021")
    terms = [spelling for term in wu2021.terms for spelling in (term.name, *term.variants)]
    lexicon = cipin.Lexicon.from_terms(list(dict.fromkeys([*terms, *COMMON])), match="all")
    run = cipin.run(corpora / "pdf" / folder, lexicon, tmp_path / "out", corpus=corpus)
    sources = run.reports.filter(pl.col("status") == "measured").select("report", "source")
    hits = run.hits.join(sources, on="report").sort("source").collect()
    parsed = dict(parsed_reports(run, corpus))
    wrong = []
    for source, page, start, end, surface in hits.select(
        "source", "page", "raw_start", "raw_end", "surface"
    ).iter_rows():
        raw = parsed[source].raw
        assert (page is None) == source.endswith(".txt")
        begin, after = (0, len(raw.text)) if page is None else raw.layout.page_start[page - 1 : page + 1].tolist()
        assert 0 <= start < end
        assert begin + start < after
        text = raw.text[begin + start : begin + end]
        if not is_term(text, surface):
            wrong.append((source, page, surface, text))
    assert not wrong, f"{len(wrong)} of {len(hits)}: {wrong[:5]}"
    assert len(hits) > 500


#: What is reached: character error rate, share of wraps joined, wraps falsely joined, share of paragraphs right.
#: Big5 and EUC lack characters (〇, 着) of the text, and so do those files.
REACHED = {
    "charspace": (0.0004, 1, 0, 1),
    "legacy_b5": (0.006, 1, 0, 1),
    "legacy_gb_euc_h": (0.0017, 1, 0, 1),
    "ttf_200p": (0, 0.998, 0, 0.995),
}


def test_made_pdfs_against_their_texts(corpora, corpus, tmp_path):
    run = cipin.run(corpora / "pdf" / "gold", "wu2021", tmp_path / "out", corpus=corpus)
    lines, missed = [], []
    for source, parsed in sorted(parsed_reports(run, corpus)):
        if not source.endswith(".pdf"):
            continue
        gold = (corpora / "pdf" / "gold" / source).with_suffix(".gold.txt").read_text("utf-8")
        score = compare(gold, parsed.clean.text[: parsed.clean.aside])
        lines.append(
            f"{source:24} {score.error_rate:8.4%} {score.joined:6}/{score.wraps:<6} {score.falsely:5}"
            f" {score.right:6}/{score.paragraphs}"
        )
        errors, joined, falsely, right = REACHED.get(source.removesuffix(".pdf"), (0, 1, 0, 1))
        if (
            score.error_rate > errors
            or score.joined < joined * score.wraps
            or score.falsely > falsely
            or score.right < right * score.paragraphs
        ):
            missed.append(lines[-1])
    print(
        "",
        f"{'file':24} {'errors':>8} {'joined':>6}/{'wraps':6} {'false':>5} {'right':>6}/paragraphs",
        *lines,
        sep="\n",
    )
    assert len(lines) == 12
    assert not missed


@pytest.mark.parametrize("source", ["gold/ttf_20p.pdf", "taiwan/202402_2379_AI1.pdf"])
def test_without_the_maps_of_its_fonts_a_report_is_not_measured(corpora, tmp_path, source):
    """What PDFium guesses then is no language, and its zeros would be none."""
    (tmp_path / "reports").mkdir()
    with pikepdf.open(corpora / "pdf" / source) as pdf:
        for each in pdf.objects:
            if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/Font" and "/ToUnicode" in each:
                del each["/ToUnicode"]
        pdf.save(tmp_path / "reports" / "a.pdf")
    run = cipin.run(tmp_path / "reports", "fintech-zh", tmp_path / "out", entity_from="none", year_from="value:2020")
    row = run.reports.collect().row(0, named=True)
    assert (row["status"], row["reason"]) == ("quarantined", "garbled")
    assert row["message"].endswith("read it by OCR first")


def test_listing_page(corpora, tmp_path):
    (path,) = (corpora / "seeds").glob("004_*")
    run = cipin.run(path, "fintech-zh", tmp_path / "out")
    reports = run.reports.collect()
    assert reports.height == 20
    assert (reports["status"] == "teaser").sum() == 15
    assert reports["title"].null_count() == 0
    assert all(re.fullmatch(r"2023-\d\d-\d\d", each) for each in reports["published"])


@pytest.mark.parametrize("folder", ["hard", "gold", "hkex", "taiwan"])
def test_no_file_is_lost(corpora, corpus, tmp_path, folder):
    """Each file is a row: measured, or quarantined with a reason and a way out."""
    run = cipin.run(corpora / "pdf" / folder, "fintech-zh", tmp_path / "out", corpus=corpus)
    reports = run.reports.collect()
    files = [path.name for path in (corpora / "pdf" / folder).iterdir()]
    assert sorted(reports["source"].to_list()) == sorted(files)
    lost = reports.filter(pl.col("status") != "measured")
    assert lost["reason"].null_count() == lost["message"].null_count() == 0
    assert set(lost["reason"].to_list()) <= {"encrypted", "no_text", "garbled", "malformed", "truncated"}
