"""Whole runs, from a folder of files to tables: series over workers, size of corpus and size of lexicon; no floors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from definitions import Corpus, Source, WholeRun, read_runs, read_sources
from made_pdfs import write_pdfs
from processes import Done, run_script
from race import Timing

ROUNDS = 2


@pytest.mark.benchmark(timer=time.perf_counter)
@pytest.mark.parametrize(
    "definition",
    [pytest.param(each, id=each.name, marks=[pytest.mark.quick] if each.quick else []) for each in read_runs()],
)
def test_run(
    definition: WholeRun,
    benchmark: BenchmarkFixture,
    show: Callable[[Timing], None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Every report is measured, with the hits of the definition; workers leave the same files as one process."""
    large = request.config.getoption("--large")
    if large:
        definition = replace(definition, files=definition.files * definition.large, hits=())
    sources, outs = read_sources(), count()
    folders = {times: write_reports(tmp_path / f"times-{times}", definition, times) for times in definition.times}
    lexicons = {name: _asked(tmp_path / f"{name}.json", sources[name]) for name in definition.lexicons}
    seconds: dict[str, list[float]] = {}
    done: dict[str, tuple[Done, dict[str, Any]]] = {}

    def run_all() -> None:
        for times, name, workers in product(definition.times, definition.lexicons, definition.workers):
            out = tmp_path / f"out-{next(outs)}"
            asked = {"reports": str(folders[times]), "out": str(out), "workers": workers, **lexicons[name]}
            ended = run_script("whole.py", asked)
            left = json.loads(ended.output)
            entrant = f"{times}x, {name}, {workers}"
            done[entrant] = (ended, left)
            seconds.setdefault(entrant, []).append(left["seconds"])

    benchmark.pedantic(run_all, rounds=ROUNDS)  # type: ignore[no-untyped-call]
    check(definition, {entrant: left for entrant, (_, left) in done.items()})
    amounts = {entrant: _size(folders[int(entrant.partition("x")[0])], definition) for entrant in seconds}
    notes = {
        entrant: f"{ended.peak / 1e6:,.0f} MB at most, {left['hits']:,} hits" for entrant, (ended, left) in done.items()
    }
    unit = {"text": "bytes", "rows": "rows", "pdf": "pages"}[definition.kind]
    timing = Timing(definition.name, definition.question, amounts, seconds, unit=unit, notes=notes)
    benchmark.extra_info.update(timing.record(), peaks={entrant: ended.peak for entrant, (ended, _) in done.items()})
    show(timing)


def write_reports(folder: Path, definition: WholeRun, times: int) -> Path:
    """Write the reports of a series into `folder`, and return it."""
    folder.mkdir()
    n_files = definition.files * times
    if definition.kind == "pdf":
        write_pdfs(folder, n_files, definition.pages)
        return folder
    densest = max((read_sources()[name] for name in definition.lexicons), key=lambda source: source.hits_per_10k)
    texts = Corpus("zipf", n_files, definition.chars).texts(densest)
    if definition.kind == "rows":
        write_rows(folder / "rows.jsonl", texts)
        return folder
    for number, text in enumerate(texts):
        (folder / f"银行{number:05d}_2020年报.txt").write_text(text, encoding="utf-8")
    return folder


def write_rows(path: Path, texts: Iterable[str]) -> None:
    """Write texts as the rows of a table, each with a title and a day as news have them."""
    rows = (
        {"date": f"2020-{1 + at % 12:02}-{1 + at % 28:02}", "title": f"第{at}条：{text[:12]}", "text": text}
        for at, text in enumerate(texts)
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def check(definition: WholeRun, left: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise AssertionError if reports are missing, hits are others, or workers leave other files."""
    cells = product(definition.times, definition.lexicons)
    for number, (times, name) in enumerate(cells):
        each = [left[f"{times}x, {name}, {workers}"] for workers in definition.workers]
        assert all(one["status"] == {"measured": definition.files * times} for one in each), each[0]["status"]
        assert all(one["files"] == each[0]["files"] for one in each), f"{times}x, {name}: other files"
        if definition.hits:
            assert each[0]["hits"] == definition.hits[number], f"{times}x, {name}: other hits"


def _asked(path: Path, source: Source) -> dict[str, str]:
    if source.terms is None and source.source != "jieba":
        return {"lexicon": source.source}
    path.write_text(json.dumps([term.name for term in source.lexicon("all").terms]), encoding="utf-8")
    return {"terms": str(path)}


def _size(folder: Path, definition: WholeRun) -> int:
    files = list(folder.iterdir())
    if definition.kind == "text":
        return sum(path.stat().st_size for path in files)
    return len(files) * definition.pages if definition.kind == "pdf" else files[0].read_bytes().count(b"\n")
