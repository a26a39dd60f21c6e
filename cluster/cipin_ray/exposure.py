"""Who else could command the cluster, and what its nodes lack: `cipin doctor --on ray`, and before each run.

Whoever reaches a Ray cluster that asks for no token runs any code there, as its user and with its keys to storage.
"""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import ray

from cipin.errors import UsageError
from cipin.running.doctor import Finding, caches, versions
from cipin.running.nodes import Answer, Question, look, named, problems_of
from cipin_ray.connecting import connect, everywhere, nodes, room

#: Older ones run code that data files bring along.
LEAST_RAY = (2, 60)
#: "I know that strangers could command this cluster, and keep them off it by other means."
KNOWN = "CIPIN_RAY_EXPOSED"
WAY_OUT = (
    "start Ray anew with RAY_AUTH_MODE=token and one RAY_AUTH_TOKEN on all nodes and here (`ray get-auth-token "
    f"--generate` makes one), or set {KNOWN}=1 if a firewall keeps others off"
)
#: What a stranger tries: it has no token, and asks the cluster's head for any five keys.
STRANGER = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None, 5)
"""
#: Seconds after which a stranger gives up. It is answered, or sent away, within 0.8 s.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is of a cluster.

    address   of its head
    hosts     that it is reached at: its head's, its nodes', its dashboard's
    tokens    whether someone without a token was sent away; not asked (true) where all hosts are this machine's own
    ray       version of the driver's Ray
    started   whether it was started for this process
    """

    address: str
    hosts: frozenset[str]
    tokens: bool
    ray: str
    started: bool = False
    nodes: int = 1
    cpus: int = 0
    tasks: int = 0
    store_bytes: int = 0

    @property
    def exposed(self) -> bool:
        """Whether others than this machine's users could command it."""
        return not self.tokens and any(map(is_reachable, self.hosts))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a node says of itself."""

    answer: Answer
    ray: str
    versions: Mapping[str, str]
    caches: tuple[Finding, ...]


def refuse_exposed() -> None:
    """Raise UsageError if others could command the cluster, unless CIPIN_RAY_EXPOSED=1 says that this is known.

    Also inside `ray job submit`: a job runs unattended, and the port that takes jobs is what strangers look for.
    """
    if os.environ.get(KNOWN) == "1":
        return
    facts = gather()
    if facts.exposed:
        raise UsageError(f"--on ray: {_exposure(facts)}; {WAY_OUT}")


def examine() -> list[Finding]:
    """Return what a run would meet on the cluster: facts, and what is in its way, with a way out."""
    started = connect()
    sights = everywhere(look_around, Question((), "", ()))
    return judge(gather(started), sights, versions(), os.environ.get(KNOWN) == "1")


def gather(started: bool = False) -> Facts:
    """Return the facts of the cluster that this process is connected to."""
    there = nodes()
    address = ray.get_runtime_context().gcs_address
    hosts = {_host(address), *(each["NodeManagerAddress"] for each in there)}
    with suppress(Exception):  # no public name for it; a cluster needs no dashboard
        hosts.add(_host(ray._private.worker.get_dashboard_url() or address))
    return Facts(
        address,
        frozenset(hosts),
        not any(map(is_reachable, hosts)) or sends_strangers_away(address),
        ray.__version__,
        started,
        len(there),
        int(sum(each["Resources"].get("CPU", 0) for each in there)),
        sum(map(room, there)),
        int(sum(each["Resources"].get("object_store_memory", 0) for each in there)),
    )


def sends_strangers_away(address: str) -> bool:
    """Return whether the cluster's head refuses one who has no token.

    The driver's own RAY_AUTH_MODE does not tell: Ray 2.60 with a token joins a cluster that asks for none. Only what
    is known to be a refusal counts as one.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    stranger = {**ours, "RAY_AUTH_MODE": "disabled"}
    with suppress(subprocess.TimeoutExpired):
        tried = subprocess.run(
            [sys.executable, "-c", STRANGER, address],
            env=stranger, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return tried.returncode != 0 and "AuthenticationError" in tried.stderr
    return False


def is_reachable(host: str) -> bool:
    """Return whether others than this machine reach a host; a name counts as reachable, but for localhost."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def _host(address: str) -> str:
    return urlsplit(address if "://" in address else f"//{address}").hostname or address


def look_around(question: Question) -> Sight:
    """Return what this process has and where it may write; runs on each node."""
    return Sight(look(question), ray.__version__, versions(), tuple(caches()))


def judge(
    facts: Facts, sights: Sequence[tuple[str, Any]], here: Mapping[str, str], known: bool = False
) -> list[Finding]:
    """Return what there is of a cluster, and what is wrong with it.

    sights   what each node says, with its name: a Sight, or an error
    here     versions of the driver's packages
    known    whether the user said that an exposed cluster is known to be one
    """
    has = "node" if facts.nodes == 1 else "nodes"
    origin = "started here for this" if facts.started else f"at {facts.address}"
    seen = {node: said for node, said in sights if isinstance(said, Sight)}
    found = [
        Finding("cluster", f"{facts.nodes} {has}, {origin}"),
        Finding("room", f"{facts.cpus} CPUs, {facts.tasks} tasks at a time", "" if facts.tasks else
                "no node has a CPU and the memory of a task free for one; `ray status` shows what there is"),
        Finding("object store", f"{facts.store_bytes / 1e9:.1f} GB; a run needs little of it"),
        _access(facts, known),
        *_old_ray(facts.ray, seen),
    ]  # fmt: skip
    answers = [(node, said.answer if isinstance(said, Sight) else said) for node, said in sights]
    for problem, where in problems_of(answers).items():
        what, _, way_out = problem.rpartition("; ")
        found.append(Finding("nodes", f"{named(where)}: {what}", way_out))
    return [*found, *_differences(here, seen), *_unwritable(seen)]


def _access(facts: Facts, known: bool) -> Finding:
    if facts.exposed:
        return Finding("access", _exposure(facts) + (f", which is known ({KNOWN}=1)" if known else ""),
                       "" if known else WAY_OUT)  # fmt: skip
    reachable = any(map(is_reachable, facts.hosts))
    return Finding("access", "only with a token" if reachable else "from this machine alone")


def _exposure(facts: Facts) -> str:
    return f"whoever reaches {facts.address} can run any code on the cluster, which asks for no token"


def _old_ray(driver: str, seen: Mapping[str, Sight]) -> list[Finding]:
    has = {"the driver": driver, **{node: said.ray for node, said in seen.items()}}
    old = [f"{who} has {version}" for who, version in has.items() if _release(version) < LEAST_RAY]
    least = ".".join(map(str, LEAST_RAY))
    state = f"{named(old)}: before {least}, data files could run code"
    return [Finding("Ray", state, f"pip install 'ray[default]>={least}'")] if old else []


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _differences(here: Mapping[str, str], seen: Mapping[str, Sight]) -> list[Finding]:
    found = []
    for name, ours in here.items():
        others: dict[str, list[str]] = defaultdict(list)
        for node, said in seen.items():
            if said.versions.get(name, "") != ours:
                others[said.versions.get(name, "")].append(node)
        for theirs, where in others.items():
            found.append(
                Finding("packages", f"{named(where)}: {name} {theirs or 'missing'}, the driver {ours or 'none'}",
                        "install the same everywhere: one image, or `pip install -c constraints.txt`")
            )  # fmt: skip
    return found


def _unwritable(seen: Mapping[str, Sight]) -> list[Finding]:
    where: dict[Finding, list[str]] = defaultdict(list)
    for node, said in seen.items():
        for each in said.caches:
            if each.way_out:
                where[each].append(node)
    return [Finding(each.what, f"{named(at)}: {each.state}", each.way_out) for each, at in where.items()]
