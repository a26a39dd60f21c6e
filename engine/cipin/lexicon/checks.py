"""What a lexicon may not hold: no terms, blanks at an end, what nobody sees, one spelling under two terms."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cipin.arguments import shown
from cipin.errors import LexiconError

if TYPE_CHECKING:
    from cipin.lexicon.model import Lexicon, Term

#: Unicode categories of characters that nobody sees: control, zero-width, private use, separators of lines.
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def check(lexicon: Lexicon, policies: Mapping[str, Sequence[str]]) -> None:
    """Raise LexiconError, with the place and the cure, for the first thing that could not mean what it says.

    policies   the values that some fields may have, by their names
    """
    where = lexicon.origin or f"lexicon {lexicon.id!r}"
    if not lexicon.id or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in lexicon.id):
        raise LexiconError(f"{where}: id {lexicon.id!r}: use letters, digits, '-', '_' and '.' only")
    for name, allowed in policies.items():
        value = getattr(lexicon, name)
        if not isinstance(value, str) or value not in allowed:
            raise LexiconError(f"{where}: {name} = {shown(value)}; it is one of {', '.join(map(repr, allowed))}")
    if not lexicon.terms:
        raise LexiconError(f"{where}: no terms; a lexicon without terms would count nothing in silence")
    if not _are_sound(lexicon):
        _check_terms(lexicon, where)
    for phrase in (*lexicon.guards, *lexicon.unless):
        _check_phrase(where, "guard", phrase)


def _are_sound(lexicon: Lexicon) -> bool:
    """Whether terms pass `_check_terms` at a glance, as all of most lexicons do: 337,000 took 1 s, and take 0.2."""
    terms = lexicon.terms
    phrases = [term.name for term in terms]
    if not {type(each) for term in terms if term.variants for each in term.variants} <= {str}:
        return False  # and they may have no hash
    phrases += [phrase for term in terms if term.variants for phrase in term.spellings[1:]]
    n_spellings = len(phrases)
    phrases += [phrase for term in terms if term.guards or term.unless for phrase in (*term.guards, *term.unless)]
    if set(map(type, phrases)) != {str} or list(map(str.strip, phrases)) != phrases or "" in phrases:
        return False
    # What is printable holds no invisible character, and no line end.
    if not "".join(phrases).isprintable():
        return False
    return len(set(lexicon.spell_all(phrases[:n_spellings]))) == n_spellings


def _check_terms(lexicon: Lexicon, where: str) -> None:
    owner: dict[str, Term] = {}
    names: set[str] = set()
    for term in lexicon.terms:
        for what, phrases in (("term", (term.name, *term.variants)), ("guard", term.guards), ("unless", term.unless)):
            for phrase in phrases:
                _check_phrase(where, what, phrase)
        if term.name in names:
            raise LexiconError(f"{where}, term {term.name!r}: listed twice; keep one")
        names.add(term.name)
        for spelling in term.spellings:
            other = owner.setdefault(lexicon.spell(spelling), term)
            if other is not term:
                raise LexiconError(
                    f"{where}, term {spelling!r}: the same as {other.name!r} "
                    f"({'under folding' if lexicon.fold else 'letter by letter'}; "
                    f"in {other.category!r} and {term.category!r}); keep one, or make it a variant"
                )


def _check_phrase(where: str, what: str, phrase: str) -> None:
    if not isinstance(phrase, str):
        raise LexiconError(f"{where}, {what} {shown(phrase)}: not a string; write it in quotes")
    stripped = phrase.strip()
    if not stripped:
        raise LexiconError(f"{where}, {what} {shown(phrase)}: empty; remove it")
    if phrase != stripped:
        raise LexiconError(
            f"{where}, {what} {shown(phrase)}: blank, tab or line break at an end, so it would never be found; "
            "remove the blank"
        )
    for character in phrase:
        if unicodedata.category(character) in _INVISIBLE:
            raise LexiconError(
                f"{where}, {what} {shown(phrase)}: holds the invisible U+{ord(character):04X}, so it would never be "
                "found; remove it"
            )
