"""How soon the page can be used, and how much it fetches; beside a chat made with Gradio 6.

    python -m benchmarks.page --gradio PATH/TO/ANOTHER/VENV/bin/python

Each run opens a page in a new context of Chromium, with nothing cached: until a question can be written, and from
Enter until the answer is on the screen. Plumbline's answer is that of the embedded reader, with retrieval, two
candidates, judge and log; Gradio's is a constant, so its figure is what the page alone costs. Gradio is no
dependency of this project: it is measured where `--gradio` names a Python that has it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx
from playwright.sync_api import Browser, Page

from benchmarks.chromium import chromium, serious_findings
from benchmarks.report import publish, table
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
PORT, GRADIO_PORT = 8721, 8722
QUESTION = "How many days of parental leave do I get?"

GRADIO = f"""
import gradio
print(gradio.__version__, flush=True)
gradio.ChatInterface(lambda message, history: "You get 80 working days.").launch(
    server_port={GRADIO_PORT}, quiet=True
)
"""

# Notes, on the page's own clock, when a text field could be used and when the answer was there to be read.
CLOCK = """
const seen = (node) => node && !node.disabled && node.getClientRects().length > 0;
const look = () => {
  if (!window.ready && seen(document.querySelector("textarea"))) window.ready = performance.now();
  if (window.asked && !window.answered && document.body.innerText.includes("80 working days"))
    window.answered = performance.now();
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
addEventListener("keydown", (event) => { if (event.key === "Enter") window.asked = performance.now(); }, true);
"""


@dataclass
class Opened:
    """What one opening of a page took: milliseconds, and bytes as they came over the wire."""

    ready_ms: float
    answered_ms: float
    bytes: int
    requests: int
    other_hosts: set[str] = field(default_factory=set)


def open_once(browser: Browser, url: str) -> tuple[Opened, list[str] | None]:
    """Open a page, ask, and wait for the answer; then let axe-core look at it."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    sizes: list[float] = []
    hosts: list[str] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: hosts.append(request.url))
    page.add_init_script(CLOCK)
    page.goto(url)
    _wait(page, "window.ready")
    # Whatever is fetched afterwards counts too; a connection that is kept open would never be idle.
    page.wait_for_timeout(2_000)
    fetched, asked = sum(sizes), len(hosts)
    page.locator("textarea").first.fill(QUESTION)
    page.locator("textarea").first.press("Enter")
    _wait(page, "window.answered")
    took = _result(page, int(fetched), asked, {one for one in hosts if not one.startswith(url)})
    found = serious_findings(page)
    context.close()
    return took, found


def _wait(page: Page, noted: str, seconds: float = 90) -> None:
    """Until the clock has noted it. Playwright's own way needs eval, which the page forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(noted):
        if time.monotonic() > deadline:
            raise click.ClickException(f"{noted} was not seen within {seconds:.0f} s.")
        time.sleep(0.05)


def _result(page: Page, size: int, requests: int, others: set[str]) -> Opened:
    ready, waited = page.evaluate("[window.ready, window.answered - window.asked]")
    strangers = {one for one in others if not one.startswith(("data:", "blob:"))}
    return Opened(ready, waited, size, requests, strangers)


@contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    """A server in a process of its own, from when it answers."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if httpx.get(url, timeout=5, follow_redirects=True).status_code == 200:
                    break
            except httpx.HTTPError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise click.ClickException(f"Nothing answers at {url}.") from None
            time.sleep(0.3)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def measure(browser: Browser, name: str, url: str, runs: int) -> list[object]:
    """A row: medians of several openings, after one that is not counted."""
    opened, found = [], None
    for number in range(runs + 1):
        took, found = open_once(browser, url)
        if number:
            opened.append(took)
    strangers = {one for took in opened for one in took.other_hosts}
    return [
        name,
        f"{statistics.median(o.ready_ms for o in opened):.0f}",
        f"{max(o.ready_ms for o in opened):.0f}",
        f"{statistics.median(o.answered_ms for o in opened):.0f}",
        f"{max(o.answered_ms for o in opened):.0f}",
        f"{statistics.median(o.bytes for o in opened) / 1000:.0f}",
        f"{statistics.median(o.requests for o in opened):.0f}",
        len(strangers),
        "not installed" if found is None else len(found),
    ]


HEADER = (
    "page",
    "usable after, p50 ms",
    "worst",
    "answer after Enter, p50 ms",
    "worst",
    "kB",
    "requests",
    "to other hosts",
    "axe: serious",
)


@click.command()
@click.option("--gradio", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--runs", default=7, show_default=True, help="Openings that count.")
@click.option("--write/--no-write", default=True, help="Into docs/benchmarks.md.")
def main(gradio: Path | None, runs: int, write: bool) -> None:
    """Measure both pages and write the result."""
    rows, others = [], []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        index = Path(folder) / "index"
        Ingest(index, Encoder(), RetrievalSettings()).run(
            [ROOT / "examples" / "handbook"], "default"
        )
        serve = [
            sys.executable,
            "-m",
            "plumbline",
            "serve",
            "--port",
            str(PORT),
            "--data-dir",
            folder,
        ]
        with running(serve, f"http://127.0.0.1:{PORT}/healthz"):
            rows.append(measure(browser, "Plumbline", f"http://127.0.0.1:{PORT}/", runs))
            click.echo(rows[-1], err=True)
        if gradio is not None:
            said = [str(gradio), "-c", "import gradio; print(gradio.__version__)"]
            version = subprocess.run(
                said, capture_output=True, text=True, check=True
            ).stdout.strip()
            others.append(f"gradio {version}")
            url = f"http://127.0.0.1:{GRADIO_PORT}/"
            quietly = ["env", "GRADIO_ANALYTICS_ENABLED=False", str(gradio), "-c", GRADIO]
            with running(quietly, url):
                rows.append(measure(browser, "Gradio 6, ChatInterface, a constant", url, runs))
        others.append(f"Chromium {browser.version}")
    load = Path("/proc/loadavg").read_text().split()[0]
    body = (
        table(HEADER, rows)
        + f"\n\n{runs} openings each, nothing cached; load of the machine at the end: {load}."
    )
    command = "python -m benchmarks.page" + (" --gradio …" if gradio else "")
    publish("page", command, body, write=write, also=("playwright",), others=others)


if __name__ == "__main__":
    main()
