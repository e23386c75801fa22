"""Each loader on a file that the test writes."""

import io
import json
from pathlib import Path

import docx
import pytest
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from contract.errors import DocumentUnreadable
from ingest.load import load
from ingest.load.document import LoadedDocument
from ingest.load.suffixes import SUFFIXES


def read(name: str, content: bytes | str) -> LoadedDocument:
    return load(Path(name), content.encode() if isinstance(content, str) else content)


def sections(document: LoadedDocument) -> list[tuple[str, str]]:
    return [(s.heading, document.text[s.start : s.end].strip()) for s in document.sections]


def pdf(*pages: list[str]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(40, 500 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_text_keeps_its_offsets() -> None:
    document = read("a.txt", "One.\r\n\r\nTwo.")
    assert document.text == "One.\r\n\r\nTwo."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_chinese_text_is_read_in_any_encoding(encoding: str) -> None:
    text = "北光仪器的员工每年享有二十七天年假，法定节假日另计。未休年假可以结转到下一年。"
    assert read("a.txt", text.encode(encoding)).text == text


def test_windows_quotes_are_read() -> None:
    assert "“quoted” – 5 €" in read("a.txt", "It is “quoted” – 5 € more".encode("cp1252")).text


def test_a_picture_named_text_is_refused() -> None:
    with pytest.raises(DocumentUnreadable):
        read("a.txt", bytes(range(256)) * 20)


def test_markdown_headings_nest_and_code_is_no_heading() -> None:
    source = "# Leave\nIntro.\n## Annual\n27 days.\n```\n# not a heading\n```\n## Sick\nCall."
    document = read("a.md", source)
    assert document.title == "Leave"
    assert [heading for heading, _ in sections(document)] == [
        "Leave",
        "Leave › Annual",
        "Leave › Sick",
    ]
    assert document.text == source


def test_html_keeps_the_main_text_only() -> None:
    page = """<html><head><title>Leave</title><script>var x = 1</script></head><body>
    <nav><a>Home</a></nav><header>Site</header><main><h1>Annual leave</h1><p>You get <b>27</b>
    days.</p><ul><li>Ask early</li></ul><table><tr><th>Site</th><th>Days</th></tr>
    <tr><td>Leeds</td><td>27</td></tr></table></main><footer>Imprint</footer></body></html>"""
    document = read("a.html", page)
    assert document.title == "Leave"
    assert "You get 27 days." in document.text
    assert "\n\n| Site | Days |\n|-|-|\n| Leeds | 27 |\n\n" in document.text
    for noise in ("Home", "Imprint", "var x"):
        assert noise not in document.text


def test_html_without_main_loses_no_text() -> None:
    page = (
        "<body>loose text<div>in a box<p>and a paragraph</p></div><a><div>linked</div></a></body>"
    )
    text = read("a.html", page).text
    for part in ("loose text", "in a box", "and a paragraph", "linked"):
        assert part in text


def test_pdf_text_knows_its_page() -> None:
    document = read("a.pdf", pdf(["The warranty is three", "years long."], ["Second page."]))
    assert [s.page for s in document.sections] == [1, 2]
    assert "The warranty is three years long." in document.text


def test_a_damaged_pdf_says_so() -> None:
    with pytest.raises(DocumentUnreadable, match="damaged"):
        read("a.pdf", b"%PDF-1.7 nothing follows")


def test_a_pdf_with_a_password_says_so() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt="secret")
    canvas.drawString(40, 500, "hidden")
    canvas.save()
    with pytest.raises(DocumentUnreadable, match="password"):
        read("a.pdf", buffer.getvalue())


def test_docx_headings_and_tables() -> None:
    document = docx.Document()
    document.add_heading("Sick leave", 1)
    document.add_paragraph("Call before nine.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [c for row in table.rows for c in row.cells], ["Day", "Pay", "1", "100 %"]
    ):
        cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    loaded = read("a.docx", buffer.getvalue())
    table_text = "| Day | Pay |\n|-|-|\n| 1 | 100 % |"
    assert sections(loaded) == [("Sick leave", f"Call before nine.\n\n{table_text}")]


def test_csv_rows_stand_below_their_header() -> None:
    document = read("a.csv", "City;Hotel\nLeeds;130\nUtrecht;145\n")
    assert document.text == "| City | Hotel |\n|-|-|\n| Leeds | 130 |\n| Utrecht | 145 |\n\n"


def test_json_objects_become_records() -> None:
    value = {"title": "Plans", "plans": [{"name": "Plus", "hours": {"from": 7, "to": 20}}]}
    document = read("a.json", json.dumps(value))
    assert document.title == "Plans"
    assert ("plans", "name: Plus; hours from: 7; hours to: 20") in sections(document)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"\xff\xfe\xff", b"{", b"<", b"PK\x03\x04broken"]
)
def test_rubbish_never_surprises(suffix: str, content: bytes) -> None:
    try:
        document = read(f"a{suffix}", content)
    except DocumentUnreadable as error:
        assert error.message
    else:
        assert isinstance(document.text, str)
