from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from contract.files import count_lines, problem_of, write_atomically


class Line(BaseModel):
    sizes: list[int]

    @model_validator(mode="after")
    def _not_empty(self) -> "Line":
        if not self.sizes:
            raise ValueError("give a size")
        return self


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "rubric.yaml"
    for content in (b"old", b"new"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("line", "problem"),
    [('{"sizes": [1, "x"]}', "sizes.1: "), ('{"sizes": []}', "Value error, give a size")],
)
def test_what_is_wrong_in_a_line_comes_after_its_place(line: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Line.model_validate_json(line)
    assert problem_of(caught.value).startswith(problem)


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text("{}\n\n{}")
    assert count_lines(path) == 3
