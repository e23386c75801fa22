"""Many stretches are found in one pass, wherever they stand, and nothing else is."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from forget import traces
from forget.traces import Traces, spread, stretches


@pytest.fixture
def dice() -> random.Random:
    return random.Random(7)


def test_stretches_are_found_at_every_offset_and_nothing_else_is(dice: random.Random) -> None:
    wanted = [dice.randbytes(dice.randint(12, 40)) for _ in range(3000)]
    planted = set(dice.sample(wanted, 500))
    content = b"".join(dice.randbytes(dice.randint(0, 99)) + one for one in planted)
    assert Traces(wanted).found_in(content) == {one for one in wanted if one in content} >= planted
    assert Traces([]).found_in(content) == Traces(wanted).found_in(b"") == set()


def test_a_stretch_across_two_blocks_of_a_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "_BLOCK", 64)
    wanted = b"a stretch of a text that is gone"
    for start in range(40, 90):
        path = tmp_path / str(start)
        path.write_bytes(b"." * start + wanted + b"." * 100)
        assert Traces([wanted]).found_in_file(path) == ({wanted}, start + len(wanted) + 100)
    assert Traces([wanted]).found_in_file(tmp_path / "none") == (set(), 0)


@pytest.mark.parametrize(
    "text",
    [
        "The parental leave of Ann Marlow begins on the third of May and lasts for nine weeks.",
        "王晓雯的育儿假从五月三日开始，一共九周，期间由财务部的李建国代理她的全部工作。",
    ],
)
def test_a_quotation_of_a_text_holds_one_of_its_stretches_also_within_json(text: str) -> None:
    quoted = f'He said: "{text[5:]}" \n and left.'
    for content in (quoted.encode(), json.dumps(quoted).encode(), text[5:-5].encode()):
        assert Traces(stretches(text)).found_in(content)
    assert not Traces(stretches(text)).found_in(
        b"Something else altogether, as often happens here."
    )


def test_what_says_too_little_is_no_stretch() -> None:
    assert list(stretches("ok")) == list(stretches("-" * 500)) == list(stretches("")) == []


def test_what_is_chosen_is_spread_evenly() -> None:
    pieces = [str(number).encode() for number in range(1000)]
    assert spread(pieces, 10) == pieces[::100]
    assert spread(pieces[:7], 10) == pieces[:7]
    assert spread([], 10) == []
