"""Job, and `run_shard(job, shard)`: a shard's whole path in one function, from files to published tables."""

from __future__ import annotations

import ctypes
import logging
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from cipin.errors import CipinError, SourceError
from cipin.lexicon.model import Lexicon
from cipin.matching.automaton_file import bring, luggage_of
from cipin.matching.judge import Hits, judge
from cipin.matching.scan import Matcher, find_matches, prepare
from cipin.reading.corpus import TRANSIENT
from cipin.reading.formats.outcome import crashed
from cipin.reading.identify import Facts, identify
from cipin.reading.owners import Owners, share_out
from cipin.reading.parsed import Parsed
from cipin.reading.registry import NO_REGISTRY, Registry
from cipin.reading.report import MEASURED
from cipin.reading.segment import ClausePolicy, Measure, find_clauses, find_marks, find_sentences
from cipin.running import ledger
from cipin.running.carry import carry_over
from cipin.running.crumbs import Crumbs
from cipin.running.engine import engine_version
from cipin.running.parsing import Reading, digest, memory_taken, read_parsed
from cipin.running.plan import Shard, Source, readable
from cipin.running.skip import SKIPPED, find_places, leave_out, words_counted
from cipin.running.store import Store
from cipin.running.table_files import write_table
from cipin.running.tables import Row, build_tables
from cipin.schema import TextColumn

_log = logging.getLogger(__name__)

TableFormat = Literal["parquet", "arrow"]
#: Where a report failed: as it was read, as it was found whose it is, as it was measured, or with its process.
Stage = Literal["read", "identify", "measure", "worker"]
#: Formats of many reports a file, whose name says nothing of one of them.
TABLES = frozenset({"parquet", "arrow", "jsonl", "csv"})

#: What a part of a table tallies of a column that none of its rows has.
LACKING = "lacking:"

#: Text held at once; a shard of more is written in several files a table, so that memory stays flat.
PART_BYTES = 16 << 20
#: Text of a shard behind which memory is returned: what is freed stays with the process otherwise.
GIVE_BACK_BYTES = 8 << 20
#: Reports held at once, for shards of very many very short ones.
PART_REPORTS = 200_000


@dataclass(frozen=True)
class Job:
    """Everything that decides what a shard becomes, besides its reports.

    reading                  how sources become parsed reports
    store                    the run's output
    run                      id of the run
    entity_from, year_from   see cipin.reading.identify
    registry                 entities whose names are known
    skip, only               kinds of lines and topics of sections that are not counted, and topics that alone are
    words                    whether words are counted, as a denominator
    changed                  strings that the newest version's lexicon knew otherwise, see cipin.running.carry
    matcher                  any but "auto": decided once a run, so that every worker does the same
    """

    lexicon: Lexicon
    reading: Reading
    store: Store
    run: str = ""
    entity_from: str | None = None
    year_from: str | None = None
    registry: Registry = NO_REGISTRY
    clauses: ClausePolicy = "default"
    skip: tuple[str, ...] = SKIPPED
    only: tuple[str, ...] = ()
    words: bool = False
    changed: Lexicon | None = None
    matcher: Matcher = "auto"
    format: TableFormat = "parquet"

    @property
    def options(self) -> dict[str, str | None]:
        """The choices that change the output, as they are written into the manifest and into every shard's id."""
        return {
            **self.reading.options,
            "entity_from": self.entity_from,
            "year_from": self.year_from,
            "registry": f"{self.registry.id}:{self.registry.hash}",
            "clauses": self.clauses,
            "skip": ",".join(self.skip),
            "only": ",".join(self.only),
            "format": self.format,
            **({"words": "yes"} if self.words else {}),
        }

    @property
    def attempts(self) -> Path:
        """Folder of this attempt's temporary files."""
        return self.store.temporary(self.reading.attempt)

    @property
    def luggage(self) -> bytes | None:
        """What workers on other machines are to have besides the job: the automaton, if building it takes long."""
        return None if self.matcher == "ahocorasick" else luggage_of(self.lexicon)

    def settle(self, luggage: Any = None) -> None:
        """Prepare a process that was not forked from one that is: take the automaton, compile or load the kernel."""
        if luggage is not None:
            bring(self.lexicon, luggage)
        if self.matcher not in {"auto", "ahocorasick"}:
            prepare(self.lexicon, self.matcher, self.changed)  # type: ignore[arg-type]

    @property
    def facts(self) -> dict[str, str]:
        """What every written file carries in its metadata, besides the id of its shard or run.

        Not the run's id in those of shards: the next run keeps them, byte for byte.
        """
        return {"lexicon": self.lexicon.id, "lexicon_hash": self.lexicon.hash, "engine": engine_version()}


@dataclass(slots=True)
class _Shard:
    """What a shard has brought so far."""

    files: list[ledger.FileRecord] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    tallies: Counter[str] = field(default_factory=Counter)
    terms: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    errors: list[dict[str, Any]] = field(default_factory=list)


def run_shard(job: Job, shard: Shard) -> ledger.ShardRecord:
    """Read, segment, match, judge and count the reports of a shard, publish its tables, and record that it is done.

    Returns the record that counts, which is another's if another worker was first.
    Raises SourceError if a table lacks a column that was asked for, StorageError if the output cannot be written,
    InputChanged if a file is not the one that was planned; nothing is recorded then.
    """
    if (carried := carry_over(job, shard)) is not None:
        return ledger.commit_shard(job.store, carried)
    so_far = _Shard()
    rows: list[Row] = []
    n_bytes = 0
    seen: set[tuple[str, str]] = set()
    with _timed(so_far, "total"), Crumbs(job.attempts, shard.id) as crumbs:
        for row in _read(job, shard, so_far, crumbs):
            rows.append(row)
            seen.add((row.source, row.source_hash))
            n_bytes += len(row.text) * 3
            del row
            if n_bytes >= PART_BYTES or len(rows) >= PART_REPORTS:
                crumbs.reading(False)
                _write_part(job, shard, rows, so_far)
                rows, n_bytes = [], 0
                _give_back()
        crumbs.reading(False)
        if rows or not so_far.files:
            _write_part(job, shard, rows, so_far)
        if n_bytes >= GIVE_BACK_BYTES:
            rows = []
            _give_back()
    return ledger.commit_shard(job.store, _record(shard, so_far, len(seen)))


def _give_back() -> None:
    """Return freed memory to the system.

    A report of 20 million characters left 490 MB with the process, and the child that parses the next may take 690.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # glibc's alone
        trim(0)


def _record(shard: Shard, so_far: _Shard, n_sources: int) -> ledger.ShardRecord:
    return ledger.ShardRecord(
        shard.id,
        len(shard.sources),
        n_sources,
        shard.n_bytes,
        tuple(so_far.files),
        dict(so_far.outcomes),
        dict(so_far.tallies),
        dict(so_far.terms),
        dict(so_far.doubtful),
        {name: round(value, 6) for name, value in so_far.seconds.items()},
        tuple(so_far.errors),
        shard.attempt,
    )


@contextmanager
def _timed(so_far: _Shard, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    so_far.seconds[stage] += time.perf_counter() - start


def _read(job: Job, shard: Shard, so_far: _Shard, crumbs: Crumbs) -> Iterator[Row]:
    missing: dict[str, dict[str, int]] = defaultdict(lambda: {"": 0})
    n_rows: Counter[str] = Counter()
    poison = dict(shard.poison)
    with closing(read_parsed(job.reading, shard, so_far.tallies, crumbs)) as reports:
        while True:
            with _timed(so_far, "read"):
                began = time.perf_counter()
                crumbs.reading(True)
                found = next(reports, None)
                if found is None:
                    break
                source, parsed = found
                stage: Stage = "worker" if source.path in poison else "read"
                try:
                    row = _row(job, source, parsed, missing[source.path])
                except CipinError:
                    raise
                except Exception as error:  # noqa: BLE001  (a fault of ours costs the report, not the run)
                    _log.debug("%s", readable(source.path), exc_info=True)
                    if parsed.raw.is_measured:
                        stage, parsed = "identify", Parsed(crashed(parsed.raw, error), digest=parsed.digest)
                    row = _row_of(source, readable(source.path), parsed, Facts(), None)
                if parsed.raw.status == "quarantined":
                    so_far.errors.append(_error(job, row, stage, time.perf_counter() - began, shard.attempt))
                n_rows[source.path] += parsed.raw.is_measured
            yield row
            # While the next is read, the last may be gone: one has up to 20 million characters.
            del row, parsed, found
    parts = {source.path for source in shard.sources if source.span}
    for path, messages in missing.items():
        for message, n_missing in messages.items():
            if message and n_missing == n_rows[path]:
                if path in parts:
                    so_far.tallies[f"{LACKING}{message}"] = n_missing  # others may have it: the driver looks at all
                    continue
                # No row has the column: a wrong name, not a gap.
                raise SourceError(f"{path}: {message}")


def check_columns(shards: Sequence[Shard], records: Sequence[ledger.ShardRecord]) -> None:
    """Raise SourceError if no row of any part of a table has a column that was named."""
    found: defaultdict[str, list[set[str]]] = defaultdict(list)
    for shard, record in zip(shards, records, strict=True):
        if shard.sources and shard.sources[0].span and any(record.outcomes.get(each) for each in MEASURED):
            found[shard.sources[0].path].append({each for each in record.tallies if each.startswith(LACKING)})
    for path, lacking in found.items():
        if in_all := set.intersection(*lacking):
            raise SourceError(f"{path}: {min(in_all).removeprefix(LACKING)}")


def _error(job: Job, row: Row, stage: Stage, seconds: float, attempt: int) -> dict[str, Any]:
    """Return what `cipin errors` says of a quarantined report."""
    raw = row.raw
    # What could not be opened is another file when it can be; and a scan reads what is stored, until that changes.
    may_be_read = bool(row.source_hash) and not (stage == "read" and job.reading.stored_only)
    return {
        "report": row.id,
        "source": row.source,
        "member": raw.member,
        "stage": stage,
        "reason": raw.reason,
        "message": raw.message,
        "transient": raw.reason in TRANSIENT and may_be_read,
        "seconds": round(seconds, 3),
        "memory_bytes": memory_taken(),
        "engine": engine_version(),
        "attempt": attempt,
    }


def _row(job: Job, planned: Source, parsed: Parsed, missing: dict[str, int]) -> Row:
    """Say who, when and which a report is; a column that this one report lacks is noted in `missing`."""
    raw = parsed.raw
    path, source = planned.path, readable(planned.path)
    # A name that is not UTF-8 was mostly written as GB 18030: unpacked from an archive that says nothing of it.
    name = source if "\\" not in source else path.encode("utf-8", "surrogateescape").decode("gb18030", "replace")
    # Of a member of an archive its own name speaks; of one row or item of many no name does.
    is_row = raw.format in TABLES or raw.member.isdecimal()
    if raw.member and not is_row and not raw.member.startswith("after "):
        name = f"{name}/{raw.member}"
    entity_from, year_from = job.entity_from, job.year_from
    absent: dict[str, str] = {}
    for option, spec in (("entity", entity_from), ("year", year_from)):
        if spec and spec.startswith("column:") and spec[7:] not in raw.meta:
            absent[option] = f"{spec}:missing"
            if raw.is_measured:
                known = ", ".join(map(repr, raw.meta)) or "none"
                text = f"no column {spec[7:]!r} for the {option}; its columns beside the text: {known}"
                missing[text] = missing.get(text, 0) + 1
    facts = identify(
        raw.meta,
        name,
        "none" if "entity" in absent else entity_from,
        "none" if "year" in absent else year_from,
        is_row=is_row,
        parsed=parsed if raw.is_measured else None,
        registry=job.registry,
    )
    if absent:
        facts = replace(
            facts,
            entity_source=absent.get("entity", facts.entity_source),
            year_source=absent.get("year", facts.year_source),
        )
    parsed, owners = share_out(parsed, facts, job.registry)
    return _row_of(planned, source, parsed, facts, owners)


def _row_of(planned: Source, source: str, parsed: Parsed, facts: Facts, owners: Owners) -> Row:
    # Of a part of a table that cannot be read at all, the part speaks.
    id = digest(source, parsed.raw.member or planned.content.partition("#")[2], parsed.digest)
    return Row(id, source, planned.content, parsed.digest, facts, parsed, owners)


def _write_part(job: Job, shard: Shard, rows: list[Row], so_far: _Shard) -> None:
    """Measure reports, and write their tables; where that raises in cipin, halve them until it is one that it costs."""
    n_files, began, alone = len(so_far.files), time.perf_counter(), len(rows) == 1
    try:
        measure, hits = _measure_part(job, shard, rows, so_far)
    except (CipinError, OSError):
        raise
    except Exception as error:
        del so_far.files[n_files:]
        if not any(row.raw.is_measured for row in rows):
            raise  # nothing is left to be left out
        if alone:
            _log.debug("%s", rows[0].source, exc_info=True)
            row = rows[0]
            parsed = Parsed(crashed(row.raw, error), digest=row.content_hash)
            rows = [replace(row, parsed=parsed, section_entities=None)]
            so_far.errors.append(_error(job, rows[0], "measure", time.perf_counter() - began, shard.attempt))
    else:
        _tally(so_far, rows, measure, hits, job.lexicon)
        return
    half = len(rows) // 2
    for part in (rows[:half], rows[half:]):
        if part:
            _write_part(job, shard, part, so_far)


def _measure_part(job: Job, shard: Shard, rows: list[Row], so_far: _Shard) -> tuple[Measure, Hits]:
    rows = sorted(rows, key=lambda row: (row.id, row.source, row.raw.member))
    measured = [row for row in rows if row.raw.is_measured]
    with _timed(so_far, "segment"):
        column = _column([row.parsed.utf8 for row in measured])
        marks = find_marks(column)
        clauses, measure = find_clauses(column, job.clauses, marks)
        sentences = find_sentences(column, marks)
        del marks
    with _timed(so_far, "match"):
        matches = find_matches(column, job.lexicon, job.matcher)
    with _timed(so_far, "judge"):
        hits = judge(matches, column, job.lexicon)
        del matches
        parsed = [row.parsed for row in measured]
        places = find_places(parsed, job.skip, job.only)
        hits, measure = leave_out(parsed, places, clauses, hits, measure)
    if job.words:
        with _timed(so_far, "words"):
            words = words_counted(column, parsed, places, fold_text=job.lexicon.fold)
            measure = replace(measure, words=words)
    with _timed(so_far, "tables"):
        tables = build_tables(job.lexicon, rows, measured, column, measure, clauses, sentences, hits, places)
    with _timed(so_far, "write"):
        for table, data in tables.items():
            so_far.files.append(write_table(job, shard.id, table, data, shard=shard.id))
    return measure, hits


def _column(texts: Sequence[bytes | memoryview]) -> TextColumn:
    return TextColumn(np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)], dtype=np.int64))


def _tally(so_far: _Shard, rows: list[Row], measure: Measure, hits: Hits, lexicon: Lexicon) -> None:
    for row in rows:
        raw = row.raw
        so_far.outcomes[raw.status if raw.is_measured else f"{raw.status}:{raw.reason}"] += 1
        if raw.is_measured:
            so_far.doubtful.update(raw.flags)
            so_far.doubtful.update(row.facts.flags)
            so_far.doubtful["no_entity"] += row.facts.entity is None and row.section_entities is None
            so_far.doubtful["no_year"] += row.facts.fiscal_year is None
    so_far.tallies["chars"] += int(measure.chars.sum())
    so_far.tallies["clauses"] += int(measure.clauses.sum())
    so_far.tallies["hits"] += int(hits.kept.sum())
    so_far.tallies["suppressed"] += len(hits) - int(hits.kept.sum())
    for code, n in zip(*np.unique(hits.reason, return_counts=True), strict=True):
        if (reason := hits.reasons[code]).startswith("skip:"):
            so_far.tallies[reason] += int(n)
    per_term = np.bincount(hits.term[hits.kept], minlength=len(lexicon.terms))
    so_far.terms.update({lexicon.terms[term].name: int(per_term[term]) for term in np.flatnonzero(per_term)})


#: Signature of the function that executors call.
ShardFunction = Callable[[Job, Shard], ledger.ShardRecord]
