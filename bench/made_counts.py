"""Tables of a run that never was: many reports, counts of each, and no text; to measure what is done with counts.

python bench/made_counts.py FOLDER --reports 1000000 --terms 100 --share 0.3
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cipin.running.results import Run
from cipin.running.store import LocalStore
from cipin.schema import COUNTS, HITS, LEXICON, REPORTS, SECTIONS

#: Reports of a file, as shards have them.
PER_FILE = 10_000
YEARS = 20


def write_counts(folder: Path, n_reports: int, n_terms: int, share: float, per_year: int = 10, seed: int = 1) -> Run:
    """Write tables of `n_reports` reports, `per_year` of each entity and year; a report has a `share` of the terms."""
    chance = np.random.default_rng(seed)
    n_entities = max(1, n_reports // (YEARS * per_year))
    entities = pl.Series([f"made-bank-{number:06}" for number in range(n_entities)])
    terms = pl.Series([f"词{number:03}" for number in range(n_terms)])
    files: list[dict[str, Any]] = []

    def write(table: str, name: str, frame: pl.DataFrame, schema: Any) -> None:
        path = folder / "data" / table / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        empty = pl.DataFrame(schema=pl.Schema(schema))
        missing = [pl.lit(None, kind).alias(each) for each, kind in empty.schema.items() if each not in frame.columns]
        frame.with_columns(missing).select(empty.columns).cast(dict(empty.schema)).write_parquet(path)  # type: ignore[arg-type]
        files.append({"table": table, "name": f"data/{table}/{name}.parquet", "rows": len(frame)})

    for first in range(0, n_reports, PER_FILE):
        number = np.arange(first, min(first + PER_FILE, n_reports))
        ids = pl.Series([f"{each * 2654435761 % (1 << 64):024x}" for each in number.tolist()])
        of = number // (YEARS * per_year) % n_entities
        reports = pl.DataFrame(
            {
                "report": ids,
                "source": pl.Series([f"{each}.txt" for each in number.tolist()]),
                "entity": entities.gather(of),
                "fiscal_year": 2001 + number // per_year % YEARS,
                "chars": chance.integers(20_000, 200_000, len(number)),
                "clauses": chance.integers(1_000, 10_000, len(number)),
                "status": ["measured"] * len(number),
            }
        )
        write("reports", f"{first:09}", reports.sort("report"), REPORTS)
        has = chance.random((len(number), n_terms)) < share
        row, term = np.nonzero(has)
        hits = chance.geometric(0.3, len(row))
        counts = pl.DataFrame(
            {
                "report": ids.gather(row), "lexicon": pl.repeat("made", len(row), eager=True),
                "term": terms.gather(term), "hits": hits, "clauses": np.ceil(hits * 0.8).astype(np.int64),
            }
        )  # fmt: skip
        write("counts", f"{first:09}", counts, COUNTS)
    write("sections", "0", pl.DataFrame(schema=pl.Schema(SECTIONS)), SECTIONS)
    write("hits", "0", pl.DataFrame(schema=pl.Schema(HITS)), HITS)
    dimension = [f"维{number % 5}" for number in range(n_terms)]
    lexicon = {"lexicon": ["made"] * n_terms, "term": terms, "dimension": dimension, "category": dimension}
    write("lexicon", "0", pl.DataFrame(lexicon), LEXICON)
    return Run(LocalStore(str(folder)), {"files": files, "options": {}, "lexicon": {"id": "made"}, "version": 1})


def open_counts(folder: Path) -> Run:
    """Open what `write_counts` wrote."""
    files = [
        {"table": path.parent.name, "name": str(path.relative_to(folder))}
        for path in sorted((folder / "data").rglob("*.parquet"))
    ]
    return Run(LocalStore(str(folder)), {"files": files, "options": {}, "lexicon": {"id": "made"}, "version": 1})


def main(arguments: Sequence[str] | None = None) -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--terms", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.3)
    given = parser.parse_args(arguments)
    write_counts(given.folder, given.reports, given.terms, given.share)


if __name__ == "__main__":
    main()
