"""What a format hands on: one report, read or not, never lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["measured", "dropped", "quarantined"]


@dataclass(frozen=True, slots=True)
class RawReport:
    """One report as a format module yields it.

    member      where in its source it stands: "" for a file that is one report, else a row or line number
    text        the text, in Unicode; "" unless status is "measured"
    format      name of the format that read it: "text", "markdown", "jsonl", "parquet", "arrow", "csv"
    encoding    encoding that the bytes were decoded from; "" where the format fixes it
    meta        columns of the source other than the text, as they stood there (str, int, float, bool or None)
    flags       names of what is doubtful about the text, such as "replaced_bytes"
    status      "measured"; "dropped": nothing to measure, for the named reason; "quarantined": could not be read
    reason      "" or a short word that can be grouped by: "empty", "null_text", "binary", "undecodable",
                "unsupported", "malformed", "unreadable", "too_large"
    message     one sentence for a person: what happened and what to do
    """

    member: str
    text: str
    format: str
    encoding: str = ""
    title: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    status: Status = "measured"
    reason: str = ""
    message: str = ""
