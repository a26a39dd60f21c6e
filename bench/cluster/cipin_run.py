"""The same texts with cipin: a whole run, by processes or by Ray; or a Scanner, in Ray Data or alone, for Parquet.

    python bench/cluster/cipin_run.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "processes"}'

`way` is processes, ray, scanner or alone. The lexicon does not fold, and the run leaves nothing out, so that the peers
have the same hits to find; that saves cipin no work. All else is as `cipin run` does it.

Prints, as JSON, the seconds that Ray took to start and those of the work; of a run also the `driver`'s seconds of
processor and its `shards`, and of one on Ray the `stored` objects and their bytes, all that ever were in its store.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import cipin

EXAMPLE = Path(__file__).parents[2] / "cluster" / "examples" / "ray_data.py"


def scan_files(texts: Path, lexicon: cipin.Lexicon, out: Path, threads: int) -> None:
    """Write the hits in Parquet files, each with the `doc_id` of its text: a loop, in one process."""
    scanner = cipin.Scanner(lexicon, threads=threads)
    writer = None
    for file in sorted(texts.glob("*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(1000, columns=["doc_id", "text"]):
            hits = scanner(batch, keep=["doc_id"])
            writer = writer or pq.ParquetWriter(out, hits.schema)
            writer.write_table(hits)
    if writer is not None:
        writer.close()


def main() -> None:
    """Run, and print how long it took."""
    asked = json.loads(sys.argv[1])
    lexicon = cipin.Lexicon.from_terms(asked["terms"], fold=False)
    began = time.perf_counter()
    said: dict[str, Any] = {}
    with_ray = asked["way"] in {"ray", "scanner"}
    if with_ray:
        import ray

        ray.init(
            address="local",
            num_cpus=asked["workers"],
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    started = time.perf_counter()
    if asked["way"] == "scanner":
        ray.data.DataContext.get_current().enable_progress_bars = False
        find_hits = runpy.run_path(str(EXAMPLE))["find_hits"]
        find_hits(ray.data.read_parquet(asked["reports"]), lexicon, "text", ["doc_id"]).write_parquet(asked["out"])
    elif asked["way"] == "alone":
        scan_files(Path(asked["reports"]), lexicon, Path(asked["out"]), asked["workers"])
    else:
        processor = time.process_time()
        cipin.run(asked["reports"], lexicon, asked["out"], skip=[], on=asked["way"], workers=asked["workers"])
        shards = len(list(Path(asked["out"], "current", "counts").glob("*.parquet")))
        said |= {"driver": time.process_time() - processor, "shards": shards}
    done = time.perf_counter()
    if with_ray:
        said["stored"] = _stored()
        ray.shutdown()
    print(json.dumps({"start": started - began, "work": done - started} | said))


def _stored() -> list[int]:
    """Return how many objects Ray's store has had, and their bytes, since it began."""
    import ray
    from ray._private.internal_api import node_stats

    (node,) = ray.nodes()
    address = node["NodeManagerAddress"], node["NodeManagerPort"]
    stats = node_stats(*address, include_memory_info=False).store_stats
    return [stats.cumulative_created_objects, stats.cumulative_created_bytes]


if __name__ == "__main__":
    main()
