"""Weights of a rubric from ladders: answers to one prompt whose order of classes is known.

Linear weights from 0, hinge loss with margin 1 on every pair of answers of different class to one prompt,
AdamW with learning rate 0.01 and no decay, 1000 steps, one set for each response type (Mu et al. 2024,
section 4.2). The reward model's part of the reward stays as it is. Two things are ours: a weight
keeps the sign that the rubric's author gave it, and hard propositions keep their weight. Ladders rank an insult
above nonsense and harm, and so an insult would come to earn a reward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import Field

from contract.errors import ConfigurationError
from contract.judge import JudgePassage
from contract.messages import Message
from contract.verdict import CompletionClass, ResponseType, Verdict
from contract.wire import Body
from rbrm.answer import Question
from rbrm.judge import Judge
from rbrm.rubric import Rubric

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Best first.
ORDER: tuple[CompletionClass, ...] = (
    "ideal",
    "minimum_acceptable",
    "unacceptable",
    "illogical",
    "disallowed",
)
MARGIN, LEARNING_RATE, STEPS = 1.0, 0.01, 1000
# No weight falls to nothing, or the sign that its author gave it would be lost.
_LEAST = 0.05
# Probabilities closer than this are the same opinion.
_DIFFERS = 0.05
# One prompt in so many is kept back to be measured on.
_HELD_OUT = 5


class LadderAnswer(Body):
    """One rung: an answer and its class. Other keys of a file, such as labels, are let through."""

    model_config = Body.model_config | {"extra": "ignore"}

    text: str
    name: CompletionClass = Field(alias="class")


class LadderLine(Body):
    """One line of a ladder file."""

    model_config = Body.model_config | {"extra": "ignore"}

    prompt: list[Message] | str
    response_type: ResponseType = "comply"
    passages: list[JudgePassage | str] = Field(default_factory=list)
    answers: list[LadderAnswer] = Field(min_length=2)

    @property
    def question(self) -> Question:
        """What the rungs answer."""
        texts = tuple(p if isinstance(p, str) else p.text for p in self.passages)
        if isinstance(self.prompt, str):
            return Question(self.prompt, texts, self.response_type)
        said = {m.role: m.text for m in self.prompt}
        return Question(
            said.get("user", ""), texts, self.response_type, previous=said.get("assistant", "")
        )


@dataclass(frozen=True)
class Rungs:
    """One prompt's judged answers: `features` (a, p), `rewards` of the reward model (a,), `ranks` (a,),
    0 being the best class."""

    response_type: ResponseType
    language: str
    features: Array
    rewards: Array
    ranks: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """Weights of one response type, and how well they order answers to prompts that they have not seen,
    beside the weights that were there before."""

    weights: Mapping[str, float]
    prompts: int
    held_out_pairs: int
    held_out_accuracy: float
    accuracy_before: float
    reward_by_class: Mapping[str, list[float]]


def judge_ladder(judge: Judge, line: LadderLine, names: Sequence[str]) -> Rungs:
    """Judge the rungs of one prompt.

    Raises:
        ConfigurationError: the judge failed; weights fitted on half a ladder would be wrong.
    """
    question = line.question
    found = judge.judge(question, [answer.text for answer in line.answers])
    verdicts = [v for v in found if isinstance(v, Verdict)]
    if len(verdicts) < len(found):
        failed = next(v for v in found if not isinstance(v, Verdict))
        raise ConfigurationError(f"The judge failed on a ladder: {failed.reason}")
    rows = [[verdict.propositions.get(name, 0.0) for name in names] for verdict in verdicts]
    return Rungs(
        line.response_type,
        verdicts[0].language,
        np.asarray(rows),
        np.asarray([verdict.rm for verdict in verdicts]),
        np.asarray([ORDER.index(answer.name) for answer in line.answers]),
    )


def fit(rubric: Rubric, kind: ResponseType, ladders: Sequence[Rungs]) -> Fitted:
    """Fit the weights of one response type.

    A hard proposition keeps the weight that it has, since no ladder may outvote what must never be served;
    so does one on which the answers of no ladder differ.

    Raises:
        ConfigurationError: there are fewer than ten prompts.
    """
    mine = [rungs for rungs in ladders if rungs.response_type == kind]
    if len(mine) < 2 * _HELD_OUT:
        raise ConfigurationError(
            f"{kind}: {len(mine)} ladders are too few to fit weights; write at least {2 * _HELD_OUT}."
        )
    names = list(rubric.response_types[kind].weights)
    before = np.asarray(list(rubric.response_types[kind].weights.values()))
    differs = np.any([np.ptp(rungs.features, axis=0) > _DIFFERS for rungs in mine], axis=0)
    free = differs & np.asarray([name not in rubric.hard for name in names])
    seen = [rungs for n, rungs in enumerate(mine) if n % _HELD_OUT]
    unseen = [rungs for n, rungs in enumerate(mine) if n % _HELD_OUT == 0]
    trial, weights = _descend(seen, before, free), _descend(mine, before, free)
    return Fitted(
        {name: round(float(w), 3) for name, w in zip(names, weights, strict=True)},
        len(mine),
        sum(len(_pairs(rungs)) for rungs in unseen),
        _accuracy(unseen, trial),
        _accuracy(unseen, before),
        _by_class(mine, weights),
    )


def with_weights(source: str, fitted: Mapping[ResponseType, Fitted]) -> str:
    """The text of a rubric with new weights in the places of the old ones; all else stays as it is."""
    tree = yaml.compose(source, Loader=yaml.SafeLoader)
    edits = []
    for kind, found in fitted.items():
        node = _child(_child(_child(tree, "response_types"), kind), "weights")
        edits += [(value, found.weights[key.value]) for key, value in node.value]
    for value, weight in sorted(edits, key=lambda edit: -edit[0].start_mark.index):
        start, end = value.start_mark.index, value.end_mark.index
        source = f"{source[:start]}{weight:g}{source[end:]}"
    return source


def _child(node: Any, name: str) -> Any:
    return next(value for key, value in node.value if key.value == name)


def _pairs(rungs: Rungs) -> list[tuple[int, int]]:
    """All pairs (better, worse)."""
    count = range(len(rungs.ranks))
    return [(a, b) for a in count for b in count if rungs.ranks[a] < rungs.ranks[b]]


def _descend(ladders: Sequence[Rungs], before: Array, free: Mask) -> Array:
    """All weights; the free ones are fitted beside the others."""
    # Late on purpose: only fitting needs torch here.
    import torch

    differences, given = [], []
    for rungs in ladders:
        fixed = rungs.rewards + rungs.features[:, ~free] @ before[~free]
        for better, worse in _pairs(rungs):
            differences.append(rungs.features[better, free] - rungs.features[worse, free])
            given.append(fixed[better] - fixed[worse])
    x, r = torch.tensor(np.asarray(differences)), torch.tensor(np.asarray(given))
    signs = torch.tensor(np.sign(before[free]))
    fitted = torch.zeros(len(signs), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.AdamW([fitted], lr=LEARNING_RATE, weight_decay=0.0)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.relu(MARGIN - (r + x @ fitted)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            fitted.copy_(torch.where(signs * fitted < _LEAST, signs * _LEAST, fitted))
    weights = before.copy()
    weights[free] = fitted.detach().numpy()
    return weights


def _accuracy(ladders: Sequence[Rungs], weights: Array) -> float:
    right = [
        float(total[better] > total[worse])
        for rungs in ladders
        for total in [rungs.rewards + rungs.features @ weights]
        for better, worse in _pairs(rungs)
    ]
    return round(float(np.mean(right)), 4) if right else 0.0


def _by_class(ladders: Sequence[Rungs], weights: Array) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in ORDER}
    for rungs in ladders:
        for rank, reward in zip(rungs.ranks, rungs.rewards + rungs.features @ weights, strict=True):
            found[ORDER[rank]].append(round(float(reward), 3))
    return {name: values for name, values in found.items() if values}
