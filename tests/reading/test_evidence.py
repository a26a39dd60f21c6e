"""What the content of a report says of whose it is and of which year, and what is made of all that was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cipin
from cipin.reading.identify import Facts, identify
from cipin.reading.parsed import Parsed, parse
from cipin.reading.registry import load_registry
from cipin.reading.report import Layout, RawReport


def found(
    name: str, text: str = "推进。\n", *, title: str = "", meta: dict[str, object] | None = None, **how: Any
) -> Facts:
    raw = RawReport("", text, "text", title=title, meta=meta or {})
    return identify(raw.meta, name, parsed=parse(raw), registry=load_registry(), **how)


CONTENT = [
    # name, text, title, entity, its source, year, its source, code, flags
    ("a1.txt", "中国工商银行股份有限公司\n2019年度报告\n",
     "", "工商银行", "cover", 2019, "cover", None, ()),
    ("a1.txt", "二〇一九年年度报告\n招 商 銀 行 股 份 有 限 公 司\n股份代號：3968\n",
     "", "招商银行", "cover", 2019, "cover", "03968", ()),
    ("a1.txt", "INDUSTRIAL BANK CO., LTD.\nANNUAL REPORT 2020\n",
     "", "兴业银行", "cover", 2020, "cover", None, ()),
    ("a1.txt", "Annual Report 2020/21\nDah Sing Banking Group Limited\nStock Code: 2356\n",
     "", "大新银行集团", "cover", 2021, "cover", "02356", ()),
    ("a1.txt", "某某电子股份有限公司\n2024年半年度报告\n",
     "", "某某电子股份有限公司", "cover", 2024, "cover", None, ()),
    ("a1.txt", "某某半導體股份有限公司及子公司\n合併財務報告\n民國 113 年及 112 年第二季\n(股票代碼 2999)\n",
     "", "某某半導體股份有限公司", "cover", 2024, "cover", "2999", ()),
    # A year in a title, a name in a title.
    ("a1.html", "导航\n正文。\n",
     "招商银行股份有限公司2019年年度报告", "招商银行", "title", 2019, "title", None, ()),
    # Nothing known: nothing said.
    ("a1.txt", "关于召开股东大会的通知\n某某电子股份有限公司\n2019年\n",
     "", None, "", None, "", None, ()),
    ("a1.txt", "中国银行业发展报告\n2019年度报告\n",
     "", None, "", 2019, "cover", None, ()),
    ("a1.txt", "某某会计师事务所有限公司\n审计报告\n2019年度财务报表\n",
     "", None, "", 2019, "cover", None, ()),
    ("a1.txt", "工商银行、建设银行的年报怎么看？\n正文。\n",
     "工商银行、建设银行的年报怎么看", None, "", None, "", None, ()),
    # Two banks on one cover are none.
    ("a1.txt", "招商银行股份有限公司\n平安银行股份有限公司\n2019年年度报告\n",
     "", None, "", 2019, "cover", None, ()),
    # The file name first, and what contradicts it said.
    ("平安银行_2019年年报.txt", "招商银行股份有限公司\n2018年年度报告\n",
     "", "平安银行", "name", 2019, "name:annual_report", None, ("entity_conflict", "year_conflict")),
    ("某某科技_2019.txt", "某某新材料科技股份有限公司\n2018年年度报告\n",
     "", "某某科技", "name", 2018, "cover", None, ("year_conflict",)),
    ("甲乙科技_2019年年报.txt", "丙丁实业股份有限公司\n2019年年度报告\n",
     "", "甲乙科技", "name", 2019, "name:annual_report", None, ("entity_conflict",)),
    ("20190328_招商银行.txt", "招商银行股份有限公司\n2018年年度报告\n",
     "", "招商银行", "name", 2018, "cover", None, ()),
    ("notes.txt", "招商银行股份有限公司\n2018年年度报告\n",
     "", "招商银行", "cover", 2018, "cover", None, ()),
    # Files are numbered, too.
    ("000001_2019年报.txt", "推进。\n",
     "", None, "", 2019, "name:annual_report", "000001", ()),
    ("000001_2019年报.txt", "平安银行股份有限公司\n2019年年度报告\n",
     "", "平安银行", "cover", 2019, "name:annual_report", "000001", ()),
    ("SZ000001_2019年报.txt", "推进。\n",
     "", "平安银行", "name:code", 2019, "name:annual_report", "000001", ()),
    ("600036_2019.txt", "推进。\n",
     "", "招商银行", "name:code", 2019, "name:number", "600036", ()),
    ("600036-平安银行2019年报.txt", "推进。\n",
     "", "平安银行", "name", 2019, "name:annual_report", "600036", ("entity_conflict",)),
    # Former names, while they held.
    ("000001-深发展Ａ__2010.0年度报告.pdf", "深圳发展银行股份有限公司\n2010年年度报告\n",
     "", "平安银行", "name", 2010, "name:annual_report", "000001", ()),
    ("深发展2018年年报.txt", "推进。\n",
     "", "深发展", "name", 2018, "name:annual_report", None, ()),
    # A branch is not the bank.
    ("建设银行某市分行2019年年报.txt", "推进。\n",
     "", "建设银行某市分行", "name", 2019, "name:annual_report", None, ()),
    # The period, where no cover says the year.
    ("a1.txt", "業績\n截至二零二零年十二月三十一日止年度，收益增加。\n",
     "", None, "", 2020, "period", None, ()),
    ("a1.txt", "Results\nFor the year ended 30 September 2021, revenue rose.\n",
     "", None, "", 2021, "period", None, ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "title", "entity", "entity_source", "year", "year_source", "code", "flags"), CONTENT
)
def test_content(
    name: str, text: str, title: str, entity: str | None, entity_source: str, year: int | None, year_source: str,
    code: str | None, flags: tuple[str, ...],
) -> None:  # fmt: skip
    facts = found(name, text, title=title)
    assert (facts.entity, facts.entity_source) == (entity, entity_source)
    assert (facts.fiscal_year, facts.year_source) == (year, year_source)
    assert (facts.code, facts.flags) == (code, flags)
    assert (facts.entity_score is None) == (entity is None)
    assert (facts.year_score is None) == (year is None)


def test_what_was_written_is_kept() -> None:
    facts = found("工行2019年年报.txt", "中國工商銀行股份有限公司\n2019年年度報告\n")
    assert (facts.entity, facts.entity_as_written) == ("工商银行", "工行")
    assert [(each.as_written, each.source) for each in facts.entities] == [
        ("工行", "name"), ("中國工商銀行股份有限公司", "cover"),
    ]  # fmt: skip
    assert [(each.value, each.source) for each in facts.years] == [(2019, "name:annual_report"), (2019, "cover")]


def test_the_date_of_a_file_counts_for_an_annual_report_alone() -> None:
    meta = {"pdf_created": "2020-03-30"}
    assert found("a1.pdf", "年报\n推进。\n", meta=meta).fiscal_year == 2019
    assert found("a1.pdf", "年报\n推进。\n", meta=meta).year_source == "metadata_date"
    assert found("a1.pdf", "推进。\n", meta=meta).fiscal_year is None
    assert [each.source for each in found("a1.pdf", "推进。\n", meta=meta).years] == ["metadata_date"]


@pytest.mark.parametrize(
    ("how", "entity", "source"),
    [
        ({"entity_from": "value:某行"}, "某行", "value"),
        ({"entity_from": "value:工行"}, "工行", "value"),
        ({"entity_from": "column:谁"}, "工商银行", "column:谁"),
        ({"entity_from": "none"}, None, "none"),
        ({"entity_from": "name:^[^_]+"}, "平安银行", "name:^[^_]+"),
    ],
)
def test_what_the_user_chose_wins(how: dict[str, str], entity: str | None, source: str) -> None:
    meta: dict[str, object] = {"谁": "工行"}
    facts = found("平安银行_2019年年报.txt", "招商银行股份有限公司\n2019年年度报告\n", meta=meta, **how)
    assert (facts.entity, facts.entity_source, facts.flags) == (entity, source, ())


def test_a_chosen_year_wins() -> None:
    facts = found("平安银行_2019年年报.txt", "平安银行股份有限公司\n2018年年度报告\n", year_from="value:2001")
    assert (facts.fiscal_year, facts.year_source, facts.flags) == (2001, "value", ())


def test_an_item_speaks_by_its_title_and_publisher_alone() -> None:
    whole = "招商银行股份有限公司\n2019年年度报告\n"
    item = found("平安银行_2019年年报.txt", whole, title="兴业银行:投资策略", is_row=True)
    assert (item.entity, item.entity_source, item.fiscal_year) == ("兴业银行", "title", None)
    assert (
        found("平安银行.txt", whole, title="银行业周报", meta={"publisher": "招行"}, is_row=True).entity == "招商银行"
    )
    assert found("平安银行.txt", whole, title="看好兴业银行", is_row=True).entity is None


def running(heads: list[str]) -> Parsed:
    """A report of pages, each with a head and a line of text, as its layout was repaired."""
    pages = [
        (head, f"这一页的正文讲的是{'甲乙丙丁戊己庚辛壬癸'[at % 10]}与别的事情。") for at, head in enumerate(heads)
    ]
    lines = [line for page in pages for line in page]
    text = "".join(f"{line}\n" for line in lines)
    end = np.cumsum([len(line) + 1 for line in lines]) - 1
    n = len(lines)
    tops = np.tile([820.0, 500.0], len(pages))
    layout = Layout(
        page_start=np.cumsum([0, *(sum(len(line) + 1 for line in page) for page in pages)]).astype(np.int64),
        page_size=np.full((len(pages), 2), [595, 842], np.float32),
        line_start=end - [len(line) for line in lines],
        line_end=end,
        line_page=np.repeat(np.arange(len(pages)), 2).astype(np.int32),
        line_box=np.array([[72, top - 10, 400, top] for top in tops], np.float32),
        line_size=np.full(n, 10, np.float32),
        line_bold=np.zeros(n, np.bool_),
        line_kind=np.zeros(n, np.uint8),
        line_level=np.zeros(n, np.uint8),
        generated=np.zeros(len(text), np.bool_),
    )
    return parse(RawReport("", text, "pdf", layout=layout))


def test_running_heads_by_majority() -> None:
    parsed = running(["招商银行股份有限公司 2019 年年度报告"] * 9 + ["第八节 平安银行股份有限公司"] * 3)
    assert parsed.clean
    assert parsed.clean.aside < len(parsed.text)
    facts = identify({}, "a1.pdf", parsed=parsed, registry=load_registry())
    assert (facts.entity, facts.entity_source) == ("招商银行", "running_head")
    assert (facts.fiscal_year, facts.year_source) == (2019, "running_head")


def test_running_heads_without_a_majority_say_nothing() -> None:
    parsed = running(["招商银行股份有限公司"] * 6 + ["平安银行股份有限公司"] * 6)
    assert parsed.clean
    assert parsed.clean.aside < len(parsed.text)
    assert identify({}, "a1.pdf", parsed=parsed, registry=load_registry()).entity is None


def test_content_is_looked_at_from_the_front_alone() -> None:
    far = "正文讲的是别的事情。\n" * 400 + "招商银行股份有限公司\n2019年年度报告\n"
    facts = found("a1.txt", far)
    assert (facts.entity, facts.fiscal_year) == (None, None)


def test_real_pdfs_agree_with_their_names(corpora: Path, tmp_path: Path) -> None:
    pdfs = sorted((corpora / "pdf/a-share").glob("*.pdf"))
    names = tmp_path / "reports"
    names.mkdir()
    for at, pdf in enumerate(pdfs):
        (names / f"a{at}.pdf").symlink_to(pdf)
    rows = cipin.run(names, "wu2021", tmp_path / "out", on="serial").reports.collect()
    told = dict(zip(rows["source"], zip(rows["entity"], rows["fiscal_year"], strict=True), strict=True))
    for at, pdf in enumerate(pdfs):
        short, year = pdf.stem.split("-")[1].split("__")
        entity, fiscal_year = told[f"a{at}.pdf"]
        assert fiscal_year == int(year[:4])
        if "平安" in short or "深发展" in short:
            assert entity == "平安银行"
