"""Every code: a bad entry, and a neighbour that is right."""

import pytest

from cipin.errors import LexiconError
from cipin.lexicon.files import shipped_lexicons
from cipin.lexicon.lint import lint_lexicon
from cipin.lexicon.model import Lexicon

HEAD = 'id = "t"\nversion = "1"\ntitle = "t"\nsource = "s"\nlanguage = "zh"\n'
KNOWN = [
    Lexicon.from_terms(
        ["O2O", "5G", "数字金融", "EB级存储", "类脑计算", "认知计算", "大数据", "区块链", "互联网", "网贷"]
    )
]


def toml(terms, head=""):
    return f"{HEAD}{head}\nterms = [\n{terms}\n]\n"


# name, file, content, (line, code, term) of every finding
CASES = [
    ("bom", "a.txt", "\ufeff云计算\n", [(1, "bom", "")]),
    ("crlf", "a.txt", "云计算\n大数据\r\n移动支付\r\n", [(2, "crlf", "")]),
    ("tab", "a.txt", "云计算\n大数据\t\n", [(2, "tab", "大数据")]),
    ("tab in toml", "a.toml", toml('"云计算",\n"大数据\\t"'), [(9, "tab", "大数据")]),
    (
        "blank-end",
        "a.txt",
        "云计算 \n大数据\n\u3000移动支付",
        [(1, "blank-end", "云计算"), (3, "blank-end", "移动支付")],
    ),
    ("blank-end in yaml", "a.yml", "技术:\n- 云计算\n- '大数据 '\n", [(3, "blank-end", "大数据")]),
    (
        "blank-inside",
        "a.txt",
        "EB 级存储\n大 数 据\ncloud computing\n云计算\n",
        [(1, "blank-inside", "EB 级存储"), (2, "blank-inside", "大 数 据")],
    ),
    ("blank-inside, both listed", "a.csv", "term,variant\n5G技术,5G 技术\n", []),
    (
        "invisible",
        "a.txt",
        "大\u200b数据\n云\u00ad计算\n移动\uf0b2支付\n物联网\ufe00\n开放银行\n",
        [
            (1, "invisible", "大\u200b数据"),
            (2, "invisible", "云\u00ad计算"),
            (3, "invisible", "移动\uf0b2支付"),
            (4, "invisible", "物联网\ufe00"),
        ],
    ),
    ("glued to known terms", "a.txt", "类脑计算认知计算\n大数据风控\n", [(1, "glued", "类脑计算认知计算")]),
    ("glued to own terms", "a.csv", "term\n绿色计算\n智能客服\n绿色计算智能客服\n", [(4, "glued", "绿色计算智能客服")]),
    ("glued variant of one term", "a.csv", "term,variant\n绿色计算,绿色计算绿色计算\n", []),
    (
        "look-alike of a known term",
        "a.txt",
        "020\n数学金融\nSG\n网货\n区块链\nEB级\n2020年\n",
        [(1, "look-alike", "020"), (2, "look-alike", "数学金融"), (3, "look-alike", "SG"), (4, "look-alike", "网货")],
    ),
    ("look-alike of an own term", "a.txt", "B2B\nAI\nA1\nO2O\n", [(3, "look-alike", "A1")]),
    ("a known term is not suspected", "a.txt", "O2O\n5G\n数字金融\n", []),
    (
        "one-character",
        "a.txt",
        "云\n云端\n\U00020000\n",
        [(1, "one-character", "云"), (3, "one-character", "\U00020000")],
    ),
    ("duplicate", "a.txt", "云计算\n雲計算\n云计算\n", [(2, "duplicate", "雲計算"), (3, "duplicate", "云计算")]),
    ("duplicate letter by letter", "a.toml", toml('"云计算",\n"雲計算"', "fold = false"), []),
    (
        "duplicate variant",
        "a.toml",
        toml('{ term = "云计算", variants = ["云端运算",\n"云端运算", "雲端運算"] }'),
        [(8, "duplicate", "云端运算"), (9, "duplicate", "雲端運算")],
    ),
    (
        "covered",
        "a.toml",
        toml('{ term = "流计算", guards = ["流计算"] },\n{ term = "云计算", guards = [\n"云计算部"] }'),
        [(8, "covered", "流计算")],
    ),
    (
        "covered by a shared guard",
        "a.toml",
        toml('{ term = "云计算", variants = ["云计算平台"] },\n"物联网"', 'guards = ["{term}平台"]'),
        [(8, "covered", "云计算平台")],
    ),
    (
        "idle-guard",
        "a.toml",
        toml('{ term = "流计算", guards = ["现金流",\n"现金流計算"] },\n{ term = "网联", guards = ["物联网"] }'),
        [(8, "idle-guard", "现金流"), (10, "idle-guard", "物联网")],
    ),
    (
        "idle unless",
        "a.toml",
        toml(
            '{ term = "大数据", unless = [\n"增加大数据"] },\n{ term = "网联", guards = ["网联合"], unless = ["合作"] }'
        ),
        [(9, "idle-guard", "增加大数据"), (10, "idle-guard", "合作")],
    ),
    ("idle shared guard", "a.toml", toml('"云计算"', 'guards = ["云计算部", "大事记"]'), [(6, "idle-guard", "大事记")]),
    (
        "nested-variant",
        "a.toml",
        toml('{ term = "云计算", variants = ["云计算技术"] },\n"移动互联", "移动互联网"', 'match = "all"'),
        [(8, "nested-variant", "云计算技术")],
    ),
    ("nested variant, longest", "a.toml", toml('{ term = "云计算", variants = ["云计算技术"] }'), []),
    (
        "clause-mark",
        "a.csv",
        'term\n云计算。\n"云,端"\nA/B测试\n',
        [(2, "clause-mark", "云计算。"), (3, "clause-mark", "云,端")],
    ),
    (
        "mixed-script",
        "a.txt",
        "\u0410PP平台\nAPP平台\n\u03b2系数\n10\u03bcm\n5\u03bf\u006f\n",
        [(1, "mixed-script", "\u0410PP平台"), (5, "mixed-script", "5\u03bf\u006f")],
    ),
    ("full-width", "a.toml", toml('"５Ｇ网络",\n"5G网络"', "fold = false"), [(8, "full-width", "５Ｇ网络")]),
    ("full-width folds", "a.txt", "５Ｇ网络\n", []),
    ("refused: syntax", "a.toml", HEAD + "terms = [\n", [(7, "refused", "")]),
    ("refused: key", "a.toml", HEAD + "term = []\n", [(0, "refused", "")]),
    ("refused: wildcard", "a.dic", "%\n1\t技术\n%\n数字*\t1\n", [(0, "refused", "")]),
    ("refused: no term", "a.csv", "term,category\n云计算,a\n,b\n", [(3, "refused", "")]),
    ("liwc in two categories", "a.dic", "%\n1\ta\n2\tb\n%\n云计算\t1\t2\n", [(5, "duplicate", "云计算")]),
    ("not text", "a.txt", "云计算".encode("big5", "replace") + b"\xff", [(0, "refused", "")]),
    ("clean", "a.yml", "技术:\n  云: [云计算, 云端]\n", []),
]


@pytest.mark.parametrize(("name", "content", "findings"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_finds(tmp_path, name, content, findings):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert [(each.line, each.code, each.term) for each in lint_lexicon(path, KNOWN)] == findings


def test_a_finding_reads_as_place_code_message_cure(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("大数据\nEB 级存储\n", encoding="utf-8")
    assert [str(each) for each in lint_lexicon(path, KNOWN)] == [
        f"{path}:2: blank-inside: 'EB 级存储' has a blank that running text has not; "
        f"write 'EB级存储', or list both spellings"
    ]


def test_a_refusal_is_told_in_the_words_of_the_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("term,categroy\n云计算,a\n", encoding="utf-8")
    assert str(lint_lexicon(path, KNOWN)[0]) == (
        f"{path}:1: refused: unknown column 'categroy'; did you mean 'category'?"
    )


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(LexiconError, match="No such file"):
        lint_lexicon(tmp_path / "a.txt")


@pytest.mark.parametrize("name", shipped_lexicons())
def test_shipped_lexicons_are_clean(name):
    from importlib.resources import as_file, files

    with as_file(files("cipin_lexicons").joinpath(f"{name}.toml")) as path:
        assert lint_lexicon(path) == []


def test_quotes_at_the_end_of_a_long_string(tmp_path):
    path = tmp_path / "a.toml"
    head = 'id = "x"\nversion = "1"\ntitle = """他说\\""""\nsource = """a\n"""""\nlanguage = "zh"\n'
    path.write_text(head + 'terms = ["大数据", "云"]\n', encoding="utf-8")
    assert [(each.line, each.term) for each in lint_lexicon(path, KNOWN)] == [(7, "云")]
