"""The same counts as a block of datatrove: its readers, writers and executor around counting.py.

    python bench/cluster/plain_datatrove.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "automaton"}'

Runs in an environment of its own: `pip install datatrove pyarrow pyahocorasick`. `reports` is a folder of Parquet
files; for text files datatrove has no reader. A task takes whole files: there must be as many as workers at least.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from counting import COUNTS, WAYS
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.logging import logger


class TermCounter(PipelineStep):
    """A document in, a document for each of its terms out; no block that comes with datatrove does that."""

    name = "term counter"
    type = "STATS"

    def __init__(self, way: str, terms: list[str]) -> None:
        super().__init__()
        self.way, self.terms = way, terms

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:  # noqa: ARG002 - its protocol
        """Count in what a task reads; the automaton is built once a task."""
        count = WAYS[self.way](self.terms)
        for document in data:
            hits, clauses = count(document.text)
            for term, n in hits.items():
                row = {"term": term, "hits": n, "clauses": clauses.get(term)}
                yield Document(text="", id=document.id, metadata=row)


def _row(_: ParquetWriter, document: Document) -> Mapping[str, Any]:
    return {"report": document.id, **document.metadata}


def main() -> None:
    """Read, count, write."""
    asked = json.loads(sys.argv[1])
    logger.remove()
    began = time.perf_counter()
    LocalPipelineExecutor(
        pipeline=[
            ParquetReader(asked["reports"], id_key="doc_id", batch_size=100),
            TermCounter(asked["way"], asked["terms"]),
            ParquetWriter(asked["out"], adapter=_row, schema=COUNTS),
        ],
        tasks=asked["workers"],
        workers=asked["workers"],
        logging_dir=f"{asked['out']}-logs",
    ).run()
    print(json.dumps({"start": 0.0, "work": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
