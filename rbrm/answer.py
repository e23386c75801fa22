"""What is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.verdict import ResponseType
from text.language import language_of, reply_language
from text.sentences import Span, sentence_spans


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question, with the passages that it may rest on.

    `language` is that of the answer; `sentences` are spans in `text`.
    """

    question: str
    text: str
    passages: tuple[str, ...]
    language: str
    sentences: tuple[Span, ...]

    @classmethod
    def of(cls, question: str, text: str, passages: Sequence[str] = ()) -> Answer:
        """Read an answer: find its language (the question's where it has none) and sentences."""
        language = reply_language(text, default=reply_language(question))
        return cls(question, text, tuple(passages), language, tuple(sentence_spans(text)))

    def part(self, language: str) -> str:
        """What of the answer is written in a language: an answer may change it in the middle."""
        own = [s for s in self.sentence_texts() if language_of(s) == language]
        return self.text if len(own) == len(self.sentences) else "\n".join(own)

    def sentence_texts(self) -> list[str]:
        """The sentences as strings."""
        return [self.text[start:end] for start, end in self.sentences]


@dataclass(frozen=True, slots=True)
class Question:
    """What all answers of one batch answer; `response_type` None means that nobody said."""

    text: str
    passages: tuple[str, ...] = ()
    response_type: ResponseType | None = None
    documents_hold_answer: bool | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """A grader's opinion on one proposition: a probability and the sentence that caused it."""

    probability: float
    evidence: str = ""
