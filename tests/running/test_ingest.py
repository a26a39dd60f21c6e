"""The store of parsed reports: what is in it is never parsed again, and gives the same tables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import cipin
from cipin.reading import corpus as stored
from cipin.reading.formats import ReadOptions, read_reports
from cipin.reading.parsed import Parsed, parse
from cipin.reading.report import RawReport
from cipin.running import packs, parsing


def shas(run: cipin.Run) -> dict[str, str]:
    return {entry["name"]: entry["sha256"] for entry in run.manifest["files"]}


def tallies(run: cipin.Run) -> tuple[int, int]:
    found = run.summary["tallies"]
    return found.get("parsed", 0), found.get("reused", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Reports of several formats, among them one that cannot be read and two of the same text."""
    reports = tmp_path / "reports"
    (reports / "more").mkdir(parents=True)
    (reports / "青禾银行_2019年年度报告.txt").write_text(
        "第一章 转型\n推进大数据应用。\n第二章 风险\n完善云计算。\n", "utf-8"
    )
    (reports / "more" / "青禾银行_2020年年度报告.txt").write_bytes("以大數據為底座".encode("big5"))
    (reports / "more" / "松雪银行_2020年年度报告.md").write_text("# 松雪银行\n\n## 科技\n\n人工智能起步。\n", "utf-8")
    rows = [{"text": f"第{at}条，区块链与大数据。", "银行": "远山银行", "年份": 2018 + at} for at in range(5)]
    (reports / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    (reports / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    (reports / "empty.txt").write_bytes(b"")
    page = "<html><head><title>远山银行</title></head><body><p>移动支付普及，云计算上线。</p></body></html>"
    (reports / "page.html").write_text(page, "utf-8")
    return reports


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if hasattr(left, "__slots__") and not isinstance(left, str):
        return type(left) is type(right) and all(equal(getattr(left, n), getattr(right, n)) for n in left.__slots__)
    return bool(left == right)


def test_what_is_unpacked_is_what_was_packed(folder: Path) -> None:
    parsed = [parse(raw) for path in sorted(folder.rglob("*.*")) for raw in read_reports(path)]
    odd = RawReport("\udcff", "", "csv", meta={"a": float("inf"), "b\ud800": 10**20}, status="dropped", reason="empty")
    parsed.append(parse(odd))
    pages = {"needs_ocr": [1, 2, 3, 7], "map_errors": [2]}
    parsed.append(parse(RawReport("", "", "pdf", status="quarantined", reason="no_text", page_flags=pages)))
    parsed.append(parse(RawReport("", "大\u200b数据", "text")))
    assert parsed[-2].page_flags == {"needs_ocr": "1-3,7", "map_errors": "2"}
    assert parsed[-1].clean is not None
    batch = stored.pack_parsed(parsed)
    back = list(stored.Unpacked(batch).reports(0, len(parsed)))
    assert [equal(one, other) for one, other in zip(parsed, back, strict=True)] == [True] * len(parsed)
    assert [
        equal(one, other) for one, other in zip(parsed[3:5], stored.Unpacked(batch).reports(3, 2), strict=True)
    ] == [
        True,
        True,
    ]
    assert len({each.raw.status for each in parsed}) == 3


def test_second_lexicon_parses_nothing_and_finds_what_a_first_run_finds(folder: Path, tmp_path: Path) -> None:
    first = cipin.run(folder, "wu2021", tmp_path / "out")
    second = cipin.run(folder, "fintech-zh", tmp_path / "out")
    assert (tallies(first), tallies(second)) == ((7, 0), (0, 7))
    anew = cipin.run(folder, "fintech-zh", tmp_path / "anew", corpus="none")
    assert tallies(anew) == (7, 0)
    assert shas(second) == shas(anew)
    assert not (tmp_path / "anew" / "corpus").exists()


@pytest.mark.parametrize("options", [{"on": "serial"}, {"on": "processes", "workers": 2}])
def test_scan_gives_the_tables_of_run_without_the_files(
    folder: Path, tmp_path: Path, options: dict[str, Any], small_batches: None
) -> None:
    run = cipin.run(folder, "fintech-zh", tmp_path / "out", corpus="none")
    corpus = cipin.ingest(folder, tmp_path / "corpus", **options)
    assert (corpus.sources, corpus.summary["tallies"]) == (7, {"parsed": 7})
    assert corpus.summary["outcomes"] == run.summary["outcomes"]
    folder.rename(tmp_path / "gone")
    scanned = cipin.scan(tmp_path / "corpus", "fintech-zh", tmp_path / "scanned", **options)
    assert shas(scanned) == shas(run)
    assert scanned.manifest["run"] == run.manifest["run"]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs of two reports a batch, so that a table lies in several."""
    monkeypatch.setattr(packs, "BATCH_REPORTS", 2)


def test_ingest_again_parses_what_is_new_or_changed(folder: Path, tmp_path: Path) -> None:
    cipin.ingest(folder, tmp_path / "corpus")
    assert cipin.ingest(folder, tmp_path / "corpus").summary["tallies"] == {"reused": 7}
    (folder / "more" / "松雪银行_2020年年度报告.md").write_text("# 松雪银行\n\n区块链。\n", "utf-8")
    (folder / "青禾银行_2021年年度报告.txt").write_text("数字货币试点。", "utf-8")
    (folder / "rows.jsonl").rename(folder / "renamed.jsonl")
    again = cipin.ingest(folder, tmp_path / "corpus")
    assert again.summary["tallies"] == {"parsed": 2, "reused": 6}
    assert shas(cipin.scan(tmp_path / "corpus", "wu2021", tmp_path / "a")) == shas(
        cipin.run(folder, "wu2021", tmp_path / "b", corpus="none")
    )


def test_one_content_under_two_names_is_stored_once(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for name in ("甲银行2019年.txt", "乙银行2019年.txt"):
        (tmp_path / "reports" / name).write_text("大数据", "utf-8")
    cipin.ingest(tmp_path / "reports", tmp_path / "corpus")
    found = packs.find_stored(packs.open_place(tmp_path / "corpus"))
    assert [piece for each in found.values() for piece in each.pieces] == [(0, 0, 1)]
    assert cipin.scan(tmp_path / "corpus", "wu2021", tmp_path / "out").summary["tallies"]["hits"] == 2


def test_another_parser_or_option_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        stored.source_key("ab", "a.txt", ReadOptions()),
        stored.source_key("ac", "a.txt", ReadOptions()),
        stored.source_key("ab", "a.md", ReadOptions()),
        stored.source_key("ab", "a.txt", ReadOptions(text_column="body")),
        stored.source_key("ab", "a.txt", ReadOptions(), ["wraps"]),
    }
    monkeypatch.setattr(stored, "parser_version", lambda: "other")
    keys.add(stored.source_key("ab", "a.txt", ReadOptions()))
    assert len(keys) == 6


def test_repairs_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    text = "本行持续推进区块链技术在供应链金融与跨境结算等场景中的研究和应用，并加强大数据人才队伍建设。" * 20
    lines = [text[at : at + 31] for at in range(0, len(text), 31)]
    (tmp_path / "reports" / "a.txt").write_text("\n".join(lines) + "\n", "utf-8")
    hits = {
        names: cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", no_repair=names).summary["tallies"]["hits"]
        for names in ((), ("wraps",))
    }
    assert hits[()] > hits["wraps",]
    with pytest.raises(cipin.UsageError, match="no_repair 'wrap': there are 'running_heads', 'wraps', 'page_breaks'"):
        cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", no_repair=["wrap"])


def test_what_another_try_may_mend_is_tried_again_by_run(tmp_path: Path) -> None:
    with packs.PackWriter(packs.open_place(tmp_path / "corpus"), "attempt") as writer:
        writer.add("key", Parsed(RawReport("", "", "pdf", status="quarantined", reason="timeout")))
        writer.add("other", Parsed(RawReport("", "", "pdf", status="quarantined", reason="encrypted")))
    found = packs.find_stored(packs.open_place(tmp_path / "corpus"))
    assert {key: each.transient for key, each in found.items()} == {"key": True, "other": False}


def test_copies_of_a_file_may_be_parsed_at_once(tmp_path: Path) -> None:
    parsed = Parsed(RawReport("", "推进大数据", "text"), digest="d")
    corpus = packs.open_place(tmp_path / "corpus")
    with packs.PackWriter(corpus, "attempt") as one, packs.PackWriter(corpus, "attempt") as two:
        for writer in (one, two):
            writer.add("key", parsed)
            writer._flush()
    (stored,) = packs.find_stored(corpus).values()
    assert [each.text for each in packs.load_stored(corpus, stored)] == ["推进大数据"]


def test_file_that_changes_while_it_is_read_stops_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = folder / "青禾银行_2019年年度报告.txt"
    real = parsing.parse

    def parse_late(raw: RawReport, off: Any, **options: bool) -> Parsed:
        if "推进大数据" in raw.text:
            changed.write_text("另一份报告", "utf-8")
        return real(raw, off, **options)

    monkeypatch.setattr(parsing, "parse", parse_late)
    with pytest.raises(cipin.InputChanged, match=f"{changed.name}: was changed, or removed, while it was read"):
        cipin.run(folder, "wu2021", tmp_path / "out", on="serial")
    monkeypatch.undo()
    assert cipin.run(folder, "wu2021", tmp_path / "out", on="serial").summary["outcomes"]["measured"] == 9
    assert all(each.text != "另一份报告" or each.digest for each in _all(tmp_path / "out" / "corpus"))


def _all(corpus: Path) -> list[Parsed]:
    return [
        each
        for place in packs.find_stored(packs.open_place(corpus)).values()
        for each in packs.load_stored(packs.open_place(corpus), place)
    ]


@pytest.mark.parametrize("damage", ["cut", "gone", "not json", "rows", "json of another shape"])
def test_damaged_store_is_parsed_again_and_never_believed(folder: Path, tmp_path: Path, damage: str) -> None:
    cipin.ingest(folder, tmp_path / "corpus")
    packs._read_batch.cache_clear()
    (pack,) = (tmp_path / "corpus" / "packs").rglob("*.arrow")
    (record,) = (tmp_path / "corpus" / "packs").rglob("*.json")
    if damage == "cut":
        os.truncate(pack, 1000)
    elif damage == "gone":
        pack.unlink()
    elif damage == "not json":
        record.write_text("{", "utf-8")
    elif damage == "rows":
        record.write_text(record.read_text("utf-8").replace("[[0, 0, 1]]", "[[0, 1, 1]]"), "utf-8")
    else:
        record.write_text("[1, 2]", "utf-8")
    run = cipin.run(folder, "wu2021", tmp_path / "out", corpus=tmp_path / "corpus")
    assert tallies(run) == (7, 0)
    assert cipin.scan(tmp_path / "corpus", "wu2021", tmp_path / "other").summary["tallies"]["reused"] == 7


def test_refused_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(cipin.UsageError, match="has filled no corpus there; `cipin ingest REPORTS -o CORPUS` does"):
        cipin.scan(tmp_path / "nowhere", "wu2021", tmp_path / "out")
    with pytest.raises(cipin.UsageError, match="not empty, and no corpus; choose an empty or new folder"):
        cipin.ingest(folder, folder / "more")
    assert not (tmp_path / "out").exists()


def test_corpus_of_another_version_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cipin.ingest(folder, tmp_path / "corpus")
    monkeypatch.setattr("cipin.running.ingest.parser_version", lambda: "other")
    with pytest.raises(cipin.UsageError, match="was ingested by another version of cipin; run `cipin ingest` again"):
        cipin.scan(tmp_path / "corpus", "wu2021", tmp_path / "out")


def test_batches_are_arrow_that_others_read(folder: Path, tmp_path: Path) -> None:
    cipin.ingest(folder, tmp_path / "corpus")
    (pack,) = (tmp_path / "corpus" / "packs").rglob("*.arrow")
    with pa.OSFile(str(pack)) as file, pa.ipc.open_file(file) as reader:
        table = reader.read_all()
    assert "推进大数据应用" in "".join(each for each in table["text"].to_pylist())


def test_how_long_a_report_may_be_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "甲银行2019年.txt").write_text("推进大数据应用", "utf-8")
    run = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", max_chars=6)
    assert run.summary["outcomes"] == {"quarantined:too_large": 1}
    assert "raise --max-chars" in run.reports.collect()["message"].item()
    cipin.ingest(tmp_path / "reports", tmp_path / "corpus", max_chars=7)
    scanned = cipin.scan(tmp_path / "corpus", "wu2021", tmp_path / "out")
    assert scanned.summary["outcomes"] == {"measured": 1}
    assert scanned.explain("甲", "大数据").hits["raw"].to_list() == ["大数据"]
    with pytest.raises(cipin.UsageError, match="max_chars = -1: give how many characters"):
        cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", max_chars=-1)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> pytest.MonkeyPatch:
    whole = parsing.parse

    def fail(raw: RawReport, *off: Any, **options: bool) -> Parsed:
        if "區塊鏈" in raw.text or "云计算" in raw.text:
            raise error
        return whole(raw, *off, **options)

    monkeypatch.setattr(parsing, "parse", fail)
    return monkeypatch


@pytest.mark.parametrize(("error", "reason"), [(ValueError("x"), "crash"), (MemoryError(), "memory")])
def test_what_failed_by_chance_and_is_stored_since_is_scanned(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """No retry is needed, which a scan could not carry out: it opens no file."""
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    failing(monkeypatch, error)
    cipin.ingest(folder, corpus)
    first = cipin.scan(corpus, "fintech-zh", out, on="serial")
    assert first.summary["outcomes"][f"quarantined:{reason}"] == 2
    assert not first.errors["transient"].any()
    assert cipin.scan(corpus, "fintech-zh", out, on="serial").manifest["version"] == 1  # nothing changed
    monkeypatch.undo()
    cipin.ingest(folder, corpus)
    second = cipin.scan(corpus, "fintech-zh", out, on="serial")
    assert f"quarantined:{reason}" not in second.summary["outcomes"]
    fresh = cipin.scan(corpus, "fintech-zh", tmp_path / "fresh", on="serial")
    assert second.reports.collect().equals(fresh.reports.collect())
    assert second.panel().collect().equals(fresh.panel().collect())
    assert cipin.scan(corpus, "fintech-zh", out, on="serial").manifest["version"] == 2


def test_another_lexicon_that_reads_what_failed_mends_the_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ValueError("x"))
    assert cipin.run(folder, "fintech-zh", tmp_path / "out").summary["outcomes"]["quarantined:crash"] == 2
    monkeypatch.undo()
    assert "quarantined:crash" not in cipin.run(folder, "wu2021", tmp_path / "out").summary["outcomes"]
    assert "quarantined:crash" not in cipin.run(folder, "fintech-zh", tmp_path / "out").summary["outcomes"]


def test_what_fails_as_it_is_identified_is_not_tried_for_ever(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("x")

    monkeypatch.setattr("cipin.running.job.identify", fail)
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    cipin.ingest(folder, corpus)
    first = cipin.scan(corpus, "fintech-zh", out, on="serial")
    assert set(first.errors["stage"]) == {"read", "identify"}
    assert cipin.scan(corpus, "fintech-zh", out, on="serial").manifest["version"] == 1
    monkeypatch.undo()
    assert len(cipin.scan(corpus, "fintech-zh", out, on="serial", retry=True).errors) == 1  # the broken PDF
