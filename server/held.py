"""A growing text, and where it may be cut: at sentence ends, or at line ends where there are none."""

from __future__ import annotations

import re

from text.sentences import sentence_spans

# Longer than this no text without a sentence end is held back; it is cut at the end of a line or clause.
_MOST_HELD = 400
# From this length on complete lines go out by themselves (code, tables).
_LINES = 120

_CLAUSE_END = re.compile(r"[，、；：,;:](?=\s|[\u3400-\u9fff])|\s(?=\S)")
# A citation mark that has begun and may go on.
_OPEN_MARK = re.compile(r"[\[【][\d\s,，、–-]*$")


class Held:
    """Text that is let out from its beginning.

    Attributes:
        all: everything that was written.
        out: how many characters of it were let out.
    """

    def __init__(self) -> None:
        self.all = ""
        self.out = 0
        self._doubted = 0

    def add(self, text: str) -> None:
        """Append what was written since."""
        self.all += text

    def ready(self) -> list[int]:
        """Offsets up to which the text may be judged and let out, in order; each ends a sentence, behind
        which something else has begun already, so that nothing written later can change where it ends."""
        held = self.all[self.out :]
        if not held.strip():
            return []
        ends = [end for _, end in sentence_spans(held)[:-1]]
        rest = held[ends[-1] if ends else 0 :]
        if (cut := _cut(rest)) is not None:
            ends.append(len(held) - len(rest) + cut)
        return [self.out + end for end in ends if not _goes_on(self._line(self.out + end))]

    def batches(self, most: int) -> list[list[int]]:
        """What is ready, in groups to be judged together. What was doubted is judged with all that came
        since, and not before something did."""
        ready = self.ready()
        if self._doubted:
            return [ready[-1:]] if ready and ready[-1] > self._doubted else []
        return [ready[first : first + most] for first in range(0, len(ready), most)]

    def unguarded(self) -> int:
        """Offset up to which the text may go out where nobody judges it: all but a citation mark that may
        go on and the blank before it. Code and JSON, in which marks read otherwise, go out by sentence."""
        if "`" in self.all or self.all.lstrip()[:1] in ("{", "["):
            return max([self.out, *self.ready()])
        rest = self.all[self.out :]
        return self.out + len(_OPEN_MARK.sub("", rest).rstrip())

    def let_out(self, end: int) -> None:
        """The text has gone out up to an offset."""
        self.out, self._doubted = end, 0

    def doubt(self, end: int) -> None:
        """The text up to an offset may turn out to break a rule; it stays."""
        self._doubted = end

    def _line(self, end: int) -> str:
        """The line that ends at an offset, as far as it goes."""
        return self.all[self.all.rfind("\n", 0, end) + 1 : end]


def _goes_on(line: str) -> bool:
    """Does a line end inside a citation mark or inline code? Both are read whole or not at all."""
    return bool(_OPEN_MARK.search(line)) or line.replace("```", "").count("`") % 2 == 1


def _cut(rest: str) -> int | None:
    """Where to cut text without a sentence end, if it is long enough to be cut."""
    if len(rest) >= _LINES and "\n" in rest.rstrip("\n"):
        cut = rest.rstrip("\n").rfind("\n")
        if rest[:cut].strip():
            return cut
    if len(rest) < _MOST_HELD:
        return None
    clauses = [match.end() for match in _CLAUSE_END.finditer(rest, 0, _MOST_HELD)]
    return clauses[-1] if clauses else _MOST_HELD
