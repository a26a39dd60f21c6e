"""Text of a fixed width is told by its line ends, and its lines are joined."""

import pytest

from cipin.reading.layout import repair_layout
from cipin.reading.wrapped import wrapped_layout

SENTENCES = [
    "本行持续推进金融科技创新，加快数字化转型步伐，提升服务实体经济的能力。",
    "报告期内各项业务稳健发展，资产质量保持平稳，客户结构持续优化，渠道建设取得新的进展。",
    "全年投入信息科技资金持续增长，Cloud computing 平台稳定运行，共服务客户 1,200 万户。",
]
PARAGRAPHS = ["　　" + "".join(SENTENCES[at % 3 :] + SENTENCES * (1 + at % 2)) for at in range(8)]


def wrap(paragraph, cells):
    lines, line, used = [], "", 0
    for each in paragraph:
        width = 2 if each > "\u2e7f" else 1
        if used + width > cells:
            lines.append(line)
            line, used = "", 0
        line, used = line + each, used + width
    return "\n".join([*lines, line])


def wrap_characters(paragraph, n):
    return "\n".join(paragraph[at : at + n] for at in range(0, len(paragraph), n))


@pytest.mark.parametrize(
    ("wrapping", "width"), [(wrap, 50), (wrap, 76), (wrap, 88), *((wrap_characters, n) for n in (20, 23, 30, 44, 60))]
)
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_paragraphs_come_back(wrapping, width, between):
    text = between.join(wrapping(paragraph, width) for paragraph in PARAGRAPHS)
    layout = wrapped_layout(text)
    assert layout is not None
    assert not layout.has_pages
    clean = repair_layout(text, layout)
    found = [line.replace(" ", "") for line in clean.text.splitlines() if line]
    assert found == [paragraph.replace(" ", "") for paragraph in PARAGRAPHS]
    for start, raw, length in clean.runs.tolist():
        assert clean.text[start : start + length] == text[raw : raw + length]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(PARAGRAPHS),
        "\n".join(clause for each in PARAGRAPHS for clause in each.split("，")),
        "\n".join(["短行"] * 50),
        "\n".join(f"{at:06d},pyin,A股,gssz{at:07d},平安银行" for at in range(50)),
        "",
        "\n\n\n",
        "本行推进大数据",
    ],
    ids=["a line a paragraph", "clauses", "short lines", "codes", "empty", "blank", "one line"],
)
def test_what_was_not_wrapped_stays(text):
    assert wrapped_layout(text) is None


@pytest.mark.parametrize("cells", [50, 76])
@pytest.mark.parametrize("before", range(60))
def test_a_full_line_before_an_empty_one_is_whole(cells, before):
    """Wherever it stands: lines are looked at by so many at once."""
    titles = [
        ("关于持续推进第" + each + "项金融科技创新工作情况的报告" * 4)[: cells // 2] for each in "一二三四五六七八"
    ]
    text = "\n" * before + "\n\n".join(
        f"{title}\n\n{wrap(each, cells)}" for title, each in zip(titles, PARAGRAPHS, strict=True)
    )
    layout = wrapped_layout(text)
    assert layout is not None
    lines = repair_layout(text, layout).text.splitlines()
    assert [line for line in lines if line.startswith("关于")] == titles
    assert len([line for line in lines if line]) == len(titles) + len(PARAGRAPHS)
