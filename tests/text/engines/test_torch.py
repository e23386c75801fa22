"""What the batching may not change, and what a folder's own modules and prompts do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)

from contract.settings import Settings
from text.encoder import Encoder
from text.encoders import build_encoder
from text.engines.engine import batches
from text.engines.folder import model_folder

TEXTS = ["", "Leave is 80 days.", "年假可以结转。", "The canteen opens at noon. " * 60, "a"]


def with_dense(folder: Path, pooling: str = "mean", weights: Path | None = None) -> Path:
    """The embedded weights or others, pooled another way and followed by a dense layer to 64 numbers."""
    first = Transformer(str(weights or model_folder("minilm")), max_seq_length=128)
    width = first.get_embedding_dimension()
    second = Pooling(width, pooling_mode=pooling)
    SentenceTransformer(
        modules=[first, second, Dense(width, 64), Normalize()], device="cpu"
    ).save_pretrained(str(folder))
    return folder


def test_the_numbers_are_those_of_sentence_transformers(encoder: Encoder) -> None:
    theirs = SentenceTransformer(str(model_folder("minilm")), device="cpu").encode(TEXTS)
    mine = np.stack([e.vector for e in encoder.encode(TEXTS)])
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_batches_hold_every_text_once_and_keep_to_the_budget() -> None:
    lengths = [7, 300, 5, 5, 9, 2000, 120]
    found = list(batches(lengths, 512))
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    assert all(len(b) * max(lengths[i] for i in b) <= 512 or len(b) == 1 for b in found)


def test_sentences_go_through_the_layers_that_the_whole_goes_through(tmp_path: Path) -> None:
    encoder = Encoder(str(with_dense(tmp_path / "model")))
    text = "Leave is eighty days. The canteen opens at noon."
    (found,) = encoder.encode([text], [[(0, 21), (22, len(text)), (21, 22)]])
    assert found.sentences.shape == (3, 64) == (3, encoder.dimensions)
    assert np.linalg.norm(found.sentences, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)
    question = encoder.encode_question("When does the canteen open?")
    assert (found.sentences @ question).argmax() == 1


def test_questions_and_passages_get_the_prompts_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder("minilm"), folder)
    prompts = {"query": "query: ", "document": "passage: "}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    plain, prompted = Encoder(), Encoder(str(folder))
    text = "The canteen opens at noon."
    (whole,) = prompted.encode([text], [[(0, 11)]])
    (same,) = plain.encode([f"passage: {text}"], [[(9, 20)]])
    np.testing.assert_allclose(whole.vector, same.vector, atol=1e-6)
    np.testing.assert_allclose(whole.sentences, same.sentences, atol=1e-6)
    np.testing.assert_allclose(
        prompted.encode_question("When?"), plain.encode(["query: When?"])[0].vector, atol=1e-6
    )
    assert prompted.max_tokens < plain.max_tokens
    assert prompted.fingerprint != plain.fingerprint


def test_a_prefix_for_passages_makes_another_index() -> None:
    plain = build_encoder(Settings())
    prefixed = build_encoder(Settings().replace({"retrieval.passage_prefix": "passage: "}))
    asked = build_encoder(Settings().replace({"retrieval.query_prefix": "query: "}))
    assert plain.fingerprint == asked.fingerprint == Encoder().fingerprint != prefixed.fingerprint


def test_the_languages_that_the_settings_name_are_believed() -> None:
    encoder = build_encoder(Settings().replace({"retrieval.encoder_languages": ["zh"]}))
    assert encoder.reads("年假可以结转吗？", 0.2)
    assert not encoder.reads("May leave be carried over?", 0.2)
