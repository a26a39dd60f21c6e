"""What is probably wrong in a lexicon file, with the cure; also in files that `read_lexicon` refuses.

Most codes stand for an error of a published or much-copied list: terms that end in a tab (`tab`), `EB 级存储`
(`blank-inside`), `020` for O2O and `数学金融` for 数字金融 (`look-alike`), `类脑计算认知计算` (`glued`). A finding is
a reason to look, not a verdict; a term that a shipped lexicon holds as well is suspected of neither of the last two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cipin.errors import LexiconError
from cipin.lexicon.files import Draft, find_lexicon, read_draft, read_lexicon, shipped_lexicons
from cipin.lexicon.fold import fold
from cipin.lexicon.imports import ENDS, Entry
from cipin.lexicon.model import PLACEHOLDER, Lexicon

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003347f"
_BLANK = "[ \u00a0\u2000-\u200a\u3000]+"
_BLANK_INSIDE = re.compile(f"(?<=[{_HAN}]){_BLANK}(?=[{_HAN}A-Za-z0-9])|(?<=[A-Za-z0-9]){_BLANK}(?=[{_HAN}])")
_CLAUSE_MARK = re.compile("[，。；：！？…,;:!?\n]")
_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_LETTERS = re.compile(r"[^\W\d_]+")
#: Micro and ohm stand beside Latin letters in units.
_UNITS = frozenset("\u00b5\u03bc\u03a9\u2126\u03c9")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

#: Digits that stand for letters in lists that were typed or scanned, in folded text.
_DIGITS = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s"})

#: Ideographs taken for one another, by shape or by the input method; Simplified.
_GROUPS = (
    "学字 己已巳 末未 日曰 土士 人入 大太 千干 迁迂 析折 拆折 帐账 贷货 券卷 募慕幕 块快 链炼 征证 徽微 侯候 "
    "竞竟 辨辩 籍藉 壁璧 侍待 冶治 拔拨 代伐 斤斥 今令 王玉 牛午 力刀 几凡 免兔 师帅 风凤 撤撒 象像 做作 "
    "磁滋 晴睛 崇祟 刺剌 洒酒 往住 坏环 杨扬 网纲 储诸 密蜜 栽裁 摸模 联连 技枝"
)
_CONFUSED = {
    character: "".join(twin for group in _GROUPS.split() if character in group for twin in group if twin != character)
    for character in _GROUPS
    if character != " "
}

#: What read_lexicon refuses as well: where one of these is found, the refusal is not repeated.
_REFUSED = frozenset({"tab", "blank-end", "invisible", "duplicate"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is probably wrong: where, what, and the way out.

    line    line of the file, from 1; 0 if it concerns the whole file
    code    one word, such as `tab` or `look-alike`
    term    the phrase it is about; "" if it is about the file
    """

    file: str
    line: int
    code: str
    term: str
    message: str
    cure: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.code}: {self.message}; {self.cure}"


def lint_lexicon(path: str | Path, known: Sequence[Lexicon] | None = None) -> list[Finding]:
    """Return what is probably wrong in a lexicon file of any format, sorted by line.

    `known` are lexicons that are believed to be right, against which `glued` and `look-alike` compare: by
    default those that cipin ships. Raises LexiconError only if there is no such file.
    """
    path = Path(path)
    try:
        draft = read_draft(path)
    except LexiconError as error:
        if not path.is_file():
            raise
        return _sorted([*_file_findings(path), _refusal(path, error)])
    if known is None:
        known = [find_lexicon(name) for name in shipped_lexicons() if name != draft.head.get("id")]
    findings = [*_file_findings(path)]
    for entry in draft.entries:
        findings += _end_findings(draft.file, entry)
    sheet = _Sheet.of(draft, known)
    for entry in sheet.entries:
        findings += _spelling_findings(sheet, entry)
        findings += _guard_findings(sheet, entry)
    findings += _shared_findings(sheet)
    findings += _duplicate_findings(sheet)
    findings += _suspect_findings(sheet)
    try:
        read_lexicon(path)
    except LexiconError as error:
        if not any(finding.code in _REFUSED for finding in findings):
            findings.append(_refusal(path, error))
    return _sorted(findings)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A draft made comparable: stripped entries, its policies, and known spellings, folded."""

    draft: Draft
    entries: tuple[Entry, ...]
    folds: bool
    guards: tuple[str, ...]
    unless: tuple[str, ...]
    known: dict[str, str]

    @classmethod
    def of(cls, draft: Draft, known: Iterable[Lexicon]) -> _Sheet:
        return cls(
            draft,
            tuple(_stripped(entry) for entry in draft.entries if entry.name.strip(ENDS)),
            bool(draft.head.get("fold", True)),
            tuple(draft.head.get("guards", ())),
            tuple(draft.head.get("unless", ())),
            {fold(name): name for lexicon in known for term in lexicon.terms for name in term.spellings},
        )

    def spell(self, text: str) -> str:
        return fold(text) if self.folds else text

    def spellings(self, entry: Entry) -> set[str]:
        return {self.spell(name) for name in (entry.name, *entry.variants)}

    def found(self, entry: Entry, code: str, phrase: str, message: str, cure: str) -> Finding:
        return Finding(self.draft.file, entry.line_of(phrase), code, phrase, f"{phrase!r} {message}", cure)


def _stripped(entry: Entry) -> Entry:
    def strip(phrases: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(phrase.strip(ENDS) for phrase in phrases if phrase.strip(ENDS))

    return replace(
        entry,
        name=entry.name.strip(ENDS),
        variants=strip(entry.variants),
        guards=strip(entry.guards),
        unless=strip(entry.unless),
        lines={phrase.strip(ENDS): line for phrase, line in entry.lines.items()},
    )


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.line, finding.code, finding.term))


def _file_findings(path: Path) -> Iterator[Finding]:
    data = path.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        message = "the file begins with a byte order mark"
        yield Finding(str(path), 1, "bom", "", message, "save it without: many tools take the mark for part of a term")
    if count := data.count(b"\r\n"):
        line = data.count(b"\n", 0, data.index(b"\r\n")) + 1
        cure = "save it with line feeds alone: many tools take the carriage return for part of a term"
        yield Finding(str(path), line, "crlf", "", f"{count} lines end in carriage return and line feed", cure)


def _refusal(path: Path, error: LexiconError) -> Finding:
    text = str(error).removeprefix(str(path))
    line = re.match(r", line (\d+)", text)
    message, _, cure = text.removeprefix(line[0] if line else "").lstrip(":, ").rpartition("; ")
    return Finding(
        str(path), int(line[1]) if line else 0, "refused", "", message or cure, cure if message else "mend it"
    )


def _end_findings(file: str, entry: Entry) -> Iterator[Finding]:
    for phrase in (entry.name, *entry.variants, *entry.guards, *entry.unless):
        line = entry.line_of(phrase)
        if "\t" in phrase:
            cure = "remove it: a program that keeps it finds the term nowhere"
            yield Finding(file, line, "tab", phrase.strip(ENDS), f"{phrase!r} holds a tab", cure)
        elif phrase != phrase.strip(ENDS):
            cure = "remove it: a program that keeps it misses the term"
            yield Finding(file, line, "blank-end", phrase.strip(ENDS), f"{phrase!r} has a blank at an end", cure)


def _spelling_findings(sheet: _Sheet, entry: Entry) -> Iterator[Finding]:
    spellings = (entry.name, *entry.variants)
    for phrase in dict.fromkeys(spellings):
        if len(phrase) == 1:
            yield sheet.found(
                entry, "one-character", phrase, "is one character, found inside words", "write out the word"
            )
        if _BLANK_INSIDE.search(phrase) and _BLANK_INSIDE.sub("", phrase) not in spellings:
            cure = f"write {_BLANK_INSIDE.sub('', phrase)!r}, or list both spellings"
            yield sheet.found(entry, "blank-inside", phrase, "has a blank that running text has not", cure)
        if mark := _CLAUSE_MARK.search(phrase):
            cure = "leave it out or part the term: a clause ends there, so it holds no such term"
            yield sheet.found(entry, "clause-mark", phrase, f"holds {mark[0]!r}", cure)
        if not sheet.folds and _FULL_WIDTH.search(phrase):
            cure = "set fold = true, or write it in ASCII"
            yield sheet.found(entry, "full-width", phrase, "has full-width letters or digits, and fold = false", cure)
    for phrase in dict.fromkeys((*spellings, *entry.guards, *entry.unless)):
        if hidden := [character for character in phrase if _is_invisible(character)]:
            codes = ", ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(hidden))
            yield sheet.found(entry, "invisible", phrase, f"holds what cannot be seen: {codes}", "remove it")
        for run in _LETTERS.findall(phrase):
            if {"LATIN"} < (scripts := _scripts(run)):
                other = " and ".join(sorted(script.capitalize() for script in scripts - {"LATIN"}))
                cure = "type it anew in Latin letters"
                yield sheet.found(entry, "mixed-script", phrase, f"mixes Latin and {other} letters", cure)
    if sheet.draft.head.get("match") == "all":
        for long in dict.fromkeys(spellings):
            for short in dict.fromkeys(spellings):
                if sheet.spell(short) != sheet.spell(long) and sheet.spell(short) in sheet.spell(long):
                    cure = 'remove one of them, or use match = "leftmost-longest"'
                    yield sheet.found(entry, "nested-variant", long, f"holds {short!r} and counts twice", cure)


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    hidden = category in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and character != "\t"
    return hidden or bool(_VARIATION.match(character))


def _scripts(letters: str) -> set[str]:
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in letters if letter not in _UNITS)
    return {name for name in names if name in ("LATIN", "CYRILLIC", "GREEK")}


def _guard_findings(sheet: _Sheet, entry: Entry) -> Iterator[Finding]:
    own = sheet.spellings(entry)
    expanded = {
        template.replace(PLACEHOLDER, name) for template in sheet.guards for name in (entry.name, *entry.variants)
    }
    for guard in dict.fromkeys((*entry.guards, *sorted(expanded))):
        if sheet.spell(guard) in own:
            cure = "remove the guard, or write it out as the longer phrase that is meant"
            yield sheet.found(
                entry, "covered", guard, f"is a guard of {entry.name!r} and a spelling: it never counts", cure
            )
    for guard in entry.guards:
        if not any(name in sheet.spell(guard) for name in own):
            cure = "write the whole phrase in which the term does not count"
            yield sheet.found(entry, "idle-guard", guard, f"guards {entry.name!r} but does not hold it", cure)
    for phrase in entry.unless:
        if not any(name in sheet.spell(phrase) for name in own):
            cure = "write the whole phrase in which the term counts after all"
            yield sheet.found(
                entry, "idle-guard", phrase, f"stands under unless but does not hold {entry.name!r}", cure
            )
        elif not (entry.guards or sheet.guards):
            message = f"stands under unless, but {entry.name!r} has no guard"
            yield sheet.found(entry, "idle-guard", phrase, message, "add the guard, or remove it")


def _shared_findings(sheet: _Sheet) -> Iterator[Finding]:
    every = {name for entry in sheet.entries for name in sheet.spellings(entry)}
    lines = sheet.draft.text.split("\n")
    for phrase in (*sheet.guards, *sheet.unless):
        if PLACEHOLDER not in phrase and not any(name in sheet.spell(phrase) for name in every):
            line = next((number for number, text in enumerate(lines, start=1) if phrase in text), 0)
            message = f"{phrase!r} holds no term of the lexicon"
            yield Finding(sheet.draft.file, line, "idle-guard", phrase, message, f"use {PLACEHOLDER} or remove it")


def _duplicate_findings(sheet: _Sheet) -> Iterator[Finding]:
    owner: dict[str, tuple[Entry, str]] = {}
    for entry in sheet.entries:
        for phrase in (entry.name, *entry.variants):
            first, spelled = owner.setdefault(sheet.spell(phrase), (entry, phrase))
            if first is entry and spelled is phrase:
                continue
            how = "again" if phrase == spelled else f"the same as {spelled!r} under folding"
            place = f"line {first.line_of(spelled)}"
            if first.category != entry.category:
                place += f", in {first.category!r} there and {entry.category!r} here"
            cure = "remove it" if first is entry else "keep one, or make it a variant"
            yield sheet.found(entry, "duplicate", phrase, f"is {how} ({place})", cure)


def _suspect_findings(sheet: _Sheet) -> Iterator[Finding]:
    own = {fold(name): name for entry in sheet.entries for name in (entry.name, *entry.variants)}
    names = own | sheet.known
    alike: dict[str, list[str]] = {}
    for key in names:
        alike.setdefault(key.translate(_DIGITS), []).append(key)
    for entry in sheet.entries:
        mine = {fold(name) for name in (entry.name, *entry.variants)}
        for phrase in dict.fromkeys((entry.name, *entry.variants)):
            key = fold(phrase)
            if key in sheet.known:
                continue
            # Parts of two characters make honest compounds: 大数据风控, 移动互联网.
            for cut in range(3, len(key) - 2):
                parts = (key[:cut], key[cut:])
                if all(part in names and part not in mine for part in parts):
                    first, second = (names[part] for part in parts)
                    cure = "part them, if two terms were joined by accident"
                    yield sheet.found(entry, "glued", phrase, f"is {first!r} and {second!r} in one", cure)
            for other in _look_alikes(key, alike.get(key.translate(_DIGITS), ()), sheet.known):
                if other not in mine:
                    cure = "correct it, unless it is meant"
                    yield sheet.found(entry, "look-alike", phrase, f"looks like {names[other]!r}", cure)


def _look_alikes(key: str, alike: Iterable[str], known: dict[str, str]) -> Iterator[str]:
    for other in alike:
        # Within one file the digit is the suspect; a shipped lexicon is believed either way.
        typed = any(a.isdecimal() and not b.isdecimal() for a, b in zip(key, other, strict=True))
        if other != key and (typed or other in known):
            yield other
    for at, character in enumerate(key):
        for twin in _CONFUSED.get(character, ""):
            other = key[:at] + twin + key[at + 1 :]
            if other in known:
                yield other
