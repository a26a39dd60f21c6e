"""Clauses and sentences: the case tables and random texts, against the oracle, compiled and not."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from cases_of import cases
from cipin.errors import UsageError
from cipin.reading import segment
from cipin.schema import text_column

HAN = "金融科䶿鿿〇⺀㐀豈\U00020000"
#: Hexagrams stand in the midst of Han; kana and ¥ are looked at, and no marks.
MARKS = HAN + "䷀䷿のé¥\u0301 aBc . AbZ5９Ｚ\U0001f600，。；：！？…,;:!?.．（）()《》“”「」’、\n\r \t\u3000"
COMPILED = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])


def clauses(texts, policy, compiled):
    column = text_column(pa.array(texts, pa.string()))
    spans, measure = segment.find_clauses(column, policy, compiled=compiled)
    return pieces(texts, column, spans), measure


def sentences(texts, compiled):
    column = text_column(pa.array(texts, pa.string()))
    return pieces(texts, column, segment.find_sentences(column, compiled=compiled))


def pieces(texts, column, spans):
    found = [[] for _ in texts]
    columns = (spans.report, spans.start, spans.end, spans.byte_start, spans.byte_end)
    for report, start, end, byte_start, byte_end in zip(*(each.tolist() for each in columns), strict=True):
        assert column.data[byte_start:byte_end].tobytes().decode() == texts[report][start:end]
        found[report].append((start, end))
    return found


@COMPILED
@pytest.mark.parametrize("case", cases("clauses.toml"))
def test_clauses(case, compiled):
    text, policy = case["text"], case.get("policy", "default")
    assert [text[start:end] for start, end in naive.find_clauses(text, policy)] == case["clauses"]
    found, _ = clauses(["前。（", text, "）后"], policy, compiled)
    assert [text[start:end] for start, end in found[1]] == case["clauses"]


@COMPILED
@pytest.mark.parametrize("case", cases("sentences.toml"))
def test_sentences(case, compiled):
    text = case["text"]
    assert [text[start:end] for start, end in naive.find_sentences(text)] == case["sentences"]
    assert [text[start:end] for start, end in sentences(["前“", text, "”后"], compiled)[1]] == case["sentences"]


@COMPILED
def test_patience(compiled):
    """An opening bracket is given up after 200 characters."""
    for length, expected in ((199, 1), (200, 2)):
        text = "（" + "长" * length + "，乙"
        assert len(naive.find_clauses(text)) == expected
        assert len(clauses([text], "default", compiled)[0][0]) == expected


@given(texts=st.lists(st.text(alphabet=MARKS, max_size=300), max_size=5), policy=st.sampled_from(("default", "blank")))
@settings(max_examples=300, deadline=None)
def test_random_texts_compiled(texts, policy):
    found, measure = clauses(texts, policy, compiled=True)
    assert found == [naive.find_clauses(text, policy) for text in texts]
    assert measure.chars.tolist() == [len(text) for text in texts]
    assert measure.clauses.tolist() == [len(each) for each in found]
    assert measure.han_chars.tolist() == [sum(text.count(han) for han in HAN) for text in texts]
    assert sentences(texts, compiled=True) == [naive.find_sentences(text) for text in texts]


@given(texts=st.lists(st.text(alphabet=MARKS, max_size=300), max_size=5), policy=st.sampled_from(("default", "blank")))
@settings(max_examples=60, deadline=None)
def test_random_texts_plain(texts, policy):
    found, measure = clauses(texts, policy, compiled=False)
    assert found == [naive.find_clauses(text, policy) for text in texts]
    assert measure.chars.tolist() == [len(text) for text in texts]
    assert measure.clauses.tolist() == [len(each) for each in found]
    assert measure.han_chars.tolist() == [sum(text.count(han) for han in HAN) for text in texts]
    assert sentences(texts, compiled=False) == [naive.find_sentences(text) for text in texts]


@given(texts=st.lists(st.text(alphabet=MARKS, max_size=200), max_size=5), begin=st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_marks_are_the_same_with_and_without_the_compiler(texts, begin):
    """Of a part of a column, too, whose bytes begin and end within the buffer."""
    column = text_column(pa.array(["前。", *texts, "后，"], pa.string()).slice(begin, len(texts)))
    one, other = segment.find_marks(column, compiled=True), segment.find_marks(column, compiled=False)
    for name in ("first", "byte", "char", "kind", "chars", "han_chars"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist(), name


@COMPILED
def test_more_clauses_than_room(compiled):
    texts = ["甲，" * 2000, "", "a," * 3000, "乙"]
    found, measure = clauses(texts, "default", compiled)
    assert [len(each) for each in found] == [2000, 0, 3000, 1] == measure.clauses.tolist()


def test_an_unknown_policy_is_refused():
    with pytest.raises(UsageError, match="'default', 'blank'"):
        segment.find_clauses(text_column(pa.array(["甲"])), "lines")
