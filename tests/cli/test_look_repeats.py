"""`repeats`: the rows of the API as CSV and JSON lines, tables for people, and what share they are on stderr."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cipin as package

Cipin = Callable[..., Any]
SAME = "本行持续推进大数据平台建设与应用，投入{}亿元。"


@pytest.fixture
def twice(cipin: Cipin, tmp_path: Path) -> Path:
    """Folder of a run over three years of one bank, the last of them there twice."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for name, text in {
        "2018年年度报告": SAME.format(3),
        "2019年年度报告": SAME.format(4).replace("本行", "我行") + "大数据人才倍增。",
        "2020年年度报告": SAME.format(5) + SAME.format(6),
        "2020年年度报告(1)": SAME.format(5) + SAME.format(6),
    }.items():
        (folder / f"青禾银行_{name}.txt").write_text(text, encoding="utf-8")
    assert cipin("run", folder, "-l", "wu2021", "-o", tmp_path / "out").code == 0
    return tmp_path / "out"


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_repeats_are_those_of_the_api_with_both_texts(cipin: Cipin, twice: Path) -> None:
    said = cipin("repeats", twice, "--format", "jsonl")
    rows = [json.loads(line) for line in said.out.splitlines()]
    expected = package.open(twice).repeats().to_dicts()
    assert sorted(({k: v for k, v in row.items() if not k.endswith("text")} for row in rows), key=str) == sorted(
        expected, key=str
    )
    assert [(row["year"], row["kind"], row["text"][:2], row["first_text"][:2]) for row in rows] == [
        (2019, "near", "我行", "本行"), *[(2020, "exact", "本行", "本行")] * 4,
    ]  # fmt: skip
    assert said.err == (
        "5 of 7 clauses with a hit repeat one: 5 of an earlier year, 0 of another report of the year; 1 of them "
        "nearly, the others in the same words\n5 of 7 hits are in clauses that repeat one of an earlier year\n"
    )


@pytest.mark.parametrize(
    ("options", "n"),
    [
        ((), 5), (("--similarity", "1"), 4), (("--digits", "--similarity", "1"), 4), (("--entity", "青禾银行"), 5),
        (("--entity", "松雪银行"), 0), (("-n", "1"), 5),
    ],
)  # fmt: skip
def test_options(cipin: Cipin, twice: Path, options: tuple[str, ...], n: int) -> None:
    said = cipin("repeats", twice, *options)
    assert (said.code, len(read_csv(said.out))) == (0, n)


def test_same_report_is_said(cipin: Cipin, tmp_path: Path) -> None:
    (tmp_path / "青禾银行_2018.txt").write_text(SAME + SAME, encoding="utf-8")
    cipin("run", tmp_path / "青禾银行_2018.txt", "-l", "wu2021", "-o", tmp_path / "out")
    said = cipin("repeats", tmp_path / "out")
    assert (read_csv(said.out), said.err[:22]) == ([], "0 of 2 clauses with a ")
    said = cipin("repeats", tmp_path / "out", "--same-report")
    assert [row["scope"] for row in read_csv(said.out)] == ["same_report"]
    assert ", 1 of the same report; 0 of them nearly" in said.err


def test_a_table_is_short(cipin: Cipin, twice: Path) -> None:
    said = cipin("repeats", twice, "--format", "table", "-n", "2")
    assert len(said.out.splitlines()) == 3
    assert said.out.split()[:3] == ["entity", "year", "first_year"]
    assert said.err.startswith("2 of 5 rows; -n 0 shows all\n")
    assert len(cipin("repeats", twice, "--format", "table", "-n", "0").out.splitlines()) == 6


def test_terms(cipin: Cipin, twice: Path) -> None:
    rows = read_csv(cipin("repeats", twice, "--terms").out)
    assert [(row["year"], row["hits"], row["new_hits"], row["repeated_hits"], row["first_year"]) for row in rows] == [
        ("2018", "1", "1", "0", "2018"), ("2019", "2", "1", "1", "2018"), ("2020", "4", "0", "4", "2018"),
    ]  # fmt: skip


def test_documents(cipin: Cipin, twice: Path) -> None:
    said = cipin("repeats", twice, "--documents")
    (row,) = read_csv(said.out)
    assert (row["source"], row["other_source"], row["kind"]) == (
        "青禾银行_2020年年度报告.txt", "青禾银行_2020年年度报告(1).txt", "exact",
    )  # fmt: skip
    assert said.err == (
        "1 reports have the text of another one, 0 nearly its evidence, 0 evidence that another one holds too\n"
    )
    table = cipin("repeats", twice, "--documents", "--format", "table")
    assert "2020年年度报告(1).txt" in table.out.splitlines()[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--documents", "--digits"), "--digits: is about clauses"),
        (("--documents", "--terms"), "--terms: is about clauses"),
        (("--documents", "--same-report"), "--same-report: is about clauses"),
        (("--any-entity",), "--any-entity: clauses of different entities are never compared"),
        (("--similarity", "0.3"), "0.3"),
        (("--similarity", "nan"), "nan"),
    ],
)
def test_what_is_refused(cipin: Cipin, twice: Path, options: tuple[str, ...], message: str) -> None:
    said = cipin("repeats", twice, *options)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
