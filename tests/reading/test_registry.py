"""Names and codes of entities: whose they are, in which years, and where a text only seems to name one."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from cipin.errors import UsageError
from cipin.reading.registry import Registry, load_registry, read_registry

ROOT = Path(__file__).resolve().parents[2]
BANKS = load_registry()


def made(*rows: str, header: str = "entity,name,code,from,to", encoding: str = "utf-8") -> Registry:
    return read_registry("\n".join([header, *rows, ""]).encode(encoding), "mine", "mine.csv")


WHOLE = [
    # value, year, entity
    ("工商银行", None, "工商银行"), ("中國工商銀行股份有限公司", 2019, "工商银行"), ("工行", None, "工商银行"),
    ("ICBC", None, "工商银行"), ("INDUSTRIAL AND COMMERCIAL BANK OF CHINA LIMITED", None, "工商银行"),
    ("Bank of China Ltd.", None, "中国银行"), ("平 安 银 行", None, "平安银行"), ("深发展Ａ", 2010, "平安银行"),
    ("深圳发展银行股份有限公司", 2012, "平安银行"), ("深发展", 2018, None), ("深发展", None, "平安银行"),
    ("平安银行", 2003, "平安银行"), ("广东发展银行", 2008, "广发银行"), ("吴江银行", 2018, "苏农银行"),
    ("吴江银行", 2023, None), ("南昌银行", 2014, "江西银行"), ("华融湘江银行", 2021, "湖南银行"),
    ("北京农村商业银行股份有限公司", None, "北京农商行"), ("北京农商银行", None, "北京农商行"),
    ("中国银行（香港）有限公司", None, "中银香港"), ("汇丰银行(中国)有限公司", None, "汇丰中国"),
    ("彰化商業銀行股份有限公司", None, "彰化银行"), ("前海微众银行", None, "微众银行"), ("中国平安", None, None),
    ("工银瑞信", None, None), ("招商证券", None, None), ("银行", None, None), ("", None, None),
    ("中国银行业", None, None), ("平安银行北京分行", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "year", "entity"), WHOLE)
def test_whole_values(value: str, year: int | None, entity: str | None) -> None:
    assert BANKS.entity_of(value, year) == entity


TEXTS = [
    ("招商银行与平安银行", ["招商银行", "平安银行"]), ("01.中国建设银行", ["建设银行"]),
    ("中国农业发展银行", ["农业发展银行"]), ("上海银行股份有限公司2019年年报", ["上海银行"]),
    ("Annual report of Bank of China Limited", ["中国银行"]), ("中國光大銀行股份有限公司", ["光大银行"]),
    ("上海农村商业银行", ["沪农商行"]), ("浙江稠州商业银行", ["稠州银行"]),
    # Another one, a trade, a market, or a word.
    ("中国银行业协会", []), ("上海银行间同业拆放利率", []), ("中国银行间市场", []),
    ("中国银行保险监督管理委员会", []), ("平安银行北京分行", []), ("招商银行某某市科技园支行", []),
    ("招商银行研究院", []), ("平安银行理财", []), ("中信银行信用卡中心", []), ("工商银行等六家银行", []),
    ("工银瑞信基金", []), ("某某光大村镇银行", []), ("上交行为准则", []), ("民生与平安", []),
    ("Bank of Chinatown", []), ("xBank of China", []), ("中国银行（伦敦）", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "entities"), TEXTS)
def test_texts(text: str, entities: list[str]) -> None:
    assert [each.entity for each in BANKS.find(text)] == entities


def test_a_mention_has_its_legal_form() -> None:
    text = "关于上海銀行股份有限公司的公告"
    assert [text[each.start : each.end] for each in BANKS.find(text)] == ["上海銀行股份有限公司"]


@pytest.mark.parametrize(
    ("code", "entity"),
    [
        ("601398", "工商银行"), ("601398.SH", "工商银行"), ("sh601398", "工商银行"), ("01398", "工商银行"),
        ("1398.HK", "工商银行"), ("HK1398", "工商银行"), ("２８０１", "彰化银行"), ("2801.TW", "彰化银行"),
        ("000002", None), ("", None), ("工行", None),
    ],
)  # fmt: skip
def test_codes(code: str, entity: str | None) -> None:
    assert BANKS.entity_of_code(code) == entity


def test_shipped_covers_the_listed() -> None:
    codes = {code for code, _ in BANKS.codes}
    assert sum(len(code) == 6 for code in codes) == 42  # every bank that has A-shares
    assert sum(code.endswith(".hk") for code in codes) >= 38
    assert len({name.entity for name in BANKS.names}) >= 360


def test_shipped_is_made_from_its_sources(corpora: Path) -> None:
    command = [sys.executable, ROOT / "lexicons/sources/make_banks.py"]
    lists = [corpora / "names/bank_list.js", corpora / "names/a_share_codes.csv"]
    assert subprocess.run([*command, *lists, "--check"], capture_output=True, check=False).returncode == 0


def test_no_false_bank_in_names_of_companies(corpora: Path) -> None:
    names = (corpora / "names/company_short_names.txt").read_text("utf-8").splitlines()
    hits = [name for name in names if BANKS.find(name)]
    assert 50 < len(hits) < 100  # of 267,400
    assert {name for name in hits if not name.endswith("银行")} == {"合作金库", "汇丰控股"}


# --- a user's own -----------------------------------------------------------------------------------------------------


def test_own_registry() -> None:
    mine = made("甲公司,甲股份,600999,,2012", "甲公司,甲集团,,2013,", "乙公司,,,,", "丙公司,甲股份,,2016,")
    assert mine.entity_of("甲股份", 2010) == "甲公司"
    assert mine.entity_of("甲股份", 2020) == "丙公司"
    assert mine.entity_of("甲股份") is None  # two had it, and nothing says when
    assert mine.entity_of("乙公司有限公司") == "乙公司"
    assert mine.entity_of_code("600999.SH") == "甲公司"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("header", ["entity,name,code,from,to", "机构,别名,代码,起,止", " Bank ,Alias,Code,From,To"])
def test_own_encoding_and_header(encoding: str, header: str) -> None:
    rows = ["甲某某银行,甲某行,,2001,2019", "乙某某银行,乙某行,600999,,"]
    mine = made(*rows, header=header, encoding=encoding)
    assert (mine.entity_of("甲某行"), mine.entity_of_code("600999")) == ("甲某某银行", "乙某某银行")


def test_own_delimiter() -> None:
    assert made("甲公司\t甲股份", header="entity\tname").entity_of("甲股份") == "甲公司"
    assert made("甲公司;甲股份", header="entity;name").entity_of("甲股份") == "甲公司"


BAD = [
    # rows, what the message names
    ([",甲,,,"], "row 2, column entity: empty"),
    (["甲公司,甲股份,,2012年,"], "row 2, column from: '2012年' is not a year"),
    (["甲公司,甲股份,,,99"], "row 2, column to: '99'"),
    (["甲公司,甲股份,,2012,2010"], "row 2, columns from, to: 2012 is after 2010"),
    (["甲公司,,,2012,"], "row 2, column name: empty, but years are given"),
    (["甲公司,甲,,,"], "row 2, column name: '甲' is too short"),
    (
        ["甲公司,甲股份,,,", "乙公司,甲股份,,,"],
        "row 3, column name: '甲股份' is a name of '甲公司', too .row 2.; keep one",
    ),
    (["甲公司,甲股份,,,2012", "乙公司,甲股份,,2010,"], "row 3, column name: '甲股份' is a name of '甲公司', too"),
    (["甲公司,甲股份,,,", "甲公司,甲股份,,,"], "row 3, column name: '甲股份' stands in row 2 already; remove one"),
    (["甲公司,乙公司,,,", "乙公司,,,,"], "row 3, column name: '乙公司' is a name of '甲公司', too"),
    (["甲公司,,600999,,", "乙公司,,SH600999,,"], "row 3, column code: SH600999 is the code of '甲公司', too; keep one"),
    (["甲公司,甲股份"], "row 2: 2 cells, not 5"),
    (['甲公司,"甲股份,,,'], "row 2: .*; correct it"),
]


@pytest.mark.parametrize(("rows", "message"), BAD, ids=[row[1][:30] for row in BAD])
def test_refused(rows: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=f"registry mine.csv, {message}"):
        made(*rows)


def test_refused_without_an_entity() -> None:
    with pytest.raises(UsageError, match=r"row 1: no column 'entity'; its columns: 'name', 'code'"):
        made("甲,1", header="name,code")


def test_refused_bytes() -> None:
    with pytest.raises(UsageError, match="not a text"):
        read_registry(b"PK\x03\x04" + bytes(64), "mine", "mine.csv")


def test_refused_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the path of a CSV file, 'banks-cn' or 'none'"):
        load_registry(tmp_path / "absent.csv")


def test_hash_is_of_what_it_says() -> None:
    one, other = made("甲公司,甲股份,,,", "乙公司,,,,"), made("乙公司,,,,", "甲公司,甲股份,,,")
    assert one.hash == other.hash != made("甲公司,甲股份,,,2019", "乙公司,,,,").hash
    assert pickle.loads(pickle.dumps(one)).entity_of("甲股份") == "甲公司"
    assert pickle.loads(pickle.dumps(BANKS)) is BANKS


def test_none_knows_nobody() -> None:
    assert load_registry("none").find("招商银行") == load_registry(None).find("招商银行") == []
    assert load_registry("none").entity_of_code("600036") is None
