"""`associate`: what the API returns, as CSV; conditions on reports; options that would do nothing are refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cipin as package

Cipin = Callable[..., Any]


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("options", "frame"),
    [
        ((), lambda run: run.cooccurrence()),
        (("--unit", "report", "--level", "category", "--least", "0"),
         lambda run: run.cooccurrence("report", "category", least=0)),
        (("--where", "year=2019", "--least", "0"), lambda run: run.cooccurrence(where=pl.col("year") == 2019, least=0)),
        (("--what", "keyness", "--a", "year=2019"), lambda run: run.keyness(pl.col("year") == 2019)),
        (("--what", "keyness", "--a", "year=2019", "--a", "entity=松雪银行，无此银行", "--b", "year=2020-2021",
          "--size", "clauses"),
         lambda run: run.keyness(
             (pl.col("year") == 2019) & (pl.col("entity") == "松雪银行"), pl.col("year") == 2020, size="clauses")),
        (("--what", "collocates", "--term", "大数据", "--least", "1", "--window", "2"),
         lambda run: run.collocates("大数据", 2, least=1)),
        (("--what", "dispersion", "--parts-by", "entity", "--level", "dimension"),
         lambda run: run.dispersion("dimension", "entity")),
        (("--what", "trends", "--by", "entity", "--measure", "ln_hits"),
         lambda run: run.trends(["entity"], measure="ln_hits")),
    ],
)  # fmt: skip
def test_csv_is_what_the_api_returns(cipin: Cipin, out: Path, options: tuple[str, ...], frame: Any) -> None:
    said = cipin("associate", out, *options)
    assert (said.code, said.err) == (0, "")
    assert said.out == frame(package.open(out)).collect().write_csv()
    assert read_csv(said.out)


def test_against_another_run(cipin: Cipin, out: Path) -> None:
    said = cipin("associate", out, "--what", "keyness", "--against", out, "--format", "csv")
    # A run against itself: as many hits on either side.
    assert all(row["count_a"] == row["count_b"] for row in read_csv(said.out))
    assert {row["log_ratio"] for row in read_csv(said.out)} == {"", "0.0"}


def test_a_table_has_four_figures(cipin: Cipin, out: Path) -> None:
    said = cipin("associate", out, "--what", "dispersion", "--format", "table", "-n", "1")
    assert len(said.out.splitlines()) == 2
    figures = [cell.strip("-").replace(".", "").strip("0") for cell in said.out.splitlines()[1].split() if "." in cell]
    assert figures
    assert max(map(len, figures)) <= 4
    assert said.err == "the first 1 rows; -n 0 shows all\n"


def test_nothing_to_show(cipin: Cipin, out: Path) -> None:
    said = cipin("associate", out, "--where", "entity=无此银行")
    assert (said.code, len(said.out.splitlines())) == (0, 1)
    assert "no report is chosen" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--what", "trends", "--unit", "clause"), "--unit is for --what cooccurrence, not trends"),
        (("--window", "3"), "--window is for --what collocates, not cooccurrence"),
        (("--what", "collocates"), "of which term? Give --term"),
        (("--what", "collocates", "--term", "存款"), "term '存款': not in the lexicon"),
        (("--what", "keyness"), "a = None: give what sets a's reports apart"),
        (("--what", "keyness", "--a", "2019"), "--a '2019': write COLUMN=VALUES"),
        (("--where", "year=19"), "--where 'year=19': '19' is no year"),
        (("--where", "bank=甲"), "where: no column 'bank'; reports are chosen by"),
        (("--where", "entity="), "write COLUMN=VALUES"),
        (("--what", "trends", "--by", "bank"), "by 'bank': there are"),
        (("--what", "keyness", "--a", "year=2019", "--against", "nowhere"), "nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be(cipin: Cipin, out: Path, options: tuple[str, ...], message: str) -> None:
    said = cipin("associate", out, *options)
    assert said.code == 2
    assert message in said.err
    assert said.out == ""
