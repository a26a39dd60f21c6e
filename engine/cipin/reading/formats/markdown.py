"""Markdown: a file is a report; its text stays as it stands, so that offsets do not move."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipin.reading.formats.options import ReadOptions
from cipin.reading.formats.outcome import clean_surrogates, judge_text
from cipin.reading.formats.text import decode_file
from cipin.reading.report import RawReport

#: A front matter longer than this is text between two rules.
_FRONT_MATTER_CHARS = 1 << 16


def read(path: Path, options: ReadOptions) -> Iterator[RawReport]:
    """Yield the one report of a Markdown file; scalars of a YAML front matter become its `meta`.

    Raises OSError if the file cannot be read.
    """
    report = RawReport(member="", text="", format="markdown")
    decoded = decode_file(path, report, options)
    if isinstance(decoded, RawReport):
        yield decoded
        return
    front, body = split_front_matter(decoded.text)
    meta = read_front_matter(front)
    title = find_title(body) or str(meta.get("title") or "")
    yield judge_text(decoded, replace(report, title=clean_surrogates(title), meta=meta))


def split_front_matter(text: str) -> tuple[str, str]:
    r"""Part `text` into its YAML front matter, without the rules around it, and the rest.

    >>> split_front_matter("---\nbank: 平安银行\n---\n# 年报\n")
    ('bank: 平安银行\n', '# 年报\n')
    """
    lines = io.StringIO(text, newline="")
    if lines.readline().rstrip() != "---":
        return "", text
    front = ""
    while len(front) < _FRONT_MATTER_CHARS:
        line = lines.readline(_FRONT_MATTER_CHARS)
        if not line:
            break
        if line.rstrip() in {"---", "..."}:
            return front, lines.read()
        front += line
    return "", text


def read_front_matter(front: str) -> dict[str, object]:
    """Return the scalars at the top level of a YAML mapping; nothing, if it is no mapping or not YAML.

    Values are built one by one from the node tree, so that aliases and merge keys are never expanded.

    >>> read_front_matter("bank: 平安银行\\nyear: 2019\\ntags: [云计算]\\n")
    {'bank': '平安银行', 'year': 2019}
    """
    import yaml

    meta: dict[str, object] = {}
    try:
        loader = yaml.SafeLoader(front)
        node = loader.get_single_node()
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode):
                meta[clean_surrogates(key.value)] = _scalar(loader, value)
    except (yaml.YAMLError, RecursionError):
        return {}
    return meta


def find_title(text: str) -> str:
    r"""Return the first heading of level 1 outside code fences, or "".

    >>> find_title("前言\n\n# 二〇一九年年度报告 #\n")
    '二〇一九年年度报告'
    """
    fence = ""
    for line in io.StringIO(text):
        start = line.lstrip()[:3]
        if start in {"```", "~~~"}:
            fence = "" if fence == start else fence or start
        elif not fence and line.startswith(("# ", "#\t")):
            title = line[1:].strip()
            shut = title.rstrip("#")
            return shut.rstrip() if shut[-1:].isspace() else title
    return ""


def _scalar(loader: object, node: object) -> object:
    import yaml

    assert isinstance(loader, yaml.SafeLoader)
    assert isinstance(node, yaml.ScalarNode)
    try:
        value = loader.construct_object(node)
    except (ValueError, OverflowError):  # 2019-02-30, or an integer of 5,000 digits
        value = node.value
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return str(node.value)
    return clean_surrogates(value) if isinstance(value, str) else value
