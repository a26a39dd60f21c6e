"""Which lines are rows of a table."""

import pytest

from cipin.reading.rows import is_row


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("存款 1,200 1,100", True),
        ("合计 $ 8,034 $ 4,589", True),
        ("不良率 1.2% (0.3) 不适用", True),
        ("项目\t期末\t期初", True),
        ("| 项目 | 金额 |", True),
        ("利润 — 12", True),
        ("存款 1,200", False),
        ("平台 上线 2019", False),
        ("第一章 概况 ........ 12", False),  # dots are no number
        ("云计算\t12", False),
        ("a|b", False),
        ("推进大数据", False),
    ],
)
def test_rows(line: str, is_one: bool) -> None:
    assert is_row(line) is is_one
