"""What changed from one lexicon to another, term by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cipin.lexicon.model import Lexicon, Term

Kind = Literal[
    "added", "removed", "renamed", "merged", "split", "moved", "variants", "guards", "unless", "source", "policy"
]

_POLICIES = ("id", "version", "title", "source", "language", "match", "fold", "boundaries", "guards", "unless")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two lexicons.

    kind      `added`, `removed`; `renamed`: another spelling is the name now; `merged`: a term became a variant of
              another; `split`: a variant became a term; `moved`: another dimension or category; `variants`, `guards`,
              `unless`, `source`: of a term in both; `policy`: a field of the lexicon, with its name in `term`
    term      name of the term, in the new lexicon if it is there
    before    what stood in the old lexicon, as text; "" if nothing
    after     what stands in the new one
    """

    kind: Kind
    term: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.kind in ("added", "removed"):
            return f"{self.kind}: {self.term} ({self.before or self.after})"
        return f"{self.kind}: {self.term}: {self.before or '–'} → {self.after or '–'}"


def diff_lexicons(a: Lexicon, b: Lexicon) -> list[Change]:
    """Return the changes from `a` to `b`: policies first, then terms in the order of `b`, then what is gone.

    >>> old, new = Lexicon.from_terms(["云计算"]), Lexicon.from_terms(["云计算", "大数据"])
    >>> [str(change) for change in diff_lexicons(old, new)]
    ['added: 大数据 (terms)']
    """
    changes = [
        Change("policy", key, _text(getattr(a, key)), _text(getattr(b, key)))
        for key in _POLICIES
        if getattr(a, key) != getattr(b, key)
    ]
    old = {term.name: term for term in a.terms}
    new = {term.name: term for term in b.terms}
    old_by_spelling = {b.spell(name): term for term in a.terms for name in term.spellings}
    new_by_spelling = {b.spell(name): term for term in b.terms for name in term.spellings}
    renamed: set[str] = set()
    for term in b.terms:
        before = old.get(term.name) or _renamed(term, old, new, b)
        if before is not None:
            renamed.add(before.name)
            changes += _term_changes(before, term)
        elif origin := old_by_spelling.get(b.spell(term.name)):
            changes.append(Change("split", term.name, f"variant of {origin.name}", _place(term)))
        else:
            changes.append(Change("added", term.name, "", _place(term)))
    for term in a.terms:
        if term.name in renamed:
            continue
        heir = new_by_spelling.get(b.spell(term.name))
        if heir is not None:
            changes.append(Change("merged", term.name, _place(term), f"variant of {heir.name}"))
        else:
            changes.append(Change("removed", term.name, _place(term), ""))
    return changes


def _renamed(term: Term, old: dict[str, Term], new: dict[str, Term], lexicon: Lexicon) -> Term | None:
    # A new name whose old one is among its spellings now, and is no term of its own any more.
    spellings = {lexicon.spell(name) for name in term.spellings}
    return next((each for each in old.values() if each.name not in new and lexicon.spell(each.name) in spellings), None)


def _term_changes(before: Term, after: Term) -> list[Change]:
    changes = []
    if before.name != after.name:
        changes.append(Change("renamed", after.name, before.name, after.name))
    if _place(before) != _place(after):
        changes.append(Change("moved", after.name, _place(before), _place(after)))
    kinds: tuple[Literal["variants", "guards", "unless", "source"], ...] = ("variants", "guards", "unless", "source")
    for kind in kinds:
        old, new = getattr(before, kind), getattr(after, kind)
        if (old != new) if kind == "source" else (set(old) != set(new)):
            changes.append(Change(kind, after.name, _text(old), _text(new)))
    return changes


def _place(term: Term) -> str:
    return term.dimension if term.category == term.dimension else f"{term.dimension} / {term.category}"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
