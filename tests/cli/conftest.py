"""A small corpus, a run over it, and the command line, called in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cipin.cli import main

TEXTS = {
    "青禾银行_2019年年度报告.txt": "青禾银行推进大数据应用，IT与5G并举。现金流计算更准，人工智能起步。",
    "青禾银行_2020年年度报告.txt": "以大數據为底座，AI、云计算全面铺开；ＦｉｎＴｅｃｈ投入增加，大数据人才倍增。",
    "松雪银行_2019年年度报告.md": "# 松雪银行\n\n存款稳步增长，网点搬迁。\n",
}


class Said(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


Cipin = Callable[..., Said]


@pytest.fixture
def cipin(capfd: pytest.CaptureFixture[str]) -> Cipin:
    """Call `cipin ARGUMENTS…` in this process; whatever happens, no traceback is shown."""

    def call(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = main([str(each) for each in arguments])
        said = Said(code, *capfd.readouterr())
        assert "Traceback" not in said.err
        return said

    return call


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Folder of three reports: one bank with two years, and one that has no term."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def out(cipin: Cipin, reports: Path, tmp_path: Path) -> Path:
    """Folder of a run over them."""
    assert cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "out").code == 0
    return tmp_path / "out"
