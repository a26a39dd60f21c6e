"""Pages in columns, and pages on their side, come out in reading order, as if their lines lay."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_bytes import at, pdf, read, zh
from test_layout import made

from cipin.reading.formats.pdf_vertical import set_upright
from cipin.reading.layout import repair_layout

COLUMNS = (
    "本行持续推进金融科技创新加快数字化转型提升服务",
    "实体经济的能力并以大数据为底座发展云计算与区块",
    "链报告期内各项业务稳健发展",
)
OTHER = ("客户结构持续优化渠道建设取得新的进展资产质量保", "持平稳风险管理体系不断完善")
SIZE = 12


def column(text, x, top, size=SIZE):
    """A column of single characters, as most programs write it."""
    return b"".join(at(x, top - size * row, zh(each)) for row, each in enumerate(text))


def columns(texts, x=500, top=700):
    return [column(text, x - 22 * number, top) for number, text in enumerate(texts)]


def check(report):
    """The layout fits the text, as that of a page whose lines lie."""
    layout = report.layout
    assert layout.page_start[-1] == len(report.text) == len(layout.generated)
    for page in range(len(layout.page_size)):
        assert report.text[layout.page_start[page + 1] - 1] == "\n"
    ends = [report.text[end] for end in layout.line_end.tolist()]
    assert ends == ["\n"] * len(ends)
    box, size = layout.line_box, layout.page_size[layout.line_page]
    inked = ~np.isnan(box[:, 0])
    assert np.all(box[inked, :2] >= -1)
    assert np.all(box[inked, 2:] <= size[inked] + 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_columns_are_read_from_right_to_left(tmp_path: Path, order) -> None:
    content = columns(COLUMNS)
    report = read(tmp_path, pdf(b"".join(content[each] for each in order)))
    check(report)
    assert report.text.split() == list(COLUMNS)
    assert report.layout.page_size.tolist() == [[842, 595]]
    assert repair_layout(report.text, report.layout).text == "".join(COLUMNS) + "\n"


def test_rows_of_columns_and_a_head_above(tmp_path: Path) -> None:
    head = at(72, 800, zh("青禾银行年度报告"))
    lower = columns(OTHER, top=360)
    report = read(tmp_path, pdf(b"".join([*reversed(lower), head, *reversed(columns(COLUMNS))])))
    check(report)
    assert report.text.split() == ["青禾银行年度报告", *COLUMNS, *OTHER]


def test_other_pages_keep_their_place(tmp_path: Path) -> None:
    flat = b"".join(at(72, 700 - 20 * row, zh(text)) for row, text in enumerate(COLUMNS))
    report = read(tmp_path, pdf(flat, b"".join(columns(OTHER)), flat))
    check(report)
    assert report.text.split() == [*COLUMNS, *OTHER, *COLUMNS]
    assert report.layout.line_page.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert report.layout.page_size.tolist() == [[595, 842], [842, 595], [595, 842]]


@pytest.mark.parametrize(("matrix", "name"), [("0 1 -1 0", "up"), ("0 -1 1 0", "down")])
def test_pages_on_their_side(tmp_path: Path, matrix: str, name: str) -> None:
    """Landscape tables that were turned without saying so."""
    lines = []
    for row, text in enumerate(COLUMNS):
        x, y = (100 + 22 * row, 100) if name == "up" else (500 - 22 * row, 700)
        lines.append(b"BT /S 12 Tf %s %d %d Tm %s ET\n" % (matrix.encode(), x, y, zh(text)))
    report = read(tmp_path, pdf(b"".join(lines)))
    check(report)
    assert report.text.split() == list(COLUMNS)
    box = report.layout.line_box
    assert np.all(box[:, 2] - box[:, 0] > 5 * (box[:, 3] - box[:, 1]))
    assert np.all(np.diff(box[:, 3]) < 0)
    assert repair_layout(report.text, report.layout).text == "".join(COLUMNS) + "\n"


def test_narrow_cells_of_a_table_are_no_columns(tmp_path: Path) -> None:
    cells = [
        at(72 + 60 * place, 700 - 14 * row, zh(text[2 * row : 2 * row + 2]))
        for place, text in enumerate(COLUMNS)
        for row in range(5)
    ]
    report = read(tmp_path, pdf(b"".join(cells)))
    assert report.layout.page_size.tolist() == [[595, 842]]
    assert report.text.split()[0] == COLUMNS[0][:2]


def test_a_few_stacked_characters_on_a_page_stay(tmp_path: Path) -> None:
    flat = b"".join(at(72, 700 - 20 * row, zh(text)) for row, text in enumerate(COLUMNS))
    report = read(tmp_path, pdf(flat + column("项目", 500, 400)))
    assert report.layout.page_size.tolist() == [[595, 842]]


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost_and_order_is_that_of_columns(data):
    """Standing columns in any order of the file, on pages among others; blanks that PDFium puts in stay."""
    word = st.text("金融科技大数据，。 1𠮷", min_size=1, max_size=20)
    pages = data.draw(
        st.lists(st.tuples(st.booleans(), st.permutations(range(5)), st.lists(word, max_size=5)), max_size=4)
    )
    placed = [[(500.0 - 30 * slot, 700.0, words) for slot, words in zip(slots, lines, strict=False)]
              for _, slots, lines in pages]  # fmt: skip
    text, layout = made(placed)
    stands = np.array([each for each, _, _ in pages], bool)[layout.line_page]
    falls = np.where(stands, 10.0 * (layout.line_end - layout.line_start), 0).astype(np.float32)
    for line in np.flatnonzero(stands).tolist():
        left, _, _, top = layout.line_box[line]
        layout.line_box[line] = (left, top - max(falls[line], 1), left + 10, top)
    after, turned = set_upright(text, layout, falls)
    assert turned.page_start[-1] == len(after) == len(turned.generated)
    for page, (is_standing, slots, lines) in enumerate(pages):
        old = text[layout.page_start[page] : layout.page_start[page + 1]]
        new = after[turned.page_start[page] : turned.page_start[page + 1]]
        assert sorted(old.replace("\n", "")) == sorted(new.replace("\n", ""))
        was_turned = turned.page_size[page].tolist() == [800, 600]
        if was_turned:
            assert is_standing
            ordered = [words for _, words in sorted(zip(slots, lines, strict=False))]
            assert "".join(ordered) == new.replace("\n", "")
        else:
            assert new == old
