"""Runs that are killed, and runs that race: what must hold then, and what a broken protocol would do. No test itself.

    python histories.py crashes [N] [s3://BUCKET] [MUTANT]        kill a run before each Nth of its calls, and resume
    python histories.py races FIRST LAST [s3://BUCKET] [MUTANT]   several drivers, of different lexicons, some killed
    python histories.py carried                                   kill a run that carries shards over
    python histories.py lost [MUTANT]                             lose a data file, and give the same command again
    python histories.py changed [MUTANT]                          change a report, and give the same command again
    python histories.py poison                                    a report that kills whatever process reads it

prints what was tried, and every violation, as JSON; with a mutant of the protocol, up to the first violation. Calls
are those of the file system that change something, or those of the object store. Each driver is a fork of this process,
which imports everything; it is killed by SIGKILL before the call of a given number.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute
import pyarrow.dataset  # noqa: F401
from invariants import is_shown, tables, versions, violations
from mutants import MUTANTS

import cipin
import cipin.reading.formats.text
from cipin.reading import encoding, numbering, structure  # noqa: F401
from cipin.running import measure, parsing, plan
from cipin.running.run import run as _run  # noqa: F401

LEXICONS = {
    "one": cipin.Lexicon.from_terms(["大数据", "云计算"], id="one"),
    "two": cipin.Lexicon.from_terms(["大数据", "区块链", "科技"], id="two"),
    "three": cipin.Lexicon.from_terms(["移动支付"], id="three"),
    # "two" with a term more, which is in some shards: the others are carried over from a version of "two".
    "later": cipin.Lexicon.from_terms(["大数据", "区块链", "科技", "存款"], id="two"),
}
#: Calls of the file system that a run is killed before; opening counts where it is to write.
CALLS = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
KILLED = -signal.SIGKILL

#: Where parsed reports are kept: on an object store they double the requests, so that there `none` is the default.
CORPUS = os.environ.get("HISTORIES_CORPUS") or None
#: Reports of a run.
N_REPORTS = [3]

# A shard for every report, so that there is much to be killed in.
plan.LEAST_BYTES = plan.CUT_BYTES = 1


def write_reports(folder: Path, seed: int) -> None:
    """Write some short reports; other ones for each seed, but for the first, which stays."""
    folder.mkdir(parents=True, exist_ok=True)
    n = N_REPORTS[0]
    chance = random.Random(seed)
    for number in range(n):
        words = chance.choices(["大数据", "云计算", "区块链", "科技", "移动支付", "存款", "稳步增长"], k=9)
        text = "推进大数据。" if number == 0 else "，".join(words) + "。"
        (folder / f"甲银行{2010 + number}年年度报告.txt").write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------------------------ drivers


def drive(
    reports: Path,
    lexicon: str,
    out: str,
    kill_at: int = -1,
    mutant: str = "",
    wait: float = 0.0,
    **options: Any,
) -> int:
    """Fork a driver and return its process id; it is killed before its call of that number."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 2)
        MUTANTS[mutant]()
        time.sleep(wait)
        watch(out, kill_at)
        chosen = {"on": "serial", "registry": None, "matcher": "ahocorasick", "corpus": CORPUS, **options}
        cipin.run(reports, LEXICONS[lexicon], out, **chosen)
        code = 0
    except cipin.CipinError as error:
        code = error.exit_code
        SAID.write_text(f"{error}", encoding="utf-8")
    finally:
        (reports.parent / f"calls-{os.getpid()}").write_text(str(COUNT[0]), encoding="ascii")
        os._exit(code)


COUNT = [0]
#: What the last driver that failed has said.
SAID = Path(tempfile.gettempdir()) / f"said-{os.getpid()}"


def watch(out: str, kill_at: int) -> None:
    """Count this process's calls that may change something in OUT; kill it before one."""

    def count() -> None:
        if COUNT[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        COUNT[0] += 1

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CALLS or not str(arguments[0]).startswith(out):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        count()

    if "://" not in out:
        sys.addaudithook(hook)
        return
    from cipin.running.objects import ObjectStore

    ask = ObjectStore.ask

    def counted(self: ObjectStore, name: str, what: Callable[[Any, str], Any]) -> Any:
        count()
        return ask(self, name, what)

    ObjectStore.ask = counted  # type: ignore[method-assign]


def end(pid: int) -> int:
    """Wait for a driver and return its exit code; negative: the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def calls(reports: Path, pid: int) -> int:
    """Return how many calls a driver that ended by itself has made."""
    return int((reports.parent / f"calls-{pid}").read_text(encoding="ascii"))


class Reference:
    """The tables that an undisturbed run gives, by lexicon and seed of the reports."""

    def __init__(self, folder: Path, base: str = "", mutant: str = "") -> None:
        self._folder = folder
        self._base = base
        self._mutant = mutant
        self._known: dict[tuple[str, int], tuple[list[tuple[str, str]], int]] = {}

    def of(self, lexicon: str, seed: int) -> tuple[list[tuple[str, str]], int]:
        """Return the tables, and the calls that it took."""
        if (lexicon, seed) not in self._known:
            folder = self._folder / f"reference-{lexicon}-{seed}"
            write_reports(folder / "reports", seed)
            out = f"{self._base or self._folder}/reference-{lexicon}-{seed}/out"
            pid = drive(folder / "reports", lexicon, out, mutant=self._mutant)
            code = end(pid)
            assert code == 0, code
            self._known[lexicon, seed] = tables(versions(out)[-1]), calls(folder / "reports", pid)
        return self._known[lexicon, seed]


# ------------------------------------------------------------------------------------------------ histories

Tried = tuple[int, list[str]]


def crashes(folder: Path, base: str, mutant: str, every: int = 1) -> Tried:
    """Kill a run before each of its calls, or some, resume it, and compare; return how many, and what was violated."""
    wanted, n_calls = Reference(folder, base, mutant).of("one", 1)
    reports = folder / "reports"
    write_reports(reports, 1)
    found: list[str] = []
    points = list(range(n_calls))
    random.Random(1).shuffle(points)
    points = points[::every]
    for point in points:
        out = f"{base or folder}/crash-{point}/out"
        code = end(drive(reports, "one", out, point, mutant))
        if code != KILLED:
            found.append(f"point {point}: exit code {code}, not killed")
        found += [f"point {point}: {each}" for each in violations(out)]
        if not mutant:
            code = end(drive(reports, "one", out))
            found += [f"point {point}, resumed: {each}" for each in violations(out)]
            manifests = versions(out)
            if code or [tables(each) for each in manifests] != [wanted] or not is_shown(out):
                found.append(f"point {point}: exit code {code}, {len(manifests)} versions, or other tables")
        if mutant and found:
            break
        shutil.rmtree(folder / f"crash-{point}", ignore_errors=True)
    return len(points), found


def carried(folder: Path, base: str, mutant: str) -> Tried:
    """Kill a run with a changed lexicon before each of its calls, and resume it, as `crashes` does."""
    reference = Reference(folder, base, mutant)
    wanted = [reference.of(lexicon, 1)[0] for lexicon in ("two", "later")]
    reports, before = folder / "reports", folder / "before" / "out"
    write_reports(reports, 1)
    assert end(drive(reports, "two", str(before))) == 0

    def run(name: str, kill_at: int = -1) -> tuple[str, int]:
        out = folder / name / "out"
        if not out.exists():
            shutil.copytree(before, out)
        pid = drive(reports, "later", str(out), kill_at)
        return str(out), pid

    out, pid = run("whole")
    assert end(pid) == 0
    work = versions(out)[-1]["work"]
    assert 0 < work["carried"] < work["shards"], work
    n_calls, found = calls(reports, pid), []
    for point in range(n_calls):
        out, pid = run(f"carry-{point}", point)
        code = end(pid)
        if code != KILLED:
            found.append(f"point {point}: exit code {code}, not killed")
        found += [f"point {point}: {each}" for each in violations(out)]
        code = end(run(f"carry-{point}")[1])
        found += [f"point {point}, resumed: {each}" for each in violations(out)]
        if code or [tables(each) for each in versions(out)] != wanted or not is_shown(out):
            found.append(f"point {point}: exit code {code}, or other tables")
        shutil.rmtree(folder / f"carry-{point}")
    return n_calls, found


def races(folder: Path, base: str, mutant: str, first: int, last: int) -> Tried:
    """Let several drivers race in one OUT, round after round, some killed; return how many histories, what is wrong."""
    reference = Reference(folder, base)
    found: list[str] = []
    for seed in range(first, last):
        found += [f"history {seed}: {each}" for each in race(folder, base, mutant, seed, reference)]
        if mutant and found:
            break
        shutil.rmtree(folder / f"race-{seed}")
    return last - first, found


def race(folder: Path, base: str, mutant: str, seed: int, reference: Reference) -> Iterator[str]:
    """Yield what is violated in one history: two rounds of two or three drivers, over other reports in each."""
    chance = random.Random(seed)
    reports, out = folder / f"race-{seed}" / "reports", f"{base or folder}/race-{seed}/out"
    done: list[tuple[str, int]] = []
    for number in range(2):
        reports_seed = chance.randrange(1, 4)
        write_reports(reports, reports_seed)
        drivers = []
        for _ in range(chance.randrange(2, 4)):
            lexicon = chance.choice(list(LEXICONS))
            n_calls = reference.of(lexicon, reports_seed)[1]
            kill_at = chance.randrange(n_calls) if chance.random() < 0.4 else -1
            wait = chance.random() * 0.02
            drivers.append((drive(reports, lexicon, out, kill_at, mutant, wait), lexicon))
        for pid, lexicon in drivers:
            code = end(pid)
            if code == 0:
                done.append((lexicon, reports_seed))
            elif code not in {KILLED, 75}:
                yield f"round {number}: exit code {code}: {SAID.read_text('utf-8')}"
        yield from (f"round {number}: {each}" for each in violations(out))
    found = [tables(each) for each in versions(out)]
    known = [reference.of(lexicon, each)[0] for lexicon in LEXICONS for each in range(1, 4)]
    yield from (f"version {at + 1} is mixed" for at, each in enumerate(found) if each not in known)
    # Whoever was told that it is published finds it.
    yield from (f"{each} is lost" for each in done if reference.of(*each)[0] not in found)


def lost(folder: Path, base: str, mutant: str) -> Tried:
    """Lose each data file of a run in turn, and give the same command again."""
    wanted, _ = Reference(folder, base).of("one", 1)
    write_reports(folder / "reports", 1)
    out = f"{folder}/out"
    assert end(drive(folder / "reports", "one", out)) == 0
    found = []
    names = [name for name, _ in wanted if "/run-" not in name]
    for name in names:
        (Path(out) / name).unlink()
        code = end(drive(folder / "reports", "one", out, mutant=mutant))
        problems = [*violations(out)] + ([f"exit code {code}"] if code else [])
        found += [f"{name} lost: {each}" for each in problems]
        if problems and mutant:
            break
    return len(names), found


def changed(folder: Path, base: str, mutant: str) -> Tried:
    """Change all reports but one, four times; each time the tables must be those of a run over what is there."""
    reference, out = Reference(folder, base, mutant), f"{folder}/out"
    found = []
    for step, seed in enumerate((1, 2, 3, 1)):
        write_reports(folder / "reports", seed)
        code = end(drive(folder / "reports", "one", out, mutant=mutant))
        if code or tables(versions(out)[-1]) != reference.of("one", seed)[0]:
            found.append(f"step {step}: exit code {code}, or other tables than a full run's")
    return 4, found


class Forking:
    """An executor that forks a process for each shard, in which reading a certain report kills it."""

    def __init__(self, poison: str, only_in_company: bool) -> None:
        self.poison = poison
        self.only_in_company = only_in_company

    def run(self, function: Any, job: Any, shards: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each shard with its result, or None if it killed its process twice."""
        for shard in shards:
            tries = (self._try(function, job, shard) for _ in range(2))
            yield shard, next((each for each in tries if each is not None), None)

    def _try(self, function: Any, job: Any, shard: Any) -> Any:
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            real = parsing._parse

            def deadly(reading: Any, source: Any, copy_of: Any) -> Any:
                if source.path == self.poison and (len(shard.sources) > 1 or not self.only_in_company):
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(reading, source, copy_of)

            parsing._parse = deadly
            os.write(writer, pickle.dumps(function(job, shard)))
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            data = file.read()
        os.waitpid(pid, 0)
        return pickle.loads(data) if data else None


def poison(folder: Path, base: str, mutant: str) -> Tried:
    """Have a report kill its process, alone as well or only among others; it alone may be missing, until a retry."""
    plan.LEAST_BYTES = 1 << 20
    write_reports(folder / "reports", 1)
    wanted, _ = Reference(folder, base).of("one", 1)
    deadly = "甲银行2011年年度报告.txt"
    found = []
    for only_in_company in (False, True):
        out = f"{folder}/out-{only_in_company}"
        find_executor = measure.find_executor
        measure.find_executor = lambda name, workers, only=only_in_company: Forking(deadly, only)
        code = end(drive(folder / "reports", "one", out, on="deadly"))
        measure.find_executor = find_executor
        (shard,) = versions(out)[0]["shards"]
        errors = [(each["source"], each["transient"], "also alone" in each["message"]) for each in shard["errors"]]
        if code or shard["outcomes"] != {"measured": N_REPORTS[0] - 1, "quarantined:crash": 1}:
            found.append(f"exit code {code}, outcomes {shard['outcomes']}")
        if errors != [(deadly, True, not only_in_company)]:
            found.append(f"errors {errors}")
        # It is not forgotten, and not tried again unless that is asked for.
        if end(drive(folder / "reports", "one", out)) or len(versions(out)) != 1:
            found.append("another version though nothing changed")
        if end(drive(folder / "reports", "one", out, retry=True)):
            found.append("retrying fails")
        if [each for each in tables(versions(out)[-1]) if "/run-" not in each[0]] != [
            each for each in wanted if "/run-" not in each[0]
        ]:
            found.append("other tables after the retry than those of a run without poison")
        if end(drive(folder / "reports", "one", out)) or len(versions(out)) != 2:
            found.append("what was tried again does not count")
        found += violations(out)
    return 2, found


def main() -> None:
    """Do what the command line says."""
    what, *rest = sys.argv[1:]
    mutant = next((each for each in rest if each in MUTANTS), "")
    base = next((f"{each}/{uuid.uuid4().hex}" for each in rest if "://" in each), "")
    numbers = [int(each) for each in rest if each.isdecimal()]
    if what in {"races", "carried"} or base:
        N_REPORTS[0] = 2
    told: tuple[Callable[..., Tried], ...] = (crashes, carried, races, lost, changed, poison)
    histories = {each.__name__: each for each in told}
    # In memory, where flushing to disk takes no time: what is killed is the process, not the machine.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        n, found = histories[what](Path(folder), base, mutant, *numbers)
    SAID.unlink(missing_ok=True)
    print(json.dumps({"tried": n, "found": found}, ensure_ascii=False))


if __name__ == "__main__":
    main()
