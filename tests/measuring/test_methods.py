"""Methods paragraphs and codebooks say what the manifest says, and follow it when it changes."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import polars as pl
import pytest

import cipin
from cipin.measuring.codebook import describe_all, make_codebook, show_codebook
from cipin.measuring.measures import MEASURES
from cipin.measuring.methods import methods

MANIFEST: dict[str, Any] = {
    "engine": "0.1.0+abc",
    "run": "run1",
    "version": 3,
    "ended": 0,
    "lexicon": {
        "id": "two",
        "version": "7",
        "hash": "beef",
        "title": "两词词典",
        "source": "某某 (2020).",
        "match": "leftmost-longest",
        "fold": True,
        "boundaries": "latin",
    },
    "options": {
        "clauses": "default",
        "entity_from": None,
        "year_from": None,
        "registry": "banks-cn:feed",
        "skip": "running_head,toc",
        "only": "",
        "no_repair": "",
        "text_column": None,
        "format": "parquet",
    },
    "summary": {
        "outcomes": {
            "measured": 1234,
            "teaser": 1,
            "dropped:empty": 2,
            "quarantined:binary": 1,
            "quarantined:timeout": 3,
        },
        "tallies": {"chars": 5_000_000, "clauses": 400_000, "hits": 1, "suppressed": 12},
    },
}
LEXICON = pl.DataFrame(
    {
        "dimension": ["技术", "业务"],
        "category": ["数据", "支付"],
        "variants": [["大資料"], []],
        "guards": [["加大数据", "四大数据"], []],
        "unless": [[], []],
    },
    schema_overrides={"unless": pl.List(pl.String), "variants": pl.List(pl.String), "guards": pl.List(pl.String)},
)


def changed(**changes: Any) -> dict[str, Any]:
    manifest = deepcopy(MANIFEST)
    for place, value in changes.items():
        part, _, name = place.partition("__")
        manifest[part][name] = value
    return manifest


def test_chinese_says_all_of_it() -> None:
    text = methods(MANIFEST, LEXICON)
    for words in (
        "引擎 0.1.0+abc", "运行 run1", "第 3 版", "two（“两词词典”，词典第 7 版，散列值 beef，来源：某某 (2020)）",
        "共 2 个词条，连同 1 个异写，分属 2 个维度、2 个类别",
        "繁体与简体、全角与半角、大写与小写、部首与兼容字形视为相同",
        "5G 不计入 5Gwh", "合计 2 条", "起点最先者", "不计页眉页脚（running_head）、目录（toc）", "版面修复均进行",
        "名录 banks-cn（散列值 feed）",
        "共有报告 1,241 份，其中已测量 1,234 份，仅有开头 1 份（同样测量），舍弃 2 份（没有正文 2 份），"
        "隔离 4 份（不是文本 1 份、解析超时 3 份）。",
        "共计入 1 次命中，另有 12 次", "5,000,000 个字符、400,000 个分句", "记为零", "缺失",
    ):  # fmt: skip
        assert words in text, words


def test_english_says_all_of_it() -> None:
    text = methods(MANIFEST, LEXICON, "en")
    for words in (
        "engine 0.1.0+abc, run run1, version 3",
        "The lexicon is two (“两词词典”, version 7, hash beef; source: 某某 (2020)).",
        "It has 2 terms and 1 variant, which counts as its term, in 2 dimensions and 2 categories.",
        "were taken as the same", "5G is not counted in 5Gwh", "(2 over all terms)", "the one that begins first counts",
        "Not counted are running heads (running_head) and tables of contents (toc).",
        "All repairs of layout were made.",
        "the registry banks-cn (hash feed); the entity and the fiscal year were taken from",
        "There were 1,241 reports, of which 1,234 were measured, 1 was measured although only the beginning is there, "
        "2 were dropped (no text in it: 2) and 4 were quarantined (bytes "
        "that are no text: 1, its parser took too long: 3).",
        "In all, 1 hit was counted; 12 more were suppressed", "5,000,000 characters and 400,000 clauses",
        "has zero", "is missing, never zero",
    ):  # fmt: skip
        assert words in text, words


#: A change of the manifest, and what then stands in Chinese and in English.
CHANGES = [
    ({"lexicon__match": "all"}, "每一个都计", "Of hits that overlap, each counts."),
    ({"lexicon__fold": False}, "均视为不同", "were told apart"),
    ({"lexicon__boundaries": "jieba"}, "结巴词典分词", "where jieba's dictionary"),
    ({"lexicon__boundaries": "none"}, "任何词都不要求词边界。", "No word boundaries were asked for."),
    ({"options__clauses": "blank"}, "空格及行末", "at a blank and at a line end"),
    ({"options__skip": ""}, "报告的各个部分都计入。", "Every part of a report is counted."),
    ({"options__skip": "notes"}, "不计财务报表附注（notes）。",
     "Not counted are notes to the financial statements (notes)."),
    ({"options__only": "mda", "options__skip": "toc"}, "只计主题为管理层讨论与分析（mda）的章节；不计目录（toc）。",
     "Only sections of these topics are counted: management's discussion and analysis (mda). Not counted are "),
    ({"options__no_repair": "wraps"}, "关闭了 wraps，", "but for wraps, which was switched off."),
    ({"options__no_repair": "wraps,page_breaks"}, "wraps、page_breaks",
     "wraps and page_breaks, which were switched off."),
    ({"options__registry": "none:00"}, "不经名录归一", "without a registry"),
    ({"options__entity_from": "column:bank"}, "主体取自 column:bank；会计年度取文件名",
     "the entity was taken from column:bank; the fiscal year was taken from whichever"),
    ({"options__year_from": "none", "options__entity_from": "parent"}, "会计年度取自 none。",
     "the fiscal year was taken from none."),
    ({"options__text_column": "body"}, "正文取自 body 列", "The text of tables is their column body."),
    ({"options__max_chars": "5000"}, "超过 5,000 个字符的报告不读",
     "Reports of more than 5,000 characters were not read."),
    ({"options__words": "yes"}, "词数按结巴词典", "Words were counted"),
    ({"lexicon__title": "", "lexicon__source": ""}, "two（词典第 7 版，散列值 beef），", "two (version 7, hash beef)."),
    ({"summary__outcomes": {"measured": 1}}, "共有报告 1 份，其中已测量 1 份。",
     "There was 1 report, of which 1 was measured."),
    ({"summary__outcomes": {}}, "共有报告 0 份。", "There were 0 reports."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "zh", "en"), CHANGES)
def test_what_changes_in_the_manifest_changes_in_the_text(changes: dict[str, Any], zh: str, en: str) -> None:
    for language, words in (("zh", zh), ("en", en)):
        assert words in methods(changed(**changes), LEXICON, language)  # type: ignore[arg-type]
        assert words not in methods(MANIFEST, LEXICON, language)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, *(each[0] for each in CHANGES)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_grammar(changes: dict[str, Any], language: Any) -> None:
    for lexicon in (LEXICON, LEXICON.head(1), LEXICON.tail(1)):
        text = methods(changed(**changes), lexicon, language, list(MEASURES))
        assert "None" not in text
        assert "{" not in text
        assert "  " not in text
        assert not re.search(r"[。.，,；;]{2}|（）|\(\)| [,.;]", text)
        assert not re.search(
            r"\b1 (terms|variants|dimensions|categories|exceptions|hits|reports|characters|were)\b", text
        )
        assert text.endswith("。" if language == "zh" else ".")


def test_formulas_of_the_measures_that_were_asked_for() -> None:
    for name, measure in MEASURES.items():
        zh = (measure.zh, measure.formula_zh or measure.formula, measure.source_zh or measure.source)
        for language, label, formula, source in (("zh", *zh), ("en", measure.en, measure.formula, measure.source)):
            text = methods(MANIFEST, LEXICON, language, [name])  # type: ignore[arg-type]
            plain = [each.replace("（", "(").replace("）", ")").replace(") =", ")=") for each in (text, formula)]
            assert f"({name})= {plain[1]}" in plain[0]
            assert label.lower() in text.lower()
            assert source.rstrip("。.") in text


def test_codebook_in_chinese_has_chinese_formulas_units_and_sources() -> None:
    english = re.compile("[A-Za-z]{3,} [A-Za-z]{3,}")
    book = make_codebook({"panel": describe_all("panel", [*MEASURES, "chars", "words", "year"])}, MANIFEST, LEXICON)
    for row in book.filter(pl.col("table") == "panel").to_dicts():
        assert not english.search(f"{row['formula_zh']} {row['unit_zh']}"), row
        assert row["unit_zh"] != row["unit"], row


def test_no_guards() -> None:
    assert "没有排除短语" in methods(MANIFEST, LEXICON.tail(1))
    assert "The lexicon has no guards." in methods(MANIFEST, LEXICON.tail(1), "en")


def test_codebook_has_a_row_a_variable_and_the_facts() -> None:
    columns = describe_all("panel", ["entity", "hits", "ln_hits", "chars"])
    book = make_codebook({"panel": columns}, MANIFEST, LEXICON, ["ln_hits"])
    rows = {(row["table"], row["name"]): row for row in book.to_dicts()}
    assert rows["panel", "ln_hits"] | {"meaning_zh": "", "meaning_en": ""} == {
        "table": "panel", "name": "ln_hits", "label_zh": "命中次数对数", "label_en": "log of hits", "meaning_zh": "",
        "meaning_en": "", "formula_zh": "ln(1 + hits)", "formula": "ln(1 + hits)", "unit_zh": "次数的对数",
        "unit": "log count", "source_zh": MEASURES["ln_hits"].source, "source": MEASURES["ln_hits"].source,
        "value": None,
    }  # fmt: skip
    values = {name: row["value"] for (table, name), row in rows.items() if table == "run"}
    assert values["lexicon_hash"] == "beef"
    assert values["terms"] == "2"
    assert values["reports_quarantined"] == "4"
    assert values["reports_quarantined_timeout"] == "3"
    assert values["option_skip"] == "running_head,toc"
    assert values["option_only"] == "none"
    assert values["suppressed"] == "12"
    assert values["ended"] == "1970-01-01T00:00:00+00:00"
    assert values["methods_zh"] == methods(MANIFEST, LEXICON, "zh", ["ln_hits"])
    assert values["methods_en"] == methods(MANIFEST, LEXICON, "en", ["ln_hits"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_codebook_as_markdown(language: Any) -> None:
    columns = describe_all("panel", ["entity", "a|b"])
    shown = show_codebook(make_codebook({"panel": columns}, MANIFEST, LEXICON), language)
    assert methods(MANIFEST, LEXICON, language) in shown
    assert "| a\\|b | a\\|b |" in shown
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert widths == {7, 3}


def test_every_topic_and_kind_has_a_name() -> None:
    from cipin.measuring.columns import STATUSES, TOPICS, WORDS
    from cipin.reading.labels import KINDS
    from cipin.running.skip import TOPIC_NAMES
    from cipin.schema import MEASURED

    assert set(WORDS) == {*KINDS, *TOPIC_NAMES}
    # Codes are given in this order: a name that moves changes the data of everybody who has exported.
    assert tuple(TOPICS) == TOPIC_NAMES
    assert tuple(STATUSES) == (*MEASURED, "dropped", "quarantined")


def test_unknown_language() -> None:
    with pytest.raises(cipin.UsageError, match="language 'fr': there are 'zh', 'en'"):
        methods(MANIFEST, LEXICON, "fr")  # type: ignore[arg-type]


def test_a_lexicon_without_variants_says_nothing_of_them() -> None:
    plain = LEXICON.with_columns(variants=pl.Series([[], []], dtype=pl.List(pl.String)))
    assert "异写" not in methods(MANIFEST, plain, "zh")
    assert "异写计入其词条。" in methods(MANIFEST, LEXICON, "zh")
