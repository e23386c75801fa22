"""Bytes become text, whatever they were written in."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from contract.errors import DocumentUnreadable
from text.language import HAN

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HAS_HAN = re.compile(f"[{HAN}]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")

# More control characters than this and it is no text, whatever its name says.
_MAX_CONTROL_SHARE = 0.01


def decode(content: bytes) -> str:
    """Decode by byte-order mark, else as UTF-8, else by statistics.

    Raises:
        DocumentUnreadable: the bytes are not text in any encoding that fits.
    """
    text = _decode(content)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise DocumentUnreadable("It is not text: it holds many control characters.")
    return text


def _decode(content: bytes) -> str:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _strict(content, name)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(content)


def _guess(content: bytes) -> str:
    best = from_bytes(content).best()
    text = str(best) if best else ""
    # Curly quotes and the euro sign of Windows' western code page are often taken for another one.
    if not _HAS_HAN.search(text) and any(0x80 <= byte <= 0x9F for byte in content):
        try:
            return content.decode("cp1252")
        except UnicodeDecodeError:
            pass
    if best is None:
        raise DocumentUnreadable("Its character encoding can't be recognised.")
    return text


def _strict(content: bytes, name: str) -> str:
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(
            f"It says that it is {name}, but is not: {error.reason}."
        ) from error
