"""Made-up annual reports of Chinese banks: a demonstration corpus with a gold count, and text by the megabyte.

    python bench/made_reports.py FOLDER                                  # the demonstration corpus: 40 files
    python bench/made_reports.py FOLDER --reports 1000 --chars 60000     # 1,000 made texts

Every sentence was written for this file; no bank, company or figure in it exists. The same call gives the same bytes.

The demonstration corpus is 8 banks over 2019 to 2023: text and Markdown; UTF-8, GB18030 and UTF-16; Simplified and
Traditional; full-width letters; false friends (现金流计算 is no 流计算); one report without a single term, and one file
that is damaged. Every term goes in through `_Report.plant`, which notes it, so `demo_expected` is exact.

Texts for benchmarks have words drawn by Zipf's law in place of sentences; `made_texts` says how near they come.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path

YEARS = (2019, 2020, 2021, 2022, 2023)


@dataclass(frozen=True, slots=True)
class Bank:
    """A made-up bank: how its reports are written, and how much it speaks of technology (1 = as the average)."""

    name: str
    seat: str
    zeal: float
    chars: int
    markdown: bool = False
    traditional: bool = False
    wide: bool = False


BANKS = (
    Bank("青禾银行", "青禾市", 1.5, 6800),
    Bank("松雪银行", "松雪市", 1.2, 6000, wide=True),
    Bank("鹭屿银行", "鹭屿市", 1.0, 5600, markdown=True),
    Bank("砚池银行", "砚池市", 0.8, 5000),
    Bank("星垂银行", "星垂市", 1.3, 6300),
    Bank("雲岫銀行", "雲岫市", 0.9, 5200, traditional=True),
    Bank("云溪农商银行", "云溪县", 0.5, 4200),
    Bank("石榴湾农商银行", "石榴湾镇", 0.35, 3700, markdown=True),
)

#: Reports that are something special, by bank and year.
GB18030 = ("砚池银行", 2020)
UTF16 = ("星垂银行", 2021)
WITHOUT_TERMS = ("石榴湾农商银行", 2019)
DAMAGED = ("云溪农商银行", 2020)

#: Mentions of a term by an average bank in each of the five years.
STORY: Mapping[str, tuple[float, ...]] = {
    "大数据": (4.0, 6.0, 7.0, 7.2, 7.0),
    "云计算": (2.0, 3.2, 4.0, 4.1, 4.0),
    "人工智能": (1.2, 1.8, 2.8, 4.3, 6.5),
    "区块链": (1.0, 1.8, 2.6, 3.4, 4.2),
    "数字金融": (0.9, 1.5, 2.4, 3.8, 5.6),
    "金融科技": (2.6, 3.2, 3.8, 4.2, 4.4),
    "互联网金融": (3.6, 2.8, 1.8, 1.0, 0.6),
    "移动支付": (2.8, 3.0, 2.8, 2.4, 2.2),
    "机器学习": (0.4, 0.8, 1.3, 1.9, 2.6),
    "物联网": (0.5, 0.8, 1.2, 1.5, 1.8),
    "智能客服": (0.6, 0.9, 1.2, 1.5, 1.7),
    "人脸识别": (1.0, 1.3, 1.2, 0.9, 0.8),
    "生物识别技术": (0.6, 0.8, 0.8, 0.6, 0.5),
    "数字货币": (0.0, 0.4, 1.0, 1.5, 1.6),
    "开放银行": (0.4, 0.8, 1.2, 1.1, 1.0),
    "征信": (0.8, 0.9, 1.0, 1.0, 1.1),
    "Fintech": (0.8, 0.8, 0.7, 0.6, 0.5),
    "5G": (0.5, 1.2, 1.4, 1.2, 1.0),
    "网络安全": (0.8, 1.0, 1.3, 1.5, 1.7),
}

#: Words of Taiwan and Hong Kong for a term; a term that is not here changes its characters only.
TRADITIONAL_TERMS = {
    "人工智能": "人工智慧", "云计算": "雲端運算", "数字金融": "數位金融", "移动支付": "行動支付",
    "智能客服": "智慧客服", "人脸识别": "人臉辨識", "生物识别技术": "生物辨識技術", "数字货币": "數位貨幣",
    "网络安全": "網路安全",
}  # fmt: skip
WIDE_TERMS = {"Fintech": "ＦｉｎＴｅｃｈ", "5G": "５Ｇ"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A term put into a report. `true` is False for a false friend: its characters stand there, the term does not."""

    bank: str
    year: int
    term: str
    surface: str
    true: bool


def write_demo(folder: Path) -> list[Path]:
    """Write the demonstration corpus into `folder`, made if need be; return the 40 paths, by bank and year.

    Raises OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for bank in BANKS:
        for year in YEARS:
            ending = "md" if bank.markdown else "txt"
            what = "年年度報告" if bank.traditional else "年年度报告"
            path = folder / f"{bank.name}_{year}{what}.{ending}"
            path.write_bytes(_encode(bank, year, demo_report(bank, year)[0]))
            paths.append(path)
    return paths


def demo_mentions() -> list[Mention]:
    """Return every term put into the demonstration corpus, in the order of the text; the damaged file has none."""
    return [
        mention
        for bank in BANKS
        for year in YEARS
        if (bank.name, year) != DAMAGED
        for mention in demo_report(bank, year)[1]
    ]


def demo_expected() -> dict[tuple[str, int], dict[str, int]]:
    """Return for each bank and year how often each term is truly mentioned, overlaps leftmost-longest.

    The report without terms has an empty row; the damaged one has no row.

    >>> demo_expected()[("石榴湾农商银行", 2019)]
    {}
    """
    rows = {(bank.name, year): Counter[str]() for bank in BANKS for year in YEARS if (bank.name, year) != DAMAGED}
    for mention in demo_mentions():
        if mention.true:
            rows[mention.bank, mention.year][mention.term] += 1
    return {key: dict(sorted(row.items())) for key, row in rows.items()}


def demo_plan(bank: Bank, year: int) -> dict[str, int]:
    """Return how often `bank` means to mention each term in `year`."""
    if (bank.name, year) == WITHOUT_TERMS:
        return {}
    chance = random.Random(f"plan {bank.name} {year}")
    plan = {}
    for term, curve in STORY.items():
        mean = curve[YEARS.index(year)] * bank.zeal
        plan[term] = max(0, math.floor(mean * (0.85 + 0.3 * chance.random()) + 0.5))
    return {term: count for term, count in plan.items() if count}


def demo_report(bank: Bank, year: int, plan: Mapping[str, int] | None = None) -> tuple[str, list[Mention]]:
    """Return the text of a report and what was put into it; with an empty `plan` it has no term and no false friend."""
    return _Report(bank, year).write(demo_plan(bank, year) if plan is None else plan)


def _encode(bank: Bank, year: int, text: str) -> bytes:
    key = (bank.name, year)
    if key == DAMAGED:
        # A download that broke off inside a character, and what a bad disk put behind it.
        return text.encode("gb18030")[:2001] + random.Random("damage").randbytes(6000)
    if key == GB18030:
        return text.encode("gb18030")
    if key == UTF16:
        return b"\xff\xfe" + text.encode("utf-16-le")
    return text.encode()


# ------------------------------------------------------------------------------------------------ sentences

#: {...} is filled from SLOTS or with a number, @ with a term.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "条线": (
        "零售条线", "公司条线", "小微条线", "同业条线", "资产保全部门", "运营管理部门", "计划财务部门", "各县域支行",
        "城区支行", "授信审批部门", "合规部门", "总行机关",
    ),
    "业务": (
        "小微企业贷款", "住房按揭贷款", "供应链融资", "票据贴现", "涉农贷款", "绿色信贷", "国债承销", "结售汇",
        "财富管理", "保函", "银团贷款", "个人经营性贷款", "科创企业贷款", "存单质押贷款",
    ),
    "地方": ("沿江片区", "北部县域", "港口新区", "丘陵乡镇", "老城街道", "高铁新城", "环湖园区", "东部产业带"),
    "做法": (
        "推行名单制营销", "细化绩效考核办法", "建立客户分层服务机制", "压缩高成本存款", "优化审批权限",
        "开展走访千家企业活动", "健全定价授权体系", "落实首问负责制", "深化网格化经营", "梳理存量客户",
        "强化贷后检查", "统一柜面操作标准", "调整信贷投向", "组织岗位练兵", "改进厅堂服务流程", "加快不良资产处置",
        "完善流动性压力测试", "修订授信政策指引",
    ),
    "成效": (
        "客户数增加{小}万户", "余额较年初增长{率}%", "平均办理时间缩短{小}分钟", "户均贡献提高{率}%",
        "新增授信{额}亿元", "满意度达到九成以上", "付息率下降{小}个基点", "存款日均余额增加{额}亿元",
        "逾期率低于上年同期", "有效户占比升至{率}%", "中间收入增长{率}%", "投诉量减少{率}%",
    ),
}  # fmt: skip

#: Chapters: the share of the report that they take, and sentences of which each stands at most once in a report.
CHAPTERS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("重要提示", 0.0, (
        "本行董事会、监事会及全体董事、监事保证本报告所载资料不存在虚假记载和重大遗漏。",
        "本报告所称报告期，是指{年}年1月1日至{年}年12月31日。",
        "除另有说明外，本报告金额币种为人民币，单位为万元。",
        "前瞻性陈述不构成对投资者的实质承诺，请投资者注意投资风险。",
    )),
    ("公司概况", 0.0, (
        "本行总部设在{座}，下辖{数}家支行，其中{小}家设在{地方}。",
        "本行秉持扎根本土、服务百姓的宗旨，主要办理存款、贷款、结算和{业务}。",
        "报告期末在职员工{数}0人，平均年龄三十四岁，本科及以上学历占比{率}%。",
        "本行注册资本{额}亿元，报告期内股本结构未发生变动。",
        "报告期内，{地方}新设网点{小}家，撤并低效网点两家。",
    )),
    ("经营情况讨论与分析", 0.30, (
        "面对有效需求不足、息差收窄的形势，本行坚持稳中求进，全年实现营业收入{额}亿元，同比增长{率}%。",
        "受市场利率下行影响，净利息收益率为{小}.{数}%，本行通过{业务}调整资产结构，抵减了部分压力。",
        "成本收入比为{率}%；业务及管理费增长{率}%，主要是网点装修、人员薪酬和广告费用增加。",
        "在{地方}，本行与{数}家核心企业签订合作协议，带动{业务}增长{率}%。",
    )),
    ("科技与业务创新", 0.24, (
        "全年科技投入{额}亿元，占营业收入的{率}%，科技人员占比提高到{率}%。",
        "核心系统完成第{小}次升级，批处理时间由{数}分钟缩短到{小}分钟，全年未发生停机。",
        "{条线}提出的{数}项需求全部上线，平均交付周期缩短{率}%。",
        "灾备机房迁至{地方}，切换演练一次成功。",
    )),
    ("风险管理", 0.18, (
        "报告期末不良贷款率{小}.{数}%，拨备覆盖率2{数}%，各项监管指标持续达标。",
        "本行按季度开展压力测试，结果表明在轻度、中度和重度情景下资本充足率均高于监管要求。",
        "操作风险方面，本行组织全员案防培训{小}场，排查员工异常行为{数}人次。",
        "流动性覆盖率为1{数}%，优质流动性资产储备充足，期限错配处于合理水平。",
        "对{地方}的房地产项目，本行坚持封闭管理，逐户制定化解方案。",
    )),
    ("公司治理", 0.06, (
        "报告期内召开股东大会{小}次、董事会会议{小}次，审议议案{数}项。",
        "独立董事认真履职，对利润分配、关联交易和高管薪酬发表了意见。",
        "监事会围绕财务、内控和履职评价开展监督，提出建议{小}条，全部得到落实。",
        "本行修订章程和{小}项配套制度，厘清了各治理主体的职责边界。",
        "高级管理层下设{小}个专门委员会，{条线}按月向其报告工作。",
    )),
    ("社会责任", 0.09, (
        "本行在{地方}设立助农服务点{数}个，村民不出村就能办理取款和缴费。",
        "全年捐款{数}万元，资助学生{数}名，员工志愿服务{数}小时。",
        "{业务}支持农户{数}户，户均贷款{小}万元，其中信用贷款占{率}%。",
        "本行推行无纸化办公，单位面积能耗下降{率}%，并向{地方}的节水项目发放{业务}。",
    )),
)  # fmt: skip

#: Sentences that fill the rest of a chapter, for the slots give thousands of each.
MEASURES = (
    "{条线}{做法}，{成效}。",
    "{条线}{做法}，在{地方}先行试点，{成效}。",
    "{业务}余额{额}亿元，较年初增加{小}亿元，主要投向{地方}的制造企业和个体工商户。",
    "报告期内，{条线}{做法}，{业务}{成效}，为全年目标的完成打下基础。",
    "{条线}{做法}，对{业务}实行限额管理，{成效}。",
    "在{地方}，{条线}围绕{业务}{做法}，{成效}，受到当地客户好评。",
)

#: No character beside an @ may complete a guard of a term: no 业, 卡 or 间 behind it, no 加, 向, 由 or 给 in front.
SENTENCES: tuple[str, ...] = (
    "依托@搭建统一的客户视图，授信审批用时缩短到{小}小时。",
    "本行把@列入三年规划的重点，全年投入{数}万元。",
    "@在{地方}试点落地，惠及商户{数}家，{成效}。",
    "{条线}将@用于贷前调查，识别可疑申请{数}笔。",
    "在@的支持下，{业务}实现全流程线上办理，{成效}。",
    "报告期内，@与@相结合的项目在{地方}投产，{成效}。",
    "科技部门围绕@、@和@组建了{小}个敏捷团队。",
    "{条线}运用@改造{业务}的作业方式，{成效}。",
    "围绕@，本行与高校共建实验室，取得专利{小}项。",
    "以@、@为代表的新工具进入{条线}的日常工作，{成效}。",
    "风险预警模型引入@，提前{小}天发现了{数}户企业的异动。",
    "员工培训课程新增@专题，累计{数}人次参加。",
)

#: Sentences with terms side by side or one in another, and with false friends: each @ is a (term, as written, true?).
PHRASES: tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...] = (
    (
        "新一代@@@平台通过验收，支撑了{业务}的高峰处理。",
        (("人工智能", "人工智能", True), ("大数据", "大数据", True), ("云计算", "云计算", True)),
    ),
    ("面向年轻客群，本行试水@金融，{成效}。", (("移动互联网", "移动互联网", True),)),
    ("{条线}加@治理力度，同时增加@投入。", (("大数据", "大数据", False), ("大数据", "大数据", True))),
    ("编制附注时，现金@的口径与上年一致。", (("流计算", "流计算", False),)),
    ("本行为{地方}一座年产{小}.@wh的储能工厂发放银团贷款。", (("5G", "5G", False),)),
    ("与本地商超共同推出互联@名卡，发卡{数}张。", (("网联", "网联", False),)),
    ("参股企业禾岚@有限公司报告期内实现盈利。", (("金融科技", "金融科技", False),)),
)

#: Rows of the table of key figures, each with its size for the average bank.
ROWS: Mapping[str, float] = {
    "利息净收入": 5600, "手续费及佣金净收入": 480, "营业支出": 3900, "归属于股东的净利润": 1700, "资产总额": 312000,
    "贷款总额": 176000, "存款总额": 221000, "不良贷款余额": 2300, "一级资本净额": 24000, "基本每股收益": 0.62,
}  # fmt: skip

#: Chapters that mention terms; half of the mentions stand in the one on technology.
_CHAPTERS_WITH_TERMS = (3, 3, 3, 2, 4, 6)
_SECTIONS = ("总体情况", "主要工作", "重点领域", "下一步安排")
_HAN_NUMBERS = "一二三四五六七八九十"

#: What stands at each @ of a sentence: the term, how it is written, whether it is truly mentioned.
_Slots = Sequence[tuple[str, str, bool]]


@dataclass
class _Report:
    """A report being written, and what was planted in it so far."""

    bank: Bank
    year: int
    mentions: list[Mention] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"text {self.bank.name} {self.year}")

    def write(self, plan: Mapping[str, int]) -> tuple[str, list[Mention]]:
        """Return the text, with every term of `plan` as often as it says, and the mentions."""
        chance = self.chance
        terms = [term for term, count in plan.items() for _ in range(count)]
        chance.shuffle(terms)
        inside: list[list[tuple[str, _Slots]]] = [[] for _ in CHAPTERS]
        for phrase in chance.sample(PHRASES, 4) if terms else ():
            inside[chance.choice(_CHAPTERS_WITH_TERMS)].append(phrase)
        while terms:
            sentence = chance.choice([each for each in SENTENCES if each.count("@") <= len(terms)])
            slots = [(term, term, True) for term in (terms.pop() for _ in range(sentence.count("@")))]
            inside[chance.choice(_CHAPTERS_WITH_TERMS)].append((sentence, slots))
        lines = [self.heading(1, f"{self.bank.name}{self.year}年年度报告")]
        for number in range(len(CHAPTERS)):
            lines += self.chapter(number, inside[number])
        lines += [self.heading(2, f"第{_HAN_NUMBERS[len(CHAPTERS)]}章 财务摘要"), *self.table()]
        return "\n".join(lines) + "\n", self.mentions

    def chapter(self, number: int, inside: list[tuple[str, _Slots]]) -> list[str]:
        """Return the lines of a chapter: headings, and paragraphs that mix its own sentences with those `inside`."""
        title, share, facts = CHAPTERS[number]
        sentences = inside + [(fact, ()) for fact in facts]
        # A slot's filling is some 3 characters longer than its name, and a sentence has some 4.
        room = share * self.bank.chars - sum(len(text) + 12 for text, _ in sentences)
        while room > 0:
            sentences.append((self.chance.choice(MEASURES), ()))
            room -= len(sentences[-1][0]) + 12
        if share:
            self.chance.shuffle(sentences)
        lines = [self.heading(2, f"第{_HAN_NUMBERS[number]}章 {title}")]
        size = max(6, math.ceil(len(sentences) / len(_SECTIONS)))
        for section, start in enumerate(range(0, len(sentences), size)):
            if len(sentences) > size:
                lines.append(self.heading(3, f"{_HAN_NUMBERS[section]}、{_SECTIONS[section]}"))
            part = sentences[start : start + size]
            for at in range(0, len(part), 4):
                if len(part) > 8:
                    lines.append(self.heading(4, self.fill(f"（{_HAN_NUMBERS[at // 4]}）{{业务}}")))
                body = "".join(self.sentence(*each) for each in part[at : at + 4])
                lines.append(f"{body}\n" if self.bank.markdown else f"\u3000\u3000{body}")
        return lines

    def sentence(self, template: str, slots: _Slots) -> str:
        """Return a sentence with its terms planted, in the characters of this bank."""
        first, *parts = template.split("@")
        out = [self.spell(self.fill(first))]
        for part, slot in zip(parts, slots, strict=True):
            out += [self.plant(*slot), self.spell(self.fill(part))]
        return "".join(out)

    def plant(self, term: str, surface: str, true: bool) -> str:
        """Note a mention of `term` and return it as this bank writes it: the one way for a term into a report."""
        if self.bank.traditional and true and surface == term:
            surface = TRADITIONAL_TERMS.get(term, surface)
        if self.bank.wide and true:
            surface = WIDE_TERMS.get(surface, surface)
        surface = self.spell(surface)
        self.mentions.append(Mention(self.bank.name, self.year, term, surface, true))
        return surface

    def fill(self, text: str) -> str:
        """Return `text` with every {slot} filled, slots in slots too."""
        while "{" in text:
            text = re.sub(r"\{(\w+)\}", lambda match: self.value(match[1]), text)
        return text

    def value(self, slot: str) -> str:
        """Return what stands in a slot: one of its words, or a number of its kind."""
        if slot in SLOTS:
            return self.chance.choice(SLOTS[slot])
        share = self.chance.random()
        return {
            "年": str(self.year),
            "座": self.bank.seat,
            "小": str(1 + int(share * 9)),
            "数": str(11 + int(share * 88)),
            "率": f"{1 + share * 38:.2f}",
            "额": f"{2 + share * 300:.2f}",
        }[slot]

    def spell(self, text: str) -> str:
        """Return `text` in the characters of this bank."""
        return _to_traditional(text) if self.bank.traditional else text

    def heading(self, level: int, text: str) -> str:
        """Return a heading, with its mark in Markdown."""
        return f"{'#' * level} {text}\n" if self.bank.markdown else self.spell(text)

    def table(self) -> list[str]:
        """Return the lines of the table of key figures."""
        rows = [["项目", f"{self.year}年", f"{self.year - 1}年", "增减（%）"]]
        for name, size in ROWS.items():
            now, change = (
                size * self.bank.chars / 5000 * (0.9 + 0.2 * self.chance.random()),
                self.chance.random() * 30 - 8,
            )
            rows.append([name, f"{now:,.2f}", f"{now / (1 + change / 100):,.2f}", f"{change:.2f}"])
        if self.bank.markdown:
            rows.insert(1, ["---"] * 4)
            return [f"| {' | '.join(row)} |" for row in rows]
        return [self.spell("\t".join(row)) for row in rows]


#: The characters of the sentences above that Traditional writes otherwise, and the words in which one has two forms.
_SIMPLIFIED = (
    "万与专业东两个为习乡于云产亿价优会体余债储关内册农况净准减划创别办务动势区协单占厂厅历压厘县参发变后"
    "员响团园围国图场块坚处备学实审对将层属岁岗岚币带并广应开异张强归征径总愿户护报拨换据撑数无时机权条构"
    "柜标检汇测润满灾点独献环现监盖础种积称稳笔签级纸线练组细织经结绕给统绩续绿编缩缴网职联节营虚装见规视"
    "计订认讨训议记论设访证评识诉试说请诺课调负贡财责质贴贷费资轻载较辖边达迁过运进遗钟铁银链销错镇长门闭"
    "问间队陈险项预领题额风验龄当"
)
_TRADITIONAL = (
    "萬與專業東兩個為習鄉於雲產億價優會體餘債儲關內冊農況淨準減劃創別辦務動勢區協單佔廠廳歷壓釐縣參發變後"
    "員響團園圍國圖場塊堅處備學實審對將層屬歲崗嵐幣帶並廣應開異張強歸徵徑總願戶護報撥換據撐數無時機權條構"
    "櫃標檢匯測潤滿災點獨獻環現監蓋礎種積稱穩筆簽級紙線練組細織經結繞給統績續綠編縮繳網職聯節營虛裝見規視"
    "計訂認討訓議記論設訪證評識訴試說請諾課調負貢財責質貼貸費資輕載較轄邊達遷過運進遺鐘鐵銀鏈銷錯鎮長門閉"
    "問間隊陳險項預領題額風驗齡當"
)
_TRADITIONAL_WORDS = {"制造": "製造", "附注": "附註", "注册": "註冊", "周期": "週期", "撤并": "撤併", "依托": "依託"}


@cache
def _traditional_table() -> dict[int, str]:
    return {ord(simplified): other for simplified, other in zip(_SIMPLIFIED, _TRADITIONAL, strict=True)}


def _to_traditional(text: str) -> str:
    for simplified, other in _TRADITIONAL_WORDS.items():
        text = text.replace(simplified, other)
    return text.translate(_traditional_table())


# ------------------------------------------------------------------------------------------------ any amount of text

TERMS = tuple(STORY)

#: A stretch of a made text: what stands before it, its words, what stands behind it.
_Stretch = tuple[str, int, str]

_FUNCTION_WORDS = (
    "的", "和", "业务", "在", "了", "银行", "等", "本行", "管理", "对", "发展", "与", "为", "服务", "及", "风险", "以",
    "年", "进行", "是", "将", "不", "或", "由", "按", "中", "通过", "上", "其", "有", "公司", "并", "于", "向", "从",
    "加强", "实现", "推进", "贷款", "增长", "客户", "较上年", "报告期内", "亿元", "有限公司",
)  # fmt: skip
_LATIN_WORDS = ("IPO", "ESG", "GDP", "LPR", "CPI", "IFRS", "SHIBOR", "KPI", "ATM", "POS", "Basel III", "ROE", "H股")


def made_texts(
    n_reports: int,
    mean_chars: int,
    seed: int = 1,
    hits_per_10k: float = 30.0,
    terms: Sequence[str] = TERMS,
) -> Iterator[str]:
    """Yield `n_reports` made-up texts of log-normal length, `mean_chars` characters on average.

    Near to reports of banks in what a matcher feels: share of Han, length of clauses, commonness of characters, and how
    fast new pairs of characters turn up (28,000 in the first 100,000, where real texts have 22,000 to 31,000). Past a
    million characters pairs go on turning up where reports begin to repeat themselves, so caches are not flattered.

    hits_per_10k   mentions of `terms` put into 10,000 characters; earlier terms are commoner (Zipf). Words that meet
                   can spell a term by chance, so for an exact number count.
    seed           report i of a seed is the same whatever `n_reports` is

    Raises ValueError if `mean_chars` is not positive, or if mentions are asked for without `terms`.

    >>> first, second = made_texts(2, 500, hits_per_10k=300, terms=["云计算"])
    >>> "云计算" in first + second
    True
    """
    if mean_chars <= 0:
        raise ValueError(f"mean_chars = {mean_chars}; it must be positive")
    if hits_per_10k > 0 and not terms:
        raise ValueError("no terms; give some, or hits_per_10k=0")
    words, weights = _vocabulary()
    form = _form()
    chars_per_word = _chars_per_word()
    spread = 0.5
    term_weights = list(accumulate(1 / rank for rank in range(1, len(terms) + 1)))
    for number in range(n_reports):
        chance = random.Random(f"{seed} {number}")
        chars = mean_chars * math.exp(chance.gauss(0.0, spread) - spread * spread / 2)
        drawn = chance.choices(words, cum_weights=weights, k=max(1, int(chars / chars_per_word)))
        count = int(chars * hits_per_10k / 10_000 + chance.random())
        for term in chance.choices(terms, cum_weights=term_weights, k=count) if count else ():
            drawn[int(chance.random() * len(drawn))] = term
        yield _lay_out(drawn, form, int(chance.random() * len(form)))


def _lay_out(words: list[str], form: tuple[_Stretch, ...], at: int) -> str:
    """Return `words` in the stretches of `form`, from its stretch `at` on."""
    out: list[str] = []
    start = 0
    while start < len(words):
        before, size, behind = form[at]
        out += (before, "".join(words[start : start + size]), behind)
        start += size
        at = (at + 1) % len(form)
    return "".join(out) + "\n"


@cache
def _vocabulary() -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return words, and their cumulative weights."""
    chance = random.Random("vocabulary")
    # Characters: those of the sentences above by frequency, then others of GB2312's first level in a made-up order.
    sentences = "".join([*MEASURES, *SENTENCES, *(fact for _, _, facts in CHAPTERS for fact in facts)])
    own = Counter(re.findall("[\u4e00-\u9fff]", sentences))
    level = bytes(byte for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFF) for byte in (lead, trail))
    others = [character for character in level.decode("gb2312") if character not in own]
    characters = [character for character, _ in own.most_common()] + chance.sample(others, 1300)
    character_weights = list(accumulate(1 / (rank + 60) ** 1.25 for rank in range(len(characters))))
    made: list[str] = []
    for _ in range(8000):
        size = (2, 2, 2, 2, 3, 4, 4, 4)[int(chance.random() * 8)]
        # Long words are made of short ones, as compounds are: this keeps the pairs of characters few.
        parts = chance.choices(made, k=2) if size == 4 and len(made) > 200 else []
        word = "".join(part[:2] for part in parts)
        made.append(word or "".join(chance.choices(characters, cum_weights=character_weights, k=size)))
    weighted = [(word, 1.2 / (rank + 4.0)) for rank, word in enumerate(_FUNCTION_WORDS)]
    weighted += [(word, 1 / (rank + 15.0) ** 1.06) for rank, word in enumerate(made)]
    total = sum(weight for _, weight in weighted)
    weighted += [(_number(chance), 0.012 * total / 300) for _ in range(300)]
    weighted += [(word, 0.014 * total / len(_LATIN_WORDS)) for word in _LATIN_WORDS]
    return tuple(word for word, _ in weighted), tuple(accumulate(weight for _, weight in weighted))


def _number(chance: random.Random) -> str:
    share, amount, kind = chance.random(), math.exp(chance.random() * 7), int(chance.random() * 4)
    return (f"{amount:,.2f}", f"{amount:,.0f}", f"{share * 60:.2f}%", f"{2015 + share * 9:.0f}年")[kind]


@cache
def _form() -> tuple[_Stretch, ...]:
    """Return the stretches of some 500 sentences: clauses with their marks, headings, table rows."""
    chance = random.Random("form")
    form: list[_Stretch] = []
    for paragraph in range(200):
        part, rest = divmod(paragraph, 4)
        if rest == 0:
            number = _HAN_NUMBERS[part % 10]
            form.append(((f"第{number}章 ", f"{number}、", f"（{number}）")[part % 3], 3, "\n"))
        for _ in range(1 + int(chance.random() * 4)):
            for _ in range(3 + int(chance.random() * 8)):
                mark = chance.choices("，、；：", cum_weights=(76, 94, 97, 100))[0]
                before = "（" if chance.random() < 0.04 else ""
                form.append((before, 2 + int(chance.random() * 7), ("）" if before else "") + mark))
            form[-1] = (form[-1][0], form[-1][1], "）。" if form[-1][0] else "。")
        form[-1] = (*form[-1][:2], form[-1][2] + "\n")
        if paragraph % 20 == 19:
            form += [("", 2, f"\t{_number(chance)}\t{_number(chance)}\t{_number(chance)}\n") for _ in range(6)]
    return tuple(form)


@cache
def _chars_per_word() -> float:
    """Return how many characters of laid-out text come from a word, marks and tables included."""
    words, weights = _vocabulary()
    drawn = random.Random("length").choices(words, cum_weights=weights, k=20_000)
    return len(_lay_out(drawn, _form(), 0)) / len(drawn)


# ------------------------------------------------------------------------------------------------ command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the demonstration corpus, or made texts, into a folder."""
    parser = argparse.ArgumentParser(description="Write made-up annual reports of Chinese banks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reports", type=int, metavar="N", help="write N made texts, not the demonstration corpus")
    parser.add_argument("--chars", type=int, metavar="M", help="their mean length in characters (50,000)")
    parser.add_argument("--seed", type=int, metavar="S", help="another seed gives other texts (1)")
    given = parser.parse_args(arguments)
    if given.reports is None:
        if given.chars is not None or given.seed is not None:
            parser.error("--chars and --seed are for made texts; give --reports N with them")
        paths = write_demo(given.folder)
    else:
        paths = []
        given.folder.mkdir(parents=True, exist_ok=True)
        texts = made_texts(given.reports, given.chars or 50_000, 1 if given.seed is None else given.seed)
        for number, text in enumerate(texts):
            paths.append(given.folder / f"made-{number:06d}.txt")
            paths[-1].write_bytes(text.encode())
    n_bytes = sum(path.stat().st_size for path in paths)
    print(f"{given.folder}: {len(paths)} reports, {n_bytes:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
