"""What is wrong with the input is said with its place and a way out, and nothing half-done is left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cipin as package

Cipin = Callable[..., Any]


def outcomes(out: Path) -> dict[str, tuple[str, str | None]]:
    return {row["source"]: (row["status"], row["reason"]) for row in package.open(out).reports.collect().to_dicts()}


# ------------------------------------------------------------------------------------------------ refused


def write_broken(folder: Path) -> None:
    """The files that the cases below name."""
    (folder / "empty").mkdir()
    (folder / "old").mkdir()
    (folder / "old" / "holiday.jpg").write_bytes(b"\xff\xd8")
    (folder / "folder.toml").mkdir()
    head = 'id = "own"\nversion = "1"\ntitle = "自用"\nsource = "自拟"\nlanguage = "zh"\n'
    for name, text in {
        "syntax.toml": f'{head}terms = ["大数据", \n["云"\n',
        "twice.toml": f'{head}terms = ["大数据", "云计算", "大数据"]\n',
        "folded.toml": f'{head}terms = ["大数据", "大數據"]\n',
        "blank.toml": f'{head}terms = ["大数据", "云计算 "]\n',
        "none.toml": f"{head}terms = []\n",
        "key.toml": f'{head}term = ["大数据"]\n',
        "words.docx": "大数据",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "gbk.toml").write_bytes(f'{head}terms = ["大数据"]\n'.encode("gbk"))
    pq.write_table(pa.table({"bank": ["甲银行"], "body": ["大数据"], "n": [1]}), folder / "columns.parquet")
    pq.write_table(pa.table({"a": ["大数据"], "b": ["大数据"]}), folder / "unclear.parquet")


REFUSED = {
    "missing folder": ("nowhere -l wu2021 -o out", "nowhere: no such file or folder; check the path"),
    "missing beside a good one": ("reports nowhere -l wu2021 -o out", "nowhere: no such file or folder"),
    "glob of nothing": ("reports/*.docx -l wu2021 -o out", "reports/*.docx: no files there to read; name a folder"),
    "empty folder": ("empty -l wu2021 -o out", "empty: no files there to read; name a folder with reports in it"),
    "unknown lexicon": ("reports -l wu2020 -o out", "no lexicon 'wu2020'; did you mean 'wu2021'"),
    "lexicon is not there": ("reports -l own.toml -o out", "own.toml: No such file or directory; give the path of"),
    "lexicon is a folder": ("reports -l folder.toml -o out", "folder.toml: Is a directory; give the path of"),
    "lexicon of a strange kind": ("reports -l ./words.docx -o out", "unknown kind of lexicon '.docx'; use .toml"),
    "lexicon: TOML": ("reports -l syntax.toml -o out", "syntax.toml, line 8: not TOML"),
    "lexicon: term twice": ("reports -l twice.toml -o out", "twice.toml, term '大数据': listed twice; keep one"),
    "lexicon: folded twice": ("reports -l folded.toml -o out", "folded.toml, term '大數據': the same as '大数据'"),
    "lexicon: blank": ("reports -l blank.toml -o out", "blank.toml, term '云计算 ': blank, tab or line break"),
    "lexicon: no terms": ("reports -l none.toml -o out", "none.toml: no terms"),
    "lexicon: unknown key": ("reports -l key.toml -o out", "key.toml: unknown key 'term'; the nearest known key"),
    "lexicon: not UTF-8": ("reports -l gbk.toml -o out", "gbk.toml, line 3: byte "),
    "unknown executor": ("reports -l wu2021 -o out --on spark", "executor 'spark': there are processes, ray, serial"),
    "max errors": ("reports -l wu2021 -o out --max-errors many", "max_errors = 'many': give a number of reports"),
    "max errors below 0": ("reports -l wu2021 -o out --max-errors -1", "max_errors = '-1': give a number"),
    "entity from": ("reports -l wu2021 -o out --entity-from folder", "'folder': choose column:NAME, parent, name:"),
    "entity from a bad regex": ("reports -l wu2021 -o out --entity-from name:[", "not a regular expression"),
    "entity from no column": ("columns.parquet -l wu2021 -o out --text-column body --entity-from column:银行",
                              "columns.parquet: no column '银行' for the entity; its columns beside the text: 'bank'"),
    "year from": ("reports -l wu2021 -o out --year-from value:soon", "not a year from 1900 to 2100; write value:"),
    "another text column": ("columns.parquet -l wu2021 -o out --text-column 正文",
                            "columns.parquet: no column '正文'; its columns are 'bank', 'body', 'n'"),
    "text column of numbers": ("columns.parquet -l wu2021 -o out --text-column n",
                               "columns.parquet: column 'n' does not hold strings"),
    "out is a file": ("reports -l wu2021 -o words.docx", "words.docx: is a file; choose a folder with -o"),
    "out holds something else": ("reports -l wu2021 -o old", "old: not empty, and not the output of a run; choose"),
    "out is the reports": ("reports -l wu2021 -o reports", "reports: is the folder of the output or the corpus, too"),
}  # fmt: skip
#: Found while the reports are read, when OUT is there already.
LATE = {
    "entity from", "entity from a bad regex", "entity from no column", "year from",
    "another text column", "text column of numbers",
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(cipin: Cipin, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    write_broken(tmp_path)
    monkeypatch.chdir(tmp_path)
    command, message = REFUSED[case]
    before = sorted(tmp_path.rglob("*"))
    said = cipin("run", *command.split())
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert message in said.err
    left = set(tmp_path.rglob("*")) - set(before)
    if case in LATE:
        # What was parsed may be used again; beside it stands what was to be done with it.
        kept = {tmp_path / "out" / "corpus", tmp_path / "out" / "_meta"}
        left = {path for path in left - {tmp_path / "out"} if not kept & {path, *path.parents}}
        assert not list(tmp_path.glob("out/_meta/shards/*")) + list(tmp_path.glob("out/_meta/versions/*"))
    assert left == set()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("panel nowhere", "nowhere: no such folder; give the folder that `cipin run … -o` wrote"),
        ("panel reports", "reports: no finished run in it; `cipin run REPORTS -l LEXICON -o"),
        ("kwic 大数据 nowhere", "nowhere: no such folder"),
        ("kwic 大数据 reports", "reports: no finished run in it"),
        ("kwic 大数居 out", "term '大数居': not in the lexicon of this run; near it: 大数据"),
        ("panel out --by bank", "by 'bank': there are 'entity', 'year', 'month', 'source', 'report'"),
        ("panel out --by entity,,bank", "by 'bank': there are 'entity', 'year', 'month', 'source', 'report'"),
        ("panel out --by ,", "--by ',': names nothing; give names with commas"),
        ("panel out --by year --entity 甲银行", "--entity: the panel is by year; add entity to --by"),
        ("lexicon show wu2020", "no lexicon 'wu2020'; did you mean"),
        ("lexicon lint nowhere.toml", "nowhere.toml"),
        ("lexicon diff wu2021 wu2020", "no lexicon 'wu2020'"),
        ("lexicon import nowhere.csv", "nowhere.csv: No such file"),
    ],
)
def test_refused_elsewhere(
    cipin: Cipin, out: Path, monkeypatch: pytest.MonkeyPatch, command: str, message: str
) -> None:
    monkeypatch.chdir(out.parent)
    said = cipin(*command.split())
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert message in said.err


# ------------------------------------------------------------------------------------------------ set aside


def write_null(path: Path) -> None:
    pq.write_table(pa.table({"text": ["大数据", None]}), path)


BAD = {
    "empty": (".txt", lambda path: path.touch(), "dropped", "empty"),
    "blank": (".txt", lambda path: path.write_text(" \n\u3000\n", encoding="utf-8"), "dropped", "empty"),
    "binary": (".txt", lambda path: path.write_bytes(bytes(range(256)) * 40), "quarantined", "binary"),
    "program": (".txt", lambda path: path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40), "quarantined",
                "unsupported"),
    "picture": (".txt", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40), "quarantined",
                "unsupported"),
    "pdf": (".pdf", lambda path: path.write_bytes(b"%PDF-1.7\n" + b"x" * 99), "quarantined", "truncated"),
    "parquet that is none": (".parquet", lambda path: path.write_bytes("大数据".encode()), "quarantined", "malformed"),
    "parquet cut off": (".parquet", lambda path: (write_null(path), path.write_bytes(path.read_bytes()[:-20])),
                        "quarantined", "malformed"),
    "link to nothing": (".txt", lambda path: path.symlink_to("gone"), "quarantined", "unreadable"),
    "pipe": (".txt", os.mkfifo, "quarantined", "unsupported"),
    "table without rows": (".csv", lambda path: path.write_text("text,year\n", encoding="utf-8"), "dropped", "empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_set_aside_with_a_reason(cipin: Cipin, reports: Path, tmp_path: Path, case: str) -> None:
    ending, write, status, reason = BAD[case]
    write(reports / f"坏银行2018年{ending}")
    said = cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out")
    assert said.code == 0
    assert outcomes(tmp_path / "out")[f"坏银行2018年{ending}"] == (status, reason)
    assert f"{status}, {reason}  1" in said.err
    table = package.open(tmp_path / "out").reports.collect()
    assert all(table.filter(table["status"] != "measured")["message"].to_list())
    assert "坏银行" not in cipin("panel", tmp_path / "out").out


@pytest.mark.parametrize("case", BAD)
def test_nothing_but_bad_reports(cipin: Cipin, tmp_path: Path, case: str) -> None:
    ending, write, _, _ = BAD[case]
    (tmp_path / "bad").mkdir()
    write(tmp_path / "bad" / f"坏银行2018年{ending}")
    said = cipin("run", tmp_path / "bad", "-l", "wu2021", "-o", tmp_path / "out")
    assert said.code == 1
    assert said.err.endswith("no report could be measured; the reasons are in the table `reports`\n")
    assert cipin("panel", tmp_path / "out", "--level", "term").out.count("\n") == 1


def test_invalid_utf8_is_measured_and_flagged(cipin: Cipin, tmp_path: Path) -> None:
    text = "本行坚持服务实体经济，推进大数据应用，存款稳步增长。" * 20
    (tmp_path / "甲银行2019年.txt").write_bytes(text.encode()[:900] + b"\xff\xfe" + text.encode()[900:])
    said = cipin("run", tmp_path / "甲银行2019年.txt", "-l", "wu2021", "-o", tmp_path / "out")
    assert said.code == 0
    assert "with bytes that could not be decoded" in said.err
    (row,) = package.open(tmp_path / "out").reports.collect().to_dicts()
    assert "replaced_bytes" in row["flags"]


def test_null_texts_are_no_empty_ones(cipin: Cipin, tmp_path: Path) -> None:
    table = pa.table({"bank": ["甲银行"] * 3, "year": [2019, 2020, 2021], "正文": ["大数据", None, ""]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert cipin("run", tmp_path / "t.parquet", "-l", "wu2021", "-o", tmp_path / "out").code == 0
    rows = package.open(tmp_path / "out").reports.collect().sort("member").to_dicts()
    assert [(row["fiscal_year"], row["status"], row["reason"]) for row in rows] == [
        (2019, "measured", None), (2020, "quarantined", "null_text"), (2021, "dropped", "empty"),
    ]  # fmt: skip
    panel = package.open(tmp_path / "out").panel(level="lexicon").collect()
    assert panel.select("entity", "year", "hits").rows() == [("甲银行", 2019, 1)]


def test_folder_named_like_a_file_is_searched(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (reports / "乙银行2019年.txt").mkdir()
    (reports / "乙银行2019年.txt" / "丙银行2020年.txt").write_text("大数据", encoding="utf-8")
    assert cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out").code == 0
    assert outcomes(tmp_path / "out")["乙银行2019年.txt/丙银行2020年.txt"] == ("measured", None)


def test_one_table_without_a_text_column_is_set_aside(cipin: Cipin, out: Path, reports: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["大数据"], "b": ["大数据"]}), reports / "t.parquet")
    said = cipin("run", reports, "-l", "fintech-zh", "-o", out)
    assert said.code == 0
    assert "t.parquet: no column named text" in said.err
    alone = cipin("run", reports / "t.parquet", "-l", "fintech-zh", "-o", tmp_path / "alone")
    assert alone.code == 1
    assert "its columns are 'a', 'b'; name the one with the text: --text-column NAME" in alone.err


def test_one_table_without_the_column_that_was_asked_for_stops_the_run(cipin: Cipin, out: Path, reports: Path) -> None:
    pq.write_table(pa.table({"a": ["大数据"], "b": ["大数据"]}), reports / "t.parquet")
    said = cipin("run", reports, "-l", "fintech-zh", "-o", out, "--text-column", "c")
    assert said.code == 2
    assert "t.parquet: no column 'c'" in said.err
    assert package.open(out).manifest["version"] == 1
    assert list((out / "_meta" / "attempts").iterdir()) == []


# ------------------------------------------------------------------------------------------------ output


def test_out_below_a_file(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "file" / "out")
    assert said.code == 74
    assert f"{tmp_path}/file/out" in said.err


def test_out_below_a_file_says_what_helps(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "choose" in cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "file" / "out").err
