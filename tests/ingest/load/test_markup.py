"""Markdown, reStructuredText, source code, HTML and XML."""

import pytest

from contract.errors import DocumentUnreadable
from ingest.load.document import LoadedDocument

from .reading import read, sections


def headings(document: LoadedDocument) -> list[str]:
    return [section.heading for section in document.sections]


def test_markdown_front_matter_names_the_document() -> None:
    document = read("a.md", '---\ntitle: "Leave rules"\ndraft: no\n---\n# Annual\n\n27 days.\n')
    assert document.title == "Leave rules"
    assert sections(document) == [("Annual", "27 days.")]


def test_markdown_underlined_headings_and_rules_are_told_apart() -> None:
    document = read("a.md", "Leave\n=====\n\nIntro.\n\nAnnual\n------\n27 days.\n\n---\n\nMore.\n")
    assert headings(document) == ["Leave", "Leave › Annual"]


def test_markdown_tables_lose_their_padding_and_links_are_their_words() -> None:
    source = (
        "See [the *rules*](http://a.example/x_(1)) and `[code](x)`.\n\n| City    | Days | Empty |\n"
        "|:--------|-----:|---|\n| [Leeds](http://l.example) | 27 | |\n| A \\| B | 3\n\nEnd.\n"
    )
    text = read("a.md", source).text
    assert "See the *rules* and `[code](x)`." in text
    table = "| City | Days | Empty |\n|-|-|-|\n| Leeds | 27 |  |\n| A \\| B | 3 |  |\n\n"
    assert f"`.\n\n{table}\nEnd.\n" in text


def test_markdown_tables_without_header_body_or_second_column_are_lines() -> None:
    headless = "| | |\n|---|---|\n| Leeds | 27 |\n| Cork | 26 |\n"
    assert read("a.md", headless).text.split("\n\n") == ["Leeds; 27", "Cork; 26", ""]
    assert read("a.md", "| City | Days |\n|---|---|\n\nEnd.\n").text.startswith("City | Days\n\n")
    assert read("a.md", "| City |\n|---|\n| Leeds |\n").text.split() == ["City", "Leeds"]


def test_markdown_comments_and_pictures_leave_no_noise() -> None:
    text = read(
        "a.md", "<!-- secret\nnote -->\n![a lift](data:image/png;base64,AAAA) works <br> well"
    ).text
    assert "secret" not in text
    assert "base64" not in text
    assert "a lift" in text


def test_rst_headings_follow_their_adornment() -> None:
    source = (
        "=====\nLeave\n=====\n\nIntro with `a link <http://a.example>`_.\n\nAnnual\n------\n\n"
        ".. note:: Ask early.\n\n.. image:: x.png\n   :alt: y\n\n27 days.\n\n年假\n----\n\n二十七天。\n"
        "\n.. [1] A footnote stays.\n.. a comment goes\n"
    )
    document = read("a.rst", source)
    assert headings(document) == ["Leave", "Leave › Annual", "Leave › 年假"]
    for words in ("Intro with a link.", "note: Ask early.", "A footnote stays."):
        assert words in document.text
    assert "comment goes" not in document.text
    assert "x.png" not in document.text


def test_source_is_cut_at_definitions_with_their_comments() -> None:
    source = '"""Pumps."""\nimport time\n\n\n# never above 1400\ndef start(rpm):\n    print(rpm)\n\n\nclass Pump:\n    pass\n'
    document = read("pump.py", source)
    assert document.text == source
    assert headings(document) == ["", "start", "Pump"]
    assert sections(document)[1][1].startswith("# never above 1400")


def test_terminal_colours_are_left_out() -> None:
    assert read("a.log", "\x1b[31mERROR\x1b[0m disk full").text == "ERROR disk full"


def test_html_hidden_things_and_consent_are_left_out() -> None:
    page = (
        "<body><div id=cookie-banner>We use cookies</div><p style='display: none'>ghost</p>"
        "<p hidden>spectre</p><dl><dt>Days</dt><dd>27</dd></dl><template>tpl</template>"
        "<p>Two<br>lines</p></body>"
    )
    text = read("a.html", page).text
    assert text.split() == ["Days", "27", "Two", "lines"]


def test_html_with_a_tiny_main_keeps_the_rest() -> None:
    page = f"<main><p>Menu</p></main><div><p>{'The lift is inspected every ninety days. ' * 20}</p></div>"
    assert "inspected every ninety days" in read("a.html", page).text


def test_html_cells_are_read_once_and_spans_are_filled() -> None:
    page = (
        "<table><tr><th>Site<th>Year<th>Days<tr><td rowspan=2><p>Leeds</p><td>2023<td>26"
        "<tr><td>2024<td>27</table>"
    )
    assert read("a.html", page).text == (
        "| Site | Year | Days |\n|-|-|-|\n| Leeds | 2023 | 26 |\n| Leeds | 2024 | 27 |\n\n"
    )


def test_html_columns_without_a_word_are_left_out() -> None:
    page = "<table><tr><tr><th>Site<th><th>Days<tr><td>Leeds<td><td>27<tr><td><td><td></table>"
    assert read("a.html", page).text == "| Site | Days |\n|-|-|\n| Leeds | 27 |\n\n"


def test_html_headings_that_nobody_ended_swallow_nothing() -> None:
    document = read("a.html", "<h1>Fees<p>Three euros<ul><li>one<li>two</ul>")
    assert sections(document) == [("Fees", "Three euros\n\none\n\ntwo")]


def test_a_heading_with_nothing_below_is_still_found() -> None:
    assert "Closed on Monday" in read("a.html", "<h1>Closed on Monday</h1>").text


def test_html_of_fifty_thousand_boxes_is_read() -> None:
    page = "top" + "<div>" * 50_000 + "deep" + "</div>" * 50_000 + "end"
    assert read("a.html", page).text.split() == ["top", "deep", "end"]


def test_a_page_made_by_a_script_says_so() -> None:
    document = read("a.html", "<html><body><div id=app></div><script>run()</script></body></html>")
    assert not document.text
    assert "built by a script" in document.notes[0]


def test_html_declared_charset_is_used() -> None:
    page = "<html><head><meta charset=gb2312></head><p>年假</p></html>".encode("gbk")
    assert read("a.html", page).text.strip() == "年假"


def test_xml_fields_carry_their_names() -> None:
    source = (
        '<?xml version="1.0" encoding="gb2312"?><库存><物品 id="7"><名称>铜壶</名称>'
        "<容量>三升</容量></物品></库存>"
    )
    assert "名称: 铜壶; 容量: 三升" in read("a.xml", source.encode("gb2312")).text


def test_feeds_are_read_by_entry() -> None:
    feed = (
        "<rss><channel><title>News</title><item><title>Rope</title><description>&lt;p&gt;The "
        "&lt;b&gt;rope&lt;/b&gt; is new.&lt;/p&gt;</description></item></channel></rss>"
    )
    document = read("a.rss", feed)
    assert document.title == "News"
    assert any(h.endswith("Rope") and "The rope is new." in t for h, t in sections(document))


def test_xml_reads_no_other_file_and_expands_nothing(tmp_path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    outside = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]><a>one &x; two</a>'
    assert "hunter2" not in read("a.xml", outside).text
    layers = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE a [<!ENTITY l0 "lol">{layers}]><a>words &l9;</a>'
    assert len(read("a.xml", laughs).text) < 1000


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    document = read("a.xml", "<?xml version='1.0'?><a><b>kettle</b><c>lost")
    assert "kettle" in document.text
    assert "not well-formed" in document.notes[0]
    with pytest.raises(DocumentUnreadable):
        read("a.xml", "<?xml version='1.0'?>")
