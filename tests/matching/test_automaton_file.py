"""Automata as bytes: the same come back, are mapped and not copied; a bad file is no more than an absent one."""

import os
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from cipin.matching import automaton_file
from cipin.matching.automaton import build_automaton
from cipin.matching.automaton_file import cache_folder, cached_automaton, from_buffer, to_bytes
from cipin.matching.search import choose_kernel, search
from cipin.schema import text_column

FEW = ("云计算", "云", "大数据", "5g", "\U00020000龙")
MANY = tuple(sorted({chr(0x4E00 + at * 7 % 20000) + chr(0x4E00 + at % 5000) for at in range(3000)}))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIPIN_CACHE", str(tmp_path))
    return tmp_path / "automata"


def same(one, other):
    for each in fields(one):
        left, right = getattr(one, each.name), getattr(other, each.name)
        assert type(left) is type(right)
        assert np.array_equal(left, right)
        if isinstance(left, np.ndarray):
            assert (left.dtype, left.flags.writeable) == (right.dtype, False)


@pytest.mark.parametrize("strings", [FEW, MANY, ("云",)])
@pytest.mark.parametrize("fold", [False, True])
def test_bytes_and_back(strings, fold):
    if fold and strings is MANY:
        pytest.skip("its strings are not folded")
    automaton = build_automaton(strings, fold=fold)
    data = to_bytes(automaton)
    assert data == to_bytes(build_automaton(strings, fold=fold))
    same(automaton, from_buffer(data))


def test_a_large_automaton_is_built_once_and_then_mapped(cache, monkeypatch):
    assert cache_folder() == cache
    built = cached_automaton(MANY, fold=False)
    assert len(list(cache.glob("*.automaton"))) == len(list(cache.iterdir())) == 1
    monkeypatch.setattr(automaton_file, "build_automaton", None)
    mapped = cached_automaton(MANY, fold=False)
    same(built, mapped)
    column = text_column(pa.array(["".join(MANY[:50])]))
    kernel, _ = choose_kernel(mapped)
    found = [search(column, each, kernel, "all", 0, 1, detail=True).rows for each in (built, mapped)]
    assert np.array_equal(found[0].pattern, found[1].pattern)
    assert len(found[0].pattern) >= 50


def test_other_strings_folding_or_code_make_another_file(cache, monkeypatch):
    cached_automaton(MANY, fold=False)
    cached_automaton(MANY[:-1], fold=False)
    assert len(list(cache.iterdir())) == 2
    monkeypatch.setattr(automaton_file, "_code", lambda: "other code")
    cached_automaton(MANY, fold=False)
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize(
    "damage",
    [b"", b"what is this", b"cipin automaton 1 5\n", b"cipin automaton 1 [1]\n", "half", "header", "body", "zeros"],
)
def test_a_damaged_file_is_made_anew(cache, damage):
    expected = cached_automaton(MANY, fold=False)
    (path,) = cache.iterdir()
    data = path.read_bytes()
    if damage == "half":
        damage = data[: len(data) // 2]
    elif damage == "header":
        damage = data.replace(b'"label"', b'"lable"', 1)
    elif damage == "body":
        at = len(data) * 3 // 4
        damage = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    elif damage == "zeros":
        damage = data[:4096] + bytes(len(data) - 4096)
    path.unlink()
    path.write_bytes(damage)
    same(expected, cached_automaton(MANY, fold=False))
    assert path.read_bytes() == data


def test_a_cache_that_cannot_be_written_is_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CIPIN_CACHE", str(tmp_path / "file"))
    same(cached_automaton(MANY, fold=False), build_automaton(MANY, fold=False))


def test_the_least_recently_used_go_first(cache, monkeypatch):
    monkeypatch.setattr(automaton_file, "MAX_FILES", 2)
    for number in range(3):
        cached_automaton(MANY[number:], fold=False)
        newest = max(cache.iterdir(), key=lambda each: each.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    first = {each.name for each in cache.iterdir()}
    assert len(first) == 2
    cached_automaton(MANY[3:], fold=False)
    assert len(list(cache.iterdir())) == 2


def test_small_ones_are_not_kept(cache):
    cached_automaton(FEW, fold=True)
    assert not cache.exists()


def test_the_folder_may_be_below_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CIPIN_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own" / "automata"
