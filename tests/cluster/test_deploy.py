"""What an operator is given is held to the code: files parse, numbers agree, commands and names exist.

No container engine and no network: what only a cloud can show, such as whether an image is there, is not tested.
"""

from __future__ import annotations

import fnmatch
import importlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cipin
from cipin import errors
from cipin.cli import INTERRUPTED
from cipin.cli import cipin as group
from cipin.running.driving import RATE, RAY_SECONDS

pytest.importorskip("ray", reason="the extra cipin[ray] is not installed")

from cipin_ray.executor import MEMORY_BYTES
from cipin_ray.exposure import KNOWN, LEAST_RAY
from cipin_ray.metrics import GAUGES
from cipin_ray.window import SILENCE

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "cluster" / "deploy"
README = (DEPLOY / "README.md").read_text("utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
CLUSTER = yaml.safe_load((DEPLOY / "cluster.yaml").read_text("utf-8"))
DOCUMENTS = list(yaml.safe_load_all((DEPLOY / "rayjob.yaml").read_text("utf-8")))
(JOB,) = [each["spec"] for each in DOCUMENTS if each["kind"] == "RayJob"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
#: What a node keeps beside tasks and object store, for Ray itself.
FOR_RAY = 1 << 30


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, start parameters and template of the pods of Ray that a RayJob starts."""
    cluster = JOB["rayClusterSpec"]
    yield "head", cluster["headGroupSpec"]["rayStartParams"], cluster["headGroupSpec"]["template"]
    for each in cluster["workerGroupSpecs"]:
        yield each["groupName"], each["rayStartParams"], each["template"]


def n_bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


# ------------------------------------------------------------------------------------------------ the image


def copied() -> list[str]:
    lines = re.findall(r"^COPY (.+)$", DOCKERFILE, re.M)
    return [source for line in lines for source in line.split()[:-1]]


def test_the_image_is_built_from_files_that_are_there():
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    assert {"pyproject.toml", "constraints.txt", "engine", "cluster", "lexicons"} <= set(copied())
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, each) for each in allowed), f"{source} is ignored"


def test_the_image_has_what_a_build_needs():
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [PROJECT["readme"], *PROJECT["license-files"], *hatch["packages"]]
    assert [each for each in needed if each.split("/")[0] not in copied()] == []


def test_the_image_installs_the_extras_under_constraints():
    (install,) = re.findall(r'^RUN pip install (.*)"/src\[(.+)\]"$', DOCKERFILE, re.M)
    assert "--constraint /src/constraints.txt" in install[0]
    assert set(install[1].split(",")) <= set(PROJECT["optional-dependencies"])


def test_the_image_runs_as_somebody_who_may_write_the_caches():
    lines = DOCKERFILE.splitlines()
    user = next(number for number, line in enumerate(lines) if line == "USER cipin")
    assert not any(line.startswith("USER") for line in lines[user + 1 :])
    for name in ("CIPIN_CACHE", "NUMBA_CACHE_DIR"):
        folder = re.search(rf"\b{name}=(\S+)", DOCKERFILE)[1]
        assert re.search(rf"install --directory --owner cipin .*{folder}(\s|$)", DOCKERFILE, re.M), folder
    (warm,) = [number for number, line in enumerate(lines) if "python -c 'import " in line]
    assert warm > user, "kernels that root compiled could not be replaced"
    assert importlib.util.find_spec(re.search(r"python -c 'import (\S+) as ", lines[warm])[1])


def test_the_image_has_a_python_and_a_ray_that_will_do():
    python = re.search(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.M)[1]
    least = re.fullmatch(r">=(.+)", PROJECT["requires-python"])[1]
    assert [int(each) for each in python.split(".")] >= [int(each) for each in least.split(".")]
    assert re.findall(r"^FROM (.+)$", DOCKERFILE, re.M) == ["python:${PYTHON}-slim"]


def test_ray_is_one_version_from_the_floor_on():
    (floor,) = [re.search(r">=(.+)", each)[1] for each in PROJECT["optional-dependencies"]["ray"]]
    assert tuple(map(int, floor.split("."))) == LEAST_RAY
    image = re.search(r"^ARG RAY=(.+)$", DOCKERFILE, re.M)[1]
    assert image == JOB["rayClusterSpec"]["rayVersion"]
    assert tuple(map(int, image.split(".")[:2])) >= LEAST_RAY
    assert f"Ray is {floor} or newer" in README


def test_the_image_is_called_the_same_everywhere():
    containers = [template["spec"]["containers"] for _, _, template in pods()]
    containers.append(JOB["submitterPodTemplate"]["spec"]["containers"])
    named = {each["image"] for some in containers for each in some} | {CLUSTER["docker"]["image"]}
    assert named == {f"cipin:{cipin.__version__}"}, "a registry's host is the operator's own"
    for text in (README, DOCKERFILE):
        assert set(re.findall(r"cipin:\d[\w.]*", text)) == named


# ------------------------------------------------------------------------------------------------ the launcher


def test_the_cluster_is_what_ray_launches():
    jsonschema = pytest.importorskip("jsonschema")
    ray = Path(importlib.util.find_spec("ray").origin).parent
    schema = json.loads((ray / "autoscaler" / "ray-schema.json").read_text("utf-8"))
    jsonschema.validate(CLUSTER, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**CLUSTER, "head_node_typo": "head"}, schema)


def test_the_launcher_takes_the_cluster_once_its_defaults_are_in():
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(CLUSTER)
    validate_config(prepared)
    assert set(prepared["available_node_types"]) == {"head", "worker"}
    # Ray's defaults for AWS fetch a nightly build of Ray.
    for name in ("setup_commands", "head_setup_commands", "worker_setup_commands"):
        assert prepared[name] == [], name


def test_the_head_does_no_work_and_workers_are_full():
    head, worker = (CLUSTER["available_node_types"][each]["resources"] for each in ("head", "worker"))
    assert head["CPU"] == 0
    assert "--num-cpus=0" in " ".join(CLUSTER["head_start_ray_commands"])
    assert worker["memory"] // MEMORY_BYTES >= worker["CPU"], "CPUs would idle for want of memory"
    machine = int(re.search(r"c7i.2xlarge # 8 CPUs with AVX-512, (\d+) GB", (DEPLOY / "cluster.yaml").read_text())[1])
    # Of what a machine is said to have, some is never the system's to give.
    assert worker["memory"] + worker["object_store_memory"] + FOR_RAY <= 0.92 * (machine << 30)


def test_object_stores_are_small_and_in_memory():
    commands = [CLUSTER["head_start_ray_commands"][-1], CLUSTER["worker_start_ray_commands"][-1]]
    sizes = {int(re.search(r"--object-store-memory=(\d+)", each)[1]) for each in commands}
    assert sizes == {CLUSTER["available_node_types"]["worker"]["resources"]["object_store_memory"]}
    assert {int(parameters["object-store-memory"]) for _, parameters, _ in pods()} == sizes
    (shared,) = [re.search(r"--shm-size=(\d+)m", each) for each in CLUSTER["docker"]["run_options"] if "shm" in each]
    assert int(shared[1]) << 20 > max(sizes)
    for command in commands:
        assert re.search(r"ulimit -n (\d+); ray start", command)[1] == "65536"


# ------------------------------------------------------------------------------------------------ KubeRay

#: Fields of ray.io/v1, by KubeRay's API reference (v1.6).
FIELDS = {
    "RayJobSpec": {
        "activeDeadlineSeconds", "backoffLimit", "clusterSelector", "deletionStrategy", "entrypoint",
        "entrypointNumCpus", "entrypointNumGpus", "entrypointResources", "jobId", "managedBy", "metadata",
        "preRunningDeadlineSeconds", "rayClusterSpec", "runtimeEnvYAML", "shutdownAfterJobFinishes",
        "submissionMode", "submitterConfig", "submitterPodTemplate", "suspend", "ttlSecondsAfterFinished",
    },
    "RayClusterSpec": {
        "authOptions", "autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions",
        "headGroupSpec", "headServiceAnnotations", "managedBy", "rayVersion", "suspend", "upgradeStrategy",
        "workerGroupSpecs",
    },
    "HeadGroupSpec": {
        "enableIngress", "headService", "labels", "rayStartParams", "resources", "serviceType", "template",
    },
    "WorkerGroupSpec": {
        "groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts",
        "rayStartParams", "replicas", "resources", "scaleStrategy", "suspend", "template",
    },
}  # fmt: skip


def test_the_job_has_fields_that_kuberay_knows():
    cluster = JOB["rayClusterSpec"]
    assert set(JOB) <= FIELDS["RayJobSpec"]
    assert set(cluster) <= FIELDS["RayClusterSpec"]
    assert set(cluster["headGroupSpec"]) <= FIELDS["HeadGroupSpec"]
    assert all(set(each) <= FIELDS["WorkerGroupSpec"] for each in cluster["workerGroupSpecs"])
    assert {each["apiVersion"] for each in DOCUMENTS} == {"v1", "networking.k8s.io/v1", "ray.io/v1"}
    for _, parameters, _ in pods():
        assert all(isinstance(each, str) for each in parameters.values()), "the CRD takes strings alone"


def test_the_job_is_retried_and_cleared_away():
    assert JOB["backoffLimit"] > 0
    assert JOB["shutdownAfterJobFinishes"] is True
    words = {1: "once", 2: "twice", 3: "three times", 4: "four times"}
    assert f"{words[JOB['backoffLimit']]} (`backoffLimit`)" in README


def test_pods_have_the_memory_that_tasks_are_promised():
    for name, parameters, template in pods():
        (container,) = template["spec"]["containers"]
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert requests == limits, name
        if parameters.get("num-cpus") == "0":
            continue
        tasks = int(limits["cpu"])
        needed = tasks * MEMORY_BYTES + int(parameters["object-store-memory"]) + FOR_RAY
        assert n_bytes(limits["memory"]) >= needed, name
        assert n_bytes(limits["memory"]) // MEMORY_BYTES >= tasks
    assert next(parameters.get("num-cpus") for _, parameters, _ in pods()) == "0", "the head does no work"


def test_pods_are_behind_the_policy_and_run_as_the_images_user():
    (policy,) = [each["spec"] for each in DOCUMENTS if each["kind"] == "NetworkPolicy"]
    (account,) = [each["metadata"]["name"] for each in DOCUMENTS if each["kind"] == "ServiceAccount"]
    chosen = policy["podSelector"]["matchLabels"]
    uid = int(re.search(r"useradd .*--uid (\d+)", DOCKERFILE)[1])
    assert chosen.items() <= JOB["submitterPodTemplate"]["metadata"]["labels"].items()
    for name, _, template in pods():
        assert chosen.items() <= template["metadata"]["labels"].items(), name
        assert template["spec"]["serviceAccountName"] == account
        assert template["spec"]["securityContext"]["runAsUser"] == uid
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    assert all(each["from"] for each in policy["ingress"]), "a rule without `from` lets everybody in"


# ------------------------------------------------------------------------------------------------ tokens


def test_all_ask_for_a_token_and_nobody_says_that_exposure_is_known():
    assert JOB["rayClusterSpec"]["authOptions"]["mode"] == "token"
    assert any(each.split()[:2] == ["--env", "RAY_AUTH_MODE=token"] for each in CLUSTER["docker"]["run_options"])
    home = re.search(r"^WORKDIR (.+)$", DOCKERFILE, re.M)[1]
    assert CLUSTER["file_mounts"] == {f"{home}/.ray/auth_token": "~/.ray/auth_token"}
    assert "--dashboard-host=127.0.0.1" in CLUSTER["head_start_ray_commands"][-1]
    assert f"`{KNOWN}=1`" in README
    for name in ("Dockerfile", "cluster.yaml", "rayjob.yaml"):
        assert KNOWN not in (DEPLOY / name).read_text("utf-8")


# ------------------------------------------------------------------------------------------------ what is said


def parse(command: str) -> tuple[str, dict[str, Any]]:
    """The name and options of a `cipin` command, as click takes them."""
    words = shlex.split(command)
    assert words.pop(0) == "cipin"
    with group.make_context("cipin", words) as context:
        name, chosen, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        return name, chosen.make_context(name, rest, parent=context).params


def commands() -> list[str]:
    texts = [README, (DEPLOY / "cluster.yaml").read_text("utf-8")]
    quoted = [each for text in texts for each in re.findall(r"""['`](cipin (?:[a-z]+|--)[^'`…]*)['`]""", text)]
    return [JOB["entrypoint"], *(each for each in quoted if not each.startswith("cipin run --on ray"))]


def test_there_are_commands():
    assert {"run", "doctor", "gc", "status"} <= {parse(each)[0] for each in commands()}


@pytest.mark.parametrize("command", commands())
def test_commands_are_what_the_command_line_takes(command):
    name, options = parse(command)
    if name == "run":
        assert options["on"] == "ray"
        assert options["out"].startswith("s3://")
        assert cipin.Lexicon.load(options["lexicon"]).id == options["lexicon"]


def test_metrics_are_those_that_are_exported():
    assert set(re.findall(r"`cipin_(\w+)`", README)) == set(GAUGES)


def test_figures_are_those_of_the_code():
    assert f"{RATE / 1e6:.0f} MB of text a second and core" in README
    assert f"some {RAY_SECONDS:.0f} s until" in " ".join(README.split())
    assert f"passes {SILENCE:.0f}" in README
    assert f"one CPU and {MEMORY_BYTES >> 30} GiB" in README


def test_exit_codes_are_those_of_the_errors():
    raised = {each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")}
    assert {int(each) for each in re.findall(r"^\| (\d+) \|", README, re.M)} == {0, INTERRUPTED, *raised}
    again = set(re.findall(r"^\| (\d+) \| the same command again", README, re.M))
    assert again >= {str(each) for each in (errors.RunError.exit_code, errors.StorageError.exit_code, INTERRUPTED)}
    assert not again & {"0", "1", "2"}


@pytest.mark.parametrize("name", sorted(each.name for each in DEPLOY.iterdir()))
def test_files_name_no_host_and_links_lead_somewhere(name):
    text = (DEPLOY / name).read_text("utf-8")
    assert not re.search(r"https?://|--(?:extra-)?index-url", text)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (DEPLOY / link).exists(), link
