"""A real vLLM on this machine's CPU, and tiny checkpoints for it, made by the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import wait_until_healthy
from text.engines.folder import EMBEDDED, model_folder

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"

# vLLM needs half a minute of imports in each of its three processes.
_START_SECONDS = 400
_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
_WORDS = ["yes", "no", "A", "B", "C", "D"]


def require_engine() -> None:
    """Skip loudly where vLLM is not installed; where it must be (CI=1), fail."""
    if PYTHON.exists():
        return
    reason = (
        "vLLM is not installed: run `make engine` (about 3.5 GB). What speaks of it is untested."
    )
    if os.environ.get("CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def vllm(model: Path, port: int, log: Path, *flags: str) -> Iterator[str]:
    """A vLLM server for a checkpoint; yields its root URL."""
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", model.name, "--port", str(port), "--host", "127.0.0.1"]
    command += ["--enforce-eager", "--dtype", "float32", "--max-model-len", "2048", *flags]
    environment = os.environ | _ENVIRONMENT
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=model.parent
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(
            f"{url}/health", process, lambda: log.read_text()[-3000:], _START_SECONDS
        )
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def chat_checkpoint(folder: Path, positions: int = 2048) -> Path:
    """A random two-layer Llama whose likeliest next tokens are always the words a grader asks for.

    A character is about a token, and `positions` is the longest context.

    Every token's embedding shares one strong direction, and so do the output rows of those words; the
    rest is random, so that which word is likelier depends on the text.
    """
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = _tokenizer(folder)
    model = LlamaForCausalLM(_config(tokenizer, positions))
    with torch.no_grad():
        shared = torch.zeros(128)
        shared[0] = 1.0
        model.model.embed_tokens.weight += 0.5 * shared
        model.lm_head.weight.mul_(5.0)
        for word in _WORDS:
            model.lm_head.weight[tokenizer.convert_tokens_to_ids(word)] += 3.0 * shared
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def reward_checkpoint(folder: Path) -> Path:
    """A random two-layer Llama with a scalar head."""
    import torch
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(1)
    tokenizer = _tokenizer(folder)
    config = _config(tokenizer)
    config.num_labels = 1
    model = LlamaForSequenceClassification(config)
    with torch.no_grad():
        model.score.weight.mul_(20.0)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def adapter(folder: Path, seed: int, base: Path | None = None) -> Path:
    """A random LoRA adapter of rank 8 for these checkpoints, in peft's format."""
    import torch
    from safetensors.torch import save_file

    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(2):
        for name in ("q_proj", "v_proj"):
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{place}.lora_A.weight"] = torch.randn(8, 128, generator=random)
            tensors[f"{place}.lora_B.weight"] = torch.randn(128, 8, generator=random)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base) if base else None,
        "r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
    }
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def embedding_checkpoint(folder: Path) -> Path:
    """The embedded encoder under a name of its own."""
    shutil.copytree(model_folder(EMBEDDED), folder)
    return folder


def _config(tokenizer: object, positions: int = 2048) -> object:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),  # type: ignore[arg-type]
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=positions,
        pad_token_id=0,
        eos_token_id=0,
        bos_token_id=None,
        tie_word_embeddings=False,
    )


def _tokenizer(folder: Path) -> object:
    """Byte-level pieces without merges, and the words as tokens of their own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*_SPECIAL, *alphabet])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<|end|>",
        eos_token="<|end|>",
        additional_special_tokens=_SPECIAL[1:],
    )
    tokenizer.add_tokens([word for word in _WORDS if word not in vocabulary])
    tokenizer.chat_template = _TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer
