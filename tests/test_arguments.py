"""Public functions given what they do not take: each parameter answers by its name, none by what fails within."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import cipin
from cipin.arguments import check_names, check_number, check_paths

WRONG = [
    None, "", "no such", b"toc", 7, -1, 2.5, float("nan"), True, Path("no/such"), {"a": 1}, {"toc", 1}, [], [None], [1],
    ["toc", None], (), object(), "\x00", "a\ud800", pl.DataFrame({"a": [1]}), pa.table({"text": ["大数据"]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A folder of reports, a corpus and a run of them, and a lexicon."""
    folder = tmp_path_factory.mktemp("made")
    reports = folder / "reports"
    reports.mkdir()
    (reports / "青禾银行2020年.txt").write_text("推进大数据。\n", "utf-8")
    lexicon = cipin.Lexicon.from_terms(["大数据"])
    cipin.ingest(reports, folder / "corpus")
    return {
        "reports": reports,
        "corpus": folder / "corpus",
        "lexicon": lexicon,
        "run": cipin.run(reports, lexicon, folder / "out"),
        "out": folder / "out",
    }


#: Functions, with the arguments of a call that is right; what is `made` goes by its name there.
CALLS: dict[str, tuple[Callable[[dict[str, Any]], Callable[..., Any]], dict[str, Any]]] = {
    "run": (lambda _: cipin.run, {"reports": "reports", "lexicon": "lexicon", "out": ""}),
    "scan": (lambda _: cipin.scan, {"corpus": "corpus", "lexicon": "lexicon", "out": ""}),
    "ingest": (lambda _: cipin.ingest, {"reports": "reports", "corpus": ""}),
    "open": (lambda _: cipin.open, {"out": "out"}),
    "panel": (lambda made: made["run"].panel, {}),
    "kwic": (lambda made: made["run"].kwic, {"term": "大数据"}),
    "explain": (lambda made: made["run"].explain, {"report": "青禾银行", "term": "大数据"}),
    "table": (lambda made: made["run"].table, {"name": "hits"}),
    "Lexicon": (lambda _: cipin.Lexicon, {"id": "two", "terms": (cipin.Term("大数据", "技术", "技术"),)}),
    "load": (lambda _: cipin.Lexicon.load, {"name": "wu2021"}),
    "from_terms": (lambda _: cipin.Lexicon.from_terms, {"terms": ["大数据"]}),
    "with_policy": (lambda made: made["lexicon"].with_policy, {}),
    "Term": (lambda _: cipin.Term, {"name": "大数据", "dimension": "技术", "category": "技术"}),
    "Scanner": (lambda _: cipin.Scanner, {"lexicon": "lexicon"}),
    "scanner": (lambda made: cipin.Scanner(made["lexicon"]).__call__, {"table": pa.table({"text": ["大数据"]})}),
    "count": (lambda _: _count, {"lexicon": "lexicon"}),
}


def _count(lexicon: Any) -> pl.DataFrame:
    return pl.DataFrame({"text": ["大数据"]}).select(pl.col("text").cipin.count(lexicon))


def call(function: str, made: dict[str, Any], folder: Path, wrong: dict[str, Any]) -> None:
    find, right = CALLS[function]
    names = {key: value for key, value in right.items() if isinstance(value, str)}
    arguments = right | {key: made.get(value, value) if value else folder for key, value in names.items()}
    found = find(made)(**arguments | wrong)
    if isinstance(found, pl.LazyFrame):
        found.collect()


def parameters() -> Iterator[tuple[str, str]]:
    # What is bound to a run or a lexicon that is yet to be made has the parameters of its class's function.
    of = {"panel": cipin.Run, "kwic": cipin.Run, "explain": cipin.Run, "table": cipin.Run, "with_policy": cipin.Lexicon}
    for name, (find, _) in CALLS.items():
        function = getattr(of[name], name) if name in of else cipin.Scanner.__call__ if name == "scanner" else find({})
        yield from ((name, each) for each in inspect.signature(function).parameters if each != "self")


@pytest.mark.parametrize(("name", "parameter"), list(parameters()))
def test_no_parameter_fails_within(name: str, parameter: str, made: dict[str, Any], tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)
    call(name, made, tmp_path / "right", {})
    refused = []
    for number, value in enumerate(WRONG):
        try:
            call(name, made, tmp_path / str(number), {parameter: value})
        except cipin.CipinError as error:
            refused.append(str(error))
    assert refused
    assert not [message for message in refused if len(message) > 600]  # no table is shown


@pytest.mark.parametrize("function", ["run", "scan"])
@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("skip", None, 'skip = None: give a list of names such as ["toc"], or [] for none'),
        ("only", {"mda": 1}, 'only = {"mda": 1}: give a list'),
        ("skip", [7], 'skip = [7]: give a list of names such as ["toc"]; 7 is no string'),
        ("workers", -1, "workers = -1: give how many processes"),
        ("workers", "2", "workers = '2': give how many processes"),
        ("progress", 7, "progress = 7: give a function"),
        ("entity_from", 7, "entity_from = 7: give column:NAME"),
        ("out", None, "out = None: give a folder for the tables"),
    ],
)
def test_the_message_names_the_parameter_and_what_to_give(
    function: str, parameter: str, value: Any, message: str, made: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(cipin.UsageError) as error:
        call(function, made, tmp_path / "out", {parameter: value})
    assert message.replace('"', "'") in str(error.value).replace('"', "'")
    assert not (tmp_path / "out").exists()


def test_a_string_is_one_name(made: dict[str, Any], tmp_path: Path) -> None:
    run = cipin.run(made["reports"], made["lexicon"], tmp_path / "out", skip="toc", no_repair="wraps")
    assert (run.manifest["options"]["skip"], run.manifest["options"]["no_repair"]) == ("toc", "wraps")
    assert run.panel(by="entity", level="lexicon").collect().columns[:2] == ["entity", "lexicon"]


def test_what_is_taken_for_a_list_or_a_number() -> None:
    assert check_names({"b", "a"}, "skip", "") == ("a", "b")
    assert check_names((each for each in "ab"), "skip", "") == ("a", "b")
    assert check_number(np.int64(3), "workers", "") == 3
    assert check_paths("a", "reports", "") == check_paths([Path("a")], "reports", "") == ["a"]
    assert check_paths("s3://bucket/a", "reports", "") == ["s3://bucket/a"]
