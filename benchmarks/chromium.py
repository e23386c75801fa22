"""The Chromium that tests, measurements and screenshots drive, and what axe-core finds in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(__file__).parent.parent / "tests" / "page" / "node_modules" / "axe-core" / "axe.min.js"

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Whatever asks the network by itself is switched off; the sandbox needs rights that containers lack.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

HOW_TO_INSTALL = (
    "There is no Chromium here, and the page's tests drive one. On Debian and Ubuntu: "
    "`apt-get install --no-install-recommends chromium fonts-noto-cjk`."
)


def chromium_path() -> str | None:
    """Where Chromium is; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        RuntimeError: there is none; the message says how to install it.
    """
    path = chromium_path()
    if path is None:
        raise RuntimeError(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def serious_findings(page: Page) -> list[str] | None:
    """What axe-core finds on a page as it is now, of those that it calls serious or critical; None where
    axe-core is not installed (`make clients`)."""
    if not AXE.exists():
        return None
    page.evaluate(AXE.read_text(encoding="utf-8"))
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in results["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
