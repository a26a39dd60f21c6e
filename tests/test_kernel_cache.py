"""Compiled kernels are kept, and made anew when a piece of theirs has changed, in whichever file it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cipin

SCRIPT = """
import numpy as np
from cipin.matching.kernels.build import place_nodes
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

    assert compiled() == "0 1"
    assert compiled() == "1 0"
    with (tmp_path / "src" / "cipin" / "matching" / "kernels" / "rows.py").open("a") as file:
        file.write("\n# changed\n")
    assert compiled() == "0 1"
    assert compiled() == "1 0"
