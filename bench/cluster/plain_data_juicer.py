"""The same counts as an operator of data-juicer: its dataset, executor of operators and exporter around counting.py.

    python bench/cluster/plain_data_juicer.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "automaton"}'

Runs in an environment of its own: `pip install py-data-juicer 'ray[data]' pyahocorasick` (it imports Ray though it does
not use it here). `reports` is a folder of Parquet files.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from counting import WAYS, count_table
from data_juicer.core.data import NestedDataset
from data_juicer.core.exporter import Exporter
from data_juicer.ops.base_op import Mapper
from datasets import load_dataset


class TermCounterMapper(Mapper):
    """Samples in, a sample for each of their terms out; none of its own operators counts the terms of a list."""

    _batched_op = True

    def __init__(self, way: str, terms: list[str], **options: Any) -> None:
        super().__init__(**options)
        self.way, self.terms = way, terms
        self.count: Any = None

    def process_batched(self, samples: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
        """Count in a batch of samples."""
        if self.count is None:
            self.count = WAYS[self.way](self.terms)
        counts = count_table(samples["doc_id"], samples["text"], self.count).to_pydict()
        # What it was given must go or become as long.
        return counts | {"doc_id": counts["report"], "text": [""] * len(counts["report"])}


def main() -> None:
    """Read, count, write."""
    asked = json.loads(sys.argv[1])
    began = time.perf_counter()
    files = sorted(map(str, Path(asked["reports"]).glob("*.parquet")))
    cache = f"{asked['out']}-cache"
    texts = NestedDataset(load_dataset("parquet", data_files=files, split="train", cache_dir=cache))
    mapper = TermCounterMapper(asked["way"], asked["terms"], num_proc=asked["workers"], batch_size=100)
    counts = texts.process([mapper]).select_columns(["report", "term", "hits", "clauses"])
    Path(asked["out"]).mkdir(parents=True)
    Exporter(f"{asked['out']}/counts.parquet", "parquet", export_stats=False).export(counts)
    print(json.dumps({"start": 0.0, "work": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
