"""Train the embedded reward model for helpfulness.

    make judge-heads DATA=folder        # or python -m training.reward_model --help

The pairs come from SQuAD-format files, both languages: the sentence that holds the answer, against
another sentence of the same paragraph (wrong), one of another paragraph (ungrounded), an evasion,
and the answer said twice over. The loss is −log σ(r_w − r_l) over all pairs of one prompt, each
prompt weighing the same (Ouyang et al. 2022, equation 1).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch

from contract.passage import Vector
from rbrm.answer import Answer, Question
from rbrm.encoded import encode_batch
from rbrm.reward_model import FEATURES, answer_features
from text.encoder import Encoder
from text.sentences import sentence_spans

VERSION = "1"

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


@dataclass(frozen=True)
class Ladder:
    """One prompt with one good answer (row 0) and worse ones: features (a, f)."""

    group: int
    features: Vector
    shorter: tuple[bool, ...]


def ladders(path: Path, language: str, encoder: Encoder, seed: int) -> Iterator[Ladder]:
    """One ladder for each question whose answer stands in one sentence."""
    chance = random.Random(seed)
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [(n, p) for n, article in enumerate(articles) for p in article["paragraphs"]]
    for group, paragraph in paragraphs:
        text = paragraph["context"]
        sentences = [text[a:b] for a, b in sentence_spans(text)]
        for qa in paragraph["qas"]:
            gold = [s for s in sentences if qa["answers"][0]["text"] in s]
            rest = [s for s in sentences if s not in gold]
            if not gold or not rest:
                continue
            other = chance.choice(paragraphs)[1]["context"]
            a, b = chance.choice(sentence_spans(other))
            evasion = chance.choice(EVASIONS[language])
            texts = [gold[0], chance.choice(rest), other[a:b], evasion, " ".join([gold[0]] * 3)]
            question = Question(qa["question"], (text,))
            answers = [Answer.of(qa["question"], t, (text,)) for t in texts]
            batch = encode_batch(encoder, question, answers)
            features = [answer_features(question, x, i, batch) for i, x in enumerate(answers)]
            shorter = tuple(len(texts[0]) < len(t) for t in texts[1:])
            yield Ladder(group, np.stack(features), shorter)


def train(data: Sequence[Ladder], decay: float = 1e-3) -> Vector:
    """Weights (f,) that minimise the mean over prompts of the mean pair loss."""
    differences = torch.stack([torch.from_numpy(x.features[:1] - x.features[1:]) for x in data])
    weights = torch.zeros(len(FEATURES), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = -torch.nn.functional.logsigmoid(differences @ weights).mean()
        loss = loss + decay * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy()


def accuracy(weights: Vector, data: Sequence[Ladder]) -> dict[str, float]:
    """Share of pairs in the right order, and the same where the good answer is the shorter one."""
    right, right_shorter = [], []
    for ladder in data:
        rewards = ladder.features @ weights
        wins = rewards[0] > rewards[1:]
        right += wins.tolist()
        right_shorter += [w for w, s in zip(wins.tolist(), ladder.shorter, strict=True) if s]
    longer = 1 - np.mean([s for ladder in data for s in ladder.shorter])
    return {
        "pairs": len(right),
        "accuracy": round(float(np.mean(right)), 3),
        "accuracy_chosen_shorter": round(float(np.mean(right_shorter)), 3),
        "longer_wins": round(float(longer), 3),
    }


@click.command()
@click.option("--english", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--chinese", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", default=Path("rbrm/weights"), type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
def main(english: Path, chinese: Path, out: Path, seed: int) -> None:
    """Train on all articles, validate on held-out ones, write `reward_model.json`."""
    encoder = Encoder()
    data = {
        "en": list(ladders(english, "en", encoder, seed)),
        "zh": list(ladders(chinese, "zh", encoder, seed)),
    }
    everything = [ladder for part in data.values() for ladder in part]
    held = {ladder.group for ladder in everything if ladder.group % 5 == 0}
    weights = train([ladder for ladder in everything if ladder.group not in held])
    figures = {
        language: accuracy(weights, [ladder for ladder in part if ladder.group in held])
        for language, part in data.items()
    }
    final = train(everything)
    reference = np.concatenate([ladder.features[:1] @ final for ladder in everything])
    content = {
        "version": VERSION,
        "mean": round(float(reference.mean()), 6),
        "deviation": round(float(reference.std()), 6),
        "weights": {n: round(float(w), 6) for n, w in zip(FEATURES, final, strict=True)},
        "card": {"seed": seed, "prompts": len(everything), "held_out_articles": figures},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "reward_model.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
