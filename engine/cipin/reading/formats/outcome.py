"""How a report ends that a format has read: measured, dropped or quarantined."""

from __future__ import annotations

import re
from dataclasses import replace

from cipin.reading.encoding import GARBLED, SUSPECT, Decoded, count_controls, garbled_share, is_more, tally
from cipin.reading.formats.options import ReadOptions
from cipin.reading.report import RawReport

#: What a text may consist of and still be empty: the byte order mark, zero-width characters, NUL padding.
_NOTHING = frozenset("\ufeff\u200b\u200c\u200d\u2060\x00")
_SURROGATE = re.compile("[\ud800-\udfff]")


def judge_text(decoded: Decoded, report: RawReport) -> RawReport:
    """Return `report` with the text of `decoded`, or dropped as empty, or quarantined as mojibake.

    Lone surrogates, which JSON escapes can spell and UTF-8 cannot, become U+FFFD; they and undecodable bytes raise
    the flag "replaced_bytes", control characters "control_characters", and more illegible characters than clean texts
    have "garbled_characters".
    """
    text, data = _clean(decoded.text)
    if all(character.isspace() or character in _NOTHING for character in text):
        message = "there is no text in it"
        return replace(report, encoding=decoded.encoding, status="dropped", reason="empty", message=message)
    tallied = tally(text)
    if is_more(tallied, GARBLED):
        message = (
            f"{garbled_share(text):.0%} of the characters are no language (allowed: {GARBLED:.0%}); "
            "save it as UTF-8 from its source, or leave it out"
        )
        return quarantine(replace(report, encoding=decoded.encoding), "undecodable", message)
    flags = [
        name
        for name, raised in (
            ("replaced_bytes", decoded.replaced > 0 or text != decoded.text),
            ("control_characters", b"\x1b" in data or count_controls(data) > 0),
            ("garbled_characters", is_more(tallied, SUSPECT)),
        )
        if raised
    ]
    return report.with_text(text, decoded.encoding, (*report.flags, *flags))


def quarantine(report: RawReport, reason: str, message: str) -> RawReport:
    """Return `report` without a text, set aside for `reason`; `message` says what happened and what to do."""
    return replace(report, text="", status="quarantined", reason=reason, message=message)


def too_much_memory(report: RawReport) -> RawReport:
    """Return `report` without a text, set aside because it does not fit into memory."""
    return quarantine(report, "memory", "it does not fit into memory; split it, or read it where there is more")


def crashed(report: RawReport, error: Exception) -> RawReport:
    """Return `report` without a text, set aside for what it raised in cipin: one document does not end a run."""
    if isinstance(error, MemoryError):
        return too_much_memory(replace(report, layout=None))
    what = f"{type(error).__name__}: {clean_surrogates(str(error))}"[:500]
    message = f"cipin failed at it ({what}); leave it out, and please report this with the document"
    return quarantine(replace(report, layout=None), "crash", message)


def too_long(report: RawReport, options: ReadOptions, n_chars: int = 0) -> RawReport:
    """Return `report` quarantined for a text of more than `max_chars` characters: `n_chars`, or as many as it holds."""
    n_chars = n_chars or len(report.text)
    what = f"{n_chars:,} characters" if n_chars > options.max_chars else "more"
    message = (
        f"its text has {what}, and at most {options.max_chars:,} are read as one report; split it, or raise --max-chars"
    )
    return quarantine(replace(report, layout=None), "too_large", message)


def clean_surrogates(text: str) -> str:
    """Return `text` with U+FFFD for each lone surrogate, so that it can be written as UTF-8."""
    return text if text.isascii() else _clean(text)[0]


def _clean(text: str) -> tuple[str, bytes]:
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        text = _SURROGATE.sub("\ufffd", text)
        return text, text.encode()
