"""The case tables, against the oracle and every matcher, compiled and not."""

import pyarrow as pa
import pytest

import naive
from cases_of import cases, lexicon_of
from cipin.matching import judge as judge_module
from cipin.matching.processor import missing_features
from cipin.matching.scanner import Scanner

MATCHES = ("leftmost-longest", "all")


def by_oracle(text, lexicon, monkeypatch):
    return [(hit.term, hit.start, hit.end, hit.kept, hit.reason) for hit in naive.find_hits(text, lexicon)]


def by_scanner(matcher, compiled):
    def find(text, lexicon, monkeypatch):
        monkeypatch.setattr(judge_module, "SMALL_ROWS", -1 if compiled else 1 << 60)
        # Neighbours on both sides: nothing may leak from one report into the next.
        table = pa.table({"text": ["云计", text, "算5G"]})
        hits = Scanner(lexicon, matcher=matcher)(table, suppressed=True).filter(pa.compute.field("row") == 1)
        return list(zip(*(hits[name].to_pylist() for name in ("term", "start", "end", "kept", "reason")), strict=True))

    return find


FINDERS = {
    "oracle": by_oracle,
    "ahocorasick": by_scanner("ahocorasick", compiled=False),
    "portable": by_scanner("portable", compiled=True),
}
if not missing_features():
    FINDERS["avx512"] = by_scanner("avx512", compiled=True)


def rows():
    """Each case once for each policy that it speaks of."""
    for case in cases("hits.*.toml"):
        for match in MATCHES:
            if match.replace("-", "_") in case.values[0]:
                yield pytest.param(case.values[0], match, id=f"{case.id}: {match}", marks=case.marks)


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize(("case", "match"), list(rows()))
def test_hits(case, match, finder, monkeypatch):
    hits = FINDERS[finder](case["text"], lexicon_of(case, match), monkeypatch)
    number = {term: index for index, term in enumerate(case["terms"])}
    kept = [[number[term], start, end] for term, start, end, kept, _ in hits if kept]
    assert kept == case[match.replace("-", "_")]
    if "suppressed" in case and match == "leftmost-longest":
        found = [[number[term], start, end, reason] for term, start, end, kept, reason in hits if not kept]
        assert found == case["suppressed"]


def test_every_case_is_about_something():
    assert all("all" in case.values[0] or "leftmost_longest" in case.values[0] for case in cases("hits.*.toml"))
