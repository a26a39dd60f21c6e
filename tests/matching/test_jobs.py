"""Leftmost-longest, counts and contains: every kernel against plain Python over all occurrences, and each other."""

import random
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from cipin.errors import LexiconError, UsageError
from cipin.lexicon.model import Lexicon
from cipin.matching.automaton import build_automaton
from cipin.matching.scan import contains_match, count_matches, find_matches
from cipin.matching.scanner import Scanner
from cipin.matching.search import choose_kernel
from cipin.schema import text_column
from kernels import ALL, AVAILABLE, forced

ALPHABET = "云计算大數据数据AIaiＡ1 ，\U00020000\U00020001é\n区块链"


def occurrences(texts, lexicon):
    """(report, start, end, pattern) of all, longer first; by looking at every place."""
    found = []
    for report, text in enumerate(texts):
        spelled = lexicon.spell(text)
        for start in range(len(text)):
            here = [
                (report, start, start + len(string), number)
                for number, string in enumerate(lexicon.patterns.strings)
                if spelled.startswith(string, start)
            ]
            found += sorted(here, key=lambda row: -row[2])
    return found


def leftmost_longest(found):
    kept, last = [], (-1, 0)
    for row in found:
        if row[0] != last[0] or row[1] >= last[1]:
            kept.append(row)
            last = (row[0], row[2])
    return kept


def counts(found):
    tally = {}
    for report, _, _, pattern in found:
        tally[report, pattern] = tally.get((report, pattern), 0) + 1
    return [(*cell, number) for cell, number in tally.items()]


def made(rng):
    def word(low, high):
        return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(low, high)))

    most = rng.choice((2, 3, 8, 30))
    terms = sorted({each for each in (word(1, most).strip() for _ in range(rng.choice((1, 3, 30)))) if each} | {"云计"})
    lexicon = Lexicon.from_terms(terms, fold=rng.random() < 0.5, boundaries="none", match="all")
    texts = [word(0, rng.choice((0, 5, 100, 400))) for _ in range(rng.choice((1, 4, 40)))]
    texts += ["".join(rng.choices(terms, k=rng.randint(0, 60)))]
    return lexicon, texts


@pytest.mark.parametrize("seed", range(30))
def test_every_kernel_does_every_job_as_plain_python_does(seed):
    rng = random.Random(seed)
    try:
        lexicon, texts = made(rng)
    except LexiconError:
        lexicon, texts = Lexicon.from_terms(["云计算", "计算", "云"], match="all"), ["云计算云", "", "算云计算" * 40]
    around = pa.array(["算云", *texts, "计算"]).slice(1, len(texts))
    found = occurrences(texts, lexicon)
    for column in (text_column(pa.array(texts)), text_column(around)):
        for kernel in (None, *AVAILABLE):
            matcher = "blocks" if kernel else "ahocorasick"
            sizes = rng.choice((8, 100, None)), rng.choice((64, 128, None))
            with forced(kernel, *sizes):
                threads = rng.choice((1, 3))
                for longest, expected in ((False, found), (True, leftmost_longest(found))):
                    rows = find_matches(column, lexicon, matcher, threads, longest=longest)
                    assert list(zip(rows.report, rows.start, rows.pattern, strict=True)) == [
                        (report, start, pattern) for report, start, _, pattern in expected
                    ]
                    for row, (report, start, end, _) in enumerate(expected):
                        text = texts[report]
                        byte = rows.byte[row] - column.offsets[report]
                        assert byte == len(text[:start].encode())
                        assert rows.end[row] - rows.byte[row] == len(text[start:end].encode())
                rows = find_matches(column, lexicon, matcher, threads, detail=False)
                assert rows.pattern.tolist() == [pattern for _, _, _, pattern in found]
                rows = count_matches(column, lexicon, matcher, threads)
                assert list(zip(rows.report, rows.pattern, rows.count, strict=True)) == counts(found)
                has_any = contains_match(column, lexicon, matcher, threads)
                assert has_any.tolist() == [any(row[0] == report for row in found) for report in range(len(texts))]


@pytest.mark.parametrize("kernel", ALL)
def test_long_reports_many_reports_and_counts_over_many_blocks(kernel):
    rng = random.Random(7)
    lexicon = Lexicon.from_terms(["大数据", "数据", "云", "🐉龙"], match="all", fold=False)
    texts = ["".join(rng.choices("大数据，云x🐉龙", k=rng.choice((1, 10, 9000)))) for _ in range(400)]
    column = text_column(pa.array(texts))
    with forced(kernel):
        rows = count_matches(column, lexicon, "blocks", 2)
        got = {
            (int(report), lexicon.patterns.strings[pattern]): int(number)
            for report, pattern, number in zip(rows.report, rows.pattern, rows.count, strict=True)
        }
    assert got == {
        (report, string): text.count(string)
        for report, text in enumerate(texts)
        for string in lexicon.patterns.strings
        if string in text
    }


@pytest.mark.parametrize("kernel", ALL)
def test_text_behind_the_first_occurrence_is_not_read(kernel):
    """It could be anything: here it is not even UTF-8."""
    lexicon = Lexicon.from_terms(["云计算", "大数据"])
    text = "云计算".encode() + b"x" * 100_000 + b"\xff" * 100_000
    column = text_column(pa.array(["a"]))
    data = np.frombuffer(text + "大数据".encode(), np.uint8)
    column = type(column)(data, np.array([0, len(text), data.size], np.int64))
    with forced(kernel):
        assert contains_match(column, lexicon, "blocks").tolist() == [True, True]


@pytest.mark.parametrize("kernel", ALL)
@pytest.mark.parametrize(
    "terms", [["云计算", "大数据"], ["云", "大数据", "x𠀀y"], None], ids=["words", "characters", "many"]
)
def test_contains_where_texts_begin_with_an_occurrence_for_a_while(kernel, terms):
    """What is looked at, and in which blocks, changes with where occurrences are; what is found does not."""
    rng = random.Random(5)
    terms = terms or sorted({chr(0x4E00 + n % 900) + chr(0x4E00 + n * 7 % 900) for n in range(3000)})
    lexicon = Lexicon.from_terms(terms, match="all", fold=False, boundaries="none")
    texts = []
    for _ in range(60):
        before = rng.choice((0, 3, 15, 16, 17, 60, 5000))
        for _ in range(rng.choice((1, 5, 40))):
            filler = "あ" * before + rng.choice(("", "い", "é"))
            term = rng.choice(terms)
            texts.append(filler + rng.choice((term, term[:-1], "", term + "う" * 3000)))
    expected = [any(string in text for string in lexicon.patterns.strings) for text in texts]
    assert 0.2 < np.mean(expected) < 0.9
    with forced(kernel):
        assert contains_match(text_column(pa.array(texts)), lexicon, "blocks").tolist() == expected


_AT_THE_END_OF_A_PAGE = """
import ctypes, mmap, sys
from typing import get_args
import numpy as np
from cipin.matching import search
from cipin.matching.automaton import build_automaton
from cipin.schema import TextColumn
page = mmap.PAGESIZE
pages = mmap.mmap(-1, 9 * page)
base = np.frombuffer(pages, np.uint8)
libc = ctypes.CDLL(None, use_errno=True)
# Whatever touches the page behind the text is killed.
assert libc.mprotect(ctypes.c_void_p(base.ctypes.data + 8 * page), ctypes.c_size_t(page), 0) == 0
automaton = build_automaton(("云计算", "云", "大数据平台"), fold=True)
for size in (3, 9, 61, 64, 100, 4096, 8 * page):
    text = ("云计算，大數據" * 5000).encode()[: size // 3 * 3]
    data = base[8 * page - len(text) : 8 * page]
    data[:] = np.frombuffer(text, np.uint8)
    column = TextColumn(data, np.array([0, len(text)], np.int64))
    for job in get_args(search.Job):
        result = search.search(column, automaton, sys.argv[1], job, 0, 1, detail=True)
        if job == "all":
            assert len(result.rows.report) == text.decode().count("云计算") + text.decode().count("云")
print("held")
"""


@pytest.mark.parametrize("kernel", ALL)
def test_no_byte_behind_the_buffer_is_touched(kernel):
    """The text ends where its page does, and the next page may not be read."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_END_OF_A_PAGE, kernel], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_the_scanner_counts_and_tells_whether_by_what_counts():
    texts = ["云计算与云", "AI", "MAIN", "", "大数据大数据平台"]
    column = text_column(pa.array(texts))
    for terms, options in (
        (["云计算", "云", "AI", "大数据平台", "大数据"], {}),
        (["云计算", "云", "AI", "大数据平台", "大数据"], {"boundaries": "none"}),
        (["云计算", "云", "AI", "大数据平台", "大数据"], {"boundaries": "none", "match": "all"}),
        (["云"], {"boundaries": "none", "guards": {"云": ["云计算"]}}),
    ):
        scanner = Scanner(Lexicon.from_terms(terms, **options))
        rows = scanner(pa.table({"text": texts}))["row"].to_pylist()
        assert scanner.count(column).tolist() == [rows.count(row) for row in range(len(texts))]
        assert scanner.contains(column).tolist() == [row in rows for row in range(len(texts))]


def test_the_kernel_is_chosen_and_the_reason_named():
    few = build_automaton(("大数据", "云计算"), fold=True)
    many = build_automaton(tuple(chr(0x4E00 + at) + chr(0x5E00 + at) for at in range(3000)), fold=False)
    long = build_automaton(("云" * 9000,), fold=False)
    astral = build_automaton(tuple(chr(0x20000 + at) + "云" for at in range(2100)), fold=False)
    assert choose_kernel(few, "portable")[0] == "portable-filtered"
    assert choose_kernel(many, "portable") == ("portable-levels", "as asked for; the lexicon begins in many ways")
    if "avx512-levels" in AVAILABLE:
        assert choose_kernel(few)[0] == "avx512-filtered"
        assert choose_kernel(many)[0] == "avx512-levels"
    for automaton, why in ((long, "9000 characters"), (astral, r"beyond U\+FFFF")):
        assert choose_kernel(automaton)[0].startswith("portable")
        with pytest.raises(UsageError, match=why):
            choose_kernel(automaton, "avx512")


def test_what_the_vector_kernels_lack_is_named(monkeypatch):
    monkeypatch.setattr("cipin.matching.search.missing_features", lambda: ("avx512vbmi2",))
    few = build_automaton(("大数据",), fold=True)
    assert choose_kernel(few)[1] == "the processor lacks avx512vbmi2; the lexicon begins in few ways"
    with pytest.raises(UsageError, match="lacks avx512vbmi2; take 'auto'"):
        choose_kernel(few, "avx512")
