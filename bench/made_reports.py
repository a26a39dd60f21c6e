"""Made-up annual reports of Chinese banks: a demonstration corpus with a gold count, and text by the megabyte.

    python bench/made_reports.py FOLDER                                  # the demonstration corpus: 40 files
    python bench/made_reports.py FOLDER --reports 1000 --chars 60000     # 1,000 made texts

No bank, company or figure exists; what they say is in made_sentences. The same call gives the same bytes.

The demonstration corpus is 8 banks over 2019 to 2023: text and Markdown; UTF-8, GB18030 and UTF-16; Simplified and
Traditional; full-width letters; false friends (现金流计算 is no 流计算); one report without a single term, and one file
that is damaged. Every term goes in through `_Report.plant`, which notes it, so `demo_expected` is exact.

Texts for benchmarks have words drawn by Zipf's law in place of sentences; made_texts says how near they come.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from made_sentences import (
    CHAPTERS,
    CHAPTERS_WITH_TERMS,
    HAN_NUMBERS,
    MEASURES,
    PHRASES,
    ROWS,
    SECTIONS,
    SENTENCES,
    SLOTS,
    STORY,
    TRADITIONAL_TERMS,
    WIDE_TERMS,
    Slots,
    to_traditional,
)
from made_texts import made_texts

YEARS = (2019, 2020, 2021, 2022, 2023)


@dataclass(frozen=True, slots=True)
class Bank:
    """A made-up bank: how its reports are written, and how much it speaks of technology (1 = as the average)."""

    name: str
    seat: str
    zeal: float
    chars: int
    markdown: bool = False
    traditional: bool = False
    wide: bool = False


BANKS = (
    Bank("青禾银行", "青禾市", 1.5, 6800),
    Bank("松雪银行", "松雪市", 1.2, 6000, wide=True),
    Bank("鹭屿银行", "鹭屿市", 1.0, 5600, markdown=True),
    Bank("砚池银行", "砚池市", 0.8, 5000),
    Bank("星垂银行", "星垂市", 1.3, 6300),
    Bank("雲岫銀行", "雲岫市", 0.9, 5200, traditional=True),
    Bank("云溪农商银行", "云溪县", 0.5, 4200),
    Bank("石榴湾农商银行", "石榴湾镇", 0.35, 3700, markdown=True),
)

#: Reports that are something special, by bank and year.
GB18030 = ("砚池银行", 2020)
UTF16 = ("星垂银行", 2021)
WITHOUT_TERMS = ("石榴湾农商银行", 2019)
DAMAGED = ("云溪农商银行", 2020)


@dataclass(frozen=True, slots=True)
class Mention:
    """A term put into a report. `true` is False for a false friend: its characters stand there, the term does not."""

    bank: str
    year: int
    term: str
    surface: str
    true: bool


def write_demo(folder: Path) -> list[Path]:
    """Write the demonstration corpus into `folder`, made if need be; return the 40 paths, by bank and year.

    Raises OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for bank in BANKS:
        for year in YEARS:
            ending = "md" if bank.markdown else "txt"
            what = "年年度報告" if bank.traditional else "年年度报告"
            path = folder / f"{bank.name}_{year}{what}.{ending}"
            path.write_bytes(_encode(bank, year, demo_report(bank, year)[0]))
            paths.append(path)
    return paths


def demo_mentions() -> list[Mention]:
    """Return every term put into the demonstration corpus, in the order of the text; the damaged file has none."""
    return [
        mention
        for bank in BANKS
        for year in YEARS
        if (bank.name, year) != DAMAGED
        for mention in demo_report(bank, year)[1]
    ]


def demo_expected() -> dict[tuple[str, int], dict[str, int]]:
    """Return for each bank and year how often each term is truly mentioned, overlaps leftmost-longest.

    The report without terms has an empty row; the damaged one has no row.

    >>> demo_expected()[("石榴湾农商银行", 2019)]
    {}
    """
    rows = {(bank.name, year): Counter[str]() for bank in BANKS for year in YEARS if (bank.name, year) != DAMAGED}
    for mention in demo_mentions():
        if mention.true:
            rows[mention.bank, mention.year][mention.term] += 1
    return {key: dict(sorted(row.items())) for key, row in rows.items()}


def demo_plan(bank: Bank, year: int) -> dict[str, int]:
    """Return how often `bank` means to mention each term in `year`."""
    if (bank.name, year) == WITHOUT_TERMS:
        return {}
    chance = random.Random(f"plan {bank.name} {year}")
    plan = {}
    for term, curve in STORY.items():
        mean = curve[YEARS.index(year)] * bank.zeal
        plan[term] = max(0, math.floor(mean * (0.85 + 0.3 * chance.random()) + 0.5))
    return {term: count for term, count in plan.items() if count}


def demo_report(bank: Bank, year: int, plan: Mapping[str, int] | None = None) -> tuple[str, list[Mention]]:
    """Return the text of a report and what was put into it; with an empty `plan` it has no term and no false friend."""
    return _Report(bank, year).write(demo_plan(bank, year) if plan is None else plan)


def _encode(bank: Bank, year: int, text: str) -> bytes:
    key = (bank.name, year)
    if key == DAMAGED:
        # A download that broke off inside a character, and what a bad disk put behind it.
        return text.encode("gb18030")[:2001] + random.Random("damage").randbytes(6000)
    if key == GB18030:
        return text.encode("gb18030")
    if key == UTF16:
        return b"\xff\xfe" + text.encode("utf-16-le")
    return text.encode()


# ------------------------------------------------------------------------------------------------ sentences


@dataclass
class _Report:
    """A report being written, and what was planted in it so far."""

    bank: Bank
    year: int
    mentions: list[Mention] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"text {self.bank.name} {self.year}")

    def write(self, plan: Mapping[str, int]) -> tuple[str, list[Mention]]:
        """Return the text, with every term of `plan` as often as it says, and the mentions."""
        chance = self.chance
        terms = [term for term, count in plan.items() for _ in range(count)]
        chance.shuffle(terms)
        inside: list[list[tuple[str, Slots]]] = [[] for _ in CHAPTERS]
        for phrase in chance.sample(PHRASES, 4) if terms else ():
            inside[chance.choice(CHAPTERS_WITH_TERMS)].append(phrase)
        while terms:
            sentence = chance.choice([each for each in SENTENCES if each.count("@") <= len(terms)])
            slots = [(term, term, True) for term in (terms.pop() for _ in range(sentence.count("@")))]
            inside[chance.choice(CHAPTERS_WITH_TERMS)].append((sentence, slots))
        lines = [self.heading(1, f"{self.bank.name}{self.year}年年度报告")]
        for number in range(len(CHAPTERS)):
            lines += self.chapter(number, inside[number])
        lines += [self.heading(2, f"第{HAN_NUMBERS[len(CHAPTERS)]}章 财务摘要"), *self.table()]
        return "\n".join(lines) + "\n", self.mentions

    def chapter(self, number: int, inside: list[tuple[str, Slots]]) -> list[str]:
        """Return the lines of a chapter: headings, and paragraphs that mix its own sentences with those `inside`."""
        title, share, facts = CHAPTERS[number]
        sentences = inside + [(fact, ()) for fact in facts]
        # A slot's filling is some 3 characters longer than its name, and a sentence has some 4.
        room = share * self.bank.chars - sum(len(text) + 12 for text, _ in sentences)
        while room > 0:
            sentences.append((self.chance.choice(MEASURES), ()))
            room -= len(sentences[-1][0]) + 12
        if share:
            self.chance.shuffle(sentences)
        lines = [self.heading(2, f"第{HAN_NUMBERS[number]}章 {title}")]
        size = max(6, math.ceil(len(sentences) / len(SECTIONS)))
        for section, start in enumerate(range(0, len(sentences), size)):
            if len(sentences) > size:
                lines.append(self.heading(3, f"{HAN_NUMBERS[section]}、{SECTIONS[section]}"))
            part = sentences[start : start + size]
            for at in range(0, len(part), 4):
                if len(part) > 8:
                    lines.append(self.heading(4, self.fill(f"（{HAN_NUMBERS[at // 4]}）{{业务}}")))
                body = "".join(self.sentence(*each) for each in part[at : at + 4])
                lines.append(f"{body}\n" if self.bank.markdown else f"\u3000\u3000{body}")
        return lines

    def sentence(self, template: str, slots: Slots) -> str:
        """Return a sentence with its terms planted, in the characters of this bank."""
        first, *parts = template.split("@")
        out = [self.spell(self.fill(first))]
        for part, slot in zip(parts, slots, strict=True):
            out += [self.plant(*slot), self.spell(self.fill(part))]
        return "".join(out)

    def plant(self, term: str, surface: str, true: bool) -> str:
        """Note a mention of `term` and return it as this bank writes it: the one way for a term into a report."""
        if self.bank.traditional and true and surface == term:
            surface = TRADITIONAL_TERMS.get(term, surface)
        if self.bank.wide and true:
            surface = WIDE_TERMS.get(surface, surface)
        surface = self.spell(surface)
        self.mentions.append(Mention(self.bank.name, self.year, term, surface, true))
        return surface

    def fill(self, text: str) -> str:
        """Return `text` with every {slot} filled, slots in slots too."""
        while "{" in text:
            text = re.sub(r"\{(\w+)\}", lambda match: self.value(match[1]), text)
        return text

    def value(self, slot: str) -> str:
        """Return what stands in a slot: one of its words, or a number of its kind."""
        if slot in SLOTS:
            return self.chance.choice(SLOTS[slot])
        share = self.chance.random()
        return {
            "年": str(self.year),
            "座": self.bank.seat,
            "小": str(1 + int(share * 9)),
            "数": str(11 + int(share * 88)),
            "率": f"{1 + share * 38:.2f}",
            "额": f"{2 + share * 300:.2f}",
        }[slot]

    def spell(self, text: str) -> str:
        """Return `text` in the characters of this bank."""
        return to_traditional(text) if self.bank.traditional else text

    def heading(self, level: int, text: str) -> str:
        """Return a heading, with its mark in Markdown."""
        return f"{'#' * level} {text}\n" if self.bank.markdown else self.spell(text)

    def table(self) -> list[str]:
        """Return the lines of the table of key figures."""
        rows = [["项目", f"{self.year}年", f"{self.year - 1}年", "增减（%）"]]
        for name, size in ROWS.items():
            now, change = (
                size * self.bank.chars / 5000 * (0.9 + 0.2 * self.chance.random()),
                self.chance.random() * 30 - 8,
            )
            rows.append([name, f"{now:,.2f}", f"{now / (1 + change / 100):,.2f}", f"{change:.2f}"])
        if self.bank.markdown:
            rows.insert(1, ["---"] * 4)
            return [f"| {' | '.join(row)} |" for row in rows]
        return [self.spell("\t".join(row)) for row in rows]


# ------------------------------------------------------------------------------------------------ command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the demonstration corpus, or made texts, into a folder."""
    parser = argparse.ArgumentParser(description="Write made-up annual reports of Chinese banks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reports", type=int, metavar="N", help="write N made texts, not the demonstration corpus")
    parser.add_argument("--chars", type=int, metavar="M", help="their mean length in characters (50,000)")
    parser.add_argument("--seed", type=int, metavar="S", help="another seed gives other texts (1)")
    given = parser.parse_args(arguments)
    if given.reports is None:
        if given.chars is not None or given.seed is not None:
            parser.error("--chars and --seed are for made texts; give --reports N with them")
        paths = write_demo(given.folder)
    else:
        paths = []
        given.folder.mkdir(parents=True, exist_ok=True)
        texts = made_texts(given.reports, given.chars or 50_000, 1 if given.seed is None else given.seed)
        for number, text in enumerate(texts):
            paths.append(given.folder / f"made-{number:06d}.txt")
            paths[-1].write_bytes(text.encode())
    n_bytes = sum(path.stat().st_size for path in paths)
    print(f"{given.folder}: {len(paths)} reports, {n_bytes:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
