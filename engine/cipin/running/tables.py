"""Rows and arrays of a shard → its tables, as cipin.schema states them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.lexicon.model import Lexicon
from cipin.matching.judge import Hits, gather_text, names_of
from cipin.measuring.counts import count_hits
from cipin.reading.clean import Clean
from cipin.reading.identify import Facts
from cipin.reading.labels import KINDS
from cipin.reading.parsed import Parsed
from cipin.reading.report import RawReport
from cipin.reading.segment import Measure, Spans
from cipin.running.sections import Entities, section_table
from cipin.running.skip import Places
from cipin.schema import CLAUSES, COUNTS, HITS, REPORTS, TextColumn, array_of, table_of

#: Rows that are made, compressed and written at once.
ROW_GROUP = 1 << 18


@dataclass(frozen=True, slots=True)
class Row:
    """A report on its way through a shard."""

    id: str
    source: str
    source_hash: str
    content_hash: str
    facts: Facts
    parsed: Parsed
    section_entities: Entities = None

    @property
    def raw(self) -> RawReport:
        """What its format handed on."""
        return self.parsed.raw

    @property
    def clean(self) -> Clean | None:
        """The repaired text and its map, where there was something to repair."""
        return self.parsed.clean

    @property
    def text(self) -> str:
        """The text that is segmented and matched, and that offsets count."""
        return self.parsed.text


@dataclass(frozen=True, slots=True)
class Pieces:
    """A table that is made as it is written, row group by row group: whole, that of 1.6 million hits took 300 MB.

    make   returns the rows from one to another
    """

    schema: pa.Schema
    n_rows: int
    make: Callable[[int, int], pa.Table]

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield the table in row groups; one without rows, if it has none."""
        for low in range(0, max(self.n_rows, 1), ROW_GROUP):
            yield self.make(low, min(low + ROW_GROUP, self.n_rows))


def build_tables(
    lexicon: Lexicon,
    rows: list[Row],
    measured: list[Row],
    column: TextColumn,
    measure: Measure,
    clauses: Spans,
    sentences: Spans,
    hits: Hits,
    places: Places,
) -> dict[str, pa.Table | Pieces]:
    """Return the tables of a part of a shard, but those of schema.RUN_TABLES."""
    ids = tuple(row.id for row in measured)
    first_clause = np.searchsorted(clauses.report, np.arange(len(measured)))
    of_clause = _clauses_of(clauses, hits)
    return {
        "reports": _report_table(rows, measure),
        "sections": section_table(
            ids, [row.parsed for row in measured], [row.section_entities for row in measured], clauses, places
        ),
        "clauses": _clause_table(ids, measured, column, clauses, sentences, hits, places, of_clause, first_clause),
        "hits": _hit_table(ids, lexicon, measured, column, hits, places, of_clause, first_clause),
        "counts": _count_table(ids, lexicon, hits, of_clause),
    }


def _clauses_of(clauses: Spans, hits: Hits) -> NDArray[np.int32]:
    """Return the clause of each hit, int32[n_hits]: the last that has begun where it starts; -1: none."""
    found = (np.searchsorted(clauses.byte_start, hits.byte_start, side="right") - 1).astype(np.int32)
    has_clause = found >= 0
    has_clause[has_clause] = clauses.report[found[has_clause]] == hits.report[has_clause]
    found[~has_clause] = -1
    return found


def _hit_table(
    ids: tuple[str, ...],
    lexicon: Lexicon,
    measured: list[Row],
    column: TextColumn,
    hits: Hits,
    places: Places,
    of_clause: NDArray[np.int32],
    first_clause: NDArray[np.int64],
) -> Pieces:
    terms = tuple(term.name for term in lexicon.terms)

    def make(low: int, high: int) -> pa.Table:
        some = slice(low, high)
        report, start, end = hits.report[some], hits.start[some], hits.end[some]
        clause = of_clause[some]
        has_clause = clause >= 0
        page, raw_start, raw_end = _places(measured, report, start, end)
        place = places.find(report, start)
        section = places.section[place]
        return pa.Table.from_arrays(
            [
                names_of(ids, report),
                names_of((lexicon.id,), np.zeros(len(report), np.int32)),
                names_of(terms, hits.term[some]),
                gather_text(column, hits.byte_start[some], hits.byte_end[some]),
                array_of(start),
                array_of(end),
                array_of(page, page > 0),
                array_of(raw_start),
                array_of(raw_end),
                array_of(np.where(has_clause, clause - first_clause[report], 0).astype(np.int32), has_clause),
                array_of(section, section >= 0),
                names_of(KINDS, places.kind[place].astype(np.int32)),
                array_of(hits.kept[some]),
                names_of(hits.reasons, hits.reason[some]),
                pa.nulls(len(report), pa.string()),
            ],
            schema=HITS,
        )

    return Pieces(HITS, len(hits), make)


def _clause_table(
    ids: tuple[str, ...],
    measured: list[Row],
    column: TextColumn,
    clauses: Spans,
    sentences: Spans,
    hits: Hits,
    places: Places,
    of_clause: NDArray[np.int32],
    first_clause: NDArray[np.int64],
) -> Pieces:
    first_sentence = np.searchsorted(sentences.report, np.arange(len(measured)))
    evidence = np.flatnonzero(hits.kept & (of_clause >= 0))
    shown, first = np.unique(of_clause[evidence], return_index=True)
    # The clause shows its hits whole, also where a term holds a clause mark.
    end, byte_end = clauses.end[shown], clauses.byte_end[shown]
    if shown.size:
        end = np.maximum(end, np.maximum.reduceat(hits.end[evidence], first))
        byte_end = np.maximum(byte_end, np.maximum.reduceat(hits.byte_end[evidence], first))

    def make(low: int, high: int) -> pa.Table:
        some = shown[low:high]
        report, start, byte_start = clauses.report[some], clauses.start[some], clauses.byte_start[some]
        page, _, _ = _places(measured, report, start, clauses.end[some])
        place = places.find(report, start)
        section = places.section[place]
        of_sentence = np.searchsorted(sentences.byte_start, byte_start, side="right") - 1
        return pa.Table.from_arrays(
            [
                names_of(ids, report),
                array_of((some - first_clause[report]).astype(np.int32)),
                array_of(section, section >= 0),
                names_of(KINDS, places.kind[place].astype(np.int32)),
                array_of((of_sentence - first_sentence[report]).astype(np.int32)),
                array_of(page, page > 0),
                array_of(start),
                array_of(end[low:high]),
                gather_text(column, byte_start, byte_end[low:high]),
            ],
            schema=CLAUSES,
        )

    return Pieces(CLAUSES, len(shown), make)


def _count_table(ids: tuple[str, ...], lexicon: Lexicon, hits: Hits, of_clause: NDArray[np.int32]) -> pa.Table:
    kept = hits.kept
    report, term, n_hits, n_clauses = count_hits(hits.report[kept], hits.term[kept], of_clause[kept])
    return pa.Table.from_arrays(
        [
            names_of(ids, report),
            names_of((lexicon.id,), np.zeros(len(report), np.int32)),
            names_of(tuple(each.name for each in lexicon.terms), term),
            array_of(n_hits),
            array_of(n_clauses),
        ],
        schema=COUNTS,
    )


def _places(
    rows: list[Row], report: NDArray[np.int32], start: NDArray[np.int32], end: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the page (from 1; 0: none) and the raw offsets, from that page's start, of spans sorted by report."""
    page, raw_start, raw_end = np.zeros(len(start), np.int32), start.copy(), end.copy()
    for number in np.unique(report).tolist():
        clean, layout = rows[number].clean, rows[number].raw.layout
        if clean is None:
            continue
        low, high = np.searchsorted(report, [number, number + 1])
        first = clean.raw(start[low:high].astype(np.int64))
        last = clean.raw(end[low:high].astype(np.int64) - 1) + 1
        begin = np.zeros(1, np.int64)
        if layout is not None and layout.has_pages:
            of_page = np.searchsorted(layout.page_start, first, side="right") - 1
            page[low:high] = of_page + 1
            begin = layout.page_start[of_page]
        raw_start[low:high] = first - begin
        raw_end[low:high] = last - begin
    return page, raw_start, raw_end


def _report_table(rows: list[Row], measure: Measure) -> pa.Table:
    raws, facts = [row.raw for row in rows], [row.facts for row in rows]
    is_measured = [raw.is_measured for raw in raws]
    position = np.cumsum(is_measured) - 1

    def measured(values: Any) -> list[int | None]:
        if not len(values):
            return [None] * len(rows)
        found = values[position].tolist()
        return [value if there else None for value, there in zip(found, is_measured, strict=True)]

    columns: dict[str, list[Any]] = {
        "report": [row.id for row in rows],
        "source": [row.source for row in rows],
        "member": [each.member for each in raws],
        "source_hash": [row.source_hash or None for row in rows],
        "content_hash": [row.content_hash or None for row in rows],
        "format": [each.format or None for each in raws],
        "encoding": [each.encoding or None for each in raws],
        "title": [each.title or None for each in raws],
        "entity": [each.entity for each in facts],
        "entity_as_written": [each.entity_as_written for each in facts],
        "entity_source": [each.entity_source or None for each in facts],
        "entity_score": [each.entity_score for each in facts],
        "fiscal_year": [each.fiscal_year for each in facts],
        "year_source": [each.year_source or None for each in facts],
        "year_score": [each.year_score for each in facts],
        "published": [each.published for each in facts],
        "code": [each.code for each in facts],
        "candidates": [_candidates(each) for each in facts],
        "meta": [_as_json(each.meta) if each.meta else None for each in raws],
        "pages": [_pages(each) for each in raws],
        "repairs": [_as_json(row.parsed.clean.repairs) if row.parsed.clean else None for row in rows],
        "chars": measured(measure.chars),
        "han_chars": measured(measure.han_chars),
        "words": measured(measure.words) if measure.words is not None else [None] * len(rows),
        "clauses": measured(measure.clauses),
        "flags": [[*raw.flags, *each.flags] for raw, each in zip(raws, facts, strict=True)],
        "page_flags": [_as_json(row.parsed.page_flags) if row.parsed.page_flags else None for row in rows],
        "status": [each.status for each in raws],
        "reason": [each.reason or None for each in raws],
        "message": [each.message or None for each in raws],
    }
    return table_of(columns, REPORTS)


def _candidates(facts: Facts) -> str | None:
    """Return all entities and years that a report may have as JSON, null where there is none."""
    found = {
        field: [[each.value, each.as_written, each.source, round(each.score, 2)] for each in candidates]
        for field, candidates in (("entity", facts.entities), ("year", facts.years))
        if candidates
    }
    return _CANDIDATES.encode(found) if found else None


def _pages(raw: RawReport) -> int | None:
    return len(raw.layout.page_start) - 1 if raw.layout and raw.layout.has_pages else None


#: Made once: json.dumps makes one for each call that is told anything.
_CANDIDATES = json.JSONEncoder(ensure_ascii=False)
_META = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str)


def _as_json(meta: Any) -> str:
    finite = {
        str(key): (None if isinstance(value, float) and not math.isfinite(value) else value)
        for key, value in meta.items()
    }
    return _META.encode(finite)
