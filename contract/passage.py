"""What retrieval gives to the prompt, the policy and the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.filters import Attribute

Vector = npt.NDArray[np.float32]

# A passage of a prompt stands between lines with these marks, which its own text can't hold.
OPEN, CLOSE = "<<<", ">>>"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one document as it was split: `text` is `source[start:end]`, in code points."""

    id: int
    document_id: str
    document: str
    title: str
    ordinal: int
    start: int
    end: int
    page: int | None
    heading: str
    text: str
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document of the index, as it is listed. Times are seconds since 1970, `chars` code points;
    `labels` say who may see it (contract/access.py)."""

    id: str
    collection: str
    path: str
    title: str
    status: str
    reason: str
    chars: int
    chunks: int
    labels: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    modified: float
    ingested: float


@dataclass(frozen=True, slots=True)
class Source:
    """A document as an index holds it: what it was made from, who may see it, and its chunks in order."""

    content_hash: str
    collection: str
    labels: tuple[str, ...]
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Documents of an index by their ids; those that it does not hold are not in it. `newest` is false while a
    newer version of the index is there and can't be read yet."""

    newest: bool
    documents: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked chunk. Scores compare within one query only."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; `vector` has unit length, or is None where none was stored."""

    text: str
    start: int
    end: int
    vector: Vector | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered piece of evidence in the prompt: one chunk, or neighbouring chunks joined."""

    number: int
    document_id: str
    document: str
    title: str
    heading: str
    page: int | None
    ordinal: int
    start: int
    end: int
    text: str
    score: float
    sentences: tuple[Sentence, ...] = field(default=(), repr=False)
    labels: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where the source can be read; also the `url` of a citation."""
        return f"/v1/documents/{self.document_id}#{self.ordinal}"

    def to_wire(self) -> dict[str, Any]:
        """The passage as it stands in `plumbline.passages`."""
        return {
            "number": self.number,
            "document_id": self.document_id,
            "document": self.document,
            "title": self.title,
            "heading": self.heading,
            "page": self.page,
            "chunk": self.ordinal,
            "start": self.start,
            "end": self.end,
            "url": self.url,
            "score": round(self.score, 6),
            "text": self.text,
        }

    @classmethod
    def of_wire(cls, wire: Mapping[str, Any]) -> Passage:
        """The passage that `to_wire` wrote; a logged one may hold fewer fields."""
        return cls(
            number=int(wire.get("number") or 0),
            document_id=str(wire.get("document_id") or ""),
            document=str(wire.get("document") or ""),
            title=str(wire.get("title") or ""),
            heading=str(wire.get("heading") or ""),
            page=wire.get("page"),
            ordinal=int(wire.get("chunk") or 0),
            start=int(wire.get("start") or 0),
            end=int(wire.get("end") or 0),
            text=str(wire["text"]),
            score=float(wire.get("score") or 0.0),
        )


class Once:
    """A number that is worked out when it is first asked for; `found` is None until then."""

    def __init__(self, work: Callable[[], float]) -> None:
        self._work = work
        self.found: float | None = None

    def __call__(self) -> float:
        if self.found is None:
            self.found = self._work()
        return self.found


def _no_support() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that retrieval found for one question.

    `term_weights` maps each content term of the question to its rarity (idf) in the collection;
    `question_vector` is None where the encoder does not know the question's language; `support()` is
    the probability that the passages hold an answer, found out when it is first asked for, since few
    answers depend on it. `searched` is the question with what it refers
    to; `definitions` are the lines of the glossary that it touches.
    """

    question: str
    language: str
    passages: tuple[Passage, ...] = ()
    term_weights: Mapping[str, float] = field(default_factory=dict)
    question_vector: Vector | None = field(default=None, compare=False, repr=False)
    support: Callable[[], float] = field(default=_no_support, compare=False, repr=False)
    index_version: str = ""
    searched: str = ""
    definitions: tuple[str, ...] = ()
