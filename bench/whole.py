"""What test_runs.py and test_limits.py start: one run from files to tables, in an interpreter of its own.

    python bench/whole.py '{"reports": …, "terms": [...] or "lexicon": "wu2021", "out": …, "workers": 2}'

Prints JSON: seconds of the call, without the interpreter's start; hits; reports measured, and others.
"""

from __future__ import annotations

import json
import sys
import time

import polars as pl

import cipin


def main() -> None:
    """Run, and print what came of it."""
    asked = json.loads(sys.argv[1])
    if "terms" in asked:
        with open(asked["terms"], encoding="utf-8") as file:
            lexicon = cipin.Lexicon.from_terms(json.load(file), fold=False)
    else:
        lexicon = cipin.Lexicon.load(asked["lexicon"])
    workers = asked["workers"]
    began = time.perf_counter()
    run = cipin.run(
        asked["reports"], lexicon, asked["out"], on="processes" if workers > 1 else "serial", workers=workers
    )
    seconds = time.perf_counter() - began
    status = run.reports.group_by("status").len().collect()
    left = {
        "seconds": seconds,
        "hits": run.hits.select(pl.len()).collect().item(),
        "status": dict(zip(status["status"].to_list(), status["len"].to_list(), strict=True)),
        "files": sorted((each["table"], each["name"]) for each in run.manifest["files"]),
    }
    print(json.dumps(left))


if __name__ == "__main__":
    main()
