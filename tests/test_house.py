"""The house rules that a program can check: who imports whom, what is public, how long a file is."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import cipin
from cipin import cli
from cipin.running.engine import CODE

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "engine" / "cipin"
MODULES = sorted(path for folder in (ENGINE, ROOT / "cluster" / "cipin_ray") for path in folder.rglob("*.py"))
WINGS = ("lexicon", "reading", "matching", "measuring", "running", "cli")

#: What each part may import from cipin, besides itself. A longer name goes before a shorter one.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "cipin.errors": (),
    "cipin.arguments": ("cipin.errors",),
    "cipin.schema": ("cipin.errors",),
    "cipin.lexicon": ("cipin.errors", "cipin.arguments", "cipin.schema"),
    "cipin.kernel": (),
    "cipin.lanes": (),
    "cipin.utf8": ("cipin.kernel",),
    "cipin.reading.kernels": ("cipin.kernel", "cipin.lanes", "cipin.utf8"),
    "cipin.reading.formats.pdf_kernels": ("cipin.kernel", "cipin.reading.foreign"),
    "cipin.reading.identify": ("cipin.errors", "cipin.arguments", "cipin.schema", "cipin.lexicon.fold"),
    "cipin.reading.evidence": ("cipin.lexicon.fold",),
    "cipin.reading.name_lines": ("cipin.lexicon.fold",),
    "cipin.reading.registry": ("cipin.errors", "cipin.arguments", "cipin.lexicon.fold"),
    "cipin.reading.headings": ("cipin.lexicon.fold",),
    "cipin.reading.nesting": ("cipin.lexicon.fold",),
    "cipin.reading.quality": ("cipin.lexicon.fold",),
    "cipin.reading": ("cipin.errors", "cipin.arguments", "cipin.schema", "cipin.kernel"),
    "cipin.matching.kernels": ("cipin.kernel", "cipin.lanes", "cipin.utf8"),
    "cipin.matching": (
        "cipin.errors", "cipin.arguments", "cipin.schema", "cipin.utf8", "cipin.lexicon", "cipin.kernel",
    ),
    "cipin.measuring.kernels": ("cipin.kernel", "cipin.utf8"),
    "cipin.measuring.forms": ("cipin.schema", "cipin.lexicon.fold"),
    "cipin.measuring.terms": ("cipin.errors", "cipin.arguments", "cipin.lexicon.fold"),
    "cipin.measuring": ("cipin.errors", "cipin.arguments", "cipin.schema"),
    "cipin.running.executor": ("cipin.errors",),
    "cipin.running": (
        "cipin.errors", "cipin.arguments", "cipin.schema", "cipin.lexicon", "cipin.reading", "cipin.matching",
        "cipin.measuring", "cipin.__version__",
    ),
    "cipin.namespace": ("cipin.errors", "cipin.schema", "cipin.lexicon", "cipin.matching"),
    "cipin.cli": ("cipin",),
    "cipin_ray": ("cipin", "cipin_ray"),
    "cipin": ("cipin",),
}  # fmt: skip
#: Parts that are held to a narrower rule than the wing around them, also against the rest of that wing.
CLOSED = (
    "cipin.running.executor", "cipin.reading.kernels", "cipin.reading.formats.pdf_kernels", "cipin.matching.kernels",
    "cipin.measuring.kernels",
)  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ENGINE.parent if path.is_relative_to(ENGINE) else ROOT / "cluster").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def imports(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, inside functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    name = name_of(path)
    part = next(part for part in MAY_IMPORT if is_below(name, part))
    wing = ".".join(name.split(".")[:2])
    inside = part if part in CLOSED else wing
    wrong = [
        each
        for each in imports(path)
        if each.split(".")[0] in {"cipin", "cipin_ray", "cipin_lexicons"}
        and not (is_below(each, inside) if wing != "cipin" else False)
        and not any(is_below(each, allowed) for allowed in MAY_IMPORT[part])
        and not (part == "cipin.lexicon" and each.startswith("cipin_lexicons"))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in MODULES if is_below(name_of(path), "cipin")], ids=name_of)
def test_no_module_of_cipin_imports_ray(path: Path) -> None:
    assert not [each for each in imports(path) if each.split(".")[0] in {"ray", "cipin_ray"}]


def test_engine_version_is_of_all_that_tables_are_made_with() -> None:
    """Whoever changes one of these files has the shards done again; of what is asked of tables later, nobody has."""
    made_with = {"cipin.measuring.panel"}  # of a run's own tables
    for path in MODULES:
        if is_below(name_of(path), "cipin.running") and path.name in CODE["running"]:
            made_with |= {each.rpartition(".")[0] for each in imports(path) if each.startswith("cipin.")}
    assert "cipin.measuring.counts" in made_with
    for module in made_with:
        folder, _, name = module.removeprefix("cipin.").rpartition(".")
        folder = folder.replace(".", "/") or "."
        if folder in CODE and folder != "running" and (ENGINE / folder / f"{name}.py").is_file():
            assert CODE[folder] is None or f"{name}.py" in CODE[folder] or name in {"errors", "arguments"}, module


KERNELS = [
    path
    for path in MODULES
    if {"kernels", "pdf_kernels"} & set(name_of(path).split(".")) and path.name != "__init__.py"
]


@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_kernels_import_numpy_and_numba_alone(path: Path) -> None:
    allowed = {"__future__", "numba", "numpy", "typing", "cipin"}
    if name_of(path) == "cipin.matching.kernels.vector":
        allowed |= {"llvmlite", "functools"}  # instructions, emitted from Python
    assert {each.split(".")[0] for each in imports(path)} <= allowed


def test_there_are_kernels() -> None:
    assert {"cipin.reading.kernels", "cipin.matching.kernels.portable"} <= set(map(name_of, KERNELS))


# ------------------------------------------------------------------------------------------------ what is public


def test_public_names() -> None:
    assert dir(cipin) == sorted(cipin.__all__)
    assert len(set(cipin.__all__)) == len(cipin.__all__)
    for name in cipin.__all__:
        value = getattr(cipin, name)
        assert name == "__version__" or value.__doc__, name


def test_every_public_error_is_public() -> None:
    errors = importlib.import_module("cipin.errors")
    named = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert named <= set(cipin.__all__)
    codes = {name: getattr(cipin, name).exit_code for name in named}
    for name, code in re.findall(r"[├└]── (\w+) +(\d+)", errors.__doc__ or ""):
        assert codes[name] == int(code)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'cipin' has no attribute 'skim'"):
        cipin.skim  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring
    if path.name == "__init__.py" and path.parent.name in WINGS and path.parent.name != "cli":
        assert all(word in docstring for word in ("In:", "Out:", "Promised:")), docstring


@pytest.mark.parametrize("wing", WINGS)
def test_every_wing_is_there(wing: str) -> None:
    assert (ENGINE / wing / "__init__.py").is_file()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 420


# ------------------------------------------------------------------------------------------------ what is said


def test_help_names_every_command() -> None:
    help = CliRunner().invoke(cli.cipin, ["--help"]).output
    look = {"panel", "kwic", "associate", "repeats", "explain", "export", "codebook", "lexicon", "doctor"}
    upkeep = {"status", "errors", "retry", "diff", "verify", "gc"}
    measures = {"index", "sensitivity"}
    assert set(cli.cipin.commands) == {"run", "ingest", "scan"} | look | measures | upkeep
    for name, command in cli.cipin.commands.items():
        assert re.search(rf"^  {name}  +\S", help, re.MULTILINE), name
        assert command.get_short_help_str(), name


DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "lexicons", ROOT / "bench", ROOT / "tests", ROOT / "cluster")
    for path in (folder.rglob("*.md") if folder != ROOT else folder.glob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_link_only_to_files_that_exist(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
    lost = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert lost == []


def test_readme_names_only_modules_and_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for name in set(re.findall(r"`(cipin(?:\.\w+)+)`", text)):
        module, _, last = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), last), name
    groups = {"lexicon": importlib.import_module("cipin.cli.lexicon").lexicon.commands}
    code = "\n".join([*re.findall(r"```\w*\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)])
    for command, argument in re.findall(r"^cipin (\w+)(?: (\w+))?", code, re.MULTILINE):
        assert command in cli.cipin.commands, command
        assert command not in groups or argument in groups[command]
    for target in re.findall(r"^make (\w+)", code, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), target


#: Paths of somebody's machine, and hosts that only one network knows.
PRIVATE = re.compile(r"(?<![\w.<])/(?:work|root|home|tmp)/|TODO|FIXME|XXX")


@pytest.mark.parametrize("path", [*MODULES, *DOCUMENTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_private_or_unfinished(path: Path) -> None:
    assert not PRIVATE.search(path.read_text("utf-8"))
