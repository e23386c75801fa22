"""Which prompts ask for the same thing in nearly the same words."""

from __future__ import annotations

import pytest

from feedback.hygiene.near_duplicates import near_duplicates
from feedback.hygiene.normal import normal
from feedback.hygiene.request import Request, same_request
from feedback.hygiene.signatures import Signatures

TEXT = (
    "Summarise this for the board. The pump in hall three failed on Monday because a seal had worn out, and the "
    "line stood still for six hours. Two fitters replaced the seal and the filter, the night shift tested the pump, and "
    "since Tuesday morning it has run without a fault. The maker recommends a check of all seals every six months."
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HOW do I print in colour", "how do I print in colour?"),
        ("Please help me: how do I print in colour?", "How do I print in colour? Thanks a lot!"),
        ("How do I print in colour?", "How do I pritn in colour?"),
        ("The room seats twenty-two people, is it free?", "The room seats 22 people, is it free?"),
        (TEXT, TEXT.replace("recommends", "suggests")),
        (TEXT, TEXT[:-60]),
        (TEXT, f"Second try, the connection dropped. {TEXT}"),
        (TEXT, "- " + TEXT.replace(". ", ".\n- ")),
        ("彩色打印怎么设置？", "您好，请问彩色打印怎麼设置"),
        ("两万三千元的报销要谁签字？", "23000元的报销要谁签字"),
        ("会议室的投影仪连不上电脑，应该怎么办？", "会议室的投影仪连不上电恼，应该怎么办？"),
    ],
)
def test_the_same_again(one: str, other: str) -> None:
    assert same_request(Request.of(one), Request.of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I cancel the order?", "How do I confirm the order?"),
        ("Who pays for the first train?", "Who pays for the last train?"),
        ("Is it free in March?", "Is it free in May?"),
        ("Print 20 copies", "Print 200 copies"),
        (
            TEXT,
            TEXT.replace(
                "Summarise this for the board.", "Which parts were replaced, and by whom?"
            ),
        ),
        ("一月的工资什么时候发？", "十月的工资什么时候发？"),
        ("怎么打开防火墙？", "怎么关闭防火墙？"),
        ("这份合同需要盖章吗？", "这份合同不需要盖章吗？"),
    ],
)
def test_something_else(one: str, other: str) -> None:
    assert not same_request(Request.of(one), Request.of(other))


def test_they_are_found_among_many_others() -> None:
    prompts = [
        f"What does rule {n} of chapter {n * 7} say about part {n * 13}?" for n in range(300)
    ]
    prompts += ["Where do visitors park?", TEXT, "where do visitors park", TEXT.upper()]
    normalised = [normal(prompt) for prompt in prompts]
    signatures = Signatures()
    for prompt in normalised:
        signatures.add(prompt)
    groups = near_duplicates(signatures, normalised.__getitem__)
    joined = [number for number in range(len(prompts)) if groups.find(number) != number]
    assert joined == [302, 303]
    assert (groups.find(302), groups.find(303)) == (300, 301)
