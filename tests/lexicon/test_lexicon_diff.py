"""What changed from one lexicon to another."""

from dataclasses import replace

import pytest

from cipin.lexicon.diff import diff_lexicons
from cipin.lexicon.model import Lexicon, Term


def lexicon(*terms, **policies):
    return Lexicon("t", tuple(Term(*term) if isinstance(term, tuple) else term for term in terms), **policies)


CLOUD = ("云计算", "技术", "技术")
DATA = ("大数据", "技术", "技术")

CASES = [
    ("same", lexicon(CLOUD), lexicon(CLOUD), []),
    ("added", lexicon(CLOUD), lexicon(CLOUD, DATA), ["added: 大数据 (技术)"]),
    ("removed", lexicon(CLOUD, DATA), lexicon(CLOUD), ["removed: 大数据 (技术)"]),
    ("moved", lexicon(CLOUD), lexicon(("云计算", "技术", "云")), ["moved: 云计算: 技术 → 技术 / 云"]),
    (
        "renamed",
        lexicon(CLOUD),
        lexicon(("云端运算", "技术", "技术", ("雲計算",))),
        ["renamed: 云端运算: 云计算 → 云端运算", "variants: 云端运算: – → 雲計算"],
    ),
    (
        "merged",
        lexicon(CLOUD, ("云端运算", "技术", "技术")),
        lexicon((*CLOUD, ("云端运算",))),
        ["variants: 云计算: – → 云端运算", "merged: 云端运算: 技术 → variant of 云计算"],
    ),
    (
        "split",
        lexicon((*CLOUD, ("云端运算",))),
        lexicon(CLOUD, ("云端运算", "技术", "云")),
        ["variants: 云计算: 云端运算 → –", "split: 云端运算: variant of 云计算 → 技术 / 云"],
    ),
    (
        "phrases",
        lexicon((*CLOUD, (), ("云计算部",), (), "表 1")),
        lexicon((*CLOUD, (), ("云计算部", "云计算司"), ("新云计算部",), "表 2")),
        [
            "guards: 云计算: 云计算部 → 云计算部, 云计算司",
            "unless: 云计算: – → 新云计算部",
            "source: 云计算: 表 1 → 表 2",
        ],
    ),
    ("order of phrases", lexicon((*CLOUD, ("甲", "乙"))), lexicon((*CLOUD, ("乙", "甲"))), []),
    (
        "policies",
        lexicon(CLOUD),
        lexicon(CLOUD, match="all", fold=False, version="2", guards=("{term}部",)),
        [
            "policy: version: 1 → 2",
            "policy: match: leftmost-longest → all",
            "policy: fold: true → false",
            "policy: guards: – → {term}部",
        ],
    ),
]


@pytest.mark.parametrize(("a", "b", "changes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_tells_what_changed(a, b, changes):
    assert [str(change) for change in diff_lexicons(a, b)] == changes


def test_where_a_lexicon_came_from_is_no_change():
    assert diff_lexicons(lexicon(CLOUD), replace(lexicon(CLOUD), origin="a.toml")) == []
