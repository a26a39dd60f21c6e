"""How an output stands: preview, status, errors, retry, diff, events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import everything, stop_run, write

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
    assert not [what for what in said if "their rows stay" in what]  # more than half of its strings changed
    third = cipin.Lexicon.from_terms(["大数据", "云计算", "科技"], id="mine")
    assert [each.what for each in cipin.preview(reports, third, out).changes if "their rows stay" in each.what]
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
    stop_run(reports, out, monkeypatch)
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
