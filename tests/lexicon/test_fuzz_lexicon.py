"""Lexicon files that were cut off, mistyped or made by a hostile hand: a lexicon, or an error with file and way out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import cipin
from cipin.lexicon.files import shipped_lexicons, shipped_path

N_FILES = 1_600
PIECES = (
    '"', "'", "[", "]", "{", "}", "=", ",", "#", "\t", "\n", "\\", "\\u0000", "[[dimension]]", "[[dimension.category]]",
    "terms = 7", "match = 'all'", "name = ''", "{ term = 7 }", "true", "1e400", "1979-05-27", "{term}", "{}", "\ufeff",
    "＂", "　", "\u200b", "\x00", "大数据", "A" * 300, "term", "guards = [[]]", "id = 'x'", "unless", "variants = ['']",
)  # fmt: skip


def mutate(text: str, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randrange(1, 4)):
        kind, at = chance.randrange(6), chance.randrange(len(lines) + 1)
        line = lines[at - 1]
        if kind == 0:
            del lines[at : at + chance.randrange(1, 4)]
        elif kind == 1:
            lines.insert(at, chance.choice(lines))
        elif kind == 2:
            lines.insert(at, chance.choice(PIECES) + chance.choice(["", "\n"]))
        elif kind == 3:
            place = chance.randrange(len(line) + 1)
            lines[at - 1] = line[:place] + chance.choice(PIECES) + line[place:]
        elif kind == 4:
            place = chance.randrange(len(line) + 1)
            lines[at - 1] = line[:place] + line[place + chance.randrange(1, 5) :]
        else:
            del lines[at:]
        lines = lines or ["\n"]
    data = bytearray("".join(lines).encode()) or bytearray(b"\n")
    if chance.random() < 0.2:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ending", [".toml", ".csv", ".txt", ".yml", ".dic"])
def test_mutated_lexicon(tmp_path: Path, seed: int, ending: str, request: pytest.FixtureRequest) -> None:
    chance = random.Random(f"{seed}{ending}")
    path = tmp_path / f"lexicon{ending}"
    texts = [shipped_path(name).read_text("utf-8") for name in shipped_lexicons()]
    n_lexicons = n = 0
    refused: list[str] = []
    for _ in range(N_FILES // 20 * (10 if request.config.getoption("--heavy") else 1)):
        path.write_bytes(mutate(chance.choice(texts), chance))
        n += 1
        try:
            lexicon = cipin.Lexicon.load(path)
        except cipin.LexiconError as error:
            refused.append(str(error))
        else:
            n_lexicons += 1
            assert lexicon.terms
    assert [message for message in refused if str(path) not in message] == []
    # Neither is everything refused, nor everything taken.
    assert 0 < n_lexicons < n or ending != ".toml"
