"""Before work is spread over machines: does each of them have the same engine, and see the same files?"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipin.errors import CipinError, InputChanged, UsageError
from cipin.running.engine import engine_version
from cipin.running.plan import Plan, readable
from cipin.running.remote import is_url, look_at
from cipin.running.store import LocalStore, Store, explained

#: Nodes that are named in a message.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What a node is asked.

    stores   output and corpus, with the name of a file that was just written into each that is a folder
    root     where the reports are, and
    sources  paths of some of them, and their bytes
    """

    stores: tuple[tuple[Store, str], ...]
    root: str
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node says: its engine and Python, and what it cannot see, with a way out."""

    engine: str
    python: str
    problems: tuple[str, ...]


def check_nodes(executor: Any, stores: Sequence[Store], planned: Plan) -> None:
    """Raise UsageError if a node of an executor cannot do the work as this process would; nothing was begun then.

    Executors of one machine have no nodes, and are not asked.
    """
    ask = getattr(executor, "everywhere", None)
    if ask is None:
        return
    with _marked(stores) as marks:
        sources = (planned.sources[0], planned.sources[-1]) if planned.sources else ()
        # What is stored already is not opened.
        files = tuple((each.path, each.file_bytes) for each in sources if each.content and each.stored is None)
        question = Question(marks, planned.root, files)
        answers = ask(look, question)
        if problems_of(answers):
            _refuse_changed(question)
        check_answers(answers)


def _refuse_changed(question: Question) -> None:
    """Raise InputChanged if not even this process sees the reports that were planned any more."""
    for path, n_bytes in question.sources:
        try:
            same = _bytes_at(question, path) == n_bytes
        except (OSError, CipinError):
            same = False
        if not same:
            raise InputChanged(
                f"{readable(_at(question, path))}: was changed, or removed, since it was found; give the same "
                "`cipin run` again"
            )


def check_answers(answers: Sequence[tuple[str, Any]]) -> None:
    """Raise UsageError if one of the answers of nodes, each with the node's name, is not as it should be."""
    parts = [f"{named(nodes)}: {problem}" for problem, nodes in problems_of(answers).items()]
    if parts:
        raise UsageError(f"{len(answers)} nodes were asked before anything was begun. " + "\n".join(parts))


def problems_of(answers: Sequence[tuple[str, Any]]) -> dict[str, list[str]]:
    """Return what is not as it should be, each with the nodes where it is so: "what; what to do about it"."""
    here = Answer(engine_version(), _python(), ())
    wrong: dict[str, list[str]] = {}
    for node, said in answers:
        for problem in _problems(here, said):
            wrong.setdefault(problem, []).append(node)
    return wrong


def named(nodes: Sequence[str]) -> str:
    """Name nodes, not too many of them."""
    more = f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
    return f"{', '.join(nodes[:MOST_NAMED])}{more}"


def _problems(here: Answer, said: Any) -> Iterator[str]:
    if isinstance(said, ModuleNotFoundError):
        version = here.engine.partition("+")[0]
        yield f"{said}; install there what is installed here: pip install 'cipin[ray]=={version}'"
    elif not isinstance(said, Answer):
        yield f"does not answer ({type(said).__name__}: {' '.join(str(said).split())[:200]}); look at `ray status`"
    else:
        if said.engine != here.engine:
            yield f"has engine {said.engine}, the driver {here.engine}; install the same version and parsers on both"
        if said.python != here.python:
            yield f"has Python {said.python}, the driver {here.python}; Ray needs the same on both"
        yield from said.problems


def look(question: Question) -> Answer:
    """Return what this process has and sees; runs on each node."""
    problems = []
    for store, mark in question.stores:
        try:
            if isinstance(store, LocalStore) and not (store.path / mark).is_file():
                problems.append(
                    f"does not see {store.place}, which is a folder of the driver's machine; "
                    "give a folder that all nodes share, or a URL such as s3://bucket/folder"
                )
            elif not isinstance(store, LocalStore):
                store.list(mark)
        except CipinError as error:
            problems.append(str(error))
    for path, n_bytes in question.sources:
        try:
            found = _bytes_at(question, path)
            why = f"{found:,} bytes there"
        except OSError as error:
            found, why = -1, str(error.strerror or error)
        except CipinError as error:
            found, why = -1, str(error)
        if found != n_bytes:
            problems.append(
                f"does not see the report {readable(_at(question, path))} ({why}); put reports where all nodes see "
                "them, or on an object store"
            )
    return Answer(engine_version(), _python(), tuple(problems))


def _bytes_at(question: Question, path: str) -> int:
    return look_at(question.root, path).n_bytes if is_url(question.root) else os.stat(_at(question, path)).st_size


def _at(question: Question, path: str) -> str:
    return os.path.join(question.root, path)


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


@contextmanager
def _marked(stores: Sequence[Store]) -> Iterator[tuple[tuple[Store, str], ...]]:
    """Give stores with the names of files that are in their folders as long as this lasts."""
    made: list[tuple[Store, str]] = []
    try:
        for store in stores:
            mark = store.temporary(f"seen-{uuid.uuid4().hex}")
            if isinstance(store, LocalStore):
                with explained(mark):
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
                made.append((store, str(mark.relative_to(store.path))))
            else:
                made.append((store, "_meta"))
        yield tuple(made)
    finally:
        for store, name in made:
            if isinstance(store, LocalStore):
                Path(store.path, name).unlink(missing_ok=True)
