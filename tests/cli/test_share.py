"""`cipin export` and `cipin codebook`: the numbers of a run, read back by other programs; CITATION.cff."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyreadstat
import pytest
import yaml
from polars.testing import assert_frame_equal

import cipin as package

Cipin = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]


def test_a_panel_for_stata(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    said = cipin("export", out, "-o", tmp_path / "panel.dta", "--level", "term")
    assert (said.code, said.out, said.err) == (0, "", f"written: {tmp_path / 'panel.dta'}\n")
    wanted = package.open(out).panel().collect()
    read = pd.read_stata(tmp_path / "panel.dta")
    assert list(read) == wanted.columns
    assert list(read.itertuples(index=False, name=None)) == wanted.rows()
    assert wanted["hits"].sum() > 0
    with pd.read_stata(tmp_path / "panel.dta", iterator=True) as reader:
        assert reader.variable_labels()["hits"] == "命中次数"
        assert reader.variable_labels()["year"] == "会计年度"


@pytest.mark.parametrize(
    ("options", "by", "level", "measures"),
    [
        ((), ["entity", "year"], "term", ()),
        (("--level", "dimension"), ["entity", "year"], "dimension", ()),
        (("--level", "lexicon", "--by", "entity"), ["entity"], "lexicon", ()),
        (("--by", "year", "-m", "share_of_reports"), ["year"], "term", ["share_of_reports"]),
    ],
)
def test_the_panel_that_was_asked_for(
    cipin: Cipin, out: Path, tmp_path: Path, options: tuple[str, ...], by: list[str], level: Any, measures: Any
) -> None:
    assert cipin("export", out, "-o", tmp_path / "p.parquet", *options).code == 0
    assert_frame_equal(pl.read_parquet(tmp_path / "p.parquet"), package.open(out).panel(by, level, measures).collect())


def test_a_wide_panel_is_what_the_long_one_says(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    options = ("--wide", "--level", "dimension", "-m", "ln-hits,per_10k_chars", "--language", "en")
    assert cipin("export", out, "-o", tmp_path / "wide.sav", *options).code == 0
    read, meta = pyreadstat.read_sav(str(tmp_path / "wide.sav"))
    run = package.open(out)
    long = run.panel(level="dimension", measures=["ln_hits", "per_10k_chars"]).collect()
    dimensions = run.lexicon.collect()["dimension"].unique(maintain_order=True).to_list()
    assert len(read) == 3  # 青禾 2019 and 2020, 松雪 2019; no row for a year without a report
    for row in read.to_dict("records"):
        for at, dimension in enumerate(dimensions, start=1):
            cell = long.filter(entity=row["entity"], year=int(row["year"]), dimension=dimension).row(0, named=True)
            for measure in ("ln_hits", "per_10k_chars"):
                assert row[f"{measure}_d{at}"] == cell[measure]
            assert row["chars"] == cell["chars"]
    zeros = read[read["entity"] == "松雪银行"]
    assert (zeros[[f"ln_hits_d{at}" for at in range(1, len(dimensions) + 1)]] == 0).all(axis=None)
    assert meta.column_names_to_labels["ln_hits_d1"] == f"{dimensions[0]}: log of hits"
    # A denominator that nobody counted is missing, not zero.
    assert read["words"].isna().all()
    assert not any(name.startswith("hits_") for name in read)


def test_a_workbook_of_every_table(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    tables = "panel,reports,sections,hits,clauses,counts,lexicon"
    assert cipin("export", out, "-o", tmp_path / "all.xlsx", "-t", tables).code == 0
    book = openpyxl.load_workbook(tmp_path / "all.xlsx")
    assert book.sheetnames == [*tables.split(","), "codebook"]
    run = package.open(out)
    for name in tables.split(","):
        wanted = run.table(name).collect()
        rows = [tuple(cell.value for cell in row) for row in book[name].iter_rows()]
        assert rows[0] == tuple(wanted.columns)
        assert len(rows) == wanted.height + 1
        texts = [at for at, kind in enumerate(wanted.dtypes) if kind in {pl.String, pl.Int64, pl.Int32, pl.Boolean}]
        for got, row in zip(rows[1:], wanted.rows(), strict=True):
            assert [got[at] for at in texts] == [row[at] for at in texts]
    rows = {row[1].value: row for row in book["codebook"].iter_rows()}
    assert rows["name"][-1].value == "value"
    assert rows["methods_zh"][-1].value == run.methods()
    assert rows["lexicon_hash"][-1].value == run.manifest["lexicon"]["hash"]


def test_duckdb_and_csv_hold_the_same(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    assert cipin("export", out, "-o", tmp_path / "p.duckdb", "-t", "panel", "--table", "lexicon").code == 0
    with duckdb.connect(str(tmp_path / "p.duckdb"), read_only=True) as connection:
        names = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        rows = connection.execute("SELECT * FROM panel").fetchall()
        guards = connection.execute("SELECT guards FROM lexicon WHERE term = '流计算'").fetchone()
    assert names == {"panel", "lexicon", "codebook"}
    assert rows == package.open(out).panel().collect().rows()
    assert guards is not None
    assert "现金流计算" in guards[0]
    assert cipin("export", out, "-o", tmp_path / "p.csv", "--no-bom").code == 0
    assert (tmp_path / "p.csv").read_bytes().startswith(b"entity,")
    frame = pd.read_csv(tmp_path / "p.csv")
    assert list(frame.itertuples(index=False, name=None)) == rows


def test_stdout_stays_clean_in_another_process(out: Path, tmp_path: Path) -> None:
    """DuckDB's bindings complain on stderr of what is frozen at the end of a process."""
    import subprocess
    import sys

    command = "import sys; from cipin.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["export", str(out), "-o", str(tmp_path / "p.duckdb")]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", f"written: {tmp_path / 'p.duckdb'}\n")


def test_several_tables_into_a_folder(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    said = cipin("export", out, "-o", tmp_path / "stata", "--to", "dta", "-t", "panel,reports")
    assert said.code == 0
    assert sorted(path.name for path in (tmp_path / "stata").iterdir()) == ["codebook.csv", "panel.dta", "reports.dta"]
    read = pd.read_stata(tmp_path / "stata" / "reports.dta")
    assert list(read["status"]) == ["已测量 (measured)"] * 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "p.txt"), "the name does not say which format; give `to` (--to): csv, xlsx, dta"),
        (("-o", "p.csv", "--to", "dta"), "the name says csv, not dta"),
        (("-o", "p.csv", "-t", "panels"), "table 'panels': there are 'reports'"),
        (("-o", "p.csv", "-t", "hits", "--wide"), "only the panel is wide"),
        (("-o", "p.csv", "-m", "ln"), "measures 'ln': there are 'hits'"),
        (("-o", "p.csv", "--by", "bank"), "by 'bank': there are 'entity'"),
        (("-o", "p.csv", "-m", "per_10k_words"), "run again with --words"),
        (("-o", "p.csv", "-t", "panel,hits"), "a file of csv holds one table"),
        (("-o", "no/p.csv"), "there is no folder"),
        (("-o", "s3://bucket/p.csv"), "s3:/bucket/p.csv: tables are exported to a disk; give a path"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_left(
    cipin: Cipin, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    said = cipin("export", out, *options)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert not list((tmp_path / "here").iterdir())


def test_codebook_as_markdown_and_csv(cipin: Cipin, out: Path) -> None:
    run = package.open(out)
    for language in ("zh", "en"):
        said = cipin("codebook", out, "--language", language)
        assert (said.code, said.err) == (0, "")
        assert run.methods(language) in said.out
        assert run.manifest["lexicon"]["hash"] in said.out
        assert [line[3:] for line in said.out.splitlines() if line.startswith("## ")][:-1] == [
            "panel", "reports", "sections", "hits", "clauses", "counts", "lexicon",
        ]  # fmt: skip
    said = cipin("codebook", out, "--format", "csv", "-t", "panel", "--wide", "--level", "dimension", "-m", "ln_hits")
    read = pl.read_csv(io.StringIO(said.out), infer_schema=False)
    assert_frame_equal(read, run.codebook(["panel"], level="dimension", measures=["ln_hits"], wide=True))
    labels = dict(read.filter(table="panel").select("name", "label_zh").iter_rows())
    assert labels["ln_hits_d1"] == f"{run.lexicon.collect()['dimension'][0]}：命中次数对数"


def test_methods_follow_the_run(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (reports / "x.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    options = ("--skip", "none", "--no-repair", "wraps", "--registry", "none", "--words", "--year-from", "none")
    assert cipin("run", reports, "-l", "banks45", "-o", tmp_path / "o", *options).code == 0
    run = package.open(tmp_path / "o")
    zh, en = run.methods(measures=["per_10k_words"]), run.methods("en")
    for words in (
        "结巴词典分词",
        "报告的各个部分都计入",
        "关闭了 wraps",
        "不经名录归一",
        "会计年度取自 none",
        "没有排除短语",
    ):
        assert words in zh
    assert f"共 {run.lexicon.collect().height} 个词条" in zh
    assert "There were 4 reports, of which 3 were measured and 1 was quarantined (bytes that are no text: 1)." in en
    assert "每万词命中次数（per_10k_words）= 10000 * hits / words" in zh


def test_citation_is_of_this_version() -> None:
    """The keys that CFF 1.2.0 asks for, and no author who is no author."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == package.__version__
    assert citation["authors"] == [{"name": "The cipin authors"}]
    assert citation["license"] == "Apache-2.0"
    allowed = {"cff-version", "message", "type", "title", "abstract", "authors", "version", "license", "keywords"}
    assert set(citation) == allowed
    assert citation["type"] == "software"
    assert all(isinstance(each, str) for each in citation["keywords"])
    assert all(isinstance(citation[key], str) and citation[key] for key in ("message", "title", "abstract", "version"))


def test_an_index_is_exported_with_its_weights_and_its_codebook(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    run = package.open(out)
    index = run.index("entropy", level="term")
    options = ("index", out, "-m", "entropy", "--level", "term")
    said = cipin(*options, "-o", tmp_path / "index.xlsx")
    assert (said.code, said.out) == (0, "")
    assert f"written: {tmp_path / 'index.xlsx'}" in said.err
    book = openpyxl.load_workbook(tmp_path / "index.xlsx")
    assert book.sheetnames == ["scores", "weights", "codebook"]
    for name, frame in (("scores", index.scores), ("weights", index.weights)):
        rows = list(book[name].values)
        assert list(rows[0]) == frame.columns
        assert [row[frame.columns.index(frame.columns[-1])] for row in rows[1:]] == frame[frame.columns[-1]].to_list()
    assert cipin(*options, "-o", tmp_path / "index.csv").code == 0
    assert (tmp_path / "index.csv").read_bytes()[:3] == b"\xef\xbb\xbf"
    assert pl.read_csv(tmp_path / "index.csv")["score"].to_list() == index.scores["score"].to_list()
    (tmp_path / "folder").mkdir()
    assert cipin(*options, "-o", tmp_path / "folder", "--to", "dta").code == 0
    names = sorted(each.name for each in (tmp_path / "folder").iterdir())
    assert names == ["codebook.csv", "scores.dta", "weights.dta"]
    said = cipin(*options, "--codebook")
    assert said.out.startswith("# 测量方法与变量说明")
    assert "w_j = (1 − e_j) / Σ_j (1 − e_j)" in said.out
    said = cipin(*options, "-o", tmp_path / "index")
    assert (said.code, said.out) == (2, "")
    assert "the name does not say which format" in said.err


def test_suppressed_hits_are_told_by_cause(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (reports / "松雪银行_2020年年度报告.txt").write_text(
        "加大数据投入，四大数据；AIx，5Gwh。大数据。", encoding="utf-8"
    )
    assert cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "o").code == 0
    run = package.open(tmp_path / "o")
    hits = run.hits.filter(~pl.col("kept")).collect()
    by_cause = dict(hits.group_by(pl.col("reason").str.split(":").list.first()).len().iter_rows())
    assert set(by_cause) >= {"guard", "boundary"}
    facts = dict(run.codebook(["panel"]).filter(table="run").select("name", "value").iter_rows())
    assert {name: facts.get(f"suppressed_{name}") for name in by_cause} == {
        name: str(number) for name, number in by_cause.items()
    }
    assert f"排除短语 {by_cause['guard']} 次" in run.methods()
    assert f"a guard ({by_cause['guard']})" in run.methods("en")
    assert "an overlap" not in run.methods("en")
    assert "重叠 " not in run.methods()


def test_what_is_not_known_of_reports_is_said(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (reports / "notes.txt").write_text("大数据。", encoding="utf-8")
    (reports / "副本_2019年年度报告.txt").write_bytes((reports / "青禾银行_2019年年度报告.txt").read_bytes())
    assert cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "o").code == 0
    run = package.open(tmp_path / "o")
    measured = run.reports.filter(pl.col("status") == "measured").collect()
    no_entity, no_year = (measured[name].null_count() for name in ("entity", "fiscal_year"))
    assert no_year == 1
    facts = dict(run.codebook(["panel"]).filter(table="run").select("name", "value").iter_rows())
    assert [facts[name] for name in ("no_entity", "no_year", "same_text")] == [str(no_entity), str(no_year), "1"]
    assert f"年度不明 {no_year} 份" in run.methods()
    assert "有 1 份报告与另一份同文（每份文本的第一份不计），仍各自计入。" in run.methods()
    assert f"without a fiscal year: {no_year}; what is missing is a group of its own." in run.methods("en")
    assert "1 report has the same text as another (the first aside), and counts nevertheless." in run.methods("en")


def test_codebook_of_stata_has_the_names_of_its_files(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    run = package.open(out)
    index = run.index("wu2021")
    assert run.export(tmp_path / "w.dta", index=index)
    _, meta = pyreadstat.read_dta(tmp_path / "w.dta")
    book = run.codebook(index=index, to="dta").filter((pl.col("table") == "scores") & pl.col("value").is_null())
    assert book["name"].to_list() == meta.column_names
    assert book["label_zh"].to_list() == meta.column_labels
    said = cipin("codebook", out, "-t", "panel", "--to", "fox")
    assert said.code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "-o", "w.csv"], "-o and --weights"),
        (["--codebook", "-o", "w.csv"], "-o and --codebook"),
        (["--codebook", "--weights"], "one or the other"),
        (["--codebook", "--format", "csv"], "a codebook is Markdown"),
        (["--to", "dta"], "it goes with -o or --codebook"),
        (["--format", "csv", "-o", "w.csv"], "-o and --format"),
        (["-o", ""], "path"),
    ],
)
def test_an_index_in_several_ways_at_once(options: list[str], message: str, cipin: Cipin, out: Path) -> None:
    said = cipin("index", out, *options)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


def test_an_index_to_a_folder_that_is_there(cipin: Cipin, out: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert cipin("index", out, "-o", tmp_path / "folder").code == 0
    names = sorted(each.name for each in (tmp_path / "folder").iterdir())
    assert names == ["codebook.csv", "scores.csv", "weights.csv"]


def test_an_index_of_another_run_is_refused(cipin: Cipin, out: Path, reports: Path, tmp_path: Path) -> None:
    assert cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "other").code == 0
    run, other = package.open(out), package.open(tmp_path / "other")
    for index, message in ((other.index(), "it is of run"), ("pca", "give what `run.index")):
        with pytest.raises(package.UsageError, match=message):
            run.export(tmp_path / "x.csv", index=index)  # type: ignore[arg-type]
    with pytest.raises(package.UsageError, match="leave tables and wide out"):
        run.export(tmp_path / "x.csv", tables=["hits"], index=run.index())


def test_columns_that_duckdb_takes_for_one_are_refused(tmp_path: Path) -> None:
    from cipin.measuring.export import export

    with pytest.raises(package.UsageError, match="differ only in case"):
        export({"scores": pl.DataFrame({"score_A": [1], "score_a": [2]})}, tmp_path / "x.duckdb", "duckdb")
    assert not (tmp_path / "x.duckdb").exists()
