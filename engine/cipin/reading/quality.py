"""What is doubtful about a text that was read: flags by measured shares.

Shares were taken on reports whose text was looked at: normal ones have 12 to 14 `。` for 1,000 Han; one of 2001, whose
marks no library finds, has none. Text in the wrong encoding or with a broken map of glyphs has 37 % and more of
illegible characters, clean text at most 0.2 %.
"""

from __future__ import annotations

import re

from cipin.reading.encoding import garbled_share

#: Han below which nothing is judged.
LEAST_HAN = 2000
#: Full stops for 1,000 Han below which punctuation was lost, and the share of illegible characters above which text is
#: garbled.
LEAST_STOPS, MOST_GARBLED = 2.0, 0.1

_HAN = re.compile("[\u3400-\u9fff]")
_STOPS = re.compile("[。．｡]")  # not the dot of ASCII, which stands in every figure


def quality_flags(text: str) -> tuple[str, ...]:
    """Return "lost_punctuation" and "garbled", as far as they hold.

    >>> quality_flags("本行持续推进金融科技创新" * 200)
    ('lost_punctuation',)
    >>> quality_flags("本行持续推进金融科技创新。" * 200)
    ()
    """
    flags = []
    n_han = len(_HAN.findall(text))
    if n_han >= LEAST_HAN and 1000 * len(_STOPS.findall(text)) < LEAST_STOPS * n_han:
        flags.append("lost_punctuation")
    if len(text) >= 200 and garbled_share(text) > MOST_GARBLED:
        flags.append("garbled")
    return tuple(flags)
