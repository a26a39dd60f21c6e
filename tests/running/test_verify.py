"""Keeping an output well: `verify` notices what is damaged, and the same command mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from runs import everything, write

import cipin
from cipin.cli import main
from cipin.running import ledger
from cipin.running.verify import verify


def newest(out: Path, table: str) -> Path:
    return out / next(each["name"] for each in cipin.open(out).manifest["files"] if each["table"] == table)


def test_verify_of_what_is_well(out: Path, reports: Path) -> None:
    found = verify(out)
    assert found.problems == ()
    assert (found.version, found.files, found.reports, found.hits, found.unseen) == (1, 7, 3, 3, 0)
    assert verify(out, sample=0).hits == 0


def test_verify_looks_hits_up_where_it_can(out: Path, reports: Path) -> None:
    for path in (out / "corpus").rglob("*.json"):
        path.unlink()
    assert (verify(out).hits, verify(out).unseen, verify(out).problems) == (3, 0, ())  # in the sources
    write(reports, 甲银行_2020="别的。")
    assert (verify(out).hits, verify(out).unseen, verify(out).problems) == (2, 1, ())


def damage_file(out: Path) -> None:
    path = newest(out, "hits")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # OUT/current links to it
    path.write_bytes(data)


def lose_file(out: Path) -> None:
    newest(out, "panel").unlink()


def tamper_manifest(out: Path, change: Any) -> None:
    path = out / "_meta" / "versions" / f"{1:020d}.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    del manifest["sum"]  # as if whoever did it knew of the sum
    path.write_bytes(ledger.seal(manifest))


def forge_rows(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["files"][0].update(rows=7))


def forge_summary(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["summary"]["terms"].update(大数据=700))


def forge_outcomes(out: Path) -> None:
    tamper_manifest(out, lambda manifest: manifest["shards"][0]["outcomes"].update(measured=4))


@pytest.mark.parametrize("damage", [damage_file, lose_file, forge_rows, forge_summary, forge_outcomes])
def test_verify_notices(out: Path, damage: Any, capsys: pytest.CaptureFixture[str]) -> None:
    damage(out)
    assert verify(out).problems
    assert main(["verify", str(out)]) == 1
    assert "wrong: " in capsys.readouterr().out


@pytest.mark.parametrize("damage", [damage_file, lose_file])
def test_damage_is_mended_by_the_same_command(out: Path, reports: Path, damage: Any) -> None:
    before = everything(out / "data")
    damage(out)
    if damage is damage_file:
        newest(out, "hits").unlink()  # as verify says
    cipin.run(reports, "wu2021", out)
    assert everything(out / "data") == before
    assert verify(out).problems == ()


def test_verify_knows_hits_that_are_not_in_the_text(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if offsets had been counted in bytes: every sum is right, and every place wrong.
    real = pl.DataFrame.sample

    def shifted(self: pl.DataFrame, *arguments: Any, **options: Any) -> pl.DataFrame:
        return real(self, *arguments, **options).with_columns(pl.col("start", "end") + 1)

    monkeypatch.setattr(pl.DataFrame, "sample", shifted)
    assert len(verify(out).problems) == 3
