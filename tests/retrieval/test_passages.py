from contract.passage import Chunk, Hit
from retrieval.coverage import by_coverage
from retrieval.passages import thinned

NOTICE = "The canteen on the second floor is closed on {} because the kitchen is being repaired by the firm."


def hit(number: int, text: str, score: float = 1.0) -> Hit:
    return Hit(
        Chunk(number, f"d{number}", f"{number}.md", "", 0, 0, len(text), None, "", text), score
    )


def test_a_copy_that_differs_in_a_word_is_left_out() -> None:
    long = " ".join(f"{NOTICE} Sign {word}." for word in ("red", "blue", "green", "white"))
    copy = long.replace("repaired by", "renewed by", 1)
    assert [h.chunk.id for h in thinned([hit(1, long), hit(2, copy), hit(3, "Other.")])] == [1, 3]


def test_copies_with_other_numbers_are_kept() -> None:
    hits = [hit(1, NOTICE.format("May 4")), hit(2, NOTICE.format("May 18"))]
    assert thinned(hits) == hits


def test_more_of_the_question_comes_first_and_the_scores_stay_in_place() -> None:
    hits = [hit(1, "加班加班加班加班", 1.0), hit(2, "兼职员工的加班费", 0.9), hit(3, "食堂", 0.1)]
    found = by_coverage(hits, {"加班": 1.0, "兼职": 2.0, "员工": 1.5})
    assert [h.chunk.id for h in found] == [2, 1, 3]
    assert [h.score for h in found] == [1.0, 0.9, 0.1]
