import pytest

from server.follow_up import refers_back


@pytest.mark.parametrize(
    "question",
    [
        "And is it paid?",
        "What about part-timers?",
        "Why?",
        "那兼职呢？",
        "为什么？",
        "它需要审批吗？",
    ],
)
def test_a_follow_up_refers_back(question: str) -> None:
    assert refers_back(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many days of parental leave do I get?",
        "What is the hotel limit per night in Munich?",
        "年假可以结转到下一年吗？",
        "去广州出差，酒店一晚最多能报多少钱？",
    ],
)
def test_a_question_with_a_topic_stands_alone(question: str) -> None:
    assert not refers_back(question)
