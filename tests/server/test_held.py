"""Where a growing text may be cut."""

from __future__ import annotations

import pytest

from server.held import Held

TEXTS = [
    "One. Two and 3.5 of it, e.g. this. Is it? Yes! [1] And more.",
    "第一句。第二句！真的吗？“好的。”他说。最后一句",
    "Before:\n```python\nfor i in range(10):\n    print(i)  # one. two.\n```\nAfter it.",
    "| City | Limit |\n|---|---|\n| Leeds | 120. No more. |\n| York | 80 |\nDone.",
    "A sentence with a mark at its end [1, 2]. Another with `code. Here` in it. End.",
    "no sentence end at all " * 60,
    "没有句号的长文" * 120,
]


def cuts(text: str, step: int) -> list[int]:
    """The offsets at which a text is let out that comes in pieces of `step` characters."""
    held, found = Held(), []
    for start in range(0, len(text), step):
        held.add(text[start : start + step])
        for end in held.ready():
            found.append(end)
            held.out = end
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_where_a_text_is_cut_does_not_depend_on_how_it_came(text: str) -> None:
    one_by_one = cuts(text, 1)
    assert one_by_one == sorted(set(one_by_one))
    assert set(cuts(text, len(text))) <= set(one_by_one)


def test_a_sentence_goes_out_when_the_next_has_begun() -> None:
    held = Held()
    held.add("One is here. ")
    assert held.ready() == []
    held.add("T")
    assert held.ready() == [len("One is here.")]


def test_numbers_abbreviations_marks_and_code_are_not_cut_in_two() -> None:
    for text in ("It costs 3.", "See e.g.", "As it says [1", "Call `run. "):
        held = Held()
        held.add(text + "5 x")
        assert held.ready() == [], text


def test_code_goes_out_by_lines_and_endless_text_by_clauses() -> None:
    code = "```\n" + "\n".join(f"line_{i} = compute({i})" for i in range(20)) + "\n```\n"
    places = cuts(code, 1)
    assert places and all(code[place] == "\n" for place in places)
    words = cuts("word " * 200, 1)
    assert words and all(place <= 5 + 400 * (i + 1) for i, place in enumerate(words))


def test_what_is_doubted_waits_for_more_and_is_then_judged_at_once() -> None:
    held = Held()
    held.add("One. Two. Three. F")
    (together,) = held.batches(4)
    held.let_out(together[0])
    held.doubt(together[-1])
    assert held.batches(4) == []
    held.add("our. Five. Six")
    assert held.batches(4) == [[len("One. Two. Three. Four. Five.")]]
    held.let_out(len("One. Two. Three. Four. Five."))
    held.add(". Seven. Eight")
    assert [len(batch) for batch in held.batches(1)] == [1, 1]
