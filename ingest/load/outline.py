"""Texts that keep their own lines: sections are cut where headings stand."""

from __future__ import annotations

from ingest.load.document import LoadedDocument, Section
from text.tables import STEP


class Outline:
    """Collects lines as they are; a heading's line stays in the text, outside of all sections."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self._parts: list[str] = []
        self._length = 0
        self._start = 0
        self._path: list[tuple[int, str]] = []
        self._sections: list[Section] = []
        self._filled = False

    def line(self, text: str) -> None:
        """Add a line, with its end."""
        self._parts.append(text)
        self._length += len(text)
        self._filled = self._filled or not text.isspace()

    def heading(self, level: int, text: str, lines: str, *, title: bool = True) -> None:
        """A heading that is written as `lines`; with `title`, the first one names the document."""
        self._close()
        text = " ".join(text.split())
        if text:
            self._path = [step for step in self._path if step[0] < level] + [(level, text)]
        self.title = self.title or (text if title else "")
        self._parts.append(lines)
        self._length += len(lines)
        self._start = self._length

    def skip(self, lines: str) -> None:
        """Lines that stay in the text, but in no section."""
        self.heading(99, "", lines)

    def build(self, notes: tuple[str, ...] = ()) -> LoadedDocument:
        """The document."""
        self._close()
        return LoadedDocument("".join(self._parts), self.title, tuple(self._sections), notes)

    def _close(self) -> None:
        if self._filled:
            heading = STEP.join(text for _, text in self._path)
            self._sections.append(Section(self._start, self._length, heading))
        self._start, self._filled = self._length, False
