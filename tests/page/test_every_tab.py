"""What holds for every tab that the page has, whoever wrote it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.page.conftest import PageOf, serious_findings


def tabs_of(page: Page) -> list[str]:
    """The addresses of all tabs."""
    links = page.locator(".bar nav a")
    expect(links.first).to_be_visible()
    return [link.get_attribute("href") or "" for link in links.all()]


def open_tab(page: Page, address: str) -> None:
    """Open a tab and wait until it is there."""
    page.locator(f'.bar nav a[href="{address}"]').click()
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.locator(".bar nav a[aria-current]")).to_have_attribute("href", address)
    page.wait_for_load_state("networkidle")


def test_axe_finds_nothing_serious_in_any_tab(page_of: PageOf, server_url: str) -> None:
    page = page_of(server_url)
    found = {}
    for address in tabs_of(page):
        open_tab(page, address)
        found[address] = serious_findings(page)
    assert "#chat" in found and not any(found.values()), found


def test_every_tab_fits_a_narrow_screen_and_speaks_both_languages(
    page_of: PageOf, server_url: str
) -> None:
    page = page_of(server_url, language="zh-CN", viewport={"width": 360, "height": 640})
    for address in tabs_of(page):
        open_tab(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") == 360, address
        assert "undefined" not in page.locator("main").inner_text(), address
        titles = page.title()
        page.locator(".bar select").select_option("en")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        assert page.title() != titles, address
        page.locator(".bar select").select_option("zh")


def test_an_address_that_no_tab_has_opens_the_first(page_of: PageOf, server_url: str) -> None:
    page = page_of(server_url, hash="nothing/here")
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.locator(".bar nav a[aria-current]")).to_have_attribute("href", "#chat")
