"""PDF files: every page is read or named, and what the printer repeats is given once."""

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A5
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from contract.errors import DocumentUnreadable
from ingest.load import ocr
from ingest.load.pdf import load_pdf

DRAW = Callable[[Canvas], None]
LONG = "The north harbour lift is inspected every ninety days by the duty engineer."


def pdf(*pages: DRAW, **options: object) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5, invariant=1, pageCompression=0, **options)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(*texts: str) -> DRAW:
    def draw(canvas: Canvas) -> None:
        for number, text in enumerate(texts):
            canvas.drawString(40, 540 - 20 * number, text)

    return draw


def scan(canvas: Canvas) -> None:
    picture = Image.new("RGB", (800, 1100), "white")
    ImageDraw.Draw(picture).text((60, 80), "Scanned page nine", fill="black", font_size=60)
    canvas.drawImage(ImageReader(picture), 0, 0, *A5)


def test_running_heads_are_given_once_and_page_numbers_not_at_all() -> None:
    pages = [
        lines("Harbour handbook", f"Record {number * 7} of the lift.", LONG, f"{number}")
        for number in range(1, 7)
    ]
    text = load_pdf(pdf(*pages)).text
    assert text.count("Harbour handbook") == 1
    assert all(f"Record {number * 7} of" in text for number in range(1, 7))
    assert not re.search(r"^\d$", text, re.MULTILINE)


def test_bookmarks_become_headings() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.bookmarkPage("weekly")
        canvas.addOutlineEntry("Weekly checks", "weekly", 0)
        lines("Weekly checks", LONG)(canvas)

    loaded = load_pdf(pdf(lines(LONG), draw))
    assert [(s.page, s.heading) for s in loaded.sections] == [(1, ""), (2, "Weekly checks")]


def test_form_fields_are_read_with_their_names() -> None:
    def draw(canvas: Canvas) -> None:
        lines("Application for leave of absence")(canvas)
        canvas.acroForm.textfield(name="Applicant", value="Gwen Achterberg", x=40, y=300)

    assert "Applicant: Gwen Achterberg" in load_pdf(pdf(draw)).text


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("turn", [0, 90, -90, 180])
def test_turned_pages_are_read_from_their_first_line(rotation: int, turn: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(rotation)
        canvas.translate(*{0: (0, 0), 90: (A5[0], 0), -90: (0, A5[1]), 180: A5}[turn])
        canvas.rotate(turn)
        for number, text in enumerate(["First of the lines", "second of the lines", "third"]):
            canvas.drawString(30, 300 - 20 * number, text)

    text = load_pdf(pdf(draw)).text
    assert text.index("First") < text.index("second") < text.index("third")


def test_control_characters_are_dropped() -> None:
    assert "\x07" not in load_pdf(pdf(lines(LONG, "Bell\x07 ends here in this line."))).text


def test_a_file_without_its_table_is_read_all_the_same() -> None:
    content = pdf(lines(LONG))
    damaged = re.sub(rb"startxref\s+\d+", b"startxref\n7", content)
    assert LONG in load_pdf(damaged).text


def test_a_file_that_only_forbids_changes_is_read() -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    content = pdf(lines(LONG), encrypt=StandardEncryption("", "owner", canPrint=0))
    assert LONG in load_pdf(content).text


def test_a_damaged_page_costs_only_itself() -> None:
    content = pdf(
        lines(LONG), lines("Second page is lost here."), lines("Third page is still here.")
    )
    kids = re.search(rb"/Kids \[ (\d+) 0 R (\d+) 0 R", content)
    assert kids is not None
    broken = content.replace(
        b"\n" + kids.group(2) + b" 0 obj\n<<", b"\n" + kids.group(2) + b" 0 obj\n(("
    )
    loaded = load_pdf(broken)
    assert LONG in loaded.text
    assert "Third page" in loaded.text


def test_blank_pages_say_that_there_is_no_text() -> None:
    loaded = load_pdf(pdf(lambda canvas: None, lambda canvas: None))
    assert loaded.text == ""
    assert loaded.notes == ("No text was found on its pages.",)


def test_pages_that_need_ocr_are_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    loaded = load_pdf(pdf(lines(LONG), scan, scan))
    assert LONG in loaded.text
    assert loaded.notes[0].startswith("Pages 2-3 have no text layer; install plumbline[ocr]")


def test_a_scanned_page_among_others_is_read() -> None:
    pytest.importorskip("rapidocr")
    loaded = load_pdf(pdf(lines(LONG), scan))
    assert LONG in loaded.text
    assert "Scanned page nine" in loaded.text
    assert loaded.sections[-1].page == 2
    assert loaded.notes == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>Not found</html>", "not a PDF"),
        (pdf(lines(LONG))[:400], "end is missing"),
        (b"%PDF-1.4\nnothing\n%%EOF", "damaged"),
    ],
)
def test_what_can_not_be_opened_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable, match=reason):
        load_pdf(content)
