"""Forms of clauses, and the kernels that compare them."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from clauses_alike import LONG, form
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.measuring import kernels
from cipin.measuring.forms import forms_of
from cipin.measuring.repeats import bands_for


@settings(deadline=None)
@given(st.lists(st.text()), st.booleans())
def test_forms(texts: list[str], digits: bool) -> None:
    forms = forms_of(pl.Series(texts, dtype=pl.String), digits)
    got = [forms[at] for at in range(len(texts))]
    assert len(forms.hashes) == len(forms.lengths) == len(texts)
    for one, text in zip(got, texts, strict=True):
        if text.isascii():
            assert one == form(text, digits)
        assert digits or not re.search("[1-9]|00", one)
    for a in range(len(texts)):
        for b in range(len(texts)):
            assert (forms.hashes[a] == forms.hashes[b]).all() == (got[a] == got[b])


def test_kernels_give_the_same_uncompiled() -> None:
    texts = pl.Series([LONG, "𠀀Ａ1２，é😀", "", LONG + "之推广", "0" * 9, "本行" + LONG])
    forms = forms_of(texts)
    assert [forms[at] for at in (1, 2, 4)] == ["𠀀a0é", "", "0"]
    chosen = np.array([0, 3, 5])
    factors = np.array([[3, 1_000_003], [2_147_483_646, 5]])
    shifts = np.array([[0, 7], [2_147_483_646, 1]])
    results = []
    for call in (lambda kernel: kernel, lambda kernel: getattr(kernel, "py_func", kernel)):
        from cipin.measuring.forms import _table
        from cipin.schema import text_column

        column = text_column(texts.to_arrow())
        points, ends = np.zeros(int(column.offsets[-1]), np.uint32), np.zeros(len(texts) + 1, np.int64)
        hashes = np.zeros((len(texts), 2), np.int64)
        n = call(kernels.make_forms)(column.data, column.offsets, _table(False), True, points, ends, hashes)
        sets, offsets = np.zeros(99, np.int64), np.zeros(4, np.int64)
        m = call(kernels.make_grams)(points, ends, chosen, sets, offsets)
        keys = np.zeros((2, 3), np.int64)
        owner = np.array([1, 1, 1])
        call(kernels.make_keys)(sets[:m], offsets, owner, factors, shifts, keys)
        best, alike, common = np.full(3, 3), np.zeros(3), np.zeros(3, np.int64)
        order = np.arange(3)
        call(kernels.find_alike)(np.zeros(3, np.int64), order, owner, sets, offsets, 0.8, 64, best, alike)
        call(kernels.count_common)(sets, offsets, order, np.array([1, 2, 0]), common)
        results.append([n, m, *(each.tolist() for each in (points, hashes, sets, offsets, keys, best, alike, common))])
    assert results[0] == results[1]
    assert results[0][7:] == [[3, 0, 0], [0.0, 14 / 17, 14 / 16], [14, 14, 14]]


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_bands_find_98_of_100_at_the_threshold(threshold: float) -> None:
    bands, rows = bands_for(threshold)
    assert bands * rows <= 128
    assert 1 - (1 - threshold**rows) ** bands >= 0.98
