"""What an index is made of, in words: the formula of its choices, its columns, and the numbers that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cipin.measuring.codebook import Fact
from cipin.measuring.columns import Column, describe
from cipin.measuring.index import MOST_ITERATIONS, Index
from cipin.measuring.measures import MEASURES
from cipin.measuring.recipes import Recipe

#: Names of a list that a fact shows.
MOST_NAMED = 20
#: Facts of an index that is not made yet.
NO_FACTS: Mapping[str, Any] = MappingProxyType({})
#: Tables of an index, by name.
SCORES, WEIGHTS = "scores", "weights"

#: What is a column of the measure, in Chinese and English.
_LEVELS = MappingProxyType(
    {
        "term": ("词条", "term"),
        "category": ("类别", "category"),
        "dimension": ("维度", "dimension"),
        "lexicon": ("词典", "lexicon"),
    }
)
#: What stands in formulas of measures, and is no column of an index.
_HITS = ("，hits 为计入的出现次数", ", hits: counted occurrences")
_MEANT = MappingProxyType(
    {
        **dict.fromkeys(("ln_hits", "per_10k_chars", "per_10k_han", "per_10k_words", "tf_idf"), _HITS),
        "share_of_clauses": (
            "，clauses 为含有该项任一命中的不同分句数，一个分句只计一次",
            ", clauses: distinct clauses that hold a hit of any of its terms, each once",
        ),
        "share_of_reports": (
            "，reports_with 为含有该项任一命中的报告数",
            ", reports_with: reports that hold a hit of any of its terms",
        ),
    }
)
_SCALED = MappingProxyType(
    {
        "minmax": (
            "x_ij = (m_ij − min_i m_ij) / (max_i m_ij − min_i m_ij)，该列没有差异时（只有一组时亦然）为 0",
            "x_ij = (m_ij - min_i m_ij) / (max_i m_ij - min_i m_ij), 0 where the column does not "
            "vary, as in a single group",
        ),
        "z": (
            "x_ij = (m_ij − m_j 的均值) / m_j 的标准差（除以个数减一），该列没有差异时（只有一组时亦然）为 0",
            "x_ij = (m_ij - mean of m_j) / standard deviation of m_j (over their number less one), 0 where the column "
            "does not vary, as in a single group",
        ),
        "percentile": (
            "x_ij = (rank_ij − 0.5) / 参与排秩的组数，rank_ij 为 m_ij 由小到大的秩，相同者取平均，"
            "该列没有差异时（只有一组时亦然）为 0.5",
            "x_ij = (rank_ij - 0.5) / number of groups ranked, rank_ij that of m_ij from the least, ties sharing their "
            "mean, 0.5 where the column does not vary",
        ),
    }
)
_WITHIN = MappingProxyType(
    {
        "pooled": ("（在全部组中）", " (over all groups)"),
        "year": ("（在同一年度的各组中）", " (over the groups of the same year)"),
    }
)
_COMPONENTS = (
    "没有差异的列不用（载荷为 0）；z_ij = (x_ij − x_j 的均值) / x_j 的标准差（除以 n − 1，n 为组数）；"
    "λ 为其相关矩阵的特征值，由大到小；",
    "columns that do not vary are left out (their loadings are 0); z_ij = (x_ij - mean of x_j) / standard deviation of "
    "x_j (over n - 1, n groups); lambda are the eigenvalues of their correlation matrix, the largest first; ",
)
_SIGN = (
    "各列载荷的符号取使载荷之和为正者，和为零则使绝对值最大者为正",
    "signs make the sum of the loadings of each positive, or the one of the largest absolute value where that is 0",
)
_COMBINED = MappingProxyType(
    {
        "sum": ("s_i = Σ_j w_j x_ij，w_j = 1", "s_i = sum_j w_j x_ij, w_j = 1"),
        "mean": ("s_i = Σ_j w_j x_ij，w_j = 1 / 列数", "s_i = sum_j w_j x_ij, w_j = 1 / number of columns"),
        "entropy": (
            "p_ij = x_ij / Σ_i x_ij；e_j = −Σ_i p_ij ln p_ij / ln n（0 ln 0 = 0，n 为组数）；"
            "w_j = (1 − e_j) / Σ_j (1 − e_j)，没有差异的列为 0；s_i = Σ_j w_j x_ij",
            "p_ij = x_ij / sum_i x_ij; e_j = -sum_i p_ij ln p_ij / ln n (0 ln 0 = 0, n groups); "
            "w_j = (1 - e_j) / sum_j (1 - e_j), 0 for columns that do not vary; s_i = sum_j w_j x_ij",
        ),
        "pca": (
            f"{_COMPONENTS[0]}v_k 为第 k 个单位特征向量（loading_k）；s_i = Σ_k (λ_k / Σ_k λ_k) Σ_j z_ij v_jk，"
            f"k 与 Σ_k 均至所取的个数；{_SIGN[0]}",
            f"{_COMPONENTS[1]}v_k is the k-th eigenvector, of length 1 (loading_k); s_i = sum_k (lambda_k / sum_k "
            f"lambda_k) sum_j z_ij v_jk, k and both sums over the components that are taken; {_SIGN[1]}",
        ),
        "factor": (
            f"{_COMPONENTS[0]}公因子以极大似然法估计并旋转（scikit-learn 的 FactorAnalysis：svd_method=lapack，"
            f"tol=1e-8，max_iter={MOST_ITERATIONS}，rotation 如下），l_jk 为旋转后的载荷（loading_k），"
            "f_ik 为其 transform 所给的得分（后验均值）；a_k = Σ_j l_jk²，由大到小编号；"
            f"s_i = Σ_k (a_k / Σ_k a_k) f_ik；{_SIGN[0]}",
            f"{_COMPONENTS[1]}factors by maximum likelihood, rotated (scikit-learn's FactorAnalysis: "
            f"svd_method=lapack, tol=1e-8, max_iter={MOST_ITERATIONS}, rotation as below), l_jk their loadings after "
            "rotation (loading_k), f_ik the scores that its transform gives (posterior means); a_k = sum_j l_jk^2, "
            f"numbered from the largest; s_i = sum_k (a_k / sum_k a_k) f_ik; {_SIGN[1]}",
        ),
        "epu": (
            "主体或年度为空的组不计；X_i = Σ_j w_j x_ij，w_j = 1；Y_i = X_i / 该主体各年 X 的标准差（除以年数减一）；"
            "不足两年或没有变化的主体不计；s_t 为年度 t 各主体的 Y 的均值；score_t = 100 s_t / 各年 s 的均值",
            "groups without an entity or a year are left out; X_i = sum_j w_j x_ij, w_j = 1; Y_i = X_i / standard "
            "deviation of that entity's X over its years (over their number less one); entities with fewer than two "
            "years, or that do not vary, are left out; s_t is the mean of Y over the entities of year t; score_t = "
            "100 s_t / mean of s over years",
        ),
    }
)
_TRANSFORMED = MappingProxyType(
    {"none": ("score_i = s_i", "score_i = s_i"), "ln1p": ("score_i = ln(1 + s_i)", "score_i = ln(1 + s_i)")}
)
#: What the choices of a recipe are called.
_CHOICES = MappingProxyType(
    {
        "level": ("列的层次", "what a column is"),
        "measure": ("每格的测度", "what a cell is"),
        "standardise": ("标准化", "how columns are scaled"),
        "within": ("标准化的范围", "over what they are scaled"),
        "method": ("合成方法", "how columns are made one"),
        "components": ("主成分或公因子的个数", "number of components or factors"),
        "rotation": ("旋转", "rotation"),
        "transform": ("得分的变换", "what is made of the score"),
    }
)
#: What their values are called.
_VALUES = MappingProxyType(
    {
        "none": ("无", "none"), "minmax": ("线性变换到 0 至 1", "scaled to 0..1"), "z": ("标准分", "standard scores"),
        "percentile": ("百分位", "percentiles"), "pooled": ("全部组", "all groups"),
        "year": ("同一年度", "the same year"),
        "sum": ("求和", "sum"), "mean": ("均值", "mean"), "entropy": ("熵权法", "weights by entropy"),
        "pca": ("主成分分析", "principal components"), "factor": ("因子分析", "factor analysis"),
        "epu": ("经济政策不确定性指数的做法", "as the index of economic policy uncertainty"),
        "kaiser": ("特征值大于 1 者", "eigenvalues above 1"), "varimax": ("最大方差", "varimax"),
        "quartimax": ("四次方最大", "quartimax"), "ln1p": ("ln(1 + s)", "ln(1 + s)"),
    }
)  # fmt: skip
_ANSWERS = MappingProxyType(
    {
        ("", "yes"): ("是", "yes"), ("", "no"): ("否", "no"),
        ("repeats", "all"): ("计入", "they count"), ("repeats", "new"): ("不计入", "they do not"),
    }
)  # fmt: skip
_FACTS = MappingProxyType(
    {
        "groups": ("参与计算的组数", "groups that the index is made of"),
        "groups_left_out": (
            "不参与的组数（测度未知，或缺少所需的年度、主体）",
            "groups left out: no known measure, no year or entity where needed",
        ),
        "divergence": ("Σ_j (1 − e_j)", "sum_j (1 - e_j)"),
        "components": ("所取的个数", "components that are taken"),
        "explained_variance": (
            "各自解释的方差占全部方差的比例（主成分 λ_k / 列数，公因子 a_k / 列数，只计采用的列）",
            "share of all variance that each explains (components: lambda_k, factors: a_k, over the number of columns "
            "that are used)",
        ),
        "no_own_variance": ("特殊方差降到 0（1e-12）的列数", "columns without variance of their own (1e-12)"),
        "scikit_learn": ("scikit-learn 版本", "version of scikit-learn"),
        "converged": ("极大似然是否收敛", "whether the likelihood converged"),
        "entities": ("有序列的主体数", "entities with a series"),
        "entities_left_out": ("不计的主体", "entities that are left out"),
        "lexicon": ("所用词典", "lexicon that was used"),
        "by": ("组的划分", "what makes a group"),
        "repeats": ("是否计入以往年度已有的分句", "whether clauses of an earlier year count, too"),
        "as_published": (
            "词典与各项选择是否同文献（文献另有的处理见说明）",
            "whether lexicon and choices are those of the paper (what else it does: see the note)",
        ),
    }
)  # fmt: skip


def formula_of(recipe: Recipe, facts: Mapping[str, Any] = NO_FACTS) -> tuple[str, str]:
    """Return how a recipe makes a score, as its choices are, in Chinese and English.

    facts   of the index: by what its groups are, and whether repeated clauses count

    >>> formula_of(Recipe("mine", measure="hits", transform="ln1p"))[1].split("; ")[1:]
    ['s_i = sum_j w_j x_ij, w_j = 1', 'score_i = ln(1 + s_i)']
    """
    measure = MEASURES[recipe.measure]
    what = _MEANT.get(recipe.measure, ("", ""))
    level, scaled = _LEVELS[recipe.level], _SCALED.get(recipe.standardise)
    cell = "m_ij" if scaled else "x_ij"
    by = [describe("panel", name) for name in facts.get("by", ("entity", "year"))]
    group = "与".join(each.zh for each in by), " and ".join(each.en for each in by)
    new = ("；以往年度已有的分句中的命中不计", "; hits in clauses of an earlier year are not counted")
    left_out = new if facts.get("repeats") == "new" else ("", "")
    said = [
        (
            f"{cell} 为组 i（{group[0]}）中{level[0]} j 的 {measure.name}"
            f"（{measure.formula_zh or measure.formula}{what[0]}{left_out[0]}）",
            f"{cell} is {measure.name} of {level[1]} j in group i, of one {group[1]} ({measure.formula}{what[1]}"
            f"{left_out[1]})",
        )
    ]
    if scaled:
        zh, en = _WITHIN[recipe.within]
        said.append((scaled[0] + zh, scaled[1] + en))
    said.append(_COMBINED[recipe.method])
    if recipe.method in {"pca", "factor"}:
        kaiser = ("个数为大于 1 的 λ 的个数，至少一个", "their number is that of lambdas above 1, at least one")
        taken = recipe.components
        said.append(kaiser if taken == "kaiser" else (f"个数至多为 {taken}", f"their number is {taken} at most"))
    if recipe.method == "factor":
        said.append((f"rotation={recipe.rotation}",) * 2)
    if recipe.method != "epu":
        said.append(_TRANSFORMED[recipe.transform])
    return "；".join(zh for zh, _ in said), "; ".join(en for _, en in said)


def describe_index(index: Index) -> tuple[dict[str, tuple[Column, ...]], list[Fact]]:
    """Return what each column of an index's two tables means, and what the index says of itself."""
    recipe = index.recipe
    scores = tuple(_score(name, recipe, index.facts) for name in index.scores.columns)
    weights = tuple(_weight(name, recipe) for name in index.weights.columns)
    untold = {"run"} if recipe.lexicon else {"run", "as_published"}
    numbers = {name: value for name, value in index.facts.items() if name not in untold}
    return {SCORES: scores, WEIGHTS: weights}, [*_choices(recipe, index.facts), *_numbers(numbers)]


def say_index(index: Index) -> tuple[str, str]:
    """Return a sentence on an index for the methods paragraph, in Chinese and English."""
    recipe = index.recipe
    zh, en = formula_of(recipe, index.facts)
    source_zh, source = (each.rstrip("。.") for each in (recipe.source_zh or recipe.source, recipe.source))
    named = f"{recipe.id}（{recipe.title}）" if recipe.title else recipe.id
    after = (f"；依据：{source_zh}", f"; after: {source}") if source else ("", "")
    return f"指数为 {named}：{zh}{after[0]}。", f"The index is {recipe.id}: {en}{after[1]}."


def _score(name: str, recipe: Recipe, facts: Mapping[str, Any]) -> Column:
    if name == "score":
        zh, en = formula_of(recipe, facts)
        score = describe(SCORES, name)
        if recipe.method == "epu":
            of_year = "该年的指数，各年平均为 100", "the index of the year, 100 on the average"
            score = replace(score, meaning_zh=of_year[0], meaning_en=of_year[1])
        return replace(score, formula=en, formula_zh=zh, source=recipe.source, source_zh=recipe.source_zh)
    if name.startswith("score_"):
        part = name.removeprefix("score_")
        return Column(
            name, f"{part}：得分", f"{part}: score",
            f"只以“{part}”维度之下的列同样合成的得分", f"the same score of the columns of “{part}” alone",
        )  # fmt: skip
    return describe(SCORES, name)


def _weight(name: str, recipe: Recipe) -> Column:
    if name.startswith("loading_"):
        number = name.removeprefix("loading_")
        zh, en = ("公因子", "factor") if recipe.method == "factor" else ("主成分", "component")
        return Column(
            name, f"第 {number} {zh}的载荷", f"loading of {en} {number}",
            f"该列在第 {number} {zh}上的载荷；未采用的列为 0", f"loading of the column on {en} {number}; 0 if unused",
        )  # fmt: skip
    return describe(WEIGHTS, name)


def _choices(recipe: Recipe, numbers: Mapping[str, Any]) -> list[Fact]:
    formula = formula_of(recipe, numbers)
    facts = [
        Fact("index", "指数", "index", recipe.id, recipe.title, recipe.title_en),
        Fact("index_formula", "指数的公式", "formula of the index", formula[1], formula[0], formula[1]),
        Fact("index_source", "指数的依据", "source of the index", recipe.source, recipe.source_zh, recipe.source),
        Fact("index_note", "指数的说明", "note on the index", recipe.note, recipe.note_zh, recipe.note),
    ]
    no_lexicon = ("没有给出可用的词典", "none that could be had")
    said = ("", "") if recipe.lexicon else no_lexicon
    published = ("文献所用的词典", "lexicon that it was published with", recipe.lexicon or "none")
    facts.append(Fact("index_published", *published, *said))
    does_not_matter = {"pca": {"rotation"}, "factor": set()}.get(recipe.method, {"components", "rotation"})
    for name, (zh, en) in _CHOICES.items():
        if name not in does_not_matter:
            value = getattr(recipe, name)
            if name == "measure":
                said = (MEASURES[value].zh, MEASURES[value].en)
            else:
                said = _LEVELS.get(value) or _VALUES.get(value) or ("", "")
            facts.append(Fact(f"index_option_{name}", f"指数：{zh}", f"index: {en}", value, *said))
    return facts


def shorten(value: Any) -> Any:
    """Return a fact as it is shown: of a long list its first items and their number."""
    if not isinstance(value, list):
        return value
    more = f"; … ({len(value)})" if len(value) > MOST_NAMED else ""
    return "; ".join(map(str, value[:MOST_NAMED])) + more


def _numbers(facts: Mapping[str, Any]) -> list[Fact]:
    found = []
    for name, value in facts.items():
        zh, en = _FACTS.get(name, (name, name))
        said = shorten(value)
        if isinstance(value, bool):
            said = "yes" if value else "no"
        words = _ANSWERS.get((name, said)) or _ANSWERS.get(("", said)) or ("", "")
        found.append(Fact(f"index_{name}", f"指数：{zh}", f"index: {en}", "none" if said == "" else said, *words))
    return found
