"""The table of sections: what each report consists of, and how much of each section is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cipin.matching.judge import names_of
from cipin.reading.parsed import Parsed
from cipin.reading.segment import Spans
from cipin.running.skip import Places
from cipin.schema import SECTIONS, array_of

#: Entities of the sections of a report, one each; None where the report has none but its own.
Entities = tuple[str | None, ...] | None


def section_table(
    ids: Sequence[str], parsed: Sequence[Parsed], entities: Sequence[Entities], clauses: Spans, places: Places
) -> pa.Table:
    """Return the sections of measured reports, in the order of `ids`.

    `chars` and `clauses` are those of a section's own text that are counted, without the sections within it, so that
    their sums are those of the report.
    """
    counts = np.array([len(each.structure.start) if each.structure else 1 for each in parsed], np.int64)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    report = np.repeat(np.arange(len(parsed)), counts)

    def of(name: str, alone: int) -> NDArray[np.int32]:
        columns = [getattr(each.structure, name) if each.structure else [alone] for each in parsed]
        return np.concatenate([np.zeros(0, np.int64), *columns]).astype(np.int32)

    start, end, level, parent = of("start", 0), of("end", 0), of("level", 0), of("parent", -1)
    alone = [at for at, each in enumerate(parsed) if each.structure is None]
    end[first[:-1][alone]] = [len(parsed[at].text) for at in alone]
    titles: list[str] = []
    kinds: list[str] = []
    topics: list[str] = []
    sources: list[str] = []
    owners: list[str | None] = []
    for each, owner in zip(parsed, entities, strict=True):
        structure = each.structure
        titles.extend(structure.title if structure else ("",))
        kinds.extend(structure.kind if structure else ("body",))
        topics.extend(structure.topic if structure else ("",))
        sources.extend(structure.source if structure else ("",))
        owners.extend(owner or (None,) * (len(structure.start) if structure else 1))

    chars, n_clauses = _measure(parsed, clauses, places, first)
    page = _pages(parsed, first, start)
    return pa.Table.from_arrays(
        [
            names_of(tuple(ids), report.astype(np.int32)),
            array_of((np.arange(len(report)) - first[report]).astype(np.int32)),
            array_of(parent, parent >= 0),
            array_of(level),
            _strings(titles),
            _strings(kinds),
            _strings(topics),
            _strings(owners),
            _strings(sources),
            array_of(page, page > 0),
            array_of(start),
            array_of(end),
            array_of(chars),
            array_of(n_clauses),
        ],
        schema=SECTIONS,
    )


def _measure(
    parsed: Sequence[Parsed], clauses: Spans, places: Places, first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the characters and clauses that are counted in each section."""
    n = int(first[-1])
    lengths = np.array([len(each.text) for each in parsed], np.int64)
    report = np.repeat(np.arange(len(parsed)), np.diff(places.report))
    end = np.append(places.start[1:], 0)
    last = places.report[1:] - 1
    end[last] = lengths
    counted = (places.reason < 0) & (places.section >= 0)
    row = first[report[counted]] + places.section[counted]
    chars = np.bincount(row, weights=(end - places.start)[counted], minlength=n).astype(np.int64)
    place = places.find(clauses.report, clauses.start)
    place = place[counted[place]]
    n_clauses = np.bincount(first[report[place]] + places.section[place], minlength=n).astype(np.int64)
    return chars, n_clauses


def _pages(parsed: Sequence[Parsed], first: NDArray[np.int64], start: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the page, from 1, on which each section begins; 0 where there are none."""
    page = np.zeros(len(start), np.int32)
    for at, each in enumerate(parsed):
        layout = each.raw.layout
        if layout is not None and each.clean is not None and layout.has_pages:
            raw = each.clean.raw(start[first[at] : first[at + 1]].astype(np.int64))
            page[first[at] : first[at + 1]] = np.searchsorted(layout.page_start, raw, side="right")
    return page


def _strings(values: Sequence[str | None]) -> pa.Array:
    """Return texts as an Arrow array, null where empty."""
    names = tuple(dict.fromkeys(each for each in values if each))
    index = {name: at for at, name in enumerate(names)}
    return names_of(names, np.array([index.get(each or "", -1) for each in values], np.int32))
