"""Outputs that were tampered with, cut off or half-copied: a message, never a traceback, and never other tables."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cipin
from cipin.cli import main

N_DAMAGES = 120
CODES = {0, 1, 2, 3, 4, 74, 75}
VALUES = (None, -1, 10**30, "", "../../x", "年", [], {}, True, 1.5, [[]], "0" * 24)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports, and an OUT with two versions."""
    folder = tmp_path_factory.mktemp("made")
    reports = folder / "reports"
    reports.mkdir()
    for year in (2019, 2020, 2021):
        (reports / f"甲银行_{year}年年度报告.txt").write_text(f"{year}年推进大数据。云计算。" * 3, encoding="utf-8")
    (reports / "坏.txt").write_bytes(b"\x00\x01\x02\xff" * 99)
    cipin.run(reports, "fintech-zh", folder / "out")
    cipin.run(reports, "wu2021", folder / "out")
    return folder


def tables(out: Path) -> dict[str, list[dict[str, Any]]]:
    run = cipin.open(out)
    return {name: run.table(name).collect().to_dicts() for name in ("reports", "hits", "counts", "panel", "lexicon")}


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a JSON value: its container, and its key or number there."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(pairs):
        yield content, key
        if isinstance(value, dict | list):
            yield from places(value)


def damage(path: Path, chance: random.Random) -> str:
    """Damage a file, and say how."""
    kinds = ["cut", "flip", "empty", "gone", "folder"] + (["value", "key"] * 3 if path.suffix == ".json" else [])
    kind = chance.choice(kinds)
    data = path.read_bytes()
    path.unlink()  # it may be linked
    if kind == "cut":
        path.write_bytes(data[: chance.randrange(max(len(data), 1))])
    elif kind == "flip":
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            if changed:
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(changed))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind in {"value", "key"}:
        content = json.loads(data)
        container, key = chance.choice(list(places(content)))
        if kind == "value":
            container[key] = chance.choice(VALUES)
        else:
            del container[key]
        path.write_text(json.dumps(content), encoding="utf-8")
        return f"{kind} {key}"
    return kind


@pytest.mark.parametrize("seed", range(8))
def test_damaged_output(
    made: Path,
    tmp_path: Path,
    seed: int,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wanted = tables(made / "out")
    n = N_DAMAGES // 8 * (10 if request.config.getoption("--heavy") else 1)
    for number in range(n):
        chance = random.Random(seed * 10_000 + number)
        out = tmp_path / f"out-{number}"
        shutil.copytree(made / "out", out)
        files = sorted(path for path in out.rglob("*") if path.is_file() and path.name != "lock")
        meta = [path for path in files if "_meta" in path.parts]
        path = chance.choice(meta if chance.random() < 0.7 else files)
        said = f"{path.relative_to(out)}: {damage(path, chance)}"
        report = "甲银行 2019"
        for command in (
            ["status"], ["errors"], ["diff"], ["verify"], ["gc", "--dry-run", "--grace", "0"], ["panel"],
            ["kwic", "大数据"], ["explain", report, "大数据"], ["retry"],
        ):  # fmt: skip
            code = main([*command, str(out)])
            shown = capsys.readouterr()
            assert code in CODES, (said, command, code, shown.err)
            assert "fault of cipin" not in shown.err, (said, command, shown.err)
            assert "Traceback" not in shown.err, (said, command, shown.err)
            assert code == 0 or shown.err.strip() or shown.out.strip(), (said, command)
        code = main(["run", str(made / "reports"), "-l", "wu2021", "-o", str(out), "--corpus", "none"])
        shown = capsys.readouterr()
        assert "fault of cipin" not in shown.err, (said, shown.err)
        assert code in CODES, (said, code, shown.err)
        assert code in {0, 74}, (said, code, shown.err)
        if code == 0:
            # A data file of the right length and other content is verify's to find; all else is made anew.
            flipped = said.endswith(": flip") and "data/" in said
            assert flipped or main(["verify", str(out)]) == 0, said
            assert flipped or tables(out) == wanted, said
        capsys.readouterr()
        shutil.rmtree(out)
