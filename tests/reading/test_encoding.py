"""Encodings: every made text comes back as it was, and nothing illegible passes for text."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from encoded import LENGTHS, made_cases, made_mixtures, made_pages

from cipin.reading.encoding import decode, find_encoding, garbled_share, is_garbled, looks_binary
from cipin.reading.formats.html import decode_page

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

SIMPLIFIED = [
    "本行加快推进数字化转型", "云计算和大数据投入持续增长", "移动支付用户突破三亿户",
    "人工智能风控模型覆盖信贷全流程", "报告期内净利润同比增长百分之五", "董事会审议通过年度利润分配方案",
    "区块链技术应用于贸易融资", "不良贷款率保持稳定", "网络安全等级保护测评全部通过", "分支机构遍布全国各地",
    "加强数据治理与隐私保护", "乡村振兴战略深入实施",
]  # fmt: skip
TRADITIONAL = [
    "本行加速推動數位轉型", "雲端運算與大數據投資持續成長", "行動支付用戶突破三百萬戶",
    "人工智慧風險控管模型涵蓋授信流程", "報告期內淨利較去年增加", "董事會審議通過年度盈餘分配案",
    "區塊鏈技術應用於貿易融資", "逾期放款比率維持穩定", "網路安全防護與稽核全部完成", "分行據點遍及全臺各地",
    "強化資料治理與個人隱私保護", "香港業務錄得溢利增長",
]  # fmt: skip
ENGLISH = ["Fintech", "AI", "5G", "cloud computing ", "35.6%", "IFRS 9", "Big Data ", "ESG"]
SENTENCES = {"simplified": SIMPLIFIED, "traditional": TRADITIONAL, "mixed": [*SIMPLIFIED, *ENGLISH, *ENGLISH]}

#: Name of the case → codec to write with, byte order mark, script, codec expected.
ENCODINGS = {
    "utf-8": ("utf-8", b"", "mixed", "utf-8"),
    "utf-8 with a mark": ("utf-8", b"\xef\xbb\xbf", "traditional", "utf-8-sig"),
    "gb18030": ("gb18030", b"", "mixed", "gb18030"),
    "gb18030 with a mark": ("gb18030", b"\x84\x31\x95\x33", "simplified", "gb18030"),
    "gbk": ("gbk", b"", "simplified", "gb18030"),
    "gbk, traditional": ("gbk", b"", "traditional", "gb18030"),
    "big5hkscs": ("big5hkscs", b"", "traditional", "big5hkscs"),
    "utf-16-le": ("utf-16-le", b"", "mixed", "utf-16-le"),
    "utf-16-be": ("utf-16-be", b"", "simplified", "utf-16-be"),
    "utf-16-le with a mark": ("utf-16-le", b"\xff\xfe", "simplified", "utf-16-le"),
    "utf-16-be with a mark": ("utf-16-be", b"\xfe\xff", "mixed", "utf-16-be"),
    "utf-32-le": ("utf-32-le", b"", "mixed", "utf-32-le"),
    "utf-32-be with a mark": ("utf-32-be", b"\x00\x00\xfe\xff", "simplified", "utf-32-be"),
}


def make_text(script: str, length: int, rng: random.Random) -> str:
    text = ""
    while len(text) < length:
        text += rng.choice(SENTENCES[script]) + rng.choice("，。；，：、") + rng.choice(["", "", "\n", "2019"])
    return text[:length]


@pytest.mark.parametrize("length", [20, 100, 1000, 20_000])
@pytest.mark.parametrize("name", ENCODINGS)
def test_text_comes_back(name: str, length: int) -> None:
    codec, mark, script, expected = ENCODINGS[name]
    rng = random.Random(f"{name} {length}")
    for _ in range(10 if length < 5000 else 2):
        text = make_text(script, length, rng)
        data = mark + text.encode(codec)
        decoded = decode(data)
        assert (decoded.text, decoded.encoding, decoded.replaced) == (text, expected, 0)
        assert not looks_binary(data)
        assert not is_garbled(text)
        assert find_encoding(io.BytesIO(data)) == expected.replace("utf-8-sig", "utf-8").replace("utf-8", "utf-8-sig")


@pytest.mark.parametrize("length", [20, 300, 20_000])
@pytest.mark.parametrize(("start", "end"), [(1, None), (2, None), (None, -1), (None, -2), (1, -2)])
def test_damaged_utf8_is_utf8(start: int | None, end: int | None, length: int) -> None:
    text = "金" + make_text("mixed", length, random.Random(length)) + "融"
    data = text.encode()[start:end]
    middle = len("金" + text[1 : length // 2].rstrip("abcdefghijklmnopqrstuvwxyz").encode().decode())
    for damaged in (data, data[: 3 * (middle // 3)] + b"\xe4" + data[3 * (middle // 3) :]):
        decoded = decode(damaged)
        assert decoded.encoding == "utf-8"
        assert decoded.text == damaged.decode("utf-8", "replace")
        assert decoded.replaced == decoded.text.count("\ufffd") > 0


BYTES = [
    ("empty", b"", "", "utf-8", 0),
    ("ascii", b"abc\r\n", "abc\r\n", "utf-8", 0),
    ("line ends stay", "云\r\n计\r算\n".encode(), "云\r\n计\r算\n", "utf-8", 0),
    ("only a mark", b"\xef\xbb\xbf", "", "utf-8-sig", 0),
    ("UTF-16 cut in half a character", "云计".encode("utf-16")[:-1], "云\ufffd", "utf-16-le", 1),
    ("a genuine mark is not counted", "云\ufffd计".encode(), "云\ufffd计", "utf-8", 0),
    (
        "a mark of UTF-8 before GBK",
        b"\xef\xbb\xbf" + "推进数字化转型，".encode("gbk"),
        "推进数字化转型，",
        "gb18030",
        0,
    ),
    (
        "the euro of CP950",
        "營收成長，單位為€，本行推動數位轉型".encode("cp950"),
        "營收成長，單位為€，本行推動數位轉型",
        "cp950",
        0,
    ),
    ("UTF-16 of a few ASCII words", "annual report 2019".encode("utf-16-be"), "annual report 2019", "utf-16-be", 0),
    ("one full stop of GBK", "cloud computing 。201".encode("gbk"), "cloud computing 。201", "gb18030", 0),
    ("English in windows-1252", b"the bank\x92s report", "the bank\u2019s report", "cp1252", 0),
]


@pytest.mark.parametrize(("name", "data", "text", "encoding", "replaced"), BYTES, ids=[row[0] for row in BYTES])
def test_bytes(name: str, data: bytes, text: str, encoding: str, replaced: int) -> None:
    decoded = decode(data)
    assert (decoded.text, decoded.encoding, decoded.replaced) == (text, encoding, replaced)


def test_one_bad_byte_does_not_lose_gbk() -> None:
    # chardetng alone says windows-1252 here.
    text = make_text("simplified", 1000, random.Random(1))
    data = text.encode("gb18030")
    at = data.index("，".encode("gb18030"))
    decoded = decode(data[:at] + b"\xff" + data[at:])
    assert decoded.encoding == "gb18030"
    assert decoded.replaced == 1
    assert decoded.text.replace("\ufffd", "") == text


@pytest.mark.parametrize("length", [200, 1000, 20_000])
def test_random_bytes_are_binary(length: int) -> None:
    rng = random.Random(length)
    assert all(looks_binary(rng.randbytes(length)) for _ in range(50))


@pytest.mark.parametrize(
    "head",
    [b"%PDF-1.7", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\x7fELF\x02",
     b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
)  # fmt: skip
def test_signatures_are_binary(head: bytes) -> None:
    assert looks_binary(head + "其后是文字".encode() * 100)


def test_a_stray_nul_is_not_binary() -> None:
    text = make_text("simplified", 1000, random.Random(2)) + "\x00"
    assert not looks_binary(text.encode())
    assert decode(text.encode()).text == text


MOJIBAKE = [
    ("simplified", "utf-8", "gb18030"),
    ("simplified", "utf-8", "cp1252"),
    ("simplified", "utf-8", "latin-1"),
    ("traditional", "utf-8", "big5hkscs"),
    ("simplified", "gb18030", "latin-1"),
    ("simplified", "gb18030", "big5hkscs"),
    ("simplified", "gb18030", "utf-8"),
    ("traditional", "big5hkscs", "gb18030"),
    ("simplified", "utf-16-le", "utf-16-be"),
]


@pytest.mark.parametrize(("script", "written", "read"), MOJIBAKE)
def test_mojibake_is_garbled(script: str, written: str, read: str) -> None:
    rng = random.Random(3)
    for length in (100, 3000):
        text = make_text(script, length, rng)
        assert garbled_share(text) < 0.01
        assert is_garbled(text.encode(written).decode(read, "replace"))


@pytest.mark.parametrize(
    "text", ["", "龘靐齉", "Le café est fermé à Orléans depuis l’été", "\uf0b2 云计算 \uf0b2 大数据"]
)
def test_odd_text_is_not_garbled(text: str) -> None:
    assert not is_garbled(text)


def test_encoding_shows_late_in_a_long_file() -> None:
    ascii_part = b"2019 annual report\n" * 40_000
    text = make_text("simplified", 1000, random.Random(4))
    assert find_encoding(io.BytesIO(ascii_part + text.encode("gb18030"))) == "gb18030"
    assert find_encoding(io.BytesIO(ascii_part + text.encode())) == "utf-8-sig"


def test_made_texts_come_back() -> None:
    """Print a table of encodings and lengths (-s), and ask for 99.5 % of all cases and for nearly all of each kind."""
    cases = [*made_cases(), *made_mixtures(), *made_pages()]
    assert len(cases) >= 1500
    right: Counter[tuple[str, int]] = Counter()
    made: Counter[tuple[str, int]] = Counter()
    for case in cases:
        decoded = decode_page(case.data) if case.name.startswith("html") else decode(case.data)
        made[case.name, case.length] += 1
        right[case.name, case.length] += decoded.text == case.text
    print(f"\n{'':30}" + "".join(f"{length:>10,}" for length in LENGTHS))
    for name in dict.fromkeys(case.name for case in cases):
        shares = [f"{right[name, length]}/{made[name, length]}" if made[name, length] else "" for length in LENGTHS]
        print(f"{name:30}" + "".join(f"{share:>10}" for share in shares))
    print(f"{right.total()} of {made.total()} right, {right.total() / made.total():.2%}")
    assert right.total() >= 0.995 * made.total()
    assert all(right[each] >= 0.8 * made[each] for each in made)


def test_hz() -> None:
    decoded = decode("本行~{FU@{I~}".encode() + b"\n")
    assert decoded.encoding == "utf-8"  # a text that has both is no HZ
    assert decode(b"a ~{b~} c, ~{x} and ~~{").encoding == "utf-8"
    assert decode("推进大数据，cloud。\n2019年~".encode("hz")).text == "推进大数据，cloud。\n2019年~"
    rows = "id,text\n1,云计算与大数据\n".encode("hz")
    assert find_encoding(io.BytesIO(rows)) == "hz"


def test_lines_of_two_encodings() -> None:
    ours, theirs = "推进数字化转型，云计算投入增长。\n" * 3, "区块链技术应用于贸易融资。\n" * 2
    decoded = decode(ours.encode() + theirs.encode("gbk"))
    assert (decoded.text, decoded.encoding, decoded.replaced) == (ours + theirs, "utf-8 gb18030", 0)


def test_real_reports() -> None:
    source = SHARED / "corpora/text/government_work_reports.jsonl"
    if not source.exists():
        pytest.skip("the shared corpora are not here")
    texts = [json.loads(line)["content"] for line in source.read_text("utf-8").splitlines()[:40]]
    for text in texts:
        assert not is_garbled(text)
        for codec in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            assert decode(text.encode(codec)).text == text
