"""What a run left in a folder, as lazy frames, and what can be made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from cipin.arguments import check_choice, check_number, check_place
from cipin.errors import StorageError
from cipin.measuring.kwic import make_kwic
from cipin.measuring.panel import Level, make_panel
from cipin.running import ledger
from cipin.running.store import LocalStore, Store, open_store
from cipin.schema import RUN_TABLES, SHARD_TABLES

if TYPE_CHECKING:
    from cipin.running.explain import Explanation


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left in a folder: its tables as lazy frames, its manifest, and what can be made of them."""

    store: Store
    manifest: dict[str, Any]

    @property
    def out(self) -> Path | str:
        """The folder, or the URL."""
        return self.store.path if isinstance(self.store, LocalStore) else self.store.place

    @property
    def version(self) -> int:
        """The number of this version."""
        return int(self.manifest["version"])

    @property
    def reports(self) -> pl.LazyFrame:
        """One row a report, whatever became of it. Columns: cipin.schema.REPORTS."""
        return self.table("reports")

    @property
    def sections(self) -> pl.LazyFrame:
        """One row a section of a measured report. Columns: cipin.schema.SECTIONS."""
        return self.table("sections")

    @property
    def clauses(self) -> pl.LazyFrame:
        """The evidence: one row a clause with a kept hit. Columns: cipin.schema.CLAUSES."""
        return self.table("clauses")

    @property
    def hits(self) -> pl.LazyFrame:
        """One row a hit, kept or suppressed with its reason. Columns: cipin.schema.HITS."""
        return self.table("hits")

    @property
    def counts(self) -> pl.LazyFrame:
        """Hits and clauses of each term in each report that has any. Columns: cipin.schema.COUNTS."""
        return self.table("counts")

    @property
    def lexicon(self) -> pl.LazyFrame:
        """The terms that were searched for. Columns: cipin.schema.LEXICON."""
        return self.table("lexicon")

    @property
    def errors(self) -> pl.DataFrame:
        """One row a report that was set aside: what failed, why, how long it took. Columns: running.status.ERRORS."""
        from cipin.running.status import error_table

        return error_table(each for shard in self.manifest["shards"] for each in shard["errors"])

    @property
    def summary(self) -> dict[str, Any]:
        """Totals: outcomes, tallies, terms, doubtful, seconds, bytes."""
        return self.manifest["summary"]

    def table(self, name: str) -> pl.LazyFrame:
        """Return a table of this version by its name.

        Raises UsageError if there is none of that name.
        """
        check_choice(name, "table", (*SHARD_TABLES, *RUN_TABLES))
        names = [each["name"] for each in self.manifest["files"] if each["table"] == name]
        if not names:
            raise StorageError(f"{self.store.place}: the version names no file of the table {name}; run again")
        return self.store.scan(names)

    def panel(
        self,
        by: Sequence[str] = ("entity", "year"),
        level: Level = "term",
        repeats: Literal["all", "new"] = "all",
    ) -> pl.LazyFrame:
        """Return hits and clauses by entity, year, source, report or status × term, category, dimension or lexicon.

        A group in which reports were measured and nothing was found has zeros; one without a readable report is not
        there. `clauses` counts distinct clauses; `reports` and `chars` are the group's denominators.

        repeats   `new` leaves out hits in clauses that repeat one of an earlier year of the entity; denominators stay
                  those of all text

        Raises UsageError for an unknown column or level.
        """
        if check_choice(repeats, "repeats", ("all", "new")) == "all":
            return make_panel(self.reports, self.hits, self.lexicon, by, level, self.sections, self.counts)
        from cipin.measuring.repeats import mark_repeats

        hits = mark_repeats(self.hits, self.repeats()).filter(~pl.col("repeated"))
        return make_panel(self.reports, hits, self.lexicon, by, level, self.sections)

    def kwic(
        self, term: str, entity: str | None = None, year: int | None = None, width: int | None = None
    ) -> pl.LazyFrame:
        """Return the kept hits of a term, each with its clause before (`left`) and behind it (`right`).

        width   the most characters on each side; None: the whole clause

        Raises UsageError if the lexicon has no such term.
        """
        return make_kwic(self.reports, self.clauses, self.hits, self.lexicon, term, entity, year, width, self.sections)

    def repeats(self, similarity: float = 0.8, digits: bool = False, same_report: bool = False) -> pl.DataFrame:
        """Return the clauses that repeat an earlier one of their entity, each with the first that it repeats.

        similarity    the least that clauses are alike in their three-character grams, 0.5 to 1; 1: only the same ones
        digits        whether numbers tell clauses apart
        same_report   whether a clause may repeat one of its own report

        Columns: cipin.measuring.repeats.REPEATS. Raises UsageError for a similarity out of range.
        """
        from cipin.measuring.repeats import find_repeats

        return find_repeats(self.reports, self.clauses, self.sections, similarity, digits, same_report)

    def new_and_repeated(self, repeats: pl.DataFrame | None = None) -> pl.LazyFrame:
        """Return the counted hits of each entity, year and term that has any, in new clauses and in repeated ones.

        repeats   what `repeats` returned; None: as it finds them by itself

        Columns: entity, year, lexicon, term, hits, new_hits, repeated_hits, first_year (in which the entity uses the
        term at all). A hit is repeated if its clause repeats one of an earlier year.
        """
        from cipin.measuring.repeats import new_and_repeated

        found = self.repeats() if repeats is None else repeats
        return new_and_repeated(self.reports, self.hits, found, self.sections)

    def duplicates(self, similarity: float = 0.9, least: int = 10, any_entity: bool = False) -> pl.DataFrame:
        """Return the reports that another one makes superfluous: by the same text, or by the same evidence.

        similarity   the least share of distinct evidence clauses in common, 0.5 to 1
        least        reports with fewer distinct ones are compared by their whole text alone
        any_entity   whether reports of different entities, or of none, are compared by their evidence, too

        Columns: cipin.measuring.duplicates.DUPLICATES; kinds: `exact`, `near`, `contained`.
        """
        from cipin.measuring.duplicates import find_duplicates

        return find_duplicates(self.reports, self.clauses, similarity, least, any_entity)

    def explain(self, report: str, term: str) -> Explanation:
        """Return what became of a term in a report: each hit with its section, page and raw text, or why there is none.

        report   the beginning of its id, or words that its path, title, entity and year hold together

        Raises UsageError if there is no such report, or more than one, or no such term.
        """
        from cipin.running.explain import explain

        return explain(self, report, term)


def open_run(out: str | Path, version: int | None = None) -> Run:
    """Open what a run wrote to `out`: the newest version, or the one of that number.

    Raises UsageError if there is no finished run.
    """
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    if version is not None:
        version = check_number(version, "version", "the number of a version, or None for the newest")
    return Run(store, ledger.read_version(store, version))
