"""Layout repair: lines as they stand on made pages, and the map back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.reading.layout import REPAIRS, repair_layout
from cipin.reading.report import Layout

SIZE = 10.0


def made(pages):
    """Raw text and layout of pages, each a list of (left, top, text): characters are SIZE wide and high."""
    text, starts, ends, boxes, of_page, page_start = "", [], [], [], [], [0]
    for number, lines in enumerate(pages):
        for left, top, line in lines:
            starts.append(len(text))
            ends.append(len(text) + len(line))
            shown = line.strip()
            width = sum(SIZE if each > "\u2e7f" else SIZE / 2 for each in shown)
            boxes.append((left, top - SIZE, left + width, top))
            of_page.append(number)
            text += line + "\n"
        page_start.append(len(text))
    n = len(starts)
    return text, Layout(
        np.array(page_start, np.int64), np.tile(np.array([[600, 800]], np.float32), (len(pages), 1)),
        np.array(starts, np.int64), np.array(ends, np.int64), np.array(of_page, np.int32),
        np.array(boxes, np.float32).reshape(-1, 4), np.full(n, SIZE, np.float32), np.zeros(n, np.bool_),
        np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(len(text), np.bool_),
    )  # fmt: skip


def paragraph(top, text, width=20, left=50.0, indent=2):
    """Lines of a justified paragraph whose first line is indented by `indent` characters."""
    lines = [(left + indent * SIZE, top, text[: width - indent])]
    rest = text[width - indent :]
    while rest:
        top -= 15
        lines.append((left, top, rest[:width]))
        rest = rest[width:]
    return lines


LONG = "本行持续推进金融科技创新加快数字化转型步伐提升服务实体经济能力并不断完善风险管理体系建设"
OTHER = "报告期内本行各项业务稳健发展资产质量保持平稳客户结构持续优化渠道建设取得了新的进展"


def test_wraps_are_joined_and_paragraphs_are_not():
    text, layout = made([paragraph(700, LONG) + paragraph(600, OTHER)])
    clean = repair_layout(text, layout)
    assert clean.text == f"{LONG}\n{OTHER}\n"
    assert clean.repairs == {"wraps": 4}


def test_a_paragraph_goes_on_over_the_page():
    lines = paragraph(90, LONG)
    text, layout = made([[*paragraph(700, OTHER), *lines[:1]], [(50.0, 760.0, LONG[18:38]), (50.0, 745.0, LONG[38:])]])
    assert f"\n{LONG}\n" in repair_layout(text, layout).text
    assert repair_layout(text, layout).repairs["page_breaks"] == 1


def test_running_heads_are_set_aside_and_do_not_part_words():
    pages = []
    for number in range(5):
        body = [(50.0, 400.0, LONG[:20]), (50.0, 385.0, LONG[20:40])] * 2
        pages.append([(50.0, 790.0, f"青禾银行{2019 + number}年年度报告"), *body, (300.0, 20.0, f"- {number + 1} -")])
    text, layout = made(pages)
    clean = repair_layout(text, layout)
    assert clean.repairs["running_heads"] == 10
    assert "年度报告" not in clean.text[: clean.aside]
    assert clean.text[clean.aside :].count("青禾银行") == 5


def test_the_last_cell_of_a_table_is_no_page_number():
    pages = [[(50.0, 400.0, LONG[:20]), (300.0, 20.0, f"- {number} -")] for number in range(12, 22)]
    pages[5].insert(1, (480.0, 26.0, "2"))
    text, layout = made(pages)
    clean = repair_layout(text, layout)
    assert clean.repairs["running_heads"] == 10
    assert "\n2\n" in clean.text[: clean.aside]


@pytest.mark.parametrize(
    "numbers", [range(2, 40, 2), [*range(1, 10), *range(1, 10)], ["i", "ii", "iii", *range(1, 16)]]
)
def test_page_numbers_that_begin_anew_or_count_by_twos_are_heads(numbers):
    pages = [[(50.0, 400.0, LONG[:20]), (300.0, 20.0, f"{number}")] for number in numbers]
    text, layout = made(pages)
    assert repair_layout(text, layout).repairs["running_heads"] == len(pages)


def test_two_pages_have_no_running_heads():
    text, layout = made([[(50.0, 790.0, "青禾银行")], [(50.0, 790.0, "青禾银行")]])
    assert repair_layout(text, layout).aside == len("青禾银行\n青禾银行\n")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("合计 1,234 56.7% 1,100 50.1%", "其他 1,234 56.7% 1,100 50.1%"),
        ("手机银行业务收入合计 $ 18,034,625 $ 4,589", "网上银行业务收入调整"),  # a currency is a cell of its own
        (LONG[:19] + "。", "（一）风险管理情况"),
        (LONG[:19] + "；", "2、风险管理情况"),
        (LONG[:20], "\u3000\u3000另起一段"),
    ],
)
def test_what_stands_like_one_paragraph_but_is_not(first, second):
    text, layout = made([[*paragraph(700, OTHER, indent=0), (50.0, 600.0, first), (50.0, 585.0, second)]])
    assert "wraps" in repair_layout(text, layout).repairs
    assert f"{first}\n" in repair_layout(text, layout).text


def test_a_short_line_ends_a_paragraph():
    text, layout = made([[*paragraph(700, OTHER, indent=0), (50.0, 600.0, "小标题"), (50.0, 585.0, LONG[:20])]])
    assert "小标题\n" in repair_layout(text, layout).text


def test_a_line_that_begins_with_a_closing_mark_goes_on():
    text, layout = made(
        [[*paragraph(700, OTHER, indent=0), (50.0, 600.0, "加强风险管理"), (50.0, 585.0, "，完善体系")]]
    )
    assert "加强风险管理，完善体系\n" in repair_layout(text, layout).text


def test_latin_words_keep_a_blank_and_han_none():
    text, layout = made([[(50.0, 700.0, "the bank adopts machine learning and data"), (50.0, 685.0, "mining widely")]])
    assert repair_layout(text, layout).text == "the bank adopts machine learning and data mining widely\n"


@pytest.mark.parametrize(
    ("first", "second", "whole"), [("technol\ufffe", "ogy", "technology"), ("LH\ufffe", "4", "LH-4")]
)
def test_a_hyphen_at_the_end_of_a_line(first, second, whole):
    text, layout = made([[(50.0, 700.0, f"machine learning and {first}"), (50.0, 685.0, f"{second} of the bank")]])
    assert repair_layout(text, layout).text == f"machine learning and {whole} of the bank\n"


@pytest.mark.parametrize(
    ("raw", "clean", "repair"),
    [
        ("金\u200b融\ufeff科技", "金融科技", "invisible"),
        ("LH\ufffe4型", "LH-4型", "invisible"),
        ("\uf0b2大数据", "•大数据", "private_use"),
        ("综 述 篇", "综述篇", "letter_spacing"),
        ("项 目", "项 目", None),
        ("大 数 据 10 20", "大 数 据 10 20", None),
        ("合 并 报 表 2020", "合并报表 2020", "letter_spacing"),
    ],
)
def test_characters(raw, clean, repair):
    text, layout = made([[(50.0, 700.0, raw)]])
    result = repair_layout(text, layout)
    assert result.text == clean + "\n"
    assert list(result.repairs) == ([repair] if repair else [])
    if repair:
        assert repair_layout(text, layout, off={repair}).text == raw + "\n"


#: Characters that repairs take out, and those that they replace.
OUT, REPLACED = "\u200b\u00ad\ufeff\U000e0100", {"\uf0b2": "•", "\U000f0001": "•", "\ufe3d": "《", "\ufffe": "-"}


@given(st.data(), st.sets(st.sampled_from(REPAIRS)))
@settings(max_examples=200, deadline=None)
def test_the_map_leads_back(data, off):
    """Every clean character is the raw one at its raw offset or what replaces it, in order, and nothing is lost."""
    alphabet = "金融科技大数据，。 ab1𠮷\u3000" + OUT + "".join(REPLACED)
    line = st.tuples(
        st.sampled_from((50.0, 70.0, 320.0)),
        st.integers(2, 52).map(lambda at: 15.0 * at),
        st.text(alphabet, max_size=25),
    )
    text, layout = made(data.draw(st.lists(st.lists(line, max_size=6), min_size=1, max_size=5)))
    clean = repair_layout(text, layout, off)
    seen, put_in = [], set(range(len(clean.text)))
    for start, raw, length in clean.runs.tolist():
        for at in range(length):
            stood = text[raw + at]
            assert clean.text[start + at] in {stood, REPLACED.get(stood)}
        assert clean.raw(np.arange(start, start + length)).tolist() == list(range(raw, raw + length))
        assert put_in >= set(range(start, start + length))
        put_in -= set(range(start, start + length))
        seen += range(raw, raw + length)
    assert np.all(np.diff(clean.runs[:, 0]) > 0)
    assert {clean.text[at] for at in put_in} <= {"\n", " "}
    # In order within the body, and within what is set aside behind it.
    body = int((clean.runs[:, 0] < clean.aside).sum())
    for raw in (clean.runs[:body, 1], clean.runs[body:, 1]):
        assert np.all(np.diff(raw) > 0)
    assert len(seen) == len(set(seen))
    lost = {text[at] for at in range(len(text)) if at not in set(seen)}
    assert lost <= set("\n \u3000\ufffe" + ("" if "invisible" in off else OUT))
    assert not off & set(clean.repairs)
    if not off:
        assert not set(clean.text) & set(OUT + "".join(REPLACED))


def test_prose_with_many_numbers_is_no_row_of_a_table():
    first = "截至 2020 年 6 月末 5 家机构 36 个网点，共"
    second = "70 家分行加入，其中 12 家为一级分行。"
    text, layout = made([[*paragraph(700, OTHER, indent=0), (50.0, 600.0, first), (50.0, 585.0, second)]])
    assert f"{first}{second}\n" in repair_layout(text, layout).text


def test_a_title_of_another_size_does_not_go_on_from_a_full_line():
    """Their boxes differ by five points, as those of 16 and 9 do."""
    text, layout = made([[*paragraph(700, OTHER, indent=0), (50.0, 600.0, LONG[:20]), (50.0, 580.0, "经营情况讨论")]])
    assert f"{LONG[:20]}经营情况讨论\n" in repair_layout(text, layout).text
    layout.line_size[-1] = 16.0
    assert f"{LONG[:20]}\n经营情况讨论\n" in repair_layout(text, layout).text


def test_some_lines_that_run_over_do_not_move_the_edge():
    """Latin letters of one width with Han run over; lines of which characters are missing end early."""
    lines = [(50.0, 700.0 - 15 * at, (LONG + OTHER)[at : at + 30]) for at in range(16)]
    for at in range(4):
        lines[2 * at + 1] = (*lines[2 * at + 1][:2], lines[2 * at + 1][2] + "是")
    lines[12] = (*lines[12][:2], lines[12][2][:-1])
    text, layout = made([lines])
    assert repair_layout(text, layout).repairs == {"wraps": 15}


def test_the_first_line_of_a_page_without_a_head_is_text():
    # The heads of the notes stand as high as the text of the pages before them begins.
    heads = ["" if number < 6 else "财务报表附注" for number in range(18)]
    body = [LONG[at : at + 20] for at in range(6)]
    pages = [
        [(50.0, 790.0, head or body[number]), (50.0, 600.0, OTHER[:20]), (50.0, 585.0, OTHER[20:])]
        for number, head in enumerate(heads)
    ]
    text, layout = made(pages)
    clean = repair_layout(text, layout)
    assert clean.repairs["running_heads"] == 12
    assert all(line in clean.text[: clean.aside] for line in body)


@pytest.mark.parametrize("rest", ["重要提示", LONG[:24]])
def test_heads_of_short_chapters_stand_like_those_of_others(rest):
    heads = [
        f"第{n}章{title}"
        for n, title in zip("一二三", ("公司简介", "经营分析", "公司治理"), strict=True)
        for _ in range(5)
    ]
    pages = [[(50.0, 790.0, head), (50.0, 600.0, OTHER[:20])] for head in [*heads, rest]]
    text, layout = made(pages)
    clean = repair_layout(text, layout)
    assert (rest in clean.text[: clean.aside]) == (rest != "重要提示")
