"""Repairs that need no geometry, and what looks like their defects and is none."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.reading import doubled
from cipin.reading.characters import HAN, code_points, is_han
from cipin.reading.clean import Clean, cut_out
from cipin.reading.doubled import find_doubled
from cipin.reading.parsed import parse
from cipin.reading.report import Layout, RawReport
from cipin.reading.running_text import find_breaks, find_numbers, repair_running_text

PROSE = "本行持续推进金融科技创新，加快数字化转型步伐，提升服务实体经济的能力，并不断完善全面风险管理体系。"


def without(text: str, spans: list[tuple[int, int]]) -> str:
    return cut_out(text, None, spans, "x").text


@pytest.mark.parametrize(
    ("twice", "single"),
    [
        ("研究研究院院的展望报全球展望报全球告", "研究院的展望报全球告"),
        ("金融科技金融科技与经营经营", "金融科技与经营"),
        ("年度报告年度报告全文全文", "年度报告全文"),
        ("研研究究院院展展望望", "研究院展望"),
        ("中国银行业发展报告中国银行业发展报告", "中国银行业发展报告"),
    ],
)
def test_overprint(twice: str, single: str) -> None:
    text = "\n".join([twice] * 8)
    assert without(text, find_doubled(text)) == "\n".join([single] * 8)


@pytest.mark.parametrize(
    "text",
    [
        "董事董事董事监事监事" * 1 + PROSE,  # a column of a table
        "总经理副总经理副总经理副总经理总经理董事" + PROSE,
        "谢谢大家，常常研究研究，一一对应，人人参与。" * 20,
        "研究研究院院" + PROSE * 40,  # once in a long text
        "寻寻觅觅，冷冷清清，凄凄惨惨戚戚。",
        "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈",
        PROSE * 2,  # a paragraph twice is a repeat, not an overprint
    ],
)
def test_what_is_no_overprint(text: str) -> None:
    assert find_doubled(text) == []


def squares(text: str) -> list[tuple[int, int]]:
    """The longest part at each place that follows upon itself, one by one; of short ones those that others are near."""
    found = []
    for at in range(len(text)):
        for length in range(doubled.LONGEST, 0, -1):
            part = text[at : at + length]
            if re.fullmatch(f"[{HAN}]+", part) and text[at + length : at + 2 * length] == part:
                found.append((at, length))
                break
    near = 2 * doubled.LONGEST + doubled.BETWEEN + doubled.OTHERS
    return [
        (at, length)
        for n, (at, length) in enumerate(found)
        if length >= doubled.ALONE
        or (n > 0 and at - found[n - 1][0] <= near)
        or (n + 1 < len(found) and found[n + 1][0] - at <= near)
    ]


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.text("本行金融科技 a，\n", max_size=30), st.integers(1, 3), st.integers(0, 40)), max_size=8),
    st.integers(0, 60),
)
def test_parts_that_follow_upon_themselves(pieces: list[tuple[str, int, int]], before: int) -> None:
    """Found by fours and by blocks of a text, they are those that one finds by looking at each place."""
    text = "".join(piece * times + PROSE[:gap] for piece, times, gap in pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doubled, "STRETCH", 40)
        text = PROSE[:before] + text
        points = code_points(text)
        start, length = doubled._squares(points, is_han(points))
    found = list(zip(start.tolist(), length.tolist(), strict=True))
    expected = squares(text)
    # Too little for a chain is not listed at all.
    assert found == expected or (not found and sum(length for _, length in expected) < doubled.CHAIN)


@settings(max_examples=300)
@given(st.lists(st.lists(st.tuples(st.text("本行金融科技 a，\n", max_size=30), st.integers(1, 3)), max_size=5)))
def test_texts_looked_at_together(made: list[list[tuple[str, int]]]) -> None:
    """Where something was printed twice, the look at many texts says so; and where nothing follows upon itself, too."""
    texts = ["".join(piece * times for piece, times in pieces) for pieces in made]
    for text, may in zip(texts, doubled.may_be_doubled(texts), strict=True):
        assert may or not doubled.find_doubled(text)
        assert may == (sum(length for _, length in squares(text)) >= doubled.CHAIN)


def pages(numbers: list[int], put: str = "{}") -> str:
    """Pages of prose, each with a number inside a word of it; no two go on alike behind theirs."""
    words = ["推进", "金融", "科技", "转型", "提升", "服务", "完善", "风险", "体系"]
    made = []
    for at, number in enumerate(numbers):
        before, word, after = (PROSE * 8).partition(words[at % len(words)])
        half = PROSE * (3 + at // len(words))
        made.append(half + before + word[0] + put.format(number) + word[1] + after)
    return "".join(made)


@pytest.mark.parametrize("put", ["{}", "-{}-", "\n{}\n", "\n- {} -\n", "\n第{}页\n"])
def test_page_numbers_that_rise(put: str) -> None:
    text = pages(list(range(14, 30)), put)
    assert without(text, find_numbers(text)).replace("\n", "") == pages([0] * 16, "")


def test_head_behind_a_page_number() -> None:
    text = pages(list(range(40, 52)), "-{}-青禾银行股份有限公司")
    assert without(text, find_numbers(text)) == pages([0] * 12, "")


@pytest.mark.parametrize(
    "numbers",
    [
        [14, 15, 16],  # too few
        [16, 15, 14, 13, 12, 11, 10, 9],  # falling
        [5, 5, 5, 5, 5, 5, 5, 5],
        [10, 90, 20, 200, 30, 31, 400, 50],  # anything
        [10, 20, 30, 40, 50, 60, 70, 80],  # rising, but by more pages than there is text
    ],
)
def test_numbers_that_are_no_pages(numbers: list[int]) -> None:
    assert find_numbers(pages(numbers)) == []


@pytest.mark.parametrize("unit", ["多家", "家", "条", "年", "亿元", "个", "%"])
def test_quantities_that_rise_are_no_pages(unit: str) -> None:
    assert find_numbers(pages(list(range(14, 30)), "{}" + unit)) == []


def test_years_at_line_starts_are_no_pages() -> None:
    text = "".join(f"{year}\n{PROSE * 8}\n" for year in range(2001, 2012))
    assert find_numbers(text) == []  # a chapter a year
    assert find_numbers(text.replace("\n本行", " 年\n本行")) == []


def test_a_paragraph_that_a_page_cut() -> None:
    cut = f"{PROSE[:30]}\n\n{PROSE[30:]}"
    text = "\n".join([PROSE] * 6 + [cut] * 3)
    assert without(text, find_breaks(text)) == "\n".join([PROSE] * 9)
    once = "\n".join([PROSE] * 6 + [cut])
    assert find_breaks(once) == []


@pytest.mark.parametrize(
    "following",
    [
        "二、风险管理体系建设情况说明和后续安排及其他需要说明的重要事项。",
        "（一）信用风险" + PROSE,
        "案例",
        "图2 架构" + PROSE,
    ],
)
def test_what_begins_anew_is_not_joined(following: str) -> None:
    text = "\n".join([PROSE] * 6 + [f"{PROSE[:30]}\n\n{following}"] * 3)
    assert find_breaks(text) == []


def test_headlines_are_not_joined() -> None:
    lines = [f"青禾银行推进数字化转型工作会议在总行召开并部署全年重点任务之第{each}次" for each in "一二三四五六七八"]
    assert find_breaks("\n\n".join(lines)) == []


def set_pages(pages: list[list[tuple[str, float]]]) -> tuple[str, Layout]:
    """Return pages of lines, each with its text and its height above the page's lower edge."""
    lines = [line for page in pages for line in page]
    text = "".join(f"{words}\n" for words, _ in lines)
    end = np.cumsum([len(words) + 1 for words, _ in lines]) - 1
    first = np.cumsum([0, *(sum(len(words) + 1 for words, _ in page) for page in pages)])
    n = len(lines)
    return text, Layout(
        page_start=first.astype(np.int64),
        page_size=np.full((len(pages), 2), [595, 842], np.float32),
        line_start=(end - [len(words) for words, _ in lines]).astype(np.int64),
        line_end=end.astype(np.int64),
        line_page=np.repeat(np.arange(len(pages)), [len(page) for page in pages]).astype(np.int32),
        line_box=np.array([[72, low, 72 + 10 * len(words), low + 10] for words, low in lines], np.float32),
        line_size=np.full(n, 10, np.float32),
        line_bold=np.zeros(n, np.bool_),
        line_kind=np.zeros(n, np.uint8),
        line_level=np.zeros(n, np.uint8),
        generated=np.zeros(len(text), np.bool_),
    )


@pytest.mark.parametrize("first", [1, 37])
@pytest.mark.parametrize(
    ("step", "height", "n_numbers"),
    [
        (lambda at: at, lambda at: 30.0, 8),
        (lambda at: at, lambda at: 300.0 + 20 * at, 0),  # cells of a table: anywhere
        (lambda at: at + at // 2, lambda at: 300.0, 0),  # they need not count with the pages
        (lambda at: at, lambda at: 30.0 if at % 2 else 400.0, 0),
    ],
)
def test_a_line_that_is_a_page_number_counts_with_its_page_at_one_height(
    first: int, step: Callable[[int], int], height: Callable[[int], float], n_numbers: int
) -> None:
    pages = [[(PROSE * 4, 700.0), (f"{first + step(at)} -", height(at)), ("甲公司", 50.0)] for at in range(8)]
    text, layout = set_pages(pages)
    clean = repair_running_text(text, None, (), layout)
    assert (clean.repairs["page_numbers"] if clean else 0) == n_numbers


TITLES = [
    f"青禾银行推进{each}数字化转型和服务实体经济高质量发展的情况" for each in ("零售业务", "对公业务", "金融市场")
]


def test_a_long_title_is_not_joined_to_its_paragraph() -> None:
    text = "\n\n".join(f"{title}\n\n{PROSE}\n\n{PROSE}" for title in TITLES)
    assert find_breaks(text) == []


def test_a_title_between_empty_lines_is_one_where_other_lines_are_not_parted_so() -> None:
    titles = [title.replace("和", "，") for title in TITLES]
    text = "\n\n".join(f"{title}\n\n{PROSE}\n{PROSE}\n{PROSE}" for title in titles)
    assert find_breaks(text) == []
    # There an empty line that no other is before cuts a sentence.
    cut = "\n".join(f"{PROSE}\n{PROSE}\n{PROSE[:30]}\n\n{PROSE[30:]}" for _ in titles)
    assert without(cut, find_breaks(cut)) == "\n".join([PROSE] * 9)


def test_each_repair_is_counted_and_can_be_left_out() -> None:
    text = pages(list(range(14, 30))) + "\n" + "\n".join(["研究研究院院的展望报全球展望报全球告"] * 8)
    clean = repair_running_text(text, None)
    assert clean is not None
    assert clean.repairs == {"overprint": 24, "page_numbers": 16}
    assert repair_running_text(text, None, off=("overprint", "page_numbers")) is None
    report = parse(RawReport("", text, "text"), off=("overprint",))
    assert report.clean is not None
    assert list(report.clean.repairs) == ["page_numbers"]
    assert parse(RawReport("", PROSE, "text")).clean is None


@given(st.text("甲乙丙丁", max_size=60))
@settings(max_examples=200, deadline=None)
def test_doubled_parts_stand_twice(text: str) -> None:
    for start, end in find_doubled(text):
        assert text[start:end] == text[2 * start - end : start]


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_cut_out_is_cut_out_of_the_map(data: st.DataObject) -> None:
    raw = "".join(chr(0x4E00 + at) for at in range(data.draw(st.integers(1, 60))))
    clean: Clean | None = None
    text = raw
    for _ in range(data.draw(st.integers(1, 3))):
        points = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
        spans = list(zip(points[::2], points[1::2], strict=False))
        if spans:
            clean = cut_out(text, clean, spans, "x")
            text = clean.text
    if clean is not None:
        assert clean.aside == len(text)
        at = clean.raw(np.arange(len(text)))
        assert "".join(raw[each] for each in at.tolist()) == text
        assert sum(clean.runs[:, 2]) == len(text)


def test_numbers_of_items_are_no_pages() -> None:
    filler = "本行持续推进转型，服务能力稳步提升。" * 12
    text = "".join(f"本年审议通过议案{n}关于数据平台的报告。{filler}" for n in range(1, 8))
    assert find_numbers(text) == []
