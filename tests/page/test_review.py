"""The review desk and the writing tab in a real browser: what a person rules there comes out of the exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from contract.ids import uuid7
from contract.settings import Settings
from feedback.log import Log
from feedback.records import CompletionRecord
from feedback.rows import insert_completion
from plumbline import cli
from server.app import create_app
from server.wiring import build
from tests.conftest import listening
from tests.feedback.test_export import rows
from tests.feedback.test_log import candidate, completion
from tests.page.conftest import PageOf, serious_findings

VERDICT = {
    "propositions": {"grounded": 0.93, "judgement": 0.41, "too_long": 0.03},
    "evidence": {"grounded": "Each employee gets 27 days."},
    "response_type": {"comply": 1.0},
    "class": "ideal",
    "violations": [],
    "reward": 1.5,
    "rm": 0.5,
    "rbr": 1.0,
}
ANSWER = "Each employee gets 27 days. Ask your manager."
INJECTIONS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "[x](javascript:alert(4))",
    "</textarea><iframe src=//example.org>",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def url(folder: Path, data_dir: Path) -> Iterator[str]:
    settings = Settings().replace({"data_dir": folder, "index_dir": data_dir / "index"})
    with listening(create_app(build(settings)), settings.server) as url:
        yield url


@pytest.fixture
def log(url: str, folder: Path) -> Iterator[Log]:
    log = Log(folder / "log.sqlite")
    yield log
    log.close()


def turns(log: Log, version: str, count: int = 1, text: str = ANSWER) -> list[CompletionRecord]:
    """Turns that this version answered and that wait for a person, the newest first."""
    ids = sorted((f"chatcmpl-{uuid7()}" for _ in range(count)), reverse=True)
    made = [
        completion(
            id=own,
            question=f"Question {number}, {version}?",
            review=True,
            policy_version=version,
            passages=[{"number": 1, "title": "Leave", "text": "Each employee gets 27 days."}],
            candidates=(
                replace(candidate(own, 0, text, 1.5, served=True), judgement=VERDICT),
                candidate(own, 1, "Many days.", 0.5),
            ),
        )
        for number, own in enumerate(ids, 1)
    ]
    # Not with asyncio, which Playwright keeps to itself in this thread.
    with log.writing() as connection:
        for record in made:
            connection.execute("BEGIN IMMEDIATE")
            insert_completion(connection, record)
            connection.execute("COMMIT")
    return made


def desk(page: Page, version: str) -> None:
    """Look at the turns of one version only."""
    page.get_by_label("Policy version").fill(version)
    page.keyboard.press("Enter")
    expect(page.locator(".desk-record h2")).to_have_text(f"Question 1, {version}?")
    page.keyboard.press("Escape")


def number_of(page: Page, proposition: str) -> str:
    row = page.locator(".desk-propositions li", has=page.locator(f"code:text-is('{proposition}')"))
    return row.locator(".desk-number").inner_text()


def ruled(page: Page, log: Log, turns: Sequence[CompletionRecord]) -> dict[str, dict[str, Any]]:
    """The rulings on these turns, once all have come: the desk goes on while one is still on its way."""
    for _ in range(400):
        found = {row.completion_id: row.body for row in log.feedback() if row.type == "ruling"}
        if all(turn.id in found for turn in turns):
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"of {len(turns)} turns only {len(found)} were ruled on")


def test_an_overruled_proposition_comes_out_of_the_export(
    page_of: PageOf, url: str, log: Log, folder: Path, tmp_path: Path
) -> None:
    first, second = turns(log, "overruled", 2)
    page = page_of(url, hash="review")
    desk(page, "overruled")
    expect(page.locator(".desk-answer mark")).to_have_text("Each employee gets 27 days.1")
    assert number_of(page, "judgement") == "2"
    page.keyboard.press("o")
    page.keyboard.press("2")
    expect(page.locator(".desk-propositions .overruled")).to_contain_text("judgement")
    page.keyboard.press("a")
    expect(page.locator(".desk-record h2")).to_have_text("Question 2, overruled?")
    expect(page.locator(".desk-item.done")).to_have_count(1)
    page.get_by_label("Class").select_option("unacceptable")
    page.get_by_role("button", name="No, 1:").click()
    page.keyboard.press("s")
    expect(page.locator(".desk-item.done")).to_have_count(2)
    ruled(page, log, [first, second])

    out = tmp_path / "labels"
    arguments = ["export", "labels", "--policy", "overruled", "--out", str(out)]
    result = CliRunner().invoke(cli, [*arguments, "--data-dir", str(folder)])
    assert result.exit_code == 0, result.output
    found = {row["id"]: row["labels"] for row in rows(log, out, kind="labels")}
    assert found[first.id] == [
        {"propositions": {"grounded": True, "judgement": True, "too_long": False}}
    ]
    assert found[second.id] == [{"propositions": {"grounded": False}, "class": "unacceptable"}]


def test_ten_records_are_settled_by_the_keyboard_alone(page_of: PageOf, url: str, log: Log) -> None:
    made = turns(log, "ten", 10)
    page = page_of(url, hash="review")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    desk(page, "ten")
    page.evaluate("window.stillHere = true")
    assert any(one.endswith(made[1].id) for one in asked), "the next record is there before"
    for number in range(1, 11):
        expect(page.locator(".desk-record h2")).to_have_text(f"Question {number}, ten?")
        if number == 4:
            page.keyboard.press("o")
            page.keyboard.press("1")
        if number == 7:
            page.keyboard.press("j")
            page.keyboard.press("k")
        page.keyboard.press("a")
    expect(page.locator(".desk-item.done")).to_have_count(10)
    rulings = ruled(page, log, made)
    assert rulings[made[3].id]["propositions"]["grounded"] is False
    assert "propositions" not in rulings[made[0].id], "it agrees with everything"
    assert page.evaluate("window.stillHere") is True


def test_a_better_answer_is_written_without_any_key_acting_on_the_desk(
    page_of: PageOf, url: str, log: Log, tmp_path: Path
) -> None:
    (record, _) = turns(log, "written", 2)
    page = page_of(url, hash="review")
    desk(page, "written")
    page.keyboard.press("e")
    box = page.get_by_label("What should have been said")
    expect(box).to_be_focused()
    expect(box).to_have_value(ANSWER)
    page.keyboard.press("Control+a")
    page.keyboard.type("ajkos? 27 days /")
    expect(page.locator(".desk-record h2")).to_have_text("Question 1, written?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    (row,) = (row for row in log.feedback(completion_id=record.id))
    assert row.body["correction"] == "ajkos? 27 days /"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Reason")).to_be_focused()


def test_the_whole_record_is_shown_and_user_text_is_never_html(
    page_of: PageOf, url: str, log: Log
) -> None:
    for number, text in enumerate(INJECTIONS):
        version = f"injected-{number}"
        (record,) = turns(log, version, text=text)
        verdict = VERDICT | {"evidence": {"grounded": text}}
        hostile = replace(
            record,
            id=f"chatcmpl-{uuid7()}",
            question=text,
            prompt=[{"role": "system", "content": "Rules."}, {"role": "user", "content": text}],
            passages=[{"number": 1, "title": text, "text": text}],
        )
        own = replace(record.candidates[0], id=f"cand-{uuid7()}", completion_id=hostile.id)
        hostile = replace(hostile, candidates=(replace(own, judgement=verdict),))
        with log.writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            insert_completion(connection, hostile)
            connection.execute("COMMIT")
    page = page_of(url, hash="review")
    for text in reversed(INJECTIONS):
        item = page.locator(".desk-item").filter(has_text=text)
        item.first.click()
        expect(page.locator(".desk-record h2")).to_have_text(text)
        expect(page.locator(".desk-answer mark")).to_contain_text(text)
        page.get_by_text("Prompt as it was sent (2 messages)").click()
        expect(page.locator(".desk-message").last).to_contain_text(text)
        page.get_by_text("Passages (1)").click()
        expect(page.locator(".desk-proof blockquote")).to_contain_text(text)
        assert page.locator("main :is(img, script, iframe, svg)").count() == 0
        page.keyboard.press("e")
        expect(page.get_by_label("What should have been said")).to_have_value(text)
        page.keyboard.press("Escape")


def test_demonstrations_of_all_three_kinds_come_out_of_the_export(
    page_of: PageOf, url: str, log: Log, tmp_path: Path
) -> None:
    (record,) = turns(log, "asked")
    page = page_of(url, hash="write")
    page.get_by_label("Question", exact=True).fill("Where do I park?")
    page.get_by_label("The answer as it should be").fill("Behind the house.")
    page.get_by_role("button", name="Save the demonstration").click()
    expect(page.get_by_role("status")).to_contain_text("Saved as 1")

    page.get_by_role("button", name="Few-shot").click()
    page.get_by_label("Instruction").fill("Answer in one word.")
    for number, (question, answer) in enumerate([("2 + 2?", "Four."), ("3 + 3?", "Six.")], 1):
        page.get_by_label(f"Question {number}").fill(question)
        page.get_by_label(f"Answer {number}").fill(answer)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Saved as 2")

    page.get_by_role("button", name="From a user's question").click()
    page.get_by_role("button", name="Question 1, asked?").click()
    page.get_by_label("Use case").fill("leave")
    page.get_by_label("The answer as it should be").fill("27 days a year.")
    page.get_by_role("button", name="Save the demonstration").click()
    expect(page.get_by_role("status")).to_contain_text("Saved as 1")

    said = {
        (row["prompt"][-1]["content"], row["completion"][0]["content"])
        for row in rows(log, tmp_path / "sft", kind="sft")
    }
    assert said >= {
        ("Where do I park?", "Behind the house."),
        ("2 + 2?", "Four."),
        ("3 + 3?", "Six."),
        ("Question 1, asked?", "27 days a year."),
    }


@pytest.mark.parametrize(("language", "title"), [("en-GB", "Review"), ("zh-CN", "审核")])
def test_axe_finds_nothing_serious(
    page_of: PageOf, url: str, log: Log, language: str, title: str
) -> None:
    (record,) = turns(log, f"axe-{language}")
    page = page_of(url, language=language, hash=f"review/{record.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator(".desk-record h2")).to_have_text(record.question)
    page.keyboard.press("e")
    assert serious_findings(page) == []
    page.goto(f"{url}/#write/{record.id}")
    expect(page.locator("form blockquote")).to_have_text(record.question)
    assert serious_findings(page) == []
