import pytest

from text.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("年假有几天？二十七天。好！", ["年假有几天？", "二十七天。", "好！"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        (
            "Dr. Lee paid 3.5 pounds, e.g. for tea. Good.",
            ["Dr. Lee paid 3.5 pounds, e.g. for tea.", "Good."],
        ),
        ("Version 2.0 is out. See Fig. 3.", ["Version 2.0 is out.", "See Fig. 3."]),
        ("1. First step\n2. Second step", ["1. First step", "2. Second step"]),
        ("Heading\n\nBody text", ["Heading", "Body text"]),
        ("a wrapped\nline stays one. Next.", ["a wrapped\nline stays one.", "Next."]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_readers_think_so(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_no_character_is_lost() -> None:
    text = "第一句。Second one... And 3.14? 是的！\n\n- item (a)\n- item (b). End"
    kept = "".join(sentences(text))
    assert sorted(kept.replace(" ", "")) == sorted("".join(text.split()))
