"""Conversations as tokens, by the policy's own chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract.errors import ConfigurationError

Messages = Sequence[dict[str, str]]


def check_template(tokenizer: Any, name: str) -> None:
    """Raises ConfigurationError where a policy has no chat template to be trained with."""
    if tokenizer.chat_template is None:
        raise ConfigurationError(
            f"The tokenizer of {name} has no chat template. Put chat_template.jinja beside its "
            "tokenizer.json; the policy must be trained in the form in which it is served."
        )


def template_ids(tokenizer: Any, messages: Messages, *, prompt: bool = False) -> list[int]:
    """A conversation as tokens; `prompt` opens the assistant's turn."""
    found = tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=prompt, tokenize=True, return_dict=True
    )
    return list(found["input_ids"])


def answered_ids(tokenizer: Any, prompt: Messages, answer: str) -> tuple[list[int], list[int]]:
    """Tokens of a prompt and of its answer, which ends where the policy is to stop.

    A template that does not end a turn with the end-of-text token gets one: without it the policy would
    never learn to stop.
    """
    before = template_ids(tokenizer, prompt, prompt=True)
    whole = template_ids(tokenizer, [*prompt, {"role": "assistant", "content": answer}])
    if whole[: len(before)] == before:
        after = whole[len(before) :]
    else:
        after = list(tokenizer(answer, add_special_tokens=False)["input_ids"])
    if tokenizer.eos_token_id not in after:
        after.append(tokenizer.eos_token_id)
    return before, after


def ends_turns(tokenizer: Any) -> bool:
    """Does the template end an answer with the end-of-text token?"""
    asked = [{"role": "user", "content": "?"}]
    before = template_ids(tokenizer, asked, prompt=True)
    whole = template_ids(tokenizer, [*asked, {"role": "assistant", "content": "!"}])
    return tokenizer.eos_token_id in whole[len(before) :]
