"""Who and when through a whole run: reports, panel, evidence, and what the summary says of it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import cipin
from cipin.cli import main

PROSE = "客户体验不断改善，风险抵补能力充足。\n" * 6
ARTICLE = (
    f"多家银行科技投入盘点\n全行业推进大数据。\n01.中国工商银行\n推进大数据。\n{PROSE}02.农业银行\n推进云计算与大数据。\n{PROSE}"
    f"03.招商银行\n存款增长。\n{PROSE}相关内容\n大数据网站\n"
)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "a1.txt").write_text(ARTICLE, encoding="utf-8")
    (folder / "000001-深发展Ａ__2010.0年度报告.txt").write_text(f"推进大数据。\n{PROSE}", encoding="utf-8")
    (folder / "平安银行_2013年年报.txt").write_text(f"推进大数据。\n{PROSE}", encoding="utf-8")
    (folder / "甲公司_2013年年报.txt").write_text(f"乙集团有限公司\n2012年年报\n{PROSE}", encoding="utf-8")
    return folder


def run(reports: Path, **options: object) -> cipin.Run:
    return cipin.run(reports, "fintech-zh", reports.parent / "out", on="serial", **options)  # type: ignore[arg-type]


def test_one_bank_is_one_entity(reports: Path) -> None:
    rows = run(reports).reports.sort("source").collect()
    first = rows.row(0, named=True)
    assert (first["entity"], first["entity_as_written"], first["code"]) == ("平安银行", "深发展Ａ", "000001")
    assert (first["fiscal_year"], first["year_source"]) == (2010, "name:annual_report")
    assert first["entity_score"] == pytest.approx(0.9)
    assert json.loads(first["candidates"])["entity"][0] == ["平安银行", "深发展Ａ", "name", 0.9]
    assert rows.filter(pl.col("entity") == "平安银行").height == 2


def test_conflicts_are_flags_and_a_line_of_the_summary(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    done = run(reports)
    flags = dict(done.reports.select("source", "flags").collect().iter_rows())
    assert flags["甲公司_2013年年报.txt"] == ["entity_conflict", "year_conflict"]
    assert flags["平安银行_2013年年报.txt"] == []
    assert (done.summary["doubtful"]["entity_conflict"], done.summary["doubtful"]["year_conflict"]) == (1, 1)
    assert main(["run", str(reports), "-l", "fintech-zh", "-o", str(tmp_path / "o")]) == 0
    assert "1 report  whose name, cover and running heads name different entities" in capsys.readouterr().err


def test_each_bank_of_an_article_has_its_own_counts(reports: Path) -> None:
    done = run(reports)
    article = done.panel(by=["source", "entity"], level="lexicon").filter(pl.col("source") == "a1.txt").collect()
    # The tail is no bank's, and counted with the introduction.
    assert dict(zip(article["entity"], article["hits"], strict=True)) == {
        "农业银行": 2, "工商银行": 1, "招商银行": 0, None: 2,
    }  # fmt: skip
    whole = done.reports.filter(pl.col("source") == "a1.txt").collect()
    assert article["chars"].sum() == whole["chars"].item()
    sections = done.sections.join(whole.lazy().select("report"), on="report").collect()
    assert sections["chars"].sum() == whole["chars"].item()
    assert done.kwic("大数据", entity="农业银行").collect().height == 1
    assert done.summary["doubtful"]["no_entity"] == 0


def test_running_heads_that_are_counted_stay_the_reports(reports: Path) -> None:
    done = run(reports, skip=())
    by_entity = done.panel(by=["source", "entity"], level="lexicon").collect()
    chars = dict(by_entity.group_by("source").agg(pl.col("chars").sum()).iter_rows())
    assert chars == dict(done.reports.select("source", "chars").collect().iter_rows())


def test_registry_none_leaves_names_as_they_are(reports: Path) -> None:
    rows = run(reports, registry=None).reports.sort("source").collect()
    assert rows["entity"].to_list() == ["深发展Ａ", None, "平安银行", "甲公司"]


def test_own_registry_and_its_hash(reports: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("机构,别名\n甲集团,甲公司\n甲集团,乙集团\n", encoding="gb18030")
    first = run(reports, registry=mine)
    assert first.reports.filter(pl.col("entity") == "甲集团").collect()["flags"].to_list() == [["year_conflict"]]
    assert first.manifest["options"]["registry"].startswith("mine:")
    mine.write_text("机构,别名\n甲集团,甲公司\n", encoding="gb18030")
    assert run(reports, registry=mine).manifest["options"]["registry"] != first.manifest["options"]["registry"]


def test_a_bad_registry_is_refused_before_anything_is_written(reports: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("entity,name\n甲,甲公司\n乙,甲公司\n", encoding="utf-8")
    with pytest.raises(cipin.UsageError, match=r"mine\.csv, row 3, column name: '甲公司' is a name of '甲', too"):
        run(reports, registry=mine)
    assert not (tmp_path / "out").exists()


def test_six_banks_of_a_real_article(corpora: Path, tmp_path: Path) -> None:
    (article,) = (corpora / "seeds").glob("003_*.txt")
    done = cipin.run(article, "wu2021", tmp_path / "out", on="serial")
    panel = done.panel(by=["entity"], level="lexicon").collect()
    assert panel["entity"].to_list()[-1] is None
    assert set(panel["entity"].drop_nulls()) == {"工商银行", "农业银行", "中国银行", "建设银行", "交通银行", "邮储银行"}
    assert (panel.drop_nulls("entity")["hits"] > 0).all()
    assert panel["chars"].sum() == done.reports.collect()["chars"].item()
