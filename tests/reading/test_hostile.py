"""Hostile files: each ends as what it must, in bounded memory, and harmless reports beside them are measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hostile import FILES, Hostile, Watch
from hostile_packages import docx, paragraphs
from hostile_pdfs import SAID, good
from hostile_tables import make_odd

import cipin
from cipin.reading.parsed import parse
from cipin.reading.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory limits and /proc are Linux's")

#: What one worker may take, its child included.
MOST_BYTES = 1 << 30


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=20, cpu_seconds=10) as made:
        yield made


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_hostile_file(sandbox: Sandbox, tmp_path: Path, file: Hostile, request: pytest.FixtureRequest) -> None:
    if file.heavy and not request.config.getoption("--heavy"):
        pytest.skip("takes seconds; --heavy runs it")
    file.make(tmp_path / file.name)
    found: dict[str, list[str]] = defaultdict(list)
    for report in sandbox.read(tmp_path / file.name):
        assert (report.status == "measured") == (report.reason == "")
        assert bool(report.text) == (report.status == "measured")
        found[report.reason].append(report.message)
        assert parse(report).raw.status == report.status
    # Of what may be either memory or time, one suffices; of the members of an archive each is as it says.
    assert found.keys() <= file.reasons, found
    assert found.keys() == file.reasons or file.reasons & {"memory", "timeout"}, found
    for reason, messages in found.items():
        # What happened, and what to do.
        assert not reason or all(message.count("; ") or reason == "empty" for message in messages), messages
    shutil.rmtree(tmp_path)  # a file may have 300 MB


#: Files that a whole run is tried on, without --heavy: all kinds, and none that takes long.
IN_A_RUN = {
    "blank-bomb-512mb.pdf", "page-tree-loop.pdf", "cut-at-60.pdf", "encrypted-user.pdf",
    "header-and-garbage.pdf", "a-billion-pages.pdf", "bomb.tar.gz", "nested.zip", "paths.zip", "links.tar",
    "members-100001.zip", "deflate64.zip", "a.7z", "laughs.docx", "bomb.docx", "old.doc", "divs.html", "laughs.html",
    "line-of-300mb.txt", "ragged.csv", "deep.jsonl", "footer.parquet", "body.arrow",
    "random.pdf", "random.txt", "empty.pdf", "page.pdf",
}  # fmt: skip


def test_a_run_survives_them_all(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    assert {file.name for file in FILES} > IN_A_RUN
    files = [file for file in FILES if file.name in IN_A_RUN or request.config.getoption("--heavy")]
    for file in files:
        file.make(reports / file.name)
    odd = make_odd(reports)
    harmless = {
        "a甲银行_2019年年度报告.txt": SAID.encode() * 3,
        "h甲银行_2020年年度报告.pdf": good(),
        "m甲银行_2021年年度报告.docx": docx(paragraphs(SAID, 3)),
        "z甲银行_2022年年度报告.html": f"<html><title>年报</title>{f'<p>{SAID}</p>' * 3}</html>".encode(),
    }
    for name, data in harmless.items():
        (reports / name).write_bytes(data)

    command = [sys.executable, "-c", "from cipin.cli import main; raise SystemExit(main())", "run", str(reports)]
    command += ["-l", "wu2021", "-o", str(tmp_path / "out"), "--on", "serial"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = Watch(process.pid)
    watch.start()
    out, err = process.communicate(timeout=1200)
    watch.done.set()
    assert process.returncode == 0, err.decode()
    assert b"Traceback" not in out + err
    assert watch.peak < MOST_BYTES

    run = cipin.open(tmp_path / "out")
    rows = run.reports.select("source", "status", "reason", "message").collect()
    expected = {file.name: file.reasons for file in files} | odd
    assert set(rows["source"]) == {*expected, *harmless}
    for source, reasons in expected.items():
        found = set(rows.filter(pl.col("source") == source)["reason"].fill_null(""))
        assert found <= reasons, (source, found)
    assert rows.filter((pl.col("status") != "measured") & (pl.col("message").fill_null("") == "")).is_empty()

    counts = run.reports.join(run.counts, on="report").select("source", "term", "hits").collect()
    for name in harmless:
        assert sorted(counts.filter(pl.col("source") == name).drop("source").rows()) == [("云计算", 3), ("大数据", 3)]
