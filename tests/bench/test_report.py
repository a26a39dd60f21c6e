"""What report.py writes: tables between marks, and a picture that can be parsed."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def load(name: str) -> ModuleType:
    """Import a module of bench/ from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module(name)


report, picture = load("report"), load("picture")


def measured(**rates: float) -> dict[str, object]:
    """What a file of pytest-benchmark says of a benchmark, for engines of so many megabytes a second."""
    entrants = {
        name: {"amount": 1_000_000, "seconds": [1 / rate, 1 / rate], "floor": None} for name, rate in rates.items()
    }
    return {"question": "?", "unit": "bytes", "entrants": entrants, "notes": {"jieba": "other work: it cuts words"}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A file as `make bench` leaves it."""
    cells = {
        "test_matching[long-60-counts]": measured(cipin_blocks=900, daachorse=180, pyahocorasick=90, jieba=2),
        "test_matching[long-500-counts]": measured(cipin_blocks=600, daachorse=60, pyahocorasick=30),
    }
    found = {
        "datetime": "2026-01-02T03:04:05",
        "machine_info": {"cpu": {"brand_raw": "A Processor"}, "python_version": "3.12", "versions": {"numba": "1"}},
        "benchmarks": [{"name": name, "extra_info": each} for name, each in cells.items()],
    }
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def test_what_was_measured_is_written_and_the_rest_stays(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme, svg = tmp_path / "README.md", tmp_path / "speed.svg"
    marks = "\n".join(f"<!-- report:{name} -->\nold {name}\n<!-- end -->" for name in ("machine", "matching", "runs"))
    readme.write_text(f"# Before\n{marks}\nbehind\n", encoding="utf-8")
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(report, "PICTURE", svg)
    report.main(run)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# Before\n")
    assert text.endswith("behind\n")
    assert "2026-01-02, A Processor" in text
    assert "numba 1" in text
    assert "| `cipin_blocks` | 900 | 600 |" in text
    assert "| `jieba` | 2 | – |" in text
    assert "| `cipin_blocks` to the best peer | 5.0 (`daachorse`) | 10.0 (`daachorse`) |" in text
    assert "| `cipin_blocks` to `pyahocorasick` | 10.0 | 20.0 |" in text
    assert "old runs" in text
    assert "old matching" not in text
    once = text
    report.main(run)
    assert readme.read_text(encoding="utf-8") == once
    drawn = ElementTree.fromstring(svg.read_text(encoding="utf-8"))
    assert len(drawn.findall("{*}circle")) == 7


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="must stand in it once"):
        report.replace_section("nothing", "machine", "x")


def test_the_readme_has_its_marks() -> None:
    text = (BENCH / "README.md").read_text(encoding="utf-8")
    for name in ("machine", "matching", "runs"):
        assert report.replace_section(text, name, "x").count("<!-- end -->") == text.count("<!-- end -->")


def test_faster_is_higher_and_larger_is_further_right() -> None:
    drawn = ElementTree.fromstring(picture.draw({"all": {"a": [(60, 500.0), (5000, 50.0)]}}, "t"))
    (x1, y1), (x2, y2) = ((float(each.get("cx")), float(each.get("cy"))) for each in drawn.findall("{*}circle"))
    assert x1 < x2
    assert y1 < y2


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        picture.draw({}, "t")
