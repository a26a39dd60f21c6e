"""A panel that is counted in parts is the panel that is counted at once, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

import cipin
from cipin.running import aggregate, plan


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Reports of several shards: two a bank-year, some unreadable, one without an entity, one that is of two banks."""
    monkeypatch.setattr(plan, "LEAST_BYTES", 200)
    monkeypatch.setattr(plan, "MOST_BYTES", 400)
    folder = tmp_path / "reports"
    folder.mkdir()
    for number in range(40):
        name = f"{'甲乙丙丁'[number % 4]}银行{2010 + number % 5}年年度报告{number}.txt"
        said = "推进大数据，发展云计算。" * (number % 3) + f"第{number}句。"
        (folder / name).write_text(said, encoding="utf-8")
    (folder / "x.txt").write_text("大数据", encoding="utf-8")
    (folder / "y甲银行2011年.txt").write_bytes(b"\x00\x01\x02" * 99)
    banks = "".join(f"# {bank}\n\n推进大数据与区块链。发展云计算。\n\n" for bank in ("招商银行", "平安银行"))
    (folder / "金融科技综述.md").write_text(banks, encoding="utf-8")
    return folder


@pytest.mark.parametrize("on", ["serial", "processes"])
def test_panel_in_parts(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: str) -> None:
    whole = cipin.run(many, "fintech-zh", tmp_path / "whole", on="serial")
    assert len(whole.manifest["shards"]) > 5
    assert whole.panel().collect()["hits"].sum() > 20
    assert whole.sections.collect()["entity"].drop_nulls().to_list() == ["招商银行", "平安银行"]
    monkeypatch.setattr(aggregate, "MANY_ROWS", 10)
    monkeypatch.setattr(aggregate, "PART_ROWS", 12)
    parts = cipin.run(many, "fintech-zh", tmp_path / "parts", on=on, workers=2)
    assert parts.manifest["files"] == whole.manifest["files"]
    assert not list((tmp_path / "parts" / "_meta" / "attempts").iterdir())


def test_reports_are_shared_out_whole(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "PART_ROWS", 12)
    run = cipin.run(many, "fintech-zh", tmp_path / "out", on="serial")
    records = [cipin.running.ledger.ShardRecord.from_json(each) for each in run.manifest["shards"]]
    parts = aggregate._parts(records)
    assert len(parts) > 3
    assert [file["name"] for part in parts for file in part.files] == [
        file.name for record in records for file in record.files
    ]


def test_worker_of_a_part_that_dies(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MANY_ROWS", 10)

    class Deadly:
        def run(self, function: object, job: object, shards: object) -> object:
            for shard in shards:
                yield shard, None if isinstance(shard, aggregate.Part) else function(job, shard)

    monkeypatch.setattr("cipin.running.measure.find_executor", lambda on, workers: Deadly())
    with pytest.raises(cipin.RunError, match="part 0 of the panel: its worker dies; look at memory"):
        cipin.run(many, "fintech-zh", tmp_path / "out", on="deadly")
    monkeypatch.undo()
    assert cipin.run(many, "fintech-zh", tmp_path / "out").version == 1
