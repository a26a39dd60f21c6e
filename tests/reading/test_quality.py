"""Which texts, and which of their pages, are doubtful."""

import json

import numpy as np
import polars as pl
import pytest
from pdf_bytes import IMAGE, at, pdf, zh
from test_layout import made

import cipin
from cipin.reading.parsed import parse
from cipin.reading.quality import page_ranges
from cipin.reading.report import RawReport

LINES = (
    "本行持续推进金融科技创新，加快数字化转型。",
    "报告期内各项业务稳健发展，资产质量保持平稳。",
    "客户结构持续优化，渠道建设取得了新的进展。",
    "风险管理体系不断完善，服务实体经济能力提升。",
)
CLEAN = LINES * 6
NO_MARKS = tuple(line.replace("，", " ").replace("。", "") for line in CLEAN)
#: Bytes of UTF-8 that were taken for GBK, and glyphs that a font says are other ones: both are Han, and no language.
WRONG = tuple(line.encode().decode("gb18030", "replace") for line in CLEAN)
FALSE_MAP = tuple("".join(chr(0x3400 + 7 * ord(each) % 6500) for each in line) for line in CLEAN)
NO_MAP = tuple("".join(chr(0xE000 + ord(each) % 0x1000) for each in line) for line in CLEAN)
RADICALS = ("⼤⼩⼈⼊⼋⼏⼑⼒⼗⼜⼝⼟⼠⼣⼥⼦⼨⼭⼯⼰。豈更車賈滑串句龜。",) * 6
NAMES = ("张喆、李堃、王珺、赵翀、钱昉、孙旻、周彧、吴韬、郑劼、冯奕。",) * 2 + CLEAN[:4]
TRADITIONAL = ("本行以大數據為底座，發展雲計算與區塊鏈，強化風險控管並實現永續經營。",) * 20
DOUBLED = tuple("".join(2 * each for each in line) for line in CLEAN)
PAIRS = tuple("".join(2 * line[at : at + 2] for at in range(0, len(line), 2)) for line in CLEAN)
TABLE = ("董事董事董事监事监事 12 34",) * 4 + CLEAN
ENGLISH = ("The bank adopts machine learning to serve its customers.",) * 20
VIETNAMESE = ("Ngân hàng ứng dụng trí tuệ nhân tạo để phục vụ khách hàng.",) * 20


def report(*pages, seen=None, flags=(), off=()):
    """A report whose pages have these lines, one below another, and no two of them alike in their place."""
    lines = [[(50.0, 700.0 - 15 * at, text) for at, text in enumerate(each)] for each in pages]
    text, layout = made(lines)
    return parse(RawReport("", text, "pdf", layout=layout, flags=flags, page_flags=seen or {}), off)


@pytest.mark.parametrize(
    ("page", "flags"),
    [
        (CLEAN, set()),
        (NO_MARKS, {"lost_punctuation"}),
        (NO_MARKS[:4], set()),
        (WRONG, {"garbled", "needs_ocr"}),
        (FALSE_MAP, {"garbled", "needs_ocr"}),
        (NO_MAP, {"garbled", "needs_ocr"}),
        (FALSE_MAP[:1], set()),
        (RADICALS, set()),
        (NAMES, set()),
        (TRADITIONAL, set()),
        (DOUBLED, {"doubled"}),
        (PAIRS, {"doubled"}),
        (TABLE, set()),
        (ENGLISH, set()),
        (VIETNAMESE, set()),
        ((), set()),
    ],
    ids=[
        "clean", "no marks", "few without marks", "wrong encoding", "false map", "no map", "one line is not judged",
        "radicals", "rare names", "Traditional", "doubled", "doubled by two", "table", "English", "Vietnamese", "empty",
    ],
)  # fmt: skip
def test_flags_of_a_page(page, flags):
    # What is doubled is repaired, and then not doubtful.
    parsed = report(*[CLEAN] * 2, page, *[CLEAN] * 4, off={"overprint"})
    assert parsed.page_flags == dict.fromkeys(flags, "3")
    assert parsed.raw.status == "measured"
    assert set(parsed.raw.flags) == flags


@pytest.mark.parametrize("page", [DOUBLED, PAIRS])
def test_what_was_repaired_is_not_doubtful(page):
    assert report(*[CLEAN] * 2, page).page_flags == {}


def test_a_table_among_many_pages_is_flagged_alone():
    parsed = report(*[CLEAN] * 10, NO_MARKS, CLEAN)
    assert parsed.page_flags == {"lost_punctuation": "11"}
    assert parsed.raw.flags == ()


def test_marks_are_counted_over_the_whole_report_too():
    """Pages of few lines are not judged each by itself, the report is."""
    parsed = report(*[NO_MARKS[:8]] * 15)
    assert parsed.raw.flags == ("lost_punctuation",)
    assert parsed.page_flags == {}


@pytest.mark.parametrize("page", [FALSE_MAP, WRONG, NO_MAP], ids=["false map", "wrong encoding", "no map"])
def test_a_report_that_is_garbled_is_not_measured(page):
    parsed = report(*[page] * 19, CLEAN[:1])
    assert (parsed.raw.status, parsed.raw.reason, parsed.text) == ("quarantined", "garbled", "")
    assert "19 of its 20 pages" in parsed.raw.message
    assert parsed.page_flags == {"garbled": "1-19", "needs_ocr": "1-19"}
    assert {"garbled", "needs_ocr"} <= set(parsed.raw.flags)
    some = report(*[page] * 8, *[CLEAN] * 2)
    assert some.raw.status == "measured"
    assert some.page_flags["garbled"] == "1-8"


def test_what_the_file_does_not_map_is_garbled_unless_it_reads_well():
    codes = tuple("".join(chr(0x400 + ord(each) % 0xB00) for each in line) for line in CLEAN)
    seen = {"map_errors": [2, 3]}
    parsed = report(CLEAN, codes, ENGLISH, CLEAN, seen=seen)
    assert parsed.page_flags == {"garbled": "2", "needs_ocr": "2", "map_errors": "2-3"}
    assert report(CLEAN, codes, CLEAN).page_flags.get("map_errors") is None
    assert report(*[codes] * 3, seen={"map_errors": [1, 2, 3]}).raw.reason == "garbled"
    assert report(*[ENGLISH] * 3, seen={"map_errors": [1, 2, 3]}).raw.status == "measured"


def test_pictures_are_not_measured():
    seen = {"needs_ocr": list(range(2, 21))}
    parsed = report(CLEAN, *[()] * 19, seen=seen)
    assert (parsed.raw.status, parsed.raw.reason) == ("quarantined", "no_text")
    assert "19 of its 20 pages" in parsed.raw.message
    assert report(*[CLEAN] * 3, *[()] * 17, seen={"needs_ocr": [4, 5]}).page_flags == {"needs_ocr": "4-5"}
    # A title on a picture is text, a page number is none.
    assert report(CLEAN, LINES[:1], ("- 3 -",), seen={"picture": [2, 3]}).page_flags == {"needs_ocr": "3"}


def test_ranges():
    assert page_ranges([]) == ""
    assert page_ranges([1]) == "1"
    assert page_ranges(np.array([1, 2, 4, 6, 7, 8]).tolist()) == "1-2,4,6-8"


def test_pages_of_a_pdf(tmp_path):
    """From the file to the table: pages in a garbled font, of pictures, and without a picture or text."""
    (tmp_path / "reports").mkdir()
    lines = [b"".join(at(72, 700 - 20 * row, zh(text)) for row, text in enumerate(page)) for page in (CLEAN, WRONG)]
    scan = b"q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q"
    pages = [lines[0], lines[1], IMAGE, lines[0], scan + at(290, 30, zh("- 5 -")), scan + lines[0], b""]
    (tmp_path / "reports" / "some.pdf").write_bytes(pdf(*pages))
    (tmp_path / "reports" / "none.pdf").write_bytes(pdf(*[lines[1]] * 3))
    (tmp_path / "reports" / "scan.pdf").write_bytes(pdf(*[pages[4]] * 3))
    run = cipin.run(tmp_path / "reports", "wu2021", tmp_path / "out", entity_from="none", year_from="none")
    rows = {row["source"]: row for row in run.reports.collect().iter_rows(named=True)}
    assert json.loads(rows["some.pdf"]["page_flags"]) == {"garbled": "2", "needs_ocr": "2-3,5"}
    assert rows["some.pdf"]["flags"] == ["needs_ocr", "garbled"]
    assert rows["some.pdf"]["status"] == "measured"
    (doubt,) = [why for why in run.explain("some.pdf", "云计算").why if "doubtful" in why]
    assert "needs_ocr (pages 2-3,5), garbled (pages 2)" in doubt
    assert (rows["none.pdf"]["status"], rows["none.pdf"]["reason"]) == ("quarantined", "garbled")
    assert (rows["scan.pdf"]["status"], rows["scan.pdf"]["reason"]) == ("quarantined", "no_text")
    assert rows["scan.pdf"]["pages"] == 3
    counted = run.reports.filter(pl.col("status") == "measured").collect()
    assert counted.height == 1
