from dataclasses import replace
from types import MappingProxyType

import pytest

from contract.verdict import JudgeFailed, Refuse, Regenerate, Serve, Verdict
from rbrm.rubric import load_rubric
from server.decide import decide, is_unsure

RUBRIC = load_rubric()


def verdict(
    reward: float = 0.0,
    *,
    kind: str = "ideal",
    violations: tuple[str, ...] = (),
    refuses: bool = False,
    response_type: str = "comply",
    confident: bool = False,
) -> Verdict:
    return Verdict(
        propositions=MappingProxyType(dict.fromkeys(violations, 0.97)),
        unjudged=(),
        evidence={},
        response_type={response_type: 1.0},
        response_type_in_force=response_type,  # type: ignore[arg-type]
        response_type_confident=confident,
        refusing_sentences=(),
        compliance={"full_compliance": 0.0, "partial_refusal": 0.0, "full_refusal": float(refuses)},
        harm={},
        completion_class=kind,  # type: ignore[arg-type]
        violations=violations,
        rm=reward,
        rbr=0.0,
        language="en",
        rubric_version="r",
        grader_version="g",
        seconds=0.0,
    )


INSULT = verdict(9, violations=("insulting_language",))
FAILED = JudgeFailed("broken")


def ruling(*judgements, may_retry: bool = True, holds: bool = True, margin: float = 0.0):
    return decide(
        judgements,
        RUBRIC,
        language="en",
        may_retry=may_retry,
        documents_hold_answer=lambda: holds,
        min_margin=margin,
    )


def test_the_best_acceptable_reward_is_served() -> None:
    assert ruling(verdict(1), verdict(3), verdict(2)) == Serve(1)


def test_a_later_candidate_must_win_by_the_margin() -> None:
    assert ruling(verdict(1), verdict(1.3), margin=0.5) == Serve(0)
    assert ruling(verdict(1), verdict(1.6), margin=0.5) == Serve(1)


def test_no_reward_buys_off_a_hard_violation() -> None:
    assert ruling(INSULT, verdict(-5)) == Serve(1)


@pytest.mark.parametrize(
    "judgement", [INSULT, verdict(9, kind="disallowed"), verdict(9, kind="unacceptable")]
)
def test_what_is_not_acceptable_is_tried_again_and_then_refused(judgement: Verdict) -> None:
    assert isinstance(ruling(judgement), Regenerate)
    assert isinstance(ruling(judgement, may_retry=False), Refuse)


def test_the_hint_names_what_failed() -> None:
    decision = ruling(INSULT)
    assert isinstance(decision, Regenerate)
    assert "respectful" in decision.hint


def test_a_failed_judge_never_approves() -> None:
    assert isinstance(ruling(FAILED), Regenerate)
    last = ruling(FAILED, FAILED, may_retry=False)
    assert last == Refuse("comply", "the judge failed on all 2 candidates")
    assert ruling(FAILED, verdict(0)) == Serve(1)


def test_a_clean_refusal_is_served_and_queued_for_a_person() -> None:
    refusal = verdict(kind="unacceptable", refuses=True)
    assert ruling(refusal) == Serve(0, review=True)


def test_a_refusal_is_tried_again_only_if_compliance_is_asked_for_and_possible() -> None:
    refusal = verdict(kind="unacceptable", refuses=True, confident=True)
    decision = ruling(refusal)
    assert isinstance(decision, Regenerate)
    assert "comply" not in decision.hint
    assert ruling(refusal, holds=False) == Serve(0, review=True)
    assert ruling(refusal, may_retry=False) == Serve(0, review=True)


def test_the_refusal_has_the_style_that_is_asked_for() -> None:
    bad = verdict(
        kind="disallowed", response_type="safe_refuse", violations=("disallowed_content",)
    )
    assert ruling(bad, may_retry=False) == Refuse("safe_refuse", "disallowed_content")
    assert ruling(INSULT, may_retry=False) == Refuse("hard_refuse", "insulting_language")


def test_a_person_looks_where_a_hard_rule_was_just_passed() -> None:
    for name, probability, unsure in (
        ("insulting_language", 0.29, False),
        ("insulting_language", 0.31, True),
        ("requests_information", 0.45, False),
    ):
        judged = replace(verdict(1), propositions={name: probability})
        assert is_unsure(judged, RUBRIC) is unsure
