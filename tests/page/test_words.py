"""The words of the page: both languages say the same things."""

from __future__ import annotations

from playwright.sync_api import expect

from server.page.files import STATIC
from tests.page.conftest import PageOf

READ = """async (names) => {
  const read = async (name) => (await import(`/page/i18n/${name}`)).words;
  const pairs = {shell: {en: await read("en.js"), zh: await read("zh.js")}};
  for (const name of names) pairs[name] = await read(name);
  return pairs;
}"""

COUNT = r"""(words) => [...words.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort()"""


def test_english_and_chinese_have_the_same_words(page_of: PageOf, server_url: str) -> None:
    page = page_of(server_url)
    expect(page.get_by_role("textbox")).to_be_visible()
    names = [p.name for p in (STATIC / "i18n").iterdir() if p.stem not in ("en", "zh")]
    for name, pair in page.evaluate(READ, names).items():
        english, chinese = pair["en"], pair["zh"]
        assert english.keys() == chinese.keys(), name
        for key, words in english.items():
            places = page.evaluate(COUNT, words)
            assert page.evaluate(COUNT, chinese[key]) == places, f"{name}: {key}"
