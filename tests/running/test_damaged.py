"""What was damaged since it was written is not believed, and is mended by the next run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.cli import main
from cipin.running import ledger
from cipin.running.status import status
from cipin.running.store import open_store

TEXTS = {
    "甲银行_2019.txt": "推进大数据应用，云计算起步。",
    "甲银行_2020.txt": "区块链试点。",
    "乙银行_2019.txt": "人工智能客服上线，大数据。",
}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "reports" / name).write_text(text, encoding="utf-8")
    return tmp_path / "reports"


def change(path: Path, key: str, value: Any) -> None:
    content = json.loads(path.read_text("utf-8"))
    assert content[key] != value
    path.write_text(json.dumps(content | {key: value}), encoding="utf-8")


def counts(run: cipin.Run) -> list[tuple[Any, ...]]:
    return run.counts.sort("report", "term").collect().rows()


def test_changed_manifest_is_refused_and_published_anew(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = cipin.run(reports, "wu2021", out)
    path = out / "_meta" / "versions" / f"{1:020d}.json"
    change(path, "files", first.manifest["files"][:-2])
    with pytest.raises(
        cipin.StorageError, match=r"it is not what was written: its sum is another.; run again to publish a new version"
    ):
        cipin.open(out)
    assert main(["verify", str(out)]) == 74
    again = cipin.run(reports, "wu2021", out)
    assert again.version == 2
    assert counts(again) == counts(first)


def test_changed_record_of_a_shard_is_not_believed(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = cipin.run(reports, "wu2021", out)
    shutil.rmtree(out / "_meta" / "versions")
    (path,) = (out / "_meta" / "shards").iterdir()
    change(path, "files", [each for each in json.loads(path.read_text("utf-8"))["files"] if each["table"] != "counts"])
    assert ledger.find_records(open_store(out), [path.name.split(".")[0]])[path.name.split(".")[0]].record is None
    assert counts(cipin.run(reports, "wu2021", out)) == counts(first)


@pytest.mark.parametrize("what", ["folder", "link"])
def test_what_is_no_version_is_named(reports: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    cipin.run(reports, "wu2021", out)
    path = out / "_meta" / "versions" / f"{1:020d}.json"
    path.unlink()
    if what == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(cipin.StorageError, match=f"{path.name}: is not what cipin wrote, and in the way; remove it"):
        cipin.run(reports, "wu2021", out)


def test_changed_plan_is_written_anew(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cipin.run(reports, "wu2021", out)
    (path,) = (out / "_meta" / "plans").iterdir()
    change(path, "shards", [])
    with pytest.raises(cipin.StorageError, match="is not what was written"):
        status(out)
    assert cipin.run(reports, "wu2021", out).version == 1
    assert status(out).published


def test_plan_that_is_begun_again_is_the_newest(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for clauses in ("default", "blank", "default"):
        cipin.run(reports, "wu2021", out, clauses=clauses)
        assert status(out).published, clauses


@pytest.mark.parametrize("what", ["gone", "another", "more"])
def test_current_shows_the_newest_version_again(reports: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    cipin.run(reports, "wu2021", out)
    (shown,) = (out / "current" / "hits").iterdir()
    data = shown.read_bytes()
    if what == "more":
        shutil.copy(shown, shown.with_name("copy.parquet"))
    else:
        shown.unlink()
    if what == "another":
        shown.write_bytes(data[::-1])
    assert cipin.run(reports, "wu2021", out).version == 1
    assert [path.read_bytes() for path in (out / "current" / "hits").iterdir()] == [data]


@pytest.mark.parametrize("what", ["record", "pack"])
def test_changed_corpus_is_not_believed(reports: Path, tmp_path: Path, what: str) -> None:
    corpus = tmp_path / "corpus"
    cipin.ingest(reports, corpus)
    expected = counts(cipin.run(reports, "wu2021", tmp_path / "first", corpus="none"))
    (path,) = corpus.glob(f"packs/*/*.{'json' if what == 'record' else 'arrow'}")
    if what == "record":
        sources = json.loads(path.read_text("utf-8"))["sources"]
        # Each source in the row of the next: nothing else is wrong.
        change(path, "sources", dict(zip(sources, [*list(sources.values())[1:], *sources.values()], strict=False)))
    else:
        data = bytearray(path.read_bytes())
        data[-30] ^= 1
        path.write_bytes(data)
    for _ in range(2):
        run = cipin.run(reports, "wu2021", tmp_path / "out", corpus=corpus)
        assert counts(run) == expected
        reused = run.summary["tallies"].get("reused", 0)
        shutil.rmtree(tmp_path / "out")
    assert reused == len(TEXTS)  # the second time from what the first put in the place of what was damaged


@pytest.mark.parametrize("table", ["panel", "lexicon", "reports"])
def test_lost_file_is_made_anew(reports: Path, tmp_path: Path, table: str) -> None:
    out = tmp_path / "out"
    first = cipin.run(reports, "wu2021", out)
    (file,) = (each for each in first.manifest["files"] if each["table"] == table)
    (out / file["name"]).unlink()
    again = cipin.run(reports, "wu2021", out)
    assert file in again.manifest["files"]
    assert main(["verify", str(out)]) == 0
