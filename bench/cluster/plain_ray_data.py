"""Term counts with Ray Data and pyahocorasick, or jieba: what a competent user writes.

    python bench/cluster/plain_ray_data.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "automaton"}'

`reports` is a folder of text files, or of Parquet files with the columns doc_id and text. Prints the seconds to start
Ray, and those of the work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import ray
from counting import WAYS, Count, count_table


class Counter:
    """Counts in batches; built once an actor, or where it runs as tasks, once a process and lexicon."""

    _made: dict[tuple[str, ...], Count] = {}  # noqa: RUF012 - one of the process

    def __init__(self, way: str, terms: Sequence[str]) -> None:
        self.way, self.terms = way, tuple(terms)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return the counts of a batch of reports."""
        key = (self.way, *self.terms)
        if key not in self._made:
            self._made[key] = WAYS[self.way](self.terms)
        if "bytes" in batch.column_names:
            names = [os.path.basename(path) for path in batch["path"].to_pylist()]
            return count_table(names, (text.decode() for text in batch["bytes"].to_pylist()), self._made[key])
        return count_table(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), self._made[key])


def main() -> None:
    """Read, count, write."""
    asked = json.loads(sys.argv[1])
    began = time.perf_counter()
    ray.init(
        address="local",
        num_cpus=asked["workers"],
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    started = time.perf_counter()
    if any(Path(asked["reports"]).glob("*.parquet")):
        texts = ray.data.read_parquet(asked["reports"])
    else:
        # Not read_text: that gives lines, and a report's lines would have to be put together again.
        texts = ray.data.read_binary_files(asked["reports"], include_paths=True)
    # As tasks, which Ray Data fuses with those that read; actors on all CPUs would leave none to read with.
    counts = texts.map_batches(Counter(asked["way"], asked["terms"]), batch_format="pyarrow")
    counts.write_parquet(asked["out"])
    done = time.perf_counter()
    ray.shutdown()
    print(json.dumps({"start": started - began, "work": done - started}))


if __name__ == "__main__":
    main()
