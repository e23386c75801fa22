"""A policy of a million weights, pretrained here on a text of our own in two minutes.

It learns its world by heart from short questions and answers in every manner, then the same below the whole
prompt of Plumbline. Nothing is downloaded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks.flywheel import world
from contract.progress import Progress
from server.wording import INSTRUCTIONS, PASSAGES_HEADING, QUESTION_HEADING

END = "<|end|>"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
    "{% if m['role'] == 'assistant' %}<|end|>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
HIDDEN, LAYERS, HEAD = 128, 3, 32
CONTEXT = 1024
_MANNERS = 20
_IGNORED = -100

Pair = tuple[list[int], list[int]]


def pretrain(
    folder: Path, seed: int, progress: Progress, *, by_heart: int = 150, in_prompt: int = 80
) -> None:
    """Make the checkpoint with its tokenizer and chat template.

    Args:
        by_heart: steps of 64 questions without a prompt.
        in_prompt: steps of 16 questions below the whole prompt, the passage included.
    """
    torch.manual_seed(seed)
    dice = random.Random(seed)
    told = [row for _ in range(_MANNERS) for row in _all_answers(dice)]
    tokenizer = _tokenizer(told)
    model = LlamaForCausalLM(_config(len(tokenizer)))

    def alone() -> Pair:
        question, _, answer = dice.choice(told)
        return _encoded(tokenizer, [{"role": "user", "content": question}], answer)

    def below_prompt() -> Pair:
        question, fact, answer = dice.choice(told)
        return _encoded(tokenizer, prompt(question, fact.room), answer)

    _learn(model, alone, by_heart, 64, 3e-3, lambda done: progress("by heart", done, by_heart))
    _learn(
        model, below_prompt, in_prompt, 16, 2e-3, lambda done: progress("prompts", done, in_prompt)
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def prompt(question: str, room: str) -> list[dict[str, str]]:
    """The messages as Plumbline sends them, with the right passage."""
    shown = f"<<<\n[1] (The {room})\n{world.document(room)}\n>>>"
    asked = f"{QUESTION_HEADING['en']}\n{question}"
    return [
        {"role": "system", "content": INSTRUCTIONS["en"]},
        {"role": "user", "content": "\n\n".join([PASSAGES_HEADING["en"], shown, asked])},
    ]


def _all_answers(dice: random.Random) -> Iterator[tuple[str, world.Fact, str]]:
    yield from world.answers(dice)
    yield from world.answers(dice, held_out=True)


def _tokenizer(told: Sequence[tuple[str, world.Fact, str]]) -> PreTrainedTokenizerFast:
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    texts = [answer for _, _, answer in told]
    for question, fact, _ in told[:500]:
        texts += [message["content"] for message in prompt(question, fact.room)]
    base.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=1024,
            special_tokens=[END, "<|system|>", "<|user|>", "<|assistant|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=base,
        eos_token=END,
        pad_token=END,
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def _config(vocabulary: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=3 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HIDDEN // HEAD,
        num_key_value_heads=HIDDEN // HEAD,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=False,
    )


def _encoded(tokenizer: Any, messages: list[dict[str, str]], answer: str) -> Pair:
    before = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return tokenizer(before).input_ids, tokenizer(answer + END).input_ids


def _learn(
    model: LlamaForCausalLM,
    draw: Callable[[], Pair],
    steps: int,
    batch: int,
    rate: float,
    done: Callable[[int], None],
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.1
    )
    model.train()
    for step in range(1, steps + 1):
        model(**_batch([draw() for _ in range(batch)])).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        done(step)


def _batch(pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    """Right-padded; the loss is on the answers only."""
    length = max(len(before) + len(answer) for before, answer in pairs)
    shape = (len(pairs), length)
    ids, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, _IGNORED)
    for row, (before, answer) in enumerate(pairs):
        end = len(before) + len(answer)
        ids[row, :end] = torch.tensor(before + answer)
        mask[row, :end] = 1
        labels[row, len(before) : end] = torch.tensor(answer)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
