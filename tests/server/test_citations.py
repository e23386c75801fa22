import pytest

from contract.passage import Passage
from server.citations import cite


def passage(number: int) -> Passage:
    return Passage(
        number, f"d{number}", f"{number}.md", f"T{number}", "", None, number, 0, 1, "x", 1.0
    )


PASSAGES = [passage(n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "content", "numbers"),
    [
        ("Eighty days [1].", "Eighty days [1].", [1]),
        ("Eighty days [9].", "Eighty days.", []),
        ("A [1][2] b [7] c [3].", "A [1][2] b c [3].", [1, 2, 3]),
        ("A [1, 3] b.", "A [1][3] b.", [1, 3]),
        ("A [1-3] b.", "A [1][2][3] b.", [1, 2, 3]),
        ("A [1, 8] b.", "A [1] b.", [1]),
        ("八十天【1】。", "八十天[1]。", [1]),
        ("八十天[12]。", "八十天。", []),
        ("In [2024] it rained.", "In [2024] it rained.", []),
        ("Use `a[1]` here [2].", "Use `a[1]` here [2].", [2]),
        ("```\nx = y [1]\n```\nSee [1].", "```\nx = y [1]\n```\nSee [1].", [1]),
        ("See [1](http://x).", "See [1](http://x).", []),
        ("[1] Eighty days", "[1] Eighty days", [1]),
        ("Eighty days[1].", "Eighty days[1].", [1]),
        ('{"days": [80], "s": "Eighty [1][9]."}', '{"days": [80], "s": "Eighty [1]."}', [1]),
        ('[{"a": [1, 2]}, ["b\\" [1, 2]", [3]]]', '[{"a": [1, 2]}, ["b\\" [1][2]", [3]]]', [1, 2]),
        ("no marks", "no marks", []),
        ("", "", []),
    ],
)
def test_marks_become_annotations_and_invented_ones_vanish(
    text: str, content: str, numbers: list[int]
) -> None:
    cited = cite(text, PASSAGES)
    assert cited.content == content
    places = [a["url_citation"] for a in cited.annotations]
    assert [cited.content[p["start_index"] : p["end_index"]] for p in places] == [
        f"[{n}]" for n in numbers
    ]
    assert [p["url"] for p in places] == [f"/v1/documents/d{n}#{n}" for n in numbers]


def test_offsets_count_code_points() -> None:
    cited = cite("🎉🎉年假 [9] 有八十天 [2]。", PASSAGES)
    (place,) = [a["url_citation"] for a in cited.annotations]
    assert cited.content[place["start_index"] : place["end_index"]] == "[2]"
