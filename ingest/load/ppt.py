"""PowerPoint 97 to 2003 presentations (MS-PPT): the text of slides and of their notes.

Records have a header of eight bytes: version and instance, type, length (2.3.1). The stream holds
every state that was saved; the slides that count are those that the last edit lists (2.3.2 to 2.3.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.ole import container, stream_of, title_of

_KIND = "PowerPoint presentation"
_USER_EDIT = 0x0FF5
_LIST, _PERSIST = 0x0FF0, 0x03F3
_NOTES_ATOM = 0x03F1
_HEADER, _CHARS, _BYTES, _COMMENT_TEXT = 0x0F9F, 0x0FA0, 0x0FA8, 0x0FBA
_TEXT_BOX, _COMMENT = 0xF00D, 0x2EE0
_TITLE_TEXTS = (0, 6)
_ENCRYPTED_TOKEN = 0xF3D1C4DF
_SLIDES, _NOTES_LIST = 0, 2
_MAX_DEPTH = 30


class Record(NamedTuple):
    """A record: `body` is its content, or that of its records."""

    kind: int
    instance: int
    container: bool
    body: bytes


def load_ppt(content: bytes) -> LoadedDocument:
    """The text of a ppt, pps or pot file: each slide is a page, its title a heading.

    Raises:
        DocumentUnreadable: the file is damaged or needs a password.
        FormatUnsupported: it is no PowerPoint presentation.
    """
    with container(content, "PowerPoint Document", _KIND) as ole:
        if ole.exists("Current User"):
            user = stream_of(ole, "Current User", _KIND)
            token = struct.unpack_from("<I", user, 12)[0] if len(user) >= 20 else 0
            edit = struct.unpack_from("<I", user, 16)[0] if len(user) >= 20 else 0
        else:
            token = edit = 0
        if token == _ENCRYPTED_TOKEN:
            raise DocumentUnreadable(f"The {_KIND} needs a password.")
        stream = stream_of(ole, "PowerPoint Document", _KIND)
        builder = DocumentBuilder(title_of(ole))
    try:
        _read(stream, edit, builder)
    except (struct.error, IndexError, ValueError) as error:
        raise DocumentUnreadable(f"The {_KIND} is damaged: its slides can't be found.") from error
    return builder.build()


def _read(stream: bytes, edit: int, builder: DocumentBuilder) -> None:
    objects, document = _objects(stream, edit)
    root = _record(stream, objects[document])
    lists = {r.instance: r for r in _records(root.body) if r.kind == _LIST}
    slides = _entries(lists.get(_SLIDES))
    notes = _notes(stream, objects, _entries(lists.get(_NOTES_LIST)))
    for number, (reference, identifier, texts) in enumerate(slides, 1):
        builder.page(number)
        builder.leave()
        slide = _at(stream, objects.get(reference))
        if slide is None:
            builder.note(f"Slide {number} is missing or damaged.")
        drawn = list(_texts(slide.body, 0)) if slide else []
        _slide([*texts, *drawn], builder)
        for text in notes.get(identifier, ()):
            _blocks(text, builder)


def _slide(texts: list[tuple[int, str]], builder: DocumentBuilder) -> None:
    title = next((text for kind, text in texts if kind in _TITLE_TEXTS and text.strip()), "")
    builder.heading(1, title.replace("\x0b", " "))
    for kind, text in texts:
        if not (kind in _TITLE_TEXTS and text == title):
            _blocks(text, builder)


def _blocks(text: str, builder: DocumentBuilder) -> None:
    for line in text.replace("\x0b", "\n").split("\r"):
        if line.strip("* \n"):
            builder.block("".join(c for c in line if c >= " " or c in "\n\t"))


def _objects(stream: bytes, edit: int) -> tuple[dict[int, int], int]:
    """Offsets by object number, the newest first, and the number of the document."""
    objects: dict[int, int] = {}
    document, seen = 0, set[int]()
    while edit and edit not in seen:
        seen.add(edit)
        record = _record(stream, edit)
        if record.kind != _USER_EDIT:
            raise ValueError("not an edit")
        before, directory, number = struct.unpack_from("<3I", record.body, 8)
        document = document or number
        body = _record(stream, directory).body
        at = 0
        while at + 4 <= len(body):
            head = struct.unpack_from("<I", body, at)[0]
            first, count = head & 0xFFFFF, head >> 20
            for n, place in enumerate(struct.unpack_from(f"<{count}I", body, at + 4)):
                objects.setdefault(first + n, place)
            at += 4 + 4 * count
        edit = before
    if document not in objects:
        raise ValueError("no document")
    return objects, document


def _entries(record: Record | None) -> list[tuple[int, int, list[tuple[int, str]]]]:
    """`(object number, slide id, texts)` of each slide in a list (2.4.14.3)."""
    entries: list[tuple[int, int, list[tuple[int, str]]]] = []
    kind = -1
    for item in _records(record.body) if record else ():
        if item.kind == _PERSIST:
            reference, _, _, identifier = struct.unpack_from("<4I", item.body)
            entries.append((reference, identifier, []))
        elif item.kind == _HEADER:
            kind = struct.unpack_from("<I", item.body)[0]
        elif item.kind in (_CHARS, _BYTES) and entries:
            entries[-1][2].append((kind, _decoded(item)))
    return entries


def _notes(
    stream: bytes,
    objects: dict[int, int],
    entries: list[tuple[int, int, list[tuple[int, str]]]],
) -> dict[int, list[str]]:
    """The speaker's notes by the id of their slide."""
    found: dict[int, list[str]] = {}
    for reference, _, texts in entries:
        record = _at(stream, objects.get(reference))
        if record is None:
            continue
        atom = next((r for r in _records(record.body) if r.kind == _NOTES_ATOM), None)
        if atom is not None:
            slide = struct.unpack_from("<I", atom.body)[0]
            drawn = [*texts, *_texts(record.body, 0)]
            found.setdefault(slide, []).extend(text for _, text in drawn)
    return found


def _texts(body: bytes, depth: int) -> Iterator[tuple[int, str]]:
    """`(kind of text, text)` of the text boxes of a slide, in the order in which they were drawn."""
    kind = -1
    for record in _records(body):
        if record.kind == _HEADER:
            kind = struct.unpack_from("<I", record.body)[0]
        elif record.kind in (_CHARS, _BYTES):
            yield kind, _decoded(record)
        elif record.kind == _COMMENT:
            strings = [r for r in _records(record.body) if r.kind == _COMMENT_TEXT]
            yield -1, ": ".join(_decoded(string) for string in strings[:2])
        elif (record.container or record.kind == _TEXT_BOX) and depth < _MAX_DEPTH:
            yield from _texts(record.body, depth + 1)


def _decoded(record: Record) -> str:
    # A byte is the low byte of a UTF-16 code unit (2.9.43).
    return record.body.decode("latin-1" if record.kind == _BYTES else "utf-16-le", "replace")


def _at(stream: bytes, offset: int | None) -> Record | None:
    if offset is None or offset + 8 > len(stream):
        return None
    return _record(stream, offset)


def _record(stream: bytes, offset: int) -> Record:
    head, kind, length = struct.unpack_from("<HHI", stream, offset)
    body = stream[offset + 8 : offset + 8 + length]
    return Record(kind, head >> 4, head & 0xF == 0xF, body)


def _records(body: bytes) -> Iterator[Record]:
    at = 0
    while at + 8 <= len(body):
        record = _record(body, at)
        yield record
        at += 8 + struct.unpack_from("<I", body, at + 4)[0]
