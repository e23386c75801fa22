"""Which prompts ask for the same thing in nearly the same words."""

from __future__ import annotations

import numpy as np
import pytest

from feedback.hygiene.near_duplicates import near_duplicates
from feedback.hygiene.normal import normal
from feedback.hygiene.request import Request, may_be_same, same_request
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
    assert not passed_over(one, other)


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


def passed_over(one: str, other: str) -> bool:
    """Are these two told apart by their sketches, unread?"""
    signatures = Signatures()
    for prompt in (one, other):
        signatures.add(normal(prompt))
    found = signatures.sketches.differences(np.array([0]), np.array([1]))
    return not bool(may_be_same(found)[0])


def test_prompts_with_little_in_common_are_passed_over() -> None:
    assert passed_over(
        "What do the documents say about visas that families of guest workers apply for abroad?",
        "What do the documents say about heating old halls while nobody trains there at night?",
    )
    assert passed_over(
        "文件里关于出差报销有什么规定，发票丢失以后怎么办理？",
        "文件里关于访客停车在哪里登记车牌，晚上谁来锁门？",
    )


def test_a_few_are_found_among_many_with_the_same_opening() -> None:
    """So many share a key that each is compared with a few only, and those in one go."""
    opening = "Please say in plain words what all of the documents that we have do say about"
    prompts = [
        f"{opening} rule {n}, part {n + 1000}, page {n + 2000}, line {n + 3000}, column {n + 4000}, please?"
        for n in range(400)
    ]
    prompts[399] = prompts[7].upper()
    normalised = [normal(prompt) for prompt in prompts]
    signatures = Signatures()
    for prompt in normalised:
        signatures.add(prompt)
    groups = near_duplicates(signatures, normalised.__getitem__)
    joined = [number for number in range(len(prompts)) if groups.find(number) != number]
    assert joined == [399]
    assert groups.find(399) == 7


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
