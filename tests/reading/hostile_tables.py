"""Hostile tables and texts, and things that are no files, made by code."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TEXT = "本行加快推进云计算与大数据投入。"
_MB = 1 << 20


def table(rows: int = 50) -> pa.Table:
    return pa.table({"id": list(range(rows)), "text": [f"{TEXT}{row}" for row in range(rows)]})


def parquet(made: pa.Table | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table() if made is None else made, out, **options)
    return out.getvalue()


def arrow(made: pa.Table | None = None) -> bytes:
    made = table() if made is None else made
    out = io.BytesIO()
    with pa.ipc.new_file(out, made.schema) as file:
        file.write_table(made)
    return out.getvalue()


def damaged(data: bytes, start: float, end: float, seed: int = 1) -> bytes:
    """Return `data` with random bytes from one share of it to another."""
    first, last = int(len(data) * start), int(len(data) * end)
    return data[:first] + random.Random(seed).randbytes(last - first) + data[last:]


def dictionary_bomb(n_chars: int, rows: int) -> bytes:
    """A table of `rows` rows that are all the same long text: held once in the file."""
    return parquet(pa.table({"text": pa.array([TEXT * (n_chars // len(TEXT))] * rows)}), compression="zstd")


def _write(head: bytes, block: bytes, times: int, tail: bytes = b"") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            for _ in range(times):
                file.write(block)
            file.write(tail)

    return make


def _sparse(head: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(2_000_000_000)

    return make


def _bytes(make: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(make()), None)[1]


_LINE = (TEXT * 22_000).encode()  # 1 MB

#: Name of the file → what makes it, and the reasons that its reports have ("": measured).
TABLES: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "line-of-300mb.jsonl": (_write(b'{"text": "', _LINE, 300, b'"}\n{"text": "\xe4\xba\x91"}\n'), {"", "too_large"}),
    "line-of-300mb.txt": (_write(b"", _LINE, 300), {"too_large"}),
    "line-of-300mb.md": (_write(b"# ", _LINE, 300), {"too_large"}),
    "line-of-300mb.html": (_write(b"<html><p>", _LINE, 300), {"too_large"}),
    "cell-of-300mb.csv": (_write(b'id,text\n1,"', _LINE, 300), {"malformed", "too_large"}),
    "header-of-300mb.csv": (_write(b"id,text,", _LINE, 300), {"malformed", "too_large"}),
    "no-line-end.csv": (_write(b"id,text\n1,", _LINE.replace(b",", b""), 300), {"too_large"}),
    "nul.csv": (_bytes(lambda: f"id,text\n1,{TEXT}\0\n2,{TEXT}\n".encode()), {"", "malformed"}),
    "ragged.csv": (_bytes(lambda: f"id,text\n1\n1,{TEXT}\n1,2,3,{TEXT}\n".encode()), {"", "malformed"}),
    "quote.csv": (_bytes(lambda: f'id,text\n1,"{TEXT}\n2,{TEXT}\n'.encode()), {"malformed"}),
    "columns-100000.csv": (_bytes(lambda: b"text" + b",a" * 100_000 + f"\n{TEXT}\n".encode()), {"malformed"}),
    "deep.jsonl": (_bytes(lambda: b'{"text": "a"}\n' + b'{"a":' * 100_000 + b"\n" + b"[" * 100_000), {"", "malformed"}),
    "number.jsonl": (_bytes(lambda: f'{{"text": "{TEXT}", "n": {"9" * 100_000}}}\n'.encode()), {""}),
    "infinity.jsonl": (_bytes(lambda: f'{{"text": "{TEXT}", "n": 1e999, "m": NaN}}\n'.encode()), {"", "malformed"}),
    "surrogates.jsonl": (_bytes(lambda: f'{{"text": "{TEXT}\\ud800"}}\n'.encode()), {""}),
    "cut.parquet": (_bytes(lambda: parquet()[:-20]), {"malformed"}),
    "cut-in-half.parquet": (_bytes(lambda: parquet()[:700]), {"malformed"}),
    "footer.parquet": (_bytes(lambda: damaged(parquet(), 0.6, 0.9)), {"malformed"}),
    "pages.parquet": (_bytes(lambda: damaged(parquet(), 0.02, 0.4)), {"malformed", ""}),
    "huge-footer.parquet": (_bytes(lambda: parquet()[:-8] + b"\xff\xff\xff\x7fPAR1"), {"malformed"}),
    "same-text.parquet": (_bytes(lambda: dictionary_bomb(1_000_000, 400)), {""}),
    "row-of-200mb.parquet": (_bytes(lambda: dictionary_bomb(70_000_000, 3)), {"too_large", "memory"}),
    "cut.arrow": (_bytes(lambda: arrow()[:-40]), {"malformed"}),
    "body.arrow": (_bytes(lambda: damaged(arrow(), 0.3, 0.7)), {"malformed", "", "crash", "undecodable", "binary"}),
    "schema.arrow": (_bytes(lambda: damaged(arrow(), 0.01, 0.2)), {"malformed", "crash", "memory"}),
    "sparse.txt": (_sparse(b""), {"binary"}),
    "sparse-text.txt": (_sparse(TEXT.encode() * 2000), {"binary", "too_large"}),
    "sparse.pdf": (_sparse(b"%PDF-1.7\n"), {"truncated", "malformed", "timeout"}),
    "sparse-empty.pdf": (_sparse(b""), {"malformed"}),
    "sparse.html": (_sparse(b"<html><p>" + TEXT.encode()), {"binary", "too_large"}),
    "sparse.zip": (_sparse(b"PK\x03\x04"), {"truncated", "malformed"}),
    "sparse.docx": (_sparse(b"PK\x03\x04"), {"malformed", "truncated"}),
    "sparse.jsonl": (_sparse(b'{"text": "a"}\n'), {"binary", "", "malformed", "too_large"}),
    "sparse.csv": (_sparse(b"id,text\n1,a\n"), {"binary", "", "malformed", "too_large"}),
    "sparse.parquet": (_sparse(b"PAR1"), {"malformed"}),
    "sparse.arrow": (_sparse(b"ARROW1\0\0"), {"malformed"}),
    "sparse.gz": (_sparse(b"\x1f\x8b\x08" + bytes(7)), {"truncated", "malformed"}),
    "sparse.tar": (_sparse(b""), {"empty"}),
}  # fmt: skip

ENDINGS = ("txt", "md", "pdf", "html", "docx", "zip", "tar", "gz", "jsonl", "csv", "parquet", "arrow", "json", "xyz", "")
_LIES = {
    "pdf": b"%PDF-1.7\n%%EOF\n",
    "html": f"<!doctype html><html><p>{TEXT * 9}".encode(),
    "zip": b"PK\x05\x06" + bytes(18),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "text": TEXT.encode(),
}
for _ending in ENDINGS:
    _dot = f".{_ending}" if _ending else ""
    TABLES[f"empty{_dot}"] = (_bytes(bytes), {"empty", "malformed"})
    TABLES[f"random{_dot}"] = (
        _bytes(lambda ending=_ending: random.Random(ending).randbytes(20_000)),  # type: ignore[misc]
        {"binary", "malformed", "unsupported", "truncated"},
    )
    for _kind, _data in _LIES.items():
        TABLES[f"{_kind}-named{_dot or '-nothing'}"] = (_bytes(lambda data=_data: data), {  # type: ignore[misc]
            "", "binary", "malformed", "unsupported", "empty", "no_text", "truncated",
        })  # fmt: skip


def make_odd(folder: Path) -> dict[str, set[str]]:
    """Make what is no file, or cannot be opened, and return the reasons of each."""
    os.mkfifo(folder / "pipe.pdf")
    (folder / "dangling.pdf").symlink_to(folder / "nothing")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "device.txt").symlink_to("/dev/zero")
    (folder / "folder.pdf").mkdir()
    (folder / "closed.txt").write_text(TEXT, encoding="utf-8")
    (folder / "closed.txt").chmod(0)
    readable = os.access(folder / "closed.txt", os.R_OK)  # root reads everything
    return {
        "pipe.pdf": {"unsupported"},
        "dangling.pdf": {"unreadable"},
        "loop.txt": {"unreadable"},
        "device.txt": {"unsupported"},
        "closed.txt": {"" if readable else "unreadable"},
    }
