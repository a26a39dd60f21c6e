"""What a run will meet on this machine, and what could be better: facts, each with a way out where one is needed."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numba
import platformdirs

from cipin import __version__
from cipin.lexicon.model import Lexicon
from cipin.matching.automaton_file import automaton_of, cache_folder
from cipin.matching.processor import missing_features
from cipin.matching.search import choose_kernel
from cipin.running.executor import available_cpus, load_executor

#: Below this much free disk a run over PDFs may not end.
LITTLE_DISK = 2 << 30
PACKAGES = ("polars", "pyarrow", "numpy", "numba", "pyahocorasick", "jieba", "pypdfium2", "pikepdf", "ray")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact of this machine.

    way_out   what to do about it; empty where all is well
    """

    what: str
    state: str
    way_out: str = ""


def examine(out: Path | None = None, lexicon: str | Lexicon | None = None) -> list[Finding]:
    """Examine this machine for a run into `out` with `lexicon`; what it would meet elsewhere says `examine_executor`.

    Raises LexiconError if there is no such lexicon.

    >>> {each.what for each in examine()} >= {"cipin", "processor", "kernels' cache", "free disk"}
    True
    """
    found = [
        Finding("cipin", f"{__version__}, Python {platform.python_version()}, {platform.platform()}"),
        Finding("packages", ", ".join(f"{name} {has}" if has else f"no {name}" for name, has in versions().items())),
        _processor(),
    ]
    if lexicon is not None:
        found.append(_kernel(lexicon if isinstance(lexicon, Lexicon) else Lexicon.load(lexicon)))
    return [*found, *caches(), _disk(out or Path.cwd())]


def examine_executor(name: str) -> list[Finding]:
    """Examine what a run on an executor would meet: `ray` looks at the cluster and its nodes.

    Raises UsageError if there is no such executor, or if it finds nothing to run on.
    """
    ask = getattr(load_executor(name), "examine", None)
    return ask() if ask else [Finding("executor", f"{name}: runs on this machine alone")]


def versions() -> dict[str, str]:
    """Return the versions of the packages that matter; empty where one is missing."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def caches() -> list[Finding]:
    """Return where this process keeps what it would else make anew; also asked of nodes of a cluster."""
    return [_kernel_cache(), _automata()]


def _processor() -> Finding:
    missing = missing_features()
    cpus = f"{available_cpus()} CPUs for this process"
    if not missing:
        return Finding("processor", f"{cpus}; AVX-512 kernels")
    return Finding("processor", f"{cpus}; portable kernels, since it lacks {', '.join(missing)}")


def _kernel(lexicon: Lexicon) -> Finding:
    kernel, why = choose_kernel(automaton_of(lexicon))
    return Finding(f"kernel for {lexicon.id}", f"{kernel}: {why}")


def _kernel_cache() -> Finding:
    """Where numba keeps compiled kernels; without a place each process compiles for seconds."""
    asked = numba.config.CACHE_DIR
    code = Path(str(importlib.import_module("cipin.matching.kernels").__file__)).parent / "__pycache__"
    folders = [Path(asked)] if asked else [code, Path(platformdirs.user_cache_dir("numba", appauthor=False))]
    for folder in folders:
        if _writable(folder):
            return Finding("kernels' cache", str(folder))
    return Finding(
        "kernels' cache", "none that can be written: each process compiles anew, for seconds",
        "set NUMBA_CACHE_DIR to a folder that can be written",
    )  # fmt: skip


def _automata() -> Finding:
    folder = cache_folder()
    files = list(folder.glob("*.automaton")) if folder.is_dir() else []
    size = sum(each.stat().st_size for each in files)
    if _writable(folder):
        return Finding("automata", f"{folder}: {len(files)} files, {size / 1e6:.0f} MB")
    return Finding(
        "automata", f"{folder} can't be written: each process builds large lexicons anew",
        "set CIPIN_CACHE to a folder that can be written",
    )  # fmt: skip


def _disk(folder: Path) -> Finding:
    here = _existing(folder)
    free = shutil.disk_usage(here).free
    state = f"{free / 1e9:.1f} GB where {folder} lies"
    if not os.access(here, os.W_OK):
        return Finding("free disk", f"{state}, which can't be written", "give another OUT")
    return Finding("free disk", state, "" if free >= LITTLE_DISK else "make room, or give another OUT")


def _existing(folder: Path) -> Path:
    folder = Path(os.path.abspath(folder))
    return next(each for each in (folder, *folder.parents) if each.exists())


def _writable(folder: Path) -> bool:
    here = _existing(folder)
    if not here.is_dir():
        return False
    try:
        with tempfile.TemporaryFile(dir=here):
            return True
    except OSError:
        return False


def report(findings: list[Finding]) -> str:
    """Lay findings out for people, a line each and a line for each way out."""
    width = max(len(each.what) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{'!' if each.way_out else ' '} {each.what:<{width}}  {each.state}")
        if each.way_out:
            lines.append(f"  {'':<{width}}  -> {each.way_out}")
    return "\n".join(lines)
