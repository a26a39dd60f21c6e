"""What text columns are taken, which matcher is chosen, and that threads and chunks change nothing."""

import gc
import random

import numba
import numpy as np
import pyarrow as pa
import pytest

from cipin.errors import LexiconError, SchemaError, UsageError
from cipin.lexicon.model import Lexicon
from cipin.matching import scan, search
from cipin.matching import scanner as scanner_module
from cipin.matching.automaton import build_automaton
from cipin.matching.scan import choose_matcher, find_matches
from cipin.matching.scanner import SCANNED, Scanner
from cipin.schema import TextColumn, text_column
from kernels import ALL, forced

LEXICON = Lexicon.from_terms(["大数据", "云计算", "5G"])
TEXTS = ["推进大数据", "", "云计算与5G", "無", "大數據" * 5]


def rows(column, lexicon=LEXICON, matcher="blocks", threads=1):
    found = find_matches(column, lexicon, matcher, threads)
    return list(
        zip(found.report.tolist(), found.start.tolist(), found.byte.tolist(), found.pattern.tolist(), strict=True)
    )


@pytest.mark.parametrize("matcher", ["blocks", "portable", "ahocorasick"])
@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS, pa.string()),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS).cast(pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.chunked_array([TEXTS[:1], [], TEXTS[1:]]),
        pa.array(["x", *TEXTS, "y"]).slice(1, len(TEXTS)),
        pa.chunked_array([pa.array(["x", *TEXTS[:2]]).slice(1), pa.array([*TEXTS[2:], "y"]).slice(0, 3)]),
    ],
    ids=["string", "large", "view", "dictionary", "chunked", "sliced", "sliced chunks"],
)
def test_every_kind_of_string_column(column, matcher):
    found = Scanner(LEXICON, matcher=matcher)(pa.table({"text": column}))
    expected = Scanner(LEXICON, matcher="ahocorasick")(pa.table({"text": TEXTS}))
    assert found.equals(expected)
    assert found["row"].to_pylist() == [0, 2, 2, 4, 4, 4, 4, 4]


@pytest.mark.parametrize("matcher", ["blocks", "portable", "ahocorasick"])
@pytest.mark.parametrize("texts", [[], [""], ["", "", ""]])
def test_no_text(texts, matcher):
    assert len(Scanner(LEXICON, matcher=matcher)(pa.table({"text": pa.array(texts, pa.string())}))) == 0


def test_nulls_are_refused():
    with pytest.raises(SchemaError, match="1 of 2 texts are null"):
        text_column(pa.array(["大数据", None]))


def test_a_column_of_numbers_is_refused():
    with pytest.raises(SchemaError, match="int64, not string"):
        text_column(pa.array([1, 2]))


@pytest.mark.parametrize("bad", [b"\xe5\xa4", b"\xff\xfe", b"a\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
def test_invalid_utf8_is_refused(bad):
    column = pa.array([b"ok", bad]).cast(pa.binary())
    column = pa.StringArray.from_buffers(2, column.buffers()[1], column.buffers()[2])
    with pytest.raises(SchemaError, match="UTF-8"):
        text_column(column)


def test_a_missing_column_is_named():
    with pytest.raises(SchemaError, match="no column 'body' in the table; it has text"):
        Scanner(LEXICON)(pa.table({"text": ["a"]}), "body")


@pytest.mark.parametrize("suppressed", [False, True])
@pytest.mark.parametrize("chunks", [1, 2, 60])
def test_columns_are_kept_as_each_row_has_them(monkeypatch, chunks, suppressed):
    monkeypatch.setattr(scanner_module, "PART_BYTES", 100)
    texts = [TEXTS[at % len(TEXTS)] for at in range(60)]
    ids = [f"报告{at}" if at % 7 else None for at in range(60)]
    whole = pa.table({"id": ids, "text": texts, "at": pa.array(range(60), pa.int16())})
    size = 60 // chunks
    table = pa.concat_tables([whole.slice(at, size).combine_chunks() for at in range(0, 60, size)])
    assert table["text"].num_chunks == chunks
    found = Scanner(LEXICON)(table, keep=["at", "id"], suppressed=suppressed)
    assert found.drop_columns(["at", "id"]).equals(Scanner(LEXICON)(pa.table({"text": texts}), suppressed=suppressed))
    assert found["at"].to_pylist() == found["row"].to_pylist()
    assert found["id"].to_pylist() == [ids[row] for row in found["row"].to_pylist()]
    assert found.schema == pa.schema([*SCANNED, ("at", pa.int16()), ("id", pa.string())])


@pytest.mark.parametrize("texts", [[], ["", "无"]])
def test_without_a_hit_the_schema_is_the_same(texts):
    table = pa.table({"id": pa.array(texts, pa.large_string()), "text": pa.array(texts, pa.string())})
    for part in (table, table.slice(0, 0), *table.to_batches()):
        found = Scanner(LEXICON)(part, keep=["id"])
        assert (len(found), found.schema) == (0, pa.schema([*SCANNED, ("id", pa.large_string())]))


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["row"], "'row' can't be kept, hits have a column of that name; rename it"),
        (["id", "id"], "'id' can't be kept, it is named twice"),
        (["doc"], "no column 'doc' in the table; it has id, text, row, two, two"),
        (["two"], "2 columns of the table are called 'two'; rename all but one"),
    ],
)
def test_columns_that_cannot_be_kept_are_named(keep, message):
    table = pa.table([["a"]] * 5, ["id", "text", "row", "two", "two"])
    with pytest.raises(SchemaError, match=message):
        Scanner(LEXICON)(table, keep=keep)


def test_nulls_are_counted_over_all_chunks(monkeypatch):
    monkeypatch.setattr(scanner_module, "PART_BYTES", 1)
    with pytest.raises(SchemaError, match="2 of 3 texts are null"):
        Scanner(LEXICON)(pa.table({"text": pa.chunked_array([["大数据"], pa.nulls(2, pa.string())])}))


@pytest.mark.parametrize("kernel", ALL)
def test_a_text_is_let_go_when_it_is_read(kernel):
    """Without waiting for the collector: a run over shards would hold those before."""
    column = pa.chunked_array([["推进大数据，" * 1000], ["无" * 1000]])
    scanner = Scanner(LEXICON, matcher="blocks")
    gc.collect()
    gc.disable()
    try:
        with forced(kernel):
            len(scanner(pa.table({"text": column})))
            before = pa.total_allocated_bytes()
            for _ in range(3):
                len(scanner(pa.table({"text": column})))
        assert pa.total_allocated_bytes() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("threads", [2, 3, 7, 50])
def test_threads_change_nothing(threads):
    rng = random.Random(4)
    texts = ["".join(rng.choices("大数据云计算5G，", k=rng.choice((0, 3, 400)))) for _ in range(60)]
    column = text_column(pa.array(texts))
    assert rows(column, threads=threads) == rows(column)
    assert len(rows(column)) > 20


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 4095, 8192, 8193, 16384, 16385])
@pytest.mark.parametrize("kernel", ALL)
def test_no_byte_is_missed_at_a_border(kernel, size):
    text = "，" * (size // 3) + "." * (size % 3) + "大数据"
    column = text_column(pa.array([text, text]))
    for filter_bytes in (64, None):
        with forced(kernel, filter_bytes=filter_bytes):
            found = rows(column)
        assert [(report, start) for report, start, _, _ in found] == [(0, len(text) - 3), (1, len(text) - 3)]


def test_nothing_beyond_the_buffer_is_read():
    """The bytes behind the column would complete a term."""
    data = np.frombuffer("前大数据".encode(), np.uint8)
    for cut in range(1, 4):
        view = pa.LargeStringArray.from_buffers(
            1, pa.py_buffer(np.array([0, 3 * cut], np.int64)), pa.py_buffer(data[: 3 * cut])
        )
        for matcher in ("blocks", "ahocorasick"):
            assert rows(text_column(view), matcher=matcher) == []


@pytest.mark.parametrize("kernel", ALL)
def test_more_rows_than_room(kernel):
    """Every position holds many nested patterns: the kernels run out of room and go on."""
    lexicon = Lexicon.from_terms(["哈" * n for n in range(1, 40)], match="all")
    text = "哈" * 600
    column = text_column(pa.array([text, "", text]))
    expected = sum(600 - n + 1 for n in range(1, 40))
    with forced(kernel, 512, 512):
        found = rows(column, lexicon)
    assert len(found) == 2 * expected
    assert found[:39] == [(0, 0, 0, pattern) for pattern in range(38, -1, -1)]
    assert [start for _, start, _, _ in found] == sorted(start for _, start, _, _ in found[:expected]) * 2


def test_the_matcher_is_chosen_by_size_and_named():
    assert choose_matcher(1000)[0] == "ahocorasick"
    assert choose_matcher(1 << 30)[0] == "blocks"
    assert choose_matcher(1 << 30, "ahocorasick") == ("ahocorasick", "as asked for")
    with pytest.raises(UsageError, match="'auto', 'ahocorasick', 'blocks', 'portable', 'avx512'"):
        choose_matcher(1, "regex")


def test_texts_whose_places_no_number_would_hold_are_refused(monkeypatch):
    monkeypatch.setattr("cipin.schema._MOST", 10)
    assert len(text_column(pa.array(["大数据"] * 9))) == 9
    with pytest.raises(SchemaError, match="text 1 has 12 bytes; cut it into texts of fewer than 10"):
        text_column(pa.array(["a", "大数据云"]))
    with pytest.raises(SchemaError, match="10 texts; hand over fewer than 10 at a time"):
        text_column(pa.array(["a"] * 10))


def test_many_empty_texts_are_no_small_input():
    assert choose_matcher(0, "auto", 5_000_000)[0] == "blocks"
    assert choose_matcher(0, "auto", 1000)[0] == "ahocorasick"


@pytest.mark.parametrize("terms", [["大数据"], [chr(0x4E00 + first) for first in range(500)]])
def test_what_is_prepared_is_what_a_report_is_searched_by(monkeypatch, terms):
    lexicon, taken = Lexicon.from_terms(terms, fold=False), []

    def noted(column, automaton, kernel, *more, **named):
        taken.append(kernel)
        return search.search(column, automaton, kernel, *more, **named)

    monkeypatch.setattr(scan, "search", noted)
    kernel, _ = scan.prepare(lexicon, "portable", changed=lexicon)
    find_matches(text_column(pa.array(["推进大数据，云计算。" * 1000])), lexicon, "portable")
    assert taken == [kernel] * 3
    assert kernel == ("portable-filtered" if len(terms) == 1 else "portable-levels")


def test_a_long_pattern_is_not_walked_through_many_small_reports(monkeypatch):
    """Four times its length is the least that a report must have on average, for the kernels that walk over bytes."""
    taken = []
    monkeypatch.setattr(
        scan, "search", lambda *given, **_: taken.append(given[2]) or search.search(*given, detail=True)
    )
    lexicon = Lexicon.from_terms(["哈" * 100], boundaries="none")
    for texts, kind in ((["哈"] * 50, "levels"), (["，" * 500], "filtered")):
        assert len(find_matches(text_column(pa.array(texts)), lexicon, "blocks")) == 0
        assert taken.pop().endswith(kind)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="Python itself refuses to read behind the end")
def test_text_that_is_no_utf8_ends():
    """text_column refuses it; who makes a column by hand is promised nothing but an end."""
    data = np.frombuffer("云".encode() + b"\xe4", np.uint8)
    for ends in ([0, 4], [0, 4, 4]):
        column = TextColumn(data, np.array(ends, np.int64))
        with forced("portable-levels"):
            assert len(find_matches(column, LEXICON, "blocks")) == 0


def test_no_threads_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        Scanner(LEXICON, threads=0)


def test_more_characters_than_classes():
    strings = tuple(chr(0x10000 + at) for at in range(0xFFFF))
    with pytest.raises(LexiconError, match="distinct characters"):
        build_automaton(strings, fold=False)


@pytest.mark.parametrize("kernel", ALL)
def test_large_lexicons_are_found_whole(kernel):
    rng = random.Random(1)
    words = list(
        {
            "".join(chr(0x4E00 + int(2000 * rng.random() ** 3)) for _ in range(rng.randint(2, 5)))
            for _ in range(2_000 if numba.config.DISABLE_JIT else 20_000)
        }
    )
    lexicon = Lexicon.from_terms(words, match="all", fold=False)
    column = text_column(pa.array(["，".join(words)]))
    with forced(kernel):
        found = find_matches(column, lexicon, "blocks")
    assert set(found.pattern.tolist()) == set(range(len(words)))
    same = find_matches(column, lexicon, "ahocorasick")
    assert found.pattern.tolist() == same.pattern.tolist()
    assert found.start.tolist() == same.start.tolist()
