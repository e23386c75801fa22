"""Text of users, documents, file names and answers is shown as text, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from contract.settings import RetrievalSettings, Settings
from ingest.build import Ingest
from server.app import create_app
from server.wiring import build
from tests.conftest import listening
from tests.page.conftest import PageOf, Scripted
from tests.page.test_chat import ask
from tests.scripted_policy import ScriptedPolicy
from text.encoder import Encoder

# Each would leave a mark on the page, or ask a host, where it ran.
HOSTILE = [
    "<script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "<svg onload=\"document.title='taken'\"><a href=\"javascript:document.title='taken'\">x</a></svg>",
    "<iframe srcdoc=\"<script>parent.document.title='taken'</script>\"></iframe>",
    "[click](javascript:document.title='taken') ![p](http://evil.invalid/p.png)",
    "![p](data:image/svg+xml;base64,PHN2Zy8+) <http://evil.invalid/auto>",
    "`<b onmouseover=alert(1)>` </textarea></style><style>*{display:none}</style>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} \ue0000\ue001 \u202e<b>x</b>",
    "<form action=http://evil.invalid><input name=key autofocus onfocus=alert(1)></form>",
]

TAKEN = "iframe, form form, img, object, embed, style, b, .said script, main script, svg[onload]"


def check_untouched(page: Page) -> None:
    """Nothing of what was shown has become a part of the page."""
    assert page.title() == "Chat · Plumbline"
    assert page.locator(TAKEN).count() == page.locator("p.verdict-line b").count()
    schemes = page.eval_on_selector_all("a[href]", "links => links.map(link => link.protocol)")
    assert set(schemes) <= {"http:", "https:", "mailto:"}
    targets = page.eval_on_selector_all("a[target]", "links => links.map(link => link.rel)")
    assert all("noopener" in rel and "noreferrer" in rel for rel in targets)


@pytest.mark.parametrize("text", HOSTILE)
def test_questions_and_answers_are_shown_as_text(
    page_of: PageOf, scripted: Scripted, text: str
) -> None:
    page = page_of(scripted.url)
    scripted.policy.script(
        f"Each employee gets 80 working days [1]. {text}\n\n> {text}\n\n| a |\n|-|\n| {text} |"
    )
    question = f"How many days of parental leave do I get? {text}"
    answer = ask(page, question)
    expect(page.locator(".question p")).to_have_text(question, use_inner_text=False)
    answer.get_by_role("button", name="Verdict").click()
    expect(answer.locator(".verdict")).to_be_visible()
    for link in answer.locator("a").all():
        link.hover()
    check_untouched(page)


@pytest.fixture(scope="module")
def hostile_server(
    tmp_path_factory: pytest.TempPathFactory, encoder: Encoder
) -> Iterator[tuple[str, ScriptedPolicy]]:
    """A server whose documents and their names hold such strings."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = folder / "documents"
    documents.mkdir()
    for number, text in enumerate(HOSTILE):
        name = text.replace("/", "∕")[:60]
        body = f"# {text}\n\nThe lantern festival of hall {number} begins at {number} o'clock. {text}\n"
        (documents / f"{number} {name}.md").write_text(body, encoding="utf-8")
    Ingest(folder / "index", encoder, RetrievalSettings()).run([documents], "default")
    policy = ScriptedPolicy()
    with listening(policy.app) as policy_url:
        given = {"data_dir": folder, "policy.url": f"{policy_url}/v1"}
        with listening(create_app(build(Settings().replace(given)))) as url:
            yield url, policy


def test_documents_and_their_names_are_shown_as_text(
    page_of: PageOf, hostile_server: tuple[str, ScriptedPolicy]
) -> None:
    url, policy = hostile_server
    marks = "".join(f"[{number}]" for number in range(1, 7))
    policy.script(f"The lantern festival begins at 3 o'clock. {marks}")
    page = page_of(url)
    answer = ask(page, "When does the lantern festival begin?")
    chips = answer.locator(".said .chip")
    shown = ""
    for index in range(chips.count()):
        chips.nth(index).click()
        passage = page.get_by_role("complementary")
        expect(passage.locator("blockquote")).to_contain_text("lantern festival")
        shown += passage.inner_text()
        check_untouched(page)
    assert shown.count("<") > 3, "the hostile strings were there to be seen"


def test_thousands_of_nested_quotes_are_text_too(page_of: PageOf, scripted: Scripted) -> None:
    page = page_of(scripted.url)
    expect(page.get_by_role("textbox")).to_be_visible()
    read = """() => import('/page/markdown.js').then(({markdown}) => {
      const node = markdown('>'.repeat(20000) + ' deep');
      return JSON.stringify(node.props.children).includes('deep');
    })"""
    assert page.evaluate(read) is True
