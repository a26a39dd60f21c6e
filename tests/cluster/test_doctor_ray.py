"""`cipin doctor --on ray`, and what `cipin run --on ray` refuses: decided over facts, and on real clusters."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cipin.cli import main
from cipin.errors import UsageError
from cipin.running import doctor
from cipin.running.doctor import Finding
from cipin.running.nodes import Answer, Question, look

pytest.importorskip("ray", reason="the extra cipin[ray] is not installed")

from cipin_ray import exposure
from cipin_ray.exposure import Facts, Sight, judge

PACKAGES = {"numpy": "2.4.6", "jieba": ""}
HERE = look(Question((), "", ()))
NODE = Sight(HERE, "2.60.0", PACKAGES, (Finding("automata", "/cache: 0 files"),))
ALONE = Facts("127.0.0.1:6379", frozenset({"127.0.0.1"}), True, "2.60.0", True, 1, 2, 2, 10**9)
SPREAD = replace(ALONE, address="10.0.0.1:6379", hosts=frozenset({"10.0.0.1", "10.0.0.2"}), started=False, nodes=2)


def wrong(facts: Facts = SPREAD, known: bool = False, **nodes: object) -> dict[str, Finding]:
    """What is marked with ! on a cluster of these nodes."""
    found = judge(facts, list(nodes.items()), PACKAGES, known)
    return {each.what: each for each in found if each.way_out}


def test_all_is_well_where_all_is_the_same():
    assert wrong(a=NODE, b=NODE) == {}
    told = {each.what: each.state for each in judge(SPREAD, [("a", NODE), ("b", NODE)], PACKAGES)}
    assert told["cluster"] == "2 nodes, at 10.0.0.1:6379"
    assert told["room"] == "2 CPUs, 2 tasks at a time"
    assert told["object store"].startswith("1.0 GB")
    assert told["access"] == "only with a token"


@pytest.mark.parametrize(
    ("hosts", "tokens", "exposed"),
    [
        ({"127.0.0.1"}, False, False),
        ({"127.0.0.1", "::1", "localhost"}, False, False),
        ({"127.0.0.1", "10.0.0.1"}, False, True),  # its dashboard alone is reached from elsewhere
        ({"10.0.0.1"}, False, True),
        ({"10.0.0.1"}, True, False),
        ({"10.0.0.1", "10.0.0.2"}, False, True),
        ({"0.0.0.0"}, False, True),
        ({"head.internal"}, False, True),
        ({"2001:db8::1"}, False, True),
    ],
)
def test_a_cluster_is_exposed_where_others_reach_it_and_need_no_token(hosts, tokens, exposed):
    facts = replace(SPREAD, hosts=frozenset(hosts), tokens=tokens)
    assert facts.exposed == exposed
    assert ("access" in wrong(facts, a=NODE)) == exposed


def test_a_cluster_that_is_known_to_be_exposed_is_told_but_not_refused():
    facts = replace(SPREAD, tokens=False)
    assert "RAY_AUTH_MODE=token" in wrong(facts, a=NODE)["access"].way_out
    assert "access" not in wrong(facts, known=True, a=NODE)
    (told,) = [each for each in judge(facts, [("a", NODE)], PACKAGES, True) if each.what == "access"]
    assert "asks for no token, which is known (CIPIN_RAY_EXPOSED=1)" in told.state


@pytest.mark.parametrize(("known", "refused"), [(None, True), ("0", True), ("1", False)])
def test_a_run_is_refused_unless_exposure_is_known(monkeypatch, known, refused):
    monkeypatch.delenv(exposure.KNOWN, raising=False)
    if known:
        monkeypatch.setenv(exposure.KNOWN, known)
    monkeypatch.setattr(exposure, "gather", lambda: replace(SPREAD, tokens=False))
    if not refused:
        exposure.refuse_exposed()
        return
    with pytest.raises(UsageError, match=r"whoever reaches 10\.0\.0\.1:6379 .* CIPIN_RAY_EXPOSED=1"):
        exposure.refuse_exposed()


@pytest.mark.parametrize(
    ("version", "old"), [("2.59.1", True), ("2.9.3", True), ("2.60.0", False), ("2.61.0rc1", False), ("3.0.0", False)]
)
def test_an_old_ray_is_found_on_driver_and_nodes(version, old):
    assert ("Ray" in wrong(replace(SPREAD, ray=version), a=NODE)) == old
    found = wrong(a=NODE, b=replace(NODE, ray=version))
    assert ("Ray" in found) == old
    if old:
        assert f"b has {version}" in found["Ray"].state
        assert ">=2.60" in found["Ray"].way_out


@pytest.mark.parametrize(
    ("said", "state", "way_out"),
    [
        (replace(NODE, answer=replace(HERE, engine="0.0.9+x")), "has engine 0.0.9+x, the driver", "same version"),
        (replace(NODE, answer=replace(HERE, python="3.9")), "has Python 3.9, the driver", "same on both"),
        (ModuleNotFoundError("No module named 'cipin_ray'"), "No module named 'cipin_ray'", "pip install 'cipin[ray]"),
        (TimeoutError("no answer"), "does not answer (TimeoutError: no answer)", "ray status"),
    ],
)
def test_nodes_that_are_not_as_the_driver_are_named(said, state, way_out):
    found = wrong(a=NODE, b=said)
    assert found["nodes"].state.startswith(f"b: {state}")
    assert way_out in found["nodes"].way_out


def test_packages_that_differ_are_named_with_their_nodes():
    other = replace(NODE, versions={"numpy": "2.0.0", "jieba": ""})
    found = wrong(a=NODE, b=other, c=other)
    assert found["packages"].state == "b, c: numpy 2.0.0, the driver 2.4.6"
    assert "c: numpy missing" in wrong(c=replace(NODE, versions={}))["packages"].state
    assert (
        "a: jieba 0.42.1, the driver none"
        in wrong(a=replace(NODE, versions={**PACKAGES, "jieba": "0.42.1"}))["packages"].state
    )


def test_nodes_that_can_keep_nothing_are_named():
    poor = replace(NODE, caches=(Finding("kernels' cache", "none that can be written", "set NUMBA_CACHE_DIR"),))
    found = wrong(a=poor, b=NODE, c=poor)
    assert found["kernels' cache"] == Finding("kernels' cache", "a, c: none that can be written", "set NUMBA_CACHE_DIR")


def test_a_cluster_without_room_is_refused():
    assert "ray status" in wrong(replace(SPREAD, tasks=0), a=NODE)["room"].way_out


def test_a_node_says_what_this_process_would(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CIPIN_CACHE", str(tmp_path / "file"))
    sight = exposure.look_around(Question((), "", ()))
    assert isinstance(sight.answer, Answer)
    assert sight.versions == doctor.versions()
    assert set(sight.versions) == set(doctor.PACKAGES)
    assert "CIPIN_CACHE" in next(each for each in sight.caches if each.what == "automata").way_out


# ------------------------------------------------------------------------------------------------ the command line


def test_other_executors_have_nothing_to_examine(capsys):
    assert main(["doctor", "--on", "serial"]) == 0
    assert "serial: runs on this machine alone" in capsys.readouterr().out


def test_an_executor_that_is_not_there(capsys):
    assert main(["doctor", "--on", "spark"]) == 2
    assert "executor 'spark': there are" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ a real cluster

TOKEN = "0123456789abcdef0123456789abcdef"
CIPIN = (sys.executable, "-c", "import sys; from cipin.cli import main; raise SystemExit(main(sys.argv[1:]))")
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
for _ in range(int(sys.argv[1]) - 1):
    made.add_node(num_cpus=1)
print(made.address, flush=True)
sys.stdin.read()
made.shutdown()
"""


@pytest.mark.parametrize(
    ("address", "mode", "told"),
    [
        ("ray://127.0.0.1:10001", "disabled", "use `ray job submit -- cipin run"),
        ("nowhere", "disabled", "(RAY_ADDRESS = nowhere)"),
        ("127.0.0.1:1", "token", "RAY_ADDRESS = 127.0.0.1:1: no cluster answers there"),
        ("127.0.0.1:99999", "token", "RAY_ADDRESS = 127.0.0.1:99999: no cluster answers there"),
    ],
)
def test_an_address_or_token_that_will_not_do_is_a_message(tmp_path, address, mode, told):
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = {**ours, "HOME": str(tmp_path), "RAY_ADDRESS": address, "RAY_AUTH_MODE": mode}
    looked = run(environment, "doctor", "--on", "ray")
    assert looked.returncode == 2, looked.stderr
    assert told in looked.stderr
    assert "Traceback" not in looked.stderr


def test_a_token_that_is_to_be_there_is_missed(tmp_path):
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        environment = {**ours, "HOME": str(tmp_path), "RAY_ADDRESS": address, "RAY_AUTH_MODE": "token"}
        looked = run(environment, "doctor", "--on", "ray")
    assert looked.returncode == 2, looked.stderr
    assert "no authentication token was found" in looked.stderr


@contextmanager
def cluster(n_nodes: int, mode: str) -> Iterator[dict[str, str]]:
    """Start a cluster of this machine in a process of its own; gives the environment of a driver of it."""
    # Below /tmp, since paths of sockets have 107 bytes at most; not Ray's own, where others would find the cluster.
    home = tempfile.mkdtemp(prefix="cipin-ray-", dir="/tmp")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "CIPIN_RAY_"))}
    environment = {**ours, "RAY_TMPDIR": home, "RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": TOKEN}
    begun = subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(n_nodes)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        address = begun.stdout.readline().strip()
        assert address, "the cluster did not start"
        # The driver has a token in any case: it is the cluster that must ask for one.
        yield {**environment, "RAY_ADDRESS": address, "RAY_AUTH_MODE": "token"}
    finally:
        begun.communicate(timeout=60)
        shutil.rmtree(home, ignore_errors=True)


def run(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*CIPIN, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_cluster_that_asks_for_no_token_is_refused(tmp_path):
    (tmp_path / "某某银行_2021年年度报告.txt").write_text("本行推进大数据应用。", "utf-8")
    call = ("run", tmp_path, "-l", "fintech-zh", "-o", tmp_path / "out", "--on", "ray")
    with cluster(2, "disabled") as environment:
        looked = run(environment, "doctor", "--on", "ray")
        assert looked.returncode == 1, looked.stderr
        marked = [line for line in looked.stdout.splitlines() if line.startswith("!")]
        assert len(marked) == 1
        assert "access" in marked[0]
        assert environment["RAY_ADDRESS"] in marked[0]
        assert "2 nodes, at" in looked.stdout
        assert "2 CPUs, 2 tasks at a time" in looked.stdout

        refused = run(environment, *call)
        assert refused.returncode == 2
        assert "asks for no token" in refused.stderr
        assert not (tmp_path / "out" / "current").exists()


@pytest.mark.slow
def test_a_cluster_that_asks_for_a_token_will_do():
    with cluster(1, "token") as environment:
        looked = run(environment, "doctor", "--on", "ray")
        assert looked.returncode == 0, looked.stdout + looked.stderr
        assert "only with a token" in looked.stdout


#: Starts Ray as a run does, and prints the addresses that its processes listen at, in hexadecimal.
LISTENING = """
import os, re
from pathlib import Path
import ray
from cipin_ray.connecting import connect

assert connect()
ray.get(ray.remote(lambda: None).remote())
parents = {}
for each in Path("/proc").glob("[0-9]*/stat"):
    try:
        parents[int(each.parent.name)] = int(each.read_text().rpartition(")")[2].split()[1])
    except OSError:
        pass  # it has ended
ours = {os.getpid()}
while more := {child for child, parent in parents.items() if parent in ours} - ours:
    ours |= more
sockets = set()
for pid in ours:
    for handle in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            sockets.update(re.findall(r"socket:.(\\d+)", os.readlink(handle)))
        except OSError:
            pass  # it was closed
for table in ("tcp", "tcp6"):
    for line in Path("/proc/net", table).read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in sockets:
            print(fields[1].partition(":")[0])
"""
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="no /proc says who listens where")
def test_a_ray_of_our_own_is_reached_from_this_machine_alone():
    home = tempfile.mkdtemp(prefix="cipin-ray-", dir="/tmp")
    environment = {**os.environ, "RAY_TMPDIR": home, "RAY_ADDRESS": "local", "RAY_AUTH_MODE": "disabled"}
    try:
        looked = subprocess.run(
            [sys.executable, "-c", LISTENING], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    listening = looked.stdout.split()
    assert len(listening) > 5, looked.stderr
    assert set(listening) <= LOOPBACK
