"""Sections, their levels and topics, and what each line is."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cipin.reading import structure as structures
from cipin.reading.formats.lines import HEADING as FORMAT_HEADING
from cipin.reading.formats.lines import TABLE_ROW as FORMAT_ROW
from cipin.reading.formats.lines import Line, compose
from cipin.reading.labels import KINDS
from cipin.reading.numbering import read_number
from cipin.reading.parsed import parse
from cipin.reading.report import Layout, OutlineEntry, RawReport
from cipin.reading.structure import Structure, topic_of

BODY = "本行持续推进金融科技创新，加快数字化转型，提升服务实体经济的能力。"


def structure_of(text: str, format: str = "text", layout: Layout | None = None) -> Structure:
    found = parse(RawReport("", text, format, layout=layout)).structure
    assert found is not None
    return found


def tree(structure: Structure) -> list[tuple[int, str]]:
    return [(int(level), title) for level, title in zip(structure.level, structure.title, strict=True) if level]


def kinds_of(text: str, structure: Structure) -> dict[str, str]:
    starts = np.cumsum([0, *(len(line) + 1 for line in text.split("\n")[:-1])])
    return {line: KINDS[kind] for line, kind in zip(text.split("\n"), structure.kind_of(starts), strict=True) if line}


@pytest.mark.parametrize(
    ("line", "style", "value"),
    [
        ("第三章 公司治理", "chapter", 3), ("第十一节  财务报告", "section", 11), ("第一部分 总论", "part", 1),
        ("一、公司简介", "han", 1), ("二十三、其他", "han", 23), ("（四）信用风险", "han_bracket", 4),
        ("(十二)承诺", "han_bracket", 12), ("1、概述", "arabic", 1), ("01.工作回顾", "padded", 1),
        ("3.2 财务报表分析", "decimal2", 2), ("3.2.1利润表", "decimal3", 1), ("（2）存款", "arabic_bracket", 2),
        ("③其他", "circled", 3), ("Chapter IV Risk", "chapter", 4), ("附录二 名单", "chapter", 2),
        ("100多家网点", None, 0), ("2.5亿元", None, 0), ("2019年末", None, 0), ("20家分行", None, 0),
        ("二〇一八年，本行", None, 0), ("12.5%的增长", None, 0), ("一是推进转型", None, 0), ("第三方支付", None, 0),
    ],
)  # fmt: skip
def test_numbers_of_headings(line: str, style: str | None, value: int) -> None:
    number = read_number(line)
    assert (number.style, number.value) == (style, value) if number else style is None


def test_headings_of_plain_text_nest_by_their_numbers() -> None:
    text = (
        f"第一章 总体情况\n第一节 经营\n一、存款\n{BODY}\n二、贷款\n（一）公司贷款\n{BODY}\n（二）个人贷款\n{BODY}\n"
        f"第二节 风险\n{BODY}\n第二章 展望\n{BODY}\n"
    )
    assert tree(structure_of(text)) == [
        (1, "第一章 总体情况"), (2, "第一节 经营"), (3, "一、存款"), (3, "二、贷款"), (4, "（一）公司贷款"),
        (4, "（二）个人贷款"), (2, "第二节 风险"), (1, "第二章 展望"),
    ]  # fmt: skip


def test_a_section_holds_those_within_it() -> None:
    text = f"前面。\n第一章 甲\n{BODY}\n一、存款\n{BODY}\n第二章 丙\n{BODY}\n"
    found = structure_of(text)
    spans = {title: text[start:end] for title, start, end in zip(found.title, found.start, found.end, strict=True)}
    assert spans["第一章 甲"] == f"第一章 甲\n{BODY}\n一、存款\n{BODY}\n"
    assert spans["一、存款"] == f"一、存款\n{BODY}\n"
    assert spans[""] == "前面。\n"
    assert found.parent.tolist() == [-1, -1, 1, -1]
    assert found.section_of(np.array([0, text.index("存款") + 4, len(text) - 1])).tolist() == [0, 2, 3]


def test_lists_and_sentences_are_no_headings() -> None:
    text = f"{BODY}\n1.加快数字化转型。\n2.提升风险管理。\n一、因为市场变化，所以利润下降；二是成本上升。\n{BODY}\n"
    assert tree(structure_of(text)) == []


def test_table_of_contents_and_its_titles_in_the_text() -> None:
    entries = (
        "目 录\n第一章 概况\t1\n一、总体情况\t1\n二、重点业务\t3\n第二章 案例\t5\n一、基于大数据的风险控制平台\t5\n"
    )
    body = (
        f"第一章 概况\n一、总体情况\n{BODY}\n二、重点业务\n{BODY}\n第二章 案例\n基于大数据的风险控制平台\n"
        f"一、案例简介\n{BODY}\n二、创新之处\n{BODY}\n"
    )
    found = structure_of(entries + body)
    assert tree(found) == [
        (1, "目 录"), (1, "第一章 概况"), (2, "一、总体情况"), (2, "二、重点业务"), (1, "第二章 案例"),
        (2, "基于大数据的风险控制平台"), (3, "一、案例简介"), (3, "二、创新之处"),
    ]  # fmt: skip
    assert found.kind[1] == "toc" or found.kind[0] == "toc"
    kinds = kinds_of(entries + body, found)
    assert [kinds[line] for line in entries.split("\n") if line] == ["toc"] * 6
    assert kinds["第二章 案例"] == "heading"


@pytest.mark.parametrize(
    "rows",
    [
        ["存款 1,200", "贷款 1,300", "利润 1,400"],  # rising numbers, but no title and no numbers of headings
        ["项目\t2019\t2020", "存款\t1\t2", "贷款\t3\t4"],
        ["金融科技投入\t12", "大数据人员\t20", "云计算节点\t35"],  # tabs part cells, too
        ["平台一上线........2012", "平台二上线........2015", "平台三上线........2019"],  # years
        ["第一章 概况........9", "第二章 治理........5", "第三章 展望........2"],  # falling
    ],
)
def test_what_is_no_table_of_contents(rows: list[str]) -> None:
    text = "\n".join([BODY, *rows, BODY]) + "\n"
    assert "toc" not in kinds_of(text, structure_of(text)).values()


def test_kinds_of_lines() -> None:
    text = (
        f"{BODY}\n表 1-1 金融科技投入\n项目\t2019年\t2020年\n科技投入\t12\t15\n注：单位为亿元\n图2-3 系统架构\n"
        f"资料来源：公开资料\n{BODY}\n"
    )
    assert list(kinds_of(text, structure_of(text)).values())[1:] == [
        "caption", "table_row", "table_row", "footnote", "caption", "footnote",
    ]  # fmt: skip


def test_headings_glued_behind_a_paragraph() -> None:
    text = f"01.平安银行\n{BODY}02.招商银行\n{BODY}03.兴业银行\n{BODY}\n"
    found = structure_of(text)
    assert tree(found) == [(1, "01.平安银行"), (1, "02.招商银行"), (1, "03.兴业银行")]
    assert text[found.start[1] :].startswith("02.招商银行\n")


def test_a_lone_number_behind_a_sentence_is_glued_to_nothing() -> None:
    assert tree(structure_of(f"{BODY}\n{BODY}07.其他事项\n{BODY}\n")) == []


def test_tail_of_a_page_of_the_web() -> None:
    text = f"{BODY}\n" * 8 + "相关内容\n金融科技大会召开\n银行数字化转型观察\n"
    found = structure_of(text)
    assert found.kind[-1] == "boilerplate"
    assert found.start[-1] == text.index("相关内容")
    early = "相关内容\n" + f"{BODY}\n" * 8
    assert "boilerplate" not in structure_of(early).kind


def test_markdown_and_formats_say_their_own_headings() -> None:
    text = f"# 年报\n## 一、经营\n{BODY}\n```\n# 不是标题\n```\n## 二、风险\n1. 信用风险\n"
    assert tree(structure_of(text, "markdown")) == [(1, "年报"), (2, "一、经营"), (2, "二、风险")]
    raw, layout = compose(
        [Line("总则", FORMAT_HEADING, 1), Line(BODY), Line("细则", FORMAT_HEADING, 3), Line("甲 1", FORMAT_ROW)]
    )
    found = structure_of(raw, "docx", layout)
    assert tree(found) == [(1, "总则"), (3, "细则")]
    assert kinds_of(raw.rstrip("\n"), found)["甲 1"] == "table_row"


def set_pages(pages: list[list[tuple[str, float, bool, float]]]) -> tuple[str, Layout]:
    """Return pages of lines, each with its text, size, weight and height on the page, as a PDF would."""
    lines = [line for page in pages for line in page]
    text = "".join(f"{line[0]}\n" for line in lines)
    end = np.cumsum([len(line[0]) + 1 for line in lines]) - 1
    start = end - [len(line[0]) for line in lines]
    first = np.cumsum([0, *(sum(len(line[0]) + 1 for line in page) for page in pages)])
    box = [[72, top - size, 72 + size * len(words), top] for words, size, _, top in lines]
    return text, Layout(
        page_start=first.astype(np.int64),
        page_size=np.full((len(pages), 2), [595, 842], np.float32),
        line_start=start.astype(np.int64),
        line_end=end.astype(np.int64),
        line_page=np.repeat(np.arange(len(pages)), [len(page) for page in pages]).astype(np.int32),
        line_box=np.array(box, np.float32),
        line_size=np.array([line[1] for line in lines], np.float32),
        line_bold=np.array([line[2] for line in lines]),
        line_kind=np.zeros(len(lines), np.uint8),
        line_level=np.zeros(len(lines), np.uint8),
        generated=np.zeros(len(text), np.bool_),
    )


def test_headings_of_pages_by_size_and_weight() -> None:
    prose = [(BODY, 10.0, False, 600.0 - 30 * at) for at in range(4)]
    text, layout = set_pages(
        [
            [("业务回顾", 16.0, True, 700.0), ("零售业务", 12.0, True, 660.0), *prose, ("对公业务", 12.0, True, 300.0)],
            [("风险管理", 16.0, True, 700.0), *prose, ("信用风险", 10.0, False, 300.0)],
        ]
    )
    assert tree(structure_of(text, "pdf", layout)) == [
        (1, "业务回顾"), (2, "零售业务"), (2, "对公业务"), (1, "风险管理"),
    ]  # fmt: skip


def test_outline_comes_before_all_else() -> None:
    prose = [(BODY, 10.0, False, 600.0 - 30 * at) for at in range(4)]
    text, layout = set_pages([[("董事长的话", 10.0, False, 700.0), *prose], [("回顾", 10.0, False, 700.0), *prose]])
    outline = (OutlineEntry(1, "董事长的话", 0), OutlineEntry(2, "回 顾", 1), OutlineEntry(1, f"{BODY}", 1))
    from dataclasses import replace

    found = structure_of(text, "pdf", replace(layout, outline=outline))
    assert [title for _, title in tree(found)] == ["董事长的话", "回顾"]
    assert set(found.source) == {"outline"}


def test_a_chapter_that_only_running_heads_name() -> None:
    pages = [
        [
            ("第三节管理层讨论与分析", 8.0, False, 810.0),
            (f"{BODY[:at]}。", 10.0, False, 600.0),
            (BODY, 10.0, False, 560.0),
        ]
        for at in range(3, 9)
    ]
    found = structure_of(*reversed_pair(set_pages(pages)))
    assert "mda" in found.topic
    assert "running_head" in found.source


def reversed_pair(pair: tuple[str, Layout]) -> tuple[str, str, Layout]:
    return pair[0], "pdf", pair[1]


@pytest.mark.parametrize(
    ("title", "topic"),
    [
        ("第三节 管理层讨论与分析", "mda"), ("管理層討論及分析", "mda"), ("MANAGEMENT DISCUSSION AND ANALYSIS", "mda"),
        ("董事长致辞", "letter"), ("Chairman’s Statement", "letter"), ("第十节 财务报告", "financial_statements"),
        ("第四章 公司治理", "governance"), ("五、风险管理", "risk"), ("Independent Auditor’s Report", "audit"),
        ("合并财务报表附注", "notes"), ("十二 财务报告", "financial_statements"),
        ("对财务报告的审阅", ""), ("一、总体情况", ""), ("释 义", "definitions"),
    ],
)  # fmt: skip
def test_topics(title: str, topic: str) -> None:
    assert topic_of(title) == topic


def test_a_section_is_about_what_the_section_around_it_is_about() -> None:
    text = f"第三节 管理层讨论与分析\n一、概述\n{BODY}\n二、风险管理\n{BODY}\n第四节 其他\n{BODY}\n"
    assert structure_of(text).topic == ("mda", "mda", "risk", "")


def test_one_line_has_no_structure() -> None:
    assert parse(RawReport("", BODY, "jsonl")).structure is None


@pytest.mark.parametrize(
    "text", ["\n", "\n\n\n", "目录\n", "1\n2\n3\n", "第一章\n", "#\n##\n", "a\n\n", "。\n。\n", "|||\n\t\t\t\n"]
)
@pytest.mark.parametrize("format", ["text", "markdown"])
def test_scraps_have_a_structure_that_covers_them(text: str, format: str) -> None:
    found = structure_of(text, format) if "\n" in text.rstrip("\n") else None
    if found:
        assert found.start[0] == 0
        assert found.kind_start[0] == 0
        assert found.end.max() == len(text)


def test_numbers_with_a_nought_are_outside_of_those_without() -> None:
    text = f"01.工商银行\n{BODY}\n1.夯实基础\n{BODY}\n2.推进转型\n{BODY}\n02.农业银行\n{BODY}\n1.夯实基础\n{BODY}\n"
    assert tree(structure_of(text)) == [
        (1, "01.工商银行"), (2, "1.夯实基础"), (2, "2.推进转型"), (1, "02.农业银行"), (2, "1.夯实基础"),
    ]  # fmt: skip


def test_one_heading_of_the_format_is_a_title_above_those_by_number() -> None:
    raw, layout = compose(
        [Line("年度工作综述", FORMAT_HEADING, 1), Line("一、经营情况"), Line(BODY), Line("二、风险管理"), Line(BODY)]
    )
    assert tree(structure_of(raw, "html", layout)) == [(1, "年度工作综述"), (2, "一、经营情况"), (2, "二、风险管理")]


def test_a_table_of_two_columns_whose_numbers_rise_is_no_table_of_contents() -> None:
    rows = [Line(f"{name}\t{n}", FORMAT_ROW) for name, n in (("云计算", 12), ("区块链", 20), ("大数据", 31))]
    text, layout = compose([Line(BODY), *rows, Line(BODY)])
    kinds = kinds_of(text, structure_of(text, "docx", layout))
    assert [kinds[row.text] for row in rows] == ["table_row"] * 3


ENTRIES = ["第一章 概况", "第二章 治理", "第三章 展望"]
ITEMS = ["信息科技人员 20", "云计算节点 35", "移动终端 48"]  # of a text, not of its contents


@pytest.mark.parametrize("leader", ["........", "\t", " "])
@pytest.mark.parametrize("before", [[], ["报告期末情况如下："], ["第一章 概况"], ["第一章 概况", BODY]])
def test_a_list_behind_the_contents_is_none_of_them(leader: str, before: list[str]) -> None:
    entries = [f"{title}{leader}{page}" for title, page in zip(ENTRIES, (1, 5, 9), strict=True)]
    body = [line for title in ENTRIES for line in (title, BODY, BODY, BODY)]
    text = "\n".join(["目 录", *entries, *before, *ITEMS, BODY, *body]) + "\n"
    kinds = kinds_of(text, structure_of(text))
    assert [kinds[entry] for entry in entries] == ["toc"] * 3
    assert "toc" not in [kinds[item] for item in ITEMS]


def test_lists_right_behind_the_contents_need_a_proof_of_their_own() -> None:
    """A title speaks of the first table below it: a list with numbers that begin anew is another one."""
    entries = [f"{title}........{page}" for title, page in zip(ENTRIES, (31, 35, 39), strict=True)]
    text = "\n".join(["目录", *entries, *ITEMS, BODY]) + "\n"
    kinds = kinds_of(text, structure_of(text))
    assert [kinds[entry] for entry in entries] == ["toc"] * 3
    assert "toc" not in [kinds[item] for item in ITEMS]


def test_contents_whose_titles_do_not_come_again_are_whole() -> None:
    entries = [*(f"{title} {page}" for title, page in zip(ENTRIES, (1, 5, 9), strict=True)), "备查文件 12"]
    text = "\n".join(["目录", *entries, BODY, BODY]) + "\n"
    kinds = kinds_of(text, structure_of(text))
    assert [kinds[entry] for entry in entries] == ["toc"] * 4


#: Lines of every kind, and such as look like another at first.
LINES = (
    BODY, BODY[:-1], "", "  ", "年报", "一、总体情况", "（二）信用风险", "3.2 财务报表分析", "2.5亿元", "目  录",
    "释义",
    "综 述 篇", "第一节 概况……3", "公司治理 12", "风险管理 15", "内部控制\t18", "图1 营业收入", "表中所列",
    "注：未经审计",
    "来源：年报", "存款 1,200 1,100", "甲\t乙\t丙", "责任编辑：甲", "相关阅读", "copyright 2020",
    "致股东的信", "董事会报告", f"{BODY}{BODY}二、金融科技", f"{BODY}三、风险管理", "# 标题",
    "•要点", "A. Overview", "12", "2019年",
)  # fmt: skip


@settings(max_examples=400)
@example(["公司治理 12", "风险管理 15", "内部控制\t18"], False)
@example([f"{BODY}{BODY}二、金融科技", "一、总体情况"], True)
@given(st.lists(st.sampled_from(LINES), min_size=2, max_size=9), st.booleans())
def test_plain_texts_are_told_at_once(lines: list[str], ends: bool) -> None:
    """What is known without labelling the lines is what labelling them says."""
    text = "\n".join(lines) + "\n" * ends
    found = parse(RawReport("", text, "text")).structure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structures, "FEW_LINES", -1)
        labelled = parse(RawReport("", text, "text")).structure
    assert (found is None) == (labelled is None)
    for name in Structure.__slots__ if found else ():
        one, other = getattr(found, name), getattr(labelled, name)
        assert np.array_equal(one, other)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)


def test_few_plain_lines_are_not_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def label(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(structures, "label_lines", label)
    assert structure_of(f"{BODY}\n\n{BODY}\n").kind == ("front",)
    with pytest.raises(AssertionError):
        structure_of(f"一、总体情况\n{BODY}\n")
