"""A run from end to end: what it finds is right, what it writes is as promised, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

import cipin
from cipin.running import ledger, plan
from cipin.schema import RUN_TABLES, SHARD_TABLES

TABLES = {**SHARD_TABLES, **RUN_TABLES}
ORDER = [term.name for term in cipin.Lexicon.load("fintech-zh").terms]


def rows(run: cipin.Run, table: str) -> list[dict[str, Any]]:
    return run.table(table).collect().to_dicts()


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


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of some 80 kB, so that the demonstration corpus is worked through in more than one."""
    monkeypatch.setattr(plan, "LEAST_BYTES", 60_000)
    monkeypatch.setattr(plan, "CUT_EVERY", 2)


@pytest.fixture(scope="module")
def serial(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> cipin.Run:
    """A run in small shards, in this process; only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LEAST_BYTES", 60_000)
        patch.setattr(plan, "CUT_EVERY", 2)
        return cipin.run(
            demo, "fintech-zh", tmp_path_factory.mktemp("serial") / "out", on="serial", matcher="ahocorasick"
        )


# ------------------------------------------------------------------------------------------------ what is found


def test_hits_are_the_gold_count(done: cipin.Run, made: ModuleType) -> None:
    found: dict[tuple[str, int], dict[str, int]] = {}
    for row in done.panel(level="term").collect().iter_rows(named=True):
        terms = found.setdefault((row["entity"], row["year"]), {})
        if row["hits"]:
            terms[row["term"]] = row["hits"]
    assert {key: dict(sorted(terms.items())) for key, terms in found.items()} == made.demo_expected()


def test_damaged_report_is_a_quarantined_row_and_no_zero(done: cipin.Run, made: ModuleType) -> None:
    (row,) = [row for row in rows(done, "reports") if row["status"] != "measured"]
    assert ((row["entity"], row["fiscal_year"]), row["status"], row["reason"]) == (
        made.DAMAGED,
        "quarantined",
        "binary",
    )
    assert row["message"]
    assert row["chars"] is None
    assert made.DAMAGED not in {(each["entity"], each["year"]) for each in rows(done, "panel")}


def test_report_without_a_term_is_a_row_of_zeros(done: cipin.Run, made: ModuleType) -> None:
    cells = [each for each in rows(done, "panel") if (each["entity"], each["year"]) == made.WITHOUT_TERMS]
    assert [each["term"] for each in cells] == ORDER
    assert {(each["hits"], each["clauses"], each["reports"]) for each in cells} == {(0, 0, 1)}
    assert all(each["chars"] > 3000 for each in cells)


def test_every_file_has_a_row(done: cipin.Run, demo: Path) -> None:
    assert sorted(row["source"] for row in rows(done, "reports")) == sorted(path.name for path in demo.iterdir())
    assert done.summary["outcomes"] == {"measured": 39, "quarantined:binary": 1}


# ------------------------------------------------------------------------------------------------ evidence


def decoded(demo: Path, row: dict[str, Any]) -> str:
    return (demo / row["source"]).read_bytes().decode(row["encoding"]).removeprefix("\ufeff")


def test_surface_is_the_text_at_the_offsets(done: cipin.Run, demo: Path) -> None:
    reports = {row["report"]: row for row in rows(done, "reports")}
    texts = {id: decoded(demo, row) for id, row in reports.items() if row["status"] == "measured"}
    assert {row["encoding"] for row in reports.values() if row["encoding"]} == {"utf-8", "gb18030", "utf-16-le"}
    hits = rows(done, "hits")
    assert {hit["kept"] for hit in hits} == {True, False}
    assert [hit["surface"] for hit in hits] == [texts[hit["report"]][hit["start"] : hit["end"]] for hit in hits]
    assert [hit["surface"] for hit in hits] == [texts[hit["report"]][hit["raw_start"] : hit["raw_end"]] for hit in hits]


def test_clause_of_every_kept_hit_shows_it(done: cipin.Run, demo: Path) -> None:
    reports = {row["report"]: row for row in rows(done, "reports")}
    clauses = {(row["report"], row["clause"]): row for row in rows(done, "clauses")}
    used = set()
    for hit in rows(done, "hits"):
        if hit["kept"]:
            clause = clauses[hit["report"], hit["clause"]]
            at = hit["start"] - clause["start"]
            assert at >= 0
            assert clause["text"][at : at + len(hit["surface"])] == hit["surface"]
            used.add((hit["report"], hit["clause"]))
    assert used == set(clauses)  # a clause without a kept hit is no evidence
    for clause in clauses.values():
        text = decoded(demo, reports[clause["report"]])
        assert clause["text"] == text[clause["start"] : clause["end"]]


def test_suppressed_hits_say_why(done: cipin.Run) -> None:
    for hit in rows(done, "hits"):
        assert (not hit["reason"]) == hit["kept"]


def test_counts_are_the_kept_hits_by_report_and_term(done: cipin.Run) -> None:
    kept = [hit for hit in rows(done, "hits") if hit["kept"]]
    hits = Counter((hit["report"], hit["lexicon"], hit["term"]) for hit in kept)
    clauses = Counter(
        (report, lexicon, term)
        for report, lexicon, term, _ in {(hit["report"], hit["lexicon"], hit["term"], hit["clause"]) for hit in kept}
    )
    assert {
        (row["report"], row["lexicon"], row["term"]): (row["hits"], row["clauses"]) for row in rows(done, "counts")
    } == {key: (hits[key], clauses[key]) for key in hits}


# ------------------------------------------------------------------------------------------------ panel

LEVELS = {
    "term": ("lexicon", "dimension", "category", "term"),
    "category": ("lexicon", "dimension", "category"),
    "dimension": ("lexicon", "dimension"),
    "lexicon": ("lexicon",),
}


def naive_panel(run: cipin.Run, by: tuple[str, ...], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The panel in plain Python, in its order."""
    reports = [row | {"year": row["fiscal_year"]} for row in rows(run, "reports") if row["status"] == "measured"]
    terms = {row["term"]: tuple(row[name] for name in names) for row in rows(run, "lexicon")}
    hits = [hit for hit in rows(run, "hits") if hit["kept"]]
    panel = []
    for group in sorted({tuple(row[name] for name in by) for row in reports}):
        members = {row["report"]: row for row in reports if tuple(row[name] for name in by) == group}
        chars = sum(row["chars"] for row in members.values())
        inside = [hit for hit in hits if hit["report"] in members]
        for key in dict.fromkeys(terms.values()):
            found = [hit for hit in inside if terms[hit["term"]] == key]
            clauses = {(hit["report"], hit["clause"]) for hit in found}
            panel.append((*group, *key, len(found), len(clauses), len(members), chars))
    return panel


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("by", [("entity", "year"), ("year",), ("source",), ()], ids=lambda by: "-".join(by) or "all")
def test_panel_is_what_hand_counting_gives(done: cipin.Run, level: Any, by: tuple[str, ...]) -> None:
    panel = done.panel(by, level).collect()
    assert panel.columns == [*by, *LEVELS[level], "hits", "clauses", "reports", "chars"]
    assert panel.rows() == naive_panel(done, by, LEVELS[level])


def test_written_panel_is_that_of_terms(done: cipin.Run) -> None:
    assert done.table("panel").collect().rows() == naive_panel(done, ("entity", "year"), LEVELS["term"])


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
    seen = set()
    for table, data in tables_of(run):
        assert data.schema.equals(TABLES[table])
        facts = {key.decode(): value.decode() for key, value in data.schema.metadata.items()}
        assert {key: facts[key] for key in facts if key.startswith("cipin.")} == {
            "cipin.run": run.manifest["run"],
            "cipin.lexicon": "wu2021",
            "cipin.lexicon_hash": lexicon.hash,
            "cipin.engine": cipin.__version__,
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


def test_second_run_is_a_second_version_of_the_same_files(
    demo: Path, tmp_path: Path, serial: cipin.Run, small_shards: None
) -> None:
    out = tmp_path / "out"
    shutil.copytree(serial.out, out)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "data").rglob("*.*")}
    again = cipin.run(demo, "fintech-zh", out, matcher="ahocorasick")
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / "data").rglob("*.*")} == before
    assert again.manifest["version"] == 2
    assert shas(again) == shas(serial)
    assert cipin.open(out, 1).manifest == serial.manifest
    assert cipin.open(out).manifest == again.manifest


def test_another_lexicon_leaves_the_earlier_version_readable(demo: Path, tmp_path: Path) -> None:
    first = cipin.run(demo, "fintech-zh", tmp_path / "out")
    second = cipin.run(demo, "wu2021", tmp_path / "out")
    assert first.hits.collect()["lexicon"].unique().to_list() == ["fintech-zh"]
    assert second.hits.collect()["lexicon"].unique().to_list() == ["wu2021"]
    current = {path.name for path in (tmp_path / "out" / "current").rglob("*.parquet")}
    assert current == {Path(entry["name"]).name for entry in second.manifest["files"]}
    assert second.manifest["run"] != first.manifest["run"]


def test_run_returns_what_it_published(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(out: Path, attempts: Path, manifest: dict[str, Any]) -> None:
        ledger.publish_version(out, attempts, {"run": "another", "files": []})

    monkeypatch.setattr(ledger, "refresh_current", overtaken)
    run = cipin.run(demo, "wu2021", tmp_path / "out")
    assert (run.manifest["version"], run.manifest["run"] != "another") == (1, True)


def test_arrow_files_hold_the_same_rows(demo: Path, tmp_path: Path, done: cipin.Run) -> None:
    arrow = cipin.run(demo, "fintech-zh", tmp_path / "out", format="arrow")
    for table in TABLES:
        assert arrow.table(table).collect().equals(done.table(table).collect()), table


# ------------------------------------------------------------------------------------------------ odd reports


def run_texts(folder: Path, texts: dict[str, str], terms: list[str], **options: Any) -> cipin.Run:
    for name, text in texts.items():
        (folder / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "reports" / name).write_text(text, encoding="utf-8")
    return cipin.run(folder / "reports", cipin.Lexicon.from_terms(terms), folder / "out", **options)


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


def test_lexicon_that_finds_nothing_still_gives_every_table(tmp_path: Path) -> None:
    run = run_texts(tmp_path, {"甲银行2019年.txt": "存款增长。"}, ["大数据"])
    assert {table: run.table(table).collect().height for table in TABLES} == {
        "reports": 1, "sections": 1, "clauses": 0, "hits": 0, "counts": 0, "lexicon": 1, "panel": 1,
    }  # fmt: skip
    assert run.table("hits").collect_schema() == pl.Schema(SHARD_TABLES["hits"])


def test_term_that_holds_a_clause_mark_is_shown_whole(tmp_path: Path) -> None:
    run = run_texts(tmp_path, {"甲银行2019年.txt": "推进云，大数据建设。"}, ["云，大数据"])
    (row,) = run.kwic("云，大数据").collect().to_dicts()
    assert (row["left"], row["surface"], row["right"]) == ("推进", "云，大数据", "")


def test_progress_counts_files_and_bytes(demo: Path, tmp_path: Path, small_shards: None) -> None:
    seen: list[Any] = []
    run = cipin.run(demo, "wu2021", tmp_path / "out", progress=seen.append)
    n_bytes = sum(path.stat().st_size for path in demo.iterdir())
    assert len(seen) == len(run.manifest["shards"])
    assert (seen[-1].done, seen[-1].total, seen[-1].done_bytes, seen[-1].total_bytes) == (40, 40, n_bytes, n_bytes)
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_large_shard_is_written_in_parts(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: cipin.Run
) -> None:
    monkeypatch.setattr("cipin.running.job.PART_BYTES", 100_000)
    run = cipin.run(demo, "fintech-zh", tmp_path / "out", on="serial")
    assert len(run.manifest["shards"]) == 1
    assert sum(entry["table"] == "hits" for entry in run.manifest["files"]) > 3
    assert run.table("panel").collect().equals(done.table("panel").collect())


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


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_tables_made_in_pieces_hold_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Any) -> None:
    texts = {f"{name}银行2019年.txt": f"推进大数据，以及{name}云计算。\n推进区块链与大数据。" * 4 for name in "甲乙丙"}
    whole = run_texts(tmp_path, texts, ["大数据", "云计算", "区块链"])
    monkeypatch.setattr("cipin.running.tables.ROW_GROUP", 5)
    monkeypatch.setattr("cipin.running.job.ROW_GROUP", 5)
    lexicon = cipin.Lexicon.from_terms(["大数据", "云计算", "区块链"])
    pieces = cipin.run(tmp_path / "reports", lexicon, tmp_path / "pieces", format=format)
    for table in TABLES:
        assert rows(pieces, table) == rows(whole, table)
    (hits,) = (pieces.out / each["name"] for each in pieces.manifest["files"] if each["table"] == "hits")
    assert len(rows(pieces, "hits")) == 48
    if format == "parquet":
        assert pq.ParquetFile(hits).num_row_groups == 10


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
