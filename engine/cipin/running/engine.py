"""Which engine made a table: its version, and the hash of its code, so that no shard of another engine is kept."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from cipin.reading.corpus import parser_version

#: What decides the bytes of tables, besides what reads: not the driver, not the commands.
CODE = {
    "lexicon": None,
    "matching": None,
    "matching/kernels": None,
    "measuring": ("counts.py", "panel.py"),  # all else is made of tables, when it is asked for
    "running": ("job.py", "parsing.py", "parts.py", "plan.py", "sections.py", "skip.py", "table_files.py", "tables.py"),
    ".": ("kernel.py", "lanes.py", "schema.py", "utf8.py"),
}

#: Those beside the parser's that decide a byte: of word boundaries, and of tables.
LIBRARIES = ("jieba", "polars")


@cache
def engine_version() -> str:
    """Return the version of cipin and a hash of the code that tables are made with.

    A version number would have to be raised by hand with each change; a shard of yesterday's code would be kept.
    """
    from cipin import __version__

    digest = hashlib.blake2b(parser_version().encode(), digest_size=6)
    root = files("cipin")
    for folder, names in CODE.items():
        for file in sorted(root.joinpath(folder).iterdir(), key=lambda each: each.name):
            if file.name.endswith((".py", ".tsv", ".toml")) and (names is None or file.name in names):
                digest.update(f"{folder}/{file.name}\0".encode() + file.read_bytes())
    for library in LIBRARIES:
        digest.update(f"{library}={version(library)}\0".encode())
    return f"{__version__}+{digest.hexdigest()}"
