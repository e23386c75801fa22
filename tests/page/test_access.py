"""Who sees what of the page: keys, roles and labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from tests.conftest import listening
from tests.page.conftest import PageOf
from tests.page.test_chat import ask
from tests.server.test_callers import SALARY, run


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, secret_index: Path
) -> Iterator[tuple[str, dict[str, str]]]:
    """A server that asks for keys, with a document for `hr` and one for everybody: its URL and the keys."""
    folder = tmp_path_factory.mktemp("guarded")
    file = folder / "keys.yaml"
    keys = {
        "ann": run("new", "ann", "--label", "hr", "--role", "rater", "--file", str(file)),
        "eve": run("new", "eve", "--file", str(file)),
        "root": run("new", "root", "--role", "admin", "--file", str(file)),
    }
    given = {"data_dir": folder, "index_dir": secret_index, "server.keys_file": file}
    with listening(create_app(build(Settings().replace(given)))) as url:
        yield url, keys


def test_the_page_asks_for_a_key_and_keeps_it_until_one_signs_out(
    page_of: PageOf, guarded: tuple[str, dict[str, str]]
) -> None:
    url, keys = guarded
    page = page_of(url, expected=("401",))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This server asks for a key")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    page.get_by_label("API key").fill("pl-wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")
    page.get_by_label("API key").fill(keys["ann"])
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("ann · rater")).to_be_visible()
    page.reload()
    expect(page.get_by_text("ann · rater")).to_be_visible()
    assert page.evaluate("[...Object.values(localStorage)].join().includes('pl-')") is False
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_that_is_withdrawn_while_one_writes_is_asked_for_again(
    page_of: PageOf, guarded: tuple[str, dict[str, str]]
) -> None:
    url, keys = guarded
    page = page_of(url, key=keys["eve"], expected=("401",))
    expect(page.get_by_role("textbox")).to_be_visible()
    page.route("**/v1/chat/completions", lambda route: route.continue_(headers={}))
    page.get_by_role("textbox").fill(SALARY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("This server asks for a key")


def test_nothing_of_one_keys_labels_shows_to_another(
    page_of: PageOf, guarded: tuple[str, dict[str, str]]
) -> None:
    url, keys = guarded
    hers = page_of(url, key=keys["ann"])
    answer = ask(hers, SALARY)
    expect(answer).to_contain_text("914,000")
    his = page_of(url, key=keys["eve"])
    answered = ask(his, SALARY)
    answered.get_by_role("button", name="Verdict").click()
    expect(answered.locator(".verdict")).to_be_visible()
    assert "914,000" not in his.content() and "Salaries" not in his.content()


def test_what_a_role_may_not_do_is_not_shown(
    page_of: PageOf, guarded: tuple[str, dict[str, str]]
) -> None:
    url, keys = guarded
    tabs: dict[str, list[str]] = {}
    for name in ("eve", "ann", "root"):
        page = page_of(url, key=keys[name])
        answer = ask(page, "What does lunch cost?")
        rates = answer.get_by_role("button", name="Good answer")
        expect(rates).to_have_count(0 if name == "eve" else 1)
        tabs[name] = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    rules = page.evaluate(
        "import('/page/tabs.js').then(({TABS}) => TABS.map(t => [t.label.en, t.role]))"
    )
    may = {"eve": {"reader"}, "ann": {"reader", "rater"}, "root": {"reader", "rater", "admin"}}
    for name, roles in may.items():
        assert tabs[name] == [label for label, role in rules if role in roles]
