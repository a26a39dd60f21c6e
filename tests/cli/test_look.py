"""`panel`, `kwic` and `explain`: data as CSV and JSON lines, tables for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import cipin as package

Cipin = Callable[..., Any]


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# ------------------------------------------------------------------------------------------------ panel


def test_panel_is_csv_where_there_is_no_terminal(cipin: Cipin, out: Path) -> None:
    said = cipin("panel", out, "--level", "term")
    expected = package.open(out).panel(level="term").collect()
    rows = read_csv(said.out)
    assert said.err == ""
    assert [list(row.values()) for row in rows] == [[str(cell) for cell in row] for row in expected.iter_rows()]
    assert list(rows[0]) == expected.columns


def test_panel_as_jsonl(cipin: Cipin, out: Path) -> None:
    said = cipin("panel", out, "--format", "jsonl", "--by", "entity")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert rows == package.open(out).panel(["entity"], "dimension").collect().to_dicts()


def test_panel_as_a_table_is_aligned(cipin: Cipin, out: Path) -> None:
    said = cipin("panel", out, "--format", "table")
    lines = said.out.splitlines()
    assert lines[0].split() == ["entity", "year", "lexicon", "dimension", "hits", "clauses", "reports", "chars"]
    assert len({cell_len(line) for line in lines}) == 1  # the last column is numbers, aligned right


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (("--entity", "松雪银行"), {("松雪银行", "2019")}),
        (("--year", "2019"), {("松雪银行", "2019"), ("青禾银行", "2019")}),
        (("--entity", "青禾银行", "--year", "2020"), {("青禾银行", "2020")}),
        (("--entity", "无此银行"), set()),
    ],
)
def test_panel_of_one(cipin: Cipin, out: Path, options: tuple[str, ...], keys: set[tuple[str, str]]) -> None:
    rows = read_csv(cipin("panel", out, *options).out)
    assert {(row["entity"], row["year"]) for row in rows} == keys


# ------------------------------------------------------------------------------------------------ kwic


def test_kwic_is_aligned_by_display_width(cipin: Cipin, out: Path) -> None:
    for term, surfaces in (("大数据", {"大数据", "大數據"}), ("人工智能", {"人工智能", "AI"})):
        said = cipin("kwic", term, out, "--width", "90")
        places = set()
        for line in said.out.splitlines():
            surface = next(each for each in surfaces if f" {each} " in f"{line} ")
            places.add(cell_len(line[: f"{line} ".index(f" {surface} ")]))
        assert len(said.out.splitlines()) > 1
        assert len(places) == 1, said.out


@pytest.mark.parametrize("width", [20, 40, 60, 119])
def test_kwic_keeps_to_the_width(cipin: Cipin, tmp_path: Path, width: int) -> None:
    long = "本行坚持服务实体经济ABC与def并重" * 9
    (tmp_path / "甲_2019.txt").write_text(f"{long}大数据{long}。大数据。a大数据b。", encoding="utf-8")
    cipin("run", tmp_path / "甲_2019.txt", "-l", "wu2021", "-o", tmp_path / "out")
    lines = cipin("kwic", "大数据", tmp_path / "out", "--width", str(width)).out.splitlines()
    assert len(lines) == 3
    assert len({cell_len(line[: line.index("大数据")]) for line in lines}) == 1
    assert "…" in lines[0]
    if width >= 40:  # below, each side still gets a few places
        assert max(map(cell_len, lines)) <= width


def test_kwic_csv_and_jsonl_are_data(cipin: Cipin, out: Path) -> None:
    expected = package.open(out).kwic("大数据").collect().to_dicts()
    assert len(expected) == 3
    said = cipin("kwic", "大数据", out, "--format", "jsonl")
    assert [json.loads(line) for line in said.out.splitlines()] == expected
    rows = read_csv(cipin("kwic", "大数据", out, "--format", "csv").out)
    assert [row["surface"] for row in rows] == [row["surface"] for row in expected]


def test_kwic_limit_is_said(cipin: Cipin, out: Path) -> None:
    said = cipin("kwic", "大数据", out, "-n", "2")
    assert len(said.out.splitlines()) == 2
    assert said.err == "2 of 3 hits; -n 0 shows all\n"
    said = cipin("kwic", "大数据", out, "-n", "0")
    assert (len(said.out.splitlines()), said.err) == (3, "")


def test_kwic_of_one_entity_and_year(cipin: Cipin, out: Path) -> None:
    assert len(cipin("kwic", "大数据", out, "--entity", "青禾银行", "--year", "2019").out.splitlines()) == 1
    said = cipin("kwic", "大数据", out, "--entity", "松雪银行")
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith("no hit of '大数据' is counted; `cipin explain REPORT 大数据 ")


def test_kwic_takes_a_variant_for_its_term(cipin: Cipin, out: Path) -> None:
    assert cipin("kwic", "AI", out).out == cipin("kwic", "人工智能", out).out != ""


def test_kwic_copies_no_more_of_a_clause_than_it_shows(cipin: Cipin, tmp_path: Path) -> None:
    """A table without marks is one clause of many hits: the whole of it, once a hit, would take gigabytes."""
    (tmp_path / "甲银行2019年.txt").write_text("项目 大数据 " * 4000 + "\x1b[31m", encoding="utf-8")
    assert cipin("run", tmp_path / "甲银行2019年.txt", "-l", "wu2021", "-o", tmp_path / "out").code == 0
    said = cipin("kwic", "大数据", tmp_path / "out", "-n", "0", "--width", "60")
    lines = said.out.splitlines()
    assert len(lines) == 4000
    assert all("大数据" in line and len(line) < 60 and "\x1b" not in line for line in lines)


def test_explain(cipin: Cipin, out: Path) -> None:
    said = cipin("explain", "青禾 2020", "大数据", out)
    assert (said.code, said.err) == (0, "")
    assert "青禾银行_2020年年度报告.txt" in said.out
    assert "hits    2 counted, 0 not" in said.out
    assert "以[大數據]为底座" in said.out
    limited = cipin("explain", "青禾 2020", "大数据", out, "-n", "1", "--format", "jsonl")
    assert len(limited.out.splitlines()) == 1
