"""Words in the headers of mail (RFC 2047), and what mailers make of them."""

from __future__ import annotations

import binascii
import quopri
import re
from email.header import Header, decode_header

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode

_ADJACENT = re.compile(r"=\?([^?*]+)(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")


def decoded(value: str | Header) -> str:
    """A header's words: encoded ones, raw 8-bit ones, and such as were cut inside a character."""
    text = "".join(
        part if isinstance(part, str) else _guessed(part)
        for part, _ in ([(value, None)] if isinstance(value, str) else decode_header(value))
    )
    raw = text.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _guessed(raw)
    if "=?" in text:
        text = re.sub(r"(\?=)\s+(?==\?)", r"\1", text)
        text = _encoded_words(text)
    return " ".join(text.split())


def _encoded_words(text: str) -> str:
    """Decode RFC 2047, joining neighbours of one encoding first: mailers cut inside characters."""
    out: list[str] = []
    held, charset, position = b"", "", 0
    for word in _ADJACENT.finditer(text):
        between = text[position : word.start()]
        if held and (between or word.group(1).lower() != charset):
            out.append(_guessed(held, charset))
            held = b""
        out.append(between)
        charset, position = word.group(1).lower(), word.end()
        held += _encoded_bytes(word.group(2).lower(), word.group(3))
    if held:
        out.append(_guessed(held, charset))
    return "".join([*out, text[position:]])


def _encoded_bytes(how: str, data: str) -> bytes:
    if how == "q":
        return quopri.decodestring(data.replace("_", " ").encode("utf-8", "replace"), header=True)
    try:
        return binascii.a2b_base64(data + "=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data.encode("utf-8", "replace")


def _guessed(content: bytes, declared: str = "") -> str:
    try:
        return decode(content, declared)
    except DocumentUnreadable:
        return content.decode("latin-1")
