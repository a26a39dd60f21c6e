"""The codebook of an export: what each variable means, and what the run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import polars as pl

from cipin.arguments import check_choice
from cipin.measuring.columns import STATUSES, WORDS, Column, Language, codes_of, describe
from cipin.measuring.measures import UNITS_ZH
from cipin.measuring.methods import CAUSES, DOUBTFUL, count_lexicon, count_outcomes, methods

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


#: What options are called, in Chinese and English.
OPTIONS = MappingProxyType(
    {
        "clauses": ("分句规则", "how clauses are cut"),
        "entity_from": ("主体取自", "what the entity is taken from"),
        "year_from": ("年度取自", "what the year is taken from"),
        "registry": ("主体名录", "registry of entities"),
        "skip": ("不计的行与章节", "lines and sections that are not counted"),
        "only": ("只计的章节", "sections that alone are counted"),
        "no_repair": ("关闭的版面修复", "repairs of layout that are off"),
        "text_column": ("正文所在的列", "column that holds the text"),
        "max_chars": ("报告的最多字符数", "most characters of a report"),
        "words": ("是否计词", "whether words are counted"),
        "format": ("结果表的格式", "format of the tables"),
        "matcher": ("匹配算法（不影响结果）", "matcher (changes no result)"),
    }
)
#: What values of facts are called, besides those of codes.
CHOICES = MappingProxyType(
    {
        "none": ("无", "none"), "yes": ("是", "yes"), "no": ("否", "no"), "default": ("默认", "default"),
        "blank": ("空格也断句", "a blank ends a clause, too"),
        "leftmost-longest": ("最先者，其次最长者", "the first, then the longest"),
        "all": ("每一个都计", "each counts"), "latin": ("仅拉丁字母与数字", "Latin letters and digits alone"),
        "jieba": ("结巴分词", "words as jieba cuts them"),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """What a run, or an index, says of itself: its label in Chinese and English, its value, and that in words."""

    name: str
    zh: str
    en: str
    value: Any
    said_zh: str = ""
    said_en: str = ""


def describe_all(table: str, names: Sequence[str]) -> tuple[Column, ...]:
    """Return what each column of a table means."""
    return tuple(describe(table, name) for name in names)


def make_codebook(
    tables: Mapping[str, Sequence[Column]],
    manifest: Mapping[str, Any],
    lexicon: pl.DataFrame,
    measures: Sequence[str] = (),
    suppressed: Mapping[str, int] | None = None,
    more: Sequence[Fact] = (),
    closing: tuple[str, str] = ("", ""),
) -> pl.DataFrame:
    """Return a row for each variable of each table, then one for each code that it may hold, then the run's facts.

    measures     whose formulas the methods paragraphs state
    suppressed   as of cipin.measuring.methods.methods
    more         further facts, which stand first
    closing      what the methods paragraphs end with, in Chinese and English

    `value` is a code, or what a fact says; of a variable it is null.
    """
    rows: list[tuple[str, ...]] = [
        (
            table, each.name, each.zh, each.en, each.meaning_zh, each.meaning_en, each.formula_zh or each.formula,
            each.formula, UNITS_ZH.get(each.unit, each.unit), each.unit, each.source_zh or each.source, each.source, "",
        )
        for table, columns in tables.items()
        for each in columns
    ]  # fmt: skip
    rows += [
        (table, each.name, zh, en, *[""] * 8, code)
        for table, columns in tables.items()
        for each in columns
        for code, (zh, en) in codes_of(table, each.name).items()
    ]
    zh = methods(manifest, lexicon, "zh", measures, suppressed) + closing[0]
    en = " ".join(each for each in (methods(manifest, lexicon, "en", measures, suppressed), closing[1]) if each)
    facts = [
        *more,
        *_facts(manifest, lexicon, suppressed),
        Fact("methods_zh", "测量方法", "methods (Chinese)", zh),
        Fact("methods_en", "测量方法（英文）", "methods", en),
    ]
    rows += [
        (RUN, each.name, each.zh, each.en, each.said_zh, each.said_en, *[""] * 6, str(each.value)) for each in facts
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").with_columns(pl.all().replace("", None))


def _facts(manifest: Mapping[str, Any], lexicon: pl.DataFrame, suppressed: Mapping[str, int] | None) -> list[Fact]:
    """Return what the manifest and the lexicon say."""
    its, summary = manifest["lexicon"], manifest["summary"]
    ended = datetime.fromtimestamp(manifest["ended"], UTC).isoformat(timespec="seconds") if "ended" in manifest else ""
    count = count_lexicon(lexicon)
    facts = [
        Fact("engine", "引擎版本", "version of the engine", manifest["engine"]),
        *(
            Fact(f"library_{name}", f"{name} 版本", f"version of {name}", value)
            for name, value in sorted(manifest.get("libraries", {}).items())
        ),
        Fact("run", "运行编号", "id of the run", manifest["run"]),
        Fact("version", "结果版本", "version of the output", manifest["version"]),
        Fact("ended", "完成时间", "when it was done", ended),
        Fact("lexicon_id", "词典", "lexicon", its["id"]),
        Fact("lexicon_title", "词典名称", "title of the lexicon", its["title"]),
        Fact("lexicon_version", "词典版本", "version of the lexicon", its["version"]),
        Fact("lexicon_hash", "词典散列值", "hash of the lexicon", its["hash"]),
        Fact("lexicon_source", "词典来源", "source of the lexicon", its["source"]),
        _choice("match", "重叠的处理", "which of overlapping hits count", its["match"]),
        _choice("fold", "异体归一", "whether spellings are folded", "yes" if its["fold"] else "no"),
        _choice("boundaries", "词边界", "word boundaries", its["boundaries"]),
        Fact("terms", "词条数", "terms", count["terms"]),
        Fact("dimensions", "维度数", "dimensions", count["dimensions"]),
        Fact("categories", "类别数", "categories", count["categories"]),
        Fact("variants", "异写数", "variants", count["variants"]),
        Fact("guards", "排除短语数", "guards", count["guards"]),
        Fact("unless", "例外短语数", "exceptions to guards", count["unless"]),
    ]
    for name, value in sorted(manifest["options"].items()):
        zh, en = OPTIONS.get(name, (name, name))
        fact = _choice(f"option_{name}", f"选项：{zh}", f"option {name}: {en}", value or "none")
        if name in {"entity_from", "year_from"} and not value:
            fact = replace(fact, said_zh="未指定，取依据中可信度最高者", said_en="not told: what is believed most")
        facts.append(fact)
    for status, reasons in count_outcomes(manifest).items():
        zh, en = STATUSES.get(status, (status, status))
        facts.append(Fact(f"reports_{status}", f"报告数：{zh}", f"reports {en}", sum(reasons.values())))
        for reason, number in sorted(reasons.items()):
            if reason:
                why = codes_of("reports", "reason").get(reason, (reason, reason))
                name = f"reports_{status}_{reason}"
                facts.append(Fact(name, f"报告数：{zh}，{why[0]}", f"reports {en}: {why[1]}", number))
    called = {
        "hits": ("计入的命中", "hits counted"),
        "suppressed": ("排除的命中", "hits suppressed"),
        "chars": ("计入的字符", "characters counted"),
        "clauses": ("计入的分句", "clauses counted"),
    }
    facts += [Fact(name, *called[name], summary["tallies"].get(name, 0)) for name in called]
    doubtful = summary.get("doubtful", {})
    facts += [Fact(name, *said, doubtful.get(name, 0)) for name, said in DOUBTFUL.items()]
    for cause, number in (suppressed or {}).items():
        zh, en = CAUSES[cause]
        facts.append(Fact(f"suppressed_{cause}", f"排除的命中：{zh}", f"hits suppressed: {en}", number))
    return facts


def _choice(name: str, zh: str, en: str, value: str) -> Fact:
    """Return a fact whose value is a code, or several, with what they are called."""
    names = value.split(",")
    known = [{**WORDS, **CHOICES}.get(each) for each in names]
    said = ["、".join(each[0] for each in known if each), ", ".join(each[1] for each in known if each)]
    return Fact(name, zh, en, value, *said) if all(known) else Fact(name, zh, en, value)


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
    end = "_zh" if zh else ""
    said = f"meaning_{language}"
    variables = ("name", f"label_{language}", said, f"formula{end}", f"unit{end}", f"source{end}")
    coded = ("变量", "取值", "含义") if zh else ("variable", "code", "meaning")
    for (table,), rows in codebook.filter(pl.col("table") != RUN).group_by("table", maintain_order=True):
        lines += [f"## {table}", "", *_table(head, rows.filter(pl.col("value").is_null()).select(variables))]
        codes = rows.filter(pl.col("value").is_not_null())
        if len(codes):
            lines += _table(coded, codes.select("name", "value", f"label_{language}"))
    shown = facts.filter(~pl.col("name").str.starts_with("methods_")).select(
        f"label_{language}",
        pl.when(pl.col(said).is_null() | (pl.col(said) == pl.col("value")))
        .then("value")
        # Words that say it all: there is nothing to be looked up.
        .when((pl.col("value") == "none") | (pl.col("value") == pl.col("meaning_en")))
        .then(said)
        .otherwise(pl.format("{}（{}）" if zh else "{} ({})", "value", said)),
    )
    lines += ["## 运行" if zh else "## The run", "", *_table(("项目", "值") if zh else ("fact", "value"), shown)]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: pl.DataFrame) -> list[str]:
    return [
        *_row(head),
        *_row(["---"] * len(head)),
        *(line for row in rows.iter_rows() for line in _row(row)),
        "",
    ]


def _row(cells: Sequence[Any]) -> list[str]:
    texts = (" ".join(str("" if cell is None else cell).replace("|", "\\|").split()) for cell in cells)
    return [f"| {' | '.join(texts)} |"]
