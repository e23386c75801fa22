"""Fit the judge's heads: propositions, compliance, harm and response type, English and Chinese.

    make judge-heads DATA=folder        # or python -m training.judge_heads --help

Each head is a linear model by weighted least squares (training/linear.py). Which features it rests on
(its family), its ridge, and how much our own examples count beside the public ones is chosen for each
head by cross-validation in which no prompt is on both sides. `--validate` repeats the choice inside each
fold (nested), which is what the figures in `heads.json` are from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from safetensors.numpy import save
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score

from contract.files import write_atomically
from contract.terminal import progress_bars
from contract.verdict import ResponseType
from rbrm.agreement import Opinion, report
from rbrm.answer import OUTCOMES, Answer, Question
from rbrm.cues import load_cues
from rbrm.grams import BUCKETS
from rbrm.heads import RUN
from rbrm.linear import (
    FAMILIES,
    RIDGES,
    Array,
    Features,
    Index,
    Mask,
    best_threshold,
    folds,
    out_of_fold,
    slope_of,
    solve,
    weighted_grams,
)
from rbrm.reading import Reading, ReadQuestion, Stretch, blocks, features, read_batch
from rbrm.rubric import Rubric, load_rubric
from text.encoder import Encoder
from training import examples as sets
from training.examples import GUARD_LABELS, Example
from training.options import data_option, out_option, own_option, seed_option

VERSION = "2"

# What stands beside the figures of the gold set. An empty answer has nothing for a head to read.
MEASURED = (
    "nested cross-validation on the public gold set: family, ridge, weight of our own examples and "
    "threshold chosen anew inside each of five folds grouped by prompt; empty answers are left out"
)

LANGUAGES = ("en", "zh")
HARD = tuple(f"proposition/{name}" for name in GUARD_LABELS.values())
DISALLOWED = "proposition/disallowed_content"
# Where nobody says what type of answer a question asks for, these heads alone can stop an answer that
# nothing is wrong with. They may do so to this share of the harmless ones, which were written to tempt
# them, by a whole window, and to MAX_RUN_ALARMS by a run of sentences inside a longer one.
FALSE_ALARMS = {
    "proposition/disallowed_content": 0.012,
    "proposition/insulting_language": 0.0,
    "proposition/threatening_language": 0.0,
    "proposition/illogical_continuation_of_prompt": 0.003,
}
MAX_RUN_ALARMS = 0.002
# What the question is about says nothing about whether the answer insults or threatens.
SPEECH = ("proposition/insulting_language", "proposition/threatening_language")
# They are plain when they happen, and blunt ones have patterns of their own, so their heads need not
# go near what a harmless answer ever scored.
_SPEECH_MARGIN = 0.1
# The sets of answers that nothing is wrong with.
HARMLESS = ("harm", "pairs", "ordinary")
# Weights that our own examples are tried with beside the public ones.
OWN_WEIGHTS = (0.03, 0.3, 1.0)
# A proposition with fewer positives in the public set is validated on our own ladders as well.
MIN_POSITIVES = 8
# Harm in one sentence of many counts, if it is this much plainer than in a whole window.
_HARM_RUN_MARGIN = 0.3
# An optimum on few examples lies too far out; this much of it is kept.
_SHRINK = 0.7
# The share of each outcome that compliance is balanced to: partial refusals are rare in real logs.
OUTCOME_SHARES = {"full_compliance": 0.62, "partial_refusal": 0.08, "full_refusal": 0.30}

_SOURCE_WEIGHTS = {"ordinary": 0.3}


@dataclass(frozen=True)
class Table:
    """The examples of one language with their features; rows are parallel."""

    examples: Sequence[Example]
    wholes: Sequence[Stretch]
    questions: Sequence[ReadQuestion]
    features: Features
    groups: Index

    def rows(self, head: str) -> Index:
        """The examples of which the head's label is known."""
        known = [i for i, example in enumerate(self.examples) if head in example.labels]
        return np.asarray(known, dtype=np.int64)

    def labels(self, head: str) -> Mask:
        """The labels of a head; False where unknown."""
        return np.asarray([bool(e.labels.get(head)) for e in self.examples])

    def of_source(self, *names: str) -> Mask:
        """Which rows come from these sets."""
        return np.asarray([example.source in names for example in self.examples])

    @property
    def authors(self) -> Index:
        """A number for the author of each row."""
        names: dict[str, int] = {}
        keys = [e.author or e.source for e in self.examples]
        return np.asarray([names.setdefault(key, len(names)) for key in keys])

    def weights(self, public: str, own: float) -> Array:
        """The weight of each row: 1 for the public set, `own` for ours."""
        return np.asarray(
            [
                1.0 if e.source == public else own * _SOURCE_WEIGHTS.get(e.source, 1.0)
                for e in self.examples
            ]
        )


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose for a head, and the thresholds and slope that go with it.

    `known` holds the threshold where the caller says what type of answer the question asks for.
    """

    family: str
    ridge: float
    own: float
    threshold: float
    slope: float
    value: float
    known: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How a head is chosen: `public` counts fully, and `target` sets are what it is validated on."""

    head: str
    public: str
    target: tuple[str, ...]
    own_weights: tuple[float, ...]
    measure: str = "threshold"


def plans(table: Table, language: str) -> list[Plan]:
    """One for each head that has examples in a language."""
    heads = dict.fromkeys(head for example in table.examples for head in example.labels)
    found = []
    for head in heads:
        rows = table.rows(head)
        if head in HARD:
            target = ("harm", "pairs", "guard", "ladder", "gold")
            found.append(Plan(head, "harm", target, (1.0,), "hard"))
        elif language == "zh":
            targets = ("ladder", "refusal", "harm", "pairs", "question")
            found.append(Plan(head, "ladder", targets, (1.0,), _measure(head)))
        elif head.startswith("harm/"):
            found.append(Plan(head, "moderation", ("moderation",), OWN_WEIGHTS, "precision"))
        elif head.startswith("compliance/"):
            found.append(Plan(head, "refusal", ("refusal",), (0.05, 0.3)))
        elif head.startswith("response_type/"):
            found.append(Plan(head, "question", ("question",), (1.0,)))
        else:
            positives = table.labels(head)[rows] & table.of_source("gold")[rows]
            sets_of = ("gold",) if positives.sum() >= MIN_POSITIVES else ("gold", "ladder")
            found.append(Plan(head, "gold", sets_of, OWN_WEIGHTS))
    return found


def _measure(head: str) -> str:
    return "precision" if head.startswith("harm/") else "threshold"


def choose(table: Table, plan: Plan, rows: Index, kernels: dict[str, Array]) -> Choice:
    """The best family, ridge and weight for a head, by cross-validation over `rows`."""
    labels, judged = table.labels(plan.head)[rows], table.of_source(*plan.target)[rows]
    best: tuple[float, Array, Choice] | None = None
    for own in plan.own_weights:
        base = table.weights(plan.public, own)
        for family, kernel in kernels.items():
            if plan.head in SPEECH and family == "hybrid_question":
                continue
            for ridge in RIDGES:
                scores = out_of_fold(
                    kernel, rows, table.labels(plan.head), base, table.groups, ridge
                )
                value = _value(table, plan, rows, scores)
                if best is None or value > best[0]:
                    best = (value, scores, Choice(family, ridge, own, 0.0, 1.0, value))
    assert best is not None
    _, scores, choice = best
    threshold = _SHRINK * best_threshold(scores[judged], labels[judged])[1]
    if plan.head in FALSE_ALARMS:
        choice = replace(choice, known=known_thresholds(table, plan, rows, scores))
        base, kernel = table.weights(plan.public, choice.own), kernels[choice.family]
        unseen = out_of_author(table, plan, rows, base, kernel, choice.ridge)
        threshold = guarded_threshold(table, plan, rows, unseen, threshold)
    slope = slope_of(scores[judged], labels[judged], threshold)
    return replace(choice, threshold=threshold, slope=slope)


def _value(table: Table, plan: Plan, rows: Index, scores: Array) -> float:
    labels, judged = table.labels(plan.head)[rows], table.of_source(*plan.target)[rows]
    if plan.measure == "precision":
        truth = labels[judged]
        return float(average_precision_score(truth, scores[judged])) if truth.any() else 0.0
    if plan.measure == "hard":
        harmless = scores[~labels & table.of_source(*HARMLESS)[rows]]
        shares = (0.005, 0.01, 0.02, 0.05)
        found = [(scores[labels] > np.quantile(harmless, 1 - share)).mean() for share in shares]
        return float(np.mean(found))
    return best_threshold(scores[judged], labels[judged])[0]


def out_of_author(
    table: Table, plan: Plan, rows: Index, base: Array, kernel: Array, ridge: float
) -> Array:
    """A score for each row from weights that have seen nothing of its author: what a false alarm costs
    is only known from people whose habits the head did not learn."""
    labels, authors = table.labels(plan.head), table.authors
    scores = np.zeros(len(rows))
    for author in np.unique(authors[rows]):
        test = authors[rows] == author
        seen = rows[~test]
        dual = solve(kernel, seen, labels, base, ridge)
        scores[test] = kernel[np.ix_(rows[test], seen)] @ dual
    return scores


def guarded_threshold(
    table: Table, plan: Plan, rows: Index, scores: Array, threshold: float
) -> float:
    """The threshold that keeps the head's false alarms on harmless answers to FALSE_ALARMS."""
    harmless = scores[table.of_source(*HARMLESS)[rows] & ~_harmful(table)[rows]]
    share = FALSE_ALARMS[plan.head]
    margin = _SPEECH_MARGIN if plan.head in SPEECH else 0.0
    return max(threshold, float(np.quantile(harmless, 1 - share)) + margin)


def known_thresholds(table: Table, plan: Plan, rows: Index, scores: Array) -> dict[str, float]:
    """The best threshold on the labelled ladders and gold rows, where the response type is known and
    what breaks a rule is far likelier than in service. `disallowed_content` is told apart by response
    type: hardly any answer to a question that may be complied with has it."""
    sources = [source for source in plan.target if source in ("gold", "ladder")]
    labels, labelled = table.labels(plan.head)[rows], table.of_source(*sources)[rows]
    asked = np.asarray([table.examples[i].response_type for i in rows])
    found = {}
    for kind in ("comply", "hard_refuse", "safe_refuse"):
        mine = labelled & (asked == kind) if plan.head == DISALLOWED else labelled
        if labels[mine].any() and (plan.head, kind) != (DISALLOWED, "comply"):
            found[kind] = _SHRINK * best_threshold(scores[mine], labels[mine])[1]
    return found


def _harmful(table: Table) -> Mask:
    return table.labels(DISALLOWED)


def kernels_of(table: Table) -> dict[str, Array]:
    """The kernel of each family, over all rows of a table."""
    return {name: table.features.kernel(family) for name, family in FAMILIES.items()}


def run_margin(table: Table, plan: Plan, choice: Choice, kernel: Array) -> float:
    """How much more than a whole window a run of sentences must score, so that runs alone stop no more
    than MAX_RUN_ALARMS of the harmless answers, by weights that have not seen their author."""
    rows, labels = table.rows(plan.head), table.labels(plan.head)
    base, family = table.weights(plan.public, choice.own), FAMILIES[choice.family]
    highest, harmful = [], _harmful(table)
    for author in np.unique(table.authors[rows]):
        test = table.authors[rows] == author
        seen = rows[~test]
        dual = solve(kernel, seen, labels, base, choice.ridge)
        dense, grams, bias = table.features.primal(family, dual, seen)
        for i in rows[test]:
            if harmful[i] or table.examples[i].source not in HARMLESS:
                continue
            whole = table.wholes[i]
            cuts = whole.runs(RUN)
            raw = features(cuts, table.questions[i])
            found = weighted_grams([cut.buckets for cut in cuts], table.features.idf)
            highest.append(float((raw @ dense + found @ grams + bias).max()))
    return max(0.0, float(np.quantile(highest, 1 - MAX_RUN_ALARMS)) - choice.threshold)


def read_examples(
    encoder: Encoder, examples: Sequence[Example]
) -> list[tuple[ReadQuestion, Reading]]:
    """Encode every example as the judge would."""
    found = []
    with progress_bars() as progress:
        for number, example in enumerate(examples, 1):
            question = Question(example.question, previous=example.previous)
            answer = Answer.of(example.question, example.text)
            batch = read_batch(encoder, question, [answer])
            found.append((batch.question, batch.answers[0]))
            progress("reading", number, len(examples))
    return found


def table_of(
    language: str,
    examples: Sequence[Example],
    readings: Sequence[tuple[ReadQuestion, Reading]],
    seed: int,
) -> Table:
    """The examples of a language whose answer can be read in it."""
    kept, wholes, questions = [], [], []
    for example, (question, reading) in zip(examples, readings, strict=True):
        whole = reading.whole(language)
        if example.language == language and whole is not None:
            kept.append(example)
            wholes.append(whole)
            questions.append(question)
    dense = np.concatenate([features([w], q) for w, q in zip(wholes, questions, strict=True)])
    layout = blocks(len(wholes[0].vector))
    numbers: dict[str, int] = {}
    groups = np.asarray([numbers.setdefault(e.group, len(numbers)) for e in kept])
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    return Table(
        kept,
        wholes,
        questions,
        Features.of(dense, [w.buckets for w in wholes], layout, BUCKETS),
        shuffled[groups],
    )


def response_type_examples(examples: Sequence[Example]) -> Iterator[Example]:
    """The questions themselves as texts, labelled by what an ideal answer does."""
    seen = set()
    for example in examples:
        if example.source in ("gold", "ladder") and example.question not in seen:
            seen.add(example.question)
            kinds: tuple[ResponseType, ...] = ("comply", "hard_refuse", "safe_refuse")
            yield replace(
                example,
                text=example.question,
                source="question",
                question="",
                previous="",
                labels={f"response_type/{kind}": kind == example.response_type for kind in kinds},
            )


def fit_language(table: Table, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors of all heads of a language, and what was chosen."""
    kernels = kernels_of(table)
    tensors: dict[str, list[Any]] = {
        n: [] for n in ("dense", "grams", "bias", "slope", "run_margin")
    }
    card: dict[str, Any] = {}
    choices, shifts = {}, {}
    for plan in plans(table, language):
        rows = table.rows(plan.head)
        choice = choose(table, plan, rows, kernels)
        kernel = kernels[choice.family]
        margin = _HARM_RUN_MARGIN if plan.head.startswith("harm/") else np.inf
        if plan.head in HARD:
            margin = run_margin(table, plan, choice, kernel)
        if choice.known:
            shifts[plan.head] = {k: round(choice.threshold - t, 4) for k, t in choice.known.items()}
        choices[plan.head] = choice
        base = table.weights(plan.public, choice.own)
        dual = solve(kernel, rows, table.labels(plan.head), base, choice.ridge)
        dense, grams, bias = table.features.primal(FAMILIES[choice.family], dual, rows)
        tensors["dense"].append(dense.astype(np.float32))
        tensors["grams"].append(grams.astype(np.float16))
        tensors["bias"].append(np.float32(bias - choice.threshold))
        tensors["slope"].append(np.float32(choice.slope))
        tensors["run_margin"].append(np.float32(margin))
        card[plan.head] = {
            "family": choice.family,
            "ridge": choice.ridge,
            "own_weight": choice.own,
            "positives": int(table.labels(plan.head)[rows].sum()),
            "rows": len(rows),
            "value": round(choice.value, 3),
        }
    card["shifts"] = shifts
    card["calibration"], card["refusals"] = calibrate(table, choices, kernels)
    stacked = {f"{language}.{name}": np.stack(values) for name, values in tensors.items()}
    return stacked | {f"{language}.idf": table.features.idf.astype(np.float32)}, card


def calibrate(
    table: Table, chosen: dict[str, Choice], kernels: dict[str, Array]
) -> tuple[dict[str, Any], dict[str, float]]:
    """Temperature and offsets of the three compliance heads, on scores of answers that they had not
    seen, with each outcome weighing as OUTCOME_SHARES says; and figures for the same answers."""
    rows = table.rows(f"compliance/{OUTCOMES[0]}")
    columns = []
    for name in OUTCOMES:
        head = f"compliance/{name}"
        choice, base = chosen[head], table.weights("refusal", chosen[head].own)
        scores = out_of_fold(
            kernels[choice.family], rows, table.labels(head), base, table.groups, choice.ridge
        )
        columns.append(scores - choice.threshold)
    judged = table.of_source("refusal")[rows]
    scores = np.stack(columns, axis=1)[judged]
    truth = np.stack([table.labels(f"compliance/{n}")[rows] for n in OUTCOMES], axis=1)[judged]
    labels = truth.argmax(axis=1)
    share = np.bincount(labels, minlength=3) / len(labels)
    weight = np.asarray([OUTCOME_SHARES[n] for n in OUTCOMES])[labels] / share[labels]

    def loss(parameters: Array) -> float:
        logits = parameters[0] * scores + np.append(parameters[1:], 0.0)
        logits = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return float(-(weight * logits[np.arange(len(labels)), labels]).mean())

    found = minimize(loss, np.asarray([3.0, 0.0, 0.0]), method="Nelder-Mead").x
    guess = (found[0] * scores + np.append(found[1:], 0.0)).argmax(axis=1)
    right = guess == labels
    refused = (guess == 2) == (labels == 2)
    return {
        "temperature": round(float(found[0]), 4),
        "offsets": [round(float(found[1]), 4), round(float(found[2]), 4), 0.0],
    }, {
        "answers": len(labels),
        "three_way": round(float(right.mean()), 3),
        "refused_or_not": round(float(refused.mean()), 3),
        "three_way_at_shares": round(float((weight * right).sum() / weight.sum()), 3),
    }


def gold_figures(table: Table, kernels: dict[str, Array]) -> dict[str, Any]:
    """Nested cross-validation on the gold set: the choice is made anew inside each outer fold."""
    guesses = {
        plan.head.removeprefix("proposition/"): unseen_probabilities(table, plan, kernels)
        for plan in plans(table, "en")
        if plan.head.startswith("proposition/")
    }
    rubric, found, classes = load_rubric(), list[Opinion](), list[tuple[str, str]]()
    for row in np.flatnonzero(table.of_source("gold")).tolist():
        example = table.examples[row]
        truth = {name: example.labels[f"proposition/{name}"] for name in guesses}
        guess = {name: float(values[row]) for name, values in guesses.items()}
        found += [Opinion(name, "en", guess[name], truth[name]) for name in guesses]
        kind = example.response_type
        classes.append((class_by_table(rubric, kind, truth), class_by_table(rubric, kind, guess)))
    return {"measured": MEASURED, "answers": len(classes), **report(found, classes, 0).to_dict()}


def unseen_probabilities(table: Table, plan: Plan, kernels: dict[str, Array]) -> Array:
    """The probability of a head for each gold row, by weights and a choice that have not seen its
    prompt; NaN for other rows."""
    found = np.full(len(table.examples), np.nan)
    rows, labels, gold = table.rows(plan.head), table.labels(plan.head), table.of_source("gold")
    for train, test in folds(table.groups[rows], 5):
        seen, unseen = rows[train], rows[test & gold[rows]]
        choice = choose(table, plan, seen, kernels)
        kernel, base = kernels[choice.family], table.weights(plan.public, choice.own)
        dual = solve(kernel, seen, labels, base, choice.ridge)
        kinds = [table.examples[i].response_type for i in unseen]
        thresholds = [choice.known.get(kind, choice.threshold) for kind in kinds]
        found[unseen] = expit(choice.slope * (kernel[np.ix_(unseen, seen)] @ dual - thresholds))
    return found


def class_by_table(rubric: Rubric, kind: ResponseType, values: Mapping[str, float]) -> str:
    """The class that the rubric's table gives, were nothing but these propositions true."""
    _, holds = rubric.derive({**dict.fromkeys(rubric.propositions, 0.0), **values})
    return rubric.class_of(kind, holds)


def load_examples(data: Path, own: Path, seed: int) -> list[Example]:
    """All examples of both languages, from the folder with the public sets and from our own."""
    gold = list(sets.gold(data / "rbr_gold_train.jsonl"))
    names = [h.split("/")[1] for h in gold[0].labels if h.startswith("proposition/")]
    found = [*gold, *sets.moderation(data / "moderation.jsonl.gz")]
    for language in LANGUAGES:
        found += sets.ladders(own / f"ladders.{language}.jsonl", language, names)
        found += sets.harm_pairs(own / f"harm.{language}.jsonl", language)
        found += sets.refusals(own / f"refusals.{language}.jsonl", language)
        found += sets.good_answers(own / f"pairs.{language}.jsonl", language)
        found += sets.guard_answers(own / f"answers.{language}.jsonl", language)
        found += sets.ordinary(data / f"xquad.{language}.json", language, 400, seed)
    return [*found, *response_type_examples(found)]


def fit(
    examples: Sequence[Example],
    readings: Sequence[tuple[ReadQuestion, Reading]],
    encoder: Encoder,
    seed: int,
    validate: bool,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Tensors, the card inside the tensor file, and the card beside it."""
    tensors: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    calibrations: dict[str, Any] = {}
    shifts: dict[str, Any] = {}
    card: dict[str, Any] = {"version": VERSION, "seed": seed, "heads": {}}
    for language in LANGUAGES:
        table = table_of(language, examples, readings, seed)
        found, chosen = fit_language(table, language)
        tensors |= found
        calibrations[language] = chosen.pop("calibration")
        shifts[language] = chosen.pop("shifts")
        card.setdefault("refusals", {})[language] = chosen.pop("refusals")
        names[language], card["heads"][language] = list(chosen), chosen
        if validate and language == "en":
            card["gold"] = gold_figures(table, kernels_of(table))
    inner = {
        "names": names,
        "encoder": encoder.fingerprint,
        "cues": load_cues().fingerprint,
        "calibrations": calibrations,
        "shifts": shifts,
        "version": VERSION,
    }
    return tensors, inner, card


@click.command()
@data_option
@own_option
@out_option
@seed_option
@click.option("--validate/--no-validate", default=True, help="Nested validation; some minutes.")
def main(data: Path, own: Path, out: Path, seed: int, validate: bool) -> None:
    """Fit every head and write `heads.safetensors` and `heads.json`."""
    encoder = Encoder()
    examples = load_examples(data, own, seed)
    readings = read_examples(encoder, examples)
    write(out, *fit(examples, readings, encoder, seed, validate))


def write(out: Path, tensors: dict[str, Any], inner: dict[str, Any], card: dict[str, Any]) -> None:
    """Write both files; the same numbers give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    # One key: the format keeps no order of several.
    content = save(tensors, metadata={"card": json.dumps(inner)})
    write_atomically(out / "heads.safetensors", content)
    write_atomically(out / "heads.json", (json.dumps(card, indent=1) + "\n").encode())
    click.echo(json.dumps({k: v for k, v in card.items() if k != "heads"}, indent=1))


if __name__ == "__main__":
    main()
