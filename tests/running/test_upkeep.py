"""How an output stands, and keeping it well: preview, status, errors, retry, diff, verify, gc, events."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cipin
from cipin.cli import main
from cipin.running import ledger
from cipin.running.crumbs import Crumbs, find_crumb
from cipin.running.diff import diff
from cipin.running.measure import allowed_errors
from cipin.running.retry import retry
from cipin.running.status import ERRORS, errors, status
from cipin.running.store import open_store
from cipin.running.sweep import gc
from cipin.running.verify import verify

TEXTS = {"甲银行_2019": "推进大数据。云计算。", "甲银行_2020": "推进大数据。", "乙银行_2019": "存款增长。"}


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}年年度报告.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return write(tmp_path / "reports", **TEXTS)


@pytest.fixture
def out(reports: Path, tmp_path: Path) -> Path:
    cipin.run(reports, "wu2021", tmp_path / "out")
    return tmp_path / "out"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------ preview


def test_preview_says_what_would_be_done_and_writes_nothing(reports: Path, tmp_path: Path) -> None:
    found = cipin.preview(reports, "wu2021", tmp_path / "out")
    assert (found.shards, found.to_do, found.sources, found.to_read) == (1, 1, 3, 3)
    assert [each.what for each in found.changes] == ["nothing is published there yet"]
    assert not (tmp_path / "out").exists()
    cipin.run(reports, "wu2021", tmp_path / "out")
    before = everything(tmp_path / "out")
    assert cipin.preview(reports, "wu2021", tmp_path / "out").changes == ()
    write(reports, 甲银行_2020="推进大数据，推进大数据。", 丙银行_2021="科技。")
    (reports / "乙银行_2019年年度报告.txt").unlink()
    found = cipin.preview(
        reports, cipin.Lexicon.load("wu2021").with_policy(match="all"), tmp_path / "out", skip=["toc"]
    )
    said = {each.what: each.names for each in found.changes}
    assert said["1 report added"] == ("丙银行_2021年年度报告.txt",)
    assert said["1 report changed"] == ("甲银行_2020年年度报告.txt",)
    assert said["1 report removed"] == ("乙银行_2019年年度报告.txt",)
    assert said["1 policy changed"] == ("match",)
    assert "the option skip: 'running_head,toc' became 'toc'" in said
    assert everything(tmp_path / "out") == before


def test_preview_of_a_changed_lexicon_names_terms(out: Path, reports: Path) -> None:
    first = cipin.Lexicon.from_terms(["大数据", "云计算"], id="mine")
    second = cipin.Lexicon.from_terms(["大数据", "科技"], id="mine", variants={"大数据": ["海量数据"]})
    cipin.run(reports, first, out)
    said = {each.what: each.names for each in cipin.preview(reports, second, out).changes}
    assert said["1 term added"] == ("科技",)
    assert said["1 term removed"] == ("云计算",)
    assert said["1 term changed"] == ("大数据",)


def test_preview_knows_only_options_of_run(reports: Path, tmp_path: Path) -> None:
    with pytest.raises(cipin.UsageError, match="there is no option colour; they are those of run"):
        cipin.preview(reports, "wu2021", tmp_path / "out", colour="red")


# ------------------------------------------------------------------------------------------------ status, errors, retry


def test_status_of_a_finished_and_of_a_stopped_run(
    out: Path, reports: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = status(out)
    assert (found.versions, found.planned, found.recorded, found.published) == ((1,), 1, 1, True)
    assert found.balance == "3 reports = 3 measured"
    monkeypatch.setattr("cipin.running.plan.LEAST_BYTES", 1)
    monkeypatch.setattr("cipin.running.plan.CUT_BYTES", 1)

    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cipin.run(reports, "fintech-zh", out, progress=stop)
    found = status(out)
    assert (found.versions, found.planned, found.published) == ((1,), 3, False)
    assert 1 <= found.recorded < 3
    assert retry(out).version == 2
    assert status(out).published


@pytest.mark.parametrize("look", [status, errors, verify, gc, diff, retry])
def test_what_is_no_output_is_refused(look: Any, tmp_path: Path) -> None:
    with pytest.raises(cipin.UsageError, match=r"nowhere: no (run was begun|such folder)"):
        look(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(cipin.UsageError, match=r"empty: no (run was begun there|finished run in it)"):
        look(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def test_errors_name_what_failed(reports: Path, tmp_path: Path) -> None:
    (reports / "坏.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    with pytest.raises(cipin.TooManyErrors, match="1 of 4 reports are quarantined") as caught:
        cipin.run(reports, "wu2021", tmp_path / "out", max_errors=0)
    assert caught.value.exit_code == 1
    assert ledger.versions(open_store(tmp_path / "out")) == []
    (row,) = errors(tmp_path / "out").to_dicts()
    assert set(row) == set(ERRORS)
    assert (row["source"], row["reason"], row["stage"], row["transient"]) == ("坏.txt", "binary", "read", False)
    assert row["seconds"] >= 0
    assert row["memory_bytes"] > 1 << 20
    run = cipin.run(reports, "wu2021", tmp_path / "out", max_errors="25%")
    assert run.errors.to_dicts() == [row]
    assert run.manifest["work"]["kept"] == 1


@pytest.mark.parametrize("spec", ["many", "-1", "5 %", "%", -1, True, 1.5, "1e3"])
def test_max_errors_that_says_nothing(spec: Any) -> None:
    with pytest.raises(cipin.UsageError, match=r"max_errors = .*: give a number of reports, or a share such as 5%"):
        allowed_errors(spec)


def test_retry_without_anything_to_retry_changes_nothing(out: Path) -> None:
    before = ledger.versions(open_store(out))
    assert retry(out).version == before[-1]
    assert ledger.versions(open_store(out)) == before


def test_retry_knows_lexicon_options_and_registry(reports: Path, tmp_path: Path) -> None:
    registry = tmp_path / "mine.csv"
    registry.write_text("entity,name,code\n甲行,甲银行,000001\n", encoding="utf-8")
    lexicon = cipin.Lexicon.from_terms(
        {"技术": ["大数据", "云计算"], "业务": ["存款"]}, id="mine", match="all", guards={"存款": ["存款增长"]}
    )
    out = tmp_path / "out"
    first = cipin.run(reports, lexicon, out, registry=registry, skip=["notes"], clauses="blank", format="arrow")
    registry.unlink()
    again = retry(out)
    assert again.manifest["work"]["unchanged"] == 1
    assert again.version == first.version == 1


def test_what_was_begun_last_is_what_status_and_retry_are_about(out: Path, reports: Path) -> None:
    """Also after going back to an earlier state, whose plan is an old file, and in a copy, whose files are all new."""
    cipin.run(reports, "fintech-zh", out)
    assert cipin.run(reports, "wu2021", out).version == 3
    for plan in sorted((out / "_meta" / "plans").iterdir(), reverse=True):
        plan.write_bytes(plan.read_bytes())
    assert status(out).published
    again = retry(out)
    assert (again.version, again.manifest["lexicon"]["id"]) == (3, "wu2021")


def test_too_many_errors_are_too_many_the_second_time(reports: Path, tmp_path: Path) -> None:
    (reports / "坏.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    cipin.run(reports, "wu2021", tmp_path / "out")
    with pytest.raises(cipin.TooManyErrors):
        cipin.run(reports, "wu2021", tmp_path / "out", max_errors=0)


def test_file_that_could_not_be_opened_is_no_matter_of_retrying(reports: Path, tmp_path: Path) -> None:
    lost = reports / "丙银行_2021年年度报告.txt"
    lost.symlink_to(tmp_path / "nowhere")
    run = cipin.run(reports, "wu2021", tmp_path / "out")
    assert [(each["reason"], each["transient"]) for each in run.errors.to_dicts()] == [("unreadable", False)]
    assert retry(tmp_path / "out").version == 1
    lost.unlink()
    lost.write_text("推进大数据。", "utf-8")
    assert cipin.run(reports, "wu2021", tmp_path / "out").summary["outcomes"] == {"measured": 4}


def test_reports_that_were_moved_are_found_where_they_are(out: Path, reports: Path, tmp_path: Path) -> None:
    reports.rename(tmp_path / "moved")
    run = cipin.run(tmp_path / "moved", "wu2021", out, corpus="none")
    assert (run.version, run.manifest["work"]["kept"], run.manifest["root"]) == (2, 1, str(tmp_path / "moved"))
    assert (verify(out).hits, verify(out).unseen) == (3, 0)
    assert retry(out).version == 2


def test_current_is_mended(out: Path, reports: Path) -> None:
    before = everything(out / "current")
    next((out / "current" / "panel").iterdir()).unlink()
    (out / "current" / "hits" / "mine.parquet").write_bytes(b"mine")
    assert [each for each in verify(out).problems if each.startswith("current: ")]
    assert cipin.run(reports, "wu2021", out).version == 1
    assert everything(out / "current") == before
    assert verify(out).problems == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "spark"}, "executor 'spark': there are"),
        ({"skip": ["nothing"]}, "skip 'nothing'"),
        ({"max_errors": "５%"}, "max_errors"),
    ],
)
def test_preview_refuses_what_run_refuses(reports: Path, tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        cipin.preview(reports, "wu2021", tmp_path / "out", **options)
    (tmp_path / "file").write_text("x", "utf-8")
    for place in (tmp_path / "file", tmp_path):
        with pytest.raises(
            cipin.UsageError, match=r"is a file; choose|not the output of a run; choose|is the folder of"
        ):
            cipin.preview(reports, "wu2021", place)


# ------------------------------------------------------------------------------------------------ diff


def causes(out: Path, *versions: int) -> dict[tuple[str, int, str], tuple[str, int, int]]:
    found = diff(out, *versions)
    keys = zip(found["entity"], found["year"], found["term"], strict=True)
    return dict(zip(keys, zip(found["cause"], found["by_report"], found["by_rest"], strict=True), strict=True))


def test_diff_tells_reports_from_lexicon(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cipin.run(reports, cipin.Lexicon.from_terms(["大数据", "云计算"], id="mine"), out)
    write(reports, 甲银行_2020="推进大数据，再推进大数据。")
    cipin.run(reports, cipin.Lexicon.from_terms(["大数据", "云计算"], id="mine"), out)
    changed = causes(out)
    # The cell of another term has more characters below it.
    assert changed == {("甲银行", 2020, "大数据"): ("report", 1, 0), ("甲银行", 2020, "云计算"): ("report", 0, 0)}
    lexicon = cipin.Lexicon.from_terms(["大数据", "存款"], id="mine", variants={"大数据": ["云计算"]})
    cipin.run(reports, lexicon, out)
    changed = causes(out)
    assert changed["甲银行", 2019, "大数据"] == ("lexicon", 0, 1)
    assert changed["甲银行", 2019, "云计算"][0] == "lexicon"
    assert changed["乙银行", 2019, "存款"][0] == "lexicon"
    assert ("甲银行", 2020, "大数据") not in changed
    assert causes(out, 1, 2) == causes(out, 1, 2)
    assert causes(out, 2, 2) == {}
    # Both at once: what came with the report is told from what came with the lexicon.
    write(reports, 甲银行_2019="云计算。云计算。")
    cipin.run(reports, cipin.Lexicon.from_terms(["大数据", "云计算"], id="mine"), out)
    assert causes(out)["甲银行", 2019, "大数据"][0] == "report"
    assert causes(out)["甲银行", 2019, "云计算"][0] == "lexicon"


def test_diff_tells_options(out: Path, reports: Path) -> None:
    cipin.run(reports, "wu2021", out, year_from="value:2001")
    assert set(diff(out)["cause"]) == {"options"}
    assert set(diff(out)["year"]) == {2001, 2019, 2020}


def test_diff_of_terms_that_move_and_reports_that_are_renamed(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cipin.run(reports, cipin.Lexicon.from_terms({"甲": ["大数据"], "乙": ["云计算"]}, id="mine"), out)
    cipin.run(reports, cipin.Lexicon.from_terms({"甲": ["大数据"], "丙": ["云计算"]}, id="mine"), out)
    assert set(diff(out)["cause"]) == {"lexicon"}
    # The text is the same: what took the hit away is the guard.
    (reports / "甲银行_2020年年度报告.txt").rename(reports / "a_甲银行_2020年年度报告.txt")
    guarded = cipin.Lexicon.from_terms(
        {"甲": ["大数据"], "丙": ["云计算"]}, id="mine", guards={"大数据": ["推进大数据"]}
    )
    cipin.run(reports, guarded, out)
    assert causes(out)["甲银行", 2020, "大数据"] == ("lexicon", 0, -1)


def test_diff_needs_two_versions(out: Path) -> None:
    with pytest.raises(cipin.UsageError, match="there is one version; a second one is needed"):
        diff(out)


# ------------------------------------------------------------------------------------------------ verify


def newest(out: Path, table: str) -> Path:
    return out / next(each["name"] for each in cipin.open(out).manifest["files"] if each["table"] == table)


def test_verify_of_what_is_well(out: Path, reports: Path) -> None:
    found = verify(out)
    assert found.problems == ()
    assert (found.version, found.files, found.reports, found.hits, found.unseen) == (1, 7, 3, 3, 0)
    assert verify(out, sample=0).hits == 0


def test_verify_looks_hits_up_where_it_can(out: Path, reports: Path) -> None:
    for path in (out / "corpus").rglob("*.json"):
        path.unlink()
    assert (verify(out).hits, verify(out).unseen, verify(out).problems) == (3, 0, ())  # in the sources
    write(reports, 甲银行_2020="别的。")
    assert (verify(out).hits, verify(out).unseen, verify(out).problems) == (2, 1, ())


def damage_file(out: Path) -> None:
    path = newest(out, "hits")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # OUT/current links to it
    path.write_bytes(data)


def lose_file(out: Path) -> None:
    newest(out, "panel").unlink()


def tamper_manifest(out: Path, change: Any) -> None:
    path = out / "_meta" / "versions" / f"{1:020d}.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    del manifest["sum"]  # as if whoever did it knew of the sum
    path.write_bytes(ledger.seal(manifest))


def forge_rows(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["files"][0].update(rows=7))


def forge_summary(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["summary"]["terms"].update(大数据=700))


def forge_outcomes(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["shards"][0]["outcomes"].update(measured=4))


@pytest.mark.parametrize("damage", [damage_file, lose_file, forge_rows, forge_summary, forge_outcomes])
def test_verify_notices(out: Path, damage: Any, capsys: pytest.CaptureFixture[str]) -> None:
    damage(out)
    assert verify(out).problems
    assert main(["verify", str(out)]) == 1
    assert "wrong: " in capsys.readouterr().out


@pytest.mark.parametrize("damage", [damage_file, lose_file])
def test_damage_is_mended_by_the_same_command(out: Path, reports: Path, damage: Any) -> None:
    before = everything(out / "data")
    damage(out)
    if damage is damage_file:
        newest(out, "hits").unlink()  # as verify says
    cipin.run(reports, "wu2021", out)
    assert everything(out / "data") == before
    assert verify(out).problems == ()


def test_verify_knows_hits_that_are_not_in_the_text(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if offsets had been counted in bytes: every sum is right, and every place wrong.
    real = pl.DataFrame.sample

    def shifted(self: pl.DataFrame, *arguments: Any, **options: Any) -> pl.DataFrame:
        return real(self, *arguments, **options).with_columns(pl.col("start", "end") + 1)

    monkeypatch.setattr(pl.DataFrame, "sample", shifted)
    assert len(verify(out).problems) == 3


# ------------------------------------------------------------------------------------------------ gc


def test_gc_removes_what_no_version_needs_and_nothing_else(out: Path, reports: Path) -> None:
    first = everything(out / "data")
    cipin.run(reports, "fintech-zh", out)
    gc(out, grace_seconds=0)
    assert everything(out / "data").items() >= first.items()
    looked = gc(out, keep=1, grace_seconds=0, dry_run=True)
    assert set(first) == {name.removeprefix("data/") for name in looked.names if name.startswith("data/")}
    swept = gc(out, keep=1, grace_seconds=0)
    assert swept.names == looked.names
    assert swept.versions == (1,)
    assert not set(everything(out / "data")) & set(first)
    assert ledger.versions(open_store(out)) == [2]
    assert verify(out).problems == ()
    assert cipin.run(reports, "fintech-zh", out).version == 2
    # What is gone is made anew, under the number after the newest.
    assert cipin.run(reports, "wu2021", out).version == 3
    assert everything(out / "data").items() >= first.items()


def test_gc_keeps_what_a_stopped_run_will_use(out: Path, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipin.running.plan.LEAST_BYTES", 1)
    monkeypatch.setattr("cipin.running.plan.CUT_BYTES", 1)

    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cipin.run(reports, "fintech-zh", out, progress=stop)
    done = status(out).recorded
    (out / "_meta" / "attempts" / "killed").mkdir()
    (out / "_meta" / "attempts" / "killed" / "half").write_bytes(b"half a table")
    gc(out, keep=1, grace_seconds=0)
    assert not (out / "_meta" / "attempts" / "killed").exists()
    assert status(out).recorded == done > 0
    assert cipin.run(reports, "fintech-zh", out).manifest["work"]["kept"] == done


def test_gc_leaves_what_is_young_and_what_is_not_its_own(out: Path) -> None:
    (out / "data" / "hits" / "of-a-late-worker.parquet").write_bytes(b"late")
    (out / "_meta" / "notes.txt").write_text("mine", "utf-8")
    (out / "notes.txt").write_text("mine", "utf-8")
    assert "data/hits/of-a-late-worker.parquet" not in gc(out).names
    assert "data/hits/of-a-late-worker.parquet" in gc(out, grace_seconds=0).names
    assert (out / "_meta" / "notes.txt").exists()
    assert (out / "notes.txt").exists()


@pytest.mark.parametrize("years", [-30, 30])
def test_clock_that_jumps(out: Path, reports: Path, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (out / "data" / "hits" / "of-a-late-worker.parquet").write_bytes(b"late")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + years * 365 * 86_400)
    assert gc(out).names == ()
    write(reports, 甲银行_2020="推进大数据，推进大数据。")
    assert cipin.run(reports, "wu2021", out).version == 2
    assert cipin.open(out).version == 2
    monkeypatch.undo()
    assert cipin.run(reports, "wu2021", out).version == 2
    assert verify(out).problems == ()


def test_gc_waits_for_runs(out: Path) -> None:
    with open_store(out).lock(), pytest.raises(cipin.ConflictError, match="a run is under way there; wait for its end"):
        gc(out)
    assert gc(out).names == ()


def test_run_waits_for_gc(out: Path, reports: Path) -> None:
    """Else gc could remove what the run has just found."""
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(cipin.run(reports, "wu2021", out).version))
    with open_store(out).lock(alone=True):
        thread.start()
        time.sleep(0.5)
        assert not done
    thread.join(30)
    assert done == [1]


def test_gc_of_a_damaged_plan_removes_nothing(out: Path, reports: Path) -> None:
    for plan in (out / "_meta" / "plans").iterdir():
        plan.write_text("{", "utf-8")
    with pytest.raises(cipin.StorageError, match="cannot be read"):
        gc(out, grace_seconds=0)
    assert cipin.run(reports, "wu2021", out).version == 1
    assert status(out).published
    assert gc(out, grace_seconds=0).versions == ()


def test_gc_of_a_damaged_version_removes_nothing(out: Path, reports: Path) -> None:
    cipin.run(reports, "fintech-zh", out)
    (out / "_meta" / "versions" / f"{1:020d}.json").write_text("{", "utf-8")
    before = everything(out / "data")
    with pytest.raises(cipin.StorageError, match="cannot be read"):
        gc(out, grace_seconds=0)
    assert everything(out / "data") == before


# ------------------------------------------------------------------------------------------------ events, crumbs


def events(out: Path) -> list[dict[str, Any]]:
    paths = sorted((out / "_meta" / "events").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def test_events_tell_a_run(out: Path, reports: Path) -> None:
    (reports / "坏.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    cipin.run(reports, "wu2021", out)
    cipin.run(reports, "wu2021", out)
    told = [each["event"] for each in events(out)]
    assert told == [
        *("run_begun", "shard_done", "published"),
        *("run_begun", "shard_done", "quarantined", "published"),
        *("run_begun", "unchanged"),
    ]
    assert events(out)[5]["source"] == "坏.txt"


def test_json_on_stderr_is_json(reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reports / "坏.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    command = ["--log-format", "json", "run", str(reports), "-l", "wu2021", "-o", str(tmp_path / "out")]
    assert main(command) == 0
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {"run_begun", "shard_done", "quarantined", "published", "summary"} <= {each.get("event") for each in lines}
    assert main([*command, "--max-errors", "many"]) == 2
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["exit_code"], line["level"]) == ("failed", 2, "error")
    main(["doctor"])  # as it was


def test_breadcrumb(tmp_path: Path) -> None:
    assert find_crumb(tmp_path, "s") is None
    with Crumbs(tmp_path, "s") as crumbs:
        assert find_crumb(tmp_path, "s") is None
        crumbs.at(7)
        assert find_crumb(tmp_path, "s") == 7
        crumbs.reading(False)
        assert find_crumb(tmp_path, "s") is None
        crumbs.reading(True)
        assert find_crumb(tmp_path, "s") == 7
    assert list(tmp_path.iterdir()) == []


def test_gc_of_parsed_reports(out: Path, reports: Path) -> None:
    corpus = out / "corpus"
    old = corpus / "packs" / "0123456789abcdef" / "0123456789abcdef.arrow"
    half = corpus / "attempts" / "killed" / "half"
    for path in (old, half):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"of another time")
    used = sorted(path for path in (corpus / "packs").rglob("*") if path.is_file() and path != old)
    assert used
    found = gc(out, grace_seconds=0, dry_run=True)
    assert {str(path.relative_to(out)) for path in (old, half)} <= set(found.names)
    gc(out, grace_seconds=0)
    assert not old.exists()
    assert not half.parent.exists()
    assert all(path.exists() for path in used)
    assert cipin.run(reports, "fintech-zh", out).summary["tallies"]["reused"] == 3
