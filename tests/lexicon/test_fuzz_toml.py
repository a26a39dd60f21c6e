"""Damaged lexicons: each is refused with its place, or is a lexicon that can be written and read again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cipin.errors import LexiconError
from cipin.lexicon.files import parse_toml, shipped_lexicons, shipped_path, to_toml
from cipin.lexicon.model import Lexicon

#: Damaged files that are tried; with --heavy so many times as many.
FILES, HEAVY = 2_000, 10
#: Text of a lexicon that is damaged: the whole of the largest takes too long to be read 2,000 times.
MOST_LINES = 60
TOKENS = (
    '"', "'", '"""', "'''", "[", "]", "{", "}", "[[", "]]", "=", ",", "#", "\\", "\\u0000", "\\uD800", "\\U00110000",
    "\n", "\r", "\0", "\ufeff", "\u200b", "\u3000", " ", "\t", "1", "-1", "nan", "1e999", "true", "1979-05-27", "[]",
    "{}", '""', "terms", "dimension", "[[dimension]]", "[dimension]", "[terms]", "guards = []", "terms.a = 1",
    'match = "all"', "{term}", "fold = 1", '"大數據"', '"大数据"', "0x" + "f" * 99, "9" * 5000, "𠮷", "\U0010ffff",
    "{" * 2000, "[" * 2000, "a." * 2000,
)  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes of a lexicon with one to four damages: to bytes, to lines, or to types."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        lines = data.split(b"\n")
        at, line = chance.randrange(len(data) + 1), chance.randrange(len(lines))
        end = at + chance.choice((1, 1, 2, 3, 10, 100))
        match chance.randrange(10):
            case 0:
                data = data[:at] + data[end:]
            case 1:
                data = data[:at] + data[at:end] * 2 + data[end:]
            case 2:
                data = data[:at] + chance.randbytes(chance.choice((1, 1, 3))) + data[at:]
            case 3 | 4:
                data = data[:at] + chance.choice(TOKENS).encode() + data[at:]
            case 5:
                data = data[:at]
            case 6:
                del lines[line]
                data = b"\n".join(lines)
            case 7:
                lines.insert(line, lines[chance.randrange(len(lines))])
                data = b"\n".join(lines)
            case 8:
                key, equals, _ = lines[line].partition(b"=")
                lines[line] = (key + equals if equals else b"") + chance.choice(TOKENS).encode()
                data = b"\n".join(lines)
            case 9:
                chance.shuffle(lines)
                data = b"\n".join(lines)
    return data


def files(number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged files, and which lexicon each was; the same seed, the same damage."""
    chance = random.Random(seed)
    names = shipped_lexicons()
    texts = {name: shipped_path(name).read_text("utf-8").splitlines() for name in names}
    for _ in range(number):
        name = chance.choice(names)
        # The end as well: there lists are closed.
        head = texts[name] if len(texts[name]) <= MOST_LINES else [*texts[name][: MOST_LINES - 5], *texts[name][-5:]]
        yield name, damaged("\n".join(head).encode(), chance)


def test_damaged_lexicons(tmp_path: Path, request: pytest.FixtureRequest, record_property: Any) -> None:
    number = FILES * HEAVY if request.config.getoption("--heavy") else FILES
    path = tmp_path / "damaged.toml"
    ends: Counter[str] = Counter()
    unplaced = 0
    for at, (name, data) in enumerate(files(number, seed=number)):
        path.write_bytes(data)
        try:
            lexicon = Lexicon.load(path)
        except LexiconError as error:
            ends["refused"] += 1
            unplaced += not str(error).startswith((f"{path}:", f"{path}, "))
        except Exception as error:
            raise AssertionError(f"{at}, {name}: {type(error).__name__}: {error}"[:500]) from error
        else:
            assert lexicon.terms, (at, name)
            assert parse_toml(to_toml(lexicon), "again").hash == lexicon.hash, (at, name)
            ends["read"] += 1
    assert not unplaced
    record_property("files", number)
    print(f"\n{number} damaged lexicons: {dict(ends)}")
    # A damage that nothing notices, or one that is always noticed, tries nothing.
    assert min(ends["refused"], ends["read"]) > number // 20
