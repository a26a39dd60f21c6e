"""The tables of a run, as lazy frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cipin.arguments import check_choice
from cipin.errors import StorageError
from cipin.running.store import LocalStore, Store
from cipin.schema import RUN_TABLES, SHARD_TABLES


@dataclass(frozen=True, slots=True)
class RunTables:
    """The tables of a run as lazy frames, and its manifest."""

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
    def folds(self) -> bool:
        """Whether its lexicon takes spellings of one character for one another: `大數據` for `大数据`."""
        return bool(self.manifest["lexicon"]["fold"])

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
