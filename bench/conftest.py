"""The tables at the end of `make bench`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from race import Timing

_TIMINGS = pytest.StashKey[list[Timing]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let users measure what they have."""
    parser.addoption("--pdfs", metavar="FOLDER", help="measure reading on the PDFs of a folder, not on made ones")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what is measured."""
    config.stash[_TIMINGS] = []


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
