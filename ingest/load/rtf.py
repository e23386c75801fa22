"""Rich Text Format (specification 1.9.1): text, tables, notes and text boxes in any code page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from contract.errors import DocumentUnreadable
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.rtf_words import (
    ASIDES,
    KEPT,
    LITERAL,
    SKIPPED,
    SYMBOLS,
    TOKEN,
    code_page,
    decoded,
    fonts,
    style_levels,
)

_MAX_DEPTH = 10_000


def load_rtf(content: bytes) -> LoadedDocument:
    """The text of an RTF file. Headers and footers are given once; deleted and hidden text is out.

    Raises:
        DocumentUnreadable: the file is no RTF, or its groups are nested without end.
    """
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n\x00").startswith(b"{\\rt"):
        raise DocumentUnreadable("It is not RTF: it does not begin as RTF does.")
    reader = _Reader(content.decode("latin-1"))
    reader.read()
    return reader.builder.build()


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and gives back at its end."""

    font: str = ""
    skip: bool = False
    hidden: bool = False
    ahead: int = 1


@dataclass(slots=True)
class _Flow:
    """Text of the body, or of a note beside it, that is not yet a block."""

    name: str = ""
    depth: int = 0
    parts: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    in_table: bool = False
    level: int | None = None
    done: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self, source: str) -> None:
        self.builder = DocumentBuilder()
        self._source = source
        self._page = "cp1252"
        self._fonts = fonts(source)
        self._levels = style_levels(source)
        self._state = _State()
        self._stack: list[_State] = []
        self._flows = [_Flow()]
        self._bytes = bytearray()
        self._left = 0
        self._star = False
        self._seen: set[str] = set()

    def read(self) -> None:
        position, end, opened = 0, len(self._source), False
        while position < end:
            token = TOKEN.match(self._source, position)
            if token is None:
                break
            position = token.end()
            word, number, byte, symbol, brace, text = token.groups()
            if word == "bin":
                position += max(0, int(number or 0))
            elif byte is not None:
                self._literal(bytes([int(byte, 16)]))
            elif text is not None:
                self._literal(text.encode("latin-1"))
            elif brace is not None:
                opened = True
                self._brace(brace)
                if not self._stack:
                    break
            else:
                self._flush()
                if word is not None:
                    self._word(word, number)
                elif symbol is not None:
                    self._symbol(symbol)
        self._finish(opened and not self._stack)

    def _finish(self, whole: bool) -> None:
        self._flush()
        while len(self._flows) > 1:
            self._close_aside()
        self._paragraph()
        self._end_table()
        if not whole:
            self.builder.note("The RTF file is cut short; what followed is missing.")

    def _brace(self, brace: str) -> None:
        self._flush()
        self._left = 0
        self._star = False
        if brace == "{":
            if len(self._stack) > _MAX_DEPTH:
                raise DocumentUnreadable("The RTF file is damaged: its groups never end.")
            self._stack.append(self._state)
            return
        if self._stack:
            if len(self._flows) > 1 and self._flows[-1].depth == len(self._stack):
                self._close_aside()
            self._state = self._stack.pop()

    def _literal(self, content: bytes) -> None:
        skipped = min(self._left, len(content))
        self._left -= skipped
        if not self._state.skip and not self._state.hidden:
            self._bytes += content[skipped:]

    def _flush(self) -> None:
        if self._bytes:
            text = decoded(bytes(self._bytes), self._fonts.get(self._state.font), self._page)
            self._flows[-1].parts.append(text)
            self._bytes.clear()

    def _add(self, text: str) -> None:
        if not self._state.skip and not self._state.hidden:
            self._flows[-1].parts.append(text)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._star = True
        elif symbol in "\r\n":
            self._word("par", None)
        elif self._left:
            self._left -= 1
        else:
            self._add(SYMBOLS.get(symbol, ""))

    def _word(self, word: str, number: str | None) -> None:
        star, self._star = self._star, False
        value = int(number) if number else 0
        if word == "ud":
            self._state = replace(self._state, skip=False)
        elif word in SKIPPED or star and word not in KEPT:
            self._state = replace(self._state, skip=True)
        elif word == "u" and number:
            self._add(chr(value % 0x10000))
            self._left = self._state.ahead
        elif self._left and word not in ("par", "cell", "row"):
            self._left -= 1
        elif word in ASIDES and not self._state.skip:
            self._flows.append(_Flow(word, len(self._stack)))
        elif word in LITERAL:
            self._add(LITERAL[word])
        elif not self._state.skip:
            self._structure(word, number, value)

    def _structure(self, word: str, number: str | None, value: int) -> None:
        flow = self._flows[-1]
        if word in ("par", "sect", "page"):
            self._paragraph()
        elif word == "cell":
            flow.cells.append("\n".join([*flow.done, "".join(flow.parts)]))
            flow.parts, flow.done = [], []
        elif word == "row":
            flow.rows.append([_whole(cell) for cell in flow.cells])
            flow.cells = []
        elif word in ("pard", "intbl", "trowd"):
            flow.in_table = word != "pard"
            flow.level = None if word == "pard" else flow.level
        elif word == "s":
            flow.level = self._levels.get(number or "")
        elif word == "outlinelevel":
            flow.level = value + 1 if value < 9 else None
        else:
            self._character(word, number, value)

    def _character(self, word: str, number: str | None, value: int) -> None:
        if word == "f":
            self._state = replace(self._state, font=number or "")
        elif word == "uc":
            self._state = replace(self._state, ahead=max(0, value))
        elif word in ("v", "deleted"):
            self._state = replace(self._state, hidden=number != "0")
        elif word == "plain":
            self._state = replace(self._state, hidden=False)
        elif word == "ansicpg":
            self._page = code_page(number or "")
        elif word == "mac":
            self._page = "mac_roman"

    def _paragraph(self) -> None:
        flow = self._flows[-1]
        text = _whole("".join(flow.parts)).strip()
        flow.parts = []
        if flow.name or flow.in_table:
            flow.done.append(text)
            return
        if text or flow.done:
            self._end_table()
        for line in flow.done:
            self.builder.block(line)
        flow.done = []
        if flow.level is not None and text:
            self.builder.heading(flow.level, text)
        else:
            self.builder.block(text)

    def _end_table(self) -> None:
        flow = self._flows[-1]
        if flow.cells:
            flow.rows.append([_whole(cell) for cell in flow.cells])
        if flow.rows:
            self.builder.table([row for row in flow.rows if any(c.strip() for c in row)])
        flow.rows, flow.cells = [], []

    def _close_aside(self) -> None:
        """A note, a header or a text box is over: it stands in the text, before what goes on."""
        flow = self._flows[-1]
        self._paragraph()
        self._flows.pop()
        lines = [*(" | ".join(filter(None, row)) for row in flow.rows), *flow.done]
        text = "\n".join(line for line in lines if line)
        if flow.name.startswith(("header", "footer")):
            if text in self._seen or not any(c.isalpha() for c in text):
                return
            self._seen.add(text)
        if text and self._flows[-1].name == "":
            self.builder.block(text)
        elif text:
            self._flows[-1].done.append(text)


def _whole(text: str) -> str:
    """Characters beyond the basic plane come as two halves; halves alone are dropped."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
