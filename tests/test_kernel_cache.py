"""Compiled kernels are kept, and made anew when a piece of theirs has changed, in whichever file it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cipin

SCRIPT = """
import numpy as np
from cipin.kernel import is_compiled
from cipin.matching.kernels.build import place_nodes
print(is_compiled(place_nodes), end=" ")
label = np.full(99, 0xFFFF, np.uint16)
place_nodes(np.array([0], np.int32), np.array([0, 1, 1]), np.array([1], np.uint16), 1, np.zeros(2, np.uint32), label)
print(sum(place_nodes.stats.cache_hits.values()), sum(place_nodes.stats.cache_misses.values()))
"""


def test_a_kernel_is_compiled_anew_when_a_piece_in_another_file_changes(tmp_path: Path) -> None:
    shutil.copytree(
        Path(cipin.__file__).parent, tmp_path / "src" / "cipin", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}

    def compiled() -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert compiled() == "False 0 1"
    assert compiled() == "True 1 0"
    with (tmp_path / "src" / "cipin" / "matching" / "kernels" / "rows.py").open("a") as file:
        file.write("\n# changed\n")
    assert compiled() == "False 0 1"
    assert compiled() == "True 1 0"
    # What a crash leaves of a file that was not on the disk yet.
    for damaged in tmp_path.glob("numba/*/*.nb?"):
        for left in (b"", bytes(200), damaged.read_bytes()[:-50]):
            damaged.write_bytes(left)
            assert compiled().endswith(" 0 1")
    assert compiled() == "True 1 0"


def test_the_first_run_leaves_every_kernel_compiled(tmp_path: Path) -> None:
    """Half of them by a process beside, which says it if it fails."""
    text = "银行推进大数据、云计算。本年没有新增的事项，加大数据治理。" * 4_000
    for number in range(8):
        (tmp_path / f"甲银行{2010 + number}.txt").write_text(text, encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "numba")}

    def run(name: str) -> dict[str, int]:
        command = [
            sys.executable,
            "-m",
            "cipin",
            "-v",
            "run",
            str(tmp_path / "*.txt"),
            "-l",
            "fintech-zh",
            "--on",
            "serial",
        ]
        done = subprocess.run(
            [*command, "-o", str(tmp_path / name)], env=environment, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        assert b"beside" not in done.stderr
        return {path.name.partition("-")[0]: path.stat().st_mtime_ns for path in tmp_path.glob("numba/*/*.nbc")}

    made = run("first")
    assert {name.partition(".")[2] for name in made} >= {
        "search", "list_marks", "cut_clauses", "cut_sentences",
        "cut_words", "find_covers", "resolve_overlaps", "gather",
    }  # fmt: skip
    assert run("second") == made
