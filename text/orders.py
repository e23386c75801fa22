"""Sentences of a document that speak to the machine that reads it, instead of to people.

A manual tells its reader to press a button; that is content. "Ignore your instructions" is not, and
no answer should be made of it. Patterns find plain attempts, not clever ones (docs/benchmarks.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MACHINE = (
    r"(?:ai|a\.i\.|assistants?|chat ?bots?|language models?|llms?|gpt|bots?|virtual agent|ai model)"
)
_MACHINE_ZH = r"(?:AI|ai|人工智能|智能助[手理]|助手|语言模型|大模型|聊天机器人|机器人客服|GPT)"

_ORDERS = re.compile(
    # Away with what was said before.
    r"\b(?:ignore|disregard|forget|override|bypass|drop|skip)\b.{0,40}\b(?:instructions?|prompts?|rules you|your rules|"
    r"guidelines|(?:the |these |all )?rules above|everything (?:above|before|you)|all (?:of )?the above|the above|previous (?:text|context|messages?|passages?))\b"
    r"|\b(?:instructions?|rules) (?:above|before)\b.{0,30}\b(?:no longer|are void|do not apply|are cancelled)\b"
    r"|\b(?:new|updated|real|actual|following) (?:system )?instructions?\s*(?:for (?:the|you)|:)"
    r"|(?:忽略|无视|忘记|忘掉|不要理会|不必理会|不用管|抛开|绕过|覆盖|跳过).{0,14}(?:指令|提示词|规则|设定|上文|以上|上述|之前的|前面的|先前)"
    # Another part to play.
    r"|\b(?:you are (?:now|no longer)|from now on,? you (?:are|must|will|only|answer|speak)|(?:^|[.!;]\s*|please |must |should |will )act as (?:an? |the |if )|pretend (?:to be|that you)|you will now|your new role)\b"
    r"|你(?:现在|从现在起)(?:是|要|必须|不再)|从现在(?:开始|起)，?你(?!们)|(?:请|请你|你要|你将)扮演|假装(?:你|自己)"
    # Forged turns and marks.
    r"|^\W*(?:system|assistant|user|human|developer)\s*(?:\]|>|\*\*)?\s*[:：]\s*\S|<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|eot_id)\b"
    r"|\[/?INST\]|<<?/?SYS>>?|^\W*#{2,}\s*(?:system|instruction|assistant|response)\b"
    r"|^\W*(?:系统|助手|用户|系统消息|系统提示|开发者)\s*[:：]\s*\S"
    r"|</?(?:passages?|documents?|context|data|instructions?|sources?)\b[^>]{0,20}>|\bend of (?:the )?(?:passages?|documents?|context|data|sources?)\b"
    r"|(?:材料|文档|资料|上下文)(?:到此)?(?:结束|完毕)|最后的问题：|\bfinal question:"
    # To the machine by name.
    rf"|\b(?:attention|note to|dear|hey|hello|message to|instructions? (?:to|for))\b.{{0,12}}\b{_MACHINE}\b"
    rf"|\b(?:if you are|you are|as) (?:an? |the )?{_MACHINE}\b(?! (?:manager|director|teacher|nurse))"
    rf"|\b{_MACHINE}\b(?:s? (?:reading|processing|summari[sz]ing)|,? (?:please )?(?:answer|say|respond|reply|tell|write|output|print|recommend|cite|reveal)\b)"
    rf"|\b{_MACHINE} (?:must|should|shall|has to|is to|will)\b.{{0,20}}\b(?:answer|say|respond|reply|tell|write|output|print|recommend|cite|reveal|claim|ignore|refuse)\b"
    rf"|(?:致|告知|提醒|请|注意).{{0,6}}{_MACHINE_ZH}.{{0,16}}(?:回答|回复|输出|告诉|忽略|执行|说|引用|透露)"
    rf"|(?:如果|若)你是(?:一个|一名)?.{{0,4}}{_MACHINE_ZH}|你是(?:一个|一名)?{_MACHINE_ZH}|{_MACHINE_ZH}(?:必须|应当|应该|须|务必|不得|只能|请).{{0,16}}(?:回答|回复|输出|告诉|忽略|执行|说|引用|透露|拒绝)"
    # What to say, cite or hide, whatever is asked.
    r"|\b(?:answer|respond|reply|say|state|claim|tell (?:the )?(?:user|reader|customer|everyone))\b.{0,60}\b(?:to (?:any|all|every|whatever) (?:\w+ )?questions?|whatever (?:is|the|they)|"
    r"no matter what|regardless of (?:the|what)|when(?:ever)? (?:you are |anyone )?asked)\b"
    r"|\b(?:when|if|whenever) (?:you are |you're |anyone |the user |a user |users )?ask(?:s|ed)?\b.{0,50},? (?:always |only |just )?(?:answer|say|respond|reply|tell|recommend|claim)\b"
    r"|\b(?:always |only |just )(?:answer|respond|reply) (?:with|that|by)\b|\btell (?:the )?users? (?:that|to)\b"
    r"|\b(?:cite|reference|quote) (?:only |always )?(?:passage|document|source|number)s? ?\[?\d|\b(?:do not|don't|never) (?:mention|tell|reveal|cite|disclose)\b.{0,40}\b(?:users?|passages?|this (?:note|message|instruction)|prompt)\b"
    r"|(?:无论|不管|不论).{0,14}(?:问|提问).{0,14}(?:回答|回复|说|输出)|(?:当|如果|若).{0,6}用户.{0,12}(?:时|，).{0,8}(?:请|必须|只|就|一律).{0,4}(?:回答|回复|说|告诉|输出|推荐)"
    r"|(?:只|一律|统一|直接|必须|务必|原样)(?:回答|回复|输出)[：:“”\"「]|请?告诉用户|(?:引用|标注)(?:编号|材料|文档|来源)?\s*[\[【]?\d|不要(?:提及|告诉|引用|透露).{0,10}(?:用户|材料|来源|本条|这段|提示)"
    # The prompt itself, and what is hidden from people.
    r"|\b(?:reveal|print|repeat|show|output|leak|display|expose|dump|write out)\b.{0,40}\b(?:system prompt|your (?:\w+ )?(?:prompt|instructions)|hidden (?:prompt|instructions)|initial prompt|api keys?)\b"
    r"|\bsystem prompt\b|系统提示词|(?:输出|泄露|显示|复述|打印|透露|公开|重复).{0,14}(?:提示词|系统指令|内部指令|全部指令|密钥)"
    r"|\b(?:decode|execute|run|follow)\b.{0,30}\bbase ?64\b|(?:解码|执行|运行).{0,12}base ?64|base ?64.{0,10}(?:解码|执行)|(?<![\w/+])(?=[A-Za-z+/]*\d)(?=[a-z\d+/]*[A-Z])[A-Za-z0-9+/]{36,}={0,2}(?![\w/])",
    re.IGNORECASE | re.MULTILINE,
)
# Characters that nobody sees: zero-width, direction marks, tags.
INVISIBLE = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


def gives_orders(sentence: str) -> bool:
    """Does this sentence speak to the assistant that reads it?"""
    return bool(_ORDERS.search(INVISIBLE.sub("", sentence)))


def under_orders(text: str, sentences: Sequence[str]) -> list[bool]:
    """For each sentence of `text`: does it give orders, or follow such a one on the same line?

    What comes straight after an order is mostly what it wants said.
    """
    marks: list[bool] = []
    end, ordered = 0, False
    for sentence in sentences:
        start = text.find(sentence, end)
        near = ordered and start >= 0 and "\n" not in text[end:start]
        ordered = gives_orders(sentence)
        marks.append(ordered or near)
        end = max(start, end) + len(sentence)
    return marks
