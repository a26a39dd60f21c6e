"""The codebook of an export: what each variable means, and what the run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from cipin.arguments import check_choice
from cipin.measuring.columns import Column, Language, describe
from cipin.measuring.measures import UNITS_ZH
from cipin.measuring.methods import count_lexicon, count_outcomes, methods

#: Name of the "table" of facts about the run.
RUN = "run"
_SCHEMA = pl.Schema(
    dict.fromkeys(
        (
            "table", "name", "label_zh", "label_en", "meaning_zh", "meaning_en", "formula_zh", "formula", "unit_zh",
            "unit", "source_zh", "source", "value",
        ),
        pl.String,
    )
)  # fmt: skip


def describe_all(table: str, names: Sequence[str]) -> tuple[Column, ...]:
    """Return what each column of a table means."""
    return tuple(describe(table, name) for name in names)


def make_codebook(
    tables: Mapping[str, Sequence[Column]],
    manifest: Mapping[str, Any],
    lexicon: pl.DataFrame,
    measures: Sequence[str] = (),
) -> pl.DataFrame:
    """Return a row for each variable of each table, then one for each fact about the run, its `value` beside it.

    measures   whose formulas the methods paragraphs state
    """
    rows: list[tuple[str, ...]] = [
        (
            table, each.name, each.zh, each.en, each.meaning_zh, each.meaning_en, each.formula_zh or each.formula,
            each.formula, UNITS_ZH.get(each.unit, each.unit), each.unit, each.source_zh or each.source, each.source, "",
        )
        for table, columns in tables.items()
        for each in columns
    ]  # fmt: skip
    facts = [*_facts(manifest, lexicon)]
    facts += [
        ("methods_zh", "测量方法", "methods (Chinese)", methods(manifest, lexicon, "zh", measures)),
        ("methods_en", "测量方法（英文）", "methods", methods(manifest, lexicon, "en", measures)),
    ]
    rows += [(RUN, name, zh, en, *[""] * 8, value) for name, zh, en, value in facts]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").with_columns(pl.all().replace("", None))


def _facts(manifest: Mapping[str, Any], lexicon: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    """Return name, label in Chinese and English, and value of what the manifest and the lexicon say."""
    its, summary = manifest["lexicon"], manifest["summary"]
    ended = datetime.fromtimestamp(manifest["ended"], UTC).isoformat(timespec="seconds") if "ended" in manifest else ""
    count = count_lexicon(lexicon)
    facts: list[tuple[str, str, str, Any]] = [
        ("engine", "引擎版本", "version of the engine", manifest["engine"]),
        ("run", "运行编号", "id of the run", manifest["run"]),
        ("version", "结果版本", "version of the output", manifest["version"]),
        ("ended", "完成时间", "when it was done", ended),
        ("lexicon_id", "词典", "lexicon", its["id"]),
        ("lexicon_title", "词典名称", "title of the lexicon", its["title"]),
        ("lexicon_version", "词典版本", "version of the lexicon", its["version"]),
        ("lexicon_hash", "词典散列值", "hash of the lexicon", its["hash"]),
        ("lexicon_source", "词典来源", "source of the lexicon", its["source"]),
        ("match", "重叠的处理", "which of overlapping hits count", its["match"]),
        ("fold", "异体归一", "whether spellings are folded", "yes" if its["fold"] else "no"),
        ("boundaries", "词边界", "word boundaries", its["boundaries"]),
        ("terms", "词条数", "terms", count["terms"]),
        ("dimensions", "维度数", "dimensions", count["dimensions"]),
        ("categories", "类别数", "categories", count["categories"]),
        ("variants", "异写数", "variants", count["variants"]),
        ("guards", "排除短语数", "guards", count["guards"]),
        ("unless", "例外短语数", "exceptions to guards", count["unless"]),
    ]
    facts += [
        (f"option_{name}", f"选项 {name}", f"option {name}", "none" if value in {None, ""} else value)
        for name, value in sorted(manifest["options"].items())
    ]
    for status, reasons in count_outcomes(manifest).items():
        facts.append((f"reports_{status}", f"报告数：{status}", f"reports {status}", sum(reasons.values())))
        facts += [
            (f"reports_{status}_{reason}", f"报告数：{status}，{reason}", f"reports {status}, {reason}", number)
            for reason, number in sorted(reasons.items())
            if reason
        ]
    called = {
        "hits": ("计入的命中", "hits counted"),
        "suppressed": ("排除的命中", "hits suppressed"),
        "chars": ("计入的字符", "characters counted"),
        "clauses": ("计入的分句", "clauses counted"),
    }
    facts += [(name, *called[name], summary["tallies"].get(name, 0)) for name in called]
    return [(name, zh, en, str(value)) for name, zh, en, value in facts]


def show_codebook(codebook: pl.DataFrame, language: Language = "zh") -> str:
    """Return a codebook as Markdown in one language: the methods paragraph, a table of variables each, the facts."""
    check_choice(language, "language", ("zh", "en"))
    zh = language == "zh"
    facts = codebook.filter(pl.col("table") == RUN)
    known = dict(facts.select("name", "value").iter_rows())
    lines = ["# 测量方法与变量说明" if zh else "# Methods and codebook", "", known[f"methods_{language}"] or "", ""]
    head = ("变量", "标签", "含义", "公式", "单位", "依据") if zh else (
        "variable", "label", "meaning", "formula", "unit", "source",
    )  # fmt: skip
    for (table,), rows in codebook.filter(pl.col("table") != RUN).group_by("table", maintain_order=True):
        lines += [f"## {table}", "", *_row(head), *_row(["---"] * len(head))]
        end = "_zh" if zh else ""
        columns = ("name", f"label_{language}", f"meaning_{language}", f"formula{end}", f"unit{end}", f"source{end}")
        lines += [line for row in rows.select(columns).iter_rows() for line in _row(row)]
        lines.append("")
    lines += [
        "## 运行" if zh else "## The run",
        "",
        *_row(("项目", "值") if zh else ("fact", "value")),
        *_row(["---"] * 2),
    ]
    shown = facts.filter(~pl.col("name").str.starts_with("methods_")).select(f"label_{language}", "value")
    lines += [line for row in shown.iter_rows() for line in _row(row)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[Any]) -> list[str]:
    texts = (" ".join(str("" if cell is None else cell).replace("|", "\\|").split()) for cell in cells)
    return [f"| {' | '.join(texts)} |"]
