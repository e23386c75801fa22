"""Documents inside documents: members of archives, attachments of mails, chapters of books."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument

MAX_DEPTH = 3
MAX_MEMBERS = 1000
MAX_BYTES = 512 * 1024 * 1024

# More notes than this about one file help nobody.
_MAX_NOTES = 20


class Inside:
    """Reads what is inside a file through the same loaders, within bounds for the whole file.

    The bounds hold for everything below the outermost file together: a zip of zips of zips can't
    multiply them.
    """

    def __init__(self, load: Callable[[str, bytes, Inside], LoadedDocument]) -> None:
        self._load = load
        self._depth = 0
        self._members = 0
        self._notes = 0
        self._bytes = MAX_BYTES

    def admit(self, size: int) -> None:
        """Count a member of `size` bytes.

        Raises:
            DocumentUnreadable: it would be one too many, or too large.
        """
        if self._members >= MAX_MEMBERS:
            raise DocumentUnreadable(
                f"It holds more than {MAX_MEMBERS} files; unpack it, and ingest the folder."
            )
        if size > self._bytes:
            raise DocumentUnreadable(
                f"Unpacked it has more than {MAX_BYTES // 2**20} MB; unpack it, and ingest the "
                "folder."
            )
        self._members += 1
        self._bytes -= size

    def read(self, name: str, content: bytes) -> LoadedDocument:
        """Load one member.

        Raises:
            DocumentUnreadable: as the loader says, or it lies too deep.
        """
        if self._depth >= MAX_DEPTH:
            raise DocumentUnreadable(f"It lies deeper than {MAX_DEPTH} files inside one another.")
        self._depth += 1
        try:
            return self._load(PurePosixPath(name).name or name, content, self)
        except (MemoryError, DocumentUnreadable):
            raise
        except Exception as error:  # one member's parser must not cost the others
            raise DocumentUnreadable(f"The parser failed: {type(error).__name__}.") from error
        finally:
            self._depth -= 1

    def add(self, builder: DocumentBuilder, name: str, content: bytes, level: int = 1) -> bool:
        """Add a member as a section headed by its name, or note why it can't be read."""
        try:
            document = self.read(name, content)
        except DocumentUnreadable as error:
            self.note(builder, name, error.message)
            return False
        if not document.text.strip():
            self.note(builder, name, " ".join(document.notes) or "There is no text in it.")
            return False
        builder.heading(level, name)
        builder.embed(document)
        for note in document.notes:
            self.note(builder, name, note)
        return True

    def note(self, builder: DocumentBuilder, name: str, reason: str) -> None:
        """Say what of a member is not in the text; the first twenty times."""
        self._notes += 1
        if self._notes <= _MAX_NOTES:
            builder.note(f"{name}: {reason}")
        elif self._notes == _MAX_NOTES + 1:
            builder.note("There are more files in it that could not be read in whole.")
