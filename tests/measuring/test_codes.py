"""Codes in tables have names in Chinese and English: none that the engine writes is missing."""

import ast
import re
from pathlib import Path

import polars as pl
import pytest

import cipin
from cipin.measuring.columns import codes_of
from cipin.measuring.panel import TYPES
from cipin.reading import labels, layout, quality, running_text, structure
from cipin.running.skip import OTHER, TOPIC_NAMES

READING = Path(cipin.__file__).parent / "reading"


def known(table: str, column: str, code: str) -> bool:
    """Whether a code has a name: as it is, or as one that goes on behind a colon."""
    codes = codes_of(table, column)
    return code in codes or f"{code.partition(':')[0]}:…" in codes


def calls(names: set[str], position: int) -> set[str]:
    """The texts that stand at a position in calls of functions of these names, all over the reading wing."""
    found = set()
    for path in READING.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
                argument = node.args[position] if len(node.args) > position else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def test_lists_that_the_engine_keeps() -> None:
    assert set(codes_of("hits", "kind")) == set(labels.KINDS)
    assert set(codes_of("sections", "kind")) == set(structure.SECTION_KINDS)
    assert tuple(codes_of("sections", "topic")) == TOPIC_NAMES
    assert set(codes_of("panel", "type")) == {*TYPES, "other"}
    assert set(codes_of("reports", "repairs")) == {*layout.REPAIRS, *running_text.REPAIRS}
    assert set(quality.PAGE_FLAGS) <= set(codes_of("reports", "flags"))
    assert known("hits", "reason", f"skip:{OTHER}")


def test_reasons_of_reports() -> None:
    reasons = calls({"quarantine"}, 1) | calls({"_RefusedError", "_Failure"}, 0)
    assert {"too_large", "malformed", "ratio", "timeout"} <= reasons
    assert {each for each in reasons if not known("reports", "reason", each)} == set()


def test_flags_of_reports() -> None:
    flags = calls({"_flag"}, 1) | {"entity_conflict", "year_conflict", "replaced_bytes", "control_characters"}
    assert {"truncated", "repaired", "page_errors"} <= flags
    assert {each for each in flags if not known("reports", "flags", each)} == set()


@pytest.mark.parametrize("column", ["entity_source", "year_source"])
def test_sources_of_facts(column: str) -> None:
    from cipin.reading.identify import Facts

    said = re.search(rf"{column} +(.*?)\n    \w", str(Facts.__doc__), re.DOTALL)
    assert said
    sources = [each for each in re.findall('"([^"]+)"', said[1]) if "<" not in each]
    assert len(sources) > 7
    assert [each for each in sources if not known("reports", column, each)] == []


def test_names_are_in_both_languages_and_apart() -> None:
    for table, column in (("reports", "reason"), ("hits", "reason"), ("hits", "kind"), ("sections", "topic")):
        names = codes_of(table, column).values()
        assert all(re.search("[\u4e00-\u9fff]", zh) and not re.search("[\u4e00-\u9fff]", en) for zh, en in names)
        assert len({zh for zh, _ in names}) == len(names)


def test_codes_stand_in_the_codebook_behind_their_variables() -> None:
    from test_methods import LEXICON, MANIFEST

    from cipin.measuring.codebook import describe_all, make_codebook, show_codebook

    book = make_codebook({"hits": describe_all("hits", ["kind", "reason", "kept"])}, MANIFEST, LEXICON)
    rows = book.filter(pl.col("table") == "hits")
    assert rows.filter(pl.col("value").is_null())["name"].to_list() == ["kind", "reason", "kept"]
    assert dict(rows.filter(name="kind").drop_nulls("value").select("value", "label_zh").iter_rows()) == {
        code: zh for code, (zh, _) in codes_of("hits", "kind").items()
    }
    assert "| kind | toc | 目录 |" in show_codebook(book)
    assert "| reason | guard:… | it lies in that guard |" in show_codebook(book, "en")
