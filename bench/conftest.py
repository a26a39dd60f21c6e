"""Options of `make bench`, and the tables at its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import pytest

# One thread for everybody; read when Polars is first imported, which is after this.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from definitions import read_engines, read_sources
from engines.cipin_blocks import kernel_path
from race import Timing

_TIMINGS = pytest.StashKey[list[Timing]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let users measure what they have, and CI what it has time for."""
    parser.addoption("--pdfs", metavar="FOLDER", help="measure reading on the PDFs of a folder, not on made ones")
    parser.addoption("--quick", action="store_true", help="only what is marked quick, and engines that have floors")
    parser.addoption("--scale", type=int, default=1, metavar="N", help="N times as many reports for the matchers")
    parser.addoption("--large", action="store_true", help="whole runs as large as real corpora are")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what is measured."""
    config.stash[_TIMINGS] = []
    config.addinivalue_line("markers", "quick: part of `make bench-quick`")


def pytest_benchmark_update_machine_info(machine_info: dict[str, object]) -> None:
    """Keep what the figures depend on with them."""
    distributions = {"ahocorasick": "pyahocorasick"}
    versions = {}
    for package in ("numba", *(engine.needs for engine in read_engines().values())):
        name = distributions.get(package, package)
        with contextlib.suppress(PackageNotFoundError, ValueError):
            versions[name] = version(name)
    machine_info.update(versions=versions, cipin_kernels=kernel_path(read_sources()["60"].lexicon("all")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --quick, leave what is not quick."""
    if config.getoption("--quick"):
        left = [item for item in items if not item.get_closest_marker("quick")]
        items[:] = [item for item in items if item.get_closest_marker("quick")]
        config.hook.pytest_deselected(items=left)


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[Timing], None]:
    """Return a function that puts a timing into the tables."""
    return request.config.stash[_TIMINGS].append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table for each benchmark."""
    for timing in terminalreporter.config.stash[_TIMINGS]:
        terminalreporter.write_line("")
        for line in timing.lines():
            terminalreporter.write_line(line)
