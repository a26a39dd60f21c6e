"""Kernels compile where no cache can be written, too."""

import numba
import pytest

from cipin.kernel import kernel


def test_without_a_place_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locator(*arguments: object, **options: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    real = numba.njit

    def njit(**options: bool) -> object:
        return no_locator if options.get("cache") else real(**options)

    monkeypatch.setattr("cipin.kernel.numba.njit", njit)
    assert kernel(lambda n: n + 1)(2) == 3
