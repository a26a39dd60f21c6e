"""A run's tables as an analyst asks for them: chosen, labelled, with their codebook, and exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import polars as pl

from cipin.arguments import check_choice, check_flag, check_names, check_path
from cipin.errors import UsageError
from cipin.measuring.codebook import Fact, describe_all, make_codebook
from cipin.measuring.columns import Column, Language
from cipin.measuring.export import FORMATS, MANY, export
from cipin.measuring.index import Index
from cipin.measuring.index_book import SCORES, WEIGHTS, describe_index, say_index
from cipin.measuring.measures import check_measures
from cipin.measuring.methods import count_causes
from cipin.measuring.panel import Level
from cipin.measuring.wide import legal_names, make_wide
from cipin.schema import RUN_TABLES, SHARD_TABLES

if TYPE_CHECKING:
    from cipin.running.results import Run

#: Tables in the order in which they are shown.
TABLES = ("panel", "reports", "sections", "hits", "clauses", "counts", "lexicon")


def export_run(
    run: Run,
    path: str | Path,
    to: str | None,
    tables: Sequence[str],
    by: Sequence[str],
    level: Level,
    measures: Sequence[str],
    *,
    wide: bool,
    language: Language,
    bom: bool,
    index: Index | None = None,
) -> list[Path]:
    """Export tables of a run, or those of an index of it; see Run.export."""
    check_choice(language, "language", get_args(Language))
    if index is not None:
        _check_index(run, index, tables, wide=wide)
        tables = ()
    names, by, measures = _checked(tables, by, measures, wide=wide, index=index)
    place = check_path(path, "path", "the name of the file")
    if to is None:
        to = "csv" if place.is_dir() else place.suffix.lower().removeprefix(".")
        if to not in FORMATS:
            raise UsageError(
                f"export to {place}: the name does not say which format; give `to` (--to): {', '.join(FORMATS)}"
            )
    check_choice(to, "to", FORMATS)
    frames: dict[str, pl.DataFrame] = {}
    columns: dict[str, tuple[Column, ...]] = {}
    for name in names:
        frames[name], columns[name] = _table(run, name, by, level, measures, wide=wide)
    facts: list[Fact] = []
    if index:
        columns, facts = describe_index(index)
        measures = (index.recipe.measure,)
        frames = {SCORES: index.scores, WEIGHTS: index.weights}
        if to not in MANY and place.suffix and not place.is_dir():
            del frames[WEIGHTS]
    labels = {name: {each.name: each.label(language) for each in of_table} for name, of_table in columns.items()}
    codebook = _codebook(run, columns, measures, to, facts, index)
    title = f"cipin: {index.recipe.id + ', ' if index else ''}{run.manifest['lexicon']['id']}, {run.manifest['run']}"
    return export(frames, place, to, labels=labels, title=title, codebook=codebook, bom=bom)


def codebook_of(
    run: Run,
    tables: Sequence[str] | None,
    by: Sequence[str],
    level: Level,
    measures: Sequence[str],
    *,
    wide: bool,
    index: Index | None = None,
    to: str | None = None,
) -> pl.DataFrame:
    """Return the codebook of tables of a run, or of those of an index of it; see Run.codebook."""
    if to is not None:
        check_choice(to, "to", FORMATS)
    if index is not None:
        _check_index(run, index, tables, wide=wide)
        of_index, facts = describe_index(index)
        return _codebook(run, of_index, [index.recipe.measure], to, facts, index)
    names, by, measures = _checked(TABLES if tables is None else tables, by, measures, wide=wide)
    columns: dict[str, tuple[Column, ...]] = {}
    for name in names:
        if name == "panel" and wide:
            columns[name] = _table(run, name, by, level, measures, wide=wide)[1]
        else:
            frame = run.panel(by, level, measures) if name == "panel" else run.table(name)
            columns[name] = describe_all(name, frame.collect_schema().names())
    return _codebook(run, columns, measures, to)


def _codebook(
    run: Run,
    columns: Mapping[str, Sequence[Column]],
    measures: Sequence[str],
    to: str | None = None,
    facts: Sequence[Fact] = (),
    index: Index | None = None,
) -> pl.DataFrame:
    if to in {"dta", "sav"}:
        columns = {table: _as_legal(of_table) for table, of_table in columns.items()}
    closing = say_index(index) if index else ("", "")
    causes = count_causes(run.hits)
    return make_codebook(columns, run.manifest, run.lexicon.collect(), measures, causes, facts, closing)


def _as_legal(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns by the names that they have in files of Stata and SPSS."""
    names = legal_names([each.name for each in columns])
    return tuple(replace(each, name=name) for each, name in zip(columns, names, strict=True))


def _check_index(run: Run, index: Any, tables: Sequence[str] | None, *, wide: Any) -> None:
    """Raise UsageError for what is no index of a run, or for tables of the run beside it."""
    if not isinstance(index, Index):
        raise UsageError(f"index = {index!r}: give what `run.index(…)` returns")
    if index.facts.get("run") != run.manifest["run"]:
        raise UsageError(f"index: it is of run {index.facts.get('run')}, and this is {run.manifest['run']}")
    if wide or (tables is not None and tuple(tables) != ("panel",)):
        raise UsageError("index: its own tables are exported; leave tables and wide out, and export those alone")


def _checked(
    tables: Sequence[str], by: Sequence[str], measures: Sequence[str], *, wide: bool, index: Index | None = None
) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    names = check_names(tables, "tables", '["panel", "reports"]')
    for name in names:
        check_choice(name, "table", (*SHARD_TABLES, *RUN_TABLES))
    if not names and not index:
        raise UsageError("tables: none is named; name one, such as panel")
    check_flag(wide, "wide")
    if wide and "panel" not in names:
        raise UsageError("wide: only the panel is wide; add panel to the tables, or leave wide out")
    return list(dict.fromkeys(names)), check_names(by, "by", '["entity", "year"]'), check_measures(measures)


def _table(
    run: Run, name: str, by: tuple[str, ...], level: Level, measures: tuple[str, ...], *, wide: bool
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    if name != "panel":
        frame = run.table(name).collect()
        return frame, describe_all(name, frame.columns)
    panel = run.panel(by, level, measures).collect()
    if not wide:
        return panel, describe_all(name, panel.columns)
    found = make_wide(panel, run.lexicon.collect(), by, level, measures)
    return found.frame, found.columns
