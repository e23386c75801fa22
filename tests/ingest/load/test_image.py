"""Pictures of text, whichever way they were put on the scanner."""

import io
import socket
import struct
import zlib
from typing import Any

import matplotlib
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load import ocr
from ingest.load.image import load_image
from ingest.load.lines import Line, page_text, paragraphs

TEXT = ["The north harbour lift carries loads", "of up to 42 tonnes every day of the year."]


def picture(lines: list[str] = TEXT, mode: str = "RGB") -> Image.Image:
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 34)
    drawn = Image.new("RGB", (860, 60 + 60 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(drawn).text((40, 40 + 55 * number), line, fill="black", font=font)
    return drawn.convert(mode)


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


needs_ocr = pytest.mark.skipif(not ocr.available(), reason="the OCR extra is not installed")


@needs_ocr
def test_nothing_is_fetched_and_lines_become_a_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    ocr._engine.cache_clear()
    assert load_image(saved(picture())).text == " ".join(TEXT) + "\n\n"


@needs_ocr
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pictures_are_read(turn: int) -> None:
    assert "42 tonnes every day" in load_image(saved(picture().rotate(turn, expand=True))).text


@needs_ocr
def test_a_photograph_is_turned_as_the_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(picture().rotate(90, expand=True), "JPEG", exif=exif)
    assert "42 tonnes every day" in load_image(content).text


@needs_ocr
def test_each_page_of_a_tif_is_read() -> None:
    pages = [picture(["First page of the fax"]), picture(["Second page of the fax"])]
    content = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    loaded = load_image(content)
    assert [section.page for section in loaded.sections] == [1, 2]
    assert "Second page" in loaded.text


@needs_ocr
def test_text_on_a_clear_ground_is_read() -> None:
    clear = Image.new("RGBA", picture().size, (0, 0, 0, 0))
    clear.putalpha(ImageOps.invert(picture(mode="L")))
    assert "42 tonnes" in load_image(saved(clear)).text


@needs_ocr
def test_a_picture_without_text_says_so() -> None:
    loaded = load_image(saved(Image.new("RGB", (300, 200), "white")))
    assert loaded.text == ""
    assert loaded.notes == ("No text was found in the picture.",)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    with pytest.raises(FormatUnsupported, match=r"install plumbline\[ocr\]"):
        load_image(saved(picture()))


def test_a_picture_that_says_it_is_huge_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: True)
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    with pytest.raises(DocumentUnreadable, match="million pixels"):
        load_image(bomb)


def test_a_broken_picture_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: True)
    with pytest.raises(DocumentUnreadable, match="damaged"):
        load_image(saved(picture())[:200])


def rows(texts: list[str], left: float, width: float, top: float = 100) -> list[Line]:
    return [
        Line(t, left, top + 40 * n, left + width, top + 40 * n + 25) for n, t in enumerate(texts)
    ]


def test_columns_are_read_one_after_the_other() -> None:
    title = [Line("Harbour news", 50, 20, 900, 60)]
    left = rows(["Left column begins here", "and goes on below", "until it ends."], 50, 400)
    right = rows(["Right column begins", "beside the left one", "and ends too."], 500, 400)
    foot = [Line("Page four of the news of today", 50, 400, 900, 425)]
    text = " ".join(paragraphs(page_text([*title, *left, *right, *foot])))
    found = [text.index(t) for t in ("Harbour", "Left", "until", "Right", "ends too", "Page four")]
    assert found == sorted(found)


def test_cells_of_a_table_stay_in_their_row() -> None:
    cells = [
        Line(t, 50 + 300 * (n % 2), 50 + 40 * (n // 2), 130 + 300 * (n % 2), 75 + 40 * (n // 2))
        for n, t in enumerate(["Part", "Stock", "Rope", "2", "Disc", "6"])
    ]
    assert paragraphs(page_text(cells)) == ["Part | Stock", "Rope | 2", "Disc | 6"]
