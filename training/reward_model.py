"""Train the embedded reward model for helpfulness.

    make judge-heads DATA=folder        # or python -m training.reward_model --help

Prompts come from three places: SQuAD-format files (the sentence that holds the answer against another
of the same paragraph, one of another paragraph, an evasion, and the answer said three times over), our
own pairs on general instructions (`training/data/pairs.*.jsonl`), and the public harmless pairs, at a
small weight. The loss is −log σ(r_w − r_l), averaged over all pairs of a prompt (Ouyang et al. 2022,
equation 1), then over the prompts of each set.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from safetensors.numpy import save

from contract.files import write_atomically
from contract.passage import Vector
from contract.terminal import progress_bars
from rbrm.answer import Answer, Question
from rbrm.cues import load_cues
from rbrm.heads import Heads, load_heads
from rbrm.reading import read_batch
from rbrm.refusal import compliance
from rbrm.reward_model import SCALARS, answer_features, feature_names
from text.encoder import Encoder
from text.sentences import sentences
from training.examples import read_lines
from training.options import data_option, out_option, own_option, seed_option

VERSION = "2"

EVASIONS = {
    "en": (
        "That depends on many things, so it is hard to say anything definite here.",
        "There are different views on this, and you may want to look into it yourself.",
        "I'm sorry, but I can't help with that.",
        "Good question! Many people ask themselves this.",
    ),
    "zh": (
        "这取决于很多因素，很难给出明确的说法。",
        "对此众说纷纭，您可以自己再了解一下。",
        "抱歉，我无法回答这个问题。",
        "这是个好问题，很多人都会这样问。",
    ),
}
# How much each set counts; the harmless pairs are noisy and about another virtue.
SET_WEIGHTS = {"documents": 1.0, "instructions": 1.0, "made_up": 0.15, "harmless": 0.15}
# Ridge on standardised features: cues and encoding are many and say little each.
DECAY = {"scalar": 1e-3, "cue": 0.05, "encoding": 0.4}
FOLDS = 5
_CUT_AT = 0.35
# A feature that hardly varies would get a weight as large as it is rare.
_LEAST_DEVIATION = 0.1


@dataclass(frozen=True)
class Prompt:
    """One prompt with its best answer first."""

    source: str
    language: str
    group: str
    question: Question
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Ladder:
    """A prompt as features: row 0 is the best answer, (a, f)."""

    source: str
    language: str
    group: str
    features: Vector
    lengths: tuple[int, ...]


def from_documents(path: Path, language: str, seed: int, every: int) -> Iterator[Prompt]:
    """One prompt for each question of a SQuAD-format file whose answer stands in one sentence."""
    chance = random.Random(seed)
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [(n, p) for n, article in enumerate(articles) for p in article["paragraphs"]]
    asked = [(number, p, qa) for number, p in paragraphs for qa in p["qas"]]
    for number, paragraph, qa in asked[::every]:
        text = paragraph["context"]
        parts = sentences(text)
        gold = [s for s in parts if qa["answers"][0]["text"] in s]
        rest = [s for s in parts if s not in gold]
        if not gold or not rest:
            continue
        other = chance.choice(paragraphs)[1]["context"]
        aside = chance.choice(sentences(other))
        evasion = chance.choice(EVASIONS[language])
        repeated = " ".join([gold[0]] * 3)
        texts = (gold[0], chance.choice(rest), aside, evasion, repeated, "")
        group = f"documents:{number}"
        yield Prompt("documents", language, group, Question(qa["question"], (text,)), texts)


def from_pairs(path: Path, language: str) -> Iterator[Prompt]:
    """Our own pairs on general instructions, and two answers that are worse than any: the good one cut
    off in the middle, and nothing at all."""
    for row in read_lines(path):
        question = Question(row["prompt"])
        group = f"instructions:{language}:{row['id']}"
        chosen = row["chosen"]
        cut_off = chosen[: int(len(chosen) * _CUT_AT)].rstrip(".。!！ ")
        yield Prompt("instructions", language, group, question, (chosen, row["rejected"]))
        yield Prompt("made_up", language, group, question, (chosen, cut_off, ""))


def from_dialogues(path: Path) -> Iterator[Prompt]:
    """Pairs of dialogues that differ in the last turn of the assistant."""
    for number, row in enumerate(read_lines(path)):
        before, _, chosen = row["chosen"].rpartition("\n\nAssistant:")
        _, _, rejected = row["rejected"].rpartition("\n\nAssistant:")
        earlier, _, asked = before.rpartition("\n\nHuman:")
        _, _, previous = earlier.rpartition("\n\nAssistant:")
        question = Question(asked.strip(), previous=previous.strip())
        answers = (chosen.strip(), rejected.strip())
        yield Prompt("harmless", "en", f"harmless:{number}", question, answers)


def read_prompts(prompts: Sequence[Prompt], encoder: Encoder, heads: Heads) -> list[Ladder]:
    """The features of every answer, as the judge sees them."""
    found = []
    with progress_bars() as progress:
        for number, prompt in enumerate(prompts, 1):
            question = prompt.question
            answers = [Answer.of(question.text, t, question.passages) for t in prompt.answers]
            batch = read_batch(encoder, question, answers)
            answers = [
                replace(a, compliance=compliance(heads, reading, batch.question, a.language))
                for a, reading in zip(answers, batch.answers, strict=True)
            ]
            rows = [answer_features(question, a, i, batch) for i, a in enumerate(answers)]
            lengths = tuple(len(text) for text in prompt.answers)
            found.append(
                Ladder(prompt.source, prompt.language, prompt.group, np.stack(rows), lengths)
            )
            progress("reading", number, len(prompts))
    return found


def train(data: Sequence[Ladder], dimensions: int) -> Vector:
    """Weights (f,) on raw features."""
    rows = np.concatenate([ladder.features for ladder in data])
    scale = 1 / np.maximum(rows.std(axis=0), _LEAST_DEVIATION)
    scale[-dimensions:] = np.sqrt(dimensions)  # a unit vector's coordinates
    differences, importance = [], []
    prompts = {s: sum(x.source == s for x in data) for s in SET_WEIGHTS}
    for ladder in data:
        pairs = ladder.features[:1] - ladder.features[1:]
        differences.append(pairs * scale)
        importance += [SET_WEIGHTS[ladder.source] / prompts[ladder.source] / len(pairs)] * len(
            pairs
        )
    x = torch.from_numpy(np.concatenate(differences).astype(np.float32))
    importances = torch.tensor(importance)
    decay = torch.tensor(_decays(dimensions))
    weights = torch.zeros(x.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = torch.nn.functional.softplus(-(x @ weights))
        loss = (importances * losses).sum() + (decay * weights.square()).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy() * scale, dtype=np.float32)


def _decays(dimensions: int) -> list[float]:
    kinds = {"has": "cue", "share": "cue", "encoding": "encoding"}
    names = feature_names(dimensions)
    return [DECAY[kinds.get(name.split("/")[0], "scalar")] for name in names]


def validate(data: Sequence[Ladder], dimensions: int) -> dict[str, Any]:
    """Accuracy on pairs whose prompt (or article) the weights have not seen."""
    groups = {group: n for n, group in enumerate(dict.fromkeys(x.group for x in data))}
    rewards: dict[int, Vector] = {}
    for fold in range(FOLDS):
        train_on = [x for x in data if groups[x.group] % FOLDS != fold]
        weights = train(train_on, dimensions)
        for number, ladder in enumerate(data):
            if groups[ladder.group] % FOLDS == fold:
                rewards[number] = ladder.features @ weights
    figures = {}
    for source in SET_WEIGHTS:
        for language in ("en", "zh"):
            mine = [n for n, x in enumerate(data) if (x.source, x.language) == (source, language)]
            if mine:
                figures[f"{source}/{language}"] = _figures(
                    [data[n] for n in mine], [rewards[n] for n in mine]
                )
    return figures


def _figures(ladders: Sequence[Ladder], rewards: Sequence[Vector]) -> dict[str, float]:
    """An empty answer is trained on and not counted."""
    right, longer, shorter = [], [], []
    for ladder, reward in zip(ladders, rewards, strict=True):
        for other in range(1, len(reward)):
            if not ladder.lengths[other]:
                continue
            win = bool(reward[0] > reward[other])
            right.append(win)
            longer.append(ladder.lengths[0] > ladder.lengths[other])
            if ladder.lengths[0] < ladder.lengths[other]:
                shorter.append(win)
    return {
        "pairs": len(right),
        "accuracy": round(float(np.mean(right)), 3),
        "longer_wins": round(float(np.mean(longer)), 3),
        "chosen_shorter": len(shorter),
        "accuracy_chosen_shorter": round(float(np.mean(shorter)), 3) if shorter else 0.0,
    }


def load_prompts(data: Path, own: Path, seed: int) -> list[Prompt]:
    """All prompts."""
    return [
        *from_documents(data / "xquad.en.json", "en", seed, 3),
        *from_documents(data / "xquad.zh.json", "zh", seed, 3),
        *from_pairs(own / "pairs.en.jsonl", "en"),
        *from_pairs(own / "pairs.zh.jsonl", "zh"),
        *from_dialogues(data / "hh_harmless_pairs.jsonl.gz"),
    ]


@click.command()
@data_option
@own_option
@out_option
@seed_option
def main(data: Path, own: Path, out: Path, seed: int) -> None:
    """Train on all prompts, validate on held-out ones, write `reward_model.safetensors` and its card."""
    encoder = Encoder()
    heads = load_heads(encoder.fingerprint)
    write(
        out, read_prompts(load_prompts(data, own, seed), encoder, heads), encoder.dimensions, seed
    )


def write(out: Path, ladders: Sequence[Ladder], dimensions: int, seed: int) -> None:
    """Train, validate and write."""
    weights = train(ladders, dimensions)
    reference = np.concatenate(
        [x.features[:1] @ weights for x in ladders if x.source != "harmless"]
    )
    figures = validate(ladders, dimensions)
    inner = {
        "version": VERSION,
        "mean": round(float(reference.mean()), 5),
        "deviation": round(float(reference.std()), 5),
        "cues": load_cues().fingerprint,
    }
    scalars = {n: round(float(w), 4) for n, w in zip(SCALARS, weights, strict=False)}
    out.mkdir(parents=True, exist_ok=True)
    tensors = {"weights": weights.astype(np.float16)}
    content = save(tensors, metadata={"card": json.dumps(inner)})
    write_atomically(out / "reward_model.safetensors", content)
    card = {"seed": seed, **inner, "held_out": figures, "scalars": scalars}
    write_atomically(out / "reward_model.json", (json.dumps(card, indent=1) + "\n").encode())
    click.echo(json.dumps(card, indent=1))


if __name__ == "__main__":
    main()
