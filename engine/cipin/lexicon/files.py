"""Lexicons as files: cipin's TOML, the lexicons it ships, and term lists of other tools.

    id = "fintech-zh"            # required, as are version, title, source and language
    version = "1"
    title = "…"
    source = "…"
    language = "zh"
    match = "leftmost-longest"   # optional, with the defaults of `Lexicon`: match, fold, boundaries, guards, unless
    guards = ["{term}有限公司"]

    [[dimension]]                # or, for a flat list, `terms` alone
    name = "技术"
    terms = ["大数据", { term = "流计算", variants = ["串流運算"], guards = ["现金流计算"] }]

    [[dimension.category]]       # optional, beside or instead of the dimension's own terms
    name = "云"
    terms = ["云计算"]

A term without a category belongs to one named like its dimension; a term of a flat list, to a dimension named like
the lexicon. The formats of other tools are described in `cipin.lexicon.imports`.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from cipin.errors import LexiconError
from cipin.lexicon.imports import (
    Entry,
    decode_list,
    liwc_entries,
    one_category,
    quanteda_entries,
    refuse_wildcards,
    table_entries,
    text_entries,
    tidy_entries,
)
from cipin.lexicon.model import Lexicon, Term

FORMATS = {
    ".toml": "toml",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".dic": "liwc",
    ".yml": "quanteda",
    ".yaml": "quanteda",
}

_PACKAGE = "cipin_lexicons"
_REQUIRED = ("id", "version", "title", "source", "language")
_PHRASES = ("variants", "guards", "unless")
_TOP = (*_REQUIRED, "match", "fold", "boundaries", "guards", "unless", "terms", "dimension")
_TOML_TOKEN = re.compile(
    r"""#[^\n]*|\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A lexicon file taken apart, before it is judged.

    file      the file, as messages name it
    format    one of the values of FORMATS
    text      its decoded text
    head      fields of the lexicon that the file states: id, version, match and the like
    entries   terms in the order of the file
    """

    file: str
    format: str
    text: str
    entries: tuple[Entry, ...]
    head: Mapping[str, Any] = field(default_factory=dict)


def shipped_lexicons() -> list[str]:
    """Return the ids of the lexicons that come with cipin, sorted."""
    return sorted(item.name.removesuffix(".toml") for item in files(_PACKAGE).iterdir() if item.name.endswith(".toml"))


def shipped_path(name: str) -> Path:
    """Return the file of a shipped lexicon."""
    return Path(str(files(_PACKAGE).joinpath(f"{name}.toml")))


def find_lexicon(name: str | Path) -> Lexicon:
    """Read the lexicon at a path, or the shipped one with this id.

    A name is a path if it is a Path, if there is a file of that name, or if it holds a separator or one of the
    file endings of lexicons. Raises LexiconError if there is neither, with the nearest ids.
    """
    path = Path(name)
    if isinstance(name, Path) or path.is_file() or path.name != name or path.suffix.lower() in FORMATS:
        return read_lexicon(path)
    shipped = shipped_lexicons()
    if name in shipped:
        data = files(_PACKAGE).joinpath(f"{name}.toml").read_bytes()
        return _settle(_draft(data, f"{name}.toml", Path(f"{name}.toml")), first_category=False)
    near = difflib.get_close_matches(name, shipped)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise LexiconError(f"no lexicon {name!r}; {hint}shipped are {', '.join(shipped) or 'none'}; or give a path")


def read_lexicon(path: str | Path, *, first_category: bool = False) -> Lexicon:
    """Read a lexicon file: `.toml`, `.csv`/`.tsv`, `.txt`, `.dic` (LIWC), `.yml`/`.yaml` (quanteda).

    A list of another tool gets its file's name as id, the default policies, and its terms stripped of blanks.
    `first_category` leaves a LIWC word that is in several categories in the first; without it that is an error.

    Raises LexiconError, with file and line or term, for what cannot be read or could not mean what it says.
    """
    return _settle(_draft(*_load(path)), first_category=first_category)


def read_draft(path: str | Path) -> Draft:
    """Take a lexicon file apart without judging its terms, with the line of each; for `cipin.lexicon.lint`."""
    draft = _draft(*_load(path))
    return draft if draft.format != "toml" else replace(draft, entries=_with_lines(draft.entries, draft.text))


def _load(path: str | Path) -> tuple[bytes, str, Path]:
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LexiconError(f"{path}: {error.strerror or error}; give the path of a lexicon file") from error
    except ValueError as error:  # a NUL, or what is no text
        raise LexiconError(f"{str(path)!r}: {error}; give the path of a lexicon file") from error
    return data, str(path), path


def _draft(data: bytes, where: str, path: Path) -> Draft:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise LexiconError(
            f"{where}: unknown kind of lexicon {path.suffix!r}; use .toml, .csv or .tsv, .txt, .dic (LIWC), "
            f"or .yml or .yaml (quanteda)"
        )
    if kind == "toml":
        return _toml_draft(data, where)
    text = decode_list(data, where)
    if kind == "csv":
        entries = table_entries(text, where, tabs=path.suffix.lower() == ".tsv")
    else:
        entries = {"text": text_entries, "liwc": liwc_entries, "quanteda": quanteda_entries}[kind](text, where)
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-") or "terms"
    head = {"id": stem, "title": path.stem, "source": f"imported from {path.name}"}
    return Draft(where, kind, text, tuple(entries), head)


def _settle(draft: Draft, *, first_category: bool) -> Lexicon:
    entries = list(draft.entries)
    if draft.format != "toml":
        entries = tidy_entries(entries, draft.file)
    if draft.format in ("liwc", "quanteda"):
        refuse_wildcards(entries, draft.file, "*" if draft.format == "liwc" else "*?")
    if draft.format == "liwc":
        entries = one_category(entries, draft.file, first=first_category)
    terms = []
    for entry in entries:
        dimension = entry.dimension or str(draft.head["id"])
        terms.append(
            Term(
                entry.name,
                dimension,
                entry.category or dimension,
                variants=entry.variants,
                guards=entry.guards,
                unless=entry.unless,
                source=entry.source,
            )
        )
    return Lexicon(terms=tuple(_grouped(terms)), origin=draft.file, **draft.head)


def _grouped(terms: Sequence[Term]) -> list[Term]:
    # The order that to_toml writes, so that an imported list and its TOML have the same hash.
    dimensions = {name: at for at, name in enumerate(dict.fromkeys(term.dimension for term in terms))}
    pairs = {pair: at for at, pair in enumerate(dict.fromkeys((term.dimension, term.category) for term in terms))}
    ranked = sorted(pairs, key=lambda pair: (dimensions[pair[0]], pair[1] != pair[0], pairs[pair]))
    rank = {pair: at for at, pair in enumerate(ranked)}
    return sorted(terms, key=lambda term: rank[term.dimension, term.category]) if len(rank) > 1 else list(terms)


def _toml_draft(data: bytes, where: str) -> Draft:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LexiconError(f"{where}, line {line}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        stated = re.search(r"\(at line (\d+)", str(error))
        place = stated[1] if stated else text.count("\n") + 1
        raise LexiconError(f"{where}, line {place}: not TOML: {error}") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise LexiconError(f"{where}: not TOML: {error}") from error
    except RecursionError as error:
        raise LexiconError(f"{where}: lists nested too deep; `terms` is a list of terms") from error
    _check_keys(content, _TOP, where)
    for key in _REQUIRED:
        if key not in content:
            raise LexiconError(f"{where}: no {key!r}; a lexicon states {', '.join(_REQUIRED)}")
    head: dict[str, Any] = {}
    for key, value in content.items():
        if key in ("guards", "unless"):
            head[key] = _phrases(value, f"{where}, {key}")
        elif key not in ("terms", "dimension"):
            head[key] = _typed(value, bool if key == "fold" else str, f"{where}, {key}")
    entries = _toml_entries(content.get("terms", []), where, "", "")
    for number, dimension in enumerate(_tables(content, "dimension", where), start=1):
        at = f"{where}, dimension {number}"
        name = _name(dimension, at, ("name", "terms", "category"))
        entries += _toml_entries(dimension.get("terms", []), f"{where}, dimension {name!r}", name, "")
        for category in _tables(dimension, "category", at):
            inner = _name(category, f"{where}, a category of {name!r}", ("name", "terms"))
            entries += _toml_entries(category.get("terms", []), f"{where}, category {inner!r}", name, inner)
    return Draft(where, "toml", text, tuple(entries), head)


def _toml_entries(items: object, where: str, dimension: str, category: str) -> list[Entry]:
    entries = []
    for item in _typed(items, list, f"{where}, terms"):
        if not isinstance(item, dict):
            entries.append(Entry(0, _typed(item, str, f"{where}, terms"), dimension, category))
            continue
        _check_keys(item, ("term", *_PHRASES, "source"), f"{where}, term {item.get('term', '?')!r}")
        if "term" not in item:
            raise LexiconError(f"{where}: a table without 'term'; name the term")
        name = _typed(item["term"], str, f"{where}, term")
        at = f"{where}, term {name!r}"
        variants, guards, unless = (_phrases(item.get(key, []), f"{at}, {key}") for key in _PHRASES)
        source = _typed(item.get("source", ""), str, f"{at}, source")
        entries.append(Entry(0, name, dimension, category, variants, guards, unless, source))
    return entries


def _check_keys(table: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0) or known[:1]
            raise LexiconError(f"{where}: unknown key {key!r}; the nearest known key is {near[0]!r}")


def _name(table: Mapping[str, object], where: str, known: Sequence[str]) -> str:
    _check_keys(table, known, where)
    name: str = _typed(table.get("name", ""), str, f"{where}, name")
    if not name.strip():
        raise LexiconError(f'{where}: no name; add name = "…"')
    return name


def _tables(table: Mapping[str, object], key: str, where: str) -> list[dict[str, object]]:
    tables = _typed(table.get(key, []), list, f"{where}, {key}")
    return [_typed(each, dict, f"{where}, {key}") for each in tables]


def _phrases(value: object, where: str) -> tuple[str, ...]:
    return tuple(_typed(phrase, str, where) for phrase in _typed(value, list, where))


def _typed(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind):
        wanted = {str: "text in quotes", bool: "true or false", list: "a list in [ ]", dict: "a table"}[kind]
        raise LexiconError(f"{where}: {value!r} is not {wanted}")
    return value


def _with_lines(entries: Sequence[Entry], text: str) -> tuple[Entry, ...]:
    # tomllib keeps no positions, but the strings of a document come in the order of its entries.
    strings: list[tuple[str, int]] = []
    line, end = 1, 0
    for token in _TOML_TOKEN.finditer(text):
        line += text.count("\n", end, token.start())
        end = token.start()
        if not token[0].startswith("#"):
            strings.append((_toml_string(token[0]), line))
    places: list[int] = []
    for entry in entries:
        start = places[-1] + 1 if places else 0
        found = (at for at in range(start, len(strings)) if strings[at][0] == entry.name)
        places.append(next(found, max(start - 1, 0)))
    placed = []
    for number, (entry, at) in enumerate(zip(entries, places, strict=True)):
        before = places[number - 1] + 1 if number else 0
        after = places[number + 1] if number + 1 < len(places) else len(strings)
        lines: dict[str, int] = {}
        for phrase, where in (*strings[at:after], *reversed(strings[before:at])):
            lines.setdefault(phrase, where)
        own = {phrase: lines[phrase] for phrase in (*entry.variants, *entry.guards, *entry.unless) if phrase in lines}
        placed.append(replace(entry, line=strings[at][1], lines=own))
    return tuple(placed)


def _toml_string(token: str) -> str:
    if "\\" not in token and token[:3] not in ('"""', "'''"):
        return token[1:-1]
    value: str = tomllib.loads(f"x = {token}")["x"]
    return value


def parse_toml(text: str, where: str) -> Lexicon:
    """Return the lexicon that `to_toml` wrote; `where` is its name in messages. Raises LexiconError."""
    return _settle(_toml_draft(text.encode(), where), first_category=False)


def to_toml(lexicon: Lexicon) -> str:
    """Write a lexicon as TOML, a term a line; `read_lexicon` of it gives the same lexicon, grouped by dimension.

    >>> print(to_toml(Lexicon.from_terms(["云计算"])).splitlines()[-2])
      "云计算",
    """
    lines = [f"{key} = {_quote(str(getattr(lexicon, key)))}" for key in (*_REQUIRED, "match")]
    lines += [f"fold = {str(lexicon.fold).lower()}", f"boundaries = {_quote(lexicon.boundaries)}"]
    lines += [f"{key} = {_array(getattr(lexicon, key))}" for key in ("guards", "unless") if getattr(lexicon, key)]
    groups: dict[tuple[str, str], list[Term]] = {}
    for term in _grouped(lexicon.terms):
        groups.setdefault((term.dimension, term.category), []).append(term)
    if list(groups) == [(lexicon.id, lexicon.id)]:
        return "\n".join([*lines, *_term_lines(lexicon.terms)]) + "\n"
    open_dimension = None
    for (dimension, category), terms in groups.items():
        if dimension != open_dimension:
            lines += ["", "[[dimension]]", f"name = {_quote(dimension)}"]
            open_dimension = dimension
        if category != dimension:
            lines += ["", "[[dimension.category]]", f"name = {_quote(category)}"]
        lines += _term_lines(terms)
    return "\n".join(lines) + "\n"


def _term_lines(terms: Sequence[Term]) -> list[str]:
    lines = ["terms = ["]
    for term in terms:
        if not (term.variants or term.guards or term.unless or term.source):
            lines.append(f"  {_quote(term.name)},")
            continue
        parts = [f"{key} = {_array(getattr(term, key))}" for key in _PHRASES if getattr(term, key)]
        parts += [f"source = {_quote(term.source)}"] if term.source else []
        lines.append(f"  {{ term = {_quote(term.name)}, {', '.join(parts)} }},")
    return [*lines, "]"]


def _array(phrases: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, phrases))}]"


def _quote(text: str) -> str:
    # Invisible, private and compatibility characters are escaped: editors normalise or hide them.
    if text.isprintable() and unicodedata.is_normalized("NFC", text) and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in '"\\' or character < " ":
        return json.dumps(character)[1:-1]
    if unicodedata.category(character)[0] == "C" or unicodedata.normalize("NFC", character) != character:
        return f"\\u{ord(character):04X}" if character <= "\uffff" else f"\\U{ord(character):08X}"
    return character
