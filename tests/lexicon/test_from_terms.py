"""Lexicons made of Python values: a string is not a list of its characters."""

import pytest

from cipin.errors import LexiconError
from cipin.lexicon.model import Lexicon


@pytest.mark.parametrize(
    ("terms", "more"),
    [
        ("大数据", {}),
        ({"技术": "大数据"}, {}),
        (["流计算"], {"guards": {"流计算": "现金流计算"}}),
        (["AI"], {"variants": {"AI": "人工智能"}}),
        (["大数据"], {"unless": {"大数据": "增加大数据"}}),
        (7, {}),
    ],
)
def test_a_string_for_a_list_is_refused(terms, more):
    with pytest.raises(LexiconError, match="stands where a list belongs; write"):
        Lexicon.from_terms(terms, **more)


def test_extras_of_unknown_terms_are_refused():
    with pytest.raises(LexiconError, match="guards given for '云', which is not among the terms"):
        Lexicon.from_terms(["大数据"], guards={"云": ["白云"]})


def test_load_of_something_else():
    with pytest.raises(LexiconError, match="give the id of a shipped one"):
        Lexicon.load(3)
