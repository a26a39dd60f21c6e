"""Made texts in every encoding that reports are found in, whole and damaged, each with the text that must come back."""

from __future__ import annotations

import codecs
import importlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import opencc
import pytest

LENGTHS = (20, 30, 45, 60, 200, 2000, 20_000)
SCRIPTS = ("simplified", "traditional", "mixed")

#: Name of the encoding → codec, byte order mark, scripts that it is used for.
WRITTEN = {
    "utf-8": ("utf-8", b"", SCRIPTS),
    "utf-8 with a mark": ("utf-8", codecs.BOM_UTF8, SCRIPTS),
    "gb18030": ("gb18030", b"", SCRIPTS),
    "gbk": ("gbk", b"", SCRIPTS),
    "gb2312": ("gb2312", b"", ("simplified", "mixed")),
    "big5": ("big5", b"", ("traditional",)),
    "big5hkscs": ("big5hkscs", b"", ("traditional",)),
    "cp950": ("cp950", b"", ("traditional",)),
    "utf-16-le": ("utf-16-le", b"", SCRIPTS),
    "utf-16-be": ("utf-16-be", b"", SCRIPTS),
    "utf-16-le with a mark": ("utf-16-le", codecs.BOM_UTF16_LE, SCRIPTS),
    "utf-16-be with a mark": ("utf-16-be", codecs.BOM_UTF16_BE, SCRIPTS),
    "utf-32-le with a mark": ("utf-32-le", codecs.BOM_UTF32_LE, SCRIPTS),
    "utf-32-be with a mark": ("utf-32-be", codecs.BOM_UTF32_BE, SCRIPTS),
    "hz": ("hz", b"", ("simplified", "mixed")),
}
DAMAGED = {"utf-8": SCRIPTS, "gb18030": ("simplified",), "big5hkscs": ("traditional",)}
#: Made of each encoding, script and length.
EACH = {length: 12 if length <= 60 else 6 if length <= 2000 else 2 for length in LENGTHS}


@dataclass(frozen=True, slots=True)
class Encoded:
    """Bytes, how they were written, and the text that must come back; `length` is that of the text."""

    name: str
    length: int
    data: bytes
    text: str


def made_cases() -> Iterator[Encoded]:
    """Yield every case; the same call, the same cases."""
    chance = random.Random(1)
    for (name, (codec, mark, scripts)), length in product(WRITTEN.items(), LENGTHS):
        for script in scripts:
            for text in _texts(script, length, EACH[length], chance):
                held = text.encode(codec, "ignore").decode(codec)
                yield Encoded(name, length, mark + held.encode(codec), held)
    for codec, length in product(DAMAGED, LENGTHS):
        for script in DAMAGED[codec]:
            for text in _texts(script, length, EACH[length], chance):
                yield _damaged(text, codec, length, chance)


def made_mixtures() -> Iterator[Encoded]:
    """Yield files of which some lines are UTF-8 and the others are not, as they come of pasting two together."""
    chance = random.Random(4)
    for codec, share, length in product(("gb18030", "big5"), (0.1, 0.5, 0.9), (200, 2000)):
        for text in _texts("traditional" if codec == "big5" else "simplified", length, 6, chance):
            held = text.encode(codec, "ignore").decode(codec)
            lines = [held[start : start + 40].replace("\n", "") for start in range(0, len(held), 40)]
            first = round(share * len(lines))
            data = [line.encode(codec if number < first else "utf-8") for number, line in enumerate(lines)]
            yield Encoded(f"utf-8 and {codec}", length, b"\n".join(data), "\n".join(lines))


def made_pages() -> Iterator[Encoded]:
    """Yield HTML pages that declare their encoding, another one, or none; `text` is that of the paragraphs."""
    chance = random.Random(2)
    said = {"utf-8": "utf-8", "gbk": "gb2312", "gb18030": "gb18030", "big5": "big5"}
    for codec, length in product(said, LENGTHS[:6]):
        for declared in (said[codec], "", *(other for other in said.values() if other != said[codec])):
            script = "traditional" if codec == "big5" else "simplified"
            for text in _texts(script, length, 2, chance):
                held = text.encode(codec, "ignore").decode(codec).replace("\n", "").replace("<", "").replace("&", "")
                meta = f'<meta charset="{declared}">' if declared else ""
                page = f"<html><head>{meta}</head><body><p>{held}</p></body></html>"
                kind = "no charset" if not declared else "right" if declared == said[codec] else "lying"
                yield Encoded(f"html, {codec}, {kind}", length, page.encode(codec), page)


def _damaged(text: str, codec: str, length: int, chance: random.Random) -> Encoded:
    """Return bytes of which about one in a hundred and fifty, and at least one, is lost or changed."""
    data = bytearray(text.encode(codec, "ignore"))
    for _ in range(max(1, length // 50)):
        place = chance.randrange(len(data))
        if chance.random() < 0.5:
            del data[place]
        else:
            data[place] ^= 1 << chance.randrange(8)
    return Encoded(f"{codec}, damaged", length, bytes(data), bytes(data).decode(codec, "replace"))


def _texts(script: str, length: int, number: int, chance: random.Random) -> Iterator[str]:
    text = _long_text(script)
    for _ in range(number):
        start = chance.randrange(len(text) - length)
        yield text[start : start + length]


@cache
def _long_text(script: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).resolve().parents[2] / "bench")
        made_texts = importlib.import_module("made_texts").made_texts
    text = "".join(made_texts(12, 20_000, seed=5))
    if script == "traditional":
        return str(opencc.OpenCC("s2twp").convert(text))
    if script == "mixed":
        # Every second line is English, as in the reports of Hong Kong.
        chance = random.Random(3)
        words = [
            "the",
            "bank",
            "annual report",
            "loans",
            "capital ratio",
            "AI",
            "FinTech",
            "of",
            "risk",
            "2021",
            "5G %",
        ]
        lines = (line for line in text.split("\n") if line)
        return "\n".join(f"{line} {' '.join(chance.choices(words, k=4))}" for line in lines)
    return text
