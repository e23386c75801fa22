"""What GRPO and RLOO share: prompts, the judge in service as the reward, and the budget of distance."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from datasets import Dataset

from contract.errors import ConfigurationError
from contract.terminal import load_settings
from contract.weights import file_digest
from rbrm.assembly import build_judge
from rbrm.judge import Judge
from text.encoder import Encoder
from training.rewards.reward_models import reward_model_settings
from training.rewards.total import total_reward
from training.trainers.arguments import Defaults, fit, result_of, trainer_arguments, within_budget
from training.trainers.data import Row, as_messages, read_data
from training.trainers.models import Loaded, load_policy
from training.trainers.options import RLOptions
from training.trainers.pretraining import read_pretraining
from training.trainers.task import Outcome, Task
from training.trainers.tokens import template_ids

# Rate: Shao et al. 2024 (1e-6, all weights), ten times that for an adapter (Schulman et al. 2025, "LoRA without
# regret"); constant, as there.
DEFAULTS = Defaults((3, 1), (8, 16), 1e-5, 1e-6, "constant")

# What the reward reads of a row besides its prompt.
_READ = (
    "question", "previous", "passages", "response_type", "reference", "documents_hold_answer",
)  # fmt: skip
_GAMMA = 1.0

Build = Callable[[Loaded, dict[str, Any], Dataset, Any], Any]


def reinforce(task: Task, build: Build) -> Outcome:
    """Train on the prompts of an export, with the trainer that `build` makes of
    (model, arguments, rows, reward function)."""
    options = task.options
    assert isinstance(options, RLOptions)
    if options.gamma is not None and options.pretraining is None:
        raise ConfigurationError("--gamma weighs the text of --pretraining; give that as well.")
    # Prompts that nobody trains on are there for the evaluation of the result, not for this run.
    data = read_data(options.data, ("prompt",), options.seed, hold_out=False)
    hashes = dict(data.hashes)
    loaded = load_policy(task.policy, options)
    rows, too_long = _rows(data.train, loaded.tokenizer, options)
    chosen = DEFAULTS.chosen(options, len(rows))
    with closing(_judge(options)) as judge:
        ends = [loaded.tokenizer.eos_token_id]
        reward = total_reward(judge, options.terms, longest=options.long_answer, ends=ends)
        arguments = trainer_arguments(
            task, chosen, loaded.on_gpu, DEFAULTS.schedule, per_row=options.generations
        )
        trainer = build(loaded, _sampling(arguments, options), Dataset.from_list(rows), reward)
        if options.pretraining is not None:
            trainer.pretraining = read_pretraining(
                options.pretraining,
                loaded.tokenizer,
                gamma=options.gamma or _GAMMA,
                block=min(options.max_tokens, 512),
                batch=max(1, chosen["batch"] // options.accumulate),
                seed=options.seed,
            )
            hashes[str(options.pretraining)] = file_digest(options.pretraining)
        trained = fit(trainer, task, kl_budget=options.kl_budget, together=options.iterations)
        versions = judge.rubric.fingerprint, judge.version
    step = within_budget(task, trained)
    return Outcome(
        weights="model" if options.weights == "full" else "adapter",
        result=result_of(task, loaded.tokenizer, step),
        history=trained.history,
        steps=trained.steps,
        data=hashes,
        rows={"train": len(rows), "too_long": too_long},
        chosen=chosen | {"kept_step": step},
        rubric_version=versions[0],
        judge_version=versions[1],
        resumed=trained.resumed,
    )


def _sampling(arguments: dict[str, Any], options: RLOptions) -> dict[str, Any]:
    return arguments | {
        "num_generations": options.generations,
        "num_iterations": options.iterations,
        "max_completion_length": options.answer_tokens,
        "temperature": options.temperature,
        "beta": options.beta,
    }


def _judge(options: RLOptions) -> Judge:
    """The judge that guards in service: the same settings, rubric and weights."""
    settings = load_settings(options.config, judge__rubric=options.rubric).judge
    if options.reward_model is not None:
        settings = reward_model_settings(settings, options.reward_model)
    return build_judge(settings, Encoder())


def _rows(rows: list[Row], tokenizer: Any, options: RLOptions) -> tuple[list[Row], int]:
    """Prompts with what the reward reads, and how many leave no room for an answer."""
    kept = []
    for row in rows:
        prompt = as_messages(row["prompt"], "user")
        length = len(template_ids(tokenizer, prompt, prompt=True))
        if length + options.answer_tokens <= options.max_tokens:
            kept.append({"prompt": prompt} | {n: row[n] for n in _READ if n in row})
    if not kept:
        raise ConfigurationError(
            f"No prompt leaves room for {options.answer_tokens} tokens of answer within --max-tokens "
            f"{options.max_tokens}."
        )
    return kept, len(rows) - len(kept)
