"""Folding: one code point for one, for all of Unicode."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cipin.lexicon.fold import fold, fold_array, fold_table

ROOT = Path(__file__).resolve().parents[2]
EVERY = range(0x110000)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("數據治理", "数据治理"),
        ("\u2f24数据", "大数据"),  # Kangxi radical
        ("\u2f7d", "而"),
        ("\u2ea0生", "民生"),  # radicals supplement, where NFKC does nothing
        ("\u2ed3期", "长期"),
        ("\u2fb2", "韭"),
        ("\u2f3e", "户"),  # radical to Traditional 戶, on to Simplified
        ("\uf90a融", "金融"),  # compatibility ideograph
        ("\uf969", "数"),  # compatibility to Traditional 數, on to Simplified
        ("\U0002f804", "\u4f60"),
        ("\ufa0e\ufa29", "\ufa0e\ufa29"),  # two of the twelve that are unified
        ("Ｆｉｎｔｅｃｈ", "fintech"),
        ("５Ｇ", "5g"),
        ("FinTech", "fintech"),
        ("\u212a", "k"),  # Kelvin sign
        ("ΑΣ", "ασ"),
        ("ς", "σ"),
        ("\u2167", "\u2177"),  # Roman numeral eight
        ("Д", "д"),
        ("\u85b4", "\u82ce"),  # OpenCC's only chain: 薴, 苧, 苎
        ("後于於乾髮發", "后于于干发发"),
    ],
)
def test_folds(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    "text",
    [
        "，：；（）。！？、",
        "\uff0c\uff1a\uff08\uff09",
        "ß",
        "\u0130",
        "数据",
        "abc019",
        "\u2460",
        "\u3000",
        "\U0001f600",
        "\ud800",
        "",
    ],
)
def test_leaves_alone(text):
    assert fold(text) == text


def test_capital_sharp_s_becomes_the_small_one():
    assert fold("\u1e9e") == "\u00df"


def test_every_code_point_keeps_its_length_and_folds_once():
    text = "".join(map(chr, EVERY))
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded
    assert folded[0xD800:0xE000] == text[0xD800:0xE000]


def test_ascii_changes_in_case_alone():
    ascii_text = "".join(map(chr, range(128)))
    assert fold(ascii_text) == ascii_text.lower()


def test_array_says_the_same():
    array = fold_array()
    assert array.dtype == np.uint32
    assert array.tolist() == [ord(c) for c in fold("".join(map(chr, EVERY)))]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_table_changes_what_it_lists():
    assert all(source != target for source, target in fold_table().items())


def test_simplified_text_of_gb2312_stays_but_for_sixteen_mergers():
    # The first 3,755 ideographs of GB 2312 are the common Simplified ones.
    level_1 = bytes(
        byte for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF if row < 0xD7 else 0xFA) for byte in (row, cell)
    ).decode("gb2312")
    changed = {(a, b) for a, b in zip(level_1, fold(level_1), strict=True) if a != b}
    assert changed <= {("乾", "干"), ("麽", "么"), ("徵", "征"), ("摺", "折"), ("菸", "烟"), ("於", "于")}


def test_checked_in_table_is_what_its_sources_make():
    pytest.importorskip("opencc", reason="opencc is not installed; it is a development dependency")
    script = ROOT / "lexicons" / "sources" / "make_fold.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0
