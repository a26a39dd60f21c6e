"""Which reports a run takes, how it names them, and which calls it refuses."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from runs import rows, run_texts

import cipin


def test_same_text_twice_is_two_reports(tmp_path: Path) -> None:
    run = run_texts(tmp_path, {"甲银行2019年.txt": "推进大数据。", "乙银行2019年.txt": "推进大数据。"}, ["大数据"])
    reports = run.reports.collect()
    assert reports["report"].n_unique() == 2
    assert reports["content_hash"].n_unique() == 1
    assert run.panel().collect()["hits"].to_list() == [1, 1]


def test_reports_of_one_bank_and_year_are_one_cell(tmp_path: Path) -> None:
    texts = {"a/甲银行2019年.txt": "大数据，大数据，云计算。", "b/甲银行2019年.txt": "大数据与云计算。"}
    panel = run_texts(tmp_path, texts, ["大数据", "云计算"]).panel(level="lexicon").collect()
    assert panel.select("hits", "clauses", "reports", "chars").rows() == [(5, 4, 2, 20)]


def test_report_without_entity_and_year_is_in_the_panel_last(tmp_path: Path) -> None:
    run = run_texts(tmp_path, {"2019.txt": "大数据。", "甲银行2018年.txt": "云计算。"}, ["大数据"], year_from="none")
    panel = run.panel(level="lexicon").collect()
    assert panel.select("entity", "year", "hits").rows() == [("甲银行", None, 0), (None, None, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "csv"}, "format 'csv': there are 'parquet', 'arrow'"),
        ({"on": "spark"}, "executor 'spark': there are processes, ray, serial"),
        ({"matcher": "regex"}, "regex"),
        ({"clauses": "words"}, "words"),
        ({"entity_from": "folder"}, "entity_from 'folder': choose column:NAME, parent"),
        ({"year_from": "value:soon"}, "year_from 'value:soon': not a year from 1900 to 2100"),
        ({"lexicon": "wu2020"}, "no lexicon 'wu2020'; did you mean"),
        ({"reports": "nowhere"}, "nowhere: no such file or folder"),
        ({"reports": []}, "no reports given"),
    ],
    ids=str,
)
def test_refused_calls(demo: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"reports": demo, "lexicon": "wu2021", "out": tmp_path / "out"} | options
    with pytest.raises(cipin.UsageError, match=message):
        cipin.run(**call)


@pytest.mark.parametrize(
    "options", [{"format": "csv"}, {"on": "spark"}, {"matcher": "regex"}, {"lexicon": "wu2020"}], ids=str
)
def test_refused_call_writes_nothing(demo: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    call: dict[str, Any] = {"reports": demo, "lexicon": "wu2021", "out": tmp_path / "out"} | options
    with pytest.raises(cipin.UsageError):
        cipin.run(**call)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options", [{"clauses": "words"}, {"entity_from": "folder"}, {"year_from": "value:soon"}], ids=str
)
def test_refused_choice_writes_nothing(demo: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(cipin.UsageError):
        cipin.run(demo, "wu2021", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "out",
    [
        "out",
        "out/../out",
        "link/out",
    ],
)
def test_out_below_the_reports_is_not_read(tmp_path: Path, out: str) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "甲银行2019年.txt").write_text("推进大数据。", encoding="utf-8")
    (reports / "out").mkdir()
    (tmp_path / "link").symlink_to(reports)
    place = tmp_path / out if out.startswith("link") else f"{reports}/{out}"
    for _ in range(2):
        run = cipin.run(reports, "wu2021", place)
    assert run.reports.collect()["source"].to_list() == ["甲银行2019年.txt"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    reports = os.fsencode(tmp_path) + b"/reports"
    os.mkdir(reports)
    with open(reports + b"/" + "青禾银行2019年年报.txt".encode("gbk"), "w", encoding="utf-8") as file:
        file.write("推进大数据。")
    run = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out")
    (row,) = run.reports.collect().to_dicts()
    assert row["status"] == "measured"
    assert row["source"].startswith("\\x")
    assert (row["entity"], row["fiscal_year"]) == ("青禾银行", 2019)
    assert run.hits.collect().height == 1


def test_names_that_are_not_utf8_stay_apart(tmp_path: Path) -> None:
    reports = os.fsencode(tmp_path) + b"/reports"
    os.mkdir(reports)
    for name in (b"\xff2019.txt", b"\xfe2019.txt"):
        with open(reports + b"/" + name, "w", encoding="utf-8") as file:
            file.write("推进大数据。")
    run = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out")
    assert run.reports.collect()["report"].n_unique() == 2
    assert run.kwic("大数据").collect().height == 2


def test_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    reports = os.fsencode(tmp_path) + "/年报".encode("gbk")
    os.mkdir(reports)
    with open(reports + b"/a2019.txt", "w", encoding="utf-8") as file:
        file.write("推进大数据。")
    assert cipin.run(os.fsdecode(reports), "wu2021", tmp_path / "out").hits.collect().height == 1


def test_source_that_vanishes_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "甲银行2019年.txt").write_text("大数据。", encoding="utf-8")
    (tmp_path / "reports" / "乙银行2019年.txt").symlink_to(tmp_path / "gone.txt")
    run = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out")
    outcomes = {row["source"]: (row["status"], row["reason"]) for row in rows(run, "reports")}
    assert outcomes == {"甲银行2019年.txt": ("measured", None), "乙银行2019年.txt": ("quarantined", "unreadable")}


def test_members_of_an_archive_are_told_by_their_own_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "reports_2001.zip", "w") as archive:
        archive.writestr("2020/甲银行_2020年年度报告.txt", "推进大数据。")
        archive.writestr("乙银行_2021年年度报告.txt", "推进云计算。")
    run = cipin.run(tmp_path / "reports_2001.zip", "wu2021", tmp_path / "out")
    told = sorted(run.reports.select("entity", "fiscal_year").collect().iter_rows())
    assert told == [("乙银行", 2021), ("甲银行", 2020)]


def test_items_of_a_listing_are_not_told_by_the_name_of_their_page(tmp_path: Path) -> None:
    item = "• 第{}份银行业研究报告\n本行加快数字化转型，云计算投入持续增长。\n发布时间：2023-11-0{}\n"
    page = tmp_path / "甲银行_2019年年度报告.txt"
    page.write_text("".join(item.format(n, n) for n in range(1, 7)), encoding="utf-8")
    reports = cipin.run(page, "wu2021", tmp_path / "out").reports.collect()
    assert reports["member"].to_list() != [""]
    assert reports["entity"].null_count() == reports["fiscal_year"].null_count() == 6


def test_teasers_are_measured_and_told_apart(tmp_path: Path) -> None:
    item = "• 第{}份银行业研究报告\n{}\n发布时间：2023-11-0{}\n"
    whole = "本行加快数字化转型，云计算投入持续增长。" * 3
    texts = [whole if n in (2, 5) else "本行加快数字化转型，推进云计算，提升服务能力……" for n in range(1, 7)]
    (tmp_path / "page.txt").write_text("".join(item.format(n, text, n) for n, text in enumerate(texts, 1)), "utf-8")
    run = cipin.run(tmp_path / "page.txt", "wu2021", tmp_path / "out", year_from="value:2023")
    assert run.summary["outcomes"] == {"measured": 2, "teaser": 4}
    panel = run.panel(by=["year", "status"], level="lexicon").collect()
    assert panel.select("year", "status", "hits", "reports").rows() == [
        (2023, "measured", 6, 2),
        (2023, "teaser", 4, 4),
    ]
    assert run.panel(by="year", level="lexicon").collect()["reports"].to_list() == [6]


def test_entity_years_of_several_reports_are_said(tmp_path: Path) -> None:
    for name in ("甲银行_2020年年度报告", "甲银行_2020年半年度报告", "乙银行_2020年年度报告", "无", "名"):
        (tmp_path / f"{name}.txt").write_text(f"{name}推进大数据。", encoding="utf-8")
    run = cipin.run(tmp_path, "wu2021", tmp_path / "out")
    assert run.summary["doubtful"]["several_reports"] == 1


def test_one_name_may_be_a_string(tmp_path: Path) -> None:
    run = run_texts(tmp_path, {"甲银行2019年.txt": "目录\n大数据....1\n云计算....2\n区块链....5\n大数据。"}, ["大数据"])
    (tmp_path / "again").mkdir()
    again = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "again" / "out", skip="toc", no_repair="wraps")
    assert run.summary["tallies"]["skip:toc"] == 1
    assert again.summary["tallies"]["skip:toc"] == 3
