"""Made-up text by the megabyte: words drawn by Zipf's law, laid out as reports are; the same call, the same text."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

from made_sentences import CHAPTERS, HAN_NUMBERS, MEASURES, SENTENCES, STORY

TERMS = tuple(STORY)

#: A stretch of a made text: what stands before it, its words, what stands behind it.
_Stretch = tuple[str, int, str]

_FUNCTION_WORDS = (
    "的", "和", "业务", "在", "了", "银行", "等", "本行", "管理", "对", "发展", "与", "为", "服务", "及", "风险", "以",
    "年", "进行", "是", "将", "不", "或", "由", "按", "中", "通过", "上", "其", "有", "公司", "并", "于", "向", "从",
    "加强", "实现", "推进", "贷款", "增长", "客户", "较上年", "报告期内", "亿元", "有限公司",
)  # fmt: skip
_LATIN_WORDS = ("IPO", "ESG", "GDP", "LPR", "CPI", "IFRS", "SHIBOR", "KPI", "ATM", "POS", "Basel III", "ROE", "H股")


def made_texts(
    n_reports: int,
    mean_chars: int,
    seed: int = 1,
    hits_per_10k: float = 30.0,
    terms: Sequence[str] = TERMS,
) -> Iterator[str]:
    """Yield `n_reports` made-up texts of log-normal length, `mean_chars` characters on average.

    Near to reports of banks in what a matcher feels: share of Han, length of clauses, commonness of characters, and how
    fast new pairs of characters turn up (28,000 in the first 100,000, where real texts have 22,000 to 31,000). Past a
    million characters pairs go on turning up where reports begin to repeat themselves, so caches are not flattered.

    hits_per_10k   mentions of `terms` put into 10,000 characters; earlier terms are commoner (Zipf). Words that meet
                   can spell a term by chance, so for an exact number count.
    seed           report i of a seed is the same whatever `n_reports` is

    Raises ValueError if `mean_chars` is not positive, or if mentions are asked for without `terms`.

    >>> first, second = made_texts(2, 500, hits_per_10k=300, terms=["云计算"])
    >>> "云计算" in first + second
    True
    """
    if mean_chars <= 0:
        raise ValueError(f"mean_chars = {mean_chars}; it must be positive")
    if hits_per_10k > 0 and not terms:
        raise ValueError("no terms; give some, or hits_per_10k=0")
    words, weights = _vocabulary()
    form = _form()
    chars_per_word = _chars_per_word()
    spread = 0.5
    term_weights = list(accumulate(1 / rank for rank in range(1, len(terms) + 1)))
    for number in range(n_reports):
        chance = random.Random(f"{seed} {number}")
        chars = mean_chars * math.exp(chance.gauss(0.0, spread) - spread * spread / 2)
        drawn = chance.choices(words, cum_weights=weights, k=max(1, int(chars / chars_per_word)))
        count = int(chars * hits_per_10k / 10_000 + chance.random())
        for term in chance.choices(terms, cum_weights=term_weights, k=count) if count else ():
            drawn[int(chance.random() * len(drawn))] = term
        yield _lay_out(drawn, form, int(chance.random() * len(form)))


def _lay_out(words: list[str], form: tuple[_Stretch, ...], at: int) -> str:
    """Return `words` in the stretches of `form`, from its stretch `at` on."""
    out: list[str] = []
    start = 0
    while start < len(words):
        before, size, behind = form[at]
        out += (before, "".join(words[start : start + size]), behind)
        start += size
        at = (at + 1) % len(form)
    return "".join(out) + "\n"


@cache
def _vocabulary() -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return words, and their cumulative weights."""
    chance = random.Random("vocabulary")
    # Characters: those of the sentences above by frequency, then others of GB2312's first level in a made-up order.
    sentences = "".join([*MEASURES, *SENTENCES, *(fact for _, _, facts in CHAPTERS for fact in facts)])
    own = Counter(re.findall("[\u4e00-\u9fff]", sentences))
    level = bytes(byte for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFF) for byte in (lead, trail))
    others = [character for character in level.decode("gb2312") if character not in own]
    characters = [character for character, _ in own.most_common()] + chance.sample(others, 1300)
    character_weights = list(accumulate(1 / (rank + 60) ** 1.25 for rank in range(len(characters))))
    made: list[str] = []
    for _ in range(8000):
        size = (2, 2, 2, 2, 3, 4, 4, 4)[int(chance.random() * 8)]
        # Long words are made of short ones, as compounds are: this keeps the pairs of characters few.
        parts = chance.choices(made, k=2) if size == 4 and len(made) > 200 else []
        word = "".join(part[:2] for part in parts)
        made.append(word or "".join(chance.choices(characters, cum_weights=character_weights, k=size)))
    weighted = [(word, 1.2 / (rank + 4.0)) for rank, word in enumerate(_FUNCTION_WORDS)]
    weighted += [(word, 1 / (rank + 15.0) ** 1.06) for rank, word in enumerate(made)]
    total = sum(weight for _, weight in weighted)
    weighted += [(_number(chance), 0.012 * total / 300) for _ in range(300)]
    weighted += [(word, 0.014 * total / len(_LATIN_WORDS)) for word in _LATIN_WORDS]
    return tuple(word for word, _ in weighted), tuple(accumulate(weight for _, weight in weighted))


def _number(chance: random.Random) -> str:
    share, amount, kind = chance.random(), math.exp(chance.random() * 7), int(chance.random() * 4)
    return (f"{amount:,.2f}", f"{amount:,.0f}", f"{share * 60:.2f}%", f"{2015 + share * 9:.0f}年")[kind]


@cache
def _form() -> tuple[_Stretch, ...]:
    """Return the stretches of some 500 sentences: clauses with their marks, headings, table rows."""
    chance = random.Random("form")
    form: list[_Stretch] = []
    for paragraph in range(200):
        part, rest = divmod(paragraph, 4)
        if rest == 0:
            number = HAN_NUMBERS[part % 10]
            form.append(((f"第{number}章 ", f"{number}、", f"（{number}）")[part % 3], 3, "\n"))
        for _ in range(1 + int(chance.random() * 4)):
            for _ in range(3 + int(chance.random() * 8)):
                mark = chance.choices("，、；：", cum_weights=(76, 94, 97, 100))[0]
                before = "（" if chance.random() < 0.04 else ""
                form.append((before, 2 + int(chance.random() * 7), ("）" if before else "") + mark))
            form[-1] = (form[-1][0], form[-1][1], "）。" if form[-1][0] else "。")
        form[-1] = (*form[-1][:2], form[-1][2] + "\n")
        if paragraph % 20 == 19:
            form += [("", 2, f"\t{_number(chance)}\t{_number(chance)}\t{_number(chance)}\n") for _ in range(6)]
    return tuple(form)


@cache
def _chars_per_word() -> float:
    """Return how many characters of laid-out text come from a word, marks and tables included."""
    words, weights = _vocabulary()
    drawn = random.Random("length").choices(words, cum_weights=weights, k=20_000)
    return len(_lay_out(drawn, _form(), 0)) / len(drawn)
