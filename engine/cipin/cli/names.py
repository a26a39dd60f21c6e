"""Names that an option takes: `--skip toc,notes`, or `--skip toc --skip notes`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cipin.errors import UsageError

#: Nothing of all there is.
NONE = "none"


def split_names(option: str, given: Sequence[str], *, none: bool = True) -> list[str]:
    """Return the names that an option was given, once or more often: small, `_` for what parts words, each name once.

    none   whether the option may be given `none`

    Raises UsageError for an empty text, and for `none` beside a name.

    >>> split_names("--skip", ["TOC, running-head", "notes"]), split_names("--skip", ["none"])
    (['toc', 'running_head', 'notes'], [])
    """
    names: dict[str, None] = {}
    for spec in given:
        found = [re.sub(r"[\s\-]+", "_", each.strip().casefold()) for each in re.split("[,，、;；]", spec)]
        if not any(found):
            raise UsageError(f"{option} {spec!r}: names nothing; give names with commas{', or none' if none else ''}")
        names.update((each, None) for each in found if each)
    if NONE in names and none:
        if len(names) > 1:
            others = ", ".join(each for each in names if each != NONE)
            raise UsageError(f"{option} {','.join(given)}: none and {others} contradict each other; give one of them")
        return []
    return list(names)
