"""RTF in the code pages that people wrote it in."""

import pytest

from contract.errors import DocumentUnreadable
from ingest.load.rtf import load_rtf


def escaped(text: str, encoding: str) -> str:
    return "".join(f"\\'{byte:02x}" for byte in text.encode(encoding))


def read(body: str, head: str = r"\ansicpg1252") -> str:
    return load_rtf(rf"{{\rtf1\ansi{head} {body}}}".encode("latin-1")).text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (r"\ansicpg936", "gbk"),
        (r"\ansicpg950", "big5"),
        (r"\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset134 SimSun;}}\f0", "gbk"),
    ],
)
def test_chinese_code_pages_are_read(head: str, encoding: str) -> None:
    text = "中文第七條" if encoding == "big5" else "安吉县茶厂"
    assert read(escaped(text, encoding) + r"\par", head) == text + "\n\n"


def test_second_bytes_that_are_signs_stay_with_their_character() -> None:
    # U+4E02 is 81 40 in GBK, and 40 is the sign "@", which writers leave as it is.
    assert read(r"\'81@\par", r"\ansicpg936") == "丂\n\n"


def test_unicode_escapes_and_pairs() -> None:
    assert read(r"\u23433?\u21513?\uc0\u-10179\u-8704 ok\par") == "安吉😀ok\n\n"


def test_tables_read_by_row() -> None:
    row = r"\trowd\cellx1000\cellx2000\intbl {}\cell {}\cell\row "
    text = read(row.format("Part", "Stock") + row.format("Rope", "2") + r"\pard After.\par")
    assert text == "| Part | Stock |\n|-|-|\n| Rope | 2 |\n\nAfter.\n\n"


def test_headings_notes_and_what_is_hidden() -> None:
    loaded = load_rtf(
        rb"{\rtf1\ansi{\stylesheet{\s1 heading 1;}}{\info{\author Nobody}}{\header Internal\par}"
        rb"\pard\s1 Leave\par\pard Ask early.{\footnote By May.}{\v secret}{\deleted gone} Now."
        rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt  Here.}}{\pict\bin5 }}}}}\par}"
    )
    assert loaded.sections[-1].heading == "Leave"
    assert "Ask early. Now. Here." in loaded.text
    assert "By May." in loaded.text
    assert "Internal" in loaded.text
    for word in ("Nobody", "secret", "gone", "HYPERLINK"):
        assert word not in loaded.text


def test_a_file_cut_short_keeps_its_text_and_says_so() -> None:
    loaded = load_rtf(rb"{\rtf1\ansi One.\par Two")
    assert loaded.text == "One.\n\nTwo\n\n"
    assert "cut short" in loaded.notes[0]


def test_something_else_is_refused() -> None:
    with pytest.raises(DocumentUnreadable, match="not RTF"):
        load_rtf(b"Plain words.")
