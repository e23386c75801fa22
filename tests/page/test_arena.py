"""The arena in a browser: a blind vote by keys alone, what becomes of it, and the table of wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import PageOf, exported, serious_findings
from tests.page.voices import BASE_SAYS, OTHER_SAYS, two_versions

QUESTION = "How many days of parental leave do I get? <script>alert(1)</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arena")


@pytest.fixture(scope="module")
def url(folder: Path, data_dir: Path) -> Iterator[str]:
    with two_versions(folder, data_dir / "index") as address:
        yield address


def versions(url: str) -> list[str]:
    (model,) = httpx.get(f"{url}/v1/models").json()["data"]
    return [one["version"] for one in model["plumbline"]["policy"]["versions"]]


def wins(url: str) -> dict[str, Any]:
    return dict(httpx.get(f"{url}/v1/arena").json())


def put(page: Page, question: str) -> None:
    """Ask by keys alone; the field has the focus when the tab opens."""
    expect(page.get_by_label("Question", exact=True)).to_be_focused()
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Which answer is better?")).to_be_focused()


def test_a_vote_by_keys_alone_is_blind_counts_and_is_exported(
    url: str, folder: Path, tmp_path: Path, page_of: PageOf
) -> None:
    page = page_of(url, hash="arena")
    put(page, QUESTION)
    blind = page.locator(".duel").inner_html()
    for secret in (*versions(url), "chatcmpl-", "Reward", "ideal", "acceptable"):
        assert secret not in blind
    assert page.locator(".duel-question").inner_text() == QUESTION
    left = page.get_by_role("article", name="Left").inner_text()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("You preferred the left answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Next question")).to_be_focused()
    winner, loser = versions(url) if BASE_SAYS in left else versions(url)[::-1]
    expect(page.get_by_role("article", name="Left")).to_contain_text(winner)
    expect(page.get_by_role("article", name="Right")).to_contain_text(loser)
    expect(page.get_by_role("table").first).to_contain_text(winner)

    (row,) = exported(folder, "dpo", tmp_path / "dpo")
    assert (row["chosen_policy_version"], row["rejected_policy_version"]) == (winner, loser)
    assert {row["chosen"][0]["content"], row["rejected"][0]["content"]} == {BASE_SAYS, OTHER_SAYS}
    (pair,) = wins(url)["pairs"]
    assert pair["wins_a"] + pair["wins_b"] == 1

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It counts no more")).to_be_visible()
    assert wins(url)["pairs"] == []
    # A file without rows is not written.
    with pytest.raises(FileNotFoundError):
        exported(folder, "dpo", tmp_path / "again")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Question", exact=True)).to_be_focused()


@pytest.mark.parametrize(("key", "value", "labels"), [("=", "good", True), ("0", "bad", False)])
def test_a_tie_by_key_says_what_both_are(
    url: str, page_of: PageOf, folder: Path, tmp_path: Path, key: str, value: str, labels: bool
) -> None:
    question = f"Is {value} leave paid?"
    page = page_of(url, hash="arena")
    put(page, question)
    page.keyboard.press(key)
    expect(page.get_by_role("button", name="Next question")).to_be_visible()
    page.close()
    rows = exported(folder, "kto", tmp_path / "kto")
    mine = [row for row in rows if question in row["prompt"][-1]["content"]]
    assert [row["label"] for row in mine] == [labels, labels]


def test_two_candidates_of_one_turn_and_a_question_from_the_log(url: str, page_of: PageOf) -> None:
    asked = "Who pays for a taxi at night?"
    body = {"model": "plumbline", "messages": [{"role": "user", "content": asked}]}
    httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60).raise_for_status()
    before = wins(url)
    page = page_of(url, hash="arena")
    page.get_by_label("Compare").select_option("candidates")
    page.get_by_role("button", name="A question from the log").click()
    expect(page.locator(".duel-question")).to_have_text(asked)
    texts = [one.inner_text() for one in page.locator(".side-text").all()]
    assert sorted(text.split()[-1] for text in texts) == ["1.", "2."]
    page.get_by_role("button", name="Right is better").click()
    expect(page.get_by_text("You preferred the right answer.")).to_be_visible()
    after = wins(url)
    assert after["pairs"] == before["pairs"]
    assert after["left_out"]["same_version"] == before["left_out"]["same_version"] + 1
    # Nobody is asked what the arena itself has asked.
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_text("no further question in the log")).to_be_visible()


def test_every_state_of_the_tab_can_be_used_by_all_and_read_in_chinese(
    url: str, page_of: PageOf
) -> None:
    page = page_of(url, hash="arena", language="zh-CN")
    expect(page.get_by_role("heading", level=1)).to_have_text("竞技场")
    assert serious_findings(page) == []
    page.get_by_label("问题", exact=True).fill("育儿假有多少天？")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="哪个回答更好？")).to_be_focused()
    assert serious_findings(page) == []
    page.keyboard.press("3")
    expect(page.get_by_text("您认为两者一样好。")).to_be_visible()
    assert serious_findings(page) == []
