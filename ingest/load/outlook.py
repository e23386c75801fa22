"""Messages of Outlook ([MS-OXMSG]): subject, people, body and attachments.

A message is an OLE file with a stream for each property. They are read here as bytes and decoded by
the rules for any text: what a message says of its own encoding is often wrong.
"""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta

import olefile

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.html import declared_charset, read_html
from ingest.load.inside import Inside
from ingest.load.packed_rtf import unpack_rtf

# Property identifiers of [MS-OXPROPS].
_SUBJECT, _BODY, _HTML, _RTF = "0037", "1000", "1013", "1009"
_SENDER, _SENDER_ADDRESS, _TO, _CC = "0C1A", "5D01", "0E04", "0E03"
_DATA, _LONG_NAME, _NAME, _DISPLAY_NAME = "3701", "3707", "3704", "3001"
_SENT = (0x00390040, 0x0E060040)
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_MAX_DEPTH = 3


def load_msg(content: bytes, inside: Inside) -> LoadedDocument:
    """One message; attachments are read by the loaders of their kinds, each a section.

    Raises:
        DocumentUnreadable: the file is damaged.
    """
    builder = DocumentBuilder()
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            _Message(file, [], builder, inside).read(1)
    except (OSError, KeyError, ValueError, struct.error, IndexError) as error:
        raise DocumentUnreadable(
            "The Outlook message can't be opened: it is damaged or cut off."
        ) from error
    return builder.build()


class _Message:
    """The message below `path` in the file: the whole one, or one that is attached."""

    def __init__(
        self, file: olefile.OleFileIO, path: list[str], builder: DocumentBuilder, inside: Inside
    ) -> None:
        self._file, self._path = file, path
        self._builder, self._inside = builder, inside

    def read(self, level: int) -> None:
        """Headers, body, and then the attachments as sections."""
        builder, subject = self._builder, self._text(_SUBJECT)
        builder.title = builder.title or subject
        people = f"{self._text(_SENDER)} {self._angled(self._text(_SENDER_ADDRESS))}".strip()
        values = (
            ("From", people),
            ("To", self._text(_TO)),
            ("Cc", self._text(_CC)),
            ("Date", self._sent()),
            ("Subject", subject),
        )
        builder.block("\n".join(f"{name}: {value}" for name, value in values if value))
        self._body()
        for name in self._attachments():
            self._attachment(name, level)

    @staticmethod
    def _angled(address: str) -> str:
        return f"<{address}>" if "@" in address else ""

    def _body(self) -> None:
        plain = self._text(_BODY, lines=True)
        if plain.strip():
            for paragraph in plain.replace("\r\n", "\n").split("\n\n"):
                self._builder.block(paragraph)
            return
        page = self._text(_HTML, lines=True)
        if page.strip():
            title, self._builder.title = self._builder.title, "-"
            read_html(page, self._builder)
            self._builder.title = title
            return
        packed = self._stream([f"__substg1.0_{_RTF}0102"])
        if packed:
            document = self._inside.read("body.rtf", unpack_rtf(packed))
            self._builder.embed(document)

    def _attachments(self) -> list[str]:
        here = len(self._path)
        names = {
            entry[here]
            for entry in self._file.listdir(streams=True, storages=False)
            if entry[:here] == self._path and len(entry) > here + 1
        }
        return sorted(name for name in names if name.lower().startswith("__attach_version1.0"))

    def _attachment(self, storage: str, level: int) -> None:
        inside, builder = self._inside, self._builder
        part = _Message(self._file, [*self._path, storage], builder, inside)
        name = part._text(_LONG_NAME) or part._text(_NAME) or part._text(_DISPLAY_NAME)
        name = name.replace("\\", "/").rsplit("/", 1)[-1] or "Attachment"
        data = part._stream([f"__substg1.0_{_DATA}0102"])
        if data:
            try:
                inside.admit(len(data))
            except DocumentUnreadable as error:
                inside.note(builder, name, error.message)
                return
            inside.add(builder, name, data, level)
            return
        message = [*part._path, f"__substg1.0_{_DATA}000D"]
        if self._file.exists([*message, "__properties_version1.0"]) and level <= _MAX_DEPTH:
            builder.heading(level, name)
            _Message(self._file, message, builder, inside).read(level + 1)
            return
        inside.note(builder, name, "It is a link to a file elsewhere, or an object of Office.")

    def _stream(self, path: list[str]) -> bytes:
        path = [*self._path, *path]
        return self._file.openstream(path).read() if self._file.exists(path) else b""

    def _text(self, property_id: str, *, lines: bool = False) -> str:
        wide = self._stream([f"__substg1.0_{property_id}001F"])
        if wide:
            text = wide.decode("utf-16-le", "replace")
        else:
            raw = self._stream([f"__substg1.0_{property_id}001E"])
            raw = raw or self._stream([f"__substg1.0_{property_id}0102"])
            text = decode(raw, declared_charset(raw)) if raw else ""
        text = text.replace("\0", "")
        return text if lines else " ".join(text.split())

    def _sent(self) -> str:
        content = self._stream(["__properties_version1.0"])
        # The header has 32 bytes in the outer message, 24 in an attached one.
        start = 24 if self._path else 32
        for tag in _SENT:
            for at in range(start, len(content) - 15, 16):
                found, _, ticks = struct.unpack_from("<IIQ", content, at)
                if found == tag and ticks < 2**62:
                    try:
                        moment = _EPOCH + timedelta(microseconds=ticks // 10)
                    except OverflowError:
                        continue
                    return moment.strftime("%Y-%m-%d %H:%M UTC")
        return ""
