"""Mail, mailboxes, saved pages, and what Outlook packs."""

import struct
from email.message import EmailMessage

import pytest

from contract.errors import DocumentUnreadable
from ingest.load.packed_rtf import unpack_rtf

from .reading import read, sections


def letter(body: str = "Please find it attached.", subject: str = "Rope") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Ann <ann@example.org>", "bo@example.org"
    message["Subject"] = subject
    message.set_content(body)
    return message


def test_headers_and_body_are_read() -> None:
    message = letter("年假二十七天。\n\n见附件。", "关于年假")
    message.add_alternative("<p>html</p>", subtype="html")
    document = read("a.eml", message.as_bytes())
    assert document.title == "关于年假"
    assert "From: Ann <ann@example.org>" in document.text
    assert "年假二十七天。" in document.text
    assert "html" not in document.text


def test_attachments_are_sections_and_unreadable_ones_are_noted() -> None:
    inner = letter("The rope arrives on Monday.", "Inner letter")
    message = letter()
    message.add_attachment("# Rules\n\nAsk early.\n", subtype="markdown", filename="规则.md")
    message.add_attachment(b"ID3\x04" + bytes(100), "audio", "mpeg", filename="song.mp3")
    message.add_attachment(inner)
    document = read("a.eml", message.as_bytes())
    found = dict(sections(document))
    assert found["规则.md › Rules"] == "Ask early."
    assert any("The rope arrives on Monday." in text for text in found.values())
    assert document.notes == (
        "song.mp3: It is an MP3 sound file: there is no text to read; transcribe it.",
    )


def test_undeclared_gbk_and_words_cut_inside_a_character() -> None:
    head = b"From: a@example.cn\r\nSubject: =?utf-8?B?5YWz5LqO5pil5a2j6L+Q5Yqo5Lw=?=\r\n =?utf-8?B?mg==?=\r\n\r\n"
    document = read("a.eml", head + "运动会定于四月十日举行，安排请查收。".encode("gbk"))
    assert document.title == "关于春季运动会"
    assert "安排请查收" in document.text


def test_a_wrong_boundary_loses_nothing() -> None:
    raw = (
        "From: a@example.org\nMIME-Version: 1.0\nSubject: Kettle\n"
        'Content-Type: multipart/mixed; boundary="one"\n\n--two\nContent-Type: text/plain\n\n'
        "The kettle order was doubled.\n--two--\n"
    )
    document = read("a.eml", raw)
    assert "The kettle order was doubled." in document.text
    assert "--two" not in document.text


def test_letters_of_a_mailbox_are_sections() -> None:
    line = b"From ann@example.org Mon Jan  1 10:00:00 2024\n"
    letters = [
        letter(f"Paddle {n} was found.\n\nFrom here it is near.", f"Wheel {n}") for n in (1, 2)
    ]
    box = b"\n".join(line + m.as_bytes() for m in letters)
    found = sections(read("a.mbox", box))
    assert [heading for heading, _ in found] == ["Wheel 1", "Wheel 2"]
    assert "Paddle 2 was found." in found[1][1]


def test_letters_inside_letters_have_an_end() -> None:
    message = letter("The innermost.")
    for _ in range(30):
        outer = letter("Forwarded.")
        outer.add_attachment(message)
        message = outer
    assert "deeper than 3" in " ".join(read("a.eml", message.as_bytes()).notes)


def test_an_encrypted_mail_says_so() -> None:
    message = letter()
    message.replace_header("Content-Type", 'application/pkcs7-mime; smime-type="enveloped-data"')
    document = read("a.eml", message.as_bytes())
    assert "encrypted" in document.notes[0]


def test_a_saved_page_is_read() -> None:
    raw = (
        "MIME-Version: 1.0\nSubject: Minutes\nContent-Type: multipart/related; boundary=b\n"
        "Snapshot-Content-Location: http://a.example\n\n--b\nContent-Type: text/html\n"
        "Content-Transfer-Encoding: quoted-printable\n\n<h1>Caf=C3=A9</h1><p>Open.</p>\n"
        "--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n"
    )
    assert sections(read("a.mhtml", raw)) == [("Café", "Open.")]


def test_packed_rtf_is_unpacked() -> None:
    # The first example of [MS-OXRTFCP], section 4.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c64"
        "7d0a800fa0"
    )
    text = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack_rtf(packed) == text
    plain = struct.pack("<II4sI", len(text) + 12, len(text), b"MELA", 0) + text
    assert unpack_rtf(plain) == text
    with pytest.raises(DocumentUnreadable):
        unpack_rtf(b"short")


def test_a_damaged_outlook_message_says_so() -> None:
    with pytest.raises(DocumentUnreadable, match="Outlook message"):
        read("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
