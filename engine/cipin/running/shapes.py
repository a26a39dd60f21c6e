"""What the JSON files of an output look like. They may be cut off, half-copied or tampered with: each is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Shapes: a type; several; a pattern that the whole string fits; [shape] of a list; {name: shape} of an object, which
#: may have more; {str: shape} of an object of any names; a tuple of shapes, of a list of that length.
Shape = Any

_ID = re.compile(r"[0-9a-f]{24}")
_COUNTS = {str: int}
FILE = {
    "table": re.compile("[a-z]+"),
    # Below OUT: what is read, and shown by links, is never a file of someone else.
    "name": re.compile(r"data/[a-z]+/[0-9a-z-]+\.(parquet|arrow)"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "rows": int,
    "n_bytes": int,
}
_ERROR = {
    "report": str,
    "source": str,
    "member": str,
    "stage": str,
    "reason": str,
    "message": str,
    "transient": bool,
    "seconds": float | int,
    "memory_bytes": int,
    "engine": str,
    "attempt": int,
}
SHARD = {
    "shard": _ID,
    "planned": int,
    "sources": int,
    "n_bytes": int,
    "files": [FILE],
    "outcomes": _COUNTS,
    "tallies": _COUNTS,
    "terms": _COUNTS,
    "doubtful": _COUNTS,
    "seconds": {str: float | int},
    "errors": [_ERROR],
    "attempt": int,
}
VERSION = {
    "version": int,
    "run": _ID,
    "engine": str,
    "began": float | int,
    "ended": float | int,
    "root": str,
    "corpus": str | None,
    "options": {str: str | None},
    "lexicon": {"id": str, "hash": str, "match": str, "fold": bool, "boundaries": str},
    "planned": {"sources": int, "bytes": int, "shards": int, "passed_over": [str]},
    "work": _COUNTS,
    "summary": {
        "outcomes": _COUNTS,
        "tallies": _COUNTS,
        "terms": _COUNTS,
        "doubtful": _COUNTS,
        "seconds": {str: float | int},
        "bytes": int,
    },
    "shards": [SHARD],
    "files": [FILE],
}
PLAN = {
    "run": _ID,
    "engine": str,
    "options": {str: str | None},
    "lexicon": {"id": str, "hash": str, "toml": str},
    "call": {
        "root": str,
        "corpus": str | None,
        "stored_only": bool,
        "text_column": str | None,
        "max_chars": int,
        "no_repair": [str],
        "entity_from": str | None,
        "year_from": str | None,
        "registry": str | None | dict,
        "clauses": str,
        "skip": [str],
        "only": [str],
        "words": bool,
        "format": str,
    },
    "passed_over": [str],
    "shards": [{"shard": _ID, "sources": [(str, int, str)]}],
}


def find_misfit(value: Any, shape: Shape, at: str = "") -> str:
    """Return where a value does not have a shape, in words; "" where it has.

    >>> find_misfit({"run": 7}, {"run": str}), find_misfit([1, "a"], [int])
    ('run is no str', '[1] is no int')
    """
    if isinstance(shape, re.Pattern):
        return "" if isinstance(value, str) and shape.fullmatch(value) else f"{at or 'it'} is not as it should be"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{at or 'it'} is no list"
        return next(filter(None, (find_misfit(each, shape[0], f"{at}[{n}]") for n, each in enumerate(value))), "")
    if isinstance(shape, tuple):
        if not isinstance(value, list) or len(value) != len(shape):
            return f"{at or 'it'} is no list of {len(shape)}"
        pairs = zip(value, shape, strict=True)
        return next(filter(None, (find_misfit(each, part, f"{at}[{n}]") for n, (each, part) in enumerate(pairs))), "")
    if isinstance(shape, dict):
        return _misfit_of_object(value, shape, at)
    # True is an int in Python, and a negative count is none.
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if shape is int:
        return "" if is_number and 0 <= value < 1 << 63 else f"{at or 'it'} is no int"
    if isinstance(value, bool) and shape is not bool:
        return f"{at or 'it'} is no {getattr(shape, '__name__', shape)}"
    return "" if isinstance(value, shape) else f"{at or 'it'} is no {getattr(shape, '__name__', shape)}"


def _misfit_of_object(value: Any, shape: Mapping[Any, Shape], at: str) -> str:
    if not isinstance(value, dict):
        return f"{at or 'it'} is no object"
    if str in shape:
        names, parts = list(value), [shape[str]] * len(value)
    else:
        names, parts = list(shape), list(shape.values())
    for name, part in zip(names, parts, strict=True):
        if name not in value:
            return f"{at}{'.' if at else ''}{name} is missing"
        if misfit := find_misfit(value[name], part, f"{at}{'.' if at else ''}{name}"):
            return misfit
    return ""
