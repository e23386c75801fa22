"""Words that shape a question and say little of its topic: "how much do people usually have to …"."""

from __future__ import annotations

from text.terms import terms

_ENGLISH = (
    "many much long often old want wants need needs know find found use used using make makes made take "
    "takes taken took give gives given gave go goes going went come comes came put let happen happens "
    "happened call called name named names type types kind kinds sort thing things way ways people person "
    "someone anyone somebody anybody everyone year years day days time times part parts number amount first "
    "last new different important main major begin began start started end ended become became work works "
    "worked show shown say said says mean means meant allow allowed possible able help helps exactly actually "
    "currently usually normally generally typically large larger largest small smaller big bigger high higher "
    "highest low lower good bad best better most many more less least several another every else however still "
    "now today later early soon ever never always know known think thought believe believed consider considered "
    "include included provide provided example called refer referred describe described term word words common "
    "commonly primarily mainly mostly about around approximately total maximum minimum max receive received "
    "anything something everything nothing back keep kept stay look see seen set"
)
_CHINESE = (
    "名称 名字 时间 地方 使用 进行 情况 问题 主要 通过 成为 开始 目前 其中 方面 一个 一种 这种 哪种 人们 部分 第一 "
    "最大 最后 最多 之间 认为 发生 属于 包括 具有 获得 得到 知道 一般 通常 大概 大约 每个 可能 能够 不同 重要 说明 意思 "
    "东西 事情 办法 应当 必须 需要 想要 什么 多长 规定 要求 最高 最低 最少 至少 至多 一共 总共 现在 出现 存在 作为 用来 "
    "用于 因此 以及 关于 对于 根据 按照 如果 有关 相关 叫做 称为 被称 方式 类型 种类 数量"
)
COMMON = frozenset(terms(_ENGLISH)) | frozenset(word for word in _CHINESE.split() if len(word) == 2)

# What such a word weighs beside a word of the topic as rare as itself.
COMMON_WEIGHT = 0.4
