"""A methods paragraph from a run's manifest: what was counted, where and how, so that a number can be rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import polars as pl

from cipin.arguments import check_choice
from cipin.measuring.columns import STATUSES, WORDS, Language, codes_of
from cipin.measuring.measures import MEASURES, check_measures

#: What cannot be told of reports that are measured, or is doubtful about all of them.
DOUBTFUL = MappingProxyType(
    {
        "no_entity": ("已测量而主体不明的报告", "measured reports without an entity"),
        "no_year": ("已测量而年度不明的报告", "measured reports without a fiscal year"),
        "same_text": (
            "与另一份同文的报告（每份文本的第一份不计）",
            "reports of the same text as another, beyond the first of each",
        ),
        "several_reports": ("有多份报告的主体与年度（均已知）", "entities and years, both known, with several reports"),
    }
)
#: Why hits are not counted, in Chinese and English.
CAUSES = MappingProxyType(
    {
        "boundary": ("词边界", "a boundary"),
        "guard": ("排除短语", "a guard"),
        "overlap": ("重叠", "an overlap"),
        "skip": ("所在部分不计", "a part of the report that is not counted"),
    }
)


def methods(
    manifest: Mapping[str, Any],
    lexicon: pl.DataFrame,
    language: Language = "zh",
    measures: Sequence[str] = (),
    suppressed: Mapping[str, int] | None = None,
) -> str:
    """Return how a run measured, as a paragraph in Chinese or English.

    manifest   of the run
    lexicon    the table of that name
    measures   of cipin.measuring.measures.MEASURES, whose formulas are to be stated
    suppressed hits that are not counted, by cause (see count_causes); None: all causes are named, without numbers

    Everything in it is said by the manifest and the lexicon; what a run did not do is not mentioned.
    """
    check_choice(language, "language", ("zh", "en"))
    chosen = check_measures(measures)
    say = _chinese if language == "zh" else _english
    sentences = say(manifest, count_lexicon(lexicon), chosen, suppressed)
    return ("" if language == "zh" else " ").join(each for each in sentences if each)


def count_lexicon(lexicon: pl.DataFrame) -> dict[str, int]:
    """Return how many terms, dimensions, categories, variants, guards and exceptions a lexicon has."""
    lists = {name: int(lexicon[name].list.len().sum() or 0) for name in ("variants", "guards", "unless")}
    groups = {
        "dimensions": lexicon["dimension"].n_unique(),
        "categories": lexicon.select(pl.struct("dimension", "category").n_unique()).item() if len(lexicon) else 0,
    }
    return {"terms": len(lexicon), **groups, **lists}


def count_outcomes(manifest: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return how many reports ended each way: status → reason → number; a status without reasons has ""."""
    found: dict[str, dict[str, int]] = {status: {} for status in STATUSES}
    for outcome, number in manifest["summary"]["outcomes"].items():
        status, _, reason = outcome.partition(":")
        if number:
            found.setdefault(status, {})[reason] = int(number)
    return found


def count_causes(hits: pl.LazyFrame) -> dict[str, int]:
    """Return how many hits of a table are suppressed for each cause, in the order of CAUSES."""
    cause = pl.col("reason").str.extract("^([^:]+)")
    found = dict(hits.filter(~pl.col("kept")).group_by(cause).len().collect(engine="streaming").iter_rows())
    return {name: int(found[name]) for name in CAUSES if name in found}


def _names(text: str | None) -> list[str]:
    return [each for each in (text or "").split(",") if each]


def _reason(reason: str, language: int) -> str:
    """Return why a report was not measured, in Chinese (0) or English (1)."""
    return codes_of("reports", "reason").get(reason, (reason, reason))[language]


def _doubtful(manifest: Mapping[str, Any]) -> Mapping[str, int]:
    found = manifest["summary"].get("doubtful", {})
    return {name: int(found.get(name, 0)) for name in DOUBTFUL}


def _registry(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    name, _, sum_ = (manifest["options"].get("registry") or "none:").rpartition(":")
    return None if name == "none" else (name, sum_)


# ------------------------------------------------------------------------------------------------ Chinese


def _chinese(
    manifest: Mapping[str, Any],
    count: Mapping[str, int],
    measures: Sequence[str],
    suppressed: Mapping[str, int] | None,
) -> list[str]:
    lexicon, options, tallies = manifest["lexicon"], manifest["options"], manifest["summary"]["tallies"]
    named = f"“{lexicon['title']}”，" if lexicon["title"] else ""
    source = f"，来源：{lexicon['source'].rstrip('。.')}" if lexicon["source"] else ""
    spellings = f"，连同 {count['variants']:,} 个异写" if count["variants"] else ""
    as_terms = "；异写计入其词条。" if count["variants"] else "。"
    return [
        f"文本测量使用 cipin（引擎 {manifest['engine']}，运行 {manifest['run']}，结果第 {manifest['version']} 版）。",
        f"词典为 {lexicon['id']}（{named}词典第 {lexicon['version']} 版，散列值 {lexicon['hash']}{source}），"
        f"共 {count['terms']:,} 个词条{spellings}，分属 {count['dimensions']:,} 个维度、{count['categories']:,} 个类别"
        f"{as_terms}",
        "查找时，繁体与简体、全角与半角、大写与小写、部首与兼容字形视为相同。"
        if lexicon["fold"]
        else "查找时，繁体与简体、全角与半角、大写与小写均视为不同。",
        {
            "latin": "以拉丁字母或数字起止的词，该处之外不得紧接拉丁字母或数字（5G 不计入 5Gwh）；汉字不要求词边界。",
            "jieba": "以拉丁字母或数字起止的词，该处之外不得紧接拉丁字母或数字；"
                     "命中的起止还须与结巴词典分词（不用 HMM，不加用户词）的切分处一致。",
            "none": "任何词都不要求词边界。",
        }[lexicon["boundaries"]],
        _guards_zh(count),
        {
            "leftmost-longest": "命中相互重叠时，取起点最先者，起点相同则取最长者，其余不计。",
            "all": "命中相互重叠时，每一个都计。",
        }[lexicon["match"]],
        {
            "default": "分句止于逗号、句号、分号、冒号、叹号、问号、省略号、行末及相应的英文标点；"
                       "括号与书名号内的全角逗号、数字之间的英文标点、"
                       "拉丁字母之后的点（英文句末除外）不断句。",
            "blank": "分句止于逗号、句号、分号、冒号、叹号、问号、相应的英文标点、空格及行末。",
        }[options["clauses"]],
        _skipped_zh(options),
        _repairs_zh(options),
        _text_zh(options),
        _whose_zh(manifest),
        _outcomes_zh(manifest),
        _doubtful_zh(manifest),
        f"共计入 {tallies['hits']:,} 次命中，{_suppressed_zh(tallies['suppressed'], suppressed)}。",
        f"作分母的文本共 {tallies['chars']:,} 个字符、{tallies['clauses']:,} 个分句；分子与分母取自同一文本，"
        "不计的部分两者均不含。",
        "一组（如主体与年度）有已测量的报告而词未出现，记为零；没有可读的报告，则该组缺失，不记为零。",
        *(_measure_zh(name) for name in measures),
    ]  # fmt: skip


def _suppressed_zh(total: int, causes: Mapping[str, int] | None) -> str:
    if not total:
        return "没有排除的命中"
    if causes is None:
        return f"另有 {total:,} 次因词边界、排除短语、重叠或所在部分不计而排除，并逐条留有原因"
    said = "、".join(f"{CAUSES[cause][0]} {number:,} 次" for cause, number in causes.items())
    order = "先后按词边界、排除短语、重叠、所在部分判定，记最先者；因前两者排除的，不参与重叠"
    return f"另有 {total:,} 次排除，并逐条留有原因：{said}（{order}）"


def _guards_zh(count: Mapping[str, int]) -> str:
    if not count["guards"]:
        return "词典没有排除短语。"
    unless = f"，除非同时落在其 {count['unless']:,} 条例外短语之一中" if count["unless"] else ""
    return f"命中落在所属词条的排除短语（各词条合计 {count['guards']:,} 条）中则不计{unless}。"


def _skipped_zh(options: Mapping[str, Any]) -> str:
    skip, only = (
        "、".join(f"{WORDS[each][0]}（{each}）" if each in WORDS else each for each in _names(options.get(name)))
        for name in ("skip", "only")
    )
    parts = [f"只计主题为{only}的章节" if only else "", f"不计{skip}" if skip else ""]
    return "；".join(each for each in parts if each) + "。" if skip or only else "报告的各个部分都计入。"


def _repairs_zh(options: Mapping[str, Any]) -> str:
    off = _names(options.get("no_repair"))
    return f"版面修复中关闭了 {'、'.join(off)}，其余均进行。" if off else "版面修复均进行。"


def _text_zh(options: Mapping[str, Any]) -> str:
    said = f"表格文件的正文取自 {options['text_column']} 列。" if options.get("text_column") else ""
    if options.get("max_chars"):
        said += f"超过 {int(options['max_chars']):,} 个字符的报告不读。"
    if options.get("words"):
        said += "词数按结巴词典切分（不用 HMM）计。"
    return said


def _whose_zh(manifest: Mapping[str, Any]) -> str:
    options, registry = manifest["options"], _registry(manifest)
    first = f"主体名称经名录 {registry[0]}（散列值 {registry[1]}）归一" if registry else "主体名称不经名录归一"
    known = {"entity_from": "主体", "year_from": "会计年度"}
    chosen = [f"{known[each]}取自 {options[each]}" for each in known if options.get(each)]
    weighed = "与".join(known[each] for each in known if not options.get(each))
    if weighed:
        chosen.append(f"{weighed}取文件名、封面、页眉、标题等依据中可信度最高者，可信度不足 0.25 者不取")
    return "；".join([first, *chosen]) + "。"


def _outcomes_zh(manifest: Mapping[str, Any]) -> str:
    outcomes = count_outcomes(manifest)
    parts = []
    for status, reasons in outcomes.items():
        if number := sum(reasons.values()):
            why = "、".join(f"{_reason(reason, 0)} {each:,} 份" for reason, each in sorted(reasons.items()) if reason)
            also = "（同样测量）" if status == "teaser" else ""
            parts.append(f"{STATUSES[status][0]} {number:,} 份{also}{f'（{why}）' if why else ''}")
    total = sum(sum(reasons.values()) for reasons in outcomes.values())
    return f"共有报告 {total:,} 份{'，其中' if parts else ''}{'，'.join(parts)}。"


def _doubtful_zh(manifest: Mapping[str, Any]) -> str:
    found = _doubtful(manifest)
    said = [f"主体不明 {found['no_entity']:,} 份" if found["no_entity"] else ""]
    said += [f"年度不明 {found['no_year']:,} 份" if found["no_year"] else ""]
    text = "、".join(each for each in said if each)
    if text:
        text = f"已测量的报告中，{text}，主体或年度为空，为空者各合为一组。"
    if found["same_text"]:
        text += f"有 {found['same_text']:,} 份报告与另一份同文（每份文本的第一份不计），仍各自计入。"
    return text


def _measure_zh(name: str) -> str:
    measure = MEASURES[name]
    formula, source = measure.formula_zh or measure.formula, measure.source_zh or measure.source
    return f"{measure.zh}（{name}）= {formula}；依据：{source.rstrip('。.')}。"


# ------------------------------------------------------------------------------------------------ English


def _english(
    manifest: Mapping[str, Any],
    count: Mapping[str, int],
    measures: Sequence[str],
    suppressed: Mapping[str, int] | None,
) -> list[str]:
    lexicon, options, tallies = manifest["lexicon"], manifest["options"], manifest["summary"]["tallies"]
    named = f"“{lexicon['title']}”, " if lexicon["title"] else ""
    source = f"; source: {lexicon['source'].rstrip('。.')}" if lexicon["source"] else ""
    as_terms = "which counts as its term" if count["variants"] == 1 else "which count as their terms"
    variants = f" and {_n(count['variants'], 'variant')}, {as_terms}," if count["variants"] else ""
    return [
        f"Texts were measured with cipin (engine {manifest['engine']}, run {manifest['run']}, version "
        f"{manifest['version']} of its output).",
        f"The lexicon is {lexicon['id']} ({named}version {lexicon['version']}, hash {lexicon['hash']}{source}). It has "
        f"{_n(count['terms'], 'term')}{variants} in {_n(count['dimensions'], 'dimension')} and "
        f"{_n(count['categories'], 'category', 'categories')}.",
        "Traditional and Simplified characters, full and half width, upper and lower case, radicals and compatibility "
        "ideographs were taken as the same."
        if lexicon["fold"]
        else "Traditional and Simplified characters, full and half width, and upper and lower case were told apart.",
        {
            "latin": "A term that begins or ends in a Latin letter or digit must not have another beside it there (5G "
                     "is not counted in 5Gwh); Chinese characters need no word boundary.",
            "jieba": "A term that begins or ends in a Latin letter or digit must not have another beside it there, and "
                     "a hit must begin and end where jieba's dictionary (no HMM, no user words) cuts the text.",
            "none": "No word boundaries were asked for.",
        }[lexicon["boundaries"]],
        _guards_en(count),
        {
            "leftmost-longest": "Of hits that overlap, the one that begins first counts, and of those that begin "
                                "together the longest.",
            "all": "Of hits that overlap, each counts.",
        }[lexicon["match"]],
        {
            "default": "A clause ends at ， 。 ； ： ！ ？ …, at a line end and at the corresponding ASCII marks, but "
                       "not at a full-width comma within brackets or title marks, nor at an ASCII mark between digits, "
                       "nor at a dot behind a Latin letter that ends no sentence.",
            "blank": "A clause ends at ， 。 ； ： ！ ？, at the corresponding ASCII marks, at a blank and at a line "
                     "end.",
        }[options["clauses"]],
        _skipped_en(options),
        _repairs_en(options),
        _text_en(options),
        _whose_en(manifest),
        _outcomes_en(manifest),
        _doubtful_en(manifest),
        f"In all, {_n(tallies['hits'], 'hit')} {_were(tallies['hits'])} counted; "
        f"{_suppressed_en(tallies['suppressed'], suppressed)}.",
        f"The text that denominators are taken from has {_n(tallies['chars'], 'character')} and "
        f"{_n(tallies['clauses'], 'clause')}; numerator and denominator are of the same text, and what is not counted "
        "is in neither.",
        "A group (such as an entity and year) with measured reports in which a term does not occur has zero; a group "
        "without a readable report is missing, never zero.",
        *(_measure_en(name) for name in measures),
    ]  # fmt: skip


def _n(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _suppressed_en(total: int, causes: Mapping[str, int] | None) -> str:
    if not total:
        return "none was suppressed"
    said = f"{total:,} more {_were(total)} suppressed, each with its reason: "
    if causes is None:
        return said + "a boundary, a guard, an overlap, or a part of the report that is not counted"
    named = _and([f"{CAUSES[cause][1]} ({number:,})" for cause, number in causes.items()])
    order = "judged in the order boundary, guard, overlap, part of the report, the first being the reason"
    return f"{said}{named} ({order}; what a boundary or guard suppresses overlaps nothing)"


def _guards_en(count: Mapping[str, int]) -> str:
    if not count["guards"]:
        return "The lexicon has no guards."
    unless = f", unless it is also within one of {_n(count['unless'], 'exception')}" if count["unless"] else ""
    return (
        f"A hit within a guard of its term, a phrase in which the term does not count ({count['guards']:,} over all "
        f"terms), is not counted{unless}."
    )


def _skipped_en(options: Mapping[str, Any]) -> str:
    skip, only = (
        [f"{WORDS[each][1]} ({each})" if each in WORDS else each for each in _names(options.get(name))]
        for name in ("skip", "only")
    )
    said = f"Only sections of these topics are counted: {_and(only)}. " if only else ""
    said += f"Not counted are {_and(skip)}." if skip else ""
    return said.strip() or "Every part of a report is counted."


def _repairs_en(options: Mapping[str, Any]) -> str:
    off = _names(options.get("no_repair"))
    if not off:
        return "All repairs of layout were made."
    return f"Repairs of layout were made, but for {_and(off)}, which {'was' if len(off) == 1 else 'were'} switched off."


def _text_en(options: Mapping[str, Any]) -> str:
    said = []
    if options.get("text_column"):
        said.append(f"The text of tables is their column {options['text_column']}.")
    if options.get("max_chars"):
        said.append(f"Reports of more than {_n(int(options['max_chars']), 'character')} were not read.")
    if options.get("words"):
        said.append("Words were counted as jieba's dictionary (no HMM) cuts the text.")
    return " ".join(said)


def _whose_en(manifest: Mapping[str, Any]) -> str:
    options, registry = manifest["options"], _registry(manifest)
    known = {"entity_from": "the entity", "year_from": "the fiscal year"}
    first = (
        f"Names of entities were made one by the registry {registry[0]} (hash {registry[1]})"
        if registry
        else "Names of entities were left as they are, without a registry"
    )
    chosen = [f"{known[each]} was taken from {options[each]}" for each in known if options.get(each)]
    if weighed := [known[each] for each in known if not options.get(each)]:
        chosen.append(
            f"{_and(weighed)} {'was' if len(weighed) == 1 else 'were'} taken from whichever of file name, cover, "
            "running heads, title and the like is believed most, and from none that is believed less than 0.25"
        )
    return "; ".join([first, *chosen]) + "."


def _outcomes_en(manifest: Mapping[str, Any]) -> str:
    outcomes = count_outcomes(manifest)
    parts = []
    for status, reasons in outcomes.items():
        if number := sum(reasons.values()):
            why = ", ".join(f"{_reason(reason, 1)}: {each:,}" for reason, each in sorted(reasons.items()) if reason)
            word = STATUSES[status][1]
            if status == "teaser":
                word = "measured although only the beginning is there"
            parts.append(f"{number:,} {_were(number)} {word}{f' ({why})' if why else ''}")
    total = sum(sum(reasons.values()) for reasons in outcomes.values())
    head = f"There {_were(total)} {_n(total, 'report')}"
    return f"{head}, of which {_and(parts)}." if parts else f"{head}."


def _doubtful_en(manifest: Mapping[str, Any]) -> str:
    found = _doubtful(manifest)
    said = [f"without an entity: {found['no_entity']:,}"] if found["no_entity"] else []
    said += [f"without a fiscal year: {found['no_year']:,}"] if found["no_year"] else []
    text = f"Reports that were measured {_and(said)}; what is missing is a group of its own." if said else ""
    if number := found["same_text"]:
        same = (
            "has the same text as another (the first aside), and counts"
            if number == 1
            else "have the same texts as others (the first of each aside), and count"
        )
        text += f"{' ' if text else ''}{_n(number, 'report')} {same} nevertheless."
    return text


def _measure_en(name: str) -> str:
    measure = MEASURES[name]
    label = measure.en[0].upper() + measure.en[1:]
    return f"{label} ({name}) = {measure.formula}; after: {measure.source.rstrip('。.')}."
