"""What a public function is given, checked where it comes in: a wrong type is named there, not by what fails within.

Each takes a value, the name of its parameter and, where it helps, what to give instead; and returns the value as the
inside wants it, or raises UsageError.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from cipin.errors import UsageError


def check_names(value: Any, parameter: str, example: str) -> tuple[str, ...]:
    """Return names as a tuple; a string is one name, not a sequence of letters.

    >>> check_names("toc", "skip", '["toc"]'), check_names(["toc", "notes"], "skip", '["toc"]')
    (('toc',), ('toc', 'notes'))
    """
    names = (value,) if isinstance(value, str) else value
    if isinstance(names, Mapping | bytes | bytearray) or not isinstance(names, Iterable):
        _refuse(value, parameter, f"a list of names such as {example}, or [] for none")
    names = _listed(names, value, parameter)
    for name in names:
        if not isinstance(name, str):
            _refuse(value, parameter, f"a list of names such as {example}; {shown(name)} is no string")
    return names


def check_path(value: Any, parameter: str, what: str = "a path") -> Path:
    """Return a path that the system can be asked for.

    >>> check_path("reports", "out").name
    'reports'
    """
    return Path(_plain(value, parameter, what))


def _plain(value: Any, parameter: str, what: str) -> str:
    if not isinstance(value, str | os.PathLike) or not isinstance(plain := os.fspath(value), str):
        _refuse(value, parameter, what)
    if not plain or "\0" in plain:
        _refuse(value, parameter, what)
    try:
        os.fsencode(plain)
    except UnicodeEncodeError:
        _refuse(value, parameter, what)
    return plain


def check_place(value: Any, parameter: str, what: str = "a folder or a URL") -> str:
    """Return a path, or a URL as it is.

    >>> check_place("s3://bucket/out", "out")
    's3://bucket/out'
    """
    plain = os.fspath(check_path(value, parameter, what))
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{parameter} = {shown(value)}: its name is not UTF-8; choose another one") from None
    return os.fspath(value)


def check_paths(value: Any, parameter: str, what: str) -> list[str]:
    """Return one path, or URL, or several as a list."""
    if isinstance(value, str | os.PathLike):
        return [_plain(value, parameter, what)]
    if isinstance(value, Mapping | bytes | bytearray) or not isinstance(value, Iterable):
        _refuse(value, parameter, what)
    return [_plain(each, parameter, what) for each in _listed(value, value, parameter)]


def check_text(value: Any, parameter: str, what: str) -> str:
    """Return a text that can be written as UTF-8."""
    if not isinstance(value, str):
        _refuse(value, parameter, what)
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(value, parameter, what)
    return value


def check_number(value: Any, parameter: str, what: str, least: int | None = 0) -> int:
    """Return a whole number, at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        _refuse(value, parameter, what)
    if isinstance(value, bool) or (least is not None and number < least):
        _refuse(value, parameter, what)
    return number


def check_choice(value: Any, parameter: str, choices: Iterable[str]) -> str:
    """Return one of some words."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise UsageError(f"{parameter} {shown(value)}: there are {', '.join(map(repr, known))}")
    return value


def check_flag(value: Any, parameter: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        _refuse(value, parameter, "True or False")
    return value


def check_callable(value: Any, parameter: str, what: str) -> None:
    """Raise UsageError for what can neither be called nor is None."""
    if value is not None and not callable(value):
        _refuse(value, parameter, what)


def _listed(values: Iterable[Any], value: Any, parameter: str) -> tuple[Any, ...]:
    try:
        return tuple(sorted(values) if isinstance(values, set | frozenset) else values)
    except TypeError:
        _refuse(value, parameter, "a list")


def _refuse(value: Any, parameter: str, what: str) -> NoReturn:
    raise UsageError(f"{parameter} = {shown(value)}: give {what}")


def shown(value: Any) -> str:
    """Return a value as a message shows it: a table, or a long list, by its type alone."""
    text = repr(value)
    return text if len(text) <= 80 and "\n" not in text else f"of type {type(value).__name__}"
