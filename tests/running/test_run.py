"""A run from end to end: what it finds is right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from runs import ORDER, TABLES, rows, run_texts

import cipin
from cipin.schema import SHARD_TABLES

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
