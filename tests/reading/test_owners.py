"""Whose each section is: of an article about several banks each bank its own, of a bank's own report all the bank's."""

from __future__ import annotations

import numpy as np
import pytest

from cipin.reading.identify import identify
from cipin.reading.labels import KINDS
from cipin.reading.name_lines import entity_of_heading
from cipin.reading.owners import share_out
from cipin.reading.parsed import parse
from cipin.reading.registry import load_registry
from cipin.reading.report import RawReport

BANKS = load_registry()
PROSE = "各项业务平稳发展，科技投入继续增加，客户体验不断改善，风险抵补能力充足。\n" * 4


def owners(
    text: str, name: str = "a1.txt", *, title: str = "", format: str = "text", **how: str
) -> dict[str, str | None]:
    """The owner of each section by its title; empty if all is the report's own."""
    raw = RawReport("", text, format, title=title)
    parsed = parse(raw)
    facts = identify({}, name, parsed=parsed, registry=BANKS, **how)
    parsed, found = share_out(parsed, facts, BANKS)
    return dict(zip(parsed.structure.title, found, strict=True)) if found and parsed.structure else {}


HEADINGS = [
    ("01.中国工商银行", "工商银行"), ("二、招商银行", "招商银行"), ("（三）平安银行股份有限公司", "平安银行"),
    ("工行", "工商银行"), ("建设银行：数字化经营再提速", "建设银行"), ("案例一：微众银行", "微众银行"),
    ("招商银行（600036.SH）", "招商银行"), ("■ 浦发银行", "浦发银行"), ("中國銀行", "中国银行"),
    ("第二节 邮储银行", "邮储银行"), ("兴业银行金融科技布局", "兴业银行"), ("Bank of Communications", "交通银行"),
    ("平安银行与本行的关联交易", None), ("持有招商银行股权", None), ("招商银行，零售之王。", None),
    ("中国银行业概况", None), ("工商银行等大行", None), ("招商银行入股某某公司的影响和后续安排", None),
    ("平安银行深圳分行", None), ("金融科技", None), ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("title", "entity"), HEADINGS)
def test_heading(title: str, entity: str | None) -> None:
    assert entity_of_heading(title, BANKS) == entity


ARTICLE = (
    f"六家大行科技投入盘点\n导语讲的是全行业。\n{PROSE}01.中国工商银行\n{PROSE}（1）数据\n{PROSE}（2）平台\n{PROSE}"
    f"02.中国农业银行\n{PROSE}03.招商银行\n{PROSE}网址:某处\n相关内容\n另一篇\n"
)


def test_each_bank_has_its_own() -> None:
    found = owners(ARTICLE)
    assert found["01.中国工商银行"] == "工商银行"
    assert found["02.中国农业银行"] == "农业银行"
    assert found["03.招商银行"] == "招商银行"
    assert found[""] is None  # the introduction
    assert found["网址:某处"] is None  # the tail


def test_what_is_numbered_within_a_bank_is_the_banks() -> None:
    # A format that has one level of headings alone.
    titles = ["前言", "01.工商银行", "1.数据", "亮点", "02.招商银行", "1.渠道", "03.结语", "1.余论"]
    text = "".join(f"## {title}\n{PROSE}" for title in titles)
    assert list(owners(text, format="markdown").values()) == [
        None, "工商银行", "工商银行", "工商银行", "招商银行", "招商银行", None, None,
    ]  # fmt: skip


def test_what_is_within_a_bank_is_the_banks() -> None:
    parts = "".join(f"## {bank}\n{PROSE}### 数据\n{PROSE}### 平台\n{PROSE}" for bank in ("工商银行", "招商银行"))
    text = f"# 盘点\n{PROSE}{parts}## 结语\n{PROSE}"
    parsed = parse(RawReport("", text, "markdown"))
    facts = identify({}, "a1.md", parsed=parsed, registry=BANKS)
    assert share_out(parsed, facts, BANKS)[1] == (
        None, "工商银行", "工商银行", "工商银行", "招商银行", "招商银行", "招商银行", None,
    )  # fmt: skip


def test_headings_glued_behind_a_paragraph() -> None:
    one = PROSE.replace("\n", "") * 2
    text = f"导语。\n01.中国工商银行\n{one}02.中国农业银行\n{one}03.招商银行\n{one}\n"
    assert [each for each in owners(text).values() if each] == ["工商银行", "农业银行", "招商银行"]


def test_a_title_that_names_one_does_not_take_all() -> None:
    assert owners(ARTICLE, title="工商银行领跑：六家大行科技投入盘点")["03.招商银行"] == "招商银行"


def test_a_file_name_that_is_no_bank_does_not_take_all() -> None:
    assert owners(ARTICLE, "六大行科技盘点.txt")["03.招商银行"] == "招商银行"


OWN = f"一、总体情况\n{PROSE}二、主要股东\n{PROSE}1.招商银行\n{PROSE}2.平安银行\n{PROSE}三、展望\n{PROSE}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # Of a report of its own, by its name, its cover, or its being that of a company.
        (ARTICLE, "交通银行_2019年年报.txt"),
        (f"交通银行股份有限公司\n2019年年度报告\n{ARTICLE}", "a1.txt"),
        (f"某某电子股份有限公司\n2019年年度报告\n{ARTICLE}", "a1.txt"),
        # Banks that are a small part of what stands beside them, or of the text.
        (f"一、总体\n{PROSE}二、招商银行\n{PROSE}三、平安银行\n{PROSE}四、存款\n{PROSE}五、贷款\n{PROSE}", "a1.txt"),
        (OWN, "某某公司2019年年报.txt"),
        # One bank alone; one bank twice.
        (f"一、总体\n{PROSE}二、招商银行\n{PROSE}", "a1.txt"),
        (f"一、招商银行\n{PROSE}二、招商银行：展望\n{PROSE}", "a1.txt"),
        # Headings that mention banks.
        (f"一、招商银行与我们的合作\n{PROSE}二、平安银行与我们的合作\n{PROSE}", "a1.txt"),
    ],
)  # fmt: skip
def test_a_report_of_its_own_loses_nothing(text: str, name: str) -> None:
    assert owners(text, name) == {}


@pytest.mark.parametrize("how", [{"entity_from": "value:某某研究院"}, {"entity_from": "none"}])
def test_what_the_user_chose_is_not_shared_out(how: dict[str, str]) -> None:
    assert owners(ARTICLE, **how) == {}


def test_cases_of_banks_in_one_chapter() -> None:
    chapter = f"第二章 案例\n一、工商银行\n{PROSE * 2}二、招商银行\n{PROSE * 2}"
    found = owners(f"第一章 综述\n{PROSE * 3}{chapter}第三章 展望\n{PROSE * 3}")
    assert (found["一、工商银行"], found["二、招商银行"]) == ("工商银行", "招商银行")
    assert (found["第一章 综述"], found["第二章 案例"], found["第三章 展望"]) == (None, None, None)


def test_no_registry_no_owners() -> None:
    parsed = parse(RawReport("", ARTICLE, "text"))
    none = load_registry("none")
    assert share_out(parsed, identify({}, "a1.txt", parsed=parsed, registry=none), none) == (parsed, None)


BANKS_THERE = ("工商银行", "招商银行", "平安银行")
LINES = [
    "{bank}",
    "【{bank}】",
    "0{n}\n{bank}",
    "0{n} {bank}",
    "{n}. {bank}",
    "**{bank}**",
    "{bank}：科技投入居前",
    "■ {bank}",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(("title", "format"), [("# 盘点\n", "markdown"), ("盘点\n", "text")])
def test_lines_that_are_names_head_sections(line: str, title: str, format: str) -> None:
    parts = "".join(line.format(n=at + 1, bank=bank) + f"\n{PROSE}" for at, bank in enumerate(BANKS_THERE))
    found = owners(f"{title}{PROSE}{parts}", format=format)
    assert [each for each in found.values() if each] == list(BANKS_THERE)


@pytest.mark.parametrize("blank", [" ", "\u3000", "  "])
def test_names_between_whose_letters_are_blanks_head_sections(blank: str) -> None:
    found = owners("盘点\n" + "".join(f"{blank.join(bank)}\n{PROSE}" for bank in BANKS_THERE))
    assert [each for each in found.values() if each] == list(BANKS_THERE)


def test_a_number_that_no_heading_shows_does_not_part_a_bank() -> None:
    # 02 does not follow 2, for headings that are told by their count.
    parts = "".join(f"0{at + 1}.{bank}\n{PROSE}1.数据\n{PROSE}2.平台\n{PROSE}" for at, bank in enumerate(BANKS_THERE))
    parsed = parse(RawReport("", f"导语\n{PROSE}{parts}", "text"))
    parsed, found = share_out(parsed, identify({}, "a1.txt", parsed=parsed, registry=BANKS), BANKS)
    assert parsed.structure
    assert found
    of_text = [found[at] for at in parsed.structure.section_of(np.arange(len(parsed.text)))]
    for bank in BANKS_THERE:
        begins = parsed.text.index(bank) - 3
        assert set(of_text[begins : begins + 3 * len(PROSE)]) == {bank}
    assert of_text[0] is None


def test_a_list_of_names_heads_nothing() -> None:
    names = "\n".join(BANKS_THERE)
    assert owners(f"上榜名单\n{names}\n{PROSE * 5}") == {}
    assert owners(f"导语\n{PROSE}\n" + "\n".join(f"{bank}\n12.5\n3.4\n5.6" for bank in BANKS_THERE)) == {}


def test_sections_at_names_are_sections_like_others() -> None:
    text = f"# 盘点\n{PROSE}" + "".join(f"{bank}\n{PROSE}### 数据\n{PROSE}" for bank in BANKS_THERE)
    parsed = parse(RawReport("", text, "markdown"))
    before = parsed.structure
    parsed, found = share_out(parsed, identify({}, "a1.md", parsed=parsed, registry=BANKS), BANKS)
    after = parsed.structure
    assert before
    assert after
    assert after.title == ("盘点", "工商银行", "数据", "招商银行", "数据", "平安银行", "数据")
    assert after.level.tolist() == [1, 2, 3, 2, 3, 2, 3]
    assert after.parent.tolist() == [-1, 0, 1, 0, 3, 0, 5]
    assert after.source[1] == "name"
    assert found == (None, *(bank for bank in BANKS_THERE for _ in range(2)))
    assert after.end[0] == len(text)
    assert (after.end[1:6:2] == [*after.start[3:6:2], len(text)]).all()
    line = np.array([text.index("招商银行")])
    assert KINDS[before.kind_of(line)[0]] == "body"
    assert KINDS[after.kind_of(line)[0]] == "heading"
    assert KINDS[after.kind_of(line + 5)[0]] == "body"


def test_a_text_that_begins_with_a_name_has_no_front() -> None:
    found = owners("".join(f"{bank}\n{PROSE}" for bank in BANKS_THERE))
    assert found == {bank: bank for bank in BANKS_THERE}


@pytest.mark.parametrize(
    "around",
    [
        "{}\n相关阅读\n平安银行\n招商银行\n",
        "{}\n银行 1,200 1,100\n平安银行\n存款 1,200 1,100\n",
        "目录\n平安银行 1\n一 2\n二 5\n三 9\n{}",
    ],
)
def test_names_in_no_body_are_nobody_s(around: str) -> None:
    """Of the links of a page, the rows of a table and a list of contents no section is made; nor does it fail."""
    assert owners(around.format(PROSE)) == {}
