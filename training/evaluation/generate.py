"""Answers of a checkpoint, generated in this process."""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterator, Sequence
from typing import Any

from contract.errors import ConfigurationError
from training.evaluation.prompts import EvaluationPrompt
from training.evaluation.sampling import Reply, Sampling
from training.evaluation.sides import Contender


class LocalPolicy:
    """A causal checkpoint, with an adapter where there is one.

    Args:
        contender: of kind `weights`.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        ConfigurationError: it can't be loaded, or has no chat template.
    """

    def __init__(self, contender: Contender, device: str = "auto") -> None:
        # Late on purpose: importing these takes seconds.
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._torch = torch
        on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        self._device = "cuda" if on_gpu else "cpu"
        own = contender.adapter
        words = own if own and (own / "tokenizer_config.json").is_file() else contender.checkpoint
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(words, padding_side="left")
            self.model: Any = AutoModelForCausalLM.from_pretrained(
                contender.checkpoint,
                use_safetensors=True,
                dtype=torch.bfloat16 if on_gpu else torch.float32,
            )
            if contender.adapter is not None:
                self.model = _with_adapter(self.model, contender)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigurationError(f"{contender.name} can't be loaded: {error}") from error
        if self.tokenizer.chat_template is None:
            raise ConfigurationError(f"{contender.name} has no chat template.")
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        if self.model.generation_config.eos_token_id is None:
            self.model.generation_config.eos_token_id = self.tokenizer.eos_token_id
        self.model.eval().to(self._device)
        self.name = contender.name

    @property
    def context(self) -> int:
        """The longest prompt and answer together, in tokens."""
        return int(getattr(self.model.config, "max_position_embeddings", 0) or 1 << 30)

    def answers(
        self,
        prompts: Sequence[EvaluationPrompt],
        sampling: Sampling,
        batch: int,
        known: Container[str] = (),
    ) -> Iterator[tuple[EvaluationPrompt, Reply]]:
        """The answers, batch by batch, prompts of like length together. Batches are the same whatever is
        known already, so that a run that was broken off ends with the answers of an unbroken one.

        Args:
            batch: prompts of one batch.
            known: keys of prompts that need no answer.

        Raises:
            ConfigurationError: a prompt does not fit the context.
        """
        encoded = [(prompt, self._encode(prompt)) for prompt in prompts]
        room = self.context - sampling.max_tokens
        for prompt, tokens in encoded:
            if len(tokens) > room:
                raise ConfigurationError(
                    f"The prompt {prompt.id} has {len(tokens)} tokens; {self.name} takes {self.context} with "
                    f"{sampling.max_tokens} of them for the answer. Lower --max-tokens, or leave it out."
                )
        # By length first, so that little is padded; by key, so that the order of the file does not matter.
        encoded.sort(key=lambda pair: (len(pair[1]), pair[0].key))
        for start in range(0, len(encoded), batch):
            part = encoded[start : start + batch]
            if all(prompt.key in known for prompt, _ in part):
                continue
            texts = self._generate([tokens for _, tokens in part], sampling, start)
            for (prompt, _), text in zip(part, texts, strict=True):
                if prompt.key not in known:
                    yield prompt, Reply(text)

    def _encode(self, prompt: EvaluationPrompt) -> list[int]:
        found = self.tokenizer.apply_chat_template(
            list(prompt.messages), add_generation_prompt=True, return_dict=True
        )
        return list(found["input_ids"])

    def _generate(self, rows: Sequence[list[int]], sampling: Sampling, start: int) -> list[str]:
        torch = self._torch
        padded = self.tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt")
        torch.manual_seed(sampling.seed * 1_000_003 + start)
        with torch.inference_mode():
            found = self.model.generate(
                **padded.to(self._device),
                max_new_tokens=sampling.max_tokens,
                pad_token_id=self.tokenizer.pad_token_id,
                **_drawing(sampling.temperature),
            )
        new = found[:, padded["input_ids"].shape[1] :]
        return [t.strip() for t in self.tokenizer.batch_decode(new, skip_special_tokens=True)]


def _drawing(temperature: float) -> dict[str, Any]:
    """From the whole distribution, as a server draws that is only given a temperature; transformers would
    keep the 50 likeliest tokens."""
    if temperature == 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}


def _with_adapter(model: Any, contender: Contender) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ConfigurationError(
            f"{contender.name} is a LoRA adapter, and peft is not installed. `pip install 'plumbline[train]'` "
            "brings it."
        ) from error
    with warnings.catch_warnings():
        # peft asks transformers for a property by its old name.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = PeftModel.from_pretrained(model, str(contender.adapter))
        # Merged: one matrix product instead of three for each layer and token.
        return adapted.merge_and_unload()
