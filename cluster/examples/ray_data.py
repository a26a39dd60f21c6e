"""cipin within Ray Data: a Parquet dataset with a text column in, Parquet files of hits out.

    python cluster/examples/ray_data.py TEXTS HITS -l fintech-zh --text text --keep doc_id

Worth it where texts are in a Ray Data pipeline already, or come out of one. `cipin run … --on ray` measures whole
reports: it reads files, finds clauses and sections, accounts for each report, and resumes; a Scanner finds hits.

* Each hit has the kept columns of its row, which join it to its text. `row` counts within a block, and joins nothing.
* A Scanner runs as tasks, which Ray Data joins with those that read, so that no text goes through the object store; the
  automaton is built once a worker. A lexicon of 100,000s of terms is better handed over once an actor:
  `texts.map_batches(Scanner, fn_constructor_args=(lexicon,), compute=ActorPoolStrategy(size=7), …)`. Actors keep their
  CPUs: leave one of the cluster's for those that read, or nothing moves.
* No batch_size: a block as Ray cuts it (128 MB at most) is viewed, not copied. A Scanner takes some 70 MB beside it.
* A text that is null is refused, not read as an empty one: filter those rows out first.
* What was written is not written over: run again, Ray Data would append, and each hit would stand there twice. If no
  text has a hit, it writes no file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import ray
from ray.data import Dataset, SaveMode

from cipin import Lexicon, Scanner


def find_hits(texts: Dataset, lexicon: Lexicon, text: str, keep: Sequence[str]) -> Dataset:
    """Return the hits in the column `text` of a dataset, each with the columns `keep` of its row."""
    return texts.map_batches(Scanner(lexicon), batch_format="pyarrow", fn_kwargs={"text": text, "keep": list(keep)})


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, scan, write."""
    parser = argparse.ArgumentParser(description="Find a lexicon's hits in a Parquet dataset, with Ray Data.")
    parser.add_argument("texts", help="Parquet files: a folder, a file, or a URL that Ray can read")
    parser.add_argument("hits", help="a folder that is not there yet")
    parser.add_argument("-l", "--lexicon", default="fintech-zh", help="one of `cipin lexicon list`, or a TOML file")
    parser.add_argument("--text", default="text", metavar="COLUMN", help="the column of the text (text)")
    parser.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="a column to join by; may recur")
    given = parser.parse_args(arguments)
    # Loaded here: a path is one of this machine, and a wrong name is told before anything begins.
    lexicon = Lexicon.load(given.lexicon)
    texts = ray.data.read_parquet(given.texts, columns=[given.text, *given.keep])
    hits = find_hits(texts, lexicon, given.text, given.keep)
    hits.write_parquet(given.hits, mode=SaveMode.ERROR)


if __name__ == "__main__":
    main()
