"""Runs on clusters that are not here.

cd bench
python -m simulation                        # the table of README.md, from measured.json
python -m simulation measure REPORTS PDFS   # measured.json anew: 15 minutes, 4 GB of memory, a Ray of two CPUs
python -m simulation local REPORTS          # predicted and real runs on 1 to 3 nodes of this machine
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulation import driver, ray_costs, table, times
from simulation.costs import MEASURED, Costs
from simulation.scenario import simulate

#: Sizes at which the driver's phases are measured; tables also by how many entity-years there are.
PATHS = (10_000, 100_000, 1_000_000)
LISTINGS = (10_000, 100_000)
TABLES = ((10_000, 10_000), (30_000, 3000), (30_000, 30_000), (100_000, 10_000), (100_000, 100_000))


def measure(reports: Path, pdfs: Path, machine: str) -> dict[str, Any]:
    """Measure all that simulations rest on, on this machine."""
    found = {"text": times.measure(reports, "wu2021"), "pdf": times.measure(pdfs, "wu2021")}
    bytes_of = {
        "text": [each.stat().st_size for each in reports.iterdir()],
        "pdf": [each.stat().st_size for each in pdfs.iterdir()],
    }
    phases: dict[str, list[tuple[int, float, int]]] = {}
    for what, sizes in (("path", PATHS), ("listing", LISTINGS)):
        for size in sizes:
            for name, seconds, peak in _apart(what, size):
                phases.setdefault(name, []).append((size, seconds, peak))
    rows = []
    for size in TABLES:
        (_, seconds, peak), (_, links, links_peak) = _apart("tables", *size)
        rows.append((*size, seconds, peak))
        phases.setdefault("links", []).append((size[0], links, links_peak))
    return {
        "machine": machine,
        "times": found,
        "report_bytes": {name: sum(each) / len(each) for name, each in bytes_of.items()},
        "reports_per_shard": len(bytes_of["text"]) / len(found["text"]),
        "hash_byte": driver.hashing(reports),
        "window": driver.window(),
        "ray": ray_costs.measure(5000, 3000),
        "phases": phases,
        "tables": rows,
    }


def _apart(what: str, *sizes: int) -> list[tuple[str, float, int]]:
    """Measure one thing at one size in a process of its own, so that each peak of memory is its own."""
    command = [sys.executable, "-m", "simulation.driver", what, *map(str, sizes)]
    return [tuple(each) for each in json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or measure what it rests on."""
    parser = argparse.ArgumentParser(description="Runs on clusters that are not here.")
    commands = parser.add_subparsers(dest="command")
    measuring = commands.add_parser("measure", help="measure what simulations rest on")
    measuring.add_argument("reports", type=Path)
    measuring.add_argument("pdfs", type=Path)
    measuring.add_argument("--machine", default="this machine", help="what it is said to be")
    comparing = commands.add_parser("local", help="compare with real runs on nodes of this machine")
    comparing.add_argument("reports", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "measure":
        content = measure(given.reports, given.pdfs, given.machine)
        MEASURED.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    elif given.command == "local":
        from simulation import local

        for line in local.compare(given.reports, Costs.load()):
            print(line, flush=True)
    else:
        costs = Costs.load()
        print(table.HEAD)
        for each in table.scenarios():
            print(table.row(simulate(each, costs)), flush=True)
        print("", *table.limits(costs), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
