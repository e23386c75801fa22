"""Serve, try again, or refuse: a pure function of the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from contract.verdict import Decision, Judgement, Refuse, Regenerate, Serve, Verdict
from rbrm.rubric import Rubric
from server.wording import LOOK_AGAIN, TRY_AGAIN, in_language


def decide(
    judgements: Sequence[Judgement],
    rubric: Rubric,
    *,
    language: str,
    may_retry: bool,
    documents_hold_answer: bool,
    min_margin: float = 0.0,
) -> Decision:
    """Decide about the candidates of one attempt.

    1. The best reward among acceptable candidates is served; a later candidate must beat an earlier
       one by `min_margin`.
    2. A clean refusal by the policy is served and queued for a person. Only where the response type
       is confidently `comply` and the documents hold an answer is the policy asked again.
    3. Otherwise the policy tries again, told what failed, while it may.
    4. Otherwise Plumbline refuses, in the style that the response type asks for.

    A candidate whose judging failed is never served.
    """
    verdicts = [(i, v) for i, v in enumerate(judgements) if isinstance(v, Verdict)]
    acceptable = [(i, v) for i, v in verdicts if v.acceptable]
    if acceptable:
        return Serve(_best(acceptable, min_margin))
    refusals = [(i, v) for i, v in verdicts if _is_clean_refusal(v)]
    if refusals:
        index = _best(refusals, min_margin)
        asked_to_comply = _confidently_comply(judgements[index])
        if asked_to_comply and documents_hold_answer and may_retry:
            return Regenerate(in_language(LOOK_AGAIN, language))
        return Serve(index, review=True)
    if may_retry:
        return Regenerate(_hint([v for _, v in verdicts], rubric, language))
    return _refuse([v for _, v in verdicts], len(judgements))


def failed_propositions(verdict: Verdict, rubric: Rubric) -> list[str]:
    """The propositions that speak against an answer, the hard ones first.

    A proposition with a negative weight fails where it holds, one with a positive weight where it
    does not.
    """
    weights = rubric.response_types[verdict.response_type_in_force].weights
    bad = [n for n, w in weights.items() if w < 0 and verdict.propositions.get(n, 0) >= 0.5]
    missing = [n for n, w in weights.items() if w > 0 and verdict.propositions.get(n, 1) < 0.5]
    return list(dict.fromkeys([*verdict.violations, *bad, *missing]))


def _best(candidates: Sequence[tuple[int, Verdict]], min_margin: float) -> int:
    best_index, best = candidates[0]
    for index, verdict in candidates[1:]:
        if verdict.reward > best.reward + min_margin:
            best_index, best = index, verdict
    return best_index


def _is_clean_refusal(verdict: Verdict) -> bool:
    blocked = verdict.violations or verdict.completion_class in ("disallowed", "illogical")
    return verdict.refuses and not blocked


def _confidently_comply(judgement: Judgement) -> bool:
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


def _refuse(verdicts: Sequence[Verdict], candidates: int) -> Refuse:
    if not verdicts:
        return Refuse("comply", f"the judge failed on all {candidates} candidates")
    worst = min(verdicts, key=lambda verdict: verdict.reward)
    reason = ", ".join(worst.violations) or worst.completion_class
    asked = worst.response_type_in_force
    if asked == "comply" and worst.violations:
        return Refuse("hard_refuse", reason)
    return Refuse(asked, reason)
