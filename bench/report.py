"""Writes what a run of the benchmarks found into README.md, and the picture beside it.

    make bench                                   # leaves .benchmarks/bench.json
    python bench/report.py .benchmarks/bench.json

Only what stands between `<!-- report:NAME -->` and `<!-- end -->` is written; what a run did not measure stays.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from definitions import FOLDER, read_matching, read_runs
from picture import draw

README = FOLDER / "README.md"
PICTURE = FOLDER / "speed.svg"
#: What the file of pytest-benchmark says of each benchmark, by its name.
Results = Mapping[str, Mapping[str, Any]]


def main(path: Path) -> None:
    """Write the tables and the picture of one run."""
    found = json.loads(path.read_text(encoding="utf-8"))
    results = {
        re.sub(r".*\[(.+)\]", r"\1", each["name"]): each["extra_info"]
        for each in found["benchmarks"]
        if "entrants" in each["extra_info"]
    }
    sections = {
        "machine": machine(found),
        "matching": "\n\n".join(matching_tables(results)),
        "runs": run_table(results),
    }
    text = README.read_text(encoding="utf-8")
    for name, body in sections.items():
        if body:
            text = replace_section(text, name, body)
    README.write_text(text, encoding="utf-8")
    panels = lines_of(results)
    if panels:
        PICTURE.write_text(
            draw(panels, "Megabytes a second by lexicon size, long reports, one thread"), encoding="utf-8"
        )


def replace_section(text: str, name: str, body: str) -> str:
    """Return `text` with `body` between the marks of `name`.

    Raises ValueError if they are not there, once.

    >>> replace_section("a <!-- report:x -->old<!-- end --> b", "x", "new")
    'a <!-- report:x -->\\nnew\\n<!-- end --> b'
    """
    start = f"<!-- report:{name} -->"
    if text.count(start) != 1 or "<!-- end -->" not in text[text.index(start) :]:
        raise ValueError(f"README.md: {start} … <!-- end --> must stand in it once")
    head, _, rest = text.partition(start)
    return f"{head}{start}\n{body}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"


def machine(found: Mapping[str, Any]) -> str:
    """Return the line that says where and with what."""
    info = found["machine_info"]
    versions = ", ".join(f"{name} {number}" for name, number in info.get("versions", {}).items())
    return (
        f"{found['datetime'][:10]}, {info['cpu'].get('brand_raw', '?')}, cipin's kernels: "
        f"{info.get('cipin_kernels', '?')}. Python {info['python_version']}, {versions}."
    )


def matching_tables(results: Results) -> Iterable[str]:
    """Yield a table for each corpus and job: engines down, lexicons across, megabytes a second in between."""
    groups: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for each in read_matching():
        if each.name in results:
            groups.setdefault((each.name.partition("-")[0], each.job), {})[each.size] = results[each.name]
    for (corpus, job), cells in groups.items():
        engines = list(dict.fromkeys(name for cell in cells.values() for name in cell["entrants"]))
        rows = [[f"`{name}`", *(_speed(cell, name) for cell in cells.values())] for name in engines]
        first = engines[0]
        rows.append([f"`{first}` to the best peer", *(_best(cell, first) for cell in cells.values())])
        if "pyahocorasick" in engines:
            to = [f"{_rate(cell, first) / _rate(cell, 'pyahocorasick'):.1f}" for cell in cells.values()]
            rows.append([f"`{first}` to `pyahocorasick`", *to])
        yield f"**{corpus}, {job}**, MB/s\n\n" + table(["", *cells], rows)


def run_table(results: Results) -> str:
    """Return the table of whole runs."""
    rows = []
    for each in read_runs():
        for entrant, measured in results.get(each.name, {}).get("entrants", {}).items():
            times, lexicon, workers = entrant.split(", ")
            unit = results[each.name]["unit"]
            size, unit = (measured["amount"] / 1e6, "MB") if unit == "bytes" else (measured["amount"], unit)
            seconds = min(measured["seconds"])
            peak = results[each.name]["peaks"][entrant] / 1e6
            rows.append(
                [f"`{each.name}`", lexicon, workers, f"{size:,.1f} {unit}", f"{seconds:.2f}",
                 f"{size / seconds:,.1f} {unit}/s", f"{peak:,.0f}"]
            )  # fmt: skip
            del times
    return table(["Run", "Lexicon", "Workers", "Size", "s", "Speed", "Peak MB of a process"], rows) if rows else ""


def lines_of(results: Results, corpus: str = "long") -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return the lines of the picture: megabytes a second of each engine by the number of patterns, job by job."""
    panels: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for each in read_matching():
        if each.name.startswith(f"{corpus}-") and each.name in results:
            size = len(each.source.lexicon(each.job).patterns.strings)
            for name in results[each.name]["entrants"]:
                line = panels.setdefault(each.job, {}).setdefault(name, [])
                line.append((size, _rate(results[each.name], name)))
    return panels


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, numbers to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(cell: Mapping[str, Any], name: str) -> float:
    entrant = cell["entrants"][name]
    rate: float = entrant["amount"] / min(entrant["seconds"]) / 1e6
    return rate


def _speed(cell: Mapping[str, Any], name: str) -> str:
    if name not in cell["entrants"]:
        return "–"
    rate = _rate(cell, name)
    spread = statistics.median(cell["entrants"][name]["seconds"]) / min(cell["entrants"][name]["seconds"])
    mark = "~" if spread > 1.3 else ""  # other processes were in the way
    return mark + (f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}")


def _best(cell: Mapping[str, Any], first: str) -> str:
    peers = [name for name in cell["entrants"] if name != first and not name.startswith("cipin")]
    same = [name for name in peers if not cell["notes"].get(name, "").startswith("other work")]
    if not same:
        return "–"
    best = max(same, key=lambda name: _rate(cell, name))
    return f"{_rate(cell, first) / _rate(cell, best):.1f} (`{best}`)"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
