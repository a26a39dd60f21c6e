"""What a run writes: as promised, whole, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from runs import ORDER, TABLES, rows, run_texts

import cipin
from cipin.measuring.panel import make_panel
from cipin.running import ledger, plan
from cipin.running.engine import engine_version
from cipin.schema import RUN_TABLES


def read_file(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def tables_of(run: cipin.Run) -> Iterator[tuple[str, pa.Table]]:
    """Every data file of a run, with the name of its table."""
    for entry in run.manifest["files"]:
        yield entry["table"], read_file(run.out / entry["name"])


def shas(run: cipin.Run) -> dict[str, str]:
    return {entry["name"]: entry["sha256"] for entry in run.manifest["files"]}


@pytest.fixture(scope="module")
def serial(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> cipin.Run:
    """A run in small shards, in this process; only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LEAST_BYTES", 60_000)
        patch.setattr(plan, "CUT_BYTES", 20_000)
        return cipin.run(
            demo, "fintech-zh", tmp_path_factory.mktemp("serial") / "out", on="serial", matcher="ahocorasick"
        )


# ------------------------------------------------------------------------------------------------ files


def test_order_of_rows(serial: cipin.Run) -> None:
    rank = {term: number for number, term in enumerate(ORDER)}
    keys: dict[str, Any] = {
        "reports": lambda row: row["report"],
        "sections": lambda row: (row["report"], row["section"]),
        "clauses": lambda row: (row["report"], row["clause"]),
        "hits": lambda row: (row["report"], row["start"], -row["end"], row["term"]),
        "counts": lambda row: (row["report"], rank[row["term"]]),
        "lexicon": lambda row: rank[row["term"]],
        "panel": lambda row: (row["entity"], row["year"], rank[row["term"]]),
    }
    assert len(serial.manifest["shards"]) > 3
    for table, data in tables_of(serial):
        found = [keys[table](row) for row in data.to_pylist()]
        assert found == sorted(found), table


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_schema_and_metadata_of_every_file(demo: Path, tmp_path: Path, format: Any) -> None:
    run = cipin.run(demo, "wu2021", tmp_path / "out", format=format)
    lexicon = cipin.Lexicon.load("wu2021")
    (shard,) = (each["shard"] for each in run.manifest["shards"])
    seen = set()
    for table, data in tables_of(run):
        assert data.schema.equals(TABLES[table])
        facts = {key.decode(): value.decode() for key, value in data.schema.metadata.items()}
        assert {key: facts[key] for key in facts if key.startswith("cipin.")} == {
            # Not the run's id in files of shards, which the next run keeps as they are.
            **({"cipin.run": run.manifest["run"]} if table in RUN_TABLES else {"cipin.shard": shard}),
            "cipin.lexicon": "wu2021",
            "cipin.lexicon_hash": lexicon.hash,
            "cipin.engine": engine_version(),
            "cipin.table": table,
        }
        seen.add(table)
    assert seen == set(TABLES)


def test_ids_are_unique(done: cipin.Run) -> None:
    reports = [row["report"] for row in rows(done, "reports")]
    clauses = [(row["report"], row["clause"]) for row in rows(done, "clauses")]
    assert len(set(reports)) == len(reports) == 40
    assert len(set(clauses)) == len(clauses)


def test_manifest_is_what_stands_on_disk(done: cipin.Run) -> None:
    entries = {entry["name"]: entry for entry in done.manifest["files"]}
    on_disk = {path.relative_to(done.out).as_posix(): path for path in (done.out / "data").rglob("*") if path.is_file()}
    assert set(entries) == set(on_disk)
    for name, path in on_disk.items():
        data = path.read_bytes()
        assert entries[name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert (entries[name]["n_bytes"], entries[name]["rows"]) == (len(data), read_file(path).num_rows)


def test_current_shows_the_same_files(done: cipin.Run) -> None:
    current = {path.name: path for path in (done.out / "current").rglob("*.parquet")}
    assert set(current) == {Path(entry["name"]).name for entry in done.manifest["files"]}
    for entry in done.manifest["files"]:
        linked = done.out / "current" / entry["table"] / Path(entry["name"]).name
        assert linked.samefile(done.out / entry["name"])
    shown = json.loads((done.out / "current" / "run.json").read_text("utf-8"))
    assert shown == {key: value for key, value in done.manifest.items() if key in shown}
    assert shown["files"] == done.manifest["files"]


def test_nothing_temporary_is_left(done: cipin.Run) -> None:
    assert list((done.out / "_meta" / "attempts").iterdir()) == []
    assert sorted(each.name for each in done.out.iterdir()) == ["_meta", "corpus", "current", "data"]


# ------------------------------------------------------------------------------------------------ the same bytes


@pytest.mark.parametrize(
    "options",
    [
        {"on": "serial", "matcher": "blocks"},
        {"on": "processes", "workers": 1, "matcher": "ahocorasick"},
        {"on": "processes", "workers": 2, "matcher": "blocks"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_same_bytes_however_it_is_run(
    demo: Path, tmp_path: Path, serial: cipin.Run, small_shards: None, options: dict[str, Any]
) -> None:
    other = cipin.run(demo, "fintech-zh", tmp_path / "other", **options)
    assert len(serial.manifest["shards"]) > 3
    assert shas(other) == shas(serial)
    assert [shard["shard"] for shard in other.manifest["shards"]] == [
        shard["shard"] for shard in serial.manifest["shards"]
    ]


def test_second_run_finds_nothing_to_do(demo: Path, tmp_path: Path, serial: cipin.Run, small_shards: None) -> None:
    out = tmp_path / "out"
    shutil.copytree(serial.out, out)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "data").rglob("*.*")}
    again = cipin.run(demo, "fintech-zh", out, matcher="ahocorasick")
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "data").rglob("*.*")} == before
    # Another matcher finds the same rows: there is nothing to publish.
    assert again.version == 1
    assert again.manifest["work"] == {
        "shards": 0, "kept": len(serial.manifest["shards"]), "parsed": 0, "reused": 0, "carried": 0, "unchanged": 1,
    }  # fmt: skip
    assert cipin.open(out).manifest == serial.manifest


def test_another_lexicon_leaves_the_earlier_version_readable(demo: Path, tmp_path: Path) -> None:
    first = cipin.run(demo, "fintech-zh", tmp_path / "out")
    second = cipin.run(demo, "wu2021", tmp_path / "out")
    assert first.hits.collect()["lexicon"].unique().to_list() == ["fintech-zh"]
    assert second.hits.collect()["lexicon"].unique().to_list() == ["wu2021"]
    current = {path.name for path in (tmp_path / "out" / "current").rglob("*.parquet")}
    assert current == {Path(entry["name"]).name for entry in second.manifest["files"]}
    assert second.manifest["run"] != first.manifest["run"]


def test_run_returns_what_it_published(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(store: Any, attempt: str) -> None:
        ledger.publish_version(store, ledger.read_version(store) | {"run": "0" * 24})

    monkeypatch.setattr(ledger, "refresh_current", overtaken)
    run = cipin.run(demo, "wu2021", tmp_path / "out")
    assert (run.version, run.manifest["run"] != "0" * 24) == (1, True)


def test_arrow_files_hold_the_same_rows(demo: Path, tmp_path: Path, done: cipin.Run) -> None:
    arrow = cipin.run(demo, "fintech-zh", tmp_path / "out", format="arrow")
    for table in TABLES:
        assert arrow.table(table).collect().equals(done.table(table).collect()), table


def test_large_shard_is_written_in_parts(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: cipin.Run
) -> None:
    monkeypatch.setattr("cipin.running.job.PART_BYTES", 100_000)
    run = cipin.run(demo, "fintech-zh", tmp_path / "out", on="serial")
    assert len(run.manifest["shards"]) == 1
    assert sum(entry["table"] == "hits" for entry in run.manifest["files"]) > 3
    assert run.table("panel").collect().equals(done.table("panel").collect())


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_the_panel_that_is_written_is_the_one_that_is_made(tmp_path: Path, format: Any) -> None:
    texts = {f"{name}银行{year}年.txt": f"推进{name}大数据。" * year for name in "丙乙甲" for year in (2020, 2019)}
    run = run_texts(tmp_path, {**texts, "无.txt": "云计算。"}, ["大数据", "云计算", "区块链"], format=format)
    made = make_panel(run.reports, run.hits, run.lexicon, sections=run.sections, counts=run.counts).collect()
    assert run.panel().collect().equals(made)
    assert run.panel().collect_schema() == made.schema
    assert made.shape == (21, 10)
    assert run.panel().filter(pl.col("entity") == "乙银行", year=2019).collect()["hits"].to_list() == [2019, 0, 0]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_tables_made_in_pieces_hold_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Any) -> None:
    texts = {f"{name}银行2019年.txt": f"推进大数据，以及{name}云计算。\n推进区块链与大数据。" * 4 for name in "甲乙丙"}
    whole = run_texts(tmp_path, texts, ["大数据", "云计算", "区块链"])
    monkeypatch.setattr("cipin.running.tables.ROW_GROUP", 5)
    monkeypatch.setattr("cipin.running.table_files.ROW_GROUP", 5)
    lexicon = cipin.Lexicon.from_terms(["大数据", "云计算", "区块链"])
    pieces = cipin.run(tmp_path / "reports", lexicon, tmp_path / "pieces", format=format)
    for table in TABLES:
        assert rows(pieces, table) == rows(whole, table)
    (hits,) = (pieces.out / each["name"] for each in pieces.manifest["files"] if each["table"] == "hits")
    assert len(rows(pieces, "hits")) == 48
    if format == "parquet":
        assert pq.ParquetFile(hits).num_row_groups == 10
