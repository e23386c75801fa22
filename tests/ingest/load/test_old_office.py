"""Word and PowerPoint 97 to 2003. `files/README.md` says how the files were made."""

import gzip
from pathlib import Path

import pytest

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.doc import load_doc
from ingest.load.ppt import load_ppt

FILES = Path(__file__).parent / "files"


def packed(name: str) -> bytes:
    return gzip.decompress((FILES / f"{name}.gz").read_bytes())


def with_fib(offset: int, value: bytes) -> bytes:
    """The Word file with bytes of its file information block changed."""
    content = bytearray(packed("ferry.doc"))
    start = content.index(b"\xec\xa5\x01\x01")
    content[start + offset : start + offset + len(value)] = value
    return bytes(content)


def test_a_word_document_is_read_as_it_shows() -> None:
    loaded = load_doc(packed("ferry.doc"))
    assert loaded.sections[-1].heading == "Ferry timetable"
    assert loaded.text.strip().split("\n\n") == [
        "Harbour office",
        "The ferry leaves the north pier at seven. 渡轮早上七点从北码头开出。",
        "It takes forty minutes.",
        "See the fares.",
        "- Wear a life vest",
        "| Pier | Fare |\n|-|-|\n| North | 4 € |\n| South |  |",
        "After the table.",
    ]


def test_slides_are_pages_with_their_notes() -> None:
    loaded = load_ppt(packed("fares.ppt"))
    assert [(s.page, s.heading) for s in loaded.sections] == [(1, "Ferry fares"), (2, "")]
    assert loaded.text.strip().split("\n\n") == [
        "North pier: four euros",
        "北码头：四欧元",
        "Mention the child fare.",
        "Dogs travel free",
    ]


def test_word_95_says_what_to_do() -> None:
    with pytest.raises(FormatUnsupported, match=r"Word 6 or 95.*save it as \.docx"):
        load_doc(with_fib(2, b"\x68\x00"))


def test_a_password_is_named() -> None:
    with pytest.raises(DocumentUnreadable, match="password"):
        load_doc(with_fib(10, b"\xf1\x13"))


def test_damage_is_named() -> None:
    for load, name in ((load_doc, "ferry.doc"), (load_ppt, "fares.ppt")):
        with pytest.raises(DocumentUnreadable, match="damaged"):
            load(packed(name)[:3000])
    with pytest.raises(DocumentUnreadable, match="damaged"):
        load_doc(with_fib(0x1A2, b"\xff\xff\xff\x7f"))


def test_another_kind_of_container_is_named() -> None:
    with pytest.raises(FormatUnsupported, match="PowerPoint presentation"):
        load_doc(packed("fares.ppt"))
