import pytest

from retrieval.kinds import kind_of


@pytest.mark.parametrize(
    ("question", "kind", "holds", "lacks"),
    [
        ("How long does delivery take?", "duration", "It takes four days.", "It is quick."),
        ("Why is the bridge shut?", "reason", "Because it sinks.", "It is shut."),
        ("Who signs the form?", "person", "The form goes to Ann Lee.", "it is signed."),
        ("多久能收到货？", "duration", "三天内送达。", "很快送达。"),
        ("为什么要关桥？", "reason", "由于桥墩下沉。", "桥已关闭。"),
        ("房租多少钱？", "money", "每月4600元。", "每月支付。"),
        ("可以养狗吗？", "permission", "不得饲养大型犬。", "房屋朝南。"),
    ],
)
def test_a_question_names_the_kind_of_its_answer(
    question: str, kind: str, holds: str, lacks: str
) -> None:
    found = kind_of(question)
    assert found is not None and found.name == kind
    assert found.answers.search(holds)
    assert not found.answers.search(lacks)


def test_most_questions_with_what_ask_for_no_known_kind() -> None:
    assert kind_of("What did they sing?") is None
