"""DOCX documents: every text once, in order, said what it is; python-docx is the oracle."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from cipin.reading.formats import read_reports
from cipin.reading.report import LINE_KINDS, RawReport

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STRICT = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'
MC = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
STYLES = f"""<w:styles {W}>
<w:style w:type="paragraph" w:styleId="a"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:basedOn w:val="a"/>
<w:rPr><w:b/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="x"><w:name w:val="标题 3"/></w:style>
<w:style w:type="paragraph" w:styleId="y"><w:name w:val="章"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="z"><w:name w:val="节"/><w:basedOn w:val="y"/></w:style>
<w:style w:type="paragraph" w:styleId="o"><w:name w:val="环"/><w:basedOn w:val="o"/></w:style>
<w:style w:type="character" w:styleId="c"><w:name w:val="heading 1 Char"/></w:style>
</w:styles>"""


def package(parts: dict[str, str | bytes], related: dict[str, str] | None = None) -> bytes:
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for n, (target, kind) in enumerate((related or {}).items())
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        relations = f"<Relationships xmlns='{RELATIONS}'>{relations}</Relationships>"
        archive.writestr("word/_rels/document.xml.rels", relations)
    return buffer.getvalue()


def document(body: str, space: str = W) -> bytes:
    main = f'<?xml version="1.0" encoding="UTF-8"?><w:document {space} {MC}><w:body>{body}</w:body></w:document>'
    return package({"word/document.xml": main, "word/styles.xml": STYLES}, {"styles.xml": "styles"})


def p(text: str, properties: str = "", run: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def r(inside: str) -> str:
    return f"<w:r>{inside}</w:r>"


def t(text: str) -> str:
    return r(f"<w:t>{text}</w:t>")


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def read(folder: Path, data: bytes) -> list[RawReport]:
    (folder / "a.docx").write_bytes(data)
    return list(read_reports(folder / "a.docx"))


def lines(report: RawReport) -> list[tuple[str, str, int]]:
    layout = report.layout
    assert layout is not None
    spans = zip(layout.line_start, layout.line_end, layout.line_kind, layout.line_level, strict=True)
    return [(report.text[start:end], LINE_KINDS[kind], int(level)) for start, end, kind, level in spans]


BOX = f"<w:txbxContent>{p('框中')}</w:txbxContent>"
CHOICE = f"<mc:Choice Requires='wps'><wps:txbx>{BOX}</wps:txbx></mc:Choice>"
FALLBACK = f"<mc:Fallback><w:pict><v:textbox>{BOX}</v:textbox></w:pict></mc:Fallback>"
INNER = table((p("内"), p("里")))
SYMBOLS = "<w:sym w:char='F0D8'/><w:sym w:char='x'/><w:sym w:char='D800'/>"
DELETED = r("<w:delText>删</w:delText>") + r("<w:t>删</w:t>")


def numbered(text: str, number: int) -> str:
    return p(text, f"<w:numPr><w:ilvl w:val='0'/><w:numId w:val='{number}'/></w:numPr>")


def bodies(*lines: str) -> list[tuple[str, str, int]]:
    return [(line, "body", 0) for line in lines]


BODIES = {
    # what is tested: body, lines
    "runs": (f"<w:p>{t('数字')}{t('化转型')}</w:p>", bodies("数字化转型")),
    "tab and break": (
        f"<w:p>{r('<w:t>一</w:t><w:tab/><w:t>二</w:t><w:br/><w:t>三</w:t><w:cr/><w:t>四</w:t>')}</w:p>",
        bodies("一\t二", "三", "四"),
    ),
    "tab stops": (f"<w:p><w:pPr><w:tabs><w:tab w:val='left' w:pos='9'/></w:tabs></w:pPr>{t('一')}</w:p>", bodies("一")),
    "revisions": (f"<w:p><w:del>{DELETED}</w:del><w:ins>{t('插')}</w:ins></w:p>", bodies("插")),
    "moves": (f"<w:p><w:moveFrom>{t('移')}</w:moveFrom><w:moveTo>{t('至')}</w:moveTo></w:p>", bodies("至")),
    "link": (f"<w:p><w:hyperlink>{t('链')}</w:hyperlink></w:p>", bodies("链")),
    "control": (f"<w:p><w:sdt><w:sdtContent>{t('控')}</w:sdtContent></w:sdt></w:p>", bodies("控")),
    "field": (f"<w:p>{r('<w:instrText> PAGE </w:instrText>')}<w:fldSimple>{t('域')}</w:fldSimple></w:p>", bodies("域")),
    "symbol": (f"<w:p><w:r>{SYMBOLS}</w:r>{t('项')}</w:p>", bodies("\uf0d8项")),
    "hyphen": (f"<w:p>{t('LH')}{r('<w:noBreakHyphen/>')}{t('4')}</w:p>", bodies("LH-4")),
    "ruby": (
        f"<w:p><w:ruby><w:rt>{t('yun')}</w:rt><w:rubyBase>{t('云')}</w:rubyBase></w:ruby></w:p>",
        bodies("云"),
    ),
    "headings": (
        "".join(p(text, f"<w:pStyle w:val='{style}'/>") for text, style in zip("一二三四", "1xyz", strict=True)),
        [("一", "heading", 1), ("二", "heading", 3), ("三", "heading", 2), ("四", "heading", 2)],
    ),
    "no headings": (p("一", "<w:pStyle w:val='o'/>") + p("二", "<w:pStyle w:val='c'/>"), bodies("一", "二")),
    "own level": (
        p("一", "<w:outlineLvl w:val='0'/>") + p("二", "<w:outlineLvl w:val='9'/>"),
        [("一", "heading", 1), ("二", "body", 0)],
    ),
    "list": (numbered("一", 2) + numbered("二", 0), [("一", "list_item", 0), ("二", "body", 0)]),
    "table": (
        table((p("年"), p("金") + p("额")), (p("2019"), "<w:p/>")) + p("后"),
        [("年\t金 额", "table_row", 0), ("2019\t", "table_row", 0), ("后", "body", 0)],
    ),
    "nested table": (
        table((p("外") + INNER + p("末"), p("右"))),
        [("外 末\t右", "table_row", 0), ("内\t里", "table_row", 0)],
    ),
    "text box": (
        f"<w:p>{t('前')}{r(f'<mc:AlternateContent>{CHOICE}{FALLBACK}</mc:AlternateContent>')}{t('后')}</w:p>",
        bodies("框中", "前后"),
    ),
    "text box of two choices": (
        f"<w:p>{r(f'<mc:AlternateContent>{CHOICE}{CHOICE}</mc:AlternateContent>')}</w:p>",
        bodies("框中"),
    ),
    "old text box": (f"<w:p>{r(f'<w:pict><v:textbox>{BOX}</v:textbox></w:pict>')}</w:p>", bodies("框中")),
    "table in a text box": (
        f"<w:p><w:r><w:txbxContent>{INNER}</w:txbxContent></w:r>{t('外')}</w:p>",
        [("内\t里", "table_row", 0), ("外", "body", 0)],
    ),
    "blank paragraphs": ("<w:p/>" + p(" ") + p("一"), bodies("一")),
    "text outside runs": ("<w:p>散<w:r>落<w:t>一</w:t></w:r></w:p>", bodies("一")),
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("space", [W, STRICT], ids=["transitional", "strict"])
def test_body(tmp_path: Path, space: str, what: str) -> None:
    body, expected = BODIES[what]
    (report,) = read(tmp_path, document(body, space))
    assert lines(report) == expected


def test_bold(tmp_path: Path) -> None:
    body = p("粗", run="<w:b/>") + p("不粗", run="<w:b w:val='0'/>") + p("标题", "<w:pStyle w:val='1'/>")
    body += p("细", "<w:rPr><w:b/></w:rPr>") + p("标题", "<w:pStyle w:val='1'/>", "<w:b w:val='false'/>")
    (report,) = read(tmp_path, document(body))
    assert report.layout is not None
    assert report.layout.line_bold.tolist() == [True, False, True, False, False]


def test_headers_notes_and_footers(tmp_path: Path) -> None:
    def part(name: str, text: str) -> str:
        return f"<w:{name} {W}>{p(text)}</w:{name}>"

    data = package(
        {
            "word/document.xml": f"<w:document {W}><w:body>{p('正文')}</w:body></w:document>",
            "word/header1.xml": part("hdr", "页眉"),
            "word/header2.xml": part("hdr", "页眉"),
            "word/footnotes.xml": f"<w:footnotes {W}><w:footnote w:id='1'>{p('脚注')}</w:footnote></w:footnotes>",
            "word/endnotes.xml": f"<w:endnotes {W}><w:endnote w:id='1'>{p('尾注')}</w:endnote></w:endnotes>",
            "word/footer1.xml": part("ftr", "页脚"),
            "word/comments.xml": part("comments", "批注"),
        },
        {
            "header1.xml": "header", "/word/header2.xml": "header", "footnotes.xml": "footnotes", "gone.xml": "header",
            "endnotes.xml": "endnotes", "footer1.xml": "footer", "comments.xml": "comments",
        },
    )  # fmt: skip
    (report,) = read(tmp_path, data)
    assert lines(report) == [
        ("页眉", "header", 0), ("正文", "body", 0), ("脚注", "footnote", 0), ("尾注", "footnote", 0),
        ("页脚", "footer", 0),
    ]  # fmt: skip


def test_python_docx_reads_the_same(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    made = docx.Document()
    made.core_properties.title = "二〇二三年年度报告"
    made.core_properties.author = "示例银行"
    made.sections[0].header.paragraphs[0].text = "示例银行"
    for chapter in range(1, 20):
        made.add_heading(f"第{chapter}章 数字化转型", chapter % 4 + 1)
        paragraph = made.add_paragraph("本行加快推进")
        paragraph.add_run("云计算").bold = True
        paragraph.add_run("与大数据\t建设\n投入增长。")
        made.add_paragraph("第一项", style="List Bullet")
        cells = made.add_table(2, 3)
        for number, cell in enumerate(cell for row in cells.rows for cell in row.cells):
            cell.text = f"{number}亿元"
    made.save(str(tmp_path / "a.docx"))
    (report,) = read_reports(tmp_path / "a.docx")
    found = lines(report)
    oracle = docx.Document(str(tmp_path / "a.docx"))
    paragraphs = [line for paragraph in oracle.paragraphs for line in paragraph.text.split("\n")]
    rows = ["\t".join(cell.text for cell in row.cells) for each in oracle.tables for row in each.rows]
    assert [text for text, kind, _ in found if kind not in {"table_row", "header"}] == paragraphs
    assert [text for text, kind, _ in found if kind == "table_row"] == rows
    levels = [int(each.style.name[-1]) for each in oracle.paragraphs if each.style.name.startswith("Heading")]
    assert [level for _, kind, level in found if kind == "heading"] == levels
    assert {kind for _, kind, _ in found} == {"header", "heading", "body", "list_item", "table_row"}
    assert (report.title, report.meta["author"]) == ("二〇二三年年度报告", "示例银行")


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "云"}">' for n in range(10))
WHOLE = document(p("本行加快推进数字化转型"))


def main(content: str | bytes) -> bytes:
    return package({"word/document.xml": content})


MALFORMED = ("quarantined", "malformed")
ATTRIBUTES = " ".join(f"a{n}='1'" for n in range(50_000))
INSIDE = f"<w:document {W}><w:body>{p('&a9;')}</w:body></w:document>"
BROKEN = {
    # name: data, status and reason
    "encrypted": (
        OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600),
        ("quarantined", "encrypted"),
    ),
    "old": (OLE + bytes(1200), ("quarantined", "unsupported")),
    "truncated": (WHOLE[: len(WHOLE) // 2], MALFORMED),
    "other package": (package({"xl/workbook.xml": "<a/>"}), MALFORMED),
    "no XML": (main(b"\x00\x01"), MALFORMED),
    "cut XML": (main(f"<w:document {W}><w:body>{p('一')}"), MALFORMED),
    "prefix without namespace": (main("<w:document/>"), MALFORMED),
    "unknown encoding": (main('<?xml version="1.0" encoding="nope"?><a/>'), MALFORMED),
    "entities": (main(f"<!DOCTYPE a [{ENTITIES}]>{INSIDE}"), MALFORMED),
    "outer entity": (main(f'<!DOCTYPE a SYSTEM "file:///etc/hosts">{INSIDE}'), MALFORMED),
    "wide entities": (main(f"<!DOCTYPE a [{ENTITIES}]>{INSIDE}".encode("utf-16")), MALFORMED),
    "nested": (document("<w:tbl><w:tr><w:tc>" * 100_000), MALFORMED),
    "bomb": (main(f"<w:document {W}>".encode() + b" " * (100 << 20)), MALFORMED),
    "members": (package({f"{n}.xml": "" for n in range(20_001)}), ("quarantined", "too_large")),
    "empty": (document(""), ("dropped", "empty")),
    "attributes": (document(f"<w:p {ATTRIBUTES}/>"), ("dropped", "empty")),
    "paragraphs": (document("<w:p/>" * 200_000), ("dropped", "empty")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_document(tmp_path: Path, name: str) -> None:
    data, expected = BROKEN[name]
    begun = time.perf_counter()
    (report,) = read(tmp_path, data)
    # The slowest takes 1 s.
    assert time.perf_counter() - begun < 20
    assert (report.status, report.reason) == expected
    assert report.message


def test_every_truncation_and_every_damage_yields_a_report(tmp_path: Path) -> None:
    for at in range(1, len(WHOLE) - 1, 17):
        assert len(read(tmp_path, WHOLE[:at])) == 1
        damaged = bytearray(WHOLE)
        damaged[at] ^= 0xFF
        assert len(read(tmp_path, bytes(damaged))) == 1
