"""What several wings' tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--heavy", action="store_true", help="also hostile files that take seconds each, and more damages")
    parser.addoption("--fuzz", type=int, default=40, metavar="N", help="damaged files of each format that are tried")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Real reports beside the checkout; not on a user's machine."""
    if not (SHARED / "corpora").is_dir():
        pytest.skip("no ../shared/corpora beside the checkout")
    return SHARED / "corpora"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Automata of tests are kept for all of them, but not among the user's."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIPIN_CACHE", str(folder / "cipin-cache"))
        yield
