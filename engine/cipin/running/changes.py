"""What is no longer as it was when the newest version was published: reports, lexicon, options, engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cipin.errors import CipinError
from cipin.lexicon.diff import diff_lexicons
from cipin.lexicon.files import parse_toml
from cipin.running import ledger
from cipin.running.carry import changed_strings
from cipin.running.engine import engine_version
from cipin.running.job import Job
from cipin.running.plan import Plan, readable


@dataclass(frozen=True, slots=True)
class Change:
    """A reason why something is to be done: `what` in words, and whatever it is about by `names`."""

    what: str
    names: tuple[str, ...] = ()


def find_changes(
    job: Job, planned: Plan, newest: Mapping[str, Any] | None, mended: Sequence[str], *, retry: bool
) -> Iterator[Change]:
    """Yield what is not as it was for the newest version, whose manifest is given.

    mended   sources that could not be read, and are stored whole since
    """
    if newest is None:
        yield Change("nothing is published there yet")
        return
    if newest["engine"] != engine_version():
        yield Change(f"the engine: {newest['engine']} became {engine_version()}")
    for name, value in job.options.items():
        if newest["options"].get(name) != value:
            yield Change(f"the option {name}: {newest['options'].get(name)!r} became {value!r}")
    try:
        before = ledger.read_plan(job.store, newest["run"])
    except CipinError as error:
        yield Change(f"what the newest version consists of is not known: {error}")
        return
    if newest["lexicon"]["hash"] != job.lexicon.hash:
        yield from _lexicon(job, before)
    yield from _reports(before, planned)
    if mended:
        yield Change(
            _count(mended, "report that failed is stored since", "reports that failed are stored since"), tuple(mended)
        )
    if retry:
        failed = [each["source"] for shard in newest["shards"] for each in shard["errors"] if each["transient"]]
        if failed:
            yield Change(_count(failed, "report to be tried again", "reports to be tried again"), tuple(failed))


def _lexicon(job: Job, before: Mapping[str, Any]) -> Iterator[Change]:
    same = before["lexicon"]["id"] == job.lexicon.id
    yield Change(f"the lexicon: {before['lexicon']['id']}{' changed' if same else f' became {job.lexicon.id}'}")
    try:
        earlier = parse_toml(before["lexicon"]["toml"], "the earlier lexicon")
    except CipinError:
        return
    kinds: dict[str, list[str]] = {}
    for change in diff_lexicons(earlier, job.lexicon):
        kinds.setdefault("changed" if change.kind not in {"added", "removed", "policy"} else change.kind, []).append(
            change.term
        )
    for kind, several in kinds.items():
        names = list(dict.fromkeys(several))
        what = ("policy changed", "policies changed") if kind == "policy" else (f"term {kind}", f"terms {kind}")
        yield Change(_count(names, *what), tuple(names))
    if changed_strings(earlier, job.lexicon) is not None:
        yield Change("shards in which none of these occurs are not scanned, and their rows stay")


def _reports(before: Mapping[str, Any], planned: Plan) -> Iterator[Change]:
    was = {path: content for shard in before["shards"] for path, _, content in shard["sources"]}
    now = {source.path: source.content for source in planned.sources}
    root = before["call"]["root"]
    if readable(root) != readable(planned.root):
        yield Change(f"the folder of the reports: {readable(root)} became {readable(planned.root)}")
    changed = [path for path, content in now.items() if path in was and was[path] != content]
    for paths, what in (
        ([path for path in now if path not in was], "added"),
        (changed, "changed"),
        ([path for path in was if path not in now], "removed"),
    ):
        if paths:
            yield Change(_count(paths, f"report {what}", f"reports {what}"), tuple(map(readable, sorted(paths))))


def _count(names: Iterable[str], one: str, many: str) -> str:
    n = len(list(names))
    return f"{n:,} {one if n == 1 else many}"
