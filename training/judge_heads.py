"""Fit the judge's heads on the embedded encoder.

    make judge-heads DATA=folder        # or python -m training.judge_heads --help

Each head is a logistic regression over one sentence encoding: the labelled propositions of the
rubric, eight categories of harm, and the response type (from the question). Sentences of ordinary
paragraphs join as answers in which nothing is wrong, because a service that answers from documents
says mostly such things, and a guard that cries wolf there is of no use.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, KFold

from contract.passage import Vector
from rbrm.answer import Answer, Question
from rbrm.encoded import encode_batch
from text.encoder import Encoder
from text.sentences import sentence_spans

VERSION = "1"

# The hard propositions, and their labels in our own examples.
HARD = {
    "disallowed_content": "disallowed",
    "insulting_language": "insulting",
    "threatening_language": "threatening",
}
# Share of harmless answers that a hard head may stop: of those written to look harmful, and of
# ordinary sentences.
MAX_FALSE_ALARMS, MAX_ORDINARY = 0.02, 0.002

Row = dict[str, Any]
Scores = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
HARMS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")
RESPONSE_TYPES = {
    "Comply": "comply",
    "Hard Refuse": "hard_refuse",
    "Safe Refuse 1": "safe_refuse",
    "Safe Refuse 2": "safe_refuse",
}
# A head with fewer positive examples learns their topic, not the proposition.
MIN_POSITIVES = 8
# How many of the negatives may cross 0.5; fewer where the proposition alone can stop an answer.
ALLOWED = {"illogical_continuation_of_prompt": 0.01}
ALLOWED_DEFAULT = 0.05
REGULARISATION = 1.0


@dataclass(frozen=True)
class Head:
    """Labelled vectors of one head; `groups` keeps rows of one prompt in one fold."""

    name: str
    vectors: Vector
    labels: Vector
    groups: Sequence[int]


def read_lines(path: Path) -> list[Row]:
    """JSON lines, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def ordinary_answers(path: Path, count: int, seed: int) -> list[str]:
    """Runs of one to three sentences from ordinary paragraphs."""
    random = np.random.default_rng(seed)
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    texts = [p["context"] for article in articles for p in article["paragraphs"]]
    found = []
    for _ in range(count):
        text = texts[random.integers(len(texts))]
        spans = sentence_spans(text)
        first = int(random.integers(len(spans)))
        last = min(len(spans), first + int(random.integers(1, 4)))
        found.append(text[spans[first][0] : spans[last - 1][1]])
    return found


def encode_answers(encoder: Encoder, texts: Iterable[str]) -> Vector:
    """The vector of each answer, as the judge sees it: (n, d)."""
    rows = []
    for text in texts:
        batch = encode_batch(encoder, Question(""), [Answer.of("", text)])
        mean = batch.mean(0)
        rows.append(np.zeros(encoder.dimensions, np.float32) if mean is None else mean)
    return np.stack(rows)


def completion_text(row: Row) -> str:
    """The answer of a gold row."""
    return "\n".join(message["content"] for message in row["completion"])


def proposition_heads(gold: list[Row], vectors: Vector, ordinary: Vector) -> list[Head]:
    """One head for each proposition of the gold set with enough positives."""
    prompts: dict[str, int] = {}
    groups = [prompts.setdefault(json.dumps(row["prompt"]), len(prompts)) for row in gold]
    heads = []
    for name in gold[0]["propositions"]:
        labels = np.asarray([bool(row["propositions"][name]) for row in gold], dtype=np.float32)
        if name in HARD or labels.sum() < MIN_POSITIVES:
            continue
        marks = np.concatenate([labels, np.zeros(len(ordinary), dtype=np.float32)])
        of = [*groups, *range(1_000, 1_000 + len(ordinary))]
        rows = np.concatenate([vectors, ordinary])
        heads.append(Head(f"proposition/{name}", rows, marks, of))
    return heads


def fit_hard(
    answers: list[Row], rows: Any, label: str, seed: int, regularisation: float
) -> tuple[Vector, dict[str, float]]:
    """A hard proposition from our own examples.

    What breaks another hard rule is no example of harmlessness and is left out.

    Args:
        answers: labelled examples.
        rows: (n, f), dense or sparse: the examples' rows, then those of ordinary sentences.
        label: the label of this proposition.
        regularisation: scikit-learn's C.

    Returns:
        Weights (f + 1,), and figures on folds that the weights have not seen.
    """
    kinds = np.asarray(
        [a["label"] for a in answers] + ["ordinary"] * (rows.shape[0] - len(answers))
    )
    labels, harmless, plain = kinds == label, kinds == "harmless", kinds == "ordinary"
    used = labels | harmless | plain
    scores = np.zeros(len(kinds))
    for train, test in KFold(10, shuffle=True, random_state=seed).split(kinds):
        kept = train[used[train]]
        model = _regression(regularisation).fit(rows[kept], labels[kept])
        scores[test] = model.decision_function(rows[test])
    shift = safe_shift(scores, harmless, plain)
    model = _regression(regularisation).fit(rows[used], labels[used])
    held = scores > shift
    return np.append(model.coef_[0], model.intercept_[0] - shift).astype(np.float32), {
        "positives": int(labels.sum()),
        "rows": int(used.sum()),
        "recall": round(float(held[labels].mean()), 3),
        "false_alarms_harmless": round(float(held[harmless].mean()), 3),
        "false_alarms_ordinary": round(float(held[plain].mean()), 4),
    }


def safe_shift(scores: Scores, harmless: Mask, plain: Mask) -> float:
    """The logit from which on hardly any harmless answer is stopped; never below 0."""
    looks_harmful = np.quantile(scores[harmless], 1 - MAX_FALSE_ALARMS)
    ordinary = np.quantile(scores[plain], 1 - MAX_ORDINARY)
    return max(0.0, float(looks_harmful), float(ordinary))


def harm_heads(texts: list[Row], vectors: Vector, ordinary: Vector) -> list[Head]:
    """One head for each category; a text without its key is unknown there and left out."""
    heads = []
    for name in HARMS:
        known = [i for i, text in enumerate(texts) if name in text]
        labels = np.asarray([float(texts[i][name]) for i in known] + [0.0] * len(ordinary))
        rows = np.concatenate([vectors[known], ordinary])
        heads.append(Head(f"harm/{name}", rows, labels.astype(np.float32), range(len(rows))))
    return heads


def response_type_heads(gold: list[Row], encoder: Encoder) -> list[Head]:
    """One head for each response type, from the last user message."""
    vectors = encode_answers(encoder, [row["prompt"][-1]["content"] for row in gold])
    kinds = [RESPONSE_TYPES[row["response_type"]] for row in gold]
    return [
        Head(
            f"response_type/{kind}",
            vectors,
            np.asarray([k == kind for k in kinds], dtype=np.float32),
            range(len(gold)),
        )
        for kind in sorted(set(kinds))
    ]


def fit(head: Head) -> tuple[Vector, dict[str, float]]:
    """Weights (d + 1,) with the bias moved to the allowed false alarms, and validation figures."""
    out_of_fold = np.zeros(len(head.labels))
    for train, test in GroupKFold(5).split(head.vectors, head.labels, head.groups):
        model = _regression().fit(head.vectors[train], head.labels[train])
        out_of_fold[test] = model.decision_function(head.vectors[test])
    name = head.name.split("/")[1]
    shift = 0.0
    if head.name.startswith("proposition/"):
        allowed = ALLOWED.get(name, ALLOWED_DEFAULT)
        shift = max(0.0, float(np.quantile(out_of_fold[head.labels == 0], 1 - allowed)))
    held = out_of_fold - shift > 0
    model = _regression().fit(head.vectors, head.labels)
    weights = np.append(model.coef_[0], model.intercept_[0] - shift).astype(np.float32)
    return weights, {
        "positives": int(head.labels.sum()),
        "rows": len(head.labels),
        "balanced_accuracy": round(float(balanced_accuracy_score(head.labels, held)), 3),
        "recall": round(float(held[head.labels == 1].mean()), 3),
        "false_alarms": round(float(held[head.labels == 0].mean()), 4),
    }


def _regression(regularisation: float = REGULARISATION) -> LogisticRegression:
    return LogisticRegression(C=regularisation, class_weight="balanced", max_iter=5000)


@click.command()
@click.option("--gold", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--moderation", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--paragraphs", required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--answers", default=Path("training/data/answers.en.jsonl"), type=click.Path(path_type=Path)
)
@click.option("--out", default=Path("rbrm/weights"), type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
def main(
    gold: Path, moderation: Path, paragraphs: Path, answers: Path, out: Path, seed: int
) -> None:
    """Fit every head and write `heads.safetensors` and `heads.json`."""
    encoder = Encoder()
    rows, texts = read_lines(gold), read_lines(moderation)
    vectors = encode_answers(encoder, [completion_text(row) for row in rows])
    text_vectors = encode_answers(encoder, [text["prompt"] for text in texts])
    ordinary = encode_answers(encoder, ordinary_answers(paragraphs, 600, seed))
    heads = [
        *proposition_heads(rows, vectors, ordinary),
        *harm_heads(texts, text_vectors, ordinary),
        *response_type_heads(rows, encoder),
    ]
    fitted = {head.name: fit(head) for head in heads}
    own = read_lines(answers)
    own_rows = np.concatenate([encode_answers(encoder, [a["answer"] for a in own]), ordinary])
    for name, label in HARD.items():
        fitted[f"proposition/{name}"] = fit_hard(own, own_rows, label, seed, REGULARISATION)
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {"weights": np.stack([weights for weights, _ in fitted.values()])},
        out / "heads.safetensors",
        # One key: the format keeps no order, and the same numbers shall give the same bytes.
        metadata={
            "card": json.dumps(
                {"names": list(fitted), "encoder": encoder.fingerprint, "version": VERSION}
            )
        },
    )
    card = {
        "version": VERSION,
        "seed": seed,
        "heads": {n: figures for n, (_, figures) in fitted.items()},
    }
    (out / "heads.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    for name, (_, figures) in fitted.items():
        click.echo(f"{name:50s} {figures}")


if __name__ == "__main__":
    main()
