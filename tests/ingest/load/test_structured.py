"""Tables as text, JSON, JSON lines and notebooks."""

import json

import pytest

from contract.errors import DocumentUnreadable
from text.tables import readable

from .reading import read, sections


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_spite_of_quotes(delimiter: str) -> None:
    rows = [["City", "Note"], ["Leeds", f'says "yes"{delimiter} often'], ["Cork", "two\nlines"]]
    source = "\n".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
    )
    text = read("a.csv", source).text
    shown = {"\t": "", "|": "\\|"}.get(delimiter, delimiter)
    assert text.split("\n") == [
        "| City | Note |",
        "|-|-|",
        f'| Leeds | says "yes"{shown} often |',
        "| Cork | two lines |",
        "",
        "",
    ]


def test_a_first_row_of_data_is_no_header() -> None:
    assert read("a.csv", "1,Leeds,27\n2,Cork,26\n").text.split("\n\n")[0] == "1; Leeds; 27"


def test_years_may_head_columns() -> None:
    text = read("a.csv", "City,2023,2024\nLeeds,26,27\n").text
    assert text.startswith("| City | 2023 | 2024 |\n|-|-|-|\n| Leeds | 26 | 27 |\n")


def test_ragged_rows_lose_nothing() -> None:
    text = read("a.csv", "a,b\n1,2\n3\n4,5,6,seven\n").text
    rows = ["| 1 | 2 |  |  |", "| 3 |  |  |  |", "| 4 | 5 | 6 | seven |"]
    assert text.split("\n")[:-2] == ["| a | b |  |  |", "|-|-|-|-|", *rows]
    assert readable(rows[2], text) == "a: 4; b: 5; 6; seven"


def test_an_open_quote_does_not_swallow_the_table() -> None:
    document = read("a.csv", 'id,text\n1,fine\n2,"never closed\n' + "3,gamma\n" * 300)
    assert document.text.count("\n| 3 | gamma |") == 300
    assert "never closed" in document.notes[0]


def test_the_line_that_tells_excel_the_delimiter_is_no_row() -> None:
    assert read("a.csv", "sep=;\na;b\n1;2\n").text == "| a | b |\n|-|-|\n| 1 | 2 |\n\n"


def test_a_single_column_is_a_list() -> None:
    assert read("a.csv", "Colour\nteal\nochre\n").text == "Colour\n\nteal\n\nochre\n\n"


def test_json_of_settings_may_have_comments_and_loose_commas() -> None:
    text = read(
        "a.json", '\ufeff{"gate": "http://x", // the north one\n "rate": NaN, "h": [1, 2,],}'
    ).text
    assert "gate: http://x" in text
    assert "h: 1, 2" in text.replace("h\n\n", "h: ") or "1" in text


@pytest.mark.parametrize("levels", [60, 100_000])
def test_json_that_is_too_deep_says_so(levels: int) -> None:
    with pytest.raises(DocumentUnreadable, match="deeper than 40"):
        read("a.json", '{"a":' * levels + "1" + "}" * levels)


def test_one_bad_line_is_named_and_the_others_are_kept() -> None:
    document = read("a.jsonl", '{"a": "first"}\n{"a": \n{"a": "third"}\n')
    assert document.text.split("\n\n")[:2] == ["a: first", "a: third"]
    assert document.notes[0].startswith("Line 2 is not valid JSON")
    with pytest.raises(DocumentUnreadable, match="Line 1"):
        read("a.jsonl", '{"a": \n{"b": \n')


def test_encoded_pictures_in_json_are_left_out() -> None:
    text = read(
        "a.json", json.dumps({"name": "Rope", "icon": "data:image/png;base64," + "A" * 900})
    ).text
    assert "AAAA" not in text
    assert "name: Rope" in text


def notebook(**parts: object) -> str:
    return json.dumps({"nbformat": 4, "metadata": {}, **parts})


def test_a_notebook_keeps_words_code_and_short_results() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Rain\n", "We measured."]},
        {
            "cell_type": "code",
            "source": "# not a heading\ntotal = 7.5",
            "outputs": [
                {"output_type": "stream", "text": ["7.5\n"]},
                {"data": {"image/png": "iVBORw0KGgo", "text/plain": "<Figure size 2x2>"}},
            ],
        },
    ]
    document = read("a.ipynb", notebook(cells=cells))
    assert document.title == "Rain"
    assert sections(document) == [("Rain", "We measured.\n\n# not a heading\ntotal = 7.5\n\n7.5")]


def test_an_old_notebook_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": ["Old gauge"]},
        {"cell_type": "code", "input": ["mm = 12"], "outputs": [{"text": ["12"]}]},
    ]
    document = read("a.ipynb", notebook(nbformat=3, worksheets=[{"cells": cells}]))
    assert sections(document) == [("Old gauge", "mm = 12\n\n12")]
