"""What a run left in a folder, as lazy frames, and what can be made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cipin.arguments import check_choice, check_number, check_place
from cipin.errors import StorageError, UsageError
from cipin.measuring.index import Index, make_index
from cipin.measuring.kwic import make_kwic
from cipin.measuring.matrix import Matrix, make_matrix
from cipin.measuring.measures import check_measures
from cipin.measuring.panel import Level, check_by, count_groups, make_panel
from cipin.measuring.recipes import Recipe, load_recipe
from cipin.measuring.sensitivity import DRAWS, drift, leave_one_out, resample
from cipin.running import ledger
from cipin.running.store import LocalStore, Store, open_store
from cipin.schema import RUN_TABLES, SHARD_TABLES

if TYPE_CHECKING:
    from cipin.measuring.columns import Language
    from cipin.measuring.cooccurrence import Unit
    from cipin.measuring.dispersion import PartsBy
    from cipin.measuring.groups import Size
    from cipin.running.association import Around
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
        self, by: Sequence[str] = ("entity", "year"), level: Level = "term", measures: Sequence[str] = ()
    ) -> pl.LazyFrame:
        """Return hits and clauses by groups of reports × term, category, dimension or lexicon.

        by         of cipin.measuring.panel.BY: entity, year, month (of publication), source, report, status, format,
                   type (of the report), topic (of the section)
        measures   of cipin.measuring.measures.MEASURES: ln_hits, per_10k_chars, tf_idf, …; with them all denominators

        A group in which reports were measured and nothing was found has zeros; one without a readable report is not
        there. `clauses` counts distinct clauses; `reports` and `chars` are the group's denominators.

        Raises UsageError for an unknown column, level or measure.

        >>> run.panel(level="dimension", measures=["per_10k_chars"]).collect()  # doctest: +SKIP
        """
        self._check_words(check_measures(measures))
        return make_panel(self.reports, self.hits, self.lexicon, by, level, self.sections, self.counts, measures)

    def index(
        self, method: str | Path | Recipe = "wu2021", *, by: Sequence[str] = ("entity", "year"), **choices: Any
    ) -> Index:
        """Return one score for each entity and year, made as a recipe says.

        method    a recipe that cipin ships (wu2021, li2020, guopin2015, entropy, pca, zscore, percentile, epu), the
                  path of one's own, or a Recipe; see cipin.measuring.recipes, and there also what can be chosen
        choices   level, measure, standardise, within, method, components, rotation, transform, parts

        An entity-year without a readable report has no score; one with reports and no hit has the score of zeros.
        Raises UsageError for what is no recipe or choice, or where nothing varies that could be weighed.

        >>> run.index("entropy", within="year").weights  # doctest: +SKIP
        """
        index = make_index(*self._matrix(method, by, choices))
        used = self.manifest["lexicon"]["id"]
        # Numbers of another lexicon are not those of the paper.
        index.facts["lexicon"] = used
        index.facts["as_published"] = index.recipe.lexicon in {"", used} and index.recipe == load_recipe(method)
        return index

    def sensitivity(
        self, method: str | Path | Recipe = "wu2021", what: str = "term", *, draws: int = DRAWS, **choices: Any
    ) -> pl.DataFrame:
        """Return how much an index hangs on what it was made of.

        what    "term", "category" or "dimension": what becomes of it without each of them (leave_one_out); "ranks": how
                sure each rank is (resample); "eras": how the mix of terms changes, and which have no hit (drift)
        method, choices   as of `index`; draws: bootstrap samples

        Columns are told by cipin.measuring.sensitivity. Raises UsageError as `index` does.

        >>> run.sensitivity("wu2021", "dimension")  # doctest: +SKIP
        """
        check_choice(what, "what", ("term", "category", "dimension", "ranks", "eras"))
        if what == "eras":
            return drift(self.panel(["year"]).collect())
        matrix, recipe = self._matrix(method, ("entity", "year"), choices)
        if what == "ranks":
            return resample(matrix, recipe, check_number(draws, "draws", "how many samples are drawn", 1))
        return leave_one_out(matrix, recipe, what)

    def _matrix(self, method: str | Path | Recipe, by: Sequence[str], choices: dict[str, Any]) -> tuple[Matrix, Recipe]:
        recipe = load_recipe(method).but(**choices)
        by = check_by(by)
        missing = {"entity", "year"} - set(by)
        if missing:
            raise UsageError(f"index by {', '.join(by) or 'nothing'}: it is of entities and years; add {missing.pop()}")
        self._check_words([recipe.measure])
        level: Any = recipe.level
        counted = count_groups(self.reports, self.hits, self.lexicon, by, level, self.sections, self.counts, more=True)
        return make_matrix(counted, recipe.measure), recipe

    def _check_words(self, measures: Sequence[str]) -> None:
        if "per_10k_words" in measures and not self.manifest.get("options", {}).get("words"):
            raise UsageError("measure per_10k_words: words were not counted; run again with --words (words=True)")

    def kwic(
        self, term: str, entity: str | None = None, year: int | None = None, width: int | None = None
    ) -> pl.LazyFrame:
        """Return the kept hits of a term, each with its clause before (`left`) and behind it (`right`).

        width   the most characters on each side; None: the whole clause

        Raises UsageError if the lexicon has no such term.
        """
        return make_kwic(self.reports, self.clauses, self.hits, self.lexicon, term, entity, year, width, self.sections)

    def cooccurrence(
        self, unit: Unit = "clause", level: Level = "term", where: pl.Expr | None = None, least: int = 1
    ) -> pl.LazyFrame:
        """Return pairs of terms, categories or dimensions that stand together, with expected count, PMI, NPMI, G2, …

        unit    what holds both: "clause", "sentence", "section" or "report"
        where   which reports: an expression over entity, year, source, status, …; None: all
        least   units that hold both, at least; 0: all pairs

        Columns and formulas: cipin.measuring.cooccurrence. Raises UsageError for what there is not.

        >>> run.cooccurrence(where=pl.col("year") >= 2015, least=5).collect()  # doctest: +SKIP
        """
        from cipin.measuring.cooccurrence import make_cooccurrence
        from cipin.running.association import tables_of

        return make_cooccurrence(tables_of(self), unit, level, where, least)

    def keyness(
        self,
        a: pl.Expr | None = None,
        b: pl.Expr | None = None,
        *,
        other: Run | None = None,
        level: Level = "term",
        size: Size = "chars",
    ) -> pl.LazyFrame:
        """Return the terms that set reports of group a apart from those of b: log-likelihood, log ratio, p, q, …

        a, b    expressions over entity, year, source, status, …; b None: all that are not in a
        other   another run: b is chosen of it, and is all of it if None; a may then be None as well
        size    what texts are measured in: "chars", "han_chars", "words" or "clauses"

        Columns and formulas: cipin.measuring.keyness. Raises UsageError for groups that share a report.

        >>> run.keyness(pl.col("year") >= 2018, pl.col("year") < 2015).collect()  # doctest: +SKIP
        """
        from cipin.measuring.keyness import make_keyness
        from cipin.running.association import check_same, check_size, tables_of

        for run in (self, other):
            if run is not None:
                check_same(self, run, level)
                check_size(run, size)
        return make_keyness(tables_of(self), a, b, level, size, None if other is None else tables_of(other))

    def collocates(
        self,
        term: str,
        window: int | None = None,
        around: Around = "word",
        where: pl.Expr | None = None,
        least: int = 3,
    ) -> pl.LazyFrame:
        """Return the words around a term in its clauses: log-likelihood, MI, t-score, log ratio.

        window   words on each side of a hit; None: the whole clause
        around   "word", as jieba's dictionary cuts the clauses, or "character"
        where    which reports; None: all
        least    how often a word stands near the term, at least

        They are compared with the clauses of the other terms: the tables hold no clause without a hit. So a word that
        stands with all terms of a lexicon alike is none of this term's. Columns and formulas:
        cipin.measuring.collocates. Raises UsageError if the lexicon has no such term.
        """
        from cipin.running.association import collocates

        return collocates(self, term, window, around, where, least)

    def dispersion(
        self,
        level: Level = "term",
        parts_by: PartsBy = "report",
        size: Size = "chars",
        where: pl.Expr | None = None,
    ) -> pl.LazyFrame:
        """Return how evenly each term is spread over reports (entities, years): range, Juilland's D, Gries' DP.

        Columns and formulas: cipin.measuring.dispersion. Raises UsageError for what there is not.
        """
        from cipin.measuring.dispersion import make_dispersion
        from cipin.running.association import check_size, tables_of

        check_size(self, size)
        return make_dispersion(tables_of(self), level, parts_by, size, where)

    def trends(self, by: Sequence[str] = (), level: Level = "term", measure: str = "per_10k_chars") -> pl.LazyFrame:
        """Return which way each term goes over the years: slopes, Mann-Kendall, first and last year, largest rise.

        by        a trend for each of these: "entity", "source", "type", …; (): one for all reports
        measure   what is followed: one of cipin.measuring.measures.MEASURES

        Columns and formulas: cipin.measuring.trends. A year without a report is missing, not zero. Raises UsageError
        for an unknown column, level or measure.
        """
        from cipin.running.association import trends

        return trends(self, by, level, measure)

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
    ) -> list[Path]:
        """Write tables to a file of Excel, Stata, SPSS, DuckDB, CSV, Parquet or Arrow, and return what was written.

        path       the file; a folder, if several tables are asked for and a file of the format holds one
        to         csv, xlsx, dta, sav, parquet, arrow or duckdb; None: as the name of the file says
        tables     of those that `table` takes; `panel` is made by `by`, `level` and `measures`, as `panel` makes it
        wide       one row a group in the panel, and one variable a term, category or dimension and measure (of
                   `measures`, or else hits and clauses): `hits_t01`, labelled with the term
        language   of the labels of variables: "zh" or "en"
        bom        whether CSV begins with the mark that tells Excel that it is UTF-8

        xlsx, duckdb and folders also hold `codebook`. What is missing stays missing, and is not zero. Errors are those
        of cipin.measuring.export.export and of `panel`.

        >>> run.export("panel.dta", measures=["ln_hits"], level="dimension", wide=True)  # doctest: +SKIP
        """
        from cipin.running.share import export_run

        return export_run(self, path, to, tables, by, level, measures, wide=wide, language=language, bom=bom)

    def codebook(
        self,
        tables: Sequence[str] | None = None,
        by: Sequence[str] = ("entity", "year"),
        level: Level = "term",
        measures: Sequence[str] = (),
        *,
        wide: bool = False,
    ) -> pl.DataFrame:
        """Return what each variable of an export with the same arguments means, and what this run says of itself.

        tables   None: all

        Columns: table (`run` for facts about the run), name, label_zh, label_en, meaning_zh, meaning_en, formula, unit,
        source, value (of facts).
        """
        from cipin.running.share import codebook_of

        return codebook_of(self, tables, by, level, measures, wide=wide)

    def methods(self, language: Language = "zh", measures: Sequence[str] = ()) -> str:
        """Return how this run measured, as a paragraph: enough to make its numbers again.

        language   "zh" or "en"
        measures   of cipin.measuring.measures.MEASURES, whose formulas are to be stated
        """
        from cipin.measuring.methods import methods

        return methods(self.manifest, self.lexicon.collect(), language, measures)


def open_run(out: str | Path, version: int | None = None) -> Run:
    """Open what a run wrote to `out`: the newest version, or the one of that number.

    Raises UsageError if there is no finished run.
    """
    store = open_store(check_place(out, "out", "the folder that `cipin run … -o` wrote"))
    if version is not None:
        version = check_number(version, "version", "the number of a version, or None for the newest")
    return Run(store, ledger.read_version(store, version))
