"""One step of each of TRL's trainers on exported files, unchanged; a program of its own.

    python tests/trainers/one_step.py CHAT_MODEL REWARD_MODEL FOLDER

FOLDER holds one export for each kind, named after it. Prints for each kind the rows that were loaded, and the
loss, as one line of JSON.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from datasets import Dataset, load_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl import (
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)

COMMON = {
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "use_cpu": True,
    "bf16": False,
    "report_to": [],
    "logging_steps": 1,
    "save_strategy": "no",
    "gradient_checkpointing": False,
    "disable_tqdm": True,
}


def short(completions: list[list[dict[str, str]]], **columns: list[object]) -> list[float]:
    """A reward that needs every column that a rule may ask for."""
    for name in ("question", "passages", "cited", "reference", "candidates"):
        assert len(columns[name]) == len(completions), name
    return [-float(len(completion[0]["content"])) for completion in completions]


def train(kind: str, rows: Dataset, chat: str, reward: str, out: Path) -> float:
    tokenizer = AutoTokenizer.from_pretrained(reward if kind == "rm" else chat)
    where = {"output_dir": str(out), **COMMON}
    own = {"args": None, "train_dataset": rows, "processing_class": tokenizer}
    if kind == "rm":
        own["args"] = RewardConfig(**where)
        model = AutoModelForSequenceClassification.from_pretrained(reward, num_labels=1)
        trainer = RewardTrainer(model, **own)
    elif kind == "grpo":
        own["args"] = GRPOConfig(num_generations=2, max_completion_length=4, **where)
        model = AutoModelForCausalLM.from_pretrained(chat)
        trainer = GRPOTrainer(model, reward_funcs=short, **own)
    else:
        configs = {"sft": SFTConfig, "dpo": DPOConfig, "kto": KTOConfig}
        trainers = {"sft": SFTTrainer, "dpo": DPOTrainer, "kto": KTOTrainer}
        own["args"] = configs[kind](**where)
        trainer = trainers[kind](AutoModelForCausalLM.from_pretrained(chat), **own)
    found = trainer.train()
    assert found.global_step == 1
    return float(found.training_loss)


def main() -> None:
    chat, reward, folder = sys.argv[1:]
    for kind in ("sft", "rm", "dpo", "kto", "grpo"):
        files = {p.stem: str(p) for p in (Path(folder) / kind).glob("*.jsonl")}
        data = load_dataset("json", data_files=files)
        loss = train(kind, data["train"], chat, reward, Path(folder) / f"trained-{kind}")
        shown = {"kind": kind, "rows": sum(len(part) for part in data.values())}
        print(json.dumps(shown | {"finite": math.isfinite(loss)}), flush=True)


if __name__ == "__main__":
    main()
