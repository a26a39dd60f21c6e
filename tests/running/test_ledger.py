"""Versions: whole, once, in order; and refused where the ledger does not balance."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

import cipin
from cipin.running import ledger, store
from cipin.running.ledger import FileRecord, ShardRecord
from cipin.running.store import LocalStore, as_json, open_store


def keep(out: Path, text: str, shard: str = "s") -> FileRecord:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    temporary = store.write_file(out / "_meta" / "attempts", write)
    return ledger.keep_file(open_store(out), shard, "hits", temporary, ".parquet", 1)


def manifest_of(run: str = "this", *files: FileRecord, **changes: Any) -> dict[str, Any]:
    """Return a manifest of the shape that versions have."""
    empty: dict[str, Any] = {"outcomes": {}, "tallies": {}, "terms": {}, "doubtful": {}, "seconds": {}}
    return {
        "run": run.encode().hex().ljust(24, "0"), "engine": "0", "began": 0, "ended": 0, "root": "", "corpus": None,
        "options": {}, "planned": {"sources": 0, "bytes": 0, "shards": 0, "passed_over": []}, "work": {},
        "lexicon": {"id": "l", "hash": "0", "match": "all", "fold": True, "boundaries": "none"},
        "summary": {**empty, "bytes": 0}, "shards": [], "files": [asdict(file) for file in files], **changes,
    }  # fmt: skip


def publish(out: Path, *files: FileRecord, run: str = "this") -> dict[str, Any]:
    manifest = manifest_of(run, *files)
    place = open_store(out)
    ledger.publish_version(place, manifest)
    ledger.refresh_current(place, "a")
    store.remove_folder(place.temporary("a"))
    return manifest


def current(out: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted((out / "current" / "hits").iterdir())]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    open_store(tmp_path / "out").prepare()
    return tmp_path / "out"


def test_file_is_named_by_its_content(out: Path) -> None:
    first, again, other = keep(out, "一"), keep(out, "一"), keep(out, "二")
    assert first == again
    assert first.name == f"data/hits/s-{first.sha256[:16]}.parquet"
    assert (out / first.name).read_text("utf-8") == "一"
    assert first.name != other.name
    assert len(list((out / "data" / "hits").iterdir())) == 2


def test_versions_count_up_and_the_newest_is_read(out: Path) -> None:
    for number, text in enumerate(("一", "二", "三"), 1):
        publish(out, keep(out, text))
        assert ledger.read_version(open_store(out))["version"] == number
        assert current(out) == [text]
    assert ledger.versions(open_store(out)) == [1, 2, 3]
    name = ledger.read_version(open_store(out), 1)["files"][0]["name"]
    assert (out / name).read_text("utf-8") == "一"


def test_tenth_version_comes_after_the_ninth(out: Path) -> None:
    for _ in range(11):
        ledger.publish_version(open_store(out), manifest_of())
    assert ledger.read_version(open_store(out))["version"] == 11


def test_number_taken_by_the_same_run_is_its_own(out: Path) -> None:
    publish(out, keep(out, "一"), run="this")
    publish(out, keep(out, "二"), run="other")
    assert ledger.publish_version(open_store(out), manifest_of("this"), base=0) == 1
    assert ledger.versions(open_store(out)) == [1, 2]


def test_taken_number_is_a_conflict(out: Path) -> None:
    publish(out, keep(out, "一"))
    manifest = manifest_of("another", keep(out, "二"))
    with pytest.raises(cipin.ConflictError, match="another run published version 1 first; run again") as caught:
        ledger.publish_version(open_store(out), manifest, base=0)
    assert caught.value.exit_code == 75
    assert ledger.versions(open_store(out)) == [1]
    assert current(out) == ["一"]


def test_racing_runs_each_publish_or_learn_of_it(out: Path) -> None:
    n_runs = 6
    barrier = Barrier(n_runs)

    def race(number: int) -> int | None:
        barrier.wait()
        try:
            return ledger.publish_version(open_store(out), manifest_of(str(number)))
        except cipin.ConflictError:
            return None

    with ThreadPoolExecutor(n_runs) as pool:
        won = {version: number for number, version in enumerate(pool.map(race, range(n_runs))) if version}
    assert sorted(won) == ledger.versions(open_store(out)) == list(range(1, len(won) + 1))
    runs = {version: ledger.read_version(open_store(out), version)["run"] for version in won}
    assert runs == {version: manifest_of(str(number))["run"] for version, number in won.items()}


def test_slower_run_does_not_put_its_older_version_into_current(out: Path) -> None:
    class Slow(LocalStore):
        def show(self, attempt: str, text: str, files: Mapping[str, str]) -> None:
            if json.loads(text)["version"] == 1:  # meanwhile another run publishes, and shows it
                publish(out, keep(out, "二"))
            super().show(attempt, text, files)

    ledger.publish_version(open_store(out), manifest_of("this", keep(out, "一")))
    ledger.refresh_current(Slow(str(out)), "slow")
    assert current(out) == ["二"]


def test_current_is_replaced_whole(out: Path) -> None:
    publish(out, keep(out, "一"), keep(out, "二", "t"))
    publish(out, keep(out, "三"))
    assert current(out) == ["三"]
    assert sorted(each.name for each in out.iterdir()) == ["_meta", "current", "data"]


def test_disk_without_links_is_said_as_such(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("cipin.running.store.os.link", refuse)
    with pytest.raises(cipin.StorageError, match="knows no hard links; choose another place"):
        keep(out, "一")


def test_damaged_file_under_the_name_is_no_success(out: Path) -> None:
    first = keep(out, "一")
    (out / first.name).write_text("坏", encoding="utf-8")
    try:
        keep(out, "一")
    except cipin.CipinError:
        return
    assert (out / first.name).read_text("utf-8") == "一"


def test_failed_refresh_leaves_the_earlier_current(out: Path) -> None:
    publish(out, keep(out, "一"))
    gone = replace(keep(out, "二"), name="data/hits/gone-0.parquet")
    with pytest.raises(cipin.StorageError):
        publish(out, gone)
    assert current(out) == ["一"]


# ------------------------------------------------------------------------------------------------ balance


def record(rows: int = 2, **changes: Any) -> ShardRecord:
    balanced = ShardRecord(
        "s", 2, 2, 9, (FileRecord("reports", "r", "0", rows, 9),), {"measured": 1, "quarantined:binary": 1}, {}, {}
    )
    return replace(balanced, **changes)


def test_balanced_records_pass() -> None:
    ledger.check_balance([record(), record(rows=1, planned=1, sources=1, outcomes={"dropped:empty": 1})])


@pytest.mark.parametrize(
    "wrong",
    [record(rows=1), record(rows=3), record(sources=1), record(files=()), record(outcomes={"measured": 1})],
    ids=["row lost", "row twice", "source lost", "no file", "outcome lost"],
)
def test_unbalanced_record_is_refused(wrong: ShardRecord) -> None:
    with pytest.raises(cipin.RunError, match=r"shard s: 2 sources planned, .*nothing is published"):
        ledger.check_balance([record(), wrong])


def test_unbalanced_run_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "甲银行2019年.txt").write_text("大数据", encoding="utf-8")
    cipin.run(tmp_path / "甲银行2019年.txt", "wu2021", tmp_path / "out")

    def lose_a_row(job: Any, shard: Any) -> ShardRecord:
        return record(rows=1)

    with monkeypatch.context() as patch:
        patch.setattr("cipin.running.measure.run_shard", lose_a_row)
        with pytest.raises(cipin.RunError):
            cipin.run(tmp_path / "甲银行2019年.txt", "fintech-zh", tmp_path / "out")
    assert ledger.versions(open_store(tmp_path / "out")) == [1]
    assert cipin.open(tmp_path / "out").hits.collect().height == 1


def test_summary_adds_up() -> None:
    total = ledger.summarise([record(tallies={"hits": 3}), record(tallies={"hits": 4, "chars": 5})])
    assert total["outcomes"] == {"measured": 2, "quarantined:binary": 2}
    assert total["tallies"] == {"chars": 5, "hits": 7}
    assert total["bytes"] == 18


# ------------------------------------------------------------------------------------------------ reading


def resealed(data: bytes) -> bytes:
    """What was sealed, as earlier versions sealed it: the sum among the rest."""
    return as_json(json.loads(data))


def test_sum_is_over_what_is_written() -> None:
    said = {"run": "r", "summary": {"词": 1}, "shards": [{"a": 1}], "zeros": []}
    data = ledger.seal(said)
    assert data.endswith(b'"\n}\n')
    assert b'"sum"' in data.splitlines()[-2]
    assert ledger._unseal(data) == ledger._unseal(resealed(data)) == {"layout": ledger.LAYOUT, **said}


@pytest.mark.parametrize("form", [bytes, resealed], ids=["now", "earlier"])
def test_any_byte_that_is_changed_is_noticed(form: Any) -> None:
    data = form(ledger.seal({"run": "r", "summary": {"词": 1, "大": [2, 3]}, "zeros": 0}))
    for at in range(len(data)):
        for other in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at] + data[at + 1 :], data[: at + 1]):
            with suppress(ValueError, TypeError, KeyError):
                # What says the same, such as without a blank, is the same, and what says nothing of a layout is none.
                found = ledger._unseal(other)
                assert found == ledger._unseal(data) or found["layout"] != ledger.LAYOUT


def test_nothing_is_said_behind_the_sum() -> None:
    data = ledger.seal({"run": "r"}).decode()
    more = data.replace('"\n}\n', '",\n "run": "other"\n}\n')
    assert json.loads(more)["run"] == "other"
    with pytest.raises(ValueError, match="its sum is another"):
        ledger._unseal(more.encode())


def seal_of(manifest: dict[str, Any]) -> str:
    return ledger.seal({"version": 1, **manifest}).decode()


def damage(out: Path, text: str) -> None:
    (out / "_meta" / "versions" / f"{1:020d}.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (lambda out: None, cipin.UsageError, "no finished run in it; `cipin run REPORTS"),
        (lambda out: damage(out, "{"), cipin.StorageError, "cannot be read .*; run again to publish a new version"),
        (lambda out: damage(out, "[]"), cipin.StorageError, "cannot be read"),
        (
            lambda out: damage(out, seal_of(manifest_of()).replace('"began": 0', '"began": 1')),
            cipin.StorageError,
            "its sum",
        ),
        (lambda out: damage(out, '{"layout": 99}'), cipin.UsageError, "another version of cipin .layout 99.; use that"),
    ],
    ids=["no run", "cut off", "no mapping", "changed", "layout"],
)
def test_unreadable_versions(
    out: Path, prepare: Callable[[Path], None], error: type[cipin.CipinError], message: str
) -> None:
    (out / "_meta" / "versions").mkdir()
    prepare(out)
    with pytest.raises(error, match=message) as caught:
        ledger.read_version(open_store(out))
    assert str(out) in str(caught.value)


def test_absent_folder_and_absent_version(out: Path) -> None:
    with pytest.raises(cipin.UsageError, match="nowhere: no such folder; give the folder that `cipin run"):
        ledger.read_version(open_store(out / "nowhere"))
    publish(out, keep(out, "一"))
    with pytest.raises(cipin.UsageError, match="no version 7; there are 1"):
        ledger.read_version(open_store(out), 7)


def test_foreign_file_among_the_versions_is_no_version(out: Path) -> None:
    publish(out, keep(out, "一"))
    (out / "_meta" / "versions" / "README.json").write_text("{}", encoding="utf-8")
    (out / "_meta" / "versions" / f"{2:020d}.json.tmp").write_text("{", encoding="utf-8")
    assert ledger.versions(open_store(out)) == [1]


def test_copy_of_a_version_is_no_version(out: Path) -> None:
    publish(out, keep(out, "一"))
    (out / "_meta" / "versions" / f"{1:020d} (copy).json").write_text("{}", encoding="utf-8")
    assert ledger.versions(open_store(out)) == [1]


def test_manifest_is_readable_text(out: Path) -> None:
    ledger.publish_version(open_store(out), manifest_of(root="年报"))
    text = (out / "_meta" / "versions" / f"{1:020d}.json").read_text("utf-8")
    assert "年报" in text
    assert json.loads(text)["layout"] == ledger.LAYOUT


# ------------------------------------------------------------------------------------------------ the place


def test_prepare_refuses_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(cipin.UsageError, match="file: is a file; choose a folder with -o"):
        open_store(tmp_path / "file").prepare()
    with pytest.raises(cipin.UsageError, match="not empty, and not the output of a run; choose an empty or new folder"):
        open_store(tmp_path).prepare()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_prepare_takes_new_empty_and_earlier_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "new" / "deep", tmp_path / "empty"):
        open_store(place).prepare()
        assert (place / "_meta").is_dir()
