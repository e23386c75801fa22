"""OLE containers, in which Office 97 to 2003 kept its files (MS-CFB), by olefile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import olefile

from contract.errors import DocumentUnreadable, FormatUnsupported

# Streams that tell what a container holds, and what people call that.
_KINDS = {
    "worddocument": "Word document",
    "powerpoint document": "PowerPoint presentation",
    "workbook": "Excel workbook",
    "book": "Excel workbook",
    "__properties_version1.0": "Outlook message",
    "visiodocument": "Visio drawing",
    "fileheader": "Hangul document",
    "contents": "Publisher or Works file",
    "matost": "Works document",
}


@contextmanager
def container(content: bytes, stream: str, kind: str) -> Iterator[olefile.OleFileIO]:
    """The container, when it holds `stream`.

    Raises:
        DocumentUnreadable: it is damaged, needs a password, or is no OLE container.
        FormatUnsupported: it is a container of another kind of file.
    """
    try:
        ole = olefile.OleFileIO(io.BytesIO(content))
    except (OSError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise DocumentUnreadable(
            f"The {kind} can't be opened: it is damaged, cut short, or something else."
        ) from error
    try:
        names = {"/".join(path).lower() for path in ole.listdir()}
        if "encryptedpackage" in names or "encryptedsummary" in names:
            raise DocumentUnreadable(f"The {kind} needs a password.")
        if stream.lower() not in names:
            found = next((_KINDS[name] for name in _KINDS if name in names), None)
            raise FormatUnsupported(
                f"It is not a {kind}, but a {found}." if found else f"It holds no {kind}."
            )
        yield ole
    finally:
        ole.close()


def stream_of(ole: olefile.OleFileIO, name: str, kind: str) -> bytes:
    """The bytes of a stream.

    Raises:
        DocumentUnreadable: the stream is missing or cut short.
    """
    try:
        content: bytes = ole.openstream(name).read()
    except (OSError, ValueError, IndexError) as error:
        raise DocumentUnreadable(f"The {kind} is damaged: {name} can't be read.") from error
    return content


def title_of(ole: olefile.OleFileIO) -> str:
    """The title in the document's properties, or nothing."""
    try:
        properties = ole.get_metadata()
        page = properties.codepage or 1252
        title = properties.title or b""
        if isinstance(title, str):
            return title.strip()
        codec = "utf-8" if page in (65001, -535) else f"cp{page % 65536}"
        return str(title.decode(codec, "replace")).strip("\x00 ")
    except (OSError, ValueError, LookupError, IndexError, TypeError, AttributeError):
        return ""
