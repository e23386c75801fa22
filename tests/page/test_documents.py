"""The documents in a browser: they come in, answer, are looked at and leave; and what failed says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from tests.conftest import ask, listening
from tests.page.conftest import PageOf, serious_findings
from tests.page.keys import new_key

# An ingest is a process of its own, which loads the encoder first.
INGEST_MS = 180_000

EVIL = "<img src=x onerror=alert(1)>"
TEXT = (
    "# Bicycles\n\nThe company lends bicycles. A bicycle is lent for at most eleven weeks. "
    f"{EVIL} <script>alert(2)</script>\n"
)
OTHERS = (
    ("broken.pdf", b"%PDF-1.7 nothing of it is true"),
    ("lunch.md", b"# Lunch\n\nLunch in the canteen costs four euros.\n"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A server without any document yet."""
    settings = Settings().replace({"data_dir": folder})
    with listening(create_app(build(settings)), settings.server) as address:
        yield address


def upload(page: Page, *files: tuple[str, bytes]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(
        [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in files]
    )


def test_a_document_comes_in_answers_is_looked_at_and_leaves(url: str, page_of: PageOf) -> None:
    page = page_of(url, hash="documents", expected=("503",))
    expect(page.get_by_text("There is no document here yet.")).to_be_visible()
    assert serious_findings(page) == []
    name = f"bikes {EVIL}.md"
    upload(page, (name, TEXT.encode()), *OTHERS)
    page.get_by_role("button", name="Upload 3").click()

    uploads = page.get_by_label("Uploads")
    expect(uploads.get_by_text("Taken in")).to_be_visible(timeout=INGEST_MS)
    row = uploads.get_by_role("listitem").filter(has_text="broken.pdf")
    expect(row).to_contain_text("failed")
    assert len(row.inner_text().splitlines()[-1]) > 20, "it does not say why"
    expect(uploads.get_by_role("listitem").filter(has_text=name)).to_contain_text("indexed")
    expect(page.get_by_role("button", name="default 3 documents")).to_be_visible()
    assert serious_findings(page) == []

    reply = ask(url, "For how many weeks is a bicycle lent?")
    assert "eleven weeks" in reply["choices"][0]["message"]["content"]
    page.get_by_role("searchbox").fill("bicycle")
    page.keyboard.press("Enter")
    found = page.get_by_label("Results")
    expect(found).to_contain_text("score")
    expect(found).to_contain_text(EVIL)
    found.get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("as it was read")).to_contain_text("eleven weeks")
    expect(dialog).to_contain_text(EVIL)
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    left = page.get_by_role("button", name="default 2 documents")
    expect(left).to_be_visible(timeout=INGEST_MS)
    assert sorted(one["path"] for one in documents(url)) == ["broken.pdf", "lunch.md"]
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_files_can_be_dropped_into_a_collection_for_one_group_only(
    url: str, folder: Path, page_of: PageOf
) -> None:
    page = page_of(url, hash="documents", language="zh-CN")
    expect(page.get_by_role("heading", level=1)).to_have_text("文档")
    page.locator("form.upload").evaluate(
        """(form) => {
            const data = new DataTransfer();
            data.items.add(new File(["# 午餐\\n\\n食堂中午十二点开门。"], "午餐.md"));
            form.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: data }));
        }"""
    )
    page.get_by_role("combobox", name="文档集").fill("help")
    page.get_by_role("textbox", name="标签").fill("hr")
    page.get_by_role("button", name="上传 1 个文件").click()
    expect(page.get_by_text("已收录")).to_be_visible(timeout=INGEST_MS)
    page.get_by_role("button", name="help").click()
    # The anonymous caller carries no label, so it may not see what it has uploaded for others.
    expect(page.get_by_text("没有您可以查看的文档")).to_be_visible()

    for label, sees in (("hr", True), ("sales", False)):
        key = new_key(folder / "keys.yaml", label, label)
        settings = Settings().replace(
            {"data_dir": folder, "server.keys_file": folder / "keys.yaml"}
        )
        with listening(create_app(build(settings)), settings.server) as locked:
            reader = page_of(locked, hash="documents", key=key)
            reader.get_by_role("button", name="help").click()
            row = reader.get_by_role("button", name="午餐")
            expect(row).to_have_count(1 if sees else 0)
            expect(reader.get_by_text("that you may see")).to_have_count(0 if sees else 1)
            for word in ("Choose files", "Delete"):
                expect(reader.get_by_role("button", name=word)).to_have_count(0)
            assert serious_findings(reader) == []


def documents(url: str) -> list[dict]:
    return list(httpx.get(f"{url}/v1/documents").json()["data"])
