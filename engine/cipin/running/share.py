"""A run's tables as an analyst asks for them: chosen, labelled, with their codebook, and exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import polars as pl

from cipin.arguments import check_choice, check_flag, check_names, check_path
from cipin.errors import UsageError
from cipin.measuring.codebook import describe_all, make_codebook
from cipin.measuring.columns import Column, Language
from cipin.measuring.export import FORMATS, export
from cipin.measuring.measures import check_measures
from cipin.measuring.panel import Level
from cipin.measuring.wide import make_wide
from cipin.schema import RUN_TABLES, SHARD_TABLES

if TYPE_CHECKING:
    from cipin.running.results import Run

#: Tables in the order in which they are shown.
TABLES = ("panel", "reports", "sections", "hits", "clauses", "counts", "lexicon")
#: How the panel is grouped that a run publishes.
_PUBLISHED = (("entity", "year"), "term", ())


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
) -> list[Path]:
    """Export tables of a run; see Run.export."""
    check_choice(language, "language", get_args(Language))
    names, by, measures = _checked(tables, by, measures, wide=wide)
    place = check_path(path, "path", "the name of the file")
    if to is None:
        to = place.suffix.lower().removeprefix(".")
        if to not in FORMATS:
            raise UsageError(f"export to {place}: the name does not say which format; give `to`: {', '.join(FORMATS)}")
    check_choice(to, "to", FORMATS)
    frames: dict[str, pl.DataFrame] = {}
    columns: dict[str, tuple[Column, ...]] = {}
    for name in names:
        frames[name], columns[name] = _table(run, name, by, level, measures, wide=wide)
    labels = {name: {each.name: each.label(language) for each in of_table} for name, of_table in columns.items()}
    codebook = make_codebook(columns, run.manifest, run.lexicon.collect(), measures)
    title = f"cipin: {run.manifest['lexicon']['id']}, {run.manifest['run']}"
    return export(frames, place, to, labels=labels, title=title, codebook=codebook, bom=bom)


def codebook_of(
    run: Run,
    tables: Sequence[str] | None,
    by: Sequence[str],
    level: Level,
    measures: Sequence[str],
    *,
    wide: bool,
) -> pl.DataFrame:
    """Return the codebook of tables of a run; see Run.codebook."""
    names, by, measures = _checked(TABLES if tables is None else tables, by, measures, wide=wide)
    columns: dict[str, tuple[Column, ...]] = {}
    for name in names:
        if name == "panel" and wide:
            columns[name] = _table(run, name, by, level, measures, wide=wide)[1]
        else:
            frame = run.panel(by, level, measures) if name == "panel" else run.table(name)
            columns[name] = describe_all(name, frame.collect_schema().names())
    return make_codebook(columns, run.manifest, run.lexicon.collect(), measures)


def _checked(
    tables: Sequence[str], by: Sequence[str], measures: Sequence[str], *, wide: bool
) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    names = check_names(tables, "tables", '["panel", "reports"]')
    for name in names:
        check_choice(name, "table", (*SHARD_TABLES, *RUN_TABLES))
    if not names:
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
    is_published = (by, level, measures) == _PUBLISHED
    panel = (run.table("panel") if is_published else run.panel(by, level, measures)).collect()
    if not wide:
        return panel, describe_all(name, panel.columns)
    found = make_wide(panel, run.lexicon.collect(), by, level, measures)
    return found.frame, found.columns
