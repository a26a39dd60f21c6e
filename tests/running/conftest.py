"""The demonstration corpus, and one run over it that tests only read."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from runs import TEXTS, write

import cipin
from cipin.running import plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A command that is called in this process logs to the stderr of its test, which is closed behind it."""
    yield
    for handler in logging.getLogger().handlers[:]:
        if type(handler) is logging.StreamHandler:
            logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """bench/made_reports.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return importlib.import_module("made_reports")


@pytest.fixture(scope="session")
def demo(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the demonstration corpus."""
    folder = tmp_path_factory.mktemp("demo") / "reports"
    made.write_demo(folder)
    return folder


@pytest.fixture(scope="session")
def done(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> cipin.Run:
    """A run over the demonstration corpus."""
    return cipin.run(demo, "fintech-zh", tmp_path_factory.mktemp("done") / "out")


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of some 80 kB, so that the demonstration corpus is worked through in more than one."""
    monkeypatch.setattr(plan, "LEAST_BYTES", 60_000)
    monkeypatch.setattr(plan, "CUT_BYTES", 20_000)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Folder of three small reports."""
    return write(tmp_path / "reports", **TEXTS)


@pytest.fixture
def out(reports: Path, tmp_path: Path) -> Path:
    """Output of a run over them."""
    cipin.run(reports, "wu2021", tmp_path / "out")
    return tmp_path / "out"
