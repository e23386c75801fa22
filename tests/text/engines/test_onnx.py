"""The int8 copy: made once, whole or not at all, near the original, and never mixed with it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from contract.errors import ConfigurationError, IndexMismatch
from contract.settings import Settings
from ingest.build import Ingest
from rbrm.answer import Question
from rbrm.assembly import build_judge
from retrieval.index import Index
from tests.text.engines.test_torch import with_dense
from text.encoder import Encoder
from text.encoders import build_encoder
from text.engines.folder import EMBEDDED, model_folder


def small_weights(folder: Path) -> Path:
    """A random transformer of two small layers with the embedded tokenizer: quick to export."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(model_folder(EMBEDDED)))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


TEXT = "Leave is eighty days. The canteen opens at noon."
SPANS = [(0, 21), (22, len(TEXT))]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    folder = tmp_path_factory.mktemp("data")
    changes = {"data_dir": folder, "retrieval.encoder_engine": "onnx-int8"}
    return Settings().replace(changes)


@pytest.fixture(scope="module")
def int8(settings: Settings) -> Encoder:
    return build_encoder(settings)


def test_it_is_near_the_original_and_sentences_too(int8: Encoder, encoder: Encoder) -> None:
    (mine,), (true,) = int8.encode([TEXT], [SPANS]), encoder.encode([TEXT], [SPANS])
    assert mine.vector @ true.vector > 0.97
    assert (mine.sentences * true.sentences).sum(axis=1).min() > 0.95
    assert int8.max_tokens == encoder.max_tokens
    assert int8.token_spans(TEXT) == encoder.token_spans(TEXT)


def test_a_vector_does_not_depend_on_its_company(int8: Encoder) -> None:
    together = int8.encode(["short", TEXT, "x " * 400])
    np.testing.assert_array_equal(together[1].vector, int8.encode([TEXT])[0].vector)


def test_it_is_made_once_and_nothing_else_is_left(settings: Settings, int8: Encoder) -> None:
    said: list[str] = []
    again = build_encoder(settings, said.append)
    assert said == []
    assert again.fingerprint == int8.fingerprint
    assert len(list((settings.data_dir / "encoders").iterdir())) == 1


def test_its_index_and_that_of_torch_are_kept_apart(
    settings: Settings, int8: Encoder, encoder: Encoder, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    Ingest(tmp_path / "index", int8, settings.retrieval).run([tmp_path / "a.txt"], "default")
    Index(tmp_path / "index", int8).close()
    with pytest.raises(IndexMismatch, match="onnx-int8.*minilm"):
        Index(tmp_path / "index", encoder)


def test_the_judge_reads_with_the_embedded_encoder_all_the_same(int8: Encoder, judge) -> None:
    question, answers = Question("How long is leave?"), ["Eighty days.", "You idiot."]
    mine = build_judge(Settings().judge, int8).judge(question, answers)
    true = judge.judge(question, answers)
    assert [m.propositions for m in mine] == [t.propositions for t in true]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_dense_layers_are_kept(tmp_path: Path, pooling: str) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    folder = with_dense(tmp_path / "model", pooling, small_weights(tmp_path / "weights"))
    said: list[str] = []
    changes = {
        "data_dir": tmp_path,
        "retrieval.encoder": str(folder),
        "retrieval.encoder_engine": "onnx-int8",
    }
    int8 = build_encoder(Settings().replace(changes), said.append)
    assert "done in" in said[-1]
    (mine,), (true,) = int8.encode([TEXT], [SPANS]), Encoder(str(folder)).encode([TEXT], [SPANS])
    assert mine.vector.shape == (64,)
    assert mine.vector @ true.vector > 0.95
    assert (mine.sentences * true.sentences).sum(axis=1).min() > 0.9


def test_a_pooling_that_is_not_supported_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    changes = {
        "data_dir": tmp_path,
        "retrieval.encoder": str(
            with_dense(tmp_path / "model", "max", small_weights(tmp_path / "weights"))
        ),
        "retrieval.encoder_engine": "onnx-int8",
    }
    with pytest.raises(ConfigurationError, match="pooling is 'max'.*torch"):
        build_encoder(Settings().replace(changes))
    assert list((tmp_path / "encoders").iterdir()) == []


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    changes = {"data_dir": tmp_path, "retrieval.encoder_engine": "onnx-int8"}
    with pytest.raises(ConfigurationError, match=r"onnxscript is not installed.*\.\[onnx\]"):
        build_encoder(Settings().replace(changes))
