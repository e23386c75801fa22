from pathlib import Path

import numpy as np
import pytest

from contract.errors import ConfigurationError
from text.encoder import Encoder


def test_vectors_do_not_depend_on_the_company_they_keep(encoder: Encoder) -> None:
    texts = ["short", "a much longer sentence about the annual leave of employees", "x " * 200]
    together = encoder.encode(texts)
    for text, encoding in zip(texts, together):
        alone = encoder.encode([text])[0]
        np.testing.assert_allclose(alone.vector, encoding.vector, atol=1e-5)
        assert np.linalg.norm(encoding.vector) == pytest.approx(1, abs=1e-5)


def test_a_sentence_vector_stands_for_its_sentence(encoder: Encoder) -> None:
    text = "Parental leave is eighty days. The canteen opens at noon."
    spans = [(0, 30), (31, len(text))]
    sentences = encoder.encode([text], [spans])[0].sentences
    questions = encoder.encode(["How long is parental leave?", "When can I have lunch?"])
    likeness = np.stack([q.vector for q in questions]) @ sentences.T
    assert likeness.argmax(axis=1).tolist() == [0, 1]


def test_windows_cover_a_long_text(encoder: Encoder) -> None:
    text = " ".join(f"word{i}" for i in range(1500))
    windows = encoder.windows(text)
    assert windows[0][0] == 0
    assert windows[-1][1] == len(text)
    assert all(after[0] < before[1] for before, after in zip(windows, windows[1:]))
    assert all(encoder.count_tokens(text[a:b]) <= encoder.max_tokens for a, b in windows)


def test_chinese_is_known_to_be_unknown(encoder: Encoder) -> None:
    assert encoder.unknown_share("年假可以结转到下一年吗？") > 0.4
    assert encoder.unknown_share("May annual leave be carried over?") == 0
    assert encoder.reads("May annual leave be carried over?", 0.2)


def test_a_few_known_characters_are_not_taken_for_knowing_chinese(encoder: Encoder) -> None:
    assert encoder.unknown_share("火星上有水") == 0
    assert not encoder.reads("火星上有水", 0.2)


def test_an_encoder_that_is_nowhere_is_a_plain_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigurationError, match="Set retrieval.encoder"):
        Encoder(str(tmp_path / "nothing"))
