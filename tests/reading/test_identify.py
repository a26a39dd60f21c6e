"""File names and columns → entity, fiscal year, day of publication; nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipin.errors import SourceError, UsageError
from cipin.reading.identify import identify, identify_name, parse_year
from cipin.reading.names import read_code

NAMES = [
    # file name, entity, fiscal year, source of the year, published
    ("2020-04-16__宁波某某科技股份有限公司__603000__某某科技__2019年__年度报告.pdf", "某某科技", 2019, "annual_report",
     "2020-04-16"),
    ("000001-平安银行__2017.0年度报告.pdf", "平安银行", 2017, "annual_report", None),
    ("000001-深发展Ａ__2007.0年度报告.pdf", "深发展Ａ", 2007, "annual_report", None),
    ("平安银行2019年年度报告.txt", "平安银行", 2019, "annual_report", None),
    ("招商银行2019年報.pdf", "招商银行", 2019, "annual_report", None),
    ("2019年报.txt", None, 2019, "annual_report", None),
    ("２０１９年度报告_万科Ａ.pdf", "万科Ａ", 2019, "annual_report", None),
    ("二〇一八年年度报告_平安银行.txt", "平安银行", 2018, "annual_report", None),
    ("平安银行二〇一八年.txt", "平安银行", 2018, "year", None),
    ("民國107年度年報_台積電.pdf", "台積電", 2018, "annual_report", None),
    ("Annual-Report-2020.pdf", None, 2020, "annual_report", None),
    ("Annual-Report-202021.pdf", None, 2021, "annual_report", None),
    ("Ping An Bank 2019 annual report.pdf", "Ping An Bank", 2019, "annual_report", None),
    ("AR2019_ICBC.pdf", "ICBC", 2019, "annual_report", None),
    ("00007_10105290_20220128_Annual-Report-2020_pages_8-19_Management_Discussion_and_Analysis_CHI.txt", None, 2020,
     "annual_report", "2022-01-28"),
    ("sh600000 浦发银行 2012年半年度报告摘要.txt", "浦发银行", 2012, "year", None),
    ("2020年3月30日_招商银行_2019年度报告(修订版).txt", "招商银行", 2019, "annual_report", "2020-03-30"),
    ("招商银行_2020_社会责任报告.pdf", "招商银行", 2020, "number", None),
    ("600036.SH_招商银行_2021.pdf", "招商银行", 2021, "number", None),
    ("2020-03-30_招商银行_2019.pdf", "招商银行", 2019, "number", "2020-03-30"),
    ("20190328_工商银行.txt", "工商银行", 2019, "date", "2019-03-28"),
    ("2019.03.28 工商银行.txt", "工商银行", 2019, "date", "2019-03-28"),
    ("2018_工商银行_2019.txt", "工商银行", None, "conflict", None),
    ("2018-2019年年度报告.txt", None, None, "conflict", None),
    ("某某保险（集团）股份有限公司2019年年度报告.pdf", "某某保险（集团）股份有限公司", 2019, "annual_report", None),
    ("平安银行股份有限公司_平安银行_2019.txt", "平安银行", 2019, "number", None),
    ("平安银行股份有限公司_审计报告_2019.txt", "平安银行股份有限公司", 2019, "number", None),
    ("*ST某某2020年年报.pdf", "*ST某某", 2020, "annual_report", None),
    ("20191301_某银行.txt", "某银行", None, "", None),
    ("2019-03-30_招商银行_年度报告.pdf", "招商银行", 2018, "published", "2019-03-30"),
    ("民生银行20190330年报.pdf", "民生银行", 2018, "published", "2019-03-30"),
    ("Annual-Report-2020-21_Some Group.pdf", "Some Group", 2021, "annual_report", None),
    ("民國一〇七年年報_台積電.pdf", "台積電", 2018, "annual_report", None),
    ("202401_2330_AI1.pdf", None, None, "", None),
    ("report_final_v2.txt", None, None, "", None),
    ("00001.txt", None, None, "", None),
    ("", None, None, "", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "entity", "year", "source", "published"), NAMES, ids=[row[0] for row in NAMES])
def test_name(name: str, entity: str | None, year: int | None, source: str, published: str | None) -> None:
    facts = identify_name(name)
    assert (facts.entity, facts.fiscal_year, facts.published) == (entity, year, published)
    assert facts.year_source == (f"name:{source}" if source else "")
    assert facts.entity_source == ("name" if entity else "")


PATH = "reports/平安银行/2018年年度报告.txt"
COLUMNS = {"银行": "工商银行", "代码": 601398, "year": "2019年", "bad": "第三年", "null": None, "日期": "2020/03/27"}
CHOICES = [
    # entity_from, year_from, entity and its source, year and its source
    (None, None, ("工商银行", "column:银行"), (2019, "column:year")),
    ("column:代码", "column:bad", ("601398", "column:代码"), (None, "column:bad:invalid")),
    ("column:null", "column:null", (None, "column:null"), (None, "column:null:missing")),
    ("parent", "name:(\\d{4})", ("平安银行", "parent"), (2018, "name:(\\d{4})")),
    ("name:^\\D+", "name:(\\d{5})", (None, "name:^\\D+:missing"), (None, "name:(\\d{5}):missing")),
    ("value:中国银行", "value:2001", ("中国银行", "value"), (2001, "value")),
    ("none", "none", (None, "none"), (None, "none")),
]


@pytest.mark.parametrize(("entity_from", "year_from", "entity", "year"), CHOICES)
def test_choice(
    entity_from: str | None, year_from: str | None, entity: tuple[str | None, str], year: tuple[int | None, str]
) -> None:
    facts = identify(COLUMNS, PATH, entity_from, year_from)
    assert (facts.entity, facts.entity_source) == entity
    assert (facts.fiscal_year, facts.year_source) == year
    assert facts.published == "2020-03-27"


@pytest.mark.parametrize(
    "stem",
    ["未命名", "复件 2019年报", "扫描件(1)", "年度报告-最终版", "2019年上半年", "first-half", "000_fb5b.first-half",
     "New Microsoft Word Document (2)", "download", "index", "part-00001", "interim-results-2021", "half-year report"],
)  # fmt: skip
def test_what_a_program_or_a_hurry_calls_a_file_is_nobody(stem: str) -> None:
    assert identify({}, f"{stem}.pdf").entity is None


@pytest.mark.parametrize(
    "stem",
    ["First Financial Holding 2019", "New China Life-2019", "The Bank of East Asia 2020", "China Resources_half-year"],
)
def test_such_words_within_a_name_stay(stem: str) -> None:
    name = identify({}, f"{stem}.pdf").entity
    assert (
        name
        == stem.split("_", maxsplit=1)[0].split("-", maxsplit=1)[0].removesuffix("2019").removesuffix("2020").strip()
    )


def test_without_columns_the_name_counts() -> None:
    facts, named = (each("平安银行_2018年年度报告.txt") for each in (lambda name: identify({}, name), identify_name))
    for field in ("entity", "entity_source", "fiscal_year", "year_source", "published", "code"):
        assert getattr(facts, field) == getattr(named, field)


def test_year_of_a_folder() -> None:
    assert identify({}, "年报/2019年年报/a.txt", year_from="parent").fiscal_year == 2019


@pytest.mark.parametrize("spec", ["column", "column:", "name:(", "value:", "regex:x", ""])
def test_unknown_choice_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="entity_from"):
        identify({}, PATH, entity_from=spec)


def test_value_must_be_a_year() -> None:
    with pytest.raises(UsageError, match="value:2019"):
        identify({}, PATH, year_from="value:第三年")


def test_absent_column_names_those_there_are() -> None:
    with pytest.raises(SourceError, match=r"'年'.*year_from.*'year'"):
        identify({"year": 2019}, PATH, year_from="column:年")


@pytest.mark.parametrize(
    ("cell", "year"),
    [(2019, 2019), (2019.0, 2019), ("2019", 2019), (" ２０１９年度 ", 2019), ("二〇一九年", 2019), ("20191231", 2019),
     ("2019-12-31T00:00:00", 2019), ("2019/12", 2019), ("2019年12月31日", 2019), ("FY2019", 2019), (1899, None),
     (2101, None), (2019.5, None), (float("nan"), None), (float("inf"), None), (True, None), (None, None), ("", None),
     ("约2019", None), ("20199", None), ([2019], None)],
)  # fmt: skip
def test_parse_year(cell: object, year: int | None) -> None:
    assert parse_year(cell) == year


def test_real_names(corpora: Path) -> None:
    for name in filter(None, (corpora / "names/report_file_names.txt").read_text("utf-8").splitlines()):
        date, _, code, short, year, _ = name.split("__")
        facts = identify_name(name)
        assert (facts.published, facts.code, facts.entity, facts.fiscal_year) == (date, code, short, int(year[:4]))


@pytest.mark.parametrize("columns", [{"Bank": "工行", "Year": "2018"}, {" BANK ": "工行", "YEAR": 2018}])
def test_columns_are_known_in_any_case(columns):
    facts = identify(columns, "banks_2020.csv", is_row=True)
    assert (facts.entity, facts.fiscal_year) == ("工行", 2018)


def test_a_file_name_says_nothing_of_one_row():
    facts = identify({"title": "工作报告"}, "government_work_reports_2020.jsonl", is_row=True)
    assert (facts.entity, facts.fiscal_year, facts.entity_source, facts.year_source) == (None, None, "", "")


def test_a_year_within_the_text_of_a_column():
    facts = identify({"title": "2025年政府工作报告"}, "a.jsonl", year_from="column:title")
    assert (facts.fiscal_year, facts.year_source) == (2025, "column:title")


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("600036.SH_招商银行", "600036"), ("SZ000001 平安银行", "000001"), ("1398.HK年报", "01398"),
        ("HK01398_2019", "01398"),
        ("03988_Annual-Report-2020", "03988"), ("000001-平安银行__2017.0年度报告", "000001"), ("600036_2019", "600036"),
        ("202401_2801_AI1", "2801"), ("2801.TW_2020", "2801"), ("202401_年报", None), ("000001", None), ("00001", None),
        ("第123456号公告2019", None), ("某银行20190330", None),
        ("某银行_230405", None), ("某银行12345678", None), ("图2.600036", None),
        ("", None),
    ],
)  # fmt: skip
def test_code(stem: str, code: str | None) -> None:
    assert read_code(stem)[0] == code
