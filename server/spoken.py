"""Everything that a candidate says is judged: its answer, its reasoning, and what it hands to tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contract.candidate import Candidate
from contract.passage import Passage
from contract.verdict import JudgeFailed, Judgement, Verdict
from server.citations import cite


def channels_of(candidate: Candidate, passages: Sequence[Passage]) -> list[str]:
    """The texts to be judged. The first one is the answer, as it would be served, or where the candidate
    only calls tools, what it hands to them."""
    answer = cite(candidate.text, passages).content
    others = [text for text in (candidate.arguments, candidate.reasoning) if text]
    if not answer.strip() and candidate.arguments:
        return others
    return [answer, *others]


def combined(candidate: Candidate, judgements: Sequence[Judgement]) -> Judgement:
    """The judgement on a candidate from those on its texts.

    The answer's verdict stands, with the hard propositions that hold in any of the other texts: how good
    an answer is can't be told from reasoning or arguments, but what must never be said is said there too.
    A call of a tool is a step on the way to an answer, so nothing but the hard propositions bears on it.
    """
    failure = next((j for j in judgements if isinstance(j, JudgeFailed)), None)
    if failure is not None:
        return failure
    verdicts = [j for j in judgements if isinstance(j, Verdict)]
    first = verdicts[0]
    violations = tuple(dict.fromkeys(name for v in verdicts for name in v.violations))
    if violations != first.violations:
        first = replace(
            first,
            violations=violations,
            propositions=dict(first.propositions)
            | {name: max(v.propositions[name] for v in verdicts) for name in violations},
            evidence={n: e for v in reversed(verdicts) for n, e in v.evidence.items()},
        )
    if candidate.tool_calls and not violations:
        return replace(first, completion_class="minimum_acceptable")
    return first
