"""The judge: answers in, verdicts out. The same code behind the server, the command and training."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from contract.verdict import CompletionClass, JudgeFailed, Judgement, ResponseType, Verdict
from rbrm.answer import Answer, Grade, Question
from rbrm.encoded import EncodedBatch, encode_batch
from rbrm.grading import Grading, Readings
from rbrm.heads import Heads, load_heads
from rbrm.ngrams import NgramHeads, load_ngram_heads
from rbrm.refusal import compliance
from rbrm.reward_model import RewardModel, load_reward_model
from rbrm.rubric import Rubric
from text.encoder import Encoder


def embedded_judge(rubric: Rubric, encoder: Encoder) -> Judge:
    """The judge on the committed weights.

    Raises:
        ConfigurationError: weights are missing, or made for another encoder than this one.
    """
    heads = load_heads(encoder.fingerprint)
    return Judge(rubric, heads, load_ngram_heads(), load_reward_model(), encoder)


class Judge:
    """Judges all answers to one question in one encoding pass."""

    def __init__(
        self,
        rubric: Rubric,
        heads: Heads,
        ngram_heads: NgramHeads,
        reward_model: RewardModel,
        encoder: Encoder,
    ) -> None:
        self.rubric = rubric
        self.version = (
            f"heads-{heads.version}/ngrams-{ngram_heads.version}/rm-{reward_model.version}"
        )
        self._grading = Grading(rubric, heads.select("proposition"), ngram_heads)
        self._propositions = heads.select("proposition")
        self._ngrams = ngram_heads
        self._harm = heads.select("harm")
        self._response_types = heads.select("response_type")
        self._reward_model = reward_model
        self._encoder = encoder

    def judge(
        self, question: Question, texts: Sequence[str], limit_seconds: float | None = None
    ) -> list[Judgement]:
        """One verdict for each answer, in order.

        A grader that breaks gives JudgeFailed for every answer of the batch: a judge that failed
        has approved nothing, and so has one that was stopped at its limit. This never raises.
        """
        deadline = None if limit_seconds is None else time.monotonic() + limit_seconds
        try:
            return list(self._judge(question, texts, deadline))
        except Exception as error:
            return [JudgeFailed(f"{type(error).__name__}: {error}") for _ in texts]

    def _judge(
        self, question: Question, texts: Sequence[str], deadline: float | None
    ) -> list[Verdict]:
        started = time.perf_counter()
        answers = [Answer.of(question.text, text, question.passages) for text in texts]
        batch = encode_batch(self._encoder, question, answers, deadline)
        rewards = self._reward_model.score(question, answers, batch)
        if not np.isfinite(rewards).all():
            raise ValueError("the reward model gave a number that is not finite")
        propositions = self._propositions.probabilities(batch)
        harms = self._harm.probabilities(batch)
        response_type, types = self._response_type(question, batch)
        rated = [
            (answer, self._grade(question, answer, heads), reward, harm)
            for answer, heads, reward, harm in zip(
                answers, propositions, rewards, harms, strict=True
            )
        ]
        seconds = time.perf_counter() - started
        return [
            self._verdict(question, answer, grades, reward, harm, response_type, types, seconds)
            for answer, grades, reward, harm in rated
        ]

    def _grade(
        self, question: Question, answer: Answer, heads: Mapping[str, float]
    ) -> dict[str, Grade]:
        return self._grading.grade(question, answer, Readings(heads, self._ngrams.grades(answer)))

    def _response_type(
        self, question: Question, batch: EncodedBatch
    ) -> tuple[ResponseType, dict[str, float]]:
        """The type in force and the estimate that is reported.

        The embedded estimate from the question's wording is too weak to decide on (one in five
        harmless questions looks harmful to it), so without a given type it is `comply`.
        """
        if question.response_type:
            return question.response_type, {question.response_type: 1.0}
        raw = self._response_types.of_question(batch)
        total = sum(raw.values())
        return "comply", {n: p / total for n, p in raw.items()} if total else {"comply": 1.0}

    def _verdict(
        self,
        question: Question,
        answer: Answer,
        grades: Mapping[str, Grade],
        reward: float,
        harm: Mapping[str, float],
        response_type: ResponseType,
        types: Mapping[str, float],
        seconds: float,
    ) -> Verdict:
        rubric = self.rubric
        values = {
            name: grades[name].probability if name in grades else proposition.default
            for name, proposition in rubric.propositions.items()
        }
        holds = {n: values[n] >= p.threshold for n, p in rubric.propositions.items()}
        for name, formula in rubric.formulas.items():
            values[name], holds[name] = formula.probability(values), formula.holds(holds)
        weights = rubric.response_types[response_type].weights
        shown = {n: p for n, p in values.items() if n in grades or n in rubric.formulas}
        return Verdict(
            propositions=shown,
            unjudged=tuple(sorted(set(rubric.propositions) - set(grades))),
            evidence={n: g.evidence for n, g in grades.items() if holds[n] and g.evidence},
            response_type=types,
            response_type_in_force=response_type,
            response_type_confident=question.response_type is not None,
            compliance=compliance(answer).to_dict(),
            harm=harm,
            completion_class=self._class(response_type, holds),
            violations=tuple(name for name in rubric.hard if holds[name]),
            rm=reward,
            rbr=sum(weight * values[name] for name, weight in weights.items()),
            language=answer.language,
            rubric_version=rubric.fingerprint,
            grader_version=self.version,
            seconds=seconds,
        )

    def _class(self, response_type: ResponseType, holds: Mapping[str, bool]) -> CompletionClass:
        lines = self.rubric.class_formulas[response_type]
        return next(name for name, formula in lines if formula is None or formula.holds(holds))
