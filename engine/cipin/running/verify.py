"""Is what a version says still so? Its files, its sums, and a sample of its hits, back to the sources."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from pyarrow import ipc

from cipin.arguments import check_number
from cipin.errors import CipinError
from cipin.lexicon.fold import fold
from cipin.running import ledger
from cipin.running.explain import corpus_of_run, find_text
from cipin.running.results import Run, open_run
from cipin.schema import MEASURED

#: Hits that are looked up in the text of their reports, unless another number is asked for.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked of a version, and what is wrong.

    files     data files whose content was hashed
    reports   rows of the table `reports`
    hits      hits that were looked up in the text of their report; `unseen` ones could not be, since neither a corpus
              nor the unchanged source was at hand
    problems  a sentence each; empty: all is well
    """

    version: int
    files: int
    reports: int
    hits: int
    unseen: int
    problems: tuple[str, ...]


def verify(out: str | Path, version: int | None = None, sample: int = SAMPLE) -> Verification:
    """Hash every file of a version, add its ledger up anew, and look a sample of its hits up in the sources.

    version   None: the newest
    sample    how many hits; the same ones each time. 0: none

    Raises UsageError if there is no such version.

    >>> verify("out").problems  # doctest: +SKIP
    ()
    """
    run = open_run(out, version)
    sample = check_number(sample, "sample", "how many hits are looked up, or 0 for none")
    problems = [*_files(run), *_list(run)]
    n_hits = unseen = reports = 0
    if not problems:
        problems += _sums(run)
        reports = int(run.reports.select(pl.len()).collect().item())
        n_hits, unseen, wrong = _hits(run, sample)
        problems += wrong
    return Verification(run.version, len(run.manifest["files"]), reports, n_hits, unseen, tuple(problems))


def _files(run: Run) -> Iterator[str]:
    """Yield what is wrong with the files of a version."""
    for each in run.manifest["files"]:
        name = each["name"]
        try:
            data = run.store.read(name)
        except FileNotFoundError:
            yield f"{name}: is gone; run the same command again, which makes it anew"
            continue
        except CipinError as error:
            yield str(error)
            continue
        if hashlib.sha256(data).hexdigest() != each["sha256"]:
            yield f"{name}: is not what was written; remove it and run the same command again, which makes it anew"
        elif _rows(name, data) != each["rows"]:
            yield f"{name}: has {_rows(name, data)} rows, and {each['rows']} are recorded; please report this"


def _list(run: Run) -> Iterator[str]:
    """Yield what is wrong with the list of files, and with what OUT/current shows of them."""
    files = run.manifest["files"]
    of_shards = [each for shard in run.manifest["shards"] for each in shard["files"]]
    others = sorted(each["table"] for each in files if each not in of_shards)
    if [each for each in files if each in of_shards] != of_shards or others != ["lexicon", "panel"]:
        yield "the version does not name the files of its shards, one panel and one lexicon; please report this"
    for each in files:
        if not each["name"].rpartition(".")[0].endswith(f"-{each['sha256'][:16]}"):
            yield f"{each['name']}: its name is not that of its content; please report this"
    newest = max(ledger.versions(run.store))
    if run.version == newest and not _shows(run):
        yield "current: does not show this version; run the same command again, which makes it anew"
    try:
        ledger.read_plan(run.store, run.manifest["run"])
    except CipinError as error:
        yield str(error)


def _shows(run: Run) -> bool:
    try:
        return run.store.shows(ledger.shown_files(run.manifest))
    except CipinError:
        return False


def _rows(name: str, data: bytes) -> int:
    if name.endswith(".parquet"):
        return int(pq.ParquetFile(io.BytesIO(data)).metadata.num_rows)
    with ipc.open_file(io.BytesIO(data)) as reader:
        return sum(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))


def _sums(run: Run) -> Iterator[str]:
    """Yield where records, tables and summary do not add up to the same."""
    records = [ledger.ShardRecord.from_json(each) for each in run.manifest["shards"]]
    try:
        ledger.check_balance(records)
    except CipinError as error:
        yield str(error)
    of_shards = ledger.summarise(records)
    for name in ("outcomes", "tallies", "terms"):
        if of_shards[name] != run.summary[name]:
            yield f"{name} of the summary are not the sum of the shards; please report this"
    if sum(record.planned for record in records) != run.manifest["planned"]["sources"]:
        yield "the shards do not hold as many sources as were planned; please report this"
    status = pl.when(pl.col("status").is_in(MEASURED)).then("status").otherwise(pl.format("{}:{}", "status", "reason"))
    outcomes = run.reports.group_by(status.alias("outcome")).len().collect()
    if dict(outcomes.rows()) != of_shards["outcomes"]:
        yield f"the table reports has {dict(outcomes.rows())}, the ledger {of_shards['outcomes']}; please report this"
    hits = dict(run.hits.filter("kept").group_by("term").len().collect().rows())
    counts = dict(run.counts.group_by("term").agg(pl.col("hits").sum()).collect().rows())
    panel = dict(
        run.table("panel").group_by("term").agg(pl.col("hits").sum()).filter(pl.col("hits") > 0).collect().rows()
    )
    for name, found in (("counts", counts), ("terms of the summary", of_shards["terms"]), ("panel", panel)):
        if found != hits:
            yield f"hits and {name} do not give the same sums by term; please report this"


def _hits(run: Run, sample: int) -> tuple[int, int, list[str]]:
    """Look hits up; return how many were, how many could not be, and what is wrong."""
    hits = run.hits.select("report", "surface", "start", "end", "page", "raw_start", "raw_end").collect()
    chosen = hits.sample(min(sample, len(hits)), seed=1).sort("report", "start")
    if chosen.is_empty():
        return 0, 0, []
    rows = run.reports.filter(pl.col("report").is_in(chosen["report"].unique().to_list())).collect()
    by_report = {row["report"]: row for row in rows.iter_rows(named=True)}
    seen = unseen = 0
    wrong: list[str] = []
    stored = corpus_of_run(run)
    for (report,), part in chosen.group_by("report", maintain_order=True):
        row: dict[str, Any] = by_report[str(report)]
        parsed, _ = find_text(run, row, stored)
        if parsed is None:
            unseen += len(part)
            continue
        for _, surface, start, end, page, raw_start, raw_end in part.iter_rows():
            seen += 1
            if parsed.text[start:end] != surface:
                place = f"{row['source']} {row['member'] or ''}".rstrip()
                wrong.append(f"{place}: characters {start} to {end} are not {surface!r}; please report this")
            elif parsed.clean is not None and parsed.raw.text and raw_start is not None:
                begin = int(parsed.raw.layout.page_start[page - 1]) if page and parsed.raw.layout else 0
                raw = parsed.raw.text[begin + raw_start : begin + raw_end]
                if not _holds(raw, surface):
                    wrong.append(f"{row['source']}, page {page}: {raw!r} is not what became {surface!r}")
    return seen, unseen, wrong


def _holds(raw: str, surface: str) -> bool:
    """Tell whether the letters of a surface stand in its raw text, in order; between them may be what was repaired."""
    rest = iter(fold(raw))
    return all(letter in rest for letter in fold(surface) if not letter.isspace())
