"""A changed lexicon: shards without a changed term are carried over, and every byte is that of a full run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.lexicon.model import Lexicon, Term
from cipin.running import plan
from cipin.running.carry import changed_strings
from cipin.running.verify import verify

WORDS = ("大数据", "数据", "云计算", "云", "雲平台", "区块链", "AI", "金融科技", "网联", "智能网联", "人工智能")
BASE = Lexicon.from_terms(WORDS[:7], id="base", guards={"云": ["云南"]})


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small texts in many shards, none of which holds all words."""
    monkeypatch.setattr(plan, "LEAST_BYTES", 1500)
    monkeypatch.setattr(plan, "CUT_BYTES", 1500)
    folder = tmp_path / "reports"
    folder.mkdir()
    chance = random.Random(3)
    for number in range(24):
        known = chance.sample([*WORDS, "云南", "大數據", "paid", "AI助手", "加大数据"], 3)
        said = "，".join(f"本行{chance.choice(known)}业务持续推进" for _ in range(40))
        Path(folder, f"甲银行_{2000 + number}.txt").write_text(f"一、总体\n{said}。\n", encoding="utf-8")
    Path(folder, "空.pdf").write_bytes(b"%PDF-1.4 nothing")
    return folder


def shas(run: cipin.Run) -> dict[str, str]:
    return {each["name"]: each["sha256"] for each in run.manifest["files"]}


def with_terms(*more: str, base: Lexicon = BASE, **options: Any) -> Lexicon:
    return replace(
        base, terms=(*base.terms, *(Term(name, dimension="base", category="base", **options) for name in more))
    )


CHANGES = {
    "rare term": with_terms("量子"),
    "term in some": with_terms("网联"),
    "removed": replace(BASE, terms=BASE.terms[:5]),
    "removed and added": replace(with_terms("区块链", base=replace(BASE, terms=BASE.terms[:5])), title="二"),
    "variant": replace(BASE, terms=(replace(BASE.terms[0], variants=("大资料",)), *BASE.terms[1:])),
    "guard": replace(BASE, terms=(replace(BASE.terms[0], guards=("加大数据",)), *BASE.terms[1:])),
    "guard of all": replace(BASE, guards=("智能{term}",)),
    "unless": replace(
        BASE, terms=tuple(replace(each, unless=("云南云",)) if each.guards else each for each in BASE.terms)
    ),
    "renamed": replace(BASE, terms=(replace(BASE.terms[0], name="大數據"), *BASE.terms[1:])),
    "dimension": replace(BASE, terms=(replace(BASE.terms[0], dimension="技术"), *BASE.terms[1:])),
    "title": replace(BASE, title="又名", version="2"),
}
WHOLLY = {
    "order": replace(BASE, terms=BASE.terms[::-1]),
    "policy": replace(BASE, match="all"),
    "boundaries": replace(BASE, boundaries="none"),
    "fold": replace(BASE, fold=False),
    "id": replace(BASE, id="other"),
    "most terms": Lexicon.from_terms(["甲", "乙", "丙", "丁", "戊", "己", "庚", "云"], id="base"),
}


@pytest.mark.parametrize("match", ["all", "leftmost-longest"])
@pytest.mark.parametrize("change", CHANGES)
def test_bytes_of_a_full_run(change: str, match: Any, reports: Path, tmp_path: Path) -> None:
    earlier, later = BASE.with_policy(match=match), CHANGES[change].with_policy(match=match)
    options: dict[str, Any] = {"format": "arrow"} if change in {"guard", "term in some"} else {}
    first = cipin.run(reports, earlier, tmp_path / "out", **options)
    done = cipin.run(reports, later, tmp_path / "out", **options)
    full = cipin.run(reports, later, tmp_path / "full", **options)
    assert shas(done) == shas(full)
    assert done.version == first.version + 1
    # All but the shard of the file that cannot be read, whose parsing is tried anew, may be carried.
    n_shards, carried = len(first.manifest["shards"]), done.manifest["work"]["carried"]
    assert n_shards > 10
    if change in {"rare term", "variant", "guard of all", "unless", "dimension", "title"}:
        assert carried == n_shards
    else:
        assert 0 < carried < n_shards
    assert full.manifest["work"]["carried"] == 0
    for name in ("outcomes", "doubtful", "terms"):
        assert done.manifest["summary"][name] == full.manifest["summary"][name]
    tallies = [{k: v for k, v in run.manifest["summary"]["tallies"].items() if k in full.manifest["summary"]["tallies"]
                and k not in {"parsed", "reused"}} for run in (done, full)]  # fmt: skip
    assert tallies[0] == tallies[1]


@pytest.mark.parametrize("change", WHOLLY)
def test_nothing_is_carried_where_all_may_change(change: str, reports: Path, tmp_path: Path) -> None:
    cipin.run(reports, BASE, tmp_path / "out")
    done = cipin.run(reports, WHOLLY[change], tmp_path / "out")
    assert done.manifest["work"]["carried"] == 0
    assert shas(done) == shas(cipin.run(reports, WHOLLY[change], tmp_path / "full"))


def test_options_and_reports_that_change_as_well(reports: Path, tmp_path: Path) -> None:
    cipin.run(reports, BASE, tmp_path / "out", words=True)
    later = with_terms("量子")
    assert cipin.run(reports, later, tmp_path / "out").manifest["work"]["carried"] == 0
    Path(reports, "甲银行_2001.txt").write_text("量子", encoding="utf-8")
    Path(reports, "乙银行_2001.txt").write_text("量子云", encoding="utf-8")
    last = with_terms("量子", "超导")
    done = cipin.run(reports, last, tmp_path / "out", on="processes", workers=2)
    assert shas(done) == shas(cipin.run(reports, last, tmp_path / "full"))
    work = done.manifest["work"]
    assert 0 < work["carried"] < work["shards"]
    assert not verify(tmp_path / "out", sample=50).problems


@pytest.mark.parametrize("what", ["data", "pack", "plan"])
def test_what_is_damaged_is_not_carried(what: str, reports: Path, tmp_path: Path) -> None:
    first = cipin.run(reports, BASE, tmp_path / "out")
    if what == "data":
        hits = next(each for each in first.manifest["files"] if each["table"] == "hits" and each["rows"])
        _flip(Path(first.out, hits["name"]))
    elif what == "plan":
        (tmp_path / "out" / "_meta" / "plans" / f"{first.manifest['run']}.json").write_text("{}")
    else:
        for pack in (tmp_path / "out" / "corpus" / "packs").rglob("*.arrow"):
            _flip(pack)
    done = cipin.run(reports, with_terms("量子"), tmp_path / "out")
    assert shas(done) == shas(cipin.run(reports, with_terms("量子"), tmp_path / "full"))
    expected = len(first.manifest["shards"]) - 1 if what == "data" else 0
    assert done.manifest["work"]["carried"] == expected


def test_what_failed_by_chance_is_tried_again(reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that killed its worker, whose text another of the same content has stored."""
    Path(reports, "丙银行_2001.txt").write_bytes(Path(reports, "甲银行_2001.txt").read_bytes())

    class Deadly:
        def run(self, function: Any, job: Any, shards: Any) -> Any:
            for shard in shards:
                told = any(each.path == "丙银行_2001.txt" for each in shard.sources) and not shard.poison
                yield shard, None if told else function(job, shard)

    with monkeypatch.context() as patch:
        patch.setattr("cipin.running.measure.find_executor", lambda on, workers: Deadly())
        first = cipin.run(reports, BASE, tmp_path / "out", on="deadly")
    assert first.summary["outcomes"]["quarantined:crash"] == 1
    done = cipin.run(reports, with_terms("量子"), tmp_path / "out")
    assert "quarantined:crash" not in done.summary["outcomes"]
    assert 0 < done.manifest["work"]["carried"] < done.manifest["work"]["shards"]
    assert shas(done) == shas(cipin.run(reports, with_terms("量子"), tmp_path / "full"))


def _flip(path: Path) -> None:
    """Change a byte of a file, whose length stays."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_of_lexicons(seed: int, reports: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)
    match: Any = chance.choice(["all", "leftmost-longest"])
    lexicon = BASE.with_policy(match=match)
    for _ in range(4):
        cipin.run(reports, lexicon, tmp_path / "out")
        lexicon = _edited(lexicon, chance)
    done = cipin.run(reports, lexicon, tmp_path / "out")
    assert shas(done) == shas(cipin.run(reports, lexicon, tmp_path / "full"))


def _edited(lexicon: Lexicon, chance: random.Random) -> Lexicon:
    terms = list(lexicon.terms)
    at = chance.randrange(len(terms))
    taken = {lexicon.spell(spelling) for term in terms for spelling in term.spellings}
    free = [word for word in (*WORDS, "业务", "量子", "paid", "本行云") if lexicon.spell(word) not in taken]
    edit = chance.choice(["add", "remove", "guard", "variant", "insert"])
    if edit in {"add", "insert"} and free:
        terms.insert(len(terms) if edit == "add" else at, Term(chance.choice(free), dimension="base", category="base"))
    elif edit == "remove" and len(terms) > 4:
        del terms[at]
    elif edit == "guard":
        terms[at] = replace(terms[at], guards=(*_unlike(terms[at].guards, terms[at].name, chance),))
    elif free:
        terms[at] = replace(terms[at], variants=(chance.choice(free),))
    return replace(lexicon, terms=tuple(terms))


def _unlike(guards: Sequence[str], name: str, chance: random.Random) -> Sequence[str]:
    return () if guards else (chance.choice([f"本行{name}", f"{name}业务", f"加{name}"]),)


def test_changed_strings_are_as_they_are_matched() -> None:
    later = with_terms("雲計算服務", guards=("ＡＩ雲計算服務",))
    assert changed_strings(BASE, later) == ("云计算服务", "ai云计算服务")
    assert changed_strings(BASE, BASE) == ()
    assert changed_strings(BASE, WHOLLY["order"]) is None
