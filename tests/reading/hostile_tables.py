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
#: Holds no term: a hit in every line of a long text is a table of another size.
FILLER = "报告期内净利润较上年增长，股东大会审议通过分配方案。"
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
    return parquet(pa.table({"text": pa.array([FILLER * (n_chars // len(FILLER))] * rows)}), compression="zstd")


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
    "cell-of-300mb.csv": (_write(b'id,text\n1,"', _LINE, 300), {"too_large"}),
    "header-of-300mb.csv": (_write(b"id,text,", _LINE, 300), {"too_large"}),
    "no-line-end.csv": (_write(b"id,text\n1,", _LINE.replace(b",", b""), 300), {"too_large"}),
    "nul.csv": (_bytes(f"id,text\n1,{TEXT}\0\n2,{TEXT}\n".encode), {""}),
    "ragged.csv": (_bytes(f"id,text\n1\n1,{TEXT}\n1,2,3,{TEXT}\n".encode), {"", "malformed"}),
    "quote.csv": (_bytes(f'id,text\n1,"{TEXT}\n2,{TEXT}\n'.encode), {"malformed"}),
    "columns-100000.csv": (_bytes(lambda: b"text" + b",a" * 100_000 + f"\n{TEXT}\n".encode()), {"malformed"}),
    "deep.jsonl": (_bytes(lambda: b'{"text": "a"}\n' + b'{"a":' * 100_000 + b"\n" + b"[" * 100_000), {"", "malformed"}),
    "number.jsonl": (_bytes(f'{{"text": "{TEXT}", "n": {"9" * 100_000}}}\n'.encode), {""}),
    "infinity.jsonl": (_bytes(f'{{"text": "{TEXT}", "n": 1e999, "m": NaN}}\n'.encode), {""}),
    "surrogates.jsonl": (_bytes(f'{{"text": "{TEXT}\\ud800"}}\n'.encode), {""}),
    "cut.parquet": (_bytes(lambda: parquet()[:-20]), {"malformed"}),
    "cut-in-half.parquet": (_bytes(lambda: parquet()[:700]), {"malformed"}),
    "footer.parquet": (_bytes(lambda: damaged(parquet(), 0.6, 0.9)), {"malformed"}),
    "pages.parquet": (_bytes(lambda: damaged(parquet(), 0.02, 0.4)), {"malformed"}),
    "huge-footer.parquet": (_bytes(lambda: parquet()[:-8] + b"\xff\xff\xff\x7fPAR1"), {"malformed"}),
    "same-text.parquet": (_bytes(lambda: dictionary_bomb(500_000, 400)), {""}),
    "row-of-200mb.parquet": (_bytes(lambda: dictionary_bomb(20_000_000, 3)), {"", "memory"}),
    "cut.arrow": (_bytes(lambda: arrow()[:-40]), {"malformed"}),
    "body.arrow": (_bytes(lambda: damaged(arrow(), 0.3, 0.7)), {"", "undecodable"}),
    "schema.arrow": (_bytes(lambda: damaged(arrow(), 0.01, 0.2)), {"malformed"}),
    "sparse.txt": (_sparse(b""), {"binary"}),
    "sparse-text.txt": (_sparse(TEXT.encode() * 2000), {"too_large"}),
    "sparse.pdf": (_sparse(b"%PDF-1.7\n"), {"truncated", "timeout"}),
    "sparse-empty.pdf": (_sparse(b""), {"malformed"}),
    "sparse.html": (_sparse(b"<html><p>" + TEXT.encode()), {"binary"}),
    "sparse.zip": (_sparse(b"PK\x03\x04"), {"truncated"}),
    "sparse.docx": (_sparse(b"PK\x03\x04"), {"malformed"}),
    "sparse.jsonl": (_sparse(b'{"text": "a"}\n'), {"binary"}),
    "sparse.csv": (_sparse(b"id,text\n1,a\n"), {"binary"}),
    "sparse.parquet": (_sparse(b"PAR1"), {"malformed"}),
    "sparse.arrow": (_sparse(b"ARROW1\0\0"), {"malformed"}),
    "sparse.gz": (_sparse(b"\x1f\x8b\x08" + bytes(7)), {"malformed"}),
    "sparse.tar": (_sparse(b""), {"empty"}),
}  # fmt: skip

ENDINGS = ("", ".txt", ".md", ".pdf", ".html", ".docx", ".zip", ".tar", ".gz", ".jsonl", ".csv", ".parquet", ".arrow",
           ".json", ".xyz")  # fmt: skip
#: Endings of formats that are never text: what stands behind them is a download that failed.
NEVER_TEXT = {".pdf", ".docx", ".zip", ".tar", ".gz", ".parquet", ".arrow"}
_NO_TABLE = {".jsonl": {"malformed"}, ".csv": {"empty"}, ".json": {"unsupported"}}


def _named(ending: str) -> dict[str, tuple[Callable[[Path], None], set[str]]]:
    """Return files of one ending whose content is another: it is read as what it is, or refused."""
    page = f"<!doctype html><html><p>{TEXT * 9}".encode()
    never_text = {"malformed"} if ending in NEVER_TEXT else set()
    return {
        f"empty{ending}": (_bytes(bytes), never_text or {"empty"}),
        f"random{ending}": (_bytes(lambda: random.Random(ending).randbytes(20_000)), never_text or {"binary"}),
        f"text{ending}": (_bytes(TEXT.encode), never_text or _NO_TABLE.get(ending, {""})),
        f"page{ending}": (_bytes(lambda: page), {""}),
        f"pdf{ending}": (_bytes(lambda: b"%PDF-1.7\n%%EOF\n"), {"malformed"}),
        f"zip{ending}": (_bytes(lambda: b"PK\x05\x06" + bytes(18)), {"malformed" if ending == ".docx" else "empty"}),
        f"picture{ending}": (_bytes(lambda: b"\x89PNG\r\n\x1a\n" + bytes(99)), {"unsupported"}),
    }


for _ending in ENDINGS:
    TABLES |= _named(_ending)


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
