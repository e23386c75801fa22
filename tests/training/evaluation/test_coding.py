import json
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ConfigurationError
from training.evaluation.coding import pass_metrics
from training.evaluation.perplexity import Surprise, perplexity_metrics, read_texts


def test_pass_at_k_comes_from_counts_or_single_results(tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    rows = [
        {"task": "sum", "policy": "a", "n": 4, "c": 1},
        {"task": "sort", "policy": "a", "passed": [False, False, False, False]},
        {"task": "sum", "n": 4, "c": 2},
        *({"task": "sort", "passed": n == 3} for n in range(4)),
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    once, twice = pass_metrics(path, (1, 2))
    assert (once.a, once.b, once.count) == (0.125, 0.375, 2)
    # 1 − C(2,2)/C(4,2) = 5/6 and 1 − C(3,2)/C(4,2) = 1/2 for b; 1/2 and 0 for a.
    assert (twice.a, twice.b) == pytest.approx((0.25, (5 / 6 + 1 / 2) / 2), abs=1e-6)
    assert once.difference is not None
    with pytest.raises(ConfigurationError, match="5 times"):
        pass_metrics(path, (5,))


def test_perplexity_is_the_exponent_of_nats_for_each_token() -> None:
    tokens, size = np.asarray([4.0, 4.0]), np.asarray([8.0, 8.0])
    a = Surprise(tokens * np.log(8), tokens, size)
    b = Surprise(tokens * np.log(2), tokens, size)
    perplexity, bits = perplexity_metrics(a, b, seed=0)
    assert (perplexity.a, perplexity.b, perplexity.better) == (8, 2, "lower")
    assert (bits.a, bits.b) == (1.5, 0.5)
    assert perplexity.difference is not None and perplexity.difference.high < 0
    other = Surprise(b.nats, tokens * 2, size)
    assert [m.name for m in perplexity_metrics(a, other, seed=0)] == ["bits_per_byte"]


def test_texts_are_lines_of_json_or_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": "one"}\n{"text": "二"}\n', encoding="utf-8")
    (tmp_path / "t.txt").write_text("one\nline\n\ntwo\n", encoding="utf-8")
    assert read_texts(tmp_path / "t.jsonl") == ["one", "二"]
    assert read_texts(tmp_path / "t.txt") == ["one\nline", "two"]
    (tmp_path / "bad.jsonl").write_text("[1]\n")
    with pytest.raises(ConfigurationError):
        read_texts(tmp_path / "bad.jsonl")
