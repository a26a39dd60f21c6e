"""A fault of cipin's own costs the report that it is met at, and not the run."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from runs import run_texts

from cipin.running import job
from cipin.running.verify import verify
from cipin.schema import TextColumn

FAULTY = [
    "cipin.running.job.identify", "cipin.running.job.share_out", "cipin.running.parsing.parse",
    "cipin.reading.formats.text.judge_text",
]  # fmt: skip


@pytest.mark.parametrize("place", FAULTY)
def test_fault_of_ours_costs_a_report_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whatever identifies, repairs or decodes a report may fail at one that nobody thought of."""
    module, _, name = place.rpartition(".")
    whole = getattr(importlib.import_module(module), name)

    def fail(said: Any, *rest: Any, **options: Any) -> Any:
        if "云计算" in getattr(said, "text", "") or (name == "identify" and "乙" in rest[0]):
            raise IndexError("list index out of range")
        return whole(said, *rest, **options)

    monkeypatch.setattr(place, fail)
    texts = {"甲银行2019年.txt": "推进大数据。", "乙银行2019年.txt": "推进云计算与大数据。"}
    run = run_texts(tmp_path, texts, ["大数据"], on="serial")
    assert run.panel().collect().select("entity", "hits").rows() == [("甲银行", 1)]
    (error,) = run.errors.to_dicts()
    assert (error["source"], error["reason"], error["transient"]) == ("乙银行2019年.txt", "crash", True)
    assert "cipin failed at it (IndexError: list index out of range)" in error["message"]
    monkeypatch.undo()
    again = run_texts(tmp_path, {}, ["大数据"], on="serial", retry=True)
    assert again.panel().collect().select("entity", "hits").rows() == [("乙银行", 1), ("甲银行", 1)]
    assert len(again.errors) == 0


@pytest.mark.parametrize("number", [0, 3, 6], ids=["first", "between", "last"])
@pytest.mark.parametrize(
    "place", ["job.find_clauses", "job.find_matches", "job.judge", "job.words_counted", "tables.gather_text"]
)
def test_fault_as_reports_are_measured_costs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, number: int
) -> None:
    """They are measured many at once, and the one is found."""
    module, _, name = f"cipin.running.{place}".rpartition(".")
    whole = getattr(importlib.import_module(module), name)
    texts = {f"{name}银行2019年.txt": f"{name}银行推进大数据。" for name in "甲乙丙丁戊己庚"}
    path, bad = list(texts.items())[number]

    def fail(*said: Any, **options: Any) -> Any:
        if any(bad.encode() in bytes(each.data) for each in said if isinstance(each, TextColumn)):
            raise IndexError("list index out of range")
        return whole(*said, **options)

    monkeypatch.setattr(f"cipin.running.{place}", fail)
    run = run_texts(tmp_path, texts, ["大数据"], on="serial", words=True)
    (error,) = run.errors.to_dicts()
    assert (error["source"], error["stage"], error["reason"]) == (path, "measure", "crash")
    assert error["transient"]
    entities = sorted(each[:3] for each in texts if each != path)
    assert run.panel().collect().filter(hits=1)["entity"].sort().to_list() == entities
    assert run.hits.collect().height == run.clauses.collect().height == 6
    assert (run.summary["outcomes"], run.summary["tallies"]["hits"]) == ({"measured": 6, "quarantined:crash": 1}, 6)
    (row,) = run.reports.filter(status="quarantined").collect().to_dicts()
    assert (row["entity"], row["chars"]) == (path[:3], None)
    assert verify(run.out).problems == ()
    monkeypatch.undo()
    again = run_texts(tmp_path, {}, ["大数据"], on="serial", words=True, retry=True)
    assert again.panel().collect()["hits"].to_list() == [1] * 7
    assert len(again.errors) == 0


def test_too_much_at_once_is_measured_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = job.judge

    def fail(matches: Any, column: TextColumn, *rest: Any) -> Any:
        if len(column) > 2:
            raise MemoryError
        return whole(matches, column, *rest)

    monkeypatch.setattr(job, "judge", fail)
    run = run_texts(tmp_path, {f"{year}.txt": "推进大数据。" for year in range(2010, 2021)}, ["大数据"], on="serial")
    assert run.summary["outcomes"] == {"measured": 11}
    assert run.hits.collect().height == 11


@pytest.mark.parametrize("bad", [range(40), range(60, 100), range(100)], ids=["first", "last", "all"])
def test_each_report_that_fails_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: range) -> None:
    whole = job.judge

    def fail(matches: Any, column: TextColumn, *rest: Any) -> Any:
        if "坏".encode() in bytes(column.data):
            raise IndexError("list index out of range")
        return whole(matches, column, *rest)

    monkeypatch.setattr(job, "judge", fail)
    texts = {f"{number:03}.txt": f"推进大数据{'坏' * (number in bad)}。" for number in range(100)}
    run = run_texts(tmp_path, texts, ["大数据"], on="serial")
    wrong = run.reports.filter(reason="crash").collect()["source"].sort().to_list()
    assert wrong == [f"{number:03}.txt" for number in bad]
    assert run.hits.collect().height == 100 - len(bad)
    assert verify(run.out).problems == ()
