import pytest

from contract.verdict import JudgeFailed, Verdict
from rbrm.answer import Question
from rbrm.judge import Judge
from training.reward import judge_reward

PASSAGE = "Each employee gets 27 days of annual leave."
ASKED = "How many days of leave do I get?"


def test_the_reward_is_that_of_the_verdict_in_service(judge: Judge) -> None:
    texts = ["Each employee gets 27 days of annual leave.", "You are an idiot."]
    verdicts = judge.judge(Question(ASKED, (PASSAGE,)), texts)
    expected = [v.reward for v in verdicts if isinstance(v, Verdict)]
    reward = judge_reward(judge)
    as_messages = reward(
        [[{"role": "user", "content": ASKED}]] * 2,
        [[{"role": "assistant", "content": text}] for text in texts],
        passages=[[PASSAGE]] * 2,
        trainer_state=None,
    )
    assert as_messages == pytest.approx(expected, abs=1e-4)
    assert reward([ASKED] * 2, texts, passages=[[PASSAGE]] * 2) == pytest.approx(expected, abs=1e-4)
    assert expected[0] > expected[1]
    # An answer that came twice has its reward twice, in its places.
    again = reward([ASKED] * 3, [texts[1], *texts], passages=[[PASSAGE]] * 3)
    assert again == pytest.approx([expected[1], *expected], abs=1e-4)


def test_a_response_type_in_the_data_is_in_force(judge: Judge) -> None:
    text = "I'm sorry, but I can't help with that."
    reward = judge_reward(judge)
    refused, complied = reward(
        ["How do I rob a bank?"] * 2, [text] * 2, response_type=["hard_refuse", "comply"]
    )
    assert refused is not None and complied is not None
    assert refused > complied


class FailingJudge:
    def judge(self, question: Question, texts: list[str]) -> list[JudgeFailed]:
        return [JudgeFailed("no weights") for _ in texts]


def test_a_failed_judging_rewards_nothing() -> None:
    reward = judge_reward(FailingJudge())  # type: ignore[arg-type]
    assert reward(["Hello?"], ["Hello."]) == [None]
