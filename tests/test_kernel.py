"""Kernels compile where no cache can be written, too, and where there is work enough."""

from types import SimpleNamespace

import numba
import pytest

from cipin.kernel import fitting, kernel


def test_without_a_place_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locator(*arguments: object, **options: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    def njit(**options: bool) -> object:
        return no_locator if options.get("cache") else numba.njit(**options)

    monkeypatch.setattr("cipin.kernel.numba", SimpleNamespace(njit=njit))
    assert kernel(lambda n: n + 1)(2) == 3


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is switched off")
def test_small_work_adds_up_and_what_is_compiled_stays_so() -> None:
    loop = kernel(lambda n: n + 1)
    assert [fitting(loop, 40, 100) is loop for _ in range(4)] == [False, False, True, True]
    other = kernel(lambda n: n + 2)
    assert fitting(other, 1, 100)(1) == 3
    assert not other.signatures
    other(1)
    assert fitting(other, 1, 100) is other
