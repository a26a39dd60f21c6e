"""Reads definitions.toml, and makes the corpora and lexicons that it describes."""

from __future__ import annotations

import hashlib
import importlib
import random
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jieba
import pyarrow as pa

from cipin.lexicon.model import Lexicon, Match
from engines.rows import Find, Job
from made_texts import made_texts

PATH = Path(__file__).parent / "definitions.toml"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Made texts: how many, how long on average, and how many mentions of the lexicon's own terms are put in."""

    reports: int
    mean_chars: int
    seed: int = 1
    hits_per_10k: float = 3.0

    def texts(self, lexicon: Lexicon) -> list[str]:
        """Return the texts."""
        terms = [term.name for term in lexicon.terms]
        return list(made_texts(self.reports, self.mean_chars, self.seed, self.hits_per_10k, terms))


@dataclass(frozen=True, slots=True)
class Matching:
    """A benchmark of engines that do one job; the first engine is measured against the others.

    lexicon   id of a shipped one, or a number of words sampled from jieba's dictionary
    rows      rows that every engine must give, and
    checksum  what they hash to
    floors    how many times as fast as a peer the first engine must at least be
    """

    name: str
    question: str
    corpus: Corpus
    lexicon: str | int
    job: Job
    engines: tuple[str, ...]
    rows: int
    checksum: str
    floors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WholeRun:
    """A benchmark of a run from files to tables, in several ways; `hits` are the rows that each must leave."""

    name: str
    question: str
    corpus: Corpus
    lexicon: str
    ways: tuple[str, ...]
    hits: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A benchmark of reading made PDFs, in several ways; the first is measured against the others.

    files, pages   how many PDFs, of how many pages each
    clock          "processor" or "wall"
    floors         how many times as fast as another way the first must at least be
    """

    name: str
    question: str
    files: int
    pages: int
    ways: tuple[str, ...]
    clock: str = "wall"
    floors: dict[str, float] = field(default_factory=dict)


def read_readings(path: Path = PATH) -> list[Reading]:
    """Return the benchmarks of reading."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["reading"]
    return [
        Reading(**{key: tuple(value) if key == "ways" else value for key, value in each.items()}) for each in tables
    ]


def read_definitions(path: Path = PATH) -> tuple[list[Matching], list[WholeRun]]:
    """Return the benchmarks of matching and those of whole runs.

    Raises ValueError, with the benchmark's name, for a floor of an engine that does not take part.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    matching = [Matching(**_typed(table)) for table in tables["matching"]]
    for each in matching:
        strangers = set(each.floors) - set(each.engines[1:])
        if strangers:
            raise ValueError(
                f"{path.name}, {each.name!r}: floors for {sorted(strangers)}, none of them among its peers"
            )
    return matching, [WholeRun(**_typed(table)) for table in tables["run"]]


def _typed(table: dict[str, Any]) -> dict[str, Any]:
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return table | lists | {"corpus": Corpus(**table["corpus"])}


def make_lexicon(definition: Matching) -> Lexicon:
    """Return the lexicon of a benchmark: letter by letter and without boundaries, so that peers do no less.

    >>> from dataclasses import replace
    >>> len(make_lexicon(replace(read_definitions()[0][0], lexicon=5)).terms)
    5
    """
    match: Match = "leftmost-longest" if definition.job == "judged" else "all"
    if isinstance(definition.lexicon, int):
        words = random.Random(definition.lexicon).sample(jieba_words(), definition.lexicon)
        return Lexicon.from_terms(words, match=match, fold=False, boundaries="none")
    return Lexicon.load(definition.lexicon).with_policy(match=match, fold=False, boundaries="none")


def jieba_words() -> list[str]:
    """Return the words of jieba's dictionary that have two characters or more, in the order of code points."""
    lines = (Path(jieba.__file__).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
    return sorted({word for word in (line.partition(" ")[0] for line in lines) if len(word) > 1})


def build_engine(name: str, lexicon: Lexicon, job: Job) -> Find:
    """Return the engine of that name, engines/NAME.py, ready for a lexicon and a job.

    Raises ValueError if it does not do the job, ModuleNotFoundError if there is no such engine.
    """
    find: Find = importlib.import_module(f"engines.{name}").build(lexicon, job)
    return find


def checksum(table: pa.Table) -> str:
    """Return a hash of the rows of a table, whatever their order."""
    ordered = table.sort_by([(name, "ascending") for name in table.schema.names]).combine_chunks()
    digest = hashlib.blake2b(digest_size=8)
    for column in ordered.columns:
        digest.update(column.to_numpy().astype("<i4").tobytes())
    return digest.hexdigest()
