"""What a file is, is told by its content; its name is only asked where the content leaves it open."""

import importlib
import io
import sqlite3
import zipfile
from pathlib import Path

import pytest

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load import CONTAINERS, LOADERS
from ingest.load.kind import kind_of

from .reading import read


def package(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


PAGE = b"<!-- saved -->\n<html><body><p>Hello</p></body></html>"
MAIL = b"Received: by x\r\nFrom: a@example.org\r\nSubject: Rope\r\n\r\nThe rope is here.\r\n"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("report.txt", b"%PDF-1.7\n...", "pdf"),
        ("report", b"junk\n%PDF-1.7\n...\n%%EOF\n", "pdf"),
        ("about.txt", b"A PDF begins with %PDF-1.7, says the standard.", "text"),
        ("page.md", PAGE, "html"),
        ("page.doc", PAGE, "html"),
        ("table.xls", b"<table><tr><td>1</td></tr></table>", "html"),
        ("letter.doc", rb"{\rtf1\ansi Hello}", "rtf"),
        ("table.xls", b"a\tb\n1\t2\n", "csv"),
        ("table.xls", "甲\t乙\n1\t2\n".encode("utf-16"), "csv"),
        ("letter.zip", package("[Content_Types].xml", "word/document.xml"), "docx"),
        ("sheet.docx", package("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        ("book.zip", package("META-INF/container.xml"), "epub"),
        ("files.docx", package("a.txt"), "zip"),
        ("notes", b"Plain words without a suffix.", "text"),
        ("settings", b'{"a": 1}', "json"),
        ("notes.xyz", b"Plain words.", "text"),
        ("Dockerfile", b"FROM debian\n", "source"),
        ("letter", MAIL, "eml"),
        ("letters", b"From a@example.org Mon Jan  1 10:00:00 2024\n" + MAIL, "mbox"),
        ("memo.txt", b"From: the board\nTo: all\nRef: 7\n\nWe close.", "text"),
        ("note.md", b"From: the board\n\n# Closing", "markdown"),
        (
            "saved.doc",
            b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n",
            "mhtml",
        ),
        (
            "old.xml",
            b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w/>',
            "wordml",
        ),
        ("page.xml", b'<?xml version="1.0"?><!DOCTYPE html><html><p>a</p></html>', "html"),
        ("data.json", b'{"cells": [], "nbformat": 4}', "ipynb"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0", "image"),
    ],
)
def test_content_comes_before_the_name(name: str, content: bytes, kind: str) -> None:
    assert kind_of(name, content) == kind


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("song.txt", b"ID3\x04\0\0\0\0\0\0" + bytes(200), "MP3 sound file.*transcribe"),
        ("film.mp4", b"\0\0\0\x20ftypisom" + bytes(200), "video.*subtitles"),
        ("tool", b"\x7fELF\x02\x01\x01" + bytes(200), "Linux program"),
        ("tool.doc", b"MZ\x90\0\x03\0\0\0" + bytes(200), "Windows program"),
        ("font.ttf", b"\0\x01\0\0\0\x0f" + bytes(200), "font"),
        ("data.bin", b"PAR1\x15\x04" + bytes(200), "Parquet.*csv"),
        ("a.txt.gz", b"\x1f\x8b\x08\0" + bytes(20), "gzip.*unpack"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(20), "7z archive"),
        ("a.rar", b"Rar!\x1a\x07\x01\0" + bytes(20), "RAR archive"),
        ("blob", bytes(range(256)) * 4, "binary file"),
        ("zeros.xyz", bytes(4096), "binary file"),
        ("~$plan.docx", b"user", "lock of Office"),
        ("Thumbs.db", b"\xd0\xcf", "thumbnails"),
        (".DS_Store", b"\0\0\0\1Bud1", "macOS"),
        ("plan.zip", package("Index/Document.iwa"), "Pages"),
    ],
)
def test_what_is_no_document_says_what_it_is(name: str, content: bytes, words: str) -> None:
    with pytest.raises(FormatUnsupported, match=words):
        kind_of(name, content)


def test_a_database_says_so(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    with pytest.raises(FormatUnsupported, match="SQLite.*csv"):
        kind_of("a.db", (tmp_path / "a.db").read_bytes())


def test_letters_that_begin_like_a_sound_file_are_letters() -> None:
    assert kind_of("form.txt", b"FORM 27 must be handed in by Monday.") == "text"
    assert kind_of("rules.txt", b"ID3 tags hold the title of a song.") == "text"


def test_a_cut_package_says_what_it_was() -> None:
    with pytest.raises(DocumentUnreadable, match="Word document is damaged or cut off"):
        kind_of("a.docx", package("[Content_Types].xml", "word/document.xml")[:-30])


def test_an_empty_file_is_empty_whatever_its_name() -> None:
    for name in ("a.txt", "a.pdf", "a.docx", "a"):
        document = read(name, b"")
        assert (document.text, document.notes) == ("", ("The file is empty.",))


def test_every_loader_is_there() -> None:
    for module, function in [*LOADERS.values(), *CONTAINERS.values()]:
        assert callable(getattr(importlib.import_module(f"ingest.load.{module}"), function))
