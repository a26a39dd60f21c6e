"""What is measured with the tables of a run: panels, indices, association, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from cipin.arguments import check_choice, check_number
from cipin.errors import UsageError
from cipin.lexicon.files import shipped_lexicons
from cipin.lexicon.model import Lexicon
from cipin.measuring.index import Index, make_index
from cipin.measuring.kwic import make_kwic
from cipin.measuring.matrix import Matrix, make_matrix
from cipin.measuring.measures import check_measures
from cipin.measuring.panel import Level, check_by, count_groups, make_panel
from cipin.measuring.recipes import Recipe, load_recipe, recipe_ids
from cipin.measuring.sensitivity import DRAWS, drift, leave_one_out, resample
from cipin.measuring.terms import find_term
from cipin.running.run_tables import RunTables

if TYPE_CHECKING:
    from cipin.measuring.cooccurrence import Unit
    from cipin.measuring.dispersion import PartsBy
    from cipin.measuring.groups import Size
    from cipin.running.association import Around

#: Whether hits count that an entity had in an earlier year, in the same words.
Repeats = Literal["all", "new"]


class Analyses(RunTables):
    """What can be made of a run's tables; a `Run` is one of these."""

    __slots__ = ()

    def panel(
        self,
        by: Sequence[str] = ("entity", "year"),
        level: Level = "term",
        measures: Sequence[str] = (),
        repeats: Repeats = "all",
    ) -> pl.LazyFrame:
        """Return hits and clauses by groups of reports × term, category, dimension or lexicon.

        by         of cipin.measuring.panel.BY: entity, year, month (of publication), source, report, status, format,
                   type (of the report), topic (of the section)
        measures   of cipin.measuring.measures.MEASURES: ln_hits, per_10k_chars, tf_idf, …; with them all denominators
        repeats    `new` leaves out hits in clauses that repeat one of an earlier year of the entity; denominators stay
                   those of all text

        A group in which reports were measured and nothing was found has zeros; one without a readable report is not
        there. `clauses` counts distinct clauses; `reports` and `chars` are the group's denominators.

        Raises UsageError for an unknown column, level or measure.

        >>> run.panel(level="dimension", measures=["per_10k_chars"]).collect()  # doctest: +SKIP
        """
        self._check_words(check_measures(measures))
        check_choice(level, "level", get_args(Level))
        hits, counts = self._hits_of(repeats)
        if (check_by(by), level, repeats) == (("entity", "year"), "term", "all") and not measures:
            return self.table("panel")  # as it was written: 25 million rows are gone through without 3 GB
        return make_panel(self.reports, hits, self.lexicon, by, level, self.sections, counts, measures)

    def _hits_of(self, repeats: Repeats) -> tuple[pl.LazyFrame, pl.LazyFrame | None]:
        """Return hits, and their counts where they are at hand."""
        if check_choice(repeats, "repeats", ("all", "new")) == "all":
            return self.hits, self.counts
        from cipin.measuring.repeats import mark_repeats

        return mark_repeats(self.hits, self.repeats()).filter(~pl.col("repeated")), None

    def index(
        self,
        method: str | Path | Recipe = "wu2021",
        *,
        by: Sequence[str] = ("entity", "year"),
        repeats: Repeats = "all",
        **choices: Any,
    ) -> Index:
        """Return one score for each entity and year, made as a recipe says.

        method    a recipe that cipin ships (wu2021, li2020, guopin2015, entropy, pca, zscore, percentile, epu), the
                  path of one's own, or a Recipe; see cipin.measuring.recipes, and there also what can be chosen
        repeats   as of `panel`
        choices   level, measure, standardise, within, method, components, rotation, transform, parts

        An entity-year without a readable report has no score; one with reports and no hit has the score of zeros.
        Raises UsageError for what is no recipe or choice, or where nothing varies that could be weighed.

        >>> run.index("entropy", within="year").weights  # doctest: +SKIP
        """
        index = make_index(*self._matrix(method, by, choices, repeats))
        used = self.manifest["lexicon"]["id"]
        index.facts.update(lexicon=used, by=list(check_by(by)), repeats=repeats, run=self.manifest["run"])
        # One of that name may be a user's own, or matched otherwise.
        is_shipped = used in shipped_lexicons() and self.manifest["lexicon"]["hash"] == Lexicon.load(used).hash
        # Of a recipe that names no lexicon no paper says which terms; one changed before it came here is not its own.
        name = index.recipe.id if isinstance(method, Recipe) else method
        known = load_recipe(name) if not isinstance(method, Recipe) or name in recipe_ids() else None
        is_its = index.recipe.lexicon == used and is_shipped
        index.facts["as_published"] = is_its and index.recipe == known and repeats == "all"
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

    def _matrix(
        self, method: str | Path | Recipe, by: Sequence[str], choices: dict[str, Any], repeats: Repeats = "all"
    ) -> tuple[Matrix, Recipe]:
        recipe = load_recipe(method).but(**choices)
        by = check_by(by)
        missing = {"entity", "year"} - set(by)
        if missing:
            raise UsageError(f"index by {', '.join(by) or 'nothing'}: it is of entities and years; add {missing.pop()}")
        self._check_words([recipe.measure])
        level: Any = recipe.level
        hits, counts = self._hits_of(repeats)
        counted = count_groups(self.reports, hits, self.lexicon, by, level, self.sections, counts, more=True)
        return make_matrix(counted, recipe.measure), recipe

    def _check_words(self, measures: Sequence[str]) -> None:
        if "per_10k_words" in measures and not self.manifest.get("options", {}).get("words"):
            raise UsageError("measure per_10k_words: words were not counted; run again with --words (words=True)")

    def kwic(
        self, term: str, entity: str | None = None, year: int | None = None, width: int | None = None
    ) -> pl.LazyFrame:
        """Return the kept hits of a term, each with its clause before (`left`) and behind it (`right`).

        term    its name, a variant, or another spelling where the lexicon folds
        width   the most characters on each side; None: the whole clause

        Raises UsageError if the lexicon has no such term.
        """
        name, _ = find_term(self.lexicon, term, folds=self.folds)
        return make_kwic(self.reports, self.clauses, self.hits, name, entity, year, width, self.sections)

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
        other: RunTables | None = None,
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
