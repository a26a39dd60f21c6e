"""Every file yields a report; what cannot be read is set aside with a reason, and the rest goes on."""

from __future__ import annotations

import datetime
import decimal
import json
import os
import re
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cipin import schema
from cipin.errors import SourceError
from cipin.reading.formats import FORMATS, ReadOptions, read_reports
from cipin.reading.report import MEASURED, RawReport

TEXT = "本行加快推进数字化转型，云计算与大数据投入持续增长。\n"
OK = ("measured", "")
MOJIBAKE = TEXT.encode().decode("gb18030", "replace")


def read(path: Path, data: bytes | None = None, **options: object) -> list[RawReport]:
    if data is not None:
        path.write_bytes(data)
    return list(read_reports(path, ReadOptions(**options)))  # type: ignore[arg-type]


def outcome(reports: list[RawReport]) -> list[tuple[str, str, str]]:
    return [(report.member, report.status, report.reason) for report in reports]


FILES = [
    # name, bytes, format, status, reason
    ("a.txt", TEXT.encode(), "text", *OK),
    ("a", TEXT.encode("gb18030"), "text", *OK),
    ("a.txt", TEXT.encode("utf-16"), "text", *OK),
    ("a.txt", b"", "text", "dropped", "empty"),
    ("a.txt", " \n\u3000\ufeff\u200b".encode(), "text", "dropped", "empty"),
    ("a.md", b"", "markdown", "dropped", "empty"),
    ("a.jsonl", b"\n \n", "jsonl", "dropped", "empty"),
    ("a.csv", b"", "csv", "dropped", "empty"),
    ("a.csv", b"text\n", "csv", "dropped", "empty"),
    ("a.parquet", b"", "parquet", "quarantined", "malformed"),
    ("a.txt", b"%PDF-1.7\n", "pdf", "quarantined", "truncated"),
    ("a.pdf", b"\n\n%PDF-1.7\n%%EOF\n", "pdf", "quarantined", "malformed"),
    ("a.pdf", TEXT.encode(), "pdf", "quarantined", "malformed"),
    ("a.docx", b"PK\x03\x04", "docx", "quarantined", "malformed"),
    ("a.txt", b"PK\x03\x04..word/document.xml", "docx", "quarantined", "malformed"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc", "quarantined", "unsupported"),
    ("a.zip", b"PK\x03\x04", "zip", "quarantined", "truncated"),
    ("a.jsonl.gz", b"\x1f\x8b\x08\x00", "gzip", "quarantined", "truncated"),
    ("a.txt", b"<!DOCTYPE html><html>", "html", "dropped", "empty"),
    ("a.html", TEXT.encode(), "html", *OK),
    ("a.mht", b"MIME-Version: 1.0\n", "mhtml", "quarantined", "unsupported"),
    ("a.xml", b"<?xml version='1.0'?><a/>", "xml", "quarantined", "unsupported"),
    ("a.json", b'{\n "text": "a"\n}', "json", "quarantined", "unsupported"),
    ("a.json", json.dumps({"text": TEXT}).encode(), "jsonl", *OK),
    ("a.txt", bytes(range(256)) * 20, "text", "quarantined", "binary"),
    ("a.csv", bytes(range(256)) * 20, "csv", "quarantined", "binary"),
    ("a.jsonl", bytes(range(256)) * 20, "jsonl", "quarantined", "binary"),
    ("a.md", bytes(range(256)) * 20, "markdown", "quarantined", "binary"),
    ("a.txt", MOJIBAKE.encode(), "text", "quarantined", "undecodable"),
    ("a.csv", f"text\n{MOJIBAKE}".encode(), "csv", "quarantined", "undecodable"),
    ("a.parquet", b"PAR1" + bytes(100), "parquet", "quarantined", "malformed"),
    ("a.arrow", b"ARROW1\x00\x00" + bytes(100), "arrow", "quarantined", "malformed"),
    ("a.arrows", b"\xff\xff\xff\xff\x10\x00\x00\x00" + bytes(8), "arrow", "quarantined", "malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "form", "status", "reason"), FILES)
def test_file(tmp_path: Path, name: str, data: bytes, form: str, status: str, reason: str) -> None:
    (report,) = read(tmp_path / name, data)
    assert (report.format, report.status, report.reason) == (form, status, reason)
    assert (report.text == TEXT) if status == "measured" else (report.text == "" and report.message)


def test_text_keeps_its_line_ends(tmp_path: Path) -> None:
    (report,) = read(tmp_path / "a.txt", "云\r\n计\r算\n".encode())
    assert report.text == "云\r\n计\r算\n"


def test_damage_is_flagged(tmp_path: Path) -> None:
    (report,) = read(tmp_path / "a.txt", (TEXT * 10).encode()[1:] + b"\x00")
    assert report.flags == ("replaced_bytes", "control_characters")
    (report,) = read(tmp_path / "b.txt", (TEXT * 20 + MOJIBAKE).encode())
    assert "garbled_characters" in report.flags


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.txt")
    for path in (tmp_path / "fifo.txt", tmp_path, Path("/dev/null")):
        assert outcome(read(path)) == [("", "quarantined", "unsupported")]


def test_a_vanished_file_is_unreadable(tmp_path: Path) -> None:
    assert outcome(read(tmp_path / "gone.txt")) == [("", "quarantined", "unreadable")]


def test_too_large(tmp_path: Path) -> None:
    assert outcome(read(tmp_path / "a.txt", TEXT.encode(), max_bytes=10)) == [("", "quarantined", "too_large")]


def test_markdown(tmp_path: Path) -> None:
    front = "---\nbank: 平安银行\nyear: 2019\nday: 2019-03-01\nbad: 2019-02-30\nlong: " + "9" * 5000
    text = front + "\ntags: [a]\nx: &a {b: c}\n---\n```\n# 不是\n```\n## 二\n# 年度报告 #\n" + TEXT
    (report,) = read(tmp_path / "a.md", text.encode())
    assert report.text == text
    assert report.title == "年度报告"
    assert report.meta == {
        "bank": "平安银行", "year": 2019, "day": "2019-03-01", "bad": "2019-02-30", "long": "9" * 5000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "front", ["---\n- a\n---\n", "---\na: [\n---\n", "---\n" + "[" * 5000 + "\n---\n", "---\n", "--- \n"]
)
def test_a_broken_front_matter_is_text(tmp_path: Path, front: str) -> None:
    (report,) = read(tmp_path / "a.md", (front + TEXT).encode())
    assert (report.text, report.meta, report.status) == (front + TEXT, {}, "measured")


LINES = [
    # line, status, reason, text, flags
    (json.dumps({"title": "年报", "text": TEXT, "year": 2019, "l": [1]}), *OK, TEXT, ()),
    ("not json", "quarantined", "malformed", "", ()),
    ('["a"]', "quarantined", "malformed", "", ()),
    ('{"text": "a', "quarantined", "malformed", "", ()),
    ('{"text":' * 100_000, "quarantined", "malformed", "", ()),
    ('{"text": ["a"]}', "quarantined", "malformed", "", ()),
    ('{"text": null}', "quarantined", "null_text", "", ()),
    ('{"year": 1}', "quarantined", "null_text", "", ()),
    ('{"text": " "}', "dropped", "empty", "", ()),
    ('{"text": "\\ud800云"}', *OK, "\ufffd云", ("replaced_bytes",)),
    ('{"text": "云\\u0000"}', *OK, "云\x00", ("control_characters",)),
    ('{"text": "云", "n": ' + "9" * 5000 + "}", *OK, "云", ()),
    ('{"text": "云", "n": NaN, "\\ud800": "\\udfff"}', *OK, "云", ()),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_jsonl(tmp_path: Path, encoding: str) -> None:
    data = ("\n\n".join(line for line, *_ in LINES) + "\n" + TEXT).encode(encoding)
    reports = read(tmp_path / "a.jsonl", data)
    assert [int(report.member) for report in reports] == [*range(1, 2 * len(LINES), 2), 2 * len(LINES)]
    for report, (_, status, reason, text, flags) in zip(reports, LINES, strict=False):
        assert (report.status, report.reason, report.text, report.flags) == (status, reason, text, flags)
        json.dumps(dict(report.meta), ensure_ascii=False).encode()
    assert reports[0].title == "年报"
    assert reports[0].meta == {"title": "年报", "year": 2019}


def test_jsonl_of_two_encodings(tmp_path: Path) -> None:
    line = json.dumps({"text": TEXT}, ensure_ascii=False) + "\n"
    reports = read(tmp_path / "a.jsonl", line.encode() * 3 + line.encode("gb18030") * 3)
    assert [(report.text, report.encoding) for report in reports] == [(TEXT, "utf-8")] * 3 + [(TEXT, "gb18030")] * 3


def test_jsonl_text_column(tmp_path: Path) -> None:
    rare = b'{"id": 1, "a": "x", "b": "y"}\n' * 1500 + b'{"content": "\xe4\xba\x91"}\n'
    assert read(tmp_path / "a.jsonl", rare)[-1].text == "云"
    assert read(tmp_path / "b.jsonl", b'{"id": 1, "body": "\xe4\xba\x91"}\n')[0].text == "云"
    assert read(tmp_path / "a.jsonl", text_column="a")[0].text == "x"
    (report,) = read(tmp_path / "c.jsonl", b'{"id": 1, "a": "x", "b": "y"}\n')
    assert (report.status, report.reason) == ("quarantined", "no_text_column")
    assert "'id', 'a', 'b'; name the one with the text: --text-column NAME" in report.message
    with pytest.raises(SourceError, match=r"c\.jsonl: .*'id', 'a', 'b'; .*--text-column NAME"):
        read(tmp_path / "c.jsonl", b'{"id": 1, "a": "x", "b": "y"}\n', text_column="c")


ROWS = [
    # lines of CSV under the header "bank,年份,正文", outcome of each row
    ('平安银行,2019,"第一行，\n第二行"\n', [OK]),
    ('平安银行,2019,"他说""好"""\n\n工商银行,2020,云\n', [OK, OK]),
    ("平安银行,2019\n工商银行,2020,云\n", [("quarantined", "malformed"), OK]),
    ("平安银行,2019,云,计\n", [("quarantined", "malformed")]),
    ('平安银行,2019,"云"计\n工商银行,2020,云\n', [("quarantined", "malformed"), OK]),
    ('工商银行,2020,云\n平安银行,2019,"没有结束\n工商银行,2020,云\n', [OK, ("quarantined", "malformed")]),
    ("平安银行,2019, \n", [("dropped", "empty")]),
    (f"平安银行,2019,{'云' * 200_000}\n", [OK]),
]


@pytest.mark.parametrize(("rows", "expected"), ROWS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_csv(tmp_path: Path, encoding: str, rows: str, expected: list[tuple[str, str]]) -> None:
    reports = read(tmp_path / "a.csv", ("bank,年份,正文\n" + rows).encode(encoding))
    assert outcome(reports) == [(str(number), *each) for number, each in enumerate(expected)]
    assert all(set(report.meta) == {"bank", "年份"} for report in reports if report.status == "measured")


def test_csv_delimiters(tmp_path: Path) -> None:
    for name, delimiter in (("a.tsv", "\t"), ("b.csv", "\t"), ("c.csv", ";")):
        (report,) = read(tmp_path / name, f"bank{delimiter}text\n平安银行{delimiter}{TEXT}".encode())
        assert (report.text, report.meta) == (TEXT.strip(), {"bank": "平安银行"})


def table(kind: pa.DataType) -> pa.Table:
    texts = pa.array([TEXT, None, " ", TEXT])
    return pa.table({
        "正文": texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind),
        "title": ["年报"] * 4,
        "bank": pa.array(["平安银行"] * 4).dictionary_encode(),
        "year": [2019, 2020, 2021, None],
        "day": [datetime.date(2019, 3, 1)] * 4,
        "time": pa.array([datetime.datetime(2019, 3, 1, 8)] * 4, pa.timestamp("ns")),
        "far": pa.array([2**50] * 4, pa.timestamp("s")),
        "amount": [decimal.Decimal("1.50")] * 4,
        "nested": [[1]] * 4,
    })  # fmt: skip


def write(path: Path, content: pa.Table, rows: int = 3) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(content, path, row_group_size=rows)
        return path
    with (pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream)(str(path), content.schema) as sink:
        sink.write_table(content, max_chunksize=rows)
    return path


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows"])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_columnar(tmp_path: Path, ending: str, kind: pa.DataType) -> None:
    path = write(tmp_path / f"a.{ending}", table(kind))
    reports = read(path.rename(tmp_path / "a.bin"))
    assert outcome(reports) == [
        ("0", *OK), ("1", "quarantined", "null_text"), ("2", "dropped", "empty"), ("3", *OK),
    ]  # fmt: skip
    assert (reports[3].text, reports[3].title) == (TEXT, "年报")
    meta = dict(reports[0].meta)
    assert str(meta.pop("far")).isascii()
    assert meta == {
        "title": "年报", "bank": "平安银行", "year": 2019, "day": "2019-03-01", "time": "2019-03-01T08:00:00",
        "amount": "1.50",
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows", "csv", "jsonl"])
def test_missing_text_column(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        path.write_text("a,b\n1,2\n")
    elif ending == "jsonl":
        path.write_text('{"a": "1", "b": "2"}\n')
    else:
        write(path, pa.table({"a": ["1"], "b": ["2"]}))
    (report,) = read(path)
    assert (report.status, report.reason) == ("quarantined", "no_text_column")
    assert re.search(r"'a', 'b'.*--text-column NAME", report.message)
    with pytest.raises(SourceError, match="'c'"):
        read(path, text_column="c")
    assert read(path, text_column="b")[0].text == "2"


def test_text_column_of_another_type(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"text": [1]}))
    assert "'text' does not hold strings" in read(path)[0].message
    with pytest.raises(SourceError, match="'text' does not hold strings"):
        read(path, text_column="text")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_no_rows(tmp_path: Path, ending: str) -> None:
    reports = read(write(tmp_path / f"a.{ending}", table(pa.string()).slice(0, 0)))
    assert outcome(reports) == [("", "dropped", "empty")]


@pytest.mark.parametrize("ending", ["parquet", "arrow", "arrows"])
def test_every_truncation_yields_a_report(tmp_path: Path, ending: str) -> None:
    data = write(tmp_path / f"a.{ending}", table(pa.string()).select(["正文", "year"])).read_bytes()
    for length in range(0, len(data) - 9, 7):
        reports = read(tmp_path / f"b.{ending}", data[:length])
        assert reports
        assert ending == "arrows" or reports[-1].reason == "malformed"


def test_a_stream_broken_behind_its_first_batch(tmp_path: Path) -> None:
    data = write(tmp_path / "a.arrows", pa.table({"text": [TEXT] * 4}), rows=2).read_bytes()
    reports = read(tmp_path / "b.arrows", data[: len(data) - 100])
    assert outcome(reports) == [("0", *OK), ("1", *OK), ("2", "quarantined", "malformed")]


@pytest.mark.parametrize("offsets", [(0, 1 << 30, 8), (0, 8, 4), (-4, 4, 8), (0, 4, 1 << 30)])
def test_broken_offsets_do_not_end_the_process(tmp_path: Path, offsets: tuple[int, int, int]) -> None:
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), pa.schema({"text": pa.string()})) as sink:
        sink.write_batch(pa.record_batch({"text": ["abcdefgh", ""]}))
    data = (tmp_path / "a.arrow").read_bytes()
    broken = data.replace(struct.pack("<3i", 0, 8, 8), struct.pack("<3i", *offsets))
    assert broken != data
    assert read(tmp_path / "b.arrow", broken)[-1].reason == "malformed"


def test_bad_utf8_in_a_string_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.arrow", pa.table({"text": [TEXT], "bank": ["平安银行"]}))
    data = path.read_bytes().replace("平安银行".encode(), b"\xff" * 12).replace("云".encode(), b"\xe4\xff\xff")
    (report,) = read(path, data)
    assert (report.status, report.flags, report.meta) == ("measured", ("replaced_bytes",), {"bank": "\ufffd" * 12})


def test_long_texts(tmp_path: Path) -> None:
    long = write(tmp_path / "a.parquet", pa.table({"text": [TEXT * 50_000] * 40}), rows=40)
    assert [len(report.text) for report in read(long)] == [len(TEXT) * 50_000] * 40


def test_endings_belong_to_one_format() -> None:
    endings = [ending for each in FORMATS for ending in each.endings]
    assert len(endings) == len(set(endings))


LONG = "云计算" * 40 + "\n"
OBJECTS = ['{"text": "云"}', f'{{"text": "{"a" * 101}"}}', f'{{"text": "{"a" * 900}"}}', '{"text": "算"}']
TOO_LONG = [
    # name, content, which of its reports are too long
    ("a.txt", LONG * 9, [True]),
    ("a.md", LONG * 9, [True]),
    ("a.html", f"<html><p>{LONG * 9}", [True]),
    ("a.html", f"<html><script>{'a' * 12_000}", [True]),
    ("a.csv", f"text\n云\n{LONG}算\n", [False, True, False]),
    ("a.csv", f"text\n云\n{LONG * 3}算\n", [False, True, True, True, False]),
    ("a.csv", f'text\n云\n"{LONG * 3}算\n计\n', [False, True, True, True, False, False]),
    ("a.csv", f"text,{'a' * 500}\n", [True]),
    ("a.jsonl", "\n".join(OBJECTS), [False, True, True, False]),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(("name", "content", "too_long"), TOO_LONG)
def test_texts_too_long_to_be_one_report(
    tmp_path: Path, name: str, content: str, too_long: list[bool], encoding: str
) -> None:
    reports = read(tmp_path / name, content.encode(encoding), max_chars=100)
    assert [report.reason for report in reports] == ["too_large" if each else "" for each in too_long]
    assert all("; " in report.message for report in reports if report.reason)


def test_what_is_measured_is_one_thing() -> None:
    assert MEASURED == schema.MEASURED
