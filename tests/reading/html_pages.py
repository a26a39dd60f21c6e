"""Made pages as Chinese sites build them: each layout around the same report, and what is to be read from it."""

from __future__ import annotations

TITLE = "示例银行二〇二三年数字化转型情况报告"
PARAGRAPHS = (
    "本行加快推进数字化转型，云计算与大数据投入持续增长，全年科技支出较上年增加一成二。",
    "报告期内，本行建成分布式核心系统，移动支付客户突破三百万户，线上贷款余额稳步上升。",
    "下一步，本行将继续夯实数据治理基础，稳妥推进人工智能在风险管理中的应用。",
)
ROWS = (("年份", "科技投入", "占比"), ("2022", "1.8亿元", "3.1%"), ("2023", "2.0亿元", "3.4%"))
HEADINGS = ("一、总体情况", "二、下一步安排")

#: What every layout has to give, line by line.
EXPECTED = (
    TITLE, HEADINGS[0], PARAGRAPHS[0], PARAGRAPHS[1], *("\t".join(row) for row in ROWS), HEADINGS[1], PARAGRAPHS[2],
)  # fmt: skip

_NAMES = ("首页", "新闻中心", "公司业务", "个人业务", "联系我们")
_MENU = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in _NAMES)
_RELATED = "".join(f'<li><a href="/news/{n}">某银行发布第{n}号公告提醒客户防范诈骗</a></li>' for n in range(6))
_FOOT = "版权所有 示例银行股份有限公司 京ICP备00000000号 客户服务热线 955XX"
_TABLE = "<table>" + "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in ROWS) + "</table>"
_WORD_TABLE = _TABLE.replace("<td>", '<td width="20%"><p class="MsoNormal"><span>').replace("</td>", "</span></p></td>")
_SCRIPT = "<script>var tip = '<div>移动支付</div>'; if (a<b) {}</script><style>.a{color:red}</style>"


def _around(name: str, inside: str) -> str:
    return f'<div class="{name}">{inside}</div>'


def _body(heading: str = "h2", paragraph: str = "p", table: str = _TABLE) -> str:
    def tag(name: str, text: str) -> str:
        return f"<{name}>{text}</{name}>\n"

    return "".join((
        tag(heading, HEADINGS[0]), tag(paragraph, PARAGRAPHS[0]), tag(paragraph, PARAGRAPHS[1]), table,
        tag(heading, HEADINGS[1]), tag(paragraph, PARAGRAPHS[2]),
    ))  # fmt: skip


def _page(body: str, head: str = "") -> str:
    return f'<!DOCTYPE html><html><head><meta charset="utf-8">{head}{_SCRIPT}</head><body>{body}</body></html>'


_HEADING = f"<h1>{TITLE}</h1>"
_INFO = "发布时间：2024-03-05　来源：办公室　字号：[大 中 小]"
_TOP_CELLS = "".join(f'<td><a href="/{name}">{name}</a></td>' for name in _NAMES)
_COOKIES = "<p>本网站使用Cookie以改善您的体验，继续浏览即表示您同意我们的隐私政策。</p><button>接受</button>"
_COMMENTS = "<p>网友甲：写得很好，支持示例银行继续推进数字化转型。</p><p>网友乙：移动支付很方便。</p>"

#: Name of the layout → page.
LAYOUTS = {
    "semantic": _page(
        f"<header><nav><ul>{_MENU}</ul></nav></header>"
        f"<main><article><header>{_HEADING}</header>{_body()}</article></main>"
        f"<aside><ul>{_RELATED}</ul></aside><footer><p>{_FOOT}</p></footer>"
    ),
    "government": _page(
        _around("topbar", "无障碍 | 长者助手")
        + _around("nav", f"<ul>{_MENU}</ul>")
        + _around("position", '您的位置：<a href="/">首页</a> &gt; <a href="/n">通知公告</a>')
        + '<div class="content">'
        + _HEADING
        + _around("info", _INFO)
        + f'<div id="zoom" class="TRS_Editor">{_body("p", "p", _WORD_TABLE)}</div>'
        + _around("share", "分享到：微信")
        + "<p>【打印】</p><p>【关闭窗口】</p></div>"
        + _around("footer", f"<p>{_FOOT}</p>")
    ),
    "layout tables": _page(
        f'<table width="980"><tr><td><table><tr>{_TOP_CELLS}</tr></table></td></tr>'
        f'<tr><td><table><tr><td width="200"><ul>{_RELATED}</ul></td>'
        f"<td>{_HEADING}{_body('b', 'div')}</td></tr></table></td></tr>"
        f"<tr><td>{_FOOT}</td></tr></table>"
    ),
    "breaks": _page(
        f'<div id="menu"><ul>{_MENU}</ul></div><div class="wrap has-sidebar"><div class="box">{_HEADING}'
        f"{HEADINGS[0]}<br/>{PARAGRAPHS[0]}<br>{PARAGRAPHS[1]}<br>{_TABLE}{HEADINGS[1]}<br><br>{PARAGRAPHS[2]}</div>"
        f'<div class="sidebar"><h3>热点排行</h3><ul>{_RELATED}</ul></div></div><div id="footer">{_FOOT}</div>'
    ),
    "title apart": _page(
        _around("header", f"<ul>{_MENU}</ul>")
        + _around("title-box", _HEADING)
        + _around("main-con", _around("text", _body("h3", "section")))
        + _around("recommend", f"<h3>相关推荐</h3><ul>{_RELATED}</ul>")
        + _around("comment-list", _COMMENTS)
    ),
    "cookies": _page(
        _around("cookie-banner", _COOKIES)
        + f"<form id='aspnetForm'><div><div>{_HEADING}{_body()}</div></div></form>"
        + _around("related-links", _RELATED)
        + f'<div style="display: none"><p>{PARAGRAPHS[0]}（隐藏）</p></div>'
    ),
    "wrapped source": _page(
        f"<div class=w>{_HEADING}"
        + _body().replace("，", "，\n      ").replace("数字化转型，", "数字化<b>转型</b>，")
        + f"</div><ul class=links>{_RELATED}</ul><p>{_FOOT}</p>"
    ),
    "no closing tags": (
        f"<title>{TITLE}</title><ul>{_MENU}</ul><div>{_HEADING}<p>{HEADINGS[0]}<p>{PARAGRAPHS[0]}<p>{PARAGRAPHS[1]}"
        f"<table>{''.join('<tr>' + ''.join(f'<td>{cell}' for cell in row) for row in ROWS)}</table>"
        f"<p>{HEADINGS[1]}<p>{PARAGRAPHS[2]}"
    ),
}
