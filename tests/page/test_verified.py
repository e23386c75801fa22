"""A better answer that is written at the review desk, and from then on served to whoever asks the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from tests.conftest import ask, listening
from tests.page.conftest import PageOf, serious_findings

QUESTION = "How many days of parental leave do I get?"
BETTER = "Eighty working days, fully paid, for each parent [1]."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("verified")
    settings = Settings().replace({"data_dir": folder, "index_dir": data_dir / "index"})
    with listening(create_app(build(settings)), settings.server) as url:
        yield url


def test_a_correction_is_served_from_now_on_and_can_be_withdrawn(page_of: PageOf, url: str) -> None:
    turn = ask(url, QUESTION)["id"]
    page = page_of(url, hash=f"review/{turn}")
    expect(page.locator(".desk-record h2")).to_have_text(QUESTION)
    page.keyboard.press("e")
    page.get_by_label("What should have been said").fill(BETTER)
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Serve the better answer from now on").click()
    expect(page.get_by_role("status").filter(has_text="is served from now on")).to_be_visible()

    reply = ask(url, "how many days of parental leave do I get")
    assert reply["choices"][0]["message"]["content"] == BETTER
    assert reply["plumbline"]["verified_answer"]["question"] == QUESTION
    assert reply["choices"][0]["message"]["annotations"], "cited as ever"

    chat = page_of(url)
    chat.get_by_role("textbox").fill(QUESTION)
    chat.keyboard.press("Enter")
    expect(chat.locator(".verified-note")).to_be_visible()
    expect(chat.locator(".said")).to_contain_text("Eighty working days")

    page.get_by_role("button", name="Verified answers").click()
    page.keyboard.press("Escape")
    expect(page.locator(".desk-record h2")).to_have_text(QUESTION)
    page.get_by_role("button", name="Verified answers").click()
    listed = page.locator(".desk-verified li")
    expect(listed).to_contain_text("In force")
    expect(listed).to_contain_text("Times served: 2.")
    assert serious_findings(page) == []
    listed.get_by_role("button", name="Withdraw").click()
    expect(listed).to_contain_text("Withdrawn")
    assert "verified_answer" not in ask(url, QUESTION)["plumbline"]


def test_a_question_that_leans_on_another_is_written_anew(page_of: PageOf, url: str) -> None:
    said = [
        {"role": "user", "content": "How much annual leave do I have?"},
        {"role": "assistant", "content": "Enough."},
        {"role": "user", "content": "And is it paid?"},
    ]
    turn = ask(url, "", messages=said)["id"]
    page = page_of(url, hash=f"review/{turn}", expected=("400",))
    page.locator(".desk-record h2").wait_for()
    page.keyboard.press("e")
    page.get_by_label("What should have been said").fill("Yes, it is [1].")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.get_by_label("What should have been said")).to_have_value("Yes, it is [1].")
    page.get_by_label("What should have been said").focus()
    page.keyboard.press("Control+Enter")
    serve = page.get_by_role("button", name="Serve the better answer from now on")
    serve.click()
    alone = page.get_by_label("The question in words that can be understood alone")
    alone.fill("Is my annual leave paid?")
    serve.click()
    expect(page.get_by_role("status").filter(has_text="is served from now on")).to_be_visible()
    assert "verified_answer" in ask(url, "Is my annual leave paid?")["plumbline"]
