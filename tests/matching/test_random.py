"""Random texts and lexicons: every matcher against the oracle."""

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import naive
from cipin.errors import LexiconError
from cipin.lexicon.model import Lexicon
from cipin.matching import judge as judge_module
from cipin.matching.scanner import Scanner
from kernels import AVAILABLE, forced

# Few characters, so that terms, guards and texts meet often: Han in both scripts, Latin in three widths, one to four
# bytes long in UTF-8, and marks.
ALPHABETS = ("金融", "大數据aB", "金科大數据aB5é\U00020bb7\uff21，\n")


@st.composite
def lexicons(draw, alphabet):
    word = st.text(alphabet=alphabet.replace("\n", ""), min_size=1, max_size=5)
    names = draw(st.lists(word, min_size=1, max_size=6, unique=True))
    phrases = st.dictionaries(st.sampled_from(names), st.lists(word, max_size=3), max_size=3)
    around = {
        name: [draw(word) + name, name + draw(word)] for name in draw(st.lists(st.sampled_from(names), max_size=2))
    }
    try:
        return Lexicon.from_terms(
            names,
            match=draw(st.sampled_from(("all", "leftmost-longest"))),
            fold=draw(st.booleans()),
            boundaries=draw(st.sampled_from(("latin", "none"))),
            variants=draw(phrases),
            guards=draw(phrases) | around,
            unless=draw(phrases),
        )
    except LexiconError:
        return None


@given(data=st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_matchers_equal_the_oracle(data, monkeypatch):
    alphabet = data.draw(st.sampled_from(ALPHABETS))
    lexicon = data.draw(lexicons(alphabet))
    if lexicon is None:
        return
    texts = data.draw(st.lists(st.text(alphabet=alphabet, max_size=120), max_size=6))
    expected = [
        (row, hit.term, hit.surface, hit.start, hit.end, hit.kept, hit.reason)
        for row, text in enumerate(texts)
        for hit in naive.find_hits(text, lexicon)
    ]
    # Tiny blocks, so that hits cross their borders.
    filter_bytes = data.draw(st.sampled_from((8, 64, 8192)))
    monkeypatch.setattr(judge_module, "SMALL_ROWS", data.draw(st.sampled_from((-1, 1 << 60))))
    table = pa.table({"text": pa.array(texts, pa.string())})
    for kernel in (None, *AVAILABLE):
        matcher = "blocks" if kernel else "ahocorasick"
        with forced(kernel, 8, filter_bytes):
            for threads in (1, 3):
                found = Scanner(lexicon, matcher=matcher, threads=threads)(table, suppressed=True)
                assert [tuple(row.values()) for row in found.to_pylist()] == expected
