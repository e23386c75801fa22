"""What can be seen of an adapter before an engine loads it: its format, its size, and what it fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from contract.errors import ConfigurationError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_MOST_CONFIG_BYTES = 1_000_000
# What vLLM leaves unread or refuses; an adapter with these would answer otherwise than it was trained to.
_UNSUPPORTED = (
    "modules_to_save",
    "use_dora",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "lora_bias",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
)


@dataclass(frozen=True, slots=True)
class Served:
    """What the engines serve, and what they can load.

    Attributes:
        name: the model's id there.
        source: the folder or the hub's name that it was loaded from, "" where it is not told.
        max_rank: None where it is not known.
    """

    name: str
    source: str = ""
    max_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What an adapter is: its highest rank, and the checkpoint that it was trained on."""

    rank: int
    base: str


def read_shape(folder: Path, most_bytes: int) -> Shape:
    """Look at an adapter in peft's format: configuration, size, and the header of its weights.

    Raises:
        ConfigurationError: it is none that an engine could load and that would then answer as trained.
    """
    config = _config(folder)
    if config.get("peft_type") != "LORA":
        raise ConfigurationError(
            f"{folder} holds an adapter of the kind {config.get('peft_type')!r}; engines load LORA only."
        )
    odd = [name for name in _UNSUPPORTED if config.get(name)]
    odd += ["bias"] if config.get("bias") not in (None, "none") else []
    if odd:
        raise ConfigurationError(
            f"{folder / CONFIG} uses {', '.join(odd)}, which engines do not load. Train without."
        )
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ConfigurationError(
            f"{folder / CONFIG} names no base_model_name_or_path, so nobody can tell what it fits."
        )
    rank = config.get("r")
    if type(rank) is not int or rank < 1:
        raise ConfigurationError(f"{folder / CONFIG} has no rank r.")
    _check_weights(folder / WEIGHTS, rank, most_bytes)
    return Shape(rank, base)


def check_fits(shape: Shape, served: Served) -> None:
    """Was it trained on what the engines serve, and can they load its rank?

    Raises:
        ConfigurationError: no.
    """
    if served.max_rank is not None and shape.rank > served.max_rank:
        raise ConfigurationError(
            f"The adapter has rank {shape.rank}, and the engine loads up to {served.max_rank}. Raise "
            "engine.max_lora_rank and start again, or train with a lower rank."
        )
    if not _same_checkpoint(shape.base, served):
        raise ConfigurationError(
            f"The adapter was trained on {shape.base}, and the engine serves "
            f"{served.source or served.name}. An adapter fits only the checkpoint that it was trained on."
        )


def _same_checkpoint(base: str, served: Served) -> bool:
    if base in (served.name, served.source):
        return True
    here, there = Path(base).expanduser(), Path(served.source or served.name)
    if here.is_dir() and there.is_dir():
        # Two folders on one machine: the same one by another way, or a copy.
        return here.samefile(there) or (here.name == there.name and _sizes(here) == _sizes(there))
    return here.name in (there.name, served.name)


def _sizes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in folder.glob("*.safetensors")}


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        if path.stat().st_size > _MOST_CONFIG_BYTES:
            raise ConfigurationError(f"{path} is larger than {_MOST_CONFIG_BYTES} bytes.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no adapter in {folder}: it has no {CONFIG}. Give a run folder with an adapter, or "
            "the folder that peft saved."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} can't be read ({error}).") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is no configuration of an adapter.")
    return found


def _check_weights(path: Path, rank: int, most_bytes: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ConfigurationError(
            f"{path} is missing. Only weights in safetensors are loaded, since other formats run code when "
            "they are read; peft's save_pretrained writes them."
        ) from error
    if size > most_bytes:
        raise ConfigurationError(
            f"{path} has {size} bytes, and promotion.max_adapter_bytes is {most_bytes}."
        )
    try:
        lowered = list(_ranks(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise ConfigurationError(f"{path} is no file of safetensors ({error}).") from error
    if not lowered:
        raise ConfigurationError(f"{path} holds no weights of a LoRA adapter.")
    if max(lowered) > rank:
        raise ConfigurationError(
            f"{path} holds weights of rank {max(lowered)}, and its configuration says {rank}."
        )


def _ranks(path: Path) -> Iterator[int]:
    """The rank of each pair of matrices, read from the header alone."""
    with safe_open(path, framework="numpy") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - it is no mapping
            if ".lora_A" in name:
                yield tensors.get_slice(name).get_shape()[0]
            elif ".lora_B" in name:
                yield tensors.get_slice(name).get_shape()[1]
