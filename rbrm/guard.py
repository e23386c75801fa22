"""The hard propositions over an answer that is still being written, for streams that never leak.

The whole answer is judged when it is complete. Until then each new sentence is read with the few before
it by the heads, and with a longer stretch by rules and patterns, so that what a sentence completes is
found with it, and a long answer costs no more for each sentence than a short one.
"""

from __future__ import annotations

from rbrm.answer import Answer, Grade, Question
from rbrm.judge import Judge, propositions_in
from rbrm.reading import read_batch
from rbrm.rubric import LLMGrader
from text.sentences import sentence_spans

# Sentences that the heads read before the new ones. The heads look at windows, pairs and single
# sentences; in a window much longer than this a new sentence drowns.
_READ_BEFORE = 4
# Characters before the new ones for rules and patterns, some of which span a few sentences.
_SEARCHED_BEFORE = 2000


class Guard:
    """Finds violations in a growing text; built once for a judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        graders = [g for n in judge.rubric.hard for g in judge.rubric.propositions[n].graders]
        self._asks = any(isinstance(grader, LLMGrader) for grader in graders)

    def violations(
        self, question: Question, text: str, new: int, deadline: float | None = None
    ) -> tuple[str, ...]:
        """The hard propositions that hold in `text`, of which all before offset `new` was judged before.

        A rubric whose hard propositions ask a language model has the whole text judged each time: that is
        as slow as it is sure.

        Raises:
            TimeoutError: the deadline passed.
            Exception: a grader broke, which approves nothing.
        """
        if not text.strip():
            return ()
        if self._asks:
            return self._whole(question, text, deadline)
        spans = sentence_spans(text)
        first = next((i for i, (_, end) in enumerate(spans) if end > new), len(spans) - 1)
        tail = text[spans[max(0, first - _READ_BEFORE)][0] :]
        searched = next(start for start, _ in spans if start >= spans[first][0] - _SEARCHED_BEFORE)
        grades = self._grades(question, tail, text[searched:], deadline)
        propositions = self._judge.rubric.propositions
        return tuple(
            name
            for name in self._judge.rubric.hard
            if name in grades and grades[name].probability >= propositions[name].threshold
        )

    def _grades(
        self, question: Question, tail: str, searched: str, deadline: float | None
    ) -> dict[str, Grade]:
        judge = self._judge
        read = Answer.of(question.text, tail, question.passages)
        batch = read_batch(judge.encoder, question, [read], deadline)
        reading = batch.answers[0]
        heads = propositions_in(
            judge.graders.heads.grades(reading, batch.question, question.response_type)
        ) | judge.graders.own.grades(reading, batch.question)
        answer = Answer.of(question.text, searched, question.passages)
        return judge.grading.grade(question, answer, heads, only=judge.rubric.hard)

    def _whole(self, question: Question, text: str, deadline: float | None) -> tuple[str, ...]:
        judge = self._judge
        draft = judge.ask(judge.read(question, [text], deadline), deadline)
        return judge.conclude(draft)[0].violations
