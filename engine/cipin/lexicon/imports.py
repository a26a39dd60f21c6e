"""Term lists of other tools, as entries with line numbers: CSV, text and jieba, LIWC, quanteda.

Reading is in two steps. Here a file is taken apart and nothing is judged but its syntax: an entry holds what the
file holds, blanks and all, so that `cipin.lexicon.lint` can point at it. `tidy_entries` then does what every
import does to every list: it strips blanks, tabs and byte order marks from the ends of each phrase (a published
count of 232 bank-years had 大数据 = 0 throughout because its list ended each line in a tab), joins repeats within a
category, and groups the terms by dimension and category.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from cipin.errors import LexiconError
from cipin.lexicon.fold import fold

#: What imports strip from the ends of a phrase.
ENDS = " \t\r\n\v\f\u00a0\u3000\ufeff"

_COLUMNS = {
    "term": ("term", "词", "关键词", "词语", "keyword", "word"),
    "dimension": ("dimension", "维度"),
    "category": ("category", "类别", "分类"),
    "variants": ("variants", "variant", "变体"),
    "guards": ("guards", "guard"),
    "unless": ("unless",),
    "source": ("source", "来源"),
}
_COLUMN_OF = {name: column for column, names in _COLUMNS.items() for name in names}

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003347f]")
_SEVERAL = re.compile("[\t,，、;；]")
#: A line of a jieba dictionary: word, frequency, part of speech, of which the last two may be missing.
_JIEBA = re.compile(r"(?P<word>\S+)(?:[ \t]+(?P<frequency>\d+))?(?:[ \t]+(?P<tag>[a-z]{1,4}))?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One term as a file has it: neither stripped nor checked.

    line        line of the term, from 1
    dimension   "" where the file names none
    category    "" where the file names none
    lines       lines of variants, guards and the like, where they differ from `line`
    """

    line: int
    name: str
    dimension: str = ""
    category: str = ""
    variants: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    source: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def line_of(self, phrase: str) -> int:
        """Return the line of one of this entry's phrases."""
        return self.lines.get(phrase, self.line)


def decode_list(data: bytes, where: str) -> str:
    """Decode a term list: UTF-8, UTF-16 with a byte order mark, or GB 18030 if what comes out is Chinese.

    Raises LexiconError rather than return mojibake: of real text under 1 % of the ideographs lie outside
    GB 2312 (Traditional folded to Simplified), of text in the wrong encoding over 60 %.
    """
    sixteen = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    bad = len(data)
    for encoding in ("utf-16",) if sixteen else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            bad = min(bad, error.start)
            continue
        if encoding != "gb18030" or _is_common_chinese(text):
            return text
    raise LexiconError(f"{where}: byte {bad} is not UTF-8, and the file does not read as GB 18030; save it as UTF-8")


def _is_common_chinese(text: str) -> bool:
    ideographs = "".join(_HAN.findall(fold(text)))
    return 0 < 0.9 * len(ideographs) <= len(ideographs.encode("gb2312", errors="ignore")) / 2


def split_lines(text: str) -> list[str]:
    """Split at line feeds, with or without carriage returns; unlike `str.splitlines`, at nothing else."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def table_entries(text: str, where: str, *, tabs: bool = False) -> list[Entry]:
    """Take CSV apart: a header with `term`, or a single column of terms.

    Further columns are dimension, category, variants, guards, unless (several phrases parted by `|` or `;`) and
    source; a column of any other name is not read, unless it looks like a misspelling of one of these.

    >>> table_entries("词语,类别\\n云计算,技术\\n", "a.csv")[0].category
    '技术'
    """
    head = split_lines(text)[0]
    # A tab or semicolon parts cells only where it parts the header: at the end of a term it is an accident.
    others = [mark for mark in "\t;" if _table_columns(head.split(mark), where)]
    delimiter = "\t" if tabs else "," if "," in head or not others else others[0]
    rows = _table_rows(text, where, delimiter)
    if not rows:
        return []
    columns = _table_columns(rows[0][1], where)
    if columns is None:
        for line, cells in rows:
            if len([cell for cell in cells if cell.strip(ENDS)]) > 1:
                raise LexiconError(
                    f"{where}, line {line}: several columns and no header; "
                    f"name the column of terms 'term' in the first line"
                )
        return [Entry(line, next((cell for cell in cells if cell.strip(ENDS)), "")) for line, cells in rows]
    entries = []
    for line, cells in rows[1:]:
        if len(cells) > len(rows[0][1]) and any(cell.strip(ENDS) for cell in cells[len(rows[0][1]) :]):
            raise LexiconError(
                f"{where}, line {line}: more cells than the header names; put phrases with commas in quotes"
            )
        row = {name: cells[at] for name, at in columns.items() if at < len(cells)}
        entries.append(
            Entry(
                line,
                row.get("term", ""),
                dimension=row.get("dimension", ""),
                category=row.get("category", ""),
                variants=_several(row.get("variants", "")),
                guards=_several(row.get("guards", "")),
                unless=_several(row.get("unless", "")),
                source=row.get("source", ""),
            )
        )
    return entries


def _table_rows(text: str, where: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip(ENDS) for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise LexiconError(f"{where}, line {line}: not CSV: {error}; check the quotes") from error
    return rows


def _table_columns(head: Sequence[str], where: str) -> dict[str, int] | None:
    names = [cell.strip(ENDS).lower() for cell in head]
    if not any(_COLUMN_OF.get(name) == "term" for name in names):
        return None
    columns: dict[str, int] = {}
    for at, name in enumerate(names):
        column = _COLUMN_OF.get(name)
        if column is None:
            near = difflib.get_close_matches(name, _COLUMN_OF, n=1, cutoff=0.8)
            if near:
                raise LexiconError(f"{where}, line 1: unknown column {name!r}; did you mean {near[0]!r}?")
        elif column in columns:
            raise LexiconError(f"{where}, line 1: two columns of {column}; rename one of them")
        else:
            columns[column] = at
    return columns


def _several(cell: str) -> tuple[str, ...]:
    return tuple(phrase for phrase in re.split("[|;；]", cell) if phrase.strip(ENDS))


def text_entries(text: str, where: str) -> list[Entry]:
    """Take a list apart, one term a line; a line that begins with `#` is a comment.

    Of a line of a jieba dictionary (`云计算 5 n`) the word is taken, and the frequency and tag are not.

    >>> [entry.name for entry in text_entries("云计算\\n大数据 300 n\\n", "a.txt")]
    ['云计算', '大数据']
    """
    entries = []
    for line, raw in enumerate(split_lines(text), start=1):
        content = raw.strip(ENDS)
        if not content or content.startswith("#"):
            continue
        if content.isalnum():  # as most are: the expressions below took half the time
            entries.append(Entry(line, raw))
            continue
        jieba = _JIEBA.fullmatch(content)
        if jieba and jieba["frequency"] and (jieba["tag"] or _HAN.search(jieba["word"])):
            entries.append(Entry(line, jieba["word"]))
        elif jieba and (jieba["frequency"] or (jieba["tag"] and _HAN.search(jieba["word"]))):
            raise LexiconError(
                f"{where}, line {line}: {content!r} is either one term or a word of a jieba dictionary; "
                f"leave only the term, or use CSV with the header 'term'"
            )
        elif mark := _SEVERAL.search(content):
            raise LexiconError(
                f"{where}, line {line}: {content!r} holds {mark[0]!r}, so it looks like several terms; "
                f"write one term a line, or use CSV with the header 'term'"
            )
        else:
            entries.append(Entry(line, raw))
    return entries


def liwc_entries(text: str, where: str) -> list[Entry]:
    """Take a LIWC dictionary apart: `%`, numbered categories, `%`, then words with numbers of categories.

    A word in several categories becomes an entry in each.
    """
    names: dict[str, str] = {}
    entries = []
    marks = 0
    for line, raw in enumerate(split_lines(text), start=1):
        content = raw.strip(ENDS)
        if content == "%":
            marks += 1
        elif not content:
            continue
        elif marks == 0:
            raise LexiconError(f"{where}, line {line}: a LIWC dictionary begins with a line '%'; this is {content!r}")
        elif marks == 1:
            number, _, name = content.replace("\t", " ").partition(" ")
            if not number.isdecimal() or not name.strip(ENDS):
                raise LexiconError(f"{where}, line {line}: {content!r} is not the number and name of a category")
            if number in names:
                raise LexiconError(f"{where}, line {line}: category {number} is named twice; keep one")
            names[number] = name.strip(ENDS)
        else:
            word, *numbers = re.split(r"\t+" if "\t" in content else r"\s+", content)
            numbers = [number for cell in numbers for number in cell.split()]
            if not numbers:
                raise LexiconError(f"{where}, line {line}: {word!r} has no category; write its number behind a tab")
            for number in numbers:
                if number not in names:
                    raise LexiconError(
                        f"{where}, line {line}: {word!r} is in category {number!r}, which the head does not name; "
                        f"name it between the two lines '%'"
                    )
                entries.append(Entry(line, word, dimension=names[number], category=names[number]))
    if marks != 2:
        raise LexiconError(f"{where}: {marks} lines '%'; a LIWC dictionary has two, before and after its categories")
    return entries


def quanteda_entries(text: str, where: str) -> list[Entry]:
    """Take a quanteda dictionary apart: YAML of dimensions, or dimensions and categories, with lists of terms.

    Scalars are read as they are written: `no` and `020` are terms, not a truth and a number.

    >>> quanteda_entries("技术: {云: [云计算]}", "a.yml")[0].category
    '云'
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise LexiconError(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    except RecursionError as error:
        raise LexiconError(f"{where}: lists nested too deep; a list holds terms") from error
    if root is None:
        return []
    entries: list[Entry] = []
    for dimension, value in _yaml_pairs(root, where):
        lists = [("", value)] if isinstance(value, yaml.SequenceNode) else _yaml_pairs(value, where)
        for category, terms in lists:
            if not isinstance(terms, yaml.SequenceNode):
                raise _yaml_error(terms, where, "expected a list of terms, at most two levels deep")
            for term in terms.value:
                if not isinstance(term, yaml.ScalarNode):
                    raise _yaml_error(term, where, "expected a term")
                entries.append(Entry(term.start_mark.line + 1, term.value, dimension=dimension, category=category))
    return entries


def _yaml_pairs(node: yaml.Node, where: str) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _yaml_error(node, where, "expected names of dimensions or categories, each with its terms")
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _yaml_error(key, where, "expected a name")
    return [(key.value, value) for key, value in node.value]


def _yaml_error(node: yaml.Node, where: str, expected: str) -> LexiconError:
    kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    kind = "a single value" if isinstance(node, yaml.ScalarNode) else kind
    return LexiconError(f"{where}, line {node.start_mark.line + 1}: {kind}; {expected}")


def refuse_wildcards(entries: Sequence[Entry], where: str, wildcards: str) -> None:
    """Raise LexiconError if terms hold wildcards, which exact matching would take for letters."""
    found = [entry.name for entry in entries if any(mark in entry.name for mark in wildcards)]
    if found:
        examples = ", ".join(map(repr, found[:3]))
        raise LexiconError(
            f"{where}: {len(found)} terms hold a wildcard ({examples}); cipin matches exactly, "
            f"so write out the words that are meant"
        )


def one_category(entries: Sequence[Entry], where: str, *, first: bool) -> list[Entry]:
    """Leave each word one category: the first if `first`, else LexiconError for a word in several."""
    categories: dict[str, dict[str, None]] = {}
    for entry in entries:
        categories.setdefault(entry.name, {})[entry.category] = None
    several = {name: list(given) for name, given in categories.items() if len(given) > 1}
    if several and not first:
        name, given = next(iter(several.items()))
        raise LexiconError(
            f"{where}, term {name!r}: in {len(given)} categories, {', '.join(map(repr, given))} "
            f"({len(several)} such terms); leave each term one category, or read with first_category=True"
        )
    return [entry for entry in entries if entry.category == next(iter(categories[entry.name]))]


def tidy_entries(entries: Iterable[Entry], where: str) -> list[Entry]:
    """Strip the ends of every phrase and join repeats within a category.

    Raises LexiconError for an entry without a term.
    """
    kept: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        name = entry.name.strip(ENDS)
        if not name:
            raise LexiconError(f"{where}, line {entry.line}: no term; fill it in or remove the line")
        dimension, category = entry.dimension.strip(ENDS), entry.category.strip(ENDS)
        key = (dimension, category, name)
        bare = not (entry.variants or entry.guards or entry.unless or entry.source or entry.lines)
        if bare and key not in kept and key == (entry.dimension, entry.category, entry.name):
            kept[key] = entry  # as it is: to make 337,000 anew took a second
            continue
        before = kept.get(key) or Entry(entry.line, name, dimension, category)
        kept[key] = Entry(
            before.line,
            name,
            dimension,
            category,
            _joined(before.variants, entry.variants),
            _joined(before.guards, entry.guards),
            _joined(before.unless, entry.unless),
            before.source or entry.source.strip(ENDS),
        )
    return list(kept.values())


def _joined(before: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *(phrase.strip(ENDS) for phrase in more)))) if before or more else ()
