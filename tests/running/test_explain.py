"""From a hit back to where it stands, or why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import cipin

REPORT = "第一章 转型\n推进大数据应用，优化现金流计算。\n第二章 风险\n加强区 块 链研究，部署345George。\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> cipin.Run:
    folder = tmp_path_factory.mktemp("explained")
    (folder / "reports").mkdir()
    (folder / "reports" / "青禾银行_2019年年度报告.txt").write_text(REPORT, "utf-8")
    (folder / "reports" / "青禾银行_2020年年度报告.txt").write_text("存款增长。", "utf-8")
    (folder / "reports" / "松雪银行_2020年年度报告.pdf").write_bytes(b"%PDF-1.7\n")
    lexicon = cipin.Lexicon.from_terms(
        ["大数据", "流计算", "区块链", "5G"], guards={"流计算": ["现金流计算"]}, variants={"大数据": ["海量数据"]}
    )
    return cipin.run(folder / "reports", lexicon, folder / "out")


def test_a_hit_is_followed_back_to_its_text(run: cipin.Run) -> None:
    found = run.explain("青禾 2019", "海量数据")
    (hit,) = found.hits.to_dicts()
    assert (found.term, found.spellings) == ("大数据", ("大数据", "海量数据"))
    assert (hit["kept"], hit["section"], hit["kind"], hit["raw"]) == (True, "第一章 转型", "body", "大数据")
    assert "推进[大数据]应用" in hit["text"]
    assert found.why == ()


def test_a_report_is_named_by_its_id_too(run: cipin.Run) -> None:
    number = run.reports.filter(source="青禾银行_2019年年度报告.txt").collect()["report"].item()
    assert run.explain(number[:8], "大数据").report["report"] == number


@pytest.mark.parametrize(
    ("report", "term", "why"),
    [
        ("青禾 2019", "流计算", "not counted once, guard:现金流计算: it stands inside 现金流计算"),
        ("青禾 2019", "区块链", "parted by blanks or marks: “第二章 风险 加强区 块 链研究，部署345"),
        ("青禾 2019", "5G", "not counted once, boundary: letters, digits or a word go on beside it"),
        ("青禾 2020", "大数据", "none of 大数据, 海量数据 stands in its 5 characters"),
        ("松雪 2020", "大数据", "the report is quarantined (truncated), so nothing is known of it"),
    ],
)  # fmt: skip
def test_why_there_is_none(run: cipin.Run, report: str, term: str, why: str) -> None:
    found = run.explain(report, term)
    assert not found.hits["kept"].any()
    assert any(why in each for each in found.why), found.why


@pytest.mark.parametrize(
    ("report", "term", "message"),
    [
        ("远山", "大数据", "report '远山': there is none; give its id, or words of its path"),
        ("青禾", "大数据", "report '青禾': 2 are meant; say which, by its id"),
        ("青禾 2019", "大数居", "term '大数居': not in the lexicon of this run; near it: 大数据"),
    ],
)
def test_refused(run: cipin.Run, report: str, term: str, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        run.explain(report, term)


def test_without_store_the_file_is_read_again_if_it_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    path = tmp_path / "reports" / "甲银行2019年.txt"
    path.write_text("推进大数据应用", "utf-8")
    run = cipin.run(path.parent, "wu2021", tmp_path / "out", corpus="none")
    assert run.explain("甲", "大数据").hits["raw"].to_list() == ["大数据"]
    path.write_text("另一份", "utf-8")
    found = run.explain("甲", "大数据")
    assert found.hits["raw"].to_list() == [None]
    assert any("is no longer the file that was measured" in each for each in found.why)
