"""The specification: what a hit, a clause and a sentence are, in plain Python.

Every matcher and every kernel is held to this file. It is written to be read next to DESIGN.md, "Match
semantics", and to be obviously right; speed is no concern of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import jieba

from cipin.lexicon.fold import fold
from cipin.lexicon.model import Lexicon

# ---------------------------------------------------------------------------------------------------- hits


@dataclass(frozen=True, order=True)
class Hit:
    """One occurrence of a term, with the verdict on it. Offsets are code points, `end` is exclusive."""

    start: int
    end: int
    term: str
    surface: str
    kept: bool
    reason: str


def find_hits(text: str, lexicon: Lexicon) -> list[Hit]:
    """Every hit of `lexicon` in `text`, kept or suppressed, by start, longer first."""
    folded = fold(text) if lexicon.fold else text

    # 1. All occurrences of all terms, variants and guards.
    found = []
    for term in lexicon.terms:
        spans = {span for spelling in term.spellings for span in occurrences(folded, lexicon.spell(spelling))}
        found += [(start, end, term) for start, end in spans]
    found.sort(key=lambda hit: (hit[0], -hit[1]))

    hits = []
    last_end, last_term = 0, ""
    for start, end, term in found:
        reason = ""
        # 2. Boundaries.
        if lexicon.boundaries != "none" and cuts_a_word(text, start, end):
            reason = "boundary"
        elif lexicon.boundaries == "jieba" and not {start, end} <= word_ends(folded):
            reason = "boundary:jieba"
        # 3. Guards.
        elif guard := covering(folded, start, end, lexicon.guards_of(term), lexicon):
            if not covering(folded, start, end, lexicon.unless_of(term), lexicon):
                reason = f"guard:{guard}"
        # 4. Overlaps.
        if not reason and lexicon.match == "leftmost-longest":
            if start < last_end:
                reason = f"overlap:{last_term}"
            else:
                last_end, last_term = end, term.name
        hits.append(Hit(start, end, term.name, text[start:end], not reason, reason))
    return hits


def occurrences(text: str, phrase: str) -> list[tuple[int, int]]:
    """Every span of `phrase` in `text`, overlapping ones too."""
    return [(at, at + len(phrase)) for at in range(len(text)) if text.startswith(phrase, at)]


def covering(folded: str, start: int, end: int, phrases: tuple[str, ...], lexicon: Lexicon) -> str:
    """The phrase that holds [start, end): the one that begins first, then the longest; "" if none does."""
    holding = [
        (at, -until, phrase)
        for phrase in phrases
        for at, until in occurrences(folded, lexicon.spell(phrase))
        if at <= start and end <= until
    ]
    return min(holding, key=lambda each: each[:2])[2] if holding else ""


def cuts_a_word(text: str, start: int, end: int) -> bool:
    """Whether a Latin letter or digit at an end of [start, end) goes on beyond that end."""
    begins_inside = start > 0 and is_latin(text[start]) and is_latin(text[start - 1])
    ends_inside = end < len(text) and is_latin(text[end - 1]) and is_latin(text[end])
    return begins_inside or ends_inside


def is_latin(character: str) -> bool:
    """Whether it is a Latin letter or a digit: ASCII, full-width, or with marks (U+00C0–U+024F, U+1E00–U+1EFF)."""
    if "\uff01" <= character <= "\uff5e":
        character = chr(ord(character) - 0xFEE0)
    return (
        (character.isascii() and character.isalnum())
        or ("\u00c0" <= character <= "\u024f" and character not in "\u00d7\u00f7")
        or "\u1e00" <= character <= "\u1eff"
    )


def word_ends(folded: str) -> set[int]:
    """Where jieba's dictionary segmentation (no HMM, no user words) cuts."""
    ends = {0}
    at = 0
    for word in jieba.cut(folded, HMM=False):
        at += len(word)
        ends.add(at)
    return ends


# ----------------------------------------------------------------------------------------- clauses, sentences

LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
COMMAS = "，\ufe50\ufe10"
SENTENCE_ENDS = "。！？…\uff61\ufe12\ufe15\ufe16\ufe52\ufe56\ufe57\ufe19"
CLAUSE_ENDS = COMMAS + SENTENCE_ENDS + "；：\ufe13\ufe14\ufe54\ufe55"
ASCII_CLAUSE_ENDS = ",;:!?"
DOTS = ".\uff0e"
OPENING_BRACKETS = "（(《\ufe35\ufe3d\ufe59"
CLOSING_BRACKETS = "）)》\ufe36\ufe3e\ufe5a"
OPENING_QUOTES = "“「『【〈\ufe41\ufe43"
CLOSING_QUOTES = "”」』】〉\ufe42\ufe44"
CLOSERS = CLOSING_BRACKETS + CLOSING_QUOTES + "’"  # ’ is an apostrophe too, so it closes no level
PATIENCE = 200  # characters after which an unbalanced bracket or quote is given up


def find_clauses(text: str, policy: str = "default") -> list[tuple[int, int]]:
    """Spans of the clauses of `text`, without their end marks and without white space at the ends."""
    return blank_clauses(text) if policy == "blank" else default_clauses(text)


def default_clauses(text: str) -> list[tuple[int, int]]:
    clauses = []
    begin = at = 0
    brackets = Nesting(OPENING_BRACKETS, CLOSING_BRACKETS)
    while at < len(text):
        character = text[at]
        if character in LINE_ENDS:
            brackets.give_up()
            clauses.append((begin, at))
            begin = at = at + 1
        elif ends_clause(text, at) and not (character in COMMAS and brackets.inside(at)):
            # What follows the mark at once belongs to it: further marks, and the quotes and brackets it closes.
            end, next_one = at, at + 1
            while next_one < len(text) and text[next_one] in CLAUSE_ENDS + ASCII_CLAUSE_ENDS + DOTS + CLOSERS:
                brackets.see(text[next_one], next_one)
                if text[next_one] in CLOSERS:
                    end = next_one + 1
                next_one += 1
            if text[begin:at].strip(WHITE):
                clauses.append((begin, end))
            begin = at = next_one
        else:
            brackets.see(character, at)
            at += 1
    clauses.append((begin, len(text)))
    return trimmed(text, clauses)


def ends_clause(text: str, at: int) -> bool:
    """Whether the mark at `at` ends a clause, brackets aside."""
    character = text[at]
    if character in CLAUSE_ENDS:
        return True
    if character not in ASCII_CLAUSE_ENDS + DOTS:
        return False
    before = text[at - 1] if at > 0 else ""
    after = text[at + 1] if at + 1 < len(text) else ""
    if is_digit(before) and is_digit(after):
        return False
    if character in DOTS and before and is_latin(before) and not is_digit(before):
        return ends_english(text, at)
    return True


def ends_english(text: str, at: int) -> bool:
    """Whether the dot at `at` ends an English sentence: a word that is not capitalised, the dot, a blank, a capital."""
    begin = at
    while begin > 0 and text[begin - 1].isascii() and text[begin - 1].isalpha():
        begin -= 1
    word, behind = text[begin:at], text[at + 1 : at + 3]
    return (
        text[at] == "."
        and len(word) >= 2
        and word[0].islower()
        and len(behind) == 2
        and (behind[0] == " " and behind[1].isascii() and behind[1].isupper())
    )


def blank_clauses(text: str) -> list[tuple[int, int]]:
    """The cutting of the older clause lists: at every mark and every blank, whatever stands around it."""
    clauses = []
    begin = 0
    for at, character in enumerate(text):
        if character in "，。；：！？,.;!? " + LINE_ENDS:
            clauses.append((begin, at))
            begin = at + 1
    clauses.append((begin, len(text)))
    return trimmed(text, clauses)


def find_sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, with their end marks."""
    sentences = []
    begin = at = 0
    nesting = Nesting(OPENING_BRACKETS + OPENING_QUOTES, CLOSING_BRACKETS + CLOSING_QUOTES)
    while at < len(text):
        character = text[at]
        if character in LINE_ENDS:
            nesting.give_up()
            sentences.append((begin, at))
            begin = at = at + 1
        elif character in SENTENCE_ENDS + "!?" or (character == "." and ends_english(text, at)):
            at += 1
            while at < len(text) and text[at] in SENTENCE_ENDS + "!?" + CLOSERS:
                nesting.see(text[at], at)
                at += 1
            if not nesting.inside(at) and not (at < len(text) and text[at] in COMMAS + "、"):
                sentences.append((begin, at))
                begin = at
        else:
            nesting.see(character, at)
            at += 1
    sentences.append((begin, len(text)))
    return trimmed(text, sentences)


class Nesting:
    """How deep in brackets a position is; an opening that finds no end within PATIENCE is given up."""

    def __init__(self, opening: str, closing: str) -> None:
        self.opening, self.closing = opening, closing
        self.depth, self.opened = 0, 0

    def see(self, character: str, at: int) -> None:
        if self.depth and at - self.opened > PATIENCE:
            self.depth = 0
        if character in self.opening:
            if not self.depth:
                self.opened = at
            self.depth += 1
        elif character in self.closing and self.depth:
            self.depth -= 1

    def inside(self, at: int) -> bool:
        return self.depth > 0 and at - self.opened <= PATIENCE

    def give_up(self) -> None:
        self.depth = 0


WHITE = (
    LINE_ENDS + " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


def trimmed(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """`spans` without white space at their ends, and without the empty ones."""
    result = []
    for start, end in spans:
        ink = [at for at in range(start, end) if text[at] not in WHITE]
        if ink:
            result.append((ink[0], ink[-1] + 1))
    return result


def is_digit(character: str) -> bool:
    """Whether it is an ASCII or full-width digit."""
    return bool(character) and (character in "0123456789" or "\uff10" <= character <= "\uff19")


def clause_of(start: int, clauses: list[tuple[int, int]]) -> int | None:
    """The clause that a hit starting at `start` belongs to: the last that has begun by then."""
    begun = [number for number, (begin, _) in enumerate(clauses) if begin <= start]
    return begun[-1] if begun else None
