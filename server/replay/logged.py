"""A logged turn as values again: what was asked, what was shown, and what was proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from contract.candidate import Candidate
from contract.chat import ChatRequest
from contract.passage import Evidence, Passage, Sentence
from feedback.records import CandidateRecord, CompletionRecord
from retrieval.support import best_support
from text.encoder import Encoder
from text.sentences import sentence_spans
from text.terms import content_terms

# The proposition in which a verdict says whether the passages held an answer.
_AVAILABLE = "evidence_available"


@dataclass(frozen=True, slots=True)
class Logged:
    """One turn. `evidence` has the passages as they were shown; what retrieval knew of them beside their
    texts is not in the log."""

    record: CompletionRecord
    request: ChatRequest
    evidence: Evidence

    @classmethod
    def of(cls, record: CompletionRecord) -> Logged:
        """The turn of a row.

        Raises:
            ValueError, KeyError: the row holds something else than this version logs.
        """
        evidence = Evidence(
            question=record.question,
            language=record.language,
            passages=tuple(Passage.of_wire(passage) for passage in record.passages),
            index_version=record.index_version,
        )
        return cls(record, ChatRequest.model_validate(record.request), evidence)

    @property
    def id(self) -> str:
        """The id of the completion."""
        return self.record.id

    @property
    def windowed(self) -> bool:
        """Did the answer go out while it was written?"""
        return (self.record.reply.get("plumbline") or {}).get("stream_mode") == "windowed"

    @property
    def blocked(self) -> bool:
        """Was its stream stopped in the middle?"""
        choices = self.record.reply.get("choices") or ()
        return any(choice.get("finish_reason") == "content_filter" for choice in choices)

    @property
    def sampled(self) -> int:
        """Candidates of each choice at first, where nothing had been turned down yet."""
        first = [c.choice for c in self.record.candidates if c.attempt == 0]
        return max((first.count(choice) for choice in set(first)), default=1)

    @property
    def held_answer(self) -> bool | None:
        """Did the passages hold an answer? None where no verdict had to know."""
        for candidate in self.record.candidates:
            told = candidate.judgement.get("documents_hold_answer")
            if told is not None:
                return bool(told)
            # Rows that are older than that field.
            found = (candidate.judgement.get("propositions") or {}).get(_AVAILABLE)
            if found is not None:
                return bool(found >= 0.5)
        return None


def candidate_of(record: CandidateRecord) -> Candidate:
    """A candidate as it was proposed."""
    return Candidate(
        record.text,
        completion_tokens=record.completion_tokens,
        tool_calls=tuple(record.tool_calls),
        reasoning=record.reasoning,
    )


def holds_answer(turn: Logged, encoder: Encoder, min_support: float) -> bool:
    """Do the passages of a turn hold an answer? As the log has it, else from their texts: all words of
    the question count alike then, since how rare they are stood in the index."""
    held = turn.held_answer
    return best_support(_read(turn.evidence, encoder)) >= min_support if held is None else held


def _read(evidence: Evidence, encoder: Encoder) -> Evidence:
    """The evidence with sentences and vectors, where the encoder knows the language."""
    readable = evidence.language == "en"
    passages = tuple(map(partial(_with_sentences, encoder, readable), evidence.passages))
    return replace(
        evidence,
        passages=passages,
        term_weights=dict.fromkeys(content_terms(evidence.question), 1.0),
        question_vector=encoder.encode_question(evidence.question) if readable else None,
    )


def _with_sentences(encoder: Encoder, readable: bool, passage: Passage) -> Passage:
    spans: Sequence[tuple[int, int]] = list(sentence_spans(passage.text))
    vectors = encoder.encode([passage.text], [spans])[0].sentences if readable else None
    sentences = tuple(
        Sentence(passage.text[a:b], a, b, None if vectors is None else vectors[number])
        for number, (a, b) in enumerate(spans)
    )
    return replace(passage, sentences=sentences)
