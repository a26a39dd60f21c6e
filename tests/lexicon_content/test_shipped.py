"""The lexicons that ship: their sizes, how they relate, and what their guards do to made-up sentences."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import naive
from cipin.lexicon.model import PLACEHOLDER, Lexicon

HERE = Path(__file__).parent

SIZES = {"wu2021": 76, "li2020": 48, "banks45": 45, "fintech-zh": 90, "fintech-en": 128}
PUBLISHED = ("wu2021", "li2020", "banks45")
DIMENSIONS = {
    "wu2021": {"人工智能技术": 15, "大数据技术": 9, "云计算技术": 13, "区块链技术": 5, "数字技术运用": 34},
    "li2020": {"li2020": 48},
    "banks45": {"banks45": 45},
    "fintech-zh": {
        "人工智能技术": 17,
        "大数据技术": 9,
        "云计算技术": 14,
        "区块链技术": 9,
        "数字技术运用": 35,
        "网络与安全技术": 6,
    },
    "fintech-en": {
        "Artificial intelligence": 26,
        "Big data": 14,
        "Cloud computing": 21,
        "Blockchain": 16,
        "Digital applications": 45,
        "Networks and security": 6,
    },
}
ADDED = {
    "网络安全",
    "5G",
    "数字技术",
    "生物识别",
    "智能合约",
    "联盟链",
    "分布式账本",
    "去中心化",
    "数据加密",
    "量子技术",
    "设备指纹",
    "声纹识别",
    "电子标签",
    "欺诈管理",
}


def names(id: str) -> set[str]:
    return {term.name for term in Lexicon.load(id).terms}


def cases(file: str) -> list[Any]:
    table = tomllib.loads((HERE / file).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in table["case"]]


@pytest.mark.parametrize("id", SIZES)
def test_size(id: str) -> None:
    lexicon = Lexicon.load(id)
    assert lexicon.id == id
    assert len(lexicon.terms) == SIZES[id]
    assert {
        dimension: sum(term.dimension == dimension for term in lexicon.terms) for dimension in lexicon.dimensions
    } == DIMENSIONS[id]


@pytest.mark.parametrize("id", SIZES)
def test_title_and_source_are_given(id: str) -> None:
    lexicon = Lexicon.load(id)
    assert lexicon.title
    assert lexicon.source
    assert lexicon.language == ("en" if id == "fintech-en" else "zh")


@pytest.mark.parametrize("id", PUBLISHED)
def test_published_lists_have_nothing_added(id: str) -> None:
    lexicon = Lexicon.load(id)
    assert not lexicon.guards + lexicon.unless
    assert not [term for term in lexicon.terms if term.variants + term.guards + term.unless]


def test_li2020_is_wu2021_less_29_plus_one() -> None:
    assert names("li2020") - names("wu2021") == {"股权众筹融资"}
    assert len(names("wu2021") - names("li2020")) == 29


def test_fintech_zh_is_wu2021_and_14_more_in_the_same_dimensions() -> None:
    dimension = {term.name: term.dimension for term in Lexicon.load("fintech-zh").terms}
    assert dimension.keys() - names("wu2021") == ADDED
    assert all(dimension[term.name] == term.dimension for term in Lexicon.load("wu2021").terms)


@pytest.mark.parametrize("id", SIZES)
def test_number_of_patterns(id: str) -> None:
    # Each template of a guard stands for every spelling: above this, matching slows down for little.
    assert len(Lexicon.load(id).patterns.strings) < 30_000


@pytest.mark.parametrize("id", ["fintech-zh", "fintech-en"])
def test_every_guard_holds_its_term_and_more(id: str) -> None:
    lexicon = Lexicon.load(id)
    for term in lexicon.terms:
        spellings = [lexicon.spell(spelling) for spelling in term.spellings]
        for phrase in (*term.guards, *term.unless):
            folded = lexicon.spell(phrase)
            assert any(spelling in folded for spelling in spellings), f"{term.name}: {phrase} can never cover it"
            assert phrase in term.unless or folded not in spellings, f"{term.name}: {phrase} would suppress every hit"
    assert all(PLACEHOLDER in phrase and phrase != PLACEHOLDER for phrase in (*lexicon.guards, *lexicon.unless))


@pytest.mark.parametrize(
    ("id", "case"),
    [
        *(pytest.param("fintech-zh", *case.values, id=f"zh: {case.id}") for case in cases("fintech_zh.toml")),
        *(pytest.param("fintech-en", *case.values, id=f"en: {case.id}") for case in cases("fintech_en.toml")),
    ],
)
def test_guards(id: str, case: dict[str, Any]) -> None:
    lexicon = Lexicon.load(id)
    hits = naive.find_hits(case["text"], lexicon)
    assert [hit.term for hit in hits if hit.kept] == case.get("kept", [])
    assert [hit.reason for hit in hits if hit.reason.startswith("guard:")] == [
        f"guard:{phrase}" for phrase in case.get("guards", [])
    ]


def test_example_of_the_readme_loads(tmp_path: Path) -> None:
    readme = HERE.parents[1] / "lexicons" / "README.md"
    example = re.search(r"```toml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    (tmp_path / "mine.toml").write_text(example[1], encoding="utf-8")
    hits = naive.find_hits("发放绿色信贷，购买碳配额，降低碳排放权重", Lexicon.load(tmp_path / "mine.toml"))
    assert [hit.term for hit in hits if hit.kept] == ["绿色信贷", "碳排放权"]
