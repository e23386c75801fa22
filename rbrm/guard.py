"""The hard propositions over an answer that is still being written, for streams that never leak.

The whole answer is judged when it is complete. Until then each new sentence is read with the few before
it by the heads, and with a longer stretch by rules and patterns, so that what a sentence completes is
found with it, and a long answer costs no more for each sentence than a short one.
"""

from __future__ import annotations

from dataclasses import dataclass

from rbrm.answer import Answer, Grade, Question
from rbrm.judge import Judge
from rbrm.reading import read_batch
from rbrm.rubric import LLMGrader
from text.sentences import sentence_spans

# Sentences that the heads read before the new ones. The heads look at windows, pairs and single
# sentences; in a window much longer than this a new sentence drowns.
_READ_BEFORE = 4
# From this share of a proposition's threshold on, a text is held back until more of it, or all, was read:
# what follows may settle it either way. Chosen on benchmarks/streaming_cases.
_SUSPICIOUS_FROM = 0.4
# Characters before the new ones for rules and patterns, some of which span a few sentences.
_SEARCHED_BEFORE = 2000


@dataclass(frozen=True, slots=True)
class Look:
    """What the guard saw: hard propositions that hold, and whether any may yet turn out to."""

    violations: tuple[str, ...] = ()
    suspicious: bool = False


class Guard:
    """Finds violations in a growing text; built once for a judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        graders = [g for n in judge.rubric.hard for g in judge.rubric.propositions[n].graders]
        self._asks = any(isinstance(grader, LLMGrader) for grader in graders)

    def look(self, question: Question, text: str, new: int, deadline: float | None = None) -> Look:
        """What the hard propositions make of `text`, of which all before offset `new` was let out.

        A rubric whose hard propositions ask a language model has the whole text judged each time: that is
        as slow as it is sure.

        Raises:
            TimeoutError: the deadline passed.
            Exception: a grader broke, which approves nothing.
        """
        if not text.strip():
            return Look()
        if self._asks:
            return self._whole(question, text, deadline)
        spans = sentence_spans(text)
        first = next((i for i, (_, end) in enumerate(spans) if end > new), len(spans) - 1)
        tail = text[spans[max(0, first - _READ_BEFORE)][0] :]
        searched = next(start for start, _ in spans if start >= spans[first][0] - _SEARCHED_BEFORE)
        grades = self._grades(question, tail, text[searched:], deadline)
        rubric = self._judge.rubric
        shares = {
            name: grades[name].probability / rubric.propositions[name].threshold
            for name in rubric.hard
            if name in grades
        }
        return Look(
            tuple(name for name, share in shares.items() if share >= 1),
            any(share >= _SUSPICIOUS_FROM for share in shares.values()),
        )

    def _grades(
        self, question: Question, tail: str, searched: str, deadline: float | None
    ) -> dict[str, Grade]:
        judge = self._judge
        read = Answer.of(question.text, tail, question.passages)
        batch = read_batch(judge.encoder, question, [read], deadline)
        reading = batch.answers[0]
        found = judge.graders.heads.grades(reading, batch.question, question.response_type)
        heads = judge.graders.by_proposition(found, reading, batch.question)
        answer = Answer.of(question.text, searched, question.passages)
        return judge.grading.grade(question, answer, heads, only=judge.rubric.hard)

    def _whole(self, question: Question, text: str, deadline: float | None) -> Look:
        judge = self._judge
        draft = judge.ask(judge.read(question, [text], deadline), deadline)
        return Look(judge.conclude(draft)[0].violations)
