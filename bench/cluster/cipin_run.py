"""The same texts with cipin: a whole run, by processes or by Ray; or a Scanner, in Ray Data or alone, for Parquet.

    python bench/cluster/cipin_run.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "processes"}'

`way` is processes, ray, scanner or alone. The lexicon does not fold, and the run leaves nothing out, so that the peers
have the same hits to find; that saves cipin no work. All else is as `cipin run` does it.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path

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
        cipin.run(asked["reports"], lexicon, asked["out"], skip=[], on=asked["way"], workers=asked["workers"])
    done = time.perf_counter()
    if with_ray:
        ray.shutdown()
    print(json.dumps({"start": started - began, "work": done - started}))


if __name__ == "__main__":
    main()
