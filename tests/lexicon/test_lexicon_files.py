"""Lexicon files: finding them, cipin's TOML, and its errors."""

from dataclasses import replace
from pathlib import Path

import pytest

from cipin.errors import LexiconError
from cipin.lexicon.files import find_lexicon, read_draft, read_lexicon, shipped_lexicons, to_toml
from cipin.lexicon.model import Lexicon, Term

HEAD = 'id = "t"\nversion = "1"\ntitle = "测试"\nsource = "本测试"\nlanguage = "zh"\n'
FULL = (
    HEAD
    + """match = "all"
fold = false
boundaries = "none"
guards = ["{term}有限公司"]
unless = ["新{term}有限公司"]

[[dimension]]
name = "技术"
terms = [
  "大数据", # "云计算" in a comment is no term
  { guards = ["现金流计算"], term = "流计算", variants = ["串流運算",
    "流式计算"], source = "笔记" },
]

[[dimension.category]]
name = "云"
terms = ["云计算", 'C:\\云']

[[dimension]]
name = "业务"

[[dimension.category]]
name = "支付"
terms = ["\\u79FB动支付"]
"""
)


def write(folder: Path, text: str, name: str = "t.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_reads_every_key(tmp_path):
    lexicon = read_lexicon(write(tmp_path, FULL))
    assert (lexicon.id, lexicon.version, lexicon.title, lexicon.source) == ("t", "1", "测试", "本测试")
    assert (lexicon.match, lexicon.fold, lexicon.boundaries) == ("all", False, "none")
    assert (lexicon.guards, lexicon.unless) == (("{term}有限公司",), ("新{term}有限公司",))
    assert lexicon.terms == (
        Term("大数据", "技术", "技术"),
        Term("流计算", "技术", "技术", ("串流運算", "流式计算"), ("现金流计算",), source="笔记"),
        Term("云计算", "技术", "云"),
        Term("C:\\云", "技术", "云"),
        Term("移动支付", "业务", "支付"),
    )


def test_a_flat_list_has_the_id_as_dimension_and_the_default_policies(tmp_path):
    lexicon = read_lexicon(write(tmp_path, HEAD + 'terms = ["云计算"]'))
    assert lexicon == replace(Lexicon.from_terms(["云计算"], id="t"), title="测试", source="本测试")


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path):
    text = "\ufeff" + (HEAD + 'terms = ["云计算"]\n').replace("\n", "\r\n")
    assert [term.name for term in read_lexicon(write(tmp_path, text)).terms] == ["云计算"]


def test_draft_knows_the_line_of_every_phrase(tmp_path):
    entries = read_draft(write(tmp_path, FULL)).entries
    assert [(entry.name, entry.line) for entry in entries] == [
        ("大数据", 15),
        ("流计算", 16),
        ("云计算", 22),
        ("C:\\云", 22),
        ("移动支付", 29),
    ]
    assert [entries[1].line_of(phrase) for phrase in ("现金流计算", "串流運算", "流式计算")] == [16, 16, 17]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "terms = [", "t.toml, line 6: not TOML"),
        pytest.param(HEAD + "terms = " + "[" * 9999, "nested too deep", id="deep"),
        (HEAD + 'colour = "red"', r"t.toml: unknown key 'colour'; the nearest known key is"),
        (HEAD + 'guard = ["a"]', "unknown key 'guard'; the nearest known key is 'guards'"),
        (HEAD + '[[dimension]]\nname = "a"\nterm = ["b"]', "unknown key 'term'; the nearest known key is 'terms'"),
        (
            HEAD + '[[dimension]]\nname = "a"\n[[dimension.category]]\nname = "b"\nwords = ["c"]',
            "category of 'a': unknown key 'words'",
        ),
        (HEAD + 'terms = [{ term = "a", variant = ["b"] }]', "term 'a': unknown key 'variant'.*'variants'"),
        (HEAD + 'terms = [{ variants = ["b"] }]', "a table without 'term'"),
        (HEAD + "terms = [5]", "terms: 5 is not text in quotes"),
        (HEAD + 'terms = "云计算"', r"terms: '云计算' is not a list in \[ \]"),
        (HEAD + 'terms = [{ term = "a", guards = "b" }]', "term 'a', guards: 'b' is not a list"),
        (HEAD + 'fold = "yes"\nterms = ["a"]', "fold: 'yes' is not true or false"),
        (HEAD.replace('"1"', "1") + 'terms = ["a"]', "version: 1 is not text in quotes"),
        (HEAD + 'dimension = ["a"]', "dimension: 'a' is not a table"),
        (HEAD + '[[dimension]]\nterms = ["a"]', "dimension 1, name: no name|dimension 1: no name"),
        (HEAD.replace('language = "zh"\n', "") + 'terms = ["a"]', "no 'language'; a lexicon states id, version"),
        (HEAD, "no terms"),
        (HEAD + 'match = "most"\nterms = ["a"]', "match = 'most'"),
        (HEAD + 'terms = ["大数据\\t"]', "tab or line break at an end"),
        (HEAD + 'terms = ["大数据", "大数据"]', "listed twice"),
    ],
)
def test_refuses_and_says_where(tmp_path, text, message):
    with pytest.raises(LexiconError, match=message):
        read_lexicon(write(tmp_path, text))


def test_toml_must_be_utf_8(tmp_path):
    path = tmp_path / "t.toml"
    path.write_bytes(HEAD.encode() + 'terms = ["云计算"]'.encode("gb18030"))
    with pytest.raises(LexiconError, match=r"line 6: byte \d+ is not UTF-8"):
        read_lexicon(path)


@pytest.mark.parametrize("name", ["t.xls", "t", "t.pkl"])
def test_unknown_kinds_are_refused_by_name(tmp_path, name):
    with pytest.raises(LexiconError, match=r"use \.toml, \.csv or \.tsv, \.txt, \.dic .*\.yaml"):
        read_lexicon(write(tmp_path, "云计算", name))


def test_a_missing_file_is_an_error_not_an_empty_lexicon(tmp_path):
    with pytest.raises(LexiconError, match=r"t\.toml: No such file"):
        find_lexicon(str(tmp_path / "t.toml"))
    with pytest.raises(LexiconError, match="No such file"):
        find_lexicon(Path("wu2021"))


def test_finds_what_is_shipped_and_names_the_nearest():
    assert "wu2021" in shipped_lexicons()
    assert find_lexicon("wu2021").id == "wu2021"
    with pytest.raises(LexiconError, match=r"no lexicon 'wu2012'; did you mean 'wu2021'.*shipped are .*wu2021"):
        find_lexicon("wu2012")


def test_a_file_goes_before_a_shipped_id(tmp_path, monkeypatch):
    write(tmp_path, HEAD + 'terms = ["云计算"]', "own.toml")
    monkeypatch.chdir(tmp_path)
    assert find_lexicon("own.toml").id == "t"


@pytest.mark.parametrize("name", shipped_lexicons())
def test_shipped_lexicons_survive_being_written(tmp_path, name):
    lexicon = find_lexicon(name)
    assert lexicon.id == name
    assert read_lexicon(write(tmp_path, to_toml(lexicon))) == lexicon


@pytest.mark.parametrize(
    "lexicon",
    [
        Lexicon.from_terms(["云计算", 'A"B\\C', "\uf90a融"], fold=False),
        Lexicon.from_terms({"技术": ["云计算"], "业务": ["移动支付"]}, match="all", guards={"云计算": ["云计算部"]}),
        replace(Lexicon.from_terms(["a"]), title="一\n二\x7f", guards=("{term}部",), unless=("本{term}部",)),
        Lexicon("x", (Term("甲乙", "x", "丙"), Term("丁戊", "y", "y", unless=("己丁戊",), source="s"))),
    ],
)
def test_to_toml_and_back(tmp_path, lexicon):
    text = to_toml(lexicon)
    assert read_lexicon(write(tmp_path, text)) == lexicon
    assert "\uf90a" not in text


def test_tables_only_where_a_term_has_more_than_a_name():
    text = to_toml(Lexicon.from_terms(["云计算", "流计算"], variants={"流计算": ["流式计算"]}))
    assert '  "云计算",\n  { term = "流计算", variants = ["流式计算"] },\n' in text
