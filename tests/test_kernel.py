"""Kernels compile where no cache can be written, too."""

from types import SimpleNamespace

import numba
import pytest

from cipin.kernel import kernel


def test_without_a_place_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locator(*arguments: object, **options: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    def njit(**options: bool) -> object:
        return no_locator if options.get("cache") else numba.njit(**options)

    monkeypatch.setattr("cipin.kernel.numba", SimpleNamespace(njit=njit))
    assert kernel(lambda n: n + 1)(2) == 3
