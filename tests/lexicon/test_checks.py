"""A glance at a lexicon lets nothing pass that its checks, one by one, refuse; and its hash is that of its fields."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

import cipin
from cipin.lexicon import checks
from cipin.lexicon.model import Term

#: Of those that fold into one another, that nobody sees, that strip, and of none of these.
CHARACTERS = "数數据據aＡA5５ \u3000\t\n\u200b\ue000\u00a0\u2f24大\u0378"


def phrase(chance: random.Random) -> str:
    return "".join(chance.choices(CHARACTERS[: chance.choice([10, len(CHARACTERS)])], k=chance.choice([0, 1, 2, 2, 3])))


def terms(chance: random.Random) -> list[Term]:
    def some(most: int) -> tuple[str, ...]:
        return tuple(phrase(chance) for _ in range(chance.choice([0, 0, most])))

    return [Term(phrase(chance), "d", "c", some(2), some(1), some(1)) for _ in range(chance.choice([1, 2, 3]))]


def test_a_glance_is_as_strict_as_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, glance = random.Random(7), checks._are_sound
    monkeypatch.setattr(checks, "_are_sound", lambda _: False)
    seen: Counter[tuple[bool, bool]] = Counter()
    for _ in range(5_000):
        given: dict[str, Any] = {"id": "a", "terms": tuple(terms(chance)), "fold": chance.random() < 0.5}
        # Unchecked, as a glance is given it.
        lexicon = object.__new__(cipin.Lexicon)
        for each in fields(cipin.Lexicon):
            object.__setattr__(lexicon, each.name, given.get(each.name, each.default))
        try:
            cipin.Lexicon(**given)
        except cipin.LexiconError:
            sound = False
        else:
            sound = True
        seen[sound, glance(lexicon)] += 1
        assert sound or not glance(lexicon), lexicon
    # The other way about it need not be: what has a blank inside that is no space is looked at, and may pass.
    assert min(seen[True, True], seen[False, False]) > 300
    assert seen[True, False] < seen[True, True]


def test_what_is_no_string_is_said_to_be_none() -> None:
    with pytest.raises(cipin.LexiconError, match=r"term \['巨量资料'\]: not a string"):
        cipin.Lexicon.from_terms(["大数据"], variants={"大数据": [["巨量资料"]]})  # type: ignore[list-item]
    with pytest.raises(cipin.LexiconError, match="'云计算 ': blank, tab or line break at an end"):
        cipin.Lexicon.from_terms(["云计算 ", "大数据"], variants={"大数据": [["x"]]})  # type: ignore[list-item]


@pytest.mark.parametrize("seed", range(50))
def test_hash_is_of_all_fields(seed: int) -> None:
    chance = random.Random(seed)
    words = [word + chance.choice('大数據aＡ\\"') + str(number) for number, word in enumerate("云计算链")]
    made = [
        Term(word, "d\u200b", word[0], *([f"{kind}{word}"] * chance.choice([0, 1, 2]) for kind in "变卫除"), source="s")
        for word in words
    ]
    lexicon = cipin.Lexicon(
        id="a", terms=tuple(made), title='"terms":[]', source="terms", match=chance.choice(["all", "leftmost-longest"]),
        fold=chance.random() < 0.5, guards=("{term}有限公司",),
    )  # fmt: skip
    content = {each.name: getattr(lexicon, each.name) for each in fields(lexicon) if each.name != "origin"}
    content["terms"] = [{each.name: getattr(term, each.name) for each in fields(Term)} for term in made]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert lexicon.hash == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
