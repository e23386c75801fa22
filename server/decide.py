"""Serve, try again, or refuse: a pure function of the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contract.settings import DecisionSettings
from contract.verdict import (
    Assessment,
    Decision,
    Refuse,
    Regenerate,
    Serve,
    Unjudged,
    Verdict,
)
from rbrm.rubric import Rubric
from server.wording import LOOK_AGAIN, TRY_AGAIN, in_language

# So close to the threshold of a hard rule a person should look.
_CLOSELY = 0.2

Judged = list[tuple[int, Verdict]]


def decide(
    judgements: Sequence[Assessment],
    rubric: Rubric,
    *,
    language: str,
    may_retry: bool,
    documents_hold_answer: Callable[[], bool],
    min_margin: float = 0.0,
    logprobs: Sequence[float | None] | None = None,
) -> Decision:
    """Decide about the candidates of one attempt.

    1. The best among acceptable candidates is served: by reward, or where `logprobs` are given by their
       mean token log-probability. A later candidate must beat an earlier one by `min_margin`.
    2. A clean refusal by the policy is served and queued for a person. Only where the response type
       is confidently `comply` and the documents hold an answer is the policy asked again.
    3. Otherwise the policy tries again, told what failed, while it may.
    4. Otherwise Plumbline refuses, in the style that the response type asks for.

    A candidate whose judging failed is never served. Where judging is switched off the first one is, or
    the likeliest.
    """
    if judgements and all(isinstance(judgement, Unjudged) for judgement in judgements):
        index = max(range(len(judgements)), key=lambda i: _or_least(logprobs, i))
        return Serve(index, reason="judging is switched off")
    verdicts = [(i, v) for i, v in enumerate(judgements) if isinstance(v, Verdict)]
    acceptable = [(i, v) for i, v in verdicts if v.acceptable]
    if acceptable:
        index = _best(acceptable, min_margin, logprobs)
        return Serve(index, reason=_why(index, acceptable, len(judgements), logprobs))
    refusals = [(i, v) for i, v in verdicts if is_clean_refusal(v)]
    if refusals:
        index = _best(refusals, min_margin)
        asked_to_comply = _confidently_comply(judgements[index])
        if asked_to_comply and may_retry and documents_hold_answer():
            reason = "the policy refused a harmless question that the documents answer"
            return Regenerate(in_language(LOOK_AGAIN, language), reason)
        return Serve(index, review=True, reason="the policy's own refusal stands, for review")
    if may_retry:
        named = [v for _, v in verdicts]
        return Regenerate(_hint(named, rubric, language), _what_failed(named, len(judgements)))
    return refuse([v for _, v in verdicts], len(judgements))


def decide_streamed(
    judgement: Assessment,
    rubric: Rubric,
    *,
    language: str,
    documents_hold_answer: Callable[[], bool],
    shown: bool,
) -> Decision:
    """Decide about an answer that went out while it was written, once it is judged as a whole; `shown`
    says whether anything has gone out before its last sentence."""
    decision = decide(
        [judgement],
        rubric,
        language=language,
        may_retry=False,
        documents_hold_answer=documents_hold_answer,
    )
    if isinstance(judgement, Verdict) and isinstance(decision, Refuse):
        # What has gone out can't be judged better by taking the end away; a person looks at it.
        if not judgement.violations and (shown or is_clean_refusal(judgement)):
            return Serve(0, review=True, reason=f"streamed; {decision.reason}, for review")
    return decision


def may_try_again(limits: DecisionSettings, attempts: int, tokens: int) -> bool:
    """After so many attempts, which generated so many tokens, may there be another one? How long they
    may take is for whoever makes them."""
    affordable = limits.budget_tokens is None or tokens < limits.budget_tokens
    return attempts < limits.attempts and affordable


def selectors(
    limits: DecisionSettings, logprobs: Sequence[float | None]
) -> Sequence[float | None] | None:
    """The mean log-probabilities of candidates where these choose among them, else None."""
    return logprobs if limits.select_by == "mean_logprob" else None


def failed_propositions(verdict: Verdict, rubric: Rubric) -> list[str]:
    """The propositions that speak against an answer, the hard ones first.

    A proposition with a negative weight fails where it holds, one with a positive weight where it
    does not.
    """
    weights = rubric.response_types[verdict.response_type_in_force].weights
    bad = [n for n, w in weights.items() if w < 0 and verdict.propositions.get(n, 0) >= 0.5]
    missing = [n for n, w in weights.items() if w > 0 and verdict.propositions.get(n, 1) < 0.5]
    return list(dict.fromkeys([*verdict.violations, *bad, *missing]))


def is_clean_refusal(verdict: Verdict) -> bool:
    """Does the policy refuse, and break no hard rule in doing so?"""
    blocked = verdict.violations or verdict.completion_class in ("disallowed", "illogical")
    return verdict.refuses and not blocked


def is_unsure(verdict: Verdict, rubric: Rubric) -> bool:
    """Has an answer just passed a hard rule? Its probability lies closely below what counts as a yes."""
    return any(
        rubric.propositions[name].threshold - verdict.propositions.get(name, 0.0) <= _CLOSELY
        for name in rubric.hard
    )


def refuse(verdicts: Sequence[Verdict], candidates: int) -> Refuse:
    """The refusal that the worst of the verdicts asks for."""
    if not verdicts:
        return Refuse("comply", f"the judge failed on all {candidates} candidates")
    worst = min(verdicts, key=lambda verdict: verdict.reward)
    reason = ", ".join(worst.violations) or worst.completion_class
    asked = worst.response_type_in_force
    if asked == "comply" and worst.violations:
        return Refuse("hard_refuse", reason)
    return Refuse(asked, reason)


def _best(
    candidates: Judged, min_margin: float, logprobs: Sequence[float | None] | None = None
) -> int:
    if logprobs is not None:
        return max(candidates, key=lambda judged: _or_least(logprobs, judged[0]))[0]
    best_index, best = candidates[0]
    for index, verdict in candidates[1:]:
        if verdict.reward > best.reward + min_margin:
            best_index, best = index, verdict
    return best_index


def _or_least(logprobs: Sequence[float | None] | None, index: int) -> float:
    value = logprobs[index] if logprobs is not None else None
    return float("-inf") if value is None else value


def _why(
    index: int, acceptable: Judged, candidates: int, logprobs: Sequence[float | None] | None
) -> str:
    if candidates == 1:
        return "the only candidate is acceptable"
    if len(acceptable) == 1:
        return f"the only acceptable one of {candidates} candidates"
    among = f"of {len(acceptable)} acceptable ones among {candidates} candidates"
    if logprobs is not None:
        return f"the highest mean log-probability, {_or_least(logprobs, index):.3f}, {among}"
    rewards = sorted((v.reward for i, v in acceptable if i != index), reverse=True)
    own = next(v.reward for i, v in acceptable if i == index)
    return f"reward {own:.3f} against {rewards[0]:.3f}, {among}"


def _what_failed(verdicts: Sequence[Verdict], candidates: int) -> str:
    if not verdicts:
        return f"the judge failed on all {candidates} candidates"
    return refuse(verdicts, candidates).reason


def _confidently_comply(judgement: Assessment) -> bool:
    assert isinstance(judgement, Verdict)
    return judgement.response_type_in_force == "comply" and judgement.response_type_confident


def _hint(verdicts: Sequence[Verdict], rubric: Rubric, language: str) -> str:
    names = dict.fromkeys(n for v in verdicts for n in failed_propositions(v, rubric))
    hints = [
        p.hint.of(language)
        for n in names
        if (p := rubric.propositions.get(n)) is not None and p.hint
    ]
    return "\n".join(f"- {hint}" for hint in hints) or in_language(TRY_AGAIN, language)
