"""Reports of a source are parsed some at a time, and come out as if each were alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cipin.errors import SourceError
from cipin.reading.parsed import Parsed, parse
from cipin.reading.report import RawReport
from cipin.running import parsing
from cipin.running.parsing import Reading, parse_source
from cipin.running.plan import Source

DOUBLED = "研究研究院院发布全球银行业展望报全球银行业展望报告告"
TEXTS = [DOUBLED, "推进金融科技。", "", "甲" * 40_000, None, f"大\u200b数据{DOUBLED}", "一、概况\n经营稳健。\n"]


def parsed(folder: Path, rows: list[dict[str, object]]) -> list[Parsed]:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    return list(parse_source(Reading(str(folder)), Source("rows.jsonl", 0)))


def test_rows_are_parsed_as_if_alone(tmp_path: Path) -> None:
    found = parsed(tmp_path, [{"text": text, "number": at} for at, text in enumerate(3 * TEXTS)])
    assert [each.raw.meta["number"] for each in found] == list(range(3 * len(TEXTS)))
    for each, text in zip(found, 3 * TEXTS, strict=True):
        alone = parse(RawReport("", text or "", "text")).text if text else ""
        assert each.text == alone
        assert each.raw.reason == {"": "empty", None: "null_text"}.get(text, "")


@example([(0, 0)] * 600)
@given(st.lists(st.sampled_from([(0, 0), (5, 0), (10, 300), (20_000, 0), (40_000, 0), (1, 40_000)]), max_size=50))
def test_what_waits_is_bounded(sizes: list[tuple[int, int]]) -> None:
    """By number, too: rows without a text, or with long columns beside it, are no reason to hold them all."""
    raws = [RawReport(str(at), "甲" * chars, "csv", meta={"a": "乙" * more}) for at, (chars, more) in enumerate(sizes)]
    batches = list(parsing._batches(iter(raws)))
    assert [each for batch in batches for each in batch] == raws
    for batch in batches:
        assert len(batch) <= parsing.BATCH_REPORTS
        n_chars = sum(len(each.text) + len(str(each.meta["a"])) for each in batch)
        assert len(batch) == 1 or n_chars <= parsing.BATCH_CHARS


def test_rows_before_a_fault_come_first() -> None:
    def failing() -> Iterator[RawReport]:
        yield from (RawReport(str(at), "大数据", "csv") for at in range(3))
        raise SourceError("no column")

    batches = parsing._batches(failing())
    assert [each.member for each in next(batches)] == ["0", "1", "2"]
    with pytest.raises(SourceError):
        next(batches)


def test_a_look_that_fails_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: object) -> list[bool]:
        raise MemoryError

    monkeypatch.setattr(parsing, "may_be_doubled", look)
    found = parsed(tmp_path, [{"text": DOUBLED}, {"text": DOUBLED}])
    assert [each.text for each in found] == 2 * [parse(RawReport("", DOUBLED, "text")).text]
    assert found[0].text != DOUBLED


def test_a_row_that_parsing_fails_at_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(raw: RawReport, *arguments: object, **options: bool) -> Parsed:
        if raw.meta["n"] == 1:
            raise ValueError("no")
        return parse(raw)

    monkeypatch.setattr(parsing, "parse", fail)
    found = parsed(tmp_path, [{"text": "大数据", "n": n} for n in range(3)])
    assert [each.raw.reason for each in found] == ["", "crash", ""]
