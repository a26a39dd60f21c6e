"""Lexicon: dimension → category → term → variant, guard; checked, expanded into patterns, and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from json.encoder import encode_basestring_ascii as _quote
from pathlib import Path
from typing import Any, Literal, get_args

from cipin.arguments import shown
from cipin.errors import LexiconError
from cipin.lexicon.checks import check
from cipin.lexicon.fold import fold

Match = Literal["leftmost-longest", "all"]
Boundaries = Literal["latin", "none", "jieba"]

#: Stands for each spelling of each term in a guard of the whole lexicon: `{term}有限公司`.
PLACEHOLDER = "{term}"


@dataclass(frozen=True, slots=True)
class Term:
    """What is counted: a name, its other spellings, and the phrases in which they do not count.

    name        the spelling that tables show
    variants    other spellings, counted as this term (`人工智慧` for `人工智能`)
    guards      phrases in which the term does not count (`现金流计算` for `流计算`)
    unless      phrases in which it counts although a guard covers it (`增加大数据` against the guard `加大数据`)
    """

    name: str
    dimension: str
    category: str
    variants: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        # One by one as messages want it took 1.5 s for 337,000 terms, and 3 with the messages made.
        strings = type(self.name) is type(self.dimension) is type(self.category) is type(self.source) is str
        if strings and type(self.variants) is type(self.guards) is type(self.unless) is tuple:
            return
        for name in ("name", "dimension", "category", "source"):
            if not isinstance(value := getattr(self, name), str):
                _check_string(f"term {shown(self.name)}, {name}", value)
        for name in ("variants", "guards", "unless"):
            if not isinstance(value := getattr(self, name), tuple):
                object.__setattr__(self, name, _phrases(f"term {shown(self.name)}, {name}", value))

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        # What dataclasses do for those with slots took 3.8 s for 337,000, there and back; this takes 1.9.
        given = (self.name, self.dimension, self.category, self.variants, self.guards, self.unless, self.source)
        return Term, given

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name and the variants, without repeats."""
        if not self.variants:
            return (self.name,)
        return tuple(dict.fromkeys((self.name, *self.variants)))


@dataclass(frozen=True, slots=True)
class Patterns:
    """Every string to be searched for, once, with what an occurrence of it means.

    strings   tuple[str]    folded if the lexicon folds; distinct; in the order of first mention
    term_of   tuple[int]    the term that an occurrence is a hit of, or -1
    guards    tuple[Mapping[int, str]]    the terms that an occurrence guards, each with the guard as written
    unless    tuple[Mapping[int, str]]    the same for the phrases that lift a guard
    """

    strings: tuple[str, ...]
    term_of: tuple[int, ...]
    guards: tuple[Mapping[int, str], ...]
    unless: tuple[Mapping[int, str], ...]


@dataclass(frozen=True)
class Lexicon:
    """A set of terms and the way they are matched.

    id          short name, part of every term's identity: letters, digits, `-`, `_`, `.`
    match       `leftmost-longest`: where hits overlap, the one that starts first, then the longest, counts;
                `all`: every hit counts
    fold        Traditional and Simplified, width, case and radicals are one (see `cipin.lexicon.fold`)
    boundaries  `latin`: a term that begins or ends in a Latin letter or digit needs none beside it there;
                `jieba`: in addition a hit must begin and end where jieba's dictionary segmentation cuts; `none`
    guards      guards of every term; `{term}` stands for each of its spellings
    unless      the same for `unless`

    Raises LexiconError, naming the place and the cure, for anything that could not mean what it says: no
    terms, blanks at the end of a term, one spelling under two terms.

    >>> lexicon = Lexicon.from_terms(["大数据", "云计算"], id="two")
    >>> [term.name for term in lexicon.terms]
    ['大数据', '云计算']
    """

    id: str
    terms: tuple[Term, ...]
    version: str = "1"
    title: str = ""
    source: str = ""
    language: str = "zh"
    match: Match = "leftmost-longest"
    fold: bool = True
    boundaries: Boundaries = "latin"
    guards: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _settle(self)
        check(self, {"match": get_args(Match), "boundaries": get_args(Boundaries)})

    @classmethod
    def load(cls, name: str | Path) -> Lexicon:
        """Load a shipped lexicon by its id, or any lexicon by its path (TOML, CSV, text, `.dic`, YAML).

        Raises LexiconError if there is none of that name, or if it is broken.

        >>> Lexicon.load("wu2021").dimensions[0]
        '人工智能技术'
        """
        from cipin.lexicon.files import find_lexicon

        if not isinstance(name, str | Path):
            raise LexiconError(f"lexicon {shown(name)}: give the id of a shipped one, a path, or a Lexicon")
        return find_lexicon(name)

    @classmethod
    def from_terms(
        cls,
        terms: Iterable[str] | Mapping[str, Sequence[str]],
        *,
        id: str = "terms",
        match: Match = "leftmost-longest",
        fold: bool = True,
        boundaries: Boundaries = "latin",
        guards: Mapping[str, Sequence[str]] | None = None,
        unless: Mapping[str, Sequence[str]] | None = None,
        variants: Mapping[str, Sequence[str]] | None = None,
    ) -> Lexicon:
        """Make a lexicon from strings: a list of terms, or a mapping from dimension to terms.

        `variants`, `guards` and `unless` map a term's name to its phrases.

        >>> Lexicon.from_terms({"技术": ["云计算"], "业务": ["移动支付"]}).dimensions
        ('技术', '业务')
        >>> Lexicon.from_terms(["流计算"], guards={"流计算": ["现金流计算"]}).terms[0].guards
        ('现金流计算',)
        """
        for what, phrases_of in (("variants", variants), ("guards", guards), ("unless", unless)):
            if phrases_of is not None and not isinstance(phrases_of, Mapping):
                raise LexiconError(f"from_terms: {what} {shown(phrases_of)}; write {{term: [phrases]}}")
        given: list[object] = [terms]
        for table in (terms, variants, guards, unless):
            given += table.values() if isinstance(table, Mapping) else []
        for each in given:
            if isinstance(each, str) or not isinstance(each, Iterable):
                raise LexiconError(f"from_terms: {shown(each)} stands where a list belongs; write [{shown(each)}]")
        rows = (
            [(name, dimension) for dimension, names in terms.items() for name in names]
            if isinstance(terms, Mapping)
            else [(name, id) for name in terms]
        )
        for name, _ in rows:
            if not isinstance(name, str):
                raise LexiconError(f"from_terms: a {type(name).__name__} stands where a term belongs; give strings")
        extra = {"variants": variants or {}, "guards": guards or {}, "unless": unless or {}}
        known = {name for name, _ in rows}
        for what, phrases in extra.items():
            for name in phrases:
                if name not in known:
                    raise LexiconError(f"from_terms: {what} given for {name!r}, which is not among the terms")
        return cls(
            id=id,
            terms=tuple(
                Term(
                    name=name,
                    dimension=dimension,
                    category=dimension,
                    variants=tuple(extra["variants"].get(name, ())),
                    guards=tuple(extra["guards"].get(name, ())),
                    unless=tuple(extra["unless"].get(name, ())),
                )
                for name, dimension in rows
            ),
            match=match,
            fold=fold,
            boundaries=boundaries,
        )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions, in the order of the lexicon."""
        return tuple(dict.fromkeys(term.dimension for term in self.terms))

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in the order of the lexicon."""
        return tuple(dict.fromkeys(term.category for term in self.terms))

    def __hash__(self) -> int:
        # Caches of what is made from a lexicon ask at every call: all 50,000 terms took 20 ms.
        return hash((self.id, self.version, len(self.terms), self.terms[0].name, self.terms[-1].name, self.match))

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits over everything that decides which hits there are and how they are named."""
        content: dict[str, Any] = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "origin"
        }
        # Terms by a format of their own: by dataclasses.asdict 337,000 took 6 s, as dicts of one document 1.2.
        content["terms"] = []
        before, empty, behind = _as_json(content).partition('"terms":[]')
        text = f"{before}{empty[:-1]}{','.join(map(_term_as_json, self.terms))}]{behind}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def with_policy(
        self,
        *,
        match: Match | None = None,
        fold: bool | None = None,
        boundaries: Boundaries | None = None,
        guards: bool = True,
    ) -> Lexicon:
        """Return this lexicon with another way of matching; `guards=False` drops all guards.

        >>> Lexicon.load("wu2021").with_policy(match="all", fold=False, boundaries="none", guards=False).match
        'all'
        """
        if not isinstance(guards, bool):
            raise LexiconError(f"with_policy: guards = {shown(guards)}; it is True or False (False drops all guards)")
        asked = {"match": match, "fold": fold, "boundaries": boundaries}
        changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        if not guards:
            changes |= {
                "guards": (),
                "unless": (),
                "terms": tuple(replace(term, guards=(), unless=()) for term in self.terms),
            }
        return replace(self, **changes) if changes else self

    def spell(self, text: str) -> str:
        """Return `text` as the matcher sees it: folded, if the lexicon folds."""
        return fold(text) if self.fold else text

    @cached_property
    def patterns(self) -> Patterns:
        """Every string to be searched for, guards and templates expanded, each with what it means."""
        terms = [(spelling, number) for number, term in enumerate(self.terms) for spelling in term.spellings]
        rows: list[tuple[str, int, bool]] = []
        for number, term in enumerate(self.terms):
            if term.guards or term.unless or self.guards or self.unless:
                rows += [(phrase, number, True) for phrase in self.guards_of(term)]
                rows += [(phrase, number, False) for phrase in self.unless_of(term)]
        spelled = self.spell_all([phrase for phrase, _ in terms] + [phrase for phrase, _, _ in rows])
        index = {string: at for at, string in enumerate(dict.fromkeys(spelled))}
        term_of = [-1] * len(index)
        for string, (_, number) in zip(spelled[: len(terms)], terms, strict=True):
            term_of[index[string]] = number
        guards: list[dict[int, str]] = [_NOBODY] * len(index)
        unless: list[dict[int, str]] = [_NOBODY] * len(index)
        for string, (phrase, number, is_guard) in zip(spelled[len(terms) :], rows, strict=True):
            of, at = (guards if is_guard else unless), index[string]
            if of[at] is _NOBODY:
                of[at] = {}
            of[at].setdefault(number, phrase)
        return Patterns(tuple(index), tuple(term_of), tuple(guards), tuple(unless))

    def spell_all(self, phrases: Sequence[str]) -> list[str]:
        """Return phrases, none with a line end, as the matcher sees them."""
        # In one piece: 30,000 phrases take 20 ms, one by one 200 ms.
        return self.spell("\n".join(phrases)).split("\n") if phrases else []

    def guards_of(self, term: Term) -> tuple[str, ...]:
        """Every guard of `term`: its own, then those of the whole lexicon."""
        return _expand(term.guards, self.guards, term)

    def unless_of(self, term: Term) -> tuple[str, ...]:
        """Every phrase in which `term` counts although a guard covers it."""
        return _expand(term.unless, self.unless, term)


#: Stands for the terms of a string that guards none; one dict each took a second for 337,000.
_NOBODY: dict[int, str] = {}


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _term_as_json(term: Term) -> str:
    """Return what `_as_json` gives for the fields of a term."""
    phrases = [_as_json(each) if each else "[]" for each in (term.guards, term.unless, term.variants)]
    category, dimension, name, source = map(_quote, (term.category, term.dimension, term.name, term.source))
    return (
        f'{{"category":{category},"dimension":{dimension},"guards":{phrases[0]},"name":{name},"source":{source},'
        f'"unless":{phrases[1]},"variants":{phrases[2]}}}'
    )


def _expand(own: tuple[str, ...], shared: tuple[str, ...], term: Term) -> tuple[str, ...]:
    if not own and not shared:
        return ()
    phrases = list(own)
    for template in shared:
        if PLACEHOLDER in template:
            phrases.extend(template.replace(PLACEHOLDER, spelling) for spelling in term.spellings)
        else:
            phrases.append(template)
    return tuple(dict.fromkeys(phrases))


def _settle(lexicon: Lexicon) -> None:
    """Make tuples of the lists that a caller gave. Raises LexiconError for what is of a wrong type."""
    for name in ("id", "version", "title", "source", "language", "origin"):
        _check_string(f"lexicon, {name}", getattr(lexicon, name))
    where = lexicon.origin or f"lexicon {lexicon.id!r}"
    if not isinstance(lexicon.fold, bool):
        raise LexiconError(f"{where}: fold = {shown(lexicon.fold)}; it is True or False")
    if isinstance(lexicon.terms, str | Mapping) or not isinstance(lexicon.terms, Iterable):
        raise LexiconError(f"{where}: terms of type {type(lexicon.terms).__name__}; give a list of Term")
    object.__setattr__(lexicon, "terms", tuple(lexicon.terms))
    for term in lexicon.terms:
        if not isinstance(term, Term):
            raise LexiconError(f"{where}: {shown(term)} stands where a Term belongs; Lexicon.from_terms takes strings")
    for name in ("guards", "unless"):
        object.__setattr__(lexicon, name, _phrases(f"{where}, {name}", getattr(lexicon, name)))


def _phrases(at: str, phrases: object) -> tuple[str, ...]:
    if isinstance(phrases, str | bytes | Mapping) or not isinstance(phrases, Iterable):
        raise LexiconError(f"{at}: {shown(phrases)} stands where a list belongs; write [{shown(phrases)}]")
    return tuple(phrases)


def _check_string(at: str, value: object) -> None:
    if not isinstance(value, str):
        raise LexiconError(f"{at}: {shown(value)} is not a string; write it in quotes")
