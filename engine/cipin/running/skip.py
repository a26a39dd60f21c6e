"""What of a report is not counted: kinds of lines, and sections of a topic. It stays in the tables, with its reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
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
from cipin.reading.structure import TOPICS, Structure
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
    keys      int64[n]               report and start in one number, ascending
    """

    report: NDArray[np.int64]
    start: NDArray[np.int64]
    section: NDArray[np.int32]
    kind: NDArray[np.uint8]
    reason: NDArray[np.int32]
    reasons: tuple[str, ...]
    keys: NDArray[np.int64]

    def find(self, report: NDArray[np.integer], offset: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the entry that each offset of a report is in; reports ascending."""
        return np.searchsorted(self.keys, _keys(report, offset), side="right") - 1


def _keys(report: NDArray[np.integer], offset: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return reports and offsets, which are below 2**31, as one number each."""
    keys: NDArray[np.int64] = report.astype(np.int64) << 32 | offset
    return keys


def find_places(parsed: Sequence[Parsed], skip: Sequence[str], only: Sequence[str]) -> Places:
    """Return what each stretch of each report's text is, and whether it is counted.

    All reports at once: one by one, those of a line or two took 30 us each.
    """
    reasons = tuple(f"skip:{name}" for name in (*skip, OTHER))
    structures = [each.structure or _ONE_LINE for each in parsed]
    first, section_keys = _entries([each.start for each in structures])
    _, kind_keys = _entries([each.kind_start for each in structures])
    lengths = np.array([max(len(each.text), 1) for each in parsed], np.int64)
    keys = np.union1d(section_keys, kind_keys)
    keys = keys[(keys & _OFFSET) < lengths[keys >> 32]]
    report = keys >> 32
    at_section = np.searchsorted(section_keys, keys, side="right") - 1
    section = (at_section - first[report]).astype(np.int32)
    kinds = np.concatenate([_ONE_LINE.kinds[:0], *(each.kinds for each in structures)])
    kind = kinds[np.searchsorted(kind_keys, keys, side="right") - 1]

    def is_about(topics: Collection[str]) -> NDArray[np.bool_]:
        sections = np.concatenate([np.zeros(0, np.bool_), *(each.is_about(topics) for each in structures)])
        return sections[at_section]

    reason = np.full(len(keys), -1, np.int32)
    for code, name in reversed(list(enumerate(skip))):
        reason[kind == KINDS.index(name) if name in KINDS else is_about({name})] = code
    if only:
        reason[(reason < 0) & ~is_about(only)] = len(skip)
    section[kind == RUNNING_HEAD] = -1
    begin = np.searchsorted(report, np.arange(len(parsed) + 1))
    return Places(begin, keys & _OFFSET, section, kind, reason, reasons, keys)


_OFFSET = (1 << 32) - 1
#: What a report of one line is: a section and a line of the body.
_ONE_LINE = Structure(
    np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int32), np.full(1, -1, np.int32), ("",), ("body",),
    ("",), ("",), np.zeros(1, np.int64), np.full(1, BODY, np.uint8),
)  # fmt: skip


def _entries(starts: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of the first entry of each report, and report and start of each entry in one number."""
    counts = np.array(list(map(len, starts)), np.int64)
    report = np.repeat(np.arange(len(starts)), counts)
    return np.cumsum(counts) - counts, _keys(report, np.concatenate([np.zeros(0, np.int64), *starts]))


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
