"""Connecting to a cluster, or starting Ray here; what the cluster's nodes are, and asking them."""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray import exceptions
from ray._private import ray_constants
from ray.autoscaler.sdk import request_resources
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cipin.errors import UsageError

#: What a task is sure to have: a worker with its parser stays below (tests/reading/test_hostile.py).
MEMORY_BYTES = 1 << 30
#: Seconds that a cluster may take to accept a connection.
CONNECT_SECONDS = 10.0
#: Seconds that a node may take to answer.
PATIENCE = 120.0
#: Seconds that a cluster without room may take to start a node; $CIPIN_RAY_WAIT says otherwise. Machines of a cloud
#: boot and fetch an image of 2 GB in minutes.
NODE_SECONDS = 600.0
#: Seconds in which a cluster notices that a node is lost.
GONE_SECONDS = 30.0
_log = logging.getLogger(__name__)


def connect() -> bool:
    """Connect to the cluster that RAY_ADDRESS names or that runs on this machine, else start Ray here.

    Returns whether Ray was started here. Raises UsageError if no cluster is where RAY_ADDRESS says, or it refuses.
    """
    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS")
    if address and address.startswith("ray://"):
        raise UsageError(
            f"RAY_ADDRESS = {address}: the driver must be in the cluster; use `ray job submit -- cipin run … --on ray`"
        )
    if address and not _answers(address):
        # Ray itself would try for minutes.
        raise UsageError(f"RAY_ADDRESS = {address}: no cluster answers there; `ray status` shows whether it runs")
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address != "local":
            ray.init(address=address or "auto", **quiet)
            return False
    except (exceptions.AuthenticationError, ValueError) as error:  # no token where one is to be; no address
        raise UsageError(f"--on ray: {error} (RAY_ADDRESS = {address})") from error
    except ConnectionError as error:
        if address:
            # Ray says no more where a token is wanted, and that after 20 s.
            raise UsageError(
                f"RAY_ADDRESS = {address}: no cluster answers there, or it does not take us "
                f"({error.__cause__ or error}); if it demands a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here"
            ) from error
        _log.info("no Ray answers here (%s); one is started for this run", error)
    with _loopback_alone():
        ray.init(address="local", include_dashboard=False, **quiet)
    return True


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return True  # `auto` and the like are Ray's to resolve
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


@contextmanager
def _loopback_alone() -> Iterator[None]:
    """Let a Ray that is started here be reached from this machine alone.

    It listens on every interface otherwise, also with `_node_ip_address="127.0.0.1"`, which Ray replaces by the
    machine's own (2.60: eleven of its twelve ports on Linux). On macOS and Windows this is what Ray does by itself.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def nodes() -> list[dict[str, Any]]:
    """Return the nodes that are alive."""
    return [each for each in ray.nodes() if each["Alive"]]


def room(node: dict[str, Any]) -> int:
    """Return how many tasks a node can have at work."""
    has = node["Resources"]
    return int(min(has.get("CPU", 0), has.get("memory", 0) // MEMORY_BYTES))


def wait_for_room(stopping: Callable[[], bool] = lambda: False) -> bool:
    """Wait until some node has room for a task; tell whether one has. A cluster that starts nodes is asked for one.

    stopping   tells whether it is no longer wanted
    """
    if any(map(room, nodes())):
        return True
    seconds = _patience()
    if seconds <= 0:
        return False
    _log.warning("no node has a CPU and %d MB for a task yet; waiting %.0f s for one", MEMORY_BYTES >> 20, seconds)
    # Not by a task that waits: Ray tells the user of one that no node can run.
    request_resources(bundles=[{"CPU": 1, "memory": MEMORY_BYTES}])
    try:
        deadline = time.monotonic() + seconds
        while not (has_room := any(map(room, nodes()))) and time.monotonic() < deadline and not stopping():
            time.sleep(1.0)
    finally:
        # It stands until it is taken back: an autoscaler would keep a node that nobody uses.
        request_resources(bundles=[])
    return has_room


def _patience() -> float:
    said = os.environ.get("CIPIN_RAY_WAIT", "")
    try:
        seconds = float(said) if said else NODE_SECONDS
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"CIPIN_RAY_WAIT = {said}: give seconds, such as 600")
    return seconds


def everywhere(function: Callable[[Any], Any], argument: Any) -> list[tuple[str, Any]]:
    """Return what a function of one argument says on each node, with the node's name; an error in its place."""
    task = ray.remote(num_cpus=0, max_retries=1)(function)
    there = nodes()
    at = [NodeAffinitySchedulingStrategy(each["NodeID"], soft=False) for each in there]
    asked = [task.options(scheduling_strategy=each).remote(argument) for each in at]
    said = {each["NodeID"]: answer(ref) for each, ref in zip(there, asked, strict=True)}
    # A node that died is among those alive for 14 s more: it is not one that refuses.
    deadline = time.monotonic() + GONE_SECONDS
    while silent := {node for node, what in said.items() if isinstance(what, exceptions.RayError)}:
        alive = {each["NodeID"] for each in nodes()}
        if not silent & alive or time.monotonic() > deadline:
            break
        time.sleep(1.0)
    gone = silent - {each["NodeID"] for each in nodes()} if silent else set()
    if gone:
        _log.warning("%d nodes are gone; the others do the work", len(gone))
    return [(each["NodeManagerAddress"], said[each["NodeID"]]) for each in there if each["NodeID"] not in gone]


def answer(ref: Any, seconds: float = PATIENCE) -> Any:
    """Return what a task returned, or raised, or what became of it."""
    try:
        return ray.get(ref, timeout=seconds)
    except exceptions.RayTaskError as error:
        return error.cause if isinstance(error.cause, Exception) else error
    except exceptions.RayError as error:
        return error
