"""Small adapters and evaluations for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from contract.evaluation import Evaluation, Flag, Interval, Metric, Side

BASE = "/models/tiny"


def make_adapter(folder: Path, *, seed: int = 0, rank: int = 4, **config: Any) -> Path:
    """An adapter in peft's format, of two matrices."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    place = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {
        f"{place}.lora_A.weight": random.normal(size=(rank, 16)).astype(np.float32),
        f"{place}.lora_B.weight": random.normal(size=(16, rank)).astype(np.float32),
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    shape = {
        "peft_type": "LORA",
        "base_model_name_or_path": BASE,
        "r": rank,
        "lora_alpha": 8,
        "target_modules": ["q_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(shape | config))
    return folder


def make_evaluation(digest: str, **changes: Any) -> Evaluation:
    """One that passes all gates, but for what is changed."""

    def metric(name: str, mean: float, half: float, better: Any = "higher") -> Metric:
        found = Interval(mean=mean, low=mean - half, high=mean + half)
        return Metric(name=name, difference=found, count=200, better=better)

    values: dict[str, Any] = {
        "made": "2026-11-22T00:00:00Z",
        "seed": 0,
        "a": Side(name="old", version="scripted"),
        "b": Side(name="new", version="new", digest=digest),
        "prompts": 200,
        "prompts_digest": "0" * 64,
        "judge_version": "pairwise-1",
        "judged_by_training_reward": False,
        "metrics": (
            metric("win_rate", 0.62, 0.07),
            metric("reward", 0.4, 0.1),
            metric("over_refusal", 0.0, 0.02, "lower"),
            metric("proposition/polite", 0.1, 0.05),
            metric("proposition/preachy", -0.02, 0.05, "lower"),
        ),
    }
    return Evaluation(**values | changes)


def with_metric(evaluation: Evaluation, name: str, low: float, high: float) -> Evaluation:
    """The same with another difference in one metric."""
    metrics = tuple(
        metric.model_copy(
            update={"difference": Interval(mean=(low + high) / 2, low=low, high=high)}
        )
        if metric.name == name
        else metric
        for metric in evaluation.metrics
    )
    return evaluation.model_copy(update={"metrics": metrics})


def with_flag(evaluation: Evaluation) -> Evaluation:
    """The same with something that a person should look at."""
    flag = Flag(kind="reward_hacking", metric="proposition/polite", message="reward up, it down")
    return evaluation.model_copy(update={"flags": (flag,)})
