"""Entity and fiscal year of a report: from its columns, its file name and its content, whichever is believed most.

What nothing says is None: a wrong year in a panel cannot be seen, a missing one can. All that was found is kept as
`candidates`, and two that contradict one another are a flag, `entity_conflict` or `year_conflict`. In this order, with
the score of each:

**Entity**: what the user chose, or a column (1); the file name, where the registry knows it (0.9), a code with its
exchange in it (0.85), or whatever else stands there (0.75); the cover (0.7) and the majority of the running heads
(0.65), each 0.1 less for a company that the registry does not know; a bare code in the file name (0.6); the title (0.5)
and the publisher (0.45), by the registry alone; a file name without an ideograph (0.4).

**Year**: what the user chose, or a column (1); an annual report's year in the file name (0.95); the cover (0.9); the
majority of running heads (0.8); the title (0.75); the period that the text begins with (0.7); a year, a number, a date
in the file name (0.6, 0.5, 0.35); the year before that in which the file was made, if it is an annual report (0.3).

A name that the registry knows becomes the registry's (深发展Ａ is 平安银行), and `entity_as_written` is what stood
there; `value:TEXT` alone is taken as it is. Of a row of a table or an item of a page, only its own columns, title and
publisher speak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from cipin.arguments import check_text
from cipin.errors import SourceError, UsageError
from cipin.lexicon.fold import fold
from cipin.reading import evidence
from cipin.reading.evidence import Candidate
from cipin.reading.names import NameFacts, identify_name, parse_date, parse_year, read_year
from cipin.reading.parsed import Parsed
from cipin.reading.registry import NO_REGISTRY, Registry

__all__ = ["Facts", "NameFacts", "check_source", "identify", "identify_name", "parse_year"]

#: Columns that hold the entity, the year and the day of publication without being told; the first that is there.
ENTITY_COLUMNS = (
    "entity", "bank", "company", "银行", "公司", "机构", "证券简称", "简称", "股票简称", "銀行", "機構", "證券簡稱",
)  # fmt: skip
YEAR_COLUMNS = ("fiscal_year", "year", "年份", "年度", "会计年度", "會計年度")
DATE_COLUMNS = ("date", "published", "日期")
CODE_COLUMNS = ("code", "证券代码", "股票代码", "代码", "證券代碼", "股票代碼")

#: How far a file name is believed, by what it gives.
NAME_SCORES: Mapping[str, float] = {
    "name:annual_report": 0.95, "name:year": 0.6, "name:number": 0.5, "name:date": 0.35, "name:published": 0.35,
}  # fmt: skip
KNOWN, LISTED, UNKNOWN, BARE_CODE, LATIN = 0.9, 0.85, 0.75, 0.6, 0.4
#: What is believed less is kept, and not chosen.
ENOUGH = 0.25
#: What is believed as much may not be contradicted in silence.
CONFLICT = 0.5


@dataclass(frozen=True, slots=True)
class Facts:
    """Whose report it is and for which year, where each was found, and what else was.

    entity             the registry's name of it, else as it was written; None if nothing gave one
    entity_as_written  what stood there
    entity_source      "name", "name:code", "cover", "running_head", "title", "publisher", "column:<name>", "parent",
                       "name:<regex>", "value", "none"; "" if nothing gave one
    fiscal_year        None if nothing gave one
    year_source        "name:annual_report", "name:year", "name:number", "name:date", "name:published",
                       "name:conflict", "cover", "running_head", "title", "period", "metadata_date",
                       "column:<name>:invalid", and as for the entity
    entity_score, year_score   from 0 to 1; None without one
    published          day of publication as YYYY-MM-DD, or None
    code               stock code of its file name, its columns or its cover, or None
    entities, years    all that was found, the most believed first
    flags              "entity_conflict", "year_conflict"
    is_known           the entity is one of the registry
    """

    entity: str | None = None
    entity_as_written: str | None = None
    entity_source: str = ""
    entity_score: float | None = None
    fiscal_year: int | None = None
    year_source: str = ""
    year_score: float | None = None
    published: str | None = None
    code: str | None = None
    entities: tuple[Candidate, ...] = ()
    years: tuple[Candidate, ...] = ()
    flags: tuple[str, ...] = ()
    is_known: bool = False


_HAN = re.compile("[\u3400-\u9fff]")
_UNNAMED, _NO_COVER = NameFacts(), evidence.Cover((), False, False)


def identify(
    meta: Mapping[str, object],
    name: str,
    entity_from: str | None = None,
    year_from: str | None = None,
    *,
    is_row: bool = False,
    parsed: Parsed | None = None,
    registry: Registry = NO_REGISTRY,
) -> Facts:
    """Return entity and fiscal year of a report from its columns, its path `name` and its content.

    is_row   the report is one row of many in its file, so that the rules for file names say nothing of it
    parsed   the report, where its content may speak, too

    entity_from, year_from   `column:NAME`; `parent`, the folder's name; `name:REGEX`, the first group, or all of what
                             is found, in the file name; `value:TEXT`; `none`; or None: a column of `ENTITY_COLUMNS`
                             or `YEAR_COLUMNS` if there is one, else what is believed most

    Raises UsageError for any other choice, and SourceError for a column that is not there.

    >>> identify({"银行": "平安银行"}, "reports/2019/a.txt", year_from="parent").fiscal_year
    2019
    """
    named = _UNNAMED if is_row else identify_name(name)
    chosen_entity = _choose(entity_from, ENTITY_COLUMNS, meta, name, "entity_from")
    chosen_year = _choose(year_from, YEAR_COLUMNS, meta, name, "year_from")
    cover, heads = _NO_COVER, []
    if parsed and not is_row and not (chosen_entity and chosen_year):
        cover, heads = evidence.read_cover(parsed), evidence.find_heads(parsed)

    years = [] if is_row else _ranked(_years(named, cover, heads, parsed))
    best = next(iter(years), None)
    year, year_source, year_score = None, named.year_source, None
    if chosen_year:
        year, year_source = _chosen_year(chosen_year, year_from)
        year_score = 1.0 if year is not None else None
    elif best and best.score >= ENOUGH:
        year, year_source, year_score = int(best.value), best.source, best.score

    code = named.code or _code_of(meta) or evidence.find_code(cover)
    found = evidence.title_candidates(parsed, registry, year) if is_row and parsed else ()
    entities = _ranked(found if is_row else _entities(named, cover, heads, parsed, registry, year))
    first = entities[0] if entities and entities[0].score >= ENOUGH else None
    if chosen_entity:
        value, source = chosen_entity
        written = "" if value is None else str(value).strip()
        known = None if source == "value" else registry.entity_of(written, year)
        first = Candidate(known or written, written, source, 1.0, known is not None) if written else None
    flags = []
    if not chosen_entity and _contradict(entities):
        flags.append("entity_conflict")
    told = {each.value for each in years if each.score >= CONFLICT}
    if not chosen_year and (len(told) > 1 or named.year_source == "name:conflict"):
        flags.append("year_conflict")
    column = find_column(DATE_COLUMNS, meta)
    published = (parse_date(meta[column]) if column else None) or named.published
    return Facts(
        str(first.value) if first else None,
        first.as_written if first else None,
        first.source if first else chosen_entity[1] if chosen_entity else "",
        first.score if first else None,
        year,
        year_source,
        year_score,
        published,
        code,
        tuple(entities),
        tuple(years),
        tuple(flags),
        first.is_known if first else False,
    )


def _years(
    named: NameFacts, cover: evidence.Cover, heads: list[tuple[str, int]], parsed: Parsed | None
) -> Iterator[Candidate]:
    if named.fiscal_year is not None:
        source = named.year_source
        yield Candidate(named.fiscal_year, str(named.fiscal_year), source, NAME_SCORES[source])
    if parsed:
        yield from evidence.year_candidates(cover, heads, parsed, is_annual=named.is_annual)


def _entities(
    named: NameFacts,
    cover: evidence.Cover,
    heads: list[tuple[str, int]],
    parsed: Parsed | None,
    registry: Registry,
    year: int | None,
) -> Iterator[Candidate]:
    known: dict[str, str] = {}
    for piece in named.pieces:
        if entity := _known_piece(piece, registry, year):
            # Of a full name and a short one, the short one is what the file is called by.
            shorter = min(known.get(entity, piece), piece, key=len)
            known[entity] = shorter
    for entity, written in known.items():
        yield Candidate(entity, written, "name", KNOWN, True)
    if named.entity and not known:
        score = UNKNOWN if _HAN.search(named.entity) else LATIN
        yield Candidate(named.entity, named.entity, "name", score)
    if named.code and (entity := registry.entity_of_code(named.code)):
        # Files are numbered, too: 000001 is a bank only where it says of which exchange, or the text agrees.
        low = named.code.startswith("000") and not named.is_listed
        score = LISTED if named.is_listed else evidence.TOO_LITTLE if low else BARE_CODE
        yield Candidate(entity, named.code, "name:code", score, True)
    if parsed:
        yield from evidence.entity_candidates(cover, heads, parsed, registry, year)


def _known_piece(piece: str, registry: Registry, year: int | None) -> str | None:
    """Return the entity that a piece of a file name is, or begins with: 平安银行业绩, not 平安银行北京分行."""
    if entity := registry.entity_of(piece, year):
        return entity
    mentions = registry.find(piece, year)
    if mentions and not mentions[0].start and len({each.entity for each in mentions}) == 1:
        return mentions[0].entity
    return None


def _ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates, the most believed first; of equals the first."""
    return sorted(candidates, key=lambda each: -each.score)


_LEGAL = re.compile("股份有限公司|有限责任公司|有限公司|集团|控股|[()（）\\s]")
#: Share of the characters of a company's short name that its full name has: at least half of them in 1,000 of 1,000
#: listed companies, all of them in 808.
ALIKE = 0.5


def _contradict(entities: Sequence[Candidate]) -> bool:
    """Whether two that are believed name two entities: of the registry, or with few characters in common."""
    told = [each for each in entities if each.score >= CONFLICT]
    if len({each.value for each in told if each.is_known}) > 1:
        return True
    names = [each for each in told if _HAN.search(each.as_written)]
    return any(_are_unlike(names[0], other) for other in names[1:] if other.value != names[0].value)


def _are_unlike(one: Candidate, other: Candidate) -> bool:
    """Whether no spelling of one is a short form of one of the other."""
    for first in {str(one.value), one.as_written}:
        for second in {str(other.value), other.as_written}:
            short, long = sorted((set(_LEGAL.sub("", fold(each))) for each in (first, second)), key=len)
            if len(short & long) >= ALIKE * len(short):
                return False
    return True


def _code_of(meta: Mapping[str, object]) -> str | None:
    column = find_column(CODE_COLUMNS, meta)
    value = meta[column] if column else None
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _chosen_year(chosen: tuple[object, str], year_from: str | None) -> tuple[int | None, str]:
    """Return the year that a choice means, and its source with what was wrong about it."""
    value, source = chosen
    year = parse_year(value)
    if year is None and (source == "parent" or source.startswith("column:")):
        year = read_year(str(value or ""))[0]
    if year is None and source == "value":
        raise UsageError(f"year_from {year_from!r}: not a year from 1900 to 2100; write value:2019")
    if year is None and source != "none" and not source.endswith(":missing"):
        source += ":invalid" if str(value or "").strip() else ":missing"
    return year, source


def check_source(spec: str | None, option: str) -> None:
    """Raise UsageError if `spec` is no choice of `entity_from` or `year_from`; before there is a report to try."""
    if spec is not None:
        check_text(spec, option, "column:NAME, parent, name:REGEX, value:TEXT or none, or None for the rules")
    kind, _, rest = (spec or "").partition(":")
    _choose(spec, (), {rest: None} if kind == "column" else {}, "name", option)
    if option == "year_from" and kind == "value" and parse_year(rest.strip()) is None:
        raise UsageError(f"{option} {spec!r}: not a year from 1900 to 2100; write value:2019")


def _choose(
    spec: str | None, columns: tuple[str, ...], meta: Mapping[str, object], name: str, option: str
) -> tuple[object, str] | None:
    """Return the value that `spec` points to and its source, or None if the rules for file names apply."""
    if spec is None:
        column = find_column(columns, meta)
        return None if column is None else (meta[column], f"column:{column}")
    kind, _, rest = spec.partition(":")
    path = PurePath(name)
    if spec == "none":
        return None, "none"
    if spec == "parent":
        return path.parent.name or None, "parent"
    if kind == "value" and rest.strip():
        return rest.strip(), "value"
    if kind == "column" and rest:
        if rest not in meta:
            there = ", ".join(map(repr, meta)) or "none"
            raise SourceError(f"{path.name}: no column {rest!r} for {option}; its columns beside the text: {there}")
        return meta[rest], spec
    if kind == "name" and rest:
        try:
            match = re.search(rest, path.name)
        except re.error as error:
            raise UsageError(f"{option} {spec!r}: not a regular expression ({error}); correct it") from None
        return (match[1] if match.re.groups else match[0], spec) if match else (None, f"{spec}:missing")
    raise UsageError(f"{option} {spec!r}: choose column:NAME, parent, name:REGEX, value:TEXT or none")


def find_column(names: tuple[str, ...], meta: Mapping[str, object]) -> str | None:
    """Return the first column of one of `names`, however it is capitalised or padded."""
    return _find_column(names, tuple(meta)) if meta else None


@lru_cache(maxsize=1 << 10)  # all rows of a table have the same
def _find_column(names: tuple[str, ...], columns: tuple[str, ...]) -> str | None:
    spelled = {column.strip().casefold(): column for column in reversed(columns)}
    return next((spelled[name] for name in names if name in spelled), None)
