"""The chat in a real browser against a server that really runs: what a person sees, and what is kept of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import PageOf, Scripted, exported, serious_findings

LEAVE = "How many days of parental leave do I get?"
CARRIED = "年假可以结转到下一年吗？"

CARER = "How many days of carer's leave do I have?"

ANSWER = "Each employee gets 80 working days of parental leave, fully paid. [1]"


def ask(page: Page, question: str) -> Locator:
    """Write a question, press Enter, and wait for the whole answer."""
    before = page.locator(".verdict-line").count()
    page.get_by_role("textbox").first.fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("article.answer > .verdict-line")).to_have_count(before + 1)
    return page.get_by_role("article").last


def asks(row: dict[str, Any], question: str) -> bool:
    """Is this exported row about a question? Its prompt holds the passages as well."""
    return question in row["prompt"][-1]["content"]


@pytest.mark.parametrize(
    ("language", "question", "words", "outcome"),
    [
        ("en-GB", LEAVE, "80 working days", "Answered"),
        ("zh-CN", CARRIED, "最多 5 天", "已回答"),
    ],
)
def test_a_citation_opens_the_passage_with_the_cited_words_marked(
    page_of: PageOf, server_url: str, language: str, question: str, words: str, outcome: str
) -> None:
    page = page_of(server_url, language=language)
    answer = ask(page, question)
    expect(answer.locator(".said")).to_contain_text(words)
    expect(answer).to_contain_text(outcome)
    answer.locator(".said .chip").first.click()
    passage = page.get_by_role("complementary")
    marked = passage.locator("mark").all_inner_texts()
    assert any(words in text for text in marked), marked
    expect(passage).to_contain_text("examples/handbook/")
    expect(passage).to_contain_text(re.compile(r"0\.\d{3}|1\.000"))
    page.keyboard.press("Escape")
    expect(passage).to_have_count(0)
    expect(answer.locator(".said .chip").first).to_be_focused()


def test_the_verdict_shows_the_reward_its_terms_and_the_time(
    page_of: PageOf, server_url: str
) -> None:
    page = page_of(server_url)
    answer = ask(page, LEAVE)
    answer.get_by_role("button", name="Verdict").click()
    verdict = answer.locator(".verdict")
    expect(verdict).to_contain_text("What the answer claims stands in the passages.")
    expect(verdict).to_contain_text("Reward model")
    expect(verdict.locator(".stages dt")).to_have_text(
        ["search", "prompt", "answer", "judge", "decide"]
    )
    bars = verdict.locator(".bars").last.locator(".bar-value").all_inner_texts()
    sizes = [abs(float(text.replace("−", "-"))) for text in bars]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) >= 4
    expect(answer.locator(".verdict-line")).to_contain_text("reader-2")


def test_what_people_say_of_an_answer_comes_out_of_the_export(
    page_of: PageOf, server_url: str, data_dir: Path, tmp_path: Path
) -> None:
    page = page_of(server_url)
    answer = ask(page, CARER)
    answer.get_by_role("button", name="Bad answer").click()
    answer.get_by_role("button", name="Incomplete").click()
    answer.get_by_placeholder("In your words").fill("It can be split.")
    answer.get_by_role("button", name="Send", exact=True).click()
    expect(answer.locator("form.reasons")).to_have_count(0)
    answer.get_by_role("button", name="Write the better answer").click()
    page.get_by_label("What should have been said").fill("Six days a year, also in halves.")
    page.get_by_role("button", name="Save the better answer").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    good = ask(page, LEAVE)
    good.get_by_role("button", name="Good answer").click()
    expect(good.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    good.get_by_role("button", name="Other candidates").click()
    good.get_by_role("button", name="This one is better").click()
    expect(good.locator(".candidates")).to_contain_text("Saved")

    kto = exported(data_dir, "kto", tmp_path / "kto")
    # The answer was bad, and what was written in its place is good.
    assert {row["label"] for row in kto if asks(row, CARER)} == {False, True}
    assert True in [row["label"] for row in kto if asks(row, LEAVE)]
    sft = exported(data_dir, "sft", tmp_path / "sft")
    written = [row["completion"][0]["content"] for row in sft if asks(row, CARER)]
    assert written == ["Six days a year, also in halves."]
    assert any(asks(row, LEAVE) for row in exported(data_dir, "dpo", tmp_path / "dpo"))
    turns = httpx.get(f"{server_url}/v1/chat/completions", params={"order": "desc"}).json()["data"]
    said = [
        one
        for turn in turns
        for one in httpx.get(
            f"{server_url}/v1/feedback", params={"completion_id": turn["id"]}
        ).json()["data"]
        if one.get("reason_codes") == ["incomplete"]
    ]
    assert [one["comment"] for one in said] == ["It can be split."]


def test_abstentions_refusals_and_new_attempts_are_shown_as_what_they_are(
    page_of: PageOf, scripted: Scripted
) -> None:
    page = page_of(scripted.url)
    scripted.policy.script("The documents do not contain an answer to this question.")
    expect(ask(page, "Who won the world cup in 1998?")).to_contain_text("Not in the documents")

    scripted.policy.script("You are a worthless idiot and I hate you.")
    refused = ask(page, "How do I reset my password?")
    expect(refused.locator(".badge").first).to_have_text("Refused")
    expect(refused).not_to_contain_text("worthless")

    page.get_by_role("button", name="New conversation").click()
    scripted.policy.script("You are a worthless idiot and I hate you.", ANSWER)
    anew = ask(page, LEAVE)
    expect(anew.locator(".said")).to_contain_text("80 working days")
    expect(anew.locator(".verdict-line")).to_contain_text("Written anew")
    anew.get_by_role("button", name="Other candidates").click()
    expect(anew.locator(".candidates")).to_contain_text("The text broke a rule")
    expect(anew).not_to_contain_text("worthless")


def test_a_conversation_goes_on_and_can_be_begun_anew(page_of: PageOf, scripted: Scripted) -> None:
    page = page_of(scripted.url)
    scripted.policy.script(ANSWER)
    ask(page, LEAVE)
    ask(page, "And is it paid?")
    roles = [m["role"] for m in scripted.policy.requests[-1]["messages"] if m["role"] != "system"]
    assert roles[:2] == ["user", "assistant"]
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("article")).to_have_count(0)
    ask(page, LEAVE)
    assert not any(m["role"] == "assistant" for m in scripted.policy.requests[-1]["messages"])


def test_an_answer_can_be_stopped_and_a_failure_tried_again(
    page_of: PageOf, scripted: Scripted
) -> None:
    page = page_of(scripted.url, expected=("503",))
    scripted.policy.delay = 30
    page.get_by_role("textbox").fill(LEAVE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Reading")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("article")).to_contain_text("Stopped")

    scripted.policy.delay = 0
    scripted.policy.script((500, {"error": {"message": "out of memory"}}))
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("alert")).to_contain_text("The model does not answer just now.")
    scripted.policy.script(ANSWER)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("article")).to_contain_text("80 working days")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard(page_of: PageOf, server_url: str) -> None:
    page = page_of(server_url)
    expect(page.get_by_role("textbox")).to_be_focused()
    page.keyboard.type("How many days")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("of parental leave do I get?")
    page.keyboard.press("Enter")
    answer = page.get_by_role("article")
    expect(answer.locator(".verdict-line")).to_be_visible()
    assert "\n" in page.locator(".question").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    passage = page.get_by_role("complementary")
    expect(passage.locator("mark").first).to_contain_text("80 working days")
    expect(passage.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(answer.get_by_role("button", name="Good answer")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Send the question")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("n")
    expect(answer).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("textbox")).to_be_focused()


def test_enter_that_ends_a_composition_of_chinese_sends_nothing(
    page_of: PageOf, server_url: str
) -> None:
    page = page_of(server_url, language="zh-CN")
    field = page.get_by_role("textbox")
    field.fill("年假")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "keyCode": 229})
    expect(page.get_by_role("article")).to_have_count(0)
    expect(field).to_have_value("年假")


def test_the_language_is_the_browsers_or_the_one_that_was_chosen(
    page_of: PageOf, server_url: str
) -> None:
    page = page_of(server_url, language="zh-CN")
    expect(page.get_by_role("link", name="对话")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_label("语言").select_option("en")
    expect(page.get_by_role("link", name="Chat")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Chat")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_chat(
    page_of: PageOf, server_url: str, scheme: str
) -> None:
    page = page_of(server_url, color_scheme=scheme)
    expect(page.get_by_role("textbox")).to_be_visible()
    assert not serious_findings(page)
    answer = ask(page, LEAVE)
    answer.get_by_role("button", name="Verdict").click()
    expect(answer.locator(".bars")).to_have_count(2)
    answer.get_by_role("button", name="Bad answer").click()
    answer.locator(".said .chip").first.click()
    expect(page.get_by_role("complementary")).to_be_visible()
    assert not serious_findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not serious_findings(page)


def test_nothing_is_cut_off_on_a_narrow_screen(page_of: PageOf, server_url: str) -> None:
    page = page_of(server_url, viewport={"width": 360, "height": 640})
    answer = ask(page, LEAVE)
    answer.get_by_role("button", name="Verdict").click()
    expect(answer.locator(".bars")).to_have_count(2)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 360
    answer.locator(".said .chip").first.click()
    expect(page.locator("aside mark").first).to_be_in_viewport()
    assert page.evaluate(width) == 360
