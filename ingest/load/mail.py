"""Mail: headers, body and attachments of one message, of a mailbox, or of a saved web page."""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.html import declared_charset, read_html
from ingest.load.inside import Inside
from ingest.load.mail_header import decoded

# The headers are read raw, and decoded here: the newer policies raise on what real mail holds.
_POLICY = policy.compat32.clone(max_line_length=None)
_SHOWN = (
    ("From", "发件人"),
    ("To", "收件人"),
    ("Cc", "抄送"),
    ("Date", "日期"),
    ("Subject", "主题"),
)
_FROM = re.compile(rb"^From (?=\S*.*(?:\d{2}:\d{2}|\d{4}|- ))", re.MULTILINE)
_BOUNDARY = re.compile(rb"^--([^\s-][^\r\n]{0,200}?)(?:--)?[ \t]*\r?$", re.MULTILINE)
_MAX_MESSAGES = 100_000
_MAX_PARTS = 500


def load_eml(content: bytes, inside: Inside) -> LoadedDocument:
    """One message. Attachments are read by the loaders of their kinds, each a section.

    Raises:
        DocumentUnreadable: there is no message in it.
        FormatUnsupported: it is encrypted.
    """
    builder = DocumentBuilder()
    _Letter(builder, inside).read(_parse(content), 1)
    return builder.build()


def load_mbox(content: bytes, inside: Inside) -> LoadedDocument:
    """A mailbox: each message is a section headed by its subject."""
    starts = [found.start() for found in _FROM.finditer(content) if _begins(content, found.start())]
    builder = DocumentBuilder("-")
    for number, start in enumerate(starts[:_MAX_MESSAGES]):
        end = starts[number + 1] if number + 1 < len(starts) else len(content)
        _, _, letter = content[start:end].partition(b"\n")
        letter = re.sub(rb"^>(>*From )", rb"\1", letter, flags=re.MULTILINE)
        message = _parse(letter)
        builder.heading(1, _header(message, "Subject") or f"Message {number + 1}")
        try:
            _Letter(builder, inside).read(message, 2)
        except DocumentUnreadable as error:
            inside.note(builder, f"Message {number + 1}", error.message)
    if len(starts) > _MAX_MESSAGES:
        builder.note(f"The mailbox has {len(starts)} messages; {_MAX_MESSAGES} were read.")
    builder.title = ""
    return builder.build()


def load_mhtml(content: bytes) -> LoadedDocument:
    """A web page that a browser or Word saved as one file.

    Raises:
        DocumentUnreadable: there is no page in it.
    """
    builder = DocumentBuilder()
    message = _parse(content)
    for part in message.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            read_html(_words(part), builder)
            builder.title = builder.title or _header(message, "Subject")
            return builder.build()
    raise DocumentUnreadable("The saved web page holds no page: it is damaged or cut off.")


def _begins(content: bytes, at: int) -> bool:
    """A line `From …` begins a message at the start, or after a blank line and before a header."""
    if (
        at
        and content[max(0, at - 2) : at] not in (b"\n\n", b"\r\n")
        and content[at - 1 : at] != b"\n"
    ):
        return False
    if at and not content[max(0, at - 4) : at].endswith((b"\n\n", b"\n\r\n")):
        return False
    following = content[content.find(b"\n", at) + 1 :][:200]
    return re.match(rb"[A-Za-z][\w-]*:", following) is not None


def _parse(content: bytes) -> Message:
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    message = BytesParser(policy=_POLICY).parsebytes(content)
    boundary = message.get_boundary()
    if boundary and not message.is_multipart():
        # The header names another boundary than the body uses: the body is right.
        _, _, body = content.partition(b"\n\n" if b"\n\n" in content else b"\r\n\r\n")
        found = _BOUNDARY.search(body)
        if found:
            head = content[: len(content) - len(body)].replace(boundary.encode(), found.group(1))
            message = BytesParser(policy=_POLICY).parsebytes(head + body)
    return message


class _Letter:
    """Writes one message into a document."""

    def __init__(self, builder: DocumentBuilder, inside: Inside) -> None:
        self._builder = builder
        self._inside = inside

    def read(self, message: Message, level: int) -> None:
        """Headers, body, and then the attachments as sections."""
        builder = self._builder
        lines = [f"{name}: {v}" for name, _ in _SHOWN if (v := _header(message, name))]
        builder.title = builder.title or _header(message, "Subject")
        kind = message.get_content_type()
        if kind == "multipart/encrypted" or (
            "pkcs7-mime" in kind and "signed" not in str(message.get_param("smime-type", ""))
        ):
            if not lines:
                raise FormatUnsupported("The mail is encrypted; decrypt it first.")
            builder.note("The mail is encrypted: only its headers could be read.")
            builder.block("\n".join(lines))
            return
        builder.block("\n".join(lines))
        parts = list(_parts(message))
        body = _body(parts)
        for part in body:
            self._text(part)
        for number, part in enumerate(p for p in parts if p not in body and _is_attached(p)):
            self._attachment(part, number + 1, level)

    def _text(self, part: Message) -> None:
        words = _words(part)
        if part.get_content_type() == "text/html":
            title = self._builder.title
            self._builder.title = title or "-"
            read_html(words, self._builder)
            self._builder.title = title
            return
        for paragraph in re.split(r"\n[ \t]*\r?\n", words):
            self._builder.block(paragraph)

    def _attachment(self, part: Message, number: int, level: int) -> None:
        builder, inside = self._builder, self._inside
        name = _file_name(part) or f"Attachment {number}"
        try:
            if part.get_content_type() == "message/rfc822":
                content = _nested(part)
                name = name if name.lower().endswith(".eml") else f"{name}.eml"
            else:
                content = _bytes(part)
            inside.admit(len(content))
        except DocumentUnreadable as error:
            inside.note(builder, name, error.message)
            return
        inside.add(builder, name, content, level)


def _parts(message: Message) -> Iterator[Message]:
    """The leaves of a message; another message inside it is one leaf."""
    stack, seen = [message], 0
    while stack and seen < _MAX_PARTS:
        part = stack.pop()
        seen += 1
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and part is not message:
            yield part
        elif part.is_multipart() and isinstance(payload, list):
            stack.extend(p for p in reversed(payload) if isinstance(p, Message))
        else:
            yield part


def _is_attached(part: Message) -> bool:
    """Whether a part is more than a picture in the text or a signature."""
    kind = part.get_content_type()
    if kind in ("application/pgp-signature", "application/pkcs7-signature", "text/calendar"):
        return False
    disposition = part.get_content_disposition()
    if part.get("Content-ID") and kind.startswith("image/") and disposition != "attachment":
        return False
    return not (kind.startswith("text/") and not _file_name(part) and disposition != "attachment")


def _body(parts: list[Message]) -> list[Message]:
    """The parts that are read as the message: plain text if there is any, else HTML."""
    texts = [
        part
        for part in parts
        if part.get_content_disposition() != "attachment"
        and not _file_name(part)
        and part.get_content_maintype() == "text"
    ]
    plain = [p for p in texts if p.get_content_type() != "text/html" and _words(p).strip()]
    rich = [p for p in texts if p.get_content_type() == "text/html"]
    # A plain part that only says "see the HTML" is not the message.
    if rich and sum(len(_words(p)) for p in plain) < 200 < sum(len(_words(p)) for p in rich) / 20:
        return rich
    return plain or rich


def _bytes(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error):
        payload = None
    if not isinstance(payload, bytes):
        raise DocumentUnreadable("It can't be decoded: it is damaged or cut off.")
    return payload


def _words(part: Message) -> str:
    """The text of a part, in the encoding that its bytes are really in."""
    content = _bytes(part)
    if part.get("Content-Transfer-Encoding", "").strip().lower() == "quoted-printable":
        content = content if isinstance(content, bytes) else quopri.decodestring(content)
    declared = str(part.get_content_charset() or "")
    if part.get_content_type() == "text/html":
        declared = declared or declared_charset(content)
    try:
        return decode(content, declared)
    except DocumentUnreadable:
        return content.decode("latin-1")


def _nested(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list) and payload and hasattr(payload[0], "as_bytes"):
        try:
            return bytes(payload[0].as_bytes())
        except (ValueError, LookupError, AttributeError, KeyError) as error:
            raise DocumentUnreadable("The message can't be taken out: it is damaged.") from error
    return _bytes(part)


def _file_name(part: Message) -> str:
    return decoded(part.get_filename() or "").replace("\\", "/").rsplit("/", 1)[-1]


def _header(message: Message, name: str) -> str:
    value = message.get(name)
    return decoded(value) if value is not None else ""
