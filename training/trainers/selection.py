"""A reward model's opinion of a policy: the mean reward of its greedy answers to held-out prompts.

Ouyang et al. 2022 chose the SFT checkpoint so, since the validation loss said less of what people prefer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from contract.settings import JudgeSettings
from rbrm.answer import Answer
from rbrm.reading import ReadBatch
from training.questions import question_of_row
from training.rewards.reward_models import reward_model_settings, scorer_of
from training.trainers.data import Row, as_messages
from training.trainers.options import SFTOptions
from training.trainers.tokens import template_ids

# More prompts make the mean steadier and each epoch longer.
_MOST_PROMPTS = 64
_BATCH = 16


class Selector:
    """Scores a policy's greedy answers.

    Args:
        scorer: a reward model that reads question and answer.
        prompts: held-out rows with a `prompt`.
    """

    def __init__(self, scorer: Any, prompts: Sequence[Row], tokenizer: Any, longest: int) -> None:
        self._scorer = scorer
        self._rows = list({str(row["prompt"]): row for row in prompts}.values())[:_MOST_PROMPTS]
        self._tokenizer = tokenizer
        self._longest = longest

    def mean_reward(self, model: Any) -> float:
        """The mean over the prompts."""
        rewards = []
        for row, text in zip(self._rows, self._answers(model), strict=True):
            question = question_of_row(row)
            answer = Answer.of(question.text, text)
            rewards += self._scorer.score(question, [answer], _NOTHING_READ)
        return sum(rewards) / len(rewards)

    def _answers(self, model: Any) -> list[str]:
        prompts = [
            template_ids(self._tokenizer, as_messages(row["prompt"], "user"), prompt=True)
            for row in self._rows
        ]
        found = []
        for first in range(0, len(prompts), _BATCH):
            found += greedy(model, self._tokenizer, prompts[first : first + _BATCH], self._longest)
        return found


def greedy(model: Any, tokenizer: Any, prompts: Sequence[list[int]], longest: int) -> list[str]:
    """The likeliest answer to each of a batch of prompts, as text."""
    width = max(len(prompt) for prompt in prompts)
    pad = tokenizer.pad_token_id
    padded = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        ids = torch.tensor(padded, device=model.device)
        made = model.generate(
            input_ids=ids,
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=longest,
            do_sample=False,
            pad_token_id=pad,
            eos_token_id=tokenizer.eos_token_id,
        )
    model.train(was_training)
    texts = tokenizer.batch_decode(made[:, width:], skip_special_tokens=True)
    return [text.strip() for text in texts]


def build_selector(options: SFTOptions, prompts: Sequence[Row], tokenizer: Any) -> Selector:
    """A selector with the reward model that the options name.

    Raises:
        ConfigurationError: it can't be loaded or reached.
    """
    assert options.reward_model is not None
    settings = reward_model_settings(JudgeSettings(), options.reward_model)
    return Selector(scorer_of(settings), prompts, tokenizer, options.answer_tokens)


# Reward models that are checkpoints read the texts themselves.
_NOTHING_READ: ReadBatch = None  # type: ignore[assignment]
