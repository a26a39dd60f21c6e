"""An output on an object store: the same tables, the same protocol, and a store that would lose versions is refused."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_crashes import tables, tell

import cipin
from cipin.cli import main
from cipin.running import ledger
from cipin.running.diff import diff
from cipin.running.objects import ObjectStore
from cipin.running.store import open_store
from cipin.running.sweep import gc
from cipin.running.verify import verify

pytest.importorskip("moto")
pytest.importorskip("s3fs")
SERVER = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start an S3-compatible server on loopback; give what leads clients to it."""
    log = tmp_path_factory.mktemp("server") / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen([sys.executable, "-c", SERVER], stdout=written, stderr=written) as server,
    ):
        found = None
        while found is None:
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        place = {"AWS_ENDPOINT_URL": found[0], "AWS_DEFAULT_REGION": "us-east-1"}
        yield place | {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "up"}
        server.terminate()


@pytest.fixture
def bucket(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a new bucket."""
    import s3fs

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}"


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}年年度报告.txt").write_text(text, encoding="utf-8")
    return folder


def test_same_tables_as_on_a_disk(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = write(tmp_path / "reports", 甲银行2019="推进大数据。", 乙银行2020="大數據与云计算。")
    local = cipin.run(reports, "wu2021", tmp_path / "out")
    out = f"{bucket}/a/out"
    assert main(["run", str(reports), "-l", "wu2021", "-o", out]) == 0
    there = cipin.open(out)
    assert [each["sha256"] for each in there.manifest["files"]] == [each[1] for each in tables(tmp_path / "out")]
    for table in ("reports", "hits", "panel"):
        assert there.table(table).collect().equals(local.table(table).collect())
    assert there.panel(level="lexicon").filter(cipin_hits()).collect().height == 2
    assert verify(out).problems == ()
    assert cipin.run(reports, "wu2021", out).version == 1
    write(reports, 甲银行2019="推进大数据，推进大数据。")
    assert cipin.run(reports, "wu2021", out).version == 2
    assert diff(out).filter(cipin_hits("hits_after"))["cause"].to_list() == ["report"]
    assert gc(out, keep=1, grace_seconds=0).versions == (1,)
    assert verify(out).problems == ()
    assert main(["status", out]) == 0
    assert "versions  1, the newest is 2" in capsys.readouterr().out
    gone = next(each["name"] for each in cipin.open(out).manifest["files"] if each["table"] == "hits")
    before = cipin.open(out).hits
    open_store(out).remove(gone)
    for engine in ("in-memory", "streaming"):
        with pytest.raises(cipin.StorageError, match=f"{gone}: is gone; run again"):
            before.collect(engine=engine)
    with pytest.raises(cipin.StorageError, match=f"{gone}: is gone; run again"):
        cipin.open(out).hits.collect()


def test_reports_and_corpus_on_a_store(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    texts = {f"甲银行{2000 + n}": f"推进大数据，第{n}年。" for n in range(20)} | {"乙银行2020": "大數據与云计算。"}
    reports = write(tmp_path / "reports", **texts)
    (reports / "丙").mkdir()
    write(reports / "丙", 丙银行2021="区块链")
    (reports / "丙" / ".hidden.txt").write_text("大数据", encoding="utf-8")
    s3fs.S3FileSystem().put(str(reports), f"{bucket}/in", recursive=True)
    local = cipin.run(reports, "wu2021", tmp_path / "out")
    run = cipin.run(f"{bucket}/in/reports" if _nested(bucket) else f"{bucket}/in", "wu2021", f"{bucket}/in/out")
    for table in ("hits", "clauses", "counts", "panel", "sections"):
        assert run.table(table).collect().equals(local.table(table).collect()), table
    # On a store a file is known by its ETag.
    assert run.reports.drop("source_hash").collect().equals(local.reports.drop("source_hash").collect())
    assert run.manifest["corpus"] == "corpus"
    assert verify(run.out).unseen == 0
    # Another lexicon parses nothing, also where the files are gone.
    fetched: list[str] = []
    real = s3fs.S3FileSystem._get_file

    async def noted(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
        fetched.append(path)
        return await real(self, path, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", noted)
    s3fs.S3FileSystem.clear_instance_cache()  # instances bind their methods when they are made
    other = cipin.run(str(run.manifest["root"]), "fintech-zh", f"{bucket}/in/out", on="serial")
    assert (other.version, other.summary["tallies"]["reused"], fetched) == (2, 22, [])
    place = f"{bucket}/corpus"
    assert cipin.ingest(str(run.manifest["root"]), place, on="serial").summary["tallies"] == {"parsed": 22}
    assert len(fetched) == 22
    s3fs.S3FileSystem().rm(str(run.manifest["root"]).removeprefix("s3://") + "/丙", recursive=True)
    scanned = cipin.scan(place, "wu2021", tmp_path / "scanned")
    assert scanned.panel().collect().equals(local.panel().collect())
    found = scanned.explain("丙银行", "区块链")
    assert found.hits["text"].to_list() == ["[区块链]"]


def _nested(bucket: str) -> bool:
    import s3fs

    return bool(s3fs.S3FileSystem().exists(f"{bucket}/in/reports"))


def test_reports_on_a_store_that_change_or_go(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    system = s3fs.S3FileSystem()
    for name in ("甲银行2019", "乙银行2020"):
        system.pipe_file(f"{bucket}/in/{name}.txt", "推进大数据。".encode())
    system.pipe_file(f"{bucket}/in/empty/", b"")
    planned = cipin.preview(f"{bucket}/in", "wu2021", tmp_path / "out")
    assert planned.sources == 2
    real = s3fs.S3FileSystem._get_file

    async def changing(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
        if "乙" in path:
            await self._pipe_file(path, "另一份".encode())
        return await real(self, path, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", changing)
    s3fs.S3FileSystem.clear_instance_cache()  # instances bind their methods when they are made
    with pytest.raises(cipin.InputChanged, match=r"s3://.*/in/乙银行2020.txt: was changed, or removed"):
        cipin.run(f"{bucket}/in", "wu2021", tmp_path / "out", on="serial")
    assert ledger.versions(open_store(tmp_path / "out")) == []
    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", real)
    s3fs.S3FileSystem.clear_instance_cache()
    run = cipin.run([f"{bucket}/in/*.txt"], "wu2021", tmp_path / "out", on="serial")
    assert run.manifest["root"] == f"{bucket}/in"
    assert run.summary["outcomes"] == {"measured": 2}

    async def forbidden(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
        if "乙" in path:
            raise PermissionError("Access Denied")
        return await real(self, path, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", forbidden)
    s3fs.S3FileSystem.clear_instance_cache()  # instances bind their methods when they are made
    run = cipin.run(f"{bucket}/in", "wu2021", tmp_path / "other", on="serial")
    assert run.summary["outcomes"] == {"measured": 1, "quarantined:unreadable": 1}


def test_keys_that_no_disk_would_take(bucket: str, tmp_path: Path) -> None:
    import s3fs

    system = s3fs.S3FileSystem()
    # A store tells `a//b` from `a/b`, and a key may have 1,024 bytes.
    texts = {"/甲2019.txt": "大数据", "甲2019.txt": "云计算", f"{'长' * 150}2020.txt": "区块链"}
    for name, text in texts.items():
        system.pipe_file(f"{bucket}/in/{name}", text.encode())
    run = cipin.run(f"{bucket}/in", "wu2021", tmp_path / "out", on="serial")
    assert run.summary["outcomes"] == {"measured": 3}
    found = run.hits.join(run.reports.select("report", "source"), on="report").select("source", "term").collect()
    assert dict(found.iter_rows()) == texts
    assert verify(run.out).unseen == 0
    with pytest.raises(cipin.SourceError, match="does not begin so; write the URL without `//`"):
        cipin.run(bucket.replace("://", ":///") + "/in", "wu2021", tmp_path / "other")


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        (["{bucket}/nothing"], "nothing: no files there to read"),
        (["{bucket}-x/nothing"], "no such folder or file|no files there"),
        (["{bucket}/in", "reports"], "lie in several stores"),
        (["memory://a"], "only this process would see it"),
        (["nothing://a"], "no place that is known"),
    ],
)
def test_reports_that_are_nowhere(bucket: str, tmp_path: Path, reports: list[str], message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        cipin.run([each.format(bucket=bucket) for each in reports], "wu2021", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_file_of_a_web_server(tmp_path: Path) -> None:
    write(tmp_path / "web", 甲银行2019="推进大数据。")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_address[1]}"
        run = cipin.run(f"{place}/甲银行2019年年度报告.txt", "wu2021", tmp_path / "out", on="serial")
        assert run.summary["outcomes"] == {"measured": 1}
        assert run.reports.select("entity", "fiscal_year").collect().rows() == [("甲银行", 2019)]
        # A page that lists files says neither when they were written nor, mostly, their sizes.
        with pytest.raises(cipin.UsageError, match="tells no size, or neither an ETag nor a time of writing"):
            cipin.run(place, "wu2021", tmp_path / "other", on="serial")
        server.shutdown()


def cipin_hits(column: str = "hits") -> Any:
    import polars as pl

    return pl.col(column) > 0


def test_killed_before_requests(bucket: str, environment: dict[str, str], request: pytest.FixtureRequest) -> None:
    heavy = request.config.getoption("--heavy")
    # A third, at random, takes a minute and a half; those of a disk are all tried, and the protocol is the same.
    tried, found = tell(
        [["crashes", 1 if heavy else 3, bucket]], environment | ({} if heavy else {"HISTORIES_CORPUS": "none"}), 3000
    )
    assert found == []
    assert tried > (50 if heavy else 15)


def test_drivers_that_race(bucket: str, environment: dict[str, str], request: pytest.FixtureRequest) -> None:
    n = 100 if request.config.getoption("--heavy") else 6
    tried, found = tell([["races", 0, n, bucket]], environment, 3000)
    assert found == []
    assert tried == n


def test_store_that_writes_over_is_refused(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    real = s3fs.S3FileSystem.pipe_file
    monkeypatch.setattr(s3fs.S3FileSystem, "pipe_file", lambda self, path, data, mode="": real(self, path, data))
    reports = write(tmp_path / "reports", 甲银行2019="推进大数据。")
    with pytest.raises(cipin.UsageError, match="this store writes over what is there though it is asked not to"):
        cipin.run(reports, "wu2021", f"{bucket}/out")
    assert open_store(f"{bucket}/out").list("") == {}


def test_request_that_fails_once_is_made_again(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it had its effect, and only the answer was lost."""
    import s3fs

    n_requests = 0

    def failing(name: str) -> None:
        real = getattr(s3fs.S3FileSystem, name)

        def request(*arguments: Any, **options: Any) -> Any:
            nonlocal n_requests
            n_requests += 1
            if n_requests % 7 == 3:
                raise OSError("503: slow down")
            answer = real(*arguments, **options)
            if n_requests % 11 == 5:
                raise OSError("the connection was reset")
            return answer

        monkeypatch.setattr(s3fs.S3FileSystem, name, request)

    for name in ("pipe_file", "cat_file", "find"):
        failing(name)
    reports = write(tmp_path / "reports", 甲银行2019="推进大数据。")
    run = cipin.run(reports, "wu2021", f"{bucket}/out")
    assert run.version == 1
    assert n_requests > 20
    assert ledger.versions(run.store) == [1]


def test_request_that_always_fails_says_where(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("503: slow down")

    monkeypatch.setattr(s3fs.S3FileSystem, "cat_file", fail)
    with pytest.raises(cipin.StorageError, match=r"s3://.*/out/a: OSError: 503: slow down; the same command goes on"):
        open_store(f"{bucket}/out").read("a")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nothing://a/b", "nothing://a/b: no place that is known|Protocol not known"),
        ("file:///tmp/a", "give the path of a folder without file://"),
        ("s3://", "s3://: names no bucket; give s3://BUCKET/FOLDER"),
        ("dir://x", "no place that is known|give"),
        ("http:///", "names no bucket"),
        ("memory://a", "only this process would see it"),
        ("S3://a/b", "S3://a/b: its scheme is written in small letters; give s3://a/b"),
    ],
)
def test_places_that_are_none(place: str, message: str) -> None:
    with pytest.raises(cipin.UsageError, match=message):
        open_store(place)


def test_a_web_server_is_no_place_for_an_output(tmp_path: Path) -> None:
    reports = write(tmp_path / "reports", 甲银行2019="推进大数据。")
    with pytest.raises(cipin.UsageError, match="a web server takes no files"):
        cipin.run(reports, "wu2021", "http://127.0.0.1:9/out")


def test_missing_bucket_and_wrong_credentials_are_said(bucket: str, tmp_path: Path) -> None:
    del bucket
    reports = write(tmp_path / "reports", 甲银行2019="推进大数据。")
    with pytest.raises(cipin.CipinError, match="s3://no-such-bucket-of-mine"):
        cipin.run(reports, "wu2021", "s3://no-such-bucket-of-mine/out")
    assert os.environ["AWS_ENDPOINT_URL"]
    assert isinstance(open_store("s3://no-such-bucket-of-mine/out"), ObjectStore)
