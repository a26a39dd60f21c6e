"""The kernel cuts text into words exactly as jieba does without its HMM."""

from __future__ import annotations

import logging
from collections.abc import Callable

import jieba
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipin.lexicon.fold import fold
from cipin.lexicon.model import Lexicon
from cipin.matching.automaton import build_automaton
from cipin.matching.filters import MAX_KEYS
from cipin.matching.judge import judge
from cipin.matching.kernels import plain
from cipin.matching.scan import find_matches
from cipin.matching.words import between_words, count_words, dictionary, word_starts
from cipin.schema import text_column

jieba.setLogLevel(logging.WARNING)


@pytest.fixture(scope="module")
def words_of() -> Callable[[str], list[str]]:
    own = jieba.Tokenizer()
    return lambda text: list(own.cut(text, HMM=False))


def starts(words: list[str]) -> list[int]:
    return np.cumsum([0, *map(len, words)])[:-1].tolist()


#: Words, parts of words, letters that jieba puts together, marks within its blocks and outside, and rare characters.
PIECES = [
    *"的一是在数据大银行化", *"aB1+#&._%-", *"，。：（）! \t", "\r\n", "\r", "\n", "數據", "０Ａ", "㐀", "𠀀", "鿕",
    "鿖", "é", "数字化转型", "大数据", "中国人民银行", "人工智能", "云计算", "AA制", "卡拉OK", "T恤", "研究生命",
    "结婚的和尚未结婚的",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@settings(max_examples=400, deadline=None)
def test_cuts_as_jieba_does(words_of: Callable[[str], list[str]], text: str) -> None:
    assert word_starts(text).tolist() == starts(words_of(text))
    assert word_starts(text, fold_text=True).tolist() == starts(words_of(fold(text)))


@given(st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_cuts_words_of_the_dictionary_as_jieba_does(words_of: Callable[[str], list[str]], at: list[int]) -> None:
    every = list(jieba.dt.FREQ) or list(words_of("")) or PIECES
    text = "".join(every[(each * 7919 + number * 104729) % len(every)] for number, each in enumerate(at))
    assert word_starts(text).tolist() == starts(words_of(text))


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=24).map("".join), max_size=4))
@settings(max_examples=100, deadline=None)
def test_counts_the_words_that_are_no_marks(words_of: Callable[[str], list[str]], texts: list[str]) -> None:
    column = text_column(pa.array(texts, pa.string()))
    for fold_text in (False, True):
        expected = [
            sum("\u4e00" <= word[0] <= "\u9fd5" or (word[0].isascii() and word[0].isalnum()) for word in words)
            for words in (words_of(fold(text) if fold_text else text) for text in texts)
        ]
        assert count_words(column, fold_text=fold_text).tolist() == expected


def test_counts_words_of_a_block_longer_than_the_scratch(words_of: Callable[[str], list[str]]) -> None:
    texts = ["大数据", "研究大数据平台" * 2000, "", "AI"]
    expected = [len(words_of(text)) for text in texts]
    assert count_words(text_column(pa.array(texts))).tolist() == expected


def test_user_words_of_a_jieba_in_use_are_none_of_ours() -> None:
    dictionary.cache_clear()
    jieba.add_word("推进数字化", freq=10**9)
    try:
        assert word_starts("推进数字化转型").tolist() == [0, 2, 5]
    finally:
        jieba.del_word("推进数字化")
        dictionary.cache_clear()


@pytest.mark.parametrize("kernel", [plain, lambda kernel: kernel], ids=["plain", "compiled"])
def test_spans_of_long_blocks(
    kernel: Callable[..., Callable[..., object]], words_of: Callable[[str], list[str]]
) -> None:
    """Blocks longer than the first scratch, several hits in one, and hits over its ends."""
    text = "研究大数据平台" * 700 + "。大数据，四大数据"
    cuts = {*starts(words_of(text)), len(text)}
    begin = [at for at in range(len(text)) if text.startswith("大数据", at)]
    bytes_at = np.cumsum([0, *(len(each.encode()) for each in text)])
    column = text_column(pa.array(["前", text]))
    shift = column.offsets[1]
    fits = between_words(
        column, False, np.ones(len(begin), np.int32), shift + bytes_at[begin],
        shift + bytes_at[np.array(begin) + 3], np.ones(len(begin), np.bool_), kernel,
    )  # fmt: skip
    assert fits.tolist() == [each in cuts and each + 3 in cuts for each in begin]
    assert not fits.all()
    assert fits.any()


def test_hits_of_a_lexicon_that_asks_for_word_boundaries() -> None:
    lexicon = Lexicon.from_terms(["大数据", "数据"], boundaries="jieba", match="all")
    column = text_column(pa.array(["四大数据中心，大数据", "", "數據"]))
    hits = judge(find_matches(column, lexicon), column, lexicon)
    assert [(int(r), int(s), bool(k)) for r, s, k in zip(hits.report, hits.start, hits.kept, strict=True)] == [
        (0, 1, False), (0, 2, False), (0, 7, True), (0, 8, True), (2, 0, True),
    ]  # fmt: skip


def test_large_lexicons_are_built_without_a_filter_that_they_would_not_use() -> None:
    words = tuple(chr(0x4E00 + at) + chr(0x4E00 + at * 7 % 20000) for at in range(3000))
    assert build_automaton(words, fold=False).is_selective is False
    assert build_automaton(words[:20], fold=False).key_passes.sum() <= MAX_KEYS
