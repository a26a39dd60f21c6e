"""Which column of a table holds the text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cipin.errors import SourceError

#: Names by which a text column is known without being told, the first that is there.
TEXT_COLUMNS = ("text", "content", "正文", "内容", "文本")

#: Names of the column that is the title of a report.
TITLE_COLUMNS = ("title", "标题", "標題")


def find_text_column(path: Path, names: Sequence[str], strings: Sequence[str], wanted: str | None) -> str:
    """Return the text column among `names`, of which `strings` hold strings.

    Raises SourceError, naming the columns there are, if `wanted` is absent, doubled or not of strings, or if no
    column is wanted and it is not plain which one it is.
    """
    column = wanted if wanted is not None else next((name for name in TEXT_COLUMNS if name in names), None)
    if column is None and len(strings) == 1:
        column = strings[0]
    if column is None or column not in names:
        raise missing_text_column(path, names, wanted)
    if names.count(column) > 1:
        raise SourceError(f"{path.name}: {names.count(column)} columns are named {column!r}; rename all but one")
    if column not in strings:
        raise SourceError(
            f"{path.name}: column {column!r} does not hold strings; {_columns(names)}; name another: --text-column NAME"
        )
    return column


def missing_text_column(path: Path, names: Sequence[str], wanted: str | None) -> SourceError:
    """Return the error that says which columns there are instead."""
    what = f"no column {wanted!r}" if wanted is not None else f"no column named {', '.join(TEXT_COLUMNS)}"
    return SourceError(f"{path.name}: {what}; {_columns(names)}; name the one with the text: --text-column NAME")


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"its columns are {shown}{more}" if names else "it has no columns"
