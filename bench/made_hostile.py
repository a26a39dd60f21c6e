"""Text that no cache is ready for: any word of a dictionary, or any character, is as likely as another."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

#: Unified ideographs that a font for Chinese has at least: 20,902.
_HAN = (0x4E00, 0x9FA5)
_WORDS_PER_CLAUSE = 6
#: Of the words, those that are a single character drawn from all.
_SINGLE = 0.15


def hostile_texts(
    n_reports: int,
    mean_chars: int,
    words: Sequence[str],
    seed: int = 1,
    terms: Sequence[str] = (),
    share: float = 0.001,
) -> Iterator[str]:
    """Yield texts of log-normal length, `mean_chars` characters on average, of `words` drawn uniformly.

    Text of this kind is in no report; it is the worst for tables that are warm where words are common. A clause has
    six words.

    terms, share   words of which, and how many of all, so that small lexicons find something

    Raises ValueError if `mean_chars` is not positive, or if there are no words.

    >>> next(hostile_texts(1, 50, ["数据"])) == next(hostile_texts(1, 50, ["数据"]))
    True
    """
    if mean_chars <= 0:
        raise ValueError(f"mean_chars = {mean_chars}; it must be positive")
    if not words:
        raise ValueError("no words to draw from")
    chars_per_word = 1 / _WORDS_PER_CLAUSE + _SINGLE + (1 - _SINGLE) * sum(map(len, words)) / len(words)
    for number in range(n_reports):
        chance = random.Random(f"hostile {seed} {number}")
        n_words = max(1, round(mean_chars * math.exp(chance.gauss(0.0, 0.5) - 0.125) / chars_per_word))
        drawn = chance.choices(words, k=n_words)
        for at in chance.sample(range(n_words), int(n_words * _SINGLE)):
            drawn[at] = chr(chance.randint(*_HAN))
        if terms:
            for at in chance.sample(range(n_words), int(n_words * share + chance.random())):
                drawn[at] = chance.choice(terms)
        clauses = ("".join(drawn[at : at + _WORDS_PER_CLAUSE]) for at in range(0, n_words, _WORDS_PER_CLAUSE))
        yield "，".join(clauses) + "。\n"
