"""Options that take names: however they are written, they mean the same; what contradicts itself is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cipin as package
from cipin.cli.names import split_names

Cipin = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["toc,running_head"], ["toc", "running_head"]),
        (["TOC"], ["toc"]),
        (["toc, Running Head ,notes"], ["toc", "running_head", "notes"]),
        (["toc，running-head、notes；"], ["toc", "running_head", "notes"]),
        (["toc", "notes", "toc"], ["toc", "notes"]),
        (["none"], []),
        (["None", "none"], []),
        ([], []),
    ],
)
def test_names(arguments: list[str], names: list[str]) -> None:
    assert split_names("--skip", arguments) == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--skip", ""], "--skip '': names nothing; give names with commas, or none"),
        (["--skip", " , "], "--skip ' , ': names nothing"),
        (["--skip", "none,toc"], "--skip none,toc: none and toc contradict each other; give one of them"),
        (["--skip", "toc", "--skip", "none"], "none and toc contradict each other"),
        (["--skip", "tox"], "skip 'tox': there are the kinds body, heading, toc"),
        (["--only", "none,mda"], "--only none,mda: none and mda contradict each other"),
        (["--only", "toc"], "only 'toc': there are the topics mda"),
        (["--no-repair", ""], "--no-repair '': names nothing"),
    ],
)
def test_refused(cipin: Cipin, reports: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    said = cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "out", *arguments)
    assert said.code == 2
    assert message in said.err
    assert not (tmp_path / "out").exists()


def test_options_may_be_given_more_than_once(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    names = ["--skip", "TOC", "--skip", "notes", "--only", "MDA", "--no-repair", "wraps", "--no-repair", "Overprint"]
    assert cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "out", *names).code == 0
    options = package.open(tmp_path / "out").manifest["options"]
    assert (options["skip"], options["only"], options["no_repair"]) == ("notes,toc", "mda", "overprint,wraps")
    assert cipin("panel", tmp_path / "out", "--by", "Entity", "--by", "YEAR").out.startswith("entity,year,")
