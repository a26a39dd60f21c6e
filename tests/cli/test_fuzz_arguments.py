"""Commands put together by chance, with values that no one should give: a message and a documented exit code."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import click
import pytest

import cipin as package
from cipin.cli import cipin, main

N_COMMANDS = 1_200
CODES = {0, 1, 2, 3, 4, 74, 75}
HOSTILE = (
    "", " ", "-", "--", "-1", "0", "1e9", "99999999999999999999", "nan", "%", "100%", "\0", "a\nb", "年报",
    "x" * 5000, "../..", "/", "/dev/null", "/proc/self/mem", "~", "*", "[", "**/*", "s3://", "memory://x", "http://",
    "file:///tmp", "none", "None", "true", "value:", "column:", "name:[", "value:2020", "parent", "toc,mda", ",", ",,",
    "wu2021", "大数据", "reports", "out", "lexicon.toml", "reports/a_2020年年度报告.txt", "nowhere", "甲银行 2020",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with reports, a lexicon and an output, in which commands run."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "a_2020年年度报告.txt").write_text("推进大数据。", encoding="utf-8")
    (tmp_path / "lexicon.toml").write_text("id = [", encoding="utf-8")
    package.run(tmp_path / "reports", "wu2021", tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options_of(command: click.Command) -> list[str]:
    found = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return [name for parameter in found for name in (*parameter.opts, *parameter.secondary_opts) if name != "--debug"]


def by_chance(chance: random.Random) -> list[str]:
    """Put a command line together."""
    group: click.Command = cipin
    words: list[str] = []
    while isinstance(group, click.Group):
        name = chance.choice([*group.commands, "nothing"]) if chance.random() < 0.99 else chance.choice(HOSTILE)
        words.append(name)
        group = group.commands.get(name, click.Command("none"))
    for _ in range(chance.randrange(6)):
        if (names := options_of(group)) and chance.random() < 0.5:
            words.append(chance.choice(names))
        words.append(chance.choice(HOSTILE))
    if chance.random() < 0.5:
        words += {
            "run": ["reports", "-l", "wu2021", "-o", "out"],
            "scan": ["out/corpus", "-l", "wu2021", "-o", "out"],
        }.get(words[0], ["out"])
    return words


@pytest.mark.parametrize("seed", range(4))
def test_any_command_line(
    place: Path, seed: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    before = set(place.parent.iterdir())
    for _ in range(N_COMMANDS // 4 * (10 if request.config.getoption("--heavy") else 1)):
        words = by_chance(chance)
        # Never more than a folder of the test may be looked through, nor written.
        if {"/", "~", "**/*", "../..", "/proc/self/mem"} & set(words) and words[0] in {"run", "ingest", "scan", "gc"}:
            continue
        code = main(words)
        said = capsys.readouterr()
        assert code in CODES, (words, code)
        assert "fault of cipin" not in said.err, (words, said.err)
        assert "Traceback" not in said.err, (words, said.err)
        assert code == 0 or said.err.strip() or said.out.strip(), words
    assert set(place.parent.iterdir()) == before
    assert os.listdir(place / "reports") == ["a_2020年年度报告.txt"]
    assert package.open(place / "out").reports.collect().height >= 0
    shutil.rmtree(place / "out")
