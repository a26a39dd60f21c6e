"""What of a report is not counted: kinds of lines, and sections of a topic. It stays in the tables, with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.arguments import check_names
from cipin.errors import UsageError
from cipin.matching.judge import Hits
from cipin.matching.words import count_words
from cipin.reading.labels import BODY, KINDS, RUNNING_HEAD
from cipin.reading.parsed import Parsed
from cipin.reading.segment import Measure, Spans
from cipin.reading.structure import TOPICS
from cipin.schema import TextColumn, text_column

TOPIC_NAMES = tuple(topic for topic, _ in TOPICS)
#: What is not counted unless it is asked for: it repeats what is said elsewhere in the report.
SKIPPED = ("toc", "running_head")
#: Name of what is left out because `only` other topics are asked for.
OTHER = "other_section"


def check_skip(skip: Any, only: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return both in order, each name once.

    Raises UsageError for a name that is neither a kind of line nor a topic of sections.
    """
    skip, only = check_names(skip, "skip", '["toc"]'), check_names(only, "only", '["mda"]')
    for name in skip:
        if name not in KINDS and name not in TOPIC_NAMES:
            raise UsageError(f"skip {name!r}: there are the kinds {', '.join(KINDS)}, and {_topics()}")
    for name in only:
        if name not in TOPIC_NAMES:
            raise UsageError(f"only {name!r}: there are {_topics()}")
    return tuple(sorted(set(skip))), tuple(sorted(set(only)))


def _topics() -> str:
    return f"the topics {', '.join(TOPIC_NAMES)}"


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where in each report's text the section, the kind and what is skipped change.

    report    int64[n_reports + 1]   report r has the entries report[r]:report[r + 1]
    start     int64[n]               clean offset, ascending within a report, the first 0
    section   int32[n]               section of the report; -1 in running heads
    kind      uint8[n]               index into KINDS
    reason    int32[n]               index into `reasons`; -1: counted
    reasons   "skip:toc", …
    """

    report: NDArray[np.int64]
    start: NDArray[np.int64]
    section: NDArray[np.int32]
    kind: NDArray[np.uint8]
    reason: NDArray[np.int32]
    reasons: tuple[str, ...]

    def find(self, report: NDArray[np.integer], offset: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the entry that each offset of a report is in; reports ascending."""
        # Offsets are below 2**31, so that report and offset make one key.
        keys = (np.repeat(np.arange(len(self.report) - 1), np.diff(self.report)) << 32) | self.start
        return np.searchsorted(keys, (report.astype(np.int64) << 32) | offset, side="right") - 1


def find_places(parsed: Sequence[Parsed], skip: Sequence[str], only: Sequence[str]) -> Places:
    """Return what each stretch of each report's text is, and whether it is counted."""
    reasons = tuple(f"skip:{name}" for name in (*skip, OTHER))
    rows = [_places(each, skip, only) for each in parsed]
    counts = [len(row[0]) for row in rows]
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int32))
    start, section, kind, reason = (np.concatenate(each) for each in zip(empty, *rows, strict=True))
    return Places(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), start, section, kind, reason, reasons)


_Row = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32]]


def _places(parsed: Parsed, skip: Sequence[str], only: Sequence[str]) -> _Row:
    structure, length = parsed.structure, len(parsed.text)
    if structure is None:
        why = len(skip) if only else skip.index("body") if "body" in skip else -1
        return np.zeros(1, np.int64), np.zeros(1, np.int32), np.full(1, BODY, np.uint8), np.full(1, why, np.int32)
    start = np.union1d(structure.start, structure.kind_start)
    start = start[start < max(length, 1)]
    section, kind = structure.section_of(start), structure.kind_of(start)
    reason = np.full(len(start), -1, np.int32)
    for code, name in reversed(list(enumerate(skip))):
        if name in KINDS:
            reason[kind == KINDS.index(name)] = code
        else:
            reason[structure.is_about({name})[section]] = code
    if only:
        wanted = structure.is_about(only)[section]
        reason[(reason < 0) & ~wanted] = len(skip)
    section[kind == RUNNING_HEAD] = -1
    return start, section, kind, reason


def leave_out(
    parsed: Sequence[Parsed], places: Places, clauses: Spans, hits: Hits, measure: Measure
) -> tuple[Hits, Measure]:
    """Take what is skipped out of hits and denominators alike; a hit says why it does not count."""
    if not (places.reason >= 0).any():
        return hits, measure
    reason = places.reason[places.find(hits.report, hits.start)]
    skipped = hits.kept & (reason >= 0)
    hits = replace(
        hits,
        kept=hits.kept & ~skipped,
        reason=np.where(skipped, reason + len(hits.reasons), hits.reason).astype(np.int32),
        reasons=(*hits.reasons, *places.reasons),
    )
    chars, han = measure.chars.copy(), measure.han_chars.copy()
    for report, begin, end in _skipped(parsed, places):
        chars[report] -= end - begin
        han[report] -= len(_HAN.findall(parsed[report].text, begin, end))
    left_out = places.reason[places.find(clauses.report, clauses.start)] >= 0
    n_clauses = measure.clauses - np.bincount(clauses.report[left_out], minlength=len(measure.clauses))
    return hits, Measure(chars, han, n_clauses)


def _skipped(parsed: Sequence[Parsed], places: Places) -> Iterator[tuple[int, int, int]]:
    """Yield what is not counted: report, begin, end."""
    reports = np.unique(np.searchsorted(places.report, np.flatnonzero(places.reason >= 0), side="right") - 1)
    for report in reports.tolist():
        low, high = places.report[report : report + 2]
        ends = np.append(places.start[low + 1 : high], len(parsed[report].text))
        for at in (np.flatnonzero(places.reason[low:high] >= 0)).tolist():
            yield report, int(places.start[low + at]), int(ends[at])


def words_counted(
    column: TextColumn, parsed: Sequence[Parsed], places: Places, *, fold_text: bool
) -> NDArray[np.int64]:
    """Return the words of each report, as jieba's dictionary cuts them, without those of what is not counted.

    What is skipped are whole lines, and no word goes on over the end of a line: words of the rest stay what they are.
    """
    words = count_words(column, fold_text=fold_text)
    skipped = list(_skipped(parsed, places))
    if skipped:
        pieces = text_column(pa.array([parsed[report].text[begin:end] for report, begin, end in skipped]))
        np.subtract.at(words, [report for report, _, _ in skipped], count_words(pieces, fold_text=fold_text))
    return words


_HAN = re.compile("[\u2e80-\u2fdf\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
