"""A real Chromium for the tests of the page, and a guard over everything that a page of theirs does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from benchmarks.chromium import HOW_TO_INSTALL, chromium, chromium_path
from benchmarks.chromium import serious_findings as findings
from contract.settings import Settings
from plumbline import cli
from server.app import create_app
from server.wiring import build
from tests.conftest import listening
from tests.scripted_policy import ScriptedPolicy

# A busy machine may take long for what a person sees at once; a test that passes does not wait.
PATIENCE_MS = 30_000

PageOf = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the page. Without any they are skipped, but never on a machine for tests
    (CI=1). It ends with the package: while Playwright runs, nothing in this thread can call asyncio.run."""
    if chromium_path() is None:
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    with chromium() as started:
        yield started


@dataclass
class Guard:
    """What no page of ours may do: ask another host, write an error to the console, open a browser's dialog."""

    host: str
    expected: tuple[str, ...] = ()
    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Look at everything that a page asks and says."""
        page.on("request", lambda request: self._on_request(request.url))
        page.on("websocket", lambda socket: self.found.append(f"a websocket to {socket.url}"))
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.found.append(f"an error: {error}"))
        page.on("dialog", lambda dialog: (self.found.append("a dialog"), dialog.dismiss()))

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.found.append(f"a request to another host: {url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium writes a line for each reply that is an error; a test that makes one names its status.
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.found.append(f"in the console: {message.text}")


@pytest.fixture
def page_of(browser: Browser) -> Iterator[PageOf]:
    """Open the page of a server: `page_of(url, language="zh-CN", key="pl-…", hash="arena")`.

    Further arguments: `expected`, texts of console errors that the test provokes (such as "401"), and those
    of Playwright's `new_context`, such as `viewport` and `color_scheme`. At the end the test fails where a
    page asked another host, wrote an error to the console (a violation of the content security policy is
    one) or opened a dialog of the browser.
    """
    opened: list[tuple[BrowserContext, Guard]] = []

    def open_page(
        url: str,
        *,
        language: str = "en-GB",
        key: str = "",
        hash: str = "",
        expected: tuple[str, ...] = (),
        **options: object,
    ) -> Page:
        context = browser.new_context(locale=language, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        guard = Guard(urlsplit(url).netloc, expected)
        opened.append((context, guard))
        if key:
            context.add_init_script(f"sessionStorage.setItem('plumbline.key', {key!r})")
        page = context.new_page()
        guard.watch(page)
        page.goto(f"{url}/#{hash}")
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield open_page
    found = [problem for _, guard in opened for problem in guard.found]
    for context, _ in opened:
        context.close()
    assert not found, found


@dataclass
class Scripted:
    """A Plumbline whose policy says what a test tells it to."""

    policy: ScriptedPolicy
    url: str
    data_dir: Path


@pytest.fixture(scope="package")
def scripted_server(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    policy = ScriptedPolicy()
    folder = tmp_path_factory.mktemp("scripted")
    with listening(policy.app) as policy_url:
        policy.url = f"{policy_url}/v1"
        given = {"data_dir": folder, "index_dir": data_dir / "index", "policy.url": policy.url}
        with listening(create_app(build(Settings().replace(given)))) as url:
            yield Scripted(policy, url, folder)


@pytest.fixture
def scripted(scripted_server: Scripted) -> Scripted:
    """The same, with the policy as if it were new."""
    scripted_server.policy.reset()
    return scripted_server


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds on a page as it is now, of those that it calls serious or critical."""
    found = findings(page)
    if found is None:
        pytest.skip(
            "axe-core is not installed: `make clients` puts it into tests/page/node_modules."
        )
    return found


def exported(data_dir: Path, kind: str, folder: Path) -> list[dict[str, Any]]:
    """The rows that `plumbline export KIND` writes of a log, whatever its hygiene would say of so few."""
    command = ["export", kind, "--no-hygiene", "--validation", "0", "--out", str(folder)]
    result = CliRunner().invoke(cli, [*command, "--data-dir", str(data_dir)])
    assert result.exit_code == 0, result.output
    lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
