"""Pictures of every tab of the page, in both languages, for the documentation.

    python -m benchmarks.screenshots

A server with the example handbook is started and asked a few questions, some answers are rated, and each tab that the
page has is opened in Chromium and photographed into docs/page/.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
import httpx
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.chromium import chromium
from benchmarks.page import ROOT, running
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

PORT = 8723
OUT = ROOT / "docs" / "page"
MOST_BYTES = 120_000
SIZE = {"width": 1240, "height": 780}

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
ASKED = {
    "en": "How many days of parental leave do I get?",
    "zh": "年假可以结转到下一年吗？",
}

# Questions of other days: some are rated, some the handbook does not answer.
BEFORE = (
    ("How many days of carer's leave do I have?", True),
    ("How do I report a concern?", None),
    ("Who won the football world cup in 1998?", False),
    ("出差住宿的标准是多少？", True),
    ("病假期间的工资怎么算？", None),
    ("公司食堂周五供应什么？", False),
)


def ask(client: httpx.Client, question: str) -> dict[str, Any]:
    """One turn."""
    body = {"model": "plumbline", "messages": [{"role": "user", "content": question}]}
    reply = client.post("/v1/chat/completions", json=body)
    reply.raise_for_status()
    turn: dict[str, Any] = reply.json()
    return turn


def live_a_little(url: str) -> None:
    """Turns and ratings, so that no tab is empty."""
    with httpx.Client(base_url=url, timeout=120) as client:
        for question, value in BEFORE:
            turn = ask(client, question)
            if value is not None:
                rating = {"id": turn["id"], "type": "rating", "value": value, "rater": "ann"}
                client.post("/v1/feedback", json=rating).raise_for_status()


def chat(page: Page, language: str) -> None:
    """A question, its answer, the verdict, and the passage that is cited."""
    page.get_by_role("textbox").fill(ASKED[language])
    page.keyboard.press("Enter")
    page.locator(".answer > .verdict-line").wait_for()
    page.locator(".said .chip").first.click()
    page.locator(".answer-foot [aria-expanded]").last.click()
    page.locator(".bars").nth(1).wait_for()


def arena(page: Page, language: str) -> None:
    """A question, its two answers, and whose they were."""
    page.locator("#arena-question").fill(ASKED[language])
    page.keyboard.press("Enter")
    page.locator(".duel article").nth(1).wait_for()
    page.keyboard.press("1")
    page.locator(".duel-question").wait_for()


def documents(page: Page, language: str) -> None:
    """What a search finds."""
    page.get_by_role("searchbox").fill(ASKED[language])
    page.keyboard.press("Enter")
    page.locator(".found li").first.wait_for()


# What is done in a tab before its picture is taken; others are shown as they open.
PREPARED: dict[str, Callable[[Page, str], None]] = {
    "chat": chat,
    "arena": arena,
    "documents": documents,
}


def small(picture: bytes) -> bytes:
    """The picture with at most 256 colours, which a page of text does not miss."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256)
    packed = io.BytesIO()
    image.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def photograph(browser: Browser, url: str, language: str, out: Path) -> None:
    """Every tab that the page shows, in one language."""
    context = browser.new_context(locale=LOCALES[language], viewport=SIZE)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(url)
    links = page.locator(".bar nav a")
    links.first.wait_for()
    for link in links.all():
        name = (link.get_attribute("href") or "").lstrip("#")
        link.click()
        page.locator("main h1").first.wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        if name in PREPARED:
            PREPARED[name](page, language)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)
        page.evaluate("scrollTo(0, 0)")
        content = small(page.screenshot())
        if len(content) > MOST_BYTES:
            raise click.ClickException(f"The picture of {name} has {len(content)} bytes.")
        (out / f"{name}-{language}.png").write_bytes(content)
        click.echo(f"{name}-{language}.png  {len(content) // 1000} kB")
    context.close()


@contextmanager
def handbook_server() -> Iterator[str]:
    """A server of its own with the example handbook: its address."""
    with tempfile.TemporaryDirectory() as folder:
        handbook = Path("examples/handbook")
        Ingest(Path(folder) / "index", Encoder(), RetrievalSettings()).run([handbook], "default")
        command = [sys.executable, "-m", "plumbline", "serve", "--port", str(PORT)]
        url = f"http://127.0.0.1:{PORT}"
        with running([*command, "--data-dir", folder], f"{url}/healthz"):
            yield url


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--url", help="A server that runs already; turns and ratings are added to its log.")
def main(out: Path, url: str | None) -> None:
    """Take all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with nullcontext(url) if url else handbook_server() as address, chromium() as browser:
        live_a_little(address)
        for language in LOCALES:
            photograph(browser, address, language, out)


if __name__ == "__main__":
    main()
