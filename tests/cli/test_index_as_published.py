"""What `cipin index` says of whose index it is: the paper's lexicon and choices, or others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cipin as package
from cipin.measuring.recipes import load_recipe

Cipin = Callable[..., Any]


@pytest.fixture
def wu(cipin: Cipin, reports: Path, tmp_path: Path) -> Path:
    """Folder of a run with the lexicon of wu2021."""
    assert cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "wu").code == 0
    return tmp_path / "wu"


def test_only_the_papers_lexicon_and_choices_are_as_published(wu: Path, out: Path) -> None:
    run = package.open(wu)
    shipped = load_recipe("wu2021")
    assert run.index("wu2021").facts["as_published"]
    assert run.index(shipped).facts["as_published"]
    assert not run.index(shipped.but(measure="per_10k_chars")).facts["as_published"]
    assert not run.index("wu2021", transform="none").facts["as_published"]
    assert not run.index("wu2021", repeats="new").facts["as_published"]
    assert not run.index("li2020").facts["as_published"]
    # Its terms are in the paper, not in the recipe: with which lexicon ever, it is not known to be the paper's.
    assert not run.index("percentile").facts["as_published"]
    assert not package.open(out).index("wu2021").facts["as_published"]


def test_a_lexicon_of_the_papers_name_is_not_the_papers(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    own = package.Lexicon.from_terms(["大数据"], id="wu2021")
    assert not package.run(reports, own, tmp_path / "own").index("wu2021").facts["as_published"]
    assert "not as published: lexicon wu2021 (changed)\n" in cipin("index", tmp_path / "own").err


def test_of_a_method_that_names_no_lexicon_nothing_is_said_to_be_otherwise(cipin: Cipin, out: Path) -> None:
    said = cipin("index", out, "-m", "percentile").err
    assert "lexicon: fintech-zh (no publication says which one" in said
    assert "percentile: m_ij is per_10k_chars of dimension j in group i" in said
    assert "not as published" not in said


def test_what_is_not_as_published_is_named(cipin: Cipin, wu: Path) -> None:
    assert "not as published" not in cipin("index", wu).err
    said = cipin("index", wu, "--measure", "per_10k_chars").err
    assert "not as published: lexicon wu2021, choices wu2021(measure=per_10k_chars)\n" in said
    assert "lexicon wu2021 (published with li2020)\n" in cipin("index", wu, "-m", "li2020").err


def test_by_month_is_told_of_by_every_command_that_takes_it(cipin: Cipin) -> None:
    for command in ("panel", "export", "codebook"):
        assert "month" in cipin(command, "--help").out
