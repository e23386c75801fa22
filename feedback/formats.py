"""Turns in the columns of each trainer. Columns beside those that a trainer reads say where a row came from.

Prompts and answers are lists of messages, as TRL's conversational format has them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from feedback.answers import Answer
from feedback.example import ANSWER, NEITHER, REFUSE, Row
from feedback.material import Material, Taught
from feedback.options import Kind, Source
from feedback.pairs import Pair
from feedback.rulings import labelled, ladder

# From this rating on (0 bad to 1 good) an answer is an example; up to that one it is a bad one.
_GOOD, _BAD = 0.75, 0.25

_MARK = re.compile(r"\[(\d{1,3})\]")


def rows_of(material: Material) -> list[Taught]:
    """The rows of one turn, and what each teaches about refusing."""
    return _MAKERS[material.options.kind](material)


def _preferences(material: Material) -> list[Taught]:
    previous = material.turn.previous if material.pairs else ""
    return [(_preference(material, pair, previous), _side(pair)) for pair in material.pairs]


def _preference(material: Material, pair: Pair, previous: str) -> Row:
    # Written out at length: an export makes a million of them.
    turn, chosen, rejected = material.turn, pair.chosen, pair.rejected
    return {
        "prompt": material.prompt,
        "chosen": _said(chosen),
        "rejected": _said(rejected),
        "question": turn.question,
        "previous": previous,
        "source": pair.source,
        "kind": pair.kind,
        "rater": pseudonym(pair.rater) if pair.rater else None,
        "group": turn.id,
        "weight": pair.weight,
        "reward_margin": pair.margin,
        "chosen_reward": chosen.reward,
        "chosen_class": chosen.completion_class,
        "chosen_violations": ", ".join(chosen.violations),
        "chosen_policy_version": chosen.policy_version,
        "rejected_reward": rejected.reward,
        "rejected_class": rejected.completion_class,
        "rejected_violations": ", ".join(rejected.violations),
        "rejected_policy_version": rejected.policy_version,
        "language": turn.language,
        "policy_version": turn.policy_version,
    }


def _openai(material: Material) -> list[Taught]:
    """OpenAI's file for preference fine-tuning; it has no place for anything else."""
    return [
        (
            {
                "input": {"messages": material.prompt, "tools": [], "parallel_tool_calls": True},
                "preferred_output": _said(pair.chosen),
                "non_preferred_output": _said(pair.rejected),
            },
            _side(pair),
        )
        for pair in material.pairs
    ]


def _imitations(material: Material) -> list[Taught]:
    """Corrections, answers that people rated good, and (by the judge) served ideal answers."""
    found: dict[str, tuple[Answer, Source]] = {}
    if material.options.human:
        for text in material.corrections():
            found.setdefault(text, (Answer(text), "human"))
        for answer, score in material.rated():
            if score >= _GOOD:
                found.setdefault(answer.text, (answer, "human"))
    if material.options.judge:
        for answer in material.named.values():
            if answer.served and answer.acceptable and answer.completion_class == "ideal":
                found.setdefault(answer.text, (answer, "judge"))
    return [
        (
            {"prompt": material.prompt, "completion": _said(answer)}
            | material.origin(source)
            | answer.scores(),
            NEITHER if answer.refuses is None else REFUSE if answer.refuses else ANSWER,
        )
        for answer, source in found.values()
    ]


def _marks(material: Material) -> list[Taught]:
    """Single answers with a thumb up or down; both sides of a pair or of a tie count as one each."""
    marks: dict[tuple[str, Source], list[bool]] = {}
    answers: dict[str, Answer] = {}

    def mark(answer: Answer, source: Source, good: bool) -> None:
        answers.setdefault(answer.text, answer)
        marks.setdefault((answer.text, source), []).append(good)

    for pair in material.pairs:
        mark(pair.chosen, pair.source, True)
        mark(pair.rejected, pair.source, False)
    if material.options.human:
        for answer, score in material.rated():
            if score >= _GOOD or score <= _BAD:
                mark(answer, "human", score >= _GOOD)
        for answer, good in material.tied():
            mark(answer, "human", good)
    # The majority decides; where opinions are even, there is none.
    clear = {key: sum(m) > len(m) / 2 for key, m in marks.items() if sum(m) != len(m) / 2}
    return [
        (
            {"prompt": material.prompt, "completion": _said(answers[text]), "label": label}
            | material.origin(source)
            | answers[text].scores(),
            NEITHER if not answers[text].refuses else REFUSE if label else ANSWER,
        )
        for (text, source), label in clear.items()
    ]


def _prompts(material: Material) -> list[Taught]:
    """The prompt with what rule rewards need: passages, those that the answer cited, a reference answer
    where one is known, and every candidate with its scores."""
    turn = material.turn
    good = [answer.text for answer, score in material.rated() if score >= _GOOD]
    reference = next(iter([*material.corrections(), *good]), None)
    if reference is None and not material.options.judge:
        return []
    passages = turn.passage_texts
    cited = {int(n) for n in _MARK.findall(turn.replied)}
    row = (
        {
            "prompt": material.prompt,
            "question": turn.question,
            "previous": turn.previous,
            "response_type": turn.response_type,
            "documents_hold_answer": turn.documents_hold_answer,
            "passages": passages,
            "cited": [text for n, text in enumerate(passages, 1) if n in cited],
            "reference": reference,
        }
        | material.origin("judge" if reference is None else "human")
        | {
            "candidates": [
                {"text": answer.text, "served": answer.served} | answer.scores()
                for identifier, answer in material.named.items()
                if identifier != turn.id
            ]
        }
    )
    return [(row, NEITHER)]


def pseudonym(name: str) -> str:
    """A name that tells raters apart and nobody who they are."""
    return f"rater-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _side(pair: Pair) -> int:
    if pair.chosen.refuses == pair.rejected.refuses:
        return NEITHER
    if pair.chosen.refuses:
        return REFUSE
    return ANSWER if pair.rejected.refuses else NEITHER


def _said(answer: Answer) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": answer.text}]


_MAKERS: dict[Kind, Callable[[Material], list[Taught]]] = {
    "sft": _imitations,
    "rm": _preferences,
    "dpo": _preferences,
    "kto": _marks,
    "grpo": _prompts,
    "openai-dpo": _openai,
    "labels": labelled,
    "ladders": ladder,
}
