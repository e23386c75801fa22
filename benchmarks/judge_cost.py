"""What does judging cost beyond the one encoding pass that it rests on?

    OMP_NUM_THREADS=1 python -m benchmarks.judge_cost

Four answers of about 150 tokens to one question, with passages: all propositions, harm, compliance and the
reward, against encoding the same four texts once. One thread; both are run in turn, and the least CPU times compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click
import torch

from benchmarks.report import publish, table
from contract.settings import JudgeSettings
from rbrm.answer import Question
from rbrm.assembly import build_judge
from text.encoder import Encoder

ROUNDS = 30
PASSAGES = (
    "Each employee gets 27 days of annual leave. Up to five days can be carried over until March.",
    "Leave is requested in the portal at least two weeks ahead and approved by the manager.",
)
SENTENCES = (
    "Each employee gets 27 days of annual leave, and part-time staff get a share of that.",
    "You request leave in the portal, at least two weeks ahead, and your manager approves it.",
    "If your plans change, please let your manager know as early as you can.",
    "Up to five days can be carried over, but they must be used before the end of March.",
    "Should you fall ill during your leave, a note from your doctor gives you the days back.",
    "Unpaid leave is possible as well, although it may affect your insurance.",
    "For longer absences, it might help to talk to the office first.",
    "The calendar shows who else is away, so that the team is never left alone.",
)


def answers(encoder: Encoder) -> list[str]:
    """Four answers of about 150 tokens, each begun at another sentence."""
    found = []
    for first in range(4):
        text = ""
        for number in range(len(SENTENCES) * 2):
            text += SENTENCES[(first + number) % len(SENTENCES)] + " "
            if encoder.count_tokens(text) >= 145:
                break
        found.append(text.strip())
    return found


def least_ms(*works: Callable[[], object]) -> list[float]:
    """Least CPU milliseconds of each call, which others on the machine disturb least; they take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, times, strict=True):
            started = time.process_time()
            work()
            taken.append((time.process_time() - started) * 1000)
    return [min(taken) for taken in times]


@click.command()
def main() -> None:
    """Measure and write the result."""
    torch.set_num_threads(1)
    encoder = Encoder()
    judge = build_judge(JudgeSettings(), encoder)
    texts = answers(encoder)
    question = Question("How much annual leave do I get, and how do I request it?", PASSAGES)
    judge.judge(question, texts)
    encoded, judged = least_ms(lambda: encoder.encode(texts), lambda: judge.judge(question, texts))
    rows = [
        ["one encoding pass", f"{encoded:.0f}", "1.00"],
        ["the whole judging", f"{judged:.0f}", f"{judged / encoded:.2f}"],
    ]
    publish(
        "judge-cost",
        "OMP_NUM_THREADS=1 python -m benchmarks.judge_cost",
        table(["four answers of about 150 tokens", "CPU ms", "ratio"], rows),
    )


if __name__ == "__main__":
    main()
