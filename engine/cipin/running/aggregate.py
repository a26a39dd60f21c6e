"""The panel of a run: counted at once, or, where that is too much for one process, in parts by the workers.

In parts, each worker first counts the reports of some shards, by entity, year and term, and writes what it found apart
by a hash of entity and year; then each adds up one of these ranges. What is left for the driver is to fill in zeros and
to sort. Sums of whole numbers are the same in any order, so that the bytes are those of the panel counted at once.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from cipin.errors import RunError
from cipin.measuring.panel import Counted, Panel, add_up, count_groups, number_again, spell_out
from cipin.running.job import Job
from cipin.running.ledger import ShardRecord
from cipin.running.results import Run
from cipin.running.store import META
from cipin.running.tables import Pieces
from cipin.schema import PANEL

#: Rows of reports and counts from which a panel is counted in parts; below, one process takes less than 4 GB.
MANY_ROWS = 100_000_000
#: Rows of a part.
PART_ROWS = 5_000_000
#: Ranges of keys in all; of 10 million groups and terms each has some 150,000.
RANGES = 64
_BY = ("entity", "year")
_Kind = Literal["groups", "found"]


@dataclass(frozen=True, slots=True)
class Part:
    """Shards whose reports are counted together. `n_bytes` and `sources` are what executors weigh and count."""

    number: int
    files: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A range of keys, to be added up over so many parts."""

    number: int
    parts: int


def count_panel(job: Job, records: Sequence[ShardRecord], tables: Run, executor: Any = None) -> Panel:
    """Count the panel of shards by entity, year and term; in parts by the workers of an executor, if it is large."""
    if executor is not None and _rows(records) > MANY_ROWS:
        return Panel.of(_count_in_parts(job, records, tables, executor))
    return Panel.of(
        count_groups(tables.reports, tables.hits, tables.lexicon, _BY, "term", tables.sections, tables.counts)
    )


def pieces_of(panel: Panel) -> Pieces:
    """Return a panel as the table that is written, row group by row group."""
    return Pieces(
        PANEL,
        len(panel),
        lambda low, high: panel.rows(low, high).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(PANEL),
    )


def _rows(records: Sequence[ShardRecord]) -> int:
    return sum(each.rows for record in records for each in record.files if each.table in {"reports", "counts"})


def _count_in_parts(job: Job, records: Sequence[ShardRecord], tables: Run, executor: Any) -> Counted:
    """Return what the panel of shards is filled from, counted by the workers of an executor."""
    parts = _parts(records)
    lexicon = next(each for each in tables.manifest["files"] if each["table"] == "lexicon")
    parts = [Part(each.number, (*each.files, lexicon)) for each in parts]
    try:
        for part, done in executor.run(count_part, job, parts):
            _check(done, f"part {part.number}")
        groups, found = [], []
        for part, done in executor.run(add_range, job, [Range(number, len(parts)) for number in range(RANGES)]):
            _check(done, f"range {part.number}")
            groups.append(_get(job, "groups", part.number, "sum"))
            found.append(_get(job, "found", part.number, "sum"))
        return number_again(pl.concat(groups), pl.concat(found), tables.lexicon, _BY, "term")
    finally:
        for name in job.store.list(_folder(job)):
            job.store.remove(name)


def _check(done: Any, what: str) -> None:
    if done is None:
        raise RunError(f"{what} of the panel: its worker dies; look at memory, and give the same command again")


def _parts(records: Sequence[ShardRecord]) -> list[Part]:
    parts: list[Part] = []
    files: list[dict[str, Any]] = []
    rows = 0
    for number, record in enumerate(records):
        files += [{"table": each.table, "name": each.name} for each in record.files]
        rows += _rows([record])
        if rows >= PART_ROWS or number + 1 == len(records):
            parts.append(Part(len(parts), tuple(files)))
            files, rows = [], 0
    return parts


def count_part(job: Job, part: Part) -> int:
    """Count the reports of some shards, and write what was found, apart by range of keys; return how many rows."""
    run = Run(job.store, {"files": list(part.files)})
    groups, found = spell_out(count_groups(run.reports, run.hits, run.lexicon, _BY, "term", run.sections, run.counts))
    n_rows = 0
    for kind, counted in (("groups", groups), ("found", found)):
        frame = counted.collect(engine="streaming").with_columns(range=_range_of())
        n_rows += len(frame)
        for number in range(RANGES):
            _put(job, kind, number, str(part.number), frame.filter(pl.col("range") == number).drop("range"))
    return n_rows


def add_range(job: Job, part: Range) -> int:
    """Add up one range of keys over all parts; return how many rows it has."""
    parts = [str(number) for number in range(part.parts)]
    groups = [_get(job, "groups", part.number, each) for each in parts]
    found = [_get(job, "found", part.number, each) for each in parts]
    n_rows = 0
    for kind, summed in zip(("groups", "found"), add_up(groups, found, _BY, "term"), strict=True):
        frame = summed.collect()
        n_rows += len(frame)
        _put(job, kind, part.number, "sum", frame)
    return n_rows


def _range_of() -> pl.Expr:
    # Python's and Polars' hashes may differ between processes and versions: ranges only share out work, but all parts
    # of a run must agree. The year, and the length and first character of the name, do.
    name = pl.col("entity").fill_null("")
    mixed = name.str.len_bytes().cast(pl.Int64) * 31 + pl.col("year").fill_null(0).cast(pl.Int64) * 7
    return mixed % RANGES


def _folder(job: Job) -> str:
    return f"{META}/attempts/{job.reading.attempt}/panel"


def _name(job: Job, kind: str, number: int, part: str) -> str:
    return f"{_folder(job)}/{kind}-{number}-{part}.arrow"


def _put(job: Job, kind: str, number: int, part: str, frame: pl.DataFrame) -> None:
    data = io.BytesIO()
    frame.write_ipc(data, compression="zstd")
    # A second try at a part finds what the first has written: its rows may stand in another order.
    job.store.put_if_absent(_name(job, kind, number, part), data.getvalue())


def _get(job: Job, kind: str, number: int, part: str) -> pl.LazyFrame:
    return pl.read_ipc(io.BytesIO(job.store.read(_name(job, kind, number, part)))).lazy()
