"""Chinese names in running text: a surname with one or two characters more, and something beside them that goes with people.

A relation, an office or a verb right before it; a sex, a title or a verb of people after it; personal data beside it. After
a surely personal label, or between a label and personal data, names without a Chinese surname are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from text.language import HAN
from text.names.chinese import HAN_NAME, LABELS, may_be_han_name
from text.names.chinese_words import COMMON, FAMOUS, GIVEN, NEVER
from text.names.english import Span

_RELATIVES = (
    "先生|太太|丈夫|妻子|老公|老婆|爱人|配偶|岳母|岳父|婆婆|公公|儿子|女儿|兒子|女兒|哥哥|弟弟|姐姐|妹妹|父亲|母亲|爸爸|妈妈|爷爷|奶奶|"
    "外公|外婆|舅舅|叔叔|姑姑|阿姨|侄子|侄女|孩子|子女|室友|邻居|鄰居|同学|同學|同事|朋友|男友|女友|未婚夫|未婚妻"
)
_OFFICES = (
    "师傅|師傅|司机|司機|店长|店長|主管|经理|經理|组长|組長|班长|主任|科长|处长|部长|总监|總監|助理|秘书|代理人|律师|律師|医生|醫生|护士|護士|"
    "护工|老师|老師|教练|导游|導遊|保安|保洁|快递员|外卖员|技术员|工程师|电工|客服|客户|客戶|顾客|租客|房客|房东|房東|业主|業主|住户|市民|旅客|乘客|"
    "会员|會員|学生|學生|家长|家長|员工|員工|职员|店员|实习生|新人|候选人|应聘者|被邀请人|邀请人|申请人|申請人|经办人|負責人|负责人|收貨人|收件人|寄件人|"
    "联系人|聯絡人|窗口|持卡人|收款人|付款人|卖方|买方|甲方|乙方|承租人|出租人|投诉人|报案人|当事人|证人|患者|病人|产妇|老人|值班|经手人|接收人"
)
_VERBS = "叫|叫做|名叫|是|係|系|找|请|請|问|問|联系|聯絡|通知|派给|交给|转交|转给|抄送|代表|本人|兹证明|茲證明|证明|證明|署名|署|写|由|让|给|跟|和|与|對接|对接|约了|接待"
_BEFORE = re.compile(
    rf"(?:(?:{_RELATIVES}|{_OFFICES}|{LABELS})(?:叫|是|为|：|:)?|(?:人|员|員|者|窗口|代表|财务|財務|行政|人事|我妈|我爸|我姐|我妹|我哥|我弟)[：:]?|(?:^|[^{HAN}]|我|你|他|她|人|请|都|去|来|可|要|就|们|的)(?:{_VERBS})|找|联系|聯絡|通知|转交)[\s“「\"'（(]?$"
)
_OPEN = re.compile(rf"(?:^|[^{HAN}A-Za-z]|们|床|号)$")
_AFTER = re.compile(
    r"\s?[，,、]?\s?(?:女|男)(?=[\s，,。；;、\d/|（(]|$)|\s?(?:先生|女士|小姐|同事|同志|同学|同學|老师|师傅|医生|经理|主管)|"
    r"(?:签字|簽字|签名|签收|接的|接待|说|說|打来|来电|來電|来信|來信|反映|投诉|申请|申請|提出|表示|负责|負責|同意|要求|本学期|昨天|今天|已经|已|于|於)"
)
_CLOSED = re.compile(
    r"(?=[\s，,。.；;：:、|/（()）！!？?”」\"'\d—–-]|$|[A-Za-z]|的|本|那|已|于|於|在|要|先|从|来|去|租|说|签|簽|负|迟|同)"
)
_ONE = re.compile(HAN_NAME)
_TWO = re.compile(rf"[{HAN}]{{2}}")
# After these anything of two to six characters is a name, and a dot may be within it.
_SURE_LABEL = re.compile(
    rf"(?:姓名|名字|承运人|承办人|訂購人|收貨人|聯絡人|申請人|{LABELS})[\"'”]?\s{{0,2}}[:：|=]\s{{0,2}}[\"'“]?(?P<name>[{HAN}]{{2,6}}(?:·[{HAN}]{{2,8}})?)(?=[\s，,。；;|/）)”\"]|$)"
)
_PLACE_LIKE = re.compile(
    rf"[{HAN}]*[部处科组室司心店仓校站库厅局台方号码位院所厂组区县市省路街村楼层队团会行]$"
)
_SEPARATED = re.compile(r"[\s，,。；;、|/（(）)”」\"']|$")
_IDENTIFIED = re.compile(rf"[^{HAN}]|身份|身分|电话|電話|手机|手機|护照|護照|证")
_NUMBERED = re.compile(r"\s?(?:身份|身分|护照|護照|手机|手機|电话|電話)")
# A name that ends a text, as a signature does.
_AT_THE_END = re.compile(r"\s*[”」\"']?\s*$")
_LAST = re.compile(r"[。！!\n]\s*$")
_ENDS = "".join(
    {word[-1] for words in (_RELATIVES, _OFFICES, LABELS, _VERBS) for word in words.split("|")}
    | set("叫是为们床号找系络知交人员員者口表务務政事妈爸姐妹哥弟")
)
# In the midst of other words no name begins.
_NAME = re.compile(rf"(?:(?<=[{_ENDS}])|(?<![{HAN}]))(?={HAN_NAME})")
_NO_NAME = "见待无同未略空"
_REACH = 10


def names_by_cues(text: str, data: Sequence[Span]) -> Iterator[Span]:
    """The spans of names; `data` are those of other personal data."""
    if not _TWO.search(text):
        return
    starts, ends = {start for start, _ in data}, {end for _, end in data}
    for match in _SURE_LABEL.finditer(text):
        name = match["name"]
        if (
            name[0] not in _NO_NAME
            and name[:2] not in COMMON
            and _may_be(text, *match.span("name"))
        ):
            yield match.span("name")
    for place in _NAME.finditer(text):
        yield from _at(text, place.start(), starts, ends)


def _may_be(text: str, start: int, end: int) -> bool:
    name = text[start:end]
    sounded_out = "·" in name
    if not sounded_out and (name in COMMON or NEVER & set(name[1:]) or _PLACE_LIKE.match(name)):
        return False
    return may_be_han_name(text, start, end)


def _at(text: str, start: int, starts: set[int], ends: set[int]) -> Iterator[Span]:
    """The longest name that begins here, of those that something follows which can end a name."""
    found = _ONE.match(text, start)
    assert found is not None
    before = text[max(0, start - _REACH) : start]
    led_to = bool(_BEFORE.search(before))
    if not led_to and not _OPEN.search(before):
        return
    for end in range(found.end(), start + 1, -1):
        if not _may_be(text, start, end):
            continue
        beside = not led_to and _stands_beside(text, start, end, starts, ends)
        # 派给黄金龙: a name may begin as another word does, where only a name can stand.
        if text[start : start + 2] in COMMON and not (
            end - start == 3 and (led_to or (beside and _NUMBERED.match(text, end)))
        ):
            continue
        like_a_name = end - start >= 3 and GIVEN.issuperset(text[end - 2 : end])
        if (
            beside
            or _AFTER.match(text, end)
            or (led_to and (like_a_name or _CLOSED.match(text, end)))
            or (like_a_name and _SEPARATED.match(text, end) and text[start:end] not in FAMOUS)
        ):
            yield start, end
            return


def _stands_beside(text: str, start: int, end: int, starts: set[int], ends: set[int]) -> bool:
    """Is it beside personal data, or the last that a text says?"""
    near = range(end, min(len(text), end + _REACH) + 1)
    if any(place in starts for place in near) and _IDENTIFIED.match(text, end):
        return True
    if end - start == 3 and _AT_THE_END.match(text, end):
        return bool(_LAST.search(text[max(0, start - 3) : start]))
    gaps = (text[place:start] for place in range(max(0, start - 3), start) if place in ends)
    return any(not gap.strip(" \t，,、/|（(：:") for gap in gaps) and bool(
        _SEPARATED.match(text, end)
    )
