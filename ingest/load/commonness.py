"""How common the characters of a text are: wrong decodings are made of rare ones."""

from __future__ import annotations

import re

_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日"
    "军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相"
    "见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名"
    "真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市"
    "直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路"
    "记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔早晚周请送楼午点半钟"
    "费税款项单号码附录章节页表图注册版本使用安装启动错误系统文件网络数据服务器客户合同甲乙方签订付办公室假期"
    "休息加班工资奖金申请审批部门经理员工厂车间设备检查维修温度湿米克吨元角每六七八九零百千亿左右约增减少收支"
    "校图书馆医院药病防疫食堂饭茶酒菜春夏秋冬东南西北京沪广州深圳省县村街巷号楼层厅盘点库存差率超仓储科月底责"
    "李王张刘陈杨赵黄吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯于董程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟"
    "参会席议程序纪要讨论决定通知关于印发附件主题发件收抄你们好谢再见姓名性别龄址电话邮箱职务编备份内容标题作者"
    "财研销售欧阳明兼司徒静急容若兰读取临时代码返回调由警初始化函变量参测试功能模块接口库配置默认值示例说描述"
)
_TRADITIONAL = (
    "這個們來為國說時會對過發後裡裏種經學現當沒動還進樣開從實軍無與長機關點業將兩間問應戰頭體見產東聲員論處"
    "義幾認條氣題爾變總電數報結務場計資許統區隊決馬書則聽達強難權設記類據邊張該規萬領傳師觀讓識導爭運筆請費"
    "稅單號碼錄節頁圖冊訂辦審門檢廠車維溫噸約減館醫藥廳庫參議討論紀標題臺灣於閱覽額報證並遲譽聯絡電話樓您"
    "營額備註歲親愛項權協聲鐘週點課試測驗錯誤檔案網路資訊軟體服務器簽約購買賣價錢貨銀術歡迎舉名民淑芬承借活"
    "攜帶遲到諒讀者員"
)
_JAPANESE = (
    "時分発対会社株式様円駅気図書館価値売買読経済関係変権単独実験総数戦争応広転電話帰国際東京都府県市区町村"
    "議室階欠席資料保存共有佐々木総務部連絡昼食各自用意願行後前日曜火水木金土半込払届残届側辺込"
)
_KOREAN = (
    "이다는을의에가고하지로한를도서기사인은자대어시리나해정그아있수일스게라부과전제보주국장여성와상조구동들원만"
    "없내공용면것으세무비유신경문안소우화선오및관회교학생업계발위연개명니까요합습께저날때년월분금번호실행방법"
    "모든작출역석바랍의항총박지은리락십본층산예결심두후이번요주참가당점차말음입된됩않못또더많좋같알려받드립"
)
_PUNCTUATION = (
    "，。、；：？！（）《》“”‘’—…「」『』【】〈〉·〇　％＋－／＝０１２３４５６７８９・ー～"
)
_COMMON = frozenset(_SIMPLIFIED + _TRADITIONAL + _JAPANESE + _KOREAN + _PUNCTUATION) | frozenset(
    map(chr, [*range(0x3041, 0x3094), *range(0x30A1, 0x30F7)])
)
_FOREIGN = re.compile(r"[^\x00-\x7f\ufffd\u00a0]")
_ALIEN = re.compile(
    "[\u0080-\u009f\ue000-\uf8ff\uff61-\uff9f\u3400-\u4dbf\ua000-\ua4cf\ufdd0-\ufdef]"
)
# Capitals are rare in the middle of words.
_CYRILLIC = re.compile("[а-яёА-ЯЁ]")
_SHOUT = re.compile("[а-яё][А-ЯЁ]|[А-ЯЁ]{3}")
_WESTERN = re.compile(
    "[\u00c0-\u00ff“”‘’–—…€°±§«»·£©®™²³½¼¾×ŒœŠšŽž•†¿¡µ\u0104-\u0107\u0118\u0119\u0141-\u0144\u015a\u015b\u0179-\u017c]"
)
_SIGN_IN_WORD = re.compile(
    "[a-z\u00e0-\u00ff][±¶¼¿³¹¾½£¡§©®×÷](?=[a-z\u00e0-\u00ff])|[ðþ÷]|\\b[±¶¼¿³¹¾][a-z]{2}"
)


def commonness(text: str) -> float:
    """Share of the characters beyond ASCII that are everyday ones of East Asia, -1 to 1."""
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return 0.0
    common = sum(character in _COMMON for character in foreign)
    return (common - len(_ALIEN.findall(text))) / len(foreign)


def cyrillic(text: str) -> float:
    """Share of the characters beyond ASCII that are Cyrillic letters, less what shouts."""
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return 0.0
    return (len(_CYRILLIC.findall(text)) - len(_SHOUT.findall(text))) / len(foreign)


def western(text: str) -> float:
    """Share of the characters beyond ASCII that western texts use, less signs inside words."""
    foreign = _FOREIGN.findall(text)
    if not foreign:
        return 0.0
    return (len(_WESTERN.findall(text)) - len(_SIGN_IN_WORD.findall(text))) / len(foreign)
