"""What kind of answer a question asks for, and whether a sentence holds one. English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EN_NUMBER = (
    r"(?:\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|"
    r"thirty|forty|fifty|sixty|ninety|hundred|thousand|million|billion|half|quarter|dozen)\b)"
)
_ZH_NUMBER = r"(?:\d[\d,.]*|[〇零一二两三四五六七八九十百千万亿半数]+)"
_MONTH = (
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
_DAY = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"


@dataclass(frozen=True, slots=True)
class Kind:
    """`asks` finds it in a question, `answers` in a sentence."""

    name: str
    asks: re.Pattern[str]
    answers: re.Pattern[str]


def _kind(name: str, asks: str, answers: str, flags: int = re.IGNORECASE) -> Kind:
    return Kind(name, re.compile(asks, re.IGNORECASE), re.compile(answers, flags))


# The first one that a question asks for counts, so the narrow ones come first.
KINDS = (
    _kind(
        "share",
        r"\b(?:what|which|how (?:much|many)).{0,24}\b(?:percent(?:age)?|per cent|share|proportion|"
        r"fraction)\b|百分之几|百分之多少|百分比|比例|占.{0,6}多少|几成|多少.{0,2}[%％]",
        r"[%％]|\bper ?cent|\b(?:half|third|quarter|fifth|tenth)s?\b|百分之|分之|[一二三四五六七八九]成|比例",
    ),
    _kind(
        "money",
        r"\bhow (?:much|expensive)\b.{0,60}\b(?:cost|pay|paid|price|fee|rent|charge|earn|worth|spen[dt]|"
        r"salary|money|refund\w*|reimburse\w*|claim|bonus|allowance)\b|\b(?:what|which).{0,30}\b(?:price|fee|cost|salary|"
        r"budget|amount|deposit|rent|allowance|fine)\b|\bwhat (?:do|does|did|will).{0,40}\bcosts?\b"
        r"|多少(?:钱|元|块|美元|费用|工资|租金)|(?:价格|费用|工资|租金|补贴|预算|奖金|运费|上限|标准|金额)是?(?:多少|怎么|几)|怎么收费|收费标准|几块钱",
        rf"[$£€¥￥]|{_EN_NUMBER}\s*(?:million |billion )?(?:us )?(?:dollars?|euros?|pounds?|pence|cents?|yuan|"
        rf"rmb|usd|eur|gbp|times|[%])|\bfree\b|{_ZH_NUMBER}\s*(?:万|亿)?\s*(?:多)?(?:元|块|美元|英镑|欧元|角|分钱|倍)|免费|包邮|[%％]",
    ),
    _kind(
        "duration",
        r"\bhow (?:long|soon|quickly|fast|often|frequently|early|late)\b|\b(?:what|which).{0,20}\b(?:period|"
        r"duration|deadline|notice|interval|age)\b|\bhow many (?:\w+ )?(?:minutes|hours|days|weeks|months|years)\b|\bhow old\b"
        r"|多久|多长时间|多少(?:天|年|小时|分钟|个?月|周|时间|岁)|几(?:天|年|小时|分钟|个?月|周|个?星期|日|岁|个工作日|个小时)|多大年纪|期限|多长(?!度)",
        rf"{_EN_NUMBER}(?:[\s-]+(?:\w+[\s-]+)?)(?:seconds?|minutes?|mins?|hours?|days?|nights?|weeks?|weekly|months?|"
        rf"years?|decades?|centur\w+|times)\b|\b(?:daily|weekly|monthly|yearly|annually|quarterly|once|twice|immediately|at once|hourly|every|same day)\b|\d\s?(?:h|min|s)\b"
        rf"|{_ZH_NUMBER}\s*(?:多)?(?:个)?(?:秒|分钟|小时|天|日|夜|周|星期|礼拜|月|年|季度|工作日|世纪|岁|次)|[每当次]日|每[天周月年]|立即|马上|永久|长期",
    ),
    _kind(
        "time",
        r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|day|month|time|century|decade|season|weekday)\b"
        r"|\b(?:since|until|till|by) when\b|\bat what time\b"
        r"|何时|什么时[候间]|哪一?[年天日月]|哪个(?:月|世纪|年代|季节)|几[月号点时]|什么(?:日期|年代)|时间是|截止",
        rf"\b1\d{{3}}\b|\b20\d\d\b|{_MONTH}|{_DAY}|\b\d{{1,2}}(?::\d\d)?\s?(?:a\.?m|p\.?m|o'clock)|\b(?:noon|midnight|spring|"
        rf"summer|autumn|winter|century|after|before|until|within|easter|christmas|once|first|end of|start of)\b|\b\d{{1,2}}:\d\d\b"
        rf"|{_ZH_NUMBER}\s*(?:多)?(?:个)?(?:年|月|日|号|点|时|世纪|天|周|小时|分)|[上下]午|凌晨|[春夏秋冬]|星期|周[一二三四五六日末]|年代|之前|之后|以前|以后|期间|每[天周月年]",
    ),
    _kind(
        "count",
        r"\bhow (?:many|much|far|big|large|high|tall|deep|heavy|wide|hot|cold|loud|strong|large)\b|\b(?:what|which) (?:\w+ )?(?:number|amount|"
        r"temperature|distance|height|weight|size|population|length|area|speed|capacity|rate|limit|maximum|minimum)\b"
        r"|多少|几[个名位座条本册种次人件台张只家间所层款部双瓶张轮]|多[大高远深重宽快厚]|数量|[第]几|上限|人数|面积|长度|高度|温度|重量",
        rf"{_EN_NUMBER}|{_ZH_NUMBER}(?=[\u4e00-\u9fff%％℃°])|\d",
    ),
    _kind(
        "person",
        r"\bwho(?:m|se)?\b|\b(?:what|which).{0,12}\b(?:person|people|man|woman|author|king|queen|president|"
        r"architect|name)\b|谁|哪[一几]?[位名个]人?(?:经理|领导|老师|教授|总统|国王|皇帝|作家|人|部门|同事|机构|组织|公司)|什么人|哪些人|何人|叫什么|姓名|哪个(?:部门|团队|人)",
        r"(?<=[a-z,;:] )(?!I\b)[A-Z][\w-]+|\b[A-Z][a-z]+ [A-Z]|\b(?:manager|director|team|head|department|desk|officer|staff|people|committee)\b"
        r"|[·•]|[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严金魏陶姜戚谢邹章苏潘葛范彭鲁韦马方俞任袁柳唐罗薛雷贺汤殷毕郝"
        r"安常乐于傅齐康伍余顾孟黄穆萧尹姚邵汪毛狄戴宋庞熊纪舒项祝董梁杜阮蓝闵季贾路江童颜郭梅林钟徐邱骆高夏蔡田樊胡霍万柯卢莫房丁邓"
        r"石崔龚程陆曲翁焦侯宁仇刘叶白温庄瞿关廖曾易聂冼][\u4e00-\u9fff]{1,2}(?=[，。、（(；的是在为于说和与将及任从曾]|$)"
        r"|经理|主任|总监|部门|负责|团队|主管|人力|财务|人员|教授|总统|国王|皇帝|工程师|甲方|乙方|[\u4e00-\u9fff](?:家|者|长|员|师|部|组)(?=[\u4e00-\u9fff，。、（])",
        0,
    ),
    _kind(
        "place",
        r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:city|country|place|state|town|region|continent|river|"
        r"building|street|location|area|island|county|room|floor|address)\b"
        r"|哪里|哪儿|何处|何地|什么(?:地方|位置|城市|国家)|哪个(?:国家|城市|地方|省|州|地区|县|市|岛|洲|大学|学校)|位于哪|地址|在哪",
        r"\b(?:in|at|on|near|from|to|of|beside|behind|inside|under) (?:the )?[A-Z]|\b(?:north|south|east|west)(?:ern)?\b|\b(?:beside|behind|below|"
        r"above|under|opposite|floor|folder|page|portal|desk|room|website|app)\b|\b[A-Z]\w+, [A-Z]"
        r"|[\u4e00-\u9fff](?:省|市|县|国|州|岛|区|镇|村|山|河|湖|海|洲|城|街|路|楼|室|馆|店|处|系统|平台|页面|网站|公众号|地区|大学)|位于|坐落|在.{1,14}(?:里|上|下|内|旁|方|侧|边|中)|地址",
        0,
    ),
    _kind(
        "reason",
        r"\bwhy\b|\bwhat (?:is|was|are|were) the (?:reason|cause)|\bwhat (?:caused|made)\b|\bfor what reason\b"
        r"|为什么|为何|何以|原因|缘故|理由|怎么会|凭什么",
        r"\bbecause\b|\bsince\b|\bdue to\b|\bowing to\b|\bso that\b|\bin order to\b|\bto (?:avoid|prevent|keep|protect)\b|"
        r"\breason|\btherefore\b|\bthus\b|\bcaus\w+|\bresult\w*\b|\bas (?:it|they|the|this|these|a|an|no|he|she|money|we)\b|\bon account of\b|\bthanks to\b|\bled to\b"
        r"|因为|由于|因此|所以|因而|以免|以便|为了|从而|导致|造成|使得|原因|否则|以防|致使|因(?=[\u4e00-\u9fff])|以(?:避免|确保|防止|去除)",
    ),
    _kind(
        "manner",
        r"\bhow (?:do|does|did|can|should|must|may|would|to|is|are|was|were)\b|\bwhat (?:should|must|do|shall|can) (?:i|we|you|one|they)\b|\bwhat (?:to do|happens)\b|\bwhat steps\b"
        r"|怎么办|怎么做|怎样|如何|怎么|该做什么|什么(?:步骤|流程|办法|手续|方法)|要做什么|咋",
        r"\b(?:by|with|using|via|through|must|should|please|first|then|press|hold|open|click|call|contact|write|send|submit|fill|use|go to|log|report|ask|apply|tell|replace|clean|run)\b"
        r"|请|应|须|通过|使用|按|提交|申请|填写|联系|登录|点击|打开|关闭|拨打|需要|凭|由|方式|采用|利用|办理|先",
    ),
    _kind(
        "meaning",
        r"\bwhat (?:does|do) .{1,50}\b(?:mean|stand for|signify|indicate)\b|\bwhat(?:'s| is| are) (?:an? |the )?\w+\??$|\bdefin"
        r"|什么意思|含义|指的?是什么|什么是|代表什么|说明什么|表示什么",
        r"\bmeans?\b|\bis (?:an?|the)\b|\bare\b|\brefers? to\b|\bdefined\b|\bcalled\b|\bknown as\b|:"
        r"|指|即|称为|意为|表示|是一|是[指由]|含义|[:：]|叫做|被称",
    ),
    _kind(
        "permission",
        r"^\W*(?:(?:and|but|so|then|also),? )?(?:is|are|am|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had)\b(?!.{0,40}\b(?:who|what|which|where)\b)"
        r"|吗\W*$|是否|能不能|可不可以|能否|可否|会不会|要不要|有没有|是不是|需不需要",
        r"\b(?:not|never|no|only|may|must|can|cannot|can't|allowed|permitted|forbidden|required|unless|except|without|however|if|free)\b"
        r"|不得|不能|可以|不可|无需|须|应|禁止|不允许|必须|允许|不支持|不要|方可|仅限|均可|可(?=[\u4e00-\u9fff])|不|除非|除外|未经",
    ),
)
NAMES = tuple(kind.name for kind in KINDS)


def kind_of(question: str) -> Kind | None:
    """The kind of answer that a question asks for, or None where no rule knows."""
    return next((kind for kind in KINDS if kind.asks.search(question)), None)
