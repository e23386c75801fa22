"""The lexical side: what it ranks, what it hides, and that a new generation costs what changed."""

from pathlib import Path

import numpy as np
import pytest

from retrieval import lexical
from retrieval.lexical import LexicalIndex, write_lexical
from retrieval.visible import Visible

WORDS = [
    (1, 1, "Cats sleep all day."),
    (2, 1, "Dogs bark at night."),
    (5, 2, "Cats and dogs and birds."),
    (9, 3, "猫整天睡觉。"),
]


def seen(*ids: int) -> Visible:
    flags = np.zeros(16, dtype=np.bool_)
    flags[list(ids)] = True
    documents = np.asarray([d for i, d, _ in WORDS if i in ids], dtype=np.int64)
    return Visible(
        documents, np.zeros(len(ids), dtype=np.int64), np.packbits(flags, bitorder="little")
    )


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    write_lexical(tmp_path / "one", None, [], WORDS)
    return LexicalIndex(tmp_path / "one")


def test_rare_words_and_short_texts_count_more(index: LexicalIndex) -> None:
    assert list(index.search({"cat": 1.0, "sleep": 1.0}, 10)) == [1, 5]
    assert list(index.search({"猫": 1.0, "睡觉": 1.0}, 10)) == [9]
    assert index.search({}, 10) == {}


def test_a_weight_says_how_much_a_term_counts(index: LexicalIndex) -> None:
    assert next(iter(index.search({"bird": 0.1, "bark": 1.0}, 10))) == 2
    assert next(iter(index.search({"bird": 1.0, "bark": 0.1}, 10))) == 5


def test_an_unseen_term_is_the_rarest(index: LexicalIndex) -> None:
    rarity = index.rarity(["cat", "bird", "zebra"])
    assert rarity["cat"] < rarity["bird"] < rarity["zebra"]


@pytest.mark.parametrize("most_named", [0, 2000])
def test_what_is_hidden_is_not_found(
    index: LexicalIndex, most_named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "_MOST_NAMED", most_named)
    assert list(index.search({"cat": 1.0}, 10, seen(5))) == [5]
    assert list(index.search({"cat": 1.0}, 1, seen(5))) == [5]
    assert index.search({"bark": 1.0}, 10, seen(5)) == {}


def test_a_generation_starts_from_the_one_before(tmp_path: Path, index: LexicalIndex) -> None:
    write_lexical(tmp_path / "two", tmp_path / "one", [5], [(12, 4, "Birds fly south.")])
    after = LexicalIndex(tmp_path / "two")
    assert set(after.search({"cat": 1.0, "bird": 1.0}, 10)) == {1, 12}
    assert set(index.search({"cat": 1.0, "bird": 1.0}, 10)) == {1, 5}, "the older one is as it was"
    assert set(LexicalIndex(tmp_path / "one").search({"cat": 1.0, "bird": 1.0}, 10)) == {1, 5}
