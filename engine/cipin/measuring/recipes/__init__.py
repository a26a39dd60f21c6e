"""Recipes of indices: every choice that makes a score of counts, by name, as a file.

id, title, source, note; title_en, source_zh, note_zh: the same in the other language
lexicon       the one that it was published with; others are measured as well, and said to be
level         term, category, dimension or lexicon: what the columns are
measure       of cipin.measuring.measures.MEASURES: what a cell is
standardise   none | minmax (0..1) | z (mean 0, sd 1, n - 1) | percentile ((average rank - 0.5) / n)
within        pooled | year: over which rows that is done
method        sum | mean | entropy | pca | factor | epu: how columns become a score
components    of pca and factor: a number, or "kaiser" (eigenvalues of the correlation matrix above 1)
rotation      of factor: varimax, quartimax or none
transform     none | ln1p: of the score
parts         whether each dimension has a score of its own, too
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from cipin.arguments import check_choice, check_flag, check_number
from cipin.errors import UsageError
from cipin.measuring.measures import MEASURES

#: What says something, and chooses nothing.
SAID = frozenset({"id", "title", "source", "note", "title_en", "source_zh", "note_zh"})
LEVELS = ("term", "category", "dimension", "lexicon")
CHOICES: dict[str, tuple[str, ...]] = {
    "level": LEVELS,
    "measure": tuple(MEASURES),
    "standardise": ("none", "minmax", "z", "percentile"),
    "within": ("pooled", "year"),
    "method": ("sum", "mean", "entropy", "pca", "factor", "epu"),
    "rotation": ("none", "varimax", "quartimax"),
    "transform": ("none", "ln1p"),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a score of counts; see the module."""

    id: str
    title: str = ""
    source: str = ""
    note: str = ""
    title_en: str = ""
    source_zh: str = ""
    note_zh: str = ""
    lexicon: str = ""
    level: str = "term"
    measure: str = "hits"
    standardise: str = "none"
    within: str = "pooled"
    method: str = "sum"
    components: int | str = 1
    rotation: str = "none"
    transform: str = "none"
    parts: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            check_choice(getattr(self, name), f"recipe {self.id}: {name}", choices)
        check_flag(self.parts, f"recipe {self.id}: parts")
        if self.components != "kaiser":
            check_number(self.components, f"recipe {self.id}: components", "a number of components, or 'kaiser'", 1)
        if self.method == "entropy" and self.standardise not in {"minmax", "none", "percentile"}:
            raise UsageError(f"recipe {self.id}: entropy weights need values of 0 and more; standardise = minmax")
        if self.transform == "ln1p" and (self.standardise == "z" or self.method in {"pca", "factor"}):
            raise UsageError(f"recipe {self.id}: ln1p is of sums from 0 on, which these are not; transform = none")
        if self.method == "epu" and (self.standardise, self.within, self.transform) != ("none", "pooled", "none"):
            raise UsageError(f"recipe {self.id}: epu scales by itself; standardise, within and transform are its own")
        if self.parts and self.method not in {"sum", "mean"}:
            raise UsageError(f"recipe {self.id}: parts are sums or means of columns; method {self.method} has none")

    def but(self, **choices: Any) -> Recipe:
        """Return the recipe with some choices made otherwise: its id says so, and what it said of itself is left out.

        >>> load_recipe("entropy").but(within="year").id
        'entropy(within=year)'
        """
        names = {each.name for each in fields(self)} - SAID
        for name in choices:
            check_choice(name, "choice", sorted(names))
        changed = {name: value for name, value in choices.items() if value != getattr(self, name)}
        said = ", ".join(f"{name}={value}" for name, value in sorted(changed.items()))
        silent: dict[str, Any] = dict.fromkeys(SAID - {"id", "source", "source_zh"}, "")
        return replace(self, **silent, **changed, id=f"{self.id}({said})") if changed else self


def recipe_ids() -> tuple[str, ...]:
    """Return the names of the recipes that cipin ships."""
    return tuple(sorted(each.name[:-5] for each in files(__name__).iterdir() if each.name.endswith(".toml")))


def load_recipe(recipe: str | Path | Recipe) -> Recipe:
    """Return a recipe by its name, or from a TOML file of one's own.

    Raises UsageError if there is none, or if it says what cannot be done.

    >>> load_recipe("wu2021").transform
    'ln1p'
    """
    if isinstance(recipe, Recipe):
        return recipe
    name = str(recipe)
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"recipe {name}: cannot be read ({error})") from error
    else:
        check_choice(name, "method", recipe_ids())
        text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {name}: is no TOML ({error})") from error
    return _recipe(name, content)


def _recipe(name: str, content: Mapping[str, Any]) -> Recipe:
    known = sorted(each.name for each in fields(Recipe))
    if unknown := sorted(content.keys() - set(known)):
        raise UsageError(f"recipe {name}: {', '.join(unknown)} is no choice; there are {', '.join(known)}")
    if not isinstance(content.get("id"), str) or not content["id"].strip():
        raise UsageError(f"recipe {name}: it needs an id")
    texts = ("lexicon", *sorted(SAID - {"id"}))
    if wrong := [key for key in texts if not isinstance(content.get(key, ""), str)]:
        raise UsageError(f"recipe {name}: {', '.join(wrong)} must be text")
    return Recipe(**content)
