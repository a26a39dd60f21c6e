"""Reads the definitions, and makes the corpora and lexicons that they describe."""

from __future__ import annotations

import importlib
import importlib.util
import random
import shutil
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jieba
import numpy as np
import pyarrow as pa

from cipin.lexicon.model import Lexicon, Match
from engines.rows import Find, Job
from made_hostile import hostile_texts
from made_texts import made_texts

FOLDER = Path(__file__).parent
PATH = FOLDER / "definitions.toml"
SHORT_NAMES = {"leftmost-longest": "LL"}


@dataclass(frozen=True, slots=True)
class Source:
    """A lexicon: a shipped one or words of jieba's dictionary, all or so many, and how dense its mentions are."""

    source: str
    terms: int | None = None
    hits_per_10k: float = 3.0

    def lexicon(self, job: Job) -> Lexicon:
        """Return it letter by letter and without boundaries, so that peers do no less.

        >>> len(Source("jieba", 5).lexicon("all").terms)
        5
        """
        match: Match = "leftmost-longest" if job == "leftmost-longest" else "all"
        return _lexicon(self.source, self.terms, match)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Made texts: how many, and how long on average; see `definitions.toml` for the kinds."""

    kind: Literal["zipf", "uniform"]
    reports: int
    mean_chars: int
    seed: int = 1

    def texts(self, source: Source) -> list[str]:
        """Return the texts, with the mentions of a lexicon's terms that it asks for."""
        terms = [term.name for term in source.lexicon("all").terms]
        if self.kind == "uniform":
            return list(hostile_texts(self.reports, self.mean_chars, jieba_words(), self.seed, terms))
        return list(made_texts(self.reports, self.mean_chars, self.seed, source.hits_per_10k, terms))


@dataclass(frozen=True, slots=True)
class Engine:
    """What takes part: `definitions.toml` says what the fields are."""

    name: str
    what: str
    needs: str = ""
    licence: str = "Apache-2.0"
    most: int | None = None
    whole: bool = False
    other_work: str = ""

    def absence(self, n_patterns: int) -> str:
        """Return why it cannot take part with so many patterns, or ''."""
        program = self.needs.removeprefix("program:") if self.needs.startswith("program:") else ""
        if program and not shutil.which(program):
            return f"there is no {program} on PATH"
        if self.needs and not program and importlib.util.find_spec(self.needs) is None:
            return f"the package {self.needs} is not installed: make bench installs the group"
        if self.most is not None and n_patterns > self.most:
            return f"{n_patterns:,} patterns; its time or memory allows {self.most:,}"
        return ""

    def build(self, lexicon: Lexicon, job: Job) -> Find:
        """Return it, ready for a lexicon and a job; raises ValueError if it does not do the job."""
        find: Find = importlib.import_module(f"engines.{self.name}").build(lexicon, job)
        return find


@dataclass(frozen=True, slots=True)
class Matching:
    """A benchmark of engines that do one job; the first is compared with the others.

    rows      rows that every engine must give, and
    checksum  what they hash to
    quick     whether `make bench-quick` has it
    """

    name: str
    question: str
    corpus: Corpus
    source: Source
    size: str
    job: Job
    engines: tuple[Engine, ...]
    rows: int = 0
    checksum: str = ""
    quick: bool = False


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


@dataclass(frozen=True, slots=True)
class WholeRun:
    """A series of runs from files to tables, one for each of `times`, `lexicons` and `workers`.

    kind     "text": made texts of `chars` characters; "rows": the same, as the rows of one table; "pdf": made PDFs of
             `pages` pages
    files    how many texts or PDFs, to be multiplied by each of `times`
    large    what --large multiplies `files` by
    hits     of each of times and lexicons, in that order; none: they are not compared
    """

    name: str
    question: str
    kind: Literal["text", "rows", "pdf"]
    files: int
    times: tuple[int, ...] = (1,)
    lexicons: tuple[str, ...] = ("guarded",)
    workers: tuple[int, ...] = (1,)
    chars: int = 20_000
    pages: int = 0
    large: int = 1
    hits: tuple[int, ...] = ()
    quick: bool = False


def read_table(path: Path) -> dict[str, Any]:
    """Return what a TOML file says."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_readings(path: Path = PATH) -> list[Reading]:
    """Return the benchmarks of reading."""
    return [Reading(**_typed(table)) for table in read_table(path)["reading"]]


def read_runs(path: Path = PATH) -> list[WholeRun]:
    """Return the benchmarks of whole runs."""
    return [WholeRun(**_typed(table)) for table in read_table(path)["run"]]


def read_sources(path: Path = PATH) -> dict[str, Source]:
    """Return the lexicons by name."""
    return {name: Source(**each) for name, each in read_table(path)["lexicons"].items()}


def read_engines(path: Path = PATH) -> dict[str, Engine]:
    """Return the engines by name."""
    return {name: Engine(name, **each) for name, each in read_table(path)["engines"].items()}


def read_matching(path: Path = PATH, expected: Path = FOLDER / "expected.toml") -> list[Matching]:
    """Return the benchmarks of matching: one for each lexicon and job of a table.

    Raises KeyError for a corpus, a lexicon or an engine that is not defined.
    """
    tables, known = read_table(path), read_table(expected)
    corpora = {name: Corpus(**each) for name, each in tables["corpora"].items()}
    sources, engines = read_sources(path), read_engines(path)
    out = []
    for table in tables["matching"]:
        for size in table["lexicons"]:
            for job in table["jobs"]:
                cell = f"{size}-{SHORT_NAMES.get(job, job)}"
                name = f"{table['name']}-{cell}"
                does = [engines[each] for each in table["engines"]]
                out.append(
                    Matching(
                        name, table["question"], corpora[table["corpus"]], sources[size], size, job, tuple(does),
                        **known.get(name, {}), quick=cell in table.get("quick", ()),
                    )
                )  # fmt: skip
    return out


@lru_cache(maxsize=3)
def texts_of(corpus: Corpus, source: Source) -> pa.Array:
    """Return the texts of a benchmark as an Arrow column; those of the last benchmarks are kept."""
    return pa.array(corpus.texts(source))


@lru_cache(maxsize=1)
def jieba_words() -> tuple[str, ...]:
    """Return the words of jieba's dictionary that have two characters or more, in the order of code points."""
    lines = (Path(jieba.__file__).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
    return tuple(sorted({word for word in (line.partition(" ")[0] for line in lines) if len(word) > 1}))


@lru_cache(maxsize=4)
def _lexicon(source: str, n_terms: int | None, match: Match) -> Lexicon:
    if source != "jieba" and n_terms is None:
        return Lexicon.load(source).with_policy(match=match, fold=False, boundaries="none")
    words = jieba_words() if source == "jieba" else [term.name for term in Lexicon.load(source).terms]
    chosen = random.Random(n_terms).sample(words, n_terms) if n_terms else list(words)
    return Lexicon.from_terms(chosen, match=match, fold=False, boundaries="none")


def checksum(table: pa.Table) -> str:
    """Return a hash of the rows of a table, whatever their order: the sum of what each row is scrambled to.

    The scrambling is splitmix64's (Steele, Lea and Flood, 2014), column by column.
    """
    mixed = np.zeros(len(table), np.uint64)
    for column in table.columns:
        mixed += column.to_numpy().astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return f"{int(mixed.sum(dtype=np.uint64)):016x}"


def _typed(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
