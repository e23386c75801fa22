"""Names of persons, where the sentence itself shows that they are names.

A title ("Dr Okafor", "王女士"), an introduction ("my name is …", "我叫…"), a label or a column of a table
("Patient: …", "姓名：…"), a greeting and a signature. A bare name in running text can't be told from other
words by rule, and is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from text.language import HAN

Span = tuple[int, int]

_PART = r"(?:(?:Mc|Mac|O['’]|D['’]|Al-|El-)?[A-ZÀ-\u024f\u1e00-\u1eff\u0410-\u042f][a-zß-\u024f\u1e00-\u1eff\u0430-\u045f]+(?:[-'’][A-Za-zÀ-\u024f][a-zß-\u024f]+)*|[A-Z]\.)"
_CAPITALS = r"[A-ZÀ-Þ]{2,}(?:[ \t-]+[A-ZÀ-Þ]{2,}){1,2}"
_JOINT = r"(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|bin|bint|ibn|al|el|ter|ten|zu|y)"
_NAME = rf"{_PART}(?:[ \t]+(?:{_JOINT}[ \t]+){{0,2}}{_PART}){{0,3}}"
_TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Nurse|Sister|Father|Reverend|Rev|Herr|Frau|Señora?|Madame|Monsieur|Mme)"
_NO_NAMES = frozenset(
    "Valued Pepper Martens Oetker Who Strange Strangelove Watson Moriarty Jekyll Hyde Frankenstein Faustus Zhivago Seuss Dre "
    "Darcy Bovary Dalloway Poppins Doubtfire Kipling Bean Coffee Clean Muscle Potato Robot Right Perfect Sir Madam All Team Everyone "
    "Everybody Customer Colleagues Colleague Support Folks There Hiring Manager Friend Friends Guest Customers "
    "Partner Partners Students Parents Members Member User Users Staff Sales Service HR IT Admin Committee Board "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June July August "
    "September October November December English German French Chinese Spanish Italian British American Irish "
    "Dutch Polish Indian Japanese Korean Canadian Australian Brazilian Mexican Turkish Swiss Greek Swedish "
    "Norwegian Danish Russian Ukrainian Portuguese European Asian African Catholic Muslim Christian Jewish The "
    "This That Our Your Their New North South East West Please Thanks Thank Regards Best Kind Sent Also Not "
    "Sorry Unknown None Null True False Yes No Pending Order Invoice Department Office Company Street Road "
    "Windows Linux Google Microsoft Apple Amazon Acme Sure Great Good Morning Afternoon Evening Assistant Bot "
    "Reception Finance Legal Marketing Engineering Operations Security Payroll Helpdesk Desk Group Inc Ltd LLC "
    "GmbH Head Director Chief Project Product Account Senior Junior Lead We If In On At For To From Subject "
    "Re Fwd Date Status Type Name Title Phone Email Address And But Or So As It Is Are You They He She".split()
)
_LABELS_EN = (
    r"(?:full |first |last |legal |preferred |patient |customer |client |employee |guest |student |tenant |contact |"
    r"passenger |account |user |member )?(?:name|surname|patient|contact|employee|customer|client|applicant|attn|"
    r"attention|recipient|sender|signed|signature|guest|student|caller|tenant|beneficiary|account holder|card ?holder|"
    r"policy ?holder|emergency contact|next of kin|assignee|reporter|requester|requested by|reported by|approved by|"
    r"submitted by|prepared by|contact person|claimant|passenger|driver|witness|candidate|interviewer|owner|nurse|"
    r"physician|parent|guardian|spouse|manager|from|to|cc|author|line manager|supervisor|new hire|resident|payee|"
    r"name on (?:the )?card|bill to|ship to|deliver to|sold to|referred by|attending|trainee|visitor|host|landlord)"
)
_VALUE_GAP = r"(?:[:=：][*_]{0,2}\s{0,3}\|?|\|)\s{0,3}[\"'“*_]{0,3}"

_TITLE_WORDS = (
    "Mr",
    "Ms",
    "Mi",
    "Mx",
    "Dr",
    "Prof",
    "Doct",
    "Nurse",
    "Sist",
    "Fath",
    "Rev",
    "Herr",
    "Frau",
    "Señor",
    "Mad",
    "Mons",
    "Mme",
)
# Words without one of which a pattern need not be tried, and the pattern.
_ENGLISH: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        _TITLE_WORDS,
        re.compile(rf"\b{_TITLES}\b\.?[ \t]+(?P<name>{_NAME})"),
    ),
    (
        ("my name", "my full", "my legal", "call me", "i am called", "i go by", "name's", "name’s"),
        re.compile(
            rf"\b(?i:my(?: full| legal)? name(?: is|'s|’s)|call me|i am called|i go by|name['’]s)[ \t]+(?P<name>{_NAME})"
        ),
    ),
    (
        ("this is", "i am", "i'm", "i’m", "it's", "it’s", "here is", "speaking is"),
        re.compile(
            rf"\b(?i:this is|i am|i['’]m|it['’]s|here is|speaking is)[ \t]+(?P<name>{_NAME})"
            r"(?=,? (?:speaking|calling|from|here|again|writing|btw|by the way|seat|room|with the|at the|in the|of the|over|and i)\b)"
            rf"|\b(?i:i am|i['’]m)[ \t]+(?P<other>{_NAME})(?=[,(.–—-]|\s*\n|$)"
        ),
    ),
    (
        (
            "dear ",
            "hi ",
            "hi,",
            "hello",
            "hey ",
            "hey,",
            "morning ",
            "morning,",
            "afternoon ",
            "evening ",
            "thank",
            "cheers",
            "welcome ",
        ),
        re.compile(
            rf"(?m:^|[.!?\"“”>][ \t]+)\W{{0,3}}(?i:dear|hi|hello|hey|good morning|good afternoon|good evening|morning|"
            rf"thanks|thank you|cheers|welcome)[, \t]+(?:{_TITLES}\.?[ \t]+)?(?P<name>{_NAME})(?=[ \t]*(?:[,!:;.\n–—-]|$| and\b))"
        ),
    ),
    (
        ("undersigned", "on behalf", "certify", "nominate", "bearer"),
        re.compile(
            rf"\b(?i:the undersigned|on behalf of|certify that|nominate|bearer),? (?:{_TITLES}\.? )?(?P<name>{_NAME})"
        ),
    ),
    (("\n",), re.compile(rf"\n\s*\n(?P<name>{_CAPITALS})[ \t]*\n(?=[A-Z])")),
    (
        ("\n-", "\n–", "\n—", "\n~", "\n "),
        re.compile(rf"\n[ \t]*[-–—~]{{1,2}}[ \t]*(?P<name>{_NAME})[ \t]*(?=\n|$)"),
    ),
    (
        (
            "regards",
            "sincerely",
            "thank",
            "cheers",
            "yours truly",
            "best wishes",
            "signed",
            "all the best",
        ),
        re.compile(
            r"\b(?:[Rr]egards|[Ss]incerely|[Tt]hanks|[Tt]hank you|[Cc]heers|[Yy]ours truly|[Bb]est wishes|[Ss]igned|[Aa]ll the best),?[ \t]+"
            rf"(?:{_TITLES}\.?[ \t]+)?(?P<name>{_NAME})[ \t]*(?:[.)]?\s*(?:\n|$))"
        ),
    ),
)

# A name after a label, and one in a line after a closing: found from what stands between, which is rare.
_LABEL = re.compile(rf"(?<![\w-])(?:{_LABELS_EN}|fn)[\"'”*_]{{0,3}}\s{{0,3}}$", re.IGNORECASE)
_VALUE = re.compile(
    rf"{_VALUE_GAP}(?:{_TITLES}\.?[ \t]+)?"
    rf"(?P<name>{_CAPITALS}|{_NAME}(?:,[ \t]{_PART}(?:[ \t]{_PART})?(?=\s*(?:[;|\n\"')]|$)))?)"
)
_CLOSING_WORDS = (
    "regards",
    "best",
    "sincerely",
    "thanks",
    "thank you",
    "thx",
    "cheers",
    "yours",
    "wishes",
    "love",
    "truly",
    "faithfully",
    "respectfully",
    "warmly",
    "fondly",
    "cordially",
    "gratefully",
    "appreciated",
    "advance",
    "again",
)
_CLOSING = re.compile(rf"(?:{'|'.join(_CLOSING_WORDS)})[ \t]*[,!.–—-]*\s*$", re.IGNORECASE)
_SIGNED = re.compile(
    rf"\n+[ \t]*[-–—~]{{0,2}}[ \t]*(?:{_TITLES}\.?[ \t]+)?(?P<name>{_NAME})(?=[ \t]*(?:[,|(/\n–—”’)-]|\"|$))"
)
_NEAR = 40

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董袁潘蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜"
    "崔钟谭陆汪范廖石金韦贾夏付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文"
    "牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲"
    "翁冉骆蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席"
    "卫米柏宗瞿桂佟应臧闵苟邬边卞姬仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|长孙|宇文|司徒|令狐|端木|夏侯|南宫|拓跋|独孤|澹台|轩辕|呼延|万俟|闻人|歐陽|諸葛|司馬"
_TRADITIONAL = "張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蘇魏呂盧鍾譚陸範賈鄒閻龍賀顧龔萬錢嚴湯聶莊齊龐顏歐關蘭紀單鄔聞衛馮鄒鳳賴簡龔闕齊隗仝鹿付代候闫乜逄庹麴"
# Characters that sound out foreign names.
_FOREIGN = (
    "[阿埃艾安奥巴贝比博布查达德迪杜顿多尔恩法菲费夫弗福戈格古哈海赫胡霍基吉加贾杰金卡凯康科克库拉莱兰朗劳勒雷里利莉丽林琳龙卢鲁伦罗"
    "洛马玛迈曼梅门蒙米莫穆纳娜内尼诺努帕佩皮普奇乔切琼萨塞桑沙莎史斯苏索塔泰坦汤特提图托瓦万威韦维沃伍西希夏谢辛雅亚娅扬耶伊依尤约泽扎詹]"
)
_HAN_NAME = rf"(?:[{HAN}]{{2,6}}·[{HAN}]{{2,8}}|(?:{_COMPOUND})[{HAN}]{{1,2}}|[{_SURNAMES}{_TRADITIONAL}][{HAN}]{{1,2}}|{_FOREIGN}{{3,6}})"
_HAN_CALLED = rf"(?:(?:{_COMPOUND})[{HAN}]{{0,2}}|[{_SURNAMES}{_TRADITIONAL}][{HAN}]{{0,2}}?|{_FOREIGN}{{2,6}})"
_ANY_NAME = rf"(?:{_HAN_NAME}|{_NAME})"
_HAN_TITLES = (
    "先生|女士|小姐|老师|老師|医生|醫生|大夫|经理|經理|主任|教授|同学|同學|师傅|师父|律师|护士|院长|校长|局长|处长|科长|部长|"
    "主管|总监|博士|太太|夫人|阿姨|叔叔|大爷|大妈|奶奶|爷爷|工程师|会计|警官|法官|医师|店长|组长|班长|书记|董事长|总经理|秘书"
)
_LABELS_ZH = (
    "姓名|名字|联系人|聯絡人|收件人|收货人|寄件人|发件人|患者|病人|申请人|经办人|负责人|员工|客户|持卡人|户主|户名|开户名|家长|"
    "学生|住户|签收人|报案人|当事人|乘客|旅客|入住人|投保人|被保险人|受益人|监护人|法人|主治医师|主治医生|审批人|填表人|汇报人|"
    "对接人|报修人|提交人|投诉人|来访人|借款人|承租人|出租人|租客|房东|甲方|乙方|候选人|应聘者|面试者|推荐人|证明人|接收人|"
    "领用人|使用人|责任人|签名|签字|署名|主诉人|配偶|父亲|母亲|新员工|司机|证人|导师|顾客|会员|订购人|付款人|收款人|预订人|预约人"
)
_NO_HAN_NAMES = re.compile(
    "顾客|待定|未定|未知|自提|保密|匿名|同上|无|暂无|本人|本公司|测试|管理员|前台|行政|财务|人事|先生|女士|张三|李四|王五|某某|高级|高中|高管|高考|高二|高三|高一|高层|项目|区域|金融|程序|于是|方便|安全|安排|时候|任何|任务|常|全|应该|应届|文员|文科|"
    "明天|明年|成员|成都|广|路过|向|关于|关|包括|温|华为|华东|华南|华北|南方|南京|连|万一|万|米|商|车|房|全职|单身|农|游|"
    "党员|师|管|解|时|查|官|谈|司机|边|荣幸|冷|简单|简|古|单|成|康复|安|石油|毛|江苏|江西|贺|甘肃|宁夏|宁波|海|金牌|金|"
    "白领|白班|老|文|景|车间|班|储|封|惠|席|乐|应|明|池"
)
_NOT_AFTER_TITLE = frozenset(
    "高级 高 项目 全科 金牌 金 段 安全 任 任何 万 关于 向 于 应 单 成 明 时 时候 查 文 车 商 房 连 包 路 边 冷 师 班 官 管 解 "
    "游 全 乐 席 封 谈 惠 储 车间 党 左 华东区 华南区 华北区 区域 应聘 向 温 方 成为 时任 现任 常任 单位 单 商务 安保 安检 "
    "文科 高中 高校 农 房产 房 古 简 康复 明星 广 连 向班 和班 成 关 全职 金融 商场 万能 包装 游泳 查房 任课 资深".split()
)

_CHINESE: tuple[re.Pattern[str], ...] = (
    re.compile(
        rf"(?:我叫|我是|本人|我的名字是|我的名字叫|名叫|叫做|名字叫|我姓名是|我名叫|他叫|她叫|我们是|这里是|这边是|我这边是)\s?(?P<name>{_ANY_NAME})"
        rf"(?=[，,。.！!、；;\s（(）)：:]|$|来自|，|的|是|在|想|要|，|今年|住|于|电话|手机|身份证|工号)"
    ),
    re.compile(
        rf"(?:{_LABELS_ZH})(?:姓名|名字|签名|签字)?[\"'”]?\s{{0,3}}(?:[:：=]|\||为|是)\s{{0,3}}[\"'“]?"
        rf"[*_]{{0,2}}\|?\s{{0,3}}(?:{_TITLES}\.?[ \t]+)?(?P<name>{_ANY_NAME})"
    ),
    # After a sure label any short word is a name, unless it says that there is none.
    re.compile(
        rf"(?:姓名|收件人|收货人|寄件人|患者姓名|旅客|乘客|户名|持卡人|落款|申请人)[\"'”]?\s{{0,2}}[:：|]\s{{0,2}}(?:业主|住户|员工|学生)?\s?"
        rf"(?P<name>(?![{HAN}]*[部处科组室司心店仓校站库厅局台方号码位])[{HAN}]{{2,4}})(?=[\s，,。；;|）)”\"]|$)"
    ),
    re.compile(rf"(?:姓名|名字)[ \t]+(?P<name>{_ANY_NAME})"),
    re.compile(
        rf"(?:患者|病人|业主|乘客|学生|死者|伤者|被告人?|原告|嫌疑人)(?P<name>{_HAN_NAME})(?=[，,。、（(；;\s]|$)"
    ),
    re.compile(rf"(?:署名|落款|签名|署)(?:写|为|是|：|:)?\s?(?P<name>{_ANY_NAME}[A-Za-z]*)"),
    re.compile(
        rf"\n\s*(?:您的|你的)?(?:邻居|同事|朋友|学生|客户|读者|女儿|儿子)[：: ]\s*(?P<name>{_ANY_NAME})(?=\s*(?:\n|$|[—–-]))"
    ),
    re.compile(
        rf"(?:此致|敬礼|祝好|谢谢|谢谢！|多谢|顺祝商祺|商祺|盼复|敬上|顺颂|辛苦了|拜托了|祝您|安好|工作顺利|愉快|Thanks|Best|Regards)[^\n{HAN}]{{0,4}}\s*\n\s*(?:[-—–]+\s*)?"
        rf"(?P<name>{_ANY_NAME})(?=\s*(?:\n|$|[，,（(|/”」]|\"|\d))"
    ),
    re.compile(rf"(?:此致|敬礼)[！!。，,\s]*(?P<name>{_HAN_NAME})(?=\s*(?:$|[\n”」]|\d))"),
    re.compile(rf"(?:\n|^)\s*[-—–]{{1,2}}\s*(?P<name>{_HAN_NAME})\s*(?=\n|$)"),
    re.compile(
        rf"(?:尊敬的|亲爱的|敬爱的|Dear |Hi |hi |Hello )\s?(?P<name>{_ANY_NAME})(?=\s*[，,：:！!]|\s*\n|(?:{_HAN_TITLES}))"
    ),
    re.compile(
        r"亲爱的(?!顾客|客户|用户|朋友|同事|家人|同学|老师|领导|会员|各位|大家|先生|女士|读者|家长|伙伴|员工|团队|旅客|业主|校友|你|您|孩子|爸|妈|宝|老)"
        rf"(?P<name>[{HAN}]{{2,3}})(?=[：:，,！!])"
    ),
    re.compile(rf"(?m:^)\s*(?P<name>{_HAN_NAME})\s?(?:，|,)?\s?(?=(?:你好|您好))"),
)

# What stands after a name: a title, a relation, or "with respect". The name is looked for to the left of it.
_FOLLOWING: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(_HAN_TITLES), re.compile(f"{_HAN_CALLED.replace('?)', ')')}$")),
    (
        re.compile("的?(?:妈妈|爸爸|母亲|父亲|奶奶|爷爷|外婆|外公)"),
        re.compile(f"{_HAN_CALLED.replace('?)', ')')}$"),
    ),
    (
        re.compile(r"\s?(?:敬上|谨上|敬启|拜上|谨启|敬呈|亲笔|留言)"),
        re.compile(f"{_ANY_NAME}$"),
    ),
)
_LONGEST_HAN = 16

_HEADER = re.compile(
    rf"^\W*(?:(?i:{_LABELS_EN})|(?:{_LABELS_ZH}){{1,2}}(?:姓名|名字)?)\W*$",
)
_CELL = re.compile(
    rf"^[\s*_\"'`]*(?:{_TITLES}\.?[ \t]+)?(?P<name>{_NAME}(?:,[ \t]*{_PART})?|{_HAN_NAME}|[{HAN}]{{2,4}})[\s*_\"'`]*$"
)
_DASHES = re.compile(r"^[\s|:+-]*-[\s|:+-]*$")
_SEPARATORS = ("|", "\t", ",", ";", "，")
_HAS_HAN = re.compile(f"[{HAN}]")


def person_names(text: str) -> list[Span]:
    """The spans of names, without titles; they may overlap."""
    found = list(_in_tables(text))
    lowered = text.lower()
    for words, pattern in _ENGLISH:
        where = text if words is _TITLE_WORDS else lowered
        if not any(word in where for word in words):
            continue
        found += filter(
            None, (_trimmed(text, *m.span(m.lastgroup or "name")) for m in pattern.finditer(text))
        )
    for between, before, words in (
        (_VALUE, _LABEL, (":", "：", "=", "|")),
        (_SIGNED, _CLOSING, _CLOSING_WORDS),
    ):
        if not any(word in lowered for word in words):
            continue
        for match in between.finditer(text):
            if before.search(text[max(0, match.start() - _NEAR) : match.start()]):
                found += filter(None, [_trimmed(text, *match.span("name"))])
    if _HAS_HAN.search(text):
        found += _chinese_names(text)
    return found


def _chinese_names(text: str) -> Iterator[Span]:
    for following, name in _FOLLOWING:
        for match in following.finditer(text):
            start = max(0, match.start() - _LONGEST_HAN)
            called = name.search(text[start : match.start()])
            if called and called.group() not in _NOT_AFTER_TITLE:
                span = start + called.start(), start + called.end()
                if _may_be_han_name(text, *span):
                    yield span
    for pattern in _CHINESE:
        for match in pattern.finditer(text):
            if _may_be_han_name(text, *match.span("name")):
                yield match.span("name")


def _may_be_han_name(text: str, start: int, end: int) -> bool:
    name = text[start:end]
    if _NO_HAN_NAMES.fullmatch(name):
        return False
    # 在我司任测试工程师: here 任 is no surname.
    return not (name[0] == "任" and start and _HAS_HAN.match(text, start - 1))


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """Without words at either end that are no names; None where nothing is left."""
    words = [(m.start() + start, m.end() + start) for m in re.finditer(r"[^\s,]+", text[start:end])]
    while words and text[slice(*words[-1])].rstrip(".") in _NO_NAMES:
        words.pop()
    if not words or text[slice(*words[0])].rstrip(".") in _NO_NAMES:
        return None
    return words[0][0], words[-1][1]


def _in_tables(text: str) -> Iterator[Span]:
    """Cells below a header that is a label of persons; Markdown, CSV and what is alike."""
    lines, starts, position = text.split("\n"), [], 0
    for line in lines:
        starts.append(position)
        position += len(line) + 1
    for number, line in enumerate(lines[:-1]):
        separator = next((s for s in _SEPARATORS if s in line), None)
        if separator is None or not _is_header(lines, number, separator):
            continue
        columns = [i for i, cell in enumerate(line.split(separator)) if _HEADER.match(cell)]
        for column in columns:
            yield from _cells(lines, starts, number + 1, column, separator)


def _is_header(lines: list[str], number: int, separator: str) -> bool:
    """In Markdown a line of dashes follows; elsewhere a table begins with it."""
    if separator == "|" and lines[number].lstrip().startswith("|"):
        return _DASHES.match(lines[number + 1]) is not None
    count = lines[number].count(separator)
    begins = number == 0 or lines[number - 1].count(separator) != count
    return begins and lines[number + 1].count(separator) == count


def _cells(
    lines: list[str], starts: list[int], first: int, column: int, separator: str
) -> Iterator[Span]:
    for number in range(first, len(lines)):
        cells = lines[number].split(separator)
        if len(cells) <= column:
            return
        match = _CELL.match(cells[column])
        if match and match["name"] not in _NO_NAMES:
            begin = starts[number] + sum(len(cell) + len(separator) for cell in cells[:column])
            yield begin + match.start("name"), begin + match.end("name")
