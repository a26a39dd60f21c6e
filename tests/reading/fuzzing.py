"""Small valid files of every format, and ways to damage them; the same seed, the same damage."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hostile_packages import DATA, docx, paragraphs, tar_of, zip_of
from hostile_pdfs import good, saved
from hostile_tables import TEXT, arrow, parquet

_ROWS = "".join(f'{{"id": {number}, "text": "{TEXT}"}}\n' for number in range(9))
_PAGE = f"<!doctype html><html><head><title>年报</title></head><body>{f'<div><p>{TEXT}</p></div>' * 9}</body></html>"

#: Name of the file → its bytes.
SEEDS: dict[str, bytes] = {
    "a.pdf": good(),
    "streams.pdf": saved(good(), object_stream_mode=2),
    "a.docx": docx(paragraphs(TEXT, 9)),
    "a.html": _PAGE.encode(),
    "a.zip": zip_of([("a.txt", DATA), ("b/c.csv", b"text\n" + DATA), ("d.html", _PAGE.encode())]),
    "a.tar": tar_of([("a.txt", b"0", DATA), ("b.txt", b"0", DATA)]),
    "a.csv": ("id,text\n" + f'1,"{TEXT}"\n' * 9).encode(),
    "a.jsonl": _ROWS.encode(),
    "a.parquet": parquet(),
    "a.arrow": arrow(),
    "a.txt": TEXT.encode("gb18030") * 9,
    "a.md": f"---\ntitle: 年报\n---\n# 一\n{TEXT}\n".encode(),
}


def damaged_files(number: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield `number` damaged files of each format: name and bytes."""
    chance = random.Random(seed)
    for name, data in SEEDS.items():
        for _ in range(number):
            yield name, damage(data, chance)


def damage(data: bytes, chance: random.Random) -> bytes:
    """Return `data` with one to eight damages: bits turned, bytes changed, pieces cut, doubled, moved or filled."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if len(made) < 2:
            break
        start = chance.randrange(len(made))
        end = min(len(made), start + chance.choice((1, 2, 4, 16, 100, len(made))))
        match chance.randrange(8):
            case 0 | 1:
                made[start] ^= 1 << chance.randrange(8)
            case 2:
                made[start] = chance.choice(b"\0\xff\x7f\x80 \n<>&\"'(){}[]/\\0919,:-")
            case 3:
                del made[start:end]
            case 4:
                made[start:start] = made[start:end]
            case 5:
                made[start:end] = chance.randbytes(end - start) if end - start <= 100 else bytes(end - start)
            case 6:
                piece = made[start:end]
                del made[start:end]
                place = chance.randrange(len(made) + 1)
                made[place:place] = piece
            case 7:
                made[start:start] = str(chance.choice((0, -1, 2**31 - 1, 2**32, 2**63, 10**30))).encode()
    return bytes(made)
