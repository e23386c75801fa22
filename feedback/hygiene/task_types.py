"""What kind of work a prompt asks for, by its wording: the use cases of Ouyang et al. 2022 (table 1).

For the counts of a data card, which show what an export is short of; nothing is left out by it.
"""

from __future__ import annotations

import re

_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        "translation",
        r"\b(?:translat\w+|(?:in|into) (?:english|chinese|german|french|spanish|japanese))\b",
        "翻译|译成|译为",
    ),
    (
        "summarization",
        r"\b(?:summar\w+|tl;?dr|in short|key points|main points|shorten)\b",
        "总结|概括|摘要|归纳|要点|概述",
    ),
    (
        "rewrite",
        r"\b(?:rewrit\w+|rephras\w+|paraphras\w+|proofread|correct (?:the|this|my)|improve (?:the|this|my)|"
        r"polish|more (?:polite|formal|friendly))\b",
        "改写|润色|修改|重写|改得|语气|错别字",
    ),
    (
        "classification",
        r"\b(?:classif\w+|categori[sz]\w+|sentiment|is this (?:spam|positive|negative)|which category|label)\b",
        "分类|归类|情感|属于哪一类|判断.{0,6}(?:类|是否)",
    ),
    (
        "extraction",
        r"\b(?:extract\w*|list all|find all|pull out|as (?:json|a table|csv))\b",
        "提取|抽取|摘出|列出所有|找出所有|转成表格|json",
    ),
    (
        "code",
        r"```|\b(?:python|javascript|sql|regex|function|bug|stack trace|exception|compile|script|bash|html)\b",
        "代码|脚本|函数|报错|编程|正则",
    ),
    (
        "brainstorming",
        r"\b(?:ideas?|brainstorm\w*|suggest\w*|recommend\w*|give me \w+ (?:examples|names|tips|titles))\b",
        "点子|建议|推荐|想法|创意|起个?名|举例|列举",
    ),
    (
        "generation",
        r"\b(?:write|draft|compose|create|generate|story|poem|essay|e-?mail to)\b",
        "写一|写封|写个|写首|撰写|起草|拟一|生成|作文|故事|诗",
    ),
    (
        "chat",
        r"^(?:hi|hello|hey|thanks|thank you|how are you|good (?:morning|evening))\b.{0,30}$",
        "^(?:你好|您好|谢谢|在吗|早上好|晚上好|哈哈).{0,10}$",
    ),
    (
        "question",
        r"\?|^(?:who|what|when|where|why|which|how|is|are|do|does|can|could|may|must|should)\b",
        "？|什么|怎么|如何|为什么|多少|哪|谁|吗|几|是否|能不能|可以",
    ),
)
_PATTERNS = tuple((kind, re.compile(f"{en}|{zh}", re.I)) for kind, en, zh in _KINDS)
_READ = 600


def task_type(question: str) -> str:
    """The first kind whose wording stands in the question's beginning or end; `other` without one."""
    text = question.strip()
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), "other")
