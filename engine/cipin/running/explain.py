"""From a hit back to its clause, section, page, raw text and file; or why there is none."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from cipin.arguments import check_text
from cipin.errors import CipinError, UsageError
from cipin.lexicon.fold import fold
from cipin.measuring.terms import find_term
from cipin.reading.parsed import Parsed
from cipin.running.packs import Stored, corpus_at, find_stored, load_stored
from cipin.running.parsing import Reading, is_unchanged, parse_source
from cipin.running.plan import Source
from cipin.running.store import Store
from cipin.schema import MEASURED

if TYPE_CHECKING:
    from cipin.running.results import Run

#: Characters shown on each side of a hit.
AROUND = 40
#: Places shown where a term almost stands.
MOST_NEAR = 5
#: What may part the characters of a term that is almost there.
_PARTED = r"[\W_]{0,4}"

_REASONS = {
    "guard": "it stands inside {}, which is another word",
    "boundary": "letters, digits or a word go on beside it, so that it is part of something else",
    "overlap": "{}, which begins before it or is longer, was counted there",
    "skip": "it stands in a place that is not counted ({}); --skip says which are",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a term in a report.

    report   the row of the table `reports`
    term     the name of the term; `spellings` are all that is searched for
    hits     one row a hit: kept, reason, page, start, end, raw_start, raw_end, kind, section (the titles around it),
             surface, text (what stands around it), raw (the same in the raw text of its page); null where the text is
             not at hand
    why      sentences for a person: what was not counted, or why there is nothing
    """

    report: dict[str, Any]
    term: str
    spellings: tuple[str, ...]
    hits: pl.DataFrame
    why: tuple[str, ...]


def explain(run: Run, report: str, term: str) -> Explanation:
    """Explain what was found of `term` in a report of `run`.

    report   the beginning of its id, or words that its path, member, title, entity and year hold together

    Raises UsageError if there is no such report, or more than one, or no such term.
    """
    row = _find_report(run.reports, report)
    name, spellings = find_term(run.lexicon, term, folds=run.folds)
    hits = (
        run.hits.filter((pl.col("report") == row["report"]) & (pl.col("term") == name))
        .drop("report", "lexicon", "term", "context")
        .collect()
    )
    parsed, missing = find_text(run, row)
    titles = _titles(run.sections.filter(pl.col("report") == row["report"]).collect())
    shown = hits.with_columns(
        section=pl.Series([titles.get(each) for each in hits["section"]], dtype=pl.String),
        text=pl.Series([_around(parsed, *each) for each in hits.select("start", "end").iter_rows()], dtype=pl.String),
        raw=pl.Series(
            [_raw(parsed, *each) for each in hits.select("page", "raw_start", "raw_end").iter_rows()], dtype=pl.String
        ),
    )
    return Explanation(row, name, spellings, shown, tuple(_reasons(row, hits, spellings, parsed, missing)))


def _find_report(reports: pl.LazyFrame, wanted: str) -> dict[str, Any]:
    check_text(wanted, "report", "the beginning of its id, or words of its path, title, entity or year")
    columns = reports.select("report", "source", "member", "title", "entity", "fiscal_year").collect()
    if re.fullmatch("[0-9a-f]{6,24}", wanted):
        found = columns.filter(pl.col("report").str.starts_with(wanted))
        if len(found) == 1:
            return reports.filter(pl.col("report") == found["report"][0]).collect().row(0, named=True)
    words = fold(wanted).split()
    rows = []
    for row in columns.iter_rows(named=True):
        exact = wanted in {row["source"], f"{row['source']} {row['member']}"}
        text = fold(" ".join(str(value) for name, value in row.items() if name != "report" and value is not None))
        if exact or (words and all(word in text for word in words)):
            rows.append((exact, row))
    best = [row for exact, row in rows if exact] or [row for _, row in rows]
    if not best:
        raise UsageError(f"report {wanted!r}: there is none; give its id, or words of its path, title, entity or year")
    if len(best) > 1:
        names = [f"{row['report'][:10]} {row['source']} {row['member'] or ''}".rstrip() for row in best]
        more = f"\n  and {len(names) - 10} more" if len(names) > 10 else ""
        shown = "\n  ".join(names[:10])
        raise UsageError(f"report {wanted!r}: {len(names)} are meant; say which, by its id:\n  {shown}{more}")
    return reports.filter(pl.col("report") == best[0]["report"]).collect().row(0, named=True)


def find_text(run: Run, row: dict[str, Any], stored: Mapping[str, Stored] | None = None) -> tuple[Parsed | None, str]:
    """Return the parsed report, from the store or from its file; None, and why, where neither is at hand.

    stored   what `corpus_of_run` found, for whoever looks up many
    """
    if row["status"] not in MEASURED:
        return None, ""
    options = run.manifest["options"]
    no_repair = tuple(each for each in (options["no_repair"] or "").split(",") if each)
    root = str(run.manifest["root"])
    reading = Reading(
        root,
        options["text_column"],
        int(options.get("max_chars", 0)),
        no_repair,
        _corpus(run),
    )
    source = Source(row["source"], 0, row["source_hash"] or "")
    try:
        for parsed in _read(reading, source, corpus_of_run(run) if stored is None else stored):
            if parsed.digest == row["content_hash"] and parsed.raw.member == (row["member"] or ""):
                return parsed, ""
    except CipinError as error:
        return None, str(error)
    file = os.path.join(root, row["source"])
    return None, f"{file}: is no longer the file that was measured, and no corpus holds its text"


def corpus_of_run(run: Run) -> dict[str, Stored]:
    """Return where the parsed reports of a run are, by the keys of their sources; none without a corpus."""
    corpus = _corpus(run)
    return find_stored(corpus) if corpus is not None else {}


def _corpus(run: Run) -> Store | None:
    return corpus_at(run.store, run.manifest["corpus"])


def _read(reading: Reading, source: Source, stored: Mapping[str, Stored]) -> Iterator[Parsed]:
    if reading.corpus is not None and (place := stored.get(reading.key(source))):
        yield from load_stored(reading.corpus, place, with_raw=True)
    elif is_unchanged(reading.root, source):
        with closing(parse_source(reading, source)) as reports:
            yield from reports


def _titles(sections: pl.DataFrame) -> dict[int, str]:
    """Return the titles of each section and those around it, the outermost first."""
    titles: dict[int, str] = {}
    for section, parent, title in sections.select("section", "parent", "title").iter_rows():
        titles[section] = " › ".join(each for each in (titles.get(parent, ""), title or "") if each)
    return titles


def _around(parsed: Parsed | None, start: int, end: int) -> str | None:
    if parsed is None:
        return None
    text = parsed.text
    return f"{text[max(0, start - AROUND) : start]}[{text[start:end]}]{text[end : end + AROUND]}"


def _raw(parsed: Parsed | None, page: int | None, start: int, end: int) -> str | None:
    if parsed is None or (parsed.clean is not None and not parsed.raw.text):
        return None
    begin = int(parsed.raw.layout.page_start[page - 1]) if page and parsed.raw.layout else 0
    return parsed.raw.text[begin + start : begin + end]


def _reasons(
    row: dict[str, Any], hits: pl.DataFrame, spellings: Sequence[str], parsed: Parsed | None, missing: str
) -> Iterator[str]:
    if row["status"] not in MEASURED:
        yield f"the report is {row['status']} ({row['reason']}), so nothing is known of it: {row['message']}"
        return
    for reason, n in hits.filter(~pl.col("kept"))["reason"].value_counts(sort=True).iter_rows():
        kind, _, what = reason.partition(":")
        times = "once" if n == 1 else f"{n} times"
        yield f"not counted {times}, {reason}: {_REASONS.get(kind, 'as the lexicon asks').format(what)}"
    if parsed is None:
        yield f"its text is not at hand: {missing}"
    elif hits.is_empty():
        yield f"none of {', '.join(spellings)} stands in its {len(parsed.text):,} characters"
        near = list(_near(parsed.text, spellings))
        if near:
            yield "it almost stands there, parted by blanks or marks: " + "; ".join(near)
    if row["flags"]:
        pages = json.loads(row.get("page_flags") or "{}")
        doubts = [f"{flag} (pages {pages[flag]})" if flag in pages else flag for flag in row["flags"]]
        yield f"its text is doubtful: {', '.join(doubts)}; hits may be missing"


def _near(text: str, spellings: Sequence[str]) -> Iterator[str]:
    folded, n_found = fold(text), 0
    for spelling in spellings:
        letters = [each for each in fold(spelling) if not each.isspace()]
        for found in re.finditer(_PARTED.join(map(re.escape, letters)), folded):
            begin, end = max(0, found.start() - 10), found.end() + 10
            yield f"“{' '.join(text[begin:end].split())}” at {found.start()}"
            n_found += 1
            if n_found >= MOST_NEAR:
                return
