"""Adapters are copied once, and what is not what it should be is not copied or not loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import ConfigurationError, NotFound
from contract.settings import PromotionSettings
from server.promotion.adapter_check import Served
from server.promotion.store import Store
from tests.server.promotion.adapters import BASE, make_adapter

SERVED = Served("tiny", BASE, max_rank=8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "policies", PromotionSettings())


def test_a_run_is_stored_under_its_name_and_the_digest_of_its_weights(
    store: Store, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "run" / "adapter")
    (adapter / "notes.pkl").write_bytes(b"no weights")
    (tmp_path / "run" / "run.json").write_text(json.dumps({"name": "round 2/grpo", "kind": "grpo"}))
    stored, new = store.add(tmp_path / "run", None, SERVED)
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    assert new
    assert stored.digest == hashlib.sha256(weights).hexdigest()
    assert stored.version == f"round-2-grpo-{stored.digest[:12]}"
    assert {file.name for file in store.adapter(stored.version).iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "policy.json",
        "run.json",
    }
    assert store.add(adapter, "round-2-grpo", SERVED) == (stored, False)
    assert store.find("round-2-grpo") == stored
    assert store.card(stored) == {"name": "round 2/grpo", "kind": "grpo"}


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_file_that_was_changed_since_is_not_loaded(
    store: Store, tmp_path: Path, file: str
) -> None:
    stored, _ = store.add(make_adapter(tmp_path / "new"), None, SERVED)
    path = store.adapter(stored.version) / file
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b" }" if file.endswith(".json") else content[:-1] + b"\0")
    with pytest.raises(ConfigurationError, match="hash has changed"):
        store.adapter(stored.version)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc", "..", "x/../y", "new-000000000000", "new\0", ""]
)
def test_a_name_only_ever_chooses_what_is_there(store: Store, tmp_path: Path, name: str) -> None:
    make_adapter(tmp_path / "data" / "outside")
    store.add(make_adapter(tmp_path / "new"), None, SERVED)
    with pytest.raises(NotFound, match="new-"):
        store.find(name)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "base", "a" * 65, "-x", "x\n"])
def test_a_version_gets_no_name_that_could_be_a_path(
    store: Store, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="is no name"):
        store.add(make_adapter(tmp_path / "new"), name, SERVED)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"r": 16, "rank": 16}, "rank 16, and the engine loads up to 8"),
        ({"base_model_name_or_path": "/models/other"}, "trained on /models/other"),
        ({"base_model_name_or_path": None}, "names no base_model_name_or_path"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 32}}, "rank_pattern"),
        ({"r": 2}, "rank 4, and its configuration says 2"),
    ],
)
def test_what_would_answer_otherwise_than_it_was_trained_to_is_refused(
    store: Store, tmp_path: Path, config: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        store.add(make_adapter(tmp_path / "new", **config), None, SERVED)
    assert store.all() == []


def test_only_safetensors_of_a_fair_size_are_taken(tmp_path: Path) -> None:
    small = Store(tmp_path / "policies", PromotionSettings(max_adapter_bytes=1_000))
    adapter = make_adapter(tmp_path / "new", rank=32)
    with pytest.raises(ConfigurationError, match="max_adapter_bytes"):
        small.add(adapter, None, None)
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(b"{}" * 40)
    with pytest.raises(ConfigurationError, match="is no file of safetensors"):
        small.add(adapter, None, None)
    weights.rename(adapter / "adapter_model.bin")
    with pytest.raises(ConfigurationError, match="run code"):
        small.add(adapter, None, None)


def test_whole_weights_are_told_how_to_be_served(store: Store, tmp_path: Path) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="engine.model"):
        store.add(tmp_path / "run", None, SERVED)
