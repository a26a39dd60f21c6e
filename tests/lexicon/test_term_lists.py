"""Term lists of other tools: what is read, and what is refused."""

import pytest

from cipin.errors import LexiconError
from cipin.lexicon.files import read_lexicon, to_toml
from cipin.lexicon.model import Term

LIWC = "%\n1\t技术\n2\t业务\n%\n云计算\t1\n移动支付\t2\n大数据\t1\t1\n"

READ = [
    # file, content, terms as (dimension, category, name)
    ("text", "a.txt", "云计算\n\n# 注\n大数据\n", [("a", "a", "云计算"), ("a", "a", "大数据")]),
    ("ends", "a.txt", "\ufeff大数据\t\r\n 云计算\u3000\r\n大数据\r\n", [("a", "a", "大数据"), ("a", "a", "云计算")]),
    ("jieba", "a.txt", "云计算 5\n大数据\t300\tn\nweb 3 nz\n", [("a", "a", n) for n in ("云计算", "大数据", "web")]),
    ("English", "a.txt", "cloud computing\ncloud data\n", [("a", "a", "cloud computing"), ("a", "a", "cloud data")]),
    ("one column", "a.csv", "云计算\n大数据,\n", [("a", "a", "云计算"), ("a", "a", "大数据")]),
    ("tab is no cell", "a.csv", "大数据\t\n云计算\t\n", [("a", "a", "大数据"), ("a", "a", "云计算")]),
    ("header", "a.csv", "词语,类别,维度\n云计算,云,技术\n", [("技术", "云", "云计算")]),
    ("tsv", "a.tsv", "Keyword\t分类\t词频\n云计算\t云\t9\n", [("a", "云", "云计算")]),
    ("semicolons", "a.csv", "term;category\n云计算;云\n", [("a", "云", "云计算")]),
    ("liwc", "a.dic", LIWC, [("技术", "技术", "云计算"), ("技术", "技术", "大数据"), ("业务", "业务", "移动支付")]),
    (
        "quanteda",
        "a.yml",
        "技术:\n  云:\n    - 云计算\n    - no\n业务: [移动支付, 020]\n",
        [("技术", "云", "云计算"), ("技术", "云", "no"), ("业务", "业务", "移动支付"), ("业务", "业务", "020")],
    ),
    ("gb18030", "a.txt", "云计算\n大数据".encode("gb18030"), [("a", "a", "云计算"), ("a", "a", "大数据")]),
    ("utf-16", "a.txt", "云计算\r\n".encode("utf-16"), [("a", "a", "云计算")]),
    ("id", "金融 词表.txt", "云计算", [("terms", "terms", "云计算")]),
]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("name", "content", "terms"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_reads(tmp_path, name, content, terms):
    # A missing dimension is named like the file, a missing category like its dimension.
    lexicon = read_lexicon(write(tmp_path, name, content))
    assert [(term.dimension, term.category, term.name) for term in lexicon.terms] == terms
    assert lexicon.source == f"imported from {name}"
    assert read_lexicon(write(tmp_path, "b.toml", to_toml(lexicon))).hash == lexicon.hash


def test_csv_columns_and_repeats(tmp_path):
    text = (
        "term,variants,guards,unless,来源\n"
        '流计算,串流運算|流式计算; 流運算 ,现金流计算,,表 1\n流计算,"流,计算",物流计算,新物流计算,表 2\n'
    )
    assert read_lexicon(write(tmp_path, "a.csv", text)).terms == (
        Term(
            "流计算",
            "a",
            "a",
            ("串流運算", "流式计算", "流運算", "流,计算"),
            ("现金流计算", "物流计算"),
            ("新物流计算",),
            "表 1",
        ),
    )


def test_liwc_word_in_several_categories(tmp_path):
    path = write(tmp_path, "a.dic", LIWC + "金融科技\t2\t1\n")
    with pytest.raises(LexiconError, match=r"term '金融科技': in 2 categories, '业务', '技术' .*first_category=True"):
        read_lexicon(path)
    assert read_lexicon(path, first_category=True).terms[-1] == Term("金融科技", "业务", "业务")


REFUSED = [
    ("a.txt", "云计算\n大数据、区块链\n", r"a\.txt, line 2: .* holds '、'"),
    ("a.txt", "大数据\t区块链\n", r"line 1: .* holds '\\t'"),
    ("a.txt", "Web 3\n", "line 1: 'Web 3' is either one term or a word of a jieba dictionary"),
    ("a.txt", "云计算 nz\n", "line 1: '云计算 nz' is either"),
    ("a.txt", "", "no terms"),
    ("a.txt", "大\u200b数据", r"invisible U\+200B"),
    ("a.txt", "云计算\n雲計算\n", "the same as '云计算' \\(under folding"),
    ("a.txt", "云计算".encode()[:-1] + b"\n" + "大数据".encode(), "byte 6 is not UTF-8"),
    ("a.txt", "雲端運算\n大數據".encode("big5"), "not UTF-8"),
    ("a.txt", b"\xff\xfe\x91\x4e\x00", "not UTF-8"),
    ("a.csv", "云计算,技术\n大数据,技术\n", "line 1: several columns and no header"),
    ("a.csv", "term,categroy\n云计算,技术\n", "unknown column 'categroy'; did you mean 'category'"),
    ("a.csv", "term,word\n云计算,技术\n", "two columns of term"),
    ("a.csv", "term,category\n,技术\n", r"a\.csv, line 2: no term"),
    ("a.csv", "term,category\n云计算,技术,云\n", "line 2: more cells than the header names"),
    ("a.csv", 'term\n"云计算\n', "line 2: not CSV"),
    ("a.csv", "term,category\n云计算,甲\n云计算,乙\n", "listed twice"),
    ("a.dic", "云计算\t1\n", "line 1: a LIWC dictionary begins with a line '%'"),
    ("a.dic", "%\n1\t技术\n云计算\t1\n", "line 3: .* is not the number and name of a category"),
    ("a.dic", "%\n1\t技术\n1\t业务\n%\n", "line 3: category 1 is named twice"),
    ("a.dic", "%\n1\t技术\n", "1 lines '%'"),
    ("a.dic", LIWC + "区块链\t7\n", "line 8: '区块链' is in category '7', which the head does not name"),
    ("a.dic", LIWC + "区块链\n", "line 8: '区块链' has no category"),
    ("a.dic", LIWC + "区块*\t1\n数字*\t1\n", r"2 terms hold a wildcard \('区块\*', '数字\*'\)"),
    ("a.yml", "技术: [数字*, '云?']", "2 terms hold a wildcard"),
    ("a.yml", "技术: 云计算", "line 1: a single value; expected names"),
    ("a.yml", "技术:\n  云:\n    公有: [云计算]\n", "line 3: a mapping; expected a list of terms, at most two levels"),
    ("a.yml", "技术:\n  - [云计算]\n", "line 2: a list; expected a term"),
    ("a.yml", "- 云计算", "line 1: a list; expected names"),
    ("a.yml", "技术: [云计算", r"a\.yml, line 1: not YAML"),
    pytest.param("a.yml", "技术: " + "[" * 9999, "nested too deep", id="deep"),
    ("a.yaml", "技术: [云\x07计算]", "not YAML"),
]


@pytest.mark.parametrize(("name", "content", "message"), REFUSED)
def test_refuses(tmp_path, name, content, message):
    with pytest.raises(LexiconError, match=message):
        read_lexicon(write(tmp_path, name, content))
