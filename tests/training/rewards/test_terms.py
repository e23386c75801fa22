import pytest

from contract.verdict import JudgeFailed
from rbrm.answer import Question
from training.rewards.terms import (
    citation_format,
    correctness,
    excess_length,
    repetition,
    same_language,
)
from training.rewards.total import total_reward, weighted
from training.rewards.weights import Weights


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The 27 days [1].", "27 days", 1.0),
        ("27 days of leave", "27 days", 2 * 2 / (4 + 2)),
        ("三楼[1]。", "在三楼", 2 * 2 / (2 + 3)),
        ("在三楼。", "在三楼", 1.0),
        ("No idea.", "27 days", 0.0),
        ("", "27 days", 0.0),
    ],
)
def test_correctness_is_exact_match_or_f1(answer: str, reference: str, expected: float) -> None:
    assert correctness(answer, reference) == pytest.approx(expected)


def test_marks_name_passages_that_are_there() -> None:
    assert citation_format("Yes [1][2].", 2) == 1
    assert citation_format("Yes [3].", 2) == citation_format("Yes.", 2) == 0
    assert citation_format("Yes.", 0) == 1
    assert citation_format("Yes [1].", 0) == 0


def test_the_answer_is_in_the_language_of_the_question() -> None:
    assert same_language("二十七天。", "年假有几天？") == same_language("27", "年假有几天？") == 1
    assert same_language("27 days.", "年假有几天？") == 0


def test_long_and_cut_off_answers_cost() -> None:
    assert excess_length("one two three", 3, cut_off=False) == 0
    assert excess_length("one two three four five six", 4, cut_off=False) == -0.5
    assert excess_length("one", 4, cut_off=True) == -1


def test_saying_it_again_costs() -> None:
    assert repetition("press red button on pump then wait") == 0
    assert repetition("按红色按钮。" * 4) < -0.5
    assert repetition("press red button now " * 6) < -0.5


def test_what_the_judge_could_not_judge_earns_nothing_by_other_terms() -> None:
    best = {"judge": None, "correctness": 1.0, "format": 1.0, "language": 1.0}
    assert weighted(best | {"length": 0.0, "repetition": 0.0}, Weights()) is None

    class FailingJudge:
        def judge(self, question: Question, texts: list[str]) -> list[JudgeFailed]:
            return [JudgeFailed("no weights") for _ in texts]

    reward = total_reward(FailingJudge(), Weights(), longest=9, ends=[0])  # type: ignore[arg-type]
    assert reward(["Where?"], ["Here."], reference=["Here."]) == [None]
