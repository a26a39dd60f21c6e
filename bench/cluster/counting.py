"""What somebody writes who counts terms without cipin: an automaton of pyahocorasick, or the words of jieba.

Competently: the automaton is built once a process, overlaps are resolved leftmost-longest, and the clause of each hit
is its evidence. No folding, no word boundaries and no guards, which few scripts have.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import ahocorasick
import pyarrow as pa

#: What is written: a report × term, with the clauses that have it.
COUNTS = pa.schema(
    [("report", pa.string()), ("term", pa.string()), ("hits", pa.int64()), ("clauses", pa.list_(pa.string()))]
)

#: A report's text → how often each term is in it, and in which clauses.
Count = Callable[[str], tuple[Mapping[str, int], Mapping[str, Sequence[str]]]]

_MARK = re.compile("[，。；：！？…\n]")


def by_automaton(terms: Sequence[str]) -> Count:
    """Return a function that counts the leftmost-longest occurrences, each with its clause."""
    automaton = ahocorasick.Automaton()
    for term in terms:
        automaton.add_word(term, term)
    automaton.make_automaton()

    def count(text: str) -> tuple[Mapping[str, int], Mapping[str, Sequence[str]]]:
        # `iter_long` misses longer matches that begin inside shorter ones, so all are found, and the longest kept.
        found = sorted((last + 1 - len(term), -len(term), term) for last, term in automaton.iter(text))
        hits: Counter[str] = Counter()
        clauses: dict[str, list[str]] = defaultdict(list)
        marks = [match.start() for match in _MARK.finditer(text)] if found else []
        kept_end = at = 0
        clause_of = dict.fromkeys(terms, -1)
        for start, negative, term in found:
            if start < kept_end:
                continue
            kept_end = start - negative
            hits[term] += 1
            while at < len(marks) and marks[at] < start:
                at += 1
            if clause_of[term] != at:
                clause_of[term] = at
                clauses[term].append(text[marks[at - 1] + 1 if at else 0 : marks[at] if at < len(marks) else None])
        return hits, clauses

    return count


def by_words(terms: Sequence[str]) -> Count:
    """Return a function that counts the words of `jieba.lcut` that are terms, as most papers do: there is no place."""
    import jieba

    jieba.initialize()
    wanted = set(terms)

    def count(text: str) -> tuple[Mapping[str, int], Mapping[str, Sequence[str]]]:
        return Counter(word for word in jieba.lcut(text) if word in wanted), {}

    return count


WAYS: Mapping[str, Callable[[Sequence[str]], Count]] = {"automaton": by_automaton, "words": by_words}


def count_table(reports: Iterable[str], texts: Iterable[str], count: Count) -> pa.Table:
    """Return the counts of some reports."""
    rows = []
    for report, text in zip(reports, texts, strict=True):
        hits, clauses = count(text)
        rows += [{"report": report, "term": term, "hits": n, "clauses": clauses.get(term)} for term, n in hits.items()]
    return pa.Table.from_pylist(rows, schema=COUNTS)
