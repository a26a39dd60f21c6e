"""Archives of reports: each member is read, or refused for a reason, and none is written where it says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import bad_parsers
import pytest

from cipin.errors import SourceError
from cipin.reading.formats import ReadOptions, archive, containers, read_reports
from cipin.reading.formats.sniff import sniff
from cipin.reading.report import RawReport
from cipin.reading.sandbox import Sandbox

TEXT = "本行加快推进数字化转型，云计算与大数据投入持续增长。\n"
DATA = TEXT.encode()
Entry = tuple[str, str, str]


def zip_of(members: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]], method: int = 8) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(name, data)
    return out.getvalue()


def tar_of(
    members: dict[str, bytes] | list[tuple[tarfile.TarInfo, bytes]],
    form: int = tarfile.GNU_FORMAT,
    encoding: str = "utf-8",
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding=encoding) as file:
        if isinstance(members, dict):
            members = [(tarfile.TarInfo(name), data) for name, data in members.items()]
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_info(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def tar_info(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def gbk_zip(names: list[str], encoding: str = "gb18030") -> bytes:
    """A zip whose names are bytes of a legacy encoding, without the flag for UTF-8."""
    held = [f"{index:{len(name.encode(encoding))}d}" for index, name in enumerate(names)]
    data = zip_of(dict.fromkeys(held, DATA))
    for stand_in, name in zip(held, names, strict=True):
        data = data.replace(stand_in.encode(), name.encode(encoding))
    return data


def encrypted(data: bytes) -> bytes:
    """Set the flag of encryption in the first member and its entry in the directory."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


def packed_as(data: bytes, method: int) -> bytes:
    at = data.index(b"PK\x01\x02")
    return data[:8] + bytes([method]) + data[9 : at + 10] + bytes([method]) + data[at + 11 :]


def negative_tar() -> bytes:
    """A tar whose member has minus 512 bytes, on which Python's tarfile went round for ever (CVE-2025-8194)."""
    info = tar_of({"a.txt": DATA})[:512]
    block = info[:124] + b"\xff" * 10 + b"\xfe\x00" + b" " * 8 + info[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:] + bytes(1024)


def read(folder: Path, name: str, data: bytes, **options: object) -> list[RawReport]:
    path = folder / name
    path.write_bytes(data)
    return list(read_reports(path, ReadOptions(**options)))  # type: ignore[arg-type]


def outcome(reports: list[RawReport]) -> list[Entry]:
    assert all(report.message for report in reports if report.status != "measured")
    assert all(report.text == TEXT for report in reports if report.status == "measured")
    return [(report.member, report.status, report.reason) for report in reports]


def ok(*members: str) -> list[Entry]:
    return [(member, "measured", "") for member in members]


def no(member: str, reason: str) -> list[Entry]:
    return [(member, "quarantined", reason)]


INNER = zip_of({"d.txt": DATA})
BOMB = bytes(40 << 20)
ARCHIVES: list[tuple[str, str, Callable[[], bytes], list[Entry]]] = [
    ("name order", "a.zip", lambda: zip_of({"b/2.txt": DATA, "a.txt": DATA, "b/1.txt": DATA}),
     ok("a.txt", "b/1.txt", "b/2.txt")),
    ("tar in name order", "a.tar", lambda: tar_of({"b.txt": DATA, "a.txt": DATA}), ok("a.txt", "b.txt")),
    ("tar.gz", "a.tar.gz", lambda: gzip.compress(tar_of({"a.txt": DATA})), ok("a.txt")),
    ("tgz", "a.tgz", lambda: gzip.compress(tar_of({"a.txt": DATA})), ok("a.txt")),
    ("tar.bz2", "a.tar.bz2", lambda: bz2.compress(tar_of({"a.txt": DATA}), 1), ok("a.txt")),
    ("tar.xz", "a.tar.xz", lambda: lzma.compress(tar_of({"a.txt": DATA})), ok("a.txt")),
    ("pax", "a.tar", lambda: tar_of({"年报" * 60 + ".txt": DATA}, tarfile.PAX_FORMAT), ok("年报" * 60 + ".txt")),
    ("GNU long name", "a.tar", lambda: tar_of({"年报" * 60 + ".txt": DATA}), ok("年报" * 60 + ".txt")),
    ("ustar prefix", "a.tar", lambda: tar_of({"a" * 90 + "/" + "b" * 90: DATA}, tarfile.USTAR_FORMAT),
     ok("a" * 90 + "/" + "b" * 90)),
    ("one gz", "a.txt.gz", lambda: gzip.compress(DATA), ok("")),
    ("one gz in two parts", "a.gz", lambda: gzip.compress(DATA[:9]) + gzip.compress(DATA[9:]), ok("")),
    ("one bz2", "a.txt.bz2", lambda: bz2.compress(DATA[:9]) + bz2.compress(DATA[9:]), ok("")),
    ("one xz, padded", "a.txt.xz", lambda: lzma.compress(DATA) + bytes(4) + lzma.compress(b""), ok("")),
    ("bzip2 in zip", "a.zip", lambda: zip_of({"a.txt": DATA}, zipfile.ZIP_BZIP2), ok("a.txt")),
    ("in an archive", "a.zip", lambda: zip_of({"b.zip": INNER, "c.tar.gz": gzip.compress(tar_of({"d.txt": DATA}))}),
     ok("b.zip/d.txt", "c.tar.gz/d.txt")),
    ("stored archive in an archive", "a.zip", lambda: zip_of({"b.zip": INNER, "c": INNER}, 0),
     ok("b.zip/d.txt", "c/d.txt")),
    ("too deep", "a.zip", lambda: zip_of({"b.zip": zip_of({"c.zip": INNER, "e.txt": DATA})}),
     no("b.zip/c.zip", "depth") + ok("b.zip/e.txt")),
    ("gz too deep", "a.gz", lambda: gzip.compress(gzip.compress(gzip.compress(DATA))), no("", "depth")),
    ("litter", "a.zip",
     lambda: zip_of({"a/": b"", "__MACOSX/._b.txt": b"x", "a/.DS_Store": b"x", "Thumbs.db": b"x", "b.txt": DATA}),
     ok("b.txt")),
    ("nothing but litter", "a.zip", lambda: zip_of({".DS_Store": b"x"}), [("", "dropped", "empty")]),
    ("empty zip", "a.zip", lambda: zip_of({}), [("", "dropped", "empty")]),
    ("empty tar", "a.tar", lambda: tar_of({}), [("", "dropped", "empty")]),
    ("empty archive in one", "a.zip", lambda: zip_of({"b.zip": zip_of({})}), [("b.zip", "dropped", "empty")]),
    ("empty member", "a.zip", lambda: zip_of({"a.txt": b""}), [("a.txt", "dropped", "empty")]),
    ("empty bz2", "a.txt.bz2", lambda: bz2.compress(b""), [("", "dropped", "empty")]),
    ("GBK names", "a.zip", lambda: gbk_zip(["平安银行/2019年报.txt", "招商银行.txt"]),
     ok("平安银行/2019年报.txt", "招商银行.txt")),
    ("Big5 names", "a.zip", lambda: gbk_zip(["國泰金控年報.txt", "玉山銀行.txt"], "big5"),
     ok("國泰金控年報.txt", "玉山銀行.txt")),
    ("UTF-8 names, not flagged", "a.zip", lambda: gbk_zip(["平安.txt"], "utf-8"), ok("平安.txt")),
    ("GBK names in tar", "a.tar", lambda: tar_of({"平安银行年报": DATA}, tarfile.GNU_FORMAT, "gbk"),
     ok("平安银行年报")),
    ("refused paths", "a.zip",
     lambda: zip_of({"../a.txt": DATA, "/b.txt": DATA, "C:\\c.txt": DATA, "d/..\\..\\e.txt": DATA, "f..txt": DATA}),
     no("../a.txt", "unsafe_path") + no("/b.txt", "unsafe_path") + no("C:\\c.txt", "unsafe_path")
     + no("d/..\\..\\e.txt", "unsafe_path") + ok("f..txt")),
    ("refused paths of tar", "a.tar", lambda: tar_of({"../../a.txt": DATA, "/b.txt": DATA, "c.txt": DATA}),
     no("../../a.txt", "unsafe_path") + no("/b.txt", "unsafe_path") + ok("c.txt")),
    ("links and devices of tar", "a.tar",
     lambda: tar_of([(tar_info("a", tarfile.SYMTYPE, "/etc/passwd"), b""), (tar_info("b", tarfile.LNKTYPE, "a"), b""),
                     (tar_info("c", tarfile.CHRTYPE), b""), (tar_info("d", tarfile.FIFOTYPE), b""),
                     (tar_info("e", tarfile.DIRTYPE), b""), (tar_info("f", tarfile.REGTYPE), DATA)]),
     no("a", "link") + no("b", "link") + no("c", "device") + no("d", "device") + ok("f")),
    ("links and devices of zip", "a.zip",
     lambda: zip_of([(zip_info("a", stat.S_IFLNK | 0o777), b"/etc/passwd"), (zip_info("b", stat.S_IFIFO), b""),
                     (zip_info("c", stat.S_IFREG | 0o644), DATA)]),
     no("a", "link") + no("b", "device") + ok("c")),
    ("encrypted", "a.zip", lambda: encrypted(zip_of({"a.txt": DATA, "b.txt": DATA})),
     no("a.txt", "encrypted") + ok("b.txt")),
    ("deflate64", "a.zip", lambda: packed_as(zip_of({"a.txt": DATA, "b.txt": DATA}), 9),
     no("a.txt", "unsupported") + ok("b.txt")),
    ("zstd", "a.zip", lambda: packed_as(zip_of({"a.txt": DATA, "b.txt": DATA}), 93),
     no("a.txt", "unsupported") + ok("b.txt")),
    ("encrypted by AES", "a.zip", lambda: encrypted(packed_as(zip_of({"a.txt": DATA, "b.txt": DATA}), 99)),
     no("a.txt", "encrypted") + ok("b.txt")),
    ("other archives within", "a.zip",
     lambda: zip_of({"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(26), "b.rar": b"Rar!\x1a\x07\x01" + bytes(26),
                     "c.tar.zst": b"\x28\xb5\x2f\xfd" + bytes(26), "d.txt": DATA}),
     no("a.7z", "unsupported") + no("b.rar", "unsupported") + no("c.tar.zst", "unsupported") + ok("d.txt")),
    ("bomb", "a.zip", lambda: zip_of({"a.txt": BOMB, "b.txt": DATA}), no("a.txt", "ratio") + ok("b.txt")),
    ("gz bomb", "a.txt.gz", lambda: gzip.compress(BOMB), no("", "ratio")),
    ("xz bomb", "a.txt.xz", lambda: lzma.compress(BOMB), no("", "ratio")),
    ("bz2 bomb", "a.txt.bz2", lambda: bz2.compress(BOMB), no("", "ratio")),
    ("bad checksum", "a.zip", lambda: zip_of({"a.txt": DATA, "b.txt": DATA}, 0).replace(DATA, DATA[:-1] + b"!", 1),
     no("a.txt", "malformed") + ok("b.txt")),
    ("bad deflate", "a.zip", lambda: (d := zip_of({"a.txt": DATA}))[:35] + b"\xff" * 20 + d[55:],
     no("a.txt", "malformed")),
    ("truncated zip", "a.zip", lambda: zip_of({"a.txt": DATA})[:-30], no("", "truncated")),
    ("nothing of a zip", "a.zip", lambda: b"PK\x03\x04", no("", "truncated")),
    ("truncated tar", "a.tar", lambda: tar_of({"a.txt": DATA, "b.txt": DATA})[:1540],
     ok("a.txt") + no("b.txt", "truncated")),
    ("truncated header", "a.tar", lambda: tar_of({"a.txt": DATA, "b.txt": DATA})[:1100],
     ok("a.txt") + no("", "truncated")),
    ("tar without its end", "a.tar", lambda: tar_of({"a.txt": DATA})[:1024], ok("a.txt")),
    ("bad header", "a.tar", lambda: (d := tar_of({"a.txt": DATA, "b.txt": DATA}))[:1030] + b"!" + d[1031:],
     ok("a.txt") + no("", "malformed")),
    ("negative size", "a.tar", negative_tar, no("", "malformed")),
    ("truncated gz", "a.txt.gz", lambda: gzip.compress(DATA)[:-9], no("", "truncated")),
    ("truncated tar.gz", "a.tar.gz",
     lambda: gzip.compress(tar_of({"a.txt": DATA, "b.txt": os.urandom(5000)}), 0)[:3000],
     ok("a.txt") + no("b.txt", "truncated") + no("", "truncated")),
    ("truncated xz", "a.txt.xz", lambda: lzma.compress(DATA)[:-9], no("", "truncated")),
    ("truncated bz2", "a.txt.bz2", lambda: bz2.compress(DATA)[:-9], no("", "truncated")),
    ("bad gz", "a.txt.gz", lambda: gzip.compress(DATA)[:-8] + bytes(8), no("", "malformed")),
    ("bad bz2", "a.txt.bz2", lambda: bz2.compress(DATA)[:30] + bytes(40), no("", "malformed")),
    ("xz that asks for 1.5 GB", "a.txt.xz", lambda: lzma.compress(DATA, filters=[{"id": lzma.FILTER_LZMA2,
     "dict_size": 3 << 29}]), no("", "malformed")),
    ("text", "a.zip", lambda: DATA, no("", "malformed")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "expected"), [row[1:] for row in ARCHIVES], ids=[row[0] for row in ARCHIVES])
def test_archive(tmp_path: Path, name: str, make: Callable[[], bytes], expected: list[Entry]) -> None:
    found = outcome(read(tmp_path, name, make()))
    assert found == expected
    assert [path.name for path in tmp_path.rglob("*")] == [name]


def test_duplicate_names_are_kept_apart(tmp_path: Path) -> None:
    names = ["a", "a#2", "b"]
    data = zip_of([(zip_info(name), f"{TEXT}{number}".encode()) for number, name in enumerate(names)])
    at = data.index(b"PK\x03\x04", data.index(b"a#2"))
    entry = data.rindex(b"PK\x01\x02")
    data = data[: at + 30] + b"a" + data[at + 31 : entry + 46] + b"a" + data[entry + 47 :]
    reports = read(tmp_path, "a.zip", data)
    assert sorted((report.member, report.text[-1]) for report in reports) == [("a", "0"), ("a#2", "2"), ("a#2#2", "1")]
    twice = [(tar_info("a", tarfile.REGTYPE), DATA)] * 2
    assert outcome(read(tmp_path, "b.tar", tar_of(twice))) == ok("a", "a#2")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {f"{number}.txt": DATA for number in range(5)}
    budget = archive._Budget
    reports = read(tmp_path, "a.tar.gz", gzip.compress(tar_of({"a.txt": DATA, "b.txt": DATA * 9})), max_bytes=500)
    assert outcome(reports) == ok("a.txt") + no("b.txt", "too_large")
    reports = read(tmp_path, "a.zip", zip_of({"a.txt": DATA, "b.txt": DATA * 9}), max_bytes=500)
    assert outcome(reports) == ok("a.txt") + no("b.txt", "too_large")
    monkeypatch.setattr(containers, "MAX_MEMBERS", 4)
    for name, data in (("a.zip", zip_of(members)), ("a.tar", tar_of(members))):
        assert outcome(read(tmp_path, name, data)) == no("", "too_large")
    monkeypatch.undo()
    monkeypatch.setattr(archive, "_Budget", lambda: budget(2 * len(DATA)))
    refused = [entry for number in (2, 3, 4) for entry in no(f"{number}.txt", "too_large")]
    for name, data in (("a.zip", zip_of(members)), ("a.tar", tar_of(members))):
        assert outcome(read(tmp_path, name, data)) == ok("0.txt", "1.txt") + refused


@pytest.mark.parametrize("most", [70_000, 69_999])
def test_members_are_counted_beyond_two_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    # The second form of a directory's end, which says how many there are, stands behind the directory.
    (tmp_path / "a.zip").write_bytes(zip_of(dict.fromkeys(map(str, range(70_000)), b""), 0))
    monkeypatch.setattr(containers, "MAX_MEMBERS", most)
    if most == 70_000:
        assert sum(1 for _ in containers.list_zip(tmp_path / "a.zip")) == 70_000
    else:
        with pytest.raises(containers.BrokenArchiveError, match="more than 69,999 members"):
            next(containers.list_zip(tmp_path / "a.zip"))


def test_directory_that_claims_too_much(tmp_path: Path) -> None:
    data = zip_of({"a.txt": DATA})
    data = data[:-10] + struct.pack("<L", 0x7FFFFFFF) + data[-6:]
    assert outcome(read(tmp_path, "a.zip", data)) == no("", "too_large")


def test_member_without_the_column(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^a\.zip: b\.zip: c\.csv: no column 'x'"):
        read(tmp_path, "a.zip", zip_of({"b.zip": zip_of({"d/c.csv": b"a,b\n1,2\n"})}), text_column="x")


def test_members_of_the_member(tmp_path: Path) -> None:
    rows = f'{{"text": "{TEXT.strip()}"}}\n'.encode() * 2
    reports = read(tmp_path, "a.zip", zip_of({"x/b.jsonl": rows}))
    assert [(report.member, report.format) for report in reports] == [
        ("x/b.jsonl/1", "jsonl"),
        ("x/b.jsonl/2", "jsonl"),
    ]
    (report, _) = read(tmp_path, "b.jsonl.gz", gzip.compress(rows))
    assert (report.member, report.format) == ("1", "jsonl")


@pytest.mark.parametrize(
    "name", ["../../a.txt", "/etc/passwd", "a\\b.txt", "...", "年" * 500 + ".txt", "\0a", "a/", "~"]
)
def test_safe_name(name: str) -> None:
    safe = archive._safe_name(name)
    assert safe not in {"", ".", "..", "~"}
    assert not set(safe) & set("/\\\0")
    assert len(safe.encode()) < 256


@pytest.mark.parametrize(
    ("data", "ending", "name"),
    [
        (zip_of({"b.docx": zip_of({"word/document.xml": b""}, 0)}, 0), ".zip", "zip"),
        (zip_of({"[Content_Types].xml": b"", "word/document.xml": b""}), ".zip", "docx"),
        (zip_of({"OFD.xml": b""}), ".ofd", "ofd"),
        (tar_of({"a": b""}), "", "tar"),
        (bz2.compress(b"a", 3), "", "bzip2"),
    ],
)
def test_sniff(data: bytes, ending: str, name: str) -> None:
    assert sniff(data, ending) == name


def test_members_are_read_in_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    names = {"a.txt": DATA, "b.pdf": b"%PDF- abort", "c.pdf": b"%PDF- read", "d.zip": zip_of({"e.pdf": b"%PDF- raise"})}
    path.write_bytes(zip_of(names))
    with Sandbox(parse=bad_parsers.parse) as sandbox:
        reports = [(report.member, report.reason) for report in sandbox.read(path)]
    assert reports == [("a.txt", ""), ("b.pdf", "crash"), ("c.pdf", ""), ("d.zip/e.pdf", "crash")]


def test_leaving_early_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "a.zip").write_bytes(zip_of({"a.txt": DATA, "b.zip": INNER}))
    reports = read_reports(tmp_path / "a.zip")
    next(reports)
    assert len(list((tmp_path / "temporary").rglob("*.txt"))) == 1
    reports.close()  # type: ignore[attr-defined]
    assert list((tmp_path / "temporary").iterdir()) == []
