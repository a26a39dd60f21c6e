"""Reads the case tables of tests/cases."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cipin.lexicon.model import Lexicon

CASES = Path(__file__).parent / "cases"


def cases(pattern: str) -> list[Any]:
    """Every row of the tables that `pattern` names, as pytest parameters; known failures are strict xfails."""
    rows = []
    for path in sorted(CASES.glob(pattern)):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            failure = case.get("known_failure")
            marks = [pytest.mark.xfail(reason=failure, strict=True)] if failure else []
            rows.append(pytest.param(case, id=f"{path.stem}: {case['name']}", marks=marks))
    assert rows, f"no cases {pattern}"
    return rows


def lexicon_of(case: dict[str, Any], match: Any) -> Lexicon:
    """The lexicon that a case describes."""
    keys = ("fold", "boundaries", "variants", "guards", "unless")
    return Lexicon.from_terms(case["terms"], match=match, **{key: case[key] for key in keys if key in case})
