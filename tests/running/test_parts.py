"""A large table of JSON lines is read in parts, and gives what it gives whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import cipin
from cipin.reading.corpus import source_key
from cipin.reading.formats import read_reports
from cipin.reading.formats.options import ReadOptions, Span
from cipin.running import parts, plan
from cipin.running.explain import explain
from cipin.running.parsing import is_unchanged
from cipin.running.parts import find_parts, name_part, read_part
from cipin.running.verify import verify

TERMS = cipin.Lexicon.from_terms(["大数据", "云计算"])
OTHERS = cipin.Lexicon.from_terms(["区块链"])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST_BYTES", 600)
    monkeypatch.setattr(parts, "PART_BYTES", 250)
    monkeypatch.setattr(parts, "GROUP_BYTES", 600)
    monkeypatch.setattr(parts, "LEAST_PIECE", 100)


def write_rows(folder: Path, n: int = 30, name: str = "news.jsonl", more: str = "") -> Path:
    words = ("大数据", "云计算", "区块链", "科技")
    lines = (
        json.dumps(
            {"text": f"推进{words[at % 4]}，第{at}条。", "entity": f"{'甲乙丙'[at % 3]}银行", "year": 2015 + at % 5}
        )
        for at in range(n)
    )
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n" + more, encoding="utf-8")
    return folder


def tables(run: cipin.Run) -> dict[str, pl.DataFrame]:
    found = {}
    for name in ("reports", "sections", "clauses", "hits", "counts", "panel"):
        frame = pl.read_parquet(f"{run.store.place}/current/{name}/*.parquet")
        plain = [column for column, kind in frame.schema.items() if not isinstance(kind, pl.List)]
        found[name] = frame.sort(plain)
    return found


def whole(reports: Path, out: Path, monkeypatch: pytest.MonkeyPatch, **options: str) -> cipin.Run:
    with monkeypatch.context() as patch:
        patch.setattr(parts, "LEAST_BYTES", 1 << 40)
        return cipin.run(reports, TERMS, out, on="serial", **options)  # type: ignore[arg-type]


@settings(max_examples=60)
@example(["甲" * 200, "乙" * 200, "丙" * 200], "\n", "")
@example(["", "", "甲" * 700, "", ""], "\n", "\n\n\n")
@given(
    st.lists(st.one_of(st.text("甲乙 a\r", max_size=40), st.integers(0, 400).map(lambda n: "甲" * n)), max_size=40),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n  \n"]),
)
def test_parts_cover_the_file(lines: list[str], end: str, more: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        objects = [json.dumps({"text": line}) if len(line) % 3 else line for line in lines]
        path.write_bytes((end.join(objects) + more).encode())
        found = find_parts(path)
        data = path.read_bytes()
        if found:
            assert len(found) > 1
            assert [span.begin for span in found] == [0, *(span.end for span in found[:-1])]
            assert found[-1].end == len(data)
        for span in found:
            assert span.begin == 0 or data[span.begin - 1] == 10
            assert span.line == 1 + data.count(b"\n", 0, span.begin)
            assert span.end > span.begin
        if found or any("{" in line for line in objects):
            options = [ReadOptions(span=span) for span in found or [None]]
            rows = [
                each for one in options for each in read_reports(path, one) if each.reason != "empty" or each.member
            ]
            assert rows == [each for each in read_reports(path) if each.reason != "empty" or each.member]


def test_lines_too_long_and_broken_ones_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"text": "大数据"}}\n{"x" * 900}\n\n[1]\n{{"text": "云计算"}}\n' * 3, encoding="utf-8")
    spans = find_parts(path)
    assert len(spans) >= 3
    rows = [each for span in spans for each in read_reports(path, ReadOptions(max_chars=100, span=span))]
    assert rows == list(read_reports(path, ReadOptions(max_chars=100)))
    assert [row.reason for row in rows[:4]] == ["", "too_large", "malformed", ""]


@pytest.mark.parametrize("size", [1, 3, 7, 50, 400])
def test_rows_of_a_parquet_file(size: int, tmp_path: Path) -> None:
    """Of small row groups some together, of large ones some rows; all of them, with their numbers."""
    path = write_parquet(tmp_path / "reports", 400, size)
    spans = find_parts(path)
    assert len(spans) > 3
    assert [span.begin for span in spans] == [0, *(span.end for span in spans[:-1])]
    assert spans[-1].end == 400
    rows = [each for span in spans for each in read_reports(path, ReadOptions(span=span))]
    assert rows == list(read_reports(path))


#: Cells, and what stands between and behind them, of rows that are quoted, broken and blank.
PIECES = (
    "大数据",
    "",
    "a",
    '"',
    '""',
    '"乙,丙"',
    '"丁\n戊"',
    '"己""庚"',
    '5" 宽',
    "\u3000",
    "\x85",
    "\u2028",
    "9" * 120,
)
ENDS = (",", ",", ",", "\n", "\r\n", "\r", "\n\n", "\t", ";")


@settings(max_examples=300)
@example([("甲", ","), ('"丁\n戊"', "\n")] * 40, "utf-8", b"", "text,year\n")
@example([("甲", ","), ('"', "\n")] * 40, "utf-8", b"", "text,year\n")
@example([("甲", ","), ("乙", "\n")] * 40, "utf-8-sig", b"", '"a\nb",text\n')
@example([("甲", ","), ("乙", "\n"), *[("", "\n")] * 400] * 2, "utf-8", b"", "text,year\n")
@given(
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(ENDS)), max_size=120),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "big5"]),
    st.binary(max_size=4),
    st.sampled_from(["text,year\n", '"text","year"\n', '"a\nb",text\n', '"a" x,text\n', "\n"]),
)
def test_rows_of_a_csv_file(pieces: list[tuple[str, str]], encoding: str, more: bytes, header: str) -> None:
    """Quotes, line ends within them, and rows that are none: all rows come out with their numbers, as of the whole."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        body = "".join(piece + end for piece, end in pieces).encode(encoding, "ignore")
        path.write_bytes(header.encode(encoding) + body + more + body)
        spans = find_parts(path)
        rows = [each for span in spans for each in read_reports(path, ReadOptions(span=span))]
        if spans:
            assert rows == list(read_reports(path))
            assert spans[-1].end == path.stat().st_size


def test_csv_is_cut(tmp_path: Path) -> None:
    reports = write_csv(tmp_path / "reports", 90)
    spans = find_parts(reports / "news.csv")
    assert len(spans) > 10
    assert [span.row for span in spans] == sorted({span.row for span in spans})
    # A cell that is too long by what the user allows decides where the next row begins.
    assert find_parts(reports / "news.csv", ReadOptions(max_chars=10)) == []


def write_csv(folder: Path, n: int) -> Path:
    folder.mkdir()
    rows = (f'"推进{"大数据" if at % 3 else "云计算"}，\n第{at}条。",{"甲乙丙"[at % 3]}银行,2019' for at in range(n))
    (folder / "news.csv").write_text("text,entity,year\n" + "\n".join(rows), encoding="utf-8")
    return folder


def write_parquet(folder: Path, n: int, group: int) -> Path:
    folder.mkdir()
    texts = [f"推进{'大数据' if at % 3 else '云计算'}，第{at}条。" if at % 11 else None for at in range(n)]
    frame = pl.DataFrame({"text": texts, "entity": [f"{'甲乙丙'[at % 3]}银行" for at in range(n)], "year": 2019})
    frame.write_parquet(folder / "news.parquet", row_group_size=group, use_pyarrow=True)
    return folder / "news.parquet"


@pytest.mark.parametrize(
    "claimed", [[], [[10**18, 10**18]], [[-5, 7]], [[0, 0], [0, 9]], [[10**6, 10**12]] * 3000, "no groups"]
)
def test_footers_may_claim_anything(claimed: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "reports", 90, 90)
    monkeypatch.setattr(parts, "_ASK", f"print({json.dumps(claimed)!r})")
    assert len(find_parts(path)) < 100
    monkeypatch.setattr(parts, "_ASK", "import os; os.abort()")
    assert find_parts(path) == []


@pytest.mark.parametrize("on", ["serial", "processes"])
def test_same_rows_as_of_the_whole_file(on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = write_rows(tmp_path / "reports", more='{"text": null}\nno JSON\n')
    write_parquet(tmp_path / "table", 200, 90).rename(reports / "news.parquet")
    (write_csv(tmp_path / "csv", 50) / "news.csv").rename(reports / "news.csv")
    (reports / "甲银行2019年.txt").write_text("推进大数据。", encoding="utf-8")
    run = cipin.run(reports, TERMS, tmp_path / "out", on=on, workers=2 if on == "processes" else 0)
    assert run.manifest["planned"]["sources"] > 14
    expected = tables(whole(reports, tmp_path / "whole", monkeypatch))
    assert run.manifest["planned"]["bytes"] == sum(each.stat().st_size for each in reports.iterdir())
    for name, frame in tables(run).items():
        hidden = ["source_hash"] if name == "reports" else []
        assert_frame_equal(frame.drop(hidden), expected[name].drop(hidden))
    of_file = set(expected["reports"]["source_hash"])
    assert len(of_file) == 4
    assert {read_part(each)[0] for each in run.reports.collect()["source_hash"]} == of_file
    assert verify(run.store.place).problems == ()


def test_what_is_stored_is_used_again(tmp_path: Path) -> None:
    reports = write_rows(tmp_path / "reports")
    first = cipin.run(reports, TERMS, tmp_path / "out", on="serial")
    n_parts = first.manifest["work"]["parsed"]
    again = cipin.run(reports, OTHERS, tmp_path / "out", on="serial")
    assert (again.manifest["work"]["parsed"], again.manifest["work"]["reused"]) == (0, n_parts)
    assert cipin.run(reports, OTHERS, tmp_path / "out", on="serial").version == again.version
    cipin.ingest(reports, tmp_path / "corpus", on="serial")
    scanned = cipin.scan(tmp_path / "corpus", TERMS, tmp_path / "scanned", on="serial")
    for name, frame in tables(scanned).items():
        assert_frame_equal(frame, tables(cipin.run(reports, TERMS, tmp_path / "third", on="serial"))[name])


@pytest.mark.parametrize("corpus", [None, "none"])
def test_a_hit_is_explained(corpus: str | None, tmp_path: Path) -> None:
    """From the store, or from the lines of the file that the part is."""
    reports = write_rows(tmp_path / "reports")
    run = cipin.run(reports, TERMS, tmp_path / "out", on="serial", corpus=corpus)
    row = run.reports.filter(pl.col("member") == "25").collect().row(0, named=True)
    assert read_part(row["source_hash"])[1] != Span(0, 250, 1)
    found = explain(run, row["report"], "大数据")
    assert found.hits["text"].to_list() == ["推进[大数据]，第24条。"]


def test_a_file_that_changes_meanwhile_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = write_rows(tmp_path / "reports")
    made = plan.make_plan([reports], "key")
    monkeypatch.setattr("cipin.running.run.plan.make_plan", lambda *_, **__: made)
    write_rows(reports, more='{"text": "大数据"}\n')
    with pytest.raises(cipin.InputChanged, match=r"news\.jsonl: was changed"):
        cipin.run(reports, TERMS, tmp_path / "out", on="serial")


def test_a_column_that_no_row_has_is_a_wrong_name(tmp_path: Path) -> None:
    reports = write_rows(tmp_path / "reports")
    with pytest.raises(cipin.SourceError, match="no column 'bank' for the entity"):
        cipin.run(reports, TERMS, tmp_path / "out", on="serial", entity_from="column:bank")
    # Rows of a part may all lack what others have.
    lines = (reports / "news.jsonl").read_text(encoding="utf-8").splitlines()
    for has in (range(10), range(20, 30)):
        fewer = [line if at in has else line.replace('"entity"', '"other"') for at, line in enumerate(lines)]
        (reports / "news.jsonl").write_text("\n".join(fewer), encoding="utf-8")
        run = cipin.run(reports, TERMS, tmp_path / f"out-{has.start}", on="serial", entity_from="column:entity")
        assert run.reports.filter(pl.col("entity").is_null()).collect().height == 20


def test_a_wrong_name_for_a_csv_file(tmp_path: Path) -> None:
    reports = write_csv(tmp_path / "reports", 90)
    for _ in range(2):  # also where the parts are done already
        with pytest.raises(cipin.SourceError, match=r"news\.csv: no column 'bank' for the entity"):
            cipin.run(reports, TERMS, tmp_path / "out", on="serial", entity_from="column:bank")
    assert not (tmp_path / "out" / "current").exists()


def test_a_file_that_is_replaced_is_another(tmp_path: Path) -> None:
    reports = write_rows(tmp_path / "reports")
    path = reports / "news.jsonl"
    (source, *_) = plan.make_plan([reports], "key").sources
    assert is_unchanged(str(reports), source)
    status, other = path.stat(), tmp_path / "other"
    other.write_bytes(path.read_bytes().replace(b"2015", b"2016"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert not is_unchanged(str(reports), source)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_table_without_a_text_is_one_row(kind: str, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    frame = pl.DataFrame({"code": [f"{at:06}" for at in range(300)], "name": ["甲"] * 300})
    path = tmp_path / "reports" / f"codes.{kind}"
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[kind](path)
    run = cipin.run(tmp_path / "reports", TERMS, tmp_path / "out", on="serial")
    assert run.reports.select("reason", "source").collect().rows() == [("no_text_column", path.name)]
    with pytest.raises(cipin.SourceError, match="no column 'body'"):
        cipin.run(tmp_path / "reports", TERMS, tmp_path / "other", on="serial", text_column="body")


def test_parts_that_cannot_be_read_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = write_rows(tmp_path / "reports")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    made = plan.make_plan([reports], "key")
    monkeypatch.setattr("cipin.running.run.plan.make_plan", lambda *_, **__: made)
    monkeypatch.setattr("cipin.reading.formats.jsonl._lines", fail)
    run = cipin.run(reports, TERMS, tmp_path / "out", on="serial", corpus="none")
    rows = run.reports.select("report", "status", "reason").collect()
    assert set(rows["reason"]) == {"unreadable"}
    assert rows["report"].n_unique() == len(rows) == len(made.sources) > 5


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("wide.jsonl", ('{"text": "大数据"}\n' * 90).encode("utf-16")),
        ("small.jsonl", b'{"text": "a"}\n'),
        ("binary.jsonl", bytes(range(256)) * 9),
        ("line.jsonl", b'{"text": "' + b"a" * 2000 + b'"}'),
        ("wide.csv", ("text,year\n" + "大数据,2019\n" * 300).encode("utf-16")),
        ("cell.csv", b'text,year\n"' + b"a,2019\n" * 300),
    ],
)
def test_what_is_not_cut(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    (source,) = plan.make_plan([tmp_path], "key").sources
    assert (source.span, source.file_bytes) == (None, len(data))


def test_a_part_is_a_shard(tmp_path: Path) -> None:
    reports = write_rows(tmp_path / "reports")
    (reports / "a.txt").write_text("大数据", encoding="utf-8")
    made = plan.make_plan([reports], "key")
    cut = [shard for shard in made.shards if shard.sources[0].span]
    assert all(len(shard.sources) == 1 for shard in cut)
    assert {source.path for source in made.sources} == {"a.txt", "news.jsonl"}
    n_bytes = (reports / "news.jsonl").stat().st_size
    assert sum(shard.n_bytes for shard in cut) == n_bytes
    assert {shard.sources[0].file_bytes for shard in cut} == {n_bytes}
    keys = {source_key(each.content, each.path, ReadOptions()) for each in made.sources}
    assert len(keys) == len({shard.id for shard in made.shards}) == len(made.sources)


def test_name_of_a_part() -> None:
    span = Span(5, 90, 3)
    assert read_part(name_part("0a", span, 200)) == ("0a", span, 200)
    for whole_file in ("0a", "", "s3-etag#1", "0a#1-2/3@4", "0a#1-2/3@4.5@6"):
        assert read_part(whole_file) == (whole_file, None, 0)
