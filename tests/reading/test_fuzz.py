"""Damaged files of every format: no traceback, no file without a report, no end of patience; `--fuzz N` tries more."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import SEEDS, damaged_files

from cipin.errors import SourceError
from cipin.reading.parsed import parse
from cipin.reading.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory limits are Linux's")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=20, cpu_seconds=10) as made:
        yield made


@pytest.mark.parametrize("name", SEEDS)
def test_seed(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(SEEDS[name])
    assert {report.reason for report in sandbox.read(tmp_path / name)} == {""}


def test_damaged_files(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    each = request.config.getoption("--fuzz")
    ends: Counter[tuple[str, str]] = Counter()
    for number, (name, data) in enumerate(damaged_files(each, seed=each)):
        path = tmp_path / name
        path.write_bytes(data)
        began = time.monotonic()
        reports = 0
        try:
            for report in sandbox.read(path):
                reports += 1
                parsed = parse(report)
                assert (report.status == "measured") == (report.reason == "") == bool(parsed.text), (name, number)
                assert report.status == "measured" or report.message, (name, number)
                parsed.text.encode()
                ends[name, report.reason] += 1
        except SourceError:
            # The name of the text column was damaged: for the caller to say which it is.
            assert name in {"a.csv", "a.jsonl", "a.parquet", "a.arrow", "a.zip"}
            reports += 1
            ends[name, "SourceError"] += 1
        # Not one parser died, or hung: those that must are in hostile.py.
        assert reports, (name, number)
        assert time.monotonic() - began < 60, (name, number)
    print()
    for (name, reason), count in sorted(ends.items()):
        print(f"{name:16}{reason or 'measured':16}{count:8,}")
    died = {end: count for end, count in ends.items() if end[1] in {"crash", "timeout", "memory"}}
    assert sum(died.values()) <= each // 50, died
