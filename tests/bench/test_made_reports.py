"""Made-up reports: the gold counts are right, the filler is free of terms, and made texts look like reports."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import naive
from cipin.lexicon.fold import fold
from cipin.lexicon.model import Lexicon
from cipin.reading.formats import read_reports
from cipin.reading.identify import identify_name

ROOT = Path(__file__).resolve().parents[2]
NAMES = ROOT.parent / "shared" / "corpora" / "names"
SHIPPED = sorted(path.stem for path in (ROOT / "lexicons" / "cipin_lexicons").glob("*.toml"))


def load_script(name: str) -> ModuleType:
    """Import a module of bench/ as `python bench/made_reports.py` does, from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return importlib.import_module(name)


made = load_script("made_reports")
zipf = load_script("made_texts")
REPORTS = [(bank, year) for bank in made.BANKS for year in made.YEARS]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return made.write_demo(tmp_path_factory.mktemp("demo") / "reports")


@pytest.fixture(scope="module")
def texts() -> str:
    return "".join(made.made_texts(60, 20_000))


def count_hits(text: str, lexicon: Lexicon) -> Counter[str]:
    """Kept hits by term; one sentence at a time, which no term and no guard leaves, for the oracle is slow."""
    spellings = "|".join(re.escape(lexicon.spell(spelling)) for term in lexicon.terms for spelling in term.spellings)
    sentences = [each for each in re.split("[。\n]", text) if re.search(spellings, lexicon.spell(each))]
    return Counter(hit.term for each in sentences for hit in naive.find_hits(each, lexicon) if hit.kept)


def read_demo(paths: list[Path]) -> dict[tuple[str, int], str]:
    """Texts of the measured reports, by what the file names say."""
    facts = {path: identify_name(path.name) for path in paths}
    return {
        (facts[path].entity, facts[path].fiscal_year): report.text
        for path in paths
        for report in read_reports(path)
        if report.status == "measured"
    }


# ------------------------------------------------------------------------------------------------ the demonstration


def test_guarded_lexicon_finds_exactly_the_true_mentions(demo: list[Path]) -> None:
    lexicon = Lexicon.load("fintech-zh")
    found = {key: dict(sorted(count_hits(text, lexicon).items())) for key, text in read_demo(demo).items()}
    assert found == made.demo_expected()


def test_bare_list_finds_false_friends_too_and_no_variants(demo: list[Path]) -> None:
    lexicon = Lexicon.load("wu2021")
    names = {lexicon.spell(term.name) for term in lexicon.terms}
    expected: dict[tuple[str, int], Counter[str]] = {key: Counter() for key in made.demo_expected()}
    for mention in made.demo_mentions():
        if lexicon.spell(mention.surface) in names:
            expected[mention.bank, mention.year][mention.term] += 1
    assert {key: count_hits(text, lexicon) for key, text in read_demo(demo).items()} == expected


def test_every_false_friend_and_variant_is_there() -> None:
    mentions = made.demo_mentions()
    assert {each.term for each in mentions if not each.true} == {"大数据", "流计算", "5G", "网联", "金融科技"}
    surfaces = {each.surface for each in mentions if each.true}
    assert {"ＦｉｎＴｅｃｈ", "５Ｇ", "人工智慧", "行動支付", "大數據", "移动互联网"} <= surfaces


@pytest.mark.parametrize("lexicon", SHIPPED)
def test_filler_holds_no_term(lexicon: str) -> None:
    terms = Lexicon.load(lexicon).terms
    filler = [fold(made.demo_report(bank, year, {})[0]) for bank, year in REPORTS]
    found = {spelling for term in terms for spelling in term.spellings for text in filler if fold(spelling) in text}
    assert not found


def test_one_report_has_no_term_and_one_is_damaged(demo: list[Path]) -> None:
    expected = made.demo_expected()
    assert [key for key, row in expected.items() if not row] == [made.WITHOUT_TERMS]
    reports = {(identify_name(path.name).entity, identify_name(path.name).fiscal_year): path for path in demo}
    assert sorted(set(reports) - set(expected)) == [made.DAMAGED]
    (report,) = read_reports(reports[made.DAMAGED])
    assert (report.status, report.reason) == ("quarantined", "binary")


def test_names_parse_to_eight_banks_and_five_years(demo: list[Path]) -> None:
    facts = [identify_name(path.name) for path in demo]
    assert [(each.entity, each.fiscal_year) for each in facts] == [(bank.name, year) for bank, year in REPORTS]


def test_encodings_and_formats(demo: list[Path]) -> None:
    reports = [report for path in demo for report in read_reports(path)]
    assert Counter(each.encoding for each in reports) == {"utf-8": 37, "gb18030": 1, "utf-16-le": 1, "": 1}
    assert Counter(each.format for each in reports) == {"text": 30, "markdown": 10}
    assert not [each.flags for each in reports if each.flags]


def test_lengths(demo: list[Path]) -> None:
    lengths = [len(text) for text in read_demo(demo).values()]
    assert min(lengths) > 3000
    assert max(lengths) < 8000


def test_traditional_bank_writes_no_simplified_characters() -> None:
    bank = next(bank for bank in made.BANKS if bank.traditional)
    for year in made.YEARS:
        made.demo_report(bank, year)[0].encode("big5hkscs")  # raises at a character that only Simplified has


@pytest.mark.parametrize(
    ("term", "least", "most"),
    [("人工智能", 2, 9), ("区块链", 2, 9), ("数字金融", 2, 9), ("互联网金融", 0, 0.5)],
)
def test_story_from_first_year_to_last(term: str, least: float, most: float) -> None:
    first, last = (
        sum(row.get(term, 0) for (_, year), row in made.demo_expected().items() if year == end)
        for end in (made.YEARS[0], made.YEARS[-1])
    )
    assert least * first <= last <= most * first


@pytest.mark.parametrize("term", ["大数据", "云计算"])
def test_story_levels_off(term: str) -> None:
    rows = made.demo_expected().items()
    totals = [sum(row.get(term, 0) for (_, each), row in rows if each == year) for year in made.YEARS]
    assert totals[2] > 1.4 * totals[0]
    assert max(totals[2:]) < 1.15 * min(totals[2:])


def test_demo_is_the_same_twice(demo: list[Path], tmp_path: Path) -> None:
    assert [path.read_bytes() for path in made.write_demo(tmp_path)] == [path.read_bytes() for path in demo]


@pytest.mark.skipif(not NAMES.is_dir(), reason="the lists of real names are not here")
def test_no_bank_is_real() -> None:
    lists = (NAMES / "bank_list.js", NAMES / "company_short_names.txt")
    real = fold("".join(path.read_text(encoding="utf-8") for path in lists))
    assert not [name for name in (*(bank.name for bank in made.BANKS), "禾岚金融") if fold(name) in real]


# ------------------------------------------------------------------------------------------------ any amount of text


def test_made_texts_depend_on_seed_and_number_alone() -> None:
    five = list(made.made_texts(5, 2000, seed=7))
    assert list(made.made_texts(3, 2000, seed=7)) == five[:3]
    assert list(made.made_texts(3, 2000, seed=8)) != five[:3]


def test_mean_length_and_spread() -> None:
    lengths = sorted(map(len, made.made_texts(400, 3000)))
    assert sum(lengths) / len(lengths) == pytest.approx(3000, rel=0.1)
    assert lengths[-40] / lengths[40] > 2.5  # log-normal, sigma 0.5: 3.6


@pytest.mark.parametrize("hits_per_10k", [0, 3, 100])
def test_density_of_mentions(hits_per_10k: int) -> None:
    rare = ["\u9f98\u9f98\u9f98", "\u7228\u9ea4"]  # characters that no word has, so that none comes about by chance
    text = "".join(made.made_texts(40, 20_000, hits_per_10k=hits_per_10k, terms=rare))
    found = sum(map(text.count, rare))
    assert found == pytest.approx(hits_per_10k * len(text) / 10_000, rel=0.1, abs=0)
    assert text.count(rare[0]) >= text.count(rare[1])


def test_few_mentions_come_about_by_chance() -> None:
    text = "".join(made.made_texts(40, 20_000, hits_per_10k=0))
    assert sum(map(text.count, zipf.TERMS)) < len(text) / 10_000


def new_pairs(text: str, n_pairs: int) -> int:
    pairs = [a + b for run in re.findall("[\u4e00-\u9fff]+", text) for a, b in pairwise(run)]
    return len(set(pairs[:n_pairs]))


def han_share(text: str) -> float:
    return len(re.findall("[\u4e00-\u9fff]", text)) / len(re.sub(r"\s", "", text))


def clause_chars(text: str) -> float:
    clauses = [clause for clause in re.split("[，。；：\n]", text) if clause.strip()]
    return sum(map(len, clauses)) / len(clauses)


def stops_per_1000_han(text: str) -> float:
    return 1000 * text.count("。") / len(re.findall("[\u4e00-\u9fff]", text))


def top_100_share(text: str) -> float:
    counts = Counter(re.findall("[\u4e00-\u9fff]", text))
    return sum(count for _, count in counts.most_common(100)) / counts.total()


# Ranges: what half a dozen real texts about banks and the government's reports have, a little widened.
@pytest.mark.parametrize(
    ("measure", "least", "most"),
    [
        (han_share, 0.84, 0.93),
        (clause_chars, 10, 18),
        (stops_per_1000_han, 12, 14.5),
        (top_100_share, 0.49, 0.60),
        (lambda text: new_pairs(text, 20_000), 6_000, 9_500),
        (lambda text: new_pairs(text, 100_000), 22_000, 31_000),
        (lambda text: len(re.findall("[A-Za-z]", text)) / len(text) * 1000, 6, 36),
        (lambda text: len(re.findall("[0-9]", text)) / len(text) * 1000, 12, 36),
        (lambda text: text.count("\t") / len(text) * 1000, 1, 8),
    ],
    ids=["han", "clause", "stops", "top 100", "pairs 20k", "pairs 100k", "latin", "digits", "tabs"],
)
def test_statistics(texts: str, measure, least: float, most: float) -> None:
    assert least <= measure(texts) <= most


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"mean_chars": 0}, "mean_chars = 0"), ({"mean_chars": 9, "terms": ()}, "no terms; give some")],
)
def test_made_texts_refuse(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(made.made_texts(1, **arguments))


# ------------------------------------------------------------------------------------------------ command line


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.main([str(tmp_path / "demo")]) == 0
    assert made.main([str(tmp_path / "made"), "--reports", "3", "--chars", "900", "--seed", "5"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "40 reports" in err
    assert "3 reports" in err
    assert len(list((tmp_path / "demo").iterdir())) == 40
    files = sorted((tmp_path / "made").iterdir())
    assert [path.read_text(encoding="utf-8") for path in files] == list(made.made_texts(3, 900, 5))


def test_command_line_refuses_a_length_without_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        made.main([str(tmp_path), "--chars", "900"])
    assert "--reports" in capsys.readouterr().err
