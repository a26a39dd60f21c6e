"""The commands do what their help says; stdout is data, stderr is for people."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest
from click.testing import CliRunner

import cipin as package
from cipin.cli import cipin as root
from cipin.cli import progress
from cipin.lexicon.files import read_lexicon, shipped_lexicons
from cipin.running.run import Progress

Cipin = Callable[..., Any]


# ------------------------------------------------------------------------------------------------ run


def test_run_says_what_it_came_to_on_stderr(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    code, out, err = cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "out")
    assert (code, out) == (0, "")
    summary = package.open(tmp_path / "out").summary
    lines = {name.strip(): value for name, _, value in (line.strip().partition("  ") for line in err.splitlines())}
    assert lines["reports"] == "3 measured, of 3"
    assert lines["text"] == f"{summary['tallies']['chars']:,} characters in {summary['tallies']['clauses']:,} clauses"
    assert lines["hits"] == f"{summary['tallies']['hits']} counted, {summary['tallies']['suppressed']} suppressed"
    assert lines["top terms"].startswith("大数据 3, ")
    assert lines["tables"] == str(tmp_path / "out" / "current")
    assert " s, " in lines["time"]


def test_summary_names_what_is_doubtful(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    (reports / "x.txt").write_text("大数据", encoding="utf-8")
    (reports / "x2019.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    (reports / "empty.txt").touch()
    _, _, err = cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out", "--year-from", "none")
    words = [" ".join(line.split()) for line in err.splitlines()]
    assert "reports 4 measured, of 6" in words
    assert "quarantined, binary 1" in words
    assert "dropped, empty 1" in words
    assert "4 reports without a fiscal year (--year-from says where to find it)" in words


@pytest.mark.parametrize(
    ("options", "hits"),
    [
        ((), {"流计算": 0, "大数据": 3}),
        (("--no-fold",), {"大数据": 2}),
        (("--no-guards",), {"流计算": 1}),
        (("--match", "all", "--boundaries", "none"), {"大数据": 3}),
    ],
    ids=str,
)
def test_policies_of_the_command_line_win(
    cipin: Cipin, reports: Path, tmp_path: Path, options: tuple[str, ...], hits: dict[str, int]
) -> None:
    lexicon = tmp_path / "own.toml"
    lexicon.write_text(
        'id = "own"\nversion = "1"\ntitle = "自用"\nsource = "自拟"\nlanguage = "zh"\n'
        'terms = ["大数据", { term = "流计算", guards = ["现金流计算"] }]\n',
        encoding="utf-8",
    )
    assert cipin("run", reports, "-l", lexicon, "-o", tmp_path / "out", *options).code == 0
    found = package.open(tmp_path / "out").summary["terms"]
    assert {term: found.get(term, 0) for term in hits} == hits


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_format(cipin: Cipin, reports: Path, tmp_path: Path, format: str) -> None:
    assert cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out", "--format", format).code == 0
    assert {path.suffix for path in (tmp_path / "out" / "data").rglob("*.*")} == {f".{format}"}


@pytest.mark.parametrize(
    ("limit", "code"), [(None, 0), ("0", 1), ("1", 0), ("24%", 1), ("25%", 0), ("25.5%", 0), ("9", 0)]
)
def test_max_errors(cipin: Cipin, reports: Path, tmp_path: Path, limit: str | None, code: int) -> None:
    (reports / "bad.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    options = () if limit is None else ("--max-errors", limit)
    said = cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out", *options)
    assert said.code == code
    assert ("1 of 4 reports are quarantined, more than max_errors allows" in said.err) == bool(code)
    # Nothing is published then, and nothing lost: whoever allows more need not do it again.
    assert cipin("panel", tmp_path / "out").code == (2 if code else 0)
    assert cipin("errors", tmp_path / "out").out.splitlines()[1].split(",")[1] == "bad.txt"
    again = cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out")
    assert again.code == 0
    assert ("1 kept of earlier runs" in again.err) == bool(code)
    assert package.open(tmp_path / "out").version == 1


def test_verbose_says_what_was_chosen(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    said = cipin("--verbose", "run", reports, "-l", "wu2021", "-o", tmp_path / "out")
    assert "matcher ahocorasick" in said.err
    assert "on serial" in said.err
    assert said.out == ""


# ------------------------------------------------------------------------------------------------ lexicon


def test_lexicon_list(cipin: Cipin) -> None:
    said = cipin("lexicon", "list")
    assert [line.split("\t")[0] for line in said.out.splitlines()] == list(shipped_lexicons())
    assert said.err == ""
    for line in said.out.splitlines():
        name, terms, dimensions, title = line.split("\t")
        lexicon = package.Lexicon.load(name)
        assert (terms, dimensions) == (f"{len(lexicon.terms)} terms", f"{len(lexicon.dimensions)} dimensions")
        assert title == lexicon.title


def test_lexicon_show(cipin: Cipin, tmp_path: Path) -> None:
    lexicon = package.Lexicon.load("fintech-zh")
    text = cipin("lexicon", "show", "fintech-zh").out
    assert lexicon.hash in text
    assert all(term.name in text for term in lexicon.terms)
    rows = [json.loads(line) for line in cipin("lexicon", "show", "fintech-zh", "--format", "jsonl").out.splitlines()]
    assert [row["term"] for row in rows] == [term.name for term in lexicon.terms]
    copy = tmp_path / "fintech-zh.toml"
    copy.write_text(cipin("lexicon", "show", "fintech-zh", "--format", "toml").out, encoding="utf-8")
    assert read_lexicon(copy).hash == lexicon.hash


def test_lexicon_lint(cipin: Cipin, tmp_path: Path) -> None:
    said = cipin("lexicon", "lint", "fintech-zh")
    assert (said.code, said.out, said.err) == (0, "", "nothing found\n")
    doubtful = tmp_path / "doubtful.txt"
    doubtful.write_text("大数据\n大数据\n", encoding="utf-8")
    said = cipin("lexicon", "lint", doubtful)
    assert said.code == 1
    assert "大数据" in said.out
    assert said.err.endswith("findings\n")


def test_lexicon_diff(cipin: Cipin, tmp_path: Path) -> None:
    for name, terms in (("a", "大数据\n云计算\n"), ("b", "大数据\n区块链\n")):
        (tmp_path / f"{name}.txt").write_text(terms, encoding="utf-8")
    said = cipin("lexicon", "diff", tmp_path / "a.txt", tmp_path / "b.txt")
    assert said.code == 0
    assert "云计算" in said.out
    assert "区块链" in said.out
    assert said.err == f"{len(said.out.splitlines())} changes\n"
    same = cipin("lexicon", "diff", "wu2021", "wu2021")
    assert (same.code, same.out, same.err) == (0, "", "0 changes\n")


def test_lexicon_import(cipin: Cipin, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("大数据\n云计算\n", encoding="utf-8")
    said = cipin("lexicon", "import", tmp_path / "words.txt")
    toml = tmp_path / "words.toml"
    again = cipin("lexicon", "import", tmp_path / "words.txt", "-o", toml)
    assert toml.read_text("utf-8") == said.out
    assert again.out == ""
    assert again.err.startswith(f"2 terms → {toml}")
    assert [term.name for term in read_lexicon(toml).terms] == ["大数据", "云计算"]
    refused = cipin("lexicon", "import", tmp_path / "words.txt", "-o", toml)
    assert refused.code == 2
    assert refused.err == f"error: {toml}: is there already; choose another name, or remove it first\n"


# ------------------------------------------------------------------------------------------------ help


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", [(), *commands(root)], ids=lambda path: " ".join(path) or "cipin")
def test_help(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*path, "--help"])
    assert result.exit_code == 0
    command: Any = root
    for name in path:
        command = command.commands[name]
    assert all(name in result.output for name in getattr(command, "commands", {}))
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[0] in result.output


def test_every_option_says_what_it_is_for() -> None:
    bare = []
    for path in commands(root):
        command: Any = root
        for name in path:
            command = command.commands[name]
        bare += [
            f"{' '.join(path)} --{option.name}"
            for option in command.params
            if isinstance(option, click.Option) and not option.help
        ]
    assert bare == []


def test_version_and_help_through_main(cipin: Cipin) -> None:
    assert cipin("--version").out == f"cipin, version {package.__version__}\n"
    assert cipin("--help").code == 0
    assert cipin("-h").out.startswith("Usage: cipin")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("measure",), "No such command 'measure'"),
        (("run",), "Missing argument 'REPORTS"),
        (("run", "r", "-o", "o"), "Missing option '--lexicon'"),
        (("run", "r", "-l", "wu2021"), "Missing option '--out'"),
        (("run", "r", "-l", "wu2021", "-o", "o", "--match", "first"), "'first' is not one of 'leftmost-longest'"),
        (("run", "r", "-l", "wu2021", "-o", "o", "-w", "-1"), "-1 is not in the range"),
        (("panel", "o", "--level", "word"), "'word' is not one of 'term', 'category'"),
        (("kwic", "大数据"), "Missing argument 'OUT'"),
        (("kwic", "大数据", "o", "--width", "3"), "3 is not in the range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_calls(cipin: Cipin, arguments: tuple[str, ...], message: str) -> None:
    said = cipin(*arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


def test_fault_is_said_to_be_one(cipin: Cipin, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("cipin.running.analyses.make_panel", fail)
    said = cipin("panel", out)
    assert said.code == 3
    assert "ZeroDivisionError: by zero" in said.err
    assert "This is a fault of cipin. `cipin --debug …` shows where" in said.err


@pytest.mark.parametrize("arguments", [["--debug", "panel", "nowhere"], ["--debug", "kwic", "大数据", "nowhere"]])
def test_debug_lets_errors_through(arguments: list[str]) -> None:
    from cipin.cli import main

    with pytest.raises(package.UsageError, match="nowhere: no such folder"):
        main(arguments)


def test_installed_command(out: Path) -> None:
    command = [sys.executable, "-c", "import sys; from cipin.cli import main; sys.exit(main())", "panel", str(out)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert pl.read_csv(done.stdout).height == package.open(out).panel(level="dimension").collect().height
    assert done.stderr == b""


# ------------------------------------------------------------------------------------------------ progress


def test_progress_line_every_30_seconds() -> None:
    now = 0.0
    stream = io.StringIO()
    show = progress._lines(stream, clock=lambda: now)
    for second in range(0, 100, 4):
        now = float(second)
        show(Progress(second, 100, second * 10_000, 1_000_000))
    assert stream.getvalue().splitlines() == [
        "32%: 32 of 100 files",
        "64%: 64 of 100 files",
        "96%: 96 of 100 files",
    ]


def test_quick_run_shows_no_progress(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    assert "of 3 files" not in cipin("run", reports, "-l", "wu2021", "-o", tmp_path / "out").err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bar_on_a_terminal() -> None:
    stream = Terminal()
    with progress.show_progress(stream) as show:
        show(Progress(0, 3, 0, 0))
        show(Progress(3, 3, 9_000_000, 9_000_000))
    assert "3 of 3 files" in stream.getvalue()


def test_progress_of_no_bytes() -> None:
    stream = io.StringIO()
    show = progress._lines(stream, clock=iter([0.0, 31.0, 31.0]).__next__)
    show(Progress(1, 1, 0, 0))
    assert stream.getvalue() == "0%: 1 of 1 files\n"


def test_ingest_then_scan(cipin: Cipin, reports: Path, tmp_path: Path, out: Path) -> None:
    said = cipin("ingest", reports, "-o", tmp_path / "corpus")
    assert (said.code, said.out) == (0, "")
    assert "3 readable, of 3" in said.err
    assert "3 parsed, 3 parsed before" not in said.err
    assert "0 parsed, 3 parsed before" in cipin("ingest", reports, "-o", tmp_path / "corpus").err
    assert cipin("scan", tmp_path / "corpus", "-l", "fintech-zh", "-o", tmp_path / "scanned").code == 0
    assert cipin("panel", tmp_path / "scanned").out == cipin("panel", out).out


def test_skip_and_only(cipin: Cipin, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    contents = "目录\n第一章 管理层讨论与分析....1\n第二章 大数据....3\n第三章 治理....5\n"
    text = f"{contents}第一章 管理层讨论与分析\n大数据。\n第二章 大数据\n大数据。\n"
    (tmp_path / "reports" / "青禾银行_2019年年度报告.txt").write_text(text, "utf-8")

    def hits(*options: str) -> str:
        said = cipin("run", tmp_path / "reports", "-l", "wu2021", "-o", tmp_path / "out", *options)
        return next(line.split()[1] for line in said.err.splitlines() if line.strip().startswith("hits"))

    assert (hits(), hits("--skip", "none"), hits("--only", "mda")) == ("3", "4", "1")
    said = cipin("run", tmp_path / "reports", "-l", "wu2021", "-o", tmp_path / "out", "--only", "mdna")
    assert said.code == 2
    assert "only 'mdna': there are the topics mda, letter" in said.err


def test_folders_of_other_runs_are_said_and_not_read(cipin: Cipin, reports: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert cipin("run", reports, "-l", "fintech-zh", "-o", reports / name).code == 0
    said = cipin("run", reports, "-l", "fintech-zh", "-o", reports / "two")
    assert "1 folder  that another run or ingest wrote, not read: one" in said.err
    said = cipin("ingest", reports, "-o", tmp_path / "corpus")
    assert "2 folders  that other runs or ingests wrote, not read: one, two" in said.err
    said = cipin("run", reports, "-l", "fintech-zh", "-o", tmp_path / "out")
    assert "3 measured, of 3" in said.err
    assert package.open(tmp_path / "out").manifest["planned"]["passed_over"] == ["one", "two"]
    assert "not read" not in cipin("scan", tmp_path / "corpus", "-l", "fintech-zh", "-o", tmp_path / "scanned").err
