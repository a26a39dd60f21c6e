"""What several wings' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--heavy", action="store_true", help="also hostile files that take seconds each")
    parser.addoption("--fuzz", type=int, default=40, metavar="N", help="damaged files of each format that are tried")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Real reports beside the checkout; not on a user's machine."""
    if not (SHARED / "corpora").is_dir():
        pytest.skip("no ../shared/corpora beside the checkout")
    return SHARED / "corpora"
