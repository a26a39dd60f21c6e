"""Runs over made texts, and the rows that they wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.schema import RUN_TABLES, SHARD_TABLES

TABLES = {**SHARD_TABLES, **RUN_TABLES}
ORDER = [term.name for term in cipin.Lexicon.load("fintech-zh").terms]


def rows(run: cipin.Run, table: str) -> list[dict[str, Any]]:
    return run.table(table).collect().to_dicts()


def run_texts(folder: Path, texts: dict[str, str], terms: list[str], **options: Any) -> cipin.Run:
    for name, text in texts.items():
        (folder / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "reports" / name).write_text(text, encoding="utf-8")
    return cipin.run(folder / "reports", cipin.Lexicon.from_terms(terms), folder / "out", **options)


#: Three reports, one of which has no hit of `wu2021`.
TEXTS = {"甲银行_2019": "推进大数据。云计算。", "甲银行_2020": "推进大数据。", "乙银行_2019": "存款增长。"}


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}年年度报告.txt").write_text(text, encoding="utf-8")
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_run(reports: Path, out: Path, patch: pytest.MonkeyPatch) -> None:
    """Run with a shard a report, and stop when the first is done."""
    patch.setattr("cipin.running.plan.LEAST_BYTES", 1)
    patch.setattr("cipin.running.plan.CUT_BYTES", 1)

    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cipin.run(reports, "fintech-zh", out, progress=stop)
