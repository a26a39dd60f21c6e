"""Write expected.toml: the rows that engines must give, found by pyahocorasick, which is none of cipin's own.

    python bench/expect.py            # those that are missing
    python bench/expect.py long-60    # and those whose names begin so, anew

For lexicons that have changed. Read the difference before it is committed: `make bench` holds every engine to it.
"""

from __future__ import annotations

import sys

from definitions import FOLDER, Matching, checksum, read_engines, read_matching, read_table, texts_of

PATH = FOLDER / "expected.toml"
ORACLE = "pyahocorasick"


def main(again: list[str]) -> None:
    """Fill in what is missing, and what is asked for again."""
    known = read_table(PATH)
    matching = read_matching()
    for definition in matching:
        if definition.name not in known or definition.name.startswith(tuple(again)):
            known[definition.name] = expect(definition)
            print(definition.name, known[definition.name], flush=True)
            write({each.name: known[each.name] for each in matching if each.name in known})


def expect(definition: Matching) -> dict[str, int | str]:
    """Return how many rows a benchmark must give, and what they hash to."""
    find = read_engines()[ORACLE].build(definition.source.lexicon(definition.job), definition.job)
    table = find(texts_of(definition.corpus, definition.source))
    return {"rows": len(table), "checksum": checksum(table)}


def write(known: dict[str, dict[str, int | str]]) -> None:
    """Write the file, a line for each benchmark."""
    lines = ["# Written by expect.py: how many rows each benchmark must give, and their checksum.", ""]
    lines += [
        f'{name} = {{ rows = {each["rows"]:_}, checksum = "{each["checksum"]}" }}' for name, each in known.items()
    ]
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
