"""The same texts with cipin: a whole run, by processes or by Ray; or a Scanner in Ray Data, for Parquet.

    python bench/cluster/cipin_run.py '{"reports": …, "terms": […], "out": …, "workers": 2, "way": "processes"}'

`way` is processes, ray or scanner. The lexicon does not fold, and the run leaves nothing out, so that the peers have
the same hits to find; that saves cipin no work. All else is as `cipin run` does it.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path

import cipin

EXAMPLE = Path(__file__).parents[2] / "cluster" / "examples" / "ray_data.py"


def main() -> None:
    """Run, and print how long it took."""
    asked = json.loads(sys.argv[1])
    lexicon = cipin.Lexicon.from_terms(asked["terms"], fold=False)
    began = time.perf_counter()
    if asked["way"] != "processes":
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
    else:
        cipin.run(asked["reports"], lexicon, asked["out"], skip=[], on=asked["way"], workers=asked["workers"])
    done = time.perf_counter()
    if asked["way"] != "processes":
        ray.shutdown()
    print(json.dumps({"start": started - began, "work": done - started}))


if __name__ == "__main__":
    main()
