"""Chinese names: before a title or a relation, after an introduction or a label, and in letters.

A name is told by its first character, a surname, or by characters that sound out foreign names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from text.language import HAN
from text.names.english import NAME, TITLES, Span, holds_any

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董袁潘蔡蒋余于杜叶程苏魏吕丁任沈姚卢姜"
    "崔钟谭陆汪范廖石金韦贾夏付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文"
    "牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲"
    "翁冉骆蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席"
    "冼盘容纳揭练阙蔚竺盖桓屠荀郗訾操展邸皮卫米柏宗瞿桂佟应臧闵苟邬边卞姬仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储"
)
_COMPOUND = "范姜|张简|欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|长孙|宇文|司徒|令狐|端木|夏侯|南宫|拓跋|独孤|澹台|轩辕|呼延|万俟|闻人|歐陽|諸葛|司馬"
_TRADITIONAL = "張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蘇魏呂盧鍾譚陸範賈鄒閻龍賀顧龔萬錢嚴湯聶莊齊龐顏歐關蘭紀單鄔聞衛馮鄒鳳賴簡龔闕齊隗仝鹿付代候闫乜逄庹麴"
# Characters that sound out foreign names.
_FOREIGN = (
    "[阿埃艾安奥巴贝比博布查达德迪杜顿多尔恩法菲费夫弗福戈格古哈海赫胡霍基吉加贾杰金卡凯康科克库拉莱兰朗劳勒雷里利莉丽林琳龙卢鲁伦罗"
    "洛马玛迈曼梅门蒙米莫穆纳娜内尼诺努帕佩皮普奇乔切琼萨塞桑沙莎史斯苏索塔泰坦汤特提图托瓦万威韦维沃伍西希夏谢辛雅亚娅扬耶伊依尤约泽扎詹]"
)
_TIBETAN = "(?:扎西|次仁|洛桑|巴桑|丹增|卓玛|拉姆|央金|旺堆|平措|达瓦|尼玛|格桑|仁青|索朗|多吉|边巴|米玛|普布|强巴|顿珠|白玛|德吉|曲珍|桑珠|罗布|贡布|才让|加措)"
HAN_NAME = rf"(?:[{HAN}]{{2,6}}·[{HAN}]{{2,8}}|(?:{_COMPOUND})[{HAN}]{{1,2}}|[{_SURNAMES}{_TRADITIONAL}][{HAN}]{{1,2}}|{_TIBETAN}{{2}}|{_FOREIGN}{{3,6}})"
_HAN_CALLED = rf"(?:(?:{_COMPOUND})[{HAN}]{{0,2}}|[{_SURNAMES}{_TRADITIONAL}][{HAN}]{{0,2}}?|{_FOREIGN}{{2,6}})"
_ANY_NAME = rf"(?:{HAN_NAME}|{NAME})"
_HAN_TITLES = (
    "先生|女士|小姐|老师|老師|医生|醫生|大夫|经理|經理|主任|教授|同学|同學|师傅|师父|律师|护士|院长|校长|局长|处长|科长|部长|"
    "主管|总监|博士|太太|夫人|阿姨|叔叔|大爷|大妈|奶奶|爷爷|工程师|会计|警官|法官|医师|店长|组长|班长|书记|董事长|总经理|秘书"
)
LABELS = (
    "姓名|名字|联系人|聯絡人|收件人|收货人|寄件人|发件人|患者|病人|申请人|经办人|负责人|员工|客户|持卡人|户主|户名|开户名|家长|"
    "学生|住户|签收人|报案人|当事人|乘客|旅客|入住人|投保人|被保险人|受益人|监护人|法人|主治医师|主治医生|审批人|填表人|汇报人|"
    "对接人|报修人|提交人|投诉人|来访人|借款人|承租人|出租人|租客|房东|甲方|乙方|候选人|应聘者|面试者|推荐人|证明人|接收人|"
    "领用人|使用人|责任人|签名|签字|署名|主诉人|配偶|父亲|母亲|新员工|司机|证人|导师|顾客|会员|订购人|付款人|收款人|预订人|预约人"
)
_NO_HAN_NAMES = re.compile(
    "管家|单给|单测|电话|顾客|待定|未定|未知|自提|保密|匿名|同上|无|暂无|本人|本公司|测试|管理员|前台|行政|财务|人事|先生|女士|张三|李四|王五|某某|高级|高中|高管|高考|高二|高三|高一|高层|项目|区域|金融|程序|于是|方便|安全|安排|时候|任何|任务|常|全|应该|应届|文员|文科|"
    "明天|明年|成员|成都|广|路过|向|关于|关|包括|温|华为|华东|华南|华北|南方|南京|连|万一|万|米|商|车|房|全职|单身|农|游|"
    "党员|师|管|解|时|查|官|谈|司机|边|荣幸|冷|简单|简|古|单|成|康复|安|石油|毛|江苏|江西|贺|甘肃|宁夏|宁波|海|金牌|金|"
    "白领|白班|老|文|景|车间|班|储|封|惠|席|乐|应|明|池"
)
_NOT_AFTER_TITLE = frozenset(
    "高级 高 项目 全科 金牌 金 段 安全 任 任何 万 关于 向 于 应 单 成 明 时 时候 查 文 车 商 房 连 包 路 边 冷 师 班 官 管 解 "
    "游 全 乐 席 封 谈 惠 储 车间 党 左 华东区 华南区 华北区 区域 应聘 向 温 方 成为 时任 现任 常任 单位 单 商务 安保 安检 "
    "文科 高中 高校 农 房产 房 古 简 康复 明星 广 连 向班 和班 成 关 全职 金融 商场 万能 包装 游泳 查房 任课 资深".split()
)

# Words without one of which a pattern need not be tried, and the pattern.
_CHINESE: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("叫", "我是", "本人", "我的名字", "姓名", "这里是", "这边是", "我们是"),
        re.compile(
            rf"(?:我叫|我是|本人|我的名字是|我的名字叫|名叫|叫做|名字叫|我姓名是|我名叫|他叫|她叫|我们是|这里是|这边是|我这边是)\s?(?P<name>{_ANY_NAME})"
            rf"(?=[，,。.！!、；;\s（(）)：:]|$|来自|，|的|是|在|想|要|，|今年|住|于|电话|手机|身份证|工号)"
        ),
    ),
    (
        (":", "：", "=", "|", "为", "是"),
        re.compile(
            rf"(?:{LABELS})(?:姓名|名字|签名|签字)?[\"'”]?\s{{0,3}}(?:[:：=]|\||为|是)\s{{0,3}}[\"'“]?"
            rf"[*_]{{0,2}}\|?\s{{0,3}}(?:{TITLES}\.?[ \t]+)?(?P<name>{_ANY_NAME})"
        ),
    ),
    # After a sure label any short word is a name, unless it says that there is none.
    (
        (":", "：", "|"),
        re.compile(
            rf"(?:姓名|收件人|收货人|寄件人|患者姓名|旅客|乘客|户名|持卡人|落款|申请人)[\"'”]?\s{{0,2}}[:：|]\s{{0,2}}(?:业主|住户|员工|学生)?\s?"
            rf"(?P<name>(?![{HAN}]*[部处科组室司心店仓校站库厅局台方号码位])[{HAN}]{{2,4}})(?=[\s，,。；;|）)”\"]|$)"
        ),
    ),
    (
        ("姓名", "名字"),
        re.compile(rf"(?:姓名|名字)[ \t]+(?P<name>{_ANY_NAME}|[A-Z]{{2,}} [A-Z]{{2,}})"),
    ),
    (
        ("患者", "病人", "业主", "乘客", "学生", "死者", "伤者", "被告", "原告", "嫌疑人"),
        re.compile(
            rf"(?:患者|病人|业主|乘客|学生|死者|伤者|被告人?|原告|嫌疑人)(?P<name>{HAN_NAME})(?=[，,。、（(；;\s]|$)"
        ),
    ),
    (
        ("署", "落款", "签名"),
        re.compile(rf"(?:署名|落款|签名|署)(?:写|为|是|：|:)?\s?(?P<name>{_ANY_NAME}[A-Za-z]*)"),
    ),
    (
        ("\n",),
        re.compile(
            rf"\n\s*(?:您的|你的)?(?:邻居|同事|朋友|学生|客户|读者|女儿|儿子)[：: ]\s*(?P<name>{_ANY_NAME})(?=\s*(?:\n|$|[—–-]))"
        ),
    ),
    (
        ("\n",),
        re.compile(
            rf"(?:此致|敬礼|祝好|谢谢|谢谢！|多谢|顺祝商祺|商祺|盼复|敬上|顺颂|辛苦了|拜托了|祝您|安好|工作顺利|愉快|Thanks|Best|Regards)[^\n{HAN}]{{0,4}}\s*\n\s*(?:[-—–]+\s*)?"
            rf"(?P<name>{_ANY_NAME})(?=\s*(?:\n|$|[，,（(|/”」]|\"|\d))"
        ),
    ),
    (
        ("此致", "敬礼"),
        re.compile(rf"(?:此致|敬礼)[！!。，,\s]*(?P<name>{HAN_NAME})(?=\s*(?:$|[\n”」]|\d))"),
    ),
    (
        ("-", "—", "–"),
        re.compile(rf"(?:\n|^)\s*[-—–]{{1,2}}\s*(?P<name>{HAN_NAME})\s*(?=\n|$)"),
    ),
    (
        ("的", "Dear ", "Hi ", "hi ", "Hello "),
        re.compile(
            rf"(?:尊敬的|亲爱的|敬爱的|Dear |Hi |hi |Hello )\s?(?P<name>{_ANY_NAME})(?=\s*[，,：:！!]|\s*\n|(?:{_HAN_TITLES}))"
        ),
    ),
    (
        ("亲爱的",),
        re.compile(
            r"亲爱的(?!顾客|客户|用户|朋友|同事|家人|同学|老师|领导|会员|各位|大家|先生|女士|读者|家长|伙伴|员工|团队|旅客|业主|校友|你|您|孩子|爸|妈|宝|老)"
            rf"(?P<name>[{HAN}]{{2,3}})(?=[：:，,！!])"
        ),
    ),
    (
        ("你好", "您好"),
        re.compile(rf"(?m:^)\s*(?P<name>{HAN_NAME})\s?(?:，|,)?\s?(?=(?:你好|您好))"),
    ),
)

# What stands after a name: a title, a relation, or "with respect". The name is looked for to the left of it.
_FOLLOWING: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(_HAN_TITLES), re.compile(f"{_HAN_CALLED}$")),
    (
        re.compile("的?(?:妈妈|爸爸|母亲|父亲|奶奶|爷爷|外婆|外公)"),
        re.compile(f"{_HAN_CALLED}$"),
    ),
    (
        re.compile(r"\s?(?:敬上|谨上|敬启|拜上|谨启|敬呈|亲笔|留言)"),
        re.compile(f"{_ANY_NAME}$"),
    ),
)
_LONGEST_HAN = 16
_HAS_HAN = re.compile(f"[{HAN}]")


def chinese_names(text: str) -> Iterator[Span]:
    """The spans of names, without titles; they may overlap."""
    if not _HAS_HAN.search(text):
        return
    for following, name in _FOLLOWING:
        for match in following.finditer(text):
            start = max(0, match.start() - _LONGEST_HAN)
            called = name.search(text[start : match.start()])
            if called and called.group() not in _NOT_AFTER_TITLE:
                span = start + called.start(), start + called.end()
                if may_be_han_name(text, *span):
                    yield span
    for words, pattern in _CHINESE:
        for match in pattern.finditer(text) if holds_any(text, words) else ():
            if may_be_han_name(text, *match.span("name")):
                yield match.span("name")


def may_be_han_name(text: str, start: int, end: int) -> bool:
    """Is it none of the words that begin like a name?"""
    name = text[start:end]
    if _NO_HAN_NAMES.fullmatch(name):
        return False
    # 在我司任测试工程师: here 任 is no surname.
    return not (name[0] == "任" and start and _HAS_HAN.match(text, start - 1))
