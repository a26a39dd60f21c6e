"""The wheel is complete: built, installed beside the dependencies alone, and run from elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
#: What `import cipin` must not load: compilers, parsers, and what only some need.
HEAVY = ("numba", "pyarrow.dataset", "pyarrow.parquet", "ray", "jieba", "cipin_ray", "ahocorasick", "rich", "pandas")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # A copy of what is built from, so that nothing is written into the checkout.
    for name in ("engine", "cluster", "lexicons", "pyproject.toml", "README.md", "LICENSE"):
        source, target = ROOT / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", "."]
    subprocess.run(command, cwd=folder / "source", check=True, capture_output=True)
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that has the wheel, and of this environment the dependencies alone."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, symlinks=True, with_pip=False)
    python = home / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
    )  # fmt: skip
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--quiet", wheel], check=True, capture_output=True)
    # A path alone: the .pth files in it, such as the one that leads to this checkout, are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=check)


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    held = {
        str(path.relative_to(ROOT / root))
        for root in ("engine", "cluster", "lexicons")
        for package in (ROOT / root).glob("cipin*")
        for path in package.rglob("*")
        if path.suffix in {".py", ".toml", ".tsv", ".csv", ".typed"}
    }
    assert {name for name in names if ".dist-info/" not in name and not name.endswith(".md")} == held
    assert {name.split("/")[0] for name in held} == {"cipin", "cipin_ray", "cipin_lexicons"}
    assert {
        "cipin/lexicon/fold.tsv",
        "cipin_lexicons/wu2021.toml",
        "cipin_lexicons/banks-cn.csv",
        "cipin_ray/__init__.py",
    } <= held
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_is_marked_as_typed(wheel: Path) -> None:
    assert "cipin/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_wheel_is_found_where_it_was_installed(python: Path, tmp_path: Path) -> None:
    code = (
        "import cipin, cipin_lexicons, cipin_ray; print(*(m.__path__[0] for m in (cipin, cipin_lexicons, cipin_ray)))"
    )
    places = run(python, "-c", code, cwd=tmp_path).stdout.split()
    assert all(Path(place).is_relative_to(python.parents[1]) for place in places)


def test_installed_command_runs(python: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    for year, text in ((2019, "推进大数据。"), (2020, "大數據与云计算。"), (2021, "存款增长。")):
        (tmp_path / "reports" / f"甲银行{year}年.txt").write_text(text, encoding="utf-8")
    command = python.parent / "cipin"
    done = run(command, "run", "reports", "-l", "fintech-zh", "-o", "out", "--on", "processes", cwd=tmp_path)
    assert done.stdout == ""
    assert "3 measured, of 3" in done.stderr
    panel = run(command, "panel", "out", "--level", "lexicon", "--format", "jsonl", cwd=tmp_path).stdout
    assert [json.loads(line)["hits"] for line in panel.splitlines()] == [1, 2, 0]
    refused = run(command, "run", "reports", "-l", "fintech-zh", "-o", "out", "--on", "no", cwd=tmp_path, check=False)
    assert (refused.returncode, refused.stderr) == (2, "error: executor 'no': there are processes, ray, serial\n")


def test_import_loads_nothing_heavy(python: Path, tmp_path: Path) -> None:
    code = f"import sys, cipin; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run(python, "-W", "error", "-c", code, cwd=tmp_path).stdout == "[]\n"


def test_help_loads_nothing_heavy(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from cipin.cli import main; code = main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)"
    )
    assert run(python, "-c", code, cwd=tmp_path).stderr == "[] 0\n"
