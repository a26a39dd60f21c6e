"""Characters that stand for no text are repaired in every format, and the map leads back."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cipin
from cipin.reading import characters
from cipin.reading.characters import BULLET, VERTICAL_FORMS, needs_repair
from cipin.reading.layout import repair_text
from cipin.reading.parsed import parse
from cipin.reading.report import RawReport

INVISIBLE = "\u00ad\u034f\u180b\u180e\u200b\u200f\u202a\u2060\ufe0f\ufeff\ufff9\U000e0100"
PRIVATE = "\ue000\uf0b2\uf8ff\U000f0000\U0010fffd"


@pytest.mark.parametrize("character", [*INVISIBLE, *PRIVATE, *VERTICAL_FORMS], ids=ascii)
@pytest.mark.parametrize("times", [1, 500], ids=["short", "long"])
def test_each_character(character: str, times: int) -> None:
    raw, instead = f"大{character}数据" * times, VERTICAL_FORMS.get(character, BULLET if character in PRIVATE else "")
    clean = repair_text(raw)
    assert clean is not None
    assert clean.text == f"大{instead}数据" * times
    (name,) = clean.repairs
    assert clean.repairs[name] == times
    assert repair_text(raw, off={name}) is None


@pytest.mark.parametrize("text", ["", "bank", "大数据，云计算。︰“5G”①\u3000\u2028\x00", "𠮷野家 😀", "大数据" * 5000])
def test_other_text_costs_no_map(text: str) -> None:
    assert not needs_repair(text)
    assert parse(RawReport("", text, "text")).clean is None


@given(
    st.text(alphabet=f"大数据ab，\n{INVISIBLE}{PRIVATE}{''.join(VERTICAL_FORMS)}𠮷", max_size=60), st.integers(1, 80)
)
def test_the_map_of_a_text_leads_back(text: str, times: int) -> None:
    text *= times
    clean = repair_text(text)
    if clean is None:
        assert not set(text) & set(INVISIBLE + PRIVATE + "".join(VERTICAL_FORMS))
        return
    raw = clean.raw(np.arange(len(clean.text)))
    assert np.all(np.diff(raw) > 0)
    stood = [text[at] for at in raw.tolist()]
    assert clean.text == "".join(BULLET if each in PRIVATE else VERTICAL_FORMS.get(each, each) for each in stood)
    assert set(range(len(text))) - set(raw.tolist()) == {at for at, each in enumerate(text) if each in INVISIBLE}


def write_text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def write_html(path: Path, text: str) -> None:
    path.write_text(f"<html><head><title>一</title></head><body><p>{text}</p></body></html>", "utf-8")


def write_docx(path: Path, text: str) -> None:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    types += f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{name}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", types)
        file.writestr("word/document.xml", body)


def write_jsonl(path: Path, text: str) -> None:
    path.write_text(json.dumps({"text": text}) + "\n", "utf-8")


def write_csv(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["1", text]])


def write_parquet(path: Path, text: str) -> None:
    pl.DataFrame({"text": [text]}).write_parquet(path)


WRITERS = {
    "txt": write_text, "md": write_text, "html": write_html, "docx": write_docx, "jsonl": write_jsonl,
    "csv": write_csv, "parquet": write_parquet,
}  # fmt: skip


@pytest.mark.parametrize("ending", WRITERS)
def test_a_term_with_an_invisible_character_is_found_in_every_format(tmp_path: Path, ending: str) -> None:
    (tmp_path / "reports").mkdir()
    path = tmp_path / "reports" / f"青禾银行_2019年年度报告.{ending}"
    WRITERS[ending](path, "本行推进大\u200b数据应用，完善云\u00ad计算平台。")
    lexicon = cipin.Lexicon.from_terms(["大数据", "云计算"])
    run = cipin.run(path, lexicon, tmp_path / "out")
    assert json.loads(run.reports.collect()["repairs"][0]) == {"invisible": 2}
    hits = run.hits.collect()
    assert hits["surface"].to_list() == ["大数据", "云计算"]
    assert (hits["raw_end"] - hits["raw_start"]).to_list() == [4, 4]
    assert run.explain(path.name, "大数据").hits["raw"].to_list() == ["大\u200b数据"]
    none = cipin.run(path, lexicon, tmp_path / "none", no_repair=["invisible"])
    assert none.hits.collect().is_empty()


def test_units_that_are_looked_up_are_all_that_matter() -> None:
    kinds = np.flatnonzero(characters._kinds_of_units())
    assert all(any(first <= unit < last for first, last in characters._BLOCKS) for unit in kinds.tolist())
