"""Make engine/cipin/lexicon/fold.tsv, the one-to-one folding table, from its sources.

    python lexicons/sources/make_fold.py            # writes the table
    python lexicons/sources/make_fold.py --check    # exit code 1 if the table differs from its sources

Sources: OpenCC's t2s dictionary (PyPI `opencc` 1.4.2, Apache-2.0), Unicode's EquivalentUnifiedIdeograph.txt
beside this file (Unicode licence), and the case and normalisation data of Python's `unicodedata`, restricted
to ranges in which Unicode 14 to 17 agree, so that any Python this project supports makes the same bytes
(Python 3.10 to 3.13, which know Unicode 13 to 15.1, made the same 1,750 rows).
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
RADICALS = HERE / "EquivalentUnifiedIdeograph.txt"
TABLE = HERE.parents[1] / "engine" / "cipin" / "lexicon" / "fold.tsv"

#: Blocks whose case mappings have not changed since Unicode 14; later scripts are left as they are.
CASED = ((0x0000, 0x058F), (0x1E00, 0x1FFF), (0x2100, 0x218F), (0x24B6, 0x24E9))
FULL_WIDTH = ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
RADICAL_BLOCKS = (0x2E80, 0x2FD5)
COMPATIBILITY = ((0xF900, 0xFAD9), (0x2F800, 0x2FA1D))
#: The unified ideographs and their extensions A to J.
IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2EE5D), (0x30000, 0x33479))

Row = tuple[int, int, str]


def within(ranges: tuple[tuple[int, int], ...]) -> Iterator[int]:
    """Yield every code point of `ranges`, whose ends are inclusive."""
    for first, last in ranges:
        yield from range(first, last + 1)


def case_rows() -> Iterator[Row]:
    """Case folding where it keeps one character, else lower case where that does, else nothing."""
    for source in within(CASED):
        character = chr(source)
        target = next((t for t in (character.casefold(), character.lower()) if len(t) == 1), character)
        if target != character:
            yield source, ord(target), "case"


def full_width_rows() -> Iterator[Row]:
    """Full-width digits and letters to ASCII; punctuation stays."""
    for source in within(FULL_WIDTH):
        yield source, source - 0xFEE0, "full-width"


def radical_rows() -> Iterator[Row]:
    """Kangxi radicals and the radicals supplement to the ideograph that looks the same."""
    for line in RADICALS.read_text(encoding="utf-8").splitlines():
        codes, _, target = line.partition("#")[0].partition(";")
        if not target:
            continue
        first, _, last = codes.strip().partition("..")
        for source in range(int(first, 16), int(last or first, 16) + 1):
            if RADICAL_BLOCKS[0] <= source <= RADICAL_BLOCKS[1]:
                yield source, int(target, 16), "radical"


def compatibility_rows() -> Iterator[Row]:
    """Compatibility ideographs to their canonical form; the twelve that are unified have none."""
    for source in within(COMPATIBILITY):
        target = unicodedata.normalize("NFC", chr(source))
        if len(target) == 1 and ord(target) != source:
            yield source, ord(target), "compatibility"


def simplified_rows() -> Iterator[Row]:
    """Traditional to Simplified, each character on its own, as OpenCC's t2s converts it."""
    from opencc import OpenCC

    convert = OpenCC("t2s").convert
    for source in within(IDEOGRAPHS):
        target = convert(chr(source))
        if len(target) == 1 and ord(target) != source:
            yield source, ord(target), "simplified"


def fold_rows() -> list[Row]:
    """Return every row, sorted by source, with chains closed: each target folds to itself."""
    rows = [*case_rows(), *full_width_rows(), *radical_rows(), *compatibility_rows(), *simplified_rows()]
    step = {source: target for source, target, _ in rows}
    if len(step) != len(rows):
        raise SystemExit("two rules for one code point")

    def end(code: int) -> int:
        seen = {code}
        while code in step:
            code = step[code]
            if code in seen:
                raise SystemExit(f"the rules turn in a circle at U+{code:04X}")
            seen.add(code)
        return code

    return sorted((source, end(source), rule) for source, _, rule in rows)


def fold_text() -> str:
    """Return the table as text: hexadecimal source, hexadecimal target, rule."""
    lines = ["# Made by lexicons/sources/make_fold.py; do not edit.", "# source\ttarget\trule"]
    lines += [f"{source:04X}\t{target:04X}\t{rule}" for source, target, rule in fold_rows()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the table, or with `--check` compare it."""
    text = fold_text()
    if arguments == ["--check"]:
        return int(TABLE.read_text(encoding="utf-8") != text)
    TABLE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
