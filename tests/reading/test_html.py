"""HTML pages: the main text of an article, the items of a listing, and pages that would stop a parser."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from html_pages import EXPECTED, LAYOUTS, PARAGRAPHS, TITLE

from cipin.reading.formats import read_reports
from cipin.reading.formats.html import decode_page
from cipin.reading.formats.listing import split_listing
from cipin.reading.formats.tags import slim_page
from cipin.reading.report import LINE_KINDS, RawReport

LONG = "".join(PARAGRAPHS)


def read(folder: Path, page: str | bytes) -> list[RawReport]:
    path = folder / "page.html"
    path.write_bytes(page.encode() if isinstance(page, str) else page)
    return list(read_reports(path))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_report_is_found_in_every_layout(tmp_path: Path, layout: str) -> None:
    (report,) = read(tmp_path, LAYOUTS[layout])
    lines = report.text.splitlines()
    assert [line for line in lines if not line.startswith("发布时间")] == list(EXPECTED)
    assert (report.title, report.status) == (TITLE, "measured")


def test_published_is_read_where_it_is_said(tmp_path: Path) -> None:
    (report,) = read(tmp_path, LAYOUTS["government"])
    assert report.meta["published"] == "2024-03-05"


HEADS = [
    # what the page's head and top hold, title, published
    ('<meta property="og:title" content="年报"><title>年报 - 示例银行</title>', "年报", None),
    ("<title>二〇二三年年度报告_示例银行</title>", "二〇二三年年度报告", None),
    ('<meta name="PubDate" content="2024-3-5 10:00">', "", "2024-03-05"),
    ('<script type="application/ld+json">{"datePublished": "2024-03-05T08:00:00+08:00"}</script>', "", "2024-03-05"),
    ('<body><time datetime="2024-03-05">三月</time>', "", "2024-03-05"),
    ("<body><p>来源：办公室　日期：2024年3月5日</p>", "", "2024-03-05"),
    ('<meta name="date" content="2024-13-45">', "", None),
]


@pytest.mark.parametrize(("head", "title", "published"), HEADS)
def test_head(tmp_path: Path, head: str, title: str, published: str | None) -> None:
    (report,) = read(tmp_path, f"<html><head>{head}<p>{LONG}</p>")
    assert (report.title, report.meta.get("published")) == (title, published)


def test_layout_says_what_each_line_is(tmp_path: Path) -> None:
    table = "<table><tr><th>年<th>额<tr><td>1<td></table>"
    page = f"<h1>{TITLE}</h1><h3>一</h3><p>{LONG}</p><ul><li>第一</li></ul>{table}<b>粗</b>"
    (report,) = read(tmp_path, page)
    layout = report.layout
    assert layout is not None
    assert [LINE_KINDS[kind] for kind in layout.line_kind] == [
        "heading", "heading", "body", "list_item", "table_row", "table_row", "body",
    ]  # fmt: skip
    assert layout.line_level.tolist() == [1, 3, 0, 0, 0, 0, 0]
    assert layout.line_bold.tolist() == [False, False, False, False, True, False, True]
    lines = [report.text[start:end] for start, end in zip(layout.line_start, layout.line_end, strict=True)]
    assert lines == report.text.split("\n")[:-1]
    assert lines[4:6] == ["年\t额", "1\t"]
    assert layout.page_start.tolist() == [0, len(report.text)]
    assert layout.generated.size == len(report.text)
    assert np.isnan(layout.line_box).all()


INLINE = [
    # HTML, text
    ("数字\n    化 转型 and\n more", "数字化 转型 and more"),
    ("云&nbsp;&nbsp;计&#x7B97;&amp;&lt;大数据&gt;", "云  计算&<大数据>"),
    ("一<br>二<br/><br>三", "一\n二\n三"),
    ("<span>云</span><b>计</b><a href=x>算</a>", "云计算"),
    ("<pre>一\n  二</pre>", "一\n  二"),
    ("<ruby>云<rt>yún</rt></ruby><input value=x><textarea>x</textarea><select><option>x</select>计", "云计"),
    ("<p hidden>x</p><p style='DISPLAY :none'>x</p>云", "云"),
    ("<template>x</template><noscript>x</noscript>云<!-- x --><!-->计", "云计"),
    ("云\x00计", "云计"),
    ("<p>云<script>x</SCRIPT ><style>x</style>计<script>x", "云计"),
    ('<p title="a>b">云</p a="c>d"><p title=a"b>计</p>', "云\n计"),
    ("<table><tr><td>1<table><tr><td>2<td>3</table></table>", "1\n2\t3"),
]


@pytest.mark.parametrize(("html", "text"), INLINE)
def test_text_is_what_a_browser_shows(tmp_path: Path, html: str, text: str) -> None:
    (report,) = read(tmp_path, f"<html><body><p>{LONG}</p><div>{html}</div></body>")
    assert report.text == f"{LONG}\n{text}\n"


ENCODINGS = [
    # declared, encoded in, read as
    ("gb2312", "gb18030", "gb18030"),
    ("big5", "big5hkscs", "big5hkscs"),
    ("utf-8", "gb18030", "gb18030"),
    ("gbk", "utf-8", "utf-8"),
    ("iso-8859-1", "gb18030", "gb18030"),
    ("utf-16", "utf-8", "utf-8"),
    ("no-such-encoding", "utf-8", "utf-8"),
    ("hex", "utf-8", "utf-8"),
    ("gbk", "utf-8-sig", "utf-8-sig"),
]


@pytest.mark.parametrize(("declared", "encoding", "codec"), ENCODINGS)
def test_encoding(declared: str, encoding: str, codec: str) -> None:
    text = "雲計算與大數據，數字化轉型" if encoding == "big5hkscs" else LONG
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={declared}"></head>{text}'
    decoded = decode_page(page.encode(encoding))
    assert (decoded.text, decoded.encoding) == (page, codec)


def listing(count: int, item: str, around: str = "<ul class=list>{}</ul>") -> str:
    items = "".join(item.format(n=n, body=f"第{n}份。{LONG}") for n in range(1, count + 1))
    menu = "".join(f"<li><a href=/{n}>栏目{n}</a></li>" for n in range(20))
    return f"<html><body><ul>{menu}</ul>{around.format(items)}<p>共60页 版权所有</p></body></html>"


NAME = "<a href=/{n}>示例协会:银行业研究报告之{n}(59页).pdf</a>"
LISTINGS = [
    # an item, and what is around the items
    (f"<li><a href=/{{n}}><img src=x></a><h3>{NAME}</h3><p>{{body}}</p>"
     "<div>浏览量1{n}人已浏览 发布时间2023-11-06 59页</div></li>", "<ul class=list>{}</ul>"),
    (f"<div class='item item-{{n}}'>{NAME}<div>{{body}}</div><i>阅读(1{{n}}) 2023年11月6日</i></div>",
     "<div>{}</div>"),
    (f"<tr><td>{NAME}<br>{{body}}<br>2023/11/6 点击：1{{n}}</td></tr>", "<table>{}</table>"),
    (f"<dt>{NAME}</dt><dd>{{body}}</dd><dd>1{{n}}次浏览 阅读1{{n}} 2023-11-06</dd>", "<dl>{}</dl>"),
    (f"<h3>{NAME}</h3><p>{{body}}</p><p>发布：2023.11.06 浏览1{{n}}</p>", "<div>{}</div>"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "around"), LISTINGS)
def test_a_listing_gives_a_report_for_each_item(tmp_path: Path, item: str, around: str) -> None:
    reports = read(tmp_path, listing(6, item, around))
    assert [report.member for report in reports] == ["1", "2", "3", "4", "5", "6"]
    for number, report in enumerate(reports, 1):
        assert report.title == f"示例协会:银行业研究报告之{number}(59页).pdf"
        assert report.text == f"{report.title}\n第{number}份。{LONG}\n"
        assert report.meta == {
            "published": "2023-11-06", "pages": 59, "views": 10 + number, "publisher": "示例协会", "url": f"/{number}",
        }  # fmt: skip
        assert report.status == "teaser"  # 140 characters are not 59 pages


RELATED = "<li><a href=/{n}>相关文章第{n}篇的标题</a><p>{body}</p></li>"
CHAPTER = "<section><h2><a href='#{n}'>第{n}章 总体情况说明</a></h2><p>{body}</p></section>"
NO_LISTINGS = [
    listing(4, LISTINGS[0][0]),
    listing(6, "<p><a href=/{n}>链接在段首的自然段第{n}段</a>之后是正文。{body}</p>", "<div>{}</div>"),
    listing(6, "<li><a href=/{n}>只有标题的公告第{n}号</a> 2023-11-06</li>") + f"<p>{LONG}</p>" * 3,
    listing(6, CHAPTER, "<article>{}</article>"),
    f"<article><h1>{TITLE}</h1><p>{LONG * 20}</p></article>" + listing(6, RELATED),
]


@pytest.mark.parametrize("page", NO_LISTINGS)
def test_what_is_no_listing(tmp_path: Path, page: str) -> None:
    (report,) = read(tmp_path, page)
    assert report.member == ""


BODY = "本行全年科技投入稳步增长，分布式核心系统建成投产。" * 3
TEXT_LISTINGS = [
    # an item of a page saved as text, whether its body is whole
    (
        "  • 银行业报告第{n}期(20页).pdf\n\n    {body}\n\n    浏览量{n}人已浏览 发布时间2023-11-06 20页 推荐5星\n",
        False,
    ),
    ("{n}. 银行业报告第{n}期\n{body}\n{body}\n来源：示例网  2023-11-06 10:00  阅读(1{n})\n", True),
    ("银行业报告第{n}期\n发布时间：2023年11月{n}日 来源：示例网\n{body}\n\n", True),
    ("【{n}】银行业报告第{n}期\n2023-11-0{n}\n{body}……\n", False),
]


@pytest.mark.parametrize(("item", "whole"), TEXT_LISTINGS)
def test_split_listing(item: str, whole: bool) -> None:
    page = "首页\n新闻\n\n" + "".join(item.format(n=n, body=BODY) for n in range(1, 8)) + "共60页\n"
    items = split_listing(page)
    assert [item.title.removesuffix("(20页).pdf") for item in items] == [f"银行业报告第{n}期" for n in range(1, 8)]
    assert all(page[item.start : item.end].startswith(BODY) for item in items)
    assert not any("共60页" in page[item.start : item.end] for item in items[:-1])
    assert all(item.teaser is not whole for item in items)
    assert all(str(item.meta["published"]).startswith("2023-11-0") for item in items)


def test_teasers_end_where_others_do() -> None:
    cut = "".join("本行加快数字化转型"[n % 9] for n in range(100))
    bodies = [cut, f" {cut}", cut, LONG * 20, cut, LONG, cut]
    page = "".join(f"• 银行业报告第{n}期\n{body}\n发布时间：2023-11-06\n" for n, body in enumerate(bodies))
    assert [item.teaser for item in split_listing(page)] == [True, True, True, False, True, False, True]


PLAIN = [
    LONG * 100,
    "".join(f"{n}. 第{n}项工作安排的具体内容\n{BODY}\n" for n in range(1, 20)),
    "".join(
        f"第{n}次会议情况\n2023 年 4 月 {n} 日\n审议通过了关于数字化转型的议案以及相关的其他事项\n"
        for n in range(1, 20)
    ),
    f"{LONG * 50}\n" + "".join(f"• 会议{n}情况说明\n{BODY}\n发布时间：2023-11-06\n" for n in range(9)) + LONG * 50,
    "\n" * 1000,
]


@pytest.mark.parametrize("text", PLAIN)
def test_reports_are_no_listings(text: str) -> None:
    assert split_listing(text) == []


def test_real_listing_and_real_reports(corpora: Path) -> None:
    page = next(corpora.glob("seeds/004_*")).read_text()
    items = split_listing(page)
    assert (len(items), sum(item.teaser for item in items)) == (20, 15)
    assert sorted(item.end - item.start > 5000 for item in items) == [False] * 15 + [True] * 5
    others = [path.read_text() for path in (*corpora.glob("seeds/00[013]_*"), *corpora.glob("text/xwlb/*.md"))]
    rows = map(json.loads, (corpora / "text/government_work_reports.jsonl").read_text().splitlines())
    others += [value for row in rows for value in row.values() if isinstance(value, str)]
    assert not [text[:40] for text in others if split_listing(text)]


NO_TEXT = [
    # page, status, reason
    ("<html><body></body></html>", "dropped", "empty"),
    ("<!DOCTYPE html><div id=app>加载中</div><script src=app.js></script>", "quarantined", "no_text"),
    ("<html><body>" + "<div class=spacer></div>" * 2000, "quarantined", "no_text"),
    ("<html><script>" + "var a = '移动支付';" * 100, "quarantined", "no_text"),
    ("<html><frameset><frame src=a></frameset>" + " " * 20_000, "quarantined", "no_text"),
]


@pytest.mark.parametrize(("page", "status", "reason"), NO_TEXT)
def test_pages_without_text(tmp_path: Path, page: str, status: str, reason: str) -> None:
    (report,) = read(tmp_path, page)
    assert (report.status, report.reason) == (status, reason)


HOSTILE = {
    # page, outcome
    "nested": ("<div>" * 200_000 + LONG, "malformed"),
    "deepest": ("<div>" * 1999 + LONG, ""),
    "misnested": ("<div></span><div></b>" * 100_000 + LONG, "malformed"),
    "behind a table": ("<div><table></div>" * 100_000 + LONG, "malformed"),
    "formatting": ("".join(f"<font color={n}>a<p>" for n in range(20_000)) + LONG, "malformed"),
    "attributes": ("<div " + " ".join(f"a{n}=1" for n in range(200_000)) + f">{LONG}", ""),
    "open script": (f"<html><p>{LONG}<script>" + "<div>" * 200_000, ""),
    "open comment": (f"<html><p>{LONG}<!--" + "<div>" * 200_000, ""),
    "open quote": (f"<html><p>{LONG}" + '<a "' * 300_000, ""),
    "less than": (f"<html><p>{LONG}" + "<" * 1_000_000, ""),
    "paragraphs": ("<html>" + "<p>x" * 50_000 + LONG, ""),
    "blanks": ("<html>" + " \n" * 2_000_000 + LONG, ""),
    "cells": ("<html><table><tr>" + "<td>x" * 50_000 + f"<td>{LONG}</table>", ""),
    "brackets": ("<html>" + "[" * 500_000 + LONG, ""),
    "one line": (f"<html><p>{LONG * 20_000}", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_end(tmp_path: Path, name: str) -> None:
    page, reason = HOSTILE[name]
    begun = time.perf_counter()
    (report,) = read(tmp_path, page if page.startswith("<html") else f"<!doctype html>{page}")
    # The slowest takes 1 s; what is not guarded takes minutes.
    assert time.perf_counter() - begun < 20
    assert report.reason == reason
    assert LONG in report.text if not reason else report.message


def test_slim_page_keeps_what_it_does_not_understand() -> None:
    page = f"{LONG}<p>1 < 2 </3 <!doctype x><title><div></title><a href='</script>'>云</a><?php x ?>"
    assert slim_page(page) == page


@pytest.mark.parametrize("step", [1, 7])
def test_every_truncation_yields_a_report(tmp_path: Path, step: int) -> None:
    page = LAYOUTS["cookies"].encode()
    for length in range(step, len(page), 41 * step):
        assert len(read(tmp_path, page[:length])) == 1
