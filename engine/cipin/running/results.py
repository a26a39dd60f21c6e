"""What a run left in a folder, as lazy frames, and what can be made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cipin.arguments import check_number, check_place
from cipin.measuring.panel import Level
from cipin.running import ledger
from cipin.running.analyses import Analyses
from cipin.running.store import open_store

if TYPE_CHECKING:
    from cipin.measuring.columns import Language
    from cipin.measuring.index import Index
    from cipin.running.explain import Explanation


@dataclass(frozen=True, slots=True)
class Run(Analyses):
    """What a run left in a folder: its tables as lazy frames, its manifest, and what can be made of them."""

    def explain(self, report: str, term: str) -> Explanation:
        """Return what became of a term in a report: each hit with its section, page and raw text, or why there is none.

        report   the beginning of its id, or words that its path, title, entity and year hold together

        Raises UsageError if there is no such report, or more than one, or no such term.
        """
        from cipin.running.explain import explain

        return explain(self, report, term)

    def export(
        self,
        path: str | Path,
        to: str | None = None,
        tables: Sequence[str] = ("panel",),
        by: Sequence[str] = ("entity", "year"),
        level: Level = "term",
        measures: Sequence[str] = (),
        *,
        wide: bool = False,
        language: Language = "zh",
        bom: bool = True,
        index: Index | None = None,
    ) -> list[Path]:
        """Write tables to a file of Excel, Stata, SPSS, DuckDB, CSV, Parquet or Arrow, and return what was written.

        path       the file; a folder, if several tables are asked for and a file of the format holds one
        to         csv, xlsx, dta, sav, parquet, arrow or duckdb; None: as the name of the file says
        tables     of those that `table` takes; `panel` is made by `by`, `level` and `measures`, as `panel` makes it
        wide       one row a group in the panel, and one variable a term, category or dimension and measure (of
                   `measures`, or else hits and clauses): `hits_t01`, labelled with the term
        language   of the labels of variables: "zh" or "en"
        bom        whether CSV begins with the mark that tells Excel that it is UTF-8
        index      one of this run, as `index` returns it: its tables `scores` and `weights` instead of the run's; the
                   scores alone, in a file of a format that holds one table

        xlsx, duckdb and folders also hold `codebook`. What is missing stays missing, and is not zero. Errors are those
        of cipin.measuring.export.export and of `panel`.

        >>> run.export("panel.dta", measures=["ln_hits"], level="dimension", wide=True)  # doctest: +SKIP
        """
        from cipin.running.share import export_run

        return export_run(
            self, path, to, tables, by, level, measures, wide=wide, language=language, bom=bom, index=index
        )

    def codebook(
        self,
        tables: Sequence[str] | None = None,
        by: Sequence[str] = ("entity", "year"),
        level: Level = "term",
        measures: Sequence[str] = (),
        *,
        wide: bool = False,
        index: Index | None = None,
        to: str | None = None,
    ) -> pl.DataFrame:
        """Return what each variable of an export with the same arguments means, and what this run says of itself.

        tables   None: all
        index    one of this run: what its tables `scores` and `weights` hold, instead of the run's
        to       the format of the export: Stata and SPSS have some variables by another name

        Columns: table (`run` for facts about run and index), name, label_zh, label_en, meaning_zh, meaning_en,
        formula_zh, formula, unit_zh, unit, source_zh, source, value. A variable has no value; a row with one is a code
        that the variable may hold, or a fact.
        """
        from cipin.running.share import codebook_of

        return codebook_of(self, tables, by, level, measures, wide=wide, index=index, to=to)

    def methods(self, language: Language = "zh", measures: Sequence[str] = ()) -> str:
        """Return how this run measured, as a paragraph: enough to make its numbers again.

        language   "zh" or "en"
        measures   of cipin.measuring.measures.MEASURES, whose formulas are to be stated
        """
        from cipin.measuring.methods import count_causes, methods

        return methods(self.manifest, self.lexicon.collect(), language, measures, count_causes(self.hits))


def open_run(out: str | Path, version: int | None = None) -> Run:
    """Open what a run wrote to `out`: the newest version, or the one of that number.

    Raises UsageError if there is no finished run.
    """
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    if version is not None:
        version = check_number(version, "version", "the number of a version, or None for the newest")
    return Run(store, ledger.read_version(store, version))
