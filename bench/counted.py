"""What instructions.py runs inside callgrind: engines on two sizes of text.

    python bench/counted.py FOLDER

FOLDER has a case in each of its folders, made by instructions.py: `case.json` and `small.arrow`, `large.arrow`.
"""

from __future__ import annotations

import importlib
import json
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa

from callgrind import Counter
from cipin.lexicon.model import Lexicon


def main(folder: Path) -> None:
    """Count all cases."""
    counter = Counter()
    for case in sorted(folder.iterdir()):
        asked = json.loads((case / "case.json").read_text(encoding="utf-8"))
        lexicon = Lexicon.from_terms(asked["terms"], match=asked["match"], fold=False, boundaries="none")
        find = importlib.import_module(f"engines.{asked['engine']}").build(lexicon, asked["job"])
        texts = {size: _read(case / f"{size}.arrow") for size in ("small", "large")}
        for size in texts.values():
            find(size)  # kernels are loaded, what is kept for a lexicon is made
        for size, column in texts.items():
            counter.part(f"{case.name} {size}", partial(find, column))


def _read(path: Path) -> pa.Array:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all().column(0).combine_chunks()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
