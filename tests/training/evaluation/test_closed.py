import pytest

from rbrm.answer import Question
from training.evaluation.citing import citation_accuracy, citation_match
from training.evaluation.closed import exact_match, token_f1
from training.evaluation.measures import repetition

PASSAGES = ("Each employee gets 27 days of annual leave.", "Bikes are repaired on Mondays.")


def test_exact_match_looks_over_case_articles_punctuation_and_marks() -> None:
    assert exact_match("The Head of Department. [1]", "head of department")
    assert exact_match("２７天。", "27天")
    assert not exact_match("27 days", "28 days")


def test_f1_counts_english_words_and_chinese_characters() -> None:
    # 2 of 4 words said are wanted, 2 of 3 wanted are said: 2·2 / (4 + 3).
    assert token_f1("it is 27 days", "27 working days") == pytest.approx(4 / 7)
    # 每年27天 against 27天: 每, 年, 27, 天 against 27, 天.
    assert token_f1("每年27天", "27天") == pytest.approx(4 / 6)
    assert token_f1("", "27") == 0 and token_f1("…", "") == 1


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("You get 27 days of annual leave. [1]", 1.0),
        ("You get 27 days of annual leave [1]. Bikes are repaired on Mondays [1].", 0.5),
        ("You get 27 days of annual leave [7].", 0.0),
        ("You get 45 days of annual leave 【1】.", 0.0),
        ("You get 27 days of annual leave.", None),
    ],
)
def test_a_citation_holds_where_its_passage_says_what_is_claimed(
    text: str, share: float | None
) -> None:
    assert citation_accuracy(Question("How many days?", PASSAGES), text) == share


def test_cited_passages_are_compared_with_those_that_should_be() -> None:
    assert citation_match(PASSAGES, PASSAGES[:1], "27 days [1][2]") == pytest.approx(2 / 3)
    assert citation_match(PASSAGES, PASSAGES[:1], "27 days") == 0
    assert citation_match(PASSAGES, (), "27 days [1]") is None


def test_repetition_is_the_share_of_runs_that_come_again() -> None:
    assert repetition("red green blue white black grey") == 0
    # Runs of four among eight words that say the same four twice: five, of which one comes again.
    assert repetition("red green blue white red green blue white") == pytest.approx(1 / 5)
