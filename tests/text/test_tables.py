from text.tables import is_header, is_row, is_rule, readable

TABLE = "Intro.\n\n| City | Limit |\n|:---|---:|\n| Leeds | 130 |\n| Utrecht | |\n\nEnd."


def test_a_row_is_read_with_its_header() -> None:
    assert readable("| Leeds | 130 |", TABLE) == "City: Leeds; Limit: 130"
    assert readable("| Utrecht | |", TABLE) == "City: Utrecht"


def test_a_row_without_header_keeps_its_cells() -> None:
    assert readable("| Rome | 90 |", TABLE) == "Rome; 90"
    assert (
        readable("| Rome | 90 |", "| Rome | 90 |", "Hotels › City | Limit")
        == "City: Rome; Limit: 90"
    )


def test_a_row_is_not_taken_for_the_end_of_a_longer_one() -> None:
    text = "| Day | City | Limit |\n|-|-|-|\n| 1 | Leeds | 130 |\n\n| Town | Cap |\n|-|-|\n| Leeds | 130 |"
    assert readable("| Leeds | 130 |", text) == "Town: Leeds; Cap: 130"


def test_prose_is_left_alone() -> None:
    assert readable("a | b", TABLE) == "a | b"
    assert not is_row("a | b")


def test_header_and_rule_are_told_from_rows() -> None:
    assert is_header("| City | Limit |", TABLE)
    assert not is_header("| Leeds | 130 |", TABLE)
    assert is_rule("|:---|---:|")
    assert not is_rule("| Leeds | 130 |")
    assert not is_rule("| - |  |")
    assert not is_rule("|  |  |")
