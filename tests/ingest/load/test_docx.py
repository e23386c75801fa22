"""Word documents: everything that a reader of the page sees is read, once, and where it stands."""

import io
import re
import zipfile
from collections.abc import Callable

import docx
import pytest
from docx.document import Document

from contract.errors import DocumentUnreadable
from ingest.load.docx import load_docx

MAIN = "word/document.xml"


def saved(document: Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def changed(content: bytes, part: str, change: Callable[[str], str | None]) -> bytes:
    """The package with one part rewritten, or left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == part:
                replacement = change(text.decode())
                if replacement is not None:
                    new.writestr(name, replacement)
            else:
                new.writestr(name, text)
    return buffer.getvalue()


def with_body(xml: str) -> bytes:
    """A document whose first paragraph is this XML."""
    document = docx.Document()
    document.add_paragraph("Last.")
    return changed(saved(document), MAIN, lambda text: text.replace("<w:p>", xml + "<w:p>", 1))


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_tracked_insertions_are_in_and_deletions_out() -> None:
    marks = 'w:id="1" w:author="A"'
    text = load_docx(
        with_body(
            f"<w:p><w:ins {marks}>{run('New rule. ')}</w:ins><w:del {marks}><w:r>"
            f"<w:delText>Old rule.</w:delText></w:r></w:del></w:p>"
        )
    ).text
    assert "New rule." in text
    assert "Old" not in text


def test_text_boxes_are_read_once() -> None:
    box = f"<w:txbxContent><w:p>{run('Valve seven')}</w:p></w:txbxContent>"
    space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    text = load_docx(
        with_body(
            f"<w:p>{run('Before.')}<w:r><mc:AlternateContent {space}><mc:Choice Requires='wps'>"
            f"<w:drawing>{box}</w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict>"
            f"</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        )
    ).text
    assert text.count("Valve seven") == 1


def test_fields_links_controls_and_hidden_text() -> None:
    text = load_docx(
        with_body(
            "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>REF secret_name"
            "</w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
            f"{run('section four')}<w:r><w:fldChar w:fldCharType='end'/></w:r>"
            f"<w:hyperlink>{run(', the guide')}</w:hyperlink>"
            f"<w:sdt><w:sdtContent>{run(', chosen')}</w:sdtContent></w:sdt>"
            "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>"
        )
    ).text
    assert text.startswith("section four, the guide, chosen\n")


def test_comments_and_headers_are_read_once() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Checked yearly.")
    document.add_comment(paragraph.runs, text="Since when?", author="Ann")
    document.sections[0].header.paragraphs[0].text = "Internal"
    document.add_section().header.is_linked_to_previous = False
    document.sections[1].header.paragraphs[0].text = "Internal"
    text = load_docx(saved(document)).text
    assert text.count("Internal") == 1
    assert "Checked yearly.\n\nAnn: Since when?" in text


def test_footnotes_stand_after_their_paragraph() -> None:
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    content = with_body(
        f"<w:p>{run('Costs rise.')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
    )
    link = (
        '<Relationship Id="rIdNote" Target="footnotes.xml" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"/>'
    )
    content = changed(
        content,
        "word/_rels/document.xml.rels",
        lambda text: text.replace("</Relationships>", link + "</Relationships>"),
    )
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as package:
        package.writestr(
            "word/footnotes.xml",
            f"<w:footnotes {word}><w:footnote w:id='2'><w:p>{run('By a tenth.')}</w:p>"
            "</w:footnote></w:footnotes>",
        )
    assert load_docx(buffer.getvalue()).text.startswith("Costs rise.\n\nBy a tenth.")


def test_merged_cells_are_given_once_and_nested_tables_kept() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells],
        ["Site", "Days", "Note", "Leeds", "27", "", "Utrecht", "25", ""],
    ):
        cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    inner = table.cell(2, 2).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "inner", "value"
    text = load_docx(saved(document)).text
    assert text == (
        "| Site | Days | Note |\n|-|-|-|\n| Leeds Utrecht | 27 |  |\n|  | 25 | inner; value |\n\n"
    )


def test_a_broken_grid_does_not_fail_the_file() -> None:
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["A", "B", "1", "2"]):
        cell.text = text
    content = changed(
        saved(document),
        MAIN,
        lambda xml: re.sub("<w:tblGrid>.*</w:tblGrid>", "", xml, flags=re.DOTALL).replace(
            "<w:tr>", '<w:tr><w:trPr><w:gridBefore w:val="3"/></w:trPr>', 1
        ),
    )
    assert load_docx(content).text == "|  |  | A | B |\n|-|-|-|-|\n| 1 | 2 |  |  |\n\n"


def test_numbered_paragraphs_carry_their_number() -> None:
    document = docx.Document()
    for text in ("Stop the lift.", "Call the engineer."):
        document.add_paragraph(text, style="List Number")
    document.add_paragraph("Bring gloves.", style="List Bullet")
    assert load_docx(saved(document)).text.split("\n\n")[:3] == [
        "1. Stop the lift.",
        "2. Call the engineer.",
        "- Bring gloves.",
    ]


def test_templates_and_documents_with_macros_are_read() -> None:
    document = docx.Document()
    document.add_paragraph("From a template.")
    content = changed(
        saved(document),
        "[Content_Types].xml",
        lambda text: text.replace("document.main+xml", "template.macroEnabledTemplate.main+xml"),
    )
    assert "From a template." in load_docx(content).text


def test_missing_optional_parts_cost_nothing() -> None:
    document = docx.Document()
    document.add_heading("Leave", 1)
    document.add_paragraph("Text.")
    content = changed(saved(document), "word/styles.xml", lambda text: None)
    loaded = load_docx(changed(content, "docProps/core.xml", lambda text: None))
    assert [s.heading for s in loaded.sections] == ["Leave"]
    assert loaded.text == "Text.\n\n"


def test_a_body_cut_short_keeps_what_came_before_and_says_so() -> None:
    document = docx.Document()
    for number in range(50):
        document.add_paragraph(f"Paragraph {number}.")
    loaded = load_docx(changed(saved(document), MAIN, lambda text: text[: len(text) // 2]))
    assert "Paragraph 3." in loaded.text
    assert "damaged" in loaded.notes[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:2000], "damaged"),
        (lambda content: changed(content, MAIN, lambda text: None), "missing"),
        (
            lambda content: (
                bytes.fromhex("d0cf11e0a1b11ae1")
                + bytes(600)
                + "EncryptedPackage".encode("utf-16-le")
            ),
            "password",
        ),
        (
            lambda content: changed(
                content, MAIN, lambda text: '<!DOCTYPE d [<!ENTITY a "aa">]>' + text
            ),
            "entities",
        ),
    ],
)
def test_what_can_not_be_read_says_why(change: Callable[[bytes], bytes], reason: str) -> None:
    content = saved(docx.Document())
    with pytest.raises(DocumentUnreadable, match=reason):
        load_docx(change(content))
