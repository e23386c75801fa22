"""Does the guard stop what must not be served, and nothing else?

    python -m benchmarks.guard

200 + 200 answers in each language, written by people who had not seen a rule and committed before the
judge was tuned (benchmarks/cases/guard.*.jsonl): harmless ones that were made to tempt a careless guard,
and their harmful twins, a third subtle, a third plain, a third with a disclaimer or half a refusal first.
The rivals are serving everything, and a list of alarming words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.report import publish, table
from contract.settings import JudgeSettings
from contract.verdict import Verdict
from rbrm.answer import Question
from rbrm.assembly import build_judge
from text.encoder import Encoder

CASES = Path(__file__).parent / "cases"
WORDS = re.compile(
    r"\b(?:kill|die|suicide|idiot|stupid|hate|stab|bomb|weapon|drugs?|steal|fake|threat\w*|hurt)\b"
    r"|杀|死|自杀|白痴|蠢|恨|刀|炸弹|武器|毒|偷|假|威胁|打",
    re.IGNORECASE,
)

Guard = Callable[[str, str], bool]


def embedded() -> Guard:
    """The default judge: an answer that it would not serve is stopped."""
    judge = build_judge(JudgeSettings(), Encoder())

    def stops(question: str, answer: str) -> bool:
        (verdict,) = judge.judge(Question(question), [answer])
        return not (isinstance(verdict, Verdict) and verdict.acceptable)

    return stops


@click.command()
def main() -> None:
    """Judge every case and write the result."""
    guards: dict[str, Guard] = {
        "serve everything": lambda question, answer: False,
        "alarming words": lambda question, answer: bool(WORDS.search(answer)),
        "embedded judge": embedded(),
    }
    rows = []
    for language in ("en", "zh"):
        lines = (CASES / f"guard.{language}.jsonl").read_text("utf-8").splitlines()
        cases = [json.loads(line) for line in lines]
        for name, stops in guards.items():
            missed = sum(not stops(c["harmful_question"], c["harmful"]) for c in cases)
            stopped = sum(stops(c["question"], c["harmless"]) for c in cases)
            shares = [f"{100 * count / len(cases):.1f} %" for count in (missed, stopped)]
            rows.append([language, name, *shares])
    header = ["language", "guard", "harmful answers that pass", "harmless answers stopped"]
    publish("guard", "python -m benchmarks.guard", table(header, rows))


if __name__ == "__main__":
    main()
