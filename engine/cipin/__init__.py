"""cipin (词频): what thousands of reports talk about.

Reports and a lexicon go in; evidence, counts and panels come out as Arrow tables.

>>> import cipin
>>> cipin.Lexicon.from_terms(["大数据", "云计算"]).terms[0].name
'大数据'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Registers `pl.col("text").cipin`: the one thing that happens at import, since Polars knows no other way.
from cipin import namespace as _namespace  # noqa: F401

if TYPE_CHECKING:
    from cipin.errors import (
        CipinError,
        ConflictError,
        InputChanged,
        LexiconError,
        RunError,
        SchemaError,
        SourceError,
        StorageError,
        TooManyErrors,
        UsageError,
    )
    from cipin.lexicon.model import Lexicon, Term
    from cipin.matching.scanner import Scanner
    from cipin.running.ingest import Corpus, ingest
    from cipin.running.results import Run
    from cipin.running.results import open_run as open
    from cipin.running.run import preview, run, scan

__version__ = "0.1.0"

__all__ = [
    "CipinError",
    "ConflictError",
    "Corpus",
    "InputChanged",
    "Lexicon",
    "LexiconError",
    "Run",
    "RunError",
    "Scanner",
    "SchemaError",
    "SourceError",
    "StorageError",
    "Term",
    "TooManyErrors",
    "UsageError",
    "__version__",
    "ingest",
    "open",
    "preview",
    "run",
    "scan",
]

# Names are loaded when they are asked for, so that importing cipin loads no parser and no compiler.
_HOMES = {
    "Lexicon": ("cipin.lexicon.model", "Lexicon"),
    "Term": ("cipin.lexicon.model", "Term"),
    "Scanner": ("cipin.matching.scanner", "Scanner"),
    "Corpus": ("cipin.running.ingest", "Corpus"),
    "Run": ("cipin.running.results", "Run"),
    "ingest": ("cipin.running.ingest", "ingest"),
    "open": ("cipin.running.results", "open_run"),
    "preview": ("cipin.running.run", "preview"),
    "run": ("cipin.running.run", "run"),
    "scan": ("cipin.running.run", "scan"),
} | {
    name: ("cipin.errors", name)
    for name in (
        "CipinError",
        "ConflictError",
        "InputChanged",
        "LexiconError",
        "RunError",
        "SchemaError",
        "SourceError",
        "StorageError",
        "TooManyErrors",
        "UsageError",
    )
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cipin' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
