"""What is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.verdict import ResponseType
from text.language import language_of, reply_language
from text.sentences import Span, sentence_spans

OUTCOMES = ("full_compliance", "partial_refusal", "full_refusal")


@dataclass(frozen=True, slots=True)
class Compliance:
    """What an answer did with the request: probabilities that sum to 1, and the sentences that refuse,
    the clearest first."""

    full_compliance: float
    partial_refusal: float
    full_refusal: float
    sentences: tuple[str, ...] = ()

    @property
    def evidence(self) -> str:
        """The clearest refusing sentence, or nothing."""
        return self.sentences[0] if self.sentences else ""

    def to_dict(self) -> dict[str, float]:
        """The three probabilities by name."""
        return {name: getattr(self, name) for name in OUTCOMES}


# An answer in neither of our languages, such as a bare number, refuses nothing that we could read.
UNREAD = Compliance(0.96, 0.02, 0.02)
# An empty answer delivers nothing.
SILENT = Compliance(0.02, 0.02, 0.96)
# Saying honestly that the documents hold no answer is no refusal, whatever its words.
ABSTAINED = Compliance(0.9, 0.05, 0.05)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question, with the passages that it may rest on.

    `language` is that of the answer; `sentences` are spans in `text`; `compliance` is filled in once
    the answer has been read (rbrm/refusal.py).
    """

    question: str
    text: str
    passages: tuple[str, ...]
    language: str
    sentences: tuple[Span, ...]
    compliance: Compliance = UNREAD

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
    """What all answers of one batch answer; `response_type` None means that nobody said.

    `previous` is the assistant's turn before the question. Whether the documents hold an answer may be a
    function, where it costs something to find out: then it is asked only of answers that depend on it.
    """

    text: str
    passages: tuple[str, ...] = ()
    response_type: ResponseType | None = None
    documents_hold_answer: bool | Callable[[], bool] | None = None
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """A grader's opinion on one proposition: a probability and the sentence that caused it."""

    probability: float
    evidence: str = ""
